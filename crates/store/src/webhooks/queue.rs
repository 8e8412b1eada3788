//! What those who deliver take.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use probity_kernel::{DeliveryId, OrganizationId, RepositoryError, WebhookEndpointId};
use probity_webhooks::delivery::{Backlog, Claim};
use probity_webhooks::endpoint::{Endpoint, SecretRecord};
use probity_webhooks::{GovernanceEvent, Message, target};
use serde_json::Value;
use time::OffsetDateTime;

use super::endpoints::EndpointRow;
use super::{secrets, turns};
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::events;
use crate::schema::{webhook_endpoints as endpoints, webhook_target_states as states};
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

/// Most endpoints that are looked after in one round.
const MOST_ENDPOINTS: i64 = 1000;

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = AnyUuid)]
    id: Id,
}

/// The enabled endpoints that have something due.
pub(super) fn due(
    conn: &mut AnyConnection,
    now: OffsetDateTime,
) -> StoreResult<Vec<WebhookEndpointId>> {
    let found: Vec<Due> = diesel::sql_query(
        "SELECT e.id FROM webhook_endpoints e WHERE e.disabled_at IS NULL AND e.deleted_at IS NULL \
         AND EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d.due_at <= $1) \
         LIMIT $2",
    )
    .into_boxed::<MultiBackend>()
    .bind::<AnyTimestamp, _>(Utc(now))
    .bind::<BigInt, _>(MOST_ENDPOINTS)
    .load(conn)?;
    Ok(found
        .into_iter()
        .map(|row| WebhookEndpointId::new(row.id.0))
        .collect())
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = AnyUuid)]
    id: Id,
    #[diesel(sql_type = Nullable<BigInt>)]
    audit_index: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    ordinal: Option<i32>,
    #[diesel(sql_type = Text)]
    event_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = AnyTimestamp)]
    created_at: Utc,
}

/// Takes what is due of the wanted endpoints. What another node is just taking is left to it.
pub(super) fn claim(
    conn: &mut AnyConnection,
    wanted: &[(WebhookEndpointId, u32)],
    now: OffsetDateTime,
    lease_end: OffsetDateTime,
) -> StoreResult<Vec<Claim>> {
    let ids: Vec<Id> = wanted.iter().map(|(id, _)| Id(id.uuid())).collect();
    let rows: Vec<EndpointRow> = endpoints::table
        .filter(endpoints::id.eq_any(ids))
        .filter(endpoints::disabled_at.is_null())
        .filter(endpoints::deleted_at.is_null())
        .order(endpoints::id)
        .select(EndpointRow::as_select())
        .load(conn)?;
    let mut claims = Vec::new();
    let mut known = HashMap::new();
    for row in rows {
        let endpoint = Arc::new(Endpoint::try_from(row).map_err(StoreError)?);
        let limit = wanted.iter().find(|(id, _)| *id == endpoint.id);
        let limit = limit.map_or(0, |(_, limit)| *limit);
        let taken = if turns::takes_turns(&endpoint.kind) {
            take_in_turn(conn, &endpoint, limit, now, lease_end)?
        } else {
            take(conn, &endpoint, limit, now, lease_end)?
        };
        if taken.is_empty() {
            continue;
        }
        let secrets = live_secrets(conn, &endpoint, now, &mut known)?;
        let mut messages = messages(conn, endpoint.organization, &taken)?;
        for row in taken {
            let Some(message) = messages.remove(&row.id) else {
                continue;
            };
            let state = carried(conn, &endpoint, &message)?;
            claims.push(Claim {
                organization: endpoint.organization,
                delivery: DeliveryId::new(row.id.0),
                fence: u32::try_from(row.attempts).unwrap_or(u32::MAX),
                failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
                endpoint: endpoint.clone(),
                secrets: secrets.clone(),
                message,
                state,
            });
        }
    }
    Ok(claims)
}

fn take(
    conn: &mut AnyConnection,
    endpoint: &Endpoint,
    limit: u32,
    now: OffsetDateTime,
    lease_end: OffsetDateTime,
) -> StoreResult<Vec<Taken>> {
    let locking = if conn.is_postgres() {
        "FOR UPDATE SKIP LOCKED"
    } else {
        ""
    };
    // Read once and kept: a plan may run a subquery again for each row, and take more than the limit.
    // SQLite numbers parameters in the order in which they appear.
    let statement = format!(
        "WITH picked AS MATERIALIZED (\
         SELECT id FROM webhook_deliveries WHERE endpoint_id = $1 AND due_at <= $2 \
         ORDER BY due_at LIMIT $3 {locking}) \
         UPDATE webhook_deliveries SET attempts = attempts + 1, due_at = $4 \
         WHERE organization_id = $5 AND endpoint_id = $1 AND id IN (SELECT id FROM picked) \
         RETURNING id, audit_index, ordinal, event_type, note, attempts, failures, created_at"
    );
    Ok(diesel::sql_query(statement)
        .into_boxed::<MultiBackend>()
        .bind::<AnyUuid, _>(Id(endpoint.id.uuid()))
        .bind::<AnyTimestamp, _>(Utc(now))
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<AnyTimestamp, _>(Utc(lease_end))
        .bind::<AnyUuid, _>(Id(endpoint.organization.uuid()))
        .load(conn)?)
}

/// One delivery, where no other one of the endpoint has the turn.
fn take_in_turn(
    conn: &mut AnyConnection,
    endpoint: &Endpoint,
    limit: u32,
    now: OffsetDateTime,
    lease_end: OffsetDateTime,
) -> StoreResult<Vec<Taken>> {
    if limit == 0 || !turns::is_free(conn, endpoint, now)? {
        return Ok(Vec::new());
    }
    let taken = take(conn, endpoint, 1, now, lease_end)?;
    if let Some(one) = taken.first() {
        turns::give(conn, endpoint, one.id, lease_end)?;
    }
    Ok(taken)
}

type Known = HashMap<(OrganizationId, String), Arc<Vec<SecretRecord>>>;

fn live_secrets(
    conn: &mut AnyConnection,
    endpoint: &Endpoint,
    now: OffsetDateTime,
    known: &mut Known,
) -> StoreResult<Arc<Vec<SecretRecord>>> {
    let alias = endpoint.secret_alias.as_str();
    let key = (endpoint.organization, alias.to_owned());
    if let Some(found) = known.get(&key) {
        return Ok(found.clone());
    }
    let mut all = secrets::of_alias(conn, endpoint.organization, alias)?;
    all.retain(|record| record.is_live(now));
    let live = Arc::new(all);
    known.insert(key, live.clone());
    Ok(live)
}

/// The messages of deliveries. One whose event is not there any more tells that.
fn messages(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    taken: &[Taken],
) -> StoreResult<HashMap<Id, Message>> {
    let places: Vec<(i64, i32)> = taken
        .iter()
        .filter_map(|row| row.audit_index.zip(row.ordinal))
        .collect();
    let mut found: HashMap<Id, GovernanceEvent> = events::at(conn, organization, &places)?
        .into_iter()
        .map(|event| (Id(event.id.uuid()), event))
        .collect();
    taken
        .iter()
        .map(|row| {
            let message = match (&row.note, found.remove(&row.id)) {
                (None, Some(event)) => Message::of_event(event),
                (Some(note), _) => {
                    let data: Value = serde_json::from_str(note)
                        .map_err(|error| corrupt("webhook_deliveries", "note")(error.into()))?;
                    Message::note(row.id.0, &row.event_type, row.created_at.0, data)
                }
                (None, None) => {
                    let data = serde_json::json!({"id": row.id.0, "removed": true});
                    Message::note(row.id.0, &row.event_type, row.created_at.0, data)
                }
            };
            Ok((row.id, message))
        })
        .collect::<Result<_, RepositoryError>>()
        .map_err(StoreError)
}

/// What earlier attempts carried back.
fn carried(
    conn: &mut AnyConnection,
    endpoint: &Endpoint,
    message: &Message,
) -> StoreResult<Option<Value>> {
    let key = target::target(&endpoint.kind).and_then(|target| target.state_key(message));
    let Some(key) = key else { return Ok(None) };
    let kept: Option<String> = states::table
        .find((
            Id(endpoint.organization.uuid()),
            Id(endpoint.id.uuid()),
            key,
        ))
        .select(states::value)
        .get_result(conn)
        .optional()?;
    kept.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| StoreError(corrupt("webhook_target_states", "value")(error.into())))
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = Nullable<AnyTimestamp>)]
    oldest: Option<Utc>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// How much waits.
pub(super) fn backlog(conn: &mut AnyConnection) -> StoreResult<Backlog> {
    let Waiting { pending, oldest } = diesel::sql_query(
        "SELECT COUNT(*) AS pending, MIN(created_at) AS oldest FROM webhook_deliveries \
         WHERE due_at IS NOT NULL",
    )
    .get_result(conn)?;
    let Count { number } =
        diesel::sql_query("SELECT COUNT(*) AS number FROM webhook_deliveries WHERE state = 'dead'")
            .get_result(conn)?;
    Ok(Backlog {
        pending: u64::try_from(pending).unwrap_or_default(),
        dead: u64::try_from(number).unwrap_or_default(),
        oldest: oldest.map(|Utc(at)| at),
    })
}
