//! Decisions of the current sample in a JSON body.

use std::collections::BTreeMap;

use probity_kernel::FieldError;
use probity_kernel::text::pointer_token;
use probity_stats::{CodedRows, ConfusionCells, Execution, GroupedCells};
use serde::Deserialize;
use utoipa::ToSchema;

use super::arrays::{ArrayBinary, ArrayGroups};
use super::names::{check_name, check_sum};
use crate::families::guardian::sample::Decisions;

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
    pub(super) min_group_rows: Option<u64>,
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

impl FairnessRequest {
    /// The decisions, counted by group.
    pub(super) fn decisions(self) -> Result<Decisions, Vec<FieldError>> {
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

fn check_names<'a>(
    field: &str,
    mut groups: impl Iterator<Item = &'a String>,
) -> Result<(), Vec<FieldError>> {
    let checked = groups.try_for_each(|group| {
        let field = format!("{field}/{}", pointer_token(group));
        check_name(&field, group)
    });
    checked.map_err(|fault| vec![fault])
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
    check_names("/cells", cells.keys())?;
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
    check_names("/selections", selections.keys())?;
    let mut cells = GroupedCells::default();
    for (group, one) in selections {
        let Some(rejected) = one.total.checked_sub(one.selected) else {
            let field = format!("/selections/{}/selected", pointer_token(&group));
            let message = "must not exceed `total`";
            return Err(vec![FieldError::new(field, "out_of_range", message)]);
        };
        let counted = ConfusionCells {
            false_positives: one.selected,
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
        vec![FieldError::new(
            "/groups",
            "not_measurable",
            error.to_string(),
        )]
    })?;
    Ok(Decisions { cells, labelled })
}
