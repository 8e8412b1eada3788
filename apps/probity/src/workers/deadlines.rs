//! Alerts that miss a deadline with nobody touching them.
//!
//! As with postures, several nodes may do so at once: what is overdue is looked up again under the lock
//! of the organisation's record, so that a breach is told once.

use probity_kernel::{OrganizationId, RepositoryError};
use probity_store::Database;
use time::OffsetDateTime;

/// How many alerts one unit of work settles, so that no caller waits long for the writer.
const STEP: u32 = 100;
/// How many such steps an organisation gets in a round, so that none keeps the others waiting.
const STEPS: u32 = 50;

/// One round over all organisations.
pub(crate) fn settle(database: &Database, now: OffsetDateTime) {
    let overdue = match database.organizations_with_overdue_alerts(now) {
        Ok(overdue) => overdue,
        Err(error) => {
            tracing::warn!(error = %error, "which alerts missed a deadline is not known");
            return;
        }
    };
    for organization in overdue {
        if let Err(error) = settle_one(database, organization, now) {
            tracing::error!(%organization, error = ?error, "missed deadlines were not recorded");
        }
    }
}

fn settle_one(
    database: &Database,
    organization: OrganizationId,
    now: OffsetDateTime,
) -> Result<(), RepositoryError> {
    for _ in 0..STEPS {
        let settled = database.settle_alerts(organization, now, STEP)?;
        tracing::debug!(%organization, settled, "recorded missed deadlines");
        if settled < STEP {
            break;
        }
    }
    Ok(())
}
