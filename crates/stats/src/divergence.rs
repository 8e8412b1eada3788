//! Divergences and distances between two rows of proportions.

use crate::counts::BinnedPair;
use crate::error::StatsError;
use crate::estimate::{Measurement, Reason};
use crate::num::is_zero;
use crate::recipe::Smoothing;

/// Base of the logarithm in a Jensen-Shannon measure; divergence and distance in either base are four numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum LogBase {
    /// Natural logarithm: the divergence is in nats, at most ln 2.
    Natural,
    /// Base 2: the divergence is in bits, at most 1.
    Two,
}

impl LogBase {
    fn scale(self, nats: f64) -> f64 {
        match self {
            Self::Natural => nats,
            Self::Two => nats / std::f64::consts::LN_2,
        }
    }
}

impl BinnedPair {
    /// Population stability index: `sum((p - q) ln(p / q))`, symmetric, 0 or above.
    ///
    /// Two bins that are empty on both sides contribute 0. One that is empty on one side only makes the index not
    /// estimable unless it is smoothed: the choice can move the index by a factor of four, so the recipe names it.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the smoothing's amount is.
    pub fn psi(&self, smoothing: Smoothing) -> Result<Measurement, StatsError> {
        self.measure("psi", smoothing, |reference, current| {
            sum(reference, current, |p, q| match (is_zero(p), is_zero(q)) {
                (true, true) => Ok(0.0),
                (false, false) => Ok((p - q) * (p / q).ln()),
                (true, false) | (false, true) => Err(Reason::EmptyBin),
            })
        })
    }

    /// Kullback-Leibler divergence of the reference from the current sample, `sum(p ln(p / q))` in nats.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the smoothing's amount is.
    pub fn kl_divergence(&self, smoothing: Smoothing) -> Result<Measurement, StatsError> {
        self.measure("kl_divergence", smoothing, |reference, current| {
            sum(reference, current, |p, q| match (is_zero(p), is_zero(q)) {
                (true, _) => Ok(0.0),
                (false, true) => Err(Reason::EmptyBin),
                (false, false) => Ok(p * (p / q).ln()),
            })
        })
    }

    /// Jensen-Shannon divergence: the mean divergence from the average of the two, symmetric and bounded.
    #[must_use]
    pub fn js_divergence(&self, base: LogBase) -> Measurement {
        let name = match base {
            LogBase::Natural => "js_divergence_nats",
            LogBase::Two => "js_divergence_bits",
        };
        self.unsmoothed(name, |p, q| base.scale(jensen_shannon(p, q)))
    }

    /// Jensen-Shannon distance: the square root of the divergence, a metric.
    #[must_use]
    pub fn js_distance(&self, base: LogBase) -> Measurement {
        let name = match base {
            LogBase::Natural => "js_distance_base_e",
            LogBase::Two => "js_distance_base_2",
        };
        self.unsmoothed(name, |p, q| base.scale(jensen_shannon(p, q)).sqrt())
    }

    /// Hellinger distance, from 0 to 1: `sqrt(sum((sqrt p - sqrt q)^2) / 2)`.
    #[must_use]
    pub fn hellinger(&self) -> Measurement {
        self.unsmoothed("hellinger_distance", |reference, current| {
            let squares = reference
                .iter()
                .zip(current)
                .map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2));
            (squares.sum::<f64>() / 2.0).sqrt()
        })
    }

    /// Total variation distance, from 0 to 1: half the sum of the absolute differences.
    #[must_use]
    pub fn total_variation(&self) -> Measurement {
        self.unsmoothed("total_variation_distance", |reference, current| {
            reference
                .iter()
                .zip(current)
                .map(|(p, q)| (p - q).abs())
                .sum::<f64>()
                / 2.0
        })
    }

    /// Wasserstein-1 distance with the bin's index as position, in bins.
    #[must_use]
    pub fn wasserstein_index(&self) -> Measurement {
        self.unsmoothed("wasserstein_1_index", |reference, current| {
            let mut gap = 0.0;
            let steps = reference.iter().zip(current).map(|(p, q)| {
                gap += p - q;
                f64::abs(gap)
            });
            steps.take(reference.len().saturating_sub(1)).sum()
        })
    }

    fn unsmoothed(&self, name: &str, formula: impl FnOnce(&[f64], &[f64]) -> f64) -> Measurement {
        let outcome = match self.obstacle() {
            Some(reason) => Err(reason),
            None => Ok(formula(
                &Smoothing::None.proportions(self.reference(), self.n_reference()),
                &Smoothing::None.proportions(self.current(), self.n_current()),
            )),
        };
        Measurement {
            recipe: self.recipe(name, Smoothing::None),
            estimate: outcome.into(),
        }
    }
}

fn sum(
    reference: &[f64],
    current: &[f64],
    term: impl Fn(f64, f64) -> Result<f64, Reason>,
) -> Result<f64, Reason> {
    reference
        .iter()
        .zip(current)
        .map(|(&p, &q)| term(p, q))
        .sum()
}

/// In nats; rounding cannot take it below 0.
fn jensen_shannon(reference: &[f64], current: &[f64]) -> f64 {
    let part = |p: f64, mean: f64| if is_zero(p) { 0.0 } else { p * (p / mean).ln() };
    let terms = reference.iter().zip(current).map(|(&p, &q)| {
        let mean = f64::midpoint(p, q);
        part(p, mean) + part(q, mean)
    });
    (terms.sum::<f64>() / 2.0).max(0.0)
}
