//! `probity erase`: forgets a person.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use super::organization::{Opened, context};
use super::{Outcome, block_on, quiet};
use crate::adapters::blobs::Blobs;
use crate::http::erasure::Erasure;
use crate::settings::Sources;

pub(super) fn command() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("erase")
        .about("Erases a person from rows, the past, the record's slots and the searches")
        .arg(text("org", "SLUG", "The organisation").required(true))
        .arg(
            text(
                "subject",
                "WHO",
                "A user's id, a subject or an address, 4 to 320 characters",
            )
            .required(true),
        )
        .arg(text(
            "basis",
            "GROUND",
            "On what ground [default: gdpr:art-17]; no personal data",
        ))
        .arg(text(
            "ticket",
            "REFERENCE",
            "The request in some other system; no personal data",
        ))
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let value = |name: &str| matches.get_one::<String>(name).cloned();
    let subject = value("subject").unwrap_or_default();
    let asked = Erasure::parse(&subject, value("basis"), value("ticket")).map_err(|faults| {
        let told = faults.into_iter().map(|fault| {
            let field = fault.field.trim_start_matches('/').to_owned();
            format!("--{field}: {}", fault.message)
        });
        told.collect::<Vec<_>>().join("; ")
    })?;
    let settings = quiet(sources)?;
    let opened = Opened::new(&settings)?;
    let slug = value("org").unwrap_or_default();
    let organization = block_on(opened.organization(&slug))??;
    let erased = opened
        .database
        .erase(&context(organization.id), &asked.into_inner());
    opened.database.drain();
    let erased = erased?;
    println!(
        "erased: {} users, {} fields, {} slots of the record",
        erased.users, erased.fields, erased.slots
    );
    let store = Blobs::beside(&settings.artifacts)?;
    let blobs = block_on(super::backup::blobs::holding(&store, &subject))??;
    for (column, rows) in &erased.left {
        println!("left: {rows} rows of {column} name something with it");
    }
    for blob in &blobs {
        println!("left: the file {blob} holds it");
    }
    if erased.left.is_empty() && blobs.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(3))
}
