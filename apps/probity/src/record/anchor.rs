//! The file to which every signed checkpoint is appended, for whoever keeps it out of the operator's reach.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use probity_ledger::{END_OF_NOTE, NoteList, SignedNote};

/// What a file ends with in which every note is whole.
const END: &[u8] = b"\n\n";

/// The file of a setting.
pub(crate) struct AnchorFile {
    path: PathBuf,
    /// The last note of each log, so that none is appended twice in a row.
    last: Mutex<BTreeMap<String, String>>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("setting `anchor-file`: {path}: {source}")]
pub(crate) struct AnchorError {
    path: PathBuf,
    source: std::io::Error,
}

fn log_of(note: &SignedNote) -> String {
    note.text().lines().next().unwrap_or_default().to_owned()
}

impl AnchorFile {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self, AnchorError> {
        let wrong = |source| AnchorError {
            path: path.to_owned(),
            source,
        };
        let mut bytes = Vec::new();
        let mut file = appending(path).map_err(wrong)?;
        file.read_to_end(&mut bytes).map_err(wrong)?;
        let notes = NoteList::parse(&bytes).notes;
        let last = notes.iter().map(|note| (log_of(note), note.to_string()));
        Ok(Self {
            path: path.to_owned(),
            last: Mutex::new(last.collect()),
        })
    }

    /// Appends a note, durably, unless it is the last one of its log already.
    pub(crate) fn append(&self, note: &str) -> Result<(), AnchorError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let log = note.lines().next().unwrap_or_default();
        if last.get(log).is_some_and(|known| known == note) {
            return Ok(());
        }
        add(&self.path, note).map_err(|source| AnchorError {
            path: self.path.clone(),
            source,
        })?;
        last.insert(log.to_owned(), note.to_owned());
        Ok(())
    }
}

/// Opens a file to which nothing can be done but add; its folder knows it afterwards.
fn appending(path: &Path) -> std::io::Result<File> {
    let is_new = !path.exists();
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    if is_new {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(file)
}

fn add(path: &Path, note: &str) -> std::io::Result<()> {
    let mut file = appending(path)?;
    let mut text = format!("{note}{END_OF_NOTE}");
    if is_torn(&mut file)? {
        // What a crash left half written stays, and hides nothing behind it.
        text.insert_str(0, "\n\n");
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn is_torn(file: &mut File) -> std::io::Result<bool> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(false);
    }
    let back = i64::try_from(END.len())
        .unwrap_or(0)
        .min(i64::try_from(length).unwrap_or(0));
    file.seek(SeekFrom::End(-back))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(end != END)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(log: &str, size: u64) -> String {
        format!("{log}\n{size}\n{}=\n\n— {log} AAAAAAAA\n", "A".repeat(43))
    }

    fn notes(path: &Path) -> Vec<String> {
        let read = NoteList::parse(&std::fs::read(path).unwrap());
        read.notes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_note_is_appended_once_and_outlives_a_torn_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors");
        let file = AnchorFile::open(&path).unwrap();
        for (log, size) in [("a", 1), ("a", 1), ("b", 1), ("a", 2), ("b", 1)] {
            file.append(&note(log, size)).unwrap();
        }
        let three = [note("a", 1), note("b", 1), note("a", 2)];
        assert_eq!(notes(&path), three);
        let mut torn = appending(&path).unwrap();
        torn.write_all(b"a\n3\nAAAA").unwrap();
        let file = AnchorFile::open(&path).unwrap();
        file.append(&note("a", 2)).unwrap();
        file.append(&note("a", 4)).unwrap();
        assert_eq!(notes(&path), [&three[..], &[note("a", 4)]].concat());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let told = AnchorFile::open(folder.path()).err().unwrap();
        assert!(told.to_string().contains("anchor-file"), "{told}");
    }
}
