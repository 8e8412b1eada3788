//! Keeps SQLite's write-ahead log short from beside the writer.
//!
//! A checkpoint inside the write lane stalls every caller who waits for it, so a thread folds the log
//! back on a connection of its own. But a writer that never pauses is always ahead of it, and the log
//! begins anew only where all of it is folded back: the little that the thread cannot catch up with is
//! left to the lane, between two turns. The writer's own limit stands behind both.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::RunQueryDsl as _;
use diesel::sql_types::Integer;

use crate::connection::{AnyConnection, Location, Use};
use crate::error::StoreResult;

/// How often the log's length is looked at.
const PERIOD: Duration = Duration::from_millis(250);
/// From which length on a step is worth it, in bytes.
const WORTH_A_STEP: u64 = 8 << 20;
/// How often in a row the thread tries to catch up: each time there is less to do.
const STEPS: usize = 4;
/// How many pages the lane folds back without a caller noticing.
const REST: i32 = 512;
/// From which length on, in pages, the log is to begin anew: half of the writer's own limit.
const LONG: i32 = 8000;

/// What is left to the lane: set by the thread, taken by the lane.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rest(Arc<AtomicBool>);

impl Rest {
    /// Folds back the rest of the log, where the thread has left it to the lane.
    pub(crate) fn fold(&self, conn: &mut AnyConnection) {
        if self.0.swap(false, Ordering::Relaxed)
            && let Err(error) = step(conn)
        {
            tracing::warn!(error = ?error, "a checkpoint step of the lane failed");
        }
    }

    /// Folds back what can be beside the lane, and leaves it the rest where the log is to begin anew.
    fn fold_beside(&self, conn: &mut AnyConnection) {
        match catch_up(conn) {
            Ok(true) => self.leave_to_lane(),
            Ok(false) => {}
            Err(error) => tracing::warn!(error = ?error, "a checkpoint step failed"),
        }
    }

    fn leave_to_lane(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a checkpoint says of the log, in pages.
#[derive(diesel::QueryableByName)]
struct Step {
    #[diesel(sql_type = Integer)]
    log: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

/// Folds back what is in the log now.
fn step(conn: &mut AnyConnection) -> StoreResult<Step> {
    Ok(diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result(conn)?)
}

/// Folds the log back; where it has become long, until only little is left for the lane, unless a reader
/// or the writer keeps it from that. Answers whether the lane is to do the rest.
fn catch_up(conn: &mut AnyConnection) -> StoreResult<bool> {
    for _ in 0..STEPS {
        let Step { log, checkpointed } = step(conn)?;
        if log < LONG {
            return Ok(false);
        }
        if log - checkpointed <= REST {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The thread that checkpoints; dropping it ends it after one last step.
pub(crate) struct Checkpointer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread; PostgreSQL needs none.
    pub(crate) fn start(location: &Location, rest: Rest) -> std::io::Result<Option<Self>> {
        let Location::Sqlite(path) = location else {
            return Ok(None);
        };
        let (stop, stopped) = channel::<()>();
        let (location, log) = (location.clone(), log_of(path));
        let thread = std::thread::Builder::new()
            .name("wal-checkpoint".to_owned())
            .spawn(move || {
                let mut conn = None;
                let mut folded = None;
                loop {
                    let ending =
                        !matches!(stopped.recv_timeout(PERIOD), Err(RecvTimeoutError::Timeout));
                    let found = std::fs::metadata(&log).ok();
                    let length = found.as_ref().map_or(0, std::fs::Metadata::len);
                    let written = found.and_then(|found| found.modified().ok());
                    if ending || (length >= WORTH_A_STEP && written != folded) {
                        if conn.is_none() {
                            conn = location.connect(Use::Write).ok();
                        }
                        if let Some(conn) = &mut conn {
                            rest.fold_beside(conn);
                        }
                        folded = written;
                    }
                    if ending {
                        return;
                    }
                }
            })?;
        Ok(Some(Self {
            stop: Some(stop),
            thread: Some(thread),
        }))
    }
}

fn log_of(path: &std::path::Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use probity_testkit::TestDatabase;

    use super::*;

    fn write(conn: &mut AnyConnection, rows: usize) {
        let rows = "INSERT INTO pages VALUES (zeroblob(4000));".repeat(rows);
        conn.batch_execute(&format!("BEGIN; {rows} COMMIT"))
            .unwrap();
    }

    fn write_much(conn: &mut AnyConnection) {
        for _ in 0..10 {
            write(conn, 900);
        }
    }

    #[test]
    fn the_log_begins_anew_once_the_lane_has_folded_the_rest() {
        let kit = TestDatabase::sqlite();
        let location = Location::Sqlite(kit.url().into());
        let mut lane = location.connect(Use::Write).unwrap();
        let mut beside = location.connect(Use::Write).unwrap();
        lane.batch_execute("CREATE TABLE pages (page BLOB)")
            .unwrap();
        write(&mut lane, 100);
        assert!(!catch_up(&mut beside).unwrap(), "a short log is let be");
        let rest = Rest::default();
        write_much(&mut lane);
        rest.fold(&mut lane);
        write(&mut lane, 1);
        assert!(catch_up(&mut beside).unwrap(), "long: nothing was left");
        write_much(&mut lane);
        rest.leave_to_lane();
        rest.fold(&mut lane);
        write(&mut lane, 1);
        assert!(step(&mut beside).unwrap().log < 100);
        write_much(&mut lane);
        rest.fold(&mut lane);
        write(&mut lane, 1);
        assert!(
            step(&mut beside).unwrap().log > LONG,
            "left once, done once"
        );
    }
}
