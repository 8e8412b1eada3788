//! Equalized odds and equal opportunity: error rates, which need labels.

use crate::error::StatsError;
use crate::estimate::{Estimate, Measurement, Reason};
use crate::fairness::{ConfusionCells, GroupRate, GroupedCells, extremes, measurement, quotient};

/// How the gaps in true and false positive rate become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Aggregate {
    /// The worse of the two.
    #[default]
    WorstCase,
    /// Their mean.
    Mean,
}

impl Aggregate {
    const fn as_str(self) -> &'static str {
        match self {
            Self::WorstCase => "worst_case",
            Self::Mean => "mean",
        }
    }
}

type Rate = fn(&ConfusionCells) -> Result<f64, Reason>;

const TRUE_POSITIVE: Rate = ConfusionCells::true_positive_rate;
const FALSE_POSITIVE: Rate = ConfusionCells::false_positive_rate;

impl GroupedCells {
    fn rates(&self, rate: Rate) -> impl Iterator<Item = GroupRate<'_>> {
        self.iter().map(move |(name, cells)| (name, rate(cells)))
    }

    fn difference(&self, rate: Rate) -> Result<f64, Estimate> {
        extremes(self.rates(rate)).map(|(smallest, largest)| largest - smallest)
    }

    fn ratio(&self, rate: Rate) -> Result<f64, Estimate> {
        extremes(self.rates(rate))
            .and_then(|(smallest, largest)| quotient(smallest, largest, Reason::AllRatesZero))
    }

    /// The gap between groups in true and in false positive rate, the worse of the two or their mean.
    #[must_use]
    pub fn equalized_odds_difference(&self, aggregate: Aggregate) -> Measurement {
        let outcome = self.difference(TRUE_POSITIVE).and_then(|hits| {
            let alarms = self.difference(FALSE_POSITIVE)?;
            Ok(match aggregate {
                Aggregate::WorstCase => hits.max(alarms),
                Aggregate::Mean => f64::midpoint(hits, alarms),
            })
        });
        let name = format!("equalized_odds_difference.{}", aggregate.as_str());
        measurement(&name, self.rows(), outcome)
    }

    /// Smallest by largest true and false positive rate, the worse of the two or their mean.
    #[must_use]
    pub fn equalized_odds_ratio(&self, aggregate: Aggregate) -> Measurement {
        let outcome = self.ratio(TRUE_POSITIVE).and_then(|hits| {
            let alarms = self.ratio(FALSE_POSITIVE)?;
            Ok(match aggregate {
                Aggregate::WorstCase => hits.min(alarms),
                Aggregate::Mean => f64::midpoint(hits, alarms),
            })
        });
        let name = format!("equalized_odds_ratio.{}", aggregate.as_str());
        measurement(&name, self.rows(), outcome)
    }

    /// Largest minus smallest true positive rate over all groups.
    #[must_use]
    pub fn equal_opportunity_difference(&self) -> Measurement {
        let outcome = self.difference(TRUE_POSITIVE);
        measurement("equal_opportunity_difference", self.rows(), outcome)
    }

    /// Smallest divided by largest true positive rate over all groups.
    #[must_use]
    pub fn equal_opportunity_ratio(&self) -> Measurement {
        measurement(
            "equal_opportunity_ratio",
            self.rows(),
            self.ratio(TRUE_POSITIVE),
        )
    }

    /// A group's true positive rate minus that of the privileged group: negative if the group is disfavoured.
    ///
    /// # Errors
    /// [`StatsError::UnknownGroup`] if either has no rows.
    pub fn equal_opportunity_difference_versus(
        &self,
        group: &str,
        privileged: &str,
    ) -> Result<Measurement, StatsError> {
        let outcome = self.signed(group, privileged, TRUE_POSITIVE)?;
        Ok(measurement(
            "equal_opportunity_difference.versus_privileged",
            self.rows(),
            outcome,
        ))
    }

    /// Mean of a group's differences in true and false positive rate from the privileged group.
    ///
    /// # Errors
    /// [`StatsError::UnknownGroup`] if either has no rows.
    pub fn average_odds_difference(
        &self,
        group: &str,
        privileged: &str,
    ) -> Result<Measurement, StatsError> {
        let hits = self.signed(group, privileged, TRUE_POSITIVE)?;
        let alarms = self.signed(group, privileged, FALSE_POSITIVE)?;
        let outcome = hits.and_then(|hits| Ok(f64::midpoint(hits, alarms?)));
        Ok(measurement("average_odds_difference", self.rows(), outcome))
    }

    fn signed(
        &self,
        group: &str,
        privileged: &str,
        rate: Rate,
    ) -> Result<Result<f64, Estimate>, StatsError> {
        let (this, other) = (rate(self.group(group)?), rate(self.group(privileged)?));
        let blame = |name: &str| {
            let name = name.to_owned();
            move |reason| Estimate::NotEstimable {
                reason,
                group: Some(name),
            }
        };
        let named = this
            .map_err(blame(group))
            .and_then(|this| Ok((this, other.map_err(blame(privileged))?)));
        Ok(named.map(|(this, other)| this - other))
    }
}
