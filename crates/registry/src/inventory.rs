//! The inventory as CSV (RFC 4180), made row by row.

use std::borrow::Cow;

use time::Date;

use crate::instant::timestamp;
use crate::model::RegisteredModel;

/// The columns, in order.
pub const COLUMNS: [&str; 12] = [
    "id",
    "model_id",
    "provider",
    "display_name",
    "risk_tier",
    "validation_status",
    "owner",
    "description",
    "tags",
    "last_seen_at",
    "created_at",
    "updated_at",
];

/// The name of an export made on `day`, e.g. `model-inventory-2026-03-13.csv`.
#[must_use]
pub fn file_name(day: Date, extension: &str) -> String {
    format!("model-inventory-{day}.{extension}")
}

/// Writes the inventory as CSV: UTF-8 without a byte order mark, commas, lines ended by CR LF,
/// cells in quotes only where they have to be. It keeps nothing between rows, so an export of any
/// length takes the memory of one.
///
/// Instants are RFC 3339 in UTC, tags a JSON object, absent values empty cells. A cell that a
/// spreadsheet would run as a formula gets an apostrophe in front (see [`defuse`]).
#[derive(Debug, Clone, Copy, Default)]
pub struct InventoryCsv;

impl InventoryCsv {
    /// The header line.
    #[must_use]
    pub fn header() -> Vec<u8> {
        let mut line = Vec::new();
        write_line(&COLUMNS.map(Cow::Borrowed), &mut line);
        line
    }

    /// One entry's line.
    #[must_use]
    pub fn row(model: &RegisteredModel) -> Vec<u8> {
        let mut line = Vec::new();
        Self::write(model, &mut line);
        line
    }

    /// Appends one entry's line to a buffer, which callers may clear and use again.
    pub fn write(model: &RegisteredModel, buffer: &mut Vec<u8>) {
        write_line(&cells(model), buffer);
    }
}

/// The cells of one entry, in the order of [`COLUMNS`], neither defused nor quoted.
#[must_use]
pub fn cells(model: &RegisteredModel) -> [Cow<'_, str>; 12] {
    let tags = serde_json::to_string(model.tags.as_map()).unwrap_or_default();
    [
        model.id.to_string().into(),
        model.model_id.as_str().into(),
        model.provider.as_str().into(),
        model.display_name.as_str().into(),
        model.risk_tier.as_str().into(),
        model.validation_status.as_str().into(),
        model.owner.as_deref().unwrap_or_default().into(),
        model.description.as_deref().unwrap_or_default().into(),
        tags.into(),
        model.last_seen_at.map(timestamp).unwrap_or_default().into(),
        timestamp(model.created_at).into(),
        timestamp(model.updated_at).into(),
    ]
}

/// Puts an apostrophe in front of a cell that a spreadsheet would take for a formula: one that
/// starts with `=`, `+`, `-`, `@`, their full-width forms, a tab, a line break or a NUL.
#[must_use]
pub fn defuse(cell: &str) -> Cow<'_, str> {
    let is_formula = cell.starts_with([
        '=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n', '\0',
    ]);
    if is_formula {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

fn write_line(cells: &[Cow<'_, str>], buffer: &mut Vec<u8>) {
    let mut separator: &[u8] = b"";
    for cell in cells {
        buffer.extend_from_slice(separator);
        write_cell(&defuse(cell), buffer);
        separator = b",";
    }
    buffer.extend_from_slice(b"\r\n");
}

/// RFC 4180, section 2: quotes around a cell with a comma, a quote or a line break in it, and
/// quotes inside doubled.
fn write_cell(cell: &str, buffer: &mut Vec<u8>) {
    if !cell.contains([',', '"', '\r', '\n']) {
        buffer.extend_from_slice(cell.as_bytes());
        return;
    }
    buffer.push(b'"');
    buffer.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
    buffer.push(b'"');
}

#[cfg(test)]
mod tests;
