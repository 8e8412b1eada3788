//! The first look at a column: finite, and between which bounds.

use crate::error::{Sample, StatsError};
use crate::num::{count, is_zero, len_f64};

/// Bounds and sum of a column of finite values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) sum: f64,
}

const LANES: usize = 8;

/// Scans a column; for an empty one the bounds are infinite.
pub(crate) fn scan(values: &[f64], sample: Sample) -> Result<Scan, StatsError> {
    let mut min = [f64::INFINITY; LANES];
    let mut max = [f64::NEG_INFINITY; LANES];
    let mut sum = [0.0; LANES];
    let mut taint = [0.0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut look = |lane: usize, x: f64| {
        if let (Some(min), Some(max)) = (min.get_mut(lane), max.get_mut(lane)) {
            *min = if x < *min { x } else { *min };
            *max = if x > *max { x } else { *max };
        }
        if let (Some(sum), Some(taint)) = (sum.get_mut(lane), taint.get_mut(lane)) {
            *sum += x;
            // 0 for every finite number, NaN otherwise.
            *taint += x * 0.0;
        }
    };
    for chunk in chunks {
        for (lane, &x) in chunk.iter().enumerate() {
            look(lane, x);
        }
    }
    for (lane, &x) in rest.iter().enumerate() {
        look(lane, x);
    }
    if !is_zero(taint.iter().sum())
        && let Some(row) = values.iter().position(|x| !x.is_finite())
    {
        return Err(StatsError::NonFinite {
            sample,
            row: count(row),
        });
    }
    Ok(Scan {
        min: min.into_iter().fold(f64::INFINITY, f64::min),
        max: max.into_iter().fold(f64::NEG_INFINITY, f64::max),
        sum: sum.into_iter().sum(),
    })
}

/// Population standard deviation (divisor n) of a column whose sum is known.
pub(crate) fn standard_deviation(values: &[f64], sum: f64) -> f64 {
    let rows = len_f64(values.len());
    let mean = sum / rows;
    let mut squares = [0.0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in squares.iter_mut().zip(chunk) {
            *lane += (x - mean) * (x - mean);
        }
    }
    let tail: f64 = rest.iter().map(|x| (x - mean) * (x - mean)).sum();
    ((squares.into_iter().sum::<f64>() + tail) / rows).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_that_is_not_finite_is_named() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for row in [0_u8, 7, 8, 19] {
                let mut values = vec![1.0; 20];
                values[usize::from(row)] = bad;
                let expected = StatsError::NonFinite {
                    sample: Sample::Current,
                    row: row.into(),
                };
                assert_eq!(scan(&values, Sample::Current).unwrap_err(), expected);
            }
        }
    }

    #[test]
    fn a_sum_that_overflows_does_not_accuse_finite_values() {
        let scanned = scan(&[f64::MAX; 32], Sample::Reference).unwrap();
        assert!(scanned.max.total_cmp(&f64::MAX).is_eq());
    }
}
