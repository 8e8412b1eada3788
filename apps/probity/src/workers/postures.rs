//! Products are judged anew when a date passes with nobody touching them.
//!
//! Several nodes may do so at once: what is due is looked up again under the lock of the organisation's
//! record, so that whoever comes second finds nothing and no event is told twice.

use probity_kernel::OrganizationId;
use probity_store::Database;
use time::OffsetDateTime;

/// How many products one unit of work judges, so that no caller waits long for the writer.
const STEP: u32 = 100;
/// How many such steps an organisation gets in a round, so that none keeps the others waiting.
const STEPS: u32 = 50;

/// One round over all organisations.
pub(crate) fn rejudge(database: &Database, now: OffsetDateTime) {
    let due = match database.organizations_due(now) {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(error = %error, "what is due to be judged anew is not known");
            return;
        }
    };
    for organization in due {
        if let Err(error) = rejudge_one(database, organization, now) {
            tracing::error!(%organization, error = ?error, "products were not judged anew");
        }
    }
}

fn rejudge_one(
    database: &Database,
    organization: OrganizationId,
    now: OffsetDateTime,
) -> Result<(), probity_kernel::RepositoryError> {
    for _ in 0..STEPS {
        let judged = database.rejudge_due(organization, now, STEP)?;
        tracing::debug!(%organization, judged, "judged products anew");
        if judged < STEP {
            break;
        }
    }
    Ok(())
}
