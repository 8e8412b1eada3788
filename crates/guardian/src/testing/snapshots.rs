//! Ingestion, single and in batches, and the wall between organisations.

use super::{ALL, Run, START, must, present, with_impact, with_psi};
use crate::ingestion::{Ingestion, UnknownProduct};
use crate::metric::ComplianceStatus;
use crate::repository::{AlertFilter, GuardianRepository, HistoryFilter, IngestError};
use crate::snapshot::NewSnapshot;
use crate::threshold::ThresholdSource;
use crate::value::SampleSize;

impl<R: GuardianRepository> Run<'_, R> {
    pub(super) async fn products_exist_in_their_organization_only(&self) {
        let world = self.world;
        for (organization, product, expected) in [
            (world.organization, world.product, true),
            (world.organization, world.second_product, true),
            (world.other_organization, world.other_product, true),
            (world.organization, world.other_product, false),
            (world.other_organization, world.product, false),
            (world.organization, self.unknown_product(), false),
        ] {
            let exists = self.repo.product_exists(organization, product).await;
            assert_eq!(must(exists, "a question"), expected, "{product}");
        }
    }

    pub(super) async fn a_snapshot_comes_back_as_it_went_in(&self) {
        let ctx = self.context();
        let now = ctx.now;
        let plain = self.snapshot(&ctx, self.world.product, 0.1 + 0.2, 95.0_f64.next_down());
        let full = NewSnapshot {
            sample_size: must(SampleSize::parse("", 9_007_199_254_740_992), "2^53"),
            captured_at: START - time::Duration::milliseconds(1_234_567),
            notes: Some("Überlauf \u{1f9ea}\n\t% _ \\ ' \" {}".to_owned()),
            recipe: Some(serde_json::json!({"bins": 10, "edges": [0.1, null, "x"]})),
            ..with_impact(with_psi(plain, 0.1), 1.0 / 3.0 + 0.5)
        };
        let expected = full.clone();
        let outcome = self.repo.ingest(Ingestion::single(ctx, full)).await;
        let outcome = must(outcome, "a single ingestion");
        assert_eq!(outcome.len(), 1);
        let only = present(outcome.first(), "the outcome");
        assert_eq!(only.snapshot, expected.id);
        assert_eq!(only.status, ComplianceStatus::Green);
        let history = self.history_of(self.world.product).await;
        let stored = present(history.first(), "the snapshot in the history");
        assert_eq!(history.len(), 1);
        assert_eq!(stored.new, expected);
        assert_eq!(stored.status, ComplianceStatus::Green);
        assert_eq!(stored.received_at, now);
        assert_eq!(stored.threshold_source, ThresholdSource::GlobalDefaults);
        self.no_alert_is_open(self.world.product).await;
    }

    pub(super) async fn a_batch_keeps_its_order_and_is_all_or_nothing(&self) {
        let (first, second) = (self.world.product, self.world.second_product);
        let ctx = self.context();
        let batch = vec![
            self.snapshot(&ctx, first, 1.0, 95.0),
            self.snapshot(&ctx, second, 51.0, 95.0),
            self.snapshot(&ctx, second, 3.0, 79.0),
            self.snapshot(&ctx, first, 4.0, 95.0),
            self.snapshot(&ctx, second, 5.0, 95.0),
        ];
        let sent: Vec<_> = batch.iter().map(|snapshot| snapshot.id).collect();
        let outcome = self.ingest(ctx, batch).await;
        let ids: Vec<_> = outcome.iter().map(|one| one.snapshot).collect();
        let statuses: Vec<_> = outcome.iter().map(|one| one.status.as_str()).collect();
        assert_eq!(ids, sent);
        assert_eq!(statuses, ["GREEN", "AMBER", "RED", "GREEN", "GREEN"]);
        self.an_unknown_product_writes_nothing().await;
    }

    async fn an_unknown_product_writes_nothing(&self) {
        let product = self.world.product;
        let snapshots = self.history_of(product).await;
        let alerts = self.alerts_of(product, None).await;
        for unknown in [self.unknown_product(), self.world.other_product] {
            let ctx = self.context();
            let batch = vec![
                self.snapshot(&ctx, product, 99.0, 95.0),
                self.snapshot(&ctx, product, 1.0, 95.0),
                self.snapshot(&ctx, unknown, 1.0, 95.0),
                self.snapshot(&ctx, unknown, 1.0, 95.0),
            ];
            let ingestion = must(Ingestion::new(ctx, batch), "a batch in bounds");
            let expected = UnknownProduct {
                index: 2,
                batch: true,
            };
            self.refuses(ingestion, expected).await;
            let ctx = self.context();
            let single = self.snapshot(&ctx, unknown, 1.0, 95.0);
            let expected = UnknownProduct {
                index: 0,
                batch: false,
            };
            self.refuses(Ingestion::single(ctx, single), expected).await;
        }
        assert_eq!(self.history_of(product).await, snapshots);
        assert_eq!(self.alerts_of(product, None).await, alerts);
    }

    async fn refuses(&self, ingestion: Ingestion, expected: UnknownProduct) {
        match self.repo.ingest(ingestion).await {
            Err(IngestError::UnknownProduct(unknown)) => assert_eq!(unknown, expected),
            other => panic!("an unknown product was answered with {other:?}"),
        }
    }

    pub(super) async fn another_organization_sees_nothing(&self) {
        let product = self.world.product;
        self.drift(product, 60.0).await;
        let alert = self.open_drift_alert(product).await;
        let other = self.world.other_organization;
        let filter = HistoryFilter {
            product,
            from: None,
            to: None,
            status: None,
        };
        let history = must(
            self.repo.history(other, &filter, &ALL).await,
            "a foreign history",
        );
        assert_eq!((history.items.len(), history.total), (0, 0));
        let alerts = self
            .repo
            .list_alerts(other, &AlertFilter::default(), &ALL)
            .await;
        let alerts = must(alerts, "foreign alerts");
        assert_eq!((alerts.items.len(), alerts.total), (0, 0));
        let found = self.repo.find_alert(other, alert.id).await;
        assert_eq!(must(found, "a foreign find"), None);
        self.foreign_changes_are_stale(&alert).await;
        self.drift(product, 1.0).await;
        self.no_alert_is_open(product).await;
    }
}
