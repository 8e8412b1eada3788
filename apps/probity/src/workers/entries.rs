//! Makes the index by which entries of the record are searched.

use probity_store::Database;

/// How many blocks one unit of work indexes, so that no caller waits long for the writer.
const STEP: usize = 4;
/// How many such steps an organisation gets in a round, so that none keeps the others waiting.
const STEPS: usize = 256;

/// One round over all organisations.
pub(crate) fn index(database: &Database) {
    let organizations = match database.organization_ids() {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error = %error, "what is to be indexed is not known");
            return;
        }
    };
    for organization in organizations {
        for _ in 0..STEPS {
            match database.index_entries(organization, STEP) {
                Ok(0) => break,
                Ok(blocks) => tracing::debug!(%organization, blocks, "indexed entries"),
                Err(error) => {
                    tracing::warn!(%organization, error = %error, "entries were not indexed");
                    break;
                }
            }
        }
    }
}
