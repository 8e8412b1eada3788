#![doc = include_str!("../README.md")]

mod cluster;
mod programs;
mod server;

use std::path::PathBuf;

use crate::server::Created;

/// A fresh, empty database; removed when the value is dropped.
#[derive(Debug)]
pub enum TestDatabase {
    /// A file in a temporary folder of its own.
    Sqlite(SqliteFile),
    /// A database of its own on a PostgreSQL server.
    Postgres(PostgresDatabase),
}

/// A path in a temporary folder of its own; the file itself is not made.
#[derive(Debug)]
pub struct SqliteFile {
    folder: tempfile::TempDir,
    url: String,
}

/// A database of its own on a PostgreSQL server.
#[derive(Debug)]
pub struct PostgresDatabase {
    created: Created,
}

impl TestDatabase {
    /// A place for a SQLite file.
    ///
    /// # Panics
    /// When no temporary folder can be made: without one there is no test.
    #[must_use]
    pub fn sqlite() -> Self {
        match tempfile::Builder::new().prefix("probity-test-").tempdir() {
            Ok(folder) => {
                let url = folder.path().join("probity.db").display().to_string();
                Self::Sqlite(SqliteFile { folder, url })
            }
            Err(error) => panic!("no temporary folder: {error}"),
        }
    }

    /// A PostgreSQL database, or `None` where there is no PostgreSQL, which is told on standard
    /// error as `skipped: PostgreSQL: <reason>` together with the name of the test.
    ///
    /// # Panics
    /// When there is none and the environment variable `CI` is set, and when a server that is there
    /// does not do its work.
    #[must_use]
    pub fn postgres() -> Option<Self> {
        match server::create() {
            Ok(created) => Some(Self::Postgres(PostgresDatabase { created })),
            Err(server::Failure::Broken(reason)) => panic!("PostgreSQL: {reason}"),
            Err(server::Failure::Absent(reason)) => {
                assert!(
                    !in_ci(),
                    "PostgreSQL is missing, and CI may not skip: {reason}"
                );
                let thread = std::thread::current();
                let test = thread.name().unwrap_or("unnamed");
                eprintln!("skipped: PostgreSQL: {reason} ({test})");
                None
            }
        }
    }

    /// The URL, or the path of the SQLite file.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Sqlite(file) => &file.url,
            Self::Postgres(database) => &database.created.url,
        }
    }

    /// The folder of a SQLite file.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite(file) => Some(file.folder.path().to_owned()),
            Self::Postgres(_) => None,
        }
    }

    /// Runs SQL through `psql` as the role of the URL, which owns the database and, in a private
    /// cluster, is a superuser. Answers the rows without alignment, columns divided by `|`.
    ///
    /// # Errors
    /// What `psql` says, and that SQLite has no server to ask.
    pub fn psql(&self, sql: &str) -> Result<String, String> {
        match self {
            Self::Sqlite(_) => Err("psql speaks to PostgreSQL only".to_owned()),
            Self::Postgres(database) => database.created.psql(sql),
        }
    }
}

fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
