//! A connection that the store knows nothing of: no scope, no rules.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use probity_testkit::TestDatabase;
use uuid::Uuid;

/// A raw connection; on PostgreSQL that of the role of the URL.
pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Raw {
    pub(crate) fn open(kit: &TestDatabase) -> Self {
        match kit {
            TestDatabase::Sqlite(_) => {
                let mut conn = SqliteConnection::establish(kit.url()).expect("a connection");
                conn.batch_execute("PRAGMA busy_timeout = 5000")
                    .expect("a timeout");
                Self::Sqlite(conn)
            }
            TestDatabase::Postgres(_) => {
                Self::Postgres(PgConnection::establish(kit.url()).expect("a connection"))
            }
        }
    }

    /// Runs statements.
    pub(crate) fn run(&mut self, sql: &str) -> QueryResult<()> {
        match self {
            Self::Sqlite(conn) => conn.batch_execute(sql),
            Self::Postgres(conn) => conn.batch_execute(sql),
        }
    }

    /// Runs statements that have to succeed.
    pub(crate) fn must(&mut self, sql: &str) {
        if let Err(error) = self.run(sql) {
            panic!("{sql}: {error}");
        }
    }

    /// The one number that a query `SELECT ... AS number` answers.
    pub(crate) fn number(&mut self, sql: &str) -> i64 {
        let query = diesel::sql_query(sql);
        let found: QueryResult<Number> = match self {
            Self::Sqlite(conn) => query.get_result(conn),
            Self::Postgres(conn) => query.get_result(conn),
        };
        match found {
            Ok(found) => found.number,
            Err(error) => panic!("{sql}: {error}"),
        }
    }

    /// Rows of a query.
    pub(crate) fn rows<T>(&mut self, sql: &str) -> Vec<T>
    where
        T: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
    {
        let query = diesel::sql_query(sql);
        let found: QueryResult<Vec<T>> = match self {
            Self::Sqlite(conn) => query.load(conn),
            Self::Postgres(conn) => query.load(conn),
        };
        match found {
            Ok(found) => found,
            Err(error) => panic!("{sql}: {error}"),
        }
    }

    /// How many rows a table has; `rest` may hold a condition.
    pub(crate) fn count(&mut self, table: &str, rest: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) AS number FROM {table} {rest}"))
    }

    /// The table that holds what few rows the code sees under a name: on SQLite the snapshots are a view,
    /// and those that came last wait to be filed.
    pub(crate) fn table<'a>(&self, name: &'a str) -> &'a str {
        match (self, name) {
            (Self::Sqlite(_), "metric_snapshots") => "arrived_snapshots",
            _ => name,
        }
    }

    /// A UUID as a literal.
    pub(crate) fn uuid(&self, id: Uuid) -> String {
        match self {
            Self::Sqlite(_) => format!("x'{}'", id.simple()),
            Self::Postgres(_) => format!("'{id}'"),
        }
    }

    /// Bytes as a literal.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> String {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let hex = digits.concat();
        match self {
            Self::Sqlite(_) => format!("x'{hex}'"),
            Self::Postgres(_) => format!("'\\x{hex}'"),
        }
    }
}
