//! Embedded migrations: the same names for both databases.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::Location;

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
/// The advisory lock under which one node migrates at a time.
const MIGRATION_LOCK: i64 = 0x70_72_6f_62;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Brings the schema up to date; answers how many migrations ran. PostgreSQL is migrated as the
/// role of the URL, not as the application's role, which may not change the schema.
pub(crate) fn up(location: &Location) -> Result<usize, Failure> {
    match location {
        Location::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
            conn.batch_execute("PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL;")?;
            refuse_newer::<diesel::sqlite::Sqlite>(&mut conn, SQLITE)?;
            Ok(conn.run_pending_migrations(SQLITE)?.len())
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::establish(url)?;
            conn.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))?;
            refuse_newer::<diesel::pg::Pg>(&mut conn, POSTGRES)?;
            Ok(conn.run_pending_migrations(POSTGRES)?.len())
        }
    }
}

/// Names of the migrations that have not run yet.
pub(crate) fn pending(location: &Location) -> Result<Vec<String>, Failure> {
    match location {
        Location::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
            Ok(conn
                .pending_migrations(SQLITE)?
                .iter()
                .map(|m| m.name().to_string())
                .collect())
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::establish(url)?;
            Ok(conn
                .pending_migrations(POSTGRES)?
                .iter()
                .map(|m| m.name().to_string())
                .collect())
        }
    }
}

/// Takes every migration back; for tests.
#[cfg(test)]
pub(crate) fn down(location: &Location) -> Result<usize, Failure> {
    match location {
        Location::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
            Ok(conn.revert_all_migrations(SQLITE)?.len())
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::establish(url)?;
            Ok(conn.revert_all_migrations(POSTGRES)?.len())
        }
    }
}

/// A schema that a newer release made is left alone.
fn refuse_newer<DB: diesel::backend::Backend>(
    conn: &mut impl MigrationHarness<DB>,
    known: EmbeddedMigrations,
) -> Result<(), Failure>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known: Vec<String> = MigrationSource::<DB>::migrations(&known)?
        .iter()
        .map(|m| m.name().version().to_string())
        .collect();
    match conn
        .applied_migrations()?
        .iter()
        .find(|v| !known.contains(&v.to_string()))
    {
        Some(version) => {
            Err(format!("the schema has migration {version}, made by a newer release").into())
        }
        None => Ok(()),
    }
}
