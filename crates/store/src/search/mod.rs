//! Substring search over folded text: patterns for `LIKE`, the search language of SQLite's trigram
//! index, and an index of our own on PostgreSQL. What an index finds is compared with the patterns.

mod grams;
mod index;
mod postings;
mod sound;

pub(crate) use index::{Source, array, candidates, take_in_all};
pub(crate) use sound::faults;

/// The pattern of everything that holds a part.
pub(crate) fn like_pattern(part: &str) -> String {
    let escaped = part
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

/// What the index has to find: trigrams that cover every word. `None` when no word has three letters, and
/// the index cannot help.
pub(crate) fn trigram_expression(words: &[String]) -> Option<String> {
    let trigrams: Vec<String> = words.iter().flat_map(|word| trigrams(word)).collect();
    (!trigrams.is_empty()).then(|| trigrams.join(" AND "))
}

/// Trigrams that cover a word, as quoted strings; none for a shorter word. The others would only make the
/// index merge three times as many lists: what it finds is compared with the words in any case.
fn trigrams(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let last = letters.len().saturating_sub(3);
    letters
        .windows(3)
        .enumerate()
        .filter(|(start, _)| start.is_multiple_of(3) || *start == last)
        .map(|(_, three)| three.iter().collect::<String>().replace('"', "\"\""))
        .map(|three| format!("\"{three}\""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_languages_mean_something_by_is_escaped() {
        assert_eq!(like_pattern(r"50%_\"), r"%50\%\_\\%");
        let words = ["a\"bc".to_owned(), "xy".to_owned()];
        let expression = trigram_expression(&words);
        assert_eq!(expression.as_deref(), Some("\"a\"\"b\" AND \"\"\"bc\""));
        assert_eq!(trigram_expression(&words[1..]), None);
    }

    #[test]
    fn trigrams_cover_a_word_without_more_overlap_than_its_length_demands() {
        for (word, trigrams) in [
            ("abc", "\"abc\""),
            ("abcd", "\"abc\" AND \"bcd\""),
            ("mortgage", "\"mor\" AND \"tga\" AND \"age\""),
            ("abcdef", "\"abc\" AND \"def\""),
        ] {
            let expression = trigram_expression(&[word.to_owned()]);
            assert_eq!(expression.as_deref(), Some(trigrams), "{word}");
        }
    }
}
