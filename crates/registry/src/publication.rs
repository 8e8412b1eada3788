//! What receivers of governance events are told about the inventory.

use probity_kernel::Publication;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::event::{ModelChanges, RegistryEvent};
use crate::fields::{FieldChange, as_object, put};
use crate::model::RegisteredModel;
use crate::status::ValidationStatus;

/// The governance events that a registry event publishes.
pub(crate) fn publications(event: &RegistryEvent) -> Vec<Publication> {
    match event {
        RegistryEvent::ModelRegistered(model) => vec![registration(model, "registered")],
        RegistryEvent::ModelUpdated(changed) => vec![update(changed)],
        RegistryEvent::ValidationStatusChanged { from, to, changed } => {
            status_change(*from, *to, changed)
        }
        RegistryEvent::ModelDeleted(model) => vec![publication(
            "model.deleted",
            model.id.uuid(),
            format!("Model {} was taken out of the inventory.", model.model_id),
            facts(model),
        )],
        RegistryEvent::ModelsDiscovered { created, .. } => created
            .iter()
            .map(|model| registration(model, "discovered in use"))
            .collect(),
        RegistryEvent::SettingsChanged { .. } | RegistryEvent::UsageRecorded { .. } => Vec::new(),
    }
}

/// The initial status of an entry that did not start as a draft.
pub(crate) fn imported_as(model: &RegisteredModel) -> Option<&'static str> {
    let status = model.validation_status;
    (status != ValidationStatus::Draft).then_some(status.as_str())
}

/// What receivers are told about an entry: no owner, who may be a person, and no free text.
fn facts(model: &RegisteredModel) -> Value {
    json!({
        "model_id": model.model_id.as_str(),
        "provider": model.provider,
        "risk_tier": model.risk_tier.as_str(),
        "validation_status": model.validation_status.as_str(),
    })
}

fn registration(model: &RegisteredModel, how: &str) -> Publication {
    let mut payload = facts(model);
    if let Some(status) = imported_as(model) {
        put(&mut payload, "imported_as", json!(status));
    }
    let reason = format!("Model {} was {how}.", model.model_id);
    publication("model.registered", model.id.uuid(), reason, payload)
}

fn update(changed: &ModelChanges) -> Publication {
    let names: Vec<_> = changed.changes.iter().map(|change| change.field).collect();
    let reason = format!(
        "Model {} was changed: {}.",
        changed.model_id,
        names.join(", ")
    );
    publication(
        "model.updated",
        changed.id.uuid(),
        reason,
        published_changes(changed),
    )
}

/// A move is published as such; where a caller changed more than the status, the rest is published
/// as an update too, so that subscribers to updates miss nothing.
fn status_change(
    from: ValidationStatus,
    to: ValidationStatus,
    changed: &ModelChanges,
) -> Vec<Publication> {
    let mut payload = published_changes(changed);
    put(&mut payload, "from", json!(from.as_str()));
    put(&mut payload, "to", json!(to.as_str()));
    let reason = format!("Model {} moved from {from} to {to}.", changed.model_id);
    let moved = "model.validation_status.changed";
    let mut published = vec![publication(moved, changed.id.uuid(), reason, payload)];
    let is_more = |change: &FieldChange| !FOLLOWS_THE_STATUS.contains(&change.field);
    if changed.changes.iter().any(is_more) {
        published.push(update(changed));
    }
    published
}

/// Fields that a move changes by itself.
const FOLLOWS_THE_STATUS: [&str; 4] = [
    "validation_status",
    "validated_at",
    "validation_expires_at",
    "revalidation_due",
];

/// Fields whose values may concern a person or hold free text: receivers learn that they changed.
const NAMED_ONLY: [&str; 4] = ["display_name", "owner", "description", "tags"];

fn published_changes(changed: &ModelChanges) -> Value {
    let names: Vec<_> = changed.changes.iter().map(|change| change.field).collect();
    let open: Vec<_> = changed
        .changes
        .iter()
        .filter(|change| !NAMED_ONLY.contains(&change.field))
        .cloned()
        .collect();
    json!({
        "model_id": changed.model_id.as_str(),
        "changed_fields": names,
        "changes": as_object(&open),
    })
}

fn publication(
    event_type: &'static str,
    source_id: Uuid,
    trigger_reason: String,
    payload: Value,
) -> Publication {
    Publication {
        event_type,
        source_table: "registered_models",
        source_id,
        product: None,
        trigger_reason,
        payload,
        score_before: None,
        score_after: None,
    }
}
