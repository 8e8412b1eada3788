//! What this crate needs from a store to keep windows.

use std::future::Future;

use probity_kernel::{OrganizationId, RepositoryError};

use crate::retention::{Window, WindowChange};

/// Every window of an organisation, and what bears on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// One window per target, in the order of [`Target::ALL`](crate::Target::ALL).
    pub windows: Vec<Window>,
    /// Whether a product of high risk is governed, which brings the floors of law with it.
    pub governs_high_risk: bool,
}

/// Windows as they are kept.
pub trait RetentionRepository: Send + Sync {
    /// The windows of an organisation; those that were never set as they are by default.
    fn retention(
        &self,
        organization: OrganizationId,
    ) -> impl Future<Output = Result<Retention, RepositoryError>> + Send;

    /// Writes a change with its record. [`RepositoryError::Stale`] when the window is at another version
    /// than the change was decided on.
    fn commit(
        &self,
        change: WindowChange,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}
