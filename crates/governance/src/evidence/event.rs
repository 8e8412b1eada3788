//! What happened to evidence, as the record tells it.
//!
//! Free text (notes, methodologies, summaries) and objects of free form enter the record as their
//! SHA-256: it proves which text stood without holding it.

use probity_kernel::text::hex;
use probity_kernel::{
    DomainEvent, ProductId, Publication, SafetyMetricId, Subject, Trail, TrainingRunId,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::runtime_event::RuntimeEvent;

/// One field as the record tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The field.
    pub field: &'static str,
    /// Its value, or `null`.
    pub value: Value,
}

impl Fact {
    pub(super) fn new(field: &'static str, value: impl Into<Value>) -> Self {
        Self {
            field,
            value: value.into(),
        }
    }

    pub(super) fn instant(field: &'static str, at: Option<OffsetDateTime>) -> Self {
        Self::new(field, at.map_or(Value::Null, instant))
    }

    pub(super) fn digest(field: &'static str, text: Option<&str>) -> Self {
        Self::new(field, text.map(digest))
    }

    pub(super) fn digest_of_object(
        field: &'static str,
        object: Option<&Map<String, Value>>,
    ) -> Self {
        let text = object.and_then(|object| serde_json::to_string(object).ok());
        Self::digest(field, text.as_deref())
    }
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct FactChange {
    /// The field.
    pub field: &'static str,
    /// Its value before, or `null`.
    pub before: Value,
    /// Its value after, or `null`.
    pub after: Value,
}

/// The fields that differ; a side that does not exist holds nothing.
pub(super) fn changes(before: &[Fact], after: &[Fact]) -> Vec<FactChange> {
    let value = |side: &[Fact], field: &str| {
        let found = side.iter().find(|fact| fact.field == field);
        found.map_or(Value::Null, |fact| fact.value.clone())
    };
    let all = if after.is_empty() { before } else { after };
    let changed = all.iter().map(|fact| FactChange {
        field: fact.field,
        before: value(before, fact.field),
        after: value(after, fact.field),
    });
    changed
        .filter(|change| change.before != change.after)
        .collect()
}

/// `sha256:` and the digest of a text.
fn digest(text: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(text.as_bytes())))
}

/// RFC 3339 text of an instant; years beyond 9999, which no rule lets in, would be null.
fn instant(at: OffsetDateTime) -> Value {
    at.format(&Rfc3339).map_or(Value::Null, Value::String)
}

/// The event of a change of evidence.
#[derive(Debug, Clone, PartialEq)]
pub enum EvidenceEvent {
    /// `training_run.recorded`
    RunRecorded {
        /// The run.
        id: TrainingRunId,
        /// Its product.
        product: ProductId,
        /// The run as it is now.
        facts: Vec<Fact>,
        /// What changed.
        changes: Vec<FactChange>,
        /// Whether it was recorded as deployed.
        deployed: bool,
        /// The runs that lost the deployed flag to it; the repository says which.
        replaced: Vec<TrainingRunId>,
    },
    /// `training_run.updated`, or `training_run.deployed` when it became deployed
    RunUpdated {
        /// The run.
        id: TrainingRunId,
        /// Its product.
        product: ProductId,
        /// The run as it is now.
        facts: Vec<Fact>,
        /// What changed.
        changes: Vec<FactChange>,
        /// Whether it became deployed.
        deployed: bool,
        /// The runs that lost the deployed flag to it; the repository says which.
        replaced: Vec<TrainingRunId>,
    },
    /// `training_run.deleted`
    RunDeleted {
        /// The run.
        id: TrainingRunId,
        /// Its product.
        product: ProductId,
        /// The run as it was.
        facts: Vec<Fact>,
        /// What changed.
        changes: Vec<FactChange>,
    },
    /// `safety_metric.recorded`
    MetricRecorded {
        /// The metric.
        id: SafetyMetricId,
        /// Its product.
        product: ProductId,
        /// The metric as it is now.
        facts: Vec<Fact>,
        /// What changed.
        changes: Vec<FactChange>,
    },
    /// `safety_metric.updated`
    MetricUpdated {
        /// The metric.
        id: SafetyMetricId,
        /// Its product.
        product: ProductId,
        /// The metric as it is now.
        facts: Vec<Fact>,
        /// What changed.
        changes: Vec<FactChange>,
    },
    /// `safety_metric.attested`
    MetricAttested {
        /// The metric.
        id: SafetyMetricId,
        /// Its product.
        product: ProductId,
        /// The metric as it is now.
        facts: Vec<Fact>,
        /// What changed.
        changes: Vec<FactChange>,
    },
    /// `safety_metric.deleted`
    MetricDeleted {
        /// The metric.
        id: SafetyMetricId,
        /// Its product.
        product: ProductId,
        /// The metric as it was.
        facts: Vec<Fact>,
        /// What changed.
        changes: Vec<FactChange>,
    },
    /// `runtime_governance.recorded`
    RuntimeRecorded(Box<RuntimeEvent>),
}

impl EvidenceEvent {
    /// The same event, telling which runs lost the deployed flag: known only to the transaction.
    #[must_use]
    pub fn replacing(mut self, runs: Vec<TrainingRunId>) -> Self {
        if let Self::RunRecorded { replaced, .. } | Self::RunUpdated { replaced, .. } = &mut self {
            *replaced = runs;
        }
        self
    }

    /// The product that it is about.
    #[must_use]
    pub const fn product(&self) -> ProductId {
        match self {
            Self::RunRecorded { product, .. }
            | Self::RunUpdated { product, .. }
            | Self::RunDeleted { product, .. }
            | Self::MetricRecorded { product, .. }
            | Self::MetricUpdated { product, .. }
            | Self::MetricAttested { product, .. }
            | Self::MetricDeleted { product, .. } => *product,
            Self::RuntimeRecorded(event) => event.product,
        }
    }

    fn facts(&self) -> &[Fact] {
        match self {
            Self::RunRecorded { facts, .. }
            | Self::RunUpdated { facts, .. }
            | Self::RunDeleted { facts, .. }
            | Self::MetricRecorded { facts, .. }
            | Self::MetricUpdated { facts, .. }
            | Self::MetricAttested { facts, .. }
            | Self::MetricDeleted { facts, .. } => facts,
            Self::RuntimeRecorded(_) => &[],
        }
    }

    fn changed(&self) -> &[FactChange] {
        match self {
            Self::RunRecorded { changes, .. }
            | Self::RunUpdated { changes, .. }
            | Self::RunDeleted { changes, .. }
            | Self::MetricRecorded { changes, .. }
            | Self::MetricUpdated { changes, .. }
            | Self::MetricAttested { changes, .. }
            | Self::MetricDeleted { changes, .. } => changes,
            Self::RuntimeRecorded(_) => &[],
        }
    }

    fn replaced(&self) -> Option<Vec<String>> {
        match self {
            Self::RunRecorded {
                deployed: true,
                replaced,
                ..
            }
            | Self::RunUpdated {
                deployed: true,
                replaced,
                ..
            } => Some(replaced.iter().map(ToString::to_string).collect()),
            Self::RunRecorded { .. }
            | Self::RunUpdated { .. }
            | Self::RunDeleted { .. }
            | Self::MetricRecorded { .. }
            | Self::MetricUpdated { .. }
            | Self::MetricAttested { .. }
            | Self::MetricDeleted { .. }
            | Self::RuntimeRecorded(_) => None,
        }
    }

    fn publication(&self, event_type: &'static str, reason: String) -> Publication {
        let subject = self.subject();
        let source_table = match self {
            Self::RunRecorded { .. } | Self::RunUpdated { .. } | Self::RunDeleted { .. } => {
                "training_runs"
            }
            Self::MetricRecorded { .. }
            | Self::MetricUpdated { .. }
            | Self::MetricAttested { .. }
            | Self::MetricDeleted { .. } => "safety_metrics",
            Self::RuntimeRecorded(_) => "runtime_events",
        };
        Publication {
            event_type,
            source_table,
            source_id: subject.id,
            product: Some(self.product()),
            trigger_reason: reason,
            payload: self.payload(subject),
            score_before: None,
            score_after: None,
        }
    }

    /// What a receiver is told: closed vocabularies, names, numbers and instants.
    fn payload(&self, subject: Subject) -> Value {
        const TOLD: [&str; 15] = [
            "run_name",
            "run_type",
            "status",
            "dataset_name",
            "dataset_version",
            "is_deployed",
            "started_at",
            "completed_at",
            "category",
            "metric_name",
            "metric_value",
            "threshold_warning",
            "threshold_critical",
            "measured_at",
            "attested_at",
        ];
        let mut payload = Map::new();
        payload.insert("product_id".to_owned(), json!(self.product().to_string()));
        let id = format!("{}_id", subject.kind);
        payload.insert(id, json!(subject.id.to_string()));
        if let Self::RuntimeRecorded(event) = self {
            payload.insert("event_type".to_owned(), json!(event.event_type.as_str()));
            payload.insert("severity".to_owned(), json!(event.severity.as_str()));
            payload.insert("status".to_owned(), json!(event.status.as_str()));
            payload.insert("occurred_at".to_owned(), instant(event.occurred_at));
        }
        for fact in self.facts() {
            if TOLD.contains(&fact.field) {
                payload.insert(fact.field.to_owned(), fact.value.clone());
            }
        }
        if let Some(replaced) = self.replaced() {
            payload.insert("replaced_run_ids".to_owned(), json!(replaced));
        }
        Value::Object(payload)
    }
}

impl DomainEvent for EvidenceEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::RunRecorded { .. } => "training_run.recorded",
            Self::RunUpdated { deployed: true, .. } => "training_run.deployed",
            Self::RunUpdated { .. } => "training_run.updated",
            Self::RunDeleted { .. } => "training_run.deleted",
            Self::MetricRecorded { .. } => "safety_metric.recorded",
            Self::MetricUpdated { .. } => "safety_metric.updated",
            Self::MetricAttested { .. } => "safety_metric.attested",
            Self::MetricDeleted { .. } => "safety_metric.deleted",
            Self::RuntimeRecorded(_) => "runtime_governance.recorded",
        }
    }

    fn subject(&self) -> Subject {
        let (kind, id) = match self {
            Self::RunRecorded { id, .. }
            | Self::RunUpdated { id, .. }
            | Self::RunDeleted { id, .. } => ("training_run", id.uuid()),
            Self::MetricRecorded { id, .. }
            | Self::MetricUpdated { id, .. }
            | Self::MetricAttested { id, .. }
            | Self::MetricDeleted { id, .. } => ("safety_metric", id.uuid()),
            Self::RuntimeRecorded(event) => ("runtime_event", event.id.uuid()),
        };
        Subject { kind, id }
    }

    /// A run that is deployed takes the flag from others: it stands in their histories too.
    fn trails(&self) -> Vec<Trail> {
        let trail = |subject| Trail {
            subject,
            product: Some(self.product()),
        };
        let mut trails = vec![trail(self.subject())];
        if let Self::RunRecorded { replaced, .. } | Self::RunUpdated { replaced, .. } = self {
            trails.extend(replaced.iter().map(|run| {
                trail(Subject {
                    kind: "training_run",
                    id: run.uuid(),
                })
            }));
        }
        trails
    }

    fn detail(&self) -> Value {
        if let Self::RuntimeRecorded(event) = self {
            return runtime_detail(event);
        }
        let changed = self.changed().iter().map(|change| {
            let sides = json!({"before": change.before, "after": change.after});
            (change.field.to_owned(), sides)
        });
        let mut detail = json!({
            "product_id": self.product().to_string(),
            "changes": changed.collect::<Map<String, Value>>(),
        });
        if let (Some(replaced), Some(members)) = (self.replaced(), detail.as_object_mut()) {
            let cleared = replaced
                .into_iter()
                .map(|id| json!({"id": id, "is_deployed": {"before": true, "after": false}}));
            members.insert("replaced".to_owned(), cleared.collect());
        }
        detail
    }

    /// Its own name; a run that is recorded as deployed tells `training_run.deployed` besides.
    fn publications(&self) -> Vec<Publication> {
        let name = self.name();
        let reason = match self {
            Self::RuntimeRecorded(event) => {
                format!(
                    "a {} of {} severity was recorded",
                    event.event_type, event.severity
                )
            }
            Self::RunRecorded { .. } => "a run was recorded".to_owned(),
            Self::RunUpdated { deployed: true, .. } => "a run was deployed".to_owned(),
            Self::RunUpdated { .. } => "a run was changed".to_owned(),
            Self::RunDeleted { .. } => "a run was deleted".to_owned(),
            Self::MetricRecorded { .. } => "a metric was recorded".to_owned(),
            Self::MetricUpdated { .. } => "a metric was changed".to_owned(),
            Self::MetricAttested { .. } => "a metric was attested".to_owned(),
            Self::MetricDeleted { .. } => "a metric was deleted".to_owned(),
        };
        let mut published = vec![self.publication(name, reason)];
        if matches!(self, Self::RunRecorded { deployed: true, .. }) {
            let deployed =
                self.publication("training_run.deployed", "a run was deployed".to_owned());
            published.push(deployed);
        }
        published
    }
}

/// A runtime event for the record. It had no state before, so its fields stand on their own.
fn runtime_detail(event: &RuntimeEvent) -> Value {
    let metadata = Fact::digest_of_object("event_metadata", event.event_metadata.as_ref());
    json!({
        "product_id": event.product.to_string(),
        "event_type": event.event_type.as_str(),
        "severity": event.severity.as_str(),
        "status": event.status.as_str(),
        "summary": digest(&event.summary),
        "source": event.source,
        "external_ref": event.external_ref,
        "event_metadata": metadata.value,
        "occurred_at": instant(event.occurred_at),
    })
}
