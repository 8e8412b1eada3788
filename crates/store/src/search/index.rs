//! The index of searches on PostgreSQL: row-level security keeps `LIKE` from every index that there is
//! for it, but not equality from an index on pieces of words. See ADR 37.
//!
//! `search_postings` says in which rows of a block a piece occurs. Triggers note in `search_pending`
//! which rows have another text than the index knows, with the text that it does know; a worker brings
//! the index up behind the writers. A search looks at what the index finds and at all that is noted.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, SmallInt, Text};
use probity_kernel::{OrganizationId, RepositoryError};

use super::grams::{Gram, asked, grams};
use super::postings::{Postings, place};
use crate::connection::AnyConnection;
use crate::database::Database;
use crate::error::StoreResult;
use crate::types::{AnyUuid, Id, Number};

/// Where texts are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Products,
    Inventory,
}

impl Source {
    pub(crate) const ALL: [Self; 2] = [Self::Products, Self::Inventory];

    pub(super) const fn number(self) -> i16 {
        match self {
            Self::Products => 1,
            Self::Inventory => 2,
        }
    }

    /// The table of the texts.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Products => "product_search",
            Self::Inventory => "registered_models",
        }
    }
}

/// How many rows may be noted before a search rather reads all texts.
const MOST_NOTED: i64 = 8192;
/// How many rows of what is found make it cheaper to read all texts.
const MOST_FOUND: usize = 20_000;
/// How many noted rows the index takes in at a time, and how many bytes of their texts.
const STEP: i64 = 2048;
const STEP_BYTES: usize = 1 << 20;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    gram: i64,
    #[diesel(sql_type = BigInt)]
    block: i64,
    #[diesel(sql_type = Binary)]
    positions: Vec<u8>,
}

/// The positions of all rows that may hold the words, in order; each has still to be compared with
/// them. `None` where the index is of no help: on SQLite, which has its own, for single letters, and
/// where it finds so much that reading every text is no slower.
pub(crate) fn candidates(
    conn: &mut AnyConnection,
    source: Source,
    organization: OrganizationId,
    words: &[String],
) -> StoreResult<Option<Vec<i64>>> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(None);
    };
    let Some(asked) = asked(words) else {
        return Ok(None);
    };
    let Some(noted) = noted(conn, source, organization)? else {
        return Ok(None);
    };
    let found = intersection(rows(conn, source, organization, &asked, None)?, asked.len());
    let all: usize = found.values().map(Postings::len).sum();
    if all > MOST_FOUND {
        return Ok(None);
    }
    let found = found
        .iter()
        .flat_map(|(block, found)| found.positions(*block));
    let positions: BTreeSet<i64> = found.chain(noted).collect();
    Ok(Some(positions.into_iter().collect()))
}

/// Positions as an array of the statement's text.
pub(crate) fn array(positions: &[i64]) -> String {
    let numbers: Vec<String> = positions.iter().map(ToString::to_string).collect();
    format!("'{{{}}}'::bigint[]", numbers.join(","))
}

/// The rows that the index does not know as they are; `None` when these are too many.
fn noted(
    conn: &mut PgConnection,
    source: Source,
    organization: OrganizationId,
) -> StoreResult<Option<Vec<i64>>> {
    let query = "SELECT position AS number FROM search_pending \
                 WHERE organization_id = $1 AND source = $2 LIMIT $3";
    let noted: Vec<Number> = diesel::sql_query(query)
        .bind::<AnyUuid, _>(Id(organization.uuid()))
        .bind::<SmallInt, _>(source.number())
        .bind::<BigInt, _>(MOST_NOTED + 1)
        .load(conn)?;
    let few = i64::try_from(noted.len()).is_ok_and(|count| count <= MOST_NOTED);
    Ok(few.then(|| noted.into_iter().map(|row| row.number).collect()))
}

/// What the index knows of some pieces, in all blocks or in these.
fn rows(
    conn: &mut PgConnection,
    source: Source,
    organization: OrganizationId,
    grams: &[Gram],
    blocks: Option<&[i64]>,
) -> StoreResult<Vec<Row>> {
    let within = if blocks.is_some() {
        " AND block = ANY($4)"
    } else {
        ""
    };
    let query = diesel::sql_query(format!(
        "SELECT gram, block, positions FROM search_postings \
         WHERE organization_id = $1 AND source = $2 AND gram = ANY($3){within}"
    ))
    .into_boxed()
    .bind::<AnyUuid, _>(Id(organization.uuid()))
    .bind::<SmallInt, _>(source.number())
    .bind::<Array<BigInt>, _>(grams.to_vec());
    Ok(match blocks {
        Some(blocks) => query.bind::<Array<BigInt>, _>(blocks.to_vec()).load(conn)?,
        None => query.load(conn)?,
    })
}

/// What has all of so many pieces, by block.
fn intersection(rows: Vec<Row>, wanted: usize) -> BTreeMap<i64, Postings> {
    let mut found: BTreeMap<i64, (usize, Postings)> = BTreeMap::new();
    for row in rows {
        let one = Postings::from_bytes(&row.positions);
        match found.get_mut(&row.block) {
            Some((pieces, all)) => {
                *pieces += 1;
                all.intersect(&one);
            }
            None => {
                found.insert(row.block, (1, one));
            }
        }
    }
    found.retain(|_, (pieces, all)| *pieces == wanted && !all.is_empty());
    let postings = |(block, (_, all))| (block, all);
    found.into_iter().map(postings).collect()
}

#[derive(QueryableByName)]
struct Noted {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Nullable<Text>)]
    known: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

/// What becomes of the rows of one block that had or have a piece.
#[derive(Default)]
struct Moves {
    gone: Vec<u16>,
    come: Vec<u16>,
}

/// Takes some of what is noted into the index; answers how many rows.
pub(crate) fn take_in(
    conn: &mut AnyConnection,
    source: Source,
    organization: OrganizationId,
) -> StoreResult<usize> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(0);
    };
    let noted = take_noted(conn, source, organization)?;
    let mut moves: BTreeMap<(Gram, i64), Moves> = BTreeMap::new();
    for row in &noted {
        let (block, within) = place(row.position);
        let known = row.known.as_deref().map(grams).unwrap_or_default();
        let now = row.text.as_deref().map(grams).unwrap_or_default();
        for gram in known.difference(&now) {
            moves.entry((*gram, block)).or_default().gone.push(within);
        }
        for gram in now.difference(&known) {
            moves.entry((*gram, block)).or_default().come.push(within);
        }
    }
    keep(conn, source, organization, moves)?;
    let positions: Vec<i64> = noted.iter().map(|row| row.position).collect();
    diesel::sql_query(
        "DELETE FROM search_pending \
         WHERE organization_id = $1 AND source = $2 AND position = ANY($3)",
    )
    .bind::<AnyUuid, _>(Id(organization.uuid()))
    .bind::<SmallInt, _>(source.number())
    .bind::<Array<BigInt>, _>(positions)
    .execute(conn)?;
    Ok(noted.len())
}

/// The first rows that are noted, as many as one step takes.
fn take_noted(
    conn: &mut PgConnection,
    source: Source,
    organization: OrganizationId,
) -> StoreResult<Vec<Noted>> {
    let mut noted: Vec<Noted> = diesel::sql_query(format!(
        "SELECT p.position, p.known_text AS known, t.search_text AS text FROM (\
         SELECT position, known_text FROM search_pending \
         WHERE organization_id = $1 AND source = $2 ORDER BY position LIMIT $3) p \
         LEFT JOIN {} t ON t.position = p.position ORDER BY p.position",
        source.table()
    ))
    .bind::<AnyUuid, _>(Id(organization.uuid()))
    .bind::<SmallInt, _>(source.number())
    .bind::<BigInt, _>(STEP)
    .load(conn)?;
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let mut bytes = 0;
    let few = noted.iter().take_while(|row| {
        let before = bytes;
        bytes += length(&row.known) + length(&row.text);
        before < STEP_BYTES
    });
    let few = few.count();
    noted.truncate(few);
    Ok(noted)
}

/// Writes what has moved into the index.
fn keep(
    conn: &mut PgConnection,
    source: Source,
    organization: OrganizationId,
    moves: BTreeMap<(Gram, i64), Moves>,
) -> StoreResult<()> {
    let distinct = |pick: fn(&(Gram, i64)) -> i64| -> Vec<i64> {
        let all: BTreeSet<i64> = moves.keys().map(pick).collect();
        all.into_iter().collect()
    };
    let (pieces, blocks) = (distinct(|key| key.0), distinct(|key| key.1));
    let mut kept: BTreeMap<(Gram, i64), Postings> =
        rows(conn, source, organization, &pieces, Some(&blocks))?
            .into_iter()
            .map(|row| ((row.gram, row.block), Postings::from_bytes(&row.positions)))
            .collect();
    let (mut grams, mut blocks, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (key, Moves { gone, come }) in moves {
        let mut postings = kept.remove(&key).unwrap_or_default();
        for place in gone {
            postings.remove(place);
        }
        for place in come {
            postings.insert(place);
        }
        grams.push(key.0);
        blocks.push(key.1);
        values.push(postings.to_bytes());
    }
    diesel::sql_query(
        "INSERT INTO search_postings (organization_id, source, gram, block, positions) \
         SELECT $1, $2, * FROM UNNEST ($3, $4, $5) \
         ON CONFLICT (organization_id, source, gram, block) DO UPDATE SET positions = excluded.positions",
    )
    .bind::<AnyUuid, _>(Id(organization.uuid()))
    .bind::<SmallInt, _>(source.number())
    .bind::<Array<BigInt>, _>(grams)
    .bind::<Array<BigInt>, _>(blocks)
    .bind::<Array<Binary>, _>(values)
    .execute(conn)?;
    Ok(())
}

/// Takes in all that is noted, so that nothing of texts that are gone is left.
pub(crate) fn take_in_all(
    conn: &mut AnyConnection,
    organization: OrganizationId,
) -> StoreResult<()> {
    for source in Source::ALL {
        while take_in(conn, source, organization)? > 0 {}
    }
    Ok(())
}

impl Database {
    /// The organisations whose index of searches is more than so many rows behind. Blocks meanwhile.
    /// None on SQLite, whose index is never behind.
    ///
    /// # Errors
    /// What the database says.
    pub fn searches_behind(&self, rows: i64) -> Result<Vec<OrganizationId>, RepositoryError> {
        #[derive(QueryableByName)]
        struct Behind {
            #[diesel(sql_type = AnyUuid)]
            organization_id: Id,
        }
        self.system_read(|conn| {
            let AnyConnection::Postgres(conn) = conn else {
                return Ok(Vec::new());
            };
            let behind: Vec<Behind> = diesel::sql_query(
                "SELECT organization_id FROM search_pending \
                 GROUP BY organization_id, source HAVING COUNT(*) > $1",
            )
            .bind::<BigInt, _>(rows)
            .load(conn)?;
            let found: BTreeSet<Id> = behind.into_iter().map(|row| row.organization_id).collect();
            Ok(found
                .into_iter()
                .map(|id| OrganizationId::new(id.0))
                .collect())
        })
    }

    /// Takes some texts that have changed into an organisation's index of searches; answers how many.
    /// Blocks meanwhile.
    ///
    /// # Errors
    /// `Unavailable` after [`drain`](Self::drain), and what the database says.
    pub fn index_searches(&self, organization: OrganizationId) -> Result<usize, RepositoryError> {
        self.write_blocking(organization, move |tx| {
            let mut taken = 0;
            for source in Source::ALL {
                taken += take_in(tx.writing(), source, organization)?;
            }
            Ok(taken)
        })
    }
}
