//! `probity record`: the key that signs the record.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use ed25519_dalek::SigningKey;
use probity_access::AccessRepository as _;
use probity_ledger::NoteSigner;

use super::organization::{Opened, context};
use super::{Outcome, block_on, quiet};
use crate::keys;
use crate::settings::{Settings, Sources};

pub(super) fn command() -> Command {
    Command::new("record")
        .about("The key that signs the record")
        .subcommand_required(true)
        .subcommand(Command::new("rotate-key").about(
            "Makes a new key; until `retire-key` the old one signs beside it. Stop the server first",
        ))
        .subcommand(Command::new("retire-key").about(
            "Ends the overlap: the old key signs no longer. Stop the server first",
        ))
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let settings = quiet(sources)?;
    let opened = Opened::new(&settings)?;
    let done = match matches.subcommand() {
        Some(("rotate-key", _)) => rotate(&settings, &opened),
        _ => retire(&settings, &opened),
    };
    opened.database.drain();
    println!("{}", done?);
    Ok(ExitCode::SUCCESS)
}

type Told = Result<String, Box<dyn std::error::Error>>;

fn rotate(settings: &Settings, opened: &Opened) -> Told {
    let key = keys::rotate_record_key(&settings.data_dir)?;
    let count = block_on(announce(settings, opened, &key, true))??;
    Ok(format!(
        "a new key signs beside the old one; hand out the keys of /api/v1/audit/keys anew ({count} records)"
    ))
}

fn retire(settings: &Settings, opened: &Opened) -> Told {
    let Some(key) = keys::previous_record_key(&settings.data_dir)? else {
        return Err("there is no old key beside the present one".into());
    };
    let count = block_on(announce(settings, opened, &key, false))??;
    keys::retire_record_key(&settings.data_dir)?;
    Ok(format!("the old key signs no longer ({count} records)"))
}

/// Puts the change on the record of every organisation; answers of how many.
async fn announce(
    settings: &Settings,
    opened: &Opened,
    key: &SigningKey,
    added: bool,
) -> Result<usize, Box<dyn std::error::Error>> {
    let heads = opened.database.log_heads()?;
    let organizations = opened.access.repository().list_organizations().await?;
    let mut count = 0;
    for organization in organizations {
        let head = heads
            .iter()
            .find(|head| head.organization == organization.id);
        let epoch = head.map_or(1, |head| head.epoch);
        let origin = format!("{}/{}/audit/{epoch}", settings.origin, organization.id);
        let vkey = NoteSigner::from_seed(&origin, key.as_bytes())?;
        let vkey = vkey.verifier().to_string();
        let context = context(organization.id);
        if added {
            opened.database.record_key_added(&context, &vkey).await?;
        } else {
            opened.database.record_key_retired(&context, &vkey).await?;
        }
        count += 1;
    }
    Ok(count)
}
