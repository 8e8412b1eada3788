//! What happened, as the record tells it. No free text of a sender enters a detail; notes on alerts,
//! written by the people who watch them, do.

use probity_kernel::{
    AlertId, DomainEvent, ProductId, Publication, RiskMetricLinkId, SnapshotId, Subject, Trail,
};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::alert::{Alert, Resolution};
use crate::link::ThresholdOverrides;
use crate::metric::{ComplianceStatus, MetricKind};
use crate::publication;
use crate::snapshot::Readings;
use crate::threshold::{ThresholdSource, Thresholds};

/// A snapshot as the record keeps it: no free text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordedSnapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The product.
    pub product: ProductId,
    /// The measured values.
    pub readings: Readings,
    /// How many samples the evaluation looked at.
    pub sample_size: u64,
    /// When it was measured.
    pub captured_at: OffsetDateTime,
    /// The limits that it was judged by.
    pub thresholds: Thresholds,
    /// Where they came from.
    pub threshold_source: ThresholdSource,
    /// The verdict.
    pub status: ComplianceStatus,
    /// The status of the product's latest snapshot before it.
    pub previous: Option<ComplianceStatus>,
    /// Whether it was captured before the latest one, and so moved nothing.
    pub late: bool,
}

/// What a snapshot did to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertAction {
    /// Opened it.
    Opened,
    /// Took it from AMBER to RED.
    Escalated,
    /// Resolved it.
    Recovered,
}

impl AlertAction {
    /// The name in the record: `opened`, `escalated`, `recovered`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Escalated => "escalated",
            Self::Recovered => "recovered",
        }
    }
}

/// A move of an alert by a snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlertMove {
    /// What was done.
    pub action: AlertAction,
    /// The alert.
    pub id: AlertId,
    /// Its product.
    pub product: ProductId,
    /// Its metric.
    pub metric: MetricKind,
    /// The snapshot that did it.
    pub snapshot: SnapshotId,
    /// The severity after the move.
    pub severity: ComplianceStatus,
    /// The severity before it.
    pub severity_before: Option<ComplianceStatus>,
    /// The value that did it.
    pub value: f64,
    /// The value that the alert held before.
    pub value_before: Option<f64>,
    /// The limit that the alert's severity stands for.
    pub threshold: f64,
    /// Whether it was acknowledged before the move; an escalation clears that.
    pub was_acknowledged: bool,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlertFacts {
    /// The alert.
    pub id: AlertId,
    /// Its product.
    pub product: ProductId,
    /// Its metric.
    pub metric: MetricKind,
    /// Its severity.
    pub severity: ComplianceStatus,
    /// Its value.
    pub value: f64,
    /// Its limit.
    pub threshold: f64,
}

impl AlertFacts {
    /// The facts of an alert.
    #[must_use]
    pub const fn of(alert: &Alert) -> Self {
        Self {
            id: alert.id,
            product: alert.product,
            metric: alert.metric,
            severity: alert.severity,
            value: alert.value,
            threshold: alert.threshold,
        }
    }
}

/// The event of a Guardian change.
#[derive(Debug, Clone, PartialEq)]
pub enum GuardianEvent {
    /// `metric.snapshot.recorded`: one for an ingestion, single or batch; never empty.
    SnapshotsRecorded {
        /// The snapshots in their order.
        snapshots: Vec<RecordedSnapshot>,
        /// What they did to alerts, in order.
        alerts: Vec<AlertMove>,
    },
    /// `risk_metric_link.created`
    LinkCreated {
        /// The link.
        id: RiskMetricLinkId,
        /// Its product.
        product: ProductId,
        /// Its limits.
        after: ThresholdOverrides,
    },
    /// `risk_metric_link.updated`
    LinkUpdated {
        /// The link.
        id: RiskMetricLinkId,
        /// Its product.
        product: ProductId,
        /// The limits before.
        before: ThresholdOverrides,
        /// The limits after.
        after: ThresholdOverrides,
    },
    /// `risk_metric_link.deleted`
    LinkDeleted {
        /// The link.
        id: RiskMetricLinkId,
        /// Its product.
        product: ProductId,
        /// The limits before.
        before: ThresholdOverrides,
    },
    /// `alert.acknowledged`
    AlertAcknowledged {
        /// The alert.
        facts: AlertFacts,
        /// A reference to who did it.
        by: Option<String>,
        /// The note before and after it.
        note: [Option<String>; 2],
    },
    /// `alert.resolved`, by somebody.
    AlertResolved {
        /// The alert.
        facts: AlertFacts,
        /// The note before and after it.
        note: [Option<String>; 2],
    },
}

/// RFC 3339 text of an instant; years beyond 9999, which no rule lets in, would be null.
pub(crate) fn instant(at: OffsetDateTime) -> Value {
    at.format(&Rfc3339).map_or(Value::Null, Value::String)
}

fn changed([before, after]: &[Option<String>; 2]) -> Value {
    json!({"before": before, "after": after})
}

fn limits(overrides: &ThresholdOverrides) -> Value {
    let pair = |kind: MetricKind| {
        let own = overrides.get(kind)?;
        let value = json!({"amber": own.amber, "red": own.red});
        Some((kind.as_str().to_owned(), value))
    };
    Value::Object(MetricKind::ALL.into_iter().filter_map(pair).collect())
}

impl DomainEvent for GuardianEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::SnapshotsRecorded { .. } => "metric.snapshot.recorded",
            Self::LinkCreated { .. } => "risk_metric_link.created",
            Self::LinkUpdated { .. } => "risk_metric_link.updated",
            Self::LinkDeleted { .. } => "risk_metric_link.deleted",
            Self::AlertAcknowledged { .. } => "alert.acknowledged",
            Self::AlertResolved { .. } => "alert.resolved",
        }
    }

    /// The first snapshot of an ingestion, the link, or the alert.
    fn subject(&self) -> Subject {
        let (kind, id) = match self {
            Self::SnapshotsRecorded { snapshots, .. } => {
                let first = snapshots.first().map(|snapshot| snapshot.id.uuid());
                ("metric_snapshot", first.unwrap_or(Uuid::nil()))
            }
            Self::LinkCreated { id, .. }
            | Self::LinkUpdated { id, .. }
            | Self::LinkDeleted { id, .. } => ("risk_metric_link", id.uuid()),
            Self::AlertAcknowledged { facts, .. } | Self::AlertResolved { facts, .. } => {
                ("alert", facts.id.uuid())
            }
        };
        Subject { kind, id }
    }

    /// A snapshot never changes and has no history; the alerts that it moved have.
    fn trails(&self) -> Vec<Trail> {
        let product = match self {
            Self::SnapshotsRecorded { alerts, .. } => return alerts.iter().map(trail).collect(),
            Self::LinkCreated { product, .. }
            | Self::LinkUpdated { product, .. }
            | Self::LinkDeleted { product, .. } => *product,
            Self::AlertAcknowledged { facts, .. } | Self::AlertResolved { facts, .. } => {
                facts.product
            }
        };
        vec![Trail {
            subject: self.subject(),
            product: Some(product),
        }]
    }

    fn detail(&self) -> Value {
        match self {
            Self::SnapshotsRecorded { snapshots, alerts } => {
                serde_json::to_value(Recorded { snapshots, alerts }).unwrap_or_default()
            }
            Self::LinkCreated {
                id: _,
                product,
                after,
            } => json!({
                "product_id": {"before": null, "after": product.to_string()},
                "thresholds": {"before": null, "after": limits(after)},
            }),
            Self::LinkUpdated {
                id: _,
                product,
                before,
                after,
            } => json!({
                "product_id": product.to_string(),
                "thresholds": {"before": limits(before), "after": limits(after)},
            }),
            Self::LinkDeleted {
                id: _,
                product,
                before,
            } => json!({
                "product_id": {"before": product.to_string(), "after": null},
                "thresholds": {"before": limits(before), "after": null},
            }),
            Self::AlertAcknowledged { facts, by, note } => json!({
                "product_id": facts.product.to_string(),
                "metric": facts.metric.as_str(),
                "acknowledged_by": {"before": null, "after": by},
                "note": changed(note),
            }),
            Self::AlertResolved { facts, note } => json!({
                "product_id": facts.product.to_string(),
                "metric": facts.metric.as_str(),
                "state": {"before": "open", "after": "resolved"},
                "resolution": {"before": null, "after": Resolution::Manual.as_str()},
                "note": changed(note),
            }),
        }
    }

    fn serialize_detail<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::SnapshotsRecorded { snapshots, alerts } => {
                Recorded { snapshots, alerts }.serialize(serializer)
            }
            Self::LinkCreated { .. }
            | Self::LinkUpdated { .. }
            | Self::LinkDeleted { .. }
            | Self::AlertAcknowledged { .. }
            | Self::AlertResolved { .. } => self.detail().serialize(serializer),
        }
    }

    fn publications(&self) -> Vec<Publication> {
        match self {
            Self::SnapshotsRecorded { snapshots, alerts } => {
                publication::of_ingestion(snapshots, alerts)
            }
            Self::AlertAcknowledged { facts, .. } => vec![publication::acknowledged(facts)],
            Self::AlertResolved { facts, .. } => vec![publication::resolved(facts)],
            Self::LinkCreated { .. } | Self::LinkUpdated { .. } | Self::LinkDeleted { .. } => {
                Vec::new()
            }
        }
    }
}

/// An ingestion for the record; members in the order of their names, which is the canonical one.
struct Recorded<'a> {
    snapshots: &'a [RecordedSnapshot],
    alerts: &'a [AlertMove],
}

impl Serialize for Recorded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Recorded", 2)?;
        let alerts: Vec<Value> = self.alerts.iter().map(moved).collect();
        object.serialize_field("alerts", &alerts)?;
        object.serialize_field("snapshots", self.snapshots)?;
        object.end()
    }
}

/// A snapshot for the record. It had no state before, so its fields stand on their own.
impl Serialize for RecordedSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = Uuid::encode_buffer();
        let mut object = serializer.serialize_struct("RecordedSnapshot", 11)?;
        let captured_at = self.captured_at.format(&Rfc3339).ok();
        object.serialize_field("captured_at", &captured_at)?;
        object.serialize_field("disparate_impact", &self.readings.disparate_impact)?;
        object.serialize_field("drift_score", &self.readings.drift)?;
        object.serialize_field("fairness_score", &self.readings.fairness)?;
        let id = self.id.uuid().hyphenated();
        object.serialize_field("id", &*id.encode_lower(&mut buffer))?;
        object.serialize_field("late", &self.late)?;
        let product = self.product.uuid().hyphenated();
        object.serialize_field("product_id", &*product.encode_lower(&mut buffer))?;
        object.serialize_field("psi", &self.readings.psi)?;
        object.serialize_field("sample_size", &self.sample_size)?;
        object.serialize_field("status", self.status.as_str())?;
        object.serialize_field("threshold_source", self.threshold_source.as_str())?;
        object.end()
    }
}

fn trail(one: &AlertMove) -> Trail {
    Trail {
        subject: Subject {
            kind: "alert",
            id: one.id.uuid(),
        },
        product: Some(one.product),
    }
}

/// A move of an alert for the record.
fn moved(one: &AlertMove) -> Value {
    let before = one.severity_before.map(ComplianceStatus::as_str);
    let state = match one.action {
        AlertAction::Opened => json!({"before": null, "after": "open"}),
        AlertAction::Escalated => json!({"before": "open", "after": "open"}),
        AlertAction::Recovered => json!({"before": "open", "after": "resolved"}),
    };
    let resolution = (one.action == AlertAction::Recovered).then(|| Resolution::Recovered.as_str());
    json!({
        "id": one.id.to_string(),
        "resolution": {"before": null, "after": resolution},
        "product_id": one.product.to_string(),
        "snapshot_id": one.snapshot.to_string(),
        "metric": one.metric.as_str(),
        "action": one.action.as_str(),
        "state": state,
        "severity": {"before": before, "after": one.severity.as_str()},
        "value": {"before": one.value_before, "after": one.value},
        "threshold": one.threshold,
        "acknowledged": {
            "before": one.was_acknowledged,
            "after": one.was_acknowledged && one.action != AlertAction::Escalated,
        },
    })
}
