//! What the checks share: a context, ids, and short ways to write and to read.

use std::fmt::Debug;

use probity_kernel::{
    Actor, Context, IdSource, IdempotencyClaim, OrganizationId, Page, PageRequest,
    RegisteredModelId, RepositoryError, SystemIds,
};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::input::{ModelPatch, ModelPatchInput, NewModel, NewModelInput};
use crate::model::{ModelIdentifier, RegisteredModel};
use crate::repository::{ModelChange, ModelFilter, ModelRepository, ModelWrite};
use crate::settings::RegistrySettings;

/// When the checks take place, unless they say otherwise.
pub(super) const NOW: OffsetDateTime = datetime!(2026-03-13 09:00:00.123 UTC);

/// A repository under test, seen from one organisation.
pub(super) struct Bench<'a, R> {
    pub(super) repo: &'a R,
    pub(super) organization: OrganizationId,
    ids: SystemIds,
    run: String,
}

/// Takes what went well; anything else breaks a promise.
#[track_caller]
pub(super) fn must<T, E: Debug>(outcome: Result<T, E>, promise: &str) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{promise}: {error:?}"),
    }
}

/// A minimal entry's input.
#[must_use]
pub fn fixture(model_id: &str) -> NewModelInput {
    NewModelInput {
        model_id: Some(model_id.to_owned()),
        provider: Some("acme".to_owned()),
        risk_tier: Some("tier_3".to_owned()),
        ..NewModelInput::default()
    }
}

impl<'a, R: ModelRepository> Bench<'a, R> {
    pub(super) fn new(repo: &'a R, organization: OrganizationId) -> Self {
        let ids = SystemIds::default();
        let run = ids.next_id(NOW).simple().to_string();
        Self {
            repo,
            organization,
            ids,
            run,
        }
    }

    /// The same bench for another organisation, under the same names.
    pub(super) fn of(&self, organization: OrganizationId) -> Self {
        Self {
            repo: self.repo,
            organization,
            ids: SystemIds::default(),
            run: self.run.clone(),
        }
    }

    /// A name that no other run of a check uses.
    pub(super) fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.run)
    }

    pub(super) fn identifier(&self, name: &str) -> ModelIdentifier {
        must(ModelIdentifier::parse(self.name(name)), "a valid name")
    }

    pub(super) fn id(&self) -> RegisteredModelId {
        RegisteredModelId::new(self.ids.next_id(NOW))
    }

    pub(super) fn at(&self, now: OffsetDateTime) -> Context {
        Context::new(self.organization, Actor::System("contract"), now)
    }

    pub(super) fn ctx(&self) -> Context {
        self.at(NOW)
    }

    pub(super) fn claiming(&self, key: &str, fingerprint: u8) -> Context {
        self.ctx().with_idempotency(Some(IdempotencyClaim {
            scope: "contract:POST /models".to_owned(),
            key: self.name(key),
            fingerprint: [fingerprint; 32],
        }))
    }

    pub(super) fn creation(&self, ctx: &Context, input: NewModelInput) -> ModelChange {
        let new = must(NewModel::parse(input), "a valid input");
        RegisteredModel::register(ctx, &RegistrySettings::default(), self.id(), new)
    }

    pub(super) async fn create(&self, input: NewModelInput) -> RegisteredModel {
        self.create_at(NOW, input).await
    }

    pub(super) async fn create_at(
        &self,
        now: OffsetDateTime,
        input: NewModelInput,
    ) -> RegisteredModel {
        let change = self.creation(&self.at(now), input);
        let outcome = self.repo.commit(change).await;
        created(must(outcome, "a new entry is accepted"))
    }

    pub(super) async fn update(
        &self,
        model: &RegisteredModel,
        input: ModelPatchInput,
    ) -> Result<RegisteredModel, RepositoryError> {
        let change = patching(&self.ctx(), model, input);
        let outcome = self.repo.commit(change).await?;
        let ModelWrite::Update { next, .. } = outcome else {
            panic!("an update answers with an update, not {outcome:?}");
        };
        Ok(*next)
    }

    pub(super) async fn find(&self, id: RegisteredModelId) -> Option<RegisteredModel> {
        must(
            self.repo.find(self.organization, id).await,
            "an entry can be read",
        )
    }

    pub(super) async fn known(&self, identifiers: &[ModelIdentifier]) -> Vec<RegisteredModel> {
        let found = self.repo.known(self.organization, identifiers).await;
        must(found, "entries can be looked up")
    }

    pub(super) async fn list(
        &self,
        filter: &ModelFilter,
        page: &PageRequest,
    ) -> Page<RegisteredModel> {
        let listed = self.repo.list(self.organization, filter, page).await;
        must(listed, "the inventory can be listed")
    }

    /// The names of all entries of this run that pass a filter, newest first, without the run.
    pub(super) async fn names(&self, filter: ModelFilter) -> Vec<String> {
        let search = format!("{} {}", self.run, filter.search.unwrap_or_default());
        let filter = ModelFilter {
            search: Some(search),
            ..filter
        };
        let page = self.list(&filter, &PageRequest::first(200)).await;
        let suffix = format!("-{}", self.run);
        let models = page.items.iter();
        models
            .map(|model| model.model_id.as_str().replace(&suffix, ""))
            .collect()
    }
}

/// The entry that a creation answered with.
#[track_caller]
pub(super) fn created(write: ModelWrite) -> RegisteredModel {
    let ModelWrite::Create(model) = write else {
        panic!("a creation answers with a creation, not {write:?}");
    };
    *model
}

/// The change that patches an entry.
#[track_caller]
pub(super) fn patching(
    ctx: &Context,
    model: &RegisteredModel,
    input: ModelPatchInput,
) -> ModelChange {
    let patch = must(ModelPatch::parse(input), "a valid patch");
    let settings = RegistrySettings::default();
    must(
        model.clone().update(ctx, &settings, patch),
        "a permitted patch",
    )
}
