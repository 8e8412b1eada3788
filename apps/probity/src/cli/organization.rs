//! `probity org`: organisations.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command};
use probity_access::{AccessRepository as _, AccessService, NewOrganization, Organization, Slug};
use probity_kernel::{Clock as _, Context, OrganizationId, SystemClock, SystemIds};
use probity_store::{Database, DieselAccess};

use super::{OPERATOR, Outcome, block_on, quiet};
use crate::settings::{Settings, Sources};
use crate::startup::open_database;
use crate::state::{Access, Ids};

pub(super) fn command() -> Command {
    let create = Command::new("create")
        .about("Creates an organisation and prints its id")
        .arg(
            Arg::new("slug")
                .value_name("SLUG")
                .required(true)
                .help("Name in addresses"),
        )
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("NAME")
                .help("Display name [default: SLUG]"),
        );
    Command::new("org")
        .about("Organisations")
        .subcommand_required(true)
        .subcommand(create)
        .subcommand(Command::new("list").about("Lists the organisations: slug, id, name"))
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let opened = Opened::new(&quiet(sources)?)?;
    let done = match matches.subcommand() {
        Some(("create", arguments)) => block_on(create(&opened.access, arguments))?,
        _ => block_on(list(&opened.access))?,
    };
    opened.database.drain();
    done?;
    Ok(ExitCode::SUCCESS)
}

async fn create(access: &Access, matches: &ArgMatches) -> Result<(), Box<dyn std::error::Error>> {
    let slug = matches.get_one::<String>("slug").map_or("", String::as_str);
    let name = matches
        .get_one::<String>("name")
        .map_or(slug, String::as_str);
    let new = NewOrganization::parse(slug, name).map_err(|error| explain(&error))?;
    let context = context(OrganizationId::new(uuid::Uuid::nil()));
    let organization = access.create_organization(&context, new).await?;
    println!("{}", organization.id);
    Ok(())
}

async fn list(access: &Access) -> Result<(), Box<dyn std::error::Error>> {
    for organization in access.repository().list_organizations().await? {
        println!(
            "{}\t{}\t{}",
            organization.slug, organization.id, organization.name
        );
    }
    Ok(())
}

/// A database opened for one command, and the access service over it.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) access: Access,
    pub(super) ids: Ids,
}

impl Opened {
    pub(super) fn new(settings: &Settings) -> Result<Self, Box<dyn std::error::Error>> {
        let ids: Ids = Arc::new(SystemIds::default());
        let database = open_database(settings, ids.clone())?;
        let access = AccessService::new(DieselAccess::new(database.clone()), ids.clone());
        Ok(Self {
            database,
            access,
            ids,
        })
    }

    /// The organisation that an argument names.
    pub(super) async fn organization(
        &self,
        slug: &str,
    ) -> Result<Organization, Box<dyn std::error::Error>> {
        let parsed: Slug = slug
            .parse()
            .map_err(|_| format!("`{slug}` is not a slug"))?;
        let found = self
            .access
            .repository()
            .find_organization_by_slug(&parsed)
            .await?;
        found.ok_or_else(|| {
            format!("there is no organization `{slug}`; see `probity org list`").into()
        })
    }
}

/// The frame of what the operator does.
pub(super) fn context(organization: OrganizationId) -> Context {
    Context::new(organization, OPERATOR, SystemClock.now())
}

/// A fault with the fields that it is about.
pub(super) fn explain(error: &dyn probity_kernel::DomainError) -> String {
    let fields: Vec<String> = error
        .fields()
        .iter()
        .map(|fault| format!("{}: {}", fault.field, fault.message))
        .collect();
    if fields.is_empty() {
        error.to_string()
    } else {
        fields.join("; ")
    }
}
