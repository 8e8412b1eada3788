//! Discovery over recorded requests: its time and the server's memory do not depend on how many
//! requests were recorded, because each batch is added to daily roll-ups as it comes.

use std::time::Instant;

use probity_kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;

use crate::Outcome;
use crate::call::Client;
use crate::number::float;
use crate::options::Options;
use crate::proc;
use crate::product::Home;
use crate::results::{P50, RATE, Results};

/// Models that requests name; half of them are registered when discovery runs for the second time.
const MODELS: usize = 500;
/// Models of one batch.
const MODELS_PER_BATCH: usize = 25;
/// Days over which the requests are spread.
const DAYS: usize = 30;
/// Requests of one batch, the most that the API takes.
const BATCH: usize = 1000;

/// MiB of resident memory.
pub(crate) const RSS: &str = "RSS MiB";

/// Records the requests through the API, then discovers.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    let batches = options.requests.div_ceil(1000);
    println!(
        "discovery: {batches} batches of {BATCH} requests through POST /api/v1/ai-requests, \
         {MODELS} models over {DAYS} days"
    );
    let home = Home::new(&options.probity()?, None)?;
    let (served, _) = home.serve()?;
    let mut client = home.client(&served)?;
    let bodies = bodies()?;
    let started = Instant::now();
    for (number, body) in (0..batches).zip(bodies.iter().cycle()) {
        let answer = client.send("POST", "/api/v1/ai-requests", body)?;
        if answer.status != 202 {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(format!("a batch was answered {}: {text}", answer.status).into());
        }
        if number == batches / 10 {
            results.note(
                "after a tenth of the requests",
                RSS,
                proc::rss(served.pid()),
            );
        }
    }
    let rate = float(batches * 1000) / started.elapsed().as_secs_f64();
    results.note("recording requests", RATE, rate);
    results.note("after all requests", RSS, proc::rss(served.pid()));
    proc::reset_peak(served.pid())?;
    for _ in 0..options.rounds.max(3) {
        discover(results, &mut client, "discovery, dry run", true)?;
    }
    discover(results, &mut client, "discovery that creates", false)?;
    discover(results, &mut client, "discovery again", false)?;
    results.note("peak during discovery", RSS, proc::peak_rss(served.pid()));
    println!(
        "  {}",
        home.command(&["check"])?.lines().last().unwrap_or_default()
    );
    Ok(())
}

fn discover(results: &mut Results, client: &mut Client, name: &str, dry: bool) -> Outcome<()> {
    let request = json!({"lookback_days": 30, "dry_run": dry});
    let started = Instant::now();
    let answer = client.post("/api/admin/models/discover", &request)?;
    results.note(name, P50, started.elapsed().as_secs_f64() * 1e3);
    let counted: u64 = answer
        .get("models")
        .and_then(Value::as_array)
        .map(|models| {
            models
                .iter()
                .filter_map(|m| m.get("request_count_30d")?.as_u64())
                .sum()
        })
        .unwrap_or_default();
    let found = answer.get("discovered").and_then(Value::as_u64);
    println!(
        "    {} models, {counted} requests",
        found.unwrap_or_default()
    );
    Ok(())
}

/// Every combination of a day and a group of models once.
fn bodies() -> Outcome<Vec<Vec<u8>>> {
    let now = SystemClock.now();
    let mut bodies = Vec::with_capacity(DAYS * MODELS / MODELS_PER_BATCH);
    for day in 0..DAYS {
        let at = now - Duration::days(i64::try_from(day)?);
        for first in (0..MODELS).step_by(MODELS_PER_BATCH) {
            let mut requests = Vec::with_capacity(BATCH);
            for number in 0..BATCH {
                let model = first + number % MODELS_PER_BATCH;
                let at = at - Duration::milliseconds(i64::try_from(number)?);
                requests.push(json!({
                    "model": format!("gpt-4o-mini-{model:04}"),
                    "provider": "openai",
                    "occurred_at": at.format(&Rfc3339)?,
                }));
            }
            bodies.push(serde_json::to_vec(&json!({"requests": requests}))?);
        }
    }
    Ok(bodies)
}
