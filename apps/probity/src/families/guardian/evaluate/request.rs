//! An evaluation as a JSON body.

use std::collections::BTreeMap;

use probity_kernel::FieldError;
use probity_stats::{
    BinnedPair, CodedRows, ConfusionCells, Execution, GroupedCells, SelectionCounts,
};
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::arrays::{ArrayBinary, ArrayCells, ArrayColumn, ArrayGroups};
use super::frame::FrameDraft;
use super::settings::SettingsDraft;
use super::{Job, document};
use crate::families::guardian::sample::{
    Column, ColumnData, Decisions, MAX_ROWS, Missing, Samples, Sides,
};

/// A reference and a current sample to be compared, and the decisions to be judged.
///
/// At least one of `drift` and `fairness` has to be there. Whoever measures only one of them may
/// give the score of the other, so that a snapshot can be recorded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = guardian::Evaluation)]
pub(super) struct EvaluationRequest {
    /// The product's id, in either spelling.
    #[schema(required, nullable = false)]
    model_id: Option<String>,
    /// When the current sample was taken; now when absent. At most five minutes ahead.
    #[schema(format = DateTime)]
    captured_at: Option<String>,
    /// Free text of at most 2000 characters.
    #[schema(max_length = 2000)]
    notes: Option<String>,
    /// Whether to compute only and record nothing.
    #[serde(default)]
    dry_run: bool,
    /// With fewer rows on either side of a column no drift is estimable; 30 when absent.
    #[schema(minimum = 1, maximum = 1_000_000)]
    min_samples: Option<u64>,
    /// The drift score, where `drift` is not given.
    #[schema(minimum = 0, maximum = 100)]
    drift_score: Option<f64>,
    /// The fairness score, where `fairness` is not given.
    #[schema(minimum = 0, maximum = 100)]
    fairness_score: Option<f64>,
    drift: Option<DriftRequest>,
    fairness: Option<FairnessRequest>,
}

/// Columns of both samples, as rows or as counts.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = guardian::EvaluationDrift)]
pub(super) struct DriftRequest {
    /// The sample that sets the expectation, such as the training data.
    reference: Option<SideRequest>,
    /// The sample that is compared with it; the same columns.
    current: Option<SideRequest>,
    /// Columns that come as counts, by name.
    #[serde(default)]
    histograms: BTreeMap<String, HistogramRequest>,
    /// The columns whose stability index counts for the score; all when absent.
    psi_columns: Option<Vec<String>>,
    /// Bins of numeric columns; 10 when absent.
    #[schema(minimum = 2, maximum = 100)]
    bins: Option<u64>,
    /// `quantile` (quantiles of the reference; the default) or `equal_width` (of its range).
    #[schema(value_type = Option<document::Binning>)]
    binning: Option<String>,
    smoothing: Option<SmoothingRequest>,
    /// What to do about nulls: `refuse` (the default) or `skip`.
    #[schema(value_type = Option<document::Missing>)]
    missing: Option<String>,
}

/// One sample.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = guardian::EvaluationSample)]
pub(super) struct SideRequest {
    /// Arrays of numbers (numeric columns) or of texts and booleans (categorical columns), by name.
    #[schema(value_type = BTreeMap<String, document::ColumnCells>)]
    columns: BTreeMap<String, ArrayColumn>,
}

/// A column as counts of the same bins on both sides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = guardian::EvaluationHistogram)]
pub(super) struct HistogramRequest {
    /// The names of the bins, or their edges in ascending order, one more than there are bins.
    #[schema(value_type = Option<document::BinNames>)]
    bins: Option<BinNames>,
    /// Rows of the reference in each bin.
    reference: Vec<u64>,
    /// Rows of the current sample in each bin.
    current: Vec<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum BinNames {
    Edges(Vec<f64>),
    Names(Vec<String>),
}

/// What to do about empty bins in the stability index.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = guardian::EvaluationSmoothing)]
pub(super) struct SmoothingRequest {
    /// `epsilon` (a proportion of zero becomes the value), `pseudo_count` (every count is raised by
    /// the value), `laplace` (by one), `relative_epsilon`, or `none`.
    #[schema(value_type = Option<document::Smoothing>)]
    kind: Option<String>,
    /// 0.0001 for `epsilon` and 0.5 for `pseudo_count` when absent.
    value: Option<f64>,
}

/// Decisions of the current sample: as rows (`predictions`, `groups`, and `labels` where they are
/// known), as confusion cells, or as selections. Exactly one of the three.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = guardian::EvaluationFairness)]
pub(super) struct FairnessRequest {
    /// True outcomes: 0, 1, true or false.
    #[schema(value_type = Option<Vec<u8>>)]
    labels: Option<ArrayBinary>,
    /// Decisions: 0, 1, true or false.
    #[schema(value_type = Option<Vec<u8>>)]
    predictions: Option<ArrayBinary>,
    /// The group of each row.
    #[schema(value_type = Option<Vec<String>>)]
    groups: Option<ArrayGroups>,
    /// Confusion cells by group.
    cells: Option<BTreeMap<String, CellsRequest>>,
    /// Selections by group.
    selections: Option<BTreeMap<String, SelectionsRequest>>,
    /// With fewer rows in any group no fairness is estimable; 1 when absent.
    #[schema(minimum = 1, maximum = 1_000_000)]
    min_group_rows: Option<u64>,
}

/// The confusion matrix of one group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = guardian::EvaluationCells)]
pub(super) struct CellsRequest {
    true_positives: u64,
    false_negatives: u64,
    false_positives: u64,
    true_negatives: u64,
}

/// How many of a group's rows were selected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = guardian::EvaluationSelections)]
pub(super) struct SelectionsRequest {
    selected: u64,
    total: u64,
}

impl EvaluationRequest {
    /// The work that it asks for.
    pub(super) fn job(self, now: OffsetDateTime) -> Result<Job, Vec<FieldError>> {
        self.check_sides()?;
        let drift = self.drift.unwrap_or_default();
        let mut fairness = self.fairness;
        let (kind, value) = match drift.smoothing {
            Some(smoothing) => (smoothing.kind, smoothing.value),
            None => (None, None),
        };
        let settings = SettingsDraft {
            bins: drift.bins,
            binning: drift.binning,
            smoothing: kind,
            smoothing_value: value,
            min_samples: self.min_samples,
            min_group_rows: fairness.as_mut().and_then(|one| one.min_group_rows.take()),
            missing: drift.missing,
            psi_columns: drift.psi_columns,
        };
        let settings = settings.check(place)?;
        let frame = FrameDraft {
            model_id: self.model_id,
            captured_at: self.captured_at,
            notes: self.notes,
            drift_score: self.drift_score,
            fairness_score: self.fairness_score,
            dry_run: self.dry_run,
        };
        let frame = frame.check("/", now)?;
        let mut samples = Samples::default();
        add_rows(&mut samples, drift.reference, drift.current, settings.missing)?;
        add_histograms(&mut samples, drift.histograms)?;
        if let Some(fairness) = fairness {
            let decisions = fairness.decisions()?;
            samples.current_rows = samples.current_rows.max(decisions.cells.rows());
            samples.decisions = Some(decisions);
        }
        Ok(Job {
            frame,
            settings,
            samples,
        })
    }

    fn check_sides(&self) -> Result<(), Vec<FieldError>> {
        let mut faults = Vec::new();
        if self.drift.is_none() && self.fairness.is_none() {
            let message = "is required where `fairness` is not given";
            faults.push(FieldError::new("/drift", "required", message));
        }
        for (field, score, measured) in [
            ("/driftScore", self.drift_score, self.drift.is_some()),
            ("/fairnessScore", self.fairness_score, self.fairness.is_some()),
        ] {
            if score.is_some() && measured {
                let message = "cannot be given together with what it would be computed from";
                faults.push(FieldError::new(field, "conflicting_field", message));
            }
        }
        let has_columns = |drift: &DriftRequest| {
            drift.reference.is_some() || drift.current.is_some() || !drift.histograms.is_empty()
        };
        if self.drift.as_ref().is_some_and(|drift| !has_columns(drift)) {
            let message = "needs `reference` and `current`, or `histograms`";
            faults.push(FieldError::new("/drift", "required", message));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// Where a setting stands in the body.
fn place(name: &str) -> String {
    match name {
        "minSamples" => "/minSamples".to_owned(),
        "minGroupRows" => "/fairness/minGroupRows".to_owned(),
        "smoothing" => "/drift/smoothing/kind".to_owned(),
        "smoothingValue" => "/drift/smoothing/value".to_owned(),
        name => format!("/drift/{name}"),
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn add_rows(
    samples: &mut Samples,
    reference: Option<SideRequest>,
    current: Option<SideRequest>,
    missing: Missing,
) -> Result<(), Vec<FieldError>> {
    let columns = |side: Option<SideRequest>| side.map(|side| side.columns).unwrap_or_default();
    let (reference, mut current) = (columns(reference), columns(current));
    let mut faults = Vec::new();
    for (name, first) in reference {
        let Some(second) = current.remove(&name) else {
            faults.push(one_sided("current", &name));
            continue;
        };
        for (side, column) in [("reference", &first), ("current", &second)] {
            if let Some(at) = column.first_null.filter(|_| missing == Missing::Refuse) {
                let field = format!("/drift/{side}/columns/{}/{at}", escaped(&name));
                let message = "is null; ask for missing=skip to go on without it";
                faults.push(FieldError::new(field, "missing", message));
            }
        }
        let rows = u64::try_from(second.rows).unwrap_or(u64::MAX);
        samples.current_rows = samples.current_rows.max(rows);
        match paired(first.cells, second.cells) {
            Some(data) => samples.columns.push(Column { name, data }),
            None => {
                let field = format!("/drift/current/columns/{}", escaped(&name));
                let message = "must hold cells of the same kind as the reference";
                faults.push(FieldError::new(field, "wrong_type", message));
            }
        }
    }
    faults.extend(current.keys().map(|name| one_sided("reference", name)));
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn one_sided(side: &str, name: &str) -> FieldError {
    let field = format!("/drift/{side}/columns/{}", escaped(name));
    FieldError::new(field, "required", "is on the other side only")
}

fn paired(reference: ArrayCells, current: ArrayCells) -> Option<ColumnData> {
    use ArrayCells::{None as Nothing, Numbers, Texts};
    Some(match (reference, current) {
        (Nothing, Nothing) => ColumnData::Numbers(Sides::default()),
        (Numbers(reference), Numbers(current)) => ColumnData::Numbers(Sides { reference, current }),
        (Numbers(reference), Nothing) => ColumnData::Numbers(Sides {
            reference,
            current: Vec::new(),
        }),
        (Nothing, Numbers(current)) => ColumnData::Numbers(Sides {
            reference: Vec::new(),
            current,
        }),
        (Texts(reference), Texts(current)) => {
            ColumnData::Categories(Sides { reference, current })
        }
        (Texts(reference), Nothing) => ColumnData::Categories(Sides {
            reference,
            ..Sides::default()
        }),
        (Nothing, Texts(current)) => ColumnData::Categories(Sides {
            current,
            ..Sides::default()
        }),
        (Numbers(_), Texts(_)) | (Texts(_), Numbers(_)) => return None,
    })
}

fn add_histograms(
    samples: &mut Samples,
    histograms: BTreeMap<String, HistogramRequest>,
) -> Result<(), Vec<FieldError>> {
    for (name, histogram) in histograms {
        let at = format!("/drift/histograms/{}", escaped(&name));
        if samples.columns.iter().any(|column| column.name == name) {
            let message = "is given as rows already";
            return Err(vec![FieldError::new(at, "duplicate", message)]);
        }
        let data = histogram
            .paired()
            .map_err(|fault| vec![fault.within(&at)])?;
        if let ColumnData::Counts { pair, .. } = &data {
            samples.current_rows = samples.current_rows.max(pair.n_current());
        }
        samples.columns.push(Column { name, data });
    }
    Ok(())
}

impl HistogramRequest {
    fn paired(self) -> Result<ColumnData, FieldError> {
        check_sum("/reference", &self.reference)?;
        check_sum("/current", &self.current)?;
        let bins = self.reference.len();
        let ordered = matches!(self.bins, Some(BinNames::Edges(_)));
        let named = match &self.bins {
            None => true,
            Some(BinNames::Names(names)) => names.len() == bins,
            Some(BinNames::Edges(edges)) => {
                edges.len() == bins + 1 && edges.is_sorted_by(|a, b| a < b)
            }
        };
        if !named {
            let message = "must be a name for each bin, or one more ascending edge than bins";
            return Err(FieldError::new("/bins", "wrong_length", message));
        }
        let pair = BinnedPair::new(self.reference, self.current);
        let pair =
            pair.map_err(|error| FieldError::new("/current", "wrong_length", error.to_string()))?;
        Ok(ColumnData::Counts { pair, ordered })
    }
}

/// Counts have to stay countable.
fn check_sum(field: &str, counts: &[u64]) -> Result<(), FieldError> {
    let sum = counts
        .iter()
        .try_fold(0_u64, |sum, count| sum.checked_add(*count));
    if sum.is_some_and(|sum| sum <= MAX_ROWS) {
        return Ok(());
    }
    let message = format!("must not add up to more than {MAX_ROWS}");
    Err(FieldError::new(field, "out_of_range", message))
}

impl FairnessRequest {
    fn decisions(self) -> Result<Decisions, Vec<FieldError>> {
        let rows = self.labels.is_some() || self.predictions.is_some() || self.groups.is_some();
        let ways = [rows, self.cells.is_some(), self.selections.is_some()];
        if ways.iter().filter(|way| **way).count() != 1 {
            let message = "needs exactly one of rows (`predictions` and `groups`), `cells` and \
                           `selections`";
            let fault = FieldError::new("/fairness", "conflicting_field", message);
            return Err(vec![fault]);
        }
        let decisions = match (self.cells, self.selections) {
            (Some(cells), _) => from_cells(cells),
            (_, Some(selections)) => from_selections(selections),
            _ => from_rows(self.labels, self.predictions, self.groups),
        };
        decisions.map_err(|faults| {
            let faults = faults.into_iter();
            faults.map(|fault| fault.within("/fairness")).collect()
        })
    }
}

fn from_cells(cells: BTreeMap<String, CellsRequest>) -> Result<Decisions, Vec<FieldError>> {
    let counts: Vec<u64> = cells
        .values()
        .flat_map(|one| {
            [
                one.true_positives,
                one.false_negatives,
                one.false_positives,
                one.true_negatives,
            ]
        })
        .collect();
    check_sum("/cells", &counts).map_err(|fault| vec![fault])?;
    let cells: GroupedCells = cells
        .into_iter()
        .map(|(group, one)| {
            let cells = ConfusionCells {
                true_positives: one.true_positives,
                false_negatives: one.false_negatives,
                false_positives: one.false_positives,
                true_negatives: one.true_negatives,
            };
            (group, cells)
        })
        .collect();
    Ok(Decisions {
        cells,
        labelled: true,
    })
}

fn from_selections(
    selections: BTreeMap<String, SelectionsRequest>,
) -> Result<Decisions, Vec<FieldError>> {
    let totals: Vec<u64> = selections.values().map(|one| one.total).collect();
    check_sum("/selections", &totals).map_err(|fault| vec![fault])?;
    let mut cells = GroupedCells::default();
    for (group, one) in selections {
        let Some(rejected) = one.total.checked_sub(one.selected) else {
            let field = format!("/selections/{}/selected", escaped(&group));
            let message = "must not exceed `total`";
            return Err(vec![FieldError::new(field, "out_of_range", message)]);
        };
        let SelectionCounts { selected, rejected } = SelectionCounts {
            selected: one.selected,
            rejected,
        };
        let counted = ConfusionCells {
            false_positives: selected,
            true_negatives: rejected,
            ..ConfusionCells::default()
        };
        cells.add(&group, &counted);
    }
    Ok(Decisions {
        cells,
        labelled: false,
    })
}

fn from_rows(
    labels: Option<ArrayBinary>,
    predictions: Option<ArrayBinary>,
    groups: Option<ArrayGroups>,
) -> Result<Decisions, Vec<FieldError>> {
    let required = |field| vec![FieldError::new(field, "required", "is required")];
    let predictions = predictions.ok_or_else(|| required("/predictions"))?.0;
    let groups = groups.ok_or_else(|| required("/groups"))?.0;
    let labelled = labels.is_some();
    let labels = labels.map_or_else(|| vec![false; predictions.len()], |labels| labels.0);
    let wrong_length = |field, what: &str| {
        let message = format!("must be as long as {what}");
        vec![FieldError::new(field, "wrong_length", message)]
    };
    if groups.codes.len() != predictions.len() {
        return Err(wrong_length("/groups", "`predictions`"));
    }
    if labels.len() != predictions.len() {
        return Err(wrong_length("/labels", "`predictions`"));
    }
    let rows = CodedRows {
        groups: &groups.codes,
        labels: &labels,
        predictions: &predictions,
    };
    let cells = rows.count(&groups.names(), Execution::SingleThread);
    let cells = cells.map_err(|error| {
        vec![FieldError::new("/groups", "not_measurable", error.to_string())]
    })?;
    Ok(Decisions { cells, labelled })
}

#[cfg(test)]
mod tests;
