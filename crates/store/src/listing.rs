//! Pages of lists that are ordered by their time-ordered ids, newest first.

use probity_kernel::{Cursor, Page, PageRequest, Paging, RepositoryError};
use uuid::Uuid;

use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult};
use crate::types::Id;

/// Where a page starts and how many rows to fetch for it: one more than it shows, which tells
/// whether there is a next page.
pub(crate) struct IdListing {
    pub(crate) after: Option<Id>,
    pub(crate) offset: i64,
    pub(crate) limit: i64,
}

impl IdListing {
    pub(crate) fn of(page: &PageRequest) -> Self {
        let (after, offset) = match &page.paging {
            Paging::Offset(skip) => (None, i64::try_from(*skip).unwrap_or(i64::MAX)),
            Paging::After(cursor) => (Some(Id(Uuid::from_u128(cursor.tie))), 0),
        };
        Self {
            after,
            offset,
            limit: i64::from(page.limit) + 1,
        }
    }
}

/// Makes the page out of the rows that were fetched for it.
pub(crate) fn page_by_id<R, T>(
    page: &PageRequest,
    total: i64,
    rows: Vec<R>,
    id_of: impl Fn(&R) -> Id,
    convert: impl Fn(R) -> Result<T, RepositoryError>,
) -> StoreResult<Page<T>> {
    page_of(
        page,
        total,
        rows,
        |row| Cursor {
            key: 0,
            tie: id_of(row).0.as_u128(),
        },
        convert,
    )
}

/// How far the first page of a search is read ahead.
const AHEAD: i64 = 500;

/// The rows of the first page of a search, of which at most `limit` are wanted, and how many it finds in
/// all: these are counted only where it finds more than were read ahead.
pub(crate) fn first_of_search<R>(
    conn: &mut AnyConnection,
    limit: i64,
    read: impl FnOnce(&mut AnyConnection, i64) -> StoreResult<Vec<R>>,
    count: impl FnOnce(&mut AnyConnection) -> StoreResult<i64>,
) -> StoreResult<(Vec<R>, i64)> {
    let ahead = limit.max(AHEAD);
    let mut rows = read(conn, ahead)?;
    let found = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let total = if found < ahead { found } else { count(conn)? };
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok((rows, total))
}

/// Makes the page out of the rows that were fetched for it, with cursors of the caller's making.
pub(crate) fn page_of<R, T>(
    page: &PageRequest,
    total: i64,
    mut rows: Vec<R>,
    cursor_of: impl Fn(&R) -> Cursor,
    convert: impl Fn(R) -> Result<T, RepositoryError>,
) -> StoreResult<Page<T>> {
    let shown = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let more = rows.len() > shown;
    rows.truncate(shown);
    let next = if more {
        rows.last().map(cursor_of)
    } else {
        None
    };
    let items = rows
        .into_iter()
        .map(convert)
        .collect::<Result<Vec<T>, _>>()
        .map_err(StoreError)?;
    Ok(Page {
        items,
        total: u64::try_from(total).unwrap_or_default(),
        next,
    })
}
