//! Demographic parity: selection rates, which need predictions but no labels.

use std::collections::BTreeMap;

use crate::error::StatsError;
use crate::estimate::{Estimate, Measurement, Reason};
use crate::fairness::{GroupRate, GroupedCells, extremes, measurement, quotient, rate};

/// How many rows a group has and how many of them were selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SelectionCounts {
    /// Rows whose prediction is positive.
    pub selected: u64,
    /// Rows whose prediction is negative.
    pub rejected: u64,
}

impl SelectionCounts {
    /// All rows.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.selected + self.rejected
    }

    /// Share of the rows that were selected.
    ///
    /// # Errors
    /// [`Reason::EmptySample`] without rows.
    pub fn rate(&self) -> Result<f64, Reason> {
        rate(self.selected, self.rows(), Reason::EmptySample)
    }
}

/// Selections by group. Groups without rows play no part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Selections {
    groups: BTreeMap<String, SelectionCounts>,
}

impl Selections {
    /// Counts one row of a group.
    pub fn push(&mut self, group: &str, selected: bool) {
        let (selected, rejected) = (u64::from(selected), u64::from(!selected));
        self.add(group, SelectionCounts { selected, rejected });
    }

    /// Adds counted rows of a group.
    pub fn add(&mut self, group: &str, counts: SelectionCounts) {
        match self.groups.get_mut(group) {
            Some(known) => {
                known.selected += counts.selected;
                known.rejected += counts.rejected;
            }
            None => {
                self.groups.insert(group.to_owned(), counts);
            }
        }
    }

    /// Adds all rows of another part.
    pub fn merge(&mut self, other: &Self) {
        for (group, counts) in &other.groups {
            self.add(group, *counts);
        }
    }

    /// The groups that have rows, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SelectionCounts)> {
        self.groups
            .iter()
            .filter(|(_, counts)| counts.rows() > 0)
            .map(|(name, counts)| (name.as_str(), counts))
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.groups.values().map(SelectionCounts::rows).sum()
    }

    /// The counts of one group.
    ///
    /// # Errors
    /// [`StatsError::UnknownGroup`] if it has no rows.
    pub fn group(&self, name: &str) -> Result<&SelectionCounts, StatsError> {
        let found = self.groups.get(name).filter(|counts| counts.rows() > 0);
        found.ok_or_else(|| StatsError::UnknownGroup {
            group: name.to_owned(),
        })
    }

    fn rates(&self) -> impl Iterator<Item = GroupRate<'_>> {
        self.iter().map(|(name, counts)| (name, counts.rate()))
    }

    /// Largest minus smallest selection rate over all groups.
    #[must_use]
    pub fn demographic_parity_difference(&self) -> Measurement {
        let outcome = extremes(self.rates()).map(|(smallest, largest)| largest - smallest);
        measurement("demographic_parity_difference", self.rows(), outcome)
    }

    /// Smallest divided by largest selection rate over all groups: the disparate impact ratio.
    #[must_use]
    pub fn demographic_parity_ratio(&self) -> Measurement {
        let outcome = extremes(self.rates())
            .and_then(|(smallest, largest)| quotient(smallest, largest, Reason::NoSelections));
        measurement("demographic_parity_ratio", self.rows(), outcome)
    }

    /// The largest distance of a group's selection rate from that of all rows together.
    #[must_use]
    pub fn demographic_parity_difference_to_overall(&self) -> Measurement {
        let selected = self.groups.values().map(|counts| counts.selected).sum();
        let overall = rate(selected, self.rows(), Reason::EmptySample);
        let outcome = extremes(self.rates()).and_then(|(smallest, largest)| {
            let overall = overall.map_err(Estimate::none)?;
            Ok((largest - overall).max(overall - smallest))
        });
        measurement(
            "demographic_parity_difference.to_overall",
            self.rows(),
            outcome,
        )
    }

    /// A group's selection rate divided by that of a chosen reference group; above 1 if the group is favoured.
    ///
    /// # Errors
    /// [`StatsError::UnknownGroup`] if either has no rows.
    pub fn disparate_impact_versus(
        &self,
        group: &str,
        reference: &str,
    ) -> Result<Measurement, StatsError> {
        let (this, other) = (self.group(group)?, self.group(reference)?);
        let outcome = both_rates(this.rate(), other.rate())
            .and_then(|(this, other)| quotient(this, other, Reason::NoSelections));
        Ok(measurement(
            "disparate_impact.versus_reference",
            self.rows(),
            outcome,
        ))
    }

    /// A group's selection rate minus that of the privileged group: negative if the group is disfavoured.
    ///
    /// # Errors
    /// [`StatsError::UnknownGroup`] if either has no rows.
    pub fn statistical_parity_difference(
        &self,
        group: &str,
        privileged: &str,
    ) -> Result<Measurement, StatsError> {
        let (this, other) = (self.group(group)?, self.group(privileged)?);
        let outcome = both_rates(this.rate(), other.rate()).map(|(this, other)| this - other);
        Ok(measurement(
            "statistical_parity_difference",
            self.rows(),
            outcome,
        ))
    }
}

/// Two rates that both have to exist.
fn both_rates(
    first: Result<f64, Reason>,
    second: Result<f64, Reason>,
) -> Result<(f64, f64), Estimate> {
    Ok((
        first.map_err(Estimate::none)?,
        second.map_err(Estimate::none)?,
    ))
}

impl<S: Into<String>> FromIterator<(S, SelectionCounts)> for Selections {
    fn from_iter<I: IntoIterator<Item = (S, SelectionCounts)>>(groups: I) -> Self {
        let mut all = Self::default();
        for (group, counts) in groups {
            all.add(&group.into(), counts);
        }
        all
    }
}

impl GroupedCells {
    /// The predictions alone, without the labels.
    #[must_use]
    pub fn selections(&self) -> Selections {
        self.iter()
            .map(|(name, cells)| {
                let selected = cells.selected();
                (
                    name,
                    SelectionCounts {
                        selected,
                        rejected: cells.rows() - selected,
                    },
                )
            })
            .collect()
    }
}
