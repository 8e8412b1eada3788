//! Impact ratios against the most selected group, as audits of hiring tools publish them.

use crate::error::StatsError;
use crate::estimate::{Measurement, Reason};
use crate::fairness::{Selections, measurement, quotient};
use crate::num::to_f64;

/// One group's impact ratio.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ImpactRatio {
    /// The group.
    pub group: String,
    /// Its share of all rows.
    pub share: f64,
    /// Its selection rate by that of the reference; absent if the group was left out for its size.
    pub ratio: Option<Measurement>,
}

/// Impact ratios of all groups.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ImpactRatios {
    /// The most selected group among those that count; absent if none counts.
    pub reference: Option<String>,
    /// All groups by name, including those left out.
    pub groups: Vec<ImpactRatio>,
}

impl ImpactRatios {
    /// The ratio of one group; `None` if there is no such group or it was left out or its ratio does not exist.
    #[must_use]
    pub fn value(&self, group: &str) -> Option<f64> {
        let found = self.groups.iter().find(|entry| entry.group == group)?;
        found.ratio.as_ref().and_then(Measurement::value)
    }
}

impl Selections {
    /// Each group's selection rate divided by that of the most selected group.
    ///
    /// Groups with less than `minimum_share` of all rows are left out first, so that a group which is left out
    /// cannot be the reference; New York City's rules for automated hiring decisions allow this below 0.02. Their
    /// rows still count in the total that shares refer to. With equal rates the first name is the reference.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `minimum_share` is from 0 to 1.
    pub fn impact_ratios(&self, minimum_share: f64) -> Result<ImpactRatios, StatsError> {
        if !(0.0..=1.0).contains(&minimum_share) {
            return Err(StatsError::OutOfRange {
                parameter: "minimum_share",
                expected: "from 0 to 1",
            });
        }
        let total = to_f64(self.rows());
        let groups: Vec<(&str, f64, f64)> = self
            .iter()
            .filter_map(|(name, counts)| {
                Some((name, to_f64(counts.rows()) / total, counts.rate().ok()?))
            })
            .collect();
        let counted = groups
            .iter()
            .filter(|(_, share, _)| *share >= minimum_share);
        let reference = counted.reduce(|best, next| if next.2 > best.2 { next } else { best });
        let entry = |&(name, share, rate): &(&str, f64, f64)| ImpactRatio {
            group: name.to_owned(),
            share,
            ratio: reference
                .filter(|_| share >= minimum_share)
                .map(|(_, _, highest)| {
                    let outcome = quotient(rate, *highest, Reason::NoSelections);
                    measurement("impact_ratio.most_selected", self.rows(), outcome)
                }),
        };
        Ok(ImpactRatios {
            reference: reference.map(|(name, _, _)| (*name).to_owned()),
            groups: groups.iter().map(entry).collect(),
        })
    }
}
