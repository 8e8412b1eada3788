//! Where products stand, remembered by a lane from turn to turn.
//!
//! Everything that can move a standing puts a leaf on the organisation's log: an ingestion, a custom
//! threshold, a decision on an alert, here or on another node. What a lane remembers is therefore
//! true exactly while the log still has the size at which it was remembered, and that size is read,
//! under lock, at the start of every turn.

use std::collections::HashMap;

use probity_guardian::Standing;
use probity_kernel::{OrganizationId, ProductId};

/// The standings of some products of one organisation.
pub(crate) type Standings = HashMap<ProductId, Standing>;

/// Most products of one organisation that are remembered.
const MOST_PRODUCTS: usize = 5_000;
/// Most organisations.
const MOST_ORGANIZATIONS: usize = 64;

/// What a lane remembers.
#[derive(Default)]
pub(crate) struct StandingCache {
    organizations: HashMap<OrganizationId, (u64, Standings)>,
}

impl StandingCache {
    /// Takes out what is still true at this size of the log. A turn that does not put it back, for
    /// whatever reason, leaves nothing behind.
    pub(crate) fn take(&mut self, organization: OrganizationId, size: u64) -> Standings {
        match self.organizations.remove(&organization) {
            Some((known, standings)) if known == size => standings,
            _ => Standings::new(),
        }
    }

    /// Remembers what is true at this size of the log.
    pub(crate) fn put(&mut self, organization: OrganizationId, size: u64, standings: Standings) {
        if standings.is_empty() || standings.len() > MOST_PRODUCTS {
            return;
        }
        if self.organizations.len() >= MOST_ORGANIZATIONS {
            self.organizations.clear();
        }
        self.organizations.insert(organization, (size, standings));
    }

    /// Forgets everything: after a turn that was rolled back.
    pub(crate) fn clear(&mut self) {
        self.organizations.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn only_the_size_it_was_remembered_at_brings_it_back_and_only_once() {
        let organization = OrganizationId::new(Uuid::from_u128(1));
        let product = ProductId::new(Uuid::from_u128(2));
        let standings = || Standings::from([(product, Standing::new(None, None, Vec::new()))]);
        let mut cache = StandingCache::default();
        cache.put(organization, 7, standings());
        assert_eq!(cache.take(organization, 7), standings());
        assert!(cache.take(organization, 7).is_empty());
        cache.put(organization, 7, standings());
        assert!(cache.take(organization, 8).is_empty());
        cache.put(organization, 7, standings());
        cache.clear();
        assert!(cache.take(organization, 7).is_empty());
    }
}
