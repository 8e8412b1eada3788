//! Idempotency claims.

use probity_kernel::RepositoryError;

use super::{Run, bare_run, claimed, must};
use crate::evidence::repository::{EvidenceRepository, EvidenceWrite};
use crate::evidence::training_run::TrainingRun;

impl<R: EvidenceRepository> Run<'_, R> {
    pub(super) async fn a_claimed_commit_happens_once(&self) {
        let product = self.world.product;
        let attempt = |fingerprint: u8| {
            let ctx = claimed(self.context(), "run", fingerprint);
            let fields = must(bare_run("once").parse(ctx.now), "a valid run");
            TrainingRun::record(&ctx, self.run_id(), product, fields)
        };
        let first = must(self.repo.commit(attempt(1)).await, "the first claim");
        let EvidenceWrite::CreateRun(run) = &first else {
            panic!("a new run wrote {first:?}");
        };
        let runs = self.runs_of(product).await;
        let replayed = self.repo.commit(attempt(1)).await;
        assert_eq!(must(replayed, "a replay"), first, "the first outcome");
        let mismatch = self.repo.commit(attempt(2)).await;
        assert!(
            matches!(mismatch, Err(RepositoryError::IdempotencyMismatch)),
            "{mismatch:?}"
        );
        assert_eq!(self.runs_of(product).await, runs);
        must(
            self.repo.commit(run.delete(&self.context())).await,
            "a deletion",
        );
        let replayed = self.repo.commit(attempt(1)).await;
        assert_eq!(must(replayed, "a replay"), first, "even after its deletion");
        assert_eq!(self.stored_run(run).await, None, "and it writes nothing");
    }
}
