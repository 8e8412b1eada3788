//! Confusion cells, counted row by row and merged across parts.

use std::collections::BTreeMap;

use crate::error::StatsError;
use crate::estimate::Reason;
use crate::fairness::rate;

/// The four cells of one group's confusion matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConfusionCells {
    /// Label positive, prediction positive.
    pub true_positives: u64,
    /// Label positive, prediction negative.
    pub false_negatives: u64,
    /// Label negative, prediction positive.
    pub false_positives: u64,
    /// Label negative, prediction negative.
    pub true_negatives: u64,
}

impl ConfusionCells {
    /// Counts one row.
    pub const fn push(&mut self, label: bool, prediction: bool) {
        match (label, prediction) {
            (true, true) => self.true_positives += 1,
            (true, false) => self.false_negatives += 1,
            (false, true) => self.false_positives += 1,
            (false, false) => self.true_negatives += 1,
        }
    }

    /// Adds the rows of another part of the same group.
    pub const fn merge(&mut self, other: &Self) {
        self.true_positives += other.true_positives;
        self.false_negatives += other.false_negatives;
        self.false_positives += other.false_positives;
        self.true_negatives += other.true_negatives;
    }

    /// All rows.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.positives() + self.negatives()
    }

    /// Rows whose label is positive.
    #[must_use]
    pub const fn positives(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Rows whose label is negative.
    #[must_use]
    pub const fn negatives(&self) -> u64 {
        self.false_positives + self.true_negatives
    }

    /// Rows whose prediction is positive.
    #[must_use]
    pub const fn selected(&self) -> u64 {
        self.true_positives + self.false_positives
    }

    /// Share of the rows whose prediction is positive.
    ///
    /// # Errors
    /// [`Reason::EmptySample`] without rows.
    pub fn selection_rate(&self) -> Result<f64, Reason> {
        rate(self.selected(), self.rows(), Reason::EmptySample)
    }

    /// Share of the positives that are predicted positive.
    ///
    /// # Errors
    /// [`Reason::GroupWithoutPositives`].
    pub fn true_positive_rate(&self) -> Result<f64, Reason> {
        rate(
            self.true_positives,
            self.positives(),
            Reason::GroupWithoutPositives,
        )
    }

    /// Share of the positives that are predicted negative.
    ///
    /// # Errors
    /// [`Reason::GroupWithoutPositives`].
    pub fn false_negative_rate(&self) -> Result<f64, Reason> {
        rate(
            self.false_negatives,
            self.positives(),
            Reason::GroupWithoutPositives,
        )
    }

    /// Share of the negatives that are predicted positive.
    ///
    /// # Errors
    /// [`Reason::GroupWithoutNegatives`].
    pub fn false_positive_rate(&self) -> Result<f64, Reason> {
        rate(
            self.false_positives,
            self.negatives(),
            Reason::GroupWithoutNegatives,
        )
    }

    /// Share of the negatives that are predicted negative.
    ///
    /// # Errors
    /// [`Reason::GroupWithoutNegatives`].
    pub fn true_negative_rate(&self) -> Result<f64, Reason> {
        rate(
            self.true_negatives,
            self.negatives(),
            Reason::GroupWithoutNegatives,
        )
    }
}

/// Confusion cells by group. Memory depends on the number of groups only.
///
/// ```
/// use probity_stats::{GroupedCells, Reason};
/// let mut rows = GroupedCells::default();
/// rows.push("x", true, true);
/// rows.push("x", false, false);
/// rows.push("y", false, false);
/// let odds = rows.equal_opportunity_difference();
/// assert_eq!(odds.reason(), Some(Reason::GroupWithoutPositives));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct GroupedCells {
    groups: BTreeMap<String, ConfusionCells>,
}

impl GroupedCells {
    /// Counts one row of a group.
    pub fn push(&mut self, group: &str, label: bool, prediction: bool) {
        let mut row = ConfusionCells::default();
        row.push(label, prediction);
        self.add(group, &row);
    }

    /// Adds counted rows of a group.
    pub fn add(&mut self, group: &str, cells: &ConfusionCells) {
        match self.groups.get_mut(group) {
            Some(known) => known.merge(cells),
            None => {
                self.groups.insert(group.to_owned(), *cells);
            }
        }
    }

    /// Adds all rows of another part.
    pub fn merge(&mut self, other: &Self) {
        for (group, cells) in &other.groups {
            self.add(group, cells);
        }
    }

    /// The groups that have rows, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ConfusionCells)> {
        self.groups
            .iter()
            .filter(|(_, cells)| cells.rows() > 0)
            .map(|(name, cells)| (name.as_str(), cells))
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.groups.values().map(ConfusionCells::rows).sum()
    }

    /// The cells of one group.
    ///
    /// # Errors
    /// [`StatsError::UnknownGroup`] if it has no rows.
    pub fn group(&self, name: &str) -> Result<&ConfusionCells, StatsError> {
        let found = self.groups.get(name).filter(|cells| cells.rows() > 0);
        found.ok_or_else(|| StatsError::UnknownGroup {
            group: name.to_owned(),
        })
    }
}

impl<S: Into<String>> FromIterator<(S, ConfusionCells)> for GroupedCells {
    fn from_iter<I: IntoIterator<Item = (S, ConfusionCells)>>(groups: I) -> Self {
        let mut all = Self::default();
        for (group, cells) in groups {
            all.add(&group.into(), &cells);
        }
        all
    }
}
