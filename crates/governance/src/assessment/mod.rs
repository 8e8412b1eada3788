//! The judgement of one product as a pure function of its evidence, the settings and an instant.

pub mod evidence;
pub(crate) mod rules;
pub mod score;
#[cfg(test)]
mod tests;
mod wording;

use time::OffsetDateTime;

use self::evidence::Evidence;
use self::score::{Contribution, SCORE_VERSION, Score};
use crate::settings::GovernanceSettings;
use crate::vocabulary::{CompletenessKey, DriftKey, DriftSeverity, LifecycleGate, ReviewStatus};

/// One item of completeness.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CompletenessItem {
    /// Which.
    pub key: CompletenessKey,
    /// Whether it is complete.
    pub complete: bool,
    /// How it stands.
    pub detail: String,
}

/// One drift indicator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DriftIndicator {
    /// Which.
    pub key: DriftKey,
    /// How grave it is, or would be when it became active now.
    pub severity: DriftSeverity,
    /// Whether it is active.
    pub active: bool,
    /// How it stands.
    pub detail: String,
}

/// How much there is of one kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EvidenceCount {
    /// The kind.
    pub key: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// How many.
    pub count: u64,
}

/// The judgement of a product. Between two boundaries in time it is the same, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assessment {
    /// The score, 0 to 100.
    pub score: u8,
    /// Which rules made the score.
    pub score_version: &'static str,
    /// The parts of the score; they sum to it.
    pub breakdown: Vec<Contribution>,
    /// The gate of its life.
    pub lifecycle_gate: LifecycleGate,
    /// Where its review stands.
    pub review_status: ReviewStatus,
    /// The eight items.
    pub completeness: Vec<CompletenessItem>,
    /// The six indicators.
    pub drift: Vec<DriftIndicator>,
    /// What there is of each kind of evidence.
    pub evidence: Vec<EvidenceCount>,
    /// The earliest instant at which the judgement will be another with nobody touching anything.
    pub next_change_at: Option<OffsetDateTime>,
}

impl Assessment {
    /// The keys of the active drifts, in their order.
    pub fn active_drift(&self) -> impl Iterator<Item = DriftKey> + '_ {
        let active = self.drift.iter().filter(|indicator| indicator.active);
        active.map(|indicator| indicator.key)
    }

    /// The severity of the gravest active drift.
    #[must_use]
    pub fn worst_severity(&self) -> Option<DriftSeverity> {
        let active = self.drift.iter().filter(|indicator| indicator.active);
        active.map(|indicator| indicator.severity).max()
    }
}

/// Judges a product by its evidence at an instant.
#[must_use]
pub fn assess(
    evidence: &Evidence,
    settings: &GovernanceSettings,
    now: OffsetDateTime,
) -> Assessment {
    let findings = rules::findings(evidence, settings, now);
    let Score { total, parts } = score::score(findings, settings, evidence.gate);
    let item = |key: &CompletenessKey| CompletenessItem {
        key: *key,
        complete: findings.is_complete(*key),
        detail: wording::item(*key, evidence, findings),
    };
    let indicator = |(key, severity): (&DriftKey, Option<DriftSeverity>)| DriftIndicator {
        key: *key,
        severity: severity.unwrap_or_else(|| rules::usual_severity(*key, evidence)),
        active: severity.is_some(),
        detail: wording::drift(*key, severity, evidence, settings),
    };
    Assessment {
        score: total,
        score_version: SCORE_VERSION,
        breakdown: parts,
        lifecycle_gate: evidence.gate,
        review_status: findings.review_status,
        completeness: CompletenessKey::ALL.iter().map(item).collect(),
        drift: DriftKey::ALL
            .iter()
            .zip(findings.drift)
            .map(indicator)
            .collect(),
        evidence: counts(evidence),
        next_change_at: next_change(evidence, settings, now, findings),
    }
}

/// The first boundary after `now` behind which the rules find something else.
fn next_change(
    evidence: &Evidence,
    settings: &GovernanceSettings,
    now: OffsetDateTime,
    found: rules::Findings,
) -> Option<OffsetDateTime> {
    rules::boundaries(evidence, settings)
        .filter(|at| *at > now)
        .filter(|at| rules::findings(evidence, settings, *at) != found)
        .min()
}

fn counts(evidence: &Evidence) -> Vec<EvidenceCount> {
    let count = |key, label, count| EvidenceCount { key, label, count };
    vec![
        count("training_runs", "Training runs", evidence.runs.total),
        count("safety_metrics", "Safety metrics", evidence.metrics.total),
        count(
            "metric_snapshots",
            "Metric snapshots",
            evidence.snapshots.total,
        ),
        count(
            "data_dependencies",
            "Data dependencies",
            evidence.dependencies.declared,
        ),
        count("policies", "Policies", evidence.policies),
        count(
            "risk_mitigations",
            "Risk mitigations",
            evidence.mitigations.total,
        ),
        count("review_requests", "Review requests", evidence.reviews.total),
        count(
            "technical_documentation",
            "Technical documentation",
            u64::from(evidence.documentation.is_some()),
        ),
        count("versions", "Versions", evidence.versions),
        count(
            "registered_models",
            "Registered models",
            evidence.registered_models,
        ),
        count("runtime_events", "Runtime events", evidence.runtime_events),
    ]
}
