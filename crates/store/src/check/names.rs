//! Which states a leaf names.

use std::str::FromStr;

use probity_ledger::Leaf;
use serde_json::Value;
use uuid::Uuid;

/// The kinds of state that have to be named, as the targets of leaves spell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Organization,
    User,
    ApiKey,
    Space,
    Product,
    RegisteredModel,
    RiskMetricLink,
    MetricSnapshot,
    Alert,
    TrainingRun,
    SafetyMetric,
    RuntimeEvent,
    DataDependency,
    PolicyAttachment,
    ProductVersion,
    RiskMitigation,
    ReviewRequest,
    ArtifactUpload,
    Artifact,
    WebhookEndpoint,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Space => "space",
            Self::Product => "product",
            Self::RegisteredModel => "registered_model",
            Self::RiskMetricLink => "risk_metric_link",
            Self::MetricSnapshot => "metric_snapshot",
            Self::Alert => "alert",
            Self::TrainingRun => "training_run",
            Self::SafetyMetric => "safety_metric",
            Self::RuntimeEvent => "runtime_event",
            Self::DataDependency => "data_dependency",
            Self::PolicyAttachment => "policy_attachment",
            Self::ProductVersion => "product_version",
            Self::RiskMitigation => "risk_mitigation",
            Self::ReviewRequest => "review_request",
            Self::ArtifactUpload => "artifact_upload",
            Self::Artifact => "artifact",
            Self::WebhookEndpoint => "webhook_endpoint",
        }
    }

    /// The kinds that the target of an event is evidence for. Snapshots and alerts are made by an
    /// ingestion and named in its detail.
    fn of_target(text: &str) -> Option<Self> {
        [
            Self::Organization,
            Self::User,
            Self::ApiKey,
            Self::Space,
            Self::Product,
            Self::RegisteredModel,
            Self::RiskMetricLink,
            Self::TrainingRun,
            Self::SafetyMetric,
            Self::RuntimeEvent,
            Self::DataDependency,
            Self::PolicyAttachment,
            Self::ProductVersion,
            Self::RiskMitigation,
            Self::ReviewRequest,
            Self::ArtifactUpload,
            Self::Artifact,
            Self::WebhookEndpoint,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }
}

/// Calls `named` for every state that a leaf and its detail name.
pub(super) fn names(leaf: &Leaf, detail: Option<&[u8]>, mut named: impl FnMut(Kind, Uuid)) {
    let header = leaf.header();
    if let (Some(kind), Ok(id)) = (
        Kind::of_target(header.target.kind),
        Uuid::from_str(header.target.id),
    ) {
        named(kind, id);
    }
    if !matches!(
        header.action,
        "api_key.rotated" | "model.discovered" | "metric.snapshot.recorded"
    ) {
        return;
    }
    let Some(detail) = detail.and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok()) else {
        return;
    };
    match header.action {
        "api_key.rotated" => {
            let id = detail
                .get("replaced_by")
                .and_then(|changed| changed.get("after"));
            report(Kind::ApiKey, id, &mut named);
        }
        "model.discovered" => {
            for model in list(&detail, "created") {
                report(Kind::RegisteredModel, model.get("id"), &mut named);
            }
        }
        _ => {
            for snapshot in list(&detail, "snapshots") {
                report(Kind::MetricSnapshot, snapshot.get("id"), &mut named);
            }
            for alert in list(&detail, "alerts") {
                if alert.get("action").and_then(Value::as_str) == Some("opened") {
                    report(Kind::Alert, alert.get("id"), &mut named);
                }
            }
        }
    }
}

fn list<'a>(detail: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    detail
        .get(member)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn report(kind: Kind, id: Option<&Value>, named: &mut impl FnMut(Kind, Uuid)) {
    let id = id
        .and_then(Value::as_str)
        .and_then(|text| Uuid::from_str(text).ok());
    if let Some(id) = id {
        named(kind, id);
    }
}
