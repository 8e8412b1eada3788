//! On PostgreSQL: a pool of sixteen; an advisory lock keeps the chain of audit rows whole.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::r2d2::ConnectionManager;

use super::{Row, Store, write_row};
use crate::Outcome;
use crate::tables::POSTGRES;

#[derive(Clone)]
pub(super) struct Pool(diesel::r2d2::Pool<ConnectionManager<PgConnection>>);

impl Pool {
    /// Opens an empty database.
    pub(super) fn open(url: &str) -> Outcome<Self> {
        PgConnection::establish(url)?.batch_execute(POSTGRES)?;
        let pool = diesel::r2d2::Pool::builder()
            .max_size(16)
            .build(ConnectionManager::new(url))?;
        Ok(Self(pool))
    }
}

impl Store for Pool {
    fn write(&self, row: &Row) -> Outcome<()> {
        let mut conn = self.0.get()?;
        conn.transaction::<_, diesel::result::Error, _>(|conn| {
            diesel::sql_query("SELECT pg_advisory_xact_lock(1)").execute(conn)?;
            write_row!(conn, row)
        })?;
        Ok(())
    }
}
