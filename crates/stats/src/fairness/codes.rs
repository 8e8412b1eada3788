//! Counting rows whose groups are coded as small integers: the fast way in for columns.

use crate::error::StatsError;
use crate::fairness::{ConfusionCells, GroupedCells};
use crate::num::count;
use crate::numeric::{Execution, both, worth_two_threads};

/// Columns of rows: the group's code, the true label and the prediction, one entry each per row.
#[derive(Debug, Clone, Copy)]
pub struct CodedRows<'a> {
    /// Codes from 0 to one less than there are names.
    pub groups: &'a [u32],
    /// True labels.
    pub labels: &'a [bool],
    /// Predictions.
    pub predictions: &'a [bool],
}

/// Cells per group in the order negative-negative, negative-positive, positive-negative, positive-positive
/// (label, then prediction).
const CELLS: usize = 4;
/// So many rows are counted between two looks at the largest code.
const BLOCK: usize = 4_096;
/// Up to so many groups are counted in two tables by turns, so that rows of one group do not wait for each other.
const FEW_GROUPS: usize = 64;

impl CodedRows<'_> {
    /// Counts the rows; the name of code `i` is `names[i]`. Equal names are one group.
    ///
    /// # Errors
    /// [`StatsError::LengthMismatch`] if the columns differ in length, [`StatsError::UnknownCode`] with the first row
    /// whose code has no name.
    pub fn count(&self, names: &[&str], execution: Execution) -> Result<GroupedCells, StatsError> {
        let rows = self.groups.len();
        for (what, length) in [
            ("labels", self.labels.len()),
            ("predictions", self.predictions.len()),
        ] {
            if length != rows {
                return Err(StatsError::LengthMismatch {
                    what,
                    actual: count(length),
                    expected: count(rows),
                });
            }
        }
        let (first, second) = self.halves();
        let (one, other) = both(
            worth_two_threads(rows, execution),
            || first.tally(names.len()),
            || second.tally(names.len()),
        );
        let (Some(one), Some(other)) = (one, other) else {
            return Err(self.unknown_code(names.len()));
        };
        let cells = one.iter().zip(&other).map(|(a, b)| {
            let mut sum = *a;
            sum.merge(b);
            sum
        });
        Ok(names.iter().copied().zip(cells).collect())
    }

    fn halves(&self) -> (Self, Self) {
        let middle = self.groups.len() / 2;
        let (groups, labels, predictions) = (
            self.groups.split_at(middle),
            self.labels.split_at(middle),
            self.predictions.split_at(middle),
        );
        (
            Self {
                groups: groups.0,
                labels: labels.0,
                predictions: predictions.0,
            },
            Self {
                groups: groups.1,
                labels: labels.1,
                predictions: predictions.1,
            },
        )
    }

    /// `None` if a code has no name.
    fn tally(&self, names: usize) -> Option<Vec<ConfusionCells>> {
        let table = if names <= FEW_GROUPS {
            let mut small = [[0_u64; FEW_GROUPS * CELLS]; 2];
            self.tally_few(names, &mut small)?;
            let [even, odd] = small;
            even.iter().zip(odd).map(|(a, b)| a + b).collect()
        } else {
            self.tally_many(names)?
        };
        let cells = table.as_chunks::<CELLS>().0.iter().take(names);
        Some(
            cells
                .map(
                    |&[
                        true_negatives,
                        false_positives,
                        false_negatives,
                        true_positives,
                    ]| {
                        ConfusionCells {
                            true_positives,
                            false_negatives,
                            false_positives,
                            true_negatives,
                        }
                    },
                )
                .collect(),
        )
    }

    fn tally_few(&self, names: usize, tables: &mut [[u64; FEW_GROUPS * CELLS]; 2]) -> Option<()> {
        let [even, odd] = tables;
        let limit = u32::try_from(names).ok()?;
        let blocks = self.groups.chunks(BLOCK).zip(self.labels.chunks(BLOCK));
        for ((groups, labels), predictions) in blocks.zip(self.predictions.chunks(BLOCK)) {
            if groups
                .iter()
                .copied()
                .max()
                .is_some_and(|largest| largest >= limit)
            {
                return None;
            }
            let rows = groups.iter().zip(labels).zip(predictions);
            let mut cells =
                rows.map(|((&group, &label), &prediction)| cell(group, label, prediction));
            while let Some(at) = cells.next() {
                *even.get_mut(at)? += 1;
                if let Some(at) = cells.next() {
                    *odd.get_mut(at)? += 1;
                }
            }
        }
        Some(())
    }

    fn tally_many(&self, names: usize) -> Option<Vec<u64>> {
        let mut table = vec![0; names * CELLS];
        let rows = self.groups.iter().zip(self.labels).zip(self.predictions);
        for ((&group, &label), &prediction) in rows {
            *table.get_mut(cell(group, label, prediction))? += 1;
        }
        Some(table)
    }

    fn unknown_code(&self, names: usize) -> StatsError {
        let unknown = |code: &u32| usize::try_from(*code).is_ok_and(|code| code >= names);
        let row = self.groups.iter().position(unknown).unwrap_or_default();
        let code = self.groups.get(row).copied().unwrap_or_default();
        StatsError::UnknownCode {
            row: count(row),
            code,
            levels: count(names),
        }
    }
}

#[inline]
fn cell(group: u32, label: bool, prediction: bool) -> usize {
    let group = usize::try_from(group).unwrap_or(usize::MAX / CELLS);
    group * CELLS + usize::from(label) * 2 + usize::from(prediction)
}
