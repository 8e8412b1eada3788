//! Time stamps in a bundle, as far as the log itself can check them: that the stamped checkpoint is one that it continues.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::failure::{Failure, Reason};
use super::manifest::{Stamped, unwrap};
use crate::checkpoint::Checkpoint;
use crate::note::SignedNote;
use crate::proof::ConsistencyProof;

/// A checkpoint that the bundle continues, with a token over it. Whether the token is true is for who trusts its authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// What the stamped note says.
    pub checkpoint: Checkpoint,
    /// The note whose bytes were stamped.
    pub note: String,
    /// The token, DER.
    pub token: Vec<u8>,
}

/// Checks that `now` continues a stamped checkpoint. Its signatures do not matter: the stamp binds its root to a time, and
/// the proof the root to the log.
pub(super) fn check(stamped: &Stamped, now: &Checkpoint) -> Result<Stamp, Failure> {
    let wrong = |told: String| Failure::new(Reason::Timestamp, format!("a time stamp: {told}"));
    let note = SignedNote::parse(stamped.checkpoint.as_bytes())
        .map_err(|error| wrong(error.to_string()))?;
    let checkpoint =
        Checkpoint::parse_body(note.text()).map_err(|error| wrong(error.to_string()))?;
    let proof =
        ConsistencyProof::new(unwrap(&stamped.proof)).map_err(|error| wrong(error.to_string()))?;
    now.follows(&checkpoint, &proof)
        .map_err(|error| wrong(error.to_string()))?;
    let token = STANDARD
        .decode(&stamped.token)
        .map_err(|_| wrong("the token is not base64".to_owned()))?;
    Ok(Stamp {
        checkpoint,
        note: stamped.checkpoint.clone(),
        token,
    })
}
