//! What happened to the attachments of a product.

use std::collections::BTreeSet;

use probity_kernel::{DomainEvent, ProductId, Publication, RegisteredModelId, Subject, Trail};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::dependency::DataDependency;
use super::mitigation::RiskMitigation;
use super::policy::PolicyAttachment;
use super::release::ProductVersion;

/// The event of a change of attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentEvent {
    /// `data_dependency.declared`
    DependencyDeclared(DataDependency),
    /// `data_dependency.changed`
    DependencyChanged {
        /// Before.
        before: DataDependency,
        /// After.
        after: DataDependency,
    },
    /// `data_dependency.removed`
    DependencyRemoved(DataDependency),
    /// `policy.attached`
    PolicyAttached(PolicyAttachment),
    /// `policy.detached`
    PolicyDetached(PolicyAttachment),
    /// `risk_mitigation.opened`
    MitigationOpened(RiskMitigation),
    /// `risk_mitigation.updated`
    MitigationUpdated {
        /// Before.
        before: RiskMitigation,
        /// After.
        after: RiskMitigation,
    },
    /// `risk_mitigation.removed`
    MitigationRemoved(RiskMitigation),
    /// `product_version.recorded`
    VersionRecorded(ProductVersion),
    /// `product.registered_models.linked`: the set of linked models is another one.
    ModelsLinked {
        /// The product.
        product: ProductId,
        /// The entries that were linked before.
        before: BTreeSet<RegisteredModelId>,
        /// The entries that are linked now.
        after: BTreeSet<RegisteredModelId>,
    },
}

/// A field as the record may tell it.
#[derive(Debug, Clone, PartialEq)]
enum Fact {
    /// Its value.
    Shown(Value),
    /// Free text, which may speak of people: the record tells only that it changed.
    Hidden(Option<String>),
}

type Facts = Vec<(&'static str, Fact)>;

fn shown(value: impl Into<Value>) -> Fact {
    Fact::Shown(value.into())
}

/// RFC 3339 text of an instant; years beyond 9999, which no rule lets in, would be null.
fn instant(at: Option<OffsetDateTime>) -> Fact {
    let text = at.and_then(|at| at.format(&Rfc3339).ok());
    Fact::Shown(text.map_or(Value::Null, Value::String))
}

fn of_dependency(dependency: &DataDependency) -> Facts {
    vec![
        ("product_id", shown(dependency.product.to_string())),
        ("name", shown(dependency.name.as_str())),
        (
            "dependency_type",
            shown(dependency.dependency_type.as_str()),
        ),
        ("uri", Fact::Hidden(dependency.uri.clone())),
        ("version_label", shown(dependency.version_label.clone())),
        ("description", Fact::Hidden(dependency.description.clone())),
        ("changed_at", instant(dependency.changed_at)),
    ]
}

fn of_policy(policy: &PolicyAttachment) -> Facts {
    vec![
        ("product_id", shown(policy.product.to_string())),
        ("policy_key", shown(policy.policy_key.as_str())),
        ("title", shown(policy.title.as_str())),
        (
            "reference_url",
            shown(policy.reference_url.as_ref().map(ToString::to_string)),
        ),
        ("description", Fact::Hidden(policy.description.clone())),
    ]
}

fn of_mitigation(mitigation: &RiskMitigation) -> Facts {
    vec![
        ("product_id", shown(mitigation.product.to_string())),
        ("title", shown(mitigation.title.as_str())),
        ("description", Fact::Hidden(mitigation.description.clone())),
        ("severity", shown(mitigation.severity.as_str())),
        ("status", shown(mitigation.status.as_str())),
        ("owner", Fact::Hidden(mitigation.owner.clone())),
        ("due_at", instant(mitigation.due_at)),
        ("closed_at", instant(mitigation.closed_at)),
    ]
}

fn of_version(version: &ProductVersion) -> Facts {
    vec![
        ("product_id", shown(version.product.to_string())),
        ("version_number", shown(version.version_number.as_str())),
        ("version_type", shown(version.version_type.as_str())),
        ("release_date", instant(version.release_date)),
        ("release_notes", Fact::Hidden(version.release_notes.clone())),
        ("is_current", shown(version.is_current)),
    ]
}

fn of_models(models: &BTreeSet<RegisteredModelId>) -> Facts {
    let ids: Vec<String> = models.iter().map(ToString::to_string).collect();
    vec![("registered_models", shown(ids))]
}

impl AttachmentEvent {
    /// The fields before and after; none before a thing was there, none after it is gone.
    fn sides(&self) -> (Facts, Facts) {
        match self {
            Self::DependencyDeclared(after) => (Vec::new(), of_dependency(after)),
            Self::DependencyChanged { before, after } => {
                (of_dependency(before), of_dependency(after))
            }
            Self::DependencyRemoved(before) => (of_dependency(before), Vec::new()),
            Self::PolicyAttached(after) => (Vec::new(), of_policy(after)),
            Self::PolicyDetached(before) => (of_policy(before), Vec::new()),
            Self::MitigationOpened(after) => (Vec::new(), of_mitigation(after)),
            Self::MitigationUpdated { before, after } => {
                (of_mitigation(before), of_mitigation(after))
            }
            Self::MitigationRemoved(before) => (of_mitigation(before), Vec::new()),
            Self::VersionRecorded(after) => (Vec::new(), of_version(after)),
            Self::ModelsLinked { before, after, .. } => (of_models(before), of_models(after)),
        }
    }

    /// The product that it is about.
    #[must_use]
    pub const fn product(&self) -> ProductId {
        match self {
            Self::DependencyDeclared(dependency)
            | Self::DependencyRemoved(dependency)
            | Self::DependencyChanged {
                after: dependency, ..
            } => dependency.product,
            Self::PolicyAttached(policy) | Self::PolicyDetached(policy) => policy.product,
            Self::MitigationOpened(mitigation)
            | Self::MitigationRemoved(mitigation)
            | Self::MitigationUpdated {
                after: mitigation, ..
            } => mitigation.product,
            Self::VersionRecorded(version) => version.product,
            Self::ModelsLinked { product, .. } => *product,
        }
    }

    const fn id(&self) -> Uuid {
        match self {
            Self::DependencyDeclared(dependency)
            | Self::DependencyRemoved(dependency)
            | Self::DependencyChanged {
                after: dependency, ..
            } => dependency.id.uuid(),
            Self::PolicyAttached(policy) | Self::PolicyDetached(policy) => policy.id.uuid(),
            Self::MitigationOpened(mitigation)
            | Self::MitigationRemoved(mitigation)
            | Self::MitigationUpdated {
                after: mitigation, ..
            } => mitigation.id.uuid(),
            Self::VersionRecorded(version) => version.id.uuid(),
            Self::ModelsLinked { product, .. } => product.uuid(),
        }
    }

    const fn table(&self) -> &'static str {
        match self {
            Self::DependencyDeclared(_)
            | Self::DependencyChanged { .. }
            | Self::DependencyRemoved(_) => "data_dependencies",
            Self::PolicyAttached(_) | Self::PolicyDetached(_) => "policy_attachments",
            Self::MitigationOpened(_)
            | Self::MitigationUpdated { .. }
            | Self::MitigationRemoved(_) => "risk_mitigations",
            Self::VersionRecorded(_) => "product_versions",
            Self::ModelsLinked { .. } => "products",
        }
    }

    const fn reason(&self) -> &'static str {
        match self {
            Self::DependencyDeclared(_) => "A data dependency was declared.",
            Self::DependencyChanged { .. } => "A data dependency changed.",
            Self::DependencyRemoved(_) => "A data dependency was removed.",
            Self::PolicyAttached(_) => "A policy was attached to the product.",
            Self::PolicyDetached(_) => "A policy was detached from the product.",
            Self::MitigationOpened(_) => "A risk mitigation was opened.",
            Self::MitigationUpdated { .. } => "A risk mitigation changed.",
            Self::MitigationRemoved(_) => "A risk mitigation was removed.",
            Self::VersionRecorded(_) => "A version of the product was recorded.",
            Self::ModelsLinked { .. } => "The models that the product uses changed.",
        }
    }
}

fn find<'a>(facts: &'a Facts, name: &str) -> Option<&'a Fact> {
    let found = facts.iter().find(|(known, _)| *known == name);
    found.map(|(_, fact)| fact)
}

/// A field's change, if it is one.
fn changed(before: Option<&Fact>, after: Option<&Fact>) -> Option<Value> {
    let hidden = [before, after]
        .into_iter()
        .flatten()
        .any(|fact| matches!(fact, Fact::Hidden(_)));
    let value = |fact: Option<&Fact>| match fact {
        Some(Fact::Shown(value)) => value.clone(),
        Some(Fact::Hidden(_)) | None => Value::Null,
    };
    let text = |fact: Option<&Fact>| match fact {
        Some(Fact::Hidden(text)) => text.clone(),
        Some(Fact::Shown(_)) | None => None,
    };
    if hidden {
        (text(before) != text(after)).then(|| json!({"changed": true}))
    } else if before.is_some() && after.is_some() && value(before) == value(after) {
        None
    } else {
        Some(json!({"before": value(before), "after": value(after)}))
    }
}

impl DomainEvent for AttachmentEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::DependencyDeclared(_) => "data_dependency.declared",
            Self::DependencyChanged { .. } => "data_dependency.changed",
            Self::DependencyRemoved(_) => "data_dependency.removed",
            Self::PolicyAttached(_) => "policy.attached",
            Self::PolicyDetached(_) => "policy.detached",
            Self::MitigationOpened(_) => "risk_mitigation.opened",
            Self::MitigationUpdated { .. } => "risk_mitigation.updated",
            Self::MitigationRemoved(_) => "risk_mitigation.removed",
            Self::VersionRecorded(_) => "product_version.recorded",
            Self::ModelsLinked { .. } => "product.registered_models.linked",
        }
    }

    fn subject(&self) -> Subject {
        let kind = match self {
            Self::DependencyDeclared(_)
            | Self::DependencyChanged { .. }
            | Self::DependencyRemoved(_) => "data_dependency",
            Self::PolicyAttached(_) | Self::PolicyDetached(_) => "policy_attachment",
            Self::MitigationOpened(_)
            | Self::MitigationUpdated { .. }
            | Self::MitigationRemoved(_) => "risk_mitigation",
            Self::VersionRecorded(_) => "product_version",
            Self::ModelsLinked { .. } => "product",
        };
        Subject {
            kind,
            id: self.id(),
        }
    }

    fn trails(&self) -> Vec<Trail> {
        vec![Trail {
            subject: self.subject(),
            product: Some(self.product()),
        }]
    }

    fn detail(&self) -> Value {
        let (before, after) = self.sides();
        let longer = if after.is_empty() { &before } else { &after };
        let fields = longer.iter().filter_map(|(name, _)| {
            let change = changed(find(&before, name), find(&after, name))?;
            Some(((*name).to_owned(), change))
        });
        let mut detail: Map<String, Value> = fields.collect();
        // Whose it is stands in every detail, also where it did not change.
        let product = || json!({"after": self.product().to_string()});
        detail.entry("product_id").or_insert_with(product);
        Value::Object(detail)
    }

    fn publications(&self) -> Vec<Publication> {
        let (before, after) = self.sides();
        let told = if after.is_empty() { before } else { after };
        let mut payload = Map::new();
        payload.insert("id".to_owned(), json!(self.id().to_string()));
        payload.insert("product_id".to_owned(), json!(self.product().to_string()));
        for (name, fact) in told {
            if let Fact::Shown(value) = fact {
                payload.insert(name.to_owned(), value);
            }
        }
        vec![Publication {
            event_type: self.name(),
            source_table: self.table(),
            source_id: self.id(),
            product: Some(self.product()),
            trigger_reason: self.reason().to_owned(),
            payload: Value::Object(payload),
            score_before: None,
            score_after: None,
        }]
    }
}
