//! Signed checkpoints of every organisation's log.
//!
//! The signer refuses what does not follow from the last checkpoint it signed: a log that shrank
//! or that was rewritten is never vouched for. What it signed last stands in the database and, so
//! that whoever changes the database changes nothing here, in a file beside the key.

use std::sync::{Mutex, PoisonError};

use ed25519_dalek::SigningKey;
use probity_kernel::{Clock, OrganizationId, RepositoryError};
use probity_ledger::{
    Checkpoint, CheckpointSigner, ConsistencyProof, NoteSigner, NoteVerifier, SignedNote,
    consistency_proof, root_at,
};
use probity_store::{Database, LogHead};

use super::anchor::{AnchorError, AnchorFile};
use super::state::{SignedStates, StateError};
use crate::adapters::witnesses::Witnesses;

/// The name under which one node signs at a time.
const TURN: &str = "probity.checkpoints";

/// Signs for all organisations with the server's key.
pub(crate) struct RecordSigner {
    /// The key, and before it those that it replaced and that still sign beside it.
    keys: Vec<SigningKey>,
    origin: String,
    database: Database,
    states: SignedStates,
    witnesses: Option<Witnesses>,
    anchors: Option<AnchorFile>,
    /// Within this process one log is signed at a time: a request may ask while the worker is at it.
    turn: Mutex<()>,
}

/// Why a checkpoint was not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    #[error("organization {organization}: {reason}")]
    Refused {
        organization: String,
        reason: String,
    },
}

impl RecordSigner {
    pub(crate) fn new(
        keys: Vec<SigningKey>,
        origin: &str,
        database: Database,
        states: SignedStates,
    ) -> Self {
        Self {
            keys,
            origin: origin.to_owned(),
            database,
            states,
            witnesses: None,
            anchors: None,
            turn: Mutex::default(),
        }
    }

    /// Has its checkpoints cosigned.
    pub(crate) fn with_witnesses(mut self, witnesses: Witnesses) -> Self {
        self.witnesses = Some(witnesses).filter(|witnesses| !witnesses.is_empty());
        self
    }

    /// Appends its checkpoints to a file outside.
    pub(crate) fn with_anchors(mut self, anchors: Option<AnchorFile>) -> Self {
        self.anchors = anchors;
        self
    }

    /// Signs a checkpoint of every log that has grown; answers how many. Blocks meanwhile.
    pub(crate) fn sign_all(&self, clock: &dyn Clock) -> Result<usize, SignError> {
        let mut failed = None;
        let signed = self.alone(|| {
            let mut count = 0;
            for head in self.database.log_heads()? {
                match self.sign(&head, clock) {
                    Ok((_, true)) => count += 1,
                    Ok((_, false)) => {}
                    Err(error) => failed = Some(error),
                }
            }
            Ok(count)
        })?;
        failed.map_or(Ok(signed.unwrap_or(0)), Err)
    }

    /// The signed checkpoint of one log as it stands now, signed anew if the log has grown. `None`
    /// while another node signs: its checkpoint will do. Blocks meanwhile.
    pub(crate) fn sign_one(
        &self,
        organization: OrganizationId,
        clock: &dyn Clock,
    ) -> Result<Option<String>, SignError> {
        let mut outcome = None;
        self.alone(|| {
            // Read within the turn: a head from before it may be behind what was signed meanwhile.
            if let Some(head) = self.database.log_head_now(organization)? {
                outcome = Some(self.sign(&head, clock));
            }
            Ok(())
        })?;
        outcome.transpose().map(|done| done.map(|(note, _)| note))
    }

    fn alone<T>(
        &self,
        work: impl FnOnce() -> Result<T, RepositoryError>,
    ) -> Result<Option<T>, RepositoryError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.database.alone(TURN, work)
    }

    /// Refuses to go on with a database that is behind what was signed, or has another history.
    /// Blocks meanwhile.
    pub(crate) fn check_states(&self) -> Result<(), SignError> {
        let heads = self.database.log_heads()?;
        for (organization, note) in self.states.all()? {
            let Some(head) = heads.iter().find(|head| head.organization == organization) else {
                tracing::warn!(%organization, "the database does not hold a log that was signed here");
                continue;
            };
            let last = body_of(&note).map_err(|reason| refused(head, reason))?;
            self.check_state(head, &last)?;
        }
        Ok(())
    }

    fn check_state(&self, head: &LogHead, last: &Checkpoint) -> Result<(), SignError> {
        let signed = epoch_of(last.origin()).unwrap_or(u64::MAX);
        if signed < head.epoch {
            return Ok(());
        }
        let behind = |told: String| {
            let told = format!(
                "{told}. Restore a newer backup, or open a new epoch on the record with \
                 `probity epoch open --org SLUG --reason TEXT`"
            );
            Err(refused(head, told))
        };
        if signed > head.epoch {
            return behind(format!(
                "the database is in epoch {}, but epoch {signed} was signed",
                head.epoch
            ));
        }
        if head.size < last.size() {
            return behind(format!(
                "the database has {} entries, but {} were signed",
                head.size,
                last.size()
            ));
        }
        let root = self.root(head, last.size())?;
        if root != last.root() {
            return behind(format!(
                "the first {} entries are not those that were signed",
                last.size()
            ));
        }
        Ok(())
    }

    /// The note over the log as it stands, and whether it was signed just now.
    fn sign(&self, head: &LogHead, clock: &dyn Clock) -> Result<(String, bool), SignError> {
        let kept = self.states.get(head.organization)?;
        let in_file = kept.as_deref().map(body_of).transpose();
        let in_file = in_file.map_err(|reason| refused(head, reason))?;
        if let Some(last) = &in_file {
            self.check_state(head, last)?;
        }
        let origin = self.origin_of(head.organization, head.epoch);
        let in_file = in_file.filter(|last| last.origin() == origin);
        let told = head.signed.as_deref();
        let in_database = told.map(body_of).transpose();
        let in_database = in_database.map_err(|reason| refused(head, reason))?;
        let checkpoint = Checkpoint::new(&origin, head.size, head.root)
            .map_err(|error| refused(head, error.to_string()))?;
        for (last, note, stored) in [
            (&in_database, told, true),
            (&in_file, kept.as_deref(), false),
        ] {
            if let (Some(last), Some(note)) = (last, note)
                && *last == checkpoint
            {
                // Signed before, but perhaps the process ended before all knew.
                self.keep(head, note, clock, stored)?;
                return Ok((note.to_owned(), false));
            }
        }
        let signer = self.signer(&origin, head)?;
        let known = in_database.as_ref().map_or(0, Checkpoint::size);
        let mut note = None;
        for last in [in_database, in_file] {
            let proof = match &last {
                Some(last) if last.size() > 0 && last.size() < head.size => {
                    self.proof(head, last.size())?
                }
                _ => ConsistencyProof::default(),
            };
            let made = signer
                .sign_next(last.as_ref(), &checkpoint, &proof)
                .map_err(|error| refused(head, error.to_string()))?;
            note = Some(made);
        }
        let mut note = note.ok_or_else(|| refused(head, "there is no key".to_owned()))?;
        self.cosign(head, known, &mut note);
        let note = note.to_string();
        self.keep(head, &note, clock, false)?;
        Ok((note, true))
    }

    /// Asks the witnesses for their signatures. Blocks meanwhile, for a few seconds at most for each.
    fn cosign(&self, head: &LogHead, known: u64, note: &mut SignedNote) {
        let Some(witnesses) = &self.witnesses else {
            return;
        };
        let prove = |old: u64| match old {
            0 => Some(ConsistencyProof::default()),
            old if old <= head.size => self.proof(head, old).ok(),
            _ => None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(witnesses.cosign(note, known, &prove)),
            Err(error) => tracing::warn!(error = %error, "the witnesses were not asked"),
        }
    }

    /// Keeps a note beside the key, outside, and then in the database, before anybody gets to see it.
    fn keep(
        &self,
        head: &LogHead,
        note: &str,
        clock: &dyn Clock,
        stored: bool,
    ) -> Result<(), SignError> {
        self.states.keep(head.organization, note)?;
        if let Some(anchors) = &self.anchors {
            anchors.append(note)?;
        }
        if !stored {
            self.database
                .keep_checkpoint(head.organization, head.size, note, clock.now())?;
        }
        Ok(())
    }

    fn signer(&self, origin: &str, head: &LogHead) -> Result<CheckpointSigner, SignError> {
        let mut signer: Option<CheckpointSigner> = None;
        for key in &self.keys {
            let key = NoteSigner::from_seed(origin, key.as_bytes())
                .map_err(|error| refused(head, error.to_string()))?;
            signer = Some(match signer {
                None => CheckpointSigner::new(key),
                Some(signer) => signer
                    .with_key(key)
                    .map_err(|error| refused(head, error.to_string()))?,
            });
        }
        signer.ok_or_else(|| refused(head, "there is no key".to_owned()))
    }

    /// The name of an organisation's log in an epoch.
    pub(crate) fn origin_of(&self, organization: OrganizationId, epoch: u64) -> String {
        format!("{}/{organization}/audit/{epoch}", self.origin)
    }

    /// The keys that sign an organisation's log, the present one last.
    pub(crate) fn signers(&self, origin: &str) -> Vec<NoteSigner> {
        let named = self
            .keys
            .iter()
            .map(|key| NoteSigner::from_seed(origin, key.as_bytes()));
        named.filter_map(Result::ok).collect()
    }

    /// Their public halves.
    pub(crate) fn verifiers(&self, origin: &str) -> Vec<NoteVerifier> {
        let signers = self.signers(origin);
        signers.iter().map(|key| key.verifier().clone()).collect()
    }

    fn root(&self, head: &LogHead, size: u64) -> Result<probity_ledger::Hash, RepositoryError> {
        self.database.with_log(head.organization, |hashes| {
            root_at(hashes, size)
                .map_err(|error| RepositoryError::Database(error.to_string().into()))
        })
    }

    fn proof(&self, head: &LogHead, from: u64) -> Result<ConsistencyProof, RepositoryError> {
        self.database.with_log(head.organization, |hashes| {
            consistency_proof(hashes, from, head.size)
                .map_err(|error| RepositoryError::Database(error.to_string().into()))
        })
    }
}

fn refused(head: &LogHead, reason: String) -> SignError {
    SignError::Refused {
        organization: head.organization.to_string(),
        reason,
    }
}

/// The epoch that an origin ends with.
pub(super) fn epoch_of(origin: &str) -> Option<u64> {
    origin.rsplit_once('/')?.1.parse().ok()
}

/// What a note says; nobody's signature is looked at.
pub(crate) fn body_of(note: &str) -> Result<Checkpoint, String> {
    let note = SignedNote::parse(note.as_bytes()).map_err(|error| error.to_string())?;
    Checkpoint::parse_body(note.text()).map_err(|error| error.to_string())
}
