//! Cells of one flat column.

use std::borrow::Cow;

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::column::page::PageReader;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::schema::types::{ColumnDescPtr, Type};
use probity_kernel::FieldError;
use probity_stats::Sample;

use super::super::feature::Feature;
use super::super::{Place, cell_fault};
use super::broken;

/// Cells decoded at a time.
const BATCH: usize = 4_096;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Truth values, compared as texts.
    Boolean,
    /// Signed whole numbers.
    Signed,
    /// Unsigned whole numbers, stored in signed ones of the same width.
    Unsigned,
    /// Whole numbers that stand for decimals with so many places.
    Decimal(i32),
    /// Floating point numbers.
    Float,
    /// Texts.
    Text,
    /// Anything else: dates, times, nested columns, raw bytes.
    Other,
}

/// A top-level field.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_nested: bool,
    /// The position of its first leaf column.
    pub(super) at: usize,
}

impl Leaf {
    pub(super) fn new(field: &Type, at: usize) -> Self {
        let info = field.get_basic_info();
        let repeated = info.has_repetition() && info.repetition() == Repetition::REPEATED;
        let is_nested = !field.is_primitive() || repeated;
        Self {
            name: field.name().to_owned(),
            kind: if is_nested { Kind::Other } else { kind(field) },
            is_nested,
            at,
        }
    }

    /// Visits the cells of one chunk of the column.
    pub(super) fn read(
        &self,
        column: ColumnDescPtr,
        pages: Box<dyn PageReader>,
        visit: &mut dyn FnMut(Cell<'_>) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        let optional = column.max_def_level() > 0;
        let kind = self.kind;
        match get_column_reader(column, pages) {
            ColumnReader::BoolColumnReader(reader) => {
                walk(reader, optional, |value| Cell::Boolean(*value), visit)
            }
            ColumnReader::Int32ColumnReader(reader) => walk(
                reader,
                optional,
                |value| match kind {
                    Kind::Unsigned => Cell::Whole(value.cast_unsigned().into()),
                    Kind::Decimal(places) => Cell::Number(decimal((*value).into(), places)),
                    Kind::Boolean | Kind::Signed | Kind::Float | Kind::Text | Kind::Other => {
                        Cell::Whole((*value).into())
                    }
                },
                visit,
            ),
            ColumnReader::Int64ColumnReader(reader) => walk(
                reader,
                optional,
                |value| match kind {
                    Kind::Unsigned => Cell::Whole(value.cast_unsigned().into()),
                    Kind::Decimal(places) => Cell::Number(decimal(*value, places)),
                    Kind::Boolean | Kind::Signed | Kind::Float | Kind::Text | Kind::Other => {
                        Cell::Whole((*value).into())
                    }
                },
                visit,
            ),
            ColumnReader::FloatColumnReader(reader) => walk(
                reader,
                optional,
                |value| Cell::Number((*value).into()),
                visit,
            ),
            ColumnReader::DoubleColumnReader(reader) => {
                walk(reader, optional, |value| Cell::Number(*value), visit)
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                walk(reader, optional, |value| Cell::Text(value.data()), visit)
            }
            ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                Err(broken(&ParquetError::General("a column's type".to_owned())))
            }
        }
    }
}

fn kind(field: &Type) -> Kind {
    let info = field.get_basic_info();
    let (logical, converted) = (info.logical_type_ref(), info.converted_type());
    match field.get_physical_type() {
        Physical::BOOLEAN => Kind::Boolean,
        Physical::FLOAT | Physical::DOUBLE => Kind::Float,
        Physical::INT32 | Physical::INT64 => whole(field, logical, converted),
        Physical::BYTE_ARRAY => text(logical, converted),
        Physical::INT96 | Physical::FIXED_LEN_BYTE_ARRAY => Kind::Other,
    }
}

fn whole(field: &Type, logical: Option<&LogicalType>, converted: ConvertedType) -> Kind {
    let scale = || match field {
        Type::PrimitiveType { scale, .. } => *scale,
        Type::GroupType { .. } => 0,
    };
    match (logical, converted) {
        (Some(LogicalType::Integer(integer)), _) if integer.is_signed => Kind::Signed,
        (Some(LogicalType::Integer(_)), _)
        | (
            None,
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64,
        ) => Kind::Unsigned,
        (Some(LogicalType::Decimal(decimal)), _) => Kind::Decimal(decimal.scale),
        (None, ConvertedType::DECIMAL) => Kind::Decimal(scale()),
        (
            None,
            ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64,
        ) => Kind::Signed,
        _ => Kind::Other,
    }
}

fn text(logical: Option<&LogicalType>, converted: ConvertedType) -> Kind {
    match (logical, converted) {
        (Some(LogicalType::String | LogicalType::Enum), _)
        | (None, ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM) => Kind::Text,
        _ => Kind::Other,
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "the nearest floating point number is what is wanted"
)]
const fn nearest(whole: i128) -> f64 {
    whole as f64
}

fn decimal(whole: i64, places: i32) -> f64 {
    nearest(whole.into()) / 10_f64.powi(places)
}

/// Decodes the cells of a chunk in batches.
fn walk<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    optional: bool,
    cell: impl Fn(&T::T) -> Cell<'_>,
    visit: &mut dyn FnMut(Cell<'_>) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    loop {
        levels.clear();
        values.clear();
        let read = reader.read_records(BATCH, Some(&mut levels), None, &mut values);
        let (rows, ..) = read.map_err(|error| broken(&error))?;
        if rows == 0 {
            return Ok(());
        }
        let mut present = values.iter().map(&cell);
        if optional {
            for level in &levels {
                let cell = if *level > 0 { present.next() } else { None };
                visit(cell.unwrap_or(Cell::Missing))?;
            }
        } else {
            present.try_for_each(&mut *visit)?;
        }
    }
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Missing,
    Boolean(bool),
    Whole(i128),
    Number(f64),
    Text(&'a [u8]),
}

impl<'a> Cell<'a> {
    /// The cell as a text; `None` if it is missing.
    pub(super) fn text(self, column: &str, at: Place) -> Result<Option<Cow<'a, str>>, FieldError> {
        let text = match self {
            Self::Missing => return Ok(None),
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
            Self::Whole(whole) => Cow::Owned(whole.to_string()),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Text(bytes) => {
                let text = std::str::from_utf8(bytes);
                Cow::Borrowed(
                    text.map_err(|_| cell_fault(column, at, "invalid_utf8", "must be UTF-8"))?,
                )
            }
        };
        Ok(Some(text))
    }

    /// Gives the cell to a compared column: as a number if it is one, unless texts are wanted.
    pub(super) fn push_into(
        self,
        feature: &mut Feature,
        is_text: bool,
        side: Sample,
        at: Place,
    ) -> Result<(), FieldError> {
        match self {
            Self::Whole(whole) if !is_text => feature.push_number(side, nearest(whole), at),
            Self::Number(number) if !is_text => feature.push_number(side, number, at),
            cell @ (Self::Missing
            | Self::Boolean(_)
            | Self::Whole(_)
            | Self::Number(_)
            | Self::Text(_)) => match cell.text(feature.name(), at)? {
                Some(text) => feature.push_text(side, &text, at),
                None => feature.push_missing(at),
            },
        }
    }
}
