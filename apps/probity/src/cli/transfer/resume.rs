//! What an upload left behind for the next run: the id of its session, in a small file of the user's
//! state folder, named after everything that tells this upload from any other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::cli::digest::hex;

/// The note of one upload.
#[derive(Debug)]
pub(super) struct Note(PathBuf);

impl Note {
    /// The note of the upload of a file, as it is now, to a place.
    pub(super) fn of(place: &str, file: &Path, facts: &str) -> io::Result<Self> {
        let known = fs::metadata(file)?;
        let changed = known.modified()?.duration_since(SystemTime::UNIX_EPOCH);
        let changed = changed.map_or(0, |since| since.as_nanos());
        let path = fs::canonicalize(file)?;
        let mut name = Sha256::new();
        for part in [
            place.as_bytes(),
            path.as_os_str().as_encoded_bytes(),
            known.len().to_string().as_bytes(),
            changed.to_string().as_bytes(),
            facts.as_bytes(),
        ] {
            name.update(Sha256::digest(part));
        }
        let name = hex(name);
        Ok(Self(folder().join(name)))
    }

    /// The session that an earlier run left.
    pub(super) fn read(&self) -> Option<String> {
        let text = fs::read_to_string(&self.0).ok()?;
        let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (!text.is_empty() && text.chars().all(is_id)).then_some(text)
    }

    /// Notes the session. Without the note an upload works, and cannot be gone on with.
    pub(super) fn write(&self, session: &str) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.0, session)
    }

    /// Forgets it.
    pub(super) fn clear(&self) {
        // A note that stays names a session that is over, which the next run finds out.
        let _ = fs::remove_file(&self.0);
    }
}

fn folder() -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_STATE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir)
        .join("probity/uploads")
}
