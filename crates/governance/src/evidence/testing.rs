//! The contract of [`EvidenceRepository`] as a test that any implementation can run.

mod lists;
mod metrics;
mod once;
mod runs;
mod runtime;

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};

use probity_kernel::{
    Actor, Context, IdSource, IdempotencyClaim, OrganizationId, PageRequest, ProductId,
    RuntimeEventId, SafetyMetricId, SystemIds, TrainingRunId,
};
use serde_json::{Map, Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::repository::{EvidenceRepository, EvidenceWrite};
use super::runtime_event::{RuntimeEvent, RuntimeEventInput};
use super::safety_metric::{MetricInput, SafetyMetric};
use super::training_run::{RunInput, TrainingRun};

const START: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);
/// More than any list of the suite holds.
const ALL: PageRequest = PageRequest::first(1000);

/// What exists already when the contract is run: two products of one organisation and one product
/// of another, all without evidence and none archived.
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

/// Runs the whole contract. It leaves evidence and idempotency records behind.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn repository_contract<R: EvidenceRepository>(repo: &R, world: &World) {
    let run = Run {
        repo,
        world: *world,
        ids: SystemIds::default(),
        minute: AtomicI64::new(0),
    };
    run.a_run_comes_back_as_it_went_in().await;
    run.runs_live_and_die_by_their_version().await;
    run.at_most_one_run_is_deployed().await;
    run.runs_are_listed_newest_start_first_those_without_last()
        .await;
    run.a_metric_comes_back_as_it_went_in().await;
    run.metrics_live_and_die_by_their_version().await;
    run.metrics_are_listed_by_category_name_and_newest_measurement()
        .await;
    run.runtime_events_are_listed_newest_first_and_counted()
        .await;
    run.another_organization_and_product_see_nothing().await;
    run.unknown_products_take_no_evidence().await;
    run.material_is_what_was_recorded_since().await;
    run.a_claimed_commit_happens_once().await;
    run.many_deployments_at_once_leave_one().await;
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

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else {
        panic!("not an object: {value}");
    };
    members
}

/// A context that claims to happen once.
fn claimed(ctx: Context, key: &str, fingerprint: u8) -> Context {
    ctx.with_idempotency(Some(IdempotencyClaim {
        scope: "contract:POST /training-runs".to_owned(),
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
    }))
}

/// A run with nothing but a name.
fn bare_run(name: &str) -> RunInput {
    RunInput {
        run_name: Some(name.to_owned()),
        run_type: Some("training".to_owned()),
        ..RunInput::default()
    }
}

/// A run with everything there is.
fn full_run() -> RunInput {
    let text = |text: &str| Some(text.to_owned());
    RunInput {
        run_name: text("June retraining"),
        run_type: text("fine_tuning"),
        status: text("completed"),
        dataset_name: text("claims_features"),
        dataset_version: text("2026.06"),
        dataset_uri: text("s3://evidence/claims/2026-06"),
        training_samples: Some(120_000),
        validation_samples: Some(20_000),
        test_samples: Some(0),
        random_seed: Some(i64::MIN),
        hyperparameters: Some(object(
            json!({"learning_rate": 0.01, "deep": {"a": [1, null]}}),
        )),
        metrics: Some(object(json!({"auc": 0.94, "control": "\u{1}"}))),
        model_artifact_uri: text("model://claims-triage/2026-06"),
        framework_version: text("xgboost 2.0"),
        environment: text("prod-training"),
        duration_seconds: Some(4200.125),
        notes: text("Retrained.\nTwice."),
        is_deployed: Some(false),
        started_at: Some(START - Duration::microseconds(7)),
        completed_at: Some(START),
    }
}

/// A metric with nothing but a category and a name.
fn bare_metric(category: &str, name: &str) -> MetricInput {
    MetricInput {
        category: Some(category.to_owned()),
        metric_name: Some(name.to_owned()),
        ..MetricInput::default()
    }
}

impl<R: EvidenceRepository> Run<'_, R> {
    /// A context of the organisation, a minute after the one before.
    fn context(&self) -> Context {
        self.context_of(self.world.organization)
    }

    fn context_of(&self, organization: OrganizationId) -> Context {
        let minute = self.minute.fetch_add(1, Ordering::Relaxed);
        let now = START + Duration::minutes(minute);
        Context::new(organization, Actor::System("contract"), now)
    }

    fn run_id(&self) -> TrainingRunId {
        TrainingRunId::new(self.ids.next_id(START))
    }

    fn metric_id(&self) -> SafetyMetricId {
        SafetyMetricId::new(self.ids.next_id(START))
    }

    async fn recorded_run(&self, product: ProductId, input: RunInput) -> TrainingRun {
        let ctx = self.context();
        let fields = must(input.parse(ctx.now), "a valid run");
        let change = TrainingRun::record(&ctx, self.run_id(), product, fields);
        let write = must(self.repo.commit(change).await, "a run");
        let EvidenceWrite::CreateRun(run) = write else {
            panic!("a new run wrote {write:?}");
        };
        *run
    }

    async fn recorded_metric(&self, product: ProductId, input: MetricInput) -> SafetyMetric {
        let ctx = self.context();
        let fields = must(input.parse(ctx.now), "a valid metric");
        let change = SafetyMetric::record(&ctx, self.metric_id(), product, fields);
        let write = must(self.repo.commit(change).await, "a metric");
        let EvidenceWrite::CreateMetric(metric) = write else {
            panic!("a new metric wrote {write:?}");
        };
        *metric
    }

    async fn recorded_event(&self, product: ProductId, input: RuntimeEventInput) -> RuntimeEvent {
        let ctx = self.context();
        let id = RuntimeEventId::new(self.ids.next_id(START));
        let event = must(
            RuntimeEvent::parse(&ctx, id, product, input),
            "a valid event",
        );
        let write = must(self.repo.commit(event.record(&ctx)).await, "an event");
        let EvidenceWrite::RecordRuntimeEvent(event) = write else {
            panic!("a new event wrote {write:?}");
        };
        *event
    }

    async fn stored_run(&self, run: &TrainingRun) -> Option<TrainingRun> {
        let found = self.repo.find_run(run.organization, run.product, run.id);
        must(found.await, "a find")
    }

    async fn stored_metric(&self, metric: &SafetyMetric) -> Option<SafetyMetric> {
        let found = self
            .repo
            .find_metric(metric.organization, metric.product, metric.id);
        must(found.await, "a find")
    }

    async fn runs_of(&self, product: ProductId) -> Vec<TrainingRun> {
        let page = self.repo.list_runs(self.world.organization, product, &ALL);
        must(page.await, "runs").items
    }
}
