//! All group metrics at once.

use std::collections::BTreeMap;

use crate::estimate::{Estimate, Measurement, Reason};
use crate::fairness::{Aggregate, ConfusionCells, GroupedCells};

/// What a report may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FairnessOptions {
    /// A group with fewer rows than this makes every comparison not estimable, with
    /// [`Reason::TooFewSamples`] and the group's name.
    pub min_group_rows: u64,
}

impl Default for FairnessOptions {
    /// Groups of any size.
    fn default() -> Self {
        Self { min_group_rows: 1 }
    }
}

/// The rates of one group.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupRates {
    /// The counts behind the rates.
    pub cells: ConfusionCells,
    /// Share of the rows predicted positive.
    pub selection_rate: Estimate,
    /// Share of the positives predicted positive.
    pub true_positive_rate: Estimate,
    /// Share of the negatives predicted positive.
    pub false_positive_rate: Estimate,
    /// Share of the negatives predicted negative.
    pub true_negative_rate: Estimate,
    /// Share of the positives predicted negative.
    pub false_negative_rate: Estimate,
}

impl GroupRates {
    fn of(cells: &ConfusionCells) -> Self {
        Self {
            cells: *cells,
            selection_rate: cells.selection_rate().into(),
            true_positive_rate: cells.true_positive_rate().into(),
            false_positive_rate: cells.false_positive_rate().into(),
            true_negative_rate: cells.true_negative_rate().into(),
            false_negative_rate: cells.false_negative_rate().into(),
        }
    }
}

/// Rates of every group and the comparisons between them.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FairnessReport {
    /// Rates by group.
    pub groups: BTreeMap<String, GroupRates>,
    /// Largest minus smallest selection rate.
    pub demographic_parity_difference: Measurement,
    /// Smallest by largest selection rate: the disparate impact ratio.
    pub demographic_parity_ratio: Measurement,
    /// The worse of the gaps in true and false positive rate.
    pub equalized_odds_difference: Measurement,
    /// The worse of the ratios of true and false positive rates.
    pub equalized_odds_ratio: Measurement,
    /// The gap in true positive rate.
    pub equal_opportunity_difference: Measurement,
    /// The ratio of true positive rates.
    pub equal_opportunity_ratio: Measurement,
}

impl GroupedCells {
    /// All group metrics at once.
    #[must_use]
    pub fn report(&self, options: FairnessOptions) -> FairnessReport {
        let selections = self.selections();
        let too_small = self
            .iter()
            .find(|(_, cells)| cells.rows() < options.min_group_rows);
        let judge = |mut measurement: Measurement| {
            if let Some((name, _)) = too_small {
                measurement.estimate = Estimate::none_for(Reason::TooFewSamples, name);
            }
            measurement
        };
        FairnessReport {
            groups: self
                .iter()
                .map(|(name, cells)| (name.to_owned(), GroupRates::of(cells)))
                .collect(),
            demographic_parity_difference: judge(selections.demographic_parity_difference()),
            demographic_parity_ratio: judge(selections.demographic_parity_ratio()),
            equalized_odds_difference: judge(self.equalized_odds_difference(Aggregate::WorstCase)),
            equalized_odds_ratio: judge(self.equalized_odds_ratio(Aggregate::WorstCase)),
            equal_opportunity_difference: judge(self.equal_opportunity_difference()),
            equal_opportunity_ratio: judge(self.equal_opportunity_ratio()),
        }
    }
}
