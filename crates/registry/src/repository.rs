//! The port to storage.

use std::future::Future;
use std::sync::Arc;

use probity_kernel::text::{fold, search_words};
use probity_kernel::{
    Change, OrganizationId, Page, PageRequest, RegisteredModelId, RepositoryError, Version,
};
use time::Date;

use crate::discovery::Discovery;
use crate::event::RegistryEvent;
use crate::model::{ModelIdentifier, RegisteredModel};
use crate::settings::RegistrySettings;
use crate::status::ValidationStatus;
use crate::tier::RiskTier;
use crate::usage::{ObservedModel, UsageDelta};

/// A write to the inventory together with the event that explains it.
pub type ModelChange = Change<ModelWrite, RegistryEvent>;

/// What to write.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelWrite {
    /// A new entry.
    Create(Box<RegisteredModel>),
    /// An entry's next state.
    Update {
        /// The whole entry as it is to be.
        next: Box<RegisteredModel>,
        /// The version that must be stored for the write to hold.
        expected: Version,
    },
    /// An entry goes.
    Delete {
        /// Which.
        id: RegisteredModelId,
        /// The version that must be stored for the write to hold.
        expected: Version,
    },
    /// New entries and instants last seen, with the report that was answered.
    Discover(Discovery),
    /// The organisation's settings.
    Configure {
        /// All of them.
        settings: RegistrySettings,
    },
    /// Usage to be added to the daily roll-ups, one per day, model and provider.
    RecordUsage(Vec<UsageDelta>),
}

/// Which entries a list is about; an empty filter is about all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFilter {
    /// Exactly this tier.
    pub risk_tier: Option<RiskTier>,
    /// Exactly this status.
    pub validation_status: Option<ValidationStatus>,
    /// A part of the provider's name, whatever its case.
    pub provider: Option<String>,
    /// Words which all have to occur; see [`search_words`] and [`search_text`].
    pub search: Option<String>,
}

impl ModelFilter {
    /// Whether an entry passes: the reference for what stores put into their queries.
    #[must_use]
    pub fn matches(&self, model: &RegisteredModel) -> bool {
        let provider = self.provider.as_deref().map(fold);
        self.risk_tier.is_none_or(|tier| tier == model.risk_tier)
            && self
                .validation_status
                .is_none_or(|status| status == model.validation_status)
            && provider.is_none_or(|part| fold(&model.provider).contains(&part))
            && self.search.as_deref().is_none_or(|search| {
                let text = search_text(model);
                search_words(search).iter().all(|word| text.contains(word))
            })
    }
}

/// The text that a search looks into: identifier, name and description, folded, one per line.
#[must_use]
pub fn search_text(model: &RegisteredModel) -> String {
    let description = model.description.as_deref().unwrap_or_default();
    fold(&format!(
        "{}\n{}\n{description}",
        model.model_id, model.display_name
    ))
}

/// Storage of the inventory. Everything is seen from within one organisation: what belongs to
/// another does not exist.
///
/// # Contract
/// [`commit`](Self::commit) applies the write and records its event, or does neither. The suite in
/// `testing` (feature `testing`) checks an implementation.
pub trait ModelRepository: Send + Sync {
    /// One entry.
    fn find(
        &self,
        organization: OrganizationId,
        id: RegisteredModelId,
    ) -> impl Future<Output = Result<Option<RegisteredModel>, RepositoryError>> + Send;

    /// A page of the entries that pass the filter, by `created_at` descending: the order of
    /// creation reversed.
    fn list(
        &self,
        organization: OrganizationId,
        filter: &ModelFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<RegisteredModel>, RepositoryError>> + Send;

    /// The settings; the default while none were stored.
    fn settings(
        &self,
        organization: OrganizationId,
    ) -> impl Future<Output = Result<RegistrySettings, RepositoryError>> + Send;

    /// Usage rolled up per model (see [`roll_up`](crate::usage::roll_up)) over the days from
    /// `since` on, ordered by model identifier.
    fn observed(
        &self,
        organization: OrganizationId,
        since: Date,
    ) -> impl Future<Output = Result<Vec<ObservedModel>, RepositoryError>> + Send;

    /// The entries that exist for these identifiers, in any order.
    fn known(
        &self,
        organization: OrganizationId,
        identifiers: &[ModelIdentifier],
    ) -> impl Future<Output = Result<Vec<RegisteredModel>, RepositoryError>> + Send;

    /// Applies the write and records its event, or does neither. Returns the write as stored.
    ///
    /// When the context carries an idempotency claim that was spent before, nothing is written:
    /// with the same fingerprint the first outcome comes back.
    ///
    /// # Errors
    /// [`RepositoryError::Stale`] when the stored version is not the expected one or the entry is
    /// gone, [`RepositoryError::Conflict`]`("model_id")` when the organisation has the identifier
    /// already, [`RepositoryError::IdempotencyMismatch`] when the claim was spent with another
    /// fingerprint, and the store's own failures.
    fn commit(
        &self,
        change: ModelChange,
    ) -> impl Future<Output = Result<ModelWrite, RepositoryError>> + Send;
}

impl<T: ModelRepository> ModelRepository for Arc<T> {
    async fn find(
        &self,
        organization: OrganizationId,
        id: RegisteredModelId,
    ) -> Result<Option<RegisteredModel>, RepositoryError> {
        T::find(self, organization, id).await
    }

    async fn list(
        &self,
        organization: OrganizationId,
        filter: &ModelFilter,
        page: &PageRequest,
    ) -> Result<Page<RegisteredModel>, RepositoryError> {
        T::list(self, organization, filter, page).await
    }

    async fn settings(
        &self,
        organization: OrganizationId,
    ) -> Result<RegistrySettings, RepositoryError> {
        T::settings(self, organization).await
    }

    async fn observed(
        &self,
        organization: OrganizationId,
        since: Date,
    ) -> Result<Vec<ObservedModel>, RepositoryError> {
        T::observed(self, organization, since).await
    }

    async fn known(
        &self,
        organization: OrganizationId,
        identifiers: &[ModelIdentifier],
    ) -> Result<Vec<RegisteredModel>, RepositoryError> {
        T::known(self, organization, identifiers).await
    }

    async fn commit(&self, change: ModelChange) -> Result<ModelWrite, RepositoryError> {
        T::commit(self, change).await
    }
}
