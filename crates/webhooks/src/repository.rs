//! What this crate needs from a store.

use std::future::Future;

use probity_kernel::{
    DeliveryId, OrganizationId, Page, PageRequest, RepositoryError, WebhookEndpointId,
};
use time::{Duration, OffsetDateTime};

use crate::delivery::{
    Attempt, Backlog, Claim, Delivery, DeliveryFilter, Missed, Settled, Settlement,
};
use crate::endpoint::{Alias, Endpoint, SecretRecord, WebhookChange, WebhookWrite};
use crate::event::GovernanceEvent;
use crate::filter::EventFilter;

/// The events of organisations, as their record holds them.
pub trait EventRepository: Send + Sync {
    /// A page of the matching events of one organisation, newest first: by leaf, then by place
    /// within the leaf, both descending. The total of a page is that of its items. The cursor's key
    /// is the leaf's index, its tie the place.
    fn list_events(
        &self,
        organization: OrganizationId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<GovernanceEvent>, RepositoryError>> + Send;
}

/// Endpoints, their secrets and deliveries.
///
/// # Contract
/// - Every call sees one organisation and nothing of any other.
/// - `commit` applies everything and records the event, or does nothing. A known idempotency claim with
///   an equal fingerprint answers the first outcome and writes nothing, with another fingerprint
///   `IdempotencyMismatch`.
/// - `Stale` when no row of the context's organisation has the id and the expected version;
///   `Conflict("alias")` when the number of a secret is taken, `Conflict("webhooks")` when there are
///   [`MOST_ENDPOINTS`](crate::endpoint::MOST_ENDPOINTS) already.
/// - Every governance event that is recorded from the creation of an endpoint on, and that it wants
///   while it is enabled, has one delivery to it, committed with the event.
/// - Lists are newest first by id; the cursor's tie is the id's bits.
pub trait WebhookRepository: Send + Sync {
    /// One endpoint.
    fn find(
        &self,
        organization: OrganizationId,
        id: WebhookEndpointId,
    ) -> impl Future<Output = Result<Option<Endpoint>, RepositoryError>> + Send;

    /// The endpoints of the organisation.
    fn list(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<Endpoint>, RepositoryError>> + Send;

    /// All secrets of a name, newest first, those that have ended included.
    fn secrets(
        &self,
        organization: OrganizationId,
        alias: &Alias,
    ) -> impl Future<Output = Result<Vec<SecretRecord>, RepositoryError>> + Send;

    /// All secrets of the organisation, whatever their names, in no particular order.
    fn all_secrets(
        &self,
        organization: OrganizationId,
    ) -> impl Future<Output = Result<Vec<SecretRecord>, RepositoryError>> + Send;

    /// Deliveries of the organisation. Those of all endpoints can be listed for dead ones alone.
    fn deliveries(
        &self,
        organization: OrganizationId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<Delivery>, RepositoryError>> + Send;

    /// One delivery with its failed attempts, newest first.
    fn delivery(
        &self,
        organization: OrganizationId,
        endpoint: WebhookEndpointId,
        id: DeliveryId,
    ) -> impl Future<Output = Result<Option<(Delivery, Vec<Attempt>)>, RepositoryError>> + Send;

    /// The events that the endpoint wants and has no delivery of, oldest first, at most `limit`.
    fn missed(
        &self,
        endpoint: &Endpoint,
        from: Option<OffsetDateTime>,
        to: Option<OffsetDateTime>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Missed>, RepositoryError>> + Send;

    /// Applies a change: all of it or nothing.
    fn commit(
        &self,
        change: WebhookChange,
    ) -> impl Future<Output = Result<WebhookWrite, RepositoryError>> + Send;
}

/// The deliveries of all organisations, for those who make them.
///
/// # Contract
/// - A delivery that was claimed is claimed by nobody else until its lease is over.
/// - Of an endpoint whose [target](crate::target) keeps state one delivery is claimed at a time, and no
///   other one until the result is kept or the lease is over: it has to see what was carried back.
/// - The result of an attempt counts only while no later attempt was begun.
pub trait DeliveryQueue: Send + Sync {
    /// The enabled endpoints that have something due, in no particular order.
    fn due(
        &self,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<Vec<WebhookEndpointId>, RepositoryError>> + Send;

    /// Takes what is due: of each endpoint as many as are wanted, oldest first.
    fn claim(
        &self,
        wanted: Vec<(WebhookEndpointId, u32)>,
        now: OffsetDateTime,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Claim>, RepositoryError>> + Send;

    /// Keeps the results of attempts, in the order in which the attempts ended; answers what became
    /// of each. An endpoint fails from the first failure that counts to the next success that does.
    fn settle(
        &self,
        results: Vec<Settlement>,
    ) -> impl Future<Output = Result<Vec<Settled>, RepositoryError>> + Send;

    /// How much waits.
    fn backlog(&self) -> impl Future<Output = Result<Backlog, RepositoryError>> + Send;
}
