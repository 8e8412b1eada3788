//! Where write lanes leave deliveries for whoever makes them on this node.
//!
//! The row of a delivery that is left here says from the start that it is leased: nobody has to find it
//! and to take it. What does not fit, and what this node loses, is found in the database like every
//! other delivery, when it is due.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use probity_kernel::{DeliveryId, WebhookEndpointId};
use probity_webhooks::Message;
use probity_webhooks::delivery::Claim;
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

use super::fan_out::Subscription;
use crate::error::{StoreError, StoreResult};
use crate::record::EventRow;

/// How many deliveries to one endpoint are left at a time, while nobody has said otherwise.
pub const PLACES: u32 = 16;

/// Where deliveries are left. It is closed until somebody opens it.
#[derive(Debug, Default)]
pub struct Desk {
    bell: Notify,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// For how long what is left is leased; nothing is left without.
    lease: Option<Duration>,
    shares: HashMap<WebhookEndpointId, Share>,
    left: Vec<Left>,
    /// Whether something waits in the database that nobody has looked for.
    due: bool,
}

/// What one endpoint has of the desk.
#[derive(Debug)]
struct Share {
    /// How many places it has.
    places: u32,
    /// How many are taken by deliveries that are not over.
    taken: u32,
    /// Whether older deliveries wait in the database: what is new then waits behind them.
    behind: bool,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            places: PLACES,
            taken: 0,
            behind: false,
        }
    }
}

impl Share {
    const fn is_default(&self) -> bool {
        self.places == PLACES && self.taken == 0 && !self.behind
    }
}

/// A place at the desk, free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    desk: Arc<Desk>,
    endpoint: WebhookEndpointId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inner = self.desk.inner();
        inner.change(self.endpoint, |share| {
            share.taken = share.taken.saturating_sub(1);
        });
    }
}

/// A delivery that was left and is taken: leased to whoever holds it.
#[derive(Debug)]
pub struct Handed {
    /// The delivery, as if it had been claimed.
    pub claim: Claim,
    /// The end of its lease.
    pub lease_end: OffsetDateTime,
    /// Its place, to be kept until the attempt is over.
    pub seat: Seat,
}

/// A delivery as a lane leaves it: an event of a turn, and who gets it.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) seat: Seat,
    pub(super) subscription: Arc<Subscription>,
    pub(super) events: Arc<Vec<EventRow>>,
    pub(super) place: usize,
    pub(super) lease: Duration,
}

/// The places that a lane gets for new deliveries to one endpoint.
#[derive(Debug, Default)]
pub(super) struct Seats {
    pub(super) given: Vec<Seat>,
    pub(super) lease: Duration,
    /// Whether it is worth looking at once for what got no place.
    pub(super) ring: bool,
}

impl Desk {
    /// Lets lanes leave deliveries, each leased for so long.
    pub fn open(&self, lease: Duration) {
        self.inner().lease = Some(lease);
    }

    /// Lets nobody leave anything any more.
    pub fn close(&self) {
        self.inner().lease = None;
    }

    /// Waits until something was left, or waits in the database. One who waits is woken by one ring.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Says that something waits in the database.
    pub(crate) fn ring(&self) {
        self.inner().due = true;
        self.bell.notify_one();
    }

    /// Whether something waits in the database since this was asked last.
    #[must_use]
    pub fn take_due(&self) -> bool {
        std::mem::take(&mut self.inner().due)
    }

    /// How many deliveries to an endpoint may be left at a time.
    pub fn set_places(&self, endpoint: WebhookEndpointId, places: u32) {
        self.inner().change(endpoint, |share| share.places = places);
    }

    /// Nothing older than what is left from now on waits in the database.
    pub fn caught_up(&self, endpoint: WebhookEndpointId) {
        self.inner().change(endpoint, |share| share.behind = false);
    }

    /// The endpoints for which older deliveries wait in the database.
    #[must_use]
    pub fn behind(&self) -> Vec<WebhookEndpointId> {
        let inner = self.inner();
        let behind = inner.shares.iter().filter(|(_, share)| share.behind);
        behind.map(|(endpoint, _)| *endpoint).collect()
    }

    /// Takes what was left.
    #[must_use]
    pub fn take(&self) -> Vec<Handed> {
        let left = std::mem::take(&mut self.inner().left);
        left.into_iter()
            .filter_map(|one| match one.into_handed() {
                Ok(handed) => Some(handed),
                Err(StoreError(error)) => {
                    tracing::error!(error = ?error, "a delivery was left that cannot be read");
                    None
                }
            })
            .collect()
    }

    /// Places for `wanted` new deliveries, or for as many as there is room.
    pub(super) fn reserve(self: &Arc<Self>, endpoint: WebhookEndpointId, wanted: usize) -> Seats {
        let mut inner = self.inner();
        let Some(lease) = inner.lease else {
            return Seats {
                ring: true,
                ..Seats::default()
            };
        };
        let share = inner.shares.entry(endpoint).or_default();
        let room = if share.behind {
            0
        } else {
            share.places.saturating_sub(share.taken)
        };
        let granted = room.min(u32::try_from(wanted).unwrap_or(u32::MAX));
        share.taken += granted;
        // Whoever is behind looks for what waits as soon as there is room.
        let ring = share.places > 0 && !share.behind;
        share.behind |= usize::try_from(granted).is_ok_and(|granted| granted < wanted);
        drop(inner);
        let seat = || Seat {
            desk: self.clone(),
            endpoint,
        };
        Seats {
            given: (0..granted).map(|_| seat()).collect(),
            lease,
            ring,
        }
    }

    /// Leaves deliveries whose rows are durable.
    pub(super) fn leave(&self, mut deliveries: Vec<Left>) {
        self.inner().left.append(&mut deliveries);
        self.bell.notify_one();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn change(&mut self, endpoint: WebhookEndpointId, change: impl FnOnce(&mut Share)) {
        let share = self.shares.entry(endpoint).or_default();
        change(share);
        if share.is_default() {
            self.shares.remove(&endpoint);
        }
    }
}

impl Left {
    fn into_handed(self) -> StoreResult<Handed> {
        let row = self.events.get(self.place);
        let row = row.ok_or_else(|| {
            crate::error::corrupt("governance_events", "ordinal")("no such event".into())
        });
        let event = row.map_err(StoreError)?.as_event()?;
        let lease_end = event.created_at + self.lease;
        let claim = Claim {
            organization: self.subscription.endpoint.organization,
            delivery: DeliveryId::new(event.id.uuid()),
            fence: 1,
            failures: 0,
            endpoint: self.subscription.endpoint.clone(),
            secrets: self.subscription.secrets.clone(),
            message: Message::of_event(event),
            state: None,
        };
        Ok(Handed {
            claim,
            lease_end,
            seat: self.seat,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const LEASE: Duration = Duration::minutes(1);

    fn endpoint(number: u128) -> WebhookEndpointId {
        WebhookEndpointId::new(Uuid::from_u128(number))
    }

    fn open() -> Arc<Desk> {
        let desk = Arc::new(Desk::default());
        desk.open(LEASE);
        desk
    }

    #[test]
    fn nothing_is_left_at_a_desk_that_is_closed() {
        let desk = Arc::new(Desk::default());
        assert!(desk.reserve(endpoint(1), 1).given.is_empty());
        desk.open(LEASE);
        assert_eq!(desk.reserve(endpoint(1), 1).given.len(), 1);
        desk.close();
        assert!(desk.reserve(endpoint(1), 1).given.is_empty());
        assert!(desk.inner().shares.is_empty());
    }

    #[test]
    fn an_endpoint_has_its_places_and_no_others() {
        let desk = open();
        let first = desk.reserve(endpoint(1), 10);
        assert_eq!(first.given.len(), 10);
        let second = desk.reserve(endpoint(1), 10);
        assert_eq!(second.given.len(), 6);
        assert_eq!(desk.reserve(endpoint(2), 16).given.len(), 16);
        drop(first);
        // Some had to wait: what is new waits behind them until they are caught up with.
        assert!(desk.reserve(endpoint(1), 1).given.is_empty());
        assert_eq!(desk.behind(), [endpoint(1)]);
        desk.caught_up(endpoint(1));
        assert_eq!(desk.reserve(endpoint(1), 20).given.len(), 10);
        drop(second);
    }

    #[test]
    fn an_endpoint_without_places_is_not_rung_for() {
        let desk = open();
        desk.set_places(endpoint(1), 0);
        let none = desk.reserve(endpoint(1), 1);
        assert!(none.given.is_empty() && !none.ring);
        desk.set_places(endpoint(1), 64);
        desk.caught_up(endpoint(1));
        let many = desk.reserve(endpoint(1), 100);
        assert!(many.given.len() == 64 && many.ring);
    }

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let desk = open();
        drop(desk.reserve(endpoint(1), 5));
        assert!(desk.inner().shares.is_empty());
    }
}
