//! Columns and decisions as they are filled cell by cell from a table.

use probity_kernel::FieldError;
use probity_stats::{CodedRows, Execution, Sample};

use super::plan::{Plan, PlannedFeature};
use super::tally::Uncountable;
use super::{
    CategoryTally, Column, ColumnData, Decisions, GroupColumn, MAX_CELLS, Missing, Place, Samples,
    Sides, cell_fault, count, table_fault, too_many_cells,
};

/// One compared column.
#[derive(Debug)]
pub(super) struct Feature {
    name: String,
    is_text: bool,
    missing: Missing,
    cells: Cells,
}

/// What the cells are; the first one decides.
#[derive(Debug, Default)]
enum Cells {
    #[default]
    None,
    Numbers(Sides<Vec<f64>>),
    Texts(Sides<CategoryTally>),
}

impl Feature {
    pub(super) fn new(planned: &PlannedFeature, missing: Missing) -> Self {
        Self {
            name: planned.name.clone(),
            is_text: planned.is_text,
            missing,
            cells: Cells::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Takes a cell of a text file: a number if the column's first cell is one.
    pub(super) fn push_cell(
        &mut self,
        side: Sample,
        cell: &str,
        at: Place,
    ) -> Result<(), FieldError> {
        if cell.is_empty() {
            return self.push_missing(at);
        }
        let number = match &self.cells {
            Cells::Texts(_) => None,
            Cells::None if self.is_text => None,
            Cells::None => cell.parse::<f64>().ok(),
            Cells::Numbers(_) => Some(cell.parse::<f64>().map_err(|_| {
                let message = "must be a number like the cells above it";
                cell_fault(&self.name, at, "not_a_number", message)
            })?),
        };
        match number {
            Some(number) => self.push_number(side, number, at),
            None => self.push_text(side, cell, at),
        }
    }

    /// Takes a number.
    pub(super) fn push_number(
        &mut self,
        side: Sample,
        number: f64,
        at: Place,
    ) -> Result<(), FieldError> {
        if !number.is_finite() {
            let message = "must be a finite number";
            return Err(cell_fault(&self.name, at, "not_finite", message));
        }
        if matches!(self.cells, Cells::None) {
            self.cells = Cells::Numbers(Sides::default());
        }
        if let Cells::Numbers(numbers) = &mut self.cells {
            numbers.of(side).push(number);
        }
        Ok(())
    }

    /// Takes a text.
    pub(super) fn push_text(
        &mut self,
        side: Sample,
        text: &str,
        at: Place,
    ) -> Result<(), FieldError> {
        if matches!(self.cells, Cells::None) {
            self.cells = Cells::Texts(Sides::default());
        }
        let Cells::Texts(tallies) = &mut self.cells else {
            return Ok(());
        };
        tallies
            .of(side)
            .push(text)
            .map_err(|Uncountable { code, message }| cell_fault(&self.name, at, code, &message))
    }

    /// Takes an empty cell.
    pub(super) fn push_missing(&self, at: Place) -> Result<(), FieldError> {
        match self.missing {
            Missing::Skip => Ok(()),
            Missing::Refuse => {
                let message = "is empty; ask for missing=skip to go on without it";
                Err(cell_fault(&self.name, at, "missing", message))
            }
        }
    }

    /// The column; one without any cell is a numeric column without rows.
    pub(super) fn finish(self) -> Column {
        let data = match self.cells {
            Cells::None => ColumnData::Numbers(Sides::default()),
            Cells::Numbers(numbers) => ColumnData::Numbers(numbers),
            Cells::Texts(tallies) => ColumnData::Categories(Sides {
                reference: tallies.reference.into(),
                current: tallies.current.into(),
            }),
        };
        Column {
            name: self.name,
            data,
        }
    }
}

/// The decisions of the current rows.
#[derive(Debug, Default)]
pub(super) struct DecisionRows {
    pub(super) groups: GroupColumn,
    pub(super) predictions: Vec<bool>,
    /// As long as the predictions, or empty where labels are not known.
    pub(super) labels: Vec<bool>,
}

impl DecisionRows {
    /// Counts the rows.
    pub(super) fn finish(self, labelled: bool) -> Result<Decisions, FieldError> {
        let Self {
            groups,
            predictions,
            mut labels,
        } = self;
        if !labelled {
            labels = vec![false; predictions.len()];
        }
        let rows = CodedRows {
            groups: &groups.codes,
            labels: &labels,
            predictions: &predictions,
        };
        let cells = rows
            .count(&groups.names(), Execution::SingleThread)
            .map_err(|error| table_fault("not_measurable", error.to_string()))?;
        Ok(Decisions { cells, labelled })
    }
}

/// Reads the cell of the column that tells the samples apart.
pub(super) fn parse_side(column: &str, cell: &str, at: Place) -> Result<Sample, FieldError> {
    match cell {
        "reference" => Ok(Sample::Reference),
        "current" => Ok(Sample::Current),
        _ => {
            let message = "must be `reference` or `current`";
            Err(cell_fault(column, at, "unknown_value", message))
        }
    }
}

/// Reads a binary decision or outcome.
pub(super) fn parse_binary(column: &str, cell: &str, at: Place) -> Result<bool, FieldError> {
    let known = match cell {
        "1" | "true" | "True" | "TRUE" | "1.0" => Some(true),
        "0" | "false" | "False" | "FALSE" | "0.0" => Some(false),
        _ => None,
    };
    known.ok_or_else(|| cell_fault(column, at, "not_binary", "must be 0, 1, true or false"))
}

/// The fault of a row that belongs to no group.
pub(super) fn no_group(column: &str, at: Place) -> FieldError {
    cell_fault(column, at, "missing", "must name a group")
}

/// Puts the parts of a table together.
pub(super) fn assemble(
    plan: &Plan,
    features: Vec<Feature>,
    decisions: DecisionRows,
    current_rows: u64,
) -> Result<Samples, FieldError> {
    let decisions = plan.decision.as_ref().map(|planned| {
        let labelled = planned.label.is_some();
        decisions.finish(labelled)
    });
    Ok(Samples {
        columns: features.into_iter().map(Feature::finish).collect(),
        decisions: decisions.transpose()?,
        current_rows,
    })
}

/// Refuses a table of so many rows if its cells in use would be too many.
pub(super) fn check_cells(rows: u64, plan: &Plan) -> Result<(), FieldError> {
    let decision = plan.decision.as_ref();
    let for_decision = decision.map_or(0, |planned| 2 + u64::from(planned.label.is_some()));
    let columns = 1 + count(plan.features.len()) + for_decision;
    if rows.saturating_mul(columns) > MAX_CELLS {
        return Err(too_many_cells());
    }
    Ok(())
}
