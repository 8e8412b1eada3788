//! Alerts in memory, for tests.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    AlertId, Change, Cursor, OrganizationId, Page, PageRequest, Paging, RepositoryError, Version,
};
use time::OffsetDateTime;

use crate::alert::{Source, TrackedAlert};
use crate::event::{AlertsEvent, Facts};
use crate::preferences::Preferences;
use crate::report::SlaRow;
use crate::repository::{
    AlertsChange, AlertsRepository, AlertsWrite, BannerFilter, Configured, Recipient,
};
use crate::sla::SlaTargets;

/// A repository in memory.
#[derive(Debug, Default)]
pub struct InMemoryAlerts {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    alerts: HashMap<AlertId, TrackedAlert>,
    targets: HashMap<OrganizationId, Configured<SlaTargets>>,
    preferences: HashMap<(OrganizationId, Recipient), Configured<Preferences>>,
    events: Vec<AlertsEvent>,
}

impl InMemoryAlerts {
    /// A repository in which these alerts stand.
    pub fn new(alerts: impl IntoIterator<Item = TrackedAlert>) -> Self {
        let alerts = alerts.into_iter().map(|alert| (alert.id, alert)).collect();
        Self {
            state: Mutex::new(State {
                alerts,
                ..State::default()
            }),
        }
    }

    /// Every recorded event, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<AlertsEvent> {
        self.state().events.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn targets(&self, organization: OrganizationId) -> Configured<SlaTargets> {
        self.targets.get(&organization).cloned().unwrap_or_default()
    }

    fn update(
        &mut self,
        organization: OrganizationId,
        next: &TrackedAlert,
        expected: Version,
        now: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        let targets = self.targets(organization).value;
        let stored = self.alerts.get(&next.id);
        let stored = stored.filter(|alert| {
            alert.organization == organization
                && alert.version == expected
                && alert.origin.source != Source::Metric
        });
        let before = stored.cloned().ok_or(RepositoryError::Stale)?;
        let mut next = next.clone();
        for lapse in before.lapses(&targets, now) {
            self.events.push(AlertsEvent::SlaBreached {
                facts: Facts::of(&before),
                lapse,
            });
            let breached = before.breached(lapse, now);
            next.acknowledge_breached_at = breached
                .acknowledge_breached_at
                .or(next.acknowledge_breached_at);
            next.resolve_breached_at = breached.resolve_breached_at.or(next.resolve_breached_at);
        }
        self.alerts.insert(next.id, next);
        Ok(())
    }

    fn apply(&mut self, change: AlertsChange) -> Result<AlertsWrite, RepositoryError> {
        let (ctx, write, event) = change.into_parts();
        match &write {
            AlertsWrite::UpdateAlert { next, expected } => {
                self.update(ctx.organization, next, *expected, ctx.now)?;
            }
            AlertsWrite::SetTargets { targets, expected } => {
                let slot = self.targets.entry(ctx.organization).or_default();
                put(slot, **targets, *expected)?;
            }
            AlertsWrite::SetPreferences {
                recipient,
                preferences,
                expected,
            } => {
                let key = (ctx.organization, recipient.clone());
                let slot = self.preferences.entry(key).or_default();
                put(slot, *preferences.clone(), *expected)?;
            }
        }
        self.events.push(event);
        Ok(write)
    }
}

fn put<T>(slot: &mut Configured<T>, value: T, expected: Version) -> Result<(), RepositoryError> {
    if slot.version != expected {
        return Err(RepositoryError::Stale);
    }
    *slot = Configured {
        value,
        version: expected.next(),
    };
    Ok(())
}

fn place(alert: &TrackedAlert) -> Cursor {
    let micros = alert.since.unix_timestamp_nanos().div_euclid(1000);
    Cursor {
        key: i64::try_from(micros).unwrap_or_default(),
        tie: alert.id.uuid().as_u128(),
    }
}

impl AlertsRepository for InMemoryAlerts {
    async fn find_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> Result<Option<TrackedAlert>, RepositoryError> {
        let state = self.state();
        let found = state.alerts.get(&id);
        Ok(found
            .filter(|alert| alert.organization == organization)
            .cloned())
    }

    async fn list_alerts(
        &self,
        organization: OrganizationId,
        filter: &BannerFilter,
        page: &PageRequest,
    ) -> Result<Page<TrackedAlert>, RepositoryError> {
        let state = self.state();
        let wanted = |alert: &&TrackedAlert| {
            alert.organization == organization
                && (filter.severities.is_empty() || filter.severities.contains(&alert.severity))
                && (filter.sources.is_empty() || filter.sources.contains(&alert.origin.source))
                && filter.product.is_none_or(|only| only == alert.product)
                && !filter.muted.contains(&alert.product)
                && filter.state.is_none_or(|only| only == alert.state)
                && filter
                    .acknowledged
                    .is_none_or(|only| only == alert.acknowledged_at.is_some())
        };
        let mut found: Vec<&TrackedAlert> = state.alerts.values().filter(wanted).collect();
        let rank = |alert: &TrackedAlert| (place(alert).key, place(alert).tie);
        found.sort_by_key(|alert| std::cmp::Reverse(rank(alert)));
        let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let skipped = match &page.paging {
            Paging::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
            Paging::After(cursor) => {
                found.partition_point(|alert| rank(alert) >= (cursor.key, cursor.tie))
            }
        };
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let rest = found.get(skipped..).unwrap_or_default();
        let items: Vec<TrackedAlert> = rest.iter().take(limit).map(|one| (*one).clone()).collect();
        let next = items.last().filter(|_| rest.len() > items.len()).map(place);
        Ok(Page { items, total, next })
    }

    async fn clocks(
        &self,
        organization: OrganizationId,
        from: OffsetDateTime,
        to: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<SlaRow>, RepositoryError> {
        let state = self.state();
        let own = state.alerts.values().filter(|alert| {
            alert.organization == organization && alert.since >= from && alert.since < to
        });
        let rows = own.map(|alert| SlaRow {
            severity: alert.severity,
            since: alert.since,
            acknowledged_at: alert.acknowledged_at,
            resolved_at: alert.resolved_at,
            acknowledge_breached: alert.acknowledge_breached_at.is_some(),
            resolve_breached: alert.resolve_breached_at.is_some(),
        });
        Ok(rows
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .collect())
    }

    async fn targets(
        &self,
        organization: OrganizationId,
    ) -> Result<Configured<SlaTargets>, RepositoryError> {
        Ok(self.state().targets(organization))
    }

    async fn preferences(
        &self,
        organization: OrganizationId,
        recipient: &str,
    ) -> Result<Configured<Preferences>, RepositoryError> {
        let state = self.state();
        let key = (organization, recipient.to_owned());
        Ok(state.preferences.get(&key).cloned().unwrap_or_default())
    }

    async fn commit(
        &self,
        change: Change<AlertsWrite, AlertsEvent>,
    ) -> Result<AlertsWrite, RepositoryError> {
        self.state().apply(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::severity::Severity;
    use crate::testing::{World, at, repository_contract, run_now, sample};
    use uuid::Uuid;

    #[test]
    fn it_keeps_the_contract() {
        let numbered = |n: u128| {
            let mut alert = sample(Severity::High, at(0));
            alert.id = AlertId::new(Uuid::from_u128(n));
            alert
        };
        let mut foreign = numbered(9);
        foreign.organization = OrganizationId::new(Uuid::from_u128(77));
        let world = World {
            organization: numbered(1).organization,
            alerts: [numbered(1).id, numbered(2).id],
            other_organization: foreign.organization,
            other_alert: foreign.id,
            now: at(1),
        };
        let repository = InMemoryAlerts::new([numbered(1), numbered(2), foreign]);
        run_now(repository_contract(&repository, &world));
        let events = repository.events();
        let breaches = events
            .iter()
            .filter(|event| matches!(event, AlertsEvent::SlaBreached { .. }));
        assert_eq!(breaches.count(), 2, "{events:?}");
    }
}
