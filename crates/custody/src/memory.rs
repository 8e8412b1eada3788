//! A repository in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use probity_kernel::{OrganizationId, RepositoryError};

use crate::repository::{Retention, RetentionRepository};
use crate::retention::{Target, Window, WindowChange};

/// Windows in memory; no product of high risk is governed.
#[derive(Debug, Default)]
pub struct InMemoryRetention {
    windows: Mutex<BTreeMap<(OrganizationId, Target), Window>>,
}

impl RetentionRepository for InMemoryRetention {
    async fn retention(&self, organization: OrganizationId) -> Result<Retention, RepositoryError> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |target| {
            let set = windows.get(&(organization, target)).cloned();
            set.unwrap_or_else(|| Window::unset(target))
        };
        Ok(Retention {
            windows: Target::ALL.into_iter().map(of).collect(),
            governs_high_risk: false,
        })
    }

    async fn commit(&self, change: WindowChange) -> Result<(), RepositoryError> {
        let (context, write, _) = change.into_parts();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (context.organization, write.window.target);
        let found = windows.get(&key).map(|window| window.version);
        let unset = Window::unset(write.window.target).version;
        if found.unwrap_or(unset) != write.expected {
            return Err(RepositoryError::Stale);
        }
        windows.insert(key, write.window);
        Ok(())
    }
}
