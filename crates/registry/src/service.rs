//! The registry's commands over any repository.

use probity_kernel::{
    Change, Context, IdSource, OrganizationId, Page, PageRequest, RegisteredModelId,
    RepositoryError, Version,
};

use crate::discovery::{Discovery, DiscoveryReport, DiscoveryRequest};
use crate::error::RegistryError;
use crate::event::RegistryEvent;
use crate::input::{ModelPatch, NewModel};
use crate::model::RegisteredModel;
use crate::repository::{ModelChange, ModelFilter, ModelRepository, ModelWrite};
use crate::settings::{RegistrySettings, SettingsInput};
use crate::status::ValidationStatus;
use crate::usage::{AiRequest, UsageDelta, by_day};
use crate::validation::check_duties;

/// The registry's commands and questions.
#[derive(Debug, Clone)]
pub struct RegistryService<R, I> {
    repository: R,
    ids: I,
}

/// A store answered a command with the outcome of another kind of command: a claim's scope was
/// shared between routes.
#[derive(Debug, thiserror::Error)]
#[error("the idempotency claim belongs to another kind of command")]
struct ForeignOutcome;

fn foreign() -> RegistryError {
    RepositoryError::Database(Box::new(ForeignOutcome)).into()
}

impl<R: ModelRepository, I: IdSource> RegistryService<R, I> {
    /// The service over a repository and a source of ids.
    pub const fn new(repository: R, ids: I) -> Self {
        Self { repository, ids }
    }

    /// Enters a model into the inventory.
    ///
    /// # Errors
    /// [`RegistryError::AlreadyExists`] when the organisation has the identifier,
    /// [`RegistryError::SeparationOfDuties`] when that setting keeps the actor from importing an
    /// entry of their own as `validated`, and what the repository says.
    pub async fn register(
        &self,
        ctx: &Context,
        new: NewModel,
    ) -> Result<RegisteredModel, RegistryError> {
        let settings = self.settings(ctx.organization).await?;
        if new.validation_status == ValidationStatus::Validated {
            check_duties(&settings, &ctx.actor, [&new.owner])?;
        }
        let model_id = new.model_id.clone();
        let change = RegisteredModel::register(ctx, &settings, self.next_id(ctx), new);
        match self.repository.commit(change).await {
            Ok(ModelWrite::Create(model)) => Ok(*model),
            Ok(_) => Err(foreign()),
            Err(RepositoryError::Conflict("model_id")) => {
                Err(RegistryError::AlreadyExists(model_id))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One entry.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], and what the repository says.
    pub async fn get(
        &self,
        organization: OrganizationId,
        id: RegisteredModelId,
    ) -> Result<RegisteredModel, RegistryError> {
        let found = self.repository.find(organization, id).await?;
        found.ok_or(RegistryError::NotFound(id))
    }

    /// A page of the inventory, newest entry first.
    ///
    /// # Errors
    /// What the repository says.
    pub async fn list(
        &self,
        organization: OrganizationId,
        filter: &ModelFilter,
        page: &PageRequest,
    ) -> Result<Page<RegisteredModel>, RegistryError> {
        Ok(self.repository.list(organization, filter, page).await?)
    }

    /// Changes an entry. A patch that changes nothing writes nothing and gives the entry as it is.
    /// When somebody else changes the entry at the same time, the patch is applied once more to
    /// what they left, unless the caller demanded a version.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], [`RegistryError::PreconditionFailed`] when the entry is not at
    /// the `expected` version, what [`RegisteredModel::update`] refuses, and what the repository
    /// says.
    pub async fn update(
        &self,
        ctx: &Context,
        id: RegisteredModelId,
        patch: ModelPatch,
        expected: Option<Version>,
    ) -> Result<RegisteredModel, RegistryError> {
        match self.update_once(ctx, id, patch.clone(), expected).await {
            Err(RegistryError::Repository(RepositoryError::Stale)) => {
                refuse_if(expected)?;
                self.update_once(ctx, id, patch, None).await
            }
            outcome => outcome,
        }
    }

    async fn update_once(
        &self,
        ctx: &Context,
        id: RegisteredModelId,
        patch: ModelPatch,
        expected: Option<Version>,
    ) -> Result<RegisteredModel, RegistryError> {
        let model = self.at_version(ctx, id, expected).await?;
        let settings = self.settings(ctx.organization).await?;
        let change = model.clone().update(ctx, &settings, patch)?;
        if change.event().changes_nothing() {
            return Ok(model);
        }
        let ModelWrite::Update { next, .. } = self.repository.commit(change).await? else {
            return Err(foreign());
        };
        Ok(*next)
    }

    /// Takes an entry out of the inventory.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], [`RegistryError::PreconditionFailed`] when the entry is not at
    /// the `expected` version, and what the repository says.
    pub async fn delete(
        &self,
        ctx: &Context,
        id: RegisteredModelId,
        expected: Option<Version>,
    ) -> Result<(), RegistryError> {
        match self.delete_once(ctx, id, expected).await {
            Err(RegistryError::Repository(RepositoryError::Stale)) => {
                refuse_if(expected)?;
                self.delete_once(ctx, id, None).await
            }
            outcome => outcome,
        }
    }

    async fn delete_once(
        &self,
        ctx: &Context,
        id: RegisteredModelId,
        expected: Option<Version>,
    ) -> Result<(), RegistryError> {
        let model = self.at_version(ctx, id, expected).await?;
        let ModelWrite::Delete { .. } = self.repository.commit(model.delete(ctx)).await? else {
            return Err(foreign());
        };
        Ok(())
    }

    async fn at_version(
        &self,
        ctx: &Context,
        id: RegisteredModelId,
        expected: Option<Version>,
    ) -> Result<RegisteredModel, RegistryError> {
        let model = self.get(ctx.organization, id).await?;
        if expected.is_some_and(|expected| expected != model.version) {
            return Err(RegistryError::PreconditionFailed);
        }
        Ok(model)
    }

    /// Looks for models that are in use and makes entries for those that nobody registered. A dry
    /// run reports the same and writes nothing; any other run is on the record, even one that finds
    /// nothing new. When somebody registers one of the models at the same time, the run starts over
    /// once.
    ///
    /// # Errors
    /// What the repository says.
    pub async fn discover(
        &self,
        ctx: &Context,
        request: DiscoveryRequest,
    ) -> Result<DiscoveryReport, RegistryError> {
        match self.discover_once(ctx, request).await {
            Err(RegistryError::Repository(
                RepositoryError::Conflict(_) | RepositoryError::Stale,
            )) => self.discover_once(ctx, request).await,
            outcome => outcome,
        }
    }

    async fn discover_once(
        &self,
        ctx: &Context,
        request: DiscoveryRequest,
    ) -> Result<DiscoveryReport, RegistryError> {
        let organization = ctx.organization;
        let since = request.since(ctx.now);
        let settings = self.settings(organization).await?;
        let observed = self.repository.observed(organization, since).await?;
        let identifiers: Vec<_> = observed.iter().map(|usage| usage.model.clone()).collect();
        let known = self.repository.known(organization, &identifiers).await?;
        let next_id = || self.next_id(ctx);
        let discovery = Discovery::plan(ctx, &settings, request, &observed, &known, next_id);
        if request.dry_run() {
            return Ok(discovery.report);
        }
        let ModelWrite::Discover(discovery) =
            self.repository.commit(discovery.into_change(ctx)).await?
        else {
            return Err(foreign());
        };
        Ok(discovery.report)
    }

    /// The organisation's settings.
    ///
    /// # Errors
    /// What the repository says.
    pub async fn settings(
        &self,
        organization: OrganizationId,
    ) -> Result<RegistrySettings, RegistryError> {
        Ok(self.repository.settings(organization).await?)
    }

    /// Changes the organisation's settings. Input that changes nothing writes nothing.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] with every faulty field, and what the repository says.
    pub async fn configure(
        &self,
        ctx: &Context,
        input: &SettingsInput,
    ) -> Result<RegistrySettings, RegistryError> {
        let before = self.settings(ctx.organization).await?;
        let settings = before.with(input)?;
        let event = RegistryEvent::configured(ctx.organization, &before, &settings);
        if event.changes_nothing() {
            return Ok(before);
        }
        let change = Change::new(ctx, ModelWrite::Configure { settings }, event);
        let ModelWrite::Configure { settings } = self.repository.commit(change).await? else {
            return Err(foreign());
        };
        Ok(settings)
    }

    /// Adds requests to the daily roll-ups and tells how many were added; none write nothing.
    ///
    /// # Errors
    /// What the repository says.
    pub async fn record_usage(
        &self,
        ctx: &Context,
        requests: Vec<AiRequest>,
    ) -> Result<u64, RegistryError> {
        if requests.is_empty() {
            return Ok(0);
        }
        let change = recorded(ctx, by_day(&requests));
        let ModelWrite::RecordUsage(deltas) = self.repository.commit(change).await? else {
            return Err(foreign());
        };
        Ok(total(&deltas))
    }

    fn next_id(&self, ctx: &Context) -> RegisteredModelId {
        RegisteredModelId::new(self.ids.next_id(ctx.now))
    }
}

/// A caller who demanded a version learns of the change in between instead of overwriting it.
const fn refuse_if(expected: Option<Version>) -> Result<(), RegistryError> {
    match expected {
        Some(_) => Err(RegistryError::PreconditionFailed),
        None => Ok(()),
    }
}

fn total(deltas: &[UsageDelta]) -> u64 {
    deltas.iter().map(|delta| delta.count).sum()
}

fn recorded(ctx: &Context, deltas: Vec<UsageDelta>) -> ModelChange {
    let event = RegistryEvent::UsageRecorded {
        organization: ctx.organization,
        requests: total(&deltas),
        roll_ups: u64::try_from(deltas.len()).unwrap_or(u64::MAX),
        first_seen_at: deltas.iter().map(|delta| delta.first_seen_at).min(),
        last_seen_at: deltas.iter().map(|delta| delta.last_seen_at).max(),
    };
    Change::new(ctx, ModelWrite::RecordUsage(deltas), event)
}

#[cfg(test)]
mod tests;
