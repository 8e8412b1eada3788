//! Tables as Parquet files: flat columns of numbers, booleans and texts.

mod column;
mod guard;
mod thrift;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::web::Bytes;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::{ColumnDescPtr, Type};
use probity_kernel::FieldError;
use probity_stats::Sample;

use self::column::{Kind, Leaf};
use self::guard::{Guarded, GuardedPages};
use super::feature::{
    DecisionRows, Feature, assemble, check_cells, no_group, parse_binary, parse_side,
};
use super::plan::{Plan, PlannedDecision};
use super::tally::Uncountable;
use super::{Place, Samples, TableOptions, cell_fault, pointer, table_fault};

/// Reads a table.
///
/// # Errors
/// What is wrong, with the column and, where it is one cell, the row.
pub(in super::super) fn read(
    body: Bytes,
    options: &TableOptions,
) -> Result<Samples, Vec<FieldError>> {
    guard::check_frame(&body).map_err(|fault| vec![fault])?;
    // The decoder is someone else's code under hostile input; should it give up, it is the file.
    let read = std::panic::catch_unwind(AssertUnwindSafe(|| read_checked(body, options)));
    read.unwrap_or_else(|_| Err(vec![table_fault("malformed_parquet", "the file is broken")]))
}

fn broken(error: &ParquetError) -> FieldError {
    let reason = if let ParquetError::General(reason) | ParquetError::NYI(reason) = error {
        reason.as_str()
    } else {
        "the file is broken or was cut off"
    };
    let reason: String = reason
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    table_fault(
        "malformed_parquet",
        format!("the file cannot be read: {reason}"),
    )
}

fn read_checked(body: Bytes, options: &TableOptions) -> Result<Samples, Vec<FieldError>> {
    // The footer is read from the plain bytes: what is guarded are the pages.
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&body);
    let metadata = metadata.map_err(|error| vec![broken(&error)])?;
    let rows = metadata.file_metadata().num_rows();
    let root = metadata
        .file_metadata()
        .schema_descr()
        .root_schema()
        .clone();
    let leaves = leaves(&root);
    let names: Vec<String> = leaves.iter().map(|leaf| leaf.name.clone()).collect();
    let usable = |at: usize| leaves.get(at).is_some_and(|leaf| leaf.kind != Kind::Other);
    let plan = options.plan(&names, usable)?;
    let table = Table {
        file: Arc::new(Guarded::new(body)),
        metadata,
        leaves,
        plan: &plan,
        options,
    };
    table
        .read(u64::try_from(rows).unwrap_or(u64::MAX))
        .map_err(|fault| vec![fault])
}

/// The top-level fields in order, each with the position of its first leaf.
fn leaves(root: &Type) -> Vec<Leaf> {
    let mut at = 0;
    let fields = root.get_fields().iter().map(|field| {
        let leaf = Leaf::new(field, at);
        at += leaf_count(field);
        leaf
    });
    fields.collect()
}

fn leaf_count(field: &Type) -> usize {
    if field.is_primitive() {
        1
    } else {
        field
            .get_fields()
            .iter()
            .map(|inner| leaf_count(inner))
            .sum()
    }
}

struct Table<'a> {
    file: Arc<Guarded>,
    metadata: ParquetMetaData,
    leaves: Vec<Leaf>,
    plan: &'a Plan,
    options: &'a TableOptions,
}

impl Table<'_> {
    fn read(&self, rows: u64) -> Result<Samples, FieldError> {
        check_cells(rows, self.plan)?;
        self.check_types()?;
        let mut sides = Vec::new();
        let sample = self.leaf(self.plan.sample)?;
        self.each(sample, rows, &mut |at, cell| {
            let text = cell.text(&sample.name, at)?.unwrap_or_default();
            sides.push(parse_side(&sample.name, &text, at)?);
            Ok(())
        })?;
        let mut features = Vec::with_capacity(self.plan.features.len());
        for planned in &self.plan.features {
            let mut feature = Feature::new(planned, self.options.missing);
            let leaf = self.leaf(planned.at)?;
            let mut side = sides.iter();
            self.each(leaf, rows, &mut |at, cell| {
                let side = side.next().copied().unwrap_or(Sample::Reference);
                cell.push_into(&mut feature, planned.is_text, side, at)
            })?;
            features.push(feature);
        }
        let decisions = match &self.plan.decision {
            Some(planned) => self.decisions(planned, &sides, rows)?,
            None => DecisionRows::default(),
        };
        let current = sides.iter().filter(|side| **side == Sample::Current);
        let current = super::count(current.count());
        assemble(self.plan, features, decisions, current)
    }

    fn decisions(
        &self,
        planned: &PlannedDecision,
        sides: &[Sample],
        rows: u64,
    ) -> Result<DecisionRows, FieldError> {
        let mut decisions = DecisionRows::default();
        let group = self.leaf(planned.group)?;
        let mut side = sides.iter();
        self.each(group, rows, &mut |at, cell| {
            if side.next() != Some(&Sample::Current) {
                return Ok(());
            }
            let name = cell.text(&group.name, at)?.unwrap_or_default();
            if name.is_empty() {
                return Err(no_group(&group.name, at));
            }
            let pushed = decisions.groups.push(&name);
            pushed.map_err(|Uncountable { code, message }| {
                cell_fault(&group.name, at, code, &message)
            })
        })?;
        decisions.predictions = self.binary(planned.prediction, sides, rows)?;
        if let Some(label) = planned.label {
            decisions.labels = self.binary(label, sides, rows)?;
        }
        Ok(decisions)
    }

    fn binary(&self, at: usize, sides: &[Sample], rows: u64) -> Result<Vec<bool>, FieldError> {
        let leaf = self.leaf(at)?;
        let (mut values, mut side) = (Vec::new(), sides.iter());
        self.each(leaf, rows, &mut |at, cell| {
            if side.next() == Some(&Sample::Current) {
                let text = cell.text(&leaf.name, at)?.unwrap_or_default();
                values.push(parse_binary(&leaf.name, &text, at)?);
            }
            Ok(())
        })?;
        Ok(values)
    }

    fn leaf(&self, at: usize) -> Result<&Leaf, FieldError> {
        let found = self.leaves.get(at);
        found.ok_or_else(|| table_fault("malformed_parquet", "a column is missing"))
    }

    /// Refuses what is used but cannot be: nested columns, and types that are not numbers or texts.
    fn check_types(&self) -> Result<(), FieldError> {
        let decision = self
            .plan
            .decision
            .iter()
            .flat_map(|planned| [Some(planned.group), Some(planned.prediction), planned.label]);
        let used = self.plan.features.iter().map(|planned| planned.at);
        let used = used.chain(decision.flatten()).chain([self.plan.sample]);
        let asked = self.options.columns.is_some();
        // A nested column is not passed over in silence where all columns are to be compared.
        let nested = self.leaves.iter().filter(|leaf| !asked && leaf.is_nested);
        let wrong = used
            .filter_map(|at| self.leaves.get(at))
            .filter(|leaf| leaf.kind == Kind::Other);
        match nested.chain(wrong).next() {
            None => Ok(()),
            Some(leaf) => {
                let (code, message) = if leaf.is_nested {
                    (
                        "nested_column",
                        "is nested; name the flat columns to compare in `columns`",
                    )
                } else {
                    (
                        "unsupported_type",
                        "is neither a number nor a text nor a boolean",
                    )
                };
                Err(FieldError::new(pointer(&leaf.name), code, message))
            }
        }
    }

    fn pages(
        &self,
        leaf: &Leaf,
        group: &RowGroupMetaData,
    ) -> Result<(ColumnDescPtr, Box<dyn PageReader>), FieldError> {
        let missing = || table_fault("malformed_parquet", "a row group lacks a column");
        let chunk = group.columns().get(leaf.at).ok_or_else(missing)?;
        let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
        let pages = SerializedPageReader::new(Arc::clone(&self.file), chunk, rows, None);
        let pages = pages.map_err(|error| broken(&error))?;
        Ok((
            chunk.column_descr_ptr(),
            Box::new(GuardedPages(Box::new(pages))),
        ))
    }

    /// Visits the cells of a column in order; there must be as many as the file says it has rows.
    fn each(
        &self,
        leaf: &Leaf,
        rows: u64,
        visit: &mut dyn FnMut(Place, column::Cell<'_>) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        let mut row = 0;
        for group in self.metadata.row_groups() {
            let (column, pages) = self.pages(leaf, group)?;
            leaf.read(column, pages, &mut |cell| {
                row += 1;
                if row > rows {
                    return Err(table_fault(
                        "malformed_parquet",
                        "a column has too many rows",
                    ));
                }
                visit(Place::Row(row), cell)
            })?;
        }
        if row == rows {
            return Ok(());
        }
        let message = "has fewer rows than the file says";
        Err(FieldError::new(
            pointer(&leaf.name),
            "malformed_parquet",
            message,
        ))
    }
}

#[cfg(test)]
mod tests;
