//! Servers for the cases: the real binary on a database of its own.

mod api;
mod conformance;
mod search;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use diesel::SqliteConnection;
use diesel::connection::{Connection as _, SimpleConnection as _};
use probity_kernel::{Clock as _, SystemClock};
use probity_testkit::TestDatabase;

pub(crate) use api::{Api, Call, Reply, merge};
pub(crate) use conformance::{document, matches};

/// How long a server may take to start or stop on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// Makes `sqlite::name` and `postgres::name` of each case.
macro_rules! both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                let api = crate::harness::Api::shared(crate::harness::Backend::Sqlite);
                super::$case(api.expect("SQLite is compiled in")).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                if let Some(api) = crate::harness::Api::shared(crate::harness::Backend::Postgres) {
                    super::$case(api).await;
                }
            })+
        }
    };
}

/// The same for cases that start servers of their own: they take the database's kind.
macro_rules! both_alone {
    ($($case:ident),+ $(,)?) => {
        mod sqlite_alone {
            $(#[tokio::test]
            async fn $case() {
                let place = crate::harness::Place::new(crate::harness::Backend::Sqlite);
                super::$case(place.expect("SQLite is compiled in")).await;
            })+
        }
        mod postgres_alone {
            $(#[tokio::test]
            async fn $case() {
                if let Some(place) = crate::harness::Place::new(crate::harness::Backend::Postgres) {
                    super::$case(place).await;
                }
            })+
        }
    };
}

/// A database and a data folder; servers come and go on it.
#[derive(Debug)]
pub(crate) struct Place {
    database: TestDatabase,
    data: PathBuf,
    /// Logs and files of the cases, and the data folder where the database is elsewhere.
    extra: tempfile::TempDir,
}

impl Place {
    /// A fresh one; `None` where there is no PostgreSQL.
    pub(crate) fn new(backend: Backend) -> Option<Arc<Self>> {
        let extra = tempfile::tempdir().unwrap();
        let database = match backend {
            Backend::Sqlite => TestDatabase::sqlite(),
            Backend::Postgres => TestDatabase::postgres()?,
        };
        let data = database
            .folder()
            .unwrap_or_else(|| extra.path().join("data"));
        Some(Arc::new(Self {
            database,
            data,
            extra,
        }))
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A file that cases may write.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.extra.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The binary with this place's settings, in the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare_command(arguments);
        command.env("PROBITY_DATA_DIR", &self.data);
        let key = self.extra.path().join("webhook-master.key");
        if !key.exists() {
            std::fs::write(&key, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").unwrap();
        }
        command.env("PROBITY_WEBHOOK_KEY_FILE", key);
        command.env("PROBITY_WEBHOOK_PRIVATE_HOSTS", "127.0.0.1");
        if self.database.folder().is_none() {
            command.env("DATABASE_URL", self.database.url());
        }
        command
    }

    /// Runs a command to its end and answers what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim_end().into()
    }

    /// Changes rows behind the server's back: SQL for SQLite, and for PostgreSQL.
    pub(crate) fn change(&self, sqlite: &str, postgres: &str) {
        if self.psql(postgres).is_some() {
            return;
        }
        let mut conn = SqliteConnection::establish(self.database.url()).unwrap();
        let changed = conn.batch_execute(&format!("PRAGMA busy_timeout = 5000; {sqlite}"));
        changed.unwrap_or_else(|error| panic!("{sqlite}: {error}"));
    }

    /// SQL on PostgreSQL; `None` on SQLite.
    pub(crate) fn psql(&self, sql: &str) -> Option<String> {
        self.database.folder().is_none().then(|| {
            let answer = self.database.psql(sql);
            answer.unwrap_or_else(|error| panic!("{sql}: {error}"))
        })
    }
}

/// The binary with none of the settings of whoever runs the tests.
pub(crate) fn bare_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
    command.env_clear().stdin(Stdio::null()).args(arguments);
    for name in ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct TestApp {
    pub(crate) place: Arc<Place>,
    pub(crate) base: String,
    server: Mutex<Child>,
    watchdog: Mutex<Child>,
    log: PathBuf,
}

impl TestApp {
    /// Starts a server and waits until it serves.
    pub(crate) fn spawn(place: &Arc<Place>, flags: &[&str]) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let log = place.extra.path().join(format!("log-{number}"));
        let stderr = std::fs::File::create(&log).unwrap();
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0"];
        arguments.extend(flags);
        let mut command = place.command(&arguments);
        let mut server = command
            .stderr(stderr)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let watchdog = watch(server.id());
        let base = address(&log, &mut server);
        Self {
            place: place.clone(),
            base: format!("http://{base}"),
            server: Mutex::new(server),
            watchdog: Mutex::new(watchdog),
            log,
        }
    }

    /// Another node on the same database and keys, with a folder of its own for artifacts: a folder
    /// belongs to one server.
    pub(crate) fn spawn_beside(place: &Arc<Place>, flags: &[&str]) -> Self {
        let folder = place.extra.path().join("blobs-of-another-node");
        let folder = folder.to_str().unwrap();
        Self::spawn(place, &[flags, &["--blob-store", folder]].concat())
    }

    /// The server that cases share, without limits; it ends with the last case that holds it.
    fn shared(backend: Backend) -> Option<Arc<Self>> {
        static SHARED: [Mutex<Weak<TestApp>>; 2] =
            [Mutex::new(Weak::new()), Mutex::new(Weak::new())];
        let [sqlite, postgres] = &SHARED;
        let slot = match backend {
            Backend::Sqlite => sqlite,
            Backend::Postgres => postgres,
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = slot.upgrade() {
            return Some(running);
        }
        let started = Arc::new(Self::spawn(&Place::new(backend)?, &UNLIMITED));
        *slot = Arc::downgrade(&started);
        Some(started)
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.server.lock().unwrap().id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end of a server that was told to stop.
    pub(crate) fn wait(&self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.server.lock().unwrap().try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server did not stop:\n{}", self.log());
    }
}

/// Flags of a server without rate limits.
pub(crate) const UNLIMITED: [&str; 4] = [
    "--rate-limit-metrics",
    "0",
    "--rate-limit-metrics-batch",
    "0",
];

impl Drop for TestApp {
    fn drop(&mut self) {
        for child in [&self.watchdog, &self.server] {
            let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Kills the server when the test process ends in a way that drops nothing.
fn watch(server: u32) -> Child {
    let mut watchdog = Command::new("sh");
    watchdog.args(["-c", "cat >/dev/null; kill -KILL \"$1\"", "watchdog"]);
    watchdog.arg(server.to_string()).stdin(Stdio::piped());
    watchdog.stdout(Stdio::null()).stderr(Stdio::null());
    watchdog.spawn().unwrap()
}

/// The address out of the log line that says so.
fn address(log: &Path, server: &mut Child) -> String {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let text = std::fs::read_to_string(log).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        for line in lines.collect::<Vec<serde_json::Value>>() {
            if line["message"] == "serving" {
                return line["address"].as_str().unwrap().to_owned();
            }
        }
        if let Some(status) = server.try_wait().unwrap() {
            panic!("the server ended with {status}:\n{text}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = server.kill();
    panic!("the server did not say that it serves");
}

/// A word that no other case of this process uses.
pub(crate) fn unique(prefix: &str) -> String {
    static NUMBER: OnceLock<std::sync::atomic::AtomicU64> = OnceLock::new();
    let number = NUMBER.get_or_init(Default::default);
    let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}

/// The instant.
pub(crate) fn now() -> time::OffsetDateTime {
    SystemClock.now()
}

/// The bytes as gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
