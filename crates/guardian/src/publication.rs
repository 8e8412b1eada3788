//! The governance events that follow from a change.
//!
//! | event | published when |
//! |---|---|
//! | `guardian.trigger.fired` | a snapshot's status is worse than that of the product's latest one; a first snapshot is compared with GREEN |
//! | `compliance.threshold.breach` | a snapshot is RED and either the latest one was not, or another metric turned RED; not for each repetition |
//! | `alert.acknowledged`, `alert.resolved` | somebody acknowledged or resolved an alert, or a metric recovered |
//!
//! Late arrivals publish nothing. `score_before` and `score_after` are set for the two scores of
//! 0 to 100 (drift, fairness) and absent for the ratios.

use probity_kernel::{Publication, SnapshotId};
use serde_json::{Value, json};

use crate::alert::Resolution;
use crate::event::{AlertAction, AlertFacts, AlertMove, RecordedSnapshot, instant};
use crate::metric::{ComplianceStatus, Direction, MetricKind};

/// The governance events of an ingestion, snapshot by snapshot.
pub(crate) fn of_ingestion(
    snapshots: &[RecordedSnapshot],
    alerts: &[AlertMove],
) -> Vec<Publication> {
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
                let side = match kind.direction() {
                    Direction::HigherIsWorse => "above",
                    Direction::LowerIsWorse => "below",
                };
                format!("{kind} {value} is {side} {limit}")
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
        product: Some(snapshot.product),
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

/// Somebody acknowledged the alert.
pub(crate) fn acknowledged(facts: &AlertFacts) -> Publication {
    let reason = format!(
        "the {} alert on {} was acknowledged",
        facts.severity, facts.metric
    );
    about_alert("alert.acknowledged", facts, reason, None)
}

/// Somebody resolved the alert.
pub(crate) fn resolved(facts: &AlertFacts) -> Publication {
    let reason = format!(
        "the {} alert on {} was resolved",
        facts.severity, facts.metric
    );
    about_alert("alert.resolved", facts, reason, Some(Resolution::Manual))
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

/// A publication on an alert that somebody acknowledged (no `resolution`) or that is resolved.
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
        product: Some(facts.product),
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
