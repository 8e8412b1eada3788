//! Runtime events, and how many there are of each type.

use diesel::dsl::count_star;
use diesel::prelude::*;
use probity_governance::evidence::{RuntimeEvent, RuntimeEventType};
use probity_kernel::{
    Cursor, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError, RuntimeEventId,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{object, object_text, sort_key, word};
use crate::connection::{AnyConnection, MultiBackend, on_backend};
use crate::error::StoreResult;
use crate::listing::page_of;
use crate::schema::{runtime_event_totals as totals, runtime_events as events};
use crate::turn::Tx;
use crate::types::{Id, Utc};

const TABLE: &str = "runtime_events";

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub(crate) struct RuntimeEventRow {
    organization_id: Id,
    product_id: Id,
    occurred_at: Utc,
    id: Id,
    event_type: String,
    severity: String,
    status: String,
    summary: String,
    source: Option<String>,
    external_ref: Option<String>,
    event_metadata: Option<String>,
    created_at: Utc,
}

impl From<&RuntimeEvent> for RuntimeEventRow {
    fn from(event: &RuntimeEvent) -> Self {
        let RuntimeEvent {
            id,
            organization,
            product,
            event_type,
            severity,
            status,
            summary,
            source,
            external_ref,
            event_metadata,
            occurred_at,
            created_at,
        } = event.clone();
        Self {
            organization_id: Id(organization.uuid()),
            product_id: Id(product.uuid()),
            occurred_at: Utc(occurred_at),
            id: Id(id.uuid()),
            event_type: event_type.as_str().to_owned(),
            severity: severity.as_str().to_owned(),
            status: status.as_str().to_owned(),
            summary,
            source,
            external_ref,
            event_metadata: event_metadata.as_ref().map(object_text),
            created_at: Utc(created_at),
        }
    }
}

impl TryFrom<RuntimeEventRow> for RuntimeEvent {
    type Error = RepositoryError;

    fn try_from(row: RuntimeEventRow) -> Result<Self, RepositoryError> {
        Ok(Self {
            id: RuntimeEventId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            event_type: word(TABLE, "event_type", &row.event_type)?,
            severity: word(TABLE, "severity", &row.severity)?,
            status: word(TABLE, "status", &row.status)?,
            event_metadata: object(TABLE, "event_metadata", row.event_metadata.as_deref())?,
            summary: row.summary,
            source: row.source,
            external_ref: row.external_ref,
            occurred_at: row.occurred_at.0,
            created_at: row.created_at.0,
        })
    }
}

fn of_product<'a>(
    organization: OrganizationId,
    product: ProductId,
) -> events::BoxedQuery<'a, MultiBackend> {
    events::table
        .filter(events::organization_id.eq(Id(organization.uuid())))
        .filter(events::product_id.eq(Id(product.uuid())))
        .into_boxed::<MultiBackend>()
}

pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    page: &PageRequest,
) -> StoreResult<Page<RuntimeEvent>> {
    // The sum of the totals: counting a product's events would read all of them.
    let counted = totals_of(conn, organization, product)?;
    let total: i64 = counted.iter().map(|(_, events)| events).sum();
    let mut query = of_product(organization, product).select(RuntimeEventRow::as_select());
    match &page.paging {
        Paging::Offset(skip) => query = query.offset(i64::try_from(*skip).unwrap_or(i64::MAX)),
        Paging::After(cursor) => {
            let (at, id) = (Utc::of_micros(cursor.key), Id(Uuid::from_u128(cursor.tie)));
            let earlier = events::occurred_at
                .lt(at)
                .or(events::occurred_at.eq(at).and(events::id.lt(id)));
            query = query.filter(events::occurred_at.le(at)).filter(earlier);
        }
    }
    let rows: Vec<RuntimeEventRow> = query
        .order((events::occurred_at.desc(), events::id.desc()))
        .limit(i64::from(page.limit) + 1)
        .load(conn)?;
    let cursor = |row: &RuntimeEventRow| Cursor {
        key: sort_key(Some(row.occurred_at)),
        tie: row.id.0.as_u128(),
    };
    page_of(page, total, rows, cursor, RuntimeEvent::try_from)
}

fn totals_of(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<Vec<(String, i64)>> {
    let found = totals::table
        .filter(totals::organization_id.eq(Id(organization.uuid())))
        .filter(totals::product_id.eq(Id(product.uuid())))
        .select((totals::event_type, totals::events))
        .load(conn)?;
    Ok(found)
}

/// The kept totals by type.
pub(crate) fn totals(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<Vec<(RuntimeEventType, u64)>> {
    counts(
        "runtime_event_totals",
        totals_of(conn, organization, product)?,
    )
}

/// How many occurred since an instant, by type.
pub(super) fn counted_since(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    since: OffsetDateTime,
) -> StoreResult<Vec<(RuntimeEventType, u64)>> {
    let found: Vec<(String, i64)> = events::table
        .filter(events::organization_id.eq(Id(organization.uuid())))
        .filter(events::product_id.eq(Id(product.uuid())))
        .filter(events::occurred_at.ge(Utc(since)))
        .group_by(events::event_type)
        .select((events::event_type, count_star()))
        .load(conn)?;
    counts(TABLE, found)
}

fn counts(
    table: &'static str,
    found: Vec<(String, i64)>,
) -> StoreResult<Vec<(RuntimeEventType, u64)>> {
    let mut counts = Vec::with_capacity(found.len());
    for (text, events) in found {
        let kind: RuntimeEventType = word(table, "event_type", &text)?;
        counts.push((kind, u64::try_from(events).unwrap_or_default()));
    }
    counts.sort_unstable();
    Ok(counts)
}

/// Inserts an event and moves the total of its type.
pub(super) fn record(tx: &mut Tx<'_>, event: &RuntimeEvent) -> StoreResult<()> {
    let row = RuntimeEventRow::from(event);
    let (organization, product) = (row.organization_id, row.product_id);
    let kind = row.event_type.clone();
    diesel::insert_into(events::table)
        .values(row)
        .execute(tx.writing())?;
    let conn = tx.writing();
    on_backend!(conn, |c| {
        diesel::insert_into(totals::table)
            .values((
                totals::organization_id.eq(organization),
                totals::product_id.eq(product),
                totals::event_type.eq(&kind),
                totals::events.eq(1_i64),
            ))
            .on_conflict((
                totals::organization_id,
                totals::product_id,
                totals::event_type,
            ))
            .do_update()
            .set(totals::events.eq(totals::events + 1))
            .execute(c)?;
    });
    Ok(())
}
