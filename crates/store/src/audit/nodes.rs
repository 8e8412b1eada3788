//! The stored hashes of logs, for proofs: every fourth level of the tree, and the leaf hashes.
//!
//! Logs from before the levels between tiles were stored lack those of their first `sparse` leaves. Proofs are made
//! from the tiles there, and a worker brings the hashes up from the end backwards.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Integer};
use diesel::sqlite::Sqlite;
use probity_kernel::{OrganizationId, RepositoryError};
use probity_ledger::{Frontier, Hash, HashReader as _, STORED_STEP, Span, StoredHash, TILE_HEIGHT};

use super::{StoredHashes, signed};
use crate::connection::AnyConnection;
use crate::database::Database;
use crate::error::{StoreError, StoreResult};
use crate::record::position;
use crate::schema::audit_heads;
use crate::statement::statement;
use crate::turn::Tx;
use crate::types::{AnyUuid, Id};

/// Of how many leaves one step brings the hashes up: those below one hash of level 12.
const STEP: i64 = 4096;

/// Keeps hashes that an append completed.
pub(crate) fn insert(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    completed: &[StoredHash],
) -> StoreResult<()> {
    let organization = Id(organization.uuid());
    match conn {
        AnyConnection::Sqlite(c) => {
            for node in completed {
                InsertNode {
                    organization,
                    level: node.level.into(),
                    index: signed(node.index),
                    hash: node.hash.as_bytes(),
                }
                .execute(c)?;
            }
        }
        AnyConnection::Postgres(_) if completed.is_empty() => {}
        AnyConnection::Postgres(c) => {
            let all = completed.iter();
            let hashes = all.clone().map(|node| &node.hash.as_bytes()[..]);
            InsertNodes {
                organization,
                levels: all.clone().map(|node| node.level.into()).collect(),
                indexes: all.map(|node| signed(node.index)).collect(),
                hashes: hashes.collect(),
            }
            .execute(c)?;
        }
    }
    Ok(())
}

statement! {
    /// Keeps one hash.
    struct InsertNode<'a> for (Sqlite as SqliteConnection) {
        "INSERT INTO audit_nodes (organization_id, level, node_index, hash) VALUES ("
        organization: Id as AnyUuid,
        ", " level: i32 as Integer,
        ", " index: i64 as BigInt,
        ", " hash: &'a [u8] as Binary; ")"
    }
}

statement! {
    /// Keeps many hashes.
    struct InsertNodes<'a> for (Pg as PgConnection) {
        "INSERT INTO audit_nodes (organization_id, level, node_index, hash) SELECT "
        organization: Id as AnyUuid,
        ", n.* FROM UNNEST (" levels: Vec<i32> as Array<Integer>,
        ", " indexes: Vec<i64> as Array<BigInt>,
        ", " hashes: Vec<&'a [u8]> as Array<Binary>; ") n"
    }
}

/// What a hash is read under: its level and its index.
type Key = (i32, i64);

/// The hashes of spans of a log, each as far as it is stored.
pub(super) fn read(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    no: i64,
    spans: &[Span],
) -> Result<Vec<Vec<Hash>>, RepositoryError> {
    let rows = match conn {
        AnyConnection::Sqlite(c) => read_each(c, organization, no, spans),
        AnyConnection::Postgres(c) => read_together(c, organization, no, spans),
    };
    let rows = rows.map_err(|error| StoreError::from(error).0)?;
    let mut found: HashMap<Key, Hash> = HashMap::with_capacity(rows.len());
    for (level, index, hash) in rows {
        found.insert((level, index), super::hash("audit_nodes", &hash)?);
    }
    let of_span = |span: &Span| {
        let indexes = span.range.clone();
        let keys = indexes.map(|index| (i32::from(span.level), signed(index)));
        keys.filter_map(|key| found.get(&key).copied()).collect()
    };
    Ok(spans.iter().map(of_span).collect())
}

type Row = (i32, i64, Vec<u8>);

fn bounds(span: &Span) -> (i64, i64) {
    (signed(span.range.start), signed(span.range.end))
}

/// A statement for each span, none of which leaves this process.
fn read_each(
    conn: &mut SqliteConnection,
    organization: OrganizationId,
    no: i64,
    spans: &[Span],
) -> QueryResult<Vec<Row>> {
    let organization = Id(organization.uuid());
    let mut rows = Vec::new();
    for span in spans {
        let (first, end) = bounds(span);
        let read: Vec<Row> = if span.level == 0 {
            ReadLeaves {
                start: &position(no, 0),
                first: &position(no, first),
                end: &position(no, end),
            }
            .load(conn)?
        } else {
            ReadNodes {
                organization: &organization,
                level: span.level.into(),
                first,
                end,
            }
            .load(conn)?
        };
        rows.extend(read);
    }
    Ok(rows)
}

statement! {
    /// The leaf hashes of one span.
    struct ReadLeaves<'a> for (Sqlite as SqliteConnection) {
        "SELECT 0, position - " start: &'a i64 as BigInt,
        ", leaf_hash FROM audit_entries WHERE position >= " first: &'a i64 as BigInt,
        " AND position < " end: &'a i64 as BigInt; "" => (Integer, BigInt, Binary)
    }
}

statement! {
    /// The stored hashes of one span.
    struct ReadNodes<'a> for (Sqlite as SqliteConnection) {
        "SELECT level, node_index, hash FROM audit_nodes WHERE organization_id = " organization: &'a Id as AnyUuid,
        " AND level = " level: i32 as Integer,
        " AND node_index >= " first: i64 as BigInt,
        " AND node_index < " end: i64 as BigInt; "" => (Integer, BigInt, Binary)
    }
}

/// At most two statements, each of which is a way to the database and back.
fn read_together(
    conn: &mut PgConnection,
    organization: OrganizationId,
    no: i64,
    spans: &[Span],
) -> QueryResult<Vec<Row>> {
    let (leaves, nodes): (Vec<&Span>, Vec<&Span>) = spans.iter().partition(|span| span.level == 0);
    let mut rows = Vec::new();
    if !nodes.is_empty() {
        let levels: Vec<i32> = nodes.iter().map(|span| span.level.into()).collect();
        let (firsts, ends): (Vec<i64>, Vec<i64>) = nodes.into_iter().map(bounds).unzip();
        rows = ReadManyNodes {
            levels: &levels,
            firsts: &firsts,
            ends: &ends,
            organization: Id(organization.uuid()),
        }
        .load(conn)?;
    }
    if !leaves.is_empty() {
        let places = leaves.into_iter().map(bounds);
        let places = places.map(|(first, end)| (position(no, first), position(no, end)));
        let (firsts, ends): (Vec<i64>, Vec<i64>) = places.unzip();
        let read: Vec<Row> = ReadManyLeaves {
            start: position(no, 0),
            firsts: &firsts,
            ends: &ends,
        }
        .load(conn)?;
        rows.extend(read);
    }
    Ok(rows)
}

statement! {
    /// The leaf hashes of many spans: a look into the key for each.
    struct ReadManyLeaves<'a> for (Pg as PgConnection) {
        "SELECT 0, e.position - " start: i64 as BigInt,
        ", e.leaf_hash FROM UNNEST (" firsts: &'a [i64] as Array<BigInt>,
        ", " ends: &'a [i64] as Array<BigInt>;
        ") s (first_one, end_one) CROSS JOIN LATERAL (SELECT position, leaf_hash FROM audit_entries \
         WHERE position >= s.first_one AND position < s.end_one OFFSET 0) e" => (Integer, BigInt, Binary)
    }
}

statement! {
    /// The stored hashes of many spans: a look into the key for each.
    struct ReadManyNodes<'a> for (Pg as PgConnection) {
        "SELECT n.level, n.node_index, n.hash FROM UNNEST (" levels: &'a [i32] as Array<Integer>,
        ", " firsts: &'a [i64] as Array<BigInt>,
        ", " ends: &'a [i64] as Array<BigInt>,
        ") s (at_level, first_one, end_one) CROSS JOIN LATERAL (SELECT level, node_index, hash FROM audit_nodes \
         WHERE organization_id = " organization: Id as AnyUuid;
        " AND level = s.at_level AND node_index >= s.first_one AND node_index < s.end_one OFFSET 0) n"
         => (Integer, BigInt, Binary)
    }
}

/// Of how many leaves at the start of a log the levels between tiles are not stored.
pub(crate) fn sparse(conn: &mut AnyConnection, organization: OrganizationId) -> StoreResult<i64> {
    let found: Option<i64> = audit_heads::table
        .find(Id(organization.uuid()))
        .select(audit_heads::sparse)
        .get_result(conn)
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Brings up the hashes of the last step of leaves that lack them; answers of how many leaves.
fn bring_up(tx: &mut Tx<'_>, organization: OrganizationId) -> StoreResult<u64> {
    let end = sparse(tx.conn, organization)?;
    if end == 0 {
        return Ok(0);
    }
    let no = tx.organization_no()?;
    let start = (end - 1) / STEP * STEP;
    let (first, last) = (start.unsigned_abs(), end.unsigned_abs());
    let stored = StoredHashes::new(tx.conn, organization, no);
    let leaves = stored.read(0, first..last).map_err(StoreError)?;
    let mut missing: Vec<StoredHash> = Frontier::new().append_batch(&leaves);
    missing.retain(|node| !node.level.is_multiple_of(TILE_HEIGHT));
    for node in &mut missing {
        node.index += first >> node.level;
    }
    missing.extend(above(&stored, first).map_err(StoreError)?);
    insert(tx.writing(), organization, &missing)?;
    diesel::update(audit_heads::table.find(Id(organization.uuid())))
        .set(audit_heads::sparse.eq(start))
        .execute(tx.writing())?;
    Ok(last - first)
}

/// The hashes of higher levels between tiles that begin at a leaf and are complete, but not stored.
fn above(stored: &StoredHashes<'_>, first: u64) -> Result<Vec<StoredHash>, RepositoryError> {
    let mut missing = Vec::new();
    for tiles in
        (2 * TILE_HEIGHT..u8::try_from(u64::BITS).unwrap_or(64)).step_by(TILE_HEIGHT.into())
    {
        let level = tiles + STORED_STEP;
        let index = first >> level;
        if index << level != first {
            break;
        }
        let below = index << STORED_STEP;
        let hashes = stored.read(tiles, below..below + (1 << STORED_STEP))?;
        let there = !stored.read(level, index..index + 1)?.is_empty();
        if hashes.len() < 1 << STORED_STEP || there {
            continue;
        }
        missing.push(StoredHash {
            level,
            index,
            hash: Frontier::from_leaves(hashes).root(),
        });
    }
    Ok(missing)
}

impl Database {
    /// Stores hashes that a log from before this release lacks, of some thousand leaves at a time; answers of how
    /// many leaves. Blocks meanwhile.
    ///
    /// # Errors
    /// `Unavailable` after [`drain`](Self::drain), and what the database says.
    pub fn bring_up_hashes(&self, organization: OrganizationId) -> Result<u64, RepositoryError> {
        if self.system_read(|conn| sparse(conn, organization))? == 0 {
            return Ok(0);
        }
        self.write_blocking(organization, move |tx| bring_up(tx, organization))
    }
}
