//! Slack: an incoming webhook that takes a message in blocks.

use probity_kernel::FieldError;
use serde_json::{Value, json};

use super::facts::{Facts, shorten};
use super::settings::Reader;
use super::{Answer, Exchange, HttpRequest, Step, Target, TargetDraft, once, posted};

/// The longest header, section and field of a message, in characters, after escaping.
const HEADER: usize = 150;
const SECTION: usize = 3000;
const FIELD: usize = 2000;
/// The most fields of a section.
const FIELDS: usize = 10;

/// A channel of Slack, by the URL of its incoming webhook.
#[derive(Debug, Clone, Copy)]
pub struct Slack;

impl Target for Slack {
    fn kind(&self) -> &'static str {
        "slack"
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
    let fields = facts.details.iter().take(FIELDS).map(|(name, value)| {
        let text = format!("*{name}*\n{}", escape(value));
        json!({"type": "mrkdwn", "text": cut(&text, FIELD)})
    });
    let title = shorten(&facts.title, HEADER);
    json!({
        "text": cut(&escape(&format!("{}: {}", facts.title, facts.reason)), SECTION),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": false}},
            {"type": "section", "text": {"type": "mrkdwn", "text": cut(&escape(&facts.reason), SECTION)}},
            {"type": "section", "fields": fields.collect::<Vec<_>>()},
        ],
    })
}

/// The three characters that Slack gives a meaning: without them no text mentions a channel or hides a
/// link.
fn escape(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    escaped.replace('>', "&gt;")
}

/// Cut to so many characters, not inside of an escaped one.
fn cut(text: &str, most: usize) -> String {
    let cut = shorten(text, most);
    if cut.len() == text.len() {
        return cut;
    }
    match cut.rfind('&') {
        Some(place) if !cut.get(place..).is_some_and(|rest| rest.contains(';')) => {
            format!("{}…", cut.get(..place).unwrap_or_default())
        }
        _ => cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::tests::{body_of, exchange, hostile, plain};

    #[test]
    fn the_message_has_the_documented_shape() {
        let message = plain();
        let exchange = exchange(&message, "https://hooks.slack.example/services/T/B/x");
        let Step::Send(request) = Slack.step(&exchange.of(), &[]) else {
            panic!("nothing is sent");
        };
        let body = body_of(&request);
        assert_eq!(body["blocks"][0]["type"], "header");
        assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
        assert_eq!(body["blocks"][1]["text"]["type"], "mrkdwn");
        let fields = body["blocks"][2]["fields"].as_array().unwrap();
        assert!((1..=FIELDS).contains(&fields.len()));
        assert_eq!(fields[0]["text"], "*Event*\nrisk_score.changed");
        assert!(!body["text"].as_str().unwrap().is_empty());
    }

    #[test]
    fn no_text_mentions_a_channel_or_goes_beyond_its_bounds() {
        let message = hostile();
        let exchange = exchange(&message, "https://hooks.slack.example/x");
        let Step::Send(request) = Slack.step(&exchange.of(), &[]) else {
            panic!("nothing is sent");
        };
        let body = body_of(&request);
        let blocks = body["blocks"].as_array().unwrap();
        let section = blocks[1]["text"]["text"].as_str().unwrap();
        for text in [section, body["text"].as_str().unwrap()] {
            assert!(!text.contains('<') && !text.contains('>'), "{text}");
            assert!(text.chars().count() <= SECTION);
        }
        let header = blocks[0]["text"]["text"].as_str().unwrap();
        assert!(header.chars().count() <= HEADER);
        assert_eq!(cut("ab&amp;cd", 5), "ab…");
        assert_eq!(cut("ab&amp;cd", 8), "ab&amp;…");
    }
}
