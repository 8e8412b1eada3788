//! Exact counts in bins that are fixed beforehand.

use crate::counts::BinnedPair;
use crate::error::{Sample, StatsError};
use crate::num::count;
use crate::numeric::edges;

/// Counts in bins over fixed edges. A bin holds its lower edge but not its upper one; the first bin also takes
/// everything below, the last one everything above.
///
/// This is the second of two passes over data of any size: the edges come from a
/// [`ColumnSummary`](crate::ColumnSummary) of the reference or from the caller.
///
/// ```
/// use probity_stats::{Histogram, Smoothing};
/// let mut reference = Histogram::new(&[0.0, 10.0, 20.0, 30.0])?;
/// let mut current = reference.emptied();
/// for i in 0..30 {
///     reference.push(f64::from(i))?;
///     current.push(f64::from(i) + 1.0)?;
/// }
/// let psi = reference.pair_with(&current)?.psi(Smoothing::None)?;
/// assert!(psi.value().unwrap() < 0.03);
/// # Ok::<(), probity_stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Histogram {
    edges: Vec<f64>,
    counts: Vec<u64>,
    rows: u64,
}

impl Histogram {
    /// No rows yet; one bin fewer than there are edges.
    ///
    /// # Errors
    /// [`StatsError::InvalidEdges`] unless there are at least two finite edges in strictly ascending order.
    pub fn new(edges: &[f64]) -> Result<Self, StatsError> {
        match edges::first_invalid(edges) {
            Some(index) => Err(StatsError::InvalidEdges {
                index: count(index),
            }),
            None => Ok(Self {
                edges: edges.to_vec(),
                counts: vec![0; edges.len() - 1],
                rows: 0,
            }),
        }
    }

    /// The same bins without rows.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self {
            edges: self.edges.clone(),
            counts: vec![0; self.counts.len()],
            rows: 0,
        }
    }

    /// Counts one value.
    ///
    /// # Errors
    /// [`StatsError::NonFinite`] with the number of values counted before as the row; nothing is changed.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        if !value.is_finite() {
            return Err(StatsError::NonFinite {
                sample: Sample::Current,
                row: self.rows,
            });
        }
        let bin = edges::inner(&self.edges).partition_point(|&edge| edge <= value);
        if let Some(bin) = self.counts.get_mut(bin) {
            *bin += 1;
        }
        self.rows += 1;
        Ok(())
    }

    /// Counts several values.
    ///
    /// # Errors
    /// [`StatsError::NonFinite`] at the first value that is not finite; those before it were counted.
    pub fn extend(&mut self, values: &[f64]) -> Result<(), StatsError> {
        values.iter().try_for_each(|&value| self.push(value))
    }

    /// Adds all rows of another part.
    ///
    /// # Errors
    /// [`StatsError::IncompatibleMerge`] if the edges differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        if self.edges != other.edges {
            return Err(StatsError::IncompatibleMerge);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.rows += other.rows;
        Ok(())
    }

    /// The edges.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The counts.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// All rows.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Pairs this sample, the reference, with a current one.
    ///
    /// # Errors
    /// [`StatsError::IncompatibleMerge`] if the edges differ.
    pub fn pair_with(&self, current: &Self) -> Result<BinnedPair, StatsError> {
        if self.edges != current.edges {
            return Err(StatsError::IncompatibleMerge);
        }
        Ok(BinnedPair::matched(
            self.counts.clone(),
            current.counts.clone(),
            "fixed_edges",
        ))
    }
}
