//! The fleet: what is due, how products are counted, and which stand worst.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::Bool;
use probity_governance::{
    Configuration, Fleet, LifecycleGate, PostureCount, PostureFilter, ProductPosture, ReviewStatus,
};
use probity_kernel::{
    Actor, Context, Cursor, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError,
    SpaceId,
};
use time::OffsetDateTime;

use super::postures::{PostureRow, UNJUDGED, severity_of_total, small, stored_many};
use super::{evidence, judge, settings};
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::listing::page_of;
use crate::schema::{
    audit_heads, posture_totals as totals, product_postures as postures, products,
};
use crate::turn::Tx;
use crate::types::{Id, Utc};

/// The name under which products are judged anew as time passes.
const ACTOR: &str = "governance";

/// At most so many products that are due: those whose posture has become another by the passing of
/// time, then those that stand by other settings.
pub(super) fn due(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    now: OffsetDateTime,
    limit: u32,
) -> StoreResult<Vec<Id>> {
    let key = Id(organization.uuid());
    let mut found: Vec<Id> = postures::table
        .filter(postures::organization_id.eq(key))
        .filter(postures::next_change_at.le(Utc(now)))
        .order(postures::next_change_at)
        .select(postures::product_id)
        .limit(i64::from(limit))
        .load(conn)?;
    let Configuration { version, .. } = settings::in_force(conn, organization)?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    if found.len() < wanted {
        let behind: Vec<Id> = postures::table
            .filter(postures::organization_id.eq(key))
            .filter(postures::settings_version.lt(version.get()))
            .select(postures::product_id)
            .limit(i64::from(limit))
            .load(conn)?;
        let new: Vec<Id> = behind
            .into_iter()
            .filter(|id| !found.contains(id))
            .collect();
        found.extend(new);
        found.truncate(wanted);
    }
    Ok(found)
}

/// The organisations with products that are due.
pub(super) fn organizations_due(
    conn: &mut AnyConnection,
    now: OffsetDateTime,
) -> StoreResult<Vec<OrganizationId>> {
    let all: Vec<Id> = audit_heads::table
        .select(audit_heads::organization_id)
        .load(conn)?;
    let mut found = Vec::new();
    for organization in all {
        let organization = OrganizationId::new(organization.0);
        if !due(conn, organization, now, 1)?.is_empty() {
            found.push(organization);
        }
    }
    Ok(found)
}

/// Judges due products anew. Whoever comes second, on this node or another, finds nothing due: the
/// organisation's head is locked while this runs.
pub(super) fn rejudge(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    now: OffsetDateTime,
    limit: u32,
) -> StoreResult<u32> {
    let context = Context::new(organization, Actor::System(ACTOR), now);
    let due = due(tx.conn, organization, now, limit)?;
    let configuration = settings::in_force(tx.conn, organization)?;
    let mut kept = stored_many(tx.conn, organization, &due)?;
    let mut known = evidence::read_many(tx.conn, organization, &due)?;
    let judged = u32::try_from(due.len()).unwrap_or(u32::MAX);
    for product in due {
        let (before, known) = (kept.remove(&product), known.remove(&product));
        let product = ProductId::new(product.0);
        judge(tx, &context, &configuration, product, before, known)?;
    }
    Ok(judged)
}

/// How many products are due: by the passing of time or by other settings. What is due is few, and each
/// part is counted from its own index.
fn pending(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    now: OffsetDateTime,
) -> StoreResult<u64> {
    let Configuration { version, .. } = settings::in_force(conn, organization)?;
    let mine = || postures::table.filter(postures::organization_id.eq(Id(organization.uuid())));
    let by_time = postures::next_change_at.le(Utc(now));
    let by_settings = postures::settings_version.lt(version.get());
    let timely: i64 = mine().filter(by_time).count().get_result(conn)?;
    let behind: i64 = mine().filter(by_settings).count().get_result(conn)?;
    let both: i64 = if timely > 0 && behind > 0 {
        let both = mine().filter(by_time).filter(by_settings);
        both.count().get_result(conn)?
    } else {
        0
    };
    Ok(u64::try_from(timely + behind - both).unwrap_or_default())
}

/// The fleet in these spaces, or in all.
pub(super) fn fleet(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    spaces: Option<&[SpaceId]>,
    now: OffsetDateTime,
    worst: u32,
) -> StoreResult<Fleet> {
    let filter = PostureFilter {
        spaces: spaces.map(<[SpaceId]>::to_vec),
        ..PostureFilter::default()
    };
    let first = Paging::Offset(0);
    let rows = worst_first(conn, organization, &filter, &first, i64::from(worst))?;
    let called = called(conn, organization, &rows)?;
    let worst = rows.into_iter().map(|row| product_posture(row, &called));
    let worst: Result<Vec<_>, _> = worst.collect();
    Ok(Fleet {
        counts: counts(conn, organization, spaces)?,
        worst: worst.map_err(StoreError)?,
        pending: pending(conn, organization, now)?,
    })
}

type TotalRow = (String, String, i64, i64, String, i64);

fn counts(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    spaces: Option<&[SpaceId]>,
) -> StoreResult<Vec<PostureCount>> {
    let mut query = totals::table
        .filter(totals::organization_id.eq(Id(organization.uuid())))
        .into_boxed::<MultiBackend>();
    if let Some(spaces) = spaces {
        query = query.filter(totals::space_id.eq_any(ids(spaces)));
    }
    let rows: Vec<TotalRow> = query
        .select((
            totals::lifecycle_gate,
            totals::review_status,
            totals::score,
            totals::drift,
            totals::worst_severity,
            totals::products,
        ))
        .load(conn)?;
    rows.into_iter().map(counted).collect()
}

fn counted(
    (gate, status, score, drift, severity, products): TotalRow,
) -> StoreResult<PostureCount> {
    let table = "posture_totals";
    let gate = gate.parse::<LifecycleGate>();
    let status = status.parse::<ReviewStatus>();
    Ok(PostureCount {
        lifecycle_gate: gate.map_err(|e| corrupt(table, "lifecycle_gate")(e.into()))?,
        review_status: status.map_err(|e| corrupt(table, "review_status")(e.into()))?,
        score: small("score", score)?,
        drift: small("drift", drift)?,
        worst_severity: severity_of_total(&severity)?,
        products: u64::try_from(products).unwrap_or_default(),
    })
}

fn ids(spaces: &[SpaceId]) -> Vec<Id> {
    spaces.iter().map(|space| Id(space.uuid())).collect()
}

/// Narrows a query over postures, or over how many there are of each kind, by a filter.
macro_rules! narrowed {
    ($table:ident, $name:literal, $query:expr, $organization:expr, $filter:expr) => {{
        let mut query = $query
            .filter($table::organization_id.eq(Id($organization.uuid())))
            .into_boxed::<MultiBackend>();
        if let Some(spaces) = &$filter.spaces {
            query = query.filter($table::space_id.eq_any(ids(spaces)));
        }
        if let Some(gate) = $filter.lifecycle_gate {
            query = query.filter($table::lifecycle_gate.eq(gate.as_str()));
        }
        if let Some(status) = $filter.review_status {
            query = query.filter($table::review_status.eq(status.as_str()));
        }
        if let Some(key) = $filter.drift {
            let active = format!(concat!("(", $name, ".drift & {}) <> 0"), key.bit());
            query = query.filter(diesel::dsl::sql::<Bool>(&active));
        }
        if let Some(lowest) = $filter.min_score {
            query = query.filter($table::score.ge(i64::from(lowest)));
        }
        if let Some(highest) = $filter.max_score {
            query = query.filter($table::score.le(i64::from(highest)));
        }
        query
    }};
}

/// Postures that match, lowest score first. They are asked for alone: joined to their products the
/// planner may begin with those, and sorts the whole fleet for one page.
fn worst_first(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &PostureFilter,
    paging: &Paging,
    limit: i64,
) -> StoreResult<Vec<PostureRow>> {
    let judged = postures::table.filter(postures::score_version.ne(UNJUDGED));
    let mut query = narrowed!(postures, "product_postures", judged, organization, filter);
    let mut offset = 0;
    match paging {
        Paging::Offset(skip) => offset = i64::try_from(*skip).unwrap_or(i64::MAX),
        Paging::After(cursor) => {
            let id = Id(uuid::Uuid::from_u128(cursor.tie));
            let later = postures::score
                .gt(cursor.key)
                .or(postures::product_id.gt(id));
            // The first part alone is a place in the index.
            query = query.filter(postures::score.ge(cursor.key)).filter(later);
        }
    }
    let rows = query
        .order((postures::score, postures::product_id))
        .select(PostureRow::as_select())
        .offset(offset)
        .limit(limit)
        .load(conn)?;
    Ok(rows)
}

/// What a product is called, and what it is.
type Called = (String, String);

fn called(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    rows: &[PostureRow],
) -> StoreResult<HashMap<Id, Called>> {
    let wanted: Vec<Id> = rows.iter().map(|row| row.product_id).collect();
    let found: Vec<(Id, Called)> = products::table
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::id.eq_any(wanted))
        .select((products::id, (products::name, products::product_type)))
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// One page of postures, lowest score first.
pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &PostureFilter,
    page: &PageRequest,
) -> StoreResult<Page<ProductPosture>> {
    // The totals are kept by everything that a filter asks for.
    let totals = narrowed!(
        totals,
        "posture_totals",
        totals::table,
        organization,
        filter
    );
    let total = totals
        .select(totals::products)
        .load::<i64>(conn)?
        .into_iter()
        .sum();
    let limit = i64::from(page.limit) + 1;
    let rows = worst_first(conn, organization, filter, &page.paging, limit)?;
    let called = called(conn, organization, &rows)?;
    let convert = |row| product_posture(row, &called);
    page_of(page, total, rows, place, convert)
}

const fn place(row: &PostureRow) -> Cursor {
    Cursor {
        key: row.score(),
        tie: row.product_id.0.as_u128(),
    }
}

fn product_posture(
    row: PostureRow,
    called: &HashMap<Id, Called>,
) -> Result<ProductPosture, RepositoryError> {
    let found = called.get(&row.product_id).cloned();
    let (name, product_type) = found.ok_or_else(|| {
        corrupt("product_postures", "product_id")("the product is not there".into())
    })?;
    Ok(ProductPosture {
        product: ProductId::new(row.product_id.0),
        name,
        product_type,
        space: SpaceId::new(row.space_id.0),
        posture: row.try_into()?,
    })
}
