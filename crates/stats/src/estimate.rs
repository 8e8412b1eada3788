//! A statistic's outcome: a finite number, or the reason why there is none.

use crate::recipe::Recipe;

/// Why no number can be given. A reason is data, not a failure: it says what the sample lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Reason {
    /// One of the samples has no rows.
    EmptySample,
    /// A sample or a group has fewer rows than the caller asked for.
    TooFewSamples,
    /// Every reference value is the same, so it sets no scale and no bins.
    ConstantReference,
    /// All reference values fall into one bin, so the statistic could only be 0.
    SingleBin,
    /// A bin is empty on the side that divides, and the smoothing is [`Smoothing::None`](crate::Smoothing::None).
    EmptyBin,
    /// A group has no row whose true label is positive: its true positive rate does not exist.
    GroupWithoutPositives,
    /// A group has no row whose true label is negative: its false positive rate does not exist.
    GroupWithoutNegatives,
    /// Nobody was selected in the group or groups that divide: the ratio is 0/0.
    NoSelections,
    /// A rate that divides is 0 in every group: the ratio is 0/0.
    AllRatesZero,
    /// A comparison between groups needs two of them.
    FewerThanTwoGroups,
    /// The result leaves the range of finite numbers.
    NumericOverflow,
}

impl Reason {
    /// The stable name, as it is serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmptySample => "empty_sample",
            Self::TooFewSamples => "too_few_samples",
            Self::ConstantReference => "constant_reference",
            Self::SingleBin => "single_bin",
            Self::EmptyBin => "empty_bin",
            Self::GroupWithoutPositives => "group_without_positives",
            Self::GroupWithoutNegatives => "group_without_negatives",
            Self::NoSelections => "no_selections",
            Self::AllRatesZero => "all_rates_zero",
            Self::FewerThanTwoGroups => "fewer_than_two_groups",
            Self::NumericOverflow => "numeric_overflow",
        }
    }
}

/// A number or the reason why there is none. Never NaN, never infinite.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "status", rename_all = "snake_case"))]
pub enum Estimate {
    /// The statistic exists.
    Value {
        /// The statistic itself.
        value: f64,
        /// The p-value, for statistics that are tests.
        #[cfg_attr(
            feature = "serde",
            serde(default, skip_serializing_if = "Option::is_none")
        )]
        p_value: Option<f64>,
        /// How far the value can be from the exact one; absent where the value is exact.
        #[cfg_attr(
            feature = "serde",
            serde(default, skip_serializing_if = "Option::is_none")
        )]
        error_bound: Option<f64>,
    },
    /// The statistic does not exist for this data.
    NotEstimable {
        /// Why.
        reason: Reason,
        /// The group that is to blame, where there is one.
        #[cfg_attr(
            feature = "serde",
            serde(default, skip_serializing_if = "Option::is_none")
        )]
        group: Option<String>,
    },
}

impl Estimate {
    /// An exact value; a number that is not finite becomes [`Reason::NumericOverflow`].
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self::build(value, None, None)
    }

    /// A test statistic with its p-value, which is clamped to `[0, 1]`.
    #[must_use]
    pub fn test(value: f64, p_value: f64) -> Self {
        Self::build(value, Some(p_value.clamp(0.0, 1.0)), None)
    }

    /// A value that is within `error_bound` of the exact one.
    #[must_use]
    pub fn bounded(value: f64, error_bound: f64) -> Self {
        Self::build(value, None, Some(error_bound))
    }

    /// No number, for a reason.
    #[must_use]
    pub const fn none(reason: Reason) -> Self {
        Self::NotEstimable {
            reason,
            group: None,
        }
    }

    /// No number, because of one group.
    #[must_use]
    pub fn none_for(reason: Reason, group: &str) -> Self {
        Self::NotEstimable {
            reason,
            group: Some(group.to_owned()),
        }
    }

    fn build(value: f64, p_value: Option<f64>, error_bound: Option<f64>) -> Self {
        let finite = [Some(value), p_value, error_bound]
            .into_iter()
            .flatten()
            .all(f64::is_finite);
        if finite {
            Self::Value {
                value,
                p_value,
                error_bound,
            }
        } else {
            Self::none(Reason::NumericOverflow)
        }
    }

    /// The value, if there is one.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        match self {
            Self::Value { value, .. } => Some(*value),
            Self::NotEstimable { .. } => None,
        }
    }

    /// The p-value, if there is one.
    #[must_use]
    pub const fn p_value(&self) -> Option<f64> {
        match self {
            Self::Value { p_value, .. } => *p_value,
            Self::NotEstimable { .. } => None,
        }
    }

    /// The reason, if there is no value.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Value { .. } => None,
            Self::NotEstimable { reason, .. } => Some(*reason),
        }
    }
}

impl From<Result<f64, Reason>> for Estimate {
    fn from(outcome: Result<f64, Reason>) -> Self {
        outcome.map_or_else(Self::none, Self::exact)
    }
}

/// An estimate together with the recipe that made it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Measurement {
    /// What was computed, and how.
    pub recipe: Recipe,
    /// What came out.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub estimate: Estimate,
}

impl Measurement {
    /// The value, if there is one.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        self.estimate.value()
    }

    /// The p-value, if there is one.
    #[must_use]
    pub const fn p_value(&self) -> Option<f64> {
        self.estimate.p_value()
    }

    /// The reason, if there is no value.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        self.estimate.reason()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_finite_never_leave() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for estimate in [
                Estimate::exact(bad),
                Estimate::test(1.0, f64::NAN),
                Estimate::test(bad, 0.5),
                Estimate::bounded(1.0, bad),
            ] {
                assert_eq!(estimate.reason(), Some(Reason::NumericOverflow));
            }
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn the_wire_form_is_stable() {
        let recipe = Recipe::of_pair("wasserstein_1", 2, 3);
        let value = Measurement {
            recipe: recipe.clone(),
            estimate: Estimate::exact(0.5),
        };
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(
            json,
            r#"{"recipe":{"estimator":"wasserstein_1","version":1,"bins":null,"smoothing":{"kind":"none"},"n_reference":2,"n_current":3},"status":"value","value":0.5}"#
        );
        assert_eq!(serde_json::from_str::<Measurement>(&json).unwrap(), value);
        let none = Measurement {
            recipe,
            estimate: Estimate::none_for(Reason::NoSelections, "b"),
        };
        let json = serde_json::to_string(&none).unwrap();
        assert!(
            json.ends_with(r#""status":"not_estimable","reason":"no_selections","group":"b"}"#)
        );
        assert_eq!(serde_json::from_str::<Measurement>(&json).unwrap(), none);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn reasons_are_serialised_by_their_names() {
        for reason in [
            Reason::EmptySample,
            Reason::TooFewSamples,
            Reason::ConstantReference,
            Reason::SingleBin,
            Reason::EmptyBin,
            Reason::GroupWithoutPositives,
            Reason::GroupWithoutNegatives,
            Reason::NoSelections,
            Reason::AllRatesZero,
            Reason::FewerThanTwoGroups,
            Reason::NumericOverflow,
        ] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
