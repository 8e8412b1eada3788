//! The contract of [`GuardianRepository`] as a test that any implementation can run.

mod alerts;
mod history;
mod links;
mod once;
mod races;
mod snapshots;

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};

use probity_kernel::{
    Actor, Context, IdSource, IdempotencyClaim, OrganizationId, PageRequest, ProductId,
    RiskMetricLinkId, SnapshotId, SpaceId, SystemIds,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::alert::{Alert, AlertState};
use crate::ingestion::Ingestion;
use crate::link::{OverridesDraft, ThresholdDraft, ThresholdOverrides};
use crate::metric::MetricKind;
use crate::repository::{AlertFilter, GuardianRepository, HistoryFilter, Ingested};
use crate::snapshot::{NewSnapshot, Snapshot};
use crate::value::{DisparateImpact, DriftScore, FairnessScore, Psi, SampleSize};

const START: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);
/// More than any list of the suite holds.
const ALL: PageRequest = PageRequest::first(1000);

/// What exists already when the contract is run: two products of one organisation and one product
/// of another, all without snapshots, alerts and links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// The organisation in which most of it happens.
    pub organization: OrganizationId,
    /// A product of it.
    pub product: ProductId,
    /// Another product of it.
    pub second_product: ProductId,
    /// The space of the first product; the second one is in another.
    pub space: SpaceId,
    /// Another organisation.
    pub other_organization: OrganizationId,
    /// A product of that one.
    pub other_product: ProductId,
}

/// Runs the whole contract. It leaves snapshots, alerts and idempotency records behind.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn repository_contract<R: GuardianRepository>(repo: &R, world: &World) {
    let run = Run {
        repo,
        world: *world,
        ids: SystemIds::default(),
        minute: AtomicI64::new(0),
    };
    run.products_exist_in_their_organization_only().await;
    run.a_snapshot_comes_back_as_it_went_in().await;
    run.a_batch_keeps_its_order_and_is_all_or_nothing().await;
    run.another_organization_sees_nothing().await;
    run.an_alert_opens_escalates_and_recovers().await;
    run.an_escalation_clears_the_acknowledgement().await;
    run.a_resolved_alert_gives_way_to_a_new_one().await;
    run.a_batch_moves_one_alert_several_times().await;
    run.absent_metrics_and_late_arrivals_move_nothing().await;
    run.stale_alerts_are_refused().await;
    run.alerts_are_listed_newest_first_and_filtered().await;
    run.links_live_and_die_by_their_version().await;
    run.a_link_decides_what_is_a_breach().await;
    run.history_is_newest_captured_first_and_filtered().await;
    run.cursors_survive_inserts().await;
    run.a_claimed_ingestion_happens_once().await;
    run.a_claimed_commit_happens_once().await;
    run.many_breaches_at_once_open_one_alert_per_metric().await;
    run.of_many_equal_claims_one_is_carried_out().await;
}

/// Runs a future that never waits for anything, as those of an in-memory repository do not.
#[cfg(test)]
pub(crate) fn run_now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

struct Run<'a, R> {
    repo: &'a R,
    world: World,
    ids: SystemIds,
    minute: AtomicI64,
}

fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

fn present<T>(value: Option<T>, what: &str) -> T {
    match value {
        Some(value) => value,
        None => panic!("{what}: nothing there"),
    }
}

/// A context that claims to happen once.
fn claimed(ctx: Context, key: &str, fingerprint: u8) -> Context {
    ctx.with_idempotency(Some(IdempotencyClaim {
        scope: "contract:POST /api/v1/metrics".to_owned(),
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
    }))
}

/// Limits for drift alone.
fn drift_limits(amber: f64, red: f64) -> ThresholdOverrides {
    let draft = OverridesDraft {
        drift: Some(ThresholdDraft {
            amber: Some(amber),
            red: Some(red),
        }),
        ..OverridesDraft::default()
    };
    must(draft.parse(""), "limits in order")
}

/// The same snapshot with a population stability index.
fn with_psi(snapshot: NewSnapshot, psi: f64) -> NewSnapshot {
    NewSnapshot {
        psi: Some(must(Psi::parse("/psi", psi), "a psi in range")),
        ..snapshot
    }
}

/// The same snapshot with a disparate impact.
fn with_impact(snapshot: NewSnapshot, ratio: f64) -> NewSnapshot {
    let impact = DisparateImpact::parse("/disparateImpact", ratio);
    NewSnapshot {
        disparate_impact: Some(must(impact, "a ratio in range")),
        ..snapshot
    }
}

impl<R: GuardianRepository> Run<'_, R> {
    /// A context of the organisation, a minute after the one before.
    fn context(&self) -> Context {
        self.context_of(self.world.organization)
    }

    fn context_of(&self, organization: OrganizationId) -> Context {
        let minute = self.minute.fetch_add(1, Ordering::Relaxed);
        let now = START + Duration::minutes(minute);
        Context::new(organization, Actor::System("contract"), now)
    }

    /// A product id that no organisation has.
    fn unknown_product(&self) -> ProductId {
        ProductId::new(self.ids.next_id(START))
    }

    fn new_link_id(&self) -> RiskMetricLinkId {
        RiskMetricLinkId::new(self.ids.next_id(START))
    }

    /// A snapshot without ratios and notes, captured at the context's instant.
    fn snapshot(&self, ctx: &Context, product: ProductId, drift: f64, fair: f64) -> NewSnapshot {
        NewSnapshot {
            id: SnapshotId::new(self.ids.next_id(ctx.now)),
            product,
            drift_score: must(DriftScore::parse("/driftScore", drift), "a score in range"),
            fairness_score: must(
                FairnessScore::parse("/fairnessScore", fair),
                "a score in range",
            ),
            psi: None,
            disparate_impact: None,
            sample_size: must(SampleSize::parse("/sampleSize", 5000), "a size in range"),
            captured_at: ctx.now,
            notes: None,
            recipe: None,
        }
    }

    async fn ingest(&self, ctx: Context, snapshots: Vec<NewSnapshot>) -> Vec<Ingested> {
        let ingestion = must(Ingestion::new(ctx, snapshots), "a batch in bounds");
        must(self.repo.ingest(ingestion).await, "an ingestion")
    }

    /// Takes in a drift score of the product with a good fairness score, now.
    async fn drift(&self, product: ProductId, drift: f64) -> Ingested {
        let ctx = self.context();
        let snapshot = self.snapshot(&ctx, product, drift, 95.0);
        let ingestion = Ingestion::single(ctx, snapshot);
        let outcome = must(self.repo.ingest(ingestion).await, "an ingestion");
        present(outcome.first().copied(), "an outcome")
    }

    async fn history_of(&self, product: ProductId) -> Vec<Snapshot> {
        let filter = HistoryFilter {
            product,
            from: None,
            to: None,
            status: None,
        };
        let page = self
            .repo
            .history(self.world.organization, &filter, &ALL)
            .await;
        must(page, "a history").items
    }

    async fn alerts_of(&self, product: ProductId, state: Option<AlertState>) -> Vec<Alert> {
        let filter = AlertFilter {
            product: Some(product),
            state,
            ..AlertFilter::default()
        };
        let organization = self.world.organization;
        let page = self.repo.list_alerts(organization, &filter, &ALL).await;
        must(page, "alerts").items
    }

    /// The one open alert of the product, which is on drift.
    async fn open_drift_alert(&self, product: ProductId) -> Alert {
        let mut open = self.alerts_of(product, Some(AlertState::Open)).await;
        assert_eq!(open.len(), 1, "exactly one alert is open");
        let alert = present(open.pop(), "the open alert");
        assert_eq!(alert.metric, MetricKind::Drift);
        alert
    }

    async fn no_alert_is_open(&self, product: ProductId) {
        let open = self.alerts_of(product, Some(AlertState::Open)).await;
        assert_eq!(open, [], "no alert is open");
    }

    async fn alert_of_id(&self, alert: &Alert) -> Alert {
        let found = self.repo.find_alert(self.world.organization, alert.id);
        present(must(found.await, "a find"), "the alert by its id")
    }
}
