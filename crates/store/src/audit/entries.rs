//! The entries of a log, by number and by what they say.

use std::ops::Range;

use diesel::prelude::*;
use probity_kernel::{OrganizationId, RepositoryError};
use probity_ledger::{Hash, Leaf, LeafHeader, Salt};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::blocks::{ACTOR_NAMES, Blocks, WIDTH};
use super::hash;
use crate::connection::{AnyConnection, Scope};
use crate::database::Database;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::record::position;
use crate::schema::{audit_entries, audit_explanations, audit_heads};
use crate::types::Id;

/// How many entries one statement reads.
const STEP: u64 = 1_000;

/// How far the instants of entries may be out of the order of the log: a leaf carries the instant at
/// which its command was accepted, and commands wait for their turn.
const DISORDER: Duration = Duration::minutes(2);

/// One entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEntry {
    /// Its number in the log.
    pub index: u64,
    /// The hash of its leaf, which outlives the leaf.
    pub hash: Hash,
    /// The bytes of the leaf; `None` once it is pruned.
    pub leaf: Option<Vec<u8>>,
    /// Who acted; `None` once it is erased or pruned.
    pub actor: Option<OpenSlot>,
    /// What changed; `None` once it is erased or pruned.
    pub detail: Option<OpenSlot>,
}

/// What a commitment of a leaf commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSlot {
    /// The salt.
    pub salt: Salt,
    /// The bytes, canonical JSON.
    pub bytes: Vec<u8>,
}

/// Which entries are wanted; every member that is given has to hold.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// The action, such as `model.registered`.
    pub action: Option<String>,
    /// The kind of the target, such as `product`.
    pub target_type: Option<String>,
    /// The id of the target, as the leaf spells it.
    pub target_id: Option<String>,
    /// Who acted: the id, subject or name in the actor slot.
    pub actor: Option<String>,
    /// Not before this instant.
    pub from: Option<OffsetDateTime>,
    /// Before this instant.
    pub to: Option<OffsetDateTime>,
}

impl EntryFilter {
    fn accepts(&self, entry: &RecordEntry) -> bool {
        let all = self.action.is_none()
            && self.target_type.is_none()
            && self.target_id.is_none()
            && self.actor.is_none()
            && self.from.is_none()
            && self.to.is_none();
        let leaf = entry
            .leaf
            .as_deref()
            .and_then(|leaf| Leaf::parse(leaf).ok());
        // A pruned entry no longer says anything that a filter could ask for.
        all || leaf.is_some_and(|leaf| self.accepts_header(&leaf.header()))
            && self.accepts_actor(entry)
    }

    fn accepts_header(&self, header: &LeafHeader<'_>) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        is(&self.action, header.action)
            && is(&self.target_type, header.target.kind)
            && is(&self.target_id, header.target.id)
            && self.from.is_none_or(|from| header.ts >= from)
            && self.to.is_none_or(|to| header.ts < to)
    }

    fn accepts_actor(&self, entry: &RecordEntry) -> bool {
        let Some(wanted) = self.actor.as_deref() else {
            return true;
        };
        let actor: Option<Value> = entry
            .actor
            .as_ref()
            .and_then(|slot| serde_json::from_slice(&slot.bytes).ok());
        actor.is_some_and(|actor| {
            ACTOR_NAMES
                .into_iter()
                .any(|member| actor.get(member).and_then(Value::as_str) == Some(wanted))
        })
    }
}

/// A page of entries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPage {
    /// The entries that the filter accepts.
    pub entries: Vec<RecordEntry>,
    /// Below which number the next page goes on; `None` at the start of the log.
    pub next: Option<u64>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_entries)]
struct Row {
    position: i64,
    leaf_hash: Vec<u8>,
    leaf: Option<Vec<u8>>,
    actor_salt: Option<Vec<u8>>,
    actor: Option<Vec<u8>>,
    detail_salt: Option<Vec<u8>>,
    detail: Option<Vec<u8>>,
}

impl Row {
    fn read(self, no: i64) -> StoreResult<RecordEntry> {
        let index = u64::try_from(self.position - position(no, 0))
            .map_err(|error| corrupt("audit_entries", "position")(error.into()))?;
        Ok(RecordEntry {
            index,
            hash: hash("audit_entries", &self.leaf_hash).map_err(StoreError)?,
            leaf: self.leaf,
            actor: open(self.actor_salt, self.actor)?,
            detail: open(self.detail_salt, self.detail)?,
        })
    }
}

fn open(salt: Option<Vec<u8>>, bytes: Option<Vec<u8>>) -> StoreResult<Option<OpenSlot>> {
    let Some((salt, bytes)) = salt.zip(bytes) else {
        return Ok(None);
    };
    let salt: [u8; 32] = salt
        .try_into()
        .map_err(|_| corrupt("audit_entries", "salt")("a salt is not 32 bytes long".into()))?;
    Ok(Some(OpenSlot {
        salt: Salt::from_bytes(salt),
        bytes,
    }))
}

fn log_no(
    conn: &mut AnyConnection,
    organization: OrganizationId,
) -> StoreResult<Option<(i64, u64)>> {
    let row: Option<(i64, i64)> = audit_heads::table
        .find(Id(organization.uuid()))
        .select((audit_heads::no, audit_heads::size))
        .get_result(conn)
        .optional()?;
    row.map(|(no, size)| {
        let size =
            u64::try_from(size).map_err(|error| corrupt("audit_heads", "size")(error.into()))?;
        Ok((no, size))
    })
    .transpose()
}

fn signed(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX >> 24)
}

/// The entries of a range that are there, rising.
pub(super) fn load(
    conn: &mut AnyConnection,
    no: i64,
    range: Range<u64>,
) -> StoreResult<Vec<RecordEntry>> {
    let rows: Vec<Row> = audit_entries::table
        .filter(audit_entries::position.ge(position(no, signed(range.start))))
        .filter(audit_entries::position.lt(position(no, signed(range.end))))
        .order(audit_entries::position)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| row.read(no)).collect()
}

/// The instant of an entry; `None` when it is pruned.
fn instant_of(
    conn: &mut AnyConnection,
    no: i64,
    index: u64,
) -> StoreResult<Option<OffsetDateTime>> {
    let leaf: Option<Option<Vec<u8>>> = audit_entries::table
        .find(position(no, signed(index)))
        .select(audit_entries::leaf)
        .get_result(conn)
        .optional()?;
    let leaf = leaf.flatten();
    leaf.map(|leaf| {
        Leaf::parse(&leaf)
            .map(|leaf| leaf.header().ts)
            .map_err(|error| corrupt("audit_entries", "leaf")(error.into()))
    })
    .transpose()
    .map_err(StoreError)
}

/// The first entry of the first `size` that may be at or after an instant: everything before it is earlier.
fn bisect(conn: &mut AnyConnection, no: i64, size: u64, at: OffsetDateTime) -> StoreResult<u64> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        // The pruned are the oldest.
        let before = instant_of(conn, no, middle)?.is_none_or(|ts| ts < at);
        if before {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The first entry at or after an instant, `size` when there is none.
fn first_at(conn: &mut AnyConnection, no: i64, size: u64, at: OffsetDateTime) -> StoreResult<u64> {
    let from = bisect(conn, no, size, at.saturating_sub(DISORDER))?;
    for index in from..size {
        if instant_of(conn, no, index)?.is_some_and(|ts| ts >= at) {
            return Ok(index);
        }
    }
    Ok(size)
}

/// The entry after the last one before an instant.
fn after_last(
    conn: &mut AnyConnection,
    no: i64,
    size: u64,
    at: OffsetDateTime,
) -> StoreResult<u64> {
    let mut index = bisect(conn, no, size, at.saturating_add(DISORDER))?;
    while index > 0 {
        if instant_of(conn, no, index - 1)?.is_none_or(|ts| ts < at) {
            break;
        }
        index -= 1;
    }
    Ok(index)
}

impl Database {
    /// The entries of a range, rising, at most 1,000; fewer where the log ends. Empty when there is no
    /// such log.
    ///
    /// # Errors
    /// What the database says.
    pub async fn record_entries(
        &self,
        organization: OrganizationId,
        range: Range<u64>,
    ) -> Result<Vec<RecordEntry>, RepositoryError> {
        self.scan(Scope::Organization(organization), move |conn| {
            let Some((no, size)) = log_no(conn, organization)? else {
                return Ok(Vec::new());
            };
            let end = range.end.min(size).min(range.start.saturating_add(STEP));
            load(conn, no, range.start.min(end)..end)
        })
        .await
    }

    /// Entries below a number (`None`: all), newest first: at most `limit` that the filter accepts, and
    /// at most about `examine` looked at; a block that is passed over counts as one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_entries(
        &self,
        organization: OrganizationId,
        filter: EntryFilter,
        below: Option<u64>,
        limit: usize,
        examine: u64,
    ) -> Result<EntryPage, RepositoryError> {
        self.scan(Scope::Organization(organization), move |conn| {
            find(conn, organization, &filter, below, limit, examine)
        })
        .await
    }

    /// The run of entries among the first `size` that holds all from one instant to before another.
    ///
    /// # Errors
    /// What the database says.
    pub async fn entries_between(
        &self,
        organization: OrganizationId,
        size: u64,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Range<u64>, RepositoryError> {
        self.scan(Scope::Organization(organization), move |conn| {
            let Some((no, _)) = log_no(conn, organization)? else {
                return Ok(0..0);
            };
            let start = first_at(conn, no, size, from)?;
            let end = after_last(conn, no, size, to)?;
            Ok(start..end.max(start))
        })
        .await
    }

    /// The entries below `size` whose leaves explain absences, rising.
    ///
    /// # Errors
    /// What the database says.
    pub async fn explaining_entries(
        &self,
        organization: OrganizationId,
        size: u64,
    ) -> Result<Vec<RecordEntry>, RepositoryError> {
        self.scan(Scope::Organization(organization), move |conn| {
            let Some((no, _)) = log_no(conn, organization)? else {
                return Ok(Vec::new());
            };
            let indexes: Vec<i64> = audit_explanations::table
                .filter(audit_explanations::organization_id.eq(Id(organization.uuid())))
                .filter(audit_explanations::audit_index.lt(signed(size)))
                .order(audit_explanations::audit_index)
                .select(audit_explanations::audit_index)
                .load(conn)?;
            let mut found = Vec::with_capacity(indexes.len());
            for index in indexes {
                let row: Option<Row> = audit_entries::table
                    .find(position(no, index))
                    .select(Row::as_select())
                    .get_result(conn)
                    .optional()?;
                found.extend(row.map(|row| row.read(no)).transpose()?);
            }
            // What a later prune deleted is explained by that prune.
            found.retain(|entry| entry.leaf.is_some());
            Ok(found)
        })
        .await
    }
}

fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &EntryFilter,
    below: Option<u64>,
    limit: usize,
    examine: u64,
) -> StoreResult<EntryPage> {
    let mut page = EntryPage {
        entries: Vec::new(),
        next: None,
    };
    let Some((no, size)) = log_no(conn, organization)? else {
        return Ok(page);
    };
    let mut end = below.unwrap_or(size).min(size);
    let mut start = 0;
    if let Some(to) = filter.to {
        end = end.min(after_last(conn, no, size, to)?);
    }
    if let Some(from) = filter.from {
        start = first_at(conn, no, size, from)?;
    }
    let mut blocks = Blocks::new(organization, filter);
    let mut budget = examine;
    while end > start && budget > 0 {
        let block = (end - 1) / WIDTH;
        let from = (block * WIDTH).max(start);
        if blocks.may_hold(conn, block)? {
            for entry in load(conn, no, from..end)?.into_iter().rev() {
                if filter.accepts(&entry) {
                    if page.entries.len() == limit {
                        page.next = Some(entry.index + 1);
                        return Ok(page);
                    }
                    page.entries.push(entry);
                }
            }
            budget = budget.saturating_sub(end - from);
        } else {
            budget = budget.saturating_sub(1);
        }
        end = from;
    }
    if end > start {
        page.next = Some(end);
    }
    Ok(page)
}
