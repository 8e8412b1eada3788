//! Many at once.

use futures_util::future::join_all;

use super::{Run, claimed, must, present, with_impact, with_psi};
use crate::alert::AlertState;
use crate::ingestion::Ingestion;
use crate::metric::{ComplianceStatus, MetricKind};
use crate::repository::GuardianRepository;

/// How many calls run at once.
const CALLS: usize = 50;

impl<R: GuardianRepository> Run<'_, R> {
    pub(super) async fn many_breaches_at_once_open_one_alert_per_metric(&self) {
        let product = self.world.product;
        let before = self.history_of(product).await.len();
        let calls = (0..CALLS).map(|_| {
            let ctx = self.context();
            let bad = self.snapshot(&ctx, product, 90.0, 10.0);
            let bad = with_impact(with_psi(bad, 0.5), 0.1);
            self.repo.ingest(Ingestion::single(ctx, bad))
        });
        for outcome in join_all(calls).await {
            let outcome = must(outcome, "one of many ingestions");
            assert_eq!(
                outcome.first().map(|one| one.status),
                Some(ComplianceStatus::Red)
            );
        }
        let open = self.alerts_of(product, Some(AlertState::Open)).await;
        let mut metrics: Vec<_> = open.iter().map(|alert| alert.metric).collect();
        metrics.sort_unstable();
        assert_eq!(metrics, MetricKind::ALL, "exactly one alert per metric");
        assert_eq!(self.history_of(product).await.len(), before + CALLS);
        let ctx = self.context();
        let good = with_impact(with_psi(self.snapshot(&ctx, product, 1.0, 95.0), 0.0), 1.0);
        self.ingest(ctx, vec![good]).await;
        self.no_alert_is_open(product).await;
    }

    pub(super) async fn of_many_equal_claims_one_is_carried_out(&self) {
        let product = self.world.second_product;
        let before = self.history_of(product).await.len();
        let calls = (0..CALLS).map(|_| {
            let ctx = claimed(self.context(), "race", 7);
            let snapshot = self.snapshot(&ctx, product, 1.0, 95.0);
            self.repo.ingest(Ingestion::single(ctx, snapshot))
        });
        let outcomes = join_all(calls).await.into_iter();
        let outcomes: Vec<_> = outcomes
            .map(|outcome| must(outcome, "one of many claims"))
            .collect();
        let first = present(outcomes.first(), "an outcome");
        assert!(outcomes.iter().all(|outcome| outcome == first));
        assert_eq!(self.history_of(product).await.len(), before + 1);
    }
}
