//! How a message becomes requests to one kind of receiver, and what their answers mean.
//!
//! A target is a pure function: given a message, an endpoint's settings and the answers so far, it says
//! what to send next or how the attempt ended. The dispatcher does the rest: it checks every address,
//! bounds time and bytes, follows no redirect, and keeps what a target wants to be carried back.

mod facts;
mod jira;
mod linear;
mod settings;
mod slack;
mod teams;
mod template;
mod webhook;

use probity_kernel::FieldError;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use url::Url;

pub use self::jira::Jira;
pub use self::linear::Linear;
pub use self::slack::Slack;
pub use self::teams::Teams;
pub use self::template::Template;
pub use self::webhook::Webhook;
use crate::message::Message;
use crate::signature::SigningSecret;
use crate::target_url::TargetUrl;

/// How many requests one attempt may take.
pub const MOST_STEPS: usize = 8;
/// How many bytes of an answer a target gets to see; what is beyond is not read.
pub const LARGEST_ANSWER: usize = 64 << 10;

/// One kind of receiver. Implementations hold no state of their own.
pub trait Target: Send + Sync {
    /// The `kind` of its endpoints, `snake_case`.
    fn kind(&self) -> &'static str;

    /// Judges the settings of an endpoint of this kind when it is registered or changed. JSON Pointers
    /// begin with `/settings`; a missing or needless credential is a fault of `/credential`.
    ///
    /// # Errors
    /// One [`FieldError`] per fault.
    fn check(&self, draft: &TargetDraft<'_>) -> Result<(), Vec<FieldError>>;

    /// Whether requests carry our signatures, so that an endpoint needs a secret.
    fn is_signed(&self) -> bool {
        true
    }

    /// Whether attempts carry something back: whoever makes one has to read it first.
    fn keeps_state(&self) -> bool {
        false
    }

    /// What the state is kept under that attempts for this message read and write, at most 200 bytes:
    /// messages about the same thing share it. `None` where nothing is carried back.
    fn state_key(&self, message: &Message) -> Option<String> {
        let _ = message;
        None
    }

    /// The next step of an attempt: `answers` are those to the requests it sent so far, in order. An
    /// attempt begins anew with no answers, so a step that must not be done twice looks first.
    fn step(&self, exchange: &Exchange<'_>, answers: &[Answer]) -> Step;
}

/// The settings of an endpoint before they are taken.
#[derive(Debug, Clone, Copy)]
pub struct TargetDraft<'a> {
    /// Where it lies.
    pub url: &'a TargetUrl,
    /// The settings, an object whose members depend on the kind.
    pub settings: &'a Map<String, Value>,
    /// The receiver's credential as it came in, if one came in.
    pub credential: Option<&'a str>,
    /// Whether a credential is kept from before.
    pub keeps_credential: bool,
}

/// What an attempt works with.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The message, the same at every attempt.
    pub message: &'a Message,
    /// The endpoint's URL.
    pub url: &'a TargetUrl,
    /// The endpoint's settings.
    pub settings: &'a Map<String, Value>,
    /// The receiver's credential, for a request header. Never part of a URL or of an error.
    pub credential: Option<&'a str>,
    /// The live signing secrets, newest first.
    pub secrets: &'a [SigningSecret],
    /// Whether `v1a` signatures are wanted beside `v1`.
    pub with_pair: bool,
    /// What earlier attempts, and earlier messages under the same key, carried back.
    pub state: Option<&'a Value>,
    /// When the attempt is made.
    pub now: OffsetDateTime,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this and come back with the answer.
    Send(Box<HttpRequest>),
    /// The attempt is over.
    End(Outcome),
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

/// A request as a target wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The URL; its address is checked like that of the endpoint.
    pub url: Url,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Retry-After` as it came.
    pub retry_after: Option<String>,
    /// The body up to [`LARGEST_ANSWER`] bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// What to keep under [`Target::state_key`] in place of what was there; `None` keeps that. Kept
    /// after a failure too, so that what was done is not done again.
    pub state: Option<Value>,
}

/// What an attempt achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Delivered,
    /// It does not; to be tried again. The text names the reason without any of the answer's words.
    Failed(String),
    /// The receiver is gone for good (410): the endpoint is disabled.
    Gone,
}

impl Outcome {
    /// An outcome that carries nothing back.
    #[must_use]
    pub const fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            state: None,
        }
    }

    /// What the status of a single answer means: 2xx is success and 410 is the end; all else is a
    /// failure, redirects included.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        Self::of(match status {
            200..=299 => Verdict::Delivered,
            410 => Verdict::Gone,
            300..=399 => Verdict::Failed(format!("status {status}: redirects are not followed")),
            _ => Verdict::Failed(format!("status {status}")),
        })
    }
}

/// The targets that there are.
pub const TARGETS: [&dyn Target; 6] = [&Webhook, &Slack, &Teams, &Jira, &Linear, &Template];

/// The target of a kind.
#[must_use]
pub fn target(kind: &str) -> Option<&'static dyn Target> {
    TARGETS.into_iter().find(|target| target.kind() == kind)
}

/// One request, whose status decides.
fn once(answers: &[Answer], request: impl FnOnce() -> HttpRequest) -> Step {
    match answers.last() {
        Some(answer) => Step::End(Outcome::of_status(answer.status)),
        None => Step::Send(Box::new(request())),
    }
}

/// A JSON body, posted.
fn posted(url: Url, body: &Value, more: Vec<(&'static str, String)>) -> HttpRequest {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(more);
    HttpRequest {
        method: Method::Post,
        url,
        headers,
        body: body.to_string().into_bytes(),
    }
}

/// What messages about the same thing share, so that they end in one ticket: the alert they tell of; the
/// product, where they tell of its metrics; otherwise their source. `None` for a word of the server.
fn thing_of(message: &Message) -> Option<String> {
    let event = message.event()?;
    let text = |name: &str| event.payload.get(name).and_then(Value::as_str);
    let of_metrics = event.source_table == "metric_snapshots" || text("metric").is_some();
    if let Some(product) = event.product.filter(|_| of_metrics) {
        return Some(format!("metrics-{product}"));
    }
    let alert = text("alert_id").and_then(|id| id.parse::<uuid::Uuid>().ok());
    Some(alert.unwrap_or(event.source_id).to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::message::tests::event;
    use crate::target_url::TargetRules;
    use probity_kernel::{EventId, ProductId};
    use serde_json::json;
    use time::macros::datetime;
    use uuid::Uuid;

    /// What an exchange borrows.
    pub(crate) struct Held<'a> {
        message: &'a Message,
        url: TargetUrl,
        pub(crate) settings: Map<String, Value>,
        pub(crate) credential: Option<&'a str>,
        secrets: Vec<SigningSecret>,
    }

    pub(crate) fn exchange<'a>(message: &'a Message, url: &str) -> Held<'a> {
        Held {
            message,
            url: TargetRules::default().parse(url).unwrap(),
            settings: Map::new(),
            credential: None,
            secrets: vec![SigningSecret::from_bytes(vec![7; 32]).unwrap()],
        }
    }

    impl Held<'_> {
        pub(crate) fn of(&self) -> Exchange<'_> {
            self.with(None)
        }

        fn with<'b>(&'b self, state: Option<&'b Value>) -> Exchange<'b> {
            Exchange {
                message: self.message,
                url: &self.url,
                settings: &self.settings,
                credential: self.credential,
                secrets: &self.secrets,
                with_pair: false,
                state,
                now: datetime!(2026-03-13 09:00:05 UTC),
            }
        }
    }

    pub(crate) fn plain() -> Message {
        Message::of_event(event(json!({"severity": "high"})))
    }

    /// Another message about the same thing.
    pub(crate) fn second() -> Message {
        let mut other = event(json!({"severity": "high"}));
        other.id = EventId::new(Uuid::from_u128(99));
        Message::of_event(other)
    }

    /// A message whose texts try to be more than texts.
    pub(crate) fn hostile() -> Message {
        let mut hostile = event(json!({"title": "<!here> ".repeat(100), "x": "}}\"{{"}));
        let attack = "<!channel> [click](https://evil.example) \"q\" & {{data}} \\ \u{1}";
        hostile.trigger_reason = format!("{attack}{}", "<x>".repeat(3000));
        Message::of_event(hostile)
    }

    pub(crate) fn body_of(request: &HttpRequest) -> Value {
        serde_json::from_slice(&request.body).unwrap()
    }

    /// A server of ours.
    pub(crate) trait Receiver {
        fn answer(&mut self, request: &HttpRequest) -> (u16, Value);
    }

    /// Attempts until it is delivered. The answer to the n-th request is lost where the n-th bit says
    /// so: what was asked has been done, and the attempt ends without knowing.
    pub(crate) fn deliver(
        target: &dyn Target,
        server: &mut dyn Receiver,
        held: &Held<'_>,
        state: &mut Option<Value>,
        lost: u32,
    ) {
        let mut requests = 0;
        for _ in 0..40 {
            let mut answers = Vec::new();
            loop {
                match target.step(&held.with(state.as_ref()), &answers) {
                    Step::Send(request) => {
                        let (status, body) = server.answer(&request);
                        let is_lost = lost.checked_shr(requests).is_some_and(|bits| bits & 1 == 1);
                        requests += 1;
                        if is_lost {
                            break;
                        }
                        answers.push(Answer {
                            status,
                            retry_after: None,
                            body: body.to_string().into_bytes(),
                        });
                        assert!(answers.len() <= MOST_STEPS);
                    }
                    Step::End(outcome) => {
                        *state = outcome.state.or_else(|| state.take());
                        if outcome.verdict == Verdict::Delivered {
                            return;
                        }
                        break;
                    }
                }
            }
        }
        panic!("never delivered");
    }

    #[test]
    fn kinds_are_told_apart_and_found() {
        for one in TARGETS {
            let found = target(one.kind()).unwrap();
            assert_eq!(found.kind(), one.kind());
        }
        assert!(target("carrier_pigeon").is_none());
    }

    #[test]
    fn what_belongs_together_is_one_thing() {
        assert_eq!(thing_of(&plain()), thing_of(&second()));
        let product = ProductId::new(Uuid::from_u128(5));
        let mut trigger = event(json!({"status": "RED"}));
        trigger.source_table = "metric_snapshots".to_owned();
        trigger.product = Some(product);
        let mut over =
            event(json!({"metric": "drift", "alert_id": Uuid::from_u128(6).to_string()}));
        over.source_table = "alerts".to_owned();
        over.product = Some(product);
        let things = [trigger, over].map(|event| thing_of(&Message::of_event(event)));
        assert_eq!(things[0], Some(format!("metrics-{product}")));
        assert_eq!(things[0], things[1]);
        let alert = event(json!({"alert_id": Uuid::from_u128(6).to_string()}));
        let thing = thing_of(&Message::of_event(alert));
        assert_eq!(thing, Some(Uuid::from_u128(6).to_string()));
        let now = datetime!(2026-03-13 09:00 UTC);
        let ping = Message::note(Uuid::from_u128(1), crate::message::PING, now, json!({}));
        assert_eq!(thing_of(&ping), None);
    }

    #[test]
    fn every_target_takes_a_ping() {
        let now = datetime!(2026-03-13 09:00 UTC);
        let ping = Message::note(Uuid::from_u128(1), crate::message::PING, now, json!({}));
        for target in TARGETS {
            let mut held = exchange(&ping, "https://receiver.example/");
            held.settings.insert("body".to_owned(), json!("{{type}}"));
            held.credential = Some("a:b");
            assert_eq!(target.state_key(&ping), None, "{}", target.kind());
            let Step::Send(_) = target.step(&held.of(), &[]) else {
                panic!("{} sends nothing", target.kind());
            };
            let answer = Answer {
                status: 200,
                retry_after: None,
                body: json!({"data": {"viewer": {"id": "x"}}})
                    .to_string()
                    .into_bytes(),
            };
            let Step::End(outcome) = target.step(&held.of(), &[answer]) else {
                panic!("{} goes on", target.kind());
            };
            assert_eq!(outcome.verdict, Verdict::Delivered, "{}", target.kind());
        }
    }
}
