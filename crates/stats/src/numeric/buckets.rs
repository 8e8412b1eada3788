//! Counting values into 65 536 ordered buckets, so that only a few of them have to be sorted.

use crate::num::{len_f64, to_f64};

/// How many buckets there are: every `u16` is one, so looking one up needs no bounds check.
pub(crate) const BUCKETS: usize = 65_536;
const LAST: f64 = 65_535.0;
/// Adding 2^52 to a number from 0 to 65 535 rounds it to an integer that stands in the low bits.
const ROUND: f64 = 4_503_599_627_370_496.0;
/// How many rows of each sample the mapper looks at.
const PEEK: usize = 1_024;

/// A non-decreasing map from values to buckets: values of a lower bucket are smaller, whatever the rounding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mapper {
    /// The value whose bucket is 0; positions are measured from here.
    pub(crate) origin: f64,
    scale: f64,
}

impl Mapper {
    /// Maps everything to bucket 0.
    pub(crate) const fn single(origin: f64) -> Self {
        Self { origin, scale: 0.0 }
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
        let scale = LAST / (high - low);
        if (max - min).is_finite() && scale.is_normal() {
            Self { origin: low, scale }
        } else {
            Self::single(min)
        }
    }

    /// The bucket of a value.
    #[inline]
    pub(crate) fn bucket(&self, value: f64) -> u16 {
        let position = (value - self.origin) * self.scale;
        let position = if position > 0.0 { position } else { 0.0 };
        let position = if position < LAST { position } else { LAST };
        let [low, high, ..] = (position + ROUND).to_bits().to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Where a bucket begins and ends, as distances from the origin; the outermost ones reach to `min` and `max`.
    pub(crate) fn extent(&self, bucket: usize, min: f64, max: f64) -> (f64, f64) {
        let middle = len_f64(bucket);
        let low = if bucket == 0 {
            min - self.origin
        } else {
            (middle - 0.5) / self.scale
        };
        let last = bucket + 1 == BUCKETS || self.is_single();
        let high = if last {
            max - self.origin
        } else {
            (middle + 0.5) / self.scale
        };
        (low, high)
    }
}

/// What fell into one bucket.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    pub(crate) count: u64,
    /// Sum of the distances from the origin.
    pub(crate) sum: f64,
}

/// Counts a column into buckets.
pub(crate) fn tally(values: &[f64], mapper: Mapper) -> Vec<Bucket> {
    let mut table = vec![Bucket::default(); BUCKETS];
    if let Some(table) = table.first_chunk_mut::<BUCKETS>() {
        for &value in values {
            if let Some(bucket) = table.get_mut(usize::from(mapper.bucket(value))) {
                bucket.count += 1;
                bucket.sum += value - mapper.origin;
            }
        }
    }
    table
}

/// What one sample has in one gathered bucket: the value met first with its multiplicity, which collapses ties,
/// and all other values.
#[derive(Debug, Clone, Copy)]
struct Slot {
    first: f64,
    equal: u64,
    start: usize,
    filled: usize,
}

/// The values of the marked buckets of one sample, sorted within each bucket.
#[derive(Debug)]
pub(crate) struct Gathered {
    slots: Vec<Slot>,
    rest: Vec<f64>,
}

/// One sample's values in one bucket, ascending.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    lower: &'a [f64],
    tied: f64,
    multiplicity: u64,
    upper: &'a [f64],
}

impl Gathered {
    /// Gathers the marked buckets; `slot_of` numbers them, `counts` says how many values each will get.
    pub(crate) fn gather(
        values: &[f64],
        mapper: Mapper,
        marks: &[bool],
        slot_of: &[usize],
        counts: impl Iterator<Item = u64>,
    ) -> Self {
        let mut total = 0;
        let slots = counts.map(|count| {
            let start = total;
            total += crate::num::index(count);
            Slot {
                first: 0.0,
                equal: 0,
                start,
                filled: 0,
            }
        });
        let mut gathered = Self {
            slots: slots.collect(),
            rest: Vec::new(),
        };
        gathered.rest = vec![0.0; total];
        if let Some(marks) = marks.first_chunk::<BUCKETS>() {
            for &value in values {
                let bucket = usize::from(mapper.bucket(value));
                if marks.get(bucket).copied().unwrap_or(false) {
                    gathered.put(slot_of.get(bucket).copied().unwrap_or(usize::MAX), value);
                }
            }
        }
        gathered.sort();
        gathered
    }

    /// Everything in one slot.
    pub(crate) fn whole(values: &[f64]) -> Self {
        let slot = Slot {
            first: 0.0,
            equal: 0,
            start: 0,
            filled: 0,
        };
        let mut gathered = Self {
            slots: vec![slot],
            rest: vec![0.0; values.len()],
        };
        for &value in values {
            gathered.put(0, value);
        }
        gathered.sort();
        gathered
    }

    #[inline]
    #[expect(clippy::float_cmp, reason = "ties are meant")]
    fn put(&mut self, slot: usize, value: f64) {
        let Some(slot) = self.slots.get_mut(slot) else {
            return;
        };
        if slot.equal == 0 {
            slot.first = value;
            slot.equal = 1;
        } else if slot.first == value {
            slot.equal += 1;
        } else if let Some(cell) = self.rest.get_mut(slot.start + slot.filled) {
            *cell = value;
            slot.filled += 1;
        }
    }

    fn sort(&mut self) {
        for slot in &self.slots {
            if let Some(values) = self.rest.get_mut(slot.start..slot.start + slot.filled) {
                values.sort_unstable_by(f64::total_cmp);
            }
        }
    }

    /// The values of one slot.
    pub(crate) fn run(&self, slot: usize) -> Run<'_> {
        let Some(slot) = self.slots.get(slot) else {
            return Run {
                lower: &[],
                tied: 0.0,
                multiplicity: 0,
                upper: &[],
            };
        };
        let values = self
            .rest
            .get(slot.start..slot.start + slot.filled)
            .unwrap_or_default();
        let (lower, upper) = values.split_at(values.partition_point(|&x| x < slot.first));
        Run {
            lower,
            tied: slot.first,
            multiplicity: slot.equal,
            upper,
        }
    }
}

impl<'a> Run<'a> {
    /// How many values there are.
    pub(crate) fn count(&self) -> u64 {
        crate::num::count(self.lower.len() + self.upper.len()) + self.multiplicity
    }

    /// The value of rank `rank` within the run, from 0.
    pub(crate) fn at(&self, rank: u64) -> Option<f64> {
        let lower = crate::num::count(self.lower.len());
        if rank < lower {
            self.lower.get(crate::num::index(rank)).copied()
        } else if rank < lower + self.multiplicity {
            Some(self.tied)
        } else {
            self.upper
                .get(crate::num::index(rank - lower - self.multiplicity))
                .copied()
        }
    }

    /// How many values are below `edge`; with `closed`, how many are at or below it.
    pub(crate) fn below(&self, edge: f64, closed: bool) -> u64 {
        let is_below = |x: f64| if closed { x <= edge } else { x < edge };
        let lower = self.lower.partition_point(|&x| is_below(x));
        let upper = self.upper.partition_point(|&x| is_below(x));
        let tied = if self.multiplicity > 0 && is_below(self.tied) {
            self.multiplicity
        } else {
            0
        };
        crate::num::count(lower + upper) + tied
    }

    /// The values in ascending order with their multiplicities; equal values may come in several parts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (f64, f64)> + use<'a> {
        let tied = (self.multiplicity > 0).then_some((self.tied, to_f64(self.multiplicity)));
        let one = |&value: &f64| (value, 1.0);
        self.lower
            .iter()
            .map(one)
            .chain(tied)
            .chain(self.upper.iter().map(one))
    }
}
