//! A private PostgreSQL cluster that ends with the process that started it.

use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::programs::{Programs, postgres_account, run};

/// How often a start is tried: another process may take the free port first.
const ATTEMPTS: u32 = 3;

/// Waits for the end of its input, which comes when the test process exits in whatever way, then
/// stops the server and removes the folder `$1`.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null; then
    tries=100
    while [ "$tries" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
        tries=$((tries - 1))
        sleep 0.1
    done
fi
rm -rf "$1"
"#;

/// A running cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Base URL: without a database's name.
    pub(crate) url: String,
    pub(crate) programs: Programs,
    /// Holds the watchdog's input open.
    _watchdog: Child,
}

impl Cluster {
    /// Makes and starts a cluster.
    pub(crate) fn start(programs: Programs) -> Result<Self, String> {
        let told = |error: io::Error| error.to_string();
        let folder = tempfile::Builder::new()
            .prefix("probity-pg-")
            .tempdir()
            .map_err(told)?;
        let account = account_for(folder.path())?;
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group)).map_err(told)?;
        }
        let watchdog = watch(folder.path()).map_err(told)?;
        // From here on the watchdog removes it.
        let folder = folder.keep();
        init(&programs, &folder, account)?;
        let mut outcome = Err(String::new());
        for _ in 0..ATTEMPTS {
            outcome = launch(&programs, &folder, account);
            if outcome.is_ok() {
                break;
            }
        }
        Ok(Self {
            url: format!("postgres://postgres@127.0.0.1:{}", outcome?),
            programs,
            _watchdog: watchdog,
        })
    }
}

/// PostgreSQL refuses to run as root: then it runs as the account `postgres`.
fn account_for(folder: &Path) -> Result<Option<(u32, u32)>, String> {
    let owner = std::fs::metadata(folder).map_err(|error| error.to_string())?;
    if owner.uid() != 0 {
        return Ok(None);
    }
    let account = postgres_account();
    account
        .map(Some)
        .ok_or_else(|| "PostgreSQL refuses to run as root and there is no account postgres".into())
}

fn watch(folder: &Path) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(folder)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A group of its own: an interrupt from the keyboard is for the tests only.
        .process_group(0)
        .spawn()
}

fn command(programs: &Programs, program: &str, account: Option<(u32, u32)>) -> Command {
    let mut command = programs.command(program);
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command.process_group(0);
    command
}

fn init(programs: &Programs, folder: &Path, account: Option<(u32, u32)>) -> Result<(), String> {
    let mut initdb = command(programs, "initdb", account);
    initdb
        .args(["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"])
        .args(["--locale=C.UTF-8", "-D"])
        .arg(folder.join("data"));
    run(&mut initdb).map(drop)
}

/// Starts the server and answers its port.
fn launch(programs: &Programs, folder: &Path, account: Option<(u32, u32)>) -> Result<u16, String> {
    let port = free_port().map_err(|error| error.to_string())?;
    let log: PathBuf = folder.join("log");
    let options = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off \
         -c synchronous_commit=off -c full_page_writes=off -c max_connections=400 \
         -c shared_buffers=64MB -c autovacuum=off"
    );
    let mut pg_ctl = command(programs, "pg_ctl", account);
    pg_ctl
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-w", "-l"])
        .arg(&log)
        .args(["-o", &options, "start"])
        // The server inherits these, and must not keep a pipe of ours open.
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = pg_ctl.status().map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(port);
    }
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    Err(format!("the server did not start: {}", said.trim()))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
