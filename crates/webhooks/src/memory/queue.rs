//! Deliveries as those who make them see them.

use std::sync::Arc;

use probity_kernel::{RepositoryError, WebhookEndpointId};
use time::{Duration, OffsetDateTime};

use super::{InMemoryWebhooks, Place, State};
use crate::delivery::{Backlog, Claim, DeliveryState, Next, Settled, Settlement};
use crate::endpoint::{Endpoint, SecretRecord};
use crate::repository::DeliveryQueue;
use crate::target;

impl State {
    /// What is due of an endpoint, oldest first.
    fn due_of(&self, endpoint: WebhookEndpointId, now: OffsetDateTime) -> Vec<Place> {
        let rows = self.deliveries.iter();
        let due = rows.filter_map(|(place, row)| {
            let at = row.shown.next_attempt_at?;
            (place.0 == endpoint && at <= now).then_some((at, *place))
        });
        let mut due: Vec<_> = due.collect();
        due.sort_unstable();
        due.into_iter().map(|(_, place)| place).collect()
    }

    fn live_secrets(&self, endpoint: &Endpoint, now: OffsetDateTime) -> Arc<Vec<SecretRecord>> {
        let live = self.secrets.iter().filter(|one| {
            one.organization == endpoint.organization
                && one.alias == endpoint.secret_alias
                && one.is_live(now)
        });
        let mut live: Vec<SecretRecord> = live.cloned().collect();
        live.sort_by_key(|one| std::cmp::Reverse(one.number));
        Arc::new(live)
    }

    fn claim(
        &mut self,
        id: WebhookEndpointId,
        limit: u32,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Vec<Claim> {
        let enabled = self.endpoints.get(&id).filter(|one| one.is_enabled());
        let Some(endpoint) = enabled.cloned().map(Arc::new) else {
            return Vec::new();
        };
        let secrets = self.live_secrets(&endpoint, now);
        let target = target::target(&endpoint.kind);
        let in_turn = target.is_some_and(target::Target::keeps_state);
        let busy = self.turns.get(&id).is_some_and(|(_, until)| *until > now);
        let limit = if !in_turn {
            limit
        } else if busy {
            0
        } else {
            limit.min(1)
        };
        let mut due = self.due_of(id, now);
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        if let Some((_, delivery)) = due.first().filter(|_| in_turn) {
            self.turns.insert(id, (*delivery, now + lease));
        }
        let mut claims = Vec::new();
        for place in due {
            let Some(row) = self.deliveries.get_mut(&place) else {
                continue;
            };
            row.shown.attempts += 1;
            row.shown.next_attempt_at = Some(now + lease);
            let key = target.and_then(|target| target.state_key(&row.message));
            claims.push(Claim {
                organization: endpoint.organization,
                delivery: place.1,
                fence: row.shown.attempts,
                failures: row.failures,
                endpoint: endpoint.clone(),
                secrets: secrets.clone(),
                message: row.message.clone(),
                state: key.and_then(|key| self.carried.get(&(id, key)).cloned()),
            });
        }
        claims
    }

    fn settle(&mut self, result: &Settlement) -> bool {
        let turn = self.turns.get(&result.endpoint);
        if turn.is_some_and(|(delivery, _)| *delivery == result.delivery) {
            self.turns.remove(&result.endpoint);
        }
        if let Some((key, value)) = &result.state {
            let key = (result.endpoint, key.clone());
            self.carried.insert(key, value.clone());
        }
        let row = self.deliveries.get_mut(&(result.endpoint, result.delivery));
        let row = row.filter(|row| {
            row.organization == result.organization
                && row.shown.attempts == result.attempt.number
                && row.shown.state == DeliveryState::Pending
        });
        let Some(row) = row else { return false };
        (row.shown.state, row.shown.next_attempt_at) = match result.next {
            Next::Delivered => (DeliveryState::Delivered, None),
            Next::RetryAt(at) => (DeliveryState::Pending, Some(at)),
            Next::Dead => (DeliveryState::Dead, None),
        };
        row.shown.last_attempt_at = Some(result.attempt.at);
        row.shown.last_status = result.attempt.status;
        row.shown.last_error.clone_from(&result.attempt.error);
        let arrived = result.next == Next::Delivered;
        if !arrived {
            row.failures += 1;
            row.attempts.push(result.attempt.clone());
        }
        if let Some(endpoint) = self.endpoints.get_mut(&result.endpoint) {
            endpoint.failing_since = if arrived {
                None
            } else {
                endpoint.failing_since.or(Some(result.attempt.at))
            };
        }
        true
    }
}

impl DeliveryQueue for InMemoryWebhooks {
    async fn due(&self, now: OffsetDateTime) -> Result<Vec<WebhookEndpointId>, RepositoryError> {
        let state = self.state();
        let enabled = state.endpoints.values().filter(|one| one.is_enabled());
        let due = enabled.filter(|one| !state.due_of(one.id, now).is_empty());
        Ok(due.map(|one| one.id).collect())
    }

    async fn claim(
        &self,
        wanted: Vec<(WebhookEndpointId, u32)>,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Vec<Claim>, RepositoryError> {
        let mut state = self.state();
        let taken = wanted
            .into_iter()
            .flat_map(|(endpoint, limit)| state.claim(endpoint, limit, now, lease));
        Ok(taken.collect())
    }

    async fn settle(&self, results: Vec<Settlement>) -> Result<Vec<Settled>, RepositoryError> {
        let mut state = self.state();
        let counted: Vec<bool> = results.iter().map(|result| state.settle(result)).collect();
        let settled = results
            .iter()
            .zip(counted)
            .map(|(result, counted)| Settled {
                counted,
                failing_since: state
                    .endpoints
                    .get(&result.endpoint)
                    .and_then(|one| one.failing_since),
            });
        Ok(settled.collect())
    }

    async fn backlog(&self) -> Result<Backlog, RepositoryError> {
        let state = self.state();
        let count = |wanted: DeliveryState| {
            let rows = state.deliveries.values();
            let count = rows.filter(|row| row.shown.state == wanted).count();
            u64::try_from(count).unwrap_or(u64::MAX)
        };
        let waiting = state.deliveries.values();
        let waiting = waiting.filter(|row| row.shown.state == DeliveryState::Pending);
        Ok(Backlog {
            pending: count(DeliveryState::Pending),
            dead: count(DeliveryState::Dead),
            oldest: waiting.map(|row| row.shown.created_at).min(),
        })
    }
}
