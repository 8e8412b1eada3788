//! Databases on a given or a private PostgreSQL server.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cluster::Cluster;
use crate::programs::{Programs, run};

/// The variable that names a server.
const GIVEN: &str = "PROBITY_TEST_DATABASE_URL";

/// Why there is no database.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// There is no PostgreSQL here.
    Absent(String),
    /// There is one, and it does not work.
    Broken(String),
}

/// A server to make databases on.
#[derive(Debug)]
enum Server {
    Given { url: String, programs: Programs },
    Private(Cluster),
}

/// A database that was made for one test.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) url: String,
    name: String,
    server: &'static Server,
}

/// Makes a database with a name of its own.
pub(crate) fn create() -> Result<Created, Failure> {
    static SERVER: OnceLock<Result<Server, Failure>> = OnceLock::new();
    let server = match SERVER.get_or_init(find) {
        Ok(server) => server,
        Err(failure) => return Err(failure.clone()),
    };
    let name = unique_name();
    server
        .psql(
            server.maintenance_url().as_str(),
            &format!("CREATE DATABASE {name}"),
        )
        .map_err(Failure::Broken)?;
    Ok(Created {
        url: with_database(server.url(), &name),
        name,
        server,
    })
}

fn find() -> Result<Server, Failure> {
    if let Ok(url) = std::env::var(GIVEN) {
        let programs = Programs::with("psql")
            .ok_or_else(|| Failure::Broken(format!("{GIVEN} is set, but there is no psql")))?;
        return Ok(Server::Given { url, programs });
    }
    let programs = Programs::with("initdb").ok_or_else(|| {
        Failure::Absent(format!(
            "{GIVEN} is not set, and no initdb in PG_BIN, /usr/lib/postgresql/*/bin or PATH"
        ))
    })?;
    Cluster::start(programs)
        .map(Server::Private)
        .map_err(|reason| Failure::Absent(format!("no private cluster: {reason}")))
}

impl Server {
    fn url(&self) -> &str {
        match self {
            Self::Given { url, .. } => url,
            Self::Private(cluster) => &cluster.url,
        }
    }

    /// Where databases are made from: the one of the given URL, or the cluster's first.
    fn maintenance_url(&self) -> String {
        match self {
            Self::Given { url, .. } => url.clone(),
            Self::Private(cluster) => with_database(&cluster.url, "postgres"),
        }
    }

    fn psql(&self, url: &str, sql: &str) -> Result<String, String> {
        let programs = match self {
            Self::Given { programs, .. } => programs,
            Self::Private(cluster) => &cluster.programs,
        };
        let mut psql = programs.command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url]);
        run(psql.args(["-c", sql]))
    }
}

impl Created {
    pub(crate) fn psql(&self, sql: &str) -> Result<String, String> {
        self.server.psql(&self.url, sql)
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let url = self.server.maintenance_url();
        if let Err(error) = self.server.psql(&url, &drop) {
            eprintln!("the test database {} stays behind: {error}", self.name);
        }
    }
}

/// No other test of this process, and no other process, has this name.
fn unique_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let random = RandomState::new().hash_one(number);
    format!("probity_test_{}_{number}_{random:016x}", std::process::id())
}

/// The URL with another database in its path; what stands after `?` is kept.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (url, String::new()),
    };
    let start = address.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = address.split_at(start);
    let authority = rest.split('/').next().unwrap_or_default();
    format!("{scheme}{authority}/{name}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (url, expected) in [
            ("postgres://h", "postgres://h/t"),
            ("postgres://u:p@h:5/x", "postgres://u:p@h:5/t"),
            (
                "postgresql://h/x?sslmode=disable",
                "postgresql://h/t?sslmode=disable",
            ),
            ("postgres:///x?host=/run/pg", "postgres:///t?host=/run/pg"),
        ] {
            assert_eq!(with_database(url, "t"), expected);
        }
    }

    #[test]
    fn names_differ() {
        assert_ne!(unique_name(), unique_name());
    }
}
