//! A repository in memory, for tests and for trying things out. It keeps the contract of
//! [`GovernanceRepository`] under one lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    Context, Cursor, OrganizationId, Page, PageRequest, ProductId, RepositoryError,
    ReviewRequestId, SpaceId,
};
use time::OffsetDateTime;

use crate::assessment::assess;
use crate::assessment::evidence::{Approval, Evidence, Reviews};
use crate::error::GovernanceError;
use crate::event::GovernanceEvent;
use crate::overview::{self, Fleet, ProductPosture, sort_worst_first};
use crate::page::paged;
use crate::posture::Posture;
use crate::repository::{
    Dossier, GovernanceChange, GovernanceRepository, GovernanceWrite, PostureFilter, RecordFacts,
};
use crate::review::{DecideReview, RequestReview, Requested, ReviewRequest};
use crate::settings::Configuration;
use crate::vocabulary::ReviewState;

/// A product in its organisation.
type Owned = (OrganizationId, ProductId);
/// Organisation, scope and key of an idempotency claim.
type Claimed = (OrganizationId, String, String);

#[derive(Debug, Clone)]
struct Known {
    name: String,
    space: SpaceId,
    evidence: Evidence,
    posture: Option<Posture>,
}

#[derive(Debug, Default)]
struct State {
    products: BTreeMap<Owned, Known>,
    reviews: Vec<ReviewRequest>,
    configurations: HashMap<OrganizationId, Configuration>,
    outcomes: HashMap<Claimed, ([u8; 32], Requested)>,
    events: Vec<GovernanceEvent>,
}

/// Products, their evidence and their reviews in memory, with everything that was recorded.
#[derive(Debug, Default)]
pub struct InMemoryGovernance(Mutex<State>);

impl InMemoryGovernance {
    /// Adds a product, or replaces what is known about it; it is judged at `now`.
    pub fn know(
        &self,
        owned: (OrganizationId, ProductId),
        space: SpaceId,
        name: &str,
        evidence: Evidence,
        now: OffsetDateTime,
    ) {
        let mut state = self.state();
        let earlier = state.products.get(&owned);
        let known = Known {
            name: name.to_owned(),
            space,
            evidence,
            posture: earlier.and_then(|known| known.posture.clone()),
        };
        state.products.insert(owned, known);
        state.reassess(owned, now);
    }

    /// Every recorded event, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<GovernanceEvent> {
        self.state().events.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn configuration(&self, organization: OrganizationId) -> Configuration {
        let found = self.configurations.get(&organization).copied();
        found.unwrap_or_default()
    }

    fn of_product(&self, owned: Owned) -> impl Iterator<Item = &ReviewRequest> {
        let reviews = self.reviews.iter();
        reviews.filter(move |one| (one.organization, one.product) == owned)
    }

    /// What is known, with the reviews that stand here.
    fn evidence(&self, owned: Owned) -> Option<Evidence> {
        let known = self.products.get(&owned)?;
        let mut reviews = Reviews::default();
        for review in self.of_product(owned) {
            reviews.total += 1;
            match (review.state, &review.decision) {
                (ReviewState::Pending, _) | (_, None) => reviews.open = true,
                (state, Some(decision)) => {
                    reviews.latest_approved = Some(state == ReviewState::Approved);
                    if state == ReviewState::Approved {
                        let expires_at = decision.approval_expires_at;
                        reviews.approval = Some(Approval { expires_at });
                    }
                }
            }
        }
        Some(Evidence {
            reviews,
            ..known.evidence.clone()
        })
    }

    fn reassess(&mut self, owned: Owned, now: OffsetDateTime) {
        let Some(evidence) = self.evidence(owned) else {
            return;
        };
        let configuration = self.configuration(owned.0);
        let Some(known) = self.products.get_mut(&owned) else {
            return;
        };
        let now = known
            .posture
            .as_ref()
            .map_or(now, |posture| posture.evaluated_at.max(now));
        let assessment = assess(&evidence, &configuration.settings, now);
        let after = Posture::of(&assessment, configuration.version, now);
        let Some(before) = known.posture.replace(after.clone()) else {
            return;
        };
        if (before.score, before.review_status) != (after.score, after.review_status) {
            self.events.push(GovernanceEvent::ScoreChanged {
                product: owned.1,
                before: Box::new(before),
                after: Box::new(after),
            });
        }
    }

    fn spent(&self, context: &Context) -> Result<Option<Requested>, RepositoryError> {
        let Some(claim) = &context.idempotency else {
            return Ok(None);
        };
        let key = (context.organization, claim.scope.clone(), claim.key.clone());
        match self.outcomes.get(&key) {
            None => Ok(None),
            Some((fingerprint, outcome)) if *fingerprint == claim.fingerprint => {
                Ok(Some(outcome.clone()))
            }
            Some(_) => Err(RepositoryError::IdempotencyMismatch),
        }
    }

    fn remember(&mut self, context: &Context, outcome: &Requested) {
        if let Some(claim) = &context.idempotency {
            let key = (context.organization, claim.scope.clone(), claim.key.clone());
            self.outcomes
                .insert(key, (claim.fingerprint, outcome.clone()));
        }
    }

    fn apply(&mut self, change: GovernanceChange) -> Result<ReviewRequest, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let request = match write {
            GovernanceWrite::RequestReview(request) => {
                self.reviews.push(request.as_ref().clone());
                *request
            }
            GovernanceWrite::DecideReview { next, expected } => {
                let stored = self.reviews.iter_mut().find(|one| one.id == next.id);
                let current = stored.filter(|one| one.version == expected);
                *current.ok_or(RepositoryError::Stale)? = next.as_ref().clone();
                let owned = (next.organization, next.product);
                let due = next
                    .decision
                    .as_ref()
                    .and_then(|one| one.next_review_due_at);
                if let (Some(known), Some(due)) = (self.products.get_mut(&owned), due) {
                    known.evidence.next_review_due_at = Some(due);
                }
                *next
            }
            GovernanceWrite::Configure { .. } => return Err(RepositoryError::Stale),
        };
        self.events.push(event);
        self.reassess((request.organization, request.product), context.now);
        Ok(request)
    }

    fn request(&mut self, command: &RequestReview) -> Result<Requested, GovernanceError> {
        let context = &command.context;
        if let Some(first) = self.spent(context)? {
            return Ok(first);
        }
        let owned = (context.organization, command.product);
        let evidence = self.evidence(owned);
        let (Some(evidence), Some(known)) = (evidence, self.products.get(&owned)) else {
            return Err(GovernanceError::ProductNotFound);
        };
        let open = self
            .of_product(owned)
            .find(|one| one.state == ReviewState::Pending);
        let outcome = if let Some(request) = open.cloned() {
            Requested {
                request,
                deduplicated: true,
            }
        } else {
            let settings = self.configuration(context.organization).settings;
            let assessment = assess(&evidence, &settings, context.now);
            let change = command.into_change(&known.name, &assessment)?;
            Requested {
                request: self.apply(change)?,
                deduplicated: false,
            }
        };
        self.remember(context, &outcome);
        Ok(outcome)
    }

    fn decide(&mut self, command: &DecideReview) -> Result<ReviewRequest, GovernanceError> {
        let context = &command.context;
        if let Some(first) = self.spent(context)? {
            return Ok(first.request);
        }
        let owned = (context.organization, command.product);
        let found = self.of_product(owned).find(|one| one.id == command.id);
        let request = found.cloned().ok_or(GovernanceError::ReviewNotFound)?;
        let known = self.products.get(&owned);
        let due = known.and_then(|known| known.evidence.next_review_due_at);
        let settings = self.configuration(context.organization).settings;
        let change = command.into_change(&request, due, &settings)?;
        let outcome = Requested {
            request: self.apply(change)?,
            deduplicated: false,
        };
        self.remember(context, &outcome);
        Ok(outcome.request)
    }

    fn due(&self, organization: OrganizationId, now: OffsetDateTime) -> Vec<Owned> {
        let version = self.configuration(organization).version;
        let is_due = |posture: &Posture| {
            posture.next_change_at.is_some_and(|at| at <= now) || posture.settings_version < version
        };
        let own = self
            .products
            .iter()
            .filter(|((owner, _), _)| *owner == organization);
        own.filter(|(_, known)| known.posture.as_ref().is_some_and(is_due))
            .map(|(owned, _)| *owned)
            .collect()
    }

    fn postures(
        &self,
        organization: OrganizationId,
        filter: &PostureFilter,
    ) -> Vec<ProductPosture> {
        let own = self
            .products
            .iter()
            .filter(|((owner, _), _)| *owner == organization);
        let mut found: Vec<ProductPosture> = own
            .filter_map(|((_, product), known)| {
                Some(ProductPosture {
                    product: *product,
                    name: known.name.clone(),
                    product_type: known.evidence.kind.to_string(),
                    space: known.space,
                    posture: known.posture.clone()?,
                })
            })
            .filter(|one| filter.admits(one))
            .collect();
        sort_worst_first(&mut found);
        found
    }
}

impl GovernanceRepository for InMemoryGovernance {
    async fn dossier(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<Option<Dossier>, GovernanceError> {
        let state = self.state();
        let evidence = state.evidence((organization, product));
        Ok(evidence.map(|evidence| Dossier {
            evidence,
            configuration: state.configuration(organization),
            runtime_event_counts: Vec::new(),
            record: RecordFacts {
                log_size: u64::try_from(state.events.len()).unwrap_or(u64::MAX),
                root: [0; 32],
                last_index: None,
            },
        }))
    }

    async fn request_review(&self, command: RequestReview) -> Result<Requested, GovernanceError> {
        self.state().request(&command)
    }

    async fn decide_review(&self, command: DecideReview) -> Result<ReviewRequest, GovernanceError> {
        self.state().decide(&command)
    }

    async fn find_review(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ReviewRequestId,
    ) -> Result<Option<ReviewRequest>, RepositoryError> {
        let state = self.state();
        let found = state
            .of_product((organization, product))
            .find(|one| one.id == id);
        Ok(found.cloned())
    }

    async fn list_reviews(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<ReviewRequest>, RepositoryError> {
        let state = self.state();
        let mut found: Vec<_> = state.of_product((organization, product)).cloned().collect();
        let place = |one: &ReviewRequest| Cursor {
            key: one.requested_at.unix_timestamp() * 1000
                + i64::from(one.requested_at.millisecond()),
            tie: one.id.uuid().as_u128(),
        };
        found.sort_by_key(|one| std::cmp::Reverse((place(one).key, place(one).tie)));
        Ok(paged(found, page, place, |one, than| {
            (one.key, one.tie) < (than.key, than.tie)
        }))
    }

    async fn configuration(
        &self,
        organization: OrganizationId,
    ) -> Result<Configuration, RepositoryError> {
        Ok(self.state().configuration(organization))
    }

    async fn configure(&self, change: GovernanceChange) -> Result<Configuration, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let GovernanceWrite::Configure { settings, expected } = write else {
            return Err(RepositoryError::Stale);
        };
        let mut state = self.state();
        if state.configuration(context.organization).version != expected {
            return Err(RepositoryError::Stale);
        }
        let stored = Configuration {
            settings: *settings,
            version: expected.next(),
        };
        state.configurations.insert(context.organization, stored);
        state.events.push(event);
        Ok(stored)
    }

    async fn rejudge_due(
        &self,
        organization: OrganizationId,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        let mut state = self.state();
        let mut due = state.due(organization, now);
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let judged = u32::try_from(due.len()).unwrap_or(u32::MAX);
        for owned in due {
            state.reassess(owned, now);
        }
        Ok(judged)
    }

    async fn fleet(
        &self,
        organization: OrganizationId,
        spaces: Option<Vec<SpaceId>>,
        now: OffsetDateTime,
        worst: u32,
    ) -> Result<Fleet, GovernanceError> {
        let state = self.state();
        let filter = PostureFilter {
            spaces,
            ..PostureFilter::default()
        };
        let fleet = Fleet::of(state.postures(organization, &filter), worst);
        let pending = state.due(organization, now).len();
        Ok(Fleet {
            pending: u64::try_from(pending).unwrap_or(u64::MAX),
            ..fleet
        })
    }

    async fn list_postures(
        &self,
        organization: OrganizationId,
        filter: &PostureFilter,
        page: &PageRequest,
    ) -> Result<Page<ProductPosture>, GovernanceError> {
        let found = self.state().postures(organization, filter);
        Ok(overview::page_of(found, page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, repository_contract};
    use crate::vocabulary::{LifecycleGate, ProductKind};
    use futures_util::FutureExt as _;
    use probity_kernel::{IdSource as _, SystemIds};

    #[test]
    fn it_keeps_the_contract() {
        let now = time::macros::datetime!(2026-01-01 00:00 UTC);
        let ids = SystemIds::default();
        let next = || ids.next_id(now);
        let world = World {
            organization: OrganizationId::new(next()),
            product: ProductId::new(next()),
            second_product: ProductId::new(next()),
            other_organization: OrganizationId::new(next()),
            other_product: ProductId::new(next()),
        };
        let repository = InMemoryGovernance::default();
        let space = SpaceId::new(next());
        for owned in [
            (world.organization, world.product),
            (world.organization, world.second_product),
            (world.other_organization, world.other_product),
        ] {
            let evidence = Evidence::nothing(ProductKind::MlModel, LifecycleGate::Development);
            repository.know(owned, space, "A product", evidence, now);
        }
        let told = repository_contract(&repository, &world).now_or_never();
        told.expect("it never waits");
    }
}
