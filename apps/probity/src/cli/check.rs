//! `probity check`: every invariant of a database.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgMatches, Command};
use probity_kernel::SystemIds;

use super::{Outcome, quiet};
use crate::settings::Sources;
use crate::startup::open_database;

pub(super) fn command() -> Command {
    Command::new("check")
        .about("Checks every invariant of the database; exit 0 when all hold, 1 when one does not")
}

pub(super) fn run(_: &ArgMatches, sources: &Sources) -> Outcome {
    let mut settings = quiet(sources)?;
    settings.migrate = false;
    let database = open_database(&settings, Arc::new(SystemIds::default()))?;
    let report = database.check()?;
    database.drain();
    for item in &report.checked {
        println!("checked  {:<40} {:>12}", item.name, item.examined);
    }
    for violation in &report.violations {
        println!(
            "VIOLATED {}: {}: {}",
            violation.check, violation.subject, violation.detail
        );
    }
    if report.violations.is_empty() {
        println!("every invariant holds");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} violations", report.violations.len());
    Ok(ExitCode::from(1))
}
