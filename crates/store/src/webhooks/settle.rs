//! What those who deliver give back.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use probity_webhooks::delivery::{DeliveryState, Next, Settlement};

use crate::connection::{AnyConnection, on_backend};
use crate::error::StoreResult;
use crate::schema::{
    webhook_attempts as attempts, webhook_endpoints as endpoints, webhook_target_states as states,
};
use crate::statement::statement;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

/// Keeps the results; answers which of them counted.
pub(super) fn all(conn: &mut AnyConnection, results: &[Settlement]) -> StoreResult<Vec<bool>> {
    results.iter().map(|result| one(conn, result)).collect()
}

fn one(conn: &mut AnyConnection, result: &Settlement) -> StoreResult<bool> {
    let counted = match result.next {
        Next::Delivered => delivered(conn, result)?,
        Next::RetryAt(at) => failed(conn, result, DeliveryState::Pending, Some(Utc(at)))?,
        Next::Dead => failed(conn, result, DeliveryState::Dead, None)?,
    };
    // What a target did is true whether or not its attempt was the latest.
    carry(conn, result)?;
    if !counted {
        return Ok(false);
    }
    health(conn, result)?;
    if result.next == Next::Delivered {
        return Ok(true);
    }
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
    Ok(true)
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

/// Since when the endpoint fails: from the first failure to the next success.
fn health(conn: &mut AnyConnection, result: &Settlement) -> StoreResult<()> {
    let endpoint = endpoints::table
        .filter(endpoints::organization_id.eq(Id(result.organization.uuid())))
        .filter(endpoints::id.eq(Id(result.endpoint.uuid())));
    let none: Option<Utc> = None;
    if result.next != Next::Delivered {
        if !result.was_failing {
            diesel::update(endpoint.filter(endpoints::failing_since.is_null()))
                .set(endpoints::failing_since.eq(Some(Utc(result.attempt.at))))
                .execute(conn)?;
        }
    } else if result.was_failing {
        diesel::update(endpoint)
            .set(endpoints::failing_since.eq(none))
            .execute(conn)?;
    }
    Ok(())
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
