//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Measures the server beside bare HTTP, raw SQLite and one transaction per request.
#[derive(Debug, Parser)]
#[command(name = "probity-bench", version, about)]
pub(crate) struct Cli {
    /// `all` when absent.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to measure; the servers are references that the bench starts itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything below, in one run.
    All(Options),
    /// Ingestion: rows 1 to 5, 7 and 8.
    Ingest(Options),
    /// Point reads: rows 9, 28 and 29.
    Read(Options),
    /// The inventory at a thousand and at a million entries: rows 10 to 12, and the export.
    Inventory(Options),
    /// Summaries and the overview at a thousand and at a hundred thousand products: rows 31 to 33.
    Governance(Options),
    /// Lists of products with filters and searches at 100,000 and a million, on both databases.
    Products(Options),
    /// Registering models: our side of row 13.
    Register(Options),
    /// Uploads and downloads: rows 14 to 17.
    Artifacts(Options),
    /// Delivery of events: rows 21 and 22.
    Webhooks(Options),
    /// Discovery over recorded requests.
    Discovery(Options),
    /// `MLflow`'s side of rows 6, 7 and 13; needs `--mlflow-url`.
    Mlflow(Options),
    /// Start, memory and size: rows 18 to 20 and 30.
    Operations(Options),
    /// Serves bare answers.
    EchoServer(ServerOptions),
    /// Serves with a pool and one transaction per request.
    NaiveServer(ServerOptions),
}

/// Where a reference serves.
#[derive(Debug, Args)]
pub(crate) struct ServerOptions {
    #[arg(long)]
    pub(crate) listen: std::net::SocketAddr,
    /// A SQLite file or a PostgreSQL URL, empty.
    #[arg(long, default_value = "")]
    pub(crate) database: String,
}

/// How to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The server's binary [default: `probity` beside this one, built before].
    #[arg(long)]
    probity: Option<PathBuf>,
    /// Interleaved rounds; medians are over these.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u32,
    /// Seconds of each cell.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Measures only the cells whose names contain this, e.g. `ours c=64`.
    #[arg(long, default_value = "")]
    cells: String,
    /// Seconds to wait at most before each cell until other processes leave the machine alone.
    #[arg(long, default_value_t = 10.0)]
    quiet_wait: f64,
    /// A PostgreSQL server whose user may create databases; `none` leaves these rows out.
    #[arg(long, default_value = "postgres://postgres@127.0.0.1:5432")]
    postgres: String,
    /// A running `MLflow` tracking server, e.g. `http://127.0.0.1:5000`, for rows 6, 7 and 13.
    #[arg(long)]
    mlflow_url: Option<String>,
    /// Entries of the large inventory.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) entries: u64,
    /// Recorded requests that discovery reads.
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) requests: u64,
    /// Size of the artifacts that are uploaded and downloaded.
    #[arg(long, default_value_t = 1 << 30)]
    pub(crate) artifact_bytes: u64,
    /// Seconds of the load after which memory is looked at.
    #[arg(long, default_value_t = 60.0)]
    memory_seconds: f64,
    /// Also builds the server from clean in a folder of its own and takes the time.
    #[arg(long)]
    pub(crate) build_time: bool,
}

impl Options {
    /// Whether the server's binary is ours to build.
    pub(crate) const fn builds(&self) -> bool {
        self.probity.is_none()
    }

    /// The server's binary.
    pub(crate) fn probity(&self) -> std::io::Result<PathBuf> {
        match &self.probity {
            Some(path) => Ok(path.clone()),
            None => Ok(std::env::current_exe()?.with_file_name("probity")),
        }
    }

    /// Whether a cell is wanted.
    pub(crate) fn wants(&self, cell: &str) -> bool {
        cell.contains(&self.cells)
    }

    pub(crate) fn cell_time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    pub(crate) fn quiet_wait(&self) -> Duration {
        Duration::from_secs_f64(self.quiet_wait)
    }

    pub(crate) fn memory_time(&self) -> Duration {
        Duration::from_secs_f64(self.memory_seconds)
    }

    /// The PostgreSQL server.
    pub(crate) fn postgres(&self) -> Option<&str> {
        Some(self.postgres.as_str()).filter(|url| *url != "none")
    }

    /// The `MLflow` server.
    pub(crate) fn mlflow(&self) -> Option<&str> {
        self.mlflow_url.as_deref()
    }
}
