//! Connections that are lost.

use std::time::{Duration, Instant};

use probity_access::AccessRepository;
use probity_kernel::RepositoryError;

use super::gate::{left, submit, write};
use crate::support::Bed;

/// Ends every connection of the database but the one that asks.
const END_ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";

fn connections_that_the_server_ended_are_replaced(bed: &Bed) {
    let organization = bed.organization("north");
    let find = || bed.block(bed.access().find_organization(organization));
    assert!(find().unwrap().is_some());
    let before = left(bed, organization);
    bed.raw().must(END_ALL);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut refusals = 0;
    let written = loop {
        let answer = submit(bed, organization, move |tx| {
            write(tx, organization, "after")
        });
        match answer.unwrap().blocking_recv().unwrap() {
            Ok(()) => break true,
            Err(RepositoryError::Unavailable { .. }) if Instant::now() < deadline => refusals += 1,
            Err(error) => panic!("a lost connection was told as {error:?}"),
        }
    };
    assert!(written && refusals <= 2, "{refusals} refusals");
    assert_eq!(left(bed, organization), (before.0 + 1, before.1 + 1));
    // Each pooled connection may fail once, as `Unavailable`, and is then replaced.
    let mut lost = 0;
    loop {
        match find() {
            Ok(found) => break assert!(found.is_some()),
            Err(RepositoryError::Unavailable { .. }) if Instant::now() < deadline => lost += 1,
            Err(error) => panic!("a lost connection was told as {error:?}"),
        }
    }
    assert!(lost <= 8, "{lost} reads were refused");
}

on_postgres_only!(connections_that_the_server_ended_are_replaced);
