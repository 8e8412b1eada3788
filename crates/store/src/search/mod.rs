//! Substring search over folded text: patterns for `LIKE`, the search language of SQLite's trigram
//! index, and an index of our own on PostgreSQL. What an index finds is compared with the patterns.

mod grams;
mod index;
mod postings;
mod sound;
mod trigrams;

pub(crate) use index::{Source, array, candidates, take_in_all};
pub(crate) use sound::faults;
pub(crate) use trigrams::trigram_expression;

/// The pattern of everything that holds a part.
pub(crate) fn like_pattern(part: &str) -> String {
    let escaped = part
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_languages_mean_something_by_is_escaped() {
        assert_eq!(like_pattern(r"50%_\"), r"%50\%\_\\%");
    }
}
