//! The score out of its parts. An item is worth 12.5 points, so parts are counted in half points: sums
//! are exact, and the score is what the parts sum to.

use super::rules::Findings;
use super::wording;
use crate::settings::GovernanceSettings;
use crate::vocabulary::{CompletenessKey, DriftKey, LifecycleGate};

/// Which rules made a score; another version may score the same evidence otherwise.
pub const SCORE_VERSION: &str = "1.0";

/// Half points that a complete item is worth: 100 points over eight items.
const ITEM: i32 = 25;

/// A number of points with one binary place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Points(i32);

impl Points {
    /// So many half points.
    #[must_use]
    pub const fn halves(halves: i32) -> Self {
        Self(halves)
    }

    /// The number of half points.
    #[must_use]
    pub const fn in_halves(self) -> i32 {
        self.0
    }

    /// The number of points; exact.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.0) / 2.0
    }
}

/// What a part of the score comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContributionSource {
    /// An item of completeness.
    Completeness(CompletenessKey),
    /// An active drift.
    Drift(DriftKey),
    /// What is given back where penalties would take the score below 0.
    Floor,
    /// The half point that is cut off: a score never claims more than the evidence gives.
    Rounding,
}

impl ContributionSource {
    /// The family of the source: `completeness`, `drift`, `floor` or `rounding`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Completeness(_) => "completeness",
            Self::Drift(_) => "drift",
            Self::Floor => "floor",
            Self::Rounding => "rounding",
        }
    }

    /// The key of the item or the drift; the kind itself for the other two.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Completeness(key) => key.as_str(),
            Self::Drift(key) => key.as_str(),
            Self::Floor => "floor",
            Self::Rounding => "rounding",
        }
    }

    /// What a person reads.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Completeness(key) => key.label(),
            Self::Drift(key) => key.label(),
            Self::Floor => "No score below 0",
            Self::Rounding => "Rounded down to whole points",
        }
    }
}

/// What would undo a missing contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Remedy {
    /// What to do.
    pub action: &'static str,
    /// By how many points the score rises when just this is done.
    pub gives_back: u8,
}

/// One part of the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Contribution {
    /// Where it comes from.
    pub source: ContributionSource,
    /// What it adds; negative for what it takes.
    pub points: Points,
    /// What it adds at the most.
    pub maximum: Points,
    /// How to win what is missing.
    pub remedy: Option<Remedy>,
}

/// A score with its parts; they sum to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Score {
    /// 0 to 100.
    pub total: u8,
    /// The eight items, the active drifts, and what floor and rounding do where they do anything.
    pub parts: Vec<Contribution>,
}

/// Half points before floor and rounding.
fn raw(findings: Findings, settings: &GovernanceSettings) -> i32 {
    let complete = i32::try_from(findings.complete.count_ones()).unwrap_or_default();
    let taken: i32 = findings
        .active()
        .map(|(_, severity)| 2 * i32::from(settings.penalties.of(severity)))
        .sum();
    ITEM * complete - taken
}

/// The score alone.
pub(crate) fn total(findings: Findings, settings: &GovernanceSettings) -> u8 {
    u8::try_from(raw(findings, settings).max(0) / 2).unwrap_or_default()
}

/// The score with its parts.
pub(super) fn score(
    findings: Findings,
    settings: &GovernanceSettings,
    gate: LifecycleGate,
) -> Score {
    let total = total(findings, settings);
    let gain = |(complete, cleared): (u8, u8)| {
        let mut better = findings;
        better.complete |= complete;
        for (slot, key) in better.drift.iter_mut().zip(DriftKey::ALL) {
            if cleared & key.bit() != 0 {
                *slot = None;
            }
        }
        self::total(better, settings).saturating_sub(total)
    };
    let mut parts = Vec::with_capacity(16);
    for key in CompletenessKey::ALL {
        let complete = findings.is_complete(*key);
        let remedy = (!complete).then(|| Remedy {
            action: wording::complete_it(*key, gate),
            gives_back: gain(cure_of_item(*key)),
        });
        parts.push(Contribution {
            source: ContributionSource::Completeness(*key),
            points: Points(if complete { ITEM } else { 0 }),
            maximum: Points(ITEM),
            remedy,
        });
    }
    for (key, severity) in findings.active() {
        parts.push(Contribution {
            source: ContributionSource::Drift(key),
            points: Points(-2 * i32::from(settings.penalties.of(severity))),
            maximum: Points(0),
            remedy: Some(Remedy {
                action: wording::clear_it(key),
                gives_back: gain(cure_of_drift(key)),
            }),
        });
    }
    let raw = raw(findings, settings);
    let floor = (-raw).max(0);
    let rounding = -(raw.max(0) % 2);
    for (source, points) in [
        (ContributionSource::Floor, floor),
        (ContributionSource::Rounding, rounding),
    ] {
        if points != 0 {
            parts.push(Contribution {
                source,
                points: Points(points),
                maximum: Points(points),
                remedy: None,
            });
        }
    }
    Score { total, parts }
}

/// A decided review is an approval in force, and sets when the next one is due.
fn approval() -> (u8, u8) {
    (
        CompletenessKey::Review.bit(),
        DriftKey::ExpiredApproval.bit() | DriftKey::OverdueReview.bit(),
    )
}

fn evaluation() -> (u8, u8) {
    (
        CompletenessKey::EvaluationEvidence.bit(),
        DriftKey::MissingEval.bit(),
    )
}

/// What the remedy of an item completes and clears.
fn cure_of_item(key: CompletenessKey) -> (u8, u8) {
    match key {
        CompletenessKey::Review => approval(),
        CompletenessKey::EvaluationEvidence => evaluation(),
        CompletenessKey::Owner
        | CompletenessKey::Purpose
        | CompletenessKey::RiskClassification
        | CompletenessKey::DataDependencies
        | CompletenessKey::Policies
        | CompletenessKey::Monitoring => (key.bit(), 0),
    }
}

/// What the remedy of a drift completes and clears.
fn cure_of_drift(key: DriftKey) -> (u8, u8) {
    match key {
        DriftKey::OverdueReview | DriftKey::ExpiredApproval => approval(),
        DriftKey::MissingEval => evaluation(),
        DriftKey::ChangedUpstreamData
        | DriftKey::UnresolvedHighRiskMitigation
        | DriftKey::StaleDocumentation => (0, key.bit()),
    }
}
