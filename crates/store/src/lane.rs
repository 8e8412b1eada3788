//! Write lanes: a bounded queue and one thread each, so that many units of work share one commit.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use probity_kernel::{IdSource, OrganizationId, RepositoryError};
use tokio::sync::oneshot;

use crate::connection::{AnyConnection, Location, Scope, Use};
use crate::error::{StoreResult, unavailable};
use crate::turn::{self, Listeners, Memory, Tx, Unit, Work};
use crate::wal;

/// How many units may wait in a lane; what comes beyond is refused with `Unavailable`.
pub(crate) const QUEUE_LENGTH: usize = 8192;
/// How many units a turn takes at the most.
const TURN_LENGTH: usize = 512;

/// The sending end of one lane.
#[derive(Debug)]
pub(crate) struct Lane {
    queue: SyncSender<Work>,
    thread: JoinHandle<()>,
}

impl Lane {
    /// Starts the lane's thread; the connection is opened in it.
    pub(crate) fn start(
        number: usize,
        location: Location,
        ids: Arc<dyn IdSource>,
        listeners: Listeners,
        rest: wal::Rest,
    ) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE_LENGTH);
        let thread = std::thread::Builder::new()
            .name(format!("write-lane-{number}"))
            .spawn(move || serve(&location, ids.as_ref(), &waiting, listeners, &rest))?;
        Ok(Self { queue, thread })
    }

    /// Puts work into the queue, or says at once that there is no room.
    pub(crate) fn submit(&self, work: Work) -> Result<(), RepositoryError> {
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => unavailable(),
        })
    }

    /// Closes the queue, lets the lane finish what waits in it, and waits for that.
    pub(crate) fn drain(self) {
        drop(self.queue);
        if self.thread.join().is_err() {
            tracing::error!("a write lane ended with a panic");
        }
    }
}

fn serve(
    location: &Location,
    ids: &dyn IdSource,
    waiting: &Receiver<Work>,
    listeners: Listeners,
    rest: &wal::Rest,
) {
    let mut conn: Option<AnyConnection> = None;
    let mut memory = Memory::new(listeners);
    while let Ok(first) = waiting.recv() {
        let mut works = Vec::with_capacity(64);
        works.push(first);
        gather(waiting, &mut works);
        let open = match conn.take() {
            Some(open) => Ok(open),
            None => location.connect(Use::Write),
        };
        match open {
            Ok(mut open) => {
                if turn::run(&mut open, ids, &mut memory, works) {
                    rest.fold(&mut open);
                    conn = Some(open);
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "a write lane cannot reach the database");
                for work in works {
                    work.refuse();
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }
}

/// Takes what waits, and lets those who are about to send something do so first: while the machine is
/// busy a turn of many costs hardly more than a turn of few, and an idle machine loses nothing.
fn gather(waiting: &Receiver<Work>, works: &mut Vec<Work>) {
    let mut before = 0;
    while before < works.len() && works.len() < TURN_LENGTH {
        before = works.len();
        std::thread::yield_now();
        works.extend(waiting.try_iter().take(TURN_LENGTH - before));
    }
}

/// One unit of work as a closure and the caller who waits for it.
pub(crate) struct Job<T, F> {
    organization: OrganizationId,
    scope: Scope,
    work: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, RepositoryError>>,
}

impl<T, F> Job<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> StoreResult<T> + Send + 'static,
{
    /// A job and the end at which its answer arrives.
    pub(crate) fn with_answer(
        organization: OrganizationId,
        scope: Scope,
        work: F,
    ) -> (Work, oneshot::Receiver<Result<T, RepositoryError>>) {
        let (reply, answer) = oneshot::channel();
        (
            Work::Unit(Box::new(Self {
                organization,
                scope,
                work,
                value: None,
                reply,
            })),
            answer,
        )
    }
}

impl<T, F> Unit for Job<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> StoreResult<T> + Send,
{
    fn organization(&self) -> OrganizationId {
        self.organization
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> StoreResult<()> {
        self.value = Some((self.work)(tx)?);
        Ok(())
    }

    fn settle(self: Box<Self>, result: Result<(), RepositoryError>) {
        let Self { value, reply, .. } = *self;
        // The caller may have gone away; the work is durable all the same.
        let _ = reply.send(result.and_then(|()| value.ok_or_else(unavailable)));
    }
}
