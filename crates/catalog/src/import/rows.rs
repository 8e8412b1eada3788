//! Files of products: CSV (RFC 4180) and JSON lines.

use std::collections::HashSet;
use std::fmt;

use probity_kernel::text::pointer_token;
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::error::{ImportError, RowError};
use super::fields::{COLUMNS, put_cell, put_value};
use super::quoting;
use super::strict::Strict;
use crate::new_product::ProductInput;

/// The most rows of a file: an import is one unit of work, and others wait for it in the lane.
pub const MOST_ROWS: usize = 1_000;
/// The most bytes of a row.
pub const LARGEST_ROW: usize = 64 * 1024;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// A row as it came in.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportRow {
    /// The data row or the line, counted from 1.
    pub row: u64,
    /// Its fields, not yet judged.
    pub input: ProductInput,
    /// How the fields are called where it comes from.
    pub source: Source,
}

/// What a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A table: columns or members by the names of the fields.
    Table,
    /// A model card: keys of its front matter, sections by heading.
    Card,
}

impl Source {
    /// The JSON Pointer to a field of the catalog, in the terms of the source.
    pub(super) fn pointer(self, field: &str) -> String {
        match self {
            Self::Card => crate::card::pointer(field),
            Self::Table => field
                .strip_prefix("/ai_details")
                .unwrap_or(field)
                .to_owned(),
        }
    }
}

/// Reads the rows of a file.
///
/// # Errors
/// [`ImportError::Rows`] with everything that is wrong with the form of the file.
pub fn read(format: ImportFormat, bytes: &[u8]) -> Result<Vec<ImportRow>, ImportError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_fault| whole("malformed", "the file must be UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Rows::default();
    match format {
        ImportFormat::Csv => read_csv(text, &mut found)?,
        ImportFormat::JsonLines => read_lines(text, &mut found)?,
    }
    if !found.faults.is_empty() {
        return Err(ImportError::Rows(found.faults));
    }
    if found.rows.is_empty() {
        return Err(whole("required", "the file must hold at least one row"));
    }
    Ok(found.rows)
}

#[derive(Default)]
struct Rows {
    rows: Vec<ImportRow>,
    faults: Vec<RowError>,
}

impl Rows {
    fn fault(&mut self, row: u64, field: &str, code: &'static str, message: &str) {
        let pointer = if field.is_empty() {
            String::new()
        } else {
            format!("/{}", pointer_token(field))
        };
        self.faults.push(RowError::new(row, pointer, code, message));
    }

    /// Whether one more row may come; the first that may not ends the reading.
    fn admit(row: u64) -> Result<(), ImportError> {
        if usize::try_from(row).is_ok_and(|row| row <= MOST_ROWS) {
            return Ok(());
        }
        let message = format!("the file must hold at most {MOST_ROWS} rows");
        Err(whole("too_many", &message))
    }
}

fn whole(code: &'static str, message: &str) -> ImportError {
    ImportError::Rows(vec![RowError::new(0, "", code, message)])
}

fn unknown() -> String {
    format!("is no column; the columns are {}", COLUMNS.join(", "))
}

fn read_csv(text: &str, found: &mut Rows) -> Result<(), ImportError> {
    if let Some((line, message)) = quoting::fault(text) {
        return Err(whole("malformed", &format!("line {line} {message}")));
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let Some(header) = records.next() else {
        return Ok(());
    };
    let header = header.map_err(|_fault| whole("malformed", "the header cannot be read"))?;
    let mut seen = HashSet::new();
    for name in &header {
        if !COLUMNS.contains(&name) {
            let shown: String = name.chars().take(100).collect();
            found.fault(0, &shown, "unknown_column", &unknown());
        } else if !seen.insert(name) {
            found.fault(0, name, "duplicate_column", "is there twice");
        }
    }
    for (row, record) in (1_u64..).zip(records) {
        Rows::admit(row)?;
        let record = record.map_err(|_fault| whole("malformed", "a row cannot be read"))?;
        read_record(row, &header, &record, found);
    }
    Ok(())
}

fn read_record(row: u64, header: &csv::StringRecord, record: &csv::StringRecord, found: &mut Rows) {
    if record.as_slice().len() > LARGEST_ROW {
        return found.fault(row, "", "too_large", "must be at most 64 KiB");
    }
    if record.len() != header.len() {
        let message = format!(
            "must have the {} fields of the header, has {}",
            header.len(),
            record.len()
        );
        return found.fault(row, "", "wrong_number_of_fields", &message);
    }
    let mut input = ProductInput::default();
    for (name, cell) in header.iter().zip(record) {
        if let Err((code, message)) = put_cell(&mut input, name, cell) {
            found.fault(row, name, code, &message);
        }
    }
    found.rows.push(ImportRow {
        row,
        input,
        source: Source::Table,
    });
}

fn read_lines(text: &str, found: &mut Rows) -> Result<(), ImportError> {
    let mut count = 0;
    for (row, line) in (1_u64..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        count += 1;
        Rows::admit(count)?;
        if line.len() > LARGEST_ROW {
            found.fault(row, "", "too_large", "must be at most 64 KiB");
            continue;
        }
        read_line(row, line, found);
    }
    Ok(())
}

fn read_line(row: u64, line: &str, found: &mut Rows) {
    let mut json = serde_json::Deserializer::from_str(line);
    let members = json.deserialize_map(Members);
    let members = members.and_then(|members| json.end().map(|()| members));
    let Ok(members) = members else {
        let message = "must be one JSON object in which no name is there twice";
        return found.fault(row, "", "malformed_json", message);
    };
    let mut input = ProductInput::default();
    for (name, value) in members {
        if COLUMNS.contains(&name.as_str()) {
            if let Err((code, message)) = put_value(&mut input, &name, value) {
                found.fault(row, &name, code, &message);
            }
        } else {
            let shown: String = name.chars().take(100).collect();
            found.fault(row, &shown, "unknown_column", &unknown());
        }
    }
    found.rows.push(ImportRow {
        row,
        input,
        source: Source::Table,
    });
}

/// The members of an object in their order; the same name twice is refused.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("the same name twice"));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults(format: ImportFormat, text: &str) -> Vec<(u64, String, &'static str)> {
        match read(format, text.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(ImportError::Rows(faults)) => faults
                .into_iter()
                .map(|fault| (fault.row, fault.field, fault.code))
                .collect(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn cells_and_members_are_the_same_fields() {
        let csv = "\u{feff}name,slug,is_gpai,input_schema,description\r\n\
                   Churn,churn,true,\"{\"\"type\"\":\"\"object\"\"}\",\"two\nlines, \"\"quoted\"\"\"\r\n";
        let line = r#"{"name":"Churn","slug":"churn","is_gpai":true,"input_schema":{"type":"object"},"description":"two\nlines, \"quoted\"","framework":null}"#;
        let rows = read(ImportFormat::Csv, csv.as_bytes()).unwrap();
        assert_eq!(
            rows,
            read(ImportFormat::JsonLines, line.as_bytes()).unwrap()
        );
        assert_eq!(rows[0].input.is_gpai, Some(true));
    }

    #[test]
    fn every_fault_of_form_names_its_row_and_field() {
        let csv = "name,colour,name,is_gpai\nA,b,c,yes\nD,e\n";
        assert_eq!(
            faults(ImportFormat::Csv, csv),
            [
                (0, "/colour".to_owned(), "unknown_column"),
                (0, "/name".to_owned(), "duplicate_column"),
                (1, "/is_gpai".to_owned(), "wrong_type"),
                (2, String::new(), "wrong_number_of_fields"),
            ]
        );
        let lines = "{\"name\":1}\n\n[]\n{\"name\":\"a\",\"name\":\"b\"}\n{\"x\":1}\n{} {}\n";
        assert_eq!(
            faults(ImportFormat::JsonLines, lines),
            [
                (1, "/name".to_owned(), "wrong_type"),
                (3, String::new(), "malformed_json"),
                (4, String::new(), "malformed_json"),
                (5, "/x".to_owned(), "unknown_column"),
                (6, String::new(), "malformed_json"),
            ]
        );
        // Which of the values of one name counts is nobody's to guess.
        let twice = "name,input_schema,technical_documentation\n\
            dupk,\"{\"\"a\"\":1,\"\"a\"\":2}\",\n\
            deep,\"{\"\"b\"\":[{\"\"a\"\":1,\"\"a\"\":1}]}\",\n\
            text,,\"{\"\"a\"\":null,\"\"a\"\":\"\"x\"\"}\"\n";
        assert_eq!(
            faults(ImportFormat::Csv, twice),
            [
                (1, "/input_schema".to_owned(), "malformed_json"),
                (2, "/input_schema".to_owned(), "malformed_json"),
                (3, "/technical_documentation".to_owned(), "malformed_json"),
            ]
        );
        let twice = "{\"name\":\"dupk\",\"input_schema\":{\"a\":1,\"a\":2}}\n";
        assert_eq!(
            faults(ImportFormat::JsonLines, twice),
            [(1, String::new(), "malformed_json")]
        );
    }

    #[test]
    fn limits_are_told_and_nothing_is_cut() {
        let many = |count: usize| "A\n".repeat(count);
        let csv = |count: usize| format!("name\n{}", many(count));
        assert_eq!(
            read(ImportFormat::Csv, csv(MOST_ROWS).as_bytes())
                .unwrap()
                .len(),
            MOST_ROWS
        );
        let too_many = faults(ImportFormat::Csv, &csv(MOST_ROWS + 1));
        assert_eq!(too_many, [(0, String::new(), "too_many")]);
        let wide = format!("name\n{}\n", "x".repeat(LARGEST_ROW + 1));
        assert_eq!(faults(ImportFormat::Csv, &wide)[0].2, "too_large");
        let deep = format!("{{\"input_schema\":{}", "[".repeat(60_000));
        assert_eq!(
            faults(ImportFormat::JsonLines, &deep)[0].2,
            "malformed_json"
        );
        for empty in ["", "\n\n", "name\n"] {
            assert_eq!(faults(ImportFormat::Csv, empty)[0].2, "required");
        }
        assert!(read(ImportFormat::Csv, b"name\n\xff\n").is_err());
        assert_eq!(faults(ImportFormat::Csv, "name\n\"A\n")[0].2, "malformed");
    }

    proptest! {
        #[test]
        fn no_file_makes_the_readers_panic(text in "[ -~\\n\\r\"\u{e4}]{0,200}") {
            for format in [ImportFormat::Csv, ImportFormat::JsonLines] {
                let _ = read(format, text.as_bytes());
                let _ = read(format, format!("name,slug\n{text}").as_bytes());
            }
        }
    }
}
