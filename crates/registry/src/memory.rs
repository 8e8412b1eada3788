//! The inventory in memory, for tests and examples (feature `testing`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    Context, Cursor, DomainEvent, OrganizationId, Page, PageRequest, Paging, RegisteredModelId,
    RepositoryError, Version,
};
use time::{Date, OffsetDateTime};

use crate::discovery::Discovery;
use crate::event::RegistryEvent;
use crate::model::{ModelIdentifier, RegisteredModel};
use crate::repository::{ModelChange, ModelFilter, ModelRepository, ModelWrite};
use crate::settings::RegistrySettings;
use crate::usage::{ObservedModel, UsageDelta, roll_up};

/// A repository in memory. It keeps every event in the order of the commits.
#[derive(Debug, Default)]
pub struct InMemoryModels(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    shelves: HashMap<OrganizationId, Shelf>,
    outcomes: HashMap<(OrganizationId, String, String), ([u8; 32], ModelWrite)>,
    events: Vec<RegistryEvent>,
}

/// What one organisation has.
#[derive(Debug, Default)]
struct Shelf {
    /// Entries by position, in the order of creation.
    models: BTreeMap<i64, RegisteredModel>,
    by_id: HashMap<RegisteredModelId, i64>,
    by_identifier: HashMap<ModelIdentifier, i64>,
    next_position: i64,
    last_created_at: Option<OffsetDateTime>,
    settings: Option<RegistrySettings>,
    usage: BTreeMap<(Date, ModelIdentifier, Option<String>), UsageDelta>,
}

impl InMemoryModels {
    /// Every event committed so far, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<RegistryEvent> {
        self.state().events.clone()
    }

    /// The names of every event committed so far, oldest first.
    #[must_use]
    pub fn event_names(&self) -> Vec<&'static str> {
        self.state()
            .events
            .iter()
            .map(RegistryEvent::name)
            .collect()
    }

    /// Nothing panics while it holds the lock, so a poisoned state is a whole one.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, organization: OrganizationId, question: impl FnOnce(&Shelf) -> T) -> T {
        let state = self.state();
        match state.shelves.get(&organization) {
            Some(found) => question(found),
            None => question(&Shelf::default()),
        }
    }
}

impl ModelRepository for InMemoryModels {
    async fn find(
        &self,
        organization: OrganizationId,
        id: RegisteredModelId,
    ) -> Result<Option<RegisteredModel>, RepositoryError> {
        Ok(self.read(organization, |shelf| shelf.find(id).cloned()))
    }

    async fn list(
        &self,
        organization: OrganizationId,
        filter: &ModelFilter,
        page: &PageRequest,
    ) -> Result<Page<RegisteredModel>, RepositoryError> {
        Ok(self.read(organization, |shelf| shelf.list(filter, page)))
    }

    async fn settings(
        &self,
        organization: OrganizationId,
    ) -> Result<RegistrySettings, RepositoryError> {
        Ok(self.read(organization, |shelf| shelf.settings.unwrap_or_default()))
    }

    async fn observed(
        &self,
        organization: OrganizationId,
        since: Date,
    ) -> Result<Vec<ObservedModel>, RepositoryError> {
        Ok(self.read(organization, |shelf| {
            let days = shelf.usage.values().filter(|delta| delta.day >= since);
            roll_up(days.cloned())
        }))
    }

    async fn known(
        &self,
        organization: OrganizationId,
        identifiers: &[ModelIdentifier],
    ) -> Result<Vec<RegisteredModel>, RepositoryError> {
        Ok(self.read(organization, |shelf| {
            let places = identifiers.iter().map(|name| shelf.by_identifier.get(name));
            let models = places.filter_map(|place| shelf.models.get(place?));
            models.cloned().collect()
        }))
    }

    async fn commit(&self, change: ModelChange) -> Result<ModelWrite, RepositoryError> {
        self.state().commit(change)
    }
}

impl State {
    fn commit(&mut self, change: ModelChange) -> Result<ModelWrite, RepositoryError> {
        let (ctx, write, event) = change.into_parts();
        let Context {
            organization,
            actor: _,
            now: _,
            request_id: _,
            idempotency,
        } = ctx;
        let claim = idempotency.map(|claim| {
            let key = (organization, claim.scope, claim.key);
            (key, claim.fingerprint)
        });
        if let Some((key, fingerprint)) = &claim
            && let Some((spent_with, outcome)) = self.outcomes.get(key)
        {
            return if spent_with == fingerprint {
                Ok(outcome.clone())
            } else {
                Err(RepositoryError::IdempotencyMismatch)
            };
        }
        let stored = self.shelves.entry(organization).or_default().apply(write)?;
        self.events.push(event);
        if let Some((key, fingerprint)) = claim {
            self.outcomes.insert(key, (fingerprint, stored.clone()));
        }
        Ok(stored)
    }
}

impl Shelf {
    fn find(&self, id: RegisteredModelId) -> Option<&RegisteredModel> {
        self.models.get(self.by_id.get(&id)?)
    }

    fn list(&self, filter: &ModelFilter, page: &PageRequest) -> Page<RegisteredModel> {
        let matching = || {
            let newest_first = self.models.iter().rev();
            newest_first.filter(|(_, model)| filter.matches(model))
        };
        let (skip, before) = match page.paging {
            Paging::Offset(skip) => (usize::try_from(skip).unwrap_or(usize::MAX), i64::MAX),
            Paging::After(cursor) => (0, cursor.key),
        };
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let mut rest = matching()
            .filter(|(position, _)| **position < before)
            .skip(skip);
        let items: Vec<_> = rest.by_ref().take(limit).collect();
        let last = items.last().map(|(position, _)| **position);
        let more = rest.next().is_some();
        let next = last.filter(|_| more).map(|key| Cursor { key, tie: 0 });
        Page {
            items: items.into_iter().map(|(_, model)| model.clone()).collect(),
            total: u64::try_from(matching().count()).unwrap_or(u64::MAX),
            next,
        }
    }

    /// Checks first, writes then: a write that is refused has changed nothing.
    fn apply(&mut self, write: ModelWrite) -> Result<ModelWrite, RepositoryError> {
        match write {
            ModelWrite::Create(model) => {
                self.check_free(std::slice::from_ref(&model))?;
                Ok(ModelWrite::Create(Box::new(self.insert(*model))))
            }
            ModelWrite::Update { next, expected } => {
                let place = self.place(next.id, expected)?;
                self.models.insert(place, (*next).clone());
                Ok(ModelWrite::Update { next, expected })
            }
            ModelWrite::Delete { id, expected } => {
                let place = self.place(id, expected)?;
                if let Some(model) = self.models.remove(&place) {
                    self.by_identifier.remove(&model.model_id);
                }
                self.by_id.remove(&id);
                Ok(ModelWrite::Delete { id, expected })
            }
            ModelWrite::Discover(discovery) => self.discover(discovery),
            ModelWrite::Configure { settings } => {
                self.settings = Some(settings);
                Ok(ModelWrite::Configure { settings })
            }
            ModelWrite::RecordUsage(deltas) => {
                for delta in &deltas {
                    self.add(delta);
                }
                Ok(ModelWrite::RecordUsage(deltas))
            }
        }
    }

    fn check_free<M: std::borrow::Borrow<RegisteredModel>>(
        &self,
        models: &[M],
    ) -> Result<(), RepositoryError> {
        let mut new = std::collections::HashSet::new();
        for model in models.iter().map(M::borrow) {
            if self.by_identifier.contains_key(&model.model_id) || !new.insert(&model.model_id) {
                return Err(RepositoryError::Conflict("model_id"));
            }
        }
        Ok(())
    }

    /// Creation instants follow the order of creation, whatever the callers' clocks say.
    fn insert(&mut self, mut model: RegisteredModel) -> RegisteredModel {
        let created_at = self.last_created_at.max(Some(model.created_at));
        model.created_at = created_at.unwrap_or(model.created_at);
        model.updated_at = model.updated_at.max(model.created_at);
        self.last_created_at = created_at;
        let position = self.next_position;
        self.next_position += 1;
        self.by_id.insert(model.id, position);
        self.by_identifier.insert(model.model_id.clone(), position);
        self.models.insert(position, model.clone());
        model
    }

    fn place(&self, id: RegisteredModelId, expected: Version) -> Result<i64, RepositoryError> {
        let place = self.by_id.get(&id).ok_or(RepositoryError::Stale)?;
        let stored = self.models.get(place).map(|model| model.version);
        if stored == Some(expected) {
            Ok(*place)
        } else {
            Err(RepositoryError::Stale)
        }
    }

    fn discover(&mut self, discovery: Discovery) -> Result<ModelWrite, RepositoryError> {
        self.check_free(&discovery.created)?;
        let Discovery {
            created,
            seen,
            report,
        } = discovery;
        let created = created
            .into_iter()
            .map(|model| self.insert(model))
            .collect();
        for change in &seen {
            let place = self.by_id.get(&change.id);
            if let Some(model) = place.and_then(|place| self.models.get_mut(place)) {
                model.last_seen_at = model.last_seen_at.max(Some(change.last_seen_at));
            }
        }
        Ok(ModelWrite::Discover(Discovery {
            created,
            seen,
            report,
        }))
    }

    fn add(&mut self, delta: &UsageDelta) {
        let key = (delta.day, delta.model.clone(), delta.provider.clone());
        self.usage
            .entry(key)
            .and_modify(|sum| sum.absorb(delta))
            .or_insert_with(|| delta.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::testing::{block_on, repository_contract};

    const HERE: OrganizationId = OrganizationId::new(Uuid::from_u128(1));
    const THERE: OrganizationId = OrganizationId::new(Uuid::from_u128(2));

    #[test]
    fn it_keeps_the_contract_and_keeps_it_when_it_holds_entries() {
        let repo = InMemoryModels::default();
        block_on(repository_contract(&repo, HERE, THERE));
        block_on(repository_contract(&repo, HERE, THERE));
    }

    #[test]
    fn it_keeps_the_contract_when_it_is_shared() {
        let repo = Arc::new(InMemoryModels::default());
        block_on(repository_contract(&repo, HERE, THERE));
        assert!(repo.event_names().contains(&"model.discovered"));
    }
}
