//! Has checkpoints stamped by a time-stamp authority, now and then.

use std::time::Duration;

use probity_kernel::{Clock, RepositoryError};
use probity_store::{Database, LogHead};

use super::body_of;
use crate::adapters::timestamps::{AskError, TimestampAuthority};

/// The name under which one node asks at a time.
const TURN: &str = "probity.timestamps";
/// How far the time of a stamp may be from ours before somebody should look at a clock.
const DISAGREEMENT: time::Duration = time::Duration::minutes(5);

/// Has the last checkpoint of each log stamped, if its last stamp is old enough.
pub(crate) struct Stamper {
    authority: TimestampAuthority,
    every: Duration,
    database: Database,
}

impl Stamper {
    pub(crate) fn new(authority: TimestampAuthority, every: Duration, database: Database) -> Self {
        Self {
            authority,
            every,
            database,
        }
    }

    /// One round over all logs; answers how many were stamped. Ends at the first failure: the next round tries again. Blocks
    /// meanwhile.
    pub(crate) fn round(&self, clock: &dyn Clock) -> Result<usize, RepositoryError> {
        let done = self.database.alone(TURN, || {
            let mut count = 0;
            for head in self.database.log_heads()? {
                match self.stamp(&head, clock)? {
                    Ok(stamped) => count += usize::from(stamped),
                    Err(error) => {
                        let organization = head.organization;
                        tracing::warn!(error = %error, %organization, "a checkpoint was not stamped");
                        break;
                    }
                }
            }
            Ok(count)
        })?;
        Ok(done.unwrap_or(0))
    }

    fn stamp(
        &self,
        head: &LogHead,
        clock: &dyn Clock,
    ) -> Result<Result<bool, AskError>, RepositoryError> {
        let signed = head.signed.as_deref();
        let Some((note, Ok(checkpoint))) = signed.map(|note| (note, body_of(note))) else {
            return Ok(Ok(false));
        };
        let (size, now) = (checkpoint.size(), clock.now());
        let last = self
            .database
            .last_timestamp(head.organization, head.epoch)?;
        if last.is_some_and(|(known, at)| known >= size || now - at < self.every) {
            return Ok(Ok(false));
        }
        let (token, stamp) = match self.ask(note) {
            Ok(stamped) => stamped,
            Err(error) => return Ok(Err(error)),
        };
        if (stamp.time - now).abs() > DISAGREEMENT {
            tracing::warn!(theirs = %stamp.time, ours = %now, "the time-stamp authority has another time");
        }
        let state = (head.epoch, size);
        self.database
            .keep_timestamp(head.organization, state, &token, now)?;
        Ok(Ok(true))
    }

    fn ask(&self, note: &str) -> Result<(Vec<u8>, probity_timestamp::Timestamp), AskError> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(AskError::Runtime)?
            .block_on(self.authority.stamp(note))
    }
}
