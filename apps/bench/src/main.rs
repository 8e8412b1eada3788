//! Measures the server beside bare HTTP, raw SQLite and one transaction per request, in one run and
//! in interleaved rounds, and prints the table of goals. See `docs/performance.md`.

mod call;
mod child;
mod echo;
mod fleet;
mod load;
mod naive;
mod number;
mod options;
mod payload;
mod pipe;
mod proc;
mod product;
mod raw;
mod references;
mod results;
mod rows;
mod seed;
mod table;
mod tables;

use std::process::ExitCode;

use clap::Parser as _;

use crate::options::{Cli, Command, Options};
use crate::results::Results;

/// What may go wrong ends the run with its words.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures a group of rows.
type Measure = fn(&Options, &mut Results) -> Outcome<()>;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("probity-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Option<Command>) -> Outcome<()> {
    match command {
        None => run(Cli::try_parse_from(["probity-bench", "all"])?.command),
        Some(Command::EchoServer(server)) => echo::serve(server.listen),
        Some(Command::NaiveServer(server)) => naive::serve(server.listen, &server.database),
        Some(Command::All(options)) => measure(&options, &ALL),
        Some(Command::Ingest(options)) => measure(&options, &[rows::ingest::measure]),
        Some(Command::Read(options)) => measure(&options, &[rows::read::measure]),
        Some(Command::Inventory(options)) => measure(&options, &[rows::inventory::measure]),
        Some(Command::Governance(options)) => measure(&options, &[rows::governance::measure]),
        Some(Command::Products(options)) => measure(&options, &[rows::products::measure]),
        Some(Command::Register(options)) => measure(&options, &[rows::register::measure]),
        Some(Command::Artifacts(options)) => measure(&options, &[rows::artifacts::measure]),
        Some(Command::Webhooks(options)) => measure(&options, &[rows::webhooks::measure]),
        Some(Command::Discovery(options)) => measure(&options, &[rows::discovery::measure]),
        Some(Command::Mlflow(options)) => measure(&options, &[rows::mlflow::measure]),
        Some(Command::Operations(options)) => measure(&options, &[rows::operations::measure]),
    }
}

const ALL: [Measure; 11] = [
    rows::ingest::measure,
    rows::read::measure,
    rows::inventory::measure,
    rows::governance::measure,
    rows::products::measure,
    rows::register::measure,
    rows::artifacts::measure,
    rows::webhooks::measure,
    rows::discovery::measure,
    rows::mlflow::measure,
    rows::operations::measure,
];

fn measure(options: &Options, groups: &[Measure]) -> Outcome<()> {
    if options.builds() && !rows::operations::cargo(None)? {
        return Err("the server was not built".into());
    }
    let mut results = Results::default();
    let mut failed = None;
    for group in groups {
        if let Err(error) = group(options, &mut results) {
            eprintln!("a group of rows ended early: {error}");
            failed = Some(error);
        }
    }
    table::print_cells(&results);
    table::print(&results);
    failed.map_or(Ok(()), Err)
}
