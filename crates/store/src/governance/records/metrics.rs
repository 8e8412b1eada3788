//! Safety metrics.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use probity_governance::evidence::{Attestation, MetricCategory, MetricFields, SafetyMetric};
use probity_kernel::{
    Cursor, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError, SafetyMetricId,
    Version,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::word;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::guard;
use crate::listing::page_of;
use crate::schema::safety_metrics as metrics;
use crate::turn::Tx;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

const TABLE: &str = "safety_metrics";

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset, Serialize, Deserialize)]
#[diesel(table_name = metrics, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct MetricRow {
    id: Id,
    organization_id: Id,
    product_id: Id,
    category: String,
    metric_name: String,
    metric_value: Option<f64>,
    unit: Option<String>,
    threshold_warning: Option<f64>,
    threshold_critical: Option<f64>,
    status: String,
    status_source: String,
    test_dataset: Option<String>,
    test_dataset_version: Option<String>,
    methodology: Option<String>,
    measured_at: Option<Utc>,
    demographic_group: Option<String>,
    external_url: Option<String>,
    notes: Option<String>,
    attested_at: Option<Utc>,
    attested_by: Option<String>,
    created_at: Utc,
    pub(super) updated_at: Utc,
    version: i64,
}

impl From<&SafetyMetric> for MetricRow {
    fn from(metric: &SafetyMetric) -> Self {
        let MetricFields {
            category,
            metric_name,
            metric_value,
            unit,
            threshold_warning,
            threshold_critical,
            status,
            status_source,
            test_dataset,
            test_dataset_version,
            methodology,
            measured_at,
            demographic_group,
            external_url,
            notes,
        } = metric.fields.clone();
        let attested = metric.attestation.as_ref();
        Self {
            id: Id(metric.id.uuid()),
            organization_id: Id(metric.organization.uuid()),
            product_id: Id(metric.product.uuid()),
            category: category.as_str().to_owned(),
            metric_name,
            metric_value,
            unit,
            threshold_warning,
            threshold_critical,
            status: status.as_str().to_owned(),
            status_source: status_source.as_str().to_owned(),
            test_dataset,
            test_dataset_version,
            methodology,
            measured_at: measured_at.map(Utc),
            demographic_group,
            external_url,
            notes,
            attested_at: attested.map(|attested| Utc(attested.at)),
            attested_by: attested.map(|attested| attested.by.clone()),
            created_at: Utc(metric.created_at),
            updated_at: Utc(metric.updated_at),
            version: metric.version.get(),
        }
    }
}

impl TryFrom<MetricRow> for SafetyMetric {
    type Error = RepositoryError;

    fn try_from(row: MetricRow) -> Result<Self, RepositoryError> {
        let attestation = match (row.attested_at, row.attested_by) {
            (Some(at), Some(by)) => Some(Attestation { at: at.0, by }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(corrupt(TABLE, "attested_by")("half an attestation".into()));
            }
        };
        Ok(Self {
            id: SafetyMetricId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            fields: MetricFields {
                category: word(TABLE, "category", &row.category)?,
                status: word(TABLE, "status", &row.status)?,
                status_source: word(TABLE, "status_source", &row.status_source)?,
                metric_name: row.metric_name,
                metric_value: row.metric_value,
                unit: row.unit,
                threshold_warning: row.threshold_warning,
                threshold_critical: row.threshold_critical,
                test_dataset: row.test_dataset,
                test_dataset_version: row.test_dataset_version,
                methodology: row.methodology,
                measured_at: row.measured_at.map(|at| at.0),
                demographic_group: row.demographic_group,
                external_url: row.external_url,
                notes: row.notes,
            },
            attestation,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

/// The metrics of a product.
pub(super) fn of_product<'a>(
    organization: OrganizationId,
    product: ProductId,
) -> metrics::BoxedQuery<'a, MultiBackend> {
    metrics::table
        .filter(metrics::organization_id.eq(Id(organization.uuid())))
        .filter(metrics::product_id.eq(Id(product.uuid())))
        .into_boxed::<MultiBackend>()
}

fn matching<'a>(
    organization: OrganizationId,
    product: ProductId,
    category: Option<MetricCategory>,
) -> metrics::BoxedQuery<'a, MultiBackend> {
    let query = of_product(organization, product);
    match category {
        Some(category) => query.filter(metrics::category.eq(category.as_str())),
        None => query,
    }
}

fn find_row(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    id: Id,
) -> StoreResult<Option<MetricRow>> {
    let row = of_product(organization, product)
        .filter(metrics::id.eq(id))
        .select(MetricRow::as_select())
        .get_result(conn)
        .optional()?;
    Ok(row)
}

pub(super) fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    id: SafetyMetricId,
) -> StoreResult<Option<SafetyMetric>> {
    let row = find_row(conn, organization, product, Id(id.uuid()))?;
    row.map(SafetyMetric::try_from)
        .transpose()
        .map_err(StoreError)
}

/// By category and name, newest measurement first, those without one last. A cursor names a metric
/// of the list: where it stands decides where the page starts.
pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    category: Option<MetricCategory>,
    page: &PageRequest,
) -> StoreResult<Page<SafetyMetric>> {
    let total: i64 = matching(organization, product, category)
        .count()
        .get_result(conn)?;
    let mut query = matching(organization, product, category).select(MetricRow::as_select());
    match &page.paging {
        Paging::Offset(skip) => query = query.offset(i64::try_from(*skip).unwrap_or(i64::MAX)),
        Paging::After(cursor) => {
            let id = Id(Uuid::from_u128(cursor.tie));
            let last = find_row(conn, organization, product, id)?;
            let last = last.ok_or(RepositoryError::Conflict("cursor"))?;
            query = after(query, last);
        }
    }
    let rows: Vec<MetricRow> = query
        .order((
            metrics::category.asc(),
            metrics::metric_name.asc(),
            metrics::measured_at.is_null().asc(),
            metrics::measured_at.desc(),
            metrics::id.desc(),
        ))
        .limit(i64::from(page.limit) + 1)
        .load(conn)?;
    let cursor = |row: &MetricRow| Cursor {
        key: 0,
        tie: row.id.0.as_u128(),
    };
    page_of(page, total, rows, cursor, SafetyMetric::try_from)
}

type Selected<'a> = diesel::dsl::IntoBoxed<
    'a,
    diesel::dsl::Select<metrics::table, diesel::dsl::AsSelect<MetricRow, MultiBackend>>,
    MultiBackend,
>;

/// What comes after a row in the order of the list.
fn after(query: Selected<'_>, last: MetricRow) -> Selected<'_> {
    let later_name = sql::<Bool>("(category, metric_name) > (")
        .bind::<Text, _>(last.category.clone())
        .sql(", ")
        .bind::<Text, _>(last.metric_name.clone())
        .sql(")");
    let same_name = metrics::category
        .eq(last.category)
        .and(metrics::metric_name.eq(last.metric_name));
    match last.measured_at {
        None => {
            let rest = metrics::measured_at.is_null().and(metrics::id.lt(last.id));
            query.filter(later_name.or(same_name.and(rest)))
        }
        Some(at) => {
            let rest = sql::<Bool>("(measured_at IS NULL OR (measured_at, id) < (")
                .bind::<AnyTimestamp, _>(at)
                .sql(", ")
                .bind::<AnyUuid, _>(last.id)
                .sql("))");
            query.filter(later_name.or(same_name.and(rest)))
        }
    }
}

pub(super) fn create(tx: &mut Tx<'_>, metric: &SafetyMetric) -> StoreResult<()> {
    diesel::insert_into(metrics::table)
        .values(MetricRow::from(metric))
        .execute(tx.writing())?;
    Ok(())
}

pub(super) fn update(tx: &mut Tx<'_>, next: &SafetyMetric, expected: Version) -> StoreResult<()> {
    let row = MetricRow::from(next);
    let changed = diesel::update(metrics::table)
        .filter(metrics::organization_id.eq(row.organization_id))
        .filter(metrics::product_id.eq(row.product_id))
        .filter(metrics::id.eq(row.id))
        .filter(metrics::version.eq(expected.get()))
        .set(&row)
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    product: ProductId,
    id: SafetyMetricId,
    expected: Version,
) -> StoreResult<()> {
    let changed = diesel::delete(metrics::table)
        .filter(metrics::organization_id.eq(Id(organization.uuid())))
        .filter(metrics::product_id.eq(Id(product.uuid())))
        .filter(metrics::id.eq(Id(id.uuid())))
        .filter(metrics::version.eq(expected.get()))
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}
