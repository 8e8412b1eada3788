//! Microsoft Teams: a workflow webhook that takes an Adaptive Card in its envelope.

use probity_kernel::FieldError;
use serde_json::{Value, json};

use super::facts::{Facts, Gravity, shorten};
use super::settings::Reader;
use super::{Answer, Exchange, HttpRequest, Step, Target, TargetDraft, once, posted};

/// A card may have 28 KB; these bounds keep far below it, every character escaped.
const TITLE: usize = 200;
const TEXT: usize = 2000;
const VALUE: usize = 300;

/// A channel or chat of Teams, by the URL of its workflow.
#[derive(Debug, Clone, Copy)]
pub struct Teams;

impl Target for Teams {
    fn kind(&self) -> &'static str {
        "teams"
    }

    fn check(&self, draft: &TargetDraft<'_>) -> Result<(), Vec<FieldError>> {
        Reader::takes_nothing(draft)
    }

    fn is_signed(&self) -> bool {
        false
    }

    fn step(&self, exchange: &Exchange<'_>, answers: &[Answer]) -> Step {
        once(answers, || request(exchange))
    }
}

fn request(exchange: &Exchange<'_>) -> HttpRequest {
    let body = message(&Facts::of(exchange.message));
    posted(exchange.url.url().clone(), &body, Vec::new())
}

fn message(facts: &Facts) -> Value {
    let color = match facts.gravity {
        Some(Gravity::Critical | Gravity::High) => "Attention",
        Some(Gravity::Medium) => "Warning",
        Some(Gravity::Low) | None => "Default",
    };
    let details = facts.details.iter();
    let details: Vec<Value> = details
        .map(|(name, value)| json!({"title": name, "value": escape(&shorten(value, VALUE))}))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    {"type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true, "color": color,
                     "text": escape(&shorten(&facts.title, TITLE))},
                    {"type": "TextBlock", "wrap": true, "text": escape(&shorten(&facts.reason, TEXT))},
                    {"type": "FactSet", "facts": details},
                ],
            },
        }],
    })
}

/// Cards read a part of Markdown: a backslash takes the meaning from its characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '`' | '<' | '>' | '~' | '!'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Outcome;
    use crate::target::tests::{body_of, exchange, hostile, plain};

    #[test]
    fn the_card_comes_in_the_envelope_of_workflows() {
        let message = plain();
        let exchange = exchange(&message, "https://prod.logic.example/workflows/x");
        let Step::Send(request) = Teams.step(&exchange.of(), &[]) else {
            panic!("nothing is sent");
        };
        let body = body_of(&request);
        assert_eq!(body["type"], "message");
        let attachment = &body["attachments"][0];
        assert_eq!(
            attachment["contentType"],
            "application/vnd.microsoft.card.adaptive"
        );
        let card = &attachment["content"];
        assert_eq!(
            (&card["type"], &card["version"]),
            (&json!("AdaptiveCard"), &json!("1.4"))
        );
        let kinds: Vec<_> = card["body"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["type"])
            .collect();
        assert_eq!(kinds, ["TextBlock", "TextBlock", "FactSet"]);
        let first = &card["body"][2]["facts"][0];
        assert_eq!(
            (&first["title"], &first["value"]),
            (&json!("Event"), &json!("risk\\_score.changed"))
        );
        assert!(matches!(
            Teams.step(&exchange.of(), &[Answer { status: 202, retry_after: None, body: Vec::new() }]),
            Step::End(outcome) if outcome == Outcome::of_status(202)
        ));
    }

    #[test]
    fn no_text_becomes_a_link_and_the_card_stays_small() {
        let message = hostile();
        let exchange = exchange(&message, "https://prod.logic.example/x");
        let Step::Send(request) = Teams.step(&exchange.of(), &[]) else {
            panic!("nothing is sent");
        };
        assert!(request.body.len() < 28_000, "{}", request.body.len());
        let body = body_of(&request);
        let text = body["attachments"][0]["content"]["body"][1]["text"]
            .as_str()
            .unwrap();
        assert!(
            text.starts_with("\\<\\!channel\\> \\[click\\]\\(https://evil.example\\)"),
            "{text}"
        );
    }
}
