//! Snapshots are found wherever they lie: on SQLite they wait side by side and are filed by product.

use probity_guardian::{ComplianceStatus, GuardianRepository, HistoryFilter, Ingestion, Snapshot};
use probity_kernel::{Context, OrganizationId, PageRequest, Paging, ProductId};
use probity_store::{Database, DieselGuardian, PastState};
use time::{Duration, OffsetDateTime};

use crate::support::{Bed, NOW, Raw, context};

const BATCHES: i64 = 25;

fn received_at(batch: i64) -> OffsetDateTime {
    NOW + Duration::seconds(batch)
}

/// What the products get in a batch, every instant of capture a few times and in no order.
fn batch(
    bed: &Bed,
    organization: OrganizationId,
    products: &[ProductId; 3],
    number: i64,
) -> Ingestion {
    let ctx = Context {
        now: received_at(number),
        ..context(organization)
    };
    let snapshots = (0..100_i64).map(|place| {
        let product = products[usize::try_from((number + place) % 3).expect("a place")];
        let mut snapshot = bed.snapshot(&ctx, product, [1.0, 60.0][usize::from(place % 7 == 0)]);
        snapshot.captured_at = NOW - Duration::seconds((number * 31 + place * 17) % 200);
        snapshot
    });
    Ingestion::new(ctx.clone(), snapshots.collect()).expect("a valid batch")
}

fn everything_of(product: ProductId) -> HistoryFilter {
    HistoryFilter {
        product,
        from: None,
        to: None,
        status: None,
    }
}

/// The whole answer, page by page, and the total that each page told.
fn walk(
    bed: &Bed,
    database: &Database,
    organization: OrganizationId,
    filter: &HistoryFilter,
) -> Vec<Snapshot> {
    let guardian = DieselGuardian::new(database.clone());
    let mut found: Vec<Snapshot> = Vec::new();
    let mut page = PageRequest::first(70);
    loop {
        let answer = bed
            .block(guardian.history(organization, filter, &page))
            .expect("a page");
        found.extend(answer.items);
        let Some(cursor) = answer.next else {
            let told = usize::try_from(answer.total).expect("a count");
            assert_eq!(told, found.len(), "{filter:?}");
            return found;
        };
        page.paging = Paging::After(cursor);
    }
}

fn in_order(snapshots: &[Snapshot]) -> bool {
    let place = |snapshot: &Snapshot| (snapshot.new.captured_at, snapshot.new.id.uuid());
    snapshots.is_sorted_by(|earlier, later| place(earlier) > place(later))
}

fn a_history_is_whole_and_in_order(bed: &Bed) {
    let organization = bed.organization("north");
    let products = ["one", "two", "three"].map(|slug| bed.product(organization, slug));
    for number in 0..BATCHES {
        let ingestion = batch(bed, organization, &products, number);
        bed.block(bed.guardian().ingest(ingestion))
            .expect("an ingestion");
    }
    if let mut raw @ Raw::Sqlite(_) = bed.raw() {
        let (filed, waiting) = (
            raw.count("filed_snapshots", ""),
            raw.count("arrived_snapshots", ""),
        );
        assert!(filed > 0 && waiting > 0, "{filed} filed, {waiting} waiting");
        assert_eq!(filed + waiting, BATCHES * 100);
    }
    let then = bed.block(bed.database.as_of(organization, received_at(BATCHES / 2)));
    let Ok(PastState::Found(then)) = then else {
        panic!("no past: {then:?}");
    };
    let (mut all, mut earlier) = (0, 0);
    for product in products {
        let everything = walk(bed, &bed.database, organization, &everything_of(product));
        assert!(in_order(&everything), "{product}");
        let narrow = HistoryFilter {
            from: Some(NOW - Duration::seconds(120)),
            to: Some(NOW - Duration::seconds(40)),
            status: Some(ComplianceStatus::Amber),
            ..everything_of(product)
        };
        let expected = everything.iter().filter(|snapshot| {
            let captured = snapshot.new.captured_at;
            narrow.from.is_some_and(|from| captured >= from)
                && narrow.to.is_some_and(|to| captured < to)
                && narrow.status == Some(snapshot.status)
        });
        let expected: Vec<Snapshot> = expected.cloned().collect();
        assert!(!expected.is_empty());
        assert_eq!(walk(bed, &bed.database, organization, &narrow), expected);
        let known: Vec<Snapshot> = everything
            .iter()
            .filter(|snapshot| snapshot.received_at <= received_at(BATCHES / 2))
            .cloned()
            .collect();
        assert_eq!(
            walk(bed, &then.database, organization, &everything_of(product)),
            known
        );
        all += everything.len();
        earlier += known.len();
    }
    assert_eq!((all, earlier), (2500, 1300));
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

on_both_databases!(a_history_is_whole_and_in_order);
