//! Training runs: at most one run of a product is deployed, which a unique index guards.

use diesel::prelude::*;
use probity_governance::evidence::{RunFields, TrainingRun};
use probity_kernel::{
    Cursor, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError, TrainingRunId,
    Version,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{object, object_text, sort_key, word};
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult};
use crate::guard;
use crate::listing::page_of;
use crate::schema::training_runs as runs;
use crate::turn::Tx;
use crate::types::{Id, Utc};

const TABLE: &str = "training_runs";

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset, Serialize, Deserialize)]
#[diesel(table_name = runs, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct RunRow {
    id: Id,
    organization_id: Id,
    product_id: Id,
    run_name: String,
    run_type: String,
    status: String,
    dataset_name: Option<String>,
    dataset_version: Option<String>,
    dataset_uri: Option<String>,
    training_samples: Option<i64>,
    validation_samples: Option<i64>,
    test_samples: Option<i64>,
    random_seed: Option<i64>,
    hyperparameters: Option<String>,
    metrics: Option<String>,
    model_artifact_uri: Option<String>,
    framework_version: Option<String>,
    environment: Option<String>,
    duration_seconds: Option<f64>,
    notes: Option<String>,
    is_deployed: bool,
    deployed_at: Option<Utc>,
    deployed_by: Option<String>,
    started_at: Option<Utc>,
    completed_at: Option<Utc>,
    created_at: Utc,
    pub(super) updated_at: Utc,
    version: i64,
}

impl From<&TrainingRun> for RunRow {
    fn from(run: &TrainingRun) -> Self {
        let RunFields {
            run_name,
            run_type,
            status,
            dataset_name,
            dataset_version,
            dataset_uri,
            training_samples,
            validation_samples,
            test_samples,
            random_seed,
            hyperparameters,
            metrics,
            model_artifact_uri,
            framework_version,
            environment,
            duration_seconds,
            notes,
            is_deployed,
            started_at,
            completed_at,
        } = run.fields.clone();
        Self {
            id: Id(run.id.uuid()),
            organization_id: Id(run.organization.uuid()),
            product_id: Id(run.product.uuid()),
            run_name,
            run_type: run_type.as_str().to_owned(),
            status: status.as_str().to_owned(),
            dataset_name,
            dataset_version,
            dataset_uri,
            training_samples,
            validation_samples,
            test_samples,
            random_seed,
            hyperparameters: hyperparameters.as_ref().map(object_text),
            metrics: metrics.as_ref().map(object_text),
            model_artifact_uri,
            framework_version,
            environment,
            duration_seconds,
            notes,
            is_deployed,
            deployed_at: run.deployed_at.map(Utc),
            deployed_by: run.deployed_by.clone(),
            started_at: started_at.map(Utc),
            completed_at: completed_at.map(Utc),
            created_at: Utc(run.created_at),
            updated_at: Utc(run.updated_at),
            version: run.version.get(),
        }
    }
}

impl TryFrom<RunRow> for TrainingRun {
    type Error = RepositoryError;

    fn try_from(row: RunRow) -> Result<Self, RepositoryError> {
        let hyperparameters = row.hyperparameters.as_deref();
        Ok(Self {
            id: TrainingRunId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            fields: RunFields {
                run_type: word(TABLE, "run_type", &row.run_type)?,
                status: word(TABLE, "status", &row.status)?,
                hyperparameters: object(TABLE, "hyperparameters", hyperparameters)?,
                metrics: object(TABLE, "metrics", row.metrics.as_deref())?,
                run_name: row.run_name,
                dataset_name: row.dataset_name,
                dataset_version: row.dataset_version,
                dataset_uri: row.dataset_uri,
                training_samples: row.training_samples,
                validation_samples: row.validation_samples,
                test_samples: row.test_samples,
                random_seed: row.random_seed,
                model_artifact_uri: row.model_artifact_uri,
                framework_version: row.framework_version,
                environment: row.environment,
                duration_seconds: row.duration_seconds,
                notes: row.notes,
                is_deployed: row.is_deployed,
                started_at: row.started_at.map(|at| at.0),
                completed_at: row.completed_at.map(|at| at.0),
            },
            deployed_at: row.deployed_at.map(|at| at.0),
            deployed_by: row.deployed_by,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

/// The runs of a product.
pub(super) fn of_product<'a>(
    organization: OrganizationId,
    product: ProductId,
) -> runs::BoxedQuery<'a, MultiBackend> {
    runs::table
        .filter(runs::organization_id.eq(Id(organization.uuid())))
        .filter(runs::product_id.eq(Id(product.uuid())))
        .into_boxed::<MultiBackend>()
}

pub(super) fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    id: TrainingRunId,
) -> StoreResult<Option<TrainingRun>> {
    let row: Option<RunRow> = of_product(organization, product)
        .filter(runs::id.eq(Id(id.uuid())))
        .select(RunRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(TrainingRun::try_from)
        .transpose()
        .map_err(StoreError)
}

pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    page: &PageRequest,
) -> StoreResult<Page<TrainingRun>> {
    let total: i64 = of_product(organization, product).count().get_result(conn)?;
    let mut query = of_product(organization, product).select(RunRow::as_select());
    match &page.paging {
        Paging::Offset(skip) => query = query.offset(i64::try_from(*skip).unwrap_or(i64::MAX)),
        Paging::After(cursor) if cursor.key == i64::MIN => {
            let id = Id(Uuid::from_u128(cursor.tie));
            query = query.filter(runs::started_at.is_null().and(runs::id.lt(id)));
        }
        Paging::After(cursor) => {
            let (at, id) = (Utc::of_micros(cursor.key), Id(Uuid::from_u128(cursor.tie)));
            query = query.filter(
                runs::started_at
                    .is_null()
                    .or(runs::started_at.lt(at).assume_not_null())
                    .or(runs::started_at
                        .eq(at)
                        .assume_not_null()
                        .and(runs::id.lt(id))),
            );
        }
    }
    let rows: Vec<RunRow> = query
        .order((
            runs::started_at.is_null().asc(),
            runs::started_at.desc(),
            runs::id.desc(),
        ))
        .limit(i64::from(page.limit) + 1)
        .load(conn)?;
    let cursor = |row: &RunRow| Cursor {
        key: sort_key(row.started_at),
        tie: row.id.0.as_u128(),
    };
    page_of(page, total, rows, cursor, TrainingRun::try_from)
}

/// Clears the flag of the product's other runs where this one is deployed; answers which they were.
pub(super) fn take_flag(
    tx: &mut Tx<'_>,
    run: &TrainingRun,
    now: OffsetDateTime,
) -> StoreResult<Vec<TrainingRunId>> {
    if !run.fields.is_deployed {
        return Ok(Vec::new());
    }
    let deployed: Vec<Id> = of_product(run.organization, run.product)
        .filter(runs::is_deployed)
        .filter(runs::id.ne(Id(run.id.uuid())))
        .select(runs::id)
        .order(runs::id)
        .load(tx.conn)?;
    for id in &deployed {
        diesel::update(runs::table)
            .filter(runs::organization_id.eq(Id(run.organization.uuid())))
            .filter(runs::id.eq(*id))
            .set((
                runs::is_deployed.eq(false),
                runs::updated_at.eq(Utc(now)),
                runs::version.eq(runs::version + 1),
            ))
            .execute(tx.writing())?;
    }
    Ok(deployed
        .into_iter()
        .map(|id| TrainingRunId::new(id.0))
        .collect())
}

pub(super) fn create(tx: &mut Tx<'_>, run: &TrainingRun) -> StoreResult<()> {
    diesel::insert_into(runs::table)
        .values(RunRow::from(run))
        .execute(tx.writing())?;
    Ok(())
}

pub(super) fn update(tx: &mut Tx<'_>, next: &TrainingRun, expected: Version) -> StoreResult<()> {
    let row = RunRow::from(next);
    let changed = diesel::update(runs::table)
        .filter(runs::organization_id.eq(row.organization_id))
        .filter(runs::product_id.eq(row.product_id))
        .filter(runs::id.eq(row.id))
        .filter(runs::version.eq(expected.get()))
        .set(&row)
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    product: ProductId,
    id: TrainingRunId,
    expected: Version,
) -> StoreResult<()> {
    let changed = diesel::delete(runs::table)
        .filter(runs::organization_id.eq(Id(organization.uuid())))
        .filter(runs::product_id.eq(Id(product.uuid())))
        .filter(runs::id.eq(Id(id.uuid())))
        .filter(runs::version.eq(expected.get()))
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}
