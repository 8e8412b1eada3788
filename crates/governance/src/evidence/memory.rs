//! A repository in memory, for tests and for trying things out. It keeps the contract of
//! [`EvidenceRepository`] under one lock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    Context, Cursor, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError,
    SafetyMetricId, TrainingRunId, Version,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::change_log::{MOST_RECORDS, Material};
use super::event::EvidenceEvent;
use super::repository::{EvidenceChange, EvidenceRepository, EvidenceWrite};
use super::runtime_event::RuntimeEvent;
use super::safety_metric::SafetyMetric;
use super::training_run::TrainingRun;
use super::vocabulary::{MetricCategory, RuntimeEventType};

/// Evidence in memory, with everything that was recorded about it.
#[derive(Debug, Default)]
pub struct InMemoryEvidence {
    state: Mutex<State>,
}

/// A product in its organisation.
type Owned = (OrganizationId, ProductId);
/// Organisation, scope and key of an idempotency claim.
type Claimed = (OrganizationId, String, String);

#[derive(Debug, Default)]
struct State {
    /// The products, and whether each is archived.
    products: HashMap<Owned, bool>,
    runs: HashMap<TrainingRunId, TrainingRun>,
    metrics: HashMap<SafetyMetricId, SafetyMetric>,
    runtime_events: Vec<RuntimeEvent>,
    outcomes: HashMap<Claimed, ([u8; 32], EvidenceWrite)>,
    events: Vec<EvidenceEvent>,
}

impl InMemoryEvidence {
    /// A repository in which these products exist, each in its organisation, archived or not.
    pub fn new(products: impl IntoIterator<Item = (OrganizationId, ProductId, bool)>) -> Self {
        let products = products.into_iter();
        let state = State {
            products: products
                .map(|(organization, product, archived)| ((organization, product), archived))
                .collect(),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Every recorded event, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<EvidenceEvent> {
        self.state().events.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn commit(&mut self, change: EvidenceChange) -> Result<EvidenceWrite, RepositoryError> {
        let (ctx, write, event) = change.into_parts();
        let claimed = ctx.idempotency.as_ref().map(|claim| {
            let key = (ctx.organization, claim.scope.clone(), claim.key.clone());
            (key, claim.fingerprint)
        });
        if let Some((key, fingerprint)) = &claimed
            && let Some((known, first)) = self.outcomes.get(key)
        {
            return if known == fingerprint {
                Ok(first.clone())
            } else {
                Err(RepositoryError::IdempotencyMismatch)
            };
        }
        match self.products.get(&(ctx.organization, write.product())) {
            None => return Err(RepositoryError::Conflict("product")),
            Some(true) => return Err(RepositoryError::Conflict("archived")),
            Some(false) => {}
        }
        let replaced = self.apply(&ctx, &write)?;
        self.events.push(event.replacing(replaced));
        if let Some((key, fingerprint)) = claimed {
            self.outcomes.insert(key, (fingerprint, write.clone()));
        }
        Ok(write)
    }

    fn apply(
        &mut self,
        ctx: &Context,
        write: &EvidenceWrite,
    ) -> Result<Vec<TrainingRunId>, RepositoryError> {
        let organization = ctx.organization;
        match write {
            EvidenceWrite::CreateRun(run) => {
                own(organization, run.organization)?;
                let replaced = self.take_flag(write, ctx.now);
                self.runs.insert(run.id, run.as_ref().clone());
                return Ok(replaced);
            }
            EvidenceWrite::UpdateRun { next, expected } => {
                own(organization, next.organization)?;
                self.run_at((organization, next.product), next.id, *expected)?;
                let replaced = self.take_flag(write, ctx.now);
                self.runs.insert(next.id, next.as_ref().clone());
                return Ok(replaced);
            }
            EvidenceWrite::DeleteRun {
                id,
                product,
                expected,
            } => {
                self.run_at((organization, *product), *id, *expected)?;
                self.runs.remove(id);
            }
            EvidenceWrite::CreateMetric(metric) => {
                own(organization, metric.organization)?;
                self.metrics.insert(metric.id, metric.as_ref().clone());
            }
            EvidenceWrite::UpdateMetric { next, expected } => {
                own(organization, next.organization)?;
                self.metric_at((organization, next.product), next.id, *expected)?;
                self.metrics.insert(next.id, next.as_ref().clone());
            }
            EvidenceWrite::DeleteMetric {
                id,
                product,
                expected,
            } => {
                self.metric_at((organization, *product), *id, *expected)?;
                self.metrics.remove(id);
            }
            EvidenceWrite::RecordRuntimeEvent(event) => {
                own(organization, event.organization)?;
                self.runtime_events.push(event.as_ref().clone());
            }
        }
        Ok(Vec::new())
    }

    /// Clears the flag of the product's other runs, where the write leaves one deployed.
    fn take_flag(&mut self, write: &EvidenceWrite, now: OffsetDateTime) -> Vec<TrainingRunId> {
        let Some(deployed) = write.deployed() else {
            return Vec::new();
        };
        let mut replaced = Vec::new();
        for run in self.runs.values_mut() {
            let same = (run.organization, run.product) == (deployed.organization, deployed.product);
            if same && run.id != deployed.id && run.fields.is_deployed {
                *run = run.replaced(now);
                replaced.push(run.id);
            }
        }
        replaced
    }

    fn run_at(
        &self,
        owned: Owned,
        id: TrainingRunId,
        expected: Version,
    ) -> Result<(), RepositoryError> {
        let stored = self.runs.get(&id);
        let stored = stored.filter(|run| (run.organization, run.product) == owned);
        let current = stored.filter(|run| run.version == expected);
        current.map(drop).ok_or(RepositoryError::Stale)
    }

    fn metric_at(
        &self,
        owned: Owned,
        id: SafetyMetricId,
        expected: Version,
    ) -> Result<(), RepositoryError> {
        let stored = self.metrics.get(&id);
        let stored = stored.filter(|metric| (metric.organization, metric.product) == owned);
        let current = stored.filter(|metric| metric.version == expected);
        current.map(drop).ok_or(RepositoryError::Stale)
    }
}

fn own(organization: OrganizationId, owner: OrganizationId) -> Result<(), RepositoryError> {
    if organization == owner {
        Ok(())
    } else {
        Err(RepositoryError::Stale)
    }
}

/// The sort key of an instant that may be absent: those without come last in a descending list.
fn key(at: Option<OffsetDateTime>) -> i64 {
    at.map_or(i64::MIN, |at| {
        i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).unwrap_or_default()
    })
}

fn tie(id: Uuid) -> u128 {
    id.as_u128()
}

/// One page of records that are in the order of the list already.
fn paged<T: Clone>(
    records: &[&T],
    request: &PageRequest,
    cursor_of: impl Fn(&T) -> Cursor,
    after: impl Fn(&Cursor) -> Result<usize, RepositoryError>,
) -> Result<Page<T>, RepositoryError> {
    let skipped = match &request.paging {
        Paging::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Paging::After(cursor) => after(cursor)?,
    };
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let rest = records.get(skipped..).unwrap_or_default();
    let items: Vec<T> = rest.iter().take(limit).map(|one| (*one).clone()).collect();
    let more = rest.len() > items.len();
    Ok(Page {
        next: items.last().filter(|_| more).map(cursor_of),
        total: u64::try_from(records.len()).unwrap_or(u64::MAX),
        items,
    })
}

/// One page of records, newest first by the place that their cursors name.
fn newest_first<T: Clone>(
    mut records: Vec<&T>,
    request: &PageRequest,
    cursor_of: impl Fn(&T) -> Cursor,
) -> Result<Page<T>, RepositoryError> {
    let rank = |record: &T| {
        let Cursor { key, tie } = cursor_of(record);
        Reverse((key, tie))
    };
    records.sort_by_key(|record| rank(record));
    let after = |cursor: &Cursor| {
        let place = Reverse((cursor.key, cursor.tie));
        Ok(records.partition_point(|record| rank(record) <= place))
    };
    paged(&records, request, &cursor_of, after)
}

impl EvidenceRepository for InMemoryEvidence {
    async fn find_run(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: TrainingRunId,
    ) -> Result<Option<TrainingRun>, RepositoryError> {
        let state = self.state();
        let run = state.runs.get(&id);
        Ok(run
            .filter(|run| (run.organization, run.product) == (organization, product))
            .cloned())
    }

    async fn list_runs(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<TrainingRun>, RepositoryError> {
        let state = self.state();
        let own = |run: &&TrainingRun| (run.organization, run.product) == (organization, product);
        let runs = state.runs.values().filter(own).collect();
        newest_first(runs, page, |run| Cursor {
            key: key(run.fields.started_at),
            tie: tie(run.id.uuid()),
        })
    }

    async fn find_metric(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: SafetyMetricId,
    ) -> Result<Option<SafetyMetric>, RepositoryError> {
        let state = self.state();
        let metric = state.metrics.get(&id);
        Ok(metric
            .filter(|metric| (metric.organization, metric.product) == (organization, product))
            .cloned())
    }

    async fn list_metrics(
        &self,
        organization: OrganizationId,
        product: ProductId,
        category: Option<MetricCategory>,
        page: &PageRequest,
    ) -> Result<Page<SafetyMetric>, RepositoryError> {
        let state = self.state();
        let own = |metric: &&SafetyMetric| {
            (metric.organization, metric.product) == (organization, product)
                && category.is_none_or(|only| only == metric.fields.category)
        };
        let mut metrics: Vec<&SafetyMetric> = state.metrics.values().filter(own).collect();
        metrics.sort_by_key(|metric| {
            let fields = &metric.fields;
            let newest = Reverse((key(fields.measured_at), tie(metric.id.uuid())));
            (fields.category.as_str(), fields.metric_name.clone(), newest)
        });
        let cursor = |metric: &SafetyMetric| Cursor {
            key: 0,
            tie: tie(metric.id.uuid()),
        };
        let after = |cursor: &Cursor| {
            let found = metrics
                .iter()
                .position(|metric| tie(metric.id.uuid()) == cursor.tie);
            found
                .map(|place| place + 1)
                .ok_or(RepositoryError::Conflict("cursor"))
        };
        paged(&metrics, page, cursor, after)
    }

    async fn list_runtime_events(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<RuntimeEvent>, RepositoryError> {
        let state = self.state();
        let own =
            |event: &&RuntimeEvent| (event.organization, event.product) == (organization, product);
        let events = state.runtime_events.iter().filter(own).collect();
        newest_first(events, page, |event| Cursor {
            key: key(Some(event.occurred_at)),
            tie: tie(event.id.uuid()),
        })
    }

    async fn runtime_event_totals(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<Vec<(RuntimeEventType, u64)>, RepositoryError> {
        let state = self.state();
        Ok(state.totals((organization, product), None))
    }

    async fn material(
        &self,
        organization: OrganizationId,
        product: ProductId,
        since: Option<OffsetDateTime>,
    ) -> Result<Material, RepositoryError> {
        let state = self.state();
        let owned = (organization, product);
        let recent = |at: OffsetDateTime| since.is_none_or(|since| at >= since);
        let runs = state.runs.values();
        let runs =
            runs.filter(|run| (run.organization, run.product) == owned && recent(run.updated_at));
        let (runs, more_runs) = latest(runs.cloned().collect(), |run| {
            (run.updated_at, run.id.uuid())
        });
        let metrics = state.metrics.values();
        let metrics = metrics
            .filter(|one| (one.organization, one.product) == owned && recent(one.updated_at));
        let (metrics, more_metrics) = latest(metrics.cloned().collect(), |one| {
            (one.updated_at, one.id.uuid())
        });
        Ok(Material {
            runs,
            metrics,
            reviews: Vec::new(),
            dependencies: Vec::new(),
            runtime_events: state.totals(owned, since),
            more: more_runs || more_metrics,
        })
    }

    async fn commit(&self, change: EvidenceChange) -> Result<EvidenceWrite, RepositoryError> {
        self.state().commit(change)
    }
}

impl State {
    fn totals(&self, owned: Owned, since: Option<OffsetDateTime>) -> Vec<(RuntimeEventType, u64)> {
        let mut totals = BTreeMap::new();
        let counted = self.runtime_events.iter().filter(|event| {
            (event.organization, event.product) == owned
                && since.is_none_or(|since| event.occurred_at >= since)
        });
        for event in counted {
            *totals.entry(event.event_type).or_default() += 1;
        }
        totals.into_iter().collect()
    }
}

/// The latest records, oldest first, and whether there are more.
fn latest<T, K: Ord>(mut records: Vec<T>, place: impl Fn(&T) -> K) -> (Vec<T>, bool) {
    records.sort_by_key(|record| place(record));
    let surplus = records.len().saturating_sub(MOST_RECORDS);
    records.drain(..surplus);
    (records, surplus > 0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, repository_contract};
    use super::*;
    use probity_kernel::{IdSource, SystemIds};

    #[test]
    fn it_keeps_the_contract() {
        let ids = SystemIds::default();
        let next = || ids.next_id(time::macros::datetime!(2026-01-01 00:00 UTC));
        let world = World {
            organization: OrganizationId::new(next()),
            product: ProductId::new(next()),
            second_product: ProductId::new(next()),
            other_organization: OrganizationId::new(next()),
            other_product: ProductId::new(next()),
        };
        let repo = InMemoryEvidence::new([
            (world.organization, world.product, false),
            (world.organization, world.second_product, false),
            (world.other_organization, world.other_product, false),
        ]);
        futures_util::FutureExt::now_or_never(repository_contract(&repo, &world))
            .expect("a repository in memory never waits");
    }
}
