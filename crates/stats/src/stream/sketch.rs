//! A mergeable quantile sketch with a guaranteed rank error.
//!
//! Level `h` holds values of weight `2^h`. A level that is full is sorted, every second value moves one level up
//! with double weight, and the others are dropped; whether the odd or the even ones move alternates. Each such
//! compaction shifts the rank of any value by at most the level's weight, so the sketch knows a bound on its own
//! error: the sum of the weights of all its compactions. Nothing is random: the same rows in the same order and
//! grouping give the same sketch.

use crate::error::{Sample, StatsError};
use crate::num::{count, len_f64, to_f64};

/// Smallest and largest capacity of a level.
const CAPACITIES: std::ops::RangeInclusive<usize> = 8..=1_048_576;

/// Quantiles of a stream in bounded memory.
///
/// With capacity `k` and `n` rows it keeps at most `k` values on each of about `log2(n / k) + 1` levels, and ranks
/// are off by at most [`rank_error_bound`](Self::rank_error_bound) rows, which is below
/// `n (log2(n / k) + 1) / k` for rows pushed and for parts merged alike. Up to `k` rows it is exact.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QuantileSketch {
    capacity: usize,
    levels: Vec<Level>,
    rows: u64,
    rank_error_bound: u64,
}

#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Level {
    values: Vec<f64>,
    /// Whether the next compaction keeps the second of each two values.
    keep_second: bool,
}

impl QuantileSketch {
    /// An empty sketch with so many values a level; 4096 is a good choice.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the capacity is from 8 to 1 048 576.
    pub fn new(capacity: usize) -> Result<Self, StatsError> {
        if CAPACITIES.contains(&capacity) {
            Ok(Self {
                capacity,
                levels: Vec::new(),
                rows: 0,
                rank_error_bound: 0,
            })
        } else {
            Err(StatsError::OutOfRange {
                parameter: "capacity",
                expected: "from 8 to 1048576",
            })
        }
    }

    /// Takes one value.
    ///
    /// # Errors
    /// [`StatsError::NonFinite`] with the number of values taken before as the row; nothing is changed.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        if !value.is_finite() {
            return Err(StatsError::NonFinite {
                sample: Sample::Current,
                row: self.rows,
            });
        }
        self.rows += 1;
        match self.levels.first_mut() {
            Some(level) => {
                level.values.push(value);
                if level.values.len() > self.capacity {
                    self.compact();
                }
            }
            None => self.levels.push(Level {
                values: vec![value],
                keep_second: false,
            }),
        }
        Ok(())
    }

    /// Adds all rows of another sketch.
    ///
    /// # Errors
    /// [`StatsError::IncompatibleMerge`] if the capacities differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        if self.capacity != other.capacity {
            return Err(StatsError::IncompatibleMerge);
        }
        if self.levels.len() < other.levels.len() {
            self.levels.resize_with(other.levels.len(), Level::default);
        }
        for (mine, theirs) in self.levels.iter_mut().zip(&other.levels) {
            mine.values.extend_from_slice(&theirs.values);
        }
        self.rows += other.rows;
        self.rank_error_bound += other.rank_error_bound;
        self.compact();
        Ok(())
    }

    /// Compacts every level that holds more than its capacity, from the lowest up.
    fn compact(&mut self) {
        let mut at = 0;
        while at < self.levels.len() {
            let capacity = self.capacity;
            let promoted = self
                .levels
                .get_mut(at)
                .filter(|level| level.values.len() > capacity)
                .map(Level::promote);
            at += 1;
            if let Some(promoted) = promoted {
                self.rank_error_bound += 1_u64 << (at - 1).min(63);
                match self.levels.get_mut(at) {
                    Some(above) => above.values.extend(promoted),
                    None => self.levels.push(Level {
                        values: promoted,
                        keep_second: false,
                    }),
                }
            }
        }
    }

    /// How many rows were taken.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// No rank that the sketch gives is further than this many rows from the true one.
    #[must_use]
    pub const fn rank_error_bound(&self) -> u64 {
        self.rank_error_bound
    }

    /// The same bound as a share of the rows; 0 without rows.
    #[must_use]
    pub fn relative_error_bound(&self) -> f64 {
        if self.rows == 0 {
            0.0
        } else {
            to_f64(self.rank_error_bound) / to_f64(self.rows)
        }
    }

    /// How many values the sketch holds: its memory in units of 8 bytes.
    #[must_use]
    pub fn retained(&self) -> usize {
        self.levels.iter().map(|level| level.values.len()).sum()
    }

    /// The values kept, ascending, with the rows that each stands for.
    #[must_use]
    pub fn weighted_values(&self) -> Vec<(f64, u64)> {
        let weighted = self.levels.iter().enumerate().flat_map(|(height, level)| {
            let weight = 1_u64 << height.min(63);
            level.values.iter().map(move |&value| (value, weight))
        });
        let mut values: Vec<(f64, u64)> = weighted.collect();
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        values
    }

    /// Estimated number of rows at or below a value, within [`rank_error_bound`](Self::rank_error_bound).
    #[must_use]
    pub fn rank(&self, value: f64) -> u64 {
        let weights = self.levels.iter().enumerate().map(|(height, level)| {
            let kept = level.values.iter().filter(|&&kept| kept <= value).count();
            count(kept) << height.min(63)
        });
        weights.sum()
    }

    /// Quantiles at ascending probabilities. Up to the capacity they are exact, interpolated linearly between order
    /// statistics; beyond it each is a value that was pushed, whose rank is within the bound of the one asked for,
    /// plus the largest weight.
    ///
    /// Without rows there are none.
    #[must_use]
    pub fn quantiles(&self, probabilities: &[f64]) -> Vec<f64> {
        let values = self.weighted_values();
        if self.rank_error_bound == 0 {
            return probabilities
                .iter()
                .filter_map(|&p| exact_quantile(&values, p))
                .collect();
        }
        let mut reached = 0;
        let mut kept = values.iter().map(|&(value, weight)| {
            reached += weight;
            (value, reached)
        });
        let mut current = kept.next();
        let find = |&p: &f64| {
            let wanted = p * to_f64(self.rows);
            while let Some((value, rank)) = current {
                if to_f64(rank) >= wanted {
                    return Some(value);
                }
                current = kept.next().or(Some((value, u64::MAX)));
            }
            None
        };
        probabilities.iter().filter_map(find).collect()
    }
}

impl Level {
    /// Empties the level, but for one value if their number is odd, and returns every second value.
    fn promote(&mut self) -> Vec<f64> {
        self.values.sort_unstable_by(f64::total_cmp);
        let left_over = if self.values.len() % 2 == 1 {
            self.values.pop()
        } else {
            None
        };
        let skipped = usize::from(self.keep_second);
        self.keep_second = !self.keep_second;
        let promoted = self
            .values
            .iter()
            .skip(skipped)
            .step_by(2)
            .copied()
            .collect();
        self.values.clear();
        self.values.extend(left_over);
        promoted
    }
}

fn exact_quantile(values: &[(f64, u64)], p: f64) -> Option<f64> {
    let position = p.clamp(0.0, 1.0) * len_f64(values.len().checked_sub(1)?);
    let rank = crate::num::floor(position);
    let lower = values.get(crate::num::index(rank))?.0;
    let upper = values
        .get(crate::num::index(rank + 1))
        .map_or(lower, |entry| entry.0);
    Some(crate::numeric::edges::interpolate(
        lower,
        upper,
        position - to_f64(rank),
    ))
}
