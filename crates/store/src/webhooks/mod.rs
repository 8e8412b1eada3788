//! Webhooks: endpoints, secrets and deliveries.
//!
//! | file | does |
//! |---|---|
//! | `fan_out.rs` | makes the deliveries of events, in the transaction of the events |
//! | `desk.rs` | where they are left for whoever makes them on this node |
//! | `queue.rs`, `settle.rs` | what those who deliver take and give back |
//! | `turns.rs` | one delivery at a time to receivers that keep tickets |
//! | `endpoints.rs`, `secrets.rs`, `deliveries.rs` | rows and queries |
//! | `commit.rs`, `outcome.rs` | changes, and what idempotency keeps of them |
//! | `sweep.rs` | removes what is old, and what is left of deleted endpoints |

mod commit;
mod deliveries;
mod desk;
mod endpoints;
mod fan_out;
mod outcome;
mod queue;
mod secrets;
mod settle;
mod sweep;
mod turns;

use probity_kernel::{
    DeliveryId, OrganizationId, Page, PageRequest, RepositoryError, WebhookEndpointId,
};
use probity_webhooks::delivery::{
    Attempt, Backlog, Claim, Delivery, DeliveryFilter, Missed, Settled, Settlement,
};
use probity_webhooks::endpoint::{Alias, Endpoint, SecretRecord, WebhookChange, WebhookWrite};
use probity_webhooks::{DeliveryQueue, WebhookRepository};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub use self::desk::{Desk, Handed, PLACES, Seat};
pub(crate) use self::fan_out::{Fan, fan_out, fan_out_note};
use crate::connection::Scope;
use crate::database::Database;
use crate::idempotency;

/// Webhooks over Diesel.
#[derive(Debug, Clone)]
pub struct DieselWebhooks {
    database: Database,
}

impl DieselWebhooks {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

/// Deliveries of all organisations are taken and given back in the turn of none in particular.
const fn nobody() -> OrganizationId {
    OrganizationId::new(Uuid::nil())
}

impl WebhookRepository for DieselWebhooks {
    async fn find(
        &self,
        organization: OrganizationId,
        id: WebhookEndpointId,
    ) -> Result<Option<Endpoint>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                endpoints::find(conn, organization, id)
            })
            .await
    }

    async fn list(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<Endpoint>, RepositoryError> {
        let page = page.clone();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                endpoints::list(conn, organization, &page)
            })
            .await
    }

    async fn secrets(
        &self,
        organization: OrganizationId,
        alias: &Alias,
    ) -> Result<Vec<SecretRecord>, RepositoryError> {
        let alias = alias.clone();
        self.database
            .point(Scope::Organization(organization), move |conn| {
                secrets::of_alias(conn, organization, alias.as_str())
            })
            .await
    }

    async fn all_secrets(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<SecretRecord>, RepositoryError> {
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                secrets::all(conn, organization)
            })
            .await
    }

    async fn deliveries(
        &self,
        organization: OrganizationId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, RepositoryError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                deliveries::list(conn, organization, &filter, &page)
            })
            .await
    }

    async fn delivery(
        &self,
        organization: OrganizationId,
        endpoint: WebhookEndpointId,
        id: DeliveryId,
    ) -> Result<Option<(Delivery, Vec<Attempt>)>, RepositoryError> {
        self.database
            .points(Scope::Organization(organization), move |conn| {
                deliveries::find(conn, organization, endpoint, id)
            })
            .await
    }

    async fn missed(
        &self,
        endpoint: &Endpoint,
        from: Option<OffsetDateTime>,
        to: Option<OffsetDateTime>,
        limit: u32,
    ) -> Result<Vec<Missed>, RepositoryError> {
        let endpoint = endpoint.clone();
        self.database
            .scan(Scope::Organization(endpoint.organization), move |conn| {
                deliveries::missed(conn, &endpoint, from, to, limit)
            })
            .await
    }

    async fn commit(&self, change: WebhookChange) -> Result<WebhookWrite, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let outcome = self
            .database
            .write(context.organization, move |tx| {
                idempotency::once(tx, &context, |tx| {
                    commit::apply(tx, &context, &write)?;
                    tx.record(&context, &event)?;
                    Ok(write.clone())
                })
            })
            .await?;
        self.database.desk().ring();
        Ok(outcome)
    }
}

impl DeliveryQueue for DieselWebhooks {
    async fn due(&self, now: OffsetDateTime) -> Result<Vec<WebhookEndpointId>, RepositoryError> {
        self.database
            .point(Scope::System, move |conn| queue::due(conn, now))
            .await
    }

    async fn claim(
        &self,
        wanted: Vec<(WebhookEndpointId, u32)>,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Vec<Claim>, RepositoryError> {
        self.database
            .write_as(nobody(), Scope::System, move |tx| {
                queue::claim(tx.writing(), &wanted, now, now + lease)
            })
            .await
    }

    async fn settle(&self, results: Vec<Settlement>) -> Result<Vec<Settled>, RepositoryError> {
        self.database
            .write_as(nobody(), Scope::System, move |tx| {
                settle::all(tx.writing(), &results)
            })
            .await
    }

    async fn backlog(&self) -> Result<Backlog, RepositoryError> {
        self.database.scan(Scope::System, queue::backlog).await
    }
}
