//! The command line.

mod backup;
mod check;
mod demo;
mod digest;
mod epoch;
mod erase;
mod key;
mod organization;
mod record;
mod serve;
mod token;
mod transfer;
mod verify;
mod webhooks;
mod witness;

use std::process::ExitCode;

use clap::{ArgMatches, Command};

use crate::settings::{SettingError, Settings, Sources, arguments};

/// What a command says when it cannot do its work.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

fn command() -> Command {
    Command::new("probity")
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "AI governance server: inventory, evidence, judgement, and a record anyone can verify",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(arguments())
        .subcommand(serve::command())
        .subcommand(demo::command())
        .subcommand(organization::command())
        .subcommand(key::command())
        .subcommand(token::command())
        .subcommand(check::command())
        .subcommand(verify::command())
        .subcommand(witness::command())
        .subcommand(epoch::command())
        .subcommand(record::command())
        .subcommand(transfer::push_command())
        .subcommand(transfer::pull_command())
        .subcommand(backup::backup_command())
        .subcommand(backup::restore_command())
        .subcommand(erase::command())
        .subcommand(webhooks::command())
        .subcommand(Command::new("openapi").about("Prints the OpenAPI 3.1 document"))
}

/// Runs the command line; a failure is one line on standard error.
pub(crate) fn run() -> ExitCode {
    let matches = command().get_matches();
    match dispatch(&matches) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("probity: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(matches: &ArgMatches) -> Outcome {
    let (name, arguments) = matches.subcommand().ok_or("no command was given")?;
    // Clients of a server, which may be anywhere: they have no settings of one.
    match name {
        "push" => return transfer::push(arguments),
        "pull" => return transfer::pull(arguments),
        _ => {}
    }
    let sources = Sources::gather(arguments)?;
    match name {
        "serve" => serve::run(arguments, &sources),
        "demo" => demo::run(arguments, &sources),
        "org" => organization::run(arguments, &sources),
        "key" => key::run(arguments, &sources),
        "token" => token::run(arguments, &sources),
        "check" => check::run(arguments, &sources),
        "verify" => verify::run(arguments),
        "witness" => witness::run(arguments, &sources),
        "epoch" => epoch::run(arguments, &sources),
        "record" => record::run(arguments, &sources),
        "backup" => backup::backup(arguments, &sources),
        "restore" => backup::restore(arguments, &sources),
        "erase" => erase::run(arguments, &sources),
        "webhooks" => webhooks::run(arguments, &sources),
        "openapi" => openapi(),
        other => Err(format!("unknown command {other}").into()),
    }
}

fn openapi() -> Outcome {
    println!("{}", crate::http::openapi::document().to_pretty_json()?);
    Ok(ExitCode::SUCCESS)
}

/// Settings of the commands that do one thing and end: quiet unless told otherwise.
fn quiet(sources: &Sources) -> Result<Settings, SettingError> {
    let quiet = if sources.is_default("log-level") {
        sources.clone().with("log-level", "warn")
    } else {
        sources.clone()
    };
    let settings = Settings::read(&quiet)?;
    crate::telemetry::init(&settings)?;
    Ok(settings)
}

/// A runtime for what is asynchronous in such a command.
fn block_on<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work))
}

/// The actor of everything done by hand on the server's machine.
const OPERATOR: probity_kernel::Actor = probity_kernel::Actor::System("command line");
