//! Reading the record: heads, hashes for proofs, entries, and the checkpoints that were signed.

mod blocks;
mod entries;
pub(crate) mod nodes;
mod timestamps;

use std::cell::RefCell;
use std::ops::Range;

use diesel::prelude::*;
use probity_kernel::{OrganizationId, RepositoryError};
use probity_ledger::{Frontier, Hash, HashReader, Span};
use probity_webhooks::message::CHECKPOINT;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::connection::{AnyConnection, Scope};
use crate::database::Database;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::schema::{audit_checkpoints, audit_heads};
use crate::types::{Id, Utc};
use crate::webhooks::fan_out_note;

pub(crate) use self::blocks::{block_of, forget as forget_blocks};
pub use self::entries::{EntryFilter, EntryPage, OpenSlot, RecordEntry};
pub use self::timestamps::KeptTimestamp;

/// Where an organisation's log stands, and the last note that was signed over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// Whose log.
    pub organization: OrganizationId,
    /// The epoch of the log, the last part of its origin.
    pub epoch: u64,
    /// How many leaves it has.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// The text of the last signed checkpoint.
    pub signed: Option<String>,
}

/// The stored hashes of one organisation's log, for proofs; reads within one snapshot.
pub struct StoredHashes<'a> {
    conn: RefCell<&'a mut AnyConnection>,
    organization: OrganizationId,
    no: i64,
}

impl<'a> StoredHashes<'a> {
    /// The hashes of the log of an organisation, whose number is `no`.
    pub(crate) const fn new(
        conn: &'a mut AnyConnection,
        organization: OrganizationId,
        no: i64,
    ) -> Self {
        Self {
            conn: RefCell::new(conn),
            organization,
            no,
        }
    }
}

impl std::fmt::Debug for StoredHashes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredHashes")
            .field("organization", &self.organization)
            .finish_non_exhaustive()
    }
}

impl HashReader for StoredHashes<'_> {
    type Error = RepositoryError;

    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, RepositoryError> {
        let read = self.read_all(&[Span { level, range }])?;
        Ok(read.into_iter().next().unwrap_or_default())
    }

    fn read_all(&self, spans: &[Span]) -> Result<Vec<Vec<Hash>>, RepositoryError> {
        let mut conn = self.conn.borrow_mut();
        nodes::read(&mut conn, self.organization, self.no, spans)
    }
}

/// A number as columns hold it. None of a log is beyond them.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn hash(table: &'static str, bytes: &[u8]) -> Result<Hash, RepositoryError> {
    Hash::try_from(bytes).map_err(|error| corrupt(table, "hash")(error.into()))
}

type HeadRow = (Id, i64, i64, Vec<u8>);

fn head(conn: &mut AnyConnection, row: HeadRow) -> StoreResult<LogHead> {
    let (id, epoch, size, frontier) = row;
    let size = u64::try_from(size).map_err(|error| corrupt("audit_heads", "size")(error.into()))?;
    let frontier = Frontier::from_bytes(size, &frontier)
        .map_err(|error| corrupt("audit_heads", "frontier")(error.into()))?;
    let signed: Option<String> = audit_checkpoints::table
        .filter(audit_checkpoints::organization_id.eq(id))
        .filter(audit_checkpoints::epoch.eq(epoch))
        .order(audit_checkpoints::size.desc())
        .select(audit_checkpoints::note)
        .first(conn)
        .optional()?;
    Ok(LogHead {
        organization: OrganizationId::new(id.0),
        epoch: u64::try_from(epoch).unwrap_or(1),
        size,
        root: frontier.root(),
        signed,
    })
}

const HEAD: (
    audit_heads::organization_id,
    audit_heads::epoch,
    audit_heads::size,
    audit_heads::frontier,
) = (
    audit_heads::organization_id,
    audit_heads::epoch,
    audit_heads::size,
    audit_heads::frontier,
);

impl Database {
    /// The heads of all logs. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn log_heads(&self) -> Result<Vec<LogHead>, RepositoryError> {
        self.system_read(|conn| {
            let rows: Vec<HeadRow> = audit_heads::table.select(HEAD).load(conn)?;
            rows.into_iter().map(|row| head(conn, row)).collect()
        })
    }

    /// The head of one log.
    ///
    /// # Errors
    /// What the database says.
    pub async fn log_head(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<LogHead>, RepositoryError> {
        self.scan(Scope::Organization(organization), move |conn| {
            let row: Option<HeadRow> = audit_heads::table
                .find(Id(organization.uuid()))
                .select(HEAD)
                .get_result(conn)
                .optional()?;
            row.map(|row| head(conn, row)).transpose()
        })
        .await
    }

    /// The head of one log, for a worker. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn log_head_now(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<LogHead>, RepositoryError> {
        self.system_read(|conn| {
            let row: Option<HeadRow> = audit_heads::table
                .find(Id(organization.uuid()))
                .select(HEAD)
                .get_result(conn)
                .optional()?;
            row.map(|row| head(conn, row)).transpose()
        })
    }

    /// Runs proof making over the stored hashes of a log. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database or the work says.
    pub fn with_log<T>(
        &self,
        organization: OrganizationId,
        work: impl FnOnce(&StoredHashes<'_>) -> Result<T, RepositoryError>,
    ) -> Result<T, RepositoryError> {
        self.system_read(|conn| {
            let no: i64 = audit_heads::table
                .find(Id(organization.uuid()))
                .select(audit_heads::no)
                .get_result(conn)?;
            let hashes = StoredHashes {
                conn: RefCell::new(conn),
                organization,
                no,
            };
            work(&hashes).map_err(StoreError)
        })
    }

    /// The same on a thread where it may take its time, for who sees one organisation only; `None`
    /// when there is no such log.
    ///
    /// # Errors
    /// What the database or the work says.
    pub async fn read_log<T: Send + 'static>(
        &self,
        organization: OrganizationId,
        work: impl FnOnce(&StoredHashes<'_>) -> Result<T, RepositoryError> + Send + 'static,
    ) -> Result<Option<T>, RepositoryError> {
        self.scan(Scope::Organization(organization), move |conn| {
            let no: Option<i64> = audit_heads::table
                .find(Id(organization.uuid()))
                .select(audit_heads::no)
                .get_result(conn)
                .optional()?;
            let Some(no) = no else { return Ok(None) };
            let hashes = StoredHashes {
                conn: RefCell::new(conn),
                organization,
                no,
            };
            work(&hashes).map(Some).map_err(StoreError)
        })
        .await
    }

    /// Keeps a signed checkpoint of the log's present epoch. Blocks meanwhile, so not for a thread of
    /// an async runtime.
    ///
    /// # Errors
    /// `Unavailable` after [`drain`](Self::drain), and what the database says.
    pub fn keep_checkpoint(
        &self,
        organization: OrganizationId,
        size: u64,
        note: &str,
        signed_at: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let note = note.to_owned();
        let told = serde_json::json!({"size": size, "checkpoint": note}).to_string();
        self.system_write_with_ids(organization, move |conn, ids| {
            let epoch: i64 = audit_heads::table
                .find(Id(organization.uuid()))
                .select(audit_heads::epoch)
                .get_result(conn)?;
            diesel::insert_into(audit_checkpoints::table)
                .values((
                    audit_checkpoints::organization_id.eq(Id(organization.uuid())),
                    audit_checkpoints::epoch.eq(epoch),
                    audit_checkpoints::size.eq(size),
                    audit_checkpoints::note.eq(&note),
                    audit_checkpoints::signed_at.eq(Utc(signed_at)),
                ))
                .execute(conn)?;
            // No event of the record, which would grow with every checkpoint of itself.
            fan_out_note(conn, ids, organization, (CHECKPOINT, &told), signed_at)
        })?;
        self.desk().ring();
        Ok(())
    }

    /// Runs work that only one node may do at a time, under the name of the work; `None` when
    /// another node is at it. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn alone<T>(
        &self,
        name: &str,
        work: impl FnOnce() -> Result<T, RepositoryError>,
    ) -> Result<Option<T>, RepositoryError> {
        #[derive(QueryableByName)]
        struct Locked {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            locked: bool,
        }
        let Some(mut conn) = self.lock_connection()? else {
            return work().map(Some);
        };
        // The lock lives as long as this transaction, which is open while the work is done.
        let row = conn.read(Scope::System, true, |conn| -> StoreResult<Option<T>> {
            let query = "SELECT pg_try_advisory_xact_lock(hashtext($1)) AS locked";
            let row: Locked = diesel::sql_query(query)
                .bind::<diesel::sql_types::Text, _>(name)
                .get_result(conn)?;
            if row.locked {
                work().map(Some).map_err(StoreError)
            } else {
                Ok(None)
            }
        });
        row.map_err(RepositoryError::from)
    }

    /// Forgets idempotency keys made before an instant, `limit` at most; answers how many. Blocks
    /// meanwhile, so not for a thread of an async runtime.
    ///
    /// # Errors
    /// `Unavailable` after [`drain`](Self::drain), and what the database says.
    pub fn sweep_idempotency(
        &self,
        before: OffsetDateTime,
        limit: i64,
    ) -> Result<usize, RepositoryError> {
        // Keys of all organisations: the turn of none in particular.
        let nobody = OrganizationId::new(Uuid::nil());
        self.system_write(nobody, move |conn| {
            crate::idempotency::sweep(conn, Utc(before), limit)
        })
    }
}
