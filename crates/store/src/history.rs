//! In whose histories the leaves of a record stand, and those histories read back.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use probity_custody::{HistoryEntry, HistoryQuery, HistoryRepository, changes_of};
use probity_kernel::{Cursor, OrganizationId, Page, PageRequest, Paging, RepositoryError, Trail};
use probity_ledger::Leaf;
use serde_json::Value;

use crate::connection::{AnyConnection, MultiBackend, Scope};
use crate::database::Database;
use crate::error::{StoreResult, corrupt};
use crate::listing::page_of;
use crate::record::position;
use crate::schema::{audit_entries as entries, audit_heads, audit_subjects as subjects};
use crate::statement::statement;
use crate::types::{AnyUuid, Id};

/// Notes in whose histories leaves stand; a thing that a leaf moves more than once is noted once.
pub(crate) fn insert(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    trails: &[(i64, Trail)],
) -> StoreResult<()> {
    if trails.is_empty() {
        return Ok(());
    }
    let organization = Id(organization.uuid());
    match conn {
        AnyConnection::Sqlite(c) => {
            for (audit_index, trail) in trails {
                InsertSubject {
                    organization,
                    kind: trail.subject.kind,
                    subject: Id(trail.subject.id),
                    audit_index: *audit_index,
                    product: trail.product.map(|product| Id(product.uuid())),
                }
                .execute(c)?;
            }
        }
        AnyConnection::Postgres(c) => {
            let all = trails.iter();
            InsertSubjects {
                organization,
                kinds: all.clone().map(|(_, trail)| trail.subject.kind).collect(),
                subjects: all.clone().map(|(_, trail)| Id(trail.subject.id)).collect(),
                audit_indexes: all.clone().map(|(index, _)| *index).collect(),
                products: all
                    .map(|(_, trail)| trail.product.map(|product| Id(product.uuid())))
                    .collect(),
            }
            .execute(c)?;
        }
    }
    Ok(())
}

statement! {
    /// Notes one thing.
    struct InsertSubject<'a> for (Sqlite as SqliteConnection) {
        "INSERT OR IGNORE INTO audit_subjects (organization_id, kind, subject_id, audit_index, product_id) \
         VALUES (" organization: Id as AnyUuid,
        ", " kind: &'a str as Text,
        ", " subject: Id as AnyUuid,
        ", " audit_index: i64 as BigInt,
        ", " product: Option<Id> as Nullable<AnyUuid>; ")"
    }
}

statement! {
    /// Notes many things.
    struct InsertSubjects<'a> for (Pg as PgConnection) {
        "INSERT INTO audit_subjects (organization_id, kind, subject_id, audit_index, product_id) \
         SELECT " organization: Id as AnyUuid,
        ", s.* FROM UNNEST (" kinds: Vec<&'a str> as Array<Text>,
        ", " subjects: Vec<Id> as Array<AnyUuid>,
        ", " audit_indexes: Vec<i64> as Array<BigInt>,
        ", " products: Vec<Option<Id>> as Array<Nullable<AnyUuid>>; ") s ON CONFLICT DO NOTHING"
    }
}

/// The histories over Diesel.
#[derive(Debug, Clone)]
pub struct DieselHistory {
    database: Database,
}

impl DieselHistory {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl HistoryRepository for DieselHistory {
    async fn history(
        &self,
        organization: OrganizationId,
        query: &HistoryQuery,
        page: &PageRequest,
    ) -> Result<Page<HistoryEntry>, RepositoryError> {
        let (query, page) = (*query, page.clone());
        self.database
            .points(Scope::Organization(organization), move |conn| {
                list(conn, organization, &query, &page)
            })
            .await
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = entries)]
struct EntryRow {
    position: i64,
    leaf: Option<Vec<u8>>,
    actor: Option<Vec<u8>>,
    detail: Option<Vec<u8>>,
}

fn matching<'a>(
    organization: OrganizationId,
    query: &HistoryQuery,
) -> subjects::BoxedQuery<'a, MultiBackend> {
    let found = subjects::table
        .filter(subjects::organization_id.eq(Id(organization.uuid())))
        .filter(subjects::kind.eq(query.subject.kind))
        .filter(subjects::subject_id.eq(Id(query.subject.id)))
        .into_boxed::<MultiBackend>();
    match query.product {
        Some(product) => found.filter(subjects::product_id.eq(Id(product.uuid()))),
        None => found,
    }
}

fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    query: &HistoryQuery,
    page: &PageRequest,
) -> StoreResult<Page<HistoryEntry>> {
    let head: Option<i64> = audit_heads::table
        .find(Id(organization.uuid()))
        .select(audit_heads::no)
        .get_result(conn)
        .optional()?;
    let no = head.unwrap_or_default();
    let total: i64 = matching(organization, query).count().get_result(conn)?;
    let mut listed = matching(organization, query).select(subjects::audit_index);
    match &page.paging {
        Paging::Offset(skip) => listed = listed.offset(i64::try_from(*skip).unwrap_or(i64::MAX)),
        Paging::After(cursor) => listed = listed.filter(subjects::audit_index.lt(cursor.key)),
    }
    let indexes: Vec<i64> = listed
        .order(subjects::audit_index.desc())
        .limit(i64::from(page.limit) + 1)
        .load(conn)?;
    let rows = read_entries(conn, no, &indexes)?;
    let cursor = |index: &i64| Cursor {
        key: *index,
        tie: 0,
    };
    let id = query.subject.id.to_string();
    page_of(page, total, indexes, cursor, |index| {
        let row = rows.get(&position(no, index)).ok_or_else(|| {
            corrupt("audit_subjects", "audit_index")(format!("leaf {index} is gone").into())
        })?;
        entry(index, row, &id)
    })
}

fn read_entries(
    conn: &mut AnyConnection,
    no: i64,
    indexes: &[i64],
) -> StoreResult<HashMap<i64, EntryRow>> {
    let positions: Vec<i64> = indexes.iter().map(|index| position(no, *index)).collect();
    let rows: Vec<EntryRow> = entries::table
        .filter(entries::position.eq_any(positions))
        .select(EntryRow::as_select())
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.position, row)).collect())
}

fn entry(index: i64, row: &EntryRow, id: &str) -> Result<HistoryEntry, RepositoryError> {
    let wrong = |column| corrupt("audit_entries", column);
    let leaf = row.leaf.as_deref().unwrap_or_default();
    let leaf = Leaf::parse(leaf).map_err(|error| wrong("leaf")(error.into()))?;
    let header = leaf.header();
    let json = |bytes: &Option<Vec<u8>>, column| -> Result<Option<Value>, RepositoryError> {
        let read = bytes.as_deref().map(serde_json::from_slice).transpose();
        read.map_err(|error| wrong(column)(error.into()))
    };
    let is_target = header.target.id == id;
    Ok(HistoryEntry {
        audit_index: u64::try_from(index)
            .map_err(|error| corrupt("audit_subjects", "audit_index")(error.into()))?,
        action: header.action.to_owned(),
        at: header.ts,
        actor: json(&row.actor, "actor")?,
        changes: json(&row.detail, "detail")?.map(|detail| changes_of(&detail, id, is_target)),
    })
}
