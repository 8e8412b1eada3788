//! The deliveries of events, made in the transaction of the events.
//!
//! Most organisations have no endpoint, and most turns publish nothing: the count of changes to an
//! organisation's endpoints is read with the head of its record, so that such a turn asks for nothing
//! and others ask only after a change.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel::sqlite::Sqlite;
use probity_kernel::{IdSource, OrganizationId};
use probity_webhooks::endpoint::{Endpoint, SecretRecord};
use probity_webhooks::target;
use time::{Duration, OffsetDateTime};

use super::deliveries::DeliveryRow;
use super::desk::{Desk, Left, Seats};
use super::endpoints::EndpointRow;
use super::secrets;
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult};
use crate::record::EventRow;
use crate::schema::{webhook_deliveries, webhook_endpoints as endpoints};
use crate::statement::statement;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

/// Most organisations whose endpoints a lane remembers.
const MOST_ORGANIZATIONS: usize = 256;

/// An endpoint that gets events, with all that a delivery to it takes.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) endpoint: Arc<Endpoint>,
    /// Every secret of its name that has not ended long ago.
    pub(super) secrets: Arc<Vec<SecretRecord>>,
    /// Whether a delivery takes nothing that only the database knows.
    direct: bool,
}

/// The endpoints of an organisation.
type Subscriptions = Arc<[Arc<Subscription>]>;

/// What a lane remembers of the endpoints of organisations, and what it leaves for the courier.
pub(crate) struct Fan {
    /// Under the count of changes at which they were read.
    known: HashMap<OrganizationId, (i64, Subscriptions)>,
    desk: Arc<Desk>,
    /// Deliveries of this turn that are to be left.
    left: Vec<Left>,
    /// Whether the turn made others.
    made: bool,
}

impl Fan {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self {
            known: HashMap::new(),
            desk,
            left: Vec::new(),
            made: false,
        }
    }

    /// Hands on the deliveries of a turn that is durable.
    pub(crate) fn hand_on(&mut self) {
        if !self.left.is_empty() {
            self.desk.leave(std::mem::take(&mut self.left));
        }
        if std::mem::take(&mut self.made) {
            self.desk.ring();
        }
    }

    /// Forgets everything: after a turn that was rolled back.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.left.clear();
        self.made = false;
    }

    /// The endpoints of an organisation: remembered while `stamp` is what it was; read anew without one.
    fn of(
        &mut self,
        conn: &mut AnyConnection,
        organization: OrganizationId,
        stamp: Option<i64>,
    ) -> StoreResult<Subscriptions> {
        if let (Some((known, subscriptions)), Some(stamp)) = (self.known.get(&organization), stamp)
            && *known == stamp
        {
            return Ok(subscriptions.clone());
        }
        if self.known.len() >= MOST_ORGANIZATIONS {
            self.known.clear();
        }
        let read: Subscriptions = subscriptions(conn, organization)?.into();
        // Without a stamp nothing will ever match it.
        let kept = (stamp.unwrap_or(-1), read.clone());
        self.known.insert(organization, kept);
        Ok(read)
    }
}

fn subscriptions(
    conn: &mut AnyConnection,
    organization: OrganizationId,
) -> StoreResult<Vec<Arc<Subscription>>> {
    let rows: Vec<EndpointRow> = endpoints::table
        .filter(endpoints::organization_id.eq(Id(organization.uuid())))
        .filter(endpoints::deleted_at.is_null())
        .filter(endpoints::disabled_at.is_null())
        .order(endpoints::id)
        .select(EndpointRow::as_select())
        .load(conn)?;
    let mut known: HashMap<String, Arc<Vec<SecretRecord>>> = HashMap::new();
    let mut subscriptions = Vec::with_capacity(rows.len());
    for row in rows {
        let endpoint = Endpoint::try_from(row).map_err(StoreError)?;
        let alias = endpoint.secret_alias.as_str();
        let secrets = if let Some(secrets) = known.get(alias) {
            secrets.clone()
        } else {
            let secrets = Arc::new(secrets::of_alias(conn, organization, alias)?);
            known.insert(alias.to_owned(), secrets.clone());
            secrets
        };
        let target = target::target(&endpoint.kind);
        subscriptions.push(Arc::new(Subscription {
            direct: target.is_some_and(|target| !target.keeps_state()),
            endpoint: Arc::new(endpoint),
            secrets,
        }));
    }
    Ok(subscriptions)
}

/// Makes the deliveries of events. `stamp` is the count of changes to the organisation's endpoints as
/// it was read with the head; `None` when this very turn changed them.
pub(crate) fn fan_out(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    stamp: Option<i64>,
    events: Vec<EventRow>,
    fan: &mut Fan,
) -> StoreResult<()> {
    if events.is_empty() || stamp == Some(0) {
        return Ok(());
    }
    let events = Arc::new(events);
    for subscription in fan.of(conn, organization, stamp)?.iter() {
        let wanted: Vec<usize> = events
            .iter()
            .enumerate()
            .filter(|(_, event)| subscription.endpoint.wants(event.event_type))
            .map(|(place, _)| place)
            .collect();
        if !wanted.is_empty() {
            deliver(conn, subscription, &events, &wanted, fan)?;
        }
    }
    Ok(())
}

/// Makes the deliveries to one endpoint, and leaves as many of them as there are places.
fn deliver(
    conn: &mut AnyConnection,
    subscription: &Arc<Subscription>,
    events: &Arc<Vec<EventRow>>,
    wanted: &[usize],
    fan: &mut Fan,
) -> StoreResult<()> {
    let endpoint = subscription.endpoint.id;
    let Seats { given, lease, ring } = if subscription.direct {
        fan.desk.reserve(endpoint, wanted.len())
    } else {
        Seats {
            ring: true,
            ..Seats::default()
        }
    };
    let new: Vec<New<'_>> = wanted
        .iter()
        .enumerate()
        .filter_map(|(number, place)| {
            Some(New {
                event: events.get(*place)?,
                lease: (number < given.len()).then_some(lease),
            })
        })
        .collect();
    insert(conn, &subscription.endpoint, &new)?;
    fan.made |= ring && given.len() < wanted.len();
    fan.left
        .extend(given.into_iter().zip(wanted).map(|(seat, place)| Left {
            seat,
            subscription: subscription.clone(),
            events: events.clone(),
            place: *place,
            lease,
        }));
    Ok(())
}

/// A delivery to make: of an event, leased to this node from the start or due at once.
struct New<'a> {
    event: &'a EventRow,
    lease: Option<Duration>,
}

impl New<'_> {
    /// How many attempts were begun.
    const fn attempts(&self) -> i64 {
        match self.lease {
            Some(_) => 1,
            None => 0,
        }
    }

    fn due_at(&self) -> Utc {
        Utc(self.event.created_at.0 + self.lease.unwrap_or_default())
    }
}

fn insert(conn: &mut AnyConnection, endpoint: &Endpoint, new: &[New<'_>]) -> StoreResult<()> {
    let organization = Id(endpoint.organization.uuid());
    let endpoint = Id(endpoint.id.uuid());
    match conn {
        AnyConnection::Sqlite(c) => {
            for one in new {
                InsertDelivery {
                    attempts: one.attempts(),
                    organization,
                    endpoint,
                    id: one.event.id,
                    audit_index: one.event.audit_index,
                    ordinal: one.event.ordinal,
                    event_type: one.event.event_type,
                    due_at: one.due_at(),
                    created_at: one.event.created_at,
                }
                .execute(c)?;
            }
        }
        AnyConnection::Postgres(c) => {
            InsertDeliveries {
                organization,
                endpoint,
                ids: new.iter().map(|one| one.event.id).collect(),
                indexes: new.iter().map(|one| one.event.audit_index).collect(),
                ordinals: new.iter().map(|one| one.event.ordinal).collect(),
                types: new.iter().map(|one| one.event.event_type).collect(),
                attempts: new.iter().map(New::attempts).collect(),
                due: new.iter().map(New::due_at).collect(),
                instants: new.iter().map(|one| one.event.created_at).collect(),
            }
            .execute(c)?;
        }
    }
    Ok(())
}

statement! {
    /// Makes one delivery.
    struct InsertDelivery<'a> for (Sqlite as SqliteConnection) {
        "INSERT INTO webhook_deliveries (state, failures, attempts, organization_id, endpoint_id, id, \
         audit_index, ordinal, event_type, due_at, created_at) VALUES ('pending', 0, "
        attempts: i64 as BigInt,
        ", " organization: Id as AnyUuid,
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
         audit_index, ordinal, event_type, due_at, created_at) SELECT 'pending', e.attempts, 0, "
        organization: Id as AnyUuid,
        ", " endpoint: Id as AnyUuid,
        ", e.id, e.audit_index, e.ordinal, e.event_type, e.due_at, e.at FROM UNNEST ("
        ids: Vec<Id> as Array<AnyUuid>,
        ", " indexes: Vec<i64> as Array<BigInt>,
        ", " ordinals: Vec<i32> as Array<Integer>,
        ", " types: Vec<&'a str> as Array<Text>,
        ", " attempts: Vec<i64> as Array<BigInt>,
        ", " due: Vec<Utc> as Array<AnyTimestamp>,
        ", " instants: Vec<Utc> as Array<AnyTimestamp>;
        ") AS e (id, audit_index, ordinal, event_type, attempts, due_at, at)"
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
        if !subscription.endpoint.wants(event_type) {
            continue;
        }
        let key = (
            Id(organization.uuid()),
            Id(subscription.endpoint.id.uuid()),
            Id(ids.next_id(now)),
        );
        let row = DeliveryRow::of_note(key, event_type, note.to_owned(), Utc(now));
        diesel::insert_into(webhook_deliveries::table)
            .values(row)
            .execute(conn)?;
    }
    Ok(())
}
