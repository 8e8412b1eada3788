//! The recipe of a result: everything needed to compute the same number again.

use crate::error::StatsError;

/// Version of every estimator in this crate; it rises when any number would change.
pub const RECIPE_VERSION: u16 = 1;

/// What was computed, and how.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Recipe {
    /// Stable name: the measure, then the way values became bins where there are bins, as in `psi.quantile_bins`.
    pub estimator: String,
    /// The estimator's version, [`RECIPE_VERSION`] when it was computed.
    pub version: u16,
    /// How many bins were really used; absent for measures without bins.
    pub bins: Option<u32>,
    /// What was done about empty bins.
    pub smoothing: Smoothing,
    /// Rows in the reference sample; absent for measures of one sample.
    pub n_reference: Option<u64>,
    /// Rows in the current sample.
    pub n_current: u64,
}

impl Recipe {
    /// A recipe for a measure of one sample without bins, such as a fairness metric.
    pub(crate) fn of_sample(estimator: &str, n_current: u64) -> Self {
        Self {
            estimator: estimator.to_owned(),
            version: RECIPE_VERSION,
            bins: None,
            smoothing: Smoothing::None,
            n_reference: None,
            n_current,
        }
    }

    /// A recipe for a measure of two samples without bins.
    pub(crate) fn of_pair(estimator: &str, n_reference: u64, n_current: u64) -> Self {
        Self {
            n_reference: Some(n_reference),
            ..Self::of_sample(estimator, n_current)
        }
    }
}

/// How numeric values become bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(tag = "kind", content = "bins", rename_all = "snake_case")
)]
pub enum Binning {
    /// Quantiles of the reference at `i / bins`, interpolated linearly between order statistics; equal edges are
    /// merged, the outer bins are open. The usual choice is 10.
    QuantileBins(u16),
    /// Equal widths between the reference's smallest and largest value; the outer bins are open.
    EqualWidthBins(u16),
    /// Equal widths between the smallest and the largest value of both samples together. The bins move with the
    /// current sample, so results of different current samples are not on one scale.
    JointWidthBins(u16),
    /// `ceil(log2(n)) + 1` equal widths over both samples together (Sturges' rule on their joint size). A reference
    /// with 20 distinct values or fewer gets one bin for each distinct value of either sample instead.
    SturgesBins,
}

impl Binning {
    /// The stable name that recipes carry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QuantileBins(_) => "quantile_bins",
            Self::EqualWidthBins(_) => "equal_width_bins",
            Self::JointWidthBins(_) => "joint_width_bins",
            Self::SturgesBins => "sturges_bins",
        }
    }

    pub(crate) const fn check(self) -> Result<(), StatsError> {
        match self {
            Self::QuantileBins(bins) | Self::EqualWidthBins(bins) | Self::JointWidthBins(bins)
                if bins < 2 || bins > 10_000 =>
            {
                Err(StatsError::OutOfRange {
                    parameter: "bins",
                    expected: "from 2 to 10000",
                })
            }
            Self::QuantileBins(_)
            | Self::EqualWidthBins(_)
            | Self::JointWidthBins(_)
            | Self::SturgesBins => Ok(()),
        }
    }
}

/// What to do about empty bins, where a logarithm or a quotient would fail. Nothing is smoothed silently.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(tag = "kind", content = "amount", rename_all = "snake_case")
)]
pub enum Smoothing {
    /// Nothing: an empty bin where one divides makes the measure not estimable.
    None,
    /// A proportion of zero becomes this number; the others stay as they are, and nothing is normalised again.
    Epsilon(f64),
    /// As [`Smoothing::Epsilon`], with a number of its own for each side: a millionth of the side's smallest
    /// proportion above zero if that is 0.0001 or less, otherwise 0.0001.
    RelativeEpsilon,
    /// Every count is raised by this number before proportions are formed.
    PseudoCount(f64),
    /// Every count is raised by one: [`Smoothing::PseudoCount`] of 1.
    Laplace,
}

impl Smoothing {
    pub(crate) fn check(self) -> Result<(), StatsError> {
        let fine = match self {
            Self::Epsilon(amount) => amount > 0.0 && amount < 1.0,
            Self::PseudoCount(amount) => amount > 0.0 && amount.is_finite(),
            Self::None | Self::RelativeEpsilon | Self::Laplace => true,
        };
        if fine {
            Ok(())
        } else {
            Err(StatsError::OutOfRange {
                parameter: "smoothing",
                expected: "an epsilon between 0 and 1, or a finite pseudo-count above 0",
            })
        }
    }

    /// Proportions of counts that sum to `total`, which is above 0.
    pub(crate) fn proportions(self, counts: &[u64], total: u64) -> Vec<f64> {
        use crate::num::{len_f64, to_f64};
        let shifted = |amount: f64| {
            let sum = amount.mul_add(len_f64(counts.len()), to_f64(total));
            counts
                .iter()
                .map(|&count| (to_f64(count) + amount) / sum)
                .collect()
        };
        let plain = || {
            counts
                .iter()
                .map(|&count| to_f64(count) / to_f64(total))
                .collect()
        };
        match self {
            Self::None => plain(),
            Self::Epsilon(amount) => fill_zeros(plain(), amount),
            Self::RelativeEpsilon => {
                let smallest = counts.iter().filter(|&&count| count > 0).min();
                let smallest = smallest.map_or(1.0, |&count| to_f64(count) / to_f64(total));
                let amount = if smallest <= 1e-4 {
                    smallest / 1e6
                } else {
                    1e-4
                };
                fill_zeros(plain(), amount)
            }
            Self::PseudoCount(amount) => shifted(amount),
            Self::Laplace => shifted(1.0),
        }
    }
}

fn fill_zeros(mut proportions: Vec<f64>, amount: f64) -> Vec<f64> {
    for proportion in &mut proportions {
        if crate::num::is_zero(*proportion) {
            *proportion = amount;
        }
    }
    proportions
}
