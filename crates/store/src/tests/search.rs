//! Searches of the record: with and without the index of blocks they find the same.

use std::time::Instant;

use probity_kernel::{Actor, ApiKeyId, Context, DomainEvent, OrganizationId, Subject};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::EntryFilter;
use crate::custody::Erasure;
use crate::support::{Bed, context};

/// How many entries there are: a few blocks and a piece. With `PROBITY_SEARCH_LEAVES` another number, and times are printed.
const LEAVES: u64 = 256 * 5 + 40;
/// How many entries one unit of work makes.
const STEP: u64 = 1000;

/// Something of one of a few kinds, about one of many things.
struct Deed(u64);

impl DomainEvent for Deed {
    fn name(&self) -> &'static str {
        match self.0 % 1000 {
            7 => "test.rare",
            n if n % 2 == 0 => "test.even",
            _ => "test.odd",
        }
    }

    fn subject(&self) -> Subject {
        Subject {
            kind: if self.0 == 300 {
                "one_of_a_kind"
            } else {
                "thing"
            },
            id: Uuid::from_u128(u128::from(self.0 / 3)),
        }
    }

    fn detail(&self) -> Value {
        json!({"number": self.0})
    }
}

fn actor(number: u64) -> Actor {
    Actor::ApiKey {
        id: ApiKeyId::new(Uuid::from_u128(0xa000 + u128::from(number % 11))),
        name: "test".to_owned(),
        created_by: None,
    }
}

/// How the actor slot of an entry names who acted.
fn who(bed: &Bed, organization: OrganizationId, index: u64) -> String {
    let read = bed.database.record_entries(organization, index..index + 1);
    let entries = bed.block(read).unwrap();
    let slot = entries.first().and_then(|entry| entry.actor.as_ref());
    let actor: Value = serde_json::from_slice(&slot.unwrap().bytes).unwrap();
    actor.get("id").and_then(Value::as_str).unwrap().to_owned()
}

fn fill(bed: &Bed, organization: OrganizationId, leaves: u64) {
    let mut next = 0;
    while next < leaves {
        let end = leaves.min(next + STEP);
        let made = bed.database.write_blocking(organization, move |tx| {
            for number in next..end {
                let base = context(organization);
                let who = Context::new(organization, actor(number), base.now);
                tx.record(&who, &Deed(number))?;
            }
            Ok(())
        });
        made.unwrap();
        next = end;
    }
}

/// All that a filter finds, page by page.
fn found(bed: &Bed, organization: OrganizationId, filter: &EntryFilter) -> Vec<u64> {
    let (mut found, mut below) = (Vec::new(), None);
    loop {
        let page = bed
            .database
            .find_entries(organization, filter.clone(), below, 100, 8_000);
        let page = bed.block(page).unwrap();
        found.extend(page.entries.iter().map(|entry| entry.index));
        below = page.next;
        if below.is_none() {
            return found;
        }
    }
}

fn filters(who: &str) -> Vec<EntryFilter> {
    let text = |text: &str| Some(text.to_owned());
    let spelled = who.to_owned();
    let thing = Uuid::from_u128(100).to_string();
    let none = EntryFilter::default;
    vec![
        none(),
        EntryFilter {
            action: text("test.rare"),
            ..none()
        },
        EntryFilter {
            action: text("test.even"),
            ..none()
        },
        EntryFilter {
            action: text("test.never"),
            ..none()
        },
        EntryFilter {
            target_type: text("one_of_a_kind"),
            ..none()
        },
        EntryFilter {
            target_id: Some(thing.clone()),
            ..none()
        },
        EntryFilter {
            target_id: Some(thing),
            action: text("test.odd"),
            ..none()
        },
        EntryFilter {
            actor: Some(spelled.clone()),
            ..none()
        },
        EntryFilter {
            actor: Some(spelled.clone()),
            action: text("test.rare"),
            ..none()
        },
        EntryFilter {
            actor: Some(spelled),
            action: text("test.never"),
            ..none()
        },
        EntryFilter {
            actor: text("nobody"),
            ..none()
        },
    ]
}

fn index_all(bed: &Bed, organization: OrganizationId) -> usize {
    let mut blocks = 0;
    loop {
        match bed.database.index_entries(organization, 4).unwrap() {
            0 => return blocks,
            more => blocks += more,
        }
    }
}

fn searches_find_the_same_with_and_without_an_index(bed: &Bed) {
    let organization = bed.organization("north");
    fill(bed, organization, LEAVES);
    let who = who(bed, organization, 4);
    let all = |bed: &Bed| -> Vec<Vec<u64>> {
        let filters = filters(&who);
        let found = filters
            .iter()
            .map(|filter| found(bed, organization, filter));
        found.collect()
    };
    let before = all(bed);
    assert!(
        before.iter().filter(|found| !found.is_empty()).count() >= 7,
        "{before:?}"
    );
    assert_eq!(index_all(bed, organization), 5);
    assert_eq!(index_all(bed, organization), 0, "and no more");
    assert_eq!(all(bed), before);
    // What an erasure takes away no block speaks of; until a worker came round it is searched entry by entry.
    let erasure = Erasure {
        subject: who.clone(),
        basis: "gdpr:art-17".to_owned(),
        ticket: None,
    };
    bed.database
        .erase(&context(organization), &erasure)
        .unwrap();
    let erased = all(bed);
    let again = index_all(bed, organization);
    assert_eq!(all(bed), erased);
    assert!(again == 5 || erased == before, "{again}");
}

/// `PROBITY_SEARCH_LEAVES=1000000 cargo test -p probity-store --lib -- --ignored --nocapture searches_of_a_million`
fn searches_of_a_million(bed: &Bed) {
    let leaves = std::env::var("PROBITY_SEARCH_LEAVES").ok();
    let leaves = leaves.and_then(|text| text.parse().ok()).unwrap_or(LEAVES);
    let organization = bed.organization("north");
    let started = Instant::now();
    fill(bed, organization, leaves);
    println!("{leaves} entries in {:?}", started.elapsed());
    let started = Instant::now();
    let blocks = index_all(bed, organization);
    println!("{blocks} blocks indexed in {:?}", started.elapsed());
    for filter in filters(&who(bed, organization, 4)) {
        let started = Instant::now();
        let page = bed
            .database
            .find_entries(organization, filter.clone(), None, 100, 8_000);
        let page = bed.block(page).unwrap();
        println!(
            "{:?} {} entries, next {:?}: {filter:?}",
            started.elapsed(),
            page.entries.len(),
            page.next
        );
    }
}

on_both_databases!(searches_find_the_same_with_and_without_an_index);

mod figures {
    use super::*;

    #[test]
    #[ignore = "takes minutes, and asserts nothing about time"]
    fn on_sqlite() {
        crate::support::on_sqlite(searches_of_a_million);
    }

    #[test]
    #[ignore = "takes minutes, and asserts nothing about time"]
    fn on_postgres() {
        crate::support::on_postgres(searches_of_a_million);
    }
}
