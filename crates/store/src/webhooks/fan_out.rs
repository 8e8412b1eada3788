//! The deliveries of events, made in the transaction of the events.
//!
//! Most organisations have no endpoint, and most turns publish nothing: the count of changes to an
//! organisation's endpoints is read with the head of its record, so that such a turn asks for nothing
//! and others ask only after a change.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel::sqlite::Sqlite;
use probity_kernel::{IdSource, OrganizationId};
use probity_webhooks::EventType;
use time::OffsetDateTime;

use super::deliveries::DeliveryRow;
use super::endpoints::types_of;
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult};
use crate::record::EventRow;
use crate::schema::{webhook_deliveries, webhook_endpoints as endpoints};
use crate::statement::statement;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

/// Most organisations whose endpoints a lane remembers.
const MOST_ORGANIZATIONS: usize = 256;

/// An endpoint that gets events.
#[derive(Debug, Clone)]
struct Subscription {
    endpoint: Id,
    types: Vec<EventType>,
}

impl Subscription {
    fn wants(&self, event_type: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|one| one.as_str() == event_type)
    }
}

/// What a lane remembers of the endpoints of organisations.
#[derive(Default)]
pub(crate) struct Fan {
    known: HashMap<OrganizationId, (i64, Vec<Subscription>)>,
    made: bool,
}

impl Fan {
    /// Whether deliveries were made since this was asked last.
    pub(crate) const fn take_made(&mut self) -> bool {
        std::mem::replace(&mut self.made, false)
    }

    /// Forgets everything: after a turn that was rolled back.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.made = false;
    }

    /// The endpoints of an organisation: remembered while `stamp` is what it was; read anew without one.
    fn of<'a>(
        &'a mut self,
        conn: &mut AnyConnection,
        organization: OrganizationId,
        stamp: Option<i64>,
    ) -> StoreResult<&'a [Subscription]> {
        let good = match (self.known.get(&organization), stamp) {
            (Some((known, _)), Some(stamp)) => *known == stamp,
            _ => false,
        };
        if !good {
            if self.known.len() >= MOST_ORGANIZATIONS {
                self.known.clear();
            }
            let read = subscriptions(conn, organization)?;
            // Without a stamp nothing will ever match it.
            self.known.insert(organization, (stamp.unwrap_or(-1), read));
        }
        Ok(self
            .known
            .get(&organization)
            .map_or(&[], |(_, subscriptions)| subscriptions.as_slice()))
    }
}

fn subscriptions(
    conn: &mut AnyConnection,
    organization: OrganizationId,
) -> StoreResult<Vec<Subscription>> {
    let rows: Vec<(Id, String)> = endpoints::table
        .filter(endpoints::organization_id.eq(Id(organization.uuid())))
        .filter(endpoints::deleted_at.is_null())
        .filter(endpoints::disabled_at.is_null())
        .order(endpoints::id)
        .select((endpoints::id, endpoints::event_types))
        .load(conn)?;
    rows.into_iter()
        .map(|(endpoint, types)| {
            Ok(Subscription {
                endpoint,
                types: types_of(&types).map_err(StoreError)?,
            })
        })
        .collect()
}

/// Makes the deliveries of events. `stamp` is the count of changes to the organisation's endpoints as
/// it was read with the head; `None` when this very turn changed them.
pub(crate) fn fan_out(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    stamp: Option<i64>,
    events: &[EventRow],
    fan: &mut Fan,
) -> StoreResult<()> {
    if events.is_empty() || stamp == Some(0) {
        return Ok(());
    }
    let mut made = false;
    for subscription in fan.of(conn, organization, stamp)? {
        let wanted: Vec<&EventRow> = events
            .iter()
            .filter(|event| subscription.wants(event.event_type))
            .collect();
        if !wanted.is_empty() {
            insert(conn, organization, subscription.endpoint, &wanted)?;
            made = true;
        }
    }
    fan.made |= made;
    Ok(())
}

fn insert(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    endpoint: Id,
    events: &[&EventRow],
) -> StoreResult<()> {
    let organization = Id(organization.uuid());
    match conn {
        AnyConnection::Sqlite(c) => {
            for event in events {
                InsertDelivery {
                    organization,
                    endpoint,
                    id: event.id,
                    audit_index: event.audit_index,
                    ordinal: event.ordinal,
                    event_type: event.event_type,
                    due_at: event.created_at,
                    created_at: event.created_at,
                }
                .execute(c)?;
            }
        }
        AnyConnection::Postgres(c) => {
            InsertDeliveries {
                organization,
                endpoint,
                ids: events.iter().map(|event| event.id).collect(),
                indexes: events.iter().map(|event| event.audit_index).collect(),
                ordinals: events.iter().map(|event| event.ordinal).collect(),
                types: events.iter().map(|event| event.event_type).collect(),
                instants: events.iter().map(|event| event.created_at).collect(),
            }
            .execute(c)?;
        }
    }
    Ok(())
}

statement! {
    /// Makes one delivery.
    struct InsertDelivery<'a> for (Sqlite as SqliteConnection) {
        "INSERT INTO webhook_deliveries (state, attempts, failures, organization_id, endpoint_id, id, \
         audit_index, ordinal, event_type, due_at, created_at) VALUES ('pending', 0, 0, "
        organization: Id as AnyUuid,
        ", " endpoint: Id as AnyUuid,
        ", " id: Id as AnyUuid,
        ", " audit_index: i64 as BigInt,
        ", " ordinal: i32 as Integer,
        ", " event_type: &'a str as Text,
        ", " due_at: Utc as AnyTimestamp,
        ", " created_at: Utc as AnyTimestamp; ")"
    }
}

statement! {
    /// Makes many deliveries.
    struct InsertDeliveries<'a> for (Pg as PgConnection) {
        "INSERT INTO webhook_deliveries (state, attempts, failures, organization_id, endpoint_id, id, \
         audit_index, ordinal, event_type, due_at, created_at) SELECT 'pending', 0, 0, "
        organization: Id as AnyUuid,
        ", " endpoint: Id as AnyUuid,
        ", e.id, e.audit_index, e.ordinal, e.event_type, e.at, e.at FROM UNNEST (" ids: Vec<Id> as Array<AnyUuid>,
        ", " indexes: Vec<i64> as Array<BigInt>,
        ", " ordinals: Vec<i32> as Array<Integer>,
        ", " types: Vec<&'a str> as Array<Text>,
        ", " instants: Vec<Utc> as Array<AnyTimestamp>;
        ") AS e (id, audit_index, ordinal, event_type, at)"
    }
}

/// Makes a delivery of the server's own words to each endpoint that wants them.
pub(crate) fn fan_out_note(
    conn: &mut AnyConnection,
    ids: &dyn IdSource,
    organization: OrganizationId,
    (event_type, note): (&str, &str),
    now: OffsetDateTime,
) -> StoreResult<()> {
    for subscription in subscriptions(conn, organization)? {
        if !subscription.wants(event_type) {
            continue;
        }
        let key = (
            Id(organization.uuid()),
            subscription.endpoint,
            Id(ids.next_id(now)),
        );
        let row = DeliveryRow::of_note(key, event_type, note.to_owned(), Utc(now));
        diesel::insert_into(webhook_deliveries::table)
            .values(row)
            .execute(conn)?;
    }
    Ok(())
}
