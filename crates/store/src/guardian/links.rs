//! Custom thresholds of products.

use diesel::prelude::*;
use probity_guardian::{LinkFilter, MetricKind, OverridesDraft, RiskMetricLink, ThresholdDraft};
use probity_kernel::{
    OrganizationId, Page, PageRequest, ProductId, RepositoryError, RiskMetricLinkId, Version,
};
use serde::{Deserialize, Serialize};

use crate::catalog::products_in;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::guard;
use crate::listing::{IdListing, page_by_id};
use crate::schema::risk_metric_links as links;
use crate::turn::Tx;
use crate::types::{Id, Utc};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = links, treat_none_as_default_value = false)]
pub(crate) struct LinkRow {
    id: Id,
    organization_id: Id,
    product_id: Id,
    drift_amber: Option<f64>,
    drift_red: Option<f64>,
    fairness_amber: Option<f64>,
    fairness_red: Option<f64>,
    psi_amber: Option<f64>,
    psi_red: Option<f64>,
    disparate_impact_amber: Option<f64>,
    disparate_impact_red: Option<f64>,
    created_at: Utc,
    updated_at: Utc,
    version: i64,
}

impl From<&RiskMetricLink> for LinkRow {
    fn from(link: &RiskMetricLink) -> Self {
        let RiskMetricLink {
            id,
            organization,
            product,
            overrides,
            created_at,
            updated_at,
            version,
        } = link;
        let amber = |kind| overrides.get(kind).map(|limits| limits.amber);
        let red = |kind| overrides.get(kind).map(|limits| limits.red);
        Self {
            id: Id(id.uuid()),
            organization_id: Id(organization.uuid()),
            product_id: Id(product.uuid()),
            drift_amber: amber(MetricKind::Drift),
            drift_red: red(MetricKind::Drift),
            fairness_amber: amber(MetricKind::Fairness),
            fairness_red: red(MetricKind::Fairness),
            psi_amber: amber(MetricKind::Psi),
            psi_red: red(MetricKind::Psi),
            disparate_impact_amber: amber(MetricKind::DisparateImpact),
            disparate_impact_red: red(MetricKind::DisparateImpact),
            created_at: Utc(*created_at),
            updated_at: Utc(*updated_at),
            version: version.get(),
        }
    }
}

impl TryFrom<LinkRow> for RiskMetricLink {
    type Error = RepositoryError;

    fn try_from(row: LinkRow) -> Result<Self, RepositoryError> {
        let limits = |amber: Option<f64>, red: Option<f64>| {
            amber.or(red).map(|_| ThresholdDraft { amber, red })
        };
        let draft = OverridesDraft {
            drift: limits(row.drift_amber, row.drift_red),
            fairness: limits(row.fairness_amber, row.fairness_red),
            psi: limits(row.psi_amber, row.psi_red),
            disparate_impact: limits(row.disparate_impact_amber, row.disparate_impact_red),
        };
        let overrides = draft.parse("");
        Ok(Self {
            id: RiskMetricLinkId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            overrides: overrides.map_err(|errors| {
                corrupt("risk_metric_links", "thresholds")(format!("{errors:?}").into())
            })?,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

pub(super) fn of_product(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<Option<RiskMetricLink>> {
    let row: Option<LinkRow> = links::table
        .filter(links::organization_id.eq(Id(organization.uuid())))
        .filter(links::product_id.eq(Id(product.uuid())))
        .select(LinkRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(RiskMetricLink::try_from)
        .transpose()
        .map_err(StoreError)
}

pub(super) fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    id: RiskMetricLinkId,
) -> StoreResult<Option<RiskMetricLink>> {
    let row: Option<LinkRow> = links::table
        .filter(links::organization_id.eq(Id(organization.uuid())))
        .filter(links::id.eq(Id(id.uuid())))
        .select(LinkRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(RiskMetricLink::try_from)
        .transpose()
        .map_err(StoreError)
}

pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &LinkFilter,
    page: &PageRequest,
) -> StoreResult<Page<RiskMetricLink>> {
    let matching = || {
        let mut query = links::table
            .filter(links::organization_id.eq(Id(organization.uuid())))
            .into_boxed::<MultiBackend>();
        if let Some(product) = filter.product {
            query = query.filter(links::product_id.eq(Id(product.uuid())));
        }
        if let Some(spaces) = &filter.spaces {
            let placed = products_in!(organization, spaces);
            query = query.filter(links::product_id.eq_any(placed));
        }
        query
    };
    let total: i64 = matching().count().get_result(conn)?;
    let listing = IdListing::of(page);
    let mut query = matching().select(LinkRow::as_select());
    if let Some(after) = listing.after {
        query = query.filter(links::id.lt(after));
    }
    let rows: Vec<LinkRow> = query
        .order(links::id.desc())
        .offset(listing.offset)
        .limit(listing.limit)
        .load(conn)?;
    page_by_id(page, total, rows, |row| row.id, RiskMetricLink::try_from)
}

pub(super) fn create(tx: &mut Tx<'_>, link: &RiskMetricLink) -> StoreResult<()> {
    let taken = of_product(tx.conn, link.organization, link.product)?;
    guard(taken.is_none(), RepositoryError::Conflict("modelId"))?;
    diesel::insert_into(links::table)
        .values(LinkRow::from(link))
        .execute(tx.writing())?;
    Ok(())
}

pub(super) fn update(tx: &mut Tx<'_>, next: &RiskMetricLink, expected: Version) -> StoreResult<()> {
    let row = LinkRow::from(next);
    let changed = diesel::update(links::table)
        .filter(links::organization_id.eq(row.organization_id))
        .filter(links::id.eq(row.id))
        .filter(links::version.eq(expected.get()))
        .set((
            links::drift_amber.eq(row.drift_amber),
            links::drift_red.eq(row.drift_red),
            links::fairness_amber.eq(row.fairness_amber),
            links::fairness_red.eq(row.fairness_red),
            links::psi_amber.eq(row.psi_amber),
            links::psi_red.eq(row.psi_red),
            links::disparate_impact_amber.eq(row.disparate_impact_amber),
            links::disparate_impact_red.eq(row.disparate_impact_red),
            links::updated_at.eq(row.updated_at),
            links::version.eq(row.version),
        ))
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: RiskMetricLinkId,
    expected: Version,
) -> StoreResult<()> {
    let changed = diesel::delete(links::table)
        .filter(links::organization_id.eq(Id(organization.uuid())))
        .filter(links::id.eq(Id(id.uuid())))
        .filter(links::version.eq(expected.get()))
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}
