//! How often a threshold is crossed although nothing is wrong.

use crate::error::StatsError;
use crate::num::{floor, to_f64};
use crate::special::{binomial, chi_square};

/// The population stability index under no drift: `psi / (1/n + 1/m)` follows, for large samples, the chi-square
/// distribution with `bins - 1` degrees of freedom (Yurdakul and Naranjo, 2020).
///
/// ```
/// use probity_stats::PsiNull;
/// let null = PsiNull::new(100, 100, 10)?;
/// assert!(null.exceedance(0.10) > 0.8, "with 100 rows each, an index over 0.10 says nothing");
/// # Ok::<(), probity_stats::StatsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PsiNull {
    scale: f64,
    degrees_of_freedom: f64,
}

impl PsiNull {
    /// For `n_reference` and `n_current` rows in `bins` bins.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for an empty sample or fewer than two bins.
    pub fn new(n_reference: u64, n_current: u64, bins: u32) -> Result<Self, StatsError> {
        if n_reference == 0 || n_current == 0 {
            return Err(StatsError::OutOfRange {
                parameter: "rows",
                expected: "at least 1",
            });
        }
        if bins < 2 {
            return Err(StatsError::OutOfRange {
                parameter: "bins",
                expected: "at least 2",
            });
        }
        Ok(Self {
            scale: 1.0 / to_f64(n_reference) + 1.0 / to_f64(n_current),
            degrees_of_freedom: f64::from(bins - 1),
        })
    }

    /// The index that sampling noise alone gives on average.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.scale * self.degrees_of_freedom
    }

    /// The index that noise alone exceeds with probability `alpha`, for example 0.05.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `alpha` is strictly between 0 and 1.
    pub fn critical_value(&self, alpha: f64) -> Result<f64, StatsError> {
        if alpha > 0.0 && alpha < 1.0 {
            Ok(self.scale * chi_square::quantile(1.0 - alpha, self.degrees_of_freedom))
        } else {
            Err(StatsError::OutOfRange {
                parameter: "alpha",
                expected: "between 0 and 1",
            })
        }
    }

    /// P(PSI > threshold) without drift. The approximation is within 0.05 of simulation from 100 rows a side.
    #[must_use]
    pub fn exceedance(&self, threshold: f64) -> f64 {
        chi_square::survival(threshold / self.scale, self.degrees_of_freedom)
    }
}

/// P(ratio of selection rates < `threshold`) for two groups whose true selection rate is the same, by the exact
/// binomial distribution, given that at least one row is selected. With `threshold` 0.8 this is how often the
/// four-fifths rule accuses a fair process.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless `rate` is strictly between 0 and 1, `threshold` from 0 to 1, and both groups
/// have from 1 to 10 million rows.
pub fn impact_ratio_false_alarm(
    rate: f64,
    n_first: u64,
    n_second: u64,
    threshold: f64,
) -> Result<f64, StatsError> {
    if !(rate > 0.0 && rate < 1.0) {
        return Err(StatsError::OutOfRange {
            parameter: "rate",
            expected: "between 0 and 1",
        });
    }
    if !(0.0..=1.0).contains(&threshold) {
        return Err(StatsError::OutOfRange {
            parameter: "threshold",
            expected: "from 0 to 1",
        });
    }
    if [n_first, n_second]
        .iter()
        .any(|size| !(1..=10_000_000).contains(size))
    {
        return Err(StatsError::OutOfRange {
            parameter: "rows",
            expected: "from 1 to 10 million",
        });
    }
    let first = Binomial::new(n_first, rate);
    let second = Binomial::new(n_second, rate);
    let alarms = first.falls_below(&second, threshold) + second.falls_below(&first, threshold);
    let nobody = binomial::probability(0.0, first.size + second.size, rate, 1.0 - rate);
    Ok((alarms / (1.0 - nobody)).clamp(0.0, 1.0))
}

struct Binomial {
    size: f64,
    /// Probabilities of `start`, `start + 1`, ...; what is left out has a total probability below 1e-20.
    start: u64,
    probabilities: Vec<f64>,
}

impl Binomial {
    fn new(size: u64, rate: f64) -> Self {
        let n = to_f64(size);
        // Bernstein's inequality: a deviation of 10 sd + 70 has probability below 1e-20.
        let reach = (n * rate * (1.0 - rate)).sqrt().mul_add(10.0, 70.0);
        let start = floor(n.mul_add(rate, -reach));
        let end = size.min(floor(n.mul_add(rate, reach)));
        let probabilities = (start..=end)
            .map(|k| binomial::probability(to_f64(k), n, rate, 1.0 - rate))
            .collect();
        Self {
            size: n,
            start,
            probabilities,
        }
    }

    /// P(this rate < threshold * the other rate); equality up to rounding is not below.
    fn falls_below(&self, other: &Self, threshold: f64) -> f64 {
        let (mut cumulative, mut next, mut sum) = (0.0, 0_usize, 0.0);
        for (offset, probability) in other.probabilities.iter().enumerate() {
            let selected = to_f64(other.start + crate::num::count(offset));
            let limit = (threshold * selected * self.size / other.size) * (1.0 - 1e-12);
            while let Some(mass) = self.probabilities.get(next)
                && to_f64(self.start + crate::num::count(next)) < limit
            {
                cumulative += mass;
                next += 1;
            }
            sum += probability * cumulative;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_groups_match_enumeration() {
        // One row each at rate 1/2: given that somebody is selected (3/4), the rates differ in 2 of 3 cases.
        let p = impact_ratio_false_alarm(0.5, 1, 1, 0.8).unwrap();
        assert!((p - 2.0 / 3.0).abs() < 1e-12, "{p}");
    }

    #[test]
    fn a_ratio_of_exactly_four_fifths_is_no_alarm() {
        // With 5 rows each, 4 against 5 selected has the ratio 0.8: only ratios below it count.
        let by_count = |x: u32, y: u32| {
            let (low, high) = (x.min(y), x.max(y));
            high > 0 && 5 * low < 4 * high
        };
        let mass = |k: u32| binomial::probability(f64::from(k), 5.0, 0.7, 0.3);
        let expected: f64 = (0..=5)
            .flat_map(|x| (0..=5).map(move |y| (x, y)))
            .filter(|&(x, y)| by_count(x, y))
            .map(|(x, y)| mass(x) * mass(y))
            .sum();
        let p = impact_ratio_false_alarm(0.7, 5, 5, 0.8).unwrap();
        assert!((p - expected / (1.0 - 0.3f64.powi(10))).abs() < 1e-12);
    }

    #[test]
    fn the_order_of_the_groups_does_not_matter_and_size_helps() {
        let small = impact_ratio_false_alarm(0.3, 40, 70, 0.8).unwrap();
        assert!((small - impact_ratio_false_alarm(0.3, 70, 40, 0.8).unwrap()).abs() < 1e-12);
        let large = impact_ratio_false_alarm(0.3, 400_000, 700_000, 0.8).unwrap();
        assert!(small > 0.3 && large < 1e-12, "{small} {large}");
    }

    #[test]
    fn settings_outside_their_range_are_refused() {
        assert!(PsiNull::new(0, 1, 10).is_err());
        assert!(PsiNull::new(1, 1, 1).is_err());
        assert!(PsiNull::new(1, 1, 2).unwrap().critical_value(1.0).is_err());
        assert!(impact_ratio_false_alarm(0.0, 1, 1, 0.8).is_err());
        assert!(impact_ratio_false_alarm(0.5, 0, 1, 0.8).is_err());
        assert!(impact_ratio_false_alarm(0.5, 1, 1, 1.5).is_err());
    }
}
