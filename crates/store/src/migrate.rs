//! Embedded migrations: the same names for both databases.

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::{AnyConnection, Location};

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
/// The advisory lock under which one node migrates at a time.
const MIGRATION_LOCK: i64 = 0x70_72_6f_62;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A failure inside a transaction.
struct Stopped(Failure);

impl From<diesel::result::Error> for Stopped {
    fn from(error: diesel::result::Error) -> Self {
        Self(error.into())
    }
}

/// Brings the schema up to date; answers how many migrations ran. PostgreSQL is migrated as the
/// role of the URL, not as the application's role, which may not change the schema.
pub(crate) fn up(location: &Location) -> Result<usize, Failure> {
    match location {
        Location::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
            conn.batch_execute("PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL;")?;
            // The write lock is held from the look at what is pending to the last of it.
            conn.immediate_transaction(|conn| {
                refuse_newer::<diesel::sqlite::Sqlite>(conn, &SQLITE).map_err(Stopped)?;
                Ok(conn.run_pending_migrations(SQLITE).map_err(Stopped)?.len())
            })
            .map_err(|Stopped(failure)| failure)
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::establish(url)?;
            conn.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))?;
            // The policies bind the owner of the tables too: without this it would copy none of their rows.
            conn.batch_execute("SELECT set_config('app.scope', 'system', false)")?;
            refuse_newer::<diesel::pg::Pg>(&mut conn, &POSTGRES)?;
            Ok(conn.run_pending_migrations(POSTGRES)?.len())
        }
    }
}

/// Names of the migrations that have not run yet; reads only.
///
/// # Errors
/// That the schema was made by a newer release, and what the database says.
pub(crate) fn pending(conn: &mut AnyConnection) -> Result<Vec<String>, Failure> {
    let known = match conn {
        AnyConnection::Postgres(_) => names::<diesel::pg::Pg>(&POSTGRES)?,
        AnyConnection::Sqlite(_) => names::<diesel::sqlite::Sqlite>(&SQLITE)?,
    };
    let applied = applied(conn)?;
    let is_known = |version: &&String| known.iter().any(|(known, _)| known == *version);
    if let Some(version) = applied.iter().find(|version| !is_known(version)) {
        return Err(newer(version));
    }
    Ok(known
        .into_iter()
        .filter(|(version, _)| !applied.contains(version))
        .map(|(_, name)| name)
        .collect())
}

/// [`pending`] over a connection of its own, as the role of the URL: the application's role may not
/// exist yet.
pub(crate) fn pending_at(location: &Location) -> Result<Vec<String>, Failure> {
    pending(&mut match location {
        Location::Sqlite(path) => {
            AnyConnection::Sqlite(SqliteConnection::establish(&path.to_string_lossy())?)
        }
        Location::Postgres(url) => AnyConnection::Postgres(PgConnection::establish(url)?),
    })
}

/// The versions of this release's migrations, in order.
pub(crate) fn versions(location: &Location) -> Result<Vec<String>, Failure> {
    let known = match location {
        Location::Sqlite(_) => names::<diesel::sqlite::Sqlite>(&SQLITE)?,
        Location::Postgres(_) => names::<diesel::pg::Pg>(&POSTGRES)?,
    };
    let mut versions: Vec<String> = known.into_iter().map(|(version, _)| version).collect();
    versions.sort_unstable();
    Ok(versions)
}

/// A connection as the role of the URL, which owns the schema; PostgreSQL only.
pub(crate) fn owner(location: &Location) -> Result<PgConnection, Failure> {
    match location {
        Location::Postgres(url) => Ok(PgConnection::establish(url)?),
        Location::Sqlite(_) => Err("SQLite has no roles".into()),
    }
}

/// Versions and names of the migrations of this release.
fn names<DB: Backend>(known: &EmbeddedMigrations) -> Result<Vec<(String, String)>, Failure>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    Ok(MigrationSource::<DB>::migrations(known)?
        .iter()
        .map(|m| (m.name().version().to_string(), m.name().to_string()))
        .collect())
}

/// Versions that ran on the database; none where not even their table exists.
pub(crate) fn applied(conn: &mut AnyConnection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        found: bool,
    }
    #[derive(QueryableByName)]
    struct Applied {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    let exists = if conn.is_postgres() {
        "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS found"
    } else {
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations') AS found"
    };
    let Found { found } = diesel::sql_query(exists).get_result(conn)?;
    if !found {
        return Ok(Vec::new());
    }
    let query = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
    let rows: Vec<Applied> = diesel::sql_query(query).load(conn)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

fn newer(version: &str) -> Failure {
    format!("the schema has migration {version}, made by a newer release").into()
}

/// Runs the migrations of PostgreSQL below a version as releases before the scope of the system did; for tests.
#[cfg(test)]
pub(crate) fn up_without_scope(url: &str, below: &str) -> Result<(), Failure> {
    let mut conn = PgConnection::establish(url)?;
    for migration in MigrationSource::<diesel::pg::Pg>::migrations(&POSTGRES)? {
        let version = migration.name().version().to_string();
        let ran = conn.applied_migrations()?;
        if version.as_str() < below && !ran.iter().any(|known| known.to_string() == version) {
            conn.run_migration(&*migration)?;
        }
    }
    Ok(())
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
fn refuse_newer<DB: Backend>(
    conn: &mut impl MigrationHarness<DB>,
    known: &EmbeddedMigrations,
) -> Result<(), Failure>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = names::<DB>(known)?;
    let applied = conn.applied_migrations()?;
    let unknown = applied
        .iter()
        .map(ToString::to_string)
        .find(|version| !known.iter().any(|(known, _)| known == version));
    unknown.map_or(Ok(()), |version| Err(newer(&version)))
}
