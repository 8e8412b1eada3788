//! Whose turn it is to read the past: such a read opens a connection of its own and may take seconds, so
//! that there are few at a time, and one organisation cannot take all of them from the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use probity_kernel::{OrganizationId, RepositoryError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many reads there are at a time.
const ALL: usize = 4;
/// How many of them for one organisation.
const OWN: usize = 2;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// When one that waited in vain may be tried again.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// The turns of a database.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    own: Mutex<HashMap<OrganizationId, Weak<Semaphore>>>,
}

/// A turn, over when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            own: Mutex::default(),
        }
    }
}

impl Turns {
    /// Waits for a turn, but not for long.
    pub(crate) async fn take(&self, organization: OrganizationId) -> Result<Turn, RepositoryError> {
        let (all, own) = (self.all.clone(), self.of(organization));
        let both = async {
            let own = own.acquire_owned().await.ok()?;
            let all = all.acquire_owned().await.ok()?;
            Some(Turn {
                _all: all,
                _own: own,
            })
        };
        let taken = tokio::time::timeout(PATIENCE, both).await;
        taken.ok().flatten().ok_or(RepositoryError::Unavailable {
            retry_after: TRY_AGAIN,
        })
    }

    fn of(&self, organization: OrganizationId) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = own.get(&organization).and_then(Weak::upgrade) {
            return known;
        }
        own.retain(|_, turns| turns.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(OWN));
        own.insert(organization, Arc::downgrade(&turns));
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[tokio::test(start_paused = true)]
    async fn one_organization_leaves_turns_to_the_others() {
        let turns = Turns::default();
        let [one, other] = [1, 2].map(|number| OrganizationId::new(Uuid::from_u128(number)));
        let first = turns.take(one).await.unwrap();
        let second = turns.take(one).await.unwrap();
        // A third waits, and is told to come again.
        let refused = turns.take(one).await.unwrap_err();
        assert!(matches!(refused, RepositoryError::Unavailable { .. }));
        turns.take(other).await.unwrap();
        drop(first);
        turns.take(one).await.unwrap();
        drop(second);
        assert_eq!(turns.all.available_permits(), ALL);
    }
}
