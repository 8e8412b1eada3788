//! Rows of deliveries, and reading them.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use probity_kernel::{
    DeliveryId, EventId, OrganizationId, Page, PageRequest, RepositoryError, WebhookEndpointId,
};
use probity_webhooks::EventType;
use probity_webhooks::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState, Missed};
use probity_webhooks::endpoint::Endpoint;
use time::OffsetDateTime;

use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::listing::{IdListing, page_by_id};
use crate::schema::{
    governance_events as events, webhook_attempts as attempts, webhook_deliveries as rows,
};
use crate::types::{Id, Utc};

/// An attempt as its row holds it: number, instant, milliseconds, status, error.
type Tried = (i64, Utc, i64, Option<i32>, Option<String>);

const TABLE: &str = "webhook_deliveries";

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = rows, treat_none_as_default_value = false)]
pub(super) struct DeliveryRow {
    organization_id: Id,
    pub(super) endpoint_id: Id,
    pub(super) id: Id,
    audit_index: Option<i64>,
    ordinal: Option<i32>,
    event_type: String,
    note: Option<String>,
    state: String,
    attempts: i64,
    failures: i64,
    due_at: Option<Utc>,
    last_attempt_at: Option<Utc>,
    last_status: Option<i32>,
    last_error: Option<String>,
    created_at: Utc,
}

impl DeliveryRow {
    /// A delivery of an event, due at once.
    pub(super) fn of_event(
        (organization_id, endpoint_id, id): (Id, Id, Id),
        (audit_index, ordinal): (i64, i32),
        event_type: String,
        now: Utc,
    ) -> Self {
        Self {
            organization_id,
            endpoint_id,
            id,
            audit_index: Some(audit_index),
            ordinal: Some(ordinal),
            event_type,
            note: None,
            state: DeliveryState::Pending.as_str().to_owned(),
            attempts: 0,
            failures: 0,
            due_at: Some(now),
            last_attempt_at: None,
            last_status: None,
            last_error: None,
            created_at: now,
        }
    }

    /// A delivery of the server's own words, due at once.
    pub(super) fn of_note(key: (Id, Id, Id), event_type: &str, note: String, now: Utc) -> Self {
        Self {
            audit_index: None,
            ordinal: None,
            note: Some(note),
            ..Self::of_event(key, (0, 0), event_type.to_owned(), now)
        }
    }
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = RepositoryError;

    fn try_from(row: DeliveryRow) -> Result<Self, RepositoryError> {
        let wrong = |column: &'static str| corrupt(TABLE, column);
        let id = DeliveryId::new(row.id.0);
        let message_id = match row.audit_index {
            Some(_) => EventId::new(row.id.0).type_id(),
            None => id.type_id(),
        };
        Ok(Self {
            id,
            endpoint: WebhookEndpointId::new(row.endpoint_id.0),
            message_id,
            event_type: row.event_type,
            state: row
                .state
                .parse()
                .map_err(|()| wrong("state")("no state".into()))?,
            attempts: u32::try_from(row.attempts)
                .map_err(|error| wrong("attempts")(error.into()))?,
            next_attempt_at: row.due_at.map(|Utc(at)| at),
            last_attempt_at: row.last_attempt_at.map(|Utc(at)| at),
            last_status: status(row.last_status),
            last_error: row.last_error,
            created_at: row.created_at.0,
        })
    }
}

fn status(kept: Option<i32>) -> Option<u16> {
    kept.and_then(|status| u16::try_from(status).ok())
}

fn matching<'a>(
    organization: OrganizationId,
    filter: &DeliveryFilter,
) -> rows::BoxedQuery<'a, MultiBackend> {
    let mut query = rows::table
        .filter(rows::organization_id.eq(Id(organization.uuid())))
        .into_boxed::<MultiBackend>();
    if let Some(endpoint) = filter.endpoint {
        query = query.filter(rows::endpoint_id.eq(Id(endpoint.uuid())));
    }
    // The constant is what the partial index asks for.
    match filter.state {
        None => {}
        Some(DeliveryState::Dead) => {
            query = query.filter(diesel::dsl::sql::<Bool>(
                "webhook_deliveries.state = 'dead'",
            ));
        }
        Some(state) => query = query.filter(rows::state.eq(state.as_str())),
    }
    if let Some(event_type) = &filter.event_type {
        query = query.filter(rows::event_type.eq(event_type.as_str().to_owned()));
    }
    if let Some(from) = filter.from {
        query = query.filter(rows::created_at.ge(Utc(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(rows::created_at.lt(Utc(to)));
    }
    query
}

/// One page, newest first. The total of a page is that of its items: counting millions of deliveries
/// would cost more than it tells.
pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &DeliveryFilter,
    page: &PageRequest,
) -> StoreResult<Page<Delivery>> {
    let listing = IdListing::of(page);
    let mut query = matching(organization, filter).select(DeliveryRow::as_select());
    if let Some(after) = listing.after {
        query = query.filter(rows::id.lt(after));
    }
    let found: Vec<DeliveryRow> = query
        .order(rows::id.desc())
        .offset(listing.offset)
        .limit(listing.limit)
        .load(conn)?;
    let shown = found
        .len()
        .min(usize::try_from(page.limit).unwrap_or(usize::MAX));
    let total = i64::try_from(shown).unwrap_or_default();
    page_by_id(page, total, found, |row| row.id, Delivery::try_from)
}

pub(super) fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    id: DeliveryId,
) -> StoreResult<Option<(Delivery, Vec<Attempt>)>> {
    let key = (Id(organization.uuid()), Id(endpoint.uuid()), Id(id.uuid()));
    let row: Option<DeliveryRow> = rows::table
        .find(key)
        .select(DeliveryRow::as_select())
        .get_result(conn)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let tried: Vec<Tried> = attempts::table
        .filter(attempts::organization_id.eq(key.0))
        .filter(attempts::endpoint_id.eq(key.1))
        .filter(attempts::delivery_id.eq(key.2))
        .order(attempts::number.desc())
        .select((
            attempts::number,
            attempts::at,
            attempts::took_ms,
            attempts::status,
            attempts::error,
        ))
        .limit(100)
        .load(conn)?;
    let tried = tried
        .into_iter()
        .map(|(number, at, took_ms, code, error)| Attempt {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            at: at.0,
            took_ms: u32::try_from(took_ms).unwrap_or(u32::MAX),
            status: status(code),
            error,
        })
        .collect();
    let delivery = Delivery::try_from(row).map_err(StoreError)?;
    Ok(Some((delivery, tried)))
}

/// Events that an endpoint wants and has no delivery of, oldest first.
pub(super) fn missed(
    conn: &mut AnyConnection,
    endpoint: &Endpoint,
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
    limit: u32,
) -> StoreResult<Vec<Missed>> {
    let (organization, id) = (Id(endpoint.organization.uuid()), Id(endpoint.id.uuid()));
    let delivered = rows::table
        .filter(rows::organization_id.eq(organization))
        .filter(rows::endpoint_id.eq(id))
        .filter(rows::id.eq(events::id))
        .select(rows::id);
    let mut query = events::table
        .filter(events::organization_id.eq(organization))
        .filter(diesel::dsl::not(diesel::dsl::exists(delivered)))
        .into_boxed::<MultiBackend>();
    if !endpoint.event_types.is_empty() {
        let types: Vec<String> = endpoint
            .event_types
            .iter()
            .map(EventType::to_string)
            .collect();
        query = query.filter(events::event_type.eq_any(types));
    }
    if let Some(from) = from {
        query = query.filter(events::created_at.ge(Utc(from)));
    }
    if let Some(to) = to {
        query = query.filter(events::created_at.lt(Utc(to)));
    }
    let found: Vec<(Id, i64, i32)> = query
        .order((events::audit_index, events::ordinal))
        .limit(i64::from(limit))
        .select((events::id, events::audit_index, events::ordinal))
        .load(conn)?;
    Ok(found
        .into_iter()
        .map(|(id, audit_index, ordinal)| Missed {
            event: EventId::new(id.0),
            audit_index: u64::try_from(audit_index).unwrap_or_default(),
            ordinal: u32::try_from(ordinal).unwrap_or_default(),
        })
        .collect())
}
