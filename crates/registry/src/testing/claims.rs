//! Idempotency: a claim is spent once, and its outcome comes back.

use probity_kernel::{Change, Context, OrganizationId, RepositoryError};
use time::macros::date;

use super::bench::{Bench, NOW, created, fixture, must, patching};
use super::usage::{delta, observed, planned, recording};
use crate::Patch;
use crate::event::RegistryEvent;
use crate::input::ModelPatchInput;
use crate::repository::{ModelChange, ModelFilter, ModelRepository, ModelWrite};
use crate::settings::RegistrySettings;
use crate::usage::ObservedModel;

async fn replays<R: ModelRepository>(
    bench: &Bench<'_, R>,
    key: &str,
    first: impl Fn(&Context) -> ModelChange,
) -> ModelWrite {
    let change = first(&bench.claiming(key, 1));
    let outcome = must(bench.repo.commit(change).await, "the first commit holds");
    let again = bench.repo.commit(first(&bench.claiming(key, 1))).await;
    assert_eq!(must(again, "a replay is answered"), outcome, "{key}");
    let other = bench.repo.commit(first(&bench.claiming(key, 2))).await;
    assert!(
        matches!(other, Err(RepositoryError::IdempotencyMismatch)),
        "{key} with another body: {other:?}"
    );
    outcome
}

/// Whatever was written under a claim, the same claim brings the first outcome back and writes
/// nothing, even when the world has moved on; with another fingerprint it is refused.
///
/// # Panics
/// When the promise is broken.
pub async fn claims_replay_every_kind_of_write<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
    other: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let create = |ctx: &Context| bench.creation(ctx, fixture(&bench.name("claimed")));
    let first = created(replays(&bench, "create", create).await);
    let rename = || ModelPatchInput {
        display_name: Patch::Value("renamed".to_owned()),
        ..ModelPatchInput::default()
    };
    let update = |ctx: &Context| patching(ctx, &first, rename());
    let ModelWrite::Update { next, .. } = replays(&bench, "update", update).await else {
        panic!("an update answers with an update");
    };
    let again = repo.commit(create(&bench.claiming("create", 1))).await;
    let again = created(must(again, "a replay is answered"));
    assert_eq!(
        again, first,
        "a replay answers as at first, not as it stands now"
    );
    assert_eq!(bench.find(first.id).await.as_ref(), Some(&*next));

    replays(&bench, "delete", |ctx| (*next).clone().delete(ctx)).await;
    assert_eq!(bench.find(first.id).await, None);
    replays(&bench, "configure", |ctx| {
        let settings = RegistrySettings::default();
        let event = RegistryEvent::configured(organization, &settings, &settings);
        Change::new(ctx, ModelWrite::Configure { settings }, event)
    })
    .await;

    let usage = || vec![delta(bench.identifier("used"), Some("acme"), NOW, 7, 1)];
    replays(&bench, "usage", |ctx| recording(ctx, usage())).await;
    let seen = observed(&bench, date!(2026 - 03 - 13)).await;
    let counts: Vec<_> = seen
        .iter()
        .map(|usage: &ObservedModel| usage.count)
        .collect();
    assert_eq!(counts, [7], "a replay is not counted again");
    let discover = |ctx: &Context| planned(&bench, &seen, &[]).into_change(ctx);
    replays(&bench, "discover", discover).await;
    assert_eq!(bench.names(ModelFilter::default()).await, ["used"]);

    let there = bench.of(other);
    let elsewhere = there.creation(
        &there.claiming("create", 2),
        fixture(&there.name("claimed")),
    );
    let elsewhere = created(must(
        repo.commit(elsewhere).await,
        "claims are per organisation",
    ));
    assert_eq!(elsewhere.organization, other);
}

/// A commit that failed has not spent its claim.
///
/// # Panics
/// When the promise is broken.
pub async fn a_claim_is_spent_by_success_only<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    bench.create(fixture(&bench.name("taken"))).await;
    let clash = bench.creation(&bench.claiming("retry", 1), fixture(&bench.name("taken")));
    let clash = repo.commit(clash).await;
    assert!(
        matches!(clash, Err(RepositoryError::Conflict("model_id"))),
        "{clash:?}"
    );
    let change = bench.creation(&bench.claiming("retry", 2), fixture(&bench.name("free")));
    let stored = created(must(repo.commit(change).await, "the claim is still free"));
    assert_eq!(bench.find(stored.id).await, Some(stored));

    let mut elsewhere = bench.claiming("retry", 3);
    if let Some(claim) = &mut elsewhere.idempotency {
        claim.scope.push_str(" of somebody else");
    }
    let change = bench.creation(&elsewhere, fixture(&bench.name("scoped")));
    must(repo.commit(change).await, "another scope is another claim");
}
