//! Training runs, safety metrics and runtime events.

mod material;
pub(crate) mod metrics;
mod outcome;
pub(crate) mod runs;
pub(crate) mod runtime;

use diesel::prelude::*;
use probity_governance::evidence::change_log::Material;
use probity_governance::evidence::{
    EvidenceChange, EvidenceRepository, EvidenceWrite, MetricCategory, RuntimeEvent,
    RuntimeEventType, SafetyMetric, TrainingRun,
};
use probity_kernel::{
    OrganizationId, Page, PageRequest, ProductId, RepositoryError, SafetyMetricId, TrainingRunId,
};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::alerts::tracking;
use crate::connection::Scope;
use crate::database::Database;
use crate::error::{StoreResult, corrupt};
use crate::schema::products;
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{governance, guard, idempotency, own};

/// The evidence repository over Diesel.
#[derive(Debug, Clone)]
pub struct DieselEvidence {
    database: Database,
}

impl DieselEvidence {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl EvidenceRepository for DieselEvidence {
    async fn find_run(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: TrainingRunId,
    ) -> Result<Option<TrainingRun>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                runs::find(conn, organization, product, id)
            })
            .await
    }

    async fn list_runs(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<TrainingRun>, RepositoryError> {
        let page = page.clone();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                runs::list(conn, organization, product, &page)
            })
            .await
    }

    async fn find_metric(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: SafetyMetricId,
    ) -> Result<Option<SafetyMetric>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                metrics::find(conn, organization, product, id)
            })
            .await
    }

    async fn list_metrics(
        &self,
        organization: OrganizationId,
        product: ProductId,
        category: Option<MetricCategory>,
        page: &PageRequest,
    ) -> Result<Page<SafetyMetric>, RepositoryError> {
        let page = page.clone();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                metrics::list(conn, organization, product, category, &page)
            })
            .await
    }

    async fn list_runtime_events(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<RuntimeEvent>, RepositoryError> {
        let page = page.clone();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                runtime::list(conn, organization, product, &page)
            })
            .await
    }

    async fn runtime_event_totals(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<Vec<(RuntimeEventType, u64)>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                runtime::totals(conn, organization, product)
            })
            .await
    }

    async fn material(
        &self,
        organization: OrganizationId,
        product: ProductId,
        since: Option<OffsetDateTime>,
    ) -> Result<Material, RepositoryError> {
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                material::read(conn, organization, product, since)
            })
            .await
    }

    async fn commit(&self, change: EvidenceChange) -> Result<EvidenceWrite, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let organization = context.organization;
        self.database
            .write(organization, move |tx| {
                idempotency::once(tx, &context, |tx| {
                    let product = write.product();
                    takes_evidence(tx, organization, product)?;
                    let replaced = apply(tx, organization, &write, context.now)?;
                    tx.record(&context, &event.clone().replacing(replaced))?;
                    if let EvidenceWrite::RecordRuntimeEvent(recorded) = &write {
                        tracking::runtime_recorded(tx, &context, recorded)?;
                    }
                    governance::reassess(tx, &context, product)?;
                    Ok(write.clone())
                })
            })
            .await
    }
}

/// Goes on only where the product is there and not archived.
fn takes_evidence(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<()> {
    let found: Option<Option<Utc>> = products::table
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::id.eq(Id(product.uuid())))
        .select(products::archived_at)
        .get_result(tx.conn)
        .optional()?;
    guard(found.is_some(), RepositoryError::Conflict("product"))?;
    guard(
        found.flatten().is_none(),
        RepositoryError::Conflict("archived"),
    )
}

/// Writes; answers which runs lost the deployed flag.
fn apply(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    write: &EvidenceWrite,
    now: OffsetDateTime,
) -> StoreResult<Vec<TrainingRunId>> {
    match write {
        EvidenceWrite::CreateRun(run) => {
            own(organization, run.organization)?;
            let replaced = runs::take_flag(tx, run, now)?;
            runs::create(tx, run)?;
            return Ok(replaced);
        }
        EvidenceWrite::UpdateRun { next, expected } => {
            own(organization, next.organization)?;
            let replaced = runs::take_flag(tx, next, now)?;
            runs::update(tx, next, *expected)?;
            return Ok(replaced);
        }
        EvidenceWrite::DeleteRun {
            id,
            product,
            expected,
        } => runs::delete(tx, organization, *product, *id, *expected)?,
        EvidenceWrite::CreateMetric(metric) => {
            own(organization, metric.organization)?;
            metrics::create(tx, metric)?;
        }
        EvidenceWrite::UpdateMetric { next, expected } => {
            own(organization, next.organization)?;
            metrics::update(tx, next, *expected)?;
        }
        EvidenceWrite::DeleteMetric {
            id,
            product,
            expected,
        } => metrics::delete(tx, organization, *product, *id, *expected)?,
        EvidenceWrite::RecordRuntimeEvent(event) => {
            own(organization, event.organization)?;
            runtime::record(tx, event)?;
        }
    }
    Ok(Vec::new())
}

/// The text of an object of free form.
fn object_text(object: &Map<String, Value>) -> String {
    Value::Object(object.clone()).to_string()
}

/// An object of free form out of its text.
fn object(
    table: &'static str,
    column: &'static str,
    text: Option<&str>,
) -> Result<Option<Map<String, Value>>, RepositoryError> {
    text.map(serde_json::from_str)
        .transpose()
        .map_err(|error: serde_json::Error| corrupt(table, column)(error.into()))
}

/// A word of a vocabulary out of its text.
fn word<T: std::str::FromStr>(
    table: &'static str,
    column: &'static str,
    text: &str,
) -> Result<T, RepositoryError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error: T::Err| corrupt(table, column)(Box::new(error)))
}

/// The instant that a row is sorted by; those without come last in a descending list.
fn sort_key(at: Option<Utc>) -> i64 {
    at.map_or(i64::MIN, Utc::micros)
}
