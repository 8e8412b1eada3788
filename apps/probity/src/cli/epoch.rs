//! `probity epoch`: opens the record anew after an old backup was restored, on the record.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use super::organization::{Opened, context};
use super::{Outcome, block_on, quiet};
use crate::record::SignedStates;
use crate::settings::Sources;

pub(super) fn command() -> Command {
    let open = Command::new("open")
        .about("Opens a new epoch of an organisation's record; auditors who kept a checkpoint will be told")
        .arg(
            Arg::new("org")
                .long("org")
                .value_name("SLUG")
                .required(true)
                .help("Organisation"),
        )
        .arg(
            Arg::new("reason")
                .long("reason")
                .value_name("TEXT")
                .required(true)
                .help("Why, in words; it goes on the record"),
        );
    Command::new("epoch")
        .about("Epochs of the record")
        .subcommand_required(true)
        .subcommand(open)
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let Some(("open", arguments)) = matches.subcommand() else {
        return Err("expected `epoch open`".into());
    };
    let text = |name: &str| arguments.get_one::<String>(name).map_or("", String::as_str);
    let reason = text("reason").trim();
    if reason.is_empty() || reason.chars().count() > 1000 {
        return Err("--reason takes 1 to 1000 characters".into());
    }
    let settings = quiet(sources)?;
    let opened = Opened::new(&settings)?;
    let slug = text("org");
    let done = block_on(async {
        let organization = opened.organization(slug).await?;
        // What was signed last stands beside the key, wherever the database came from.
        let states = SignedStates::below(&settings.data_dir);
        let last = states.get(organization.id)?;
        let last = last.as_deref().map(crate::record::body_of).transpose()?;
        let epoch = opened
            .database
            .open_epoch(&context(organization.id), last.as_ref(), reason)
            .await?;
        Ok::<u64, Box<dyn std::error::Error>>(epoch)
    })?;
    opened.database.drain();
    println!("the record of {slug} is in epoch {}", done?);
    Ok(ExitCode::SUCCESS)
}
