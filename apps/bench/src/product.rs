//! The server itself, the real binary: set up through its command line and its API.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::Outcome;
use crate::call::Client;
use crate::child::{Served, free_address};

/// The slug of the organisation and of its space.
pub(crate) const SLUG: &str = "bench";

/// A place for the server's data: a folder, and a database in it or on PostgreSQL.
pub(crate) struct Home {
    program: PathBuf,
    folder: tempfile::TempDir,
    postgres: Option<PostgresDatabase>,
    key: String,
}

/// A database of our own on a PostgreSQL server, dropped with this.
pub(crate) struct PostgresDatabase {
    server: String,
    name: String,
}

impl PostgresDatabase {
    /// Creates a database with a name that no other run uses.
    pub(crate) fn create(server: &str, purpose: &str) -> Outcome<Self> {
        let name = format!("probity_bench_{purpose}_{}", std::process::id());
        let made = Self {
            server: server.trim_end_matches('/').to_owned(),
            name,
        };
        made.admin(&format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            made.name
        ))?;
        made.admin(&format!("CREATE DATABASE {}", made.name))?;
        Ok(made)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    fn admin(&self, statement: &str) -> Outcome<()> {
        psql(&format!("{}/postgres", self.server), statement).map(drop)
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let dropped = self.admin(&format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.name
        ));
        if let Err(error) = dropped {
            eprintln!("the database {} was not dropped: {error}", self.name);
        }
    }
}

/// Runs statements through `psql`; answers what they print, a row a line.
pub(crate) fn psql(url: &str, statements: &str) -> Outcome<String> {
    let arguments = [
        "-X",
        "-q",
        "-t",
        "-A",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        url,
        "-c",
        statements,
    ];
    let done = Command::new("psql").args(arguments).output()?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(format!("psql: {}", String::from_utf8_lossy(&done.stderr)).into())
}

impl Home {
    /// A fresh folder and database with an organisation and a key that may do everything.
    pub(crate) fn new(program: &Path, postgres: Option<PostgresDatabase>) -> Outcome<Self> {
        let mut home = Self {
            program: program.to_owned(),
            folder: tempfile::tempdir()?,
            postgres,
            key: String::new(),
        };
        home.command(&["org", "create", SLUG])?;
        let scopes = ["key", "create", "--org", SLUG, "--name", SLUG];
        let all = [&scopes[..], &["--scope", "read,write,admin"]].concat();
        home.key = String::from(home.command(&all)?.trim());
        Ok(home)
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The name of the database on PostgreSQL.
    pub(crate) fn backend(&self) -> Option<&str> {
        self.postgres.as_ref().map(PostgresDatabase::name)
    }

    /// The address of the database on PostgreSQL.
    pub(crate) fn postgres_url(&self) -> Option<String> {
        self.postgres.as_ref().map(PostgresDatabase::url)
    }

    /// The file of the database on SQLite.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("probity.db")
    }

    /// The size of the database's files on SQLite in MiB.
    pub(crate) fn megabytes(&self) -> f64 {
        let files = ["probity.db", "probity.db-wal"];
        let size = |name: &&str| fs::metadata(self.folder.path().join(name)).map_or(0, |m| m.len());
        crate::number::float(files.iter().map(size).sum()) / 1_048_576.0
    }

    fn prepared(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--data-dir").arg(self.folder.path());
        if let Some(database) = &self.postgres {
            command.arg("--database-url").arg(database.url());
        }
        command
    }

    /// Runs a command of the binary and answers what it printed.
    pub(crate) fn command(&self, arguments: &[&str]) -> Outcome<String> {
        let done = self.prepared().args(arguments).output()?;
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        if done.status.success() {
            return Ok(text);
        }
        let error = String::from_utf8_lossy(&done.stderr);
        Err(format!("probity {arguments:?}: {text}{error}").into())
    }

    /// Starts the server with its limits off; answers it and how long its start took.
    pub(crate) fn serve(&self) -> Outcome<(Served, Duration)> {
        self.serve_with(&[])
    }

    /// The same with further flags.
    pub(crate) fn serve_with(&self, flags: &[&str]) -> Outcome<(Served, Duration)> {
        let address = free_address()?;
        let mut command = self.prepared();
        command.args(["serve", "--listen", &address.to_string(), "--workers", "2"]);
        for limit in ["metrics", "metrics-batch", "requests"] {
            command.args([&format!("--rate-limit-{limit}"), "0"]);
        }
        command.args(["--log-level", "warn"]);
        command.args(flags);
        Served::start(address, &mut command, "/healthz")
    }

    /// A client with the key.
    pub(crate) fn client(&self, served: &Served) -> Outcome<Client> {
        Client::connect(served.address(), Some(&self.key))
    }

    /// Creates products and answers their ids.
    pub(crate) fn products(&self, served: &Served, count: usize) -> Outcome<Vec<String>> {
        let mut client = self.client(served)?;
        let spaces = format!("/api/v1.0/organizations/{SLUG}/spaces");
        client.post(&spaces, &json!({"slug": SLUG}))?;
        let path = format!("/api/v1.0/catalog/spaces/{SLUG}/model-repository/models");
        let mut ids = Vec::with_capacity(count);
        for number in 0..count {
            let body =
                json!({"name": format!("Scoring model {number}"), "product_type": "ML Model"});
            let made = client.post(&path, &body)?;
            let id = made.get("id").and_then(serde_json::Value::as_str);
            ids.push(id.ok_or("a product without an id")?.to_owned());
        }
        Ok(ids)
    }
}
