//! What was kept outside the log: anchored checkpoints, and time stamps.

use probity_ledger::bundle::{Failure, Reason, Stamp};
use probity_ledger::{Checkpoint, NoteList, NoteVerifier};
use probity_timestamp::{Authorities, Timestamp};

use crate::adapters::timestamps::imprint_of;

/// The checkpoints of an anchor file.
pub(super) struct AnchorsRead {
    /// Those of all logs that are believed.
    pub(super) checkpoints: Vec<Checkpoint>,
    /// How many no trusted key signed.
    pub(super) unsigned: usize,
    /// How many pieces of the file are no note.
    pub(super) broken: usize,
}

impl AnchorsRead {
    /// Reads a file. With keys, only what one of them signed counts; without, all of it.
    pub(super) fn read(path: &str, keys: &[NoteVerifier]) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
        let list = NoteList::parse(&bytes);
        let mut read = Self {
            checkpoints: Vec::with_capacity(list.notes.len()),
            unsigned: 0,
            broken: list.broken,
        };
        for note in &list.notes {
            let checkpoint = if keys.is_empty() {
                Checkpoint::parse_body(note.text())
            } else {
                Checkpoint::verify(note.to_string().as_bytes(), keys)
            };
            match checkpoint {
                Ok(checkpoint) => read.checkpoints.push(checkpoint),
                Err(_) => read.unsigned += 1,
            }
        }
        Ok(read)
    }
}

/// The time stamps of a bundle.
pub(super) enum Stamps {
    /// Nobody named an authority: so many tokens were not looked at.
    Unchecked(usize),
    /// Verified, each with the size of the log that it covers.
    Verified(Vec<(u64, Timestamp)>),
}

impl Stamps {
    /// Verifies every token, if there is anybody to trust.
    pub(super) fn verify(stamps: &[Stamp], trusted: Option<&Authorities>) -> Result<Self, Failure> {
        let Some(trusted) = trusted else {
            return Ok(Self::Unchecked(stamps.len()));
        };
        let verified = stamps.iter().map(|stamp| {
            let size = stamp.checkpoint.size();
            let read = trusted.verify(&stamp.token, &imprint_of(&stamp.note), None);
            let refused = |error| {
                let told = format!("the time stamp over {size} entries: {error}");
                Failure::new(Reason::Timestamp, told)
            };
            read.map(|read| (size, read)).map_err(refused)
        });
        Ok(Self::Verified(verified.collect::<Result<_, _>>()?))
    }

    /// Whether stamps were to be verified and there are none.
    pub(super) fn are_missing(&self) -> bool {
        matches!(self, Self::Verified(stamps) if stamps.is_empty())
    }
}
