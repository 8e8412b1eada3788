//! What those who deliver give back.

use std::collections::{BTreeMap, HashSet};

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use probity_webhooks::delivery::{DeliveryState, Next, Settled, Settlement};
use time::OffsetDateTime;

use super::turns;
use crate::connection::{AnyConnection, on_backend};
use crate::error::StoreResult;
use crate::schema::{
    webhook_attempts as attempts, webhook_endpoints as endpoints, webhook_target_states as states,
};
use crate::statement::statement;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

/// Keeps the results; answers what became of each.
pub(super) fn all(conn: &mut AnyConnection, results: &[Settlement]) -> StoreResult<Vec<Settled>> {
    let counted = counted(conn, results)?;
    for (result, counted) in results.iter().zip(&counted) {
        // What a target did is true whether or not its attempt was the latest.
        carry(conn, result)?;
        if *counted && result.next != Next::Delivered {
            insert_attempt(conn, result)?;
        }
    }
    let failing = health(conn, results, &counted)?;
    Ok(results
        .iter()
        .zip(counted)
        .map(|(result, counted)| Settled {
            counted,
            failing_since: failing.get(&place(result)).copied().flatten(),
        })
        .collect())
}

/// Moves the deliveries; answers whose results counted.
fn counted(conn: &mut AnyConnection, results: &[Settlement]) -> StoreResult<Vec<bool>> {
    let at_once = match conn {
        AnyConnection::Postgres(c) => delivered_at_once(c, results)?,
        AnyConnection::Sqlite(_) => HashSet::new(),
    };
    let together = conn.is_postgres();
    results
        .iter()
        .map(|result| match result.next {
            Next::Delivered if together => Ok(at_once.contains(&key(result))),
            Next::Delivered => delivered(conn, result),
            Next::RetryAt(at) => failed(conn, result, DeliveryState::Pending, Some(Utc(at))),
            Next::Dead => failed(conn, result, DeliveryState::Dead, None),
        })
        .collect()
}

fn insert_attempt(conn: &mut AnyConnection, result: &Settlement) -> StoreResult<()> {
    diesel::insert_into(attempts::table)
        .values((
            attempts::organization_id.eq(Id(result.organization.uuid())),
            attempts::endpoint_id.eq(Id(result.endpoint.uuid())),
            attempts::delivery_id.eq(Id(result.delivery.uuid())),
            attempts::number.eq(i64::from(result.attempt.number)),
            attempts::at.eq(Utc(result.attempt.at)),
            attempts::took_ms.eq(i64::from(result.attempt.took_ms)),
            attempts::status.eq(result.attempt.status.map(i32::from)),
            attempts::error.eq(&result.attempt.error),
        ))
        .execute(conn)?;
    Ok(())
}

/// An endpoint: its organisation and its id.
type Place = (Id, Id);
/// An attempt: its endpoint, its delivery, its number.
type Key = (Place, Id, i64);

fn place(result: &Settlement) -> Place {
    (Id(result.organization.uuid()), Id(result.endpoint.uuid()))
}

fn key(result: &Settlement) -> Key {
    let fence = i64::from(result.attempt.number);
    (place(result), Id(result.delivery.uuid()), fence)
}

/// Moves all that arrived with one statement, where each costs a round trip.
fn delivered_at_once(conn: &mut PgConnection, results: &[Settlement]) -> StoreResult<HashSet<Key>> {
    let arrived: Vec<&Settlement> = results
        .iter()
        .filter(|result| result.next == Next::Delivered)
        .collect();
    if arrived.is_empty() {
        return Ok(HashSet::new());
    }
    let fences: Vec<i64> = arrived.iter().map(|one| key(one).2).collect();
    let statement = DeliverAll {
        organizations: arrived.iter().map(|one| place(one).0).collect(),
        endpoints: arrived.iter().map(|one| place(one).1).collect(),
        ids: arrived.iter().map(|one| key(one).1).collect(),
        fences: &fences,
        instants: arrived.iter().map(|one| Utc(one.attempt.at)).collect(),
        statuses: arrived
            .iter()
            .map(|one| one.attempt.status.map(i32::from))
            .collect(),
    };
    let moved: Vec<(Id, Id, Id, i64)> = statement.load(conn)?;
    let key = |(organization, endpoint, id, fence)| ((organization, endpoint), id, fence);
    Ok(moved.into_iter().map(key).collect())
}

fn delivered(conn: &mut AnyConnection, result: &Settlement) -> StoreResult<bool> {
    let statement = Deliver {
        state: DeliveryState::Delivered.as_str(),
        at: Utc(result.attempt.at),
        status: result.attempt.status.map(i32::from),
        organization: Id(result.organization.uuid()),
        endpoint: Id(result.endpoint.uuid()),
        id: Id(result.delivery.uuid()),
        fence: i64::from(result.attempt.number),
    };
    Ok(on_backend!(conn, |c| statement.execute(c))? == 1)
}

fn failed(
    conn: &mut AnyConnection,
    result: &Settlement,
    state: DeliveryState,
    due_at: Option<Utc>,
) -> StoreResult<bool> {
    let statement = Fail {
        state: state.as_str(),
        due_at,
        at: Utc(result.attempt.at),
        status: result.attempt.status.map(i32::from),
        error: result.attempt.error.as_deref(),
        organization: Id(result.organization.uuid()),
        endpoint: Id(result.endpoint.uuid()),
        id: Id(result.delivery.uuid()),
        fence: i64::from(result.attempt.number),
    };
    Ok(on_backend!(conn, |c| statement.execute(c))? == 1)
}

statement! {
    /// The receiver has it.
    struct Deliver<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
        "UPDATE webhook_deliveries SET due_at = NULL, last_error = NULL, state = "
        state: &'a str as Text,
        ", last_attempt_at = " at: Utc as AnyTimestamp,
        ", last_status = " status: Option<i32> as Nullable<Integer>,
        " WHERE organization_id = " organization: Id as AnyUuid,
        " AND endpoint_id = " endpoint: Id as AnyUuid,
        " AND id = " id: Id as AnyUuid,
        " AND attempts = " fence: i64 as BigInt; " AND state = 'pending'"
    }
}

statement! {
    /// The receivers have them.
    struct DeliverAll<'a> for (Pg as PgConnection) {
        "UPDATE webhook_deliveries d SET due_at = NULL, last_error = NULL, state = 'delivered', \
         last_attempt_at = r.at, last_status = r.status FROM UNNEST ("
        organizations: Vec<Id> as Array<AnyUuid>,
        ", " endpoints: Vec<Id> as Array<AnyUuid>,
        ", " ids: Vec<Id> as Array<AnyUuid>,
        ", " fences: &'a [i64] as Array<BigInt>,
        ", " instants: Vec<Utc> as Array<AnyTimestamp>,
        ", " statuses: Vec<Option<i32>> as Array<Nullable<Integer>>;
        ") AS r (organization_id, endpoint_id, id, fence, at, status) \
         WHERE d.organization_id = r.organization_id AND d.endpoint_id = r.endpoint_id \
         AND d.id = r.id AND d.attempts = r.fence AND d.state = 'pending' \
         RETURNING d.organization_id, d.endpoint_id, d.id, d.attempts"
        => (AnyUuid, AnyUuid, AnyUuid, BigInt)
    }
}

statement! {
    /// It does not.
    struct Fail<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
        "UPDATE webhook_deliveries SET failures = failures + 1, state = " state: &'a str as Text,
        ", due_at = " due_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", last_attempt_at = " at: Utc as AnyTimestamp,
        ", last_status = " status: Option<i32> as Nullable<Integer>,
        ", last_error = " error: Option<&'a str> as Nullable<Text>,
        " WHERE organization_id = " organization: Id as AnyUuid,
        " AND endpoint_id = " endpoint: Id as AnyUuid,
        " AND id = " id: Id as AnyUuid,
        " AND attempts = " fence: i64 as BigInt; " AND state = 'pending'"
    }
}

/// Since when each endpoint fails: from its first failure to its next success. Ends turns as well.
fn health(
    conn: &mut AnyConnection,
    results: &[Settlement],
    counted: &[bool],
) -> StoreResult<BTreeMap<Place, Option<OffsetDateTime>>> {
    // In the order of their ids, the same on every node: none waits for a row while it holds a later one.
    let mut seen: BTreeMap<Place, Seen<'_>> = BTreeMap::new();
    for (result, counted) in results.iter().zip(counted) {
        let seen = seen.entry(place(result)).or_default();
        seen.results.push(result);
        match (counted, result.next) {
            (false, _) => {}
            (true, Next::Delivered) => (seen.arrived, seen.failed) = (true, None),
            (true, Next::RetryAt(_) | Next::Dead) => {
                seen.failed.get_or_insert(Utc(result.attempt.at));
            }
        }
    }
    seen.into_iter()
        .map(|(place, seen)| Ok((place, seen.keep(conn, place)?)))
        .collect()
}

/// What the results say about an endpoint.
#[derive(Default)]
struct Seen<'a> {
    results: Vec<&'a Settlement>,
    /// Something arrived.
    arrived: bool,
    /// When the first attempt failed, after what arrived.
    failed: Option<Utc>,
}

impl Seen<'_> {
    fn keep(self, conn: &mut AnyConnection, place: Place) -> StoreResult<Option<OffsetDateTime>> {
        let (organization, endpoint) = place;
        let known: Option<(String, Option<Utc>)> = endpoints::table
            .filter(endpoints::organization_id.eq(organization))
            .filter(endpoints::id.eq(endpoint))
            .select((endpoints::kind, endpoints::failing_since))
            .get_result(conn)
            .optional()?;
        let Some((kind, mut since)) = known else {
            return Ok(None);
        };
        if turns::takes_turns(&kind) {
            self.results
                .iter()
                .try_for_each(|result| turns::end(conn, result))?;
        }
        if self.arrived && since.take().is_some() {
            let heal = Heal {
                organization: &organization,
                endpoint,
            };
            on_backend!(conn, |c| heal.execute(c))?;
        }
        if let Some(at) = self.failed.filter(|_| since.is_none()) {
            let sicken = Sicken {
                since: at,
                organization: &organization,
                endpoint,
            };
            on_backend!(conn, |c| sicken.execute(c))?;
            since = Some(at);
        }
        Ok(since.map(|Utc(at)| at))
    }
}

statement! {
    /// An endpoint answers again.
    struct Heal<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
        "UPDATE webhook_endpoints SET failing_since = NULL WHERE organization_id = "
        organization: &'a Id as AnyUuid,
        " AND id = " endpoint: Id as AnyUuid; ""
    }
}

statement! {
    /// An endpoint does not answer any more.
    struct Sicken<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
        "UPDATE webhook_endpoints SET failing_since = " since: Utc as AnyTimestamp,
        " WHERE organization_id = " organization: &'a Id as AnyUuid,
        " AND id = " endpoint: Id as AnyUuid; " AND failing_since IS NULL"
    }
}

fn carry(conn: &mut AnyConnection, result: &Settlement) -> StoreResult<()> {
    let Some((key, value)) = &result.state else {
        return Ok(());
    };
    let (value, at) = (value.to_string(), Utc(result.attempt.at));
    let place = (
        Id(result.organization.uuid()),
        Id(result.endpoint.uuid()),
        key,
    );
    let changed = diesel::update(states::table.find(place))
        .set((states::value.eq(&value), states::updated_at.eq(at)))
        .execute(conn)?;
    if changed == 0 {
        diesel::insert_into(states::table)
            .values((
                states::organization_id.eq(place.0),
                states::endpoint_id.eq(place.1),
                states::key.eq(key),
                states::value.eq(&value),
                states::updated_at.eq(at),
            ))
            .execute(conn)?;
    }
    Ok(())
}
