//! One connection type over both databases.

use diesel::connection::{
    AnsiTransactionManager, Connection, SimpleConnection, TransactionManager,
};
use diesel::r2d2::R2D2Connection;
use diesel::{ConnectionError, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
use probity_kernel::OrganizationId;

/// SQLite or PostgreSQL behind one Diesel connection; its backend is [`MultiBackend`].
#[derive(diesel::MultiConnection)]
pub(crate) enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

type Transactions = <AnyConnection as Connection>::TransactionManager;

/// Compiles one statement for each concrete connection: for SQL that `MultiBackend` cannot express.
macro_rules! on_backend {
    ($conn:expr, |$c:ident| $statement:expr) => {
        match $conn {
            $crate::connection::AnyConnection::Postgres($c) => $statement,
            $crate::connection::AnyConnection::Sqlite($c) => $statement,
        }
    };
}
pub(crate) use on_backend;

/// For whom a transaction reads and writes: what row-level security on PostgreSQL enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One organisation; nothing else exists.
    Organization(OrganizationId),
    /// What has no organisation yet: finding the key of a request, creating an organisation.
    System,
}

impl Scope {
    fn statement(self) -> String {
        match self {
            Self::Organization(id) => {
                format!(
                    "SELECT set_config('app.org', '{id}', true), set_config('app.scope', '', true)"
                )
            }
            Self::System => {
                "SELECT set_config('app.org', '', true), set_config('app.scope', 'system', true)"
                    .to_owned()
            }
        }
    }
}

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A connection URL; never logged, it may hold a password.
    Postgres(String),
    /// A file.
    Sqlite(std::path::PathBuf),
}

/// How a SQLite connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Read,
    Write,
    /// A copy that is looked at and not to be changed, its journal included.
    Plain,
}

impl Location {
    /// Opens a connection and prepares it for its use.
    pub(crate) fn connect(&self, usage: Use) -> Result<AnyConnection, OpenError> {
        match self {
            Self::Postgres(url) => connect_postgres(url).map(AnyConnection::Postgres),
            Self::Sqlite(path) => connect_sqlite(path, usage).map(AnyConnection::Sqlite),
        }
    }
}

/// Opening a connection failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

fn connect_sqlite(path: &std::path::Path, usage: Use) -> Result<SqliteConnection, OpenError> {
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    if usage == Use::Plain {
        conn.batch_execute("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
        return Ok(conn);
    }
    conn.batch_execute(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; \
         PRAGMA temp_store = MEMORY;",
    )?;
    conn.batch_execute(match usage {
        // Checkpoints run beside the writer; this is the limit if they cannot keep up. A commit that split
        // a page within a tree looks at every page of the cache, so the cache is no larger than what is
        // written again and again; what else is read lies in the system's.
        Use::Write => "PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -8192;",
        Use::Read | Use::Plain => "PRAGMA query_only = ON; PRAGMA cache_size = -8192;",
    })?;
    Ok(conn)
}

fn connect_postgres(url: &str) -> Result<PgConnection, OpenError> {
    #[derive(diesel::QueryableByName)]
    struct Powers {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        unbound: bool,
        #[diesel(sql_type = diesel::sql_types::Bool)]
        member: bool,
    }
    let mut conn = PgConnection::establish(url)?;
    conn.batch_execute("SET timezone = 'UTC'; SET lock_timeout = '10s';")?;
    let powers: Powers = diesel::sql_query(
        "SELECT rolsuper OR rolbypassrls AS unbound, EXISTS (SELECT FROM pg_roles app \
         WHERE app.rolname = 'probity_app' AND pg_has_role(app.oid, 'MEMBER')) AS member \
         FROM pg_roles WHERE rolname = current_user",
    )
    .get_result(&mut conn)?;
    if powers.unbound || powers.member {
        // Step down to the role that row-level security binds and that cannot change the schema.
        let stepped = conn.batch_execute("SET ROLE probity_app");
        if powers.unbound {
            stepped?;
        }
    }
    Ok(conn)
}

impl AnyConnection {
    /// Whether this is PostgreSQL.
    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Runs a write transaction: `BEGIN IMMEDIATE` on SQLite, where a transaction that begins
    /// deferred and then writes fails at once under contention, whatever the busy timeout.
    pub(crate) fn begin_write(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(
                c,
                "BEGIN ISOLATION LEVEL READ COMMITTED",
            ),
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        }
    }

    /// Opens a transaction of one snapshot that is to be rolled back: for reads that need temporary
    /// views.
    pub(crate) fn begin_scratch(&mut self, scope: Scope) -> QueryResult<()> {
        match self {
            Self::Postgres(c) => {
                let begin = format!(
                    "BEGIN ISOLATION LEVEL REPEATABLE READ; {}",
                    scope.statement()
                );
                AnsiTransactionManager::begin_transaction_sql(c, &begin)
            }
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN DEFERRED"),
        }
    }

    /// Says for whom the rest of the transaction acts; nothing to do on SQLite.
    pub(crate) fn enter(&mut self, scope: Scope) -> QueryResult<()> {
        match self {
            Self::Postgres(c) => c.batch_execute(&scope.statement()),
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Opens a savepoint; `commit` and `rollback` then end it and not the transaction.
    pub(crate) fn savepoint(&mut self) -> QueryResult<()> {
        Transactions::begin_transaction(self)
    }

    pub(crate) fn commit(&mut self) -> QueryResult<()> {
        Transactions::commit_transaction(self)
    }

    pub(crate) fn rollback(&mut self) -> QueryResult<()> {
        Transactions::rollback_transaction(self)
    }

    /// Runs reads for `scope`. PostgreSQL gets a transaction, so that the scope ends with it and
    /// the statements see one snapshot; a single statement on SQLite needs none.
    pub(crate) fn read<T, E: From<diesel::result::Error>>(
        &mut self,
        scope: Scope,
        snapshot: bool,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Self::Postgres(c) => {
                let begin = format!(
                    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {}",
                    scope.statement()
                );
                AnsiTransactionManager::begin_transaction_sql(c, &begin)?;
            }
            Self::Sqlite(c) if snapshot => {
                AnsiTransactionManager::begin_transaction_sql(c, "BEGIN DEFERRED")?;
            }
            Self::Sqlite(_) => return work(self),
        }
        let result = work(self);
        // A read has nothing to keep: ending it either way releases the snapshot.
        let ended = if result.is_ok() {
            self.commit()
        } else {
            self.rollback()
        };
        match (result, ended) {
            (Ok(value), Ok(())) => Ok(value),
            (Ok(_), Err(error)) => Err(error.into()),
            (Err(error), _) => Err(error),
        }
    }
}

/// Makes pooled connections to one location.
#[derive(Debug)]
pub(crate) struct Manager(pub(crate) Location);

impl r2d2::ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = OpenError;

    fn connect(&self) -> Result<AnyConnection, OpenError> {
        self.0.connect(Use::Read)
    }

    fn is_valid(&self, conn: &mut AnyConnection) -> Result<(), OpenError> {
        Ok(conn.ping()?)
    }

    fn has_broken(&self, conn: &mut AnyConnection) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}
