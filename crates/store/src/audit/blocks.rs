//! What blocks of entries say, as Bloom filters, so that a search passes over those that cannot hold what it looks for.
//!
//! An index over every entry would cost each writer some insertions; a filter over 256 entries costs one, made by a worker. What
//! has no filter yet is searched entry by entry, so a search never misses anything.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use probity_kernel::{OrganizationId, RepositoryError};
use probity_ledger::{Hash, Leaf};
use serde_json::Value;

use super::entries::{EntryFilter, RecordEntry, load};
use super::signed;
use crate::connection::{AnyConnection, on_backend};
use crate::database::Database;
use crate::error::StoreResult;
use crate::past;
use crate::schema::{audit_blocks, audit_heads};
use crate::turn::Tx;
use crate::types::Id;

/// How many entries one filter speaks of.
pub(super) const WIDTH: u64 = 256;
/// The bytes of a filter: with the few hundred things that 256 entries say, one look-up in a thousand is wrong.
const BYTES: usize = 1024;
/// How many bits each thing sets.
const PROBES: usize = 6;
/// How many filters one statement reads.
const AHEAD: u64 = 512;
/// Which members of the actor's slot name who acted.
pub(super) const ACTOR_NAMES: [&str; 3] = ["id", "subject", "name"];

/// The bits of one thing that an entry says.
type Bits = [usize; PROBES];

fn bits(kind: &str, parts: &[&str]) -> Bits {
    let mut text = kind.as_bytes().to_vec();
    for part in parts {
        text.push(0);
        text.extend_from_slice(part.as_bytes());
    }
    let hash = Hash::leaf(&text);
    let mut words = hash.as_bytes().as_chunks::<4>().0.iter();
    [(); PROBES].map(|()| {
        let word = words.next().map_or(0, |word| u32::from_be_bytes(*word));
        usize::try_from(word).unwrap_or(0) % (BYTES * 8)
    })
}

/// What one entry says that can be searched for.
fn said(entry: &RecordEntry) -> Vec<Bits> {
    let Some(Ok(leaf)) = entry.leaf.as_deref().map(Leaf::parse) else {
        return Vec::new();
    };
    let header = leaf.header();
    let mut said = vec![
        bits("action", &[header.action]),
        bits("type", &[header.target.kind]),
        bits("target", &[header.target.id]),
    ];
    let actor = entry.actor.as_ref();
    let actor: Option<Value> = actor.and_then(|slot| serde_json::from_slice(&slot.bytes).ok());
    for name in ACTOR_NAMES {
        let found = actor.as_ref().and_then(|actor| actor.get(name)?.as_str());
        if let Some(who) = found {
            said.push(bits("actor", &[who]));
            said.push(bits("deed", &[who, header.action]));
        }
    }
    said
}

/// What a search looks for: all of it has to be in a block.
fn wanted(filter: &EntryFilter) -> Vec<Bits> {
    let mut wanted = Vec::new();
    let (action, actor) = (filter.action.as_deref(), filter.actor.as_deref());
    for (kind, text) in [
        ("action", action),
        ("type", filter.target_type.as_deref()),
        ("target", filter.target_id.as_deref()),
        ("actor", actor),
    ] {
        wanted.extend(text.map(|text| bits(kind, &[text])));
    }
    // Each alone may be in every block.
    wanted.extend(
        actor
            .zip(action)
            .map(|(who, action)| bits("deed", &[who, action])),
    );
    wanted
}

fn has(words: &[u8], bits: &Bits) -> bool {
    let mut places = bits.iter();
    places.all(|bit| {
        words
            .get(bit / 8)
            .is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
    })
}

fn filter_of<'a>(entries: impl IntoIterator<Item = &'a RecordEntry>) -> Vec<u8> {
    let mut words = vec![0_u8; BYTES];
    for bit in entries.into_iter().flat_map(said).flatten() {
        if let Some(byte) = words.get_mut(bit / 8) {
            *byte |= 1 << (bit % 8);
        }
    }
    words
}

/// The filters of a log as a search meets them, from the end backwards.
pub(super) struct Blocks {
    organization: Id,
    wanted: Vec<Bits>,
    /// The first block that was read.
    read_from: u64,
    /// Those that have a filter, and whether it admits what is wanted.
    known: BTreeMap<u64, bool>,
}

impl Blocks {
    pub(super) fn new(organization: OrganizationId, filter: &EntryFilter) -> Self {
        Self {
            organization: Id(organization.uuid()),
            wanted: wanted(filter),
            read_from: u64::MAX,
            known: BTreeMap::new(),
        }
    }

    /// Whether a block may hold what is wanted.
    pub(super) fn may_hold(&mut self, conn: &mut AnyConnection, block: u64) -> StoreResult<bool> {
        if self.wanted.is_empty() {
            return Ok(true);
        }
        if block < self.read_from {
            self.read(conn, block)?;
        }
        Ok(self.known.get(&block).copied().unwrap_or(true))
    }

    fn read(&mut self, conn: &mut AnyConnection, last: u64) -> StoreResult<()> {
        let first = (last + 1).saturating_sub(AHEAD);
        let rows: Vec<(i64, Vec<u8>)> = audit_blocks::table
            .filter(audit_blocks::organization_id.eq(self.organization))
            .filter(audit_blocks::block.ge(signed(first)))
            .filter(audit_blocks::block.le(signed(last)))
            .select((audit_blocks::block, audit_blocks::words))
            .load(conn)?;
        self.known.clear();
        for (block, words) in rows {
            let admits = self.wanted.iter().all(|bits| has(&words, bits));
            self.known
                .insert(u64::try_from(block).unwrap_or(u64::MAX), admits);
        }
        self.read_from = first;
        Ok(())
    }
}

/// Forgets the filters of blocks whose entries no longer say all that they did; a worker makes them anew.
pub(crate) fn forget(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    indexes: impl IntoIterator<Item = i64>,
) -> StoreResult<()> {
    let key = Id(organization.uuid());
    let mut blocks: Vec<i64> = indexes.into_iter().map(block_of).collect();
    blocks.dedup();
    for block in &blocks {
        diesel::delete(audit_blocks::table.find((key, *block))).execute(conn)?;
    }
    let Some(first) = blocks.into_iter().min() else {
        return Ok(());
    };
    let head = audit_heads::table.filter(audit_heads::organization_id.eq(key));
    diesel::update(head.filter(audit_heads::indexed.gt(first)))
        .set(audit_heads::indexed.eq(first))
        .execute(conn)?;
    Ok(())
}

/// The block of an entry.
pub(crate) const fn block_of(index: i64) -> i64 {
    index / WIDTH.cast_signed()
}

/// A log whose entries are to be indexed.
struct Waiting {
    no: i64,
    size: i64,
    /// All blocks below this one have been looked at.
    indexed: i64,
}

/// What there is to index; the head alone tells, so that a round with nothing to do reads no block.
fn waiting(conn: &mut AnyConnection, organization: OrganizationId) -> StoreResult<Option<Waiting>> {
    let head: Option<(i64, i64, i64)> = audit_heads::table
        .find(Id(organization.uuid()))
        .select((audit_heads::no, audit_heads::size, audit_heads::indexed))
        .get_result(conn)
        .optional()?;
    let log = head.map(|(no, size, indexed)| Waiting { no, size, indexed });
    Ok(log.filter(|log| log.indexed < block_of(log.size)))
}

/// The full blocks without a filter, the first of them.
fn missing(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    log: &Waiting,
    limit: usize,
) -> StoreResult<Vec<i64>> {
    let kept = block_of(past::floor(conn, log.no, log.size)?);
    let (first, end) = (log.indexed.max(kept), block_of(log.size));
    let there: Vec<i64> = audit_blocks::table
        .filter(audit_blocks::organization_id.eq(Id(organization.uuid())))
        .filter(audit_blocks::block.ge(first))
        .order(audit_blocks::block)
        .select(audit_blocks::block)
        .load(conn)?;
    let mut there = there.into_iter().peekable();
    let gaps = (first..end).filter(|block| there.next_if_eq(block).is_none());
    Ok(gaps.take(limit).collect())
}

fn make(tx: &mut Tx<'_>, organization: OrganizationId, limit: usize) -> StoreResult<usize> {
    let Some(log) = waiting(tx.conn, organization)? else {
        return Ok(0);
    };
    let blocks = missing(tx.conn, organization, &log, limit)?;
    for block in &blocks {
        let first = block.unsigned_abs() * WIDTH;
        let entries = load(tx.conn, log.no, first..first + WIDTH)?;
        let row = (
            audit_blocks::organization_id.eq(Id(organization.uuid())),
            audit_blocks::block.eq(*block),
            audit_blocks::words.eq(filter_of(&entries)),
        );
        on_backend!(tx.writing(), |c| {
            diesel::insert_into(audit_blocks::table)
                .values(row)
                .on_conflict((audit_blocks::organization_id, audit_blocks::block))
                .do_update()
                .set(audit_blocks::words.eq(excluded(audit_blocks::words)))
                .execute(c)
        })?;
    }
    let through = blocks.len() < limit;
    let last = blocks.last().filter(|_| !through);
    let indexed = last.map_or(block_of(log.size), |last| last + 1);
    diesel::update(audit_heads::table.find(Id(organization.uuid())))
        .set(audit_heads::indexed.eq(indexed))
        .execute(tx.writing())?;
    Ok(blocks.len())
}

impl Database {
    /// Makes filters of blocks of entries that have none, `limit` at most; answers how many. Blocks meanwhile.
    ///
    /// # Errors
    /// `Unavailable` after [`drain`](Self::drain), and what the database says.
    pub fn index_entries(
        &self,
        organization: OrganizationId,
        limit: usize,
    ) -> Result<usize, RepositoryError> {
        // Most rounds find nothing to do, which takes no turn in the lane to learn.
        if self
            .system_read(|conn| waiting(conn, organization))?
            .is_none()
        {
            return Ok(0);
        }
        self.write_blocking(organization, move |tx| make(tx, organization, limit))
    }
}
