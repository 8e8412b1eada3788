//! What the judgement says in words. Nothing here depends on the present instant beyond what the rules
//! found, so that between two boundaries the words stay the same.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::evidence::{Evidence, Runs};
use super::rules::{Findings, Staleness, staleness};
use crate::settings::GovernanceSettings;
use crate::vocabulary::{CompletenessKey, DriftKey, DriftSeverity, LifecycleGate};

fn day(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

fn since(lead: &str, at: Option<OffsetDateTime>) -> String {
    match at {
        Some(at) => format!("{lead} {}.", day(at)),
        None => format!("{lead} an unknown date."),
    }
}

/// `1 policy`, `2 policies`.
fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn runs(runs: &Runs) -> String {
    if runs.deployed.is_some() {
        return "1 deployed training run".to_owned();
    }
    counted(runs.completed, "completed run", "completed runs")
}

/// What an item of completeness is about, as it stands.
pub(super) fn item(key: CompletenessKey, evidence: &Evidence, findings: Findings) -> String {
    let complete = findings.is_complete(key);
    let either = |yes: &str, no: &str| if complete { yes } else { no }.to_owned();
    match key {
        CompletenessKey::Owner => either(
            "An accountable owner is set.",
            "No accountable owner is set.",
        ),
        CompletenessKey::Purpose => {
            either("The intended use is stated.", "No intended use is stated.")
        }
        CompletenessKey::RiskClassification => match &evidence.risk_classification {
            Some(class) => format!("Classified as {class} risk."),
            None => "No risk classification is set.".to_owned(),
        },
        CompletenessKey::DataDependencies => match evidence.dependencies.declared {
            0 => either(
                "Declared to have no data dependencies.",
                "No data dependency is declared.",
            ),
            declared => counted(declared, "data dependency", "data dependencies"),
        },
        CompletenessKey::EvaluationEvidence => {
            let metrics = counted(evidence.metrics.measured, "safety metric", "safety metrics");
            format!("{metrics} and {}", runs(&evidence.runs))
        }
        CompletenessKey::Policies => match evidence.policies {
            0 => "No policy is attached.".to_owned(),
            attached => counted(attached, "policy attached", "policies attached"),
        },
        CompletenessKey::Monitoring => monitoring(evidence, complete),
        CompletenessKey::Review => review(evidence, complete),
    }
}

fn monitoring(evidence: &Evidence, complete: bool) -> String {
    let latest = evidence.snapshots.latest_captured_at;
    match (latest, evidence.has_monitoring_plan, complete) {
        (Some(_), true, true) => {
            "A monitoring plan or a recent metric snapshot covers it.".to_owned()
        }
        (Some(at), false, true) => since("Last metric snapshot captured at", Some(at)),
        (None, _, true) => "A monitoring plan is recorded.".to_owned(),
        (Some(at), _, false) => since(
            "No metric snapshot within the monitoring window; the last was captured at",
            Some(at),
        ),
        (None, true, false) => {
            "A plan is recorded, but in production metric snapshots are expected.".to_owned()
        }
        (None, false, false) => "No metric snapshot and no monitoring plan.".to_owned(),
    }
}

fn review(evidence: &Evidence, complete: bool) -> String {
    let expires_at = evidence.reviews.approval.and_then(|one| one.expires_at);
    match (evidence.reviews.latest_approved, expires_at) {
        (Some(true), Some(at)) if complete => since("Approved until", Some(at)),
        (Some(true), _) if complete => "Approved without an end.".to_owned(),
        (Some(true), at) => since("The approval expired at", at),
        (Some(false), _) => "The last review was rejected.".to_owned(),
        (None, _) => "No review has been decided.".to_owned(),
    }
}

/// What a drift indicator is about, as it stands.
pub(super) fn drift(
    key: DriftKey,
    severity: Option<DriftSeverity>,
    evidence: &Evidence,
    settings: &GovernanceSettings,
) -> String {
    let Some(severity) = severity else {
        return quiet(key, evidence);
    };
    match key {
        DriftKey::OverdueReview => since("The next review was due at", evidence.next_review_due_at),
        DriftKey::ChangedUpstreamData => since(
            "A data dependency changed after the newest evaluation, at",
            evidence.dependencies.changed_since_evaluation,
        ),
        DriftKey::MissingEval => "Evaluation evidence is incomplete.".to_owned(),
        DriftKey::ExpiredApproval => since(
            "The approval expired at",
            evidence.reviews.approval.and_then(|one| one.expires_at),
        ),
        DriftKey::UnresolvedHighRiskMitigation => {
            let due = if severity == DriftSeverity::Critical {
                evidence.mitigations.critical_due_at
            } else {
                evidence.mitigations.high_due_at
            };
            since(
                &format!("An open mitigation of {severity} severity was due at"),
                due,
            )
        }
        DriftKey::StaleDocumentation => match staleness(evidence, settings) {
            Staleness::Missing => "There is no technical documentation.".to_owned(),
            Staleness::Undated => "The technical documentation has no date.".to_owned(),
            Staleness::OlderThanRun => {
                "The technical documentation is older than the deployed run.".to_owned()
            }
            Staleness::Aged(from) => since(
                "The technical documentation is out of date since",
                Some(from),
            ),
        },
    }
}

fn quiet(key: DriftKey, evidence: &Evidence) -> String {
    match key {
        DriftKey::OverdueReview if evidence.next_review_due_at.is_none() => {
            "No review date is set."
        }
        DriftKey::OverdueReview => "The next review is not due yet.",
        DriftKey::ChangedUpstreamData => "No data dependency changed after the newest evaluation.",
        DriftKey::MissingEval => "Evaluation evidence is present.",
        DriftKey::ExpiredApproval if evidence.reviews.approval.is_none() => {
            "No approval has been given."
        }
        DriftKey::ExpiredApproval => "The approval has not expired.",
        DriftKey::UnresolvedHighRiskMitigation => {
            "No open mitigation of high or critical severity is past due."
        }
        DriftKey::StaleDocumentation => "Technical documentation is up to date.",
    }
    .to_owned()
}

/// What completes an item.
pub(super) const fn complete_it(key: CompletenessKey, gate: LifecycleGate) -> &'static str {
    match key {
        CompletenessKey::Owner => "Set the accountable owner, a person or a team.",
        CompletenessKey::Purpose => "State the intended use.",
        CompletenessKey::RiskClassification => "Decide the risk classification.",
        CompletenessKey::DataDependencies => {
            "Declare the data dependencies, or declare that there are none."
        }
        CompletenessKey::EvaluationEvidence => {
            "Record a measured safety metric and a completed training, fine-tuning or evaluation run."
        }
        CompletenessKey::Policies => "Attach at least one policy.",
        CompletenessKey::Monitoring => match gate {
            LifecycleGate::Production | LifecycleGate::Retired => "Send metric snapshots.",
            LifecycleGate::Design | LifecycleGate::Development | LifecycleGate::Validation => {
                "Record a monitoring plan, or send metric snapshots."
            }
        },
        CompletenessKey::Review => "Request a review and have it approved.",
    }
}

/// What clears a drift.
pub(super) const fn clear_it(key: DriftKey) -> &'static str {
    match key {
        DriftKey::OverdueReview => "Have the overdue review approved, with a new review date.",
        DriftKey::ChangedUpstreamData => "Evaluate again on the changed data.",
        DriftKey::MissingEval => {
            "Record a measured safety metric and a completed training, fine-tuning or evaluation run."
        }
        DriftKey::ExpiredApproval => "Request a review and have the approval renewed.",
        DriftKey::UnresolvedHighRiskMitigation => {
            "Resolve or accept the mitigations that are past due."
        }
        DriftKey::StaleDocumentation => "Bring the technical documentation up to date.",
    }
}
