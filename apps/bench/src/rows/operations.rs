//! Start, memory and size: rows 18 to 20 and 30.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::number::float;
use crate::options::Options;
use crate::payload::{Headers, Snapshots};
use crate::proc;
use crate::product::Home;
use crate::results::{Cell, Results};
use crate::rows::ingest::PRODUCTS;

/// Milliseconds from exec to the first 200.
pub(crate) const START: &str = "start ms";
/// MiB of proportional set size.
pub(crate) const MEMORY: &str = "PSS MiB";
/// MiB of the binary.
pub(crate) const SIZE: &str = "MiB";
/// Seconds of a build.
pub(crate) const BUILD: &str = "build s";

/// Measures all rounds.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    println!("start, memory and size");
    let program = options.probity()?;
    let bytes = std::fs::metadata(&program)?.len();
    results.note("binary", SIZE, float(bytes) / 1_048_576.0);
    let home = Home::new(&program, None)?;
    for _ in 0..options.rounds {
        proc::wait_for_quiet(options.quiet_wait());
        let (served, took) = home.serve()?;
        results.note("cold start", START, took.as_secs_f64() * 1e3);
        sleep(Duration::from_secs(2));
        results.note("idle", MEMORY, proc::pss(served.pid()));
        served.end()?;
    }
    under_load(options, results, &home)?;
    if options.build_time {
        results.note("release build from clean", BUILD, build()?);
    }
    Ok(())
}

fn under_load(options: &Options, results: &mut Results, home: &Home) -> Outcome<()> {
    let (served, _) = home.serve()?;
    let models = home.products(&served, PRODUCTS)?;
    let headers = Headers::KeyAndIdempotency(home.key());
    let mut requests = Snapshots::new(&models, headers, 1, "memory");
    let cell = Cell {
        name: "ours, long c=256",
        served: &served,
        database: None,
        connections: 256,
        time: Some(options.memory_time()),
    };
    results.load(options, &cell, &mut |into| requests.next(into))?;
    results.note(cell.name, MEMORY, proc::pss(served.pid()));
    results.note("database after it", SIZE, home.megabytes());
    Ok(())
}

/// Builds the server from clean in a folder of its own.
fn build() -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let done = cargo(Some(folder.path()))?;
    if done {
        return Ok(started.elapsed().as_secs_f64());
    }
    Err("the build failed".into())
}

/// Builds the server's release binary; tells whether that went well.
pub(crate) fn cargo(target: Option<&Path>) -> Outcome<bool> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(["build", "--release", "--package", "probity"]);
    if let Some(folder) = target {
        command.env("CARGO_TARGET_DIR", folder);
    }
    Ok(command.status()?.success())
}
