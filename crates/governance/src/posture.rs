//! The posture of a product: its judgement as it is kept for the fleet.

use probity_kernel::Version;
use time::OffsetDateTime;

use crate::assessment::Assessment;
use crate::vocabulary::{CompletenessKey, DriftKey, DriftSeverity, LifecycleGate, ReviewStatus};

/// What is kept of a judgement, so that a fleet is told without judging it anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posture {
    /// The score, 0 to 100.
    pub score: u8,
    /// Which rules made the score.
    pub score_version: String,
    /// The gate of its life.
    pub lifecycle_gate: LifecycleGate,
    /// Where its review stands.
    pub review_status: ReviewStatus,
    /// Which items are complete, by [`CompletenessKey::bit`](crate::CompletenessKey::bit).
    pub complete: u8,
    /// Which drifts are active, by [`DriftKey::bit`](crate::DriftKey::bit).
    pub drift: u8,
    /// The severity of the gravest active drift.
    pub worst_severity: Option<DriftSeverity>,
    /// The version of the settings it was judged by.
    pub settings_version: Version,
    /// When it was judged.
    pub evaluated_at: OffsetDateTime,
    /// When it will be another with nobody touching anything.
    pub next_change_at: Option<OffsetDateTime>,
}

impl Posture {
    /// The posture out of a judgement.
    #[must_use]
    pub fn of(assessment: &Assessment, settings_version: Version, at: OffsetDateTime) -> Self {
        let complete = assessment.completeness.iter().filter(|item| item.complete);
        Self {
            score: assessment.score,
            score_version: assessment.score_version.to_owned(),
            lifecycle_gate: assessment.lifecycle_gate,
            review_status: assessment.review_status,
            complete: complete.fold(0, |set, item| set | item.key.bit()),
            drift: assessment
                .active_drift()
                .fold(0, |set, key| set | key.bit()),
            worst_severity: assessment.worst_severity(),
            settings_version,
            evaluated_at: at,
            next_change_at: assessment.next_change_at,
        }
    }

    /// The items that are not complete.
    pub fn missing(&self) -> impl Iterator<Item = CompletenessKey> + '_ {
        let keys = CompletenessKey::ALL.iter().copied();
        keys.filter(|key| self.complete & key.bit() == 0)
    }

    /// The drifts that are active.
    pub fn active_drift(&self) -> impl Iterator<Item = DriftKey> + '_ {
        let keys = DriftKey::ALL.iter().copied();
        keys.filter(|key| self.drift & key.bit() != 0)
    }
}
