//! Usage and discovery.

use probity_kernel::{Change, Context, OrganizationId, RepositoryError};
use time::macros::{date, datetime};
use time::{Date, Duration, OffsetDateTime};

use super::bench::{Bench, NOW, fixture, must};
use crate::discovery::{Discovery, DiscoveryRequest};
use crate::event::RegistryEvent;
use crate::model::{ModelIdentifier, RegisteredModel};
use crate::repository::{ModelChange, ModelRepository, ModelWrite};
use crate::settings::RegistrySettings;
use crate::usage::{ObservedModel, UsageDelta};

const NOON: OffsetDateTime = datetime!(2026-03-10 12:00:00.005 UTC);

/// A roll-up of one day: `count` requests, the last of them `hours` after the first.
pub(super) fn delta(
    model: ModelIdentifier,
    provider: Option<&str>,
    first_seen_at: OffsetDateTime,
    count: u64,
    hours: i64,
) -> UsageDelta {
    UsageDelta {
        day: first_seen_at.date(),
        model,
        provider: provider.map(str::to_owned),
        count,
        first_seen_at,
        last_seen_at: first_seen_at + Duration::hours(hours),
    }
}

/// The change that records roll-ups.
pub(super) fn recording(ctx: &Context, deltas: Vec<UsageDelta>) -> ModelChange {
    let event = RegistryEvent::UsageRecorded {
        organization: ctx.organization,
        requests: deltas.iter().map(|delta| delta.count).sum(),
        roll_ups: u64::try_from(deltas.len()).unwrap_or_default(),
        first_seen_at: None,
        last_seen_at: None,
    };
    Change::new(ctx, ModelWrite::RecordUsage(deltas), event)
}

/// The usage of this run's models since a day.
pub(super) async fn observed<R: ModelRepository>(
    bench: &Bench<'_, R>,
    since: Date,
) -> Vec<ObservedModel> {
    let all = bench.repo.observed(bench.organization, since).await;
    let mut all = must(all, "usage can be read");
    assert!(
        all.is_sorted_by(|a, b| a.model < b.model),
        "one row per model, ordered by code point"
    );
    all.retain(|usage| usage.model.as_str().ends_with(&bench.name("")));
    all
}

/// Roll-ups of one day, model and provider merge; reading adds up the days from a day on.
///
/// # Panics
/// When the promise is broken.
pub async fn roll_ups_merge<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
    other: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let [upper, lower] = ["Zeta", "alpha"].map(|name| bench.identifier(name));
    let day = |days: i64| NOON + Duration::days(days);
    for deltas in [
        vec![
            delta(upper.clone(), Some("acme"), day(0), 5, 2),
            delta(upper.clone(), None, day(0), 100, 1),
            delta(lower.clone(), None, day(-1), 1, 0),
        ],
        vec![
            delta(
                upper.clone(),
                Some("acme"),
                day(0) - Duration::hours(3),
                4,
                1,
            ),
            delta(upper.clone(), Some("rival"), day(1), 8, 0),
        ],
    ] {
        let write = ModelWrite::RecordUsage(deltas.clone());
        let outcome = repo.commit(recording(&bench.ctx(), deltas)).await;
        assert_eq!(must(outcome, "usage is recorded"), write);
    }
    let upper_since = |count, provider: &str, first_seen_at, last_seen_at| ObservedModel {
        model: upper.clone(),
        provider: Some(provider.to_owned()),
        count,
        first_seen_at,
        last_seen_at,
    };
    let lower = ObservedModel {
        model: lower,
        provider: None,
        count: 1,
        first_seen_at: day(-1),
        last_seen_at: day(-1),
    };
    let all = upper_since(117, "acme", day(0) - Duration::hours(3), day(1));
    let last_day = upper_since(8, "rival", day(1), day(1));
    for (since, expected) in [
        (date!(2026 - 03 - 09), vec![all.clone(), lower]),
        (date!(2026 - 03 - 10), vec![all]),
        (date!(2026 - 03 - 11), vec![last_day]),
        (date!(2026 - 03 - 12), vec![]),
    ] {
        assert_eq!(observed(&bench, since).await, expected, "since {since}");
    }
    assert!(
        observed(&bench.of(other), date!(2026 - 03 - 01))
            .await
            .is_empty()
    );
}

fn seen(model: ModelIdentifier, last_seen_at: OffsetDateTime) -> ObservedModel {
    ObservedModel {
        model,
        provider: None,
        count: 3,
        first_seen_at: last_seen_at - Duration::HOUR,
        last_seen_at,
    }
}

/// What a discovery of these models decides on these known entries.
pub(super) fn planned<R: ModelRepository>(
    bench: &Bench<'_, R>,
    usage: &[ObservedModel],
    known: &[RegisteredModel],
) -> Discovery {
    let settings = RegistrySettings::default();
    let request = DiscoveryRequest::default();
    let ctx = bench.ctx();
    Discovery::plan(&ctx, &settings, request, usage, known, || bench.id())
}

/// A discovery brings `last_seen_at` forward, never back, and passes over entries that are gone.
///
/// # Panics
/// When the promise is broken.
pub async fn last_seen_only_moves_forward<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let kept = bench.create(fixture(&bench.name("kept"))).await;
    let gone = bench.create(fixture(&bench.name("gone"))).await;
    let plan_at = |instant| {
        let models = [&kept, &gone].map(|model| seen(model.model_id.clone(), instant));
        planned(&bench, &models, &[kept.clone(), gone.clone()])
    };
    let (early, late) = (plan_at(NOON), plan_at(NOON + Duration::HOUR));
    must(
        repo.commit(gone.clone().delete(&bench.ctx())).await,
        "an entry can go",
    );
    for plan in [late, early] {
        let change = plan.clone().into_change(&bench.ctx());
        let outcome = must(repo.commit(change).await, "a discovery is written");
        assert_eq!(outcome, ModelWrite::Discover(plan));
        let expected = RegisteredModel {
            last_seen_at: Some(NOON + Duration::HOUR),
            ..kept.clone()
        };
        assert_eq!(bench.find(kept.id).await, Some(expected));
    }
    assert_eq!(bench.find(gone.id).await, None);
}

/// A discovery whose entries clash with one that exists writes none of them.
///
/// # Panics
/// When the promise is broken.
pub async fn discoveries_are_written_whole_or_not_at_all<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let known = bench.create(fixture(&bench.name("known"))).await;
    let names = ["fresh-1", "rival", "known"].map(|name| bench.identifier(name));
    let usage = names.each_ref().map(|name| seen(name.clone(), NOW));
    let plan = planned(&bench, &usage, std::slice::from_ref(&known));
    let rival = bench.create(fixture(&bench.name("rival"))).await;
    let refused = repo.commit(plan.into_change(&bench.ctx())).await;
    assert!(
        matches!(refused, Err(RepositoryError::Conflict("model_id"))),
        "{refused:?}"
    );
    let mut found = bench.known(&names).await;
    found.sort_by_key(|model| model.model_id.clone());
    assert_eq!(
        found,
        [known.clone(), rival.clone()],
        "nothing of it was written"
    );

    let plan = planned(&bench, &usage, &found);
    let outcome = repo.commit(plan.into_change(&bench.ctx())).await;
    let ModelWrite::Discover(stored) = must(outcome, "the second plan fits") else {
        panic!("a discovery answers with a discovery");
    };
    let [fresh] = stored.created.as_slice() else {
        panic!("one entry is new: {:?}", stored.created);
    };
    assert_eq!(bench.find(fresh.id).await.as_ref(), Some(fresh));
    assert_eq!(fresh.last_seen_at, Some(NOW));
    let known = bench.find(known.id).await;
    assert_eq!(known.and_then(|model| model.last_seen_at), Some(NOW));
}
