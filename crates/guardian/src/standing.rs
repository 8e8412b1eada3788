//! Where a product stands when a snapshot arrives.

use time::OffsetDateTime;

use crate::alert::Alert;
use crate::link::ThresholdOverrides;
use crate::metric::ComplianceStatus;
use crate::threshold::{ThresholdSource, Thresholds};

/// What a store knows about a product when a snapshot arrives.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The limits in force.
    pub thresholds: Thresholds,
    /// Where they come from.
    pub source: ThresholdSource,
    /// Where the latest snapshot stands in time, and its status. A fold leaves here what the next
    /// one has to find: a store keeps the pair as it is, it does not derive it from snapshots.
    pub latest: Option<(OffsetDateTime, ComplianceStatus)>,
    /// The open alerts, at most one for each metric, in no particular order.
    pub open_alerts: Vec<Alert>,
}

impl Standing {
    /// The standing of a product: `overrides` of its risk metric link, if it has one, over the
    /// defaults.
    #[must_use]
    pub fn new(
        overrides: Option<&ThresholdOverrides>,
        latest: Option<(OffsetDateTime, ComplianceStatus)>,
        open_alerts: Vec<Alert>,
    ) -> Self {
        let (thresholds, source) = effective(overrides);
        Self {
            thresholds,
            source,
            latest,
            open_alerts,
        }
    }
}

/// The limits in force under these overrides, with their source.
#[must_use]
pub fn effective(overrides: Option<&ThresholdOverrides>) -> (Thresholds, ThresholdSource) {
    overrides.map_or(
        (Thresholds::GLOBAL_DEFAULTS, ThresholdSource::GlobalDefaults),
        |own| (own.effective(), ThresholdSource::RiskMetricLink),
    )
}
