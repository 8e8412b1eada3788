//! Point reads beside bare answers of the same size: rows 9, 28 and 29.

use serde_json::{Value, json};

use crate::Outcome;
use crate::child::Served;
use crate::options::Options;
use crate::payload::get;
use crate::product::Home;
use crate::references;
use crate::results::{CPU, Cell, Results};

const ENTRIES: usize = 1000;

/// Measures all rounds.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    println!("point reads: {ENTRIES} entries");
    let home = Home::new(&options.probity()?, None)?;
    let (served, _) = home.serve()?;
    let ids = entries(&home, &served)?;
    let echo = references::echo()?;
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        for connections in [1, 64] {
            let mut load = |name: &str, served: &Served, requests: &[Vec<u8>]| {
                let cell = Cell {
                    name: &format!("{name} c={connections}"),
                    served,
                    database: None,
                    connections,
                    time: None,
                };
                let mut next = requests.iter().cycle();
                results.load(options, &cell, &mut |into| {
                    into.extend_from_slice(next.next().map_or(&[], Vec::as_slice));
                })
            };
            let key = Some(home.key());
            load("echo GET plain", &echo, &[get("/plain", None)])?;
            load("echo GET entry", &echo, &[get("/entry", None)])?;
            let paths = ids.iter().map(|id| format!("/api/admin/models/{id}"));
            let requests: Vec<Vec<u8>> = paths.map(|path| get(&path, key)).collect();
            load("GET entry", &served, &requests)?;
            load("GET thresholds", &served, &[get("/api/v1/thresholds", key)])?;
            load("GET healthz", &served, &[get("/healthz", None)])?;
        }
        less_authorization(results);
    }
    Ok(())
}

/// What a GET would cost without its credential: less the difference between the cheapest GET that
/// demands one and the cheapest that does not. That difference also holds the reading of a query,
/// so this is a lower bound.
fn less_authorization(results: &mut Results) {
    let last = |cell| {
        results
            .series(cell, CPU)
            .last()
            .copied()
            .unwrap_or(f64::NAN)
    };
    let authorization = last("GET thresholds c=64") - last("GET healthz c=64");
    let without = last("GET entry c=64") - authorization;
    results.note("GET entry less authorization", CPU, without);
}

/// Registers entries of about 600 bytes and answers their ids.
fn entries(home: &Home, served: &Served) -> Outcome<Vec<String>> {
    let mut client = home.client(served)?;
    let mut ids = Vec::with_capacity(ENTRIES);
    for number in 0..ENTRIES {
        let made = client.post(
            "/api/admin/models",
            &entry(&format!("credit-default-{number}")),
        )?;
        let id = made.get("id").and_then(Value::as_str);
        ids.push(id.ok_or("an entry without an id")?.to_owned());
    }
    Ok(ids)
}

/// An entry to register.
pub(crate) fn entry(model_id: &str) -> Value {
    json!({
        "model_id": model_id,
        "provider": "self-hosted",
        "display_name": format!("Probability of default {model_id}"),
        "risk_tier": "tier_2",
        "owner": "model-risk@example.org",
        "description": "Estimates the probability that a small business defaults within a year.",
        "tags": {"business-line": "lending", "region": "eu", "team": "scoring"},
    })
}
