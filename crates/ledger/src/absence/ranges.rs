//! Sets of entry numbers in their one spelling: `4,7-9`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::frontier::MAX_SIZE;

/// Entry numbers as rising runs that neither touch nor overlap. Spelled `4,7-9`: single numbers and runs with both ends
/// included, in order, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntrySet {
    runs: Vec<Range<u64>>,
}

impl EntrySet {
    /// No entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { runs: Vec::new() }
    }

    /// Adds a run, wherever it lies; numbers that are there already stay. An empty run changes nothing.
    pub fn insert(&mut self, run: Range<u64>) {
        if run.is_empty() {
            return;
        }
        // Most runs come in order: then this is the end of the list.
        let first = self.runs.partition_point(|known| known.end < run.start);
        let after = self.runs.partition_point(|known| known.start <= run.end);
        let touched = self.runs.get(first..after).unwrap_or_default();
        let start = touched
            .first()
            .map_or(run.start, |known| known.start.min(run.start));
        let end = touched
            .last()
            .map_or(run.end, |known| known.end.max(run.end));
        self.runs.splice(first..after, std::iter::once(start..end));
    }

    /// Whether the number is in the set.
    #[must_use]
    pub fn contains(&self, entry: u64) -> bool {
        let place = self.runs.partition_point(|run| run.end <= entry);
        self.runs.get(place).is_some_and(|run| run.contains(&entry))
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The largest number.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.runs.last().map(|run| run.end - 1)
    }

    /// The runs, rising.
    #[must_use]
    pub fn runs(&self) -> &[Range<u64>] {
        &self.runs
    }

    /// How many numbers the set holds.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.runs.iter().map(|run| run.end - run.start).sum()
    }
}

impl FromIterator<u64> for EntrySet {
    fn from_iter<I: IntoIterator<Item = u64>>(entries: I) -> Self {
        let mut set = Self::new();
        for entry in entries {
            set.insert(entry..entry.saturating_add(1));
        }
        set
    }
}

impl fmt::Display for EntrySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, run) in self.runs.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            if run.end - run.start == 1 {
                write!(f, "{}", run.start)?;
            } else {
                write!(f, "{}-{}", run.start, run.end - 1)?;
            }
        }
        Ok(())
    }
}

/// Reads the one spelling of `Display`: order, touching runs, leading zeros and an empty text are refused.
impl FromStr for EntrySet {
    type Err = ParseEntrySetError;

    fn from_str(text: &str) -> Result<Self, ParseEntrySetError> {
        let number = |text: &str| -> Result<u64, ParseEntrySetError> {
            let number = text.parse().map_err(|_| ParseEntrySetError)?;
            if number < MAX_SIZE {
                Ok(number)
            } else {
                Err(ParseEntrySetError)
            }
        };
        let mut set = Self::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            if first > last || set.last().is_some_and(|known| known >= first) {
                return Err(ParseEntrySetError);
            }
            set.insert(first..last + 1);
        }
        if set.to_string() == text {
            Ok(set)
        } else {
            Err(ParseEntrySetError)
        }
    }
}

/// The text is no set of entry numbers in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entries are rising numbers and runs such as 4,7-9, each below 2^53")]
pub struct ParseEntrySetError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_join_where_they_touch() {
        let mut set = EntrySet::new();
        for run in [7..9, 4..5, 9..10, 20..20, 5..6, 0..1] {
            set.insert(run);
        }
        assert_eq!(set.to_string(), "0,4-5,7-9");
        assert_eq!(set.len(), 6);
        assert_eq!(set.last(), Some(9));
        for entry in 0..12 {
            assert_eq!(
                set.contains(entry),
                [0, 4, 5, 7, 8, 9].contains(&entry),
                "{entry}"
            );
        }
        set.insert(1..30);
        assert_eq!(set.to_string(), "0-29");
    }

    #[test]
    fn text_has_one_spelling() {
        for good in ["0", "4,7-9", "1-2", "9007199254740991"] {
            let set: EntrySet = good.parse().unwrap();
            assert_eq!(set.to_string(), good);
        }
        for bad in [
            "",
            ",",
            "1,",
            "1,2",
            "2,1",
            "1-1",
            "2-1",
            "01",
            "+1",
            "1-3,4",
            "1,1",
            "1-3,3-4",
            "-1",
            "1 ",
            "a",
            "9007199254740992",
            "1-2-3",
        ] {
            assert_eq!(bad.parse::<EntrySet>(), Err(ParseEntrySetError), "{bad}");
        }
    }

    #[test]
    fn any_order_of_numbers_makes_the_same_set() {
        let numbers = [5, 3, 4, 9, 1, 0, 7, 5];
        let mut sorted = numbers;
        sorted.sort_unstable();
        let one: EntrySet = numbers.into_iter().collect();
        let other: EntrySet = sorted.into_iter().collect();
        assert_eq!(one, other);
        assert_eq!(one.to_string(), "0-1,3-5,7,9");
    }
}
