//! Whose turn it is, of the deliveries to a receiver that keeps tickets: two at a time about the same
//! thing would both find no ticket, and make one each.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use probity_webhooks::delivery::Settlement;
use probity_webhooks::endpoint::Endpoint;
use probity_webhooks::target;
use time::OffsetDateTime;

use crate::connection::{AnyConnection, on_backend};
use crate::error::StoreResult;
use crate::schema::webhook_endpoints as endpoints;
use crate::statement::statement;
use crate::types::{AnyUuid, Id, Utc};

/// Whether deliveries to receivers of a kind take turns.
pub(super) fn takes_turns(kind: &str) -> bool {
    target::target(kind).is_some_and(target::Target::keeps_state)
}

/// Whether no delivery has the turn. On PostgreSQL the row is locked then, and one that another node
/// is just looking at is not free.
pub(super) fn is_free(
    conn: &mut AnyConnection,
    endpoint: &Endpoint,
    now: OffsetDateTime,
) -> StoreResult<bool> {
    let free = endpoints::turn_until
        .is_null()
        .or(endpoints::turn_until.le(Utc(now)).assume_not_null());
    let row = endpoints::table
        .filter(endpoints::organization_id.eq(Id(endpoint.organization.uuid())))
        .filter(endpoints::id.eq(Id(endpoint.id.uuid())))
        .filter(free)
        .select(endpoints::id);
    let found: Option<Id> = match conn {
        AnyConnection::Postgres(c) => row.for_update().skip_locked().get_result(c).optional()?,
        AnyConnection::Sqlite(c) => row.get_result(c).optional()?,
    };
    Ok(found.is_some())
}

/// Gives a delivery the turn.
pub(super) fn give(
    conn: &mut AnyConnection,
    endpoint: &Endpoint,
    delivery: Id,
    until: OffsetDateTime,
) -> StoreResult<()> {
    diesel::update(endpoints::table)
        .filter(endpoints::organization_id.eq(Id(endpoint.organization.uuid())))
        .filter(endpoints::id.eq(Id(endpoint.id.uuid())))
        .set((
            endpoints::turn_of.eq(Some(delivery)),
            endpoints::turn_until.eq(Some(Utc(until))),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends the turn of a delivery, if it has it.
pub(super) fn end(conn: &mut AnyConnection, result: &Settlement) -> StoreResult<()> {
    let delivery = Id(result.delivery.uuid());
    let statement = EndTurn {
        organization: Id(result.organization.uuid()),
        endpoint: Id(result.endpoint.uuid()),
        delivery: &delivery,
    };
    on_backend!(conn, |c| statement.execute(c))?;
    Ok(())
}

statement! {
    /// Nobody has the turn any more.
    struct EndTurn<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
        "UPDATE webhook_endpoints SET turn_of = NULL, turn_until = NULL WHERE organization_id = "
        organization: Id as AnyUuid,
        " AND id = " endpoint: Id as AnyUuid,
        " AND turn_of = " delivery: &'a Id as AnyUuid; ""
    }
}
