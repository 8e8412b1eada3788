//! Writing a bundle.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::manifest::Manifest;
use super::{MAGIC, seal_text};
use crate::canonical::{CanonicalError, push_string};
use crate::hash::Hash;
use crate::note::{NoteError, SignedNote};
use crate::note_key::NoteSigner;
use crate::proof::InclusionProof;
use crate::slot::Salt;

/// Writes the lines of a bundle and keeps the digest for its seal. The lines have to be asked for in the order of the
/// format; see the [module](super).
#[derive(Debug, Clone, Default)]
pub struct BundleWriter {
    digest: Sha256,
    entries: u64,
}

/// An entry as a bundle shows it.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// Its leaf, and its slots in the order of the leaf.
    Leaf(&'a [u8], &'a [SlotShown<'a>]),
    /// The hash of a leaf that was pruned.
    Pruned(&'a Hash),
}

/// A slot as a bundle shows it.
#[derive(Debug, Clone, Copy)]
pub enum SlotShown<'a> {
    /// Salt and bytes.
    Open(&'a Salt, &'a [u8]),
    /// There, but not for who asked.
    Withheld,
    /// Erased; an `audit.redact` says so.
    Erased,
}

impl BundleWriter {
    /// A writer of one bundle.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the first two lines.
    ///
    /// # Errors
    /// A number in the manifest that JSON cannot hold exactly.
    pub fn head(&mut self, manifest: &Manifest, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
        let start = out.len();
        out.extend_from_slice(MAGIC.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(&manifest.to_bytes()?);
        self.close(start, out);
        Ok(())
    }

    /// Appends a leaf that explains absences.
    pub fn explanation(
        &mut self,
        index: u64,
        proof: &InclusionProof,
        leaf: &[u8],
        out: &mut Vec<u8>,
    ) {
        self.proved("explains", index, proof, leaf, out);
    }

    /// Appends the entry before the run.
    pub fn before(&mut self, index: u64, proof: &InclusionProof, leaf: &[u8], out: &mut Vec<u8>) {
        self.proved("before", index, proof, leaf, out);
    }

    /// Appends the entry after the run.
    pub fn after(&mut self, index: u64, proof: &InclusionProof, leaf: &[u8], out: &mut Vec<u8>) {
        self.proved("after", index, proof, leaf, out);
    }

    fn proved(
        &mut self,
        what: &str,
        index: u64,
        proof: &InclusionProof,
        leaf: &[u8],
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        let hashes: Vec<String> = proof
            .hashes()
            .iter()
            .map(|hash| STANDARD.encode(hash.as_bytes()))
            .collect();
        let hashes = if hashes.is_empty() {
            "-".to_owned()
        } else {
            hashes.join(",")
        };
        out.extend_from_slice(format!("{what}\t{index}\t{hashes}\t").as_bytes());
        out.extend_from_slice(leaf);
        self.close(start, out);
    }

    /// Appends the next entry of the run.
    pub fn entry(&mut self, entry: &Shown<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        match entry {
            Shown::Pruned(hash) => {
                out.extend_from_slice(b"pruned\t");
                out.extend_from_slice(STANDARD.encode(hash.as_bytes()).as_bytes());
            }
            Shown::Leaf(leaf, slots) => {
                out.extend_from_slice(leaf);
                for slot in *slots {
                    out.push(b'\t');
                    match slot {
                        SlotShown::Open(salt, bytes) => {
                            let salt = URL_SAFE_NO_PAD.encode(salt.as_bytes());
                            out.extend_from_slice(salt.as_bytes());
                            out.push(b':');
                            out.extend_from_slice(bytes);
                        }
                        SlotShown::Withheld => out.extend_from_slice(b"withheld"),
                        SlotShown::Erased => out.extend_from_slice(b"erased"),
                    }
                }
            }
        }
        self.entries += 1;
        self.close(start, out);
    }

    /// Ends the line and takes it into the digest.
    fn close(&mut self, start: usize, out: &mut Vec<u8>) {
        out.push(b'\n');
        self.digest.update(out.get(start..).unwrap_or_default());
    }

    /// Appends the seal, signed with the keys of the log.
    ///
    /// # Errors
    /// No key, or an origin that no note can hold.
    pub fn seal(
        self,
        origin: &str,
        keys: &[&NoteSigner],
        out: &mut Vec<u8>,
    ) -> Result<(), NoteError> {
        let text = seal_text(origin, self.entries, &self.digest.finalize());
        let note = SignedNote::sign(&text, keys)?.to_string();
        out.extend_from_slice(b"seal\t");
        push_string(out, &note);
        out.push(b'\n');
        Ok(())
    }
}
