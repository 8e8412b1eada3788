//! `probity webhooks`: what is kept for the deliveries.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use probity_access::{AccessRepository as _, Organization};
use probity_store::DieselWebhooks;
use probity_webhooks::{Rewrapped, WebhookService};

use super::organization::{Opened, context};
use super::{Outcome, block_on, quiet};
use crate::settings::Sources;
use crate::startup::master_keys;
use crate::state::Webhooks;

pub(super) fn command() -> Command {
    let rewrap = Command::new("rewrap")
        .about("Seals secrets and credentials anew under the first key of `webhook-key-file`")
        .long_about(
            "Seals secrets and credentials anew under the first key of `webhook-key-file`, on the record. \
             Put the new key on the first line and leave the former one below, restart every node, run \
             this, then remove the former line. It may run beside the server and may be repeated.",
        );
    Command::new("webhooks")
        .about("Webhooks")
        .subcommand_required(true)
        .subcommand(rewrap)
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let Some(("rewrap", _)) = matches.subcommand() else {
        return Err("expected `webhooks rewrap`".into());
    };
    let settings = quiet(sources)?;
    if settings.webhooks.key_file.is_none() {
        return Err("setting `webhook-key-file`: name the file with the master keys".into());
    }
    let opened = Opened::new(&settings)?;
    let webhooks = WebhookService::new(
        DieselWebhooks::new(opened.database.clone()),
        opened.ids.clone(),
        master_keys(&settings, &opened.database)?,
        settings.webhooks.rules.clone(),
    );
    let done = block_on(async {
        let organizations = opened.access.repository().list_organizations().await?;
        rewrap_all(&webhooks, organizations).await
    })?;
    opened.database.drain();
    done
}

/// Goes through all organisations, also when one cannot be read.
async fn rewrap_all(webhooks: &Webhooks, organizations: Vec<Organization>) -> Outcome {
    let mut code = ExitCode::SUCCESS;
    for organization in organizations {
        let slug = &organization.slug;
        match webhooks.rewrap(&context(organization.id)).await {
            Ok(done) if done == Rewrapped::default() => {}
            Ok(Rewrapped {
                secrets,
                credentials,
            }) => println!("{slug}: {secrets} secrets, {credentials} credentials"),
            Err(error) => {
                eprintln!("{slug}: nothing was changed: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
