//! Binomial probabilities by the saddle-point expansion, accurate to a few units in the last place for any size.

use std::f64::consts::{PI, TAU};

use statrs::function::gamma::ln_gamma;

/// `ln(n!)` minus Stirling's formula.
fn stirling_error(n: f64) -> f64 {
    if n <= 15.0 {
        return (n + 0.5).mul_add(-n.ln(), ln_gamma(n + 1.0) + n) - 0.5 * TAU.ln();
    }
    let square = n * n;
    let tail = 1.0 / 1680.0 - (1.0 / 1188.0) / square;
    let tail = 1.0 / 1260.0 - tail / square;
    let tail = 1.0 / 360.0 - tail / square;
    (1.0 / 12.0 - tail / square) / n
}

/// `x ln(x / mean) + mean - x`, without cancellation where the two are close.
fn deviance(x: f64, mean: f64) -> f64 {
    let gap = x - mean;
    if gap.abs() >= 0.1 * (x + mean) {
        return x.mul_add((x / mean).ln(), mean - x);
    }
    let ratio = gap / (x + mean);
    let mut sum = gap * ratio;
    let mut term = 2.0 * x * ratio;
    let square = ratio * ratio;
    let mut odd = 3.0;
    loop {
        term *= square;
        let next = sum + term / odd;
        if next.total_cmp(&sum).is_eq() {
            return sum;
        }
        sum = next;
        odd += 2.0;
    }
}

/// `C(n, k) p^k q^(n-k)` with `q = 1 - p` given apart, for `0 <= k <= n`, all of them exact integers.
pub(crate) fn probability(k: f64, n: f64, p: f64, q: f64) -> f64 {
    if p <= 0.0 || q <= 0.0 {
        let certain = if p <= 0.0 { k < 0.5 } else { k > n - 0.5 };
        return f64::from(u8::from(certain));
    }
    if k < 0.5 {
        return (n * ln_complement(p, q)).exp();
    }
    if k > n - 0.5 {
        return (n * ln_complement(q, p)).exp();
    }
    let rest = n - k;
    let exponent = stirling_error(n)
        - stirling_error(k)
        - stirling_error(rest)
        - deviance(k, n * p)
        - deviance(rest, n * q);
    exponent.exp() * (n / (2.0 * PI * k * rest)).sqrt()
}

/// `ln(1 - p)`, from whichever of `p` and `q = 1 - p` keeps more digits.
fn ln_complement(p: f64, q: f64) -> f64 {
    if p < 0.5 { (-p).ln_1p() } else { q.ln() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cases_are_the_textbook_values() {
        for (k, n, p, expected) in [
            (2.0, 4.0, 0.5, 0.375),
            (0.0, 3.0, 0.1, 0.729),
            (3.0, 3.0, 0.1, 0.001),
            (1.0, 3.0, 0.1, 0.243),
        ] {
            assert!(
                (probability(k, n, p, 1.0 - p) - expected).abs() < 1e-14,
                "{k} {n} {p}"
            );
        }
    }

    #[test]
    fn probabilities_sum_to_one() {
        for n in [1_u32, 7, 30, 500] {
            let sum: f64 = (0..=n)
                .map(|k| probability(f64::from(k), f64::from(n), 0.3, 0.7))
                .sum();
            assert!((sum - 1.0).abs() < 1e-12, "{n}: {sum}");
        }
    }
}
