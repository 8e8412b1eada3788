//! Who waits for the record of an organisation to grow, and how they are told.
//!
//! Lanes tell what they committed, at once. What other nodes commit is for somebody to look after in
//! the database; both end here, so that whoever waits need not know who wrote.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::OrganizationId;
use tokio::sync::watch;

/// The records that somebody follows on this node, each with how many leaves it is known to have.
#[derive(Debug, Default)]
pub struct Growth(Mutex<HashMap<OrganizationId, watch::Sender<u64>>>);

impl Growth {
    /// Changes whenever the record of the organisation is known to have grown.
    pub fn follow(&self, organization: OrganizationId) -> watch::Receiver<u64> {
        let mut senders = self.senders();
        let sender = senders
            .entry(organization)
            .or_insert_with(|| watch::Sender::new(0));
        sender.subscribe()
    }

    /// The organisations whose records somebody follows; the others are forgotten.
    #[must_use]
    pub fn followed(&self) -> Vec<OrganizationId> {
        let mut senders = self.senders();
        senders.retain(|_, sender| sender.receiver_count() > 0);
        senders.keys().copied().collect()
    }

    /// Tells who follows it that a record has so many leaves. What is known already, or was true
    /// before what is known, is not told again.
    pub fn tell(&self, organization: OrganizationId, size: u64) {
        if let Some(sender) = self.senders().get(&organization) {
            sender.send_if_modified(|known| {
                let grown = size > *known;
                *known = size.max(*known);
                grown
            });
        }
    }

    fn senders(&self) -> MutexGuard<'_, HashMap<OrganizationId, watch::Sender<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_follows_hears_of_growth_and_is_forgotten_when_gone() {
        let growth = Growth::default();
        let organization = OrganizationId::new(uuid::Uuid::from_u128(1));
        growth.tell(organization, 4);
        assert_eq!(growth.followed(), [], "nobody is told, nothing is kept");
        let mut heard = growth.follow(organization);
        growth.tell(organization, 5);
        assert!(heard.has_changed().unwrap());
        heard.borrow_and_update();
        for size in [5, 4] {
            growth.tell(organization, size);
            assert!(!heard.has_changed().unwrap(), "it has not grown to {size}");
        }
        growth.tell(organization, 6);
        assert!(heard.has_changed().unwrap());
        assert_eq!(growth.followed(), [organization]);
        drop(heard);
        assert_eq!(growth.followed(), []);
    }
}
