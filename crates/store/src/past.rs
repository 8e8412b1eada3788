//! Reading the state as of an instant: the same queries, over views that show how rows were.
//!
//! A turn that changes a row notes how it was, under the size that the record had when the turn began
//! (`<table>_past`, written by triggers). A reading of the past opens a connection of its own and puts
//! temporary views in front of the tables; names that are not qualified find those first, on both
//! databases. So every query of every repository reads the past without knowing.

mod turns;
mod views;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use probity_kernel::{OrganizationId, RepositoryError};
use probity_ledger::{Leaf, frontier_at};
use time::OffsetDateTime;

pub(crate) use self::turns::Turns;
pub(crate) use self::views::columns;
use self::views::{Names, changing, derived};
use crate::audit::StoredHashes;
use crate::connection::{AnyConnection, Location, Scope, Use};
use crate::database::{Database, Reading};
use crate::error::{StoreError, StoreResult, corrupt, unavailable};
use crate::record::position;
use crate::schema::{audit_checkpoints, audit_entries, audit_heads};
use crate::types::Id;

/// The tables whose rows change, with what names a row besides its organisation.
pub(crate) const CHANGING: [(&str, &[&str]); 18] = [
    ("products", &["id"]),
    ("product_models", &["product_id"]),
    ("product_governance", &["product_id"]),
    ("product_versions", &["id"]),
    ("data_dependencies", &["id"]),
    ("policy_attachments", &["id"]),
    ("risk_mitigations", &["id"]),
    (
        "product_registered_models",
        &["product_id", "registered_model_id"],
    ),
    ("training_runs", &["id"]),
    ("safety_metrics", &["id"]),
    ("review_requests", &["id"]),
    ("governance_settings", &[]),
    ("registered_models", &["position"]),
    ("registry_settings", &[]),
    ("risk_metric_links", &["id"]),
    ("alerts", &["id"]),
    ("product_search", &["position"]),
    ("artifacts", &["id"]),
];

/// A point in the life of an organisation's record.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    organization: OrganizationId,
    at: OffsetDateTime,
    size: i64,
    frontier: Vec<u8>,
}

impl Past {
    /// Whose it was.
    pub(crate) const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// When it was.
    pub(crate) const fn at(&self) -> OffsetDateTime {
        self.at
    }
}

/// The state as of an instant.
#[derive(Debug, Clone)]
pub struct AsOf {
    /// The database as it was: repositories over it read the past, and write nothing.
    pub database: Database,
    /// How many leaves the record had.
    pub size: u64,
    /// The first signed checkpoint that covers them all, as a signed note; `None` where none is signed
    /// yet.
    pub checkpoint: Option<String>,
}

/// What asking for an instant finds.
#[derive(Debug, Clone)]
pub enum PastState {
    /// The state.
    Found(Box<AsOf>),
    /// The record no longer reaches back that far: its leaves before this instant are pruned.
    Pruned {
        /// When the first leaf was made that is still kept; `None` when there is none.
        since: Option<OffsetDateTime>,
    },
}

impl Database {
    /// The state of an organisation as of an instant: after every leaf that was made until then, to the
    /// millisecond.
    ///
    /// # Errors
    /// What the database says.
    pub async fn as_of(
        &self,
        organization: OrganizationId,
        at: OffsetDateTime,
    ) -> Result<PastState, RepositoryError> {
        let found = self
            .scan(Scope::Organization(organization), move |conn| {
                find(conn, organization, at)
            })
            .await?;
        Ok(match found {
            Point::Pruned(since) => PastState::Pruned { since },
            Point::Found { past, checkpoint } => {
                let size = u64::try_from(past.size).unwrap_or_default();
                PastState::Found(Box::new(AsOf {
                    database: self.in_past(past),
                    size,
                    checkpoint,
                }))
            }
        })
    }
}

enum Point {
    Found {
        past: Past,
        checkpoint: Option<String>,
    },
    Pruned(Option<OffsetDateTime>),
}

fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    at: OffsetDateTime,
) -> StoreResult<Point> {
    let key = Id(organization.uuid());
    let head: Option<(i64, i64)> = audit_heads::table
        .find(key)
        .select((audit_heads::no, audit_heads::size))
        .get_result(conn)
        .optional()?;
    let (no, end) = head.unwrap_or_default();
    let floor = floor(conn, no, end)?;
    let size = leaves_until(conn, no, floor..end, at)?;
    if floor > 0 && size == floor {
        let since = made_at(conn, no, floor)?;
        return Ok(Point::Pruned(since));
    }
    let frontier = frontier(conn, organization, no, size)?;
    let checkpoint = audit_checkpoints::table
        .filter(audit_checkpoints::organization_id.eq(key))
        .filter(audit_checkpoints::size.ge(size))
        .order(audit_checkpoints::size)
        .select(audit_checkpoints::note)
        .first(conn)
        .optional()?;
    let past = Past {
        organization,
        at,
        size,
        frontier,
    };
    Ok(Point::Found { past, checkpoint })
}

/// The index of the first leaf that is kept: found by halving, since a log is pruned from its start.
pub(crate) fn floor(conn: &mut AnyConnection, no: i64, end: i64) -> StoreResult<i64> {
    let (mut gone, mut kept) = (0, end);
    while gone < kept {
        let middle = gone + (kept - gone) / 2;
        if made_at(conn, no, middle)?.is_some() {
            kept = middle;
        } else {
            gone = middle + 1;
        }
    }
    Ok(kept)
}

/// How many leaves were made until an instant. Leaves are made in the order of their indexes, but for
/// requests that overtook one another within a moment.
pub(crate) fn leaves_until(
    conn: &mut AnyConnection,
    no: i64,
    range: std::ops::Range<i64>,
    at: OffsetDateTime,
) -> StoreResult<i64> {
    let (mut until, mut after) = (range.start, range.end);
    while until < after {
        let middle = until + (after - until) / 2;
        match made_at(conn, no, middle)? {
            Some(made) if made <= at => until = middle + 1,
            _ => after = middle,
        }
    }
    Ok(until)
}

/// When a leaf was made; `None` where it is pruned or there is none.
pub(crate) fn made_at(
    conn: &mut AnyConnection,
    no: i64,
    index: i64,
) -> StoreResult<Option<OffsetDateTime>> {
    let leaf: Option<Option<Vec<u8>>> = audit_entries::table
        .find(position(no, index))
        .select(audit_entries::leaf)
        .get_result(conn)
        .optional()?;
    let Some(leaf) = leaf.flatten() else {
        return Ok(None);
    };
    let leaf = Leaf::parse(&leaf)
        .map_err(|error| StoreError(corrupt("audit_entries", "leaf")(error.into())))?;
    Ok(Some(leaf.header().ts))
}

fn frontier(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    no: i64,
    size: i64,
) -> StoreResult<Vec<u8>> {
    let hashes = StoredHashes::new(conn, organization, no);
    let size = u64::try_from(size).unwrap_or_default();
    let found = frontier_at(&hashes, size)
        .map_err(|error| StoreError(RepositoryError::Database(error.to_string().into())))?;
    Ok(found.to_bytes())
}

/// Runs a read over the state of the past, on a connection that ends with it.
pub(crate) fn read(location: &Location, past: &Past, reading: Reading) -> StoreResult<()> {
    // Temporary views are written, if to nowhere that lasts.
    let opened = location.connect(Use::Write);
    let mut conn = opened.map_err(|error| {
        tracing::warn!(error = %error, "no connection for a read of the past");
        StoreError(unavailable())
    })?;
    conn.begin_scratch(Scope::Organization(past.organization))?;
    let result = show(&mut conn, past).and_then(|()| reading(&mut conn));
    conn.rollback()?;
    result
}

/// Puts the views in front of the tables.
fn show(conn: &mut AnyConnection, past: &Past) -> StoreResult<()> {
    let names = Names::of(conn, past)?;
    let mut views = String::new();
    for (table, key) in CHANGING {
        let columns = columns(conn, table)?;
        views.push_str(&changing(&names, past.size, table, key, &columns));
    }
    views.push_str(&derived(&names, past));
    conn.batch_execute(&views)?;
    Ok(())
}
