//! What to measure with, and what comes out.

use crate::counts::BinnedPair;
use crate::divergence::LogBase;
use crate::error::StatsError;
use crate::estimate::{Estimate, Measurement, Reason};
use crate::recipe::{Binning, Smoothing};

/// How the p-value of the Kolmogorov-Smirnov test is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum KsMethod {
    /// Exact if neither sample exceeds 10 000 rows, otherwise asymptotic.
    #[default]
    Auto,
    /// The one-sample distribution for `m n / (m + n)` rows, rounded.
    Asymptotic,
}

/// What to measure with.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NumericOptions {
    /// Bins of the population stability index and the Jensen-Shannon distance.
    pub binning: Binning,
    /// Smoothing of the population stability index.
    pub smoothing: Smoothing,
    /// Base of the Jensen-Shannon distance.
    pub log_base: LogBase,
    /// P-value of the Kolmogorov-Smirnov test.
    pub ks_method: KsMethod,
    /// With fewer rows than this in either sample nothing is estimable.
    pub min_samples: u64,
}

impl Default for NumericOptions {
    /// Deciles of the reference, zero proportions raised to 0.0001, natural logarithm, any sample size from 1.
    fn default() -> Self {
        Self {
            binning: Binning::QuantileBins(10),
            smoothing: Smoothing::Epsilon(1e-4),
            log_base: LogBase::Natural,
            ks_method: KsMethod::Auto,
            min_samples: 1,
        }
    }
}

/// All drift measures of one column.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NumericDrift {
    /// The bins and both samples' counts in them.
    pub bins: ColumnBins,
    /// Population stability index over the bins.
    pub psi: Measurement,
    /// Jensen-Shannon distance over the bins, unsmoothed.
    pub js_distance: Measurement,
    /// Kolmogorov-Smirnov test, without bins.
    pub ks: KolmogorovSmirnov,
    /// Wasserstein-1 distance in the column's own unit, without bins.
    pub wasserstein: Measurement,
    /// The same divided by the reference's standard deviation or 0.001, whichever is larger.
    pub wasserstein_normed: Measurement,
}

/// Bins of a numeric column with the counts of both samples.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ColumnBins {
    /// Ascending edges, one more than there are bins: a bin holds its lower edge but not its upper one, and the
    /// outermost bins are open. When every distinct value is a bin of its own, the values instead.
    pub edges: Vec<f64>,
    /// The counts.
    pub counts: BinnedPair,
    /// Set if the reference offers no bins.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) obstacle: Option<Reason>,
}

impl ColumnBins {
    /// Population stability index over these bins.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the smoothing's amount is.
    pub fn psi(&self, smoothing: Smoothing) -> Result<Measurement, StatsError> {
        self.counts
            .psi(smoothing)
            .map(|measurement| self.judge(measurement))
    }

    /// Jensen-Shannon distance over these bins, zeros left as they are.
    #[must_use]
    pub fn js_distance(&self, base: LogBase) -> Measurement {
        self.judge(self.counts.js_distance(base))
    }

    fn judge(&self, mut measurement: Measurement) -> Measurement {
        if let Some(reason) = self.obstacle {
            measurement.estimate = Estimate::none(reason);
        }
        measurement
    }
}

/// Where the distribution functions are furthest apart.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GapLocation {
    /// The value at which the gap opens.
    pub value: f64,
    /// Whether the reference's distribution function is the higher one there: its values tend to be smaller.
    pub reference_above: bool,
}

/// Result of a two-sample Kolmogorov-Smirnov test.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KolmogorovSmirnov {
    /// The statistic (largest gap, from 0 to 1) and its two-sided p-value.
    pub measurement: Measurement,
    /// Where the gap is; absent if the statistic is not estimable.
    pub location: Option<GapLocation>,
}
