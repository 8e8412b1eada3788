//! What is delivered: a governance event, or a word of the server itself.

use probity_kernel::id::to_type_id;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::event::GovernanceEvent;

/// The most bytes of a body; the payload of an event that would go beyond is left out, and
/// `payload_omitted` says so.
pub const LARGEST_BODY: usize = 20_000;

/// The type of the message that a new endpoint gets.
pub const PING: &str = "webhook.ping";
/// The type of the message that carries a signed checkpoint of the record.
pub const CHECKPOINT: &str = "audit.checkpoint";

/// A message on its way to an endpoint: the same at every attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// `webhook-id`: the id of the event, `evt_...`, or of the delivery, `dlv_...`.
    pub id: String,
    /// Dotted name.
    pub event_type: String,
    /// When it happened.
    pub at: OffsetDateTime,
    /// What it tells.
    pub content: Content,
}

/// What a message tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A governance event of the record.
    Event(Box<GovernanceEvent>),
    /// A word of the server that stands in no record: a ping, a checkpoint.
    Note(Value),
}

impl Message {
    /// The message of an event.
    #[must_use]
    pub fn of_event(event: GovernanceEvent) -> Self {
        Self {
            id: event.id.type_id(),
            event_type: event.event_type.clone(),
            at: event.created_at,
            content: Content::Event(Box::new(event)),
        }
    }

    /// A word of the server, under the id of its delivery.
    #[must_use]
    pub fn note(delivery: Uuid, event_type: &str, at: OffsetDateTime, data: Value) -> Self {
        Self {
            id: to_type_id("dlv", delivery),
            event_type: event_type.to_owned(),
            at,
            content: Content::Note(data),
        }
    }

    /// The event, where it is one.
    #[must_use]
    pub const fn event(&self) -> Option<&GovernanceEvent> {
        match &self.content {
            Content::Event(event) => Some(event),
            Content::Note(_) => None,
        }
    }

    /// What it tells, as receivers see it.
    #[must_use]
    pub fn data(&self) -> Value {
        match &self.content {
            Content::Event(event) => event_data(event),
            Content::Note(data) => data.clone(),
        }
    }

    /// The body of a plain delivery: `{"type", "timestamp", "data"}`.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let body = self.encode(&self.data());
        if body.len() <= LARGEST_BODY {
            return body;
        }
        let mut data = self.data();
        if let Some(members) = data.as_object_mut() {
            members.insert("payload".to_owned(), Value::Null);
            members.insert("payload_omitted".to_owned(), Value::Bool(true));
        }
        self.encode(&data)
    }

    fn encode(&self, data: &Value) -> Vec<u8> {
        let body = json!({"type": self.event_type, "timestamp": instant(self.at), "data": data});
        body.to_string().into_bytes()
    }
}

/// RFC 3339 text of an instant.
pub(crate) fn instant(at: OffsetDateTime) -> Value {
    at.format(&Rfc3339).map_or(Value::Null, Value::String)
}

/// An event as the listing shows it.
#[must_use]
pub fn event_data(event: &GovernanceEvent) -> Value {
    json!({
        "id": event.id.type_id(),
        "event_type": event.event_type,
        "source_table": event.source_table,
        "source_id": event.source_spelling(),
        "product_id": event.product.map(|product| product.to_string()),
        "trigger_reason": event.trigger_reason,
        "payload": event.payload,
        "score_before": event.score_before,
        "score_after": event.score_after,
        "created_at": instant(event.created_at),
        "audit_index": event.audit_index,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use probity_kernel::EventId;
    use time::macros::datetime;

    /// An event of which the payload is given.
    pub(crate) fn event(payload: Value) -> GovernanceEvent {
        GovernanceEvent {
            id: EventId::new(Uuid::from_u128(1)),
            event_type: "risk_score.changed".to_owned(),
            source_table: "product_postures".to_owned(),
            source_id: Uuid::from_u128(2),
            product: None,
            trigger_reason: "score 62 -> 66".to_owned(),
            payload,
            score_before: Some(62.0),
            score_after: Some(66.0),
            created_at: datetime!(2026-03-13 09:00 UTC),
            audit_index: 41,
            ordinal: 0,
        }
    }

    #[test]
    fn an_event_is_told_as_the_listing_shows_it() {
        let message = Message::of_event(event(json!({"a": 1})));
        let body: Value = serde_json::from_slice(&message.body()).unwrap();
        assert_eq!(
            body,
            json!({
                "type": "risk_score.changed",
                "timestamp": "2026-03-13T09:00:00Z",
                "data": {
                    "id": "evt_00000000000000000000000001",
                    "event_type": "risk_score.changed",
                    "source_table": "product_postures",
                    "source_id": "sys_00000000000000000000000002",
                    "product_id": null,
                    "trigger_reason": "score 62 -> 66",
                    "payload": {"a": 1},
                    "score_before": 62.0,
                    "score_after": 66.0,
                    "created_at": "2026-03-13T09:00:00Z",
                    "audit_index": 41,
                },
            })
        );
        assert_eq!(message.id, "evt_00000000000000000000000001");
    }

    #[test]
    fn a_large_payload_is_left_out_and_that_is_said() {
        let message = Message::of_event(event(json!({"a": "x".repeat(LARGEST_BODY)})));
        let body: Value = serde_json::from_slice(&message.body()).unwrap();
        assert_eq!(body["data"]["payload"], Value::Null);
        assert_eq!(body["data"]["payload_omitted"], true);
        assert!(message.body().len() < 1000);
    }

    #[test]
    fn a_note_has_the_id_of_its_delivery() {
        let at = datetime!(2026-03-13 09:00 UTC);
        let note = Message::note(Uuid::from_u128(3), PING, at, json!({"webhook_id": "x"}));
        assert_eq!(note.id, "dlv_00000000000000000000000003");
        assert_eq!(note.data(), json!({"webhook_id": "x"}));
        assert_eq!(note.event(), None);
    }
}
