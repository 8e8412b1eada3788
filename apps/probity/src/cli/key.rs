//! `probity key`: API keys.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use probity_access::{NewApiKey, ScopeSet};
use probity_kernel::Clock as _;

use super::organization::{Opened, context, explain};
use super::{Outcome, block_on, quiet};
use crate::settings::Sources;

pub(super) fn command() -> Command {
    let create = Command::new("create")
        .about("Creates an API key and prints it alone on standard output")
        .arg(
            Arg::new("org")
                .long("org")
                .value_name("SLUG")
                .required(true)
                .help("Organisation"),
        )
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("NAME")
                .required(true)
                .help("What it is for"),
        )
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("LIST")
                .required(true)
                .help("read, write, admin, separated by commas"),
        )
        .arg(
            Arg::new("expires")
                .long("expires")
                .value_name("SPAN")
                .help("Life, e.g. 90d or 12h"),
        );
    Command::new("key")
        .about("API keys")
        .subcommand_required(true)
        .subcommand(create)
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let Some(("create", arguments)) = matches.subcommand() else {
        return Err("expected `key create`".into());
    };
    let opened = Opened::new(&quiet(sources)?)?;
    let done = block_on(create(&opened, arguments))?;
    opened.database.drain();
    println!("{}", done?);
    Ok(ExitCode::SUCCESS)
}

async fn create(
    opened: &Opened,
    matches: &ArgMatches,
) -> Result<String, Box<dyn std::error::Error>> {
    let text = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let organization = opened.organization(text("org")).await?;
    let scopes = ScopeSet::parse(text("scope").split(','))
        .map_err(|_| "--scope takes read, write and admin, separated by commas")?;
    let life = matches
        .get_one::<String>("expires")
        .map(|span| parse_span(span))
        .transpose()?;
    let context = context(organization.id);
    let new = NewApiKey {
        name: text("name").to_owned(),
        scopes,
        spaces: None,
        expires_at: life.map(|life| probity_kernel::SystemClock.now() + life),
    };
    let mut entropy = [0_u8; 32];
    getrandom::fill(&mut entropy)?;
    let issued = opened
        .access
        .issue_key(&context, ScopeSet::ADMIN, new, entropy)
        .await;
    let issued = issued.map_err(|error| explain(&error))?;
    let secret = issued.secret.ok_or("the key was not made")?;
    Ok(secret.expose().to_owned())
}

/// A span such as `90d`, `12h`, `30m` or `45s`.
pub(super) fn parse_span(text: &str) -> Result<time::Duration, String> {
    let expected = || format!("`{text}` is not a span; expected e.g. 90d, 12h, 30m or 45s");
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(expected)?;
    let number: u32 = number.parse().map_err(|_| expected())?;
    let seconds: i64 = match unit {
        "d" => 86_400,
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        _ => return Err(expected()),
    };
    Ok(time::Duration::seconds(i64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::parse_span;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        assert_eq!(parse_span("90d"), Ok(time::Duration::days(90)));
        assert_eq!(parse_span("12h"), Ok(time::Duration::hours(12)));
        for wrong in ["", "d", "90", "-1d", "1w", "1.5h", "é"] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
    }
}
