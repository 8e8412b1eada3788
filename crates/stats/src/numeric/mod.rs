//! Drift between two numeric columns held in memory, exact to rounding.
//!
//! Nothing is sorted as a whole. Values are counted into 65 536 ordered buckets; from the counts it follows which
//! few buckets can hold a quantile, the largest gap between the distribution functions, or a crossing of the two.
//! Only those are gathered and sorted. The answer is the exact one for every input; only the speed depends on how
//! evenly the values spread.

mod buckets;
mod drift;
pub(crate) mod edges;
mod gap;
mod mapper;
mod profile;
mod results;
mod scan;

use std::cell::OnceCell;

pub(crate) use profile::{both, worth_two_threads};

pub use results::{
    ColumnBins, GapLocation, KolmogorovSmirnov, KsMethod, NumericDrift, NumericOptions,
};

use crate::error::{Sample, StatsError};
use crate::num::count;
use scan::Scan;

/// How many threads a measurement may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Execution {
    /// The caller's thread only.
    SingleThread,
    /// A second thread for the current sample, if the columns together exceed a quarter of a million rows.
    #[default]
    TwoThreads,
}

/// Two columns of finite numbers to compare, checked once.
///
/// ```
/// use probity_stats::{Binning, NumericPair, NumericOptions};
/// let reference: Vec<f64> = (0..1000).map(|i| f64::from(i % 100)).collect();
/// let current: Vec<f64> = (0..1000).map(|i| f64::from(i % 100) + 5.0).collect();
/// let drift = NumericPair::new(&reference, &current)?.drift(&NumericOptions::default())?;
/// assert_eq!(drift.psi.recipe.estimator, "psi.quantile_bins");
/// assert!((drift.wasserstein.value().unwrap() - 5.0).abs() < 1e-12);
/// # Ok::<(), probity_stats::StatsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NumericPair<'a> {
    reference: &'a [f64],
    current: &'a [f64],
    scans: (Scan, Scan),
    execution: Execution,
    reference_deviation: OnceCell<f64>,
}

impl<'a> NumericPair<'a> {
    /// Checks and pairs two columns. Either may be empty; then no statistic is estimable.
    ///
    /// # Errors
    /// [`StatsError::NonFinite`] with the first row that is NaN or infinite.
    pub fn new(reference: &'a [f64], current: &'a [f64]) -> Result<Self, StatsError> {
        Self::with_execution(reference, current, Execution::default())
    }

    /// As [`new`](Self::new), with a choice of threads for this and all measurements.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_execution(
        reference: &'a [f64],
        current: &'a [f64],
        execution: Execution,
    ) -> Result<Self, StatsError> {
        let parallel = profile::worth_two_threads(reference.len() + current.len(), execution);
        let (first, second) = profile::both(
            parallel,
            || scan::scan(reference, Sample::Reference),
            || scan::scan(current, Sample::Current),
        );
        let scans = (first?, second?);
        Ok(Self {
            reference,
            current,
            scans,
            execution,
            reference_deviation: OnceCell::new(),
        })
    }

    /// Rows of the reference and of the current sample.
    #[must_use]
    pub fn rows(&self) -> (u64, u64) {
        (count(self.reference.len()), count(self.current.len()))
    }

    /// Smallest and largest value of both samples together.
    fn bounds(&self) -> (f64, f64) {
        let (a, b) = &self.scans;
        (a.min.min(b.min), a.max.max(b.max))
    }

    fn reference_deviation(&self) -> f64 {
        *self
            .reference_deviation
            .get_or_init(|| scan::standard_deviation(self.reference, self.scans.0.sum))
    }

    fn is_empty(&self) -> bool {
        self.reference.is_empty() || self.current.is_empty()
    }
}
