//! Entries and settings as named values, so that two states can be told apart field by field.

use serde_json::{Map, Value, json};

use crate::instant::optional_timestamp;
use crate::model::RegisteredModel;
use crate::settings::RegistrySettings;

/// A field with its value before and after; null where there was or is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field's name, as in the contract.
    pub field: &'static str,
    /// Its value before.
    pub before: Value,
    /// Its value after.
    pub after: Value,
}

/// Every field that differs between two states; an entry that is not there has only nulls.
pub(crate) fn changes(
    before: Option<&RegisteredModel>,
    after: Option<&RegisteredModel>,
) -> Vec<FieldChange> {
    match (before, after) {
        (Some(before), Some(after)) => differences(&model_fields(before), &model_fields(after)),
        (Some(before), None) => differences(&model_fields(before), &[]),
        (None, Some(after)) => differences(&[], &model_fields(after)),
        (None, None) => Vec::new(),
    }
}

/// Every setting that differs.
pub(crate) fn settings_changes(
    before: &RegistrySettings,
    after: &RegistrySettings,
) -> Vec<FieldChange> {
    differences(&settings_fields(before), &settings_fields(after))
}

type Fields = Vec<(&'static str, Value)>;

/// Both lists name their fields in the same order, or one of them is empty.
fn differences(
    before: &[(&'static str, Value)],
    after: &[(&'static str, Value)],
) -> Vec<FieldChange> {
    let names = if after.is_empty() { before } else { after };
    let value_at = |fields: &[(&'static str, Value)], place: usize| {
        fields
            .get(place)
            .map_or(Value::Null, |(_, value)| value.clone())
    };
    let pairs = names
        .iter()
        .enumerate()
        .map(|(place, (field, _))| FieldChange {
            field,
            before: value_at(before, place),
            after: value_at(after, place),
        });
    pairs
        .filter(|change| change.before != change.after)
        .collect()
}

/// What of an entry is recorded. Taking it apart field by field makes a new field a compile error
/// until somebody decides whether it belongs into the record.
fn model_fields(model: &RegisteredModel) -> Fields {
    let RegisteredModel {
        id: _,           // the event's subject
        organization: _, // whose record it is
        model_id,
        provider,
        display_name,
        risk_tier,
        validation_status,
        owner,
        description,
        tags,
        exposure,
        purpose,
        technique,
        last_seen_at,
        validated_at,
        validation_expires_at,
        revalidation_due,
        created_at: _, // the record's own instant
        updated_at: _, // likewise
        version: _,    // counts the records
    } = model;
    vec![
        ("model_id", json!(model_id.as_str())),
        ("provider", json!(provider)),
        ("display_name", json!(display_name)),
        ("risk_tier", json!(risk_tier.as_str())),
        ("validation_status", json!(validation_status.as_str())),
        ("owner", json!(owner)),
        ("description", json!(description)),
        ("tags", json!(tags.as_map())),
        ("exposure", json!(exposure.map(crate::Exposure::as_str))),
        ("purpose", json!(purpose.map(crate::Purpose::as_str))),
        ("technique", json!(technique.as_str())),
        ("last_seen_at", optional_timestamp(*last_seen_at)),
        ("validated_at", optional_timestamp(*validated_at)),
        (
            "validation_expires_at",
            optional_timestamp(*validation_expires_at),
        ),
        ("revalidation_due", json!(revalidation_due)),
    ]
}

fn settings_fields(settings: &RegistrySettings) -> Fields {
    let RegistrySettings {
        profile,
        separation_of_duties,
        validation_months,
        materiality_months,
    } = settings;
    vec![
        ("profile", json!(profile.as_str())),
        ("separation_of_duties", json!(separation_of_duties)),
        ("validation_months", json!(validation_months.to_map())),
        ("materiality_months", json!(materiality_months.to_map())),
    ]
}

/// Adds a member to an object.
pub(crate) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// The changes as an object: field name to `before` and `after`.
pub(crate) fn as_object(changes: &[FieldChange]) -> Value {
    let members = changes.iter().map(|change| {
        let value = json!({ "before": change.before, "after": change.after });
        (change.field.to_owned(), value)
    });
    Value::Object(members.collect::<Map<_, _>>())
}
