//! The whole database into files, while it serves, and back into an empty one.
//!
//! SQLite copies itself with `VACUUM INTO`: one snapshot, without the pages that deletions left free.
//! From PostgreSQL every table is read in one repeatable-read transaction, row by row, as one JSON
//! object per line.

mod hold;
mod postgres;
mod sqlite;

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use probity_artifacts::{ArtifactStatus, BlobKey, Sha256Digest};
use probity_kernel::OrganizationId;
use probity_ledger::Frontier;

pub use self::hold::{ClearHold, CopyHold};

use crate::address::parse_address;
use crate::connection::{AnyConnection, Location, Scope, Use};
use crate::database::{Database, OpenDatabaseError};
use crate::migrate;
use crate::schema::{artifacts, audit_heads, organizations};
use crate::types::Id;

/// Where an organisation's record stood when it was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedLog {
    /// Whose record.
    pub organization: OrganizationId,
    /// The epoch of the log.
    pub epoch: u64,
    /// How many leaves it had.
    pub size: u64,
    /// Their root, hexadecimal.
    pub root: String,
}

/// Bytes that a copied row names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedBlob {
    /// Their key.
    pub blob: BlobKey,
    /// Their digest, unless they are known to be lost or changed.
    pub sha256: Option<Sha256Digest>,
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// `sqlite` or `postgresql`.
    pub kind: &'static str,
    /// The files, relative to the folder.
    pub files: Vec<PathBuf>,
    /// The migrations that had run, in order.
    pub migrations: Vec<String>,
    /// Where the records stood, by organisation.
    pub logs: Vec<CopiedLog>,
    /// The bytes that belong to the rows, by their keys.
    pub blobs: Vec<CopiedBlob>,
}

/// Why a copy could not be made or brought back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The database could not be opened.
    #[error(transparent)]
    Open(#[from] OpenDatabaseError),
    /// What the database said.
    #[error("the database: {0}")]
    Database(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is something already where the copy is to be brought back.
    #[error("the database is not empty: a copy is only brought back into an empty one")]
    NotEmpty,
    /// The copy is of the other database.
    #[error("the copy is of {found}, the database is {expected}")]
    OtherKind {
        /// What the copy is of.
        found: String,
        /// What the database is.
        expected: &'static str,
    },
    /// The copy was made by another release.
    #[error(
        "the copy was made by another release (its last migration is {found}, this release's is \
         {expected}): bring it back with that release, then upgrade"
    )]
    OtherRelease {
        /// The last migration of the copy.
        found: String,
        /// The last migration of this release.
        expected: String,
    },
}

impl From<diesel::result::Error> for CopyError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.to_string())
    }
}

impl CopyError {
    fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }

    fn database(error: impl std::fmt::Display) -> Self {
        Self::Database(error.to_string())
    }
}

impl Database {
    /// Copies the database into a folder, which exists. Blocks meanwhile; writers go on.
    ///
    /// # Errors
    /// What the database or the file system says.
    pub fn copy_into(&self, folder: &Path) -> Result<Copied, CopyError> {
        let location = self.location();
        let mut conn = location.connect(Use::Write).map_err(CopyError::database)?;
        let migrations = migrate::applied(&mut conn)?;
        let (files, logs, blobs) = match &mut conn {
            AnyConnection::Sqlite(c) => {
                let files = sqlite::copy(c, folder)?;
                let copy = Location::Sqlite(sqlite::file_in(folder));
                let mut copy = copy.connect(Use::Plain).map_err(CopyError::database)?;
                (files, logs(&mut copy)?, blobs(&mut copy)?)
            }
            AnyConnection::Postgres(c) => {
                postgres::begin(c)?;
                let files = postgres::copy(c, folder)?;
                let (logs, blobs) = (logs(&mut conn)?, blobs(&mut conn)?);
                conn.batch_execute("COMMIT")?;
                (files, logs, blobs)
            }
        };
        Ok(Copied {
            kind: self.kind(),
            files,
            migrations,
            logs,
            blobs,
        })
    }

    /// Where the records stand, by organisation.
    ///
    /// # Errors
    /// What the database says.
    pub fn copied_logs(&self) -> Result<Vec<CopiedLog>, CopyError> {
        let location = self.location();
        let mut conn = location.connect(Use::Read).map_err(CopyError::database)?;
        conn.read(Scope::System, true, logs)
    }
}

fn logs(conn: &mut AnyConnection) -> Result<Vec<CopiedLog>, CopyError> {
    let rows: Vec<(Id, i64, i64, Vec<u8>)> = audit_heads::table
        .order(audit_heads::organization_id)
        .select((
            audit_heads::organization_id,
            audit_heads::epoch,
            audit_heads::size,
            audit_heads::frontier,
        ))
        .load(conn)?;
    let log = |(organization, epoch, size, frontier): (Id, i64, i64, Vec<u8>)| {
        let size = u64::try_from(size).unwrap_or_default();
        let frontier = Frontier::from_bytes(size, &frontier).map_err(CopyError::database)?;
        Ok(CopiedLog {
            organization: OrganizationId::new(organization.0),
            epoch: u64::try_from(epoch).unwrap_or_default(),
            size,
            root: frontier.root().to_string(),
        })
    };
    rows.into_iter().map(log).collect()
}

/// The bytes that artifacts have which are not deleted, each once.
fn blobs(conn: &mut AnyConnection) -> Result<Vec<CopiedBlob>, CopyError> {
    let rows: Vec<(Id, String, String, Vec<u8>)> = artifacts::table
        .filter(artifacts::status.ne(ArtifactStatus::Deleted.as_str()))
        .order((artifacts::organization_id, artifacts::blob_key))
        .select((
            artifacts::organization_id,
            artifacts::blob_key,
            artifacts::status,
            artifacts::sha256,
        ))
        .load(conn)?;
    let mut found: Vec<CopiedBlob> = Vec::new();
    for (organization, key, status, sha256) in rows {
        let organization = OrganizationId::new(organization.0);
        let blob = BlobKey { organization, key };
        let sha256 = <[u8; 32]>::try_from(sha256).ok();
        let sound = status == ArtifactStatus::Available.as_str();
        let sha256 = sha256.filter(|_| sound).map(Sha256Digest::from_bytes);
        match found.last_mut().filter(|last| last.blob == blob) {
            Some(last) => last.sha256 = last.sha256.or(sha256),
            None => found.push(CopiedBlob { blob, sha256 }),
        }
    }
    Ok(found)
}

/// Brings a copy back into the empty database of a URL. Blocks meanwhile.
///
/// # Errors
/// A database that is not empty, a copy of another kind or release, and what the database or the file
/// system says.
pub fn bring_back(
    url: &str,
    folder: &Path,
    kind: &str,
    migrations: &[String],
) -> Result<(), CopyError> {
    let location = parse_address(url).map_err(OpenDatabaseError::from)?;
    let expected = match location {
        Location::Sqlite(_) => "sqlite",
        Location::Postgres(_) => "postgresql",
    };
    if kind != expected {
        return Err(CopyError::OtherKind {
            found: kind.to_owned(),
            expected,
        });
    }
    let known = migrate::versions(&location).map_err(CopyError::database)?;
    if known != migrations {
        let last = |list: &[String]| list.last().cloned().unwrap_or_else(|| "none".to_owned());
        return Err(CopyError::OtherRelease {
            found: last(migrations),
            expected: last(&known),
        });
    }
    match &location {
        Location::Sqlite(path) => sqlite::bring_back(path, folder),
        Location::Postgres(_) => {
            migrate::up(&location).map_err(CopyError::database)?;
            let mut conn = migrate::owner(&location).map_err(CopyError::database)?;
            let count: i64 = organizations::table.count().get_result(&mut conn)?;
            if count > 0 {
                return Err(CopyError::NotEmpty);
            }
            postgres::bring_back(&mut conn, folder)
        }
    }
}

/// Makes what was written to a file last.
fn settle(path: &Path) -> Result<(), CopyError> {
    let file = std::fs::File::open(path).map_err(|error| CopyError::file(path, error))?;
    file.sync_all()
        .map_err(|error| CopyError::file(path, error))
}
