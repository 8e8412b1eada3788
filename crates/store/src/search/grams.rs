//! The pieces of words that the index of searches on PostgreSQL knows: every two and every three letters
//! that stand side by side in a word. A piece is a number, not a digest: three letters of 21 bits each.

use std::collections::BTreeSet;

/// How many pieces a search asks the index for at the most; what it finds is compared with the words
/// themselves, so that fewer pieces cost precision and never a result.
const ASKED: usize = 12;

/// Two or three letters; of two, the highest letter is 0, which no text has.
pub(super) type Gram = i64;

fn pack(letters: &[char]) -> Gram {
    let place = |number, letter: &char| (number << 21) | i64::from(u32::from(*letter));
    letters.iter().fold(0, place)
}

/// All pieces of a text. Searches are for words without blanks, so none spans a blank.
pub(super) fn grams(text: &str) -> BTreeSet<Gram> {
    let mut found = BTreeSet::new();
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        found.extend(letters.windows(2).map(pack));
        found.extend(letters.windows(3).map(pack));
    }
    found
}

/// The pieces that together cover the words of a search, the longest words first. `None` when every
/// word is a single letter, and the index cannot help.
pub(super) fn asked(words: &[String]) -> Option<Vec<Gram>> {
    let mut words: Vec<Vec<char>> = words.iter().map(|word| word.chars().collect()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut found: Vec<Gram> = Vec::new();
    for gram in words.iter().flat_map(|word| covering(word)) {
        if !found.contains(&gram) {
            found.push(gram);
        }
    }
    found.truncate(ASKED);
    (!found.is_empty()).then_some(found)
}

/// Three letters after three letters, and the last three.
fn covering(word: &[char]) -> impl Iterator<Item = Gram> {
    let width = word.len().min(3);
    let steps = word.chunks_exact(width.max(1));
    let rest = steps.remainder().len();
    let last = (rest > 0)
        .then(|| word.windows(width).next_back())
        .flatten();
    let enough = width > 1;
    steps.chain(last).filter(move |_| enough).map(pack)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn of(letters: &str) -> Gram {
        pack(&letters.chars().collect::<Vec<_>>())
    }

    #[test]
    fn a_piece_is_its_letters() {
        assert_eq!(of("ab"), (0x61 << 21) | 0x62);
        let highest = of("\u{10ffff}\u{10ffff}\u{10ffff}");
        assert!(highest > 0, "63 bits are enough");
        assert_ne!(of("模型"), of("型模"));
    }

    #[test]
    fn pieces_end_at_blanks_and_words_of_one_letter_have_none() {
        let found = grams("abc x\ncd");
        assert_eq!(
            found,
            BTreeSet::from([of("ab"), of("bc"), of("abc"), of("cd")])
        );
        assert_eq!(asked(&words("x")), None);
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&words("x ab")), Some(vec![of("ab")]));
    }

    #[test]
    fn what_is_asked_covers_the_word_and_is_in_every_text_that_holds_it() {
        assert_eq!(
            asked(&words("abcdefgh")),
            Some(vec![of("abc"), of("def"), of("fgh")])
        );
        assert_eq!(asked(&words("abcabc")), Some(vec![of("abc")]));
        assert_eq!(asked(&words("aaaa")), Some(vec![of("aaa")]));
        for word in ["ab", "abc", "abcd", "模型风险", "%_\\", "ß€", "aaaaaaa"] {
            let text = grams(&format!("before-{word}-behind"));
            let asked = asked(&words(word)).unwrap_or_default();
            assert!(!asked.is_empty(), "{word}");
            assert!(asked.iter().all(|gram| text.contains(gram)), "{word}");
        }
        let long: String = ('a'..='z').cycle().take(200).collect();
        assert!(asked(&[long]).is_some_and(|asked| asked.len() <= ASKED));
    }
}
