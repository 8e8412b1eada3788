//! Whether the index of searches on PostgreSQL says what the texts say.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, SmallInt, Text};
use uuid::Uuid;

use super::grams::{Gram, grams};
use super::index::Source;
use super::postings::{Postings, place, positions_of};
use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::types::{AnyUuid, Id, Number};

/// How many texts are read at a time.
const PAGE: i64 = 1000;

/// What is known about one block of an organisation's rows.
type Block = BTreeMap<Gram, Postings>;

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = AnyUuid)]
    organization_id: Id,
    #[diesel(sql_type = BigInt)]
    block: i64,
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    search_text: String,
}

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = BigInt)]
    gram: i64,
    #[diesel(sql_type = Binary)]
    positions: Vec<u8>,
}

/// An organisation and what the index has wrong about it.
pub(crate) type Fault = (Uuid, String);

/// Makes the index anew, block by block, beside the one that is kept, and leaves out the rows that are
/// noted as not yet taken in. Answers how many texts there were, and what differs. On SQLite there is
/// nothing to look at.
pub(crate) fn faults(conn: &mut AnyConnection) -> StoreResult<(u64, Vec<Fault>)> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok((0, Vec::new()));
    };
    let (mut texts, mut faults) = (0, Vec::new());
    for source in Source::ALL {
        for one in places(conn, source)? {
            let noted = noted(conn, source, &one)?;
            let (count, found) = made(conn, source, &one, &noted)?;
            texts += count;
            let kept = kept(conn, source, &one, &noted)?;
            if found != kept {
                faults.push((one.organization_id.0, told(source, &one, &found, &kept)));
            }
        }
    }
    Ok((texts, faults))
}

fn places(conn: &mut PgConnection, source: Source) -> StoreResult<Vec<Place>> {
    let block = Postings::block_of("position");
    let query = format!(
        "SELECT organization_id, block FROM search_postings WHERE source = $1 \
         UNION SELECT organization_id, {block} FROM {} ORDER BY 1, 2",
        source.table()
    );
    let query = diesel::sql_query(query).bind::<SmallInt, _>(source.number());
    Ok(query.load(conn)?)
}

fn noted(conn: &mut PgConnection, source: Source, at: &Place) -> StoreResult<BTreeSet<u16>> {
    let (first, last) = positions_of(at.block);
    let query = "SELECT position AS number FROM search_pending \
                 WHERE organization_id = $1 AND source = $2 AND position BETWEEN $3 AND $4";
    let noted: Vec<Number> = diesel::sql_query(query)
        .bind::<AnyUuid, _>(at.organization_id)
        .bind::<SmallInt, _>(source.number())
        .bind::<BigInt, _>(first)
        .bind::<BigInt, _>(last)
        .load(conn)?;
    Ok(noted.into_iter().map(|row| place(row.number).1).collect())
}

/// The block as its texts have it.
fn made(
    conn: &mut PgConnection,
    source: Source,
    at: &Place,
    noted: &BTreeSet<u16>,
) -> StoreResult<(u64, Block)> {
    let (first, last) = positions_of(at.block);
    let (mut next, mut count, mut block) = (first, 0, Block::new());
    loop {
        let rows: Vec<TextRow> = diesel::sql_query(format!(
            "SELECT position, search_text FROM {} WHERE organization_id = $1 \
             AND position BETWEEN $2 AND $3 ORDER BY position LIMIT {PAGE}",
            source.table()
        ))
        .bind::<AnyUuid, _>(at.organization_id)
        .bind::<BigInt, _>(next)
        .bind::<BigInt, _>(last)
        .load(conn)?;
        let Some(end) = rows.last() else {
            return Ok((count, block));
        };
        next = end.position + 1;
        for row in rows {
            count += 1;
            let (_, within) = place(row.position);
            if !noted.contains(&within) {
                for gram in grams(&row.search_text) {
                    block.entry(gram).or_default().insert(within);
                }
            }
        }
    }
}

/// The block as it is kept.
fn kept(
    conn: &mut PgConnection,
    source: Source,
    at: &Place,
    noted: &BTreeSet<u16>,
) -> StoreResult<Block> {
    let query = "SELECT gram, positions FROM search_postings \
                 WHERE organization_id = $1 AND source = $2 AND block = $3";
    let rows: Vec<Kept> = diesel::sql_query(query)
        .bind::<AnyUuid, _>(at.organization_id)
        .bind::<SmallInt, _>(source.number())
        .bind::<BigInt, _>(at.block)
        .load(conn)?;
    let mut block = Block::new();
    for row in rows {
        let mut postings = Postings::from_bytes(&row.positions);
        for place in noted {
            postings.remove(*place);
        }
        if !postings.is_empty() {
            block.insert(row.gram, postings);
        }
    }
    Ok(block)
}

fn told(source: Source, at: &Place, made: &Block, kept: &Block) -> String {
    let grams: BTreeSet<&Gram> = made.keys().chain(kept.keys()).collect();
    let wrong = grams.iter().filter(|gram| made.get(gram) != kept.get(gram));
    let (first, last) = positions_of(at.block);
    format!(
        "the index of {} has {} pieces of words wrong between the positions {first} and {last}",
        source.table(),
        wrong.count()
    )
}
