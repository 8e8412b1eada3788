//! `probity backup` and `probity restore`: everything that is kept, into a folder and back.

pub(super) mod blobs;
mod manifest;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command};
use probity_artifacts::BlobStore as _;
use probity_kernel::{Clock as _, SystemClock, SystemIds};

use self::manifest::{CopiedFile, LogState, Manifest};
use super::{Outcome, block_on, quiet};
use crate::adapters::blobs::Blobs;
use crate::http::instant;
use crate::settings::{Settings, Sources};
use crate::startup::open_database;

type Fault = Box<dyn std::error::Error>;

pub(super) fn backup_command() -> Command {
    Command::new("backup")
        .about(
            "Copies the database and the bytes of artifacts into a new folder, while the server runs; \
             uploads that are under way begin anew",
        )
        .arg(
            Arg::new("to")
                .value_name("TO")
                .required(true)
                .help("A folder that does not exist yet"),
        )
}

pub(super) fn restore_command() -> Command {
    Command::new("restore")
        .about("Verifies a backup and brings it back into an empty database")
        .arg(
            Arg::new("from")
                .value_name("FROM")
                .required(true)
                .help("A folder that `probity backup` made"),
        )
}

fn folder(matches: &ArgMatches, name: &str) -> PathBuf {
    let named = matches.get_one::<String>(name);
    named.map(PathBuf::from).unwrap_or_default()
}

/// Makes a backup: under another name first, so that a folder of the name asked for is whole.
pub(super) fn backup(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let mut settings = quiet(sources)?;
    settings.migrate = false;
    let to = folder(matches, "to");
    if to.exists() {
        return Err(format!("{} exists already", to.display()).into());
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    std::fs::create_dir_all(&partial)?;
    let made = fill(&partial, &settings);
    let (manifest, lost) = match made {
        Ok(made) => made,
        Err(error) => {
            std::fs::remove_dir_all(&partial)?;
            return Err(error);
        }
    };
    std::fs::rename(&partial, &to)?;
    println!(
        "{} files, {} bytes, {} records in {}",
        manifest.files.len(),
        manifest.bytes(),
        manifest.logs.len(),
        to.display()
    );
    for uri in &lost {
        eprintln!("LOST {uri}: the store does not have the bytes that were uploaded");
    }
    Ok(ExitCode::from(u8::from(!lost.is_empty())))
}

/// Fills the folder of a backup; answers its manifest, and the bytes that could not be had.
fn fill(to: &Path, settings: &Settings) -> Result<(Manifest, Vec<String>), Fault> {
    let database = open_database(settings, Arc::new(SystemIds::default()))?;
    let held = database.hold_bytes()?;
    let copied = database.copy_into(to)?;
    database.drain();
    let mut files = Vec::new();
    for name in &copied.files {
        files.push(CopiedFile::of(to, name)?);
    }
    let blobs = Blobs::beside(&settings.artifacts)?;
    let bytes = block_on(blobs::copy_out(&blobs, &copied.blobs, to))??;
    held.confirm()?;
    files.extend(bytes.files);
    let manifest = Manifest {
        format: manifest::FORMAT.to_owned(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: instant::write(SystemClock.now()),
        database: copied.kind.to_owned(),
        migrations: copied.migrations,
        logs: copied.logs.into_iter().map(LogState::from).collect(),
        blob_store: blobs.backend().to_owned(),
        files,
    };
    manifest.write(to)?;
    Ok((manifest, bytes.lost))
}

/// Brings a backup back, after every digest was compared; then checks every invariant.
pub(super) fn restore(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let mut settings = quiet(sources)?;
    settings.migrate = false;
    let from = folder(matches, "from");
    let manifest = Manifest::read(&from)?;
    manifest.verify(&from)?;
    let blobs = Blobs::beside(&settings.artifacts)?;
    if blobs.backend() != manifest.blob_store {
        return Err(format!(
            "the artifacts of this backup were in the store `{}`, and `{}` is set",
            manifest.blob_store,
            blobs.backend()
        )
        .into());
    }
    if !block_on(blobs::is_empty(&blobs))?? {
        return Err("the store of artifacts is not empty".into());
    }
    probity_store::bring_back(
        &settings.database_url,
        &from,
        &manifest.database,
        &manifest.migrations,
    )?;
    block_on(blobs::copy_in(&blobs, &from, &manifest.files))??;
    checked(&settings, &manifest)
}

/// Whether what was brought back is sound and its records stand where the manifest says.
fn checked(settings: &Settings, manifest: &Manifest) -> Outcome {
    let database = open_database(settings, Arc::new(SystemIds::default()))?;
    let report = database.check()?;
    let heads: Vec<LogState> = database
        .copied_logs()?
        .into_iter()
        .map(LogState::from)
        .collect();
    database.drain();
    for violation in &report.violations {
        println!(
            "VIOLATED {}: {}: {}",
            violation.check, violation.subject, violation.detail
        );
    }
    if heads != manifest.logs {
        println!("VIOLATED the records do not stand where the manifest says");
    }
    if !report.violations.is_empty() || heads != manifest.logs {
        return Ok(ExitCode::from(1));
    }
    for log in &manifest.logs {
        println!(
            "record  {}  epoch {}  {} leaves  root {}",
            log.organization, log.epoch, log.size, log.root
        );
    }
    println!(
        "restored what stood at {}: {} files, every digest and every invariant holds",
        manifest.made_at,
        manifest.files.len()
    );
    Ok(ExitCode::SUCCESS)
}
