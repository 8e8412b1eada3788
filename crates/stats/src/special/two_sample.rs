//! The exact null distribution of the two-sample Kolmogorov-Smirnov statistic, by counting lattice paths.
//!
//! A shuffle of `m` and `n` rows is a path from (0, 0) to (m, n); the statistic stays below `h / lcm(m, n)`
//! exactly if the path stays inside the band `|x n' - y m'| < h`, where `m' = m / gcd` and `n' = n / gcd`.

use crate::num::{floor, index, to_f64};

/// P(D >= statistic) for two samples of one continuous distribution; `None` if rounding spoiled the result.
pub(crate) fn survival(statistic: f64, m: u64, n: u64) -> Option<f64> {
    let divisor = greatest_common_divisor(m, n);
    let multiple = to_f64(m / divisor) * to_f64(n);
    let h = floor((statistic * multiple).round());
    if h == 0 {
        return Some(1.0);
    }
    let p = if m == n {
        equal_sizes(n, h)
    } else {
        leaves_band(m.max(n), m.min(n), divisor, h)
    };
    (0.0..=1.0).contains(&p).then_some(p)
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Reflection principle for equal sizes: `2 * sum over k of (-1)^(k-1) C(2n, n - k h) / C(2n, n)`, as a nested product.
fn equal_sizes(n: u64, h: u64) -> f64 {
    let (size, step) = (to_f64(n), to_f64(h));
    let mut nested = 0.0;
    for k in (0..=n / h).rev() {
        let shift = to_f64(k) * step;
        let ratio = (0..h).map(to_f64).fold(1.0, |product, j| {
            (size - shift - j) * product / (size + shift + j + 1.0)
        });
        nested = ratio * (1.0 - nested);
    }
    2.0 * nested
}

/// The share of all paths to (m, n), `m >= n`, that touch the outside of the band.
///
/// `column[y]` is that share for paths to (x, y). The last step came from the left with probability
/// `x / (x + y)` and from below with `y / (x + y)`; outside the band the share is 1.
fn leaves_band(m: u64, n: u64, divisor: u64, h: u64) -> f64 {
    let (wide, narrow) = (m / divisor, n / divisor);
    let mut column = vec![1.0_f64; index(n + 1)];
    let inside_first = index(h.div_ceil(wide).min(n + 1));
    if let Some(inside) = column.get_mut(..inside_first) {
        inside.fill(0.0);
    }
    let mut settled = 0;
    for x in 1..=m {
        let centre = narrow * x;
        let from = if centre < h {
            0
        } else {
            (centre - h) / wide + 1
        };
        let to = (centre + h).div_ceil(wide).min(n + 1);
        if to <= from {
            return 1.0;
        }
        let (from, to) = (index(from), index(to));
        if let Some(left_behind) = column.get_mut(settled..from) {
            left_behind.fill(1.0);
        }
        settled = from;
        let mut below = if from == 0 { 0.0 } else { 1.0 };
        let mut y = crate::num::len_f64(from);
        let steps_right = to_f64(x);
        for share in column.get_mut(from..to).unwrap_or_default() {
            below = (*share).mul_add(steps_right, below * y) / (steps_right + y);
            *share = below;
            y += 1.0;
        }
    }
    column.last().copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_samples_match_enumeration() {
        // Of the C(4, 2) = 6 shuffles of two and two rows, 2 give D = 1, 2 more give D = 1/2 ... all give at least 1/2.
        assert!((survival(1.0, 2, 2).unwrap() - 2.0 / 6.0).abs() < 1e-15);
        assert!((survival(0.5, 2, 2).unwrap() - 1.0).abs() < 1e-15);
        // Of the 10 shuffles of three and two rows, 2 give D = 1.
        assert!((survival(1.0, 3, 2).unwrap() - 0.2).abs() < 1e-15);
    }

    #[test]
    fn the_band_method_agrees_with_reflection_on_equal_sizes() {
        for (n, h) in [(10, 3), (50, 12), (200, 30)] {
            let by_band = leaves_band(n, n, n, h);
            assert!((by_band - equal_sizes(n, h)).abs() < 1e-12, "{n} {h}");
        }
    }

    #[test]
    fn order_of_the_samples_does_not_matter() {
        let (a, b) = (
            survival(0.3, 40, 25).unwrap(),
            survival(0.3, 25, 40).unwrap(),
        );
        assert!((a - b).abs() < 1e-15);
    }
}
