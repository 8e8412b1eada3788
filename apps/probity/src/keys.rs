//! Signing keys on disk: made on first use, readable by their owner only.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("key file {path}: {reason}")]
pub(crate) struct KeyFileError {
    path: String,
    reason: String,
}

/// Which of the server's keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyUse {
    /// Signs the server's own tokens.
    Tokens,
    /// Signs the checkpoints of the record.
    Record,
    /// Cosigns the checkpoints of the logs of others.
    Witness,
}

impl KeyUse {
    const fn file_name(self) -> &'static str {
        match self {
            Self::Tokens => "tokens-ed25519.pem",
            Self::Record => "record-ed25519.pem",
            Self::Witness => "witness-ed25519.pem",
        }
    }
}

/// Reads a key, or makes it when the file does not exist. Two processes that make it at once end
/// up with the same one: the file appears whole or not at all.
pub(crate) fn load_or_create(data_dir: &Path, usage: KeyUse) -> Result<SigningKey, KeyFileError> {
    let folder = data_dir.join("keys");
    let path = folder.join(usage.file_name());
    let wrong = |reason: String| KeyFileError {
        path: path.display().to_string(),
        reason,
    };
    if !path.exists() {
        std::fs::create_dir_all(&folder).map_err(|error| wrong(error.to_string()))?;
        create(&folder, &path).map_err(wrong)?;
    }
    read(&path)
}

fn read(path: &Path) -> Result<SigningKey, KeyFileError> {
    let wrong = |reason: String| KeyFileError {
        path: path.display().to_string(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    SigningKey::from_pkcs8_pem(&text)
        .map_err(|error| wrong(format!("expected PKCS#8 PEM: {error}")))
}

fn create(folder: &Path, path: &PathBuf) -> Result<(), String> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed).map_err(|error| error.to_string())?;
    // Version 1 of the format, without the public key, is what every other tool reads.
    let document = KeypairBytes {
        secret_key: seed,
        public_key: None,
    }
    .to_pkcs8_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF)
    .map_err(|error| error.to_string())?;
    let draft = folder.join(format!(".{}.pem", std::process::id()));
    let written = (|| {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(document.as_bytes())?;
        file.sync_all()?;
        match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            done => done,
        }
    })();
    let _ = std::fs::remove_file(&draft);
    written.map_err(|error: std::io::Error| error.to_string())
}

/// The name of the key that the present one replaced and that still signs beside it.
const PREVIOUS: &str = "record-ed25519.previous.pem";

/// The keys that sign the record: the one that was replaced, while it still signs, and the present one.
pub(crate) fn record_keys(data_dir: &Path) -> Result<Vec<SigningKey>, KeyFileError> {
    let previous = previous_record_key(data_dir)?;
    let present = load_or_create(data_dir, KeyUse::Record)?;
    Ok(previous.into_iter().chain([present]).collect())
}

/// The key that the present one replaced, while it still signs.
pub(crate) fn previous_record_key(data_dir: &Path) -> Result<Option<SigningKey>, KeyFileError> {
    let path = data_dir.join("keys").join(PREVIOUS);
    if path.exists() {
        read(&path).map(Some)
    } else {
        Ok(None)
    }
}

/// Makes a new key; the present one goes on signing beside it.
pub(crate) fn rotate_record_key(data_dir: &Path) -> Result<SigningKey, KeyFileError> {
    let folder = data_dir.join("keys");
    let (present, previous) = (
        folder.join(KeyUse::Record.file_name()),
        folder.join(PREVIOUS),
    );
    let wrong = |path: &Path, reason: String| KeyFileError {
        path: path.display().to_string(),
        reason,
    };
    if previous.exists() {
        let reason = "the key replaced last still signs; retire it first".to_owned();
        return Err(wrong(&previous, reason));
    }
    load_or_create(data_dir, KeyUse::Record)?;
    // A copy first: at no moment is there a folder without the key that signed so far.
    std::fs::hard_link(&present, &previous).map_err(|error| wrong(&previous, error.to_string()))?;
    std::fs::remove_file(&present).map_err(|error| wrong(&present, error.to_string()))?;
    load_or_create(data_dir, KeyUse::Record)
}

/// Removes the key that was replaced.
pub(crate) fn retire_record_key(data_dir: &Path) -> Result<(), KeyFileError> {
    let path = data_dir.join("keys").join(PREVIOUS);
    std::fs::remove_file(&path).map_err(|error| KeyFileError {
        path: path.display().to_string(),
        reason: error.to_string(),
    })
}
