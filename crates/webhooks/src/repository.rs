//! What this crate needs from a store.

use std::future::Future;

use probity_kernel::{OrganizationId, Page, PageRequest, RepositoryError};

use crate::event::GovernanceEvent;
use crate::filter::EventFilter;

/// The events of organisations, as their record holds them.
pub trait EventRepository: Send + Sync {
    /// A page of the matching events of one organisation, newest first: by leaf, then by place
    /// within the leaf, both descending. The total of a page is that of its items. The cursor's key
    /// is the leaf's index, its tie the place.
    fn list_events(
        &self,
        organization: OrganizationId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<GovernanceEvent>, RepositoryError>> + Send;
}
