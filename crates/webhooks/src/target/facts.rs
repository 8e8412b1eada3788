//! What every ready-made target tells of a message, before it takes a receiver's form.

use probity_kernel::ProductId;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;

use crate::message::{CHECKPOINT, Message, PING};

/// How grave a message is, where it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gravity {
    Low,
    Medium,
    High,
    Critical,
}

impl Gravity {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    fn of(text: &str) -> Option<Self> {
        match text {
            "low" => Some(Self::Low),
            "medium" | "AMBER" => Some(Self::Medium),
            "high" => Some(Self::High),
            "critical" | "RED" => Some(Self::Critical),
            _ => None,
        }
    }
}

/// A message in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// One line: what happened.
    pub(super) title: String,
    /// Why, in words.
    pub(super) reason: String,
    /// Names and values, in order; none empty.
    pub(super) details: Vec<(&'static str, String)>,
    pub(super) gravity: Option<Gravity>,
}

impl Facts {
    pub(super) fn of(message: &Message) -> Self {
        let at = message.at.format(&Rfc3339).unwrap_or_default();
        let Some(event) = message.event() else {
            return Self {
                title: note_title(message).to_owned(),
                reason: "This message comes from the server itself.".to_owned(),
                details: vec![("When", at), ("Message", message.id.clone())],
                gravity: None,
            };
        };
        let text = |name: &str| event.payload.get(name).and_then(Value::as_str);
        let gravity = text("severity").or_else(|| text("status"));
        let gravity = gravity.and_then(Gravity::of);
        let heading = text("title").unwrap_or(&event.event_type);
        let product = event.product.map(ProductId::type_id);
        let details = [
            ("Event", Some(event.event_type.clone())),
            ("Severity", gravity.map(|one| one.as_str().to_owned())),
            ("Product", product),
            ("Source", Some(event.source_spelling())),
            ("Score", score(event.score_before, event.score_after)),
            ("When", Some(at)),
            ("Record", Some(format!("leaf {}", event.audit_index))),
        ];
        let told = details
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        Self {
            title: heading.to_owned(),
            reason: event.trigger_reason.clone(),
            details: told.collect(),
            gravity,
        }
    }
}

fn note_title(message: &Message) -> &'static str {
    match message.event_type.as_str() {
        PING => "This endpoint is connected",
        CHECKPOINT => "A checkpoint of the record was signed",
        _ => "A word of the server",
    }
}

fn score(before: Option<f64>, after: Option<f64>) -> Option<String> {
    match (before, after) {
        (Some(before), Some(after)) => Some(format!("{before} to {after}")),
        (None, Some(after)) => Some(after.to_string()),
        (_, None) => None,
    }
}

/// At most `most` characters, the last of them an ellipsis where some were left out.
pub(super) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::event;
    use serde_json::json;

    #[test]
    fn a_message_is_told_in_words() {
        let message = Message::of_event(event(json!({"severity": "critical", "title": "too hot"})));
        let facts = Facts::of(&message);
        assert_eq!(facts.title, "too hot");
        assert_eq!(facts.gravity, Some(Gravity::Critical));
        assert!(
            facts
                .details
                .contains(&("Event", "risk_score.changed".to_owned()))
        );
        let red = Facts::of(&Message::of_event(event(json!({"status": "RED"}))));
        assert_eq!(red.gravity, Some(Gravity::Critical));
        assert_eq!(red.title, "risk_score.changed");
        assert_eq!(
            Facts::of(&Message::of_event(event(json!([])))).gravity,
            None
        );
    }

    #[test]
    fn texts_are_cut_by_characters() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äö…");
    }
}
