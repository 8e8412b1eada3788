//! Counts of the same bins or categories on both sides, the input of every binned measure.

use crate::error::StatsError;
use crate::estimate::{Estimate, Measurement, Reason};
use crate::num::count;
use crate::recipe::{RECIPE_VERSION, Recipe, Smoothing};

/// The reference's and the current sample's counts over the same bins.
///
/// The bins may be categories (any order) or intervals (ascending order); only
/// [`wasserstein_index`](Self::wasserstein_index) reads the order.
///
/// ```
/// use probity_stats::{BinnedPair, Smoothing};
/// let pair = BinnedPair::new(vec![100, 200, 300, 250, 150], vec![80, 150, 320, 280, 170])?;
/// let psi = pair.psi(Smoothing::None)?;
/// assert_eq!(psi.recipe.estimator, "psi.given_bins");
/// assert!((psi.value().unwrap() - 0.026_040_868_489_914_91).abs() < 1e-12);
/// # Ok::<(), probity_stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BinnedPair {
    reference: Vec<u64>,
    current: Vec<u64>,
    #[cfg_attr(feature = "serde", serde(skip))]
    binning: &'static str,
}

impl BinnedPair {
    /// Pairs two rows of counts of the caller's own bins.
    ///
    /// # Errors
    /// [`StatsError::LengthMismatch`] if the rows differ in length.
    pub fn new(reference: Vec<u64>, current: Vec<u64>) -> Result<Self, StatsError> {
        if reference.len() == current.len() {
            Ok(Self {
                reference,
                current,
                binning: "given_bins",
            })
        } else {
            Err(StatsError::LengthMismatch {
                what: "the current sample's counts",
                actual: count(current.len()),
                expected: count(reference.len()),
            })
        }
    }

    /// Pairs rows of counts of equal length and names the way the bins were made, for recipes.
    pub(crate) const fn matched(
        reference: Vec<u64>,
        current: Vec<u64>,
        binning: &'static str,
    ) -> Self {
        Self {
            reference,
            current,
            binning,
        }
    }

    /// The reference's counts.
    #[must_use]
    pub fn reference(&self) -> &[u64] {
        &self.reference
    }

    /// The current sample's counts.
    #[must_use]
    pub fn current(&self) -> &[u64] {
        &self.current
    }

    /// Rows in the reference.
    #[must_use]
    pub fn n_reference(&self) -> u64 {
        self.reference.iter().sum()
    }

    /// Rows in the current sample.
    #[must_use]
    pub fn n_current(&self) -> u64 {
        self.current.iter().sum()
    }

    /// The same counts with the two sides exchanged.
    #[must_use]
    pub fn swapped(&self) -> Self {
        Self {
            reference: self.current.clone(),
            current: self.reference.clone(),
            binning: self.binning,
        }
    }

    pub(crate) fn recipe(&self, measure: &str, smoothing: Smoothing) -> Recipe {
        Recipe {
            estimator: format!("{measure}.{}", self.binning),
            version: RECIPE_VERSION,
            bins: u32::try_from(self.reference.len()).ok(),
            smoothing,
            n_reference: Some(self.n_reference()),
            n_current: self.n_current(),
        }
    }

    /// The reason that rules out every binned measure, if there is one.
    pub(crate) fn obstacle(&self) -> Option<Reason> {
        if self.n_reference() == 0 || self.n_current() == 0 {
            Some(Reason::EmptySample)
        } else if self.reference.len() < 2 {
            Some(Reason::SingleBin)
        } else {
            None
        }
    }

    /// Smoothed proportions of both sides, handed to `formula`.
    pub(crate) fn measure(
        &self,
        measure: &str,
        smoothing: Smoothing,
        formula: impl FnOnce(&[f64], &[f64]) -> Result<f64, Reason>,
    ) -> Result<Measurement, StatsError> {
        smoothing.check()?;
        let outcome = match self.obstacle() {
            Some(reason) => Err(reason),
            None => formula(
                &smoothing.proportions(&self.reference, self.n_reference()),
                &smoothing.proportions(&self.current, self.n_current()),
            ),
        };
        Ok(Measurement {
            recipe: self.recipe(measure, smoothing),
            estimate: Estimate::from(outcome),
        })
    }
}
