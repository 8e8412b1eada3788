//! On SQLite: a pool of ten, an IMMEDIATE transaction per request.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection};

use super::{Row, Store, write_row};
use crate::Outcome;
use crate::tables::{PRAGMAS, SQLITE};

#[derive(Clone)]
pub(super) struct Pool(diesel::r2d2::Pool<ConnectionManager<SqliteConnection>>);

#[derive(Debug)]
struct Pragmas;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute(PRAGMAS)
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

impl Pool {
    /// Opens a fresh database file.
    pub(super) fn open(path: &str) -> Outcome<Self> {
        let mut first = SqliteConnection::establish(path)?;
        first.batch_execute(PRAGMAS)?;
        first.batch_execute(SQLITE)?;
        let pool = diesel::r2d2::Pool::builder()
            .max_size(10)
            .connection_customizer(Box::new(Pragmas))
            .build(ConnectionManager::new(path))?;
        Ok(Self(pool))
    }
}

impl Store for Pool {
    fn write(&self, row: &Row) -> Outcome<()> {
        let mut conn = self.0.get()?;
        conn.immediate_transaction::<_, diesel::result::Error, _>(|conn| write_row!(conn, row))?;
        Ok(())
    }
}
