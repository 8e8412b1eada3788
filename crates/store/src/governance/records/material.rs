//! What a draft of a change log is made of.

use diesel::prelude::*;
use probity_governance::evidence::change_log::{
    DependencyFact, MOST_RECORDS, Material, ReviewFact,
};
use probity_governance::evidence::{SafetyMetric, TrainingRun};
use probity_kernel::{OrganizationId, ProductId, RepositoryError};
use time::OffsetDateTime;

use super::metrics::MetricRow;
use super::runs::RunRow;
use super::{metrics, runs, runtime};
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult};
use crate::schema::{data_dependencies, review_requests, safety_metrics, training_runs};
use crate::types::{Id, Utc};

/// One more than a draft lists, which tells whether there is more.
const FETCHED: i64 = 201;

/// The latest of each kind, oldest first.
pub(super) fn read(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    since: Option<OffsetDateTime>,
) -> StoreResult<Material> {
    let from = since.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut material = Material::default();
    let rows: Vec<RunRow> = runs::of_product(organization, product)
        .filter(training_runs::updated_at.ge(Utc(from)))
        .select(RunRow::as_select())
        .order((training_runs::updated_at.desc(), training_runs::id.desc()))
        .limit(FETCHED)
        .load(conn)?;
    material.runs = latest(&mut material.more, rows, TrainingRun::try_from)?;
    let rows: Vec<MetricRow> = metrics::of_product(organization, product)
        .filter(safety_metrics::updated_at.ge(Utc(from)))
        .select(MetricRow::as_select())
        .order((safety_metrics::updated_at.desc(), safety_metrics::id.desc()))
        .limit(FETCHED)
        .load(conn)?;
    material.metrics = latest(&mut material.more, rows, SafetyMetric::try_from)?;
    let reviews = reviews(conn, organization, product, from)?;
    material.reviews = latest(&mut material.more, reviews, Ok)?;
    let dependencies = dependencies(conn, organization, product, from)?;
    material.dependencies = latest(&mut material.more, dependencies, Ok)?;
    material.runtime_events = match since {
        Some(since) => runtime::counted_since(conn, organization, product, since)?,
        None => runtime::totals(conn, organization, product)?,
    };
    Ok(material)
}

fn latest<R, T>(
    more: &mut bool,
    mut rows: Vec<R>,
    convert: impl Fn(R) -> Result<T, RepositoryError>,
) -> StoreResult<Vec<T>> {
    *more |= rows.len() > MOST_RECORDS;
    rows.truncate(MOST_RECORDS);
    rows.reverse();
    let converted = rows.into_iter().map(convert);
    converted.collect::<Result<_, _>>().map_err(StoreError)
}

fn reviews(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    from: OffsetDateTime,
) -> StoreResult<Vec<ReviewFact>> {
    let rows: Vec<(String, Option<Utc>, Option<Utc>)> = review_requests::table
        .filter(review_requests::organization_id.eq(Id(organization.uuid())))
        .filter(review_requests::product_id.eq(Id(product.uuid())))
        .filter(review_requests::decided_at.ge(Utc(from)))
        .select((
            review_requests::status,
            review_requests::decided_at,
            review_requests::approval_expires_at,
        ))
        .order((
            review_requests::decided_at.desc(),
            review_requests::id.desc(),
        ))
        .limit(FETCHED)
        .load(conn)?;
    let decided = rows.into_iter().filter_map(|(decision, at, expires)| {
        Some(ReviewFact {
            decision,
            decided_at: at?.0,
            approval_expires_at: expires.map(|at| at.0),
        })
    });
    Ok(decided.collect())
}

fn dependencies(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    from: OffsetDateTime,
) -> StoreResult<Vec<DependencyFact>> {
    let rows: Vec<(String, Option<String>, Option<Utc>, Utc)> = data_dependencies::table
        .filter(data_dependencies::organization_id.eq(Id(organization.uuid())))
        .filter(data_dependencies::product_id.eq(Id(product.uuid())))
        .filter(data_dependencies::updated_at.ge(Utc(from)))
        .select((
            data_dependencies::name,
            data_dependencies::version_label,
            data_dependencies::changed_at,
            data_dependencies::created_at,
        ))
        .order((
            data_dependencies::updated_at.desc(),
            data_dependencies::id.desc(),
        ))
        .limit(FETCHED)
        .load(conn)?;
    let facts = rows
        .into_iter()
        .map(|(name, version_label, changed, created)| DependencyFact {
            name,
            version_label,
            changed_at: changed.unwrap_or(created).0,
        });
    Ok(facts.collect())
}
