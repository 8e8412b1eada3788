//! The orders of the lists, and who sees them.

use probity_kernel::{PageRequest, Paging, ProductId, RepositoryError};
use time::Duration;

use super::{ALL, Run, START, bare_metric, bare_run, must, present};
use crate::evidence::repository::EvidenceRepository;
use crate::evidence::safety_metric::SafetyMetric;
use crate::evidence::training_run::TrainingRun;
use crate::evidence::vocabulary::MetricCategory;

impl<R: EvidenceRepository> Run<'_, R> {
    async fn no_runs_are_left(&self, product: ProductId) {
        for run in self.runs_of(product).await {
            let deletion = self.repo.commit(run.delete(&self.context()));
            must(deletion.await, "a deletion");
        }
    }

    pub(super) async fn runs_are_listed_newest_start_first_those_without_last(&self) {
        let product = self.world.second_product;
        self.no_runs_are_left(product).await;
        let mut runs = Vec::new();
        for (name, ago) in [
            ("b", Some(2)),
            ("c", None),
            ("a", Some(1)),
            ("d", None),
            ("e", Some(2)),
        ] {
            let mut input = bare_run(name);
            input.started_at = ago.map(|hours| START - Duration::hours(hours));
            runs.push(self.recorded_run(product, input).await);
        }
        let listed = self.runs_of(product).await;
        let names = |runs: &[TrainingRun]| {
            let names = runs.iter().map(|run| run.fields.run_name.clone());
            names.collect::<Vec<_>>().concat()
        };
        assert_eq!(names(&listed), "aebdc");
        let organization = self.world.organization;
        for (offset, expected) in [(0, "ae"), (1, "eb"), (4, "c"), (5, ""), (1 << 40, "")] {
            let page = PageRequest {
                limit: 2,
                paging: Paging::Offset(offset),
            };
            let page = must(
                self.repo.list_runs(organization, product, &page).await,
                "a page",
            );
            assert_eq!((names(&page.items).as_str(), page.total), (expected, 5));
            assert_eq!(page.next.is_some(), offset + 2 < 5, "offset {offset}");
        }
        let mut request = PageRequest::first(2);
        let mut seen = String::new();
        loop {
            let page = must(
                self.repo.list_runs(organization, product, &request).await,
                "a page",
            );
            seen.push_str(&names(&page.items));
            let Some(cursor) = page.next else { break };
            request.paging = Paging::After(cursor);
            // Before the cursor: it moves nothing that is still to come.
            let mut input = bare_run("x");
            input.started_at = Some(START);
            self.recorded_run(product, input).await;
        }
        assert_eq!(seen, "aebdc");
        self.no_runs_are_left(product).await;
    }

    pub(super) async fn metrics_are_listed_by_category_name_and_newest_measurement(&self) {
        let (organization, product) = (self.world.organization, self.world.second_product);
        for (category, name, ago) in [
            ("fairness", "b", None),
            ("drift", "é", Some(1)),
            ("fairness", "b", Some(2)),
            ("drift", "z", Some(1)),
            ("accuracy", "Z", Some(3)),
            ("fairness", "b", Some(1)),
            ("accuracy", "a", None),
        ] {
            let mut input = bare_metric(category, name);
            input.measured_at = ago.map(|hours| START - Duration::hours(hours));
            self.recorded_metric(product, input).await;
        }
        let all = self
            .repo
            .list_metrics(organization, product, None, &ALL)
            .await;
        let all = must(all, "metrics").items;
        let told = |metric: &SafetyMetric| {
            let fields = &metric.fields;
            let ago = fields.measured_at.map(|at| (START - at).whole_hours());
            (fields.category.as_str(), fields.metric_name.clone(), ago)
        };
        let expected = [
            ("accuracy", "Z", Some(3)),
            ("accuracy", "a", None),
            ("drift", "z", Some(1)),
            ("drift", "é", Some(1)),
            ("fairness", "b", Some(1)),
            ("fairness", "b", Some(2)),
            ("fairness", "b", None),
        ];
        let expected = expected.map(|(category, name, ago)| (category, name.to_owned(), ago));
        assert_eq!(all.iter().map(told).collect::<Vec<_>>(), expected);
        self.metrics_are_paged(product, &all).await;
        self.metrics_are_filtered(product, &all).await;
    }

    async fn metrics_are_paged(&self, product: ProductId, all: &[SafetyMetric]) {
        let organization = self.world.organization;
        let mut request = PageRequest::first(2);
        let mut seen = Vec::new();
        loop {
            let page = self
                .repo
                .list_metrics(organization, product, None, &request)
                .await;
            let page = must(page, "a page");
            assert_eq!(page.total, 7);
            seen.extend(page.items);
            let Some(cursor) = page.next else { break };
            request.paging = Paging::After(cursor);
        }
        assert_eq!(seen, all);
    }

    async fn metrics_are_filtered(&self, product: ProductId, all: &[SafetyMetric]) {
        let organization = self.world.organization;
        let only = Some(MetricCategory::Drift);
        let drift = self
            .repo
            .list_metrics(organization, product, only, &ALL)
            .await;
        let drift = must(drift, "metrics of a category");
        assert_eq!(
            (drift.items.as_slice(), drift.total),
            (all.get(2..4).unwrap_or_default(), 2)
        );
        let first = present(all.first(), "a metric");
        let request = PageRequest::first(1);
        let page = self
            .repo
            .list_metrics(organization, product, None, &request)
            .await;
        let cursor = present(must(page, "a page").next, "a cursor");
        must(
            self.repo.commit(first.delete(&self.context())).await,
            "a deletion",
        );
        let request = PageRequest {
            limit: 1,
            paging: Paging::After(cursor),
        };
        let page = self
            .repo
            .list_metrics(organization, product, None, &request)
            .await;
        assert!(
            matches!(page, Err(RepositoryError::Conflict("cursor"))),
            "{page:?}"
        );
    }

    pub(super) async fn another_organization_and_product_see_nothing(&self) {
        let world = self.world;
        let run = self.recorded_run(world.product, bare_run("mine")).await;
        let metric = self
            .recorded_metric(world.product, bare_metric("drift", "mine"))
            .await;
        for (organization, product) in [
            (world.organization, world.second_product),
            (world.other_organization, world.product),
            (world.other_organization, world.other_product),
        ] {
            let found = self.repo.find_run(organization, product, run.id).await;
            assert_eq!(must(found, "a find"), None);
            let found = self
                .repo
                .find_metric(organization, product, metric.id)
                .await;
            assert_eq!(must(found, "a find"), None);
        }
        let other = world.other_organization;
        for product in [world.product, world.other_product] {
            let runs = must(self.repo.list_runs(other, product, &ALL).await, "runs");
            assert_eq!((runs.items.len(), runs.total), (0, 0));
            let metrics = self.repo.list_metrics(other, product, None, &ALL).await;
            assert_eq!(must(metrics, "metrics").total, 0);
            let events = self.repo.list_runtime_events(other, product, &ALL).await;
            assert_eq!(must(events, "events").total, 0);
        }
        let ctx = self.context_of(other);
        for foreign in [run.delete(&ctx), metric.delete(&ctx), metric.attest(&ctx)] {
            let outcome = self.repo.commit(foreign).await;
            assert!(outcome.is_err(), "{outcome:?}");
        }
        assert_eq!(self.stored_run(&run).await, Some(run));
        assert_eq!(self.stored_metric(&metric).await, Some(metric));
    }

    pub(super) async fn unknown_products_take_no_evidence(&self) {
        let unknown = ProductId::new(self.run_id().uuid());
        for product in [unknown, self.world.other_product] {
            let ctx = self.context();
            let fields = must(bare_run("lost").parse(ctx.now), "a valid run");
            let change = TrainingRun::record(&ctx, self.run_id(), product, fields);
            let outcome = self.repo.commit(change).await;
            assert!(
                matches!(outcome, Err(RepositoryError::Conflict("product"))),
                "{outcome:?}"
            );
        }
    }
}
