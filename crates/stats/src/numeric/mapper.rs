//! The map from values to buckets.

use crate::num::{floor_signed, len_f64, signed_f64};
use crate::numeric::buckets::BUCKETS;

const LAST: f64 = 65_535.0;
/// Adding 2^52 to a number from 0 to 65 535 rounds it to an integer that stands in the low bits.
const ROUND: f64 = 4_503_599_627_370_496.0;
/// How many rows of each sample are looked at to place the buckets.
const PEEK: usize = 1_024;

/// A non-decreasing map from values to buckets: values of a lower bucket are smaller, whatever the rounding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mapper {
    /// Distances are measured from this value.
    pub(crate) origin: f64,
    axis: Axis,
    /// Where on the axis the first bucket is centred.
    start: f64,
    /// Buckets per unit of the axis.
    scale: f64,
}

/// What is divided evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    /// The values.
    Linear,
    /// The ranks of the values among all floating point numbers: about logarithmic, for heavy tails.
    Curved,
}

impl Axis {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Curved => signed_f64(mirror(value.to_bits().cast_signed())),
        }
    }

    fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Curved => f64::from_bits(mirror(floor_signed(place)).cast_unsigned()),
        }
    }
}

/// Reverses the order of the negative numbers' bit patterns, so that integers compare as the numbers do; undoes itself.
const fn mirror(bits: i64) -> i64 {
    bits ^ ((bits >> 63) & i64::MAX)
}

impl Mapper {
    /// Maps everything to bucket 0.
    pub(crate) const fn single(origin: f64) -> Self {
        Self {
            origin,
            axis: Axis::Linear,
            start: origin,
            scale: 0.0,
        }
    }

    /// Whether everything maps to bucket 0.
    pub(crate) fn is_single(&self) -> bool {
        crate::num::is_zero(self.scale)
    }

    /// Spreads the bulk of both samples evenly, leaving far values to the outermost buckets.
    ///
    /// Only the speed depends on the rows it looks at. If the values span more than the floating point range,
    /// there is one bucket.
    pub(crate) fn spread(reference: &[f64], current: &[f64], min: f64, max: f64) -> Self {
        let peek = |values: &[f64]| -> Vec<f64> {
            values
                .iter()
                .step_by((values.len() / PEEK).max(1))
                .copied()
                .collect()
        };
        let mut seen = peek(reference);
        seen.append(&mut peek(current));
        seen.sort_unstable_by(f64::total_cmp);
        let margin = seen.len() / 512;
        let at = |index: usize| seen.get(index).copied().unwrap_or(min);
        let (mut low, mut high) = (at(margin), at(seen.len().saturating_sub(margin + 1)));
        if low >= high {
            (low, high) = (min, max);
        }
        let along = |axis: Axis| {
            let start = axis.place(low);
            Self {
                origin: low,
                axis,
                start,
                scale: LAST / (axis.place(high) - start),
            }
        };
        let (linear, curved) = (along(Axis::Linear), along(Axis::Curved));
        if !(max - min).is_finite() || !linear.scale.is_normal() {
            Self::single(min)
        } else if 4 * linear.buckets_hit(&seen) < 3 * curved.buckets_hit(&seen) {
            curved
        } else {
            linear
        }
    }

    /// How many different buckets some ascending values fall into.
    fn buckets_hit(&self, ascending: &[f64]) -> usize {
        let mut buckets: Vec<u16> = ascending.iter().map(|&value| self.bucket(value)).collect();
        buckets.dedup();
        buckets.len()
    }

    /// The bucket of a value.
    #[inline]
    pub(crate) fn bucket(&self, value: f64) -> u16 {
        let position = (self.axis.place(value) - self.start) * self.scale;
        let position = if position > 0.0 { position } else { 0.0 };
        let position = if position < LAST { position } else { LAST };
        let [low, high, ..] = (position + ROUND).to_bits().to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Where a bucket begins and ends, as distances from the origin; the outermost ones reach to `min` and `max`.
    pub(crate) fn extent(&self, bucket: usize, min: f64, max: f64) -> (f64, f64) {
        let edge =
            |position: f64| self.axis.value(self.start + position / self.scale) - self.origin;
        let last = bucket + 1 == BUCKETS || self.is_single();
        let low = if bucket == 0 {
            min - self.origin
        } else {
            edge(len_f64(bucket) - 0.5)
        };
        let high = if last {
            max - self.origin
        } else {
            edge(len_f64(bucket) + 0.5)
        };
        (low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERED: [f64; 9] = [
        -f64::MAX,
        -3.5,
        -1.0,
        -1e-300,
        0.0,
        1e-300,
        1.0,
        1.0 + f64::EPSILON,
        f64::MAX,
    ];

    #[test]
    fn the_curved_axis_keeps_the_order_and_undoes_itself() {
        for pair in ORDERED.windows(2) {
            assert!(
                Axis::Curved.place(pair[0]) <= Axis::Curved.place(pair[1]),
                "{pair:?}"
            );
        }
        for value in ORDERED {
            let back = Axis::Curved.value(Axis::Curved.place(value));
            assert!(
                (back - value).abs() <= 1e-12 * value.abs() || !back.is_finite(),
                "{value} {back}"
            );
        }
    }

    #[test]
    fn heavy_tails_are_spread_along_the_curved_axis_and_even_values_along_the_linear_one() {
        let even: Vec<f64> = (0..5_000).map(f64::from).collect();
        let heavy: Vec<f64> = even.iter().map(|x| (x / 100.0).exp()).collect();
        for (values, axis) in [(&even, Axis::Linear), (&heavy, Axis::Curved)] {
            let mapper = Mapper::spread(values, values, values[0], values[4_999]);
            assert_eq!(mapper.axis, axis);
            assert!(values.is_sorted_by_key(|&value| mapper.bucket(value)));
        }
    }
}
