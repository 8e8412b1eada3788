//! What evidence needs from a store.

use std::future::Future;
use std::sync::Arc;

use probity_kernel::{
    Change, OrganizationId, Page, PageRequest, ProductId, RepositoryError, SafetyMetricId,
    TrainingRunId, Version,
};
use time::OffsetDateTime;

use super::change_log::Material;
use super::event::EvidenceEvent;
use super::runtime_event::RuntimeEvent;
use super::safety_metric::SafetyMetric;
use super::training_run::TrainingRun;
use super::vocabulary::{MetricCategory, RuntimeEventType};

/// A write on evidence with its event and context.
pub type EvidenceChange = Change<EvidenceWrite, EvidenceEvent>;

/// What to write. A repository hands the write back as the outcome of its commit.
#[derive(Debug, Clone, PartialEq)]
pub enum EvidenceWrite {
    /// Inserts a run.
    CreateRun(Box<TrainingRun>),
    /// Updates a run.
    UpdateRun {
        /// The run as it is to be.
        next: Box<TrainingRun>,
        /// The version that is replaced.
        expected: Version,
    },
    /// Deletes a run.
    DeleteRun {
        /// The run.
        id: TrainingRunId,
        /// Its product.
        product: ProductId,
        /// The version that is deleted.
        expected: Version,
    },
    /// Inserts a metric.
    CreateMetric(Box<SafetyMetric>),
    /// Updates a metric.
    UpdateMetric {
        /// The metric as it is to be.
        next: Box<SafetyMetric>,
        /// The version that is replaced.
        expected: Version,
    },
    /// Deletes a metric.
    DeleteMetric {
        /// The metric.
        id: SafetyMetricId,
        /// Its product.
        product: ProductId,
        /// The version that is deleted.
        expected: Version,
    },
    /// Inserts a runtime event.
    RecordRuntimeEvent(Box<RuntimeEvent>),
}

impl EvidenceWrite {
    /// The product whose evidence it changes.
    #[must_use]
    pub const fn product(&self) -> ProductId {
        match self {
            Self::CreateRun(run) | Self::UpdateRun { next: run, .. } => run.product,
            Self::CreateMetric(metric) | Self::UpdateMetric { next: metric, .. } => metric.product,
            Self::DeleteRun { product, .. } | Self::DeleteMetric { product, .. } => *product,
            Self::RecordRuntimeEvent(event) => event.product,
        }
    }

    /// The run that it leaves deployed.
    #[must_use]
    pub fn deployed(&self) -> Option<&TrainingRun> {
        match self {
            Self::CreateRun(run) | Self::UpdateRun { next: run, .. } => {
                Some(run.as_ref()).filter(|run| run.fields.is_deployed)
            }
            Self::DeleteRun { .. }
            | Self::CreateMetric(_)
            | Self::UpdateMetric { .. }
            | Self::DeleteMetric { .. }
            | Self::RecordRuntimeEvent(_) => None,
        }
    }
}

/// A store of the evidence about products.
///
/// # Contract
/// - Every call sees one organisation and nothing of any other.
/// - `commit` applies everything and records the event, or does nothing. When the context carries
///   an idempotency claim, the claim is looked at **first**: a known claim with an equal
///   fingerprint answers the first outcome and writes nothing, with another fingerprint
///   `IdempotencyMismatch`. A call that fails does not spend its claim.
/// - `Conflict("product")` when the organisation has no such product, `Conflict("archived")` when
///   it is archived; both are looked at inside the transaction.
/// - A run that is written as deployed takes the flag from the product's other runs in the same
///   transaction: each of them becomes [`TrainingRun::replaced`], and the event names them
///   ([`EvidenceEvent::replacing`]). So at most one run of a product is deployed at any time.
/// - `Stale` when no row of the organisation and product has the id and the expected version.
/// - Runs are listed by `started_at`, newest first, those without last, then by id, newest first.
///   Metrics by category and name (both by their bytes), then by `measured_at` newest first, those
///   without last, then by id, newest first. Runtime events by `occurred_at`, then by id, newest
///   first.
/// - `Conflict("cursor")` when a cursor of the list of metrics points to one that is gone.
/// - A runtime event moves the total of its type in the same transaction.
pub trait EvidenceRepository: Send + Sync {
    /// One run of the product.
    fn find_run(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: TrainingRunId,
    ) -> impl Future<Output = Result<Option<TrainingRun>, RepositoryError>> + Send;

    /// The runs of the product.
    fn list_runs(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<TrainingRun>, RepositoryError>> + Send;

    /// One metric of the product.
    fn find_metric(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: SafetyMetricId,
    ) -> impl Future<Output = Result<Option<SafetyMetric>, RepositoryError>> + Send;

    /// The metrics of the product, or those of one category.
    fn list_metrics(
        &self,
        organization: OrganizationId,
        product: ProductId,
        category: Option<MetricCategory>,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<SafetyMetric>, RepositoryError>> + Send;

    /// The runtime events of the product.
    fn list_runtime_events(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<RuntimeEvent>, RepositoryError>> + Send;

    /// How many runtime events of each type the product has; types without any are left out.
    fn runtime_event_totals(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> impl Future<Output = Result<Vec<(RuntimeEventType, u64)>, RepositoryError>> + Send;

    /// What a draft of a change log is made of: what was recorded or changed since an instant, at
    /// most [`super::change_log::MOST_RECORDS`] of each kind, the latest of them.
    fn material(
        &self,
        organization: OrganizationId,
        product: ProductId,
        since: Option<OffsetDateTime>,
    ) -> impl Future<Output = Result<Material, RepositoryError>> + Send;

    /// Applies a change: all of it or nothing.
    fn commit(
        &self,
        change: EvidenceChange,
    ) -> impl Future<Output = Result<EvidenceWrite, RepositoryError>> + Send;
}

impl<T: EvidenceRepository> EvidenceRepository for Arc<T> {
    async fn find_run(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: TrainingRunId,
    ) -> Result<Option<TrainingRun>, RepositoryError> {
        T::find_run(self, organization, product, id).await
    }

    async fn list_runs(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<TrainingRun>, RepositoryError> {
        T::list_runs(self, organization, product, page).await
    }

    async fn find_metric(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: SafetyMetricId,
    ) -> Result<Option<SafetyMetric>, RepositoryError> {
        T::find_metric(self, organization, product, id).await
    }

    async fn list_metrics(
        &self,
        organization: OrganizationId,
        product: ProductId,
        category: Option<MetricCategory>,
        page: &PageRequest,
    ) -> Result<Page<SafetyMetric>, RepositoryError> {
        T::list_metrics(self, organization, product, category, page).await
    }

    async fn list_runtime_events(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<RuntimeEvent>, RepositoryError> {
        T::list_runtime_events(self, organization, product, page).await
    }

    async fn runtime_event_totals(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<Vec<(RuntimeEventType, u64)>, RepositoryError> {
        T::runtime_event_totals(self, organization, product).await
    }

    async fn material(
        &self,
        organization: OrganizationId,
        product: ProductId,
        since: Option<OffsetDateTime>,
    ) -> Result<Material, RepositoryError> {
        T::material(self, organization, product, since).await
    }

    async fn commit(&self, change: EvidenceChange) -> Result<EvidenceWrite, RepositoryError> {
        T::commit(self, change).await
    }
}
