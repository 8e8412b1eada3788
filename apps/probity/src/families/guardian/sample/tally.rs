//! Counting texts and coding groups; memory depends on how many different ones there are.

use std::collections::HashMap;

use probity_stats::CategoryCounts;

use super::{MAX_CATEGORIES, MAX_GROUPS, MAX_TEXT};

/// A text that cannot be counted: its code and what is allowed.
#[derive(Debug)]
pub(in super::super) struct Uncountable {
    pub(in super::super) code: &'static str,
    pub(in super::super) message: String,
}

fn check_length(text: &str) -> Result<(), Uncountable> {
    if text.len() <= MAX_TEXT {
        return Ok(());
    }
    Err(Uncountable {
        code: "too_long",
        message: format!("must be a text of at most {MAX_TEXT} bytes"),
    })
}

/// How often each text of one column occurred on one side.
#[derive(Debug, Default)]
pub(in super::super) struct CategoryTally {
    counts: HashMap<Box<str>, u64>,
}

impl CategoryTally {
    /// Counts one row.
    pub(in super::super) fn push(&mut self, text: &str) -> Result<(), Uncountable> {
        if let Some(rows) = self.counts.get_mut(text) {
            *rows += 1;
            return Ok(());
        }
        check_length(text)?;
        if self.counts.len() == MAX_CATEGORIES {
            let message = format!(
                "is the first of over {MAX_CATEGORIES} different texts; leave out columns that \
                 name rather than describe"
            );
            let code = "too_many_categories";
            return Err(Uncountable { code, message });
        }
        self.counts.insert(text.into(), 1);
        Ok(())
    }
}

impl From<CategoryTally> for CategoryCounts {
    fn from(tally: CategoryTally) -> Self {
        let mut counts = Self::default();
        for (text, rows) in tally.counts {
            counts.add(&text, rows);
        }
        counts
    }
}

/// A column of group names, kept as codes.
#[derive(Debug, Default)]
pub(in super::super) struct GroupColumn {
    known: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
    pub(in super::super) codes: Vec<u32>,
}

impl GroupColumn {
    /// Takes one row.
    pub(in super::super) fn push(&mut self, group: &str) -> Result<(), Uncountable> {
        if let Some(code) = self.known.get(group) {
            self.codes.push(*code);
            return Ok(());
        }
        check_length(group)?;
        let code = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        if self.names.len() == MAX_GROUPS {
            let code = "too_many_groups";
            let message = format!("is the first of over {MAX_GROUPS} different groups");
            return Err(Uncountable { code, message });
        }
        self.known.insert(group.into(), code);
        self.names.push(group.into());
        self.codes.push(code);
        Ok(())
    }

    /// The names; that of code `i` is the `i`-th.
    pub(in super::super) fn names(&self) -> Vec<&str> {
        self.names.iter().map(AsRef::as_ref).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_may_hold_so_many_texts_and_no_more() {
        let mut tally = CategoryTally::default();
        for i in 0..MAX_CATEGORIES {
            tally.push(&i.to_string()).unwrap();
        }
        assert_eq!(tally.push("new").unwrap_err().code, "too_many_categories");
        tally.push("0").unwrap();
        let counts = CategoryCounts::from(tally);
        assert_eq!(counts.rows(), 10_001);
    }

    #[test]
    fn groups_are_coded_in_the_order_of_their_first_row() {
        let mut groups = GroupColumn::default();
        for group in ["b", "a", "b"] {
            groups.push(group).unwrap();
        }
        assert_eq!(groups.names(), ["b", "a"]);
        assert_eq!(groups.codes, [0, 1, 0]);
    }

    #[test]
    fn a_text_may_be_as_long_as_the_limit() {
        let mut tally = CategoryTally::default();
        tally.push(&"x".repeat(MAX_TEXT)).unwrap();
        let fault = tally.push(&"x".repeat(MAX_TEXT + 1)).unwrap_err();
        assert_eq!(fault.code, "too_long");
    }
}
