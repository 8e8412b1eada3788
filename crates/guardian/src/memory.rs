//! A repository in memory, for tests and for trying things out. It keeps the contract of
//! [`GuardianRepository`] under one lock.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    AlertId, Context, Cursor, OrganizationId, Page, PageRequest, Paging, ProductId,
    RepositoryError, RiskMetricLinkId, SpaceId, SystemIds, Version,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::alert::Alert;
use crate::event::GuardianEvent;
use crate::ingestion::{AlertWrite, Ingestion};
use crate::link::RiskMetricLink;
use crate::metric::ComplianceStatus;
use crate::repository::{
    AlertFilter, GuardianChange, GuardianRepository, GuardianWrite, HistoryFilter, IngestError,
    Ingested, LinkFilter,
};
use crate::snapshot::Snapshot;
use crate::standing::Standing;

/// Snapshots, alerts and links in memory, with everything that was recorded about them.
#[derive(Debug, Default)]
pub struct InMemoryGuardian {
    ids: SystemIds,
    state: Mutex<State>,
}

/// A product in its organisation.
type Owned = (OrganizationId, ProductId);
/// Organisation, scope and key of an idempotency claim.
type Claimed = (OrganizationId, String, String);

#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Ingested(Vec<Ingested>),
    Written(Box<GuardianWrite>),
}

#[derive(Debug, Default)]
struct State {
    products: HashSet<Owned>,
    spaces: HashMap<ProductId, SpaceId>,
    snapshots: HashMap<Owned, Vec<Snapshot>>,
    latest: HashMap<Owned, (OffsetDateTime, ComplianceStatus)>,
    alerts: HashMap<AlertId, Alert>,
    links: HashMap<RiskMetricLinkId, RiskMetricLink>,
    outcomes: HashMap<Claimed, ([u8; 32], Outcome)>,
    events: Vec<GuardianEvent>,
}

impl InMemoryGuardian {
    /// A repository in which these products exist, each in its organisation.
    pub fn new(products: impl IntoIterator<Item = (OrganizationId, ProductId)>) -> Self {
        let state = State {
            products: products.into_iter().collect(),
            ..State::default()
        };
        Self {
            ids: SystemIds::default(),
            state: Mutex::new(state),
        }
    }

    /// Puts a product into a space.
    pub fn place(&self, product: ProductId, space: SpaceId) {
        self.state().spaces.insert(product, space);
    }

    /// Every recorded event, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<GuardianEvent> {
        self.state().events.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first outcome of the context's claim, if the claim is known.
    fn replay(&self, ctx: &Context) -> Result<Option<Outcome>, RepositoryError> {
        let Some(claim) = &ctx.idempotency else {
            return Ok(None);
        };
        let claimed = (ctx.organization, claim.scope.clone(), claim.key.clone());
        match self.outcomes.get(&claimed) {
            None => Ok(None),
            Some((fingerprint, outcome)) if *fingerprint == claim.fingerprint => {
                Ok(Some(outcome.clone()))
            }
            Some(_) => Err(RepositoryError::IdempotencyMismatch),
        }
    }

    fn spend(&mut self, ctx: &Context, outcome: impl FnOnce() -> Outcome) {
        if let Some(claim) = &ctx.idempotency {
            let claimed = (ctx.organization, claim.scope.clone(), claim.key.clone());
            self.outcomes
                .insert(claimed, (claim.fingerprint, outcome()));
        }
    }

    /// Whether the product is in one of the spaces, if it has to be.
    fn is_in(&self, product: ProductId, spaces: Option<&[SpaceId]>) -> bool {
        let space = self.spaces.get(&product);
        spaces.is_none_or(|spaces| space.is_some_and(|space| spaces.contains(space)))
    }

    fn link_of(&self, owned: Owned) -> Option<&RiskMetricLink> {
        let mut links = self.links.values();
        links.find(|link| (link.organization, link.product) == owned)
    }

    fn standing(&self, owned: Owned) -> Option<Standing> {
        if !self.products.contains(&owned) {
            return None;
        }
        let own = |alert: &&Alert| (alert.organization, alert.product) == owned && alert.is_open();
        let open = self.alerts.values().filter(own).cloned().collect();
        let link = self.link_of(owned);
        Some(Standing::new(
            link.map(|link| &link.overrides),
            self.latest.get(&owned).copied(),
            open,
        ))
    }

    fn ingest(
        &mut self,
        ids: &SystemIds,
        ingestion: Ingestion,
    ) -> Result<Vec<Ingested>, IngestError> {
        let replayed = self.replay(ingestion.context())?;
        match replayed {
            Some(Outcome::Ingested(first)) => return Ok(first),
            Some(Outcome::Written(_)) => return Err(RepositoryError::IdempotencyMismatch.into()),
            None => {}
        }
        let organization = ingestion.context().organization;
        let mut standings = HashMap::new();
        for new in ingestion.snapshots() {
            if let Some(standing) = self.standing((organization, new.product)) {
                standings.insert(new.product, standing);
            }
        }
        let change = ingestion.into_change(&mut standings, ids)?;
        let (ctx, write, event) = change.into_parts();
        self.apply_alerts(organization, write.alerts)?;
        for (product, standing) in standings {
            self.latest.extend(
                standing
                    .latest
                    .map(|latest| ((organization, product), latest)),
            );
        }
        let mut outcome = Vec::with_capacity(write.snapshots.len());
        for snapshot in write.snapshots {
            outcome.push(Ingested {
                snapshot: snapshot.new.id,
                status: snapshot.status,
            });
            let owned = (organization, snapshot.new.product);
            self.snapshots.entry(owned).or_default().push(snapshot);
        }
        self.spend(&ctx, || Outcome::Ingested(outcome.clone()));
        self.events.push(event);
        Ok(outcome)
    }

    /// Applies the fold's writes. They follow from this very state under one lock, so that none of
    /// them can be stale unless the fold is wrong.
    fn apply_alerts(
        &mut self,
        organization: OrganizationId,
        writes: Vec<AlertWrite>,
    ) -> Result<(), RepositoryError> {
        for write in writes {
            match write {
                AlertWrite::Open(alert) => {
                    self.alerts.insert(alert.id, alert);
                }
                AlertWrite::Update { next, expected } => {
                    self.update_alert(organization, next, expected)?;
                }
            }
        }
        Ok(())
    }

    fn update_alert(
        &mut self,
        organization: OrganizationId,
        next: Alert,
        expected: Version,
    ) -> Result<(), RepositoryError> {
        let stored = self.alerts.get_mut(&next.id);
        let stored = stored.filter(|alert| alert.organization == organization);
        let current = stored.filter(|alert| alert.version == expected);
        *current.ok_or(RepositoryError::Stale)? = next;
        Ok(())
    }

    fn link_at(
        &mut self,
        organization: OrganizationId,
        id: RiskMetricLinkId,
        expected: Version,
    ) -> Result<&mut RiskMetricLink, RepositoryError> {
        let stored = self.links.get_mut(&id);
        let stored = stored.filter(|link| link.organization == organization);
        let current = stored.filter(|link| link.version == expected);
        current.ok_or(RepositoryError::Stale)
    }

    fn apply(&mut self, ctx: &Context, write: &GuardianWrite) -> Result<(), RepositoryError> {
        match write {
            GuardianWrite::CreateLink(link) => {
                if self.link_of((link.organization, link.product)).is_some() {
                    return Err(RepositoryError::Conflict("modelId"));
                }
                self.links.insert(link.id, link.clone());
            }
            GuardianWrite::UpdateLink { next, expected } => {
                *self.link_at(ctx.organization, next.id, *expected)? = next.clone();
            }
            GuardianWrite::DeleteLink {
                id,
                product: _,
                expected,
            } => {
                self.link_at(ctx.organization, *id, *expected)?;
                self.links.remove(id);
            }
            GuardianWrite::UpdateAlert { next, expected } => {
                self.update_alert(ctx.organization, next.clone(), *expected)?;
            }
        }
        Ok(())
    }

    fn commit(&mut self, change: GuardianChange) -> Result<GuardianWrite, RepositoryError> {
        match self.replay(change.context())? {
            Some(Outcome::Written(first)) => return Ok(*first),
            Some(Outcome::Ingested(_)) => return Err(RepositoryError::IdempotencyMismatch),
            None => {}
        }
        let (ctx, write, event) = change.into_parts();
        self.apply(&ctx, &write)?;
        self.spend(&ctx, || Outcome::Written(Box::new(write.clone())));
        self.events.push(event);
        Ok(write)
    }
}

/// A place in a list: Unix milliseconds, then the id's bits.
fn place(at: OffsetDateTime, id: Uuid) -> Cursor {
    let millis = at.unix_timestamp() * 1000 + i64::from(at.millisecond());
    Cursor {
        key: millis,
        tie: id.as_u128(),
    }
}

/// One page of the records, newest first.
fn paged<T: Clone>(
    mut records: Vec<&T>,
    request: &PageRequest,
    place: impl Fn(&T) -> Cursor,
) -> Page<T> {
    let rank = |record: &T| {
        let Cursor { key, tie } = place(record);
        (key, tie)
    };
    records.sort_by_key(|record| std::cmp::Reverse(rank(record)));
    let total = u64::try_from(records.len()).unwrap_or(u64::MAX);
    let skipped = match &request.paging {
        Paging::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Paging::After(cursor) => {
            records.partition_point(|record| rank(record) >= (cursor.key, cursor.tie))
        }
    };
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let rest = records.get(skipped..).unwrap_or_default();
    let items: Vec<T> = rest.iter().take(limit).map(|one| (*one).clone()).collect();
    let next = items.last().filter(|_| rest.len() > items.len()).map(place);
    Page { items, total, next }
}

impl GuardianRepository for InMemoryGuardian {
    async fn ingest(&self, ingestion: Ingestion) -> Result<Vec<Ingested>, IngestError> {
        self.state().ingest(&self.ids, ingestion)
    }

    async fn product_exists(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<bool, RepositoryError> {
        Ok(self.state().products.contains(&(organization, product)))
    }

    async fn link_of(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<Option<RiskMetricLink>, RepositoryError> {
        Ok(self.state().link_of((organization, product)).cloned())
    }

    async fn find_link(
        &self,
        organization: OrganizationId,
        id: RiskMetricLinkId,
    ) -> Result<Option<RiskMetricLink>, RepositoryError> {
        let state = self.state();
        let link = state.links.get(&id);
        Ok(link
            .filter(|link| link.organization == organization)
            .cloned())
    }

    async fn list_links(
        &self,
        organization: OrganizationId,
        filter: &LinkFilter,
        page: &PageRequest,
    ) -> Result<Page<RiskMetricLink>, RepositoryError> {
        let state = self.state();
        let wanted = |link: &&RiskMetricLink| {
            link.organization == organization
                && filter.product.is_none_or(|only| only == link.product)
                && state.is_in(link.product, filter.spaces.as_deref())
        };
        let links = state.links.values().filter(wanted).collect();
        Ok(paged(links, page, |link| {
            place(link.created_at, link.id.uuid())
        }))
    }

    async fn history(
        &self,
        organization: OrganizationId,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Snapshot>, RepositoryError> {
        let state = self.state();
        let all = state.snapshots.get(&(organization, filter.product));
        let wanted = |snapshot: &&Snapshot| {
            let at = snapshot.new.captured_at;
            filter.from.is_none_or(|from| at >= from)
                && filter.to.is_none_or(|to| at < to)
                && filter.status.is_none_or(|status| status == snapshot.status)
        };
        let snapshots = all.into_iter().flatten().filter(wanted).collect();
        Ok(paged(snapshots, page, |snapshot| {
            place(snapshot.new.captured_at, snapshot.new.id.uuid())
        }))
    }

    async fn find_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> Result<Option<Alert>, RepositoryError> {
        let state = self.state();
        let alert = state.alerts.get(&id);
        Ok(alert
            .filter(|alert| alert.organization == organization)
            .cloned())
    }

    async fn list_alerts(
        &self,
        organization: OrganizationId,
        filter: &AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<Alert>, RepositoryError> {
        let state = self.state();
        let wanted = |alert: &&Alert| {
            alert.organization == organization
                && filter.product.is_none_or(|only| only == alert.product)
                && filter.metric.is_none_or(|only| only == alert.metric)
                && filter.severity.is_none_or(|only| only == alert.severity)
                && filter.state.is_none_or(|only| only == alert.state)
                && state.is_in(alert.product, filter.spaces.as_deref())
        };
        let alerts = state.alerts.values().filter(wanted).collect();
        Ok(paged(alerts, page, |alert| {
            place(alert.opened_at, alert.id.uuid())
        }))
    }

    async fn commit(&self, change: GuardianChange) -> Result<GuardianWrite, RepositoryError> {
        self.state().commit(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, repository_contract, run_now};
    use probity_kernel::IdSource;

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
            space: SpaceId::new(next()),
        };
        let repo = InMemoryGuardian::new([
            (world.organization, world.product),
            (world.organization, world.second_product),
            (world.other_organization, world.other_product),
        ]);
        repo.place(world.product, world.space);
        repo.place(world.second_product, SpaceId::new(next()));
        run_now(repository_contract(&repo, &world));
    }
}
