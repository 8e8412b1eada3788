//! `Idempotency-Key`: once, whoever asks, for 24 hours.

use probity_guardian::{GuardianRepository, GuardianWrite, RiskMetricLink};
use probity_kernel::{
    Change, Context, IdSource, OrganizationId, RepositoryError, RiskMetricLinkId,
};
use probity_registry::{
    ModelIdentifier, ModelRepository, ModelWrite, RegistryEvent, RegistrySettings, SettingsInput,
    UsageDelta,
};
use time::Duration;

use crate::support::story::{limits, observed_usage};
use crate::support::{Bed, NOW, claiming, context, tell};

const CALLERS: usize = 32;

fn of_many_equal_claims_at_once_one_is_carried_out(bed: &Bed) {
    let organization = bed.organization("north");
    let callers = (0..CALLERS).map(|caller| {
        let repository = bed.models();
        // Each attempt would write another entry, if it wrote.
        let ctx = claiming(context(organization), "key", 1);
        let change = bed.registration(&ctx, &format!("attempt-{caller}"));
        async move { repository.commit(change).await }
    });
    let outcomes: Vec<ModelWrite> = bed
        .at_once(callers)
        .into_iter()
        .map(|outcome| outcome.expect("every caller is answered"))
        .collect();
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
    let mut raw = bed.raw();
    assert_eq!(raw.count("registered_models", ""), 1);
    assert_eq!(raw.count("idempotency_records", ""), 1);
    assert_eq!(raw.count("audit_entries", ""), 2);
}

fn another_request_under_the_same_key_is_refused(bed: &Bed) {
    let organization = bed.organization("north");
    let attempt = |fingerprint, name: &str| {
        let ctx = claiming(context(organization), "key", fingerprint);
        bed.block(bed.models().commit(bed.registration(&ctx, name)))
    };
    attempt(1, "one").expect("the first");
    let refused = attempt(2, "two");
    assert!(
        matches!(refused, Err(RepositoryError::IdempotencyMismatch)),
        "{refused:?}"
    );
    assert_eq!(bed.raw().count("registered_models", ""), 1);
}

fn a_key_lives_for_24_hours(bed: &Bed) {
    let organization = bed.organization("north");
    let attempt = |after: Duration, fingerprint, name: &str| {
        let ctx = Context {
            now: NOW + after,
            ..claiming(context(organization), "key", fingerprint)
        };
        bed.block(bed.models().commit(bed.registration(&ctx, name)))
    };
    let (day, instant) = (Duration::hours(24), Duration::milliseconds(1));
    let first = attempt(Duration::ZERO, 1, "one").expect("the first");
    assert_eq!(attempt(day - instant, 1, "two").expect("a replay"), first);
    let early = attempt(day - instant, 2, "two");
    assert!(
        matches!(early, Err(RepositoryError::IdempotencyMismatch)),
        "{early:?}"
    );
    // At 24 hours the key is free, even for another request, and lives again from then on.
    let second = attempt(day, 2, "two").expect("a new life");
    assert_ne!(second, first);
    assert_eq!(
        attempt(day + day - instant, 2, "three").expect("a replay"),
        second
    );
    assert_eq!(bed.raw().count("idempotency_records", ""), 1);
}

fn old_keys_are_swept_in_steps(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    // The first was spent while the clock was two days ahead.
    let spent = [
        (north, 2880),
        (north, 0),
        (north, 1),
        (south, 2),
        (south, 3),
        (north, 4),
    ];
    for (organization, minutes) in spent {
        let ctx = Context {
            now: NOW + Duration::minutes(minutes),
            ..claiming(context(organization), &format!("key {minutes}"), 1)
        };
        let change = bed.registration(&ctx, &format!("model {minutes}"));
        bed.block(bed.models().commit(change)).expect("a commit");
    }
    let before = NOW + Duration::minutes(3);
    let sweep = || bed.database.sweep_idempotency(before, 2).expect("a sweep");
    assert_eq!([sweep(), sweep(), sweep()], [2, 1, 0]);
    let mut raw = bed.raw();
    assert_eq!(raw.count("idempotency_records", ""), 3);
    assert_eq!(
        raw.count("idempotency_records", "WHERE key IN ('key 3', 'key 4')"),
        2
    );
}

fn a_key_that_is_spent_anew_hides_no_older_one(bed: &Bed) {
    let organization = bed.organization("north");
    let day = Duration::hours(24);
    for (key, after) in [("again", 0), ("once", 1), ("again", 2)] {
        let ctx = Context {
            now: NOW + day * after,
            ..claiming(context(organization), key, 1)
        };
        let change = bed.registration(&ctx, &format!("model {after}"));
        bed.block(bed.models().commit(change)).expect("a commit");
    }
    let before = NOW + day + Duration::minutes(1);
    let swept = bed.database.sweep_idempotency(before, 1).expect("a sweep");
    assert_eq!(swept, 1);
    let mut raw = bed.raw();
    assert_eq!(raw.count("idempotency_records", "WHERE key = 'again'"), 1);
    assert_eq!(raw.count("idempotency_records", ""), 1);
}

/// Commits `first`, then `second` under the same claim: the answer is the first outcome.
fn replays_model(
    bed: &Bed,
    key: &str,
    first: Change<ModelWrite, RegistryEvent>,
    second: Change<ModelWrite, RegistryEvent>,
) {
    let outcome = bed.block(bed.models().commit(first)).expect("the first");
    assert_ne!(
        second.write(),
        &outcome,
        "{key}: the second asks for something else"
    );
    let replay = bed.block(bed.models().commit(second)).expect("the second");
    assert_eq!(replay, outcome, "{key}");
}

fn settings(ctx: &Context, tier_1: i64) -> Change<ModelWrite, RegistryEvent> {
    let before = RegistrySettings::default();
    let input = SettingsInput {
        validation_months: [("tier_1".to_owned(), tier_1)].into(),
        ..SettingsInput::default()
    };
    let settings = before.with(&input).expect("valid settings");
    let event = RegistryEvent::configured(ctx.organization, &before, &settings);
    Change::new(ctx, ModelWrite::Configure { settings }, event)
}

fn more_usage(ctx: &Context) -> Change<ModelWrite, RegistryEvent> {
    let delta = UsageDelta {
        day: ctx.now.date(),
        model: ModelIdentifier::parse("another").expect("a name"),
        provider: None,
        count: 9,
        first_seen_at: ctx.now,
        last_seen_at: ctx.now,
    };
    let event = RegistryEvent::UsageRecorded {
        organization: ctx.organization,
        requests: 9,
        roll_ups: 1,
        first_seen_at: None,
        last_seen_at: None,
    };
    Change::new(ctx, ModelWrite::RecordUsage(vec![delta]), event)
}

/// Whatever the second request would write: the first outcome comes back, equal to the last bit.
fn a_replay_answers_the_first_outcome_not_the_second_request(bed: &Bed) {
    let story = tell(bed, "north", &mut |_, _| ());
    let claim = |key: &str| claiming(context(story.organization), key, 7);
    let ctx = claim("configure");
    replays_model(bed, "configure", settings(&ctx, 5), settings(&ctx, 6));
    let ctx = claim("usage");
    replays_model(bed, "usage", observed_usage(&ctx), more_usage(&ctx));
    let other = bed.model(story.organization, "other");
    let ctx = claim("delete");
    replays_model(
        bed,
        "delete",
        story.model.clone().delete(&ctx),
        other.delete(&ctx),
    );
    guardian_replays(bed, story.organization, &story.link);
}

fn guardian_replays(bed: &Bed, organization: OrganizationId, link: &RiskMetricLink) {
    let commit = |change| bed.block(bed.guardian().commit(change));
    let ctx = claiming(context(organization), "update", 7);
    // A limit that loses its last bit in careless text.
    let exact = 0.1 + 0.2;
    let first = link.update(&ctx, limits(exact, 87.300_000_000_000_01));
    let outcome = commit(first.expect("a change")).expect("the first");
    let second = link.update(&ctx, limits(1.0, 2.0)).expect("a change");
    assert_eq!(commit(second).expect("a replay"), outcome);
    let GuardianWrite::UpdateLink { next, .. } = outcome else {
        panic!("an update answered {outcome:?}");
    };
    let stored = bed.block(bed.guardian().find_link(organization, link.id));
    assert_eq!(stored.expect("a read"), Some(next.clone()));
    let ctx = claiming(context(organization), "drop", 7);
    let outcome = commit(next.delete(&ctx)).expect("the first");
    let id = RiskMetricLinkId::new(bed.ids.next_id(NOW));
    let other = RiskMetricLink::create(&ctx, id, link.product, limits(1.0, 2.0));
    assert_eq!(commit(other).expect("a replay"), outcome);
}

on_both_databases!(
    of_many_equal_claims_at_once_one_is_carried_out,
    another_request_under_the_same_key_is_refused,
    a_key_lives_for_24_hours,
    old_keys_are_swept_in_steps,
    a_key_that_is_spent_anew_hides_no_older_one,
    a_replay_answers_the_first_outcome_not_the_second_request,
);
