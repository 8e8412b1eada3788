//! `probity push` and `probity pull`: artifacts to a server and back.

mod client;
mod progress;
mod pull;
mod push;
mod resume;

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use self::client::Trouble;
use super::Outcome;

/// The exit code when the server could not be reached, or gave up midway: running the command again
/// goes on where it stopped. 1 means that running it again will not help.
const UNFINISHED: u8 = 3;

fn arguments() -> [Arg; 5] {
    [
        Arg::new("product")
            .long("product")
            .value_name("ID")
            .required(true)
            .help("Product that the artifact is of"),
        Arg::new("server")
            .long("server")
            .env("PROBITY_SERVER")
            .value_name("URL")
            .default_value("http://127.0.0.1:8080")
            .help("Address of the server"),
        Arg::new("api-key")
            .long("api-key")
            .env("PROBITY_API_KEY")
            .value_name("KEY")
            .required(true)
            .hide_env_values(true)
            .help("API key or token"),
        Arg::new("retry-for")
            .long("retry-for")
            .value_name("SECONDS")
            .default_value("60")
            .value_parser(clap::value_parser!(u64).range(0..=86_400))
            .help("How long to try again while the server is out of reach"),
        Arg::new("quiet")
            .long("quiet")
            .action(clap::ArgAction::SetTrue)
            .help("No progress on standard error"),
    ]
}

pub(super) fn push_command() -> Command {
    Command::new("push")
        .about(
            "Uploads a file as an artifact, in parallel chunks; run again after a break, it goes on. \
             Prints the artifact's id alone on standard output; exit 1 when refused, 3 when unfinished",
        )
        .arg(Arg::new("file").value_name("FILE").required(true))
        .args(arguments())
        .args(push::arguments())
}

pub(super) fn pull_command() -> Command {
    Command::new("pull")
        .about(
            "Downloads an artifact and verifies its digest; run again after a break, it goes on. \
             Prints the file's name alone on standard output; exit 1 when refused, 3 when unfinished",
        )
        .args(arguments())
        .args(pull::arguments())
}

pub(super) fn push(matches: &ArgMatches) -> Outcome {
    finish(super::block_on(push::run(matches))?)
}

pub(super) fn pull(matches: &ArgMatches) -> Outcome {
    finish(super::block_on(pull::run(matches))?)
}

fn finish(outcome: Result<String, Trouble>) -> Outcome {
    match outcome {
        Ok(line) => {
            println!("{line}");
            Ok(ExitCode::SUCCESS)
        }
        Err(Trouble::Refused(told)) => Err(told.into()),
        Err(Trouble::Unreachable(told)) => {
            eprintln!("probity: {told}; run the command again to go on");
            Ok(ExitCode::from(UNFINISHED))
        }
    }
}

/// An argument that is required or has a default.
fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}
