//! Many signed notes in one file, one behind the other, with an empty line after each.

use crate::note::SignedNote;

/// What stands behind a note in a list.
pub const END_OF_NOTE: &str = "\n";

/// What a signature paragraph starts with.
const MARK: &[u8] = "— ".as_bytes();

/// The notes of a file that is only appended to. What a crash left half written is passed over, and counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NoteList {
    /// The notes, as they stand in the file.
    pub notes: Vec<SignedNote>,
    /// How many pieces are no note.
    pub broken: usize,
}

impl NoteList {
    /// Reads a file.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut list = Self::default();
        let mut text: Option<&[u8]> = None;
        for paragraph in paragraphs(bytes) {
            if !paragraph.starts_with(MARK) {
                list.broken += usize::from(text.replace(paragraph).is_some());
                continue;
            }
            let whole = text
                .take()
                .map(|text| [text, b"\n\n", paragraph, b"\n"].concat());
            match whole.map(|whole| SignedNote::parse(&whole)) {
                Some(Ok(note)) => list.notes.push(note),
                Some(Err(_)) | None => list.broken += 1,
            }
        }
        list.broken += usize::from(text.is_some());
        list
    }
}

/// The pieces between empty lines, without the empty ones.
fn paragraphs(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        while let [b'\n', tail @ ..] = rest {
            rest = tail;
        }
        if rest.is_empty() {
            return None;
        }
        let end = rest.windows(2).position(|pair| pair == b"\n\n");
        let (paragraph, tail) = rest.split_at(end.unwrap_or(rest.len()));
        rest = tail;
        Some(paragraph.strip_suffix(b"\n").unwrap_or(paragraph))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::hash::Hash;
    use crate::note_key::NoteSigner;

    fn note(size: u64) -> String {
        let key = NoteSigner::from_seed("gov.example/log", &[3; 32]).unwrap();
        let other = NoteSigner::from_seed("gov.example/log", &[4; 32]).unwrap();
        let root = if size == 0 {
            Hash::EMPTY
        } else {
            Hash::leaf(&size.to_be_bytes())
        };
        let checkpoint = Checkpoint::new("gov.example/log", size, root).unwrap();
        checkpoint.sign(&[&key, &other]).unwrap().to_string()
    }

    fn file(notes: &[String]) -> Vec<u8> {
        let with_end = notes.iter().map(|note| format!("{note}{END_OF_NOTE}"));
        with_end.collect::<String>().into_bytes()
    }

    #[test]
    fn what_is_appended_is_read_again() {
        let notes: Vec<String> = (0..5).map(note).collect();
        let read = NoteList::parse(&file(&notes));
        let again: Vec<String> = read.notes.iter().map(ToString::to_string).collect();
        assert_eq!((again, read.broken), (notes, 0));
        assert_eq!(NoteList::parse(b""), NoteList::default());
        assert_eq!(NoteList::parse(b"hello\n").broken, 1);
    }

    /// A note cut at any byte, closed with two newlines, and a whole one behind it.
    #[test]
    fn a_note_that_a_crash_cut_hides_no_other() {
        let (first, cut, last) = (note(1), note(2), note(3));
        for end in 1..cut.len() {
            let mut bytes = file(std::slice::from_ref(&first));
            bytes.extend_from_slice(&cut.as_bytes()[..end]);
            bytes.extend_from_slice(b"\n\n");
            bytes.extend(file(std::slice::from_ref(&last)));
            let read = NoteList::parse(&bytes);
            let sizes: Vec<_> = read
                .notes
                .iter()
                .map(|note| Checkpoint::parse_body(note.text()).unwrap().size())
                .collect();
            // Cut behind its first signature it is still a note, and as good as it was.
            assert!(sizes == [1, 3] || sizes == [1, 2, 3], "{end}: {sizes:?}");
            assert!(sizes.len() == 3 || read.broken > 0, "{end}");
        }
    }
}
