//! A reference and a current sample, whatever they came in as: arrays, a CSV or a Parquet table.
//!
//! What a body may make the server hold is bounded here: each limit is a constant, and what exceeds
//! it is refused with a fault that names the column.

mod csv;
mod feature;
mod parquet;
mod plan;
mod tally;

use probity_kernel::FieldError;
use probity_kernel::text::pointer_token;
use probity_stats::{BinnedPair, CategoryCounts, GroupedCells};

pub(super) use self::csv::read as read_csv;
pub(super) use self::parquet::read as read_parquet;
pub(super) use self::plan::TableOptions;
pub(super) use self::tally::{CategoryTally, GroupColumn};

/// Most cells that are read of one table: rows times the columns in use.
pub(super) const MAX_CELLS: u64 = 20_000_000;
/// Most columns of a table, and most columns that are compared.
pub(super) const MAX_COLUMNS: usize = 1_000;
/// Most different texts of one column on one side.
pub(super) const MAX_CATEGORIES: usize = 10_000;
/// Most groups that fairness compares.
pub(super) const MAX_GROUPS: usize = 1_000;
/// Longest text of a cell in use, in bytes.
pub(super) const MAX_TEXT: usize = 256;
/// Most rows that posted counts may stand for: what every JSON reader takes exactly.
pub(super) const MAX_ROWS: u64 = 1 << 53;

/// What was sent to be compared.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// The columns whose distributions are compared.
    pub(super) columns: Vec<Column>,
    /// The decisions of the current sample, for fairness.
    pub(super) decisions: Option<Decisions>,
    /// Rows of the current sample.
    pub(super) current_rows: u64,
}

/// One column on both sides.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data: ColumnData,
}

/// The cells of one column, as far as a statistic needs them.
#[derive(Debug)]
pub(super) enum ColumnData {
    /// Finite numbers.
    Numbers(Sides<Vec<f64>>),
    /// How often each text occurred.
    Categories(Sides<CategoryCounts>),
    /// Counts in the caller's own bins; in ascending order when they lie between numeric edges.
    Counts { pair: BinnedPair, ordered: bool },
}

/// Decisions by group.
#[derive(Debug)]
pub(super) struct Decisions {
    /// Without labels every row counts as a negative, so that only selections can be read off.
    pub(super) cells: GroupedCells,
    /// Whether the true labels are known.
    pub(super) labelled: bool,
}

/// One thing for each of the two samples.
#[derive(Debug, Default)]
pub(super) struct Sides<T> {
    pub(super) reference: T,
    pub(super) current: T,
}

impl<T> Sides<T> {
    const fn of(&mut self, side: probity_stats::Sample) -> &mut T {
        match side {
            probity_stats::Sample::Reference => &mut self.reference,
            probity_stats::Sample::Current => &mut self.current,
        }
    }
}

/// What to do about a cell that is empty or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Missing {
    /// It is a fault.
    #[default]
    Refuse,
    /// Its column goes on without it.
    Skip,
}

impl std::str::FromStr for Missing {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "skip" => Ok(Self::Skip),
            _ => Err(()),
        }
    }
}

/// Where in a table a fault is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Line of the text, the header being line 1.
    Line(u64),
    /// Row of the table, counted from 1.
    Row(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// A fault of one cell, by the name of its column.
fn cell_fault(column: &str, at: Place, code: &'static str, message: &str) -> FieldError {
    FieldError::new(pointer(column), code, format!("{at} {message}"))
}

/// The pointer to a column of a table.
fn pointer(column: &str) -> String {
    format!("/{}", pointer_token(column))
}

/// A fault of the table as a whole.
fn table_fault(code: &'static str, message: impl Into<String>) -> FieldError {
    FieldError::new("", code, message)
}

/// The fault of a table with more than [`MAX_CELLS`].
fn too_many_cells() -> FieldError {
    let message = format!("the rows times the columns in use must not exceed {MAX_CELLS} cells");
    table_fault("too_many_cells", message)
}

/// A count as wide as counts are here.
fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
