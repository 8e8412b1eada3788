//! The answer to an evaluation.

use probity_kernel::SnapshotId;
use probity_stats::{Estimate, Recipe, Smoothing};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::compute::{Evaluation, Gap, Statistic};
use super::document;
use super::outcome::{FalseAlarm, Figures, formula_names};

/// The verdict where a score is missing.
const NOT_ESTIMABLE: &str = "NOT_ESTIMABLE";

/// What was computed, what it means, and whether it was recorded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Evaluated)]
pub(super) struct EvaluationResponse {
    /// Always true.
    success: bool,
    /// As asked for.
    dry_run: bool,
    /// The snapshot's id; null where none was recorded.
    #[schema(example = "snap_01h455vb4pex5vsknk084sn02q")]
    snapshot_id: Option<String>,
    /// The verdict; in a dry run the one that there would be.
    #[schema(value_type = document::Status)]
    compliance_status: &'static str,
    /// Whether both scores are known, so that a snapshot can be recorded.
    recordable: bool,
    drift_score: Option<f64>,
    fairness_score: Option<f64>,
    /// The largest stability index of the columns that count.
    psi: Option<f64>,
    /// The column it belongs to.
    psi_column: Option<String>,
    /// Smallest by largest selection rate of the groups.
    disparate_impact: Option<f64>,
    /// Rows of the current sample.
    sample_size: u64,
    /// Why a score is missing; empty where a snapshot can be recorded.
    not_estimable: Vec<GapResponse>,
    statistics: Vec<StatisticResponse>,
    /// The groups that fairness compares.
    groups: Vec<GroupResponse>,
    false_alarm: FalseAlarmResponse,
    formulas: FormulasResponse,
}

/// Why a score is missing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::EvaluationGap)]
struct GapResponse {
    /// `driftScore` or `fairnessScore`.
    score: &'static str,
    /// Such as `too_few_samples`, `no_selections`, `not_given`.
    reason: &'static str,
    column: Option<String>,
    group: Option<String>,
}

/// One statistic: a number, or the reason why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Statistic)]
struct StatisticResponse {
    #[schema(example = "psi")]
    metric: &'static str,
    /// The column, for drift.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    column: Option<String>,
    #[schema(value_type = document::EstimateStatus)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value: Option<f64>,
    /// For statistics that are tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    p_value: Option<f64>,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "group_without_positives")]
    reason: Option<&'static str>,
    /// The group that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    group: Option<String>,
    recipe: RecipeResponse,
}

/// What was computed, and how: enough to compute it again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Recipe)]
pub(super) struct RecipeResponse {
    /// The measure and, where there are bins, how values became bins.
    #[schema(example = "psi.quantile_bins")]
    estimator: String,
    /// Rises when any number would change.
    version: u16,
    /// How many bins were used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    bins: Option<u32>,
    smoothing: SmoothingResponse,
    /// Rows of the reference; absent for measures of one sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    n_reference: Option<u64>,
    /// Rows of the current sample.
    n_current: u64,
}

/// What was done about empty bins.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = guardian::RecipeSmoothing)]
struct SmoothingResponse {
    #[schema(value_type = document::Smoothing)]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value: Option<f64>,
}

/// One group's decisions; a rate that does not exist is null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::EvaluationGroup)]
struct GroupResponse {
    group: String,
    rows: u64,
    selected: u64,
    selection_rate: Option<f64>,
    /// Null without labels, and for a group without positives.
    true_positive_rate: Option<f64>,
    /// Null without labels, and for a group without negatives.
    false_positive_rate: Option<f64>,
}

/// What chance alone would do with samples of this size, if nothing had changed.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::FalseAlarm)]
struct FalseAlarmResponse {
    /// The stability index that chance gives on average, in the column with the largest one.
    psi_null_mean: Option<f64>,
    /// The index that chance exceeds once in twenty times.
    psi_critical95: Option<f64>,
    /// How often chance alone exceeds 0.10.
    probability_over010: Option<f64>,
    /// How often chance alone exceeds 0.20.
    probability_over020: Option<f64>,
    /// How often the least and the most selected group would fall short of four fifths if their
    /// true rates were the same.
    probability_under_four_fifths: Option<f64>,
}

/// The published formula behind each score, with its version; `caller` for a score that was sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::EvaluationFormulas)]
struct FormulasResponse {
    #[schema(example = "drift_score.psi/1")]
    drift_score: Option<&'static str>,
    #[schema(example = "fairness_score.disparate_impact/1")]
    fairness_score: Option<&'static str>,
}

/// What became of the snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    /// Its id, if it was recorded.
    pub(super) snapshot: Option<SnapshotId>,
    /// Its status, if there is one.
    pub(super) status: Option<&'static str>,
    /// Whether recording was not wanted.
    pub(super) dry_run: bool,
}

impl EvaluationResponse {
    pub(super) fn new(evaluation: Evaluation, figures: Figures, verdict: Verdict) -> Self {
        let (drift_formula, fairness_formula) = formula_names(&figures);
        let gaps = [
            ("driftScore", figures.drift_gap),
            ("fairnessScore", figures.fairness_gap),
        ];
        let not_estimable = gaps
            .into_iter()
            .filter_map(|(score, gap)| gap.map(|gap| GapResponse::new(score, gap)));
        Self {
            success: true,
            dry_run: verdict.dry_run,
            snapshot_id: verdict.snapshot.map(SnapshotId::type_id),
            compliance_status: verdict.status.unwrap_or(NOT_ESTIMABLE),
            recordable: figures.drift_score.is_some() && figures.fairness_score.is_some(),
            drift_score: figures.drift_score,
            fairness_score: figures.fairness_score,
            psi: figures.psi,
            psi_column: evaluation.psi.as_ref().ok().map(|one| one.column.clone()),
            disparate_impact: figures.disparate_impact,
            sample_size: figures.sample_size,
            not_estimable: not_estimable.collect(),
            groups: groups(&evaluation),
            false_alarm: false_alarm(&evaluation),
            statistics: evaluation
                .statistics
                .into_iter()
                .map(StatisticResponse::from)
                .collect(),
            formulas: FormulasResponse {
                drift_score: drift_formula,
                fairness_score: fairness_formula,
            },
        }
    }
}

impl GapResponse {
    fn new(score: &'static str, gap: Gap) -> Self {
        let Gap {
            reason,
            column,
            group,
        } = gap;
        Self {
            score,
            reason,
            column,
            group,
        }
    }
}

impl From<Statistic> for StatisticResponse {
    fn from(statistic: Statistic) -> Self {
        let measurement = statistic.measurement;
        let recipe = RecipeResponse::from(&measurement.recipe);
        let (value, p_value) = (measurement.value(), measurement.p_value());
        let (reason, group) = match measurement.estimate {
            Estimate::Value { .. } => (None, None),
            Estimate::NotEstimable { reason, group } => (Some(reason.as_str()), group),
        };
        Self {
            metric: statistic.metric,
            column: statistic.column,
            status: if value.is_some() {
                "estimated"
            } else {
                "not_estimable"
            },
            value,
            p_value,
            reason,
            group,
            recipe,
        }
    }
}

impl From<&Recipe> for RecipeResponse {
    fn from(recipe: &Recipe) -> Self {
        let (kind, value) = match recipe.smoothing {
            Smoothing::None => ("none", None),
            Smoothing::Epsilon(value) => ("epsilon", Some(value)),
            Smoothing::RelativeEpsilon => ("relative_epsilon", None),
            Smoothing::PseudoCount(value) => ("pseudo_count", Some(value)),
            Smoothing::Laplace => ("laplace", None),
        };
        Self {
            estimator: recipe.estimator.clone(),
            version: recipe.version,
            bins: recipe.bins,
            smoothing: SmoothingResponse { kind, value },
            n_reference: recipe.n_reference,
            n_current: recipe.n_current,
        }
    }
}

impl RecipeResponse {
    /// The recipe as a snapshot keeps it.
    pub(super) fn to_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }
}

fn groups(evaluation: &Evaluation) -> Vec<GroupResponse> {
    let Some(decisions) = &evaluation.groups else {
        return Vec::new();
    };
    let labelled = decisions.labelled;
    let groups = decisions.cells.iter().map(|(name, cells)| GroupResponse {
        group: name.to_owned(),
        rows: cells.rows(),
        selected: cells.selected(),
        selection_rate: cells.selection_rate().ok(),
        true_positive_rate: cells.true_positive_rate().ok().filter(|_| labelled),
        false_positive_rate: cells.false_positive_rate().ok().filter(|_| labelled),
    });
    groups.collect()
}

fn false_alarm(evaluation: &Evaluation) -> FalseAlarmResponse {
    let psi = evaluation.psi.as_ref().ok().and_then(FalseAlarm::of_psi);
    let decisions = evaluation.groups.as_ref();
    let decisions = decisions.filter(|_| evaluation.impact.is_ok());
    FalseAlarmResponse {
        psi_null_mean: psi.map(|psi| psi.psi_null_mean),
        psi_critical95: psi.map(|psi| psi.psi_critical_95),
        probability_over010: psi.map(|psi| psi.over_010),
        probability_over020: psi.map(|psi| psi.over_020),
        probability_under_four_fifths: decisions.and_then(FalseAlarm::of_four_fifths),
    }
}
