//! What happened, as the record tells it, and the governance events that follow from it.
//!
//! | event | published when |
//! |---|---|
//! | `guardian.trigger.fired` | a snapshot's status is worse than that of the product's latest one; a first snapshot is compared with GREEN |
//! | `compliance.threshold.breach` | a snapshot is RED and either the latest one was not, or another metric turned RED; not for each repetition |
//! | `alert.acknowledged`, `alert.resolved` | somebody acknowledged or resolved an alert, or a metric recovered |
//!
//! Late arrivals publish nothing. `score_before` and `score_after` are set for the two scores of
//! 0 to 100 (drift, fairness) and absent for the ratios.

use probity_kernel::{
    AlertId, DomainEvent, ProductId, Publication, RiskMetricLinkId, SnapshotId, Subject,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::alert::{Alert, Resolution};
use crate::link::ThresholdOverrides;
use crate::metric::{ComplianceStatus, MetricKind};
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
        /// The note after it.
        note: Option<String>,
    },
    /// `alert.resolved`, by somebody.
    AlertResolved {
        /// The alert.
        facts: AlertFacts,
        /// The note after it.
        note: Option<String>,
    },
}

/// RFC 3339 text of an instant; years beyond 9999, which no rule lets in, would be null.
fn instant(at: OffsetDateTime) -> Value {
    at.format(&Rfc3339).map_or(Value::Null, Value::String)
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

    fn detail(&self) -> Value {
        match self {
            Self::SnapshotsRecorded { snapshots, alerts } => json!({
                "snapshots": snapshots.iter().map(recorded).collect::<Vec<_>>(),
                "alerts": alerts.iter().map(moved).collect::<Vec<_>>(),
            }),
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
                "product_id": {"before": product.to_string(), "after": product.to_string()},
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
                "note": {"after": note},
            }),
            Self::AlertResolved { facts, note } => json!({
                "product_id": facts.product.to_string(),
                "metric": facts.metric.as_str(),
                "state": {"before": "open", "after": "resolved"},
                "resolution": {"before": null, "after": Resolution::Manual.as_str()},
                "note": {"after": note},
            }),
        }
    }

    fn publications(&self) -> Vec<Publication> {
        match self {
            Self::SnapshotsRecorded { snapshots, alerts } => ingestion(snapshots, alerts),
            Self::AlertAcknowledged { facts, .. } => {
                let metric = facts.metric;
                let reason = format!("the {} alert on {metric} was acknowledged", facts.severity);
                vec![about_alert("alert.acknowledged", facts, reason, None)]
            }
            Self::AlertResolved { facts, .. } => {
                let metric = facts.metric;
                let reason = format!("the {} alert on {metric} was resolved", facts.severity);
                let resolution = Some(Resolution::Manual);
                vec![about_alert("alert.resolved", facts, reason, resolution)]
            }
            Self::LinkCreated { .. } | Self::LinkUpdated { .. } | Self::LinkDeleted { .. } => {
                Vec::new()
            }
        }
    }
}

/// A snapshot for the record. It had no state before, so its fields stand on their own.
fn recorded(snapshot: &RecordedSnapshot) -> Value {
    json!({
        "id": snapshot.id.to_string(),
        "product_id": snapshot.product.to_string(),
        "drift_score": snapshot.readings.drift,
        "fairness_score": snapshot.readings.fairness,
        "psi": snapshot.readings.psi,
        "disparate_impact": snapshot.readings.disparate_impact,
        "sample_size": snapshot.sample_size,
        "captured_at": instant(snapshot.captured_at),
        "status": snapshot.status.as_str(),
        "threshold_source": snapshot.threshold_source.as_str(),
        "late": snapshot.late,
    })
}

/// A move of an alert for the record.
fn moved(one: &AlertMove) -> Value {
    let before = one.severity_before.map(ComplianceStatus::as_str);
    let state = match one.action {
        AlertAction::Opened => json!({"before": null, "after": "open"}),
        AlertAction::Escalated => json!({"before": "open", "after": "open"}),
        AlertAction::Recovered => json!({"before": "open", "after": "resolved"}),
    };
    json!({
        "id": one.id.to_string(),
        "product_id": one.product.to_string(),
        "snapshot_id": one.snapshot.to_string(),
        "metric": one.metric.as_str(),
        "action": one.action.as_str(),
        "state": state,
        "severity": {"before": before, "after": one.severity.as_str()},
        "value": {"before": one.value_before, "after": one.value},
        "threshold": one.threshold,
    })
}

/// The governance events of an ingestion, snapshot by snapshot.
fn ingestion(snapshots: &[RecordedSnapshot], alerts: &[AlertMove]) -> Vec<Publication> {
    let mut published = Vec::new();
    for snapshot in snapshots.iter().filter(|snapshot| !snapshot.late) {
        let previous = snapshot.previous.unwrap_or(ComplianceStatus::Green);
        if snapshot.status > previous {
            published.push(trigger(snapshot, alerts));
        }
        let moves = || alerts.iter().filter(|one| one.snapshot == snapshot.id);
        let turned_red = moves().any(|one| {
            one.action != AlertAction::Recovered && one.severity == ComplianceStatus::Red
        });
        if snapshot.status == ComplianceStatus::Red && (turned_red || previous != snapshot.status) {
            published.push(breach(snapshot, alerts));
        }
        let recovered = moves().filter(|one| one.action == AlertAction::Recovered);
        published.extend(recovered.map(recovery));
    }
    published
}

fn trigger(snapshot: &RecordedSnapshot, alerts: &[AlertMove]) -> Publication {
    let reason = match snapshot.previous {
        Some(before) => format!("status went from {before} to {}", snapshot.status),
        None => format!("the first snapshot is {}", snapshot.status),
    };
    about_snapshot("guardian.trigger.fired", snapshot, alerts, &reason)
}

fn breach(snapshot: &RecordedSnapshot, alerts: &[AlertMove]) -> Publication {
    about_snapshot(
        "compliance.threshold.breach",
        snapshot,
        alerts,
        "a breach limit is broken",
    )
}

/// A publication on a snapshot whose status is AMBER or RED. It is led by the first metric of that
/// status in the order drift, fairness, psi, disparate impact.
fn about_snapshot(
    event_type: &'static str,
    snapshot: &RecordedSnapshot,
    alerts: &[AlertMove],
    reason: &str,
) -> Publication {
    let part = |(kind, value)| (kind, value, snapshot.thresholds.classify(kind, value));
    let worst = |(_, _, status): &(MetricKind, f64, ComplianceStatus)| *status == snapshot.status;
    let broken: Vec<_> = snapshot.readings.iter().map(part).filter(worst).collect();
    let told: Vec<String> = broken
        .iter()
        .map(|(kind, value, status)| {
            let limit = snapshot.thresholds.get(*kind).broken_at(*status);
            limit.map_or_else(String::new, |limit| {
                format!("{kind} {value} is beyond {limit}")
            })
        })
        .collect();
    let leading = broken.first().map(|(kind, value, _)| (*kind, *value));
    let (score_before, score_after) = leading.map_or((None, None), |(kind, value)| {
        scores(snapshot.id, kind, value, alerts)
    });
    Publication {
        event_type,
        source_table: "metric_snapshots",
        source_id: snapshot.id.uuid(),
        trigger_reason: format!("{reason}: {}", told.join(", ")),
        payload: payload(snapshot, broken.iter().map(|(kind, _, _)| *kind)),
        score_before,
        score_after,
    }
}

/// The leading metric's score before and after, when it is one of the two scores. The score before
/// is the one that the metric's alert held.
fn scores(
    snapshot: SnapshotId,
    kind: MetricKind,
    value: f64,
    alerts: &[AlertMove],
) -> (Option<f64>, Option<f64>) {
    match kind {
        MetricKind::Drift | MetricKind::Fairness => {
            let mut moves = alerts.iter().filter(|one| one.snapshot == snapshot);
            let own = moves.find(|one| one.metric == kind);
            (own.and_then(|one| one.value_before), Some(value))
        }
        MetricKind::Psi | MetricKind::DisparateImpact => (None, None),
    }
}

fn payload(snapshot: &RecordedSnapshot, broken: impl Iterator<Item = MetricKind>) -> Value {
    json!({
        "snapshot_id": snapshot.id.to_string(),
        "product_id": snapshot.product.to_string(),
        "status": snapshot.status.as_str(),
        "previous_status": snapshot.previous.map(ComplianceStatus::as_str),
        "metrics": broken.map(MetricKind::as_str).collect::<Vec<_>>(),
        "drift_score": snapshot.readings.drift,
        "fairness_score": snapshot.readings.fairness,
        "psi": snapshot.readings.psi,
        "disparate_impact": snapshot.readings.disparate_impact,
        "sample_size": snapshot.sample_size,
        "captured_at": instant(snapshot.captured_at),
        "threshold_source": snapshot.threshold_source.as_str(),
    })
}

fn recovery(one: &AlertMove) -> Publication {
    let facts = AlertFacts {
        id: one.id,
        product: one.product,
        metric: one.metric,
        severity: one.severity,
        value: one.value,
        threshold: one.threshold,
    };
    let reason = format!("{} {} is GREEN again", one.metric, one.value);
    let mut publication = about_alert(
        "alert.resolved",
        &facts,
        reason,
        Some(Resolution::Recovered),
    );
    if matches!(one.metric, MetricKind::Drift | MetricKind::Fairness) {
        publication.score_before = one.value_before;
        publication.score_after = Some(one.value);
    }
    publication
}

fn about_alert(
    event_type: &'static str,
    facts: &AlertFacts,
    trigger_reason: String,
    resolution: Option<Resolution>,
) -> Publication {
    Publication {
        event_type,
        source_table: "alerts",
        source_id: facts.id.uuid(),
        trigger_reason,
        payload: json!({
            "alert_id": facts.id.to_string(),
            "product_id": facts.product.to_string(),
            "metric": facts.metric.as_str(),
            "severity": facts.severity.as_str(),
            "value": facts.value,
            "threshold": facts.threshold,
            "resolution": resolution.map(Resolution::as_str),
        }),
        score_before: None,
        score_after: None,
    }
}
