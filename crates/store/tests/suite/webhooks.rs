//! Deliveries: made with their events, leased to one at a time, settled by the latest attempt.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use probity_guardian::{GuardianRepository, Ingestion};
use probity_kernel::{DeliveryId, EventId, OrganizationId, Page, PageRequest, WebhookEndpointId};
use probity_store::{DieselWebhooks, Handed};
use probity_webhooks::delivery::{Attempt, Claim, DeliveryState, Next, Settlement};
use probity_webhooks::endpoint::{
    DisableReason, Disabling, Endpoint, EndpointInput, EndpointPatch,
};
use probity_webhooks::service::{Registered, ReplayRange};
use probity_webhooks::testing::{World, repository_contract};
use probity_webhooks::{
    Delivery, DeliveryFilter, DeliveryQueue as _, EventFilter, EventRepository as _,
    WebhookRepository as _,
};
use time::{Duration, OffsetDateTime};

use crate::support::story::webhooks::service;
use crate::support::{Bed, NOW, context};

const LEASE: Duration = Duration::minutes(1);
const ALL: PageRequest = PageRequest::first(1000);

fn register(bed: &Bed, organization: OrganizationId, types: &[&str]) -> Endpoint {
    let input = EndpointInput {
        target_url: Some("https://receiver.example/".to_owned()),
        event_types: types.iter().map(|one| (*one).to_owned()).collect(),
        ..EndpointInput::default()
    };
    let service = service(bed);
    let made = bed.block(service.register(&context(organization), input, [7; 32]));
    let Registered { endpoint, .. } = made.expect("an endpoint");
    endpoint
}

/// Red figures of new products: two events each.
fn red(bed: &Bed, organization: OrganizationId, slug: &str, count: usize) {
    let product = bed.product(organization, slug);
    for n in 0..count {
        let mut ctx = context(organization);
        ctx.now += Duration::seconds(i64::try_from(n).expect("a number"));
        // From red to green and back: an event each time.
        let drift = if n % 2 == 0 { 90.0 } else { 1.0 };
        let snapshot = bed.snapshot(&ctx, product, drift);
        let ingested = bed.block(bed.guardian().ingest(Ingestion::single(ctx, snapshot)));
        ingested.expect("an ingestion");
    }
}

fn events(bed: &Bed, organization: OrganizationId) -> HashSet<EventId> {
    let repository = probity_store::DieselEvents::new(bed.database.clone());
    let filter = EventFilter::default();
    let found = bed.block(repository.list_events(organization, &filter, &ALL));
    found
        .expect("events")
        .items
        .iter()
        .map(|event| event.id)
        .collect()
}

fn deliveries(bed: &Bed, endpoint: &Endpoint) -> Page<Delivery> {
    let filter = DeliveryFilter {
        endpoint: Some(endpoint.id),
        ..DeliveryFilter::default()
    };
    let found = bed.webhooks();
    let found = bed.block(found.deliveries(endpoint.organization, &filter, &ALL));
    found.expect("deliveries")
}

fn claim(bed: &Bed, endpoint: WebhookEndpointId, limit: u32, now: OffsetDateTime) -> Vec<Claim> {
    let claimed = bed.webhooks();
    bed.block(claimed.claim(vec![(endpoint, limit)], now, LEASE))
        .expect("a claim")
}

fn result(claim: &Claim, next: Next) -> Settlement {
    let failed = next != Next::Delivered;
    Settlement {
        organization: claim.organization,
        endpoint: claim.endpoint.id,
        delivery: claim.delivery,
        attempt: Attempt {
            number: claim.fence,
            at: NOW,
            took_ms: 3,
            status: Some(if failed { 500 } else { 200 }),
            error: failed.then(|| "status 500".to_owned()),
        },
        next,
        state: None,
    }
}

fn settle(bed: &Bed, results: Vec<Settlement>) -> Vec<bool> {
    let queue = bed.webhooks();
    let settled = bed.block(queue.settle(results)).expect("settled");
    settled.into_iter().map(|one| one.counted).collect()
}

fn soon() -> OffsetDateTime {
    NOW + Duration::hours(1)
}

fn every_event_has_its_delivery(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    red(bed, north, "before", 2);
    let before = events(bed, north);
    let all = register(bed, north, &[]);
    let some = register(bed, north, &["guardian.trigger.fired"]);
    let foreign = register(bed, south, &[]);
    red(bed, north, "after", 3);
    let expected: HashSet<EventId> = events(bed, north).difference(&before).copied().collect();
    assert!(expected.len() >= 4, "{expected:?}");
    let found = deliveries(bed, &all).items;
    let ids: HashSet<EventId> = found
        .iter()
        .filter(|one| one.message_id.starts_with("evt_"))
        .map(|one| EventId::new(one.id.uuid()))
        .collect();
    assert_eq!(ids, expected);
    let found = deliveries(bed, &some).items;
    let types: HashSet<&str> = found.iter().map(|one| one.event_type.as_str()).collect();
    assert_eq!(
        types,
        HashSet::from(["webhook.ping", "guardian.trigger.fired"])
    );
    assert_eq!(deliveries(bed, &foreign).items.len(), 1, "its ping");
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

fn another_nodes_lanes_learn_of_a_new_endpoint(bed: &Bed) {
    let north = bed.organization("north");
    let node = bed.node();
    let there = probity_store::DieselGuardian::new(node.clone());
    let product = bed.product(north, "one");
    let ingest = |drift: f64, second: i64| {
        let mut ctx = context(north);
        ctx.now += Duration::seconds(second);
        let snapshot = bed.snapshot(&ctx, product, drift);
        let ingested = bed.block(there.ingest(Ingestion::single(ctx, snapshot)));
        ingested.expect("an ingestion");
    };
    ingest(90.0, 0);
    let endpoint = register(bed, north, &["guardian.trigger.fired"]);
    ingest(1.0, 1);
    ingest(90.0, 2);
    assert_eq!(
        deliveries(bed, &endpoint).items.len(),
        2,
        "a ping and an event"
    );
    let patch = EndpointPatch {
        enabled: Some(false),
        ..EndpointPatch::default()
    };
    let service = service(bed);
    bed.block(service.update(&context(north), endpoint.id, None, patch, [1; 32]))
        .expect("disabled");
    ingest(1.0, 3);
    ingest(90.0, 4);
    assert_eq!(deliveries(bed, &endpoint).items.len(), 2, "nothing more");
    node.drain();
}

fn a_lease_is_one_workers_and_the_latest_attempt_counts(bed: &Bed) {
    let north = bed.organization("north");
    let endpoint = register(bed, north, &["nothing.at_all"]);
    let queue = bed.webhooks();
    assert_eq!(bed.block(queue.due(NOW)).expect("due"), [endpoint.id]);
    let first = claim(bed, endpoint.id, 10, NOW);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].fence, 1);
    assert_eq!(first[0].message.event_type, "webhook.ping");
    assert_eq!(first[0].secrets.len(), 1);
    assert!(claim(bed, endpoint.id, 10, NOW).is_empty());
    assert!(bed.block(queue.due(NOW)).expect("due").is_empty());
    let late = NOW + LEASE;
    let second = claim(bed, endpoint.id, 10, late);
    assert_eq!(second[0].fence, 2);
    // The first worker comes back too late: neither its failure nor its success counts.
    let retry = Next::RetryAt(late + Duration::minutes(5));
    assert_eq!(settle(bed, vec![result(&first[0], retry)]), [false]);
    assert_eq!(
        settle(bed, vec![result(&first[0], Next::Delivered)]),
        [false]
    );
    assert_eq!(settle(bed, vec![result(&second[0], retry)]), [true]);
    let (shown, attempts) = bed
        .block(queue.delivery(north, endpoint.id, first[0].delivery))
        .expect("read")
        .expect("a delivery");
    assert_eq!(shown.state, DeliveryState::Pending);
    assert_eq!(shown.next_attempt_at, Some(late + Duration::minutes(5)));
    assert_eq!(attempts.len(), 1);
    let failing = bed.block(queue.find(north, endpoint.id)).expect("read");
    assert_eq!(failing.expect("an endpoint").failing_since, Some(NOW));
    let third = claim(bed, endpoint.id, 10, late + Duration::minutes(5));
    assert_eq!(third[0].failures, 1);
    assert_eq!(
        settle(bed, vec![result(&third[0], Next::Delivered)]),
        [true]
    );
    assert_eq!(
        settle(bed, vec![result(&third[0], Next::Delivered)]),
        [false]
    );
    let healthy = bed.block(queue.find(north, endpoint.id)).expect("read");
    assert_eq!(healthy.expect("an endpoint").failing_since, None);
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

/// Who claims what, as eight workers see it.
type Leases = Arc<Mutex<HashMap<(DeliveryId, u32), usize>>>;

fn eight_workers_never_lease_a_delivery_twice(bed: &Bed) {
    let north = bed.organization("north");
    let endpoints = [register(bed, north, &[]), register(bed, north, &[])];
    red(bed, north, "one", 120);
    let expected: usize = endpoints
        .iter()
        .map(|one| deliveries(bed, one).items.len())
        .sum();
    let leases = Leases::default();
    let nodes: Vec<_> = (0..2).map(|_| bed.node()).collect();
    let workers = (0..8_usize).map(|worker| {
        let queue = DieselWebhooks::new(nodes[worker % 2].clone());
        let (leases, wanted) = (leases.clone(), endpoints.each_ref().map(|one| (one.id, 7)));
        async move {
            loop {
                let claims = queue.claim(wanted.to_vec(), soon(), LEASE).await;
                let claims = claims.expect("a claim");
                if claims.is_empty() {
                    return;
                }
                let mut results = Vec::new();
                for claim in &claims {
                    let key = (claim.delivery, claim.fence);
                    let place = usize::from(claim.endpoint.id == wanted[1].0);
                    let mut leases = leases.lock().expect("a lock");
                    // The same event goes to both endpoints.
                    *leases.entry(key).or_default() += 1 << (8 * place);
                    results.push(result(claim, Next::Delivered));
                }
                let counted = queue.settle(results).await.expect("settled");
                assert!(counted.iter().all(|one| one.counted));
            }
        }
    });
    bed.at_once(workers);
    let leases = leases.lock().expect("a lock");
    let total: usize = leases
        .iter()
        .map(|((_, fence), count)| {
            assert_eq!(*fence, 1);
            let (one, other) = (count & 0xff, count >> 8);
            assert!(one <= 1 && other <= 1, "leased twice");
            one + other
        })
        .sum();
    assert_eq!(total, expected);
    drop(leases);
    nodes.iter().for_each(probity_store::Database::drain);
}

fn dead_letters_and_missed_events_are_replayed(bed: &Bed) {
    let north = bed.organization("north");
    red(bed, north, "before", 1);
    let endpoint = register(bed, north, &["guardian.trigger.fired"]);
    red(bed, north, "after", 1);
    let claims = claim(bed, endpoint.id, 10, soon());
    let results = claims.iter().map(|one| result(one, Next::Dead)).collect();
    assert_eq!(settle(bed, results), [true, true]);
    let service = service(bed);
    let range = ReplayRange {
        endpoint: Some(endpoint.id),
        missed: true,
        ..ReplayRange::default()
    };
    let replayed = bed.block(service.replay(&context(north), &range));
    let replayed = replayed.expect("a replay");
    assert_eq!((replayed.deliveries, replayed.missed), (2, 1));
    let again = bed.block(service.replay(&context(north), &range));
    let again = again.expect("a replay");
    assert_eq!((again.deliveries, again.missed), (0, 0));
    let claims = claim(bed, endpoint.id, 10, soon());
    assert_eq!(claims.len(), 3);
    assert!(claims.iter().all(|one| one.failures == 0));
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

fn a_disabled_endpoint_waits_and_a_deleted_one_goes(bed: &Bed) {
    let north = bed.organization("north");
    let endpoint = register(bed, north, &["webhook.endpoint.disabled"]);
    let gone = register(bed, north, &["nothing.at_all"]);
    let service = service(bed);
    let disabling = Disabling {
        reason: DisableReason::Gone,
    };
    for _ in 0..2 {
        bed.block(service.disable(&context(north), gone.id, disabling))
            .expect("disabled");
    }
    let told = deliveries(bed, &endpoint).items;
    assert_eq!(
        told.len(),
        2,
        "a ping, and that the other is disabled, once"
    );
    let queue = bed.webhooks();
    assert_eq!(bed.block(queue.due(soon())).expect("due"), [endpoint.id]);
    assert!(claim(bed, gone.id, 10, soon()).is_empty());
    bed.block(service.delete(&context(north), gone.id, None))
        .expect("deleted");
    assert!(
        bed.block(queue.find(north, gone.id))
            .expect("read")
            .is_none()
    );
    let claims = claim(bed, endpoint.id, 10, soon());
    let results = claims
        .iter()
        .map(|one| result(one, Next::Delivered))
        .collect();
    settle(bed, results);
    while queue.sweep(soon(), 1).expect("swept") {}
    assert!(!queue.sweep(soon(), 1000).expect("swept"));
    assert!(deliveries(bed, &endpoint).items.is_empty());
    let left = bed
        .raw()
        .number("SELECT COUNT(*) AS number FROM webhook_endpoints");
    assert_eq!(left, 1);
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

/// The results of what was taken from the desk.
fn arrived(handed: &[Handed]) -> Vec<Settlement> {
    let claims = handed.iter().map(|one| &one.claim);
    claims.map(|claim| result(claim, Next::Delivered)).collect()
}

fn what_is_left_at_the_desk_is_leased_with_its_row(bed: &Bed) {
    let north = bed.organization("north");
    let endpoint = register(bed, north, &["guardian.trigger.fired", "alert.resolved"]);
    let ping = claim(bed, endpoint.id, 10, NOW);
    settle(
        bed,
        ping.iter()
            .map(|one| result(one, Next::Delivered))
            .collect(),
    );
    let desk = bed.database.desk();
    red(bed, north, "closed", 1);
    assert!(desk.take().is_empty(), "nobody delivers here");
    assert_eq!(claim(bed, endpoint.id, 10, NOW).len(), 1);

    desk.open(LEASE);
    red(bed, north, "open", 4);
    let handed = desk.take();
    assert_eq!(handed.len(), 4);
    let rows = deliveries(bed, &endpoint).items;
    for Handed {
        claim, lease_end, ..
    } in &handed
    {
        assert_eq!((claim.fence, claim.failures), (1, 0));
        assert_eq!(claim.secrets.len(), 1);
        let row = rows.iter().find(|row| row.id == claim.delivery);
        let row = row.expect("a row");
        assert_eq!((row.attempts, row.state), (1, DeliveryState::Pending));
        assert_eq!(row.next_attempt_at, Some(*lease_end));
        assert_eq!(*lease_end, claim.message.at + LEASE);
        // What is handed over is what a reader of the row would have got.
        let read = bed.webhooks();
        let found = bed.block(read.delivery(north, endpoint.id, claim.delivery));
        let (shown, _) = found.expect("read").expect("a delivery");
        assert_eq!(shown.message_id, claim.message.id);
    }
    assert!(claim(bed, endpoint.id, 10, NOW + Duration::seconds(4)).is_empty());
    let counted = settle(bed, arrived(&handed[..3]));
    assert_eq!(counted, [true; 3]);
    // One was lost by this node: after its lease anybody takes it.
    let late = NOW + Duration::hours(1);
    let again = claim(bed, endpoint.id, 10, late);
    let lost = again
        .iter()
        .find(|one| one.delivery == handed[3].claim.delivery);
    let lost = lost.expect("the lost one");
    assert_eq!(lost.fence, 2);
    assert_eq!(lost.message, handed[3].claim.message);
    assert_eq!(settle(bed, arrived(&handed[3..])), [false], "too late");
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

fn what_finds_no_place_at_the_desk_waits_in_the_database(bed: &Bed) {
    let north = bed.organization("north");
    let endpoint = register(bed, north, &["guardian.trigger.fired", "alert.resolved"]);
    let desk = bed.database.desk();
    desk.open(LEASE);
    desk.set_places(endpoint.id, 2);
    red(bed, north, "one", 3);
    let handed = desk.take();
    assert_eq!(handed.len(), 2);
    assert_eq!(desk.behind(), [endpoint.id]);
    drop(handed);
    red(bed, north, "two", 1);
    assert!(desk.take().is_empty(), "older ones come first");
    let claimed = claim(bed, endpoint.id, 10, NOW + Duration::seconds(10));
    assert_eq!(claimed.len(), 3, "a ping, and two that waited");
    desk.caught_up(endpoint.id);
    red(bed, north, "three", 1);
    assert_eq!(desk.take().len(), 1);
    // A changed secret is the one that what is left is signed with.
    let service = service(bed);
    let ctx = context(north);
    let rotated = service.rotate_secret(&ctx, (endpoint.id, None), LEASE, [9; 32]);
    bed.block(rotated).expect("a rotation");
    red(bed, north, "four", 1);
    assert_eq!(desk.take()[0].claim.secrets.len(), 2);
    desk.close();
    red(bed, north, "five", 1);
    assert!(desk.take().is_empty());
}

fn contract(bed: &Bed) {
    let world = World {
        organization: bed.organization("north"),
        other_organization: bed.organization("south"),
        now: NOW,
    };
    bed.block(repository_contract(&bed.webhooks(), world));
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

on_both_databases!(
    contract,
    what_is_left_at_the_desk_is_leased_with_its_row,
    what_finds_no_place_at_the_desk_waits_in_the_database,
    every_event_has_its_delivery,
    another_nodes_lanes_learn_of_a_new_endpoint,
    a_lease_is_one_workers_and_the_latest_attempt_counts,
    eight_workers_never_lease_a_delivery_twice,
    dead_letters_and_missed_events_are_replayed,
    a_disabled_endpoint_waits_and_a_deleted_one_goes,
);
