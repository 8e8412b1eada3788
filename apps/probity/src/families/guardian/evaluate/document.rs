//! The closed vocabularies and free arrays of an evaluation, for the document alone.

use utoipa::ToSchema;

/// How numeric values become bins.
#[derive(ToSchema)]
#[schema(as = guardian::EvaluationBinning, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes texts that the domain parses")]
pub(super) enum Binning {
    Quantile,
    EqualWidth,
}

/// What to do about empty bins.
#[derive(ToSchema)]
#[schema(as = guardian::EvaluationSmoothingKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes texts that the domain parses")]
pub(super) enum Smoothing {
    Epsilon,
    RelativeEpsilon,
    PseudoCount,
    Laplace,
    None,
}

/// What to do about empty cells.
#[derive(ToSchema)]
#[schema(as = guardian::EvaluationMissing, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes texts that the domain parses")]
pub(super) enum Missing {
    Refuse,
    Skip,
}

/// The cells of a column: numbers, or texts and booleans; never both.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = guardian::EvaluationColumn)]
#[expect(dead_code, reason = "describes arrays that are read cell by cell")]
pub(super) enum ColumnCells {
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
}

/// The names of bins, or their edges.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = guardian::EvaluationBins)]
#[expect(dead_code, reason = "describes arrays that are read cell by cell")]
pub(super) enum BinNames {
    Edges(Vec<f64>),
    Names(Vec<String>),
}

/// The verdict; `NOT_ESTIMABLE` where a score is missing.
#[derive(ToSchema)]
#[schema(as = guardian::EvaluationStatus, rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "describes texts that the domain writes")]
pub(super) enum Status {
    Green,
    Amber,
    Red,
    NotEstimable,
}

/// Whether a statistic exists for the data.
#[derive(ToSchema)]
#[schema(as = guardian::EstimateStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes texts that the domain writes")]
pub(super) enum EstimateStatus {
    Estimated,
    NotEstimable,
}
