//! Makes the index by which entries of the record are searched, and stores the hashes that logs from before this
//! release lack.

use std::time::Duration;

use probity_kernel::OrganizationId;
use probity_store::Database;

use super::background::{Background, Stop};
use crate::startup::StartError;

/// How many blocks one unit of work indexes, so that no caller waits long for the writer.
const STEP: usize = 4;
/// How many such steps an organisation gets in a round, so that none keeps the others waiting.
const STEPS: usize = 256;

/// Starts it, on a thread of its own: after an upgrade there are many blocks to index, and checkpoints are
/// signed meanwhile.
pub(super) fn start(database: &Database, every: Duration) -> Result<Background, StartError> {
    let database = database.clone();
    Background::start("entries", every, move |stop| index(&database, stop))
}

/// One round over all organisations.
fn index(database: &Database, stop: &Stop) {
    let organizations = match database.organization_ids() {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error = %error, "what is to be indexed is not known");
            return;
        }
    };
    for organization in organizations {
        bring_up(database, organization, stop);
        for _ in 0..STEPS {
            match database.index_entries(organization, STEP) {
                Ok(0) => break,
                Ok(blocks) => tracing::debug!(%organization, blocks, "indexed entries"),
                Err(error) => {
                    tracing::warn!(%organization, error = %error, "entries were not indexed");
                    break;
                }
            }
            if !stop.allows_after(Duration::ZERO) {
                return;
            }
        }
    }
}

/// Stores what a log lacks until it is through or the round of this organisation is over.
fn bring_up(database: &Database, organization: OrganizationId, stop: &Stop) {
    for _ in 0..STEPS {
        match database.bring_up_hashes(organization) {
            Ok(0) => return,
            Ok(leaves) => tracing::debug!(%organization, leaves, "stored hashes of the record"),
            Err(error) => {
                tracing::warn!(%organization, error = %error, "hashes of the record were not stored");
                return;
            }
        }
        if !stop.allows_after(Duration::ZERO) {
            return;
        }
    }
}
