//! Who copies the bytes of artifacts and who clears them away keep out of each other's way, in whatever
//! process and on whatever node they are: any number copy at once, and nobody clears meanwhile.
//!
//! A copy takes its hold before it reads the first row. What its rows name was not cleared before, since
//! rows outlive their bytes, and is not cleared until the hold is let go.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use probity_kernel::RepositoryError;

use super::CopyError;
use crate::connection::{AnyConnection, Location, Use};
use crate::database::Database;

/// The name of the lock on PostgreSQL, which all nodes see.
const NAME: &str = "bytes of artifacts";

/// Nobody clears bytes away while this lives.
pub struct CopyHold(Held);

/// Nobody begins to copy bytes while this lives.
pub struct ClearHold(#[expect(dead_code, reason = "held, not read")] Held);

/// Both end with the process, however it ends.
enum Held {
    /// Beside the database, which is one server's and those who look on.
    File(#[expect(dead_code, reason = "held, not read")] File),
    /// Open, in a transaction that has the lock.
    Session(AnyConnection),
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

impl Database {
    /// Keeps the bytes that rows name where they are, once nobody is clearing any more. Blocks
    /// meanwhile.
    ///
    /// # Errors
    /// What the database or the file system says.
    pub fn hold_bytes(&self) -> Result<CopyHold, CopyError> {
        let held = match self.location() {
            Location::Sqlite(path) => {
                let path = lock_path(path);
                let locked = lock_file(&path).and_then(|file| file.lock_shared().map(|()| file));
                Held::File(locked.map_err(|error| CopyError::file(&path, error))?)
            }
            Location::Postgres(_) => {
                let mut conn = self.session().map_err(CopyError::database)?;
                // A copy may take longer than a transaction may be idle.
                let patient = "SET LOCAL idle_in_transaction_session_timeout = 0";
                diesel::sql_query(patient).execute(&mut conn)?;
                let query = "SELECT true AS locked FROM pg_advisory_xact_lock_shared(hashtext($1))";
                lock(&mut conn, query)?;
                Held::Session(conn)
            }
        };
        Ok(CopyHold(held))
    }

    /// Lets nobody begin to copy; `None` while somebody does. Blocks for a moment.
    pub(crate) fn try_hold_for_clearing(&self) -> Result<Option<ClearHold>, RepositoryError> {
        let failed =
            |error: Box<dyn std::error::Error + Send + Sync>| RepositoryError::Database(error);
        match self.location() {
            Location::Sqlite(path) => {
                let file = lock_file(&lock_path(path)).map_err(|error| failed(Box::new(error)))?;
                match file.try_lock() {
                    Ok(()) => Ok(Some(ClearHold(Held::File(file)))),
                    Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(error)) => Err(failed(Box::new(error))),
                }
            }
            Location::Postgres(_) => {
                let mut conn = self.session().map_err(|error| failed(error.into()))?;
                let query = "SELECT pg_try_advisory_xact_lock(hashtext($1)) AS locked";
                let locked = lock(&mut conn, query).map_err(|error| failed(Box::new(error)))?;
                Ok(locked.then(|| ClearHold(Held::Session(conn))))
            }
        }
    }

    /// A connection of its own, in a transaction that keeps no snapshot.
    fn session(&self) -> Result<AnyConnection, String> {
        let opened = self.location().connect(Use::Read);
        let mut conn = opened.map_err(|error| error.to_string())?;
        conn.begin_write().map_err(|error| error.to_string())?;
        Ok(conn)
    }
}

impl CopyHold {
    /// Whether it was held all the time: a connection that broke has let go.
    ///
    /// # Errors
    /// What the database says when it was not.
    pub fn confirm(self) -> Result<(), CopyError> {
        match self.0 {
            Held::File(_) => Ok(()),
            Held::Session(mut conn) => {
                let query = "SELECT $1 = $1 AS locked";
                lock(&mut conn, query).map(drop).map_err(CopyError::from)
            }
        }
    }
}

fn lock(conn: &mut AnyConnection, query: &str) -> QueryResult<bool> {
    let row: Locked = diesel::sql_query(query)
        .bind::<Text, _>(NAME)
        .get_result(conn)?;
    Ok(row.locked)
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-bytes.lock");
    PathBuf::from(name)
}

/// The file may be another user's: to lock it, reading is enough.
fn lock_file(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut options = OpenOptions::new();
            options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
        }
        opened => opened,
    }
}
