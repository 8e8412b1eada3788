#![doc = include_str!("../README.md")]

mod chi_square;
mod counts;
mod divergence;
mod error;
mod estimate;
mod fairness;
mod false_alarm;
mod num;
mod numeric;
mod recipe;
mod score;
mod special;
mod stream;

pub use counts::BinnedPair;
pub use divergence::LogBase;

pub use error::{Sample, StatsError};
pub use estimate::{Estimate, Measurement, Reason};
pub use fairness::{
    Aggregate, CodedRows, ConfusionCells, FairnessOptions, FairnessReport, GroupRates,
    GroupedCells, ImpactRatio, ImpactRatios, SelectionCounts, Selections,
};
pub use false_alarm::{PsiNull, impact_ratio_false_alarm};
pub use numeric::{
    ColumnBins, Execution, GapLocation, KolmogorovSmirnov, KsMethod, NumericDrift, NumericOptions,
    NumericPair,
};
pub use recipe::{Binning, RECIPE_VERSION, Recipe, Smoothing};
pub use score::{DRIFT_SCORE_FORMULA, FAIRNESS_SCORE_FORMULA, Score, drift_score, fairness_score};
pub use stream::{CategoryCounts, CategoryPair, ColumnSummary, Histogram, Moments, QuantileSketch};
