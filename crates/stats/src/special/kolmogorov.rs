//! The distribution of the two-sided one-sample Kolmogorov-Smirnov statistic, which two large samples follow too.
//!
//! The choice of method follows Simard and L'Ecuyer, "Computing the Two-Sided Kolmogorov-Smirnov Distribution",
//! Journal of Statistical Software 39 (2011).

use std::f64::consts::PI;

use crate::num::{floor, index, len_f64, to_f64};
use crate::special::binomial;

/// P(D >= x) for the largest gap D between a continuous distribution and the sample of `n` rows drawn from it.
pub(crate) fn survival(x: f64, n: u64) -> f64 {
    let size = to_f64(n);
    let (scaled, squared) = (size * x, size * x * x);
    if n == 0 || scaled <= 0.5 {
        return 1.0;
    }
    if x >= 1.0 || (n > 140 && squared >= 370.0) {
        return 0.0;
    }
    if scaled <= 1.0 {
        let factors = (1..=n).map(|i| (to_f64(i) / size * 2.0f64.mul_add(scaled, -1.0)).ln());
        return 1.0 - factors.sum::<f64>().exp();
    }
    let tail = if n <= 140 {
        squared > 4.0
    } else {
        squared >= 2.2
    };
    if x >= 0.5 || tail {
        return (2.0 * one_sided_survival(x, n)).min(1.0);
    }
    let below = if n <= 140 || (n <= 100_000 && size * x.powf(1.5) <= 1.4) {
        durbin_matrix(x, n)
    } else {
        pelz_good(x, size)
    };
    (1.0 - below).clamp(0.0, 1.0)
}

/// Above this size the sum over all rows is taken with a stride: the summand is smooth and vanishes with all its
/// derivatives at both ends, so the coarser sum converges faster than any power of the number of terms.
const DENSE_TERMS: u64 = 65_536;

/// P(D+ >= x), the one-sided statistic: the Birnbaum-Tingey sum, each term a binomial probability.
fn one_sided_survival(x: f64, n: u64) -> f64 {
    let size = to_f64(n);
    let last = floor(size * (1.0 - x));
    let stride = (n / DENSE_TERMS).max(1);
    let terms = (0..=last).step_by(index(stride)).map(|j| {
        let row = to_f64(j);
        let level = x + row / size;
        let rest = (size - row) / size - x;
        binomial::probability(row, size, level, rest.max(0.0)) * x / level
    });
    terms.sum::<f64>() * to_f64(stride)
}

/// P(D < x) by the power of Durbin's matrix (Marsaglia, Tsang and Wang), for few or close rows.
fn durbin_matrix(x: f64, n: u64) -> f64 {
    let scaled = to_f64(n) * x;
    let k = index(floor(scaled.ceil()));
    let order = 2 * k - 1;
    let (power, exponent) = matrix_power(durbin_step(len_f64(k) - scaled, order), order, n);
    let centre = power.get((k - 1) * order + (k - 1)).copied().unwrap_or(0.0);
    let log_factorial_ratio: f64 = (1..=n).map(|i| (to_f64(i) / to_f64(n)).ln()).sum();
    (centre.ln() + exponent + log_factorial_ratio).exp()
}

/// The matrix of one step, row by row: `1 / (i - j + 1)!` on and below the first superdiagonal, with the
/// first column and the last row corrected for the fraction `h` of a step.
fn durbin_step(h: f64, order: usize) -> Vec<f64> {
    let mut inverse_factorial = vec![1.0];
    for i in 1..=order {
        let next = inverse_factorial.last().copied().unwrap_or(1.0) / len_f64(i);
        inverse_factorial.push(next);
    }
    let inverse = |i: usize| inverse_factorial.get(i).copied().unwrap_or(0.0);
    let power = |base: f64, exponent: usize| base.powf(len_f64(exponent));
    let corner =
        2.0f64.mul_add(-power(h, order), 1.0) + power(2.0f64.mul_add(h, -1.0).max(0.0), order);
    let entry = |row: usize, column: usize| match (row + 1 == order, column == 0) {
        (true, true) => corner * inverse(order),
        (false, true) => (1.0 - power(h, row + 1)) * inverse(row + 1),
        (true, false) => (1.0 - power(h, order - column)) * inverse(order - column),
        (false, false) if row + 1 >= column => inverse(row + 1 - column),
        (false, false) => 0.0,
    };
    (0..order * order)
        .map(|at| entry(at / order, at % order))
        .collect()
}

/// `matrix^exponent` as a scaled matrix and the natural logarithm of the scale.
fn matrix_power(matrix: Vec<f64>, order: usize, mut exponent: u64) -> (Vec<f64>, f64) {
    let mut result: Vec<f64> = (0..order * order)
        .map(|at| f64::from(u8::from(at % (order + 1) == 0)))
        .collect();
    let (mut square, mut result_scale, mut square_scale) = (matrix, 0.0, 0.0);
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = product(&result, &square, order);
            result_scale += square_scale;
            result_scale += normalise(&mut result);
        }
        square = product(&square, &square, order);
        square_scale *= 2.0;
        square_scale += normalise(&mut square);
        exponent /= 2;
    }
    (result, result_scale)
}

fn product(a: &[f64], b: &[f64], order: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(a.len());
    for row in a.chunks_exact(order) {
        let mut line = vec![0.0; order];
        for (&factor, other) in row.iter().zip(b.chunks_exact(order)) {
            for (cell, &value) in line.iter_mut().zip(other) {
                *cell += factor * value;
            }
        }
        out.extend(line);
    }
    out
}

fn normalise(matrix: &mut [f64]) -> f64 {
    let largest = matrix.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    for value in matrix {
        *value /= largest;
    }
    largest.ln()
}

/// P(D < x) by the expansion of Pelz and Good up to `n^(-3/2)`, in the form that converges for small `z`.
fn pelz_good(x: f64, n: f64) -> f64 {
    let z = n.sqrt() * x;
    let z2 = z * z;
    let (z4, z6) = (z2 * z2, z2 * z2 * z2);
    let terms = floor((16.0 * z / PI).ceil()).max(1);
    let mut sums = [0.0_f64; 4];
    let mut whole = [0.0_f64; 2];
    for k in 1..=terms {
        let half = to_f64(k) - 0.5;
        let odd = PI * PI * half * half;
        let weight = (-odd / (2.0 * z2)).exp();
        let coefficients = [
            1.0,
            odd - z2,
            6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * odd + (1.0 - 2.0 * z2) * odd.powi(2),
            -30.0 * z6 - 90.0 * z4 * z4
                + (135.0 * z4 - 96.0 * z6) * odd
                + (212.0 * z4 - 60.0 * z2) * odd.powi(2)
                + (5.0 - 30.0 * z2) * odd.powi(3),
        ];
        for (sum, coefficient) in sums.iter_mut().zip(coefficients) {
            *sum += coefficient * weight;
        }
        let even = PI * PI * to_f64(k) * to_f64(k);
        let weight = (-even / (2.0 * z2)).exp();
        for (sum, coefficient) in whole.iter_mut().zip([even, (3.0 * z2 - even) * even]) {
            *sum += coefficient * weight;
        }
    }
    let [s0, s1, s2, s3] = sums;
    let [w2, w3] = whole;
    let k2 = s2 / (72.0 * z4 * z2 * z) - w2 / (36.0 * z2 * z);
    let k3 = s3 / (6480.0 * z6 * z4) + w3 / (216.0 * z6);
    let root = n.sqrt();
    (2.0 * PI).sqrt() * (s0 / z + s1 / (6.0 * z4 * root) + k2 / n + k3 / (n * root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_reference_implementation_in_every_regime() {
        for (x, n, expected) in [
            (0.051, 500, 0.143_333_232_358_151_32),
            (0.0123, 12_000, 0.052_544_960_837_039_97),
            (0.068, 500, 0.018_705_369_756_291_015),
            (0.16, 100, 0.010_543_506_724_453_174),
            (0.1, 50, 0.662_311_270_465_818_6),
            (0.0016, 1_000_000, 0.011_939_282_537_735_608),
            (0.0004, 5_000_000, 0.400_366_920_002_186_65),
        ] {
            assert!(
                (survival(x, n) - expected).abs() < 1e-11,
                "{x} {n}: {}",
                survival(x, n)
            );
        }
        for (x, n, expected) in [
            (0.535, 500, 2.898_223_205_402_955e-134),
            (0.3, 140, 1.137_025_171_073_730_9e-11),
        ] {
            assert!(
                (survival(x, n) / expected - 1.0).abs() < 1e-9,
                "{x} {n}: {}",
                survival(x, n)
            );
        }
    }

    #[test]
    fn one_row_has_the_known_distribution() {
        // With one row D is max(u, 1 - u): P(D >= x) = 2 (1 - x) for x in [1/2, 1].
        for x in [0.5, 0.6, 0.75, 0.9] {
            assert!(
                (survival(x, 1) - 2.0 * (1.0 - x)).abs() < 1e-14,
                "{x}: {}",
                survival(x, 1)
            );
        }
    }

    #[test]
    fn the_methods_agree_where_they_meet() {
        for (x, n) in [(0.055, 500_u64), (0.07, 300), (0.0123, 12_000)] {
            let by_matrix = durbin_matrix(x, n);
            assert!(
                (by_matrix - pelz_good(x, to_f64(n))).abs() < 1e-6,
                "{x} {n}"
            );
        }
        for (x, n) in [(0.068, 500_u64), (0.16, 100)] {
            let by_sum = 2.0 * one_sided_survival(x, n);
            assert!(
                (by_sum - (1.0 - durbin_matrix(x, n))).abs() < 1e-4,
                "{x} {n}"
            );
        }
    }

    #[test]
    fn the_strided_sum_equals_the_dense_one() {
        let (n, x) = (10 * DENSE_TERMS, 0.0025);
        let strided = one_sided_survival(x, n);
        let dense: f64 = (0..=floor(to_f64(n) * (1.0 - x)))
            .map(|j| {
                let p = x + to_f64(j) / to_f64(n);
                let q = to_f64(n - j) / to_f64(n) - x;
                binomial::probability(to_f64(j), to_f64(n), p, q.max(0.0)) * x / p
            })
            .sum();
        assert!((strided / dense - 1.0).abs() < 1e-9, "{strided} {dense}");
    }

    #[test]
    fn survival_falls_from_one_to_zero() {
        for n in [1_u64, 5, 140, 141, 5_000, 5_000_000] {
            let mut last = 1.0;
            for step in 0..=1_000_u32 {
                let p = survival(f64::from(step) / 1_000.0, n);
                assert!(
                    (0.0..=1.0).contains(&p) && p <= last + 1e-9,
                    "{n} {step}: {p} after {last}"
                );
                last = p;
            }
        }
    }
}
