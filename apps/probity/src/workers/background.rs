//! A thread that does the same again and again until it is told to end.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::startup::StartError;

/// A running thread.
pub(super) struct Background {
    name: &'static str,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

/// How the work hears that it is to end.
pub(super) struct Stop(Receiver<()>);

impl Stop {
    /// Waits; answers whether to go on.
    pub(super) fn allows_after(&self, pause: Duration) -> bool {
        matches!(self.0.recv_timeout(pause), Err(RecvTimeoutError::Timeout))
    }
}

impl Background {
    /// Starts a thread that works once in every period. Long work asks in between whether to go on.
    pub(super) fn start(
        name: &'static str,
        every: Duration,
        mut work: impl FnMut(&Stop) + Send + 'static,
    ) -> Result<Self, StartError> {
        let (stop, stopped) = channel();
        let stopped = Stop(stopped);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while stopped.allows_after(every) {
                    work(&stopped);
                }
            })?;
        Ok(Self { name, stop, thread })
    }

    /// Ends it after the step that it is at.
    pub(super) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("{} ended with a panic", self.name);
        }
    }
}
