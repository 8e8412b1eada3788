//! Columns as JSON arrays, read cell by cell into as little memory as they need.

use std::borrow::Cow;
use std::fmt;

use probity_stats::CategoryCounts;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::families::guardian::sample::{CategoryTally, GroupColumn};

/// One side of a compared column; its first cell that is not null decides what it holds.
#[derive(Debug)]
pub(super) struct ArrayColumn {
    pub(super) cells: ArrayCells,
    /// The position of the first null, which is left out.
    pub(super) first_null: Option<usize>,
    /// Cells including nulls.
    pub(super) rows: usize,
}

/// The cells of a column.
#[derive(Debug)]
pub(super) enum ArrayCells {
    /// There are none.
    None,
    Numbers(Vec<f64>),
    Texts(CategoryCounts),
}

/// The groups of the rows.
#[derive(Debug)]
pub(super) struct ArrayGroups(pub(super) GroupColumn);

/// Truth values.
#[derive(Debug)]
pub(super) struct ArrayBinary(pub(super) Vec<bool>);

/// One cell of any kind.
enum Cell<'de> {
    Null,
    Number(f64),
    Whole(i128),
    Text(Cow<'de, str>),
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text or a boolean")
    }

    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(if value {
            "true"
        } else {
            "false"
        })))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Whole(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Cell<'de>, E> {
        Ok(Cell::Whole(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(value.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Cell<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(CellVisitor)
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

/// Reads an array through a visitor of its cells.
macro_rules! read_array {
    ($name:ident, $expecting:literal, $visit:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct ArrayVisitor;

                impl<'de> Visitor<'de> for ArrayVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_seq<A: SeqAccess<'de>>(
                        self,
                        mut items: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut next = || items.next_element::<Cell<'de>>();
                        let visit: fn(
                            &mut dyn FnMut() -> Result<Option<Cell<'de>>, A::Error>,
                        ) -> Result<Self::Value, A::Error> = $visit;
                        visit(&mut next)
                    }
                }

                from.deserialize_seq(ArrayVisitor)
            }
        }
    };
}

type Next<'n, 'de, E> = &'n mut dyn FnMut() -> Result<Option<Cell<'de>>, E>;

read_array!(ArrayColumn, "an array of numbers or of texts", read_column);
read_array!(ArrayGroups, "an array of group names", read_groups);
read_array!(ArrayBinary, "an array of 0, 1, true or false", read_binary);

fn read_column<E: Error>(next: Next<'_, '_, E>) -> Result<ArrayColumn, E> {
    let (mut numbers, mut texts) = (Vec::new(), CategoryTally::default());
    let (mut first_null, mut is_text, mut rows) = (None, None, 0);
    while let Some(cell) = next()? {
        match cell {
            Cell::Null => {
                first_null.get_or_insert(rows);
            }
            Cell::Whole(whole) if !*is_text.get_or_insert(false) => numbers.push(nearest(whole)),
            Cell::Number(number) if !*is_text.get_or_insert(false) => numbers.push(number),
            Cell::Text(text) if *is_text.get_or_insert(true) => {
                let counted = texts.push(&text);
                counted.map_err(|fault| E::custom(format!("entry {rows} {}", fault.message)))?;
            }
            Cell::Number(_) | Cell::Whole(_) | Cell::Text(_) => {
                let message = "must be of the same kind as the entries before it";
                return Err(E::custom(format!("entry {rows} {message}")));
            }
        }
        rows += 1;
    }
    let cells = match is_text {
        None => ArrayCells::None,
        Some(false) => ArrayCells::Numbers(numbers),
        Some(true) => ArrayCells::Texts(texts.into()),
    };
    Ok(ArrayColumn {
        cells,
        first_null,
        rows,
    })
}

fn read_groups<E: Error>(next: Next<'_, '_, E>) -> Result<ArrayGroups, E> {
    let mut groups = GroupColumn::default();
    let mut rows = 0;
    while let Some(cell) = next()? {
        let pushed = match cell {
            Cell::Text(text) if !text.is_empty() => groups.push(&text),
            Cell::Whole(whole) => groups.push(&whole.to_string()),
            Cell::Null | Cell::Number(_) | Cell::Text(_) => {
                return Err(E::custom(format!("entry {rows} must name a group")));
            }
        };
        pushed.map_err(|fault| E::custom(format!("entry {rows} {}", fault.message)))?;
        rows += 1;
    }
    Ok(ArrayGroups(groups))
}

fn read_binary<E: Error>(next: Next<'_, '_, E>) -> Result<ArrayBinary, E> {
    let mut values = Vec::new();
    while let Some(cell) = next()? {
        let value = match cell {
            Cell::Whole(0) => false,
            Cell::Whole(1) => true,
            Cell::Number(number) if number.to_bits() == 0.0_f64.to_bits() => false,
            Cell::Number(number) if number.to_bits() == 1.0_f64.to_bits() => true,
            Cell::Text(text) if text == "true" => true,
            Cell::Text(text) if text == "false" => false,
            Cell::Null | Cell::Number(_) | Cell::Whole(_) | Cell::Text(_) => {
                let message = format!("entry {} must be 0, 1, true or false", values.len());
                return Err(E::custom(message));
            }
        };
        values.push(value);
    }
    Ok(ArrayBinary(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(json: &str) -> Result<ArrayColumn, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_cell_decides_what_a_column_holds() {
        let read = column("[1, -2.5, 3e2, null, 18446744073709551615]").unwrap();
        let ArrayCells::Numbers(numbers) = read.cells else {
            panic!("numbers")
        };
        assert_eq!(numbers, [1.0, -2.5, 300.0, 18_446_744_073_709_551_615.0]);
        assert_eq!((read.first_null, read.rows), (Some(3), 5));
        let read = column(r#"["a", "\u00e9", true, "a"]"#).unwrap();
        let ArrayCells::Texts(texts) = read.cells else {
            panic!("texts")
        };
        let counts: Vec<_> = texts.iter().collect();
        assert_eq!(counts, [("a", 2), ("true", 1), ("\u{e9}", 1)]);
        assert!(matches!(column("[]").unwrap().cells, ArrayCells::None));
    }

    #[test]
    fn a_mixed_column_is_refused_at_the_first_cell_of_the_other_kind() {
        for (json, entry) in [(r#"[1, 2, "3"]"#, "entry 2"), (r#"["a", 1]"#, "entry 1")] {
            assert!(column(json).unwrap_err().starts_with(entry), "{json}");
        }
        for json in ["[[1]]", "[{}]", "{}", "1", "null"] {
            assert!(column(json).is_err(), "{json}");
        }
    }

    #[test]
    fn decisions_are_binary() {
        let read = |json| serde_json::from_str::<ArrayBinary>(json);
        let values = read("[0, 1, true, false, 1.0, 0.0]").unwrap().0;
        assert_eq!(values, [false, true, true, false, true, false]);
        for json in ["[2]", "[0.7]", "[null]", "[\"yes\"]", "[-1]"] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn groups_are_texts_or_whole_numbers() {
        let read = |json| serde_json::from_str::<ArrayGroups>(json);
        assert_eq!(
            read(r#"["a", 3, "a", false]"#).unwrap().0.codes,
            [0, 1, 0, 2]
        );
        for json in ["[null]", "[0.5]", "[\"\"]"] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
