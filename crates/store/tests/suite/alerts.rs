//! Alerts of every source: the contract, the watch over deadlines, and what opens and ends them.

use probity_alerts::testing::{World, repository_contract};
use probity_alerts::{
    AlertsRepository as _, AlertsService, BannerFilter, Severity, Source, TargetsInput, TierInput,
    TrackedAlert,
};
use probity_governance::evidence::{EvidenceService, RuntimeEventInput};
use probity_guardian::{GuardianRepository as _, GuardianService, Ingestion};
use probity_kernel::{
    AlertId, Context, OrganizationId, PageRequest, Patch, ProductId, RepositoryError, SystemIds,
};
use probity_store::{DieselAlerts, DieselEvents};
use probity_webhooks::{EventFilter, EventRepository as _};
use time::Duration;

use crate::support::{Bed, NOW, context};

fn alerts(bed: &Bed) -> DieselAlerts {
    DieselAlerts::new(bed.database.clone())
}

fn listed(bed: &Bed, organization: OrganizationId) -> Vec<TrackedAlert> {
    let filter = BannerFilter::default();
    let page = PageRequest::first(100);
    let found = bed.block(alerts(bed).list_alerts(organization, &filter, &page));
    found.expect("a list").items
}

/// How often an event of a kind was told, for each product's sake or none.
fn told(bed: &Bed, organization: OrganizationId, kind: &str) -> usize {
    let events = DieselEvents::new(bed.database.clone());
    let filter = EventFilter {
        types: vec![kind.parse().expect("a kind")],
        ..EventFilter::default()
    };
    let page = PageRequest::first(100);
    let found = bed.block(events.list_events(organization, &filter, &page));
    found.expect("events").items.len()
}

fn happened(bed: &Bed, ctx: &Context, product: ProductId, severity: &str, status: &str) {
    let service = EvidenceService::new(bed.evidence(), SystemIds::default());
    let input = RuntimeEventInput {
        event_type: Some("blocked_action".to_owned()),
        severity: Some(severity.to_owned()),
        status: Some(status.to_owned()),
        summary: Some("a summary".to_owned()),
        ..RuntimeEventInput::default()
    };
    let recorded = bed.block(service.record_runtime_event(ctx, product, input));
    recorded.expect("a runtime event");
}

fn snapshot(bed: &Bed, ctx: &Context, product: ProductId, drift: f64) {
    let ingestion = Ingestion::single(ctx.clone(), bed.snapshot(ctx, product, drift));
    bed.block(bed.guardian().ingest(ingestion))
        .expect("a snapshot");
}

fn later(organization: OrganizationId, minutes: i64) -> Context {
    Context {
        now: NOW + Duration::minutes(minutes),
        ..context(organization)
    }
}

fn sound(bed: &Bed) {
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

fn contract(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    for (organization, count) in [(north, 2), (south, 1)] {
        let product = bed.product(organization, "one");
        for _ in 0..count {
            happened(bed, &context(organization), product, "high", "open");
        }
    }
    let ids = |organization| -> Vec<AlertId> {
        let found = listed(bed, organization);
        found.iter().map(|alert| alert.id).collect()
    };
    let (own, other) = (ids(north), ids(south));
    let world = World {
        organization: north,
        alerts: [own[0], own[1]],
        other_organization: south,
        other_alert: other[0],
        now: NOW + Duration::seconds(1),
    };
    bed.block(repository_contract(&alerts(bed), &world));
    assert_eq!(told(bed, north, "alert.sla.breached"), 2);
    sound(bed);
}

fn a_deadline_that_passes_is_told_once_with_nobody_touching_the_alert(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let product = bed.product(north, "one");
    bed.product(south, "one");
    happened(bed, &context(north), product, "high", "open");
    let at = |minutes| NOW + Duration::minutes(minutes);
    let due = |minutes| {
        let found = bed.database.organizations_with_overdue_alerts(at(minutes));
        found.expect("the organisations")
    };
    assert_eq!(due(60), [], "the deadline itself is in time");
    assert_eq!(due(61), [north]);
    // Two nodes at once.
    let other = bed.node();
    let settled: u32 = std::thread::scope(|scope| {
        let both = [&bed.database, &other].map(|node| {
            scope.spawn(move || node.settle_alerts(north, at(61), 100).expect("settled"))
        });
        both.into_iter()
            .map(|one| one.join().expect("a thread"))
            .sum()
    });
    other.drain();
    assert_eq!(settled, 1);
    assert_eq!(told(bed, north, "alert.sla.breached"), 1);
    assert_eq!(due(62), []);
    let found = listed(bed, north);
    assert_eq!(found[0].acknowledge_breached_at, Some(at(60)));
    assert_eq!(due(24 * 60 + 1), [north], "the other deadline");
    let settled = bed.database.settle_alerts(north, at(24 * 60 + 1), 100);
    assert_eq!(settled.expect("settled"), 1);
    assert_eq!(told(bed, north, "alert.sla.breached"), 2);
    sound(bed);
}

fn alerts_of_metrics_keep_step_with_guardian(bed: &Bed) {
    let north = bed.organization("north");
    let product = bed.product(north, "one");
    snapshot(bed, &later(north, 0), product, 60.0);
    let amber = listed(bed, north).remove(0);
    assert_eq!(
        (amber.origin.source, amber.severity, amber.since),
        (Source::Metric, Severity::Medium, NOW)
    );
    snapshot(bed, &later(north, 10), product, 90.0);
    let red = listed(bed, north).remove(0);
    assert_eq!(
        (red.id, red.severity, red.since),
        (amber.id, Severity::Critical, NOW + Duration::minutes(10))
    );
    sound(bed);
    // Sixteen minutes later the quarter of an hour is over.
    let guardian = GuardianService::new(bed.guardian(), SystemIds::default());
    let ctx = later(north, 26);
    let done = bed.block(guardian.acknowledge(&ctx, red.id, Some("late".to_owned())));
    done.expect("an acknowledgement");
    let seen = listed(bed, north).remove(0);
    assert_eq!(
        seen.acknowledge_breached_at,
        Some(NOW + Duration::minutes(25))
    );
    assert_eq!(seen.acknowledged_at, Some(ctx.now));
    assert_eq!(seen.note.as_deref(), Some("late"));
    assert_eq!(told(bed, north, "alert.sla.breached"), 1);
    // Guardian's own is not to be had by another door.
    let change = red.resolve(&ctx, None).expect("a change").expect("one");
    let stale = bed.block(alerts(bed).commit(change));
    assert!(matches!(stale, Err(RepositoryError::Stale)), "{stale:?}");
    snapshot(bed, &later(north, 30), product, 1.0);
    let over = listed(bed, north).remove(0);
    assert_eq!(over.resolved_at, Some(NOW + Duration::minutes(30)));
    assert_eq!(over.resolve_breached_at, None);
    assert_eq!(told(bed, north, "alert.sla.breached"), 1);
    sound(bed);
}

fn runtime_events_open_alerts_by_their_severity(bed: &Bed) {
    let north = bed.organization("north");
    let product = bed.product(north, "one");
    let ctx = context(north);
    for (severity, status, opened) in [
        ("info", "open", 0),
        ("low", "open", 0),
        ("medium", "open", 1),
        ("critical", "open", 2),
        ("critical", "resolved", 2),
        ("high", "acknowledged", 3),
    ] {
        happened(bed, &ctx, product, severity, status);
        assert_eq!(listed(bed, north).len(), opened, "{severity} {status}");
    }
    assert_eq!(told(bed, north, "alert.opened"), 3);
    assert_eq!(told(bed, north, "alert.acknowledged"), 1);
    let seen = listed(bed, north);
    let seen = seen.iter().filter(|alert| alert.acknowledged_at.is_some());
    let severities: Vec<Severity> = seen.map(|alert| alert.severity).collect();
    assert_eq!(severities, [Severity::High]);
    sound(bed);
}

/// Targets in minutes until an alert of high severity has to be acknowledged and resolved.
fn demand(bed: &Bed, ctx: &Context, acknowledge: Option<i64>, resolve: Option<i64>) {
    let patch = |minutes: Option<i64>| minutes.map_or(Patch::Null, Patch::Value);
    let input = TargetsInput {
        high: TierInput {
            acknowledge: patch(acknowledge),
            resolve: patch(resolve),
        },
        ..TargetsInput::default()
    };
    let service = AlertsService::new(alerts(bed));
    bed.block(service.set_targets(ctx, &input, None))
        .expect("targets");
}

fn targets_count_at_once_and_what_was_told_stays_told(bed: &Bed) {
    let north = bed.organization("north");
    let product = bed.product(north, "one");
    happened(bed, &context(north), product, "high", "open");
    let settle = |minutes| {
        let now = NOW + Duration::minutes(minutes);
        let settled = bed.database.settle_alerts(north, now, 100);
        settled.expect("settled")
    };
    assert_eq!(settle(30), 0, "an hour is not over");
    demand(bed, &later(north, 30), Some(20), None);
    assert_eq!(settle(30), 1, "twenty minutes are");
    let breached = listed(bed, north).remove(0);
    assert_eq!(
        breached.acknowledge_breached_at,
        Some(NOW + Duration::minutes(20))
    );
    demand(bed, &later(north, 31), Some(2000), Some(3000));
    let report = || {
        let service = AlertsService::new(alerts(bed));
        let (from, to) = (NOW - Duration::hours(1), NOW + Duration::hours(1));
        let told = bed.block(service.report(north, from, to, NOW + Duration::minutes(32)));
        let told = told.expect("a report");
        let high = told
            .tiers
            .iter()
            .find(|tier| tier.severity == Severity::High);
        let high = high.expect("a tier");
        (high.acknowledge.breached, high.resolve.pending)
    };
    assert_eq!(report(), (1, 1), "a breach stays one");
    assert_eq!(settle(2999), 0);
    demand(bed, &later(north, 2999), None, None);
    assert_eq!(settle(10_000), 0, "without a target there is no deadline");
    assert_eq!(told(bed, north, "alert.sla.breached"), 1);
    assert_eq!(told(bed, north, "alert.sla_targets.changed"), 3);
    sound(bed);
}

/// Each clock of an alert has its own deadlines: that of the milder one first, and then that of the graver.
fn an_alert_that_becomes_graver_after_a_breach_can_breach_again(bed: &Bed) {
    let north = bed.organization("north");
    let product = bed.product(north, "one");
    snapshot(bed, &later(north, 0), product, 60.0);
    // Four hours pass with nobody watching, and it turns red.
    snapshot(bed, &later(north, 300), product, 90.0);
    assert_eq!(told(bed, north, "alert.sla.breached"), 1);
    let red = listed(bed, north).remove(0);
    assert_eq!(
        (red.acknowledge_breached_at, red.since),
        (None, NOW + Duration::minutes(300))
    );
    let now = NOW + Duration::minutes(316);
    assert_eq!(
        bed.database
            .settle_alerts(north, now, 100)
            .expect("settled"),
        1
    );
    assert_eq!(told(bed, north, "alert.sla.breached"), 2);
    let late = listed(bed, north).remove(0);
    assert_eq!(
        late.acknowledge_breached_at,
        Some(NOW + Duration::minutes(315))
    );
    sound(bed);
}

on_both_databases!(
    contract,
    targets_count_at_once_and_what_was_told_stays_told,
    an_alert_that_becomes_graver_after_a_breach_can_breach_again,
    a_deadline_that_passes_is_told_once_with_nobody_touching_the_alert,
    alerts_of_metrics_keep_step_with_guardian,
    runtime_events_open_alerts_by_their_severity,
);
