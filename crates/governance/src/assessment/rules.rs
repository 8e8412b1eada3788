//! The rules: which items are complete and which drifts are active at an instant.
//!
//! A date has passed at the very instant it names: at `due` a review is overdue, at `expires` an
//! approval has expired, and a period ends at its start plus its length.

use time::{Duration, OffsetDateTime};

use super::evidence::Evidence;
use crate::settings::GovernanceSettings;
use crate::vocabulary::{CompletenessKey, DriftKey, DriftSeverity, LifecycleGate, ReviewStatus};

/// The outcome of all rules at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Findings {
    /// Which items are complete, a bit each.
    pub(crate) complete: u8,
    /// The severity of each active drift.
    pub(crate) drift: [Option<DriftSeverity>; 6],
    /// Where the review stands.
    pub(crate) review_status: ReviewStatus,
}

impl Findings {
    pub(crate) fn is_complete(self, key: CompletenessKey) -> bool {
        self.complete & key.bit() != 0
    }

    pub(crate) fn active(self) -> impl Iterator<Item = (DriftKey, DriftSeverity)> {
        let pairs = DriftKey::ALL.iter().zip(self.drift);
        pairs.filter_map(|(key, severity)| Some((*key, severity?)))
    }
}

/// An instant after another, at the end of time where there is none.
fn after(at: OffsetDateTime, period: Duration) -> OffsetDateTime {
    at.saturating_add(period)
}

fn passed(at: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
    at.is_some_and(|at| at <= now)
}

fn in_production(evidence: &Evidence) -> bool {
    evidence.gate == LifecycleGate::Production
}

/// Applies every rule.
pub(crate) fn findings(
    evidence: &Evidence,
    settings: &GovernanceSettings,
    now: OffsetDateTime,
) -> Findings {
    let mut complete = 0;
    for key in CompletenessKey::ALL {
        if is_complete(*key, evidence, settings, now) {
            complete |= key.bit();
        }
    }
    let mut drift = [None; 6];
    for (slot, key) in drift.iter_mut().zip(DriftKey::ALL) {
        *slot = severity(*key, evidence, settings, now);
    }
    Findings {
        complete,
        drift,
        review_status: review_status(evidence, now),
    }
}

fn is_complete(
    key: CompletenessKey,
    evidence: &Evidence,
    settings: &GovernanceSettings,
    now: OffsetDateTime,
) -> bool {
    match key {
        CompletenessKey::Owner => evidence.has_owner,
        CompletenessKey::Purpose => evidence.has_purpose,
        CompletenessKey::RiskClassification => evidence.risk_classification.is_some(),
        CompletenessKey::DataDependencies => {
            evidence.dependencies.declared > 0 || evidence.dependencies.declared_none
        }
        CompletenessKey::EvaluationEvidence => is_evaluated(evidence),
        CompletenessKey::Policies => evidence.policies > 0,
        CompletenessKey::Monitoring => {
            is_monitored(evidence, settings, now)
                || (evidence.has_monitoring_plan && !has_reached_production(evidence.gate))
        }
        CompletenessKey::Review => approval_holds(evidence, now),
    }
}

fn is_evaluated(evidence: &Evidence) -> bool {
    let measured = evidence.metrics.measured;
    if evidence.kind.is_trained() {
        return measured > 0 && evidence.runs.completed > 0;
    }
    // What has no training of its own is evaluated by a run or by a second metric.
    measured > 0 && (evidence.runs.completed_evaluations > 0 || measured > 1)
}

fn is_monitored(evidence: &Evidence, settings: &GovernanceSettings, now: OffsetDateTime) -> bool {
    let latest = evidence.snapshots.latest_captured_at;
    latest.is_some_and(|at| now < after(at, settings.monitoring_window()))
}

/// Whether a plan to monitor is not enough any more.
const fn has_reached_production(gate: LifecycleGate) -> bool {
    matches!(gate, LifecycleGate::Production | LifecycleGate::Retired)
}

fn approval_holds(evidence: &Evidence, now: OffsetDateTime) -> bool {
    let reviews = &evidence.reviews;
    reviews.latest_approved == Some(true)
        && reviews
            .approval
            .is_some_and(|approval| !passed(approval.expires_at, now))
}

/// The severity of a drift, when it is active.
fn severity(
    key: DriftKey,
    evidence: &Evidence,
    settings: &GovernanceSettings,
    now: OffsetDateTime,
) -> Option<DriftSeverity> {
    let usual = usual_severity(key, evidence);
    match key {
        DriftKey::OverdueReview => {
            let due = evidence.next_review_due_at.filter(|due| *due <= now)?;
            let past = |period| after(due, period) <= now;
            Some(
                if past(settings.overdue_critical_after()) && in_production(evidence) {
                    DriftSeverity::Critical
                } else if past(settings.overdue_high_after()) {
                    DriftSeverity::High
                } else {
                    usual
                },
            )
        }
        DriftKey::ChangedUpstreamData => {
            passed(evidence.dependencies.changed_since_evaluation, now).then_some(usual)
        }
        DriftKey::MissingEval => (!is_evaluated(evidence)).then_some(usual),
        DriftKey::ExpiredApproval => {
            let approval = evidence.reviews.approval?;
            passed(approval.expires_at, now).then_some(usual)
        }
        DriftKey::UnresolvedHighRiskMitigation => {
            if passed(evidence.mitigations.critical_due_at, now) {
                return Some(DriftSeverity::Critical);
            }
            passed(evidence.mitigations.high_due_at, now).then_some(usual)
        }
        DriftKey::StaleDocumentation => is_stale(evidence, settings, now).then_some(usual),
    }
}

/// The severity that a drift has, or would have when it became active now.
pub(super) fn usual_severity(key: DriftKey, evidence: &Evidence) -> DriftSeverity {
    let escalate = |usual, in_production_is| {
        if in_production(evidence) {
            in_production_is
        } else {
            usual
        }
    };
    match key {
        DriftKey::OverdueReview => DriftSeverity::Medium,
        DriftKey::ChangedUpstreamData => escalate(DriftSeverity::Medium, DriftSeverity::High),
        DriftKey::MissingEval | DriftKey::UnresolvedHighRiskMitigation => DriftSeverity::High,
        DriftKey::ExpiredApproval => escalate(DriftSeverity::High, DriftSeverity::Critical),
        DriftKey::StaleDocumentation => escalate(DriftSeverity::Low, DriftSeverity::Medium),
    }
}

/// Why documentation is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Staleness {
    Missing,
    Undated,
    OlderThanRun,
    Aged(OffsetDateTime),
}

/// Why documentation is stale, whether it is so by now or will be by its age alone.
pub(super) fn staleness(evidence: &Evidence, settings: &GovernanceSettings) -> Staleness {
    let Some(documentation) = evidence.documentation else {
        return Staleness::Missing;
    };
    let Some(updated_at) = documentation.updated_at else {
        return Staleness::Undated;
    };
    let run = evidence.runs.deployed.and_then(|run| run.effective_at);
    if run.is_some_and(|run| updated_at < run) {
        return Staleness::OlderThanRun;
    }
    Staleness::Aged(after(updated_at, settings.documentation_max_age()))
}

fn is_stale(evidence: &Evidence, settings: &GovernanceSettings, now: OffsetDateTime) -> bool {
    match staleness(evidence, settings) {
        Staleness::Missing | Staleness::Undated | Staleness::OlderThanRun => true,
        Staleness::Aged(from) => from <= now,
    }
}

fn review_status(evidence: &Evidence, now: OffsetDateTime) -> ReviewStatus {
    let reviews = &evidence.reviews;
    let overdue = passed(evidence.next_review_due_at, now);
    if reviews.open {
        ReviewStatus::InReview
    } else if approval_holds(evidence, now) && !overdue {
        ReviewStatus::Approved
    } else if reviews.latest_approved.is_none() && !overdue {
        ReviewStatus::NotStarted
    } else {
        ReviewStatus::NeedsReview
    }
}

/// Every instant at which a rule may turn.
pub(super) fn boundaries(
    evidence: &Evidence,
    settings: &GovernanceSettings,
) -> impl Iterator<Item = OffsetDateTime> {
    let due = evidence.next_review_due_at;
    let aged = match staleness(evidence, settings) {
        Staleness::Aged(at) => Some(at),
        Staleness::Missing | Staleness::Undated | Staleness::OlderThanRun => None,
    };
    let snapshot = evidence.snapshots.latest_captured_at;
    let approval = evidence.reviews.approval;
    [
        due,
        due.map(|due| after(due, settings.overdue_high_after())),
        due.map(|due| after(due, settings.overdue_critical_after())),
        evidence.dependencies.changed_since_evaluation,
        approval.and_then(|approval| approval.expires_at),
        evidence.mitigations.high_due_at,
        evidence.mitigations.critical_due_at,
        snapshot.map(|at| after(at, settings.monitoring_window())),
        aged,
    ]
    .into_iter()
    .flatten()
}
