//! Published, versioned maps from statistics to scores from 0 to 100.
//!
//! The maps are chosen so that the customary thresholds of statistic and score are the same points, strictly:
//! PSI > 0.10 exactly if the drift score > 50, PSI > 0.20 exactly if it is > 70; disparate impact < 0.80 exactly
//! if the fairness score < 90, and < 0.60 exactly if it is < 80.

use crate::error::StatsError;

/// Formula of [`drift_score`]: `500 psi` up to 0.10, `50 + 200 (psi - 0.10)` up to 0.20, `100 - 6 / psi` beyond.
pub const DRIFT_SCORE_FORMULA: &str = "drift_score.psi/1";

/// Formula of [`fairness_score`]: `50 + 50 r` from a ratio `r` of 0.60, `80 r / 0.60` below.
pub const FAIRNESS_SCORE_FORMULA: &str = "fairness_score.disparate_impact/1";

/// A score from 0 to 100 and the formula that made it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Score {
    /// From 0 to 100.
    pub value: f64,
    /// The formula with its version, such as [`DRIFT_SCORE_FORMULA`].
    pub formula: &'static str,
}

/// Drift score of a population stability index; higher is worse. 0 gives 0, 0.10 gives 50, 0.20 gives 70, and
/// larger indices approach 100.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the index is finite and 0 or above.
pub fn drift_score(psi: f64) -> Result<Score, StatsError> {
    if !psi.is_finite() || psi < 0.0 {
        return Err(StatsError::OutOfRange {
            parameter: "psi",
            expected: "finite and 0 or above",
        });
    }
    let value = if psi <= 0.10 {
        (500.0 * psi).min(50.0)
    } else if psi <= 0.20 {
        200.0f64
            .mul_add(psi - 0.10, 50.0)
            .clamp(50.0f64.next_up(), 70.0)
    } else {
        (100.0 - 6.0 / psi).clamp(70.0f64.next_up(), 100.0)
    };
    Ok(Score {
        value,
        formula: DRIFT_SCORE_FORMULA,
    })
}

/// Fairness score of a disparate impact ratio (smallest by largest selection rate); higher is better. 1 gives 100,
/// 0.80 gives 90, 0.60 gives 80, and 0 gives 0.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the ratio is from 0 to 1.
pub fn fairness_score(disparate_impact: f64) -> Result<Score, StatsError> {
    if !(0.0..=1.0).contains(&disparate_impact) {
        return Err(StatsError::OutOfRange {
            parameter: "disparate_impact",
            expected: "from 0 to 1",
        });
    }
    let value = if disparate_impact < 0.60 {
        (80.0 * disparate_impact / 0.60).min(80.0f64.next_down())
    } else if disparate_impact < 0.80 {
        50.0f64
            .mul_add(disparate_impact, 50.0)
            .clamp(80.0, 90.0f64.next_down())
    } else {
        50.0f64.mul_add(disparate_impact, 50.0).clamp(90.0, 100.0)
    };
    Ok(Score {
        value,
        formula: FAIRNESS_SCORE_FORMULA,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drift(psi: f64) -> f64 {
        drift_score(psi).unwrap().value
    }

    fn fairness(ratio: f64) -> f64 {
        fairness_score(ratio).unwrap().value
    }

    #[test]
    fn drift_anchors_are_exact() {
        for (psi, score) in [
            (0.0, 0.0),
            (0.05, 25.0),
            (0.10, 50.0),
            (0.15, 60.0),
            (0.20, 70.0),
            (0.60, 90.0),
        ] {
            assert!((drift(psi) - score).abs() < 1e-12, "{psi}");
        }
        assert!(drift(0.10).total_cmp(&50.0).is_eq() && drift(0.20).total_cmp(&70.0).is_eq());
    }

    #[test]
    fn fairness_anchors_are_exact() {
        for (ratio, score) in [
            (0.0, 0.0),
            (0.3, 40.0),
            (0.60, 80.0),
            (0.80, 90.0),
            (1.0, 100.0),
        ] {
            assert!((fairness(ratio) - score).abs() < 1e-12, "{ratio}");
        }
        assert!(fairness(0.80).total_cmp(&90.0).is_eq() && fairness(0.60).total_cmp(&80.0).is_eq());
    }

    #[test]
    fn score_thresholds_are_crossed_exactly_where_the_statistic_crosses_its_own() {
        for (threshold, score) in [(0.10_f64, 50.0), (0.20, 70.0)] {
            assert!(drift(threshold.next_down()) <= score);
            assert!(drift(threshold) <= score);
            assert!(drift(threshold.next_up()) > score);
        }
        for (threshold, score) in [(0.80_f64, 90.0), (0.60, 80.0)] {
            assert!(fairness(threshold.next_down()) < score);
            assert!(fairness(threshold) >= score);
            assert!(fairness(threshold.next_up()) >= score);
        }
    }

    #[test]
    fn what_is_no_statistic_has_no_score() {
        for psi in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(drift_score(psi).is_err());
        }
        for ratio in [-0.1, 1.1, f64::NAN] {
            assert!(fairness_score(ratio).is_err());
        }
    }

    #[test]
    fn a_huge_index_stays_at_or_below_100() {
        assert!(drift(f64::MAX) <= 100.0 && drift(1e3) < 100.0);
    }
}
