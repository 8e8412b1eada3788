//! What Guardian needs from a store.

use std::future::Future;
use std::sync::Arc;

use probity_kernel::{
    AlertId, Change, OrganizationId, Page, PageRequest, ProductId, RepositoryError,
    RiskMetricLinkId, SnapshotId, SpaceId, Version,
};
use time::OffsetDateTime;

use crate::alert::{Alert, AlertState};
use crate::event::GuardianEvent;
use crate::ingestion::{Ingestion, UnknownProduct};
use crate::link::RiskMetricLink;
use crate::metric::{ComplianceStatus, MetricKind};
use crate::snapshot::Snapshot;

/// A write on a link or an alert with its event and context.
pub type GuardianChange = Change<GuardianWrite, GuardianEvent>;

/// What to write. A repository hands the write back as the outcome of its commit.
#[derive(Debug, Clone, PartialEq)]
pub enum GuardianWrite {
    /// Inserts a link; `Conflict("modelId")` when the product has one.
    CreateLink(RiskMetricLink),
    /// Updates a link.
    UpdateLink {
        /// The link as it is to be.
        next: RiskMetricLink,
        /// The version that is replaced.
        expected: Version,
    },
    /// Deletes a link.
    DeleteLink {
        /// The link.
        id: RiskMetricLinkId,
        /// Its product.
        product: ProductId,
        /// The version that is deleted.
        expected: Version,
    },
    /// Updates an alert.
    UpdateAlert {
        /// The alert as it is to be.
        next: Alert,
        /// The version that is replaced.
        expected: Version,
    },
}

/// The outcome for one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ingested {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The verdict.
    pub status: ComplianceStatus,
}

/// What a repository may answer instead of ingesting.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A snapshot names no product of the organisation; nothing was written.
    #[error(transparent)]
    UnknownProduct(#[from] UnknownProduct),
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// Which snapshots of a product are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryFilter {
    /// The product.
    pub product: ProductId,
    /// Captured at this instant or later.
    pub from: Option<OffsetDateTime>,
    /// Captured before this instant, so that adjoining windows share no snapshot.
    pub to: Option<OffsetDateTime>,
    /// Only those of this status.
    pub status: Option<ComplianceStatus>,
}

/// Which links are wanted; every part that is set has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkFilter {
    /// Only that of one product.
    pub product: Option<ProductId>,
    /// Only those of products in these spaces.
    pub spaces: Option<Vec<SpaceId>>,
}

/// Which alerts are wanted; every part that is set has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertFilter {
    /// Only those of products in these spaces.
    pub spaces: Option<Vec<SpaceId>>,
    /// Only those of one product.
    pub product: Option<ProductId>,
    /// Only those of one metric.
    pub metric: Option<MetricKind>,
    /// Only those of one severity.
    pub severity: Option<ComplianceStatus>,
    /// Only those in one state.
    pub state: Option<AlertState>,
}

/// A store of snapshots, alerts and risk metric links.
///
/// # Contract
/// - Every call sees one organisation and nothing of any other.
/// - `ingest` and `commit` apply everything and record the event, or do nothing. When the context
///   carries an idempotency claim, the claim is looked at **first**: a known claim with an equal
///   fingerprint answers the first outcome and writes nothing, with another fingerprint
///   `IdempotencyMismatch`; only then are products, versions and keys compared. A call that fails
///   does not spend its claim.
/// - `Stale` when no row of the context's organisation has the id and the expected version;
///   `Conflict("modelId")` for a second link of a product.
/// - However many ingestions run at once, a product has at most one open alert for each metric.
/// - Lists are newest first, by the instant named at each and then by id, both descending. The
///   cursor's key is that instant in Unix milliseconds, its tie the id's bits.
pub trait GuardianRepository: Send + Sync {
    /// Reads the standings of the named products, folds with [`Ingestion::into_change`] and writes:
    /// one transaction. The outcomes are in the order of the snapshots.
    fn ingest(
        &self,
        ingestion: Ingestion,
    ) -> impl Future<Output = Result<Vec<Ingested>, IngestError>> + Send;

    /// Whether the organisation has the product.
    fn product_exists(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// The link of a product.
    fn link_of(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> impl Future<Output = Result<Option<RiskMetricLink>, RepositoryError>> + Send;

    /// One link of the organisation.
    fn find_link(
        &self,
        organization: OrganizationId,
        id: RiskMetricLinkId,
    ) -> impl Future<Output = Result<Option<RiskMetricLink>, RepositoryError>> + Send;

    /// The links of the organisation, by `created_at`.
    fn list_links(
        &self,
        organization: OrganizationId,
        filter: &LinkFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<RiskMetricLink>, RepositoryError>> + Send;

    /// The snapshots of a product, by `captured_at`.
    fn history(
        &self,
        organization: OrganizationId,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<Snapshot>, RepositoryError>> + Send;

    /// One alert of the organisation.
    fn find_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> impl Future<Output = Result<Option<Alert>, RepositoryError>> + Send;

    /// The alerts of the organisation, by `opened_at`.
    fn list_alerts(
        &self,
        organization: OrganizationId,
        filter: &AlertFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<Alert>, RepositoryError>> + Send;

    /// Applies a change: all of it or nothing.
    fn commit(
        &self,
        change: GuardianChange,
    ) -> impl Future<Output = Result<GuardianWrite, RepositoryError>> + Send;
}

impl<T: GuardianRepository> GuardianRepository for Arc<T> {
    async fn ingest(&self, ingestion: Ingestion) -> Result<Vec<Ingested>, IngestError> {
        T::ingest(self, ingestion).await
    }

    async fn product_exists(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<bool, RepositoryError> {
        T::product_exists(self, organization, product).await
    }

    async fn link_of(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<Option<RiskMetricLink>, RepositoryError> {
        T::link_of(self, organization, product).await
    }

    async fn find_link(
        &self,
        organization: OrganizationId,
        id: RiskMetricLinkId,
    ) -> Result<Option<RiskMetricLink>, RepositoryError> {
        T::find_link(self, organization, id).await
    }

    async fn list_links(
        &self,
        organization: OrganizationId,
        filter: &LinkFilter,
        page: &PageRequest,
    ) -> Result<Page<RiskMetricLink>, RepositoryError> {
        T::list_links(self, organization, filter, page).await
    }

    async fn history(
        &self,
        organization: OrganizationId,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Snapshot>, RepositoryError> {
        T::history(self, organization, filter, page).await
    }

    async fn find_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> Result<Option<Alert>, RepositoryError> {
        T::find_alert(self, organization, id).await
    }

    async fn list_alerts(
        &self,
        organization: OrganizationId,
        filter: &AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<Alert>, RepositoryError> {
        T::list_alerts(self, organization, filter, page).await
    }

    async fn commit(&self, change: GuardianChange) -> Result<GuardianWrite, RepositoryError> {
        T::commit(self, change).await
    }
}
