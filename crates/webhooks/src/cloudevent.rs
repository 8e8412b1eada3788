//! Governance events as `CloudEvents` 1.0, in the JSON format.
//!
//! | attribute | value |
//! |---|---|
//! | `specversion` | `1.0` |
//! | `id` | the event's id, `evt_...` |
//! | `source` | `urn:probity:organization:<uuid>`; together with `id` it names the event everywhere |
//! | `type` | the dotted name, as filters take it |
//! | `subject` | the source's id in the spelling of its kind |
//! | `time` | when it happened |
//! | `datacontenttype` | `application/json` |
//! | `auditindex` | the index of its leaf, as text: the integers of `CloudEvents` have 32 bits |
//! | `productid` | the product it is about, where it is about one |
//! | `data` | the facts: `source_table`, `trigger_reason`, `payload`, `score_before`, `score_after` |

use probity_kernel::OrganizationId;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::event::GovernanceEvent;

/// The media type of one event.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";
/// The media type of a list of events.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// The event in structured mode.
#[must_use]
pub fn render(organization: OrganizationId, event: &GovernanceEvent) -> Value {
    let mut rendered = json!({
        "specversion": "1.0",
        "id": event.id.type_id(),
        "source": format!("urn:probity:organization:{organization}"),
        "type": event.event_type,
        "subject": event.source_spelling(),
        "time": event.created_at.format(&Rfc3339).ok(),
        "datacontenttype": "application/json",
        "auditindex": event.audit_index.to_string(),
        "data": {
            "source_table": event.source_table,
            "trigger_reason": event.trigger_reason,
            "payload": event.payload,
            "score_before": event.score_before,
            "score_after": event.score_after,
        },
    });
    if let (Some(product), Some(members)) = (event.product, rendered.as_object_mut()) {
        members.insert("productid".to_owned(), json!(product.to_string()));
    }
    rendered
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_kernel::{EventId, ProductId};
    use time::macros::datetime;
    use uuid::Uuid;

    fn event(product: Option<ProductId>) -> GovernanceEvent {
        GovernanceEvent {
            id: EventId::new(Uuid::from_u128(1)),
            event_type: "risk_score.changed".to_owned(),
            source_table: "product_postures".to_owned(),
            source_id: Uuid::from_u128(2),
            product,
            trigger_reason: "The score fell.".to_owned(),
            payload: json!({"a": 1}),
            score_before: Some(62.0),
            score_after: None,
            created_at: datetime!(2026-03-13 09:00:00.5 UTC),
            audit_index: 5_000_000_000,
            ordinal: 0,
        }
    }

    #[test]
    fn attributes_are_named_and_typed_as_the_specification_says() {
        let organization = OrganizationId::new(Uuid::from_u128(3));
        let product = ProductId::new(Uuid::from_u128(2));
        let rendered = render(organization, &event(Some(product)));
        assert_eq!(
            rendered,
            json!({
                "specversion": "1.0",
                "id": "evt_00000000000000000000000001",
                "source": "urn:probity:organization:00000000-0000-0000-0000-000000000003",
                "type": "risk_score.changed",
                "subject": "sys_00000000000000000000000002",
                "time": "2026-03-13T09:00:00.5Z",
                "datacontenttype": "application/json",
                "auditindex": "5000000000",
                "productid": "00000000-0000-0000-0000-000000000002",
                "data": {
                    "source_table": "product_postures",
                    "trigger_reason": "The score fell.",
                    "payload": {"a": 1},
                    "score_before": 62.0,
                    "score_after": null,
                },
            })
        );
        let known = rendered.as_object().unwrap();
        for name in known.keys() {
            let plain = name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            assert!(plain && name.len() <= 20, "{name}");
        }
        // What is absent has no attribute: null is no value of one.
        let without = render(organization, &event(None));
        assert!(without.get("productid").is_none());
    }
}
