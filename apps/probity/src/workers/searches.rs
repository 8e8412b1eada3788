//! Brings the index of searches up behind the writers, where the database has one that may be behind.
//!
//! Several nodes may do so at once: what is to be taken in is looked up under the lock of the
//! organisation's record.

use std::time::Duration;

use probity_store::Database;

use super::background::{Background, Stop};
use crate::startup::StartError;

/// How often what was written is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How many rows an index may be behind: so few that a search looks at them besides.
const BEHIND: i64 = 512;

/// Starts it; there is nothing to do on SQLite.
pub(super) fn start(database: &Database) -> Result<Option<Background>, StartError> {
    if database.kind() == "sqlite" {
        return Ok(None);
    }
    let database = database.clone();
    Background::start("searches", LOOK, move |stop| round(&database, stop)).map(Some)
}

/// One round over the organisations that are behind, step by step, so that no caller waits long for
/// the writer.
fn round(database: &Database, stop: &Stop) {
    let behind = match database.searches_behind(BEHIND) {
        Ok(behind) => behind,
        Err(error) => {
            tracing::warn!(error = %error, "how far searches are behind is not known");
            return;
        }
    };
    for organization in behind {
        loop {
            match database.index_searches(organization) {
                Ok(0) => break,
                Ok(taken) => tracing::debug!(%organization, taken, "texts were indexed"),
                Err(error) => {
                    tracing::error!(%organization, error = ?error, "texts were not indexed");
                    break;
                }
            }
            if !stop.allows_after(Duration::ZERO) {
                return;
            }
        }
    }
}
