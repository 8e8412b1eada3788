//! Metric snapshots, custom thresholds and alerts.

pub(crate) mod alerts;
mod bulk;
mod filing;
pub(crate) mod history;
mod ingest;
pub(crate) mod links;
mod outcome;
mod standings;

use diesel::prelude::*;
use probity_guardian::{
    Alert, AlertFilter, GuardianChange, GuardianRepository, GuardianWrite, HistoryFilter,
    IngestError, Ingested, Ingestion, LinkFilter, RiskMetricLink, Snapshot,
};
use probity_kernel::{
    AlertId, OrganizationId, Page, PageRequest, ProductId, RepositoryError, RiskMetricLinkId,
};

use crate::alerts::tracking;
use crate::connection::Scope;
use crate::database::Database;
use crate::error::{StoreResult, unavailable};
use crate::idempotency;
use crate::own;
use crate::schema::products;
use crate::turn::Tx;
use crate::types::Id;

pub(crate) use self::ingest::{IngestJob, ingest_all};
pub(crate) use self::standings::{StandingCache, Standings};

/// The Guardian repository over Diesel.
#[derive(Debug, Clone)]
pub struct DieselGuardian {
    database: Database,
}

impl DieselGuardian {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl GuardianRepository for DieselGuardian {
    async fn ingest(&self, ingestion: Ingestion) -> Result<Vec<Ingested>, IngestError> {
        let (job, answer) = IngestJob::new(ingestion);
        self.database.submit_ingest(job)?;
        answer.await.map_err(|_| unavailable())?
    }

    async fn product_exists(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<bool, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let found = products::table
                    .filter(products::organization_id.eq(Id(organization.uuid())))
                    .filter(products::id.eq(Id(product.uuid())))
                    .select(products::id)
                    .get_result::<Id>(conn)
                    .optional()?;
                Ok(found.is_some())
            })
            .await
    }

    async fn link_of(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<Option<RiskMetricLink>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                links::of_product(conn, organization, product)
            })
            .await
    }

    async fn find_link(
        &self,
        organization: OrganizationId,
        id: RiskMetricLinkId,
    ) -> Result<Option<RiskMetricLink>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                links::find(conn, organization, id)
            })
            .await
    }

    async fn list_links(
        &self,
        organization: OrganizationId,
        filter: &LinkFilter,
        page: &PageRequest,
    ) -> Result<Page<RiskMetricLink>, RepositoryError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                links::list(conn, organization, &filter, &page)
            })
            .await
    }

    async fn history(
        &self,
        organization: OrganizationId,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Snapshot>, RepositoryError> {
        let (filter, page) = (*filter, page.clone());
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                history::page(conn, organization, &filter, &page)
            })
            .await
    }

    async fn find_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> Result<Option<Alert>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                alerts::find(conn, organization, id)
            })
            .await
    }

    async fn list_alerts(
        &self,
        organization: OrganizationId,
        filter: &AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<Alert>, RepositoryError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                alerts::list(conn, organization, &filter, &page)
            })
            .await
    }

    async fn commit(&self, change: GuardianChange) -> Result<GuardianWrite, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let organization = context.organization;
        self.database
            .write(organization, move |tx| {
                idempotency::once(tx, &context, |tx| {
                    apply(tx, organization, &write)?;
                    tx.record(&context, &event)?;
                    Ok(write.clone())
                })
            })
            .await
    }
}

fn apply(tx: &mut Tx<'_>, organization: OrganizationId, write: &GuardianWrite) -> StoreResult<()> {
    match write {
        GuardianWrite::CreateLink(link) => {
            own(organization, link.organization)?;
            links::create(tx, link)
        }
        GuardianWrite::UpdateLink { next, expected } => {
            own(organization, next.organization)?;
            links::update(tx, next, *expected)
        }
        GuardianWrite::DeleteLink { id, expected, .. } => {
            links::delete(tx, organization, *id, *expected)
        }
        GuardianWrite::UpdateAlert { next, expected } => {
            own(organization, next.organization)?;
            alerts::update(tx.writing(), next, *expected)?;
            tracking::guardian_moved(tx, next)
        }
    }
}
