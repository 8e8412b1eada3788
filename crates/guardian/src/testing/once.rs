//! Idempotency claims.

use probity_kernel::RepositoryError;

use super::{Run, claimed, drift_limits, must};
use crate::ingestion::Ingestion;
use crate::link::RiskMetricLink;
use crate::repository::{GuardianRepository, GuardianWrite, IngestError};

impl<R: GuardianRepository> Run<'_, R> {
    pub(super) async fn a_claimed_ingestion_happens_once(&self) {
        let product = self.world.product;
        let attempt = |key: &str, fingerprint: u8| {
            let ctx = claimed(self.context(), key, fingerprint);
            let batch = vec![
                self.snapshot(&ctx, product, 60.0, 95.0),
                self.snapshot(&ctx, product, 2.0, 95.0),
            ];
            must(Ingestion::new(ctx, batch), "a batch in bounds")
        };
        let first = must(
            self.repo.ingest(attempt("once", 1)).await,
            "the first claim",
        );
        let snapshots = self.history_of(product).await;
        let alerts = self.alerts_of(product, None).await;
        let replayed = self.repo.ingest(attempt("once", 1)).await;
        assert_eq!(must(replayed, "a replay"), first, "the first outcome");
        match self.repo.ingest(attempt("once", 2)).await {
            Err(IngestError::Repository(RepositoryError::IdempotencyMismatch)) => {}
            other => panic!("another request under the same key was answered with {other:?}"),
        }
        assert_eq!(self.history_of(product).await, snapshots);
        assert_eq!(self.alerts_of(product, None).await, alerts);
        self.claims_are_looked_at_before_products().await;
        let other = self.repo.ingest(attempt("another", 1)).await;
        assert_ne!(must(other, "another key"), first);
        self.a_failed_ingestion_spends_no_claim().await;
        self.claims_of_organizations_are_apart().await;
    }

    async fn claims_are_looked_at_before_products(&self) {
        for (fingerprint, replays) in [(1, true), (2, false)] {
            let ctx = claimed(self.context(), "once", fingerprint);
            let unknown = self.snapshot(&ctx, self.unknown_product(), 1.0, 95.0);
            let outcome = self.repo.ingest(Ingestion::single(ctx, unknown)).await;
            assert!(
                !matches!(outcome, Err(IngestError::UnknownProduct(_))),
                "{outcome:?}"
            );
            assert_eq!(outcome.is_ok(), replays, "{outcome:?}");
        }
    }

    async fn a_failed_ingestion_spends_no_claim(&self) {
        let ctx = claimed(self.context(), "failed", 1);
        let unknown = self.snapshot(&ctx, self.unknown_product(), 1.0, 95.0);
        let outcome = self.repo.ingest(Ingestion::single(ctx, unknown)).await;
        assert!(
            matches!(outcome, Err(IngestError::UnknownProduct(_))),
            "{outcome:?}"
        );
        let ctx = claimed(self.context(), "failed", 2);
        let known = self.snapshot(&ctx, self.world.product, 1.0, 95.0);
        let id = known.id;
        let outcome = self.repo.ingest(Ingestion::single(ctx, known)).await;
        let outcome = must(outcome, "a claim that failed before");
        assert_eq!(outcome.first().map(|one| one.snapshot), Some(id));
    }

    async fn claims_of_organizations_are_apart(&self) {
        let ctx = self.context_of(self.world.other_organization);
        let ctx = claimed(ctx, "once", 9);
        let own = self.snapshot(&ctx, self.world.other_product, 1.0, 95.0);
        let id = own.id;
        let outcome = self.repo.ingest(Ingestion::single(ctx, own)).await;
        let outcome = must(outcome, "the same key of another organisation");
        assert_eq!(outcome.first().map(|one| one.snapshot), Some(id));
    }

    pub(super) async fn a_claimed_commit_happens_once(&self) {
        let product = self.world.product;
        let attempt = |fingerprint: u8| {
            let ctx = claimed(self.context(), "link", fingerprint);
            RiskMetricLink::create(&ctx, self.new_link_id(), product, drift_limits(1.0, 2.0))
        };
        let first = must(self.repo.commit(attempt(1)).await, "the first claim");
        let GuardianWrite::CreateLink(link) = &first else {
            panic!("a new link wrote {first:?}");
        };
        let replayed = self.repo.commit(attempt(1)).await;
        assert_eq!(
            must(replayed, "a replay"),
            first,
            "before the key is compared"
        );
        let mismatch = self.repo.commit(attempt(2)).await;
        assert!(
            matches!(mismatch, Err(RepositoryError::IdempotencyMismatch)),
            "{mismatch:?}"
        );
        let deleted = self.repo.commit(link.delete(&self.context())).await;
        must(deleted, "a deletion");
        let replayed = self.repo.commit(attempt(1)).await;
        assert_eq!(must(replayed, "a replay"), first, "even after its deletion");
        let found = self.repo.link_of(self.world.organization, product).await;
        assert_eq!(must(found, "a link"), None, "and it writes nothing");
    }
}
