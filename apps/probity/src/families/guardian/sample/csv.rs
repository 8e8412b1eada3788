//! Tables as text (RFC 4180, UTF-8, comma, one header line).

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use probity_kernel::FieldError;
use probity_stats::Sample;

use super::feature::{
    DecisionRows, Feature, assemble, check_cells, no_group, parse_binary, parse_side,
};
use super::plan::{Plan, PlannedDecision};
use super::tally::Uncountable;
use super::{Place, Samples, TableOptions, cell_fault, table_fault};

/// Most bytes of one record; a record is held as a whole, with 8 bytes for each of its fields.
const MAX_RECORD: usize = 1 << 20;

/// Reads a table.
///
/// A column is numeric if its first cell that is not empty is a number, unless the options say
/// otherwise; from there on every cell has to be one.
///
/// # Errors
/// What is wrong, with the line and the column.
pub(in super::super) fn read(
    body: &[u8],
    options: &TableOptions,
) -> Result<Samples, Vec<FieldError>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let budget = Rc::new(Cell::new(MAX_RECORD));
    let metered = Metered {
        rest: body,
        budget: Rc::clone(&budget),
    };
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(metered);
    let names = header(&mut reader).map_err(|fault| vec![fault])?;
    let plan = options.plan(&names, |_| true)?;
    let rows = Rows {
        names: &names,
        plan: &plan,
        features: plan
            .features
            .iter()
            .map(|planned| Feature::new(planned, options.missing))
            .collect(),
        decisions: DecisionRows::default(),
        current: 0,
    };
    rows.read(&mut reader, &budget).map_err(|fault| vec![fault])
}

/// Hands out so many bytes per record and then fails.
struct Metered<'a> {
    rest: &'a [u8],
    budget: Rc<Cell<usize>>,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.get();
        if left == 0 && !self.rest.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let length = buffer.len().min(left);
        let read = self
            .rest
            .read(buffer.get_mut(..length).unwrap_or_default())?;
        self.budget.set(left - read);
        Ok(read)
    }
}

fn header(reader: &mut Reader<Metered<'_>>) -> Result<Vec<String>, FieldError> {
    let mut record = ByteRecord::new();
    if !reader
        .read_byte_record(&mut record)
        .map_err(|error| broken(&error))?
    {
        return Err(table_fault(
            "empty",
            "the table is empty; it needs a header line",
        ));
    }
    let names = record.iter().map(|name| {
        let name = std::str::from_utf8(name);
        name.map(|name| name.trim().to_owned())
            .map_err(|_| table_fault("invalid_utf8", "line 1 must be UTF-8"))
    });
    names.collect()
}

fn broken(error: &csv::Error) -> FieldError {
    let line = error.position().map_or(0, csv::Position::line);
    if let ErrorKind::UnequalLengths {
        expected_len, len, ..
    } = error.kind()
    {
        let message = format!("line {line} has {len} cells where the header has {expected_len}");
        return table_fault("ragged", message);
    }
    // Bytes are read as they are, so that nothing else can fail but the meter.
    let message = format!("a record must not exceed {MAX_RECORD} bytes");
    table_fault("record_too_long", message)
}

/// The table on its way in.
struct Rows<'a> {
    names: &'a [String],
    plan: &'a Plan,
    features: Vec<Feature>,
    decisions: DecisionRows,
    current: u64,
}

impl Rows<'_> {
    fn read(
        mut self,
        reader: &mut Reader<Metered<'_>>,
        budget: &Cell<usize>,
    ) -> Result<Samples, FieldError> {
        let mut record = ByteRecord::new();
        let mut rows = 0;
        loop {
            budget.set(MAX_RECORD);
            if !reader
                .read_byte_record(&mut record)
                .map_err(|error| broken(&error))?
            {
                break;
            }
            rows += 1;
            check_cells(rows, self.plan)?;
            let line = record.position().map_or(0, csv::Position::line);
            self.push(&record, Place::Line(line))?;
        }
        assemble(self.plan, self.features, self.decisions, self.current)
    }

    fn push(&mut self, record: &ByteRecord, at: Place) -> Result<(), FieldError> {
        let sample = self.plan.sample;
        let side = parse_side(self.name(sample), self.cell(record, sample, at)?, at)?;
        let mut features = std::mem::take(&mut self.features);
        for (feature, planned) in features.iter_mut().zip(&self.plan.features) {
            feature.push_cell(side, self.cell(record, planned.at, at)?, at)?;
        }
        self.features = features;
        if side == Sample::Current {
            self.current += 1;
            if let Some(planned) = &self.plan.decision {
                self.push_decision(planned, record, at)?;
            }
        }
        Ok(())
    }

    fn push_decision(
        &mut self,
        planned: &PlannedDecision,
        record: &ByteRecord,
        at: Place,
    ) -> Result<(), FieldError> {
        let binary = |column| parse_binary(self.name(column), self.cell(record, column, at)?, at);
        let prediction = binary(planned.prediction)?;
        let label = planned.label.map(binary).transpose()?;
        let group = self.cell(record, planned.group, at)?;
        if group.is_empty() {
            return Err(no_group(self.name(planned.group), at));
        }
        let pushed = self.decisions.groups.push(group);
        pushed.map_err(|Uncountable { code, message }| {
            cell_fault(self.name(planned.group), at, code, &message)
        })?;
        self.decisions.predictions.push(prediction);
        self.decisions.labels.extend(label);
        Ok(())
    }

    fn name(&self, column: usize) -> &str {
        self.names.get(column).map_or("", String::as_str)
    }

    fn cell<'r>(
        &self,
        record: &'r ByteRecord,
        column: usize,
        at: Place,
    ) -> Result<&'r str, FieldError> {
        let cell = record.get(column).unwrap_or_default().trim_ascii();
        std::str::from_utf8(cell)
            .map_err(|_| cell_fault(self.name(column), at, "invalid_utf8", "must be UTF-8"))
    }
}

#[cfg(test)]
mod tests;
