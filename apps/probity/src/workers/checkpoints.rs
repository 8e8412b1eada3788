//! Signed checkpoints of every organisation's log.
//!
//! The signer refuses what does not follow from the last checkpoint it signed: a log that shrank
//! or that was rewritten is never vouched for.

use ed25519_dalek::SigningKey;
use probity_kernel::{Clock, RepositoryError};
use probity_ledger::{
    Checkpoint, CheckpointSigner, ConsistencyProof, NoteSigner, SignedNote, consistency_proof,
};
use probity_store::{Database, LogHead};

/// The name under which one node signs at a time.
const TURN: &str = "probity.checkpoints";

/// Signs for all organisations with the server's key.
pub(crate) struct RecordSigner {
    key: SigningKey,
    origin: String,
    database: Database,
}

/// Why a checkpoint was not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error("organization {organization}: {reason}")]
    Refused {
        organization: String,
        reason: String,
    },
}

impl RecordSigner {
    pub(crate) fn new(key: SigningKey, origin: &str, database: Database) -> Self {
        Self {
            key,
            origin: origin.to_owned(),
            database,
        }
    }

    /// Signs a checkpoint of every log that has grown; answers how many.
    pub(crate) fn sign_all(&self, clock: &dyn Clock) -> Result<usize, SignError> {
        let mut failed = None;
        let signed = self.database.alone(TURN, || {
            let mut count = 0;
            for head in self.database.log_heads()? {
                match self.sign(&head, clock) {
                    Ok(true) => count += 1,
                    Ok(false) => {}
                    Err(error) => failed = Some(error),
                }
            }
            Ok(count)
        })?;
        failed.map_or(Ok(signed.unwrap_or(0)), Err)
    }

    fn sign(&self, head: &LogHead, clock: &dyn Clock) -> Result<bool, SignError> {
        let refused = |reason: String| SignError::Refused {
            organization: head.organization.to_string(),
            reason,
        };
        let last = head
            .signed
            .as_deref()
            .map(body_of)
            .transpose()
            .map_err(refused)?;
        if last
            .as_ref()
            .is_some_and(|last| last.size() == head.size && last.root() == head.root)
        {
            return Ok(false);
        }
        let proof = match &last {
            Some(last) if last.size() > 0 && last.size() < head.size => {
                self.proof(head, last.size())?
            }
            _ => ConsistencyProof::new(Vec::new()).map_err(|error| refused(error.to_string()))?,
        };
        let origin = format!("{}/{}/audit/{}", self.origin, head.organization, head.epoch);
        let checkpoint = Checkpoint::new(&origin, head.size, head.root)
            .map_err(|error| refused(error.to_string()))?;
        let note = NoteSigner::from_seed(&origin, self.key.as_bytes())
            .map_err(|error| refused(error.to_string()))
            .and_then(|signer| {
                CheckpointSigner::new(signer)
                    .sign_next(last.as_ref(), &checkpoint, &proof)
                    .map_err(|error| refused(error.to_string()))
            })?;
        let now = clock.now();
        self.database
            .keep_checkpoint(head.organization, head.size, &note.to_string(), now)?;
        Ok(true)
    }

    fn proof(&self, head: &LogHead, from: u64) -> Result<ConsistencyProof, RepositoryError> {
        self.database.with_log(head.organization, |hashes| {
            consistency_proof(hashes, from, head.size)
                .map_err(|error| RepositoryError::Database(error.to_string().into()))
        })
    }
}

fn body_of(note: &str) -> Result<Checkpoint, String> {
    let note = SignedNote::parse(note.as_bytes()).map_err(|error| error.to_string())?;
    Checkpoint::parse_body(note.text()).map_err(|error| error.to_string())
}
