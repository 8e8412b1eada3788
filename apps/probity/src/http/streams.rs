//! Open event streams: how many there are, what wakes them, and how they end.
//!
//! What this node commits wakes its listeners at once. What other nodes commit is found by one task,
//! which looks how long the records are that somebody listens to, so that a thousand listeners cost no
//! more questions than one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use probity_kernel::{ErrorKind, OrganizationId};
use probity_store::Growth;
use probity_webhooks::EventStream;
use tokio::sync::watch;

use crate::http::failure::Problem;

/// How often records are looked at while somebody listens: how late the commits of other nodes are heard
/// at the most.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How many streams one credential may have open.
const PER_CREDENTIAL: usize = 32;
/// When a stream that was refused may be tried again.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// The open streams of this node.
pub(crate) struct Streams {
    most: usize,
    open: Mutex<HashMap<String, usize>>,
    growth: Arc<Growth>,
    closing: watch::Sender<bool>,
}

/// An open stream; it counts until it is dropped.
pub(crate) struct Ticket {
    streams: Arc<Streams>,
    credential: String,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = locked(&self.streams.open);
        if let Some(count) = open.get_mut(&self.credential) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.credential);
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Streams {
    /// At most so many streams at once, woken by the growth of records.
    pub(crate) fn new(most: usize, growth: Arc<Growth>) -> Self {
        Self {
            most,
            open: Mutex::default(),
            growth,
            closing: watch::Sender::new(false),
        }
    }

    /// Admits a stream of a credential, or says that there are too many.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal is rare and rendered at once"
    )]
    pub(crate) fn admit(self: &Arc<Self>, credential: &str) -> Result<Ticket, Problem> {
        let mut open = locked(&self.open);
        let all: usize = open.values().sum();
        let own = open.get(credential).copied().unwrap_or(0);
        if all >= self.most || *self.closing.borrow() {
            let detail = "this node has no room for another event stream";
            let problem = Problem::new(ErrorKind::Unavailable, "too_many_streams", detail);
            return Err(problem.with_retry_after(TRY_AGAIN));
        }
        if own >= PER_CREDENTIAL {
            let detail = format!("this credential has {PER_CREDENTIAL} event streams open already");
            let problem = Problem::new(ErrorKind::Forbidden, "too_many_streams", detail)
                .with_status(actix_web::http::StatusCode::TOO_MANY_REQUESTS);
            return Err(problem.with_retry_after(TRY_AGAIN));
        }
        *open.entry(credential.to_owned()).or_default() += 1;
        Ok(Ticket {
            streams: self.clone(),
            credential: credential.to_owned(),
        })
    }

    /// Changes whenever the record of the organisation has grown.
    pub(crate) fn growth(&self, organization: OrganizationId) -> watch::Receiver<u64> {
        self.growth.follow(organization)
    }

    /// True once all streams are to end.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Ends all streams; no other is admitted.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Looks after the records that somebody listens to, until the streams are closed.
    pub(crate) async fn watch(&self, events: &impl EventStream) {
        let mut closing = self.closing();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = closing.wait_for(|closing| *closing) => return,
            }
            let followed = self.growth.followed();
            if followed.is_empty() {
                continue;
            }
            match events.record_sizes(&followed).await {
                Ok(sizes) => {
                    for (organization, size) in sizes {
                        self.growth.tell(organization, size);
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "the records of event streams cannot be looked at");
                    tokio::time::sleep(LOOK_EVERY * 10).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_counted_per_credential_and_together() {
        let streams = Arc::new(Streams::new(PER_CREDENTIAL + 1, Arc::default()));
        let mut tickets: Vec<Ticket> = (0..PER_CREDENTIAL)
            .map(|_| streams.admit("key:a").ok().unwrap())
            .collect();
        let refused = streams.admit("key:a").err().unwrap();
        assert_eq!(refused.status.unwrap().as_u16(), 429);
        tickets.push(streams.admit("key:b").ok().unwrap());
        let refused = streams.admit("key:c").err().unwrap();
        assert_eq!(refused.kind, ErrorKind::Unavailable);
        tickets.clear();
        assert!(streams.open.lock().unwrap().is_empty());
        let ticket = streams.admit("key:a");
        assert!(ticket.is_ok());
        streams.close();
        assert!(
            streams.admit("key:d").is_err(),
            "nobody enters while it closes"
        );
    }
}
