//! `probity check`: every invariant of a database, and the bytes of its artifacts.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgMatches, Command};
use probity_artifacts::{ArtifactError, ArtifactService, ArtifactUpkeep as _, Policy};
use probity_kernel::SystemIds;
use probity_store::{CheckItem, CheckReport, Database, DieselArtifacts, Violation};
use time::macros::datetime;

use super::{Outcome, block_on, quiet};
use crate::adapters::blobs::Blobs;
use crate::settings::Sources;
use crate::startup::open_database;

pub(super) fn command() -> Command {
    Command::new("check").about(
        "Checks every invariant of the database and the bytes of every artifact; exit 0 when all \
             hold, 1 when one does not",
    )
}

pub(super) fn run(_: &ArgMatches, sources: &Sources) -> Outcome {
    let mut settings = quiet(sources)?;
    settings.migrate = false;
    let database = open_database(&settings, Arc::new(SystemIds::default()))?;
    let mut report = database.check()?;
    let blobs = Blobs::beside(&settings.artifacts)?;
    block_on(check_bytes(&database, blobs, &mut report))??;
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

/// Reads the bytes of every artifact that is available and compares their digest.
async fn check_bytes(
    database: &Database,
    blobs: Blobs,
    report: &mut CheckReport,
) -> Result<(), Box<dyn std::error::Error>> {
    const NAME: &str = "artifacts.bytes";
    let repository = DieselArtifacts::new(database.clone());
    let ids = SystemIds::default();
    let artifacts = ArtifactService::new(repository, blobs, ids, Policy::default());
    let all = artifacts.repository();
    let all = all
        .unverified_artifacts(datetime!(9999-01-01 00:00 UTC), u32::MAX)
        .await?;
    report.checked.push(CheckItem {
        name: NAME,
        examined: u64::try_from(all.len())?,
    });
    for artifact in all {
        let (organization, product) = (artifact.organization, artifact.product);
        if let Some(reason) = artifacts.verify(&artifact).await? {
            // A server beside may have cleared it away since it was listed.
            let now = artifacts.artifact(organization, product, artifact.id);
            if matches!(now.await, Err(ArtifactError::NotFound)) {
                continue;
            }
            report.violations.push(Violation {
                check: NAME,
                subject: artifact.id.to_string(),
                detail: format!("its bytes are {}", reason.as_str()),
            });
        }
    }
    Ok(())
}
