//! Webhooks in memory, for tests.

mod queue;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    Context, Cursor, DeliveryId, DomainEvent as _, EventId, OrganizationId, Page, PageRequest,
    Paging, Publication, RepositoryError, Version, WebhookEndpointId,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState, Missed, Replay};
use crate::endpoint::{
    Alias, Endpoint, EndpointWrite, MOST_ENDPOINTS, Rewrapping, SecretRecord, WebhookChange,
    WebhookEvent, WebhookWrite,
};
use crate::event::GovernanceEvent;
use crate::filter::EventType;
use crate::message::{Message, PING};
use crate::repository::WebhookRepository;

/// A repository in memory. The events that its own changes publish are the only ones there are.
#[derive(Debug, Default)]
pub struct InMemoryWebhooks {
    state: Mutex<State>,
}

/// An endpoint and a delivery to it.
type Place = (WebhookEndpointId, DeliveryId);
/// Organisation, scope and key of an idempotency claim.
type Claimed = (OrganizationId, String, String);

/// A delivery, and what is not shown of it.
#[derive(Debug, Clone)]
struct Row {
    organization: OrganizationId,
    shown: Delivery,
    message: Message,
    failures: u32,
    attempts: Vec<Attempt>,
}

#[derive(Debug, Default)]
struct State {
    endpoints: HashMap<WebhookEndpointId, Endpoint>,
    secrets: Vec<SecretRecord>,
    deliveries: BTreeMap<Place, Row>,
    carried: HashMap<(WebhookEndpointId, String), Value>,
    /// Which delivery of an endpoint has the turn, and until when.
    turns: HashMap<WebhookEndpointId, (DeliveryId, OffsetDateTime)>,
    published: Vec<(OrganizationId, GovernanceEvent)>,
    outcomes: HashMap<Claimed, ([u8; 32], WebhookWrite)>,
    events: Vec<WebhookEvent>,
}

impl InMemoryWebhooks {
    /// Every recorded event, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<WebhookEvent> {
        self.state().events.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn apply(&mut self, ctx: &Context, write: &WebhookWrite) -> Result<(), RepositoryError> {
        match write {
            WebhookWrite::Create(write) => {
                let own = self.of(ctx.organization).count();
                if u64::try_from(own).is_ok_and(|own| own >= MOST_ENDPOINTS) {
                    return Err(RepositoryError::Conflict("webhooks"));
                }
                self.put(ctx, write)
            }
            WebhookWrite::Update { write, expected } => {
                self.at(ctx, write.endpoint.id, *expected)?;
                self.put(ctx, write)
            }
            WebhookWrite::Delete { id, expected } => {
                self.at(ctx, *id, *expected)?;
                self.endpoints.remove(id);
                self.deliveries.retain(|(endpoint, _), _| endpoint != id);
                Ok(())
            }
            WebhookWrite::Rotate { secret, retired } => {
                self.add_secret(ctx, secret)?;
                for record in retired {
                    let known = self.secrets.iter_mut().find(|known| known.id == record.id);
                    if let Some(known) = known.filter(|one| one.organization == ctx.organization) {
                        known.expires_at = record.expires_at;
                    }
                }
                Ok(())
            }
            WebhookWrite::Replay(replay) => self.again(ctx, replay),
            WebhookWrite::Rewrap(rewrapping) => {
                self.rewrap(ctx, rewrapping);
                Ok(())
            }
        }
    }

    fn rewrap(&mut self, ctx: &Context, rewrapping: &Rewrapping) {
        for (id, sealed) in &rewrapping.secrets {
            let own = self.secrets.iter_mut().filter(|one| one.id == *id);
            for record in own.filter(|one| one.organization == ctx.organization) {
                if record.sealed == sealed.before {
                    record.sealed.clone_from(&sealed.after);
                }
            }
        }
        for (id, sealed) in &rewrapping.credentials {
            let own = self.endpoints.get_mut(id);
            if let Some(endpoint) = own.filter(|one| one.organization == ctx.organization)
                && endpoint.credential.as_ref() == Some(&sealed.before)
            {
                endpoint.credential = Some(sealed.after.clone());
            }
        }
    }

    fn of(&self, organization: OrganizationId) -> impl Iterator<Item = &Endpoint> {
        let all = self.endpoints.values();
        all.filter(move |endpoint| endpoint.organization == organization)
    }

    /// Whether the organisation's endpoint is at the version.
    fn at(
        &self,
        ctx: &Context,
        id: WebhookEndpointId,
        expected: Version,
    ) -> Result<(), RepositoryError> {
        let known = self.endpoints.get(&id);
        let known = known.filter(|one| one.organization == ctx.organization);
        match known {
            Some(endpoint) if endpoint.version == expected => Ok(()),
            _ => Err(RepositoryError::Stale),
        }
    }

    fn put(&mut self, ctx: &Context, write: &EndpointWrite) -> Result<(), RepositoryError> {
        let endpoint = &write.endpoint;
        if endpoint.organization != ctx.organization {
            return Err(RepositoryError::Stale);
        }
        if let Some(secret) = &write.secret {
            self.add_secret(ctx, secret)?;
        }
        self.endpoints.insert(endpoint.id, endpoint.clone());
        if let Some(ping) = write.ping {
            let types: Vec<&str> = endpoint.event_types.iter().map(EventType::as_str).collect();
            let note = json!({"webhook_id": endpoint.id.type_id(), "event_types": types});
            let message = Message::note(ping.uuid(), PING, endpoint.updated_at, note);
            self.deliver((endpoint.id, ping), ctx, message);
        }
        Ok(())
    }

    fn add_secret(&mut self, ctx: &Context, secret: &SecretRecord) -> Result<(), RepositoryError> {
        if secret.organization != ctx.organization {
            return Err(RepositoryError::Stale);
        }
        let taken = self.secrets.iter().any(|known| {
            known.organization == secret.organization
                && known.alias == secret.alias
                && known.number >= secret.number
        });
        if taken {
            return Err(RepositoryError::Conflict("alias"));
        }
        self.secrets.push(secret.clone());
        Ok(())
    }

    fn deliver(&mut self, (endpoint, id): Place, ctx: &Context, message: Message) {
        let shown = Delivery {
            id,
            endpoint,
            message_id: message.id.clone(),
            event_type: message.event_type.clone(),
            state: DeliveryState::Pending,
            attempts: 0,
            next_attempt_at: Some(ctx.now),
            last_attempt_at: None,
            last_status: None,
            last_error: None,
            created_at: ctx.now,
        };
        let row = Row {
            organization: ctx.organization,
            shown,
            message,
            failures: 0,
            attempts: Vec::new(),
        };
        self.deliveries.entry((endpoint, id)).or_insert(row);
    }

    fn again(&mut self, ctx: &Context, replay: &Replay) -> Result<(), RepositoryError> {
        for place in &replay.deliveries {
            let row = self.deliveries.get_mut(place);
            let row = row.filter(|row| row.organization == ctx.organization);
            if let Some(row) = row.filter(|row| row.shown.state != DeliveryState::Pending) {
                row.shown.state = DeliveryState::Pending;
                row.shown.next_attempt_at = Some(ctx.now);
                row.failures = 0;
            }
        }
        for (endpoint, missed) in &replay.missed {
            if self.of(ctx.organization).all(|one| one.id != *endpoint) {
                return Err(RepositoryError::Stale);
            }
            let id = DeliveryId::new(missed.event.uuid());
            let mut published = self.published.iter();
            let event = published.find(|(organization, event)| {
                *organization == ctx.organization && event.id == missed.event
            });
            if let Some((_, event)) = event {
                let message = Message::of_event(event.clone());
                self.deliver((*endpoint, id), ctx, message);
            }
        }
        Ok(())
    }

    /// Puts an event where subscribers find it, with its deliveries.
    fn publish(&mut self, ctx: &Context, publication: Publication, ordinal: usize) {
        let before = self.published.len();
        let milliseconds = ctx.now.unix_timestamp_nanos().div_euclid(1_000_000);
        let stamp = u128::try_from(milliseconds).unwrap_or_default() << 80;
        let number = u128::try_from(before).unwrap_or_default();
        let id = Uuid::from_u128(stamp | (1 << 64) | number);
        let event = GovernanceEvent {
            id: EventId::new(id),
            event_type: publication.event_type.to_owned(),
            source_table: publication.source_table.to_owned(),
            source_id: publication.source_id,
            product: publication.product,
            trigger_reason: publication.trigger_reason,
            payload: publication.payload,
            score_before: publication.score_before,
            score_after: publication.score_after,
            created_at: ctx.now,
            audit_index: u64::try_from(self.events.len()).unwrap_or(u64::MAX),
            ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
        };
        let wanting: Vec<WebhookEndpointId> = self
            .of(ctx.organization)
            .filter(|one| one.is_enabled() && one.wants(&event.event_type))
            .map(|one| one.id)
            .collect();
        for endpoint in wanting {
            let message = Message::of_event(event.clone());
            self.deliver((endpoint, DeliveryId::new(id)), ctx, message);
        }
        self.published.push((ctx.organization, event));
    }

    fn commit(&mut self, change: WebhookChange) -> Result<WebhookWrite, RepositoryError> {
        let (ctx, write, event) = change.into_parts();
        let claimed = ctx.idempotency.clone().map(|claim| {
            let key = (ctx.organization, claim.scope, claim.key);
            (key, claim.fingerprint)
        });
        if let Some((key, fingerprint)) = &claimed
            && let Some((first, outcome)) = self.outcomes.get(key)
        {
            return if first == fingerprint {
                Ok(outcome.clone())
            } else {
                Err(RepositoryError::IdempotencyMismatch)
            };
        }
        self.apply(&ctx, &write)?;
        for (ordinal, publication) in event.publications().into_iter().enumerate() {
            self.publish(&ctx, publication, ordinal);
        }
        self.events.push(event);
        if let Some((key, fingerprint)) = claimed {
            self.outcomes.insert(key, (fingerprint, write.clone()));
        }
        Ok(write)
    }
}

/// One page of what matches, newest first by id.
fn page_of<T>(mut found: Vec<T>, page: &PageRequest, id: impl Fn(&T) -> Uuid) -> Page<T> {
    found.sort_by_key(|one| Reverse(id(one)));
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let skipped = match &page.paging {
        Paging::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Paging::After(cursor) => found.partition_point(|one| id(one).as_u128() >= cursor.tie),
    };
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut items: Vec<T> = found.into_iter().skip(skipped).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| Cursor {
        key: 0,
        tie: id(last).as_u128(),
    });
    Page { items, total, next }
}

impl WebhookRepository for InMemoryWebhooks {
    async fn find(
        &self,
        organization: OrganizationId,
        id: WebhookEndpointId,
    ) -> Result<Option<Endpoint>, RepositoryError> {
        let state = self.state();
        let found = state.of(organization).find(|one| one.id == id);
        Ok(found.cloned())
    }

    async fn list(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<Endpoint>, RepositoryError> {
        let found = self.state().of(organization).cloned().collect();
        Ok(page_of(found, page, |one: &Endpoint| one.id.uuid()))
    }

    async fn secrets(
        &self,
        organization: OrganizationId,
        alias: &Alias,
    ) -> Result<Vec<SecretRecord>, RepositoryError> {
        let state = self.state();
        let own = state.secrets.iter();
        let own = own.filter(|one| one.organization == organization && one.alias == *alias);
        let mut found: Vec<SecretRecord> = own.cloned().collect();
        found.sort_by_key(|one| Reverse(one.number));
        Ok(found)
    }

    async fn all_secrets(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<SecretRecord>, RepositoryError> {
        let state = self.state();
        let own = state.secrets.iter();
        let own = own.filter(|one| one.organization == organization);
        Ok(own.cloned().collect())
    }

    async fn deliveries(
        &self,
        organization: OrganizationId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, RepositoryError> {
        let state = self.state();
        let wanted = |row: &&Row| {
            let shown = &row.shown;
            row.organization == organization
                && filter.endpoint.is_none_or(|only| only == shown.endpoint)
                && filter.state.is_none_or(|only| only == shown.state)
                && filter.from.is_none_or(|from| shown.created_at >= from)
                && filter.to.is_none_or(|to| shown.created_at < to)
                && filter
                    .event_type
                    .as_ref()
                    .is_none_or(|only| only.as_str() == shown.event_type)
        };
        let found = state.deliveries.values().filter(wanted);
        let found = found.map(|row| row.shown.clone()).collect();
        let mut page = page_of(found, page, |one: &Delivery| one.id.uuid());
        page.total = u64::try_from(page.items.len()).unwrap_or(u64::MAX);
        Ok(page)
    }

    async fn delivery(
        &self,
        organization: OrganizationId,
        endpoint: WebhookEndpointId,
        id: DeliveryId,
    ) -> Result<Option<(Delivery, Vec<Attempt>)>, RepositoryError> {
        let state = self.state();
        let row = state.deliveries.get(&(endpoint, id));
        let row = row.filter(|row| row.organization == organization);
        Ok(row.map(|row| {
            let attempts = row.attempts.iter().rev().cloned().collect();
            (row.shown.clone(), attempts)
        }))
    }

    async fn missed(
        &self,
        endpoint: &Endpoint,
        from: Option<OffsetDateTime>,
        to: Option<OffsetDateTime>,
        limit: u32,
    ) -> Result<Vec<Missed>, RepositoryError> {
        let state = self.state();
        let found = state.published.iter().filter(|(organization, event)| {
            let id = DeliveryId::new(event.id.uuid());
            *organization == endpoint.organization
                && endpoint.wants(&event.event_type)
                && from.is_none_or(|from| event.created_at >= from)
                && to.is_none_or(|to| event.created_at < to)
                && !state.deliveries.contains_key(&(endpoint.id, id))
        });
        let found = found.map(|(_, event)| Missed {
            event: event.id,
            audit_index: event.audit_index,
            ordinal: event.ordinal,
        });
        Ok(found
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .collect())
    }

    async fn commit(&self, change: WebhookChange) -> Result<WebhookWrite, RepositoryError> {
        self.state().commit(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, repository_contract, run_now};
    use time::macros::datetime;

    #[test]
    fn it_keeps_the_contract() {
        let repository = InMemoryWebhooks::default();
        let world = World {
            organization: OrganizationId::new(Uuid::from_u128(1)),
            other_organization: OrganizationId::new(Uuid::from_u128(2)),
            now: datetime!(2026-03-13 09:00 UTC),
        };
        run_now(repository_contract(&repository, world));
        assert!(!repository.events().is_empty());
    }
}
