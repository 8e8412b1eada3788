//! The chi-square distribution.

use statrs::function::gamma::{checked_gamma_lr, checked_gamma_ur};

/// P(X > x) for X chi-square with `dof` degrees of freedom.
pub(crate) fn survival(x: f64, dof: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    checked_gamma_ur(dof / 2.0, x / 2.0).unwrap_or(0.0)
}

/// The `p` quantile, `0 < p < 1`, by bisection on the distribution function until two neighbours remain.
pub(crate) fn quantile(p: f64, dof: f64) -> f64 {
    let below = |x: f64| checked_gamma_lr(dof / 2.0, x / 2.0).unwrap_or(1.0) < p;
    let (mut low, mut high) = (0.0, dof.max(1.0));
    while below(high) {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_match_published_tables() {
        for (p, dof, expected) in [
            (0.95, 1.0, 3.841_458_820_694_124),
            (0.95, 9.0, 16.918_977_604_620_45),
            (0.99, 4.0, 13.276_704_135_987_62),
        ] {
            assert!((quantile(p, dof) - expected).abs() < 1e-10, "{p} {dof}");
            assert!(
                (survival(expected, dof) - (1.0 - p)).abs() < 1e-12,
                "{p} {dof}"
            );
        }
    }

    #[test]
    fn survival_is_one_at_zero_and_zero_far_out() {
        assert!((survival(0.0, 3.0) - 1.0).abs() < 1e-15);
        assert!(survival(1e9, 3.0) < 1e-300);
    }
}
