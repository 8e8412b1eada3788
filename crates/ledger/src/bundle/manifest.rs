//! The second line of a bundle.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::canonical::to_canonical;
use crate::frontier::MAX_SIZE;
use crate::hash::Hash;

/// The version of the manifest, its member `v`.
const VERSION: u8 = 1;

/// What a bundle holds and what it is measured against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The signed checkpoint, a note.
    pub checkpoint: String,
    /// A proof that the log only grew since an earlier size, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub consistency: Option<Consistency>,
    /// The entry after the last one of the run.
    pub end: u64,
    /// The keys that sign the log, for who has not got them elsewhere.
    pub keys: Vec<String>,
    /// The roots of the largest complete subtrees before the run.
    pub left: Vec<Base64Hash>,
    /// The roots of the largest complete subtrees after the run.
    pub right: Vec<Base64Hash>,
    /// The first entry of the run.
    pub start: u64,
    /// Time stamps of checkpoints that this one continues, oldest first, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub timestamps: Vec<Stamped>,
    /// The version of this format.
    pub v: u8,
    /// The span of time that was asked for, if the run was not named by numbers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window: Option<Window>,
}

/// A consistency proof between an earlier size and the checkpoint's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// The earlier size.
    pub from: u64,
    /// The hashes.
    pub proof: Vec<Base64Hash>,
}

/// A checkpoint that a time-stamp authority stamped (RFC 3161).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamped {
    /// The signed checkpoint, a note. Its bytes are what was stamped.
    pub checkpoint: String,
    /// A consistency proof from it to the checkpoint of the bundle.
    pub proof: Vec<Base64Hash>,
    /// The token, DER in base64.
    pub token: String,
}

impl Stamped {
    /// A stamped checkpoint for a manifest.
    #[must_use]
    pub fn new(checkpoint: String, proof: &crate::proof::ConsistencyProof, token: &[u8]) -> Self {
        Self {
            checkpoint,
            proof: wrap(proof.hashes()),
            token: STANDARD.encode(token),
        }
    }
}

/// A span of time, each end as leaves spell instants; the second is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Not before.
    pub from: String,
    /// Before.
    pub to: String,
}

/// A hash that JSON spells in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base64Hash(pub Hash);

impl Serialize for Base64Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for Base64Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hash(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a hash is 32 bytes in base64"))
    }
}

/// Reads a hash in base64, in its one spelling.
pub(super) fn hash(text: &str) -> Option<Hash> {
    let bytes = STANDARD.decode(text).ok()?;
    Hash::try_from(bytes.as_slice()).ok()
}

/// Wraps hashes for a manifest.
pub(super) fn wrap(hashes: &[Hash]) -> Vec<Base64Hash> {
    hashes.iter().copied().map(Base64Hash).collect()
}

/// Unwraps the hashes of a manifest.
pub(super) fn unwrap(hashes: &[Base64Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| hash.0).collect()
}

impl Manifest {
    /// A manifest of this version.
    #[must_use]
    pub fn new(
        checkpoint: String,
        keys: Vec<String>,
        run: std::ops::Range<u64>,
        proof: &crate::range::RangeProof,
    ) -> Self {
        Self {
            checkpoint,
            consistency: None,
            end: run.end,
            keys,
            left: wrap(&proof.left),
            right: wrap(&proof.right),
            start: run.start,
            timestamps: Vec::new(),
            v: VERSION,
            window: None,
        }
    }

    /// Adds the span of time that was asked for.
    #[must_use]
    pub fn with_window(mut self, window: Option<Window>) -> Self {
        self.window = window;
        self
    }

    /// Adds time stamps.
    #[must_use]
    pub fn with_timestamps(mut self, timestamps: Vec<Stamped>) -> Self {
        self.timestamps = timestamps;
        self
    }

    /// Adds a proof that the log only grew since `from` entries.
    #[must_use]
    pub fn with_consistency(mut self, from: u64, proof: &crate::proof::ConsistencyProof) -> Self {
        self.consistency = Some(Consistency {
            from,
            proof: wrap(proof.hashes()),
        });
        self
    }

    /// The bytes of its line, without the newline.
    ///
    /// # Errors
    /// A number that JSON cannot hold exactly.
    pub fn to_bytes(&self) -> Result<Vec<u8>, crate::canonical::CanonicalError> {
        to_canonical(self)
    }

    /// Reads a manifest in its one spelling.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if read.v != VERSION {
            return Err(format!("the format version {} is unknown", read.v));
        }
        if read.start > read.end || read.end > MAX_SIZE {
            return Err("the run ends before it starts".to_owned());
        }
        if read.to_bytes().is_ok_and(|again| again == bytes) {
            Ok(read)
        } else {
            Err("it is not in canonical form".to_owned())
        }
    }
}
