//! Searches find what holds the words, whatever an index knows of it by then.

use std::time::Instant;

use probity_catalog::{
    CatalogRepository as _, NewProduct, Product, ProductFilter, ProductInput, ProductPatch, Space,
};
use probity_kernel::{
    IdSource as _, OrganizationId, PageRequest, Patch, ProductId, RegisteredModelId,
};
use probity_registry::{
    ModelFilter, ModelRepository as _, ModelWrite, NewModel, NewModelInput, RegisteredModel,
    RegistrySettings,
};
use probity_store::Erasure;

use crate::support::{Bed, NOW, context};

/// Names that the languages of patterns and indexes mean something by, and of several scripts.
const NAMES: [&str; 12] = [
    "Credit scoring",
    "credit-scoring v2",
    "100%_sure\\thing",
    "a_b%c",
    "\"quoted\" AND NEAR",
    "信用风险模型",
    "信用评分",
    "Überprüfung STRASSE ß€",
    "ΣΟΦΟΣ kredit",
    "aaaa",
    "x",
    "emoji 🦀🦀 crab",
];

/// Every run of letters of the names up to some length, and what is in none.
fn needles() -> Vec<String> {
    let mut needles: Vec<String> = [
        "zz",
        "q",
        "scoringx",
        "aaaaa",
        "风信",
        "\\%",
        "credit absent",
        "v2 credit",
    ]
    .map(str::to_owned)
    .into();
    for name in NAMES {
        let letters: Vec<char> = name.chars().collect();
        for width in [1, 2, 3, 4, 7, letters.len()] {
            needles.extend(
                letters
                    .windows(width)
                    .map(|run| run.iter().collect::<String>()),
            );
        }
    }
    needles.sort();
    needles.dedup();
    needles
}

fn put(bed: &Bed, space: &Space, name: &str) -> Product {
    let input = ProductInput {
        name: Some(name.to_owned()),
        ..ProductInput::default()
    };
    let id = ProductId::new(bed.ids.next_id(NOW));
    let slug = format!("p-{}", id.uuid().simple());
    let new = NewProduct::parse(input).expect("a valid product");
    let slug = slug.parse().expect("a slug");
    let change = Product::create(&context(space.organization), id, space, slug, new);
    bed.block(bed.catalog().commit(change)).expect("a product");
    let found = bed.block(bed.catalog().find_product(space.organization, id));
    found.expect("a read").expect("the product")
}

fn rename(bed: &Bed, product: &Product, name: &str) {
    let patch = ProductPatch {
        name: Patch::Value(name.to_owned()),
        ..ProductPatch::default()
    };
    let change = product.update(&context(product.organization), patch);
    let change = change.expect("a valid change").expect("a change");
    bed.block(bed.catalog().commit(change)).expect("an update");
}

fn register(bed: &Bed, organization: OrganizationId, name: &str) -> RegisteredModel {
    let id = RegisteredModelId::new(bed.ids.next_id(NOW));
    let input = NewModelInput {
        model_id: Some(format!("m-{}", id.uuid().simple())),
        provider: Some("acme".to_owned()),
        display_name: Some(name.to_owned()),
        risk_tier: Some("tier_3".to_owned()),
        ..NewModelInput::default()
    };
    let new = NewModel::parse(input).expect("a valid entry");
    let settings = RegistrySettings::default();
    let change = RegisteredModel::register(&context(organization), &settings, id, new);
    match bed.block(bed.models().commit(change)) {
        Ok(ModelWrite::Create(model)) => *model,
        other => panic!("registering answered {other:?}"),
    }
}

/// All products, or entries, are listed once without a search and then searched for every needle.
#[track_caller]
fn every_needle_finds_what_holds_it(bed: &Bed, organization: OrganizationId, when: &str) {
    let all = PageRequest::first(1000);
    let products = |search: Option<String>| {
        let filter = ProductFilter {
            search,
            ..ProductFilter::default()
        };
        let page = bed.block(bed.catalog().list_products(organization, &filter, &all));
        page.expect("a page")
    };
    let models = |search: Option<String>| {
        let filter = ModelFilter {
            search,
            ..ModelFilter::default()
        };
        let page = bed.block(bed.models().list(organization, &filter, &all));
        page.expect("a page")
    };
    let (every, entries) = (products(None).items, models(None).items);
    for needle in needles() {
        let filter = ProductFilter {
            search: Some(needle.clone()),
            ..ProductFilter::default()
        };
        let wanted: Vec<_> = every
            .iter()
            .filter(|one| filter.admits(one))
            .cloned()
            .collect();
        let found = products(Some(needle.clone()));
        assert_eq!(found.items, wanted, "{needle:?} {when}");
        assert_eq!(
            usize::try_from(found.total),
            Ok(wanted.len()),
            "{needle:?} {when}"
        );
        let filter = ModelFilter {
            search: Some(needle.clone()),
            ..ModelFilter::default()
        };
        let wanted: Vec<_> = entries
            .iter()
            .filter(|one| filter.matches(one))
            .cloned()
            .collect();
        let found = models(Some(needle.clone()));
        assert_eq!(found.items, wanted, "{needle:?} {when}");
        assert_eq!(
            usize::try_from(found.total),
            Ok(wanted.len()),
            "{needle:?} {when}"
        );
    }
}

fn index(bed: &Bed, organization: OrganizationId) {
    while bed.database.index_searches(organization).expect("a step") > 0 {}
    sound(bed);
}

#[track_caller]
fn sound(bed: &Bed) {
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

fn a_search_is_right_before_and_after_texts_are_indexed(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let (space, other) = (bed.space(north, "one"), bed.space(south, "one"));
    let products: Vec<Product> = NAMES.iter().map(|name| put(bed, &space, name)).collect();
    let entries: Vec<RegisteredModel> = NAMES
        .iter()
        .map(|name| register(bed, north, name))
        .collect();
    for name in NAMES {
        put(bed, &other, name);
    }
    every_needle_finds_what_holds_it(bed, north, "with nothing indexed");
    index(bed, north);
    every_needle_finds_what_holds_it(bed, north, "with all indexed");
    every_needle_finds_what_holds_it(bed, south, "where the neighbour is indexed");
    for (product, name) in products.iter().step_by(2).zip(NAMES.iter().rev()) {
        rename(bed, product, &format!("{name} anew"));
    }
    for entry in entries.into_iter().step_by(3) {
        let change = entry.delete(&context(north));
        bed.block(bed.models().commit(change)).expect("a removal");
    }
    sound(bed);
    every_needle_finds_what_holds_it(bed, north, "with some changed since");
    let again = bed.block(bed.catalog().find_product(north, products[0].id));
    rename(
        bed,
        &again.expect("a read").expect("a product"),
        "twice 信用",
    );
    put(bed, &space, "信用 too");
    every_needle_finds_what_holds_it(bed, north, "with one changed twice");
    index(bed, north);
    index(bed, south);
    every_needle_finds_what_holds_it(bed, north, "with all indexed again");
    every_needle_finds_what_holds_it(bed, south, "with its own indexed");
}

/// While many write, somebody indexes on two nodes and somebody searches: nobody misses what is there.
fn writers_and_indexers_meet(bed: &Bed) {
    let organization = bed.organization("north");
    let space = bed.space(organization, "one");
    let products: Vec<Product> = (0..24)
        .map(|number| put(bed, &space, &format!("first {number}")))
        .collect();
    let node = bed.node();
    std::thread::scope(|scope| {
        for database in [&bed.database, &node] {
            scope.spawn(move || {
                for _ in 0..60 {
                    database.index_searches(organization).expect("a step");
                }
            });
        }
        for part in products.chunks(6) {
            let space = &space;
            scope.spawn(move || {
                for (number, product) in part.iter().enumerate() {
                    rename(bed, product, &format!("second {number} {}", product.name));
                    let filter = ProductFilter {
                        search: Some(format!("ond {number} irst")),
                        ..ProductFilter::default()
                    };
                    let page = PageRequest::first(100);
                    let found =
                        bed.block(bed.catalog().list_products(organization, &filter, &page));
                    let found = found.expect("a page");
                    assert!(
                        found.items.iter().any(|one| one.id == product.id),
                        "{number}"
                    );
                    put(bed, space, &format!("third {number}"));
                }
            });
        }
    });
    node.drain();
    index(bed, organization);
    every_needle_finds_what_holds_it(bed, organization, "after the storm");
}

/// What is erased is in no text and no piece of it in the index, also where it was not indexed yet.
fn an_erased_text_leaves_nothing_in_the_index(bed: &Bed) {
    let organization = bed.organization("north");
    let space = bed.space(organization, "one");
    let known = put(bed, &space, "by qzvw@example.org");
    index(bed, organization);
    put(bed, &space, "also by qzvw@example.org");
    rename(bed, &known, "still by qzvw@example.org, renamed");
    let erasure = Erasure {
        subject: "qzvw@example.org".to_owned(),
        basis: "gdpr:art-17".to_owned(),
        ticket: None,
    };
    let erased = bed.database.erase(&context(organization), &erasure);
    assert!(erased.expect("an erasure").fields > 0);
    let mut raw = bed.raw();
    assert_eq!(raw.count("search_pending", ""), 0);
    let piece = (i64::from(u32::from('q')) << 42)
        | (i64::from(u32::from('z')) << 21)
        | i64::from(u32::from('v'));
    let held = format!("WHERE gram = {piece} AND length(positions) > 0");
    assert_eq!(raw.count("search_postings", &held), 0);
    assert!(raw.count("search_postings", "") > 0, "the others are there");
    sound(bed);
}

/// A search reads no more texts than the index finds.
fn damage_to_the_index_is_found(bed: &Bed) {
    let organization = bed.organization("north");
    let space = bed.space(organization, "one");
    for name in NAMES {
        put(bed, &space, name);
    }
    index(bed, organization);
    let mut raw = bed.raw();
    raw.must("DELETE FROM search_postings WHERE gram = (SELECT MAX(gram) FROM search_postings)");
    let found = bed.database.check().expect("a check").violations;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].check, "searches.index");
    assert!(found[0].detail.contains("1 pieces of words"), "{found:?}");
}

on_both_databases!(
    a_search_is_right_before_and_after_texts_are_indexed,
    writers_and_indexers_meet,
);

on_postgres_only!(
    an_erased_text_leaves_nothing_in_the_index,
    damage_to_the_index_is_found,
);

/// How many entries the figures are taken at.
const ENTRIES: u64 = 1_000_000;

/// `cargo test -p probity-store --test suite -- --ignored --nocapture searches::figures`
fn searches_of_a_million(bed: &Bed) {
    let north = bed.organization("north");
    register(bed, north, "mortgage model, portfolio 0");
    let started = Instant::now();
    bed.raw().must(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ENTRIES}), \
         s (i, name) AS (SELECT i, CASE i % 10 WHEN 0 THEN 'mortgage' WHEN 1 THEN 'fraud' WHEN 2 THEN 'pricing' \
         WHEN 3 THEN 'churn' WHEN 4 THEN 'claims' WHEN 5 THEN 'leasing' WHEN 6 THEN 'cards' \
         WHEN 7 THEN 'deposit' WHEN 8 THEN 'trading' ELSE 'hedging' END FROM n) \
         INSERT INTO registered_models SELECT position + i, organization_id, randomblob(16), \
         printf('%s-model-%07d', name, i), provider, provider_folded, display_name, risk_tier, \
         validation_status, owner, description, tags, exposure, purpose, technique, last_seen_at, \
         validated_at, validation_expires_at, revalidation_due, \
         printf('%s-model-%07d', name, i) || char(10) || name || ' model, portfolio ' || (i / 10) || \
         char(10) || 'estimates losses of small businesses within a year.', \
         created_at, updated_at, version FROM registered_models, s WHERE position = \
         (SELECT MIN(position) FROM registered_models)"
    ));
    println!(
        "{ENTRIES} entries with their index in {:?}",
        started.elapsed()
    );
    for (search, total) in [
        ("mortgage-model-0500000", 1),
        ("hedging-model-0123459", 1),
        ("portfolio 77777", 19),
        ("mortgage", 100_001),
        ("estimates", 1_000_000),
        ("qqqq", 0),
    ] {
        let filter = ModelFilter {
            search: Some(search.to_owned()),
            ..ModelFilter::default()
        };
        let mut took = Vec::new();
        for _ in 0..9 {
            let (started, models) = (Instant::now(), bed.models());
            let page = bed.block(models.list(north, &filter, &PageRequest::first(50)));
            took.push(started.elapsed());
            assert_eq!(page.expect("a page").total, total, "{search}");
        }
        took.sort();
        println!("{search}: {total} hits, median {:?}", took[4]);
    }
}

mod figures {
    #[test]
    #[ignore = "takes minutes, and asserts nothing about time"]
    fn of_a_million_entries_on_sqlite() {
        crate::support::on_sqlite(super::searches_of_a_million);
    }
}
