//! Everything about a numeric stream that drift needs, in bounded memory.

use crate::error::StatsError;
use crate::estimate::{Estimate, Measurement, Reason};
use crate::num::to_f64;
use crate::numeric::edges;
use crate::recipe::Recipe;
use crate::stream::{Histogram, Moments, QuantileSketch};

/// Moments, bounds and quantiles of a numeric column. Push rows or merge parts, in any grouping.
///
/// The first of two passes over data of any size: [`quantile_bins`](Self::quantile_bins) of the reference's summary
/// are the bins in which the second pass counts both samples exactly. The bins' edges are then off by at most the
/// sketch's rank error, but what is counted in them is exact, so the stability index is that of bins which hold
/// `1 / bins` of the reference up to that error. Kolmogorov-Smirnov and Wasserstein come from the summaries alone
/// and carry an error bound.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ColumnSummary {
    moments: Moments,
    sketch: QuantileSketch,
}

impl ColumnSummary {
    /// An empty summary whose sketch has so many values a level.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the capacity is from 8 to 1 048 576.
    pub fn new(capacity: usize) -> Result<Self, StatsError> {
        Ok(Self {
            moments: Moments::default(),
            sketch: QuantileSketch::new(capacity)?,
        })
    }

    /// Takes one value.
    ///
    /// # Errors
    /// [`StatsError::NonFinite`] with the number of values taken before as the row; nothing is changed.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        self.moments.push(value)?;
        self.sketch.push(value)
    }

    /// Takes several values.
    ///
    /// # Errors
    /// [`StatsError::NonFinite`] at the first value that is not finite; those before it were taken.
    pub fn extend(&mut self, values: &[f64]) -> Result<(), StatsError> {
        values.iter().try_for_each(|&value| self.push(value))
    }

    /// Adds all rows of another part.
    ///
    /// # Errors
    /// [`StatsError::IncompatibleMerge`] if the capacities differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        self.sketch.merge(&other.sketch)?;
        self.moments.merge(&other.moments);
        Ok(())
    }

    /// Count, mean, deviation and bounds.
    #[must_use]
    pub const fn moments(&self) -> &Moments {
        &self.moments
    }

    /// The quantile sketch.
    #[must_use]
    pub const fn sketch(&self) -> &QuantileSketch {
        &self.sketch
    }

    /// An empty histogram over this sample's quantiles; equal edges are merged.
    ///
    /// # Errors
    /// [`StatsError::InvalidEdges`] if the sample is empty or constant, [`StatsError::OutOfRange`] for fewer than 2
    /// or more than 10 000 bins.
    pub fn quantile_bins(&self, bins: u16) -> Result<Histogram, StatsError> {
        crate::recipe::Binning::QuantileBins(bins).check()?;
        let inner = (1..bins)
            .map(|i| f64::from(i) / f64::from(bins))
            .collect::<Vec<f64>>();
        let quantiles = self.sketch.quantiles(&inner);
        let all = self
            .moments
            .min()
            .into_iter()
            .chain(quantiles)
            .chain(self.moments.max());
        Histogram::new(&edges::merge_equal(all))
    }

    /// Kolmogorov-Smirnov statistic between this sample, the reference, and a current one, with its error bound: the
    /// sum of both sketches' relative rank errors.
    #[must_use]
    pub fn ks(&self, current: &Self) -> Measurement {
        let mut largest = 0.0_f64;
        self.walk(current, |gap, _| largest = largest.max(gap));
        self.measured(
            "ks_two_sample.sketch",
            current,
            largest,
            self.error(current),
        )
    }

    /// Wasserstein-1 distance between this sample, the reference, and a current one, with its error bound: the sum
    /// of both sketches' relative rank errors times the width of both samples together.
    #[must_use]
    pub fn wasserstein(&self, current: &Self) -> Measurement {
        let mut area = 0.0;
        self.walk(current, |gap, width| area += gap * width);
        let bound = |pick: fn(&Moments) -> Option<f64>, fold: fn(f64, f64) -> f64| {
            let both = [pick(&self.moments), pick(&current.moments)];
            both.into_iter().flatten().reduce(fold).unwrap_or_default()
        };
        let width = bound(Moments::max, f64::max) - bound(Moments::min, f64::min);
        self.measured(
            "wasserstein_1.sketch",
            current,
            area,
            self.error(current) * width,
        )
    }

    fn error(&self, current: &Self) -> f64 {
        self.sketch.relative_error_bound() + current.sketch.relative_error_bound()
    }

    fn measured(&self, name: &str, current: &Self, value: f64, bound: f64) -> Measurement {
        let rows = (self.moments.count(), current.moments.count());
        let estimate = if rows.0 == 0 || rows.1 == 0 {
            Estimate::none(Reason::EmptySample)
        } else {
            Estimate::bounded(value, bound)
        };
        Measurement {
            recipe: Recipe::of_pair(name, rows.0, rows.1),
            estimate,
        }
    }

    /// Visits the gap between the distribution functions after each distinct value, and how far it extends.
    fn walk(&self, current: &Self, mut visit: impl FnMut(f64, f64)) {
        let side = |summary: &Self, sign: f64| -> Vec<(f64, f64)> {
            let rows = to_f64(summary.moments.count());
            let values = summary.sketch.weighted_values().into_iter();
            values
                .map(|(value, weight)| (value, sign * to_f64(weight) / rows))
                .collect()
        };
        let mut jumps = side(self, 1.0);
        jumps.append(&mut side(current, -1.0));
        jumps.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut gap = 0.0_f64;
        let mut jumps = jumps.into_iter().peekable();
        while let Some((value, jump)) = jumps.next() {
            gap += jump;
            let next = jumps.peek().map_or(value, |(next, _)| *next);
            if next > value || jumps.peek().is_none() {
                visit(gap.abs(), next - value);
            }
        }
    }
}
