//! Arithmetic on what was measured.

use std::time::Duration;

/// A count as a floating point number; exact up to 2^53.
pub(crate) fn float(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// A length as a floating point number.
pub(crate) fn float_len(length: usize) -> f64 {
    float(u64::try_from(length).unwrap_or(u64::MAX))
}

/// Nanoseconds, at most 4.29 s, so that a million latencies take four megabytes.
pub(crate) fn nanos(took: Duration) -> u32 {
    u32::try_from(took.as_nanos()).unwrap_or(u32::MAX)
}

/// The value below which `percent` of the sorted values lie (nearest rank), in milliseconds.
pub(crate) fn percentile_ms(sorted: &[u32], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted
        .get(rank)
        .map_or(f64::NAN, |nanos| f64::from(*nanos) / 1e6)
}

/// Median, least and greatest of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// The spread of a series; none of an empty one.
pub(crate) fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let median = if sorted.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(*sorted.get(middle - 1)?, upper)
    };
    Some(Spread {
        median,
        min: *sorted.first()?,
        max: *sorted.last()?,
    })
}

/// A number with about three significant digits, thousands apart.
pub(crate) fn show(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "-".to_owned()
    } else if size >= 1000.0 {
        thousands(&format!("{value:.0}"))
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digit.is_ascii_digit() && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Spread, float, percentile_ms, show, spread};

    #[test]
    fn counts_stay_exact() {
        for count in [0, 1, 4_294_967_295, 4_294_967_296, 9_007_199_254_740_991] {
            assert_eq!(format!("{:.0}", float(count)), count.to_string());
        }
    }

    #[test]
    fn percentiles_take_the_nearest_rank() {
        let sorted: Vec<u32> = (1..=100).map(|ms| ms * 1_000_000).collect();
        assert!((percentile_ms(&sorted, 50) - 50.0).abs() < 1e-9);
        assert!((percentile_ms(&sorted, 99) - 99.0).abs() < 1e-9);
        assert!(percentile_ms(&[], 50).is_nan());
    }

    #[test]
    fn the_median_of_an_even_series_lies_between() {
        let expected = Spread {
            median: 2.5,
            min: 1.0,
            max: 4.0,
        };
        assert_eq!(spread(&[4.0, 1.0, 3.0, 2.0]), Some(expected));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn numbers_have_three_digits_or_all_before_the_point() {
        for (value, text) in [
            (12_345.6, "12 346"),
            (999.0, "999"),
            (12.34, "12.3"),
            (1.234, "1.23"),
            (0.1234, "0.123"),
        ] {
            assert_eq!(show(value), text);
        }
    }
}
