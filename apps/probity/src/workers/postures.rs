//! Products are judged anew when a date passes with nobody touching them, and when the settings change.
//!
//! Several nodes may do so at once: what is due is looked up again under the lock of the organisation's
//! record, so that whoever comes second finds nothing and no event is told twice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_kernel::Clock;
use probity_store::Database;

use super::background::{Background, Stop};
use crate::startup::StartError;

/// How often what is due is looked for at the least.
const LOOK: Duration = Duration::from_secs(5);
/// How many products one unit of work judges, so that no caller waits long for the writer.
const STEP: u32 = 100;
/// The longest pause between two units of work.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Starts it, with a period that may be shorter.
pub(super) fn start(
    database: &Database,
    clock: Arc<dyn Clock>,
    every: Duration,
) -> Result<Background, StartError> {
    let database = database.clone();
    Background::start("postures", LOOK.min(every), move |stop| {
        rejudge(&database, clock.as_ref(), stop);
    })
}

/// Judges until nothing is due, however much there is. Organisations take turns, so that none keeps the
/// others waiting, and each step is followed by a pause as long as itself, in which others write.
fn rejudge(database: &Database, clock: &dyn Clock, stop: &Stop) {
    let mut due = match database.organizations_due(clock.now()) {
        Ok(due) => VecDeque::from(due),
        Err(error) => {
            tracing::warn!(error = %error, "what is due to be judged anew is not known");
            return;
        }
    };
    while let Some(organization) = due.pop_front() {
        let begun = Instant::now();
        match database.rejudge_due(organization, clock.now(), STEP) {
            Ok(judged) => {
                tracing::debug!(%organization, judged, "judged products anew");
                if judged == STEP {
                    due.push_back(organization);
                }
            }
            Err(error) => {
                tracing::error!(%organization, error = ?error, "products were not judged anew");
            }
        }
        if !stop.allows_after(begun.elapsed().min(LONGEST_PAUSE)) {
            return;
        }
    }
}
