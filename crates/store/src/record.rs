//! The record: each unit of work becomes one leaf of its organisation's Merkle log, together with
//! the governance events it publishes, in the transaction that writes its rows.

pub(crate) mod absence;
mod epoch;
mod key;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Double, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use probity_kernel::{
    ClearArg, Context, DomainEvent, EventId, IdSource, OrganizationId, ProductId, Publication,
    RepositoryError, Subject, Trail,
};
use probity_ledger::{
    Args, CanonicalError, Commitment, Frontier, Hash, LeafHeader, Prune, Redaction, Salt, SlotName,
    Slots, Target, to_canonical,
};
use probity_webhooks::GovernanceEvent;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::audit::nodes;
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::history;
use crate::schema::{audit_explanations, audit_heads, governance_events};
use crate::statement::statement;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};
use crate::webhooks::{Fan, fan_out};

/// How many governance events one statement inserts; PostgreSQL takes 65,535 parameters.
const EVENT_STEP: usize = 1000;

/// Where an organisation's log stands.
pub(crate) struct Head {
    /// The organisation's number: the upper bits of every row position.
    pub(crate) no: i64,
    frontier: Frontier,
    /// How often the organisation's webhook endpoints have changed.
    subscriptions: i64,
}

impl Head {
    /// How many leaves the log has.
    pub(crate) const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Reads the head and, on PostgreSQL, locks it: from here to the commit no other node writes
    /// for this organisation, so what a unit decides on stays true until it is durable.
    pub(crate) fn lock(
        conn: &mut AnyConnection,
        organization: OrganizationId,
    ) -> StoreResult<Option<Self>> {
        let head = audit_heads::table.find(Id(organization.uuid())).select((
            audit_heads::no,
            audit_heads::size,
            audit_heads::frontier,
            audit_heads::subscriptions,
        ));
        let found: Option<(i64, i64, Vec<u8>, i64)> = match conn {
            AnyConnection::Postgres(c) => head.for_update().get_result(c).optional()?,
            AnyConnection::Sqlite(c) => head.get_result(c).optional()?,
        };
        let Some((no, size, frontier, subscriptions)) = found else {
            return Ok(None);
        };
        let size = u64::try_from(size).map_err(|e| corrupt("audit_heads", "size")(e.into()))?;
        let frontier = Frontier::from_bytes(size, &frontier)
            .map_err(|error| corrupt("audit_heads", "frontier")(error.into()))?;
        Ok(Some(Self {
            no,
            frontier,
            subscriptions,
        }))
    }
}

/// The position of an organisation's row number `n`: the organisation's number, then `n`.
pub(crate) const fn position(organization_no: i64, n: i64) -> i64 {
    (organization_no << 40) | n
}

/// What one unit of work will put on the record.
pub(crate) struct Draft {
    action: &'static str,
    subject: Subject,
    at: OffsetDateTime,
    actor: Vec<u8>,
    args: Args<'static>,
    detail: Vec<u8>,
    trails: Vec<Trail>,
    publications: Vec<Publication>,
}

impl Draft {
    pub(crate) fn new<E: DomainEvent>(context: &Context, event: &E) -> StoreResult<Self> {
        let refused =
            |error: CanonicalError| StoreError(RepositoryError::Database(Box::new(error)));
        Ok(Self {
            action: event.name(),
            subject: event.subject(),
            at: context.now,
            actor: to_canonical(&context.actor.reference()).map_err(refused)?,
            args: clear_args(event)?,
            detail: to_canonical(&Detail(event)).map_err(refused)?,
            trails: event.trails(),
            publications: event.publications(),
        })
    }
}

/// The clear arguments of an event, in their place.
fn clear_args<E: DomainEvent>(event: &E) -> StoreResult<Args<'static>> {
    event
        .clear_args()
        .into_iter()
        .try_fold(Args::new(), |args, (name, value)| match value {
            ClearArg::Text(text) => args.with(name, text),
            ClearArg::Integer(number) => args.with(name, number),
        })
        .map_err(|error| StoreError(RepositoryError::Database(Box::new(error))))
}

/// The detail of an event, as it writes itself.
struct Detail<'a, E>(&'a E);

impl<E: DomainEvent> Serialize for Detail<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_detail(serializer)
    }
}

/// Gives an organisation its empty log.
pub(crate) fn open_log(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    no: i64,
) -> StoreResult<()> {
    diesel::insert_into(audit_heads::table)
        .values((
            audit_heads::organization_id.eq(Id(organization.uuid())),
            audit_heads::no.eq(no),
            audit_heads::epoch.eq(1_i64),
            audit_heads::size.eq(0_i64),
            audit_heads::frontier.eq(Vec::<u8>::new()),
        ))
        .execute(conn)?;
    Ok(())
}

struct EntryRow {
    position: i64,
    organization_id: Id,
    leaf_hash: Vec<u8>,
    leaf: Vec<u8>,
    actor_salt: Vec<u8>,
    actor: Vec<u8>,
    detail_salt: Vec<u8>,
    detail: Vec<u8>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = governance_events, treat_none_as_default_value = false)]
pub(crate) struct EventRow {
    organization_id: Id,
    pub(crate) audit_index: i64,
    pub(crate) ordinal: i32,
    pub(crate) id: Id,
    pub(crate) event_type: &'static str,
    source_table: &'static str,
    source_id: Id,
    trigger_reason: String,
    payload: String,
    score_before: Option<f64>,
    score_after: Option<f64>,
    pub(crate) created_at: Utc,
    product_id: Option<Id>,
}

impl EventRow {
    /// The event as subscribers see it.
    pub(crate) fn as_event(&self) -> StoreResult<GovernanceEvent> {
        let wrong = |column: &'static str| corrupt("governance_events", column);
        Ok(GovernanceEvent {
            id: EventId::new(self.id.0),
            event_type: self.event_type.to_owned(),
            source_table: self.source_table.to_owned(),
            source_id: self.source_id.0,
            product: self.product_id.map(|id| ProductId::new(id.0)),
            trigger_reason: self.trigger_reason.clone(),
            payload: serde_json::from_str(&self.payload)
                .map_err(|error| StoreError(wrong("payload")(error.into())))?,
            score_before: self.score_before,
            score_after: self.score_after,
            created_at: self.created_at.0,
            audit_index: u64::try_from(self.audit_index)
                .map_err(|error| StoreError(wrong("audit_index")(error.into())))?,
            ordinal: u32::try_from(self.ordinal)
                .map_err(|error| StoreError(wrong("ordinal")(error.into())))?,
        })
    }
}

/// Who gets the events of a turn.
pub(crate) struct Subscribers<'a> {
    /// What the lane remembers of endpoints.
    pub(crate) fan: &'a mut Fan,
    /// Whether the turn changed endpoints of the organisation.
    pub(crate) changed: bool,
}

/// What came of a turn's drafts.
pub(crate) struct Appended {
    /// The size of the log.
    pub(crate) size: u64,
    /// Whether it has new events.
    pub(crate) published: bool,
}

/// Appends the drafts of one organisation and moves its head.
pub(crate) fn append(
    conn: &mut AnyConnection,
    ids: &dyn IdSource,
    organization: OrganizationId,
    head: Option<Head>,
    drafts: Vec<Draft>,
    subscribers: Subscribers<'_>,
) -> StoreResult<Appended> {
    let Subscribers { fan, changed } = subscribers;
    if drafts.is_empty() {
        return Ok(Appended {
            size: head.map_or(0, |head| head.size()),
            published: false,
        });
    }
    let head = match head {
        Some(head) => Some(head),
        // The unit that creates an organisation opens its log.
        None => Head::lock(conn, organization)?,
    };
    let Some(Head {
        no,
        mut frontier,
        subscriptions,
    }) = head
    else {
        return Err(StoreError(RepositoryError::Database(
            "the organisation has no record".into(),
        )));
    };
    let mut salts = salts(drafts.len() * 2)?.into_iter();
    let mut entries = Vec::with_capacity(drafts.len());
    let mut hashes = Vec::with_capacity(drafts.len());
    let mut events = Vec::new();
    let mut trails = Vec::new();
    for (seq, draft) in (frontier.size()..).zip(drafts) {
        let (Some(actor_salt), Some(detail_salt)) = (salts.next(), salts.next()) else {
            break;
        };
        let index = signed(seq)?;
        events_of(ids, organization, index, &draft, &mut events)?;
        if matches!(draft.action, Redaction::ACTION | Prune::ACTION) {
            note_explanation(conn, organization, index)?;
        }
        trails.extend(draft.trails.iter().map(|trail| (index, *trail)));
        let (entry, hash) = seal(
            organization,
            seq,
            position(no, index),
            draft,
            &actor_salt,
            &detail_salt,
        )?;
        hashes.push(hash);
        entries.push(entry);
    }
    let completed = frontier.append_batch(&hashes);
    nodes::insert(conn, organization, &completed)?;
    insert_entries(conn, &entries)?;
    insert_events(conn, &events)?;
    let (stamp, published) = ((!changed).then_some(subscriptions), !events.is_empty());
    fan_out(conn, organization, stamp, events, fan)?;
    history::insert(conn, organization, &trails)?;
    move_head(conn, organization, &frontier)?;
    Ok(Appended {
        size: frontier.size(),
        published,
    })
}

fn move_head(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    frontier: &Frontier,
) -> StoreResult<()> {
    let (size, bytes) = (signed(frontier.size())?, frontier.to_bytes());
    let (frontier, organization) = (bytes.as_slice(), Id(organization.uuid()));
    match conn {
        AnyConnection::Sqlite(c) => MoveHead {
            size,
            frontier,
            organization,
        }
        .execute(c)?,
        AnyConnection::Postgres(c) => MoveHead {
            size,
            frontier,
            organization,
        }
        .execute(c)?,
    };
    Ok(())
}

statement! {
    /// Moves the end of a log.
    struct MoveHead<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
        "UPDATE audit_heads SET size = " size: i64 as BigInt,
        ", frontier = " frontier: &'a [u8] as Binary,
        " WHERE organization_id = " organization: Id as AnyUuid; ""
    }
}

fn signed(size: u64) -> StoreResult<i64> {
    i64::try_from(size).map_err(|error| StoreError(RepositoryError::Database(Box::new(error))))
}

fn salts(count: usize) -> StoreResult<Vec<Salt>> {
    let mut bytes = vec![0_u8; count * 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError(RepositoryError::Database(error.to_string().into())))?;
    Ok(bytes
        .chunks_exact(32)
        .filter_map(|chunk| chunk.try_into().ok())
        .map(Salt::from_bytes)
        .collect())
}

fn seal(
    organization: OrganizationId,
    seq: u64,
    position: i64,
    draft: Draft,
    actor_salt: &Salt,
    detail_salt: &Salt,
) -> StoreResult<(EntryRow, Hash)> {
    let slots = Slots {
        actor: Some(Commitment::new(SlotName::Actor, actor_salt, &draft.actor)),
        detail: Some(Commitment::new(
            SlotName::Detail,
            detail_salt,
            &draft.detail,
        )),
        net: None,
    };
    let mut leaf = Vec::with_capacity(512);
    LeafHeader {
        action: draft.action,
        args: &draft.args,
        org: &organization.to_string(),
        seq,
        slots,
        target: Target {
            id: &draft.subject.id.to_string(),
            kind: draft.subject.kind,
        },
        ts: draft.at,
    }
    .encode(&mut leaf)
    .map_err(|error| StoreError(RepositoryError::Database(Box::new(error))))?;
    let hash = Hash::leaf(&leaf);
    let entry = EntryRow {
        position,
        organization_id: Id(organization.uuid()),
        leaf_hash: hash.as_bytes().to_vec(),
        leaf,
        actor_salt: actor_salt.as_bytes().to_vec(),
        actor: draft.actor,
        detail_salt: detail_salt.as_bytes().to_vec(),
        detail: draft.detail,
    };
    Ok((entry, hash))
}

/// Keeps where a leaf stands that explains absences.
fn note_explanation(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    audit_index: i64,
) -> StoreResult<()> {
    diesel::insert_into(audit_explanations::table)
        .values((
            audit_explanations::organization_id.eq(Id(organization.uuid())),
            audit_explanations::audit_index.eq(audit_index),
        ))
        .execute(conn)?;
    Ok(())
}

fn events_of(
    ids: &dyn IdSource,
    organization: OrganizationId,
    audit_index: i64,
    draft: &Draft,
    events: &mut Vec<EventRow>,
) -> StoreResult<()> {
    for (ordinal, publication) in draft.publications.iter().enumerate() {
        let payload = serde_json::to_string(&publication.payload)
            .map_err(|error| StoreError(RepositoryError::Database(Box::new(error))))?;
        events.push(EventRow {
            organization_id: Id(organization.uuid()),
            audit_index,
            ordinal: i32::try_from(ordinal).unwrap_or(i32::MAX),
            id: Id(ids.next_id(draft.at)),
            event_type: publication.event_type,
            source_table: publication.source_table,
            source_id: Id(publication.source_id),
            trigger_reason: publication.trigger_reason.clone(),
            payload,
            score_before: publication.score_before,
            score_after: publication.score_after,
            created_at: Utc(draft.at),
            product_id: publication.product.map(|product| Id(product.uuid())),
        });
    }
    Ok(())
}

/// One statement per row where the database is in this process, arrays where each statement costs
/// a round trip.
fn insert_entries(conn: &mut AnyConnection, entries: &[EntryRow]) -> StoreResult<()> {
    match conn {
        AnyConnection::Sqlite(c) => {
            for entry in entries {
                InsertEntry {
                    position: entry.position,
                    organization: entry.organization_id,
                    leaf_hash: &entry.leaf_hash,
                    leaf: &entry.leaf,
                    actor_salt: &entry.actor_salt,
                    actor: &entry.actor,
                    detail_salt: &entry.detail_salt,
                    detail: &entry.detail,
                }
                .execute(c)?;
            }
        }
        AnyConnection::Postgres(c) => {
            let column =
                |pick: fn(&EntryRow) -> &[u8]| entries.iter().map(pick).collect::<Vec<_>>();
            InsertEntries {
                positions: entries.iter().map(|e| e.position).collect(),
                organizations: entries.iter().map(|e| e.organization_id).collect(),
                leaf_hashes: column(|e| &e.leaf_hash),
                leaves: column(|e| &e.leaf),
                actor_salts: column(|e| &e.actor_salt),
                actors: column(|e| &e.actor),
                detail_salts: column(|e| &e.detail_salt),
                details: column(|e| &e.detail),
            }
            .execute(c)?;
        }
    }
    Ok(())
}

statement! {
    /// Inserts one entry.
    struct InsertEntry<'a> for (Sqlite as SqliteConnection) {
        "INSERT INTO audit_entries (position, organization_id, leaf_hash, leaf, actor_salt, actor, \
         detail_salt, detail) VALUES (" position: i64 as BigInt,
        ", " organization: Id as AnyUuid,
        ", " leaf_hash: &'a [u8] as Binary,
        ", " leaf: &'a [u8] as Binary,
        ", " actor_salt: &'a [u8] as Binary,
        ", " actor: &'a [u8] as Binary,
        ", " detail_salt: &'a [u8] as Binary,
        ", " detail: &'a [u8] as Binary; ")"
    }
}

statement! {
    /// Inserts many entries.
    struct InsertEntries<'a> for (Pg as PgConnection) {
        "INSERT INTO audit_entries (position, organization_id, leaf_hash, leaf, actor_salt, actor, \
         detail_salt, detail) SELECT * FROM UNNEST (" positions: Vec<i64> as Array<BigInt>,
        ", " organizations: Vec<Id> as Array<AnyUuid>,
        ", " leaf_hashes: Vec<&'a [u8]> as Array<Binary>,
        ", " leaves: Vec<&'a [u8]> as Array<Binary>,
        ", " actor_salts: Vec<&'a [u8]> as Array<Binary>,
        ", " actors: Vec<&'a [u8]> as Array<Binary>,
        ", " detail_salts: Vec<&'a [u8]> as Array<Binary>,
        ", " details: Vec<&'a [u8]> as Array<Binary>; ")"
    }
}

fn insert_events(conn: &mut AnyConnection, events: &[EventRow]) -> StoreResult<()> {
    match conn {
        AnyConnection::Sqlite(c) => {
            for event in events {
                InsertEvent {
                    organization: event.organization_id,
                    audit_index: event.audit_index,
                    ordinal: event.ordinal,
                    id: event.id,
                    event_type: event.event_type,
                    source_table: event.source_table,
                    source_id: event.source_id,
                    trigger_reason: &event.trigger_reason,
                    payload: &event.payload,
                    score_before: event.score_before,
                    score_after: event.score_after,
                    created_at: event.created_at,
                    product: event.product_id,
                }
                .execute(c)?;
            }
        }
        AnyConnection::Postgres(c) => {
            for events in events.chunks(EVENT_STEP) {
                diesel::insert_into(governance_events::table)
                    .values(events)
                    .execute(c)?;
            }
        }
    }
    Ok(())
}

statement! {
    /// Inserts one governance event.
    struct InsertEvent<'a> for (Sqlite as SqliteConnection) {
        "INSERT INTO governance_events (organization_id, audit_index, ordinal, id, event_type, \
         source_table, source_id, trigger_reason, payload, score_before, score_after, created_at, \
         product_id) VALUES (" organization: Id as AnyUuid,
        ", " audit_index: i64 as BigInt,
        ", " ordinal: i32 as Integer,
        ", " id: Id as AnyUuid,
        ", " event_type: &'a str as Text,
        ", " source_table: &'a str as Text,
        ", " source_id: Id as AnyUuid,
        ", " trigger_reason: &'a str as Text,
        ", " payload: &'a str as Text,
        ", " score_before: Option<f64> as Nullable<Double>,
        ", " score_after: Option<f64> as Nullable<Double>,
        ", " created_at: Utc as AnyTimestamp,
        ", " product: Option<Id> as Nullable<AnyUuid>; ")"
    }
}
