//! `probity serve`.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::Outcome;
use crate::settings::{Settings, Sources};
use crate::startup::Application;

pub(super) fn command() -> Command {
    let print = Arg::new("print-config")
        .long("print-config")
        .action(ArgAction::SetTrue)
        .help("Prints the effective settings with their sources, secrets masked, and ends");
    Command::new("serve").about("Starts the server").arg(print)
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let settings = Settings::read(sources)?;
    if matches.get_flag("print-config") {
        print!("{}", sources.print());
        return Ok(ExitCode::SUCCESS);
    }
    crate::telemetry::init(&settings)?;
    actix_web::rt::System::new().block_on(async {
        let application = Application::build(&settings)?;
        tracing::info!(address = %application.address(), "serving");
        application.run().await?;
        Ok(ExitCode::SUCCESS)
    })
}
