//! What was signed last, in one small file per log beside the key.

use std::path::{Path, PathBuf};

use probity_kernel::OrganizationId;

/// The folder of the notes that were signed last.
#[derive(Debug, Clone)]
pub(crate) struct SignedStates {
    folder: PathBuf,
}

/// A file of the signer's state that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("signer state {path}: {reason}")]
pub(crate) struct StateError {
    path: String,
    reason: String,
}

impl StateError {
    fn new(path: &Path, reason: &std::io::Error) -> Self {
        Self {
            path: path.display().to_string(),
            reason: reason.to_string(),
        }
    }
}

impl SignedStates {
    /// The states below a data folder, which is made when something is kept.
    pub(crate) fn below(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join("keys").join("signed"),
        }
    }

    fn path(&self, organization: OrganizationId) -> PathBuf {
        self.folder.join(format!("{organization}.note"))
    }

    /// The note of one log.
    pub(crate) fn get(&self, organization: OrganizationId) -> Result<Option<String>, StateError> {
        let path = self.path(organization);
        match std::fs::read_to_string(&path) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StateError::new(&path, &error)),
        }
    }

    /// The notes of all logs.
    pub(crate) fn all(&self) -> Result<Vec<(OrganizationId, String)>, StateError> {
        let wrong = |error: std::io::Error| StateError::new(&self.folder, &error);
        let files = match std::fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(wrong(error)),
        };
        let mut notes = Vec::new();
        for file in files {
            let name = file.map_err(wrong)?.file_name();
            let id = name
                .to_str()
                .and_then(|name| name.strip_suffix(".note"))
                .and_then(|id| id.parse::<OrganizationId>().ok());
            // Drafts that a crash left behind have another name.
            let Some(organization) = id else { continue };
            notes.extend(self.get(organization)?.map(|note| (organization, note)));
        }
        Ok(notes)
    }

    /// Keeps a note in place of the last one, durably.
    pub(crate) fn keep(&self, organization: OrganizationId, note: &str) -> Result<(), StateError> {
        if self.get(organization)?.as_deref() == Some(note) {
            return Ok(());
        }
        let path = self.path(organization);
        super::durable::write(&path, note.as_bytes())
            .map_err(|error| StateError::new(&path, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_stands_and_drafts_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let states = SignedStates::below(folder.path());
        let organization = OrganizationId::new(uuid::Uuid::from_u128(7));
        assert_eq!(states.get(organization).unwrap(), None);
        assert_eq!(states.all().unwrap(), []);
        states.keep(organization, "one").unwrap();
        states.keep(organization, "two").unwrap();
        std::fs::write(states.folder.join(".draft"), "x").unwrap();
        assert_eq!(states.get(organization).unwrap().as_deref(), Some("two"));
        assert_eq!(states.all().unwrap(), [(organization, "two".to_owned())]);
    }
}
