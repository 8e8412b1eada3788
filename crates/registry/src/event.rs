//! What happened to the inventory, told once.

use probity_kernel::{DomainEvent, OrganizationId, Publication, RegisteredModelId, Subject, Trail};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::discovery::LastSeen;
use crate::fields::{FieldChange, as_object, changes, put, settings_changes};
use crate::instant::{optional_timestamp, timestamp};
use crate::model::{ModelIdentifier, RegisteredModel};
use crate::publication::{imported_as, publications};
use crate::settings::RegistrySettings;
use crate::status::ValidationStatus;

/// What happened to one entry that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelChanges {
    /// The entry.
    pub id: RegisteredModelId,
    /// Its identifier.
    pub model_id: ModelIdentifier,
    /// Every field that differs.
    pub changes: Vec<FieldChange>,
}

/// What happened to the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryEvent {
    /// An entry was made.
    ModelRegistered(Box<RegisteredModel>),
    /// Fields of an entry changed, its status not among them.
    ModelUpdated(ModelChanges),
    /// The status of an entry changed, and perhaps other fields with it.
    ValidationStatusChanged {
        /// The status before.
        from: ValidationStatus,
        /// The status after.
        to: ValidationStatus,
        /// The entry and every field that differs.
        changed: ModelChanges,
    },
    /// An entry was taken out.
    ModelDeleted(Box<RegisteredModel>),
    /// Discovery ran.
    ModelsDiscovered {
        /// Whose inventory it is.
        organization: OrganizationId,
        /// The entries that were made.
        created: Vec<RegisteredModel>,
        /// The entries whose model was seen later than they knew.
        seen: Vec<LastSeen>,
    },
    /// The settings changed.
    SettingsChanged {
        /// Whose settings they are.
        organization: OrganizationId,
        /// Every setting that differs.
        changes: Vec<FieldChange>,
    },
    /// Usage was added to the roll-ups.
    UsageRecorded {
        /// Whose usage it is.
        organization: OrganizationId,
        /// How many requests.
        requests: u64,
        /// How many roll-ups they went into.
        roll_ups: u64,
        /// The earliest request.
        first_seen_at: Option<OffsetDateTime>,
        /// The latest request.
        last_seen_at: Option<OffsetDateTime>,
    },
}

impl RegistryEvent {
    /// The event of an entry's going from one state to the next.
    #[must_use]
    pub fn updated(before: &RegisteredModel, after: &RegisteredModel) -> Self {
        let changed = ModelChanges {
            id: after.id,
            model_id: after.model_id.clone(),
            changes: changes(Some(before), Some(after)),
        };
        let (from, to) = (before.validation_status, after.validation_status);
        if from == to {
            Self::ModelUpdated(changed)
        } else {
            Self::ValidationStatusChanged { from, to, changed }
        }
    }

    /// The event of new settings.
    #[must_use]
    pub fn configured(
        organization: OrganizationId,
        before: &RegistrySettings,
        after: &RegistrySettings,
    ) -> Self {
        let changes = settings_changes(before, after);
        Self::SettingsChanged {
            organization,
            changes,
        }
    }

    /// Whether the event tells of fields that changed and there are none.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        match self {
            Self::ModelUpdated(changed) => changed.changes.is_empty(),
            Self::SettingsChanged { changes, .. } => changes.is_empty(),
            Self::ModelRegistered(_)
            | Self::ValidationStatusChanged { .. }
            | Self::ModelDeleted(_)
            | Self::ModelsDiscovered { .. }
            | Self::UsageRecorded { .. } => false,
        }
    }
}

impl DomainEvent for RegistryEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::ModelRegistered(_) => "model.registered",
            Self::ModelUpdated(_) => "model.updated",
            Self::ValidationStatusChanged { .. } => "model.validation_status.changed",
            Self::ModelDeleted(_) => "model.deleted",
            Self::ModelsDiscovered { .. } => "model.discovered",
            Self::SettingsChanged { .. } => "registry.settings.changed",
            Self::UsageRecorded { .. } => "ai_requests.recorded",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Self::ModelRegistered(model) | Self::ModelDeleted(model) => entry(model.id),
            Self::ModelUpdated(changed) | Self::ValidationStatusChanged { changed, .. } => {
                entry(changed.id)
            }
            Self::ModelsDiscovered { organization, .. }
            | Self::SettingsChanged { organization, .. }
            | Self::UsageRecorded { organization, .. } => Subject {
                kind: "model_registry",
                id: organization.uuid(),
            },
        }
    }

    /// The settings have a history of their own. A discovery stands in the history of every entry that it made or that was seen.
    fn trails(&self) -> Vec<Trail> {
        let trail = |subject| Trail {
            subject,
            product: None,
        };
        if let Self::SettingsChanged { organization, .. } = self {
            return vec![trail(Subject {
                kind: "registry_settings",
                id: organization.uuid(),
            })];
        }
        let mut trails = vec![trail(self.subject())];
        if let Self::ModelsDiscovered { created, seen, .. } = self {
            trails.extend(created.iter().map(|model| trail(entry(model.id))));
            trails.extend(seen.iter().map(|seen| trail(entry(seen.id))));
        }
        trails
    }

    fn detail(&self) -> Value {
        match self {
            Self::ModelRegistered(model) => registered_detail(model),
            Self::ModelUpdated(changed) => changes_detail(&changed.model_id, &changed.changes),
            Self::ValidationStatusChanged { from, to, changed } => {
                let mut detail = changes_detail(&changed.model_id, &changed.changes);
                put(&mut detail, "from", json!(from.as_str()));
                put(&mut detail, "to", json!(to.as_str()));
                detail
            }
            Self::ModelDeleted(model) => {
                changes_detail(&model.model_id, &changes(Some(model), None))
            }
            Self::ModelsDiscovered { created, seen, .. } => json!({
                "created": created.iter().map(discovered_detail).collect::<Vec<_>>(),
                "seen": seen.iter().map(seen_detail).collect::<Vec<_>>(),
            }),
            Self::SettingsChanged { changes, .. } => json!({ "changes": as_object(changes) }),
            Self::UsageRecorded {
                organization: _,
                requests,
                roll_ups,
                first_seen_at,
                last_seen_at,
            } => json!({
                "requests": requests,
                "roll_ups": roll_ups,
                "first_seen_at": optional_timestamp(*first_seen_at),
                "last_seen_at": optional_timestamp(*last_seen_at),
            }),
        }
    }

    fn publications(&self) -> Vec<Publication> {
        publications(self)
    }
}

const fn entry(id: RegisteredModelId) -> Subject {
    Subject {
        kind: "registered_model",
        id: id.uuid(),
    }
}

fn changes_detail(model_id: &ModelIdentifier, changes: &[FieldChange]) -> Value {
    json!({ "model_id": model_id.as_str(), "changes": as_object(changes) })
}

fn registered_detail(model: &RegisteredModel) -> Value {
    let mut detail = changes_detail(&model.model_id, &changes(None, Some(model)));
    if let Some(status) = imported_as(model) {
        put(&mut detail, "imported_as", json!(status));
    }
    detail
}

fn discovered_detail(model: &RegisteredModel) -> Value {
    let mut detail = registered_detail(model);
    put(&mut detail, "id", json!(model.id.to_string()));
    detail
}

fn seen_detail(seen: &LastSeen) -> Value {
    json!({
        "id": seen.id.to_string(),
        "last_seen_at": {
            "before": optional_timestamp(seen.before),
            "after": timestamp(seen.last_seen_at),
        },
    })
}

#[cfg(test)]
mod tests;
