//! Deletes what its retention window no longer covers.

use probity_kernel::{Actor, Context};
use probity_store::Database;
use time::OffsetDateTime;

/// How many things of each kind one unit of work deletes, so that no caller waits long for the writer.
const STEP: u32 = 2000;
/// How many such steps an organisation gets in a round, so that none keeps the others waiting.
const STEPS: u32 = 50;
/// Who deletes.
const WORKER: Actor = Actor::System("retention");

/// One round over all organisations.
pub(crate) fn prune(database: &Database, now: OffsetDateTime) {
    let organizations = match database.organization_ids() {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error = %error, "what retention has to look at is not known");
            return;
        }
    };
    for organization in organizations {
        let context = Context::new(organization, WORKER, now);
        for _ in 0..STEPS {
            match database.prune(&context, STEP) {
                Ok(pruned) if pruned.leaves == 0 && pruned.alerts == 0 => break,
                Ok(pruned) => {
                    tracing::info!(%organization, leaves = pruned.leaves, alerts = pruned.alerts, "pruned");
                }
                Err(error) => {
                    tracing::error!(%organization, error = ?error, "retention did not prune");
                    break;
                }
            }
        }
    }
}
