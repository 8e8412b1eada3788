//! Keeps SQLite's write-ahead log short from beside the writer.
//!
//! A checkpoint inside the write lane stalls every caller of that turn. This thread folds the log
//! back in passive steps on a connection of its own; the writer's own limit stands behind it.

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::connection::SimpleConnection;

use crate::connection::{Location, Use};

/// How often the log's length is looked at.
const PERIOD: Duration = Duration::from_millis(250);
/// From which length on a step is worth it, in bytes.
const WORTH_A_STEP: u64 = 8 << 20;

/// The thread that checkpoints; dropping it ends it after one last step.
pub(crate) struct Checkpointer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread; PostgreSQL needs none.
    pub(crate) fn start(location: &Location) -> std::io::Result<Option<Self>> {
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
                        let folding = conn
                            .as_mut()
                            .map(|c| c.batch_execute("PRAGMA wal_checkpoint(PASSIVE)"));
                        if let Some(Err(error)) = folding {
                            tracing::warn!(error = %error, "a checkpoint step failed");
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
