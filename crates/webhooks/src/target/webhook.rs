//! The plain target: the message itself, signed as the Standard Webhooks specification says.

use probity_kernel::FieldError;

use super::{Answer, Exchange, HttpRequest, Method, Step, Target, TargetDraft, once};

/// A receiver that verifies signatures.
#[derive(Debug, Clone, Copy)]
pub struct Webhook;

impl Target for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn check(&self, draft: &TargetDraft<'_>) -> Result<(), Vec<FieldError>> {
        let needless = |field, holds: bool| {
            let message = "is not used by endpoints of kind webhook";
            holds.then(|| FieldError::new(field, "not_allowed", message))
        };
        let faults: Vec<FieldError> = [
            needless("/settings", !draft.settings.is_empty()),
            needless("/credential", draft.credential.is_some()),
        ]
        .into_iter()
        .flatten()
        .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    fn step(&self, exchange: &Exchange<'_>, answers: &[Answer]) -> Step {
        once(answers, || request(exchange))
    }
}

fn request(exchange: &Exchange<'_>) -> HttpRequest {
    let body = exchange.message.body();
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(signed(exchange, &body));
    HttpRequest {
        method: Method::Post,
        url: exchange.url.url().clone(),
        headers,
        body,
    }
}

/// The headers by which a receiver knows the message and verifies the body.
pub(super) fn signed(exchange: &Exchange<'_>, body: &[u8]) -> Vec<(&'static str, String)> {
    let (id, timestamp) = (&exchange.message.id, exchange.now.unix_timestamp());
    let mut signatures = Vec::with_capacity(exchange.secrets.len());
    for secret in exchange.secrets {
        signatures.push(secret.sign(id, timestamp, body));
        if exchange.with_pair {
            signatures.push(secret.sign_with_pair(id, timestamp, body));
        }
    }
    vec![
        ("webhook-id", id.clone()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::message::tests::event;
    use crate::signature::{Signed, SigningSecret};
    use crate::target::Outcome;
    use crate::target::Verdict;
    use crate::target_url::TargetRules;
    use serde_json::{Map, json};
    use time::macros::datetime;

    #[test]
    fn the_message_is_posted_with_every_live_signature() {
        let message = Message::of_event(event(json!({})));
        let url = TargetRules::default().parse("https://receiver.example/hook");
        let (url, settings) = (url.unwrap(), Map::new());
        let secrets = [1, 2].map(|seed| SigningSecret::from_bytes(vec![seed; 32]).unwrap());
        let now = datetime!(2026-03-13 09:00:05 UTC);
        let mut exchange = Exchange {
            message: &message,
            url: &url,
            settings: &settings,
            credential: None,
            secrets: &secrets,
            with_pair: false,
            state: None,
            now,
        };
        let Step::Send(request) = Webhook.step(&exchange, &[]) else {
            panic!("nothing is sent");
        };
        let header = |name| {
            let found = request.headers.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_str()).unwrap()
        };
        let signed = Signed {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp").parse().unwrap(),
            signatures: header("webhook-signature"),
            body: &request.body,
        };
        assert!(secrets.iter().all(|secret| secret.verifies(&signed, now)));
        exchange.with_pair = true;
        let Step::Send(request) = Webhook.step(&exchange, &[]) else {
            panic!("nothing is sent");
        };
        let signatures = &request.headers.last().unwrap().1;
        assert_eq!(signatures.matches("v1a,").count(), 2);
    }

    #[test]
    fn only_2xx_is_success_and_410_is_the_end() {
        for (status, delivered, gone) in [
            (200, true, false),
            (204, true, false),
            (299, true, false),
            (301, false, false),
            (400, false, false),
            (410, false, true),
            (500, false, false),
        ] {
            let verdict = Outcome::of_status(status).verdict;
            assert_eq!(verdict == Verdict::Delivered, delivered, "{status}");
            assert_eq!(verdict == Verdict::Gone, gone, "{status}");
        }
    }
}
