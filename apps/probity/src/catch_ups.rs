//! The digest of an upload whose chunks came out of order is brought up behind the requests.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use probity_artifacts::UploadSession;
use probity_kernel::UploadSessionId;

use crate::state::ArtifactStore;

/// The uploads whose digest is being brought up, one task each.
#[derive(Debug, Clone, Default)]
pub(crate) struct CatchUps(Arc<Mutex<HashSet<UploadSessionId>>>);

impl CatchUps {
    /// Starts a task for the upload if its digest is behind and nobody is at it.
    pub(crate) fn start(&self, artifacts: &ArtifactStore, session: &UploadSession) {
        let id = session.id;
        if session.hash.chunks >= session.contiguous() || !self.running().insert(id) {
            return;
        }
        let (running, artifacts) = (self.clone(), artifacts.clone());
        let (organization, product) = (session.organization, session.product);
        tokio::spawn(async move {
            let hashed = artifacts.catch_up(organization, product, id).await;
            running.running().remove(&id);
            // Completion hashes what is left.
            if let Err(error) = hashed {
                tracing::debug!(upload = %id, error = %error, "the digest stays behind");
            }
        });
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashSet<UploadSessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
