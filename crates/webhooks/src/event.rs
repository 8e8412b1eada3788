//! An event as subscribers see it.

use probity_kernel::{EventId, ProductId};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use probity_kernel::id::to_type_id;

/// The tables whose rows have a spelling of their own, with the prefix of it.
const SPELLINGS: [(&str, &str); 18] = [
    ("alerts", "alrt"),
    ("api_keys", "key"),
    ("data_dependencies", "dep"),
    ("findings", "fnd"),
    ("metric_snapshots", "snap"),
    ("policy_attachments", "pol"),
    ("product_postures", "sys"),
    ("product_versions", "ver"),
    ("products", "sys"),
    ("registered_models", "mdl"),
    ("review_requests", "rev"),
    ("risk_metric_links", "rml"),
    ("risk_mitigations", "mit"),
    ("runtime_events", "rtev"),
    ("safety_metrics", "smet"),
    ("spaces", "spc"),
    ("training_runs", "run"),
    ("webhook_endpoints", "whk"),
];

/// Something that happened, with the leaf that records it.
#[derive(Debug, Clone, PartialEq)]
pub struct GovernanceEvent {
    /// Its id.
    pub id: EventId,
    /// Dotted name, e.g. `risk_score.changed`.
    pub event_type: String,
    /// The kind of thing it came from, as the table that holds it.
    pub source_table: String,
    /// The thing's id.
    pub source_id: Uuid,
    /// The product it is about, where it is about one.
    pub product: Option<ProductId>,
    /// Why it fired, in words.
    pub trigger_reason: String,
    /// Facts for the receiver.
    pub payload: Value,
    /// A score before the change, where there is one.
    pub score_before: Option<f64>,
    /// The score after it.
    pub score_after: Option<f64>,
    /// When it happened.
    pub created_at: OffsetDateTime,
    /// The index of its leaf in the organisation's record.
    pub audit_index: u64,
    /// Its place among the events of that leaf, from 0.
    pub ordinal: u32,
}

impl GovernanceEvent {
    /// The source's id in the spelling of its kind; hyphenated where the kind has none.
    #[must_use]
    pub fn source_spelling(&self) -> String {
        let prefix = SPELLINGS
            .into_iter()
            .find(|(table, _)| *table == self.source_table);
        prefix.map_or_else(
            || self.source_id.to_string(),
            |(_, prefix)| to_type_id(prefix, self.source_id),
        )
    }
}

/// A source's id in either spelling, whatever its kind.
///
/// # Errors
/// `None` for anything else.
#[must_use]
pub fn parse_source(text: &str) -> Option<Uuid> {
    if let Ok(id) = probity_kernel::id::parse_either("", text) {
        return Some(id);
    }
    SPELLINGS
        .into_iter()
        .find_map(|(_, prefix)| probity_kernel::id::parse_either(prefix, text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn event(table: &str) -> GovernanceEvent {
        GovernanceEvent {
            id: EventId::new(Uuid::from_u128(1)),
            event_type: "product.created".to_owned(),
            source_table: table.to_owned(),
            source_id: Uuid::from_u128(2),
            product: None,
            trigger_reason: String::new(),
            payload: Value::Null,
            score_before: None,
            score_after: None,
            created_at: datetime!(2026-03-13 09:00 UTC),
            audit_index: 0,
            ordinal: 0,
        }
    }

    #[test]
    fn a_source_is_spelt_as_its_kind_is() {
        for (table, spelt) in [
            ("products", "sys_00000000000000000000000002"),
            ("findings", "fnd_00000000000000000000000002"),
            ("something_else", "00000000-0000-0000-0000-000000000002"),
        ] {
            let told = event(table).source_spelling();
            assert_eq!(told, spelt);
            assert_eq!(parse_source(&told), Some(Uuid::from_u128(2)), "{table}");
        }
        for text in ["", "sys_", "xyz_00000000000000000000000002", "fnd"] {
            assert_eq!(parse_source(text), None, "{text}");
        }
    }
}
