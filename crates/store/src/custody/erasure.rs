//! Forgetting a person: out of every row and the rows of the past, out of the slots of the record, out
//! of the indexes of searches. What was proven stays provable: a leaf commits to a slot, and a leaf of
//! its own explains that the slot is gone.
//!
//! A person lives in `users`; elsewhere stand references (`user:<id>`), which say nothing once that row
//! is erased. But people are also named in text: as an owner, in a note. A text that can only be theirs
//! (an address, an identifier) is replaced wherever it stands; a plain word such as a login name only
//! where a column names a person, since elsewhere it may mean something else.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use probity_access::{AccessEvent, Changed};
use probity_kernel::text::fold;
use probity_kernel::{Context, OrganizationId, RepositoryError, UserId};
use probity_ledger::{Absence, EntrySet, Redaction, SlotName};
use serde_json::json;
use uuid::Uuid;

use crate::audit::forget_blocks;
use crate::connection::{AnyConnection, Location, MultiBackend, Use, on_backend};
use crate::database::Database;
use crate::error::{StoreError, StoreResult};
use crate::record::absence::AbsenceEvent;
use crate::record::position;
use crate::schema::{audit_heads, users};
use crate::search::take_in_all;
use crate::turn::Tx;
use crate::types::{AnyUuid, Id, Utc};

/// What stands where a person stood.
const ERASED: &str = "[erased]";
/// Columns that name things and not people: they are left, and told.
const NAMES: [&str; 8] = [
    "action",
    "event_type",
    "issuer",
    "key",
    "kind",
    "model_id",
    "scope",
    "slug",
];
/// How many spellings of one text are looked for in a column: letters may be of either case.
const SPELLINGS: usize = 64;
/// How many entries of the record are read at a time.
const PAGE: i64 = 1000;
/// How many runs of entries one leaf explains.
const RUNS: usize = 1500;

/// Whom to forget, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The person: a user's id in either spelling, a subject, or an address.
    pub subject: String,
    /// On what ground, such as `gdpr:art-17`; stays readable for ever.
    pub basis: String,
    /// The reference of the request in some other system; stays readable for ever.
    pub ticket: Option<String>,
}

/// What was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Users whose subject and address are gone.
    pub users: u64,
    /// Columns of rows, of the past too, in which a text was replaced.
    pub fields: u64,
    /// Slots of the record.
    pub slots: u64,
    /// Columns that name things and still hold a text, with how many rows do.
    pub left: Vec<(String, u64)>,
}

impl Database {
    /// Forgets a person within the organisation of the context. Blocks meanwhile.
    ///
    /// # Errors
    /// `Unavailable` after [`drain`](Self::drain), and what the database says.
    pub fn erase(&self, context: &Context, erasure: &Erasure) -> Result<Erased, RepositoryError> {
        let (context, erasure) = (context.clone(), erasure.clone());
        let erased = self.write_blocking(context.organization, move |tx| {
            erase(tx, &context, &erasure)
        })?;
        self.scrub()?;
        Ok(erased)
    }

    /// Makes what was deleted unreadable in the files too: SQLite's log is written back and cut to
    /// nothing. PostgreSQL frees deleted rows when it vacuums.
    fn scrub(&self) -> Result<(), RepositoryError> {
        #[derive(QueryableByName)]
        struct Outcome {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            busy: i32,
        }
        let location = self.location();
        if matches!(location, Location::Postgres(_)) {
            return Ok(());
        }
        let opened = location.connect(Use::Write);
        let mut conn = opened.map_err(|error| RepositoryError::Database(Box::new(error)))?;
        for _ in 0..50 {
            let outcome: Result<Outcome, _> =
                diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(&mut conn);
            if outcome.is_ok_and(|outcome| outcome.busy == 0) {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Err(RepositoryError::Database(
            "the person is erased, but a reader keeps SQLite's log from being cut: stop long reads and \
             erase again"
                .into(),
        ))
    }
}

/// One text of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Needle {
    /// In small letters.
    text: String,
    /// Whether it can only be theirs.
    distinctive: bool,
}

impl Needle {
    fn of(text: &str) -> Self {
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        Self {
            text: text.to_lowercase(),
            distinctive: text.chars().count() >= 6 && !text.chars().all(plain),
        }
    }

    /// Whether a slot names the person.
    fn is_in(&self, slot: &str) -> bool {
        if self.distinctive {
            return slot.contains(&self.text) || slot.contains(&escaped(&self.text));
        }
        slot.contains(&format!("\"{}\"", self.text)) || slot.contains(&format!("#{}\"", self.text))
    }
}

/// A text as JSON spells it.
fn escaped(text: &str) -> String {
    let quoted = json!(text).to_string();
    quoted.trim_matches('"').to_owned()
}

#[derive(Queryable)]
struct UserRow {
    id: Id,
    subject: String,
    email: Option<String>,
    disabled: bool,
}

fn erase(tx: &mut Tx<'_>, context: &Context, erasure: &Erasure) -> StoreResult<Erased> {
    let organization = context.organization;
    let mut erased = Erased::default();
    let mut needles = BTreeSet::from([Needle::of(&erasure.subject)]);
    let mut references = Vec::new();
    for user in find_users(tx.conn, organization, &erasure.subject)? {
        needles.insert(Needle::of(&user.subject));
        needles.extend(user.email.as_deref().map(Needle::of));
        references.push(user.id.0);
        erase_user(tx, context, &user)?;
        erased.users += 1;
    }
    // Who is asked for by id is a user: the id itself is a reference and stays.
    needles.retain(|needle| !references.iter().any(|id| is_reference(&needle.text, *id)));
    let folded: Vec<Needle> = needles
        .iter()
        .map(|needle| Needle {
            text: fold(&needle.text),
            distinctive: needle.distinctive,
        })
        .collect();
    needles.extend(folded);
    let columns = text_columns(tx.conn)?;
    for needle in &needles {
        for column in &columns {
            replace(tx.writing(), organization, column, needle, &mut erased)?;
        }
    }
    slots(tx, context, erasure, &needles, &mut erased)?;
    forget_searches(tx.writing(), organization)?;
    Ok(erased)
}

fn is_reference(text: &str, id: Uuid) -> bool {
    text.parse::<UserId>().is_ok_and(|found| found.uuid() == id)
}

fn find_users(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    subject: &str,
) -> StoreResult<Vec<UserRow>> {
    let rows: Vec<UserRow> = users::table
        .filter(users::organization_id.eq(Id(organization.uuid())))
        .select((users::id, users::subject, users::email, users::disabled))
        .load(conn)?;
    let wanted = subject.to_lowercase();
    let id = subject.parse::<UserId>().ok().map(UserId::uuid);
    let mut found = rows;
    found.retain(|user| {
        let email = user.email.as_ref().map(|email| email.to_lowercase());
        Some(user.id.0) == id || user.subject == subject || email.as_deref() == Some(&wanted)
    });
    Ok(found)
}

fn erase_user(tx: &mut Tx<'_>, context: &Context, user: &UserRow) -> StoreResult<()> {
    let key = users::table.find(user.id);
    diesel::update(key)
        .set((
            users::subject.eq(format!("erased-{}", user.id.0)),
            users::email.eq(None::<String>),
            users::disabled.eq(true),
            users::updated_at.eq(Utc(context.now)),
            users::version.eq(users::version + 1),
        ))
        .execute(tx.writing())?;
    let event = AccessEvent::UserUpdated {
        id: UserId::new(user.id.0),
        email_changed: user.email.is_some(),
        disabled: Changed {
            before: user.disabled,
            after: true,
        },
    };
    tx.record(context, &event)
}

/// A column that holds text.
#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    tab: String,
    #[diesel(sql_type = Text)]
    col: String,
}

impl Column {
    /// Whether it names a person by itself.
    fn names_people(&self) -> bool {
        self.col == "owner" || self.col.ends_with("_by") || self.col.ends_with("_email")
    }

    fn names_things(&self) -> bool {
        NAMES.contains(&self.col.as_str()) || self.tab.starts_with("audit_")
    }
}

/// Every text of every table that belongs to organisations; the past after the present, since what
/// changes now is noted there. Not the texts that the index of searches is to forget: it does so by them.
fn text_columns(conn: &mut AnyConnection) -> StoreResult<Vec<Column>> {
    let query = if conn.is_postgres() {
        "SELECT c.relname::text AS tab, a.attname::text AS col FROM pg_class c \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' \
         AND a.atttypid = 'text'::regtype AND EXISTS (SELECT FROM pg_attribute o \
         WHERE o.attrelid = c.oid AND o.attname = 'organization_id') \
         AND c.relname <> 'search_pending' ORDER BY right(c.relname, 5) = '_past', c.relname, a.attnum"
    } else {
        "SELECT m.name AS tab, i.name AS col FROM sqlite_master m \
         JOIN pragma_table_info(m.name) i ON i.type = 'TEXT' \
         WHERE m.type = 'table' AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) o \
         WHERE o.name = 'organization_id') \
         ORDER BY substr(m.name, -5) = '_past', m.name, i.cid"
    };
    Ok(diesel::sql_query(query).load(conn)?)
}

/// Puts the mark in place of a text, in whatever case it is written.
fn replace(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    column: &Column,
    needle: &Needle,
    erased: &mut Erased,
) -> StoreResult<()> {
    let organization = Id(organization.uuid());
    if !needle.distinctive {
        if column.names_people() {
            erased.fields += replace_whole(conn, organization, column, needle)?;
        }
        return Ok(());
    }
    if column.names_things() {
        let found = occurrences(conn, organization, column, needle)?;
        if found > 0 {
            erased
                .left
                .push((format!("{}.{}", column.tab, column.col), found));
        }
        return Ok(());
    }
    for text in BTreeSet::from([needle.text.clone(), escaped(&needle.text)]) {
        erased.fields += replace_spellings(conn, organization, column, &text)?;
    }
    Ok(())
}

/// The function that finds a text in another.
fn finder(conn: &AnyConnection) -> &'static str {
    if conn.is_postgres() {
        "strpos"
    } else {
        "instr"
    }
}

/// A plain word goes only where it is all that the column holds, or its reference is.
fn replace_whole(
    conn: &mut AnyConnection,
    organization: Id,
    column: &Column,
    needle: &Needle,
) -> StoreResult<u64> {
    let (tab, col) = (&column.tab, format!("\"{}\"", column.col));
    let reference = format!("#{}", needle.text);
    let width = i64::try_from(reference.chars().count()).unwrap_or_default();
    let changed = diesel::sql_query(format!(
        "UPDATE {tab} SET {col} = '{ERASED}' WHERE organization_id = $1 AND (lower({col}) = $2 \
         OR substr(lower({col}), length({col}) - {width} + 1) = $3)"
    ))
    .into_boxed::<MultiBackend>()
    .bind::<AnyUuid, _>(organization)
    .bind::<Text, _>(needle.text.clone())
    .bind::<Text, _>(reference)
    .execute(conn)?;
    Ok(u64::try_from(changed).unwrap_or_default())
}

/// In how many rows of a column that is not ours to change the text stands.
fn occurrences(
    conn: &mut AnyConnection,
    organization: Id,
    column: &Column,
    needle: &Needle,
) -> StoreResult<u64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let (tab, col) = (&column.tab, format!("\"{}\"", column.col));
    let place = finder(conn);
    let found: Count = diesel::sql_query(format!(
        "SELECT COUNT(*) AS count FROM {tab} WHERE organization_id = $1 \
         AND {place}(lower({col}), $2) > 0"
    ))
    .into_boxed::<MultiBackend>()
    .bind::<AnyUuid, _>(organization)
    .bind::<Text, _>(needle.text.clone())
    .get_result(conn)?;
    Ok(u64::try_from(found.count).unwrap_or_default())
}

/// A distinctive text goes wherever it stands, one spelling after another.
fn replace_spellings(
    conn: &mut AnyConnection,
    organization: Id,
    column: &Column,
    text: &str,
) -> StoreResult<u64> {
    #[derive(QueryableByName)]
    struct Spelling {
        #[diesel(sql_type = Text)]
        spelling: String,
    }
    let (tab, col) = (&column.tab, format!("\"{}\"", column.col));
    let place = finder(conn);
    let width = text.chars().count();
    let mut fields = 0;
    for _ in 0..SPELLINGS {
        let found: Option<Spelling> = diesel::sql_query(format!(
            "SELECT substr({col}, {place}(lower({col}), $1), {width}) AS spelling FROM {tab} \
             WHERE organization_id = $2 AND {place}(lower({col}), $1) > 0 LIMIT 1"
        ))
        .into_boxed::<MultiBackend>()
        .bind::<Text, _>(text.to_owned())
        .bind::<AnyUuid, _>(organization)
        .get_result(conn)
        .optional()?;
        let Some(Spelling { spelling }) = found else {
            break;
        };
        let changed = diesel::sql_query(format!(
            "UPDATE {tab} SET {col} = replace({col}, $1, '{ERASED}') \
             WHERE organization_id = $2 AND {place}({col}, $1) > 0"
        ))
        .into_boxed::<MultiBackend>()
        .bind::<Text, _>(spelling)
        .bind::<AnyUuid, _>(organization)
        .execute(conn)?;
        fields += u64::try_from(changed).unwrap_or_default();
    }
    Ok(fields)
}

#[derive(QueryableByName)]
struct Entry {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    actor: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    detail: Option<Vec<u8>>,
}

/// Deletes the slots that name the person, and explains each.
fn slots(
    tx: &mut Tx<'_>,
    context: &Context,
    erasure: &Erasure,
    needles: &BTreeSet<Needle>,
    erased: &mut Erased,
) -> StoreResult<()> {
    let organization = context.organization;
    let head: Option<(i64, i64)> = audit_heads::table
        .find(Id(organization.uuid()))
        .select((audit_heads::no, audit_heads::size))
        .get_result(tx.conn)
        .optional()?;
    let Some((no, size)) = head else {
        return Ok(());
    };
    let (mut actors, mut details) = (Vec::new(), Vec::new());
    let named = |slot: &Option<Vec<u8>>| {
        let text = slot.as_deref().map(String::from_utf8_lossy);
        let text = text.map(|text| text.to_lowercase());
        text.is_some_and(|text| needles.iter().any(|needle| needle.is_in(&text)))
    };
    let mut next = 0;
    while next < size {
        let rows: Vec<Entry> = diesel::sql_query(
            "SELECT position, actor, detail FROM audit_entries WHERE position >= $1 AND position < $2",
        )
        .into_boxed::<MultiBackend>()
        .bind::<BigInt, _>(position(no, next))
        .bind::<BigInt, _>(position(no, size.min(next + PAGE)))
        .load(tx.conn)?;
        for row in rows {
            let index = row.position - position(no, 0);
            if named(&row.actor) {
                actors.push(index);
            }
            if named(&row.detail) {
                details.push(index);
            }
        }
        next += PAGE;
    }
    for (slot, indexes) in [(SlotName::Actor, actors), (SlotName::Detail, details)] {
        for some in indexes.chunks(RUNS) {
            redact(tx, context, erasure, no, slot, some)?;
            erased.slots += u64::try_from(some.len()).unwrap_or_default();
        }
    }
    Ok(())
}

fn redact(
    tx: &mut Tx<'_>,
    context: &Context,
    erasure: &Erasure,
    no: i64,
    slot: SlotName,
    indexes: &[i64],
) -> StoreResult<()> {
    let column = slot.as_str();
    let mut entries = EntrySet::default();
    for index in indexes {
        let entry = u64::try_from(*index).unwrap_or_default();
        entries.insert(entry..entry + 1);
        diesel::sql_query(format!(
            "UPDATE audit_entries SET {column} = NULL, {column}_salt = NULL WHERE position = $1"
        ))
        .into_boxed::<MultiBackend>()
        .bind::<BigInt, _>(position(no, *index))
        .execute(tx.writing())?;
    }
    forget_blocks(tx.writing(), context.organization, indexes.iter().copied())?;
    let redaction = Absence::Redaction(Redaction {
        entries,
        slot,
        basis: erasure.basis.clone(),
        ticket: erasure.ticket.clone(),
    });
    let event = AbsenceEvent::new(context.organization, &redaction, json!({}))
        .map_err(|error| StoreError(RepositoryError::Database(Box::new(error))))?;
    tx.record(context, &event)
}

/// Drops what the indexes of searches remember of texts that are no longer there.
fn forget_searches(conn: &mut AnyConnection, organization: OrganizationId) -> StoreResult<()> {
    #[derive(QueryableByName)]
    struct Index {
        #[diesel(sql_type = Text)]
        name: String,
    }
    if conn.is_postgres() {
        return take_in_all(conn, organization);
    }
    let indexes: Vec<Index> = diesel::sql_query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%fts5%'",
    )
    .load(conn)?;
    for Index { name } in indexes {
        let optimize = format!("INSERT INTO {name} ({name}) VALUES ('optimize')");
        on_backend!(conn, |c| diesel::sql_query(optimize).execute(c))?;
    }
    Ok(())
}
