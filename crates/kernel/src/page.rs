//! Pages of a list: by offset for the dialects of the references, by cursor for everything long.

use std::fmt;
use std::str::FromStr;

/// Where a page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// After this many records in the list's own order.
    Offset(u64),
    /// After the record that a previous page ended with; survives inserts.
    After(Cursor),
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// How many records at the most; the edge refuses what is above the documented maximum.
    pub limit: u32,
    /// Where the page starts.
    pub paging: Paging,
}

impl PageRequest {
    /// The first page of `limit` records.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self {
            limit,
            paging: Paging::Offset(0),
        }
    }
}

/// One page of a list in its stable order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// How many records match in all.
    pub total: u64,
    /// Where the next page starts, when there is one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The same page of other records.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            total: self.total,
            next: self.next,
        }
    }
}

/// A position in a list, opaque to callers: up to two integers, written in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The sort key of the last record seen.
    pub key: i64,
    /// What tells records of equal sort key apart.
    pub tie: u128,
}

/// A text that no list of this server gave out as a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list; take it from `next_cursor` of a previous page")]
pub struct ParseCursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c1{:016x}{:032x}", self.key, self.tie)
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let digits = text.strip_prefix("c1").ok_or(ParseCursorError)?;
        let (key, tie) = digits.split_at_checked(16).ok_or(ParseCursorError)?;
        let plain = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if tie.len() != 32 || !plain(key) || !plain(tie) {
            return Err(ParseCursorError);
        }
        let key = u64::from_str_radix(key, 16).map_err(|_| ParseCursorError)?;
        let tie = u128::from_str_radix(tie, 16).map_err(|_| ParseCursorError)?;
        Ok(Self {
            key: key.cast_signed(),
            tie,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(key: i64, tie: u128) {
            let cursor = Cursor { key, tie };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
            let _ = text.parse::<Cursor>();
        }
    }
}
