//! Counting values into 65 536 ordered buckets, so that only a few of them have to be sorted.

use crate::num::to_f64;
use crate::numeric::mapper::Mapper;

/// How many buckets there are: every `u16` is one, so looking one up needs no bounds check.
pub(crate) const BUCKETS: usize = 65_536;

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

    /// How many values are below `edge`.
    pub(crate) fn below(&self, edge: f64) -> u64 {
        let lower = self.lower.partition_point(|&x| x < edge);
        let upper = self.upper.partition_point(|&x| x < edge);
        let tied = if self.tied < edge {
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
