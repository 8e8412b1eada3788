//! Two columns reduced to bucket counts plus the sorted values of the few buckets that decide the statistics.

use crate::num::{count, to_f64};
use crate::numeric::Execution;
use crate::numeric::buckets::{BUCKETS, Bucket, Gathered, Run, tally};
use crate::numeric::mapper::Mapper;

/// Columns shorter than this, together, are sorted whole.
const SMALL: usize = 32_768;
/// Columns longer than this, together, are worth a second thread.
const LARGE: usize = 262_144;
/// Rounding allowance when gaps between distribution functions are compared.
pub(crate) const SLACK: f64 = 1e-12;

/// What the caller wants to read off the profile.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Ranks of order statistics of the reference; the one above each is kept as well.
    pub(crate) ranks: Vec<u64>,
    /// Values at which both samples will be split.
    pub(crate) edges: Vec<f64>,
    /// Whether the largest gap between the distribution functions is wanted.
    pub(crate) largest_gap: bool,
    /// Whether the area between the distribution functions is wanted.
    pub(crate) area: bool,
}

/// A bucket whose values were gathered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    bucket: usize,
    /// Rows of the reference and of the current sample in lower buckets.
    pub(crate) below: (u64, u64),
    /// Where the bucket begins and ends, from the mapper's origin.
    pub(crate) extent: (f64, f64),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) rows: (u64, u64),
    pub(crate) mapper: Mapper,
    /// Area between the distribution functions over the buckets that were not gathered.
    pub(crate) area_elsewhere: f64,
    cells: Vec<Cell>,
    reference: Gathered,
    current: Gathered,
}

impl Profile {
    /// Profiles two columns that are not empty; `bounds` are the smallest and largest value of both together.
    pub(crate) fn new(
        columns: (&[f64], &[f64]),
        bounds: (f64, f64),
        plan: &Plan,
        execution: Execution,
    ) -> Self {
        let (reference, current) = columns;
        let rows = (count(reference.len()), count(current.len()));
        let together = reference.len() + current.len();
        let mapper = if together < SMALL {
            Mapper::single(bounds.0)
        } else {
            Mapper::spread(reference, current, bounds.0, bounds.1)
        };
        if mapper.is_single() {
            return Self::sorted_whole(columns, bounds, mapper);
        }
        let parallel = worth_two_threads(together, execution);
        let tallies = both(
            parallel,
            || tally(reference, mapper),
            || tally(current, mapper),
        );
        let choice = Choice {
            tallies: &tallies,
            rows,
            mapper,
            bounds,
        };
        let marks = choice.marks(plan);
        let (cells, slot_of) = choice.cells(&marks);
        let area_elsewhere = if plan.area {
            choice.area_outside(&marks)
        } else {
            0.0
        };
        let gather = |values: &[f64], table: &[Bucket]| {
            let sizes = cells
                .iter()
                .filter_map(|cell| table.get(cell.bucket))
                .map(|b| b.count);
            Gathered::gather(values, mapper, &marks, &slot_of, sizes)
        };
        let (reference, current) = both(
            parallel,
            || gather(reference, &tallies.0),
            || gather(current, &tallies.1),
        );
        Self {
            rows,
            mapper,
            area_elsewhere,
            cells,
            reference,
            current,
        }
    }

    fn sorted_whole(columns: (&[f64], &[f64]), bounds: (f64, f64), mapper: Mapper) -> Self {
        let extent = mapper.extent(0, bounds.0, bounds.1);
        Self {
            rows: (count(columns.0.len()), count(columns.1.len())),
            mapper,
            area_elsewhere: 0.0,
            cells: vec![Cell {
                bucket: 0,
                below: (0, 0),
                extent,
            }],
            reference: Gathered::whole(columns.0),
            current: Gathered::whole(columns.1),
        }
    }

    /// The gathered buckets in ascending order, each with the values of the reference and of the current sample.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (Cell, Run<'_>, Run<'_>)> {
        let runs = |slot: usize| (self.reference.run(slot), self.current.run(slot));
        self.cells.iter().enumerate().map(move |(slot, &cell)| {
            let (reference, current) = runs(slot);
            (cell, reference, current)
        })
    }

    /// The reference value of a rank that was planned for.
    pub(crate) fn reference_at(&self, rank: u64) -> Option<f64> {
        let after = self.cells.partition_point(|cell| cell.below.0 <= rank);
        (0..after).rev().find_map(|slot| {
            let cell = self.cells.get(slot)?;
            let run = self.reference.run(slot);
            (run.count() > 0)
                .then(|| run.at(rank - cell.below.0))
                .flatten()
        })
    }

    /// How many rows of either sample lie below an edge that was planned for.
    pub(crate) fn below(&self, edge: f64) -> Option<(u64, u64)> {
        let bucket = usize::from(self.mapper.bucket(edge));
        let slot = self
            .cells
            .binary_search_by_key(&bucket, |cell| cell.bucket)
            .ok()?;
        let cell = self.cells.get(slot)?;
        Some((
            cell.below.0 + self.reference.run(slot).below(edge),
            cell.below.1 + self.current.run(slot).below(edge),
        ))
    }
}

/// Whether so many rows repay the start of a thread.
pub(crate) fn worth_two_threads(rows: usize, execution: Execution) -> bool {
    rows >= LARGE && execution == Execution::TwoThreads
}

/// Runs two computations, in two threads if asked to.
pub(crate) fn both<A: Send, B: Send>(
    parallel: bool,
    first: impl FnOnce() -> A,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if !parallel {
        return (first(), second());
    }
    std::thread::scope(|scope| {
        let other = scope.spawn(second);
        let one = first();
        match other.join() {
            Ok(other) => (one, other),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Decides which buckets have to be gathered.
struct Choice<'a> {
    tallies: &'a (Vec<Bucket>, Vec<Bucket>),
    rows: (u64, u64),
    mapper: Mapper,
    bounds: (f64, f64),
}

/// One bucket between the two distribution functions.
struct Step {
    bucket: usize,
    /// Rows in lower buckets.
    below: (u64, u64),
    counts: (u64, u64),
    sums: (f64, f64),
    /// The distribution functions where the bucket begins and where it ends.
    start: (f64, f64),
    end: (f64, f64),
}

impl Step {
    /// The largest gap the bucket could hide, in either direction.
    fn possible_gap(&self) -> f64 {
        let up = if self.counts.0 > 0 {
            self.end.0 - self.start.1
        } else {
            0.0
        };
        let down = if self.counts.1 > 0 {
            self.end.1 - self.start.0
        } else {
            0.0
        };
        up.max(down)
    }

    /// Whether the two functions may cross within the bucket.
    fn may_cross(&self) -> bool {
        self.counts != (0, 0) && self.start.0 < self.end.1 && self.start.1 < self.end.0
    }
}

impl Choice<'_> {
    fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        let (n, m) = (to_f64(self.rows.0), to_f64(self.rows.1));
        let mut below = (0, 0);
        self.tallies
            .0
            .iter()
            .zip(&self.tallies.1)
            .enumerate()
            .map(move |(bucket, (r, c))| {
                let before = below;
                below = (below.0 + r.count, below.1 + c.count);
                Step {
                    bucket,
                    below: before,
                    counts: (r.count, c.count),
                    sums: (r.sum, c.sum),
                    start: (to_f64(before.0) / n, to_f64(before.1) / m),
                    end: (to_f64(below.0) / n, to_f64(below.1) / m),
                }
            })
    }

    fn marks(&self, plan: &Plan) -> Vec<bool> {
        let mut marks = vec![false; BUCKETS];
        let mut mark = |bucket: usize| {
            if let Some(mark) = marks.get_mut(bucket) {
                *mark = true;
            }
        };
        for &edge in &plan.edges {
            mark(usize::from(self.mapper.bucket(edge)));
        }
        for &rank in &plan.ranks {
            for bucket in self.bucket_of_rank(rank)..=self.bucket_of_rank(rank + 1) {
                mark(bucket);
            }
        }
        if plan.largest_gap {
            let known = self
                .steps()
                .map(|step| (step.end.0 - step.end.1).abs())
                .fold(0.0, f64::max);
            self.steps()
                .filter(|step| step.possible_gap() >= known - SLACK)
                .for_each(|step| mark(step.bucket));
        }
        if plan.area {
            // The outermost buckets are wide: their values are few and kept exactly.
            mark(0);
            mark(BUCKETS - 1);
            self.steps()
                .filter(Step::may_cross)
                .for_each(|step| mark(step.bucket));
        }
        marks
    }

    fn bucket_of_rank(&self, rank: u64) -> usize {
        let rank = rank.min(self.rows.0 - 1);
        let mut below = 0;
        let found = self.tallies.0.iter().position(|bucket| {
            below += bucket.count;
            below > rank
        });
        found.unwrap_or(BUCKETS - 1)
    }

    fn cells(&self, marks: &[bool]) -> (Vec<Cell>, Vec<usize>) {
        let mut slot_of = vec![0; BUCKETS];
        let mut cells = Vec::new();
        for (step, _) in self.steps().zip(marks).filter(|(_, marked)| **marked) {
            if let Some(slot) = slot_of.get_mut(step.bucket) {
                *slot = cells.len();
            }
            let extent = self
                .mapper
                .extent(step.bucket, self.bounds.0, self.bounds.1);
            cells.push(Cell {
                bucket: step.bucket,
                below: step.below,
                extent,
            });
        }
        (cells, slot_of)
    }

    /// In a bucket that the functions do not cross in, the area between them is the absolute value of the
    /// integral of their difference, which follows from the counts and sums.
    fn area_outside(&self, marks: &[bool]) -> f64 {
        let (n, m) = (to_f64(self.rows.0), to_f64(self.rows.1));
        let outside = self.steps().zip(marks).filter(|(_, marked)| !**marked);
        let areas = outside.map(|(step, _)| {
            let (low, high) = self
                .mapper
                .extent(step.bucket, self.bounds.0, self.bounds.1);
            let rising = |count: u64, sum: f64, rows: f64| to_f64(count).mul_add(high, -sum) / rows;
            let rectangle = (step.start.0 - step.start.1) * (high - low);
            let reference = rising(step.counts.0, step.sums.0, n);
            (rectangle + reference - rising(step.counts.1, step.sums.1, m)).abs()
        });
        areas.sum()
    }
}
