//! The contract of [`GovernanceRepository`] as a test that any implementation can run.

use std::fmt::Debug;

use futures_util::future::join_all;
use probity_kernel::{
    Actor, Context, IdempotencyClaim, OrganizationId, PageRequest, Paging, ProductId,
    RepositoryError, ReviewRequestId, SystemIds,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::error::GovernanceError;
use crate::repository::{GovernanceRepository, PostureFilter};
use crate::review::{NewDecision, ReviewRequest};
use crate::service::GovernanceService;
use crate::settings::{Configuration, SettingsInput};
use crate::vocabulary::{DriftKey, ReviewState, ReviewStatus, Verdict};

/// Later than any product of the world was made.
const START: OffsetDateTime = datetime!(2027-03-13 09:00 UTC);

/// What exists already when the contract is run: two products of one organisation and one product of
/// another, all in development and with nothing known about them, so that `missing_eval` and
/// `stale_documentation` are active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// The organisation in which most of it happens.
    pub organization: OrganizationId,
    /// A product of it.
    pub product: ProductId,
    /// Another product of it.
    pub second_product: ProductId,
    /// Another organisation.
    pub other_organization: OrganizationId,
    /// A product of that one.
    pub other_product: ProductId,
}

/// Runs the whole contract. It leaves reviews, settings and idempotency records behind.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn repository_contract<R: GovernanceRepository>(repo: &R, world: &World) {
    let run = Run {
        repo,
        service: GovernanceService::new(repo, SystemIds::default()),
        world: *world,
    };
    run.a_product_is_judged_by_what_is_known().await;
    run.a_review_is_open_once().await;
    run.a_claimed_request_happens_once().await;
    run.what_is_decided_is_decided_once().await;
    run.reviews_are_listed_newest_first().await;
    run.another_organization_sees_nothing().await;
    run.a_date_that_passes_makes_a_product_due().await;
    run.settings_are_replaced_by_their_version().await;
    run.the_fleet_is_counted().await;
}

struct Run<'a, R> {
    repo: &'a R,
    service: GovernanceService<&'a R, SystemIds>,
    world: World,
}

fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

fn approval(expires_at: Option<OffsetDateTime>) -> NewDecision {
    NewDecision {
        verdict: Verdict::Approve,
        comment: Some("seen".to_owned()),
        approval_expires_at: expires_at,
        next_review_due_at: None,
    }
}

fn claimed(ctx: Context, key: &str, fingerprint: u8) -> Context {
    ctx.with_idempotency(Some(IdempotencyClaim {
        scope: "contract:POST /reviews".to_owned(),
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
    }))
}

impl<R: GovernanceRepository> Run<'_, R> {
    fn at(&self, minutes: i64) -> Context {
        let now = START + Duration::minutes(minutes);
        Context::new(self.world.organization, Actor::System("contract"), now)
    }

    async fn status(&self, minutes: i64) -> ReviewStatus {
        let ctx = self.at(minutes);
        let summary = self
            .service
            .summary(ctx.organization, self.world.product, ctx.now);
        must(summary.await, "a summary").assessment.review_status
    }

    /// How the product is kept.
    async fn kept(&self) -> ReviewStatus {
        let page = PageRequest::first(100);
        let all = self
            .repo
            .list_postures(self.world.organization, &PostureFilter::default(), &page)
            .await;
        let all = must(all, "postures").items;
        let found = all
            .into_iter()
            .find(|one| one.product == self.world.product);
        match found {
            Some(one) => one.posture.review_status,
            None => panic!("the product has no posture"),
        }
    }

    async fn request(&self, ctx: &Context) -> (ReviewRequest, bool) {
        let asked = self.service.request_review(ctx, self.world.product, None);
        let asked = must(asked.await, "a request");
        (asked.request, asked.deduplicated)
    }

    async fn a_product_is_judged_by_what_is_known(&self) {
        let ctx = self.at(0);
        let summary = self
            .service
            .summary(ctx.organization, self.world.product, ctx.now);
        let summary = must(summary.await, "a summary");
        let active: Vec<DriftKey> = summary.assessment.active_drift().collect();
        assert_eq!(
            active,
            [DriftKey::MissingEval, DriftKey::StaleDocumentation]
        );
        assert_eq!(summary.assessment.review_status, ReviewStatus::NotStarted);
        assert_eq!(self.kept().await, ReviewStatus::NotStarted);
        let nobody = ProductId::new(self.world.organization.uuid());
        let missing = self
            .service
            .summary(ctx.organization, nobody, ctx.now)
            .await;
        assert!(matches!(missing, Err(GovernanceError::ProductNotFound)));
        let missing = self.service.request_review(&ctx, nobody, None).await;
        assert!(matches!(missing, Err(GovernanceError::ProductNotFound)));
    }

    async fn a_review_is_open_once(&self) {
        let ctx = self.at(1);
        let quiet = ["overdue_review".to_owned()];
        let refused = self
            .service
            .request_review(&ctx, self.world.product, Some(&quiet));
        match refused.await {
            Err(GovernanceError::NoActiveDrift { active }) => assert_eq!(active.len(), 2),
            other => panic!("a review of nothing was answered with {other:?}"),
        }
        let asked = join_all((0..50).map(|_| self.request(&ctx))).await;
        let opened = asked.iter().filter(|(_, deduplicated)| !deduplicated);
        assert_eq!(opened.count(), 1, "one is opened");
        let Some((first, _)) = asked.first() else {
            panic!("nothing was asked");
        };
        assert!(asked.iter().all(|(request, _)| request == first));
        assert_eq!(first.drift_indicator_keys.len(), 2);
        assert_eq!(self.status(1).await, ReviewStatus::InReview);
        assert_eq!(self.kept().await, ReviewStatus::InReview);
    }

    async fn a_claimed_request_happens_once(&self) {
        let product = self.world.second_product;
        let ask = |fingerprint| {
            let ctx = claimed(self.at(2), "review", fingerprint);
            async move { self.service.request_review(&ctx, product, None).await }
        };
        let first = must(ask(1).await, "the first");
        let id = first.request.id;
        let decided = self
            .service
            .decide_review(&self.at(3), product, id, approval(None))
            .await;
        must(decided, "a decision");
        assert_eq!(must(ask(1).await, "a replay"), first);
        let mismatch = ask(2).await;
        assert!(matches!(
            mismatch,
            Err(GovernanceError::Repository(
                RepositoryError::IdempotencyMismatch
            ))
        ));
        let decide = || {
            let ctx = claimed(self.at(3), "decision", 1);
            async move {
                let decision = approval(None);
                self.service
                    .decide_review(&ctx, product, id, decision)
                    .await
            }
        };
        assert!(matches!(
            decide().await,
            Err(GovernanceError::AlreadyDecided { .. })
        ));
        let unspent = claimed(self.at(4), "decision", 1);
        let next = self.service.request_review(&unspent, product, None).await;
        let next = must(next, "a refusal spends no claim");
        assert!(!next.deduplicated);
    }

    async fn what_is_decided_is_decided_once(&self) {
        let (open, deduplicated) = self.request(&self.at(5)).await;
        assert!(deduplicated);
        let ctx = self.at(6);
        let expires_at = ctx.now + Duration::hours(1);
        let decide = || {
            self.service.decide_review(
                &ctx,
                self.world.product,
                open.id,
                approval(Some(expires_at)),
            )
        };
        let decided = join_all((0..20).map(|_| decide())).await;
        let won = decided.iter().filter(|one| one.is_ok()).count();
        assert_eq!(won, 1, "one decision counts");
        assert!(
            decided
                .iter()
                .all(|one| matches!(one, Ok(_) | Err(GovernanceError::AlreadyDecided { .. })))
        );
        let found = self
            .service
            .review(ctx.organization, self.world.product, open.id);
        let found = must(found.await, "the decided request");
        assert_eq!(found.state, ReviewState::Approved);
        assert_eq!(found.version, open.version.next());
        match found.decision {
            Some(decision) => {
                assert_eq!(decision.approval_expires_at, Some(expires_at));
                assert_eq!(decision.comment.as_deref(), Some("seen"));
                let usual = ctx.now + Duration::days(365);
                assert_eq!(decision.next_review_due_at, Some(usual));
            }
            None => panic!("the decision is lost"),
        }
        assert_eq!(self.status(6).await, ReviewStatus::Approved);
        assert_eq!(self.kept().await, ReviewStatus::Approved);
        let strange = ReviewRequestId::new(self.world.organization.uuid());
        let missing = self
            .service
            .decide_review(&ctx, self.world.product, strange, approval(None));
        assert!(matches!(
            missing.await,
            Err(GovernanceError::ReviewNotFound)
        ));
    }

    async fn reviews_are_listed_newest_first(&self) {
        let product = self.world.second_product;
        let organization = self.world.organization;
        let all = self
            .service
            .reviews(organization, product, &PageRequest::first(10))
            .await;
        let all = must(all, "a list");
        assert_eq!((all.total, all.items.len(), all.next), (2, 2, None));
        assert!(
            all.items
                .is_sorted_by(|a, b| a.requested_at >= b.requested_at)
        );
        let first = self
            .service
            .reviews(organization, product, &PageRequest::first(1))
            .await;
        let first = must(first, "a page");
        let Some(cursor) = first.next else {
            panic!("there is another page");
        };
        let page = PageRequest {
            limit: 1,
            paging: Paging::After(cursor),
        };
        let second = must(
            self.service.reviews(organization, product, &page).await,
            "a page",
        );
        assert_eq!(second.next, None);
        let paged: Vec<_> = first.items.into_iter().chain(second.items).collect();
        assert_eq!(paged, all.items);
    }

    async fn another_organization_sees_nothing(&self) {
        let other = Context::new(self.world.other_organization, Actor::System("x"), START);
        let product = self.world.product;
        let missing = self
            .service
            .summary(other.organization, product, START)
            .await;
        assert!(matches!(missing, Err(GovernanceError::ProductNotFound)));
        let missing = self.service.request_review(&other, product, None).await;
        assert!(matches!(missing, Err(GovernanceError::ProductNotFound)));
        let page = PageRequest::first(10);
        let own = must(
            self.service
                .reviews(self.world.organization, product, &page)
                .await,
            "reviews",
        );
        assert_eq!(own.items.len(), 1);
        for review in own.items {
            let missing = self
                .service
                .review(other.organization, product, review.id)
                .await;
            assert!(matches!(missing, Err(GovernanceError::ReviewNotFound)));
            let decided = self
                .service
                .decide_review(&other, product, review.id, approval(None))
                .await;
            assert!(matches!(decided, Err(GovernanceError::ReviewNotFound)));
        }
        let empty = self
            .service
            .reviews(other.organization, product, &page)
            .await;
        assert_eq!(must(empty, "a list").total, 0);
        let fleet = self
            .repo
            .list_postures(other.organization, &PostureFilter::default(), &page)
            .await;
        let fleet = must(fleet, "postures");
        let products: Vec<_> = fleet.items.iter().map(|one| one.product).collect();
        assert_eq!(products, [self.world.other_product]);
    }

    async fn a_date_that_passes_makes_a_product_due(&self) {
        let organization = self.world.organization;
        let rejudge = |at| self.repo.rejudge_due(organization, at, 10);
        let expires = START + Duration::minutes(6) + Duration::hours(1);
        let before = expires - Duration::MILLISECOND;
        assert_eq!(must(rejudge(before).await, "a round"), 0);
        assert_eq!(self.kept().await, ReviewStatus::Approved);
        let minutes = 66;
        assert_eq!(self.status(minutes).await, ReviewStatus::NeedsReview);
        // Of several at once, one judges; the others find nothing due.
        let judged = join_all((0..5).map(|_| rejudge(expires))).await;
        let judged: u32 = judged.into_iter().map(|one| must(one, "a round")).sum();
        assert_eq!(judged, 1);
        assert_eq!(self.kept().await, ReviewStatus::NeedsReview);
    }

    async fn settings_are_replaced_by_their_version(&self) {
        let ctx = self.at(70);
        let first = must(
            self.service.configuration(ctx.organization).await,
            "settings",
        );
        assert_eq!(first, Configuration::default());
        let input = SettingsInput {
            penalty_high: Some(11),
            ..SettingsInput::default()
        };
        let changed = self
            .service
            .configure(&ctx, &input, Some(first.version))
            .await;
        let changed = must(changed, "a change");
        assert_eq!(changed.settings.penalties.high, 11);
        let same = must(
            self.service.configure(&ctx, &input, None).await,
            "no change",
        );
        assert_eq!(same, changed);
        let stale = self
            .service
            .configure(&ctx, &input, Some(first.version))
            .await;
        assert!(matches!(stale, Err(GovernanceError::PreconditionFailed)));
        let kept = must(
            self.service.configuration(ctx.organization).await,
            "settings",
        );
        assert_eq!(kept, changed);
        let other = self
            .service
            .configuration(self.world.other_organization)
            .await;
        assert_eq!(must(other, "settings"), Configuration::default());
        let fleet = self.repo.fleet(ctx.organization, None, ctx.now, 1).await;
        assert_eq!(must(fleet, "a fleet").pending, 2);
    }

    async fn the_fleet_is_counted(&self) {
        let ctx = self.at(71);
        let overview = self.service.overview(ctx.organization, None, ctx.now, 1);
        let overview = must(overview.await, "an overview");
        assert_eq!((overview.products, overview.pending), (2, 0));
        assert_eq!(overview.worst.len(), 1);
        let missing = overview.drift.get(&DriftKey::MissingEval);
        assert_eq!(missing, Some(&2));
        let waiting = overview.by_review_status.get(&ReviewStatus::NeedsReview);
        assert_eq!(waiting, Some(&1));
        let none = self
            .service
            .overview(ctx.organization, Some(Vec::new()), ctx.now, 5);
        let none = must(none.await, "an overview of no space");
        assert_eq!((none.products, none.worst.len()), (0, 0));
        let filter = PostureFilter {
            drift: Some(DriftKey::MissingEval),
            ..PostureFilter::default()
        };
        let mut page = PageRequest::first(1);
        let mut found = Vec::new();
        loop {
            let one = self
                .service
                .postures(ctx.organization, &filter, ctx.now, &page)
                .await;
            let one = must(one, "a page");
            assert_eq!(one.total, 2);
            found.extend(one.items);
            let Some(next) = one.next else { break };
            page.paging = Paging::After(next);
        }
        assert_eq!(found.len(), 2);
        assert!(found.is_sorted_by_key(|one| (one.posture.score, one.product)));
        let expired = PostureFilter {
            drift: Some(DriftKey::OverdueReview),
            ..PostureFilter::default()
        };
        let all = PageRequest::first(10);
        let quiet = self
            .repo
            .list_postures(ctx.organization, &expired, &all)
            .await;
        assert_eq!(must(quiet, "postures").total, 0);
    }
}
