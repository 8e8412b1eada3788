//! What a caller can do wrong. Data that allows no answer is not an error: see [`Reason`](crate::Reason).

use std::fmt;

/// Which of the two samples of a drift measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Sample {
    /// The sample that sets the expectation, for example the training data.
    Reference,
    /// The sample that is compared with it, for example last week's requests.
    Current,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Current => "current",
        })
    }
}

/// An input that no statistic is defined for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StatsError {
    /// A value is NaN or infinite.
    #[error("the {sample} value in row {row} is not a finite number")]
    NonFinite {
        /// The sample the value stands in.
        sample: Sample,
        /// Its row, counted from 0.
        row: u64,
    },
    /// Two inputs that belong together differ in length.
    #[error("{what} has {actual} entries where {expected} are needed")]
    LengthMismatch {
        /// The input that differs.
        what: &'static str,
        /// How many entries it has.
        actual: u64,
        /// How many it should have.
        expected: u64,
    },
    /// Bin edges must be at least two finite numbers in strictly ascending order.
    #[error("bin edge {index} is not a finite number above the edge before it")]
    InvalidEdges {
        /// The first offending edge, counted from 0.
        index: u64,
    },
    /// Accumulators over different bins or of different shapes cannot be merged.
    #[error("the accumulators were set up differently and cannot be merged")]
    IncompatibleMerge,
    /// A category or group code has no name.
    #[error("the code in row {row} is {code}, but there are {levels} levels")]
    UnknownCode {
        /// The row, counted from 0.
        row: u64,
        /// The code found there.
        code: u32,
        /// How many levels there are; codes run from 0 to `levels - 1`.
        levels: u64,
    },
    /// A named group does not occur.
    #[error("there is no group named {group:?}")]
    UnknownGroup {
        /// The name that was asked for.
        group: String,
    },
    /// A setting is outside the range that is documented for it.
    #[error("{parameter} must be {expected}")]
    OutOfRange {
        /// The setting.
        parameter: &'static str,
        /// The range it has to stay in.
        expected: &'static str,
    },
}
