//! Several writers at once.

use futures_util::future::join_all;
use probity_kernel::{OrganizationId, RepositoryError};
use time::macros::date;

use super::bench::{Bench, NOW, created, fixture, must};
use super::usage::{delta, observed, recording};
use crate::Patch;
use crate::input::ModelPatchInput;
use crate::repository::{ModelFilter, ModelRepository, ModelWrite};

const RIVALS: u64 = 8;

/// Of several creations of one identifier at once, exactly one is written.
///
/// # Panics
/// When the promise is broken.
pub async fn of_rival_creations_one_wins<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let rival = |_| repo.commit(bench.creation(&bench.ctx(), fixture(&bench.name("rival"))));
    let outcomes = join_all((0..RIVALS).map(rival)).await;
    let mut winners = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(write) => winners.push(created(write)),
            Err(RepositoryError::Conflict("model_id")) => {}
            Err(error) => panic!("a loser meets a conflict, not {error:?}"),
        }
    }
    assert_eq!(bench.known(&[bench.identifier("rival")]).await, winners);
    assert_eq!(winners.len(), 1, "exactly one creation wins");
}

/// Of several updates of one version at once, exactly one is written.
///
/// # Panics
/// When the promise is broken.
pub async fn of_rival_updates_one_wins<R: ModelRepository>(repo: &R, organization: OrganizationId) {
    let bench = Bench::new(repo, organization);
    let model = bench.create(fixture(&bench.name("contended"))).await;
    let rival = |number: u64| {
        let patch = ModelPatchInput {
            display_name: Patch::Value(format!("rival {number}")),
            ..ModelPatchInput::default()
        };
        bench.update(&model, patch)
    };
    let outcomes = join_all((0..RIVALS).map(rival)).await;
    let mut winners = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(next) => winners.push(next),
            Err(RepositoryError::Stale) => {}
            Err(error) => panic!("a loser is stale, not {error:?}"),
        }
    }
    assert_eq!(winners.len(), 1, "exactly one update wins");
    assert_eq!(bench.find(model.id).await, winners.pop());
}

/// One claim presented several times at once writes once, and every caller gets that outcome.
///
/// # Panics
/// When the promise is broken.
pub async fn rival_claims_write_once<R: ModelRepository>(repo: &R, organization: OrganizationId) {
    let bench = Bench::new(repo, organization);
    let ctx = bench.claiming("rush", 1);
    let rival = |_| repo.commit(bench.creation(&ctx, fixture(&bench.name("claimed"))));
    let mut entries = Vec::new();
    for outcome in join_all((0..RIVALS).map(rival)).await {
        entries.push(created(must(
            outcome,
            "every caller gets the first outcome",
        )));
    }
    entries.dedup();
    assert_eq!(entries.len(), 1, "all outcomes are one and the same");
    assert_eq!(bench.names(ModelFilter::default()).await, ["claimed"]);
}

/// Usage recorded by several writers at once adds up.
///
/// # Panics
/// When the promise is broken.
pub async fn rival_usage_adds_up<R: ModelRepository>(repo: &R, organization: OrganizationId) {
    let bench = Bench::new(repo, organization);
    let rival = |count: u64| {
        let usage = delta(bench.identifier("busy"), Some("acme"), NOW, count, 0);
        repo.commit(recording(&bench.ctx(), vec![usage]))
    };
    for outcome in join_all((1..=RIVALS).map(rival)).await {
        let write = must(outcome, "usage is recorded");
        assert!(matches!(write, ModelWrite::RecordUsage(_)));
    }
    let usage = observed(&bench, date!(2026 - 03 - 13)).await;
    let counts: Vec<_> = usage.iter().map(|usage| usage.count).collect();
    assert_eq!(counts, [(1..=RIVALS).sum::<u64>()], "no request is lost");
}
