//! Training runs and the deployed flag.

use futures_util::future::join_all;
use probity_kernel::RepositoryError;

use super::{Run, bare_run, full_run, must, present};
use crate::evidence::repository::{EvidenceRepository, EvidenceWrite};
use crate::evidence::training_run::{RunFields, TrainingRun};
use crate::evidence::vocabulary::RunStatus;

fn deployed(run: &TrainingRun) -> RunFields {
    RunFields {
        is_deployed: true,
        ..run.fields.clone()
    }
}

impl<R: EvidenceRepository> Run<'_, R> {
    pub(super) async fn a_run_comes_back_as_it_went_in(&self) {
        for input in [bare_run("bare"), full_run()] {
            let run = self.recorded_run(self.world.product, input).await;
            assert_eq!(self.stored_run(&run).await, Some(run));
        }
    }

    pub(super) async fn runs_live_and_die_by_their_version(&self) {
        let run = self.recorded_run(self.world.product, full_run()).await;
        let failed = RunFields {
            status: RunStatus::Failed,
            hyperparameters: None,
            completed_at: None,
            notes: None,
            ..run.fields.clone()
        };
        let change = || present(run.update(&self.context(), failed.clone()), "a change");
        let EvidenceWrite::UpdateRun { next, .. } =
            must(self.repo.commit(change()).await, "an update")
        else {
            panic!("an update answered something else");
        };
        assert_eq!(self.stored_run(&run).await.as_ref(), Some(next.as_ref()));
        for stale in [change(), run.delete(&self.context())] {
            let outcome = self.repo.commit(stale).await;
            assert!(
                matches!(outcome, Err(RepositoryError::Stale)),
                "{outcome:?}"
            );
        }
        assert_eq!(self.stored_run(&run).await.as_ref(), Some(next.as_ref()));
        must(
            self.repo.commit(next.delete(&self.context())).await,
            "a deletion",
        );
        assert_eq!(self.stored_run(&run).await, None);
        let outcome = self.repo.commit(next.delete(&self.context())).await;
        assert!(
            matches!(outcome, Err(RepositoryError::Stale)),
            "{outcome:?}"
        );
    }

    pub(super) async fn at_most_one_run_is_deployed(&self) {
        let product = self.world.product;
        let mut input = bare_run("first");
        input.is_deployed = Some(true);
        let first = self.recorded_run(product, input.clone()).await;
        let elsewhere = self
            .recorded_run(self.world.second_product, input.clone())
            .await;
        assert!(first.deployed_at.is_some() && first.deployed_by.is_some());
        let second = self.recorded_run(product, bare_run("second")).await;
        let ctx = self.context();
        let change = present(second.update(&ctx, deployed(&second)), "a deployment");
        must(self.repo.commit(change).await, "a deployment");
        let left = present(self.stored_run(&first).await, "the first run");
        assert_eq!(
            left,
            first.replaced(ctx.now),
            "it keeps its stamp and moves its version"
        );
        let taken = present(self.stored_run(&second).await, "the second run");
        assert!(taken.fields.is_deployed);
        assert_eq!(taken.deployed_at, Some(ctx.now));
        let third = self.recorded_run(product, input).await;
        let now: Vec<_> = self.runs_of(product).await;
        let now: Vec<_> = now.iter().filter(|run| run.fields.is_deployed).collect();
        assert_eq!(now, [&third]);
        let other = present(self.stored_run(&elsewhere).await, "the other product's run");
        assert_eq!(other, elsewhere, "other products keep theirs");
        must(
            self.repo.commit(third.delete(&self.context())).await,
            "a deletion",
        );
    }

    pub(super) async fn many_deployments_at_once_leave_one(&self) {
        let product = self.world.second_product;
        let mut rivals = Vec::new();
        for number in 0..16 {
            rivals.push(
                self.recorded_run(product, bare_run(&format!("rival {number}")))
                    .await,
            );
        }
        let commits = rivals.iter().map(|run| {
            let change = present(run.update(&self.context(), deployed(run)), "a deployment");
            self.repo.commit(change)
        });
        for outcome in join_all(commits).await {
            must(outcome, "a deployment of a run that nobody else moved");
        }
        let runs = self.runs_of(product).await;
        let now = runs.iter().filter(|run| run.fields.is_deployed).count();
        assert_eq!(now, 1, "exactly one is deployed");
    }
}
