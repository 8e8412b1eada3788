//! The record as it is read and proved: checkpoints, proofs, tiles, entries.

mod anchor;
pub(crate) mod durable;
mod export;
mod page;
mod signer;
mod stamper;
mod state;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use probity_kernel::{Clock, DomainError, ErrorKind, OrganizationId, RepositoryError};
use probity_ledger::{
    Checkpoint, ConsistencyProof, Hash, HashReader as _, InclusionProof, NoteVerifier, TreeError,
    consistency_proof, inclusion_proof, root_at,
};
use probity_store::{Database, LogHead};
pub(crate) use probity_store::{EntryFilter, EntryPage, OpenSlot, RecordEntry};

pub(crate) use self::anchor::{AnchorError, AnchorFile};
pub(crate) use self::export::Wanted;
pub(crate) use self::page::page;
pub(crate) use self::signer::{RecordSigner, SignError, body_of};
pub(crate) use self::stamper::Stamper;
pub(crate) use self::state::SignedStates;

/// How often another node's checkpoint is waited for.
const PATIENCE: u32 = 40;
/// How long each time.
const PAUSE: Duration = Duration::from_millis(50);

/// Reads the record of one organisation at a time.
#[derive(Clone)]
pub(crate) struct Record {
    database: Database,
    signer: Arc<RecordSigner>,
    clock: Arc<dyn Clock>,
}

/// Why the record cannot answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error("the organisation has no record")]
    NoLog,
    #[error("{what} must be {range}")]
    OutOfRange { what: &'static str, range: String },
    #[error("the checkpoint could not be signed: {0}")]
    NotSigned(String),
}

impl DomainError for RecordError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Repository(error) => error.kind(),
            Self::NoLog => ErrorKind::NotFound,
            Self::OutOfRange { .. } => ErrorKind::Invalid,
            Self::NotSigned(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Repository(error) => error.code(),
            Self::NoLog => "not_found",
            Self::OutOfRange { .. } => "out_of_range",
            Self::NotSigned(_) => "internal_error",
        }
    }

    fn fields(&self) -> Vec<probity_kernel::FieldError> {
        match self {
            Self::OutOfRange { what, range } => vec![probity_kernel::FieldError::new(
                *what,
                "out_of_range",
                format!("must be {range}"),
            )],
            Self::Repository(_) | Self::NoLog | Self::NotSigned(_) => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Repository(error) => error.retry_after(),
            Self::NoLog | Self::OutOfRange { .. } | Self::NotSigned(_) => None,
        }
    }
}

/// A signed checkpoint with what it says.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) note: String,
    pub(crate) checkpoint: Checkpoint,
}

/// The proof that an entry is in the log.
#[derive(Debug)]
pub(crate) struct Inclusion {
    pub(crate) leaf: Hash,
    pub(crate) root: Hash,
    pub(crate) proof: InclusionProof,
}

/// The proof that a log only grew.
#[derive(Debug)]
pub(crate) struct Consistency {
    pub(crate) from: Hash,
    pub(crate) to: Hash,
    pub(crate) proof: ConsistencyProof,
}

fn unproved(error: TreeError<RepositoryError>) -> RepositoryError {
    match error {
        TreeError::Reader(error) => error,
        TreeError::IndexOutOfRange { .. }
        | TreeError::SizesOutOfOrder { .. }
        | TreeError::TooLarge(_)
        | TreeError::Missing { .. } => RepositoryError::Database(error.to_string().into()),
    }
}

impl Record {
    pub(crate) fn new(
        database: Database,
        signer: Arc<RecordSigner>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            database,
            signer,
            clock,
        }
    }

    pub(crate) fn signer(&self) -> &Arc<RecordSigner> {
        &self.signer
    }

    async fn head(&self, organization: OrganizationId) -> Result<LogHead, RecordError> {
        let head = self.database.log_head(organization).await?;
        head.ok_or(RecordError::NoLog)
    }

    /// How many entries the log has.
    pub(crate) async fn size(&self, organization: OrganizationId) -> Result<u64, RecordError> {
        Ok(self.head(organization).await?.size)
    }

    /// The checkpoint of the log as it stands, signed now if it has grown.
    pub(crate) async fn checkpoint(
        &self,
        organization: OrganizationId,
    ) -> Result<Signed, RecordError> {
        for _ in 0..PATIENCE {
            self.head(organization).await?;
            let (signer, clock) = (self.signer.clone(), self.clock.clone());
            let answer =
                tokio::task::spawn_blocking(move || signer.sign_one(organization, clock.as_ref()))
                    .await
                    .map_err(|error| RecordError::NotSigned(error.to_string()))?;
            match answer {
                Ok(Some(note)) => {
                    let checkpoint = body_of(&note).map_err(RecordError::NotSigned)?;
                    return Ok(Signed { note, checkpoint });
                }
                Ok(None) => tokio::time::sleep(PAUSE).await,
                Err(SignError::Repository(error)) => return Err(error.into()),
                Err(error) => return Err(RecordError::NotSigned(error.to_string())),
            }
        }
        Err(RepositoryError::Unavailable { retry_after: PAUSE }.into())
    }

    /// The origin of the log, and the keys that sign it.
    pub(crate) async fn keys(
        &self,
        organization: OrganizationId,
    ) -> Result<(String, Vec<NoteVerifier>), RecordError> {
        let head = self.head(organization).await?;
        let origin = self.signer.origin_of(organization, head.epoch);
        let keys = self.signer.verifiers(&origin);
        Ok((origin, keys))
    }

    /// Proves that an entry is among the first `size`.
    pub(crate) async fn inclusion(
        &self,
        organization: OrganizationId,
        index: u64,
        size: u64,
    ) -> Result<Inclusion, RecordError> {
        let all = self.size(organization).await?;
        if size == 0 || size > all {
            let range = format!("from 1 to {all}, the size of the log");
            return Err(RecordError::OutOfRange {
                what: "size",
                range,
            });
        }
        if index >= size {
            let range = format!("below {size}, the size of the tree");
            return Err(RecordError::OutOfRange {
                what: "index",
                range,
            });
        }
        let made = self.database.read_log(organization, move |hashes| {
            let leaf = hashes.read(0, index..index + 1)?.into_iter().next();
            Ok(Inclusion {
                leaf: leaf.ok_or_else(|| {
                    RepositoryError::Database("an entry of the log is missing".into())
                })?,
                root: root_at(hashes, size).map_err(unproved)?,
                proof: inclusion_proof(hashes, index, size).map_err(unproved)?,
            })
        });
        made.await?.ok_or(RecordError::NoLog)
    }

    /// Proves that the first `to` entries begin with the first `from`.
    pub(crate) async fn consistency(
        &self,
        organization: OrganizationId,
        from: u64,
        to: u64,
    ) -> Result<Consistency, RecordError> {
        let all = self.size(organization).await?;
        if to > all {
            let range = format!("at most {all}, the size of the log");
            return Err(RecordError::OutOfRange { what: "to", range });
        }
        if from == 0 || from > to {
            let range = format!("from 1 to {to}: every log begins with the empty one");
            return Err(RecordError::OutOfRange {
                what: "from",
                range,
            });
        }
        let made = self.database.read_log(organization, move |hashes| {
            Ok(Consistency {
                from: root_at(hashes, from).map_err(unproved)?,
                to: root_at(hashes, to).map_err(unproved)?,
                proof: consistency_proof(hashes, from, to).map_err(unproved)?,
            })
        });
        made.await?.ok_or(RecordError::NoLog)
    }

    /// Stored hashes of one level, as far as the log completes them.
    pub(crate) async fn hashes(
        &self,
        organization: OrganizationId,
        level: u8,
        range: Range<u64>,
    ) -> Result<Vec<Hash>, RecordError> {
        let read = self
            .database
            .read_log(organization, move |hashes| hashes.read(level, range));
        read.await?.ok_or(RecordError::NoLog)
    }

    /// Entries of a range, rising.
    pub(crate) async fn entries(
        &self,
        organization: OrganizationId,
        range: Range<u64>,
    ) -> Result<Vec<RecordEntry>, RecordError> {
        Ok(self.database.record_entries(organization, range).await?)
    }

    /// Entries below a number that a filter accepts, newest first.
    pub(crate) async fn find(
        &self,
        organization: OrganizationId,
        filter: EntryFilter,
        below: Option<u64>,
        limit: usize,
    ) -> Result<EntryPage, RecordError> {
        /// How many entries one request looks at.
        const EXAMINE: u64 = 8_000;
        let found = self
            .database
            .find_entries(organization, filter, below, limit, EXAMINE);
        Ok(found.await?)
    }
}

#[cfg(test)]
mod tests;
