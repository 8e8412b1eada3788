//! Bundles: a run of a log as one file that proves itself, written and checked line by line.
//!
//! A bundle is UTF-8 text in lines, each ended by a newline, in this order:
//!
//! 1. `probity-bundle/v1`
//! 2. the [`Manifest`], canonical JSON: the signed checkpoint, the run, and the hashes beside it
//! 3. leaves from anywhere in the log that explain absences: `explains`, index, inclusion proof, leaf
//! 4. the entries on both sides of the run, where there are any: `before` and `after`, as in 3
//! 5. the entries of the run, in order: the leaf and one field for each of its slots; or `pruned` and a leaf hash
//! 6. `seal` and, as a JSON string, a signed note over the SHA-256 of all lines before it
//!
//! Fields are separated by tabs, which canonical JSON never contains. A slot is `erased`, `withheld`, or its salt in
//! base64url, a colon and its bytes. Proofs are hashes in base64, separated by commas, or `-` if there are none. Memory
//! does not grow with the run, neither for the writer nor for the verifier.

mod anchors;
mod failure;
mod manifest;
mod report;
mod stamps;
mod verifier;
mod writer;

pub use anchors::{Anchor, Compared};
pub use failure::{Failure, Reason};
pub use manifest::{Consistency, Manifest, Stamped, Window};
pub use report::{Limits, Report};
pub use stamps::Stamp;
pub use verifier::{BundleVerifier, Trust};
pub use writer::{BundleWriter, Shown, SlotShown};

/// The first line of a bundle, and of the note that seals it.
pub const MAGIC: &str = "probity-bundle/v1";

/// The text of the note that seals a bundle.
fn seal_text(origin: &str, entries: u64, digest: &[u8]) -> String {
    use base64::Engine;
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    format!("{MAGIC}\n{origin}\n{entries}\n{digest}\n")
}

#[cfg(test)]
mod tests;
