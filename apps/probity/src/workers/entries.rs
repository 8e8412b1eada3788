//! Makes the index by which entries of the record are searched, and stores the hashes that logs from before this
//! release lack.

use std::time::Duration;

use probity_kernel::{OrganizationId, RepositoryError};
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
        let hashes = || database.bring_up_hashes(organization);
        let blocks = || database.index_entries(organization, STEP);
        let done = in_steps(stop, organization, "hashes of the record", hashes)
            && in_steps(stop, organization, "the index of entries", blocks);
        if !done {
            return;
        }
    }
}

/// Works in steps until nothing is left or the round of this organisation is over; answers whether the round goes on.
fn in_steps<N: PartialEq + Default + std::fmt::Debug>(
    stop: &Stop,
    organization: OrganizationId,
    what: &'static str,
    work: impl Fn() -> Result<N, RepositoryError>,
) -> bool {
    for _ in 0..STEPS {
        match work() {
            Ok(count) if count == N::default() => break,
            Ok(count) => tracing::debug!(%organization, ?count, "{what} went on"),
            Err(error) => {
                tracing::warn!(%organization, error = %error, "{what} did not go on");
                break;
            }
        }
        if !stop.allows_after(Duration::ZERO) {
            return false;
        }
    }
    true
}
