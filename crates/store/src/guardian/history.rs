//! A product's snapshots, newest captured first.

use diesel::prelude::*;
use probity_guardian::{
    DisparateImpact, DriftScore, FairnessScore, HistoryFilter, NewSnapshot, Psi, SampleSize,
    Snapshot,
};
use probity_kernel::{
    Cursor, FieldError, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError,
    SnapshotId,
};
use uuid::Uuid;

use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreResult, corrupt};
use crate::listing::page_of;
use crate::schema::{metric_snapshots as snapshots, product_standings};
use crate::types::{Id, Utc};

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = snapshots)]
pub(crate) struct SnapshotRow {
    product_id: Id,
    captured_at: Utc,
    id: Id,
    drift_score: f64,
    fairness_score: f64,
    psi: Option<f64>,
    disparate_impact: Option<f64>,
    sample_size: i64,
    status: String,
    threshold_source: String,
    received_at: Utc,
    notes: Option<String>,
    recipe: Option<String>,
}

impl TryFrom<SnapshotRow> for Snapshot {
    type Error = RepositoryError;

    fn try_from(row: SnapshotRow) -> Result<Self, RepositoryError> {
        let wrong = |column: &'static str| {
            move |error: FieldError| corrupt("metric_snapshots", column)(error.message.into())
        };
        let psi = row.psi.map(|value| Psi::parse("", value)).transpose();
        let impact = row
            .disparate_impact
            .map(|value| DisparateImpact::parse("", value))
            .transpose();
        let recipe = row
            .recipe
            .map(|text| serde_json::from_str(&text))
            .transpose();
        let status = row.status.parse();
        let source = row.threshold_source.parse();
        Ok(Self {
            new: NewSnapshot {
                id: SnapshotId::new(row.id.0),
                product: ProductId::new(row.product_id.0),
                drift_score: DriftScore::parse("", row.drift_score)
                    .map_err(wrong("drift_score"))?,
                fairness_score: FairnessScore::parse("", row.fairness_score)
                    .map_err(wrong("fairness_score"))?,
                psi: psi.map_err(wrong("psi"))?,
                disparate_impact: impact.map_err(wrong("disparate_impact"))?,
                sample_size: SampleSize::parse("", row.sample_size)
                    .map_err(wrong("sample_size"))?,
                captured_at: row.captured_at.0,
                notes: row.notes,
                recipe: recipe
                    .map_err(|error| corrupt("metric_snapshots", "recipe")(error.into()))?,
            },
            status: status
                .map_err(|error| corrupt("metric_snapshots", "status")(Box::new(error)))?,
            received_at: row.received_at.0,
            threshold_source: source.map_err(|error| {
                corrupt("metric_snapshots", "threshold_source")(Box::new(error))
            })?,
        })
    }
}

fn matching<'a>(
    organization: OrganizationId,
    filter: &HistoryFilter,
) -> snapshots::BoxedQuery<'a, MultiBackend> {
    let mut query = snapshots::table
        .filter(snapshots::organization_id.eq(Id(organization.uuid())))
        .filter(snapshots::product_id.eq(Id(filter.product.uuid())))
        .into_boxed::<MultiBackend>();
    if let Some(from) = filter.from {
        query = query.filter(snapshots::captured_at.ge(Utc(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(snapshots::captured_at.lt(Utc(to)));
    }
    if let Some(status) = filter.status {
        query = query.filter(snapshots::status.eq(status.as_str()));
    }
    query
}

/// The total is kept in the unit of work; only a narrower question is counted.
fn total(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &HistoryFilter,
) -> StoreResult<i64> {
    if filter.from.is_some() || filter.to.is_some() || filter.status.is_some() {
        return Ok(matching(organization, filter).count().get_result(conn)?);
    }
    let kept: Option<i64> = product_standings::table
        .find((Id(organization.uuid()), Id(filter.product.uuid())))
        .select(product_standings::snapshots)
        .get_result(conn)
        .optional()?;
    Ok(kept.unwrap_or(0))
}

pub(super) fn page(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &HistoryFilter,
    page: &PageRequest,
) -> StoreResult<Page<Snapshot>> {
    let total = total(conn, organization, filter)?;
    let mut query = matching(organization, filter).select(SnapshotRow::as_select());
    match &page.paging {
        Paging::Offset(skip) => query = query.offset(i64::try_from(*skip).unwrap_or(i64::MAX)),
        Paging::After(cursor) => {
            let (at, id) = (Utc::of_micros(cursor.key), Id(Uuid::from_u128(cursor.tie)));
            let same = snapshots::captured_at.eq(at).and(snapshots::id.lt(id));
            query = query.filter(snapshots::captured_at.lt(at).or(same));
        }
    }
    let rows: Vec<SnapshotRow> = query
        .order((snapshots::captured_at.desc(), snapshots::id.desc()))
        .limit(i64::from(page.limit) + 1)
        .load(conn)?;
    let cursor = |row: &SnapshotRow| Cursor {
        key: row.captured_at.micros(),
        tie: row.id.0.as_u128(),
    };
    page_of(page, total, rows, cursor, Snapshot::try_from)
}
