//! The contract of a [`ModelRepository`] as a suite of checks (feature `testing`).
//!
//! An adapter calls [`repository_contract`] on its own store with two organisations that nothing
//! else uses meanwhile; their inventories need not be empty. A check that fails panics and says
//! which promise is broken.

mod bench;
mod claims;
mod concurrency;
mod entries;
mod lists;
mod usage;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use probity_kernel::OrganizationId;

use crate::repository::ModelRepository;

pub use bench::fixture;
pub use claims::{a_claim_is_spent_by_success_only, claims_replay_every_kind_of_write};
pub use concurrency::{
    of_rival_creations_one_wins, of_rival_updates_one_wins, rival_claims_write_once,
    rival_usage_adds_up,
};
pub use entries::{
    entries_survive_the_round_trip, identifiers_are_unique_within_an_organization,
    organizations_do_not_see_each_other, settings_are_kept_per_organization,
    writes_demand_the_stored_version,
};
pub use lists::{filters_select, pages_follow_the_order_of_creation, searches_fold_and_take_words};
pub use usage::{
    discoveries_are_written_whole_or_not_at_all, last_seen_only_moves_forward, roll_ups_merge,
};

/// Checks every promise of [`ModelRepository`].
///
/// # Panics
/// When a promise is broken.
pub async fn repository_contract<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
    other: OrganizationId,
) {
    entries_survive_the_round_trip(repo, organization).await;
    identifiers_are_unique_within_an_organization(repo, organization).await;
    organizations_do_not_see_each_other(repo, organization, other).await;
    writes_demand_the_stored_version(repo, organization).await;
    settings_are_kept_per_organization(repo, organization, other).await;
    filters_select(repo, organization).await;
    searches_fold_and_take_words(repo, organization).await;
    pages_follow_the_order_of_creation(repo, organization).await;
    roll_ups_merge(repo, organization, other).await;
    last_seen_only_moves_forward(repo, organization).await;
    discoveries_are_written_whole_or_not_at_all(repo, organization).await;
    claims_replay_every_kind_of_write(repo, organization, other).await;
    a_claim_is_spent_by_success_only(repo, organization).await;
    of_rival_creations_one_wins(repo, organization).await;
    of_rival_updates_one_wins(repo, organization).await;
    rival_claims_write_once(repo, organization).await;
    rival_usage_adds_up(repo, organization).await;
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread until it is done; enough for repositories that need no runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
