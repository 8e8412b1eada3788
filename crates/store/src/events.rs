//! Governance events as subscribers read them.

use diesel::prelude::*;
use probity_kernel::{
    Cursor, EventId, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError,
};
use probity_webhooks::{
    Batch, EventFilter, EventRepository, EventStream, GovernanceEvent, Position,
};

use crate::connection::{AnyConnection, MultiBackend, Scope};
use crate::database::Database;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::listing::page_of;
use crate::schema::{audit_heads, governance_events as events, products};
use crate::types::{Id, Utc};

/// The governance events over Diesel.
#[derive(Debug, Clone)]
pub struct DieselEvents {
    database: Database,
}

impl DieselEvents {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl EventRepository for DieselEvents {
    async fn list_events(
        &self,
        organization: OrganizationId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<GovernanceEvent>, RepositoryError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                list(conn, organization, &filter, &page)
            })
            .await
    }
}

impl EventStream for DieselEvents {
    async fn find_event(
        &self,
        organization: OrganizationId,
        id: EventId,
        seen: &EventFilter,
    ) -> Result<Option<GovernanceEvent>, RepositoryError> {
        let filter = seen.clone();
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let row: Option<Row> = matching(organization, &filter)
                    .filter(events::id.eq(Id(id.uuid())))
                    .select(Row::as_select())
                    .first(conn)
                    .optional()?;
                row.map(GovernanceEvent::try_from)
                    .transpose()
                    .map_err(StoreError)
            })
            .await
    }

    async fn read_after(
        &self,
        organization: OrganizationId,
        filter: &EventFilter,
        after: Option<Position>,
        limit: u32,
    ) -> Result<Batch, RepositoryError> {
        let filter = filter.clone();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                read_after(conn, organization, &filter, after, limit)
            })
            .await
    }

    async fn end(&self, organization: OrganizationId) -> Result<Option<Position>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                end(conn, organization)
            })
            .await
    }

    async fn record_sizes(
        &self,
        organizations: &[OrganizationId],
    ) -> Result<Vec<(OrganizationId, u64)>, RepositoryError> {
        let wanted: Vec<Id> = organizations.iter().map(|one| Id(one.uuid())).collect();
        self.database
            .point(Scope::System, move |conn| {
                let sizes: Vec<(Id, i64)> = audit_heads::table
                    .filter(audit_heads::organization_id.eq_any(wanted))
                    .select((audit_heads::organization_id, audit_heads::size))
                    .load(conn)?;
                let told = |(id, size): (Id, i64)| {
                    let size = u64::try_from(size).unwrap_or_default();
                    (OrganizationId::new(id.0), size)
                };
                Ok(sizes.into_iter().map(told).collect())
            })
            .await
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct Row {
    audit_index: i64,
    ordinal: i32,
    id: Id,
    event_type: String,
    source_table: String,
    source_id: Id,
    trigger_reason: String,
    payload: String,
    score_before: Option<f64>,
    score_after: Option<f64>,
    created_at: Utc,
    product_id: Option<Id>,
}

impl TryFrom<Row> for GovernanceEvent {
    type Error = RepositoryError;

    fn try_from(row: Row) -> Result<Self, RepositoryError> {
        let wrong = |column: &'static str| corrupt("governance_events", column);
        Ok(Self {
            id: EventId::new(row.id.0),
            event_type: row.event_type,
            source_table: row.source_table,
            source_id: row.source_id.0,
            product: row.product_id.map(|id| ProductId::new(id.0)),
            trigger_reason: row.trigger_reason,
            payload: serde_json::from_str(&row.payload)
                .map_err(|error| wrong("payload")(error.into()))?,
            score_before: row.score_before,
            score_after: row.score_after,
            created_at: row.created_at.0,
            audit_index: u64::try_from(row.audit_index)
                .map_err(|error| wrong("audit_index")(error.into()))?,
            ordinal: u32::try_from(row.ordinal).map_err(|error| wrong("ordinal")(error.into()))?,
        })
    }
}

/// The events at these places.
pub(crate) fn at(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    places: &[(i64, i32)],
) -> StoreResult<Vec<GovernanceEvent>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let indexes: Vec<i64> = places.iter().map(|(index, _)| *index).collect();
    let rows: Vec<Row> = events::table
        .filter(events::organization_id.eq(Id(organization.uuid())))
        .filter(events::audit_index.eq_any(indexes))
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter()
        .filter(|row| places.contains(&(row.audit_index, row.ordinal)))
        .map(GovernanceEvent::try_from)
        .collect::<Result<_, _>>()
        .map_err(StoreError)
}

fn matching<'a>(
    organization: OrganizationId,
    filter: &EventFilter,
) -> events::BoxedQuery<'a, MultiBackend> {
    let organization = Id(organization.uuid());
    let mut query = events::table
        .filter(events::organization_id.eq(organization))
        .into_boxed::<MultiBackend>();
    match filter.types.as_slice() {
        [] => {}
        // One kind walks along its index.
        [only] => query = query.filter(events::event_type.eq(only.as_str().to_owned())),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            query = query.filter(events::event_type.eq_any(names));
        }
    }
    if let Some(product) = filter.product {
        query = query.filter(events::product_id.eq(Id(product.uuid())));
    }
    if let Some(source) = filter.source {
        query = query.filter(events::source_id.eq(Id(source)));
    }
    if let Some(from) = filter.from {
        query = query.filter(events::created_at.ge(Utc(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(events::created_at.lt(Utc(to)));
    }
    if let Some(spaces) = &filter.spaces {
        let spaces: Vec<Id> = spaces.iter().map(|space| Id(space.uuid())).collect();
        let visible = products::table
            .filter(products::organization_id.eq(organization))
            .filter(products::space_id.eq_any(spaces))
            .select(products::id.nullable());
        query = query.filter(events::product_id.eq_any(visible));
    }
    if !filter.hidden.is_empty() {
        let spaces: Vec<Id> = filter.hidden.iter().map(|space| Id(space.uuid())).collect();
        let hidden = products::table
            .filter(products::organization_id.eq(organization))
            .filter(products::space_id.eq_any(spaces.clone()))
            .select(products::id.nullable());
        let elsewhere = events::product_id.is_null();
        query = query
            .filter(elsewhere.or(events::product_id.ne_all(hidden).assume_not_null()))
            .filter(events::source_id.ne_all(spaces));
    }
    query
}

fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &EventFilter,
    page: &PageRequest,
) -> StoreResult<Page<GovernanceEvent>> {
    let mut query = matching(organization, filter).select(Row::as_select());
    match &page.paging {
        Paging::Offset(skip) => query = query.offset(i64::try_from(*skip).unwrap_or(i64::MAX)),
        Paging::After(cursor) => {
            let ordinal = i32::try_from(cursor.tie).unwrap_or(i32::MAX);
            let same = events::audit_index
                .eq(cursor.key)
                .and(events::ordinal.lt(ordinal));
            query = query.filter(events::audit_index.lt(cursor.key).or(same));
        }
    }
    let rows: Vec<Row> = query
        .order((events::audit_index.desc(), events::ordinal.desc()))
        .limit(i64::from(page.limit) + 1)
        .load(conn)?;
    let shown = rows
        .len()
        .min(usize::try_from(page.limit).unwrap_or(usize::MAX));
    let total = i64::try_from(shown).unwrap_or_default();
    let cursor = |row: &Row| Cursor {
        key: row.audit_index,
        tie: u128::try_from(row.ordinal).unwrap_or_default(),
    };
    page_of(page, total, rows, cursor, GovernanceEvent::try_from)
}

/// The position of the newest event.
fn end(conn: &mut AnyConnection, organization: OrganizationId) -> StoreResult<Option<Position>> {
    let found: Option<(i64, i32)> = events::table
        .filter(events::organization_id.eq(Id(organization.uuid())))
        .order((events::audit_index.desc(), events::ordinal.desc()))
        .select((events::audit_index, events::ordinal))
        .first(conn)
        .optional()?;
    Ok(found.map(|(index, ordinal)| Position {
        audit_index: u64::try_from(index).unwrap_or_default(),
        ordinal: u32::try_from(ordinal).unwrap_or_default(),
    }))
}

fn read_after(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &EventFilter,
    after: Option<Position>,
    limit: u32,
) -> StoreResult<Batch> {
    let end = end(conn, organization)?;
    if end <= after {
        return Ok(Batch {
            events: Vec::new(),
            seen: after,
        });
    }
    let mut query = matching(organization, filter).select(Row::as_select());
    if let Some(after) = after {
        let index = i64::try_from(after.audit_index).unwrap_or(i64::MAX);
        let ordinal = i32::try_from(after.ordinal).unwrap_or(i32::MAX);
        let later = events::audit_index
            .gt(index)
            .or(events::ordinal.gt(ordinal));
        query = query.filter(events::audit_index.ge(index)).filter(later);
    }
    let rows: Vec<Row> = query
        .order((events::audit_index.asc(), events::ordinal.asc()))
        .limit(i64::from(limit))
        .load(conn)?;
    let found = rows
        .into_iter()
        .map(GovernanceEvent::try_from)
        .collect::<Result<Vec<_>, _>>()
        .map_err(StoreError)?;
    // A full batch may have left something behind its last event; another one has read to the end.
    let full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let seen = if full {
        found.last().map(Position::of)
    } else {
        end
    };
    Ok(Batch {
        events: found,
        seen,
    })
}
