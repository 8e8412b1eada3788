//! Turns of a lane: who shares one, who fails in it, and what waits for the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use probity_kernel::RepositoryError;

use super::gate::{Gate, left, submit, write};
use crate::error::StoreError;
use crate::lane::QUEUE_LENGTH;
use crate::support::Bed;

/// How many good units share the turn with the bad one.
const GOOD: usize = 20;

fn a_failing_unit_fails_alone(bed: &Bed) {
    let organization = bed.organization("north");
    let before = left(bed, organization);
    let gate = Gate::close(bed, organization);
    let mut good = Vec::new();
    let mut bad = None;
    for number in 0..=GOOD {
        if number == GOOD / 2 {
            let failing = submit(bed, organization, move |tx| {
                write(tx, organization, "bad")?;
                Err::<(), _>(StoreError(RepositoryError::Conflict("a key")))
            });
            bad = Some(failing.unwrap());
        } else {
            let name = format!("good {number}");
            good.push(submit(bed, organization, move |tx| write(tx, organization, &name)).unwrap());
        }
    }
    gate.open();
    for answer in good {
        answer.blocking_recv().unwrap().unwrap();
    }
    let answer = bad.unwrap().blocking_recv().unwrap();
    assert!(
        matches!(answer, Err(RepositoryError::Conflict("a key"))),
        "{answer:?}"
    );
    let (rows, leaves) = left(bed, organization);
    let added = i64::try_from(GOOD).unwrap();
    assert_eq!((rows, leaves), (before.0 + added, before.1 + added));
    let mut raw = bed.raw();
    assert_eq!(raw.count("registry_totals", "WHERE risk_tier = 'bad'"), 0);
}

fn a_panicking_unit_fails_alone(bed: &Bed) {
    let organization = bed.organization("north");
    let before = left(bed, organization);
    let gate = Gate::close(bed, organization);
    let first = submit(bed, organization, move |tx| {
        write(tx, organization, "first")
    })
    .unwrap();
    let bad = submit::<()>(bed, organization, move |tx| {
        write(tx, organization, "bad")?;
        panic!("a unit panics on purpose");
    })
    .unwrap();
    let last = submit(bed, organization, move |tx| write(tx, organization, "last")).unwrap();
    gate.open();
    first.blocking_recv().unwrap().unwrap();
    last.blocking_recv().unwrap().unwrap();
    let answer = bad.blocking_recv().unwrap();
    assert!(
        matches!(answer, Err(RepositoryError::Database(_))),
        "{answer:?}"
    );
    assert_eq!(left(bed, organization), (before.0 + 2, before.1 + 2));
    // The lane lives on.
    let next = submit(bed, organization, move |tx| write(tx, organization, "next")).unwrap();
    next.blocking_recv().unwrap().unwrap();
}

/// A refusal before the first write costs the others nothing: the turn is not run again.
fn a_unit_that_decides_before_it_writes_disturbs_nobody(bed: &Bed) {
    let organization = bed.organization("north");
    let runs = Arc::new(AtomicU32::new(0));
    let gate = Gate::close(bed, organization);
    let counted = runs.clone();
    let good = submit(bed, organization, move |tx| {
        counted.fetch_add(1, Ordering::Relaxed);
        write(tx, organization, "good")
    })
    .unwrap();
    let stale = submit::<()>(bed, organization, |_| {
        Err(StoreError(RepositoryError::Stale))
    });
    gate.open();
    good.blocking_recv().unwrap().unwrap();
    let answer = stale.unwrap().blocking_recv().unwrap();
    assert!(matches!(answer, Err(RepositoryError::Stale)), "{answer:?}");
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

/// A statement that the database refuses would end a whole PostgreSQL transaction.
fn a_unit_whose_statement_is_refused_fails_alone(bed: &Bed) {
    let organization = bed.organization("north");
    let before = left(bed, organization);
    let gate = Gate::close(bed, organization);
    let first = submit(bed, organization, move |tx| write(tx, organization, "same")).unwrap();
    let twin = submit(bed, organization, move |tx| write(tx, organization, "same")).unwrap();
    let last = submit(bed, organization, move |tx| write(tx, organization, "last")).unwrap();
    gate.open();
    first.blocking_recv().unwrap().unwrap();
    last.blocking_recv().unwrap().unwrap();
    let answer = twin.blocking_recv().unwrap();
    assert!(
        matches!(answer, Err(RepositoryError::Database(_))),
        "{answer:?}"
    );
    assert_eq!(left(bed, organization), (before.0 + 2, before.1 + 2));
}

fn a_full_queue_answers_unavailable_and_loses_nothing(bed: &Bed) {
    let organization = bed.organization("north");
    let before = left(bed, organization);
    let gate = Gate::close(bed, organization);
    let mut accepted = Vec::new();
    let refused = loop {
        let name = format!("unit {}", accepted.len());
        match submit(bed, organization, move |tx| write(tx, organization, &name)) {
            Ok(answer) => accepted.push(answer),
            Err(error) => break error,
        }
        assert!(accepted.len() <= QUEUE_LENGTH, "the queue has no end");
    };
    let RepositoryError::Unavailable { retry_after } = refused else {
        panic!("a full queue answered {refused:?}");
    };
    assert_eq!(retry_after, Duration::from_secs(1));
    assert_eq!(accepted.len(), QUEUE_LENGTH);
    gate.open();
    for answer in accepted {
        answer.blocking_recv().unwrap().unwrap();
    }
    let added = i64::try_from(QUEUE_LENGTH).unwrap();
    assert_eq!(
        left(bed, organization),
        (before.0 + added, before.1 + added)
    );
}

fn draining_finishes_what_waits_and_then_refuses(bed: &Bed) {
    let organization = bed.organization("north");
    let before = left(bed, organization);
    let gate = Gate::close(bed, organization);
    let waiting: Vec<_> = (0..100)
        .map(|number| {
            let name = format!("unit {number}");
            submit(bed, organization, move |tx| write(tx, organization, &name)).unwrap()
        })
        .collect();
    let database = bed.database.clone();
    let drain = std::thread::spawn(move || database.drain());
    // From here on nothing is accepted, while what waits is still to be done.
    let late = loop {
        match submit(bed, organization, |_| Ok(())) {
            Ok(_) => std::thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(late, RepositoryError::Unavailable { .. }),
        "{late:?}"
    );
    assert!(!drain.is_finished());
    gate.open();
    for answer in waiting {
        answer.blocking_recv().unwrap().unwrap();
    }
    drain.join().unwrap();
    assert_eq!(left(bed, organization), (before.0 + 100, before.1 + 100));
    let kept = bed
        .database
        .keep_checkpoint(organization, 1, "a note", crate::support::NOW);
    assert!(
        matches!(kept, Err(RepositoryError::Unavailable { .. })),
        "{kept:?}"
    );
}

on_both_databases!(
    a_failing_unit_fails_alone,
    a_panicking_unit_fails_alone,
    a_unit_that_decides_before_it_writes_disturbs_nobody,
    a_unit_whose_statement_is_refused_fails_alone,
    a_full_queue_answers_unavailable_and_loses_nothing,
    draining_finishes_what_waits_and_then_refuses,
);
