//! The contracts of [`WebhookRepository`] and [`DeliveryQueue`] as a test that any implementation can run.

mod borrowed;
mod endpoints;
mod leases;
mod replays;

use std::fmt::Debug;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use probity_kernel::{
    Actor, Context, IdSource, IdempotencyClaim, OrganizationId, PageRequest, WebhookEndpointId,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use self::borrowed::Borrowed;
use crate::delivery::{Attempt, Claim, Delivery, DeliveryFilter, Next, Settlement};
use crate::endpoint::{
    DisableReason, Disabling, Endpoint, EndpointInput, SealContext, Sealed, Vault, VaultError,
};
use crate::repository::{DeliveryQueue, WebhookRepository};
use crate::service::{Registered, WebhookService};
use crate::target_url::TargetRules;

/// What exists already when the contract is run: two organisations without endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// The organisation in which most of it happens.
    pub organization: OrganizationId,
    /// Another one.
    pub other_organization: OrganizationId,
    /// The instant at which it begins.
    pub now: OffsetDateTime,
}

/// Runs the whole contract. It leaves endpoints and deliveries behind.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn repository_contract<R: WebhookRepository + DeliveryQueue>(
    repository: &R,
    world: World,
) {
    let run = Run {
        repository,
        service: WebhookService::new(
            Borrowed(repository),
            Numbered::default(),
            Open(AtomicU8::new(Open::FIRST)),
            TargetRules::default(),
        ),
        world,
    };
    run.endpoints_are_ones_own_and_newest_first().await;
    run.an_endpoint_is_changed_at_its_version().await;
    run.a_claim_happens_once().await;
    run.secrets_are_numbered().await;
    run.everything_is_sealed_anew_once().await;
    run.an_event_has_one_delivery_to_each_that_wants_it().await;
    run.a_lease_is_one_workers().await;
    run.the_latest_attempt_counts().await;
    run.an_endpoint_fails_from_the_first_failure_to_the_next_success()
        .await;
    run.what_waits_for_a_disabled_endpoint_waits().await;
    run.dead_letters_and_missed_events_are_replayed().await;
    run.what_a_target_carries_back_is_there_next_time().await;
}

/// Runs a future that never waits for anything, as those of an in-memory repository do not.
#[cfg(test)]
pub(crate) fn run_now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

/// Ids that begin with their instant and differ.
#[derive(Debug, Default)]
struct Numbered(AtomicU64);

impl IdSource for Numbered {
    fn next_id(&self, now: OffsetDateTime) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let milliseconds = now.unix_timestamp_nanos().div_euclid(1_000_000);
        let stamp = u128::try_from(milliseconds).unwrap_or_default() << 80;
        Uuid::from_u128(stamp | u128::from(number))
    }
}

/// Puts the number of a key before secrets, and one that is not the present key's can be told by it.
#[derive(Debug)]
struct Open(AtomicU8);

impl Open {
    const FIRST: u8 = 1;
    const SECOND: u8 = 2;
}

impl Vault for Open {
    fn ready(&self) -> Result<(), VaultError> {
        Ok(())
    }

    fn seal(&self, _: &SealContext, plain: &[u8]) -> Result<Sealed, VaultError> {
        let key = self.0.load(Ordering::Relaxed);
        Ok(Sealed::new([&[key], plain].concat()))
    }

    fn open(&self, _: &SealContext, sealed: &Sealed) -> Result<Vec<u8>, VaultError> {
        let plain = sealed.as_bytes().split_first();
        plain
            .map(|(_, plain)| plain.to_vec())
            .ok_or(VaultError::Unreadable)
    }

    fn is_present(&self, sealed: &Sealed) -> bool {
        sealed.as_bytes().first() == Some(&self.0.load(Ordering::Relaxed))
    }
}

fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

const LEASE: Duration = Duration::minutes(1);

struct Run<'a, R: WebhookRepository + DeliveryQueue> {
    repository: &'a R,
    service: WebhookService<Borrowed<'a, R>, Numbered, Open>,
    world: World,
}

impl<R: WebhookRepository + DeliveryQueue> Run<'_, R> {
    fn at(&self, minutes: i64) -> OffsetDateTime {
        self.world.now + Duration::minutes(minutes)
    }

    fn context(&self, minutes: i64) -> Context {
        let now = self.at(minutes);
        Context::new(self.world.organization, Actor::System("contract"), now)
    }

    fn claimed(&self, minutes: i64, key: &str, fingerprint: u8) -> Context {
        let claim = IdempotencyClaim {
            scope: "contract".to_owned(),
            key: key.to_owned(),
            fingerprint: [fingerprint; 32],
        };
        Context {
            idempotency: Some(claim),
            ..self.context(minutes)
        }
    }

    async fn register(&self, ctx: &Context, types: &[&str]) -> Endpoint {
        let made = self.service.register(ctx, input(types), [7; 32]).await;
        let Registered { endpoint, .. } = must(made, "an endpoint");
        endpoint
    }

    async fn found(&self, id: WebhookEndpointId) -> Endpoint {
        must(self.service.get(self.world.organization, id).await, "found")
    }

    /// Something happens that is told: an endpoint of its own is disabled.
    async fn happen(&self, minutes: i64) {
        let ctx = self.context(minutes);
        let victim = self.register(&ctx, &["nothing.at_all"]).await;
        let reason = DisableReason::Gone;
        let disabled = self.service.disable(&ctx, victim.id, Disabling { reason });
        must(disabled.await, "disabled");
        self.delete(&ctx, &victim).await;
    }

    async fn delete(&self, ctx: &Context, endpoint: &Endpoint) {
        must(self.service.delete(ctx, endpoint.id, None).await, "deleted");
    }

    async fn deliveries(&self, endpoint: &Endpoint) -> Vec<Delivery> {
        let filter = DeliveryFilter {
            endpoint: Some(endpoint.id),
            ..DeliveryFilter::default()
        };
        let page = PageRequest::first(100);
        let found = self
            .repository
            .deliveries(endpoint.organization, &filter, &page);
        must(found.await, "deliveries").items
    }

    async fn claim(&self, endpoint: &Endpoint, limit: u32, now: OffsetDateTime) -> Vec<Claim> {
        let wanted = vec![(endpoint.id, limit)];
        must(self.repository.claim(wanted, now, LEASE).await, "a claim")
    }

    async fn settle(&self, results: Vec<Settlement>) -> Vec<bool> {
        let settled = must(self.repository.settle(results).await, "settled");
        settled.into_iter().map(|one| one.counted).collect()
    }
}

fn input(types: &[&str]) -> EndpointInput {
    EndpointInput {
        target_url: Some("https://receiver.example/".to_owned()),
        event_types: types.iter().map(|one| (*one).to_owned()).collect(),
        ..EndpointInput::default()
    }
}

/// The result of an attempt that ended at an instant.
fn result(claim: &Claim, next: Next, at: OffsetDateTime) -> Settlement {
    let failed = next != Next::Delivered;
    Settlement {
        organization: claim.organization,
        endpoint: claim.endpoint.id,
        delivery: claim.delivery,
        attempt: Attempt {
            number: claim.fence,
            at,
            took_ms: 3,
            status: Some(if failed { 500 } else { 200 }),
            error: failed.then(|| "status 500".to_owned()),
        },
        next,
        state: None,
    }
}
