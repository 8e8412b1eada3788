//! Counts of categories by name.

use std::collections::BTreeMap;

use crate::counts::BinnedPair;
use crate::error::StatsError;
use crate::num::{count, index};

/// How often each category occurred. Memory depends on the number of categories only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct CategoryCounts {
    counts: BTreeMap<String, u64>,
}

/// Two samples' counts over all categories of either.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CategoryPair {
    /// The categories by name.
    pub categories: Vec<String>,
    /// The counts, in the same order.
    pub counts: BinnedPair,
}

impl CategoryCounts {
    /// Counts one row.
    pub fn push(&mut self, category: &str) {
        self.add(category, 1);
    }

    /// Adds counted rows of one category.
    pub fn add(&mut self, category: &str, rows: u64) {
        match self.counts.get_mut(category) {
            Some(known) => *known += rows,
            None => {
                self.counts.insert(category.to_owned(), rows);
            }
        }
    }

    /// Counts a column of codes; the name of code `i` is `names[i]`. Names that do not occur count 0 rows.
    ///
    /// # Errors
    /// [`StatsError::UnknownCode`] with the first row whose code has no name.
    pub fn of_codes(codes: &[u32], names: &[&str]) -> Result<Self, StatsError> {
        // Two tables by turns, so that rows of one category do not wait for each other.
        let mut tables = [vec![0_u64; names.len()], vec![0_u64; names.len()]];
        let [even, odd] = &mut tables;
        let unknown = |row: usize, code: u32| StatsError::UnknownCode {
            row: count(row),
            code,
            levels: count(names.len()),
        };
        let (pairs, rest) = codes.as_chunks::<2>();
        for (pair, &[first, second]) in pairs.iter().enumerate() {
            *even
                .get_mut(index(first.into()))
                .ok_or_else(|| unknown(2 * pair, first))? += 1;
            *odd.get_mut(index(second.into()))
                .ok_or_else(|| unknown(2 * pair + 1, second))? += 1;
        }
        for &code in rest {
            *even
                .get_mut(index(code.into()))
                .ok_or_else(|| unknown(codes.len() - 1, code))? += 1;
        }
        let mut counted = Self::default();
        for ((name, a), b) in names.iter().zip(even).zip(odd) {
            counted.add(name, *a + *b);
        }
        Ok(counted)
    }

    /// Adds all rows of another part.
    pub fn merge(&mut self, other: &Self) {
        for (category, rows) in &other.counts {
            self.add(category, *rows);
        }
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The categories with their counts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts
            .iter()
            .map(|(category, rows)| (category.as_str(), *rows))
    }

    /// Pairs this sample, the reference, with a current one over all categories that occur in either.
    #[must_use]
    pub fn pair_with(&self, current: &Self) -> CategoryPair {
        let mut union: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (category, rows) in self.iter() {
            union.entry(category).or_default().0 = rows;
        }
        for (category, rows) in current.iter() {
            union.entry(category).or_default().1 = rows;
        }
        union.retain(|_, rows| *rows != (0, 0));
        CategoryPair {
            categories: union
                .keys()
                .map(|category| (*category).to_owned())
                .collect(),
            counts: BinnedPair::matched(
                union.values().map(|rows| rows.0).collect(),
                union.values().map(|rows| rows.1).collect(),
                "categories",
            ),
        }
    }
}
