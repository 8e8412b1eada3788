//! The repository in memory keeps the contract.

#![cfg(feature = "testing")]

use std::sync::Arc;

use probity_kernel::{Clock, FixedClock, IdSource, OrganizationId, SystemIds};
use probity_registry::InMemoryModels;
use probity_registry::testing::{block_on, repository_contract};
use time::macros::datetime;

fn organizations() -> [OrganizationId; 2] {
    let (ids, clock) = (
        SystemIds::default(),
        FixedClock::at(datetime!(2026-03-13 09:00 UTC)),
    );
    [(); 2].map(|()| OrganizationId::new(ids.next_id(clock.now())))
}

#[test]
fn the_repository_in_memory_keeps_the_contract_twice_over() {
    let repo = InMemoryModels::default();
    let [organization, other] = organizations();
    block_on(repository_contract(&repo, organization, other));
    block_on(repository_contract(&repo, organization, other));
}

#[test]
fn a_shared_repository_keeps_the_contract() {
    let repo = Arc::new(InMemoryModels::default());
    let [organization, other] = organizations();
    block_on(repository_contract(&repo, organization, other));
}
