//! `probity token`: tokens of the server's own issuer.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use probity_access::{NewUser, OrganizationRole};
use time::Duration;

use super::key::parse_span;
use super::organization::{Opened, context, explain};
use super::{Outcome, block_on, quiet};
use crate::http::auth::NewToken;
use crate::settings::{Settings, Sources};
use crate::startup::token_issuer;

/// The longest life of a token.
const LONGEST: Duration = Duration::hours(24);

pub(super) fn command() -> Command {
    let create = Command::new("create")
        .about("Records the user with the role, and prints a token alone on standard output")
        .arg(
            Arg::new("org")
                .long("org")
                .value_name("SLUG")
                .required(true)
                .help("Organisation"),
        )
        .arg(
            Arg::new("subject")
                .long("subject")
                .value_name("ID")
                .required(true)
                .help("User"),
        )
        .arg(
            Arg::new("email")
                .long("email")
                .value_name("ADDRESS")
                .help("The user's address"),
        )
        .arg(
            Arg::new("role")
                .long("role")
                .value_name("ROLE")
                .required(true)
                .help("admin, member or auditor"),
        )
        .arg(
            Arg::new("ttl")
                .long("ttl")
                .value_name("SPAN")
                .default_value("1h")
                .help("At most 24h"),
        );
    Command::new("token")
        .about("Tokens")
        .subcommand_required(true)
        .subcommand(create)
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let Some(("create", arguments)) = matches.subcommand() else {
        return Err("expected `token create`".into());
    };
    let settings = quiet(sources)?;
    let opened = Opened::new(&settings)?;
    let done = block_on(create(&opened, &settings, arguments))?;
    opened.database.drain();
    println!("{}", done?);
    Ok(ExitCode::SUCCESS)
}

async fn create(
    opened: &Opened,
    settings: &Settings,
    matches: &ArgMatches,
) -> Result<String, Box<dyn std::error::Error>> {
    let text = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let organization = opened.organization(text("org")).await?;
    let role: OrganizationRole = text("role")
        .parse()
        .map_err(|_| "--role takes admin, member or auditor")?;
    let lifetime = parse_span(text("ttl"))?;
    if !(Duration::seconds(1)..=LONGEST).contains(&lifetime) {
        return Err("--ttl takes 1s to 24h".into());
    }
    let context = context(organization.id);
    let user = NewUser {
        issuer: settings.token_issuer.clone(),
        subject: text("subject").to_owned(),
        email: matches.get_one::<String>("email").cloned(),
        role,
        disabled: false,
    };
    opened
        .access
        .put_user(&context, user)
        .await
        .map_err(|error| explain(&error))?;
    let token = NewToken {
        organization: organization.slug.as_str(),
        subject: text("subject"),
        issued_at: context.now,
        lifetime,
    };
    Ok(token_issuer(settings)?.issue(&token))
}
