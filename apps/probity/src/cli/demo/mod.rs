//! `probity demo`: a throw-away server with an organisation that has a year behind it.

mod evidence;
mod files;
mod models;
mod products;
mod receiver;
mod seed;
mod timeline;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use base64::Engine as _;
use clap::{ArgMatches, Command};

use self::receiver::Receiver;
use self::seed::Seeded;
use super::Outcome;
use crate::settings::{Settings, Sources};
use crate::startup::Application;

pub(super) fn command() -> Command {
    Command::new("demo")
        .about("Starts a throw-away server with a sample organisation and prints what to try")
}

pub(super) fn run(_: &ArgMatches, sources: &Sources) -> Outcome {
    let folder = tempfile::Builder::new().prefix("probity-demo-").tempdir()?;
    let receiver = Receiver::bind()?;
    let settings = settings(sources, folder.path(), receiver.address())?;
    crate::telemetry::init(&settings)?;
    let code = actix_web::rt::System::new().block_on(async {
        let started = Instant::now();
        let events = format!("http://{}", receiver.address());
        let receiver = receiver.start()?;
        let application = Application::build(&settings)?;
        let seeded = seed::organization(application.state(), events).await?;
        print(application.address(), &seeded, started);
        application.run().await?;
        receiver.stop(false).await;
        Ok::<_, Box<dyn std::error::Error>>(ExitCode::SUCCESS)
    })?;
    folder.close()?;
    Ok(code)
}

/// The settings of a demo: its own folder and database, a free port where the usual one is taken,
/// and no log but warnings, unless told otherwise.
fn settings(
    sources: &Sources,
    folder: &std::path::Path,
    receiver: SocketAddr,
) -> Result<Settings, Box<dyn std::error::Error>> {
    let mut sources = sources.clone().with("data-dir", folder.to_string_lossy());
    let database = folder.join("probity.db");
    sources = sources.with("database-url", database.to_string_lossy());
    let key = folder.join("webhook-master.key");
    std::fs::write(&key, master_key()?)?;
    sources = sources.with("webhook-key-file", key.to_string_lossy());
    if sources.is_default("webhook-private-hosts") {
        sources = sources.with("webhook-private-hosts", receiver.to_string());
    }
    if sources.is_default("log-level") {
        sources = sources.with("log-level", "warn").with("log-format", "text");
    }
    let settings = Settings::read(&sources)?;
    let taken = std::net::TcpListener::bind(settings.listen).is_err();
    if taken && sources.is_default("listen") {
        return Ok(Settings::read(&sources.with("listen", "127.0.0.1:0"))?);
    }
    Ok(settings)
}

/// A master key for the time of the demo.
fn master_key() -> Result<String, Box<dyn std::error::Error>> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn print(address: SocketAddr, seeded: &Seeded, started: Instant) {
    let Seeded {
        organization,
        products,
        models,
        snapshots,
        key,
        watched,
    } = seeded;
    println!(
        "Probity demo: {organization}, {products} products, {models} models, {snapshots} metric \
         snapshots of a year ({:.1} s)\n",
        started.elapsed().as_secs_f64()
    );
    println!("  URL   http://{address}   (interactive API: http://{address}/docs)");
    println!("  Key   {key}\n");
    println!("Try:\n");
    println!("  # which models does an SR 11-7 examination have to see first?");
    println!(
        "  curl -s 'http://{address}/api/admin/models?risk_tier=tier_1' -H 'Authorization: Bearer {key}'\n"
    );
    println!("  # what is out of bounds right now?");
    println!(
        "  curl -s 'http://{address}/api/v1/alerts?state=open' -H 'Authorization: Bearer {key}'\n"
    );
    println!("  # how does the fleet stand, and what would help most?");
    println!(
        "  curl -s http://{address}/api/v1.0/organizations/example-bank/ai-governance-overview -H 'Authorization: Bearer {key}'\n"
    );
    println!("  # tonight's figures of the fraud model: judged, alerted, on the record");
    println!(
        "  curl -s http://{address}/api/v1/metrics -H 'Authorization: Bearer {key}' \
         -H 'Content-Type: application/json' \\\n    -d '{{\"modelId\": \"{watched}\", \
         \"driftScore\": 72.5, \"fairnessScore\": 91, \"sampleSize\": 5000}}'\n"
    );
    println!("Ctrl-C ends it and leaves nothing behind.");
}
