//! Count, mean and variance in one pass (Welford), mergeable (Chan, Golub and `LeVeque`).

use crate::error::{Sample, StatsError};
use crate::num::to_f64;

/// Count, mean, variance and bounds of the values pushed so far.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    /// Meaningless while `count` is 0.
    bounds: (f64, f64),
}

impl Default for Moments {
    /// No values yet.
    fn default() -> Self {
        Self {
            count: 0,
            mean: 0.0,
            squares: 0.0,
            bounds: (0.0, 0.0),
        }
    }
}

impl Moments {
    /// Takes one value.
    ///
    /// # Errors
    /// [`StatsError::NonFinite`] with the number of values taken before as the row; nothing is changed.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        if !value.is_finite() {
            return Err(StatsError::NonFinite {
                sample: Sample::Current,
                row: self.count,
            });
        }
        self.bounds = if self.count == 0 {
            (value, value)
        } else {
            (self.bounds.0.min(value), self.bounds.1.max(value))
        };
        self.count += 1;
        let gap = value - self.mean;
        self.mean += gap / to_f64(self.count);
        self.squares += gap * (value - self.mean);
        Ok(())
    }

    /// Takes several values.
    ///
    /// # Errors
    /// [`StatsError::NonFinite`] at the first value that is not finite; those before it were taken.
    pub fn extend(&mut self, values: &[f64]) -> Result<(), StatsError> {
        values.iter().try_for_each(|&value| self.push(value))
    }

    /// Adds all values of another part.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (n, m) = (to_f64(self.count), to_f64(other.count));
        let gap = other.mean - self.mean;
        self.mean += gap * (m / (n + m));
        self.squares += other.squares + gap * gap * (n * m / (n + m));
        self.count += other.count;
        self.bounds = (
            self.bounds.0.min(other.bounds.0),
            self.bounds.1.max(other.bounds.1),
        );
    }

    /// How many values were taken.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Their standard deviation with divisor n; `None` without values.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.squares / to_f64(self.count)).max(0.0).sqrt())
    }

    /// The smallest value; `None` without values.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.bounds.0)
    }

    /// The largest value; `None` without values.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.bounds.1)
    }
}
