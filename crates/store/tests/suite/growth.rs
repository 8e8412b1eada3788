//! Who follows the record of an organisation hears at once of what is committed on the same node.

use probity_guardian::{GuardianRepository as _, Ingestion};
use probity_kernel::{Context, OrganizationId, ProductId};
use probity_store::Database;
use probity_webhooks::EventStream as _;
use time::Duration;

use crate::support::{Bed, claiming, context};

/// One snapshot, committed when this returns.
fn ingest(bed: &Bed, context: Context, product: ProductId, drift: f64) -> bool {
    let snapshot = bed.snapshot(&context, product, drift);
    let guardian = bed.guardian();
    let ingested = guardian.ingest(Ingestion::single(context, snapshot));
    bed.block(ingested).is_ok()
}

fn later(organization: OrganizationId, seconds: i64) -> Context {
    let mut context = context(organization);
    context.now += Duration::seconds(seconds);
    context
}

fn size(bed: &Bed, database: &Database, organization: OrganizationId) -> u64 {
    let events = probity_store::DieselEvents::new(database.clone());
    let sizes = bed.block(events.record_sizes(&[organization]));
    sizes.expect("a size")[0].1
}

fn a_commit_with_events_is_told_to_who_follows(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let (product, other) = (bed.product(north, "one"), bed.product(south, "one"));
    let mut followed = bed.database.growth().follow(north);
    let mut told = || {
        let told = followed.has_changed().expect("somebody tells");
        told.then(|| *followed.borrow_and_update())
    };
    assert!(ingest(bed, later(south, 1), other, 90.0));
    assert_eq!(told(), None, "the neighbour's record is not this one");
    assert!(ingest(bed, later(north, 1), product, 90.0));
    let length = size(bed, &bed.database, north);
    assert_eq!(told(), Some(length), "before the caller is answered");
    assert!(ingest(bed, later(north, 2), product, 90.0));
    assert_eq!(size(bed, &bed.database, north), length + 1);
    assert_eq!(told(), None, "a leaf without an event wakes nobody");
    assert!(ingest(bed, later(north, 3), product, 1.0));
    assert_eq!(told(), Some(length + 2));
}

/// A key that was spent on something else: the unit fails, and what was refused is told to nobody.
fn what_is_refused_is_told_to_nobody(bed: &Bed) {
    let north = bed.organization("north");
    let product = bed.product(north, "one");
    let followed = bed.database.growth().follow(north);
    assert!(ingest(
        bed,
        claiming(later(north, 1), "key", 1),
        product,
        1.0
    ));
    let length = size(bed, &bed.database, north);
    assert!(!ingest(
        bed,
        claiming(later(north, 2), "key", 2),
        product,
        90.0
    ));
    assert_eq!(size(bed, &bed.database, north), length);
    assert!(!followed.has_changed().expect("somebody tells"));
}

/// What another node commits is not told by this one's lanes: whoever looks in the database tells it.
fn what_another_node_commits_is_found_by_looking(bed: &Bed) {
    let north = bed.organization("north");
    let product = bed.product(north, "one");
    let node = bed.node();
    let mut followed = node.growth().follow(north);
    assert_eq!(node.growth().followed(), [north]);
    assert!(ingest(bed, later(north, 1), product, 90.0));
    assert!(!followed.has_changed().expect("somebody tells"));
    let length = size(bed, &node, north);
    node.growth().tell(north, length);
    assert_eq!(*followed.borrow_and_update(), length);
    node.drain();
}

on_both_databases!(
    a_commit_with_events_is_told_to_who_follows,
    what_is_refused_is_told_to_nobody,
);

on_postgres_only!(what_another_node_commits_is_found_by_looking);
