//! `probity demo`.

use std::process::ExitCode;

use clap::{ArgMatches, Command};

use super::Outcome;
use crate::settings::Sources;

pub(super) fn command() -> Command {
    Command::new("demo").about("Starts a throw-away server with a sample organisation")
}

pub(super) fn run(_: &ArgMatches, _: &Sources) -> Outcome {
    Ok(ExitCode::SUCCESS)
}
