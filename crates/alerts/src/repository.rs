//! What the alerts need from a store.

use std::future::Future;

use probity_kernel::{
    AlertId, Change, OrganizationId, Page, PageRequest, ProductId, RepositoryError, SpaceId,
    Version,
};
use time::OffsetDateTime;

use crate::alert::{AlertState, Source, TrackedAlert};
use crate::event::AlertsEvent;
use crate::preferences::Preferences;
use crate::report::SlaRow;
use crate::severity::Severity;
use crate::sla::SlaTargets;

/// A write with its event and context.
pub type AlertsChange = Change<AlertsWrite, AlertsEvent>;

/// Whose preferences: how [`Actor::spelling`](probity_kernel::Actor::spelling) spells them.
pub type Recipient = String;

/// What to write.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertsWrite {
    /// Updates an alert that is not of a metric.
    UpdateAlert {
        /// The alert as it is to be.
        next: Box<TrackedAlert>,
        /// The version that is replaced.
        expected: Version,
    },
    /// Puts targets in place of those at the expected version.
    SetTargets {
        /// The targets.
        targets: Box<SlaTargets>,
        /// The version that is replaced.
        expected: Version,
    },
    /// Puts preferences in place of those at the expected version.
    SetPreferences {
        /// Whose.
        recipient: Recipient,
        /// The preferences.
        preferences: Box<Preferences>,
        /// The version that is replaced.
        expected: Version,
    },
}

/// Something that is decided on, and the version it stands at; version 0 while nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured<T> {
    /// What is in force.
    pub value: T,
    /// Its version.
    pub version: Version,
}

impl<T: Default> Default for Configured<T> {
    fn default() -> Self {
        Self {
            value: T::default(),
            version: Version::new(0),
        }
    }
}

/// Which alerts are wanted; every part that is set has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BannerFilter {
    /// Of these severities; of all when empty.
    pub severities: Vec<Severity>,
    /// Of these sources; of all when empty.
    pub sources: Vec<Source>,
    /// Only of one product.
    pub product: Option<ProductId>,
    /// Of none of these products.
    pub muted: Vec<ProductId>,
    /// Only in one state.
    pub state: Option<AlertState>,
    /// Only acknowledged ones, or only the others.
    pub acknowledged: Option<bool>,
    /// Only about products of these spaces: what a credential is confined to.
    pub spaces: Option<Vec<SpaceId>>,
}

/// A store of alerts, targets and preferences.
///
/// # Contract
/// - Every call sees one organisation and nothing of any other.
/// - `commit` applies the write and records the event, or does nothing; `Stale` when what is replaced
///   is not at the expected version. Before an alert is changed, deadlines that it has missed by the
///   context's instant go on the record, each once.
/// - Lists are newest first by the start of their clocks and then by id, both descending. The cursor's
///   key is that instant in Unix microseconds, its tie the id's bits.
pub trait AlertsRepository: Send + Sync {
    /// One alert, whatever it came from.
    fn find_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> impl Future<Output = Result<Option<TrackedAlert>, RepositoryError>> + Send;

    /// A page of alerts.
    fn list_alerts(
        &self,
        organization: OrganizationId,
        filter: &BannerFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<TrackedAlert>, RepositoryError>> + Send;

    /// The clocks that were started in `[from, to)`, at most `limit` of them, in no order.
    fn clocks(
        &self,
        organization: OrganizationId,
        from: OffsetDateTime,
        to: OffsetDateTime,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SlaRow>, RepositoryError>> + Send;

    /// The targets in force.
    fn targets(
        &self,
        organization: OrganizationId,
    ) -> impl Future<Output = Result<Configured<SlaTargets>, RepositoryError>> + Send;

    /// Somebody's preferences.
    fn preferences(
        &self,
        organization: OrganizationId,
        recipient: &str,
    ) -> impl Future<Output = Result<Configured<Preferences>, RepositoryError>> + Send;

    /// Commits a change.
    fn commit(
        &self,
        change: AlertsChange,
    ) -> impl Future<Output = Result<AlertsWrite, RepositoryError>> + Send;
}
