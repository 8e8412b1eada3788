//! The judgement at a thousand and at a hundred thousand products: summary, overview, the list behind
//! its counts.

use crate::Outcome;
use crate::fleet::{FIRST_COPY, products};
use crate::options::Options;
use crate::payload::get;
use crate::product::SLUG;
use crate::results::{Cell, Results};

const SMALL: u64 = 1000;
const LARGE: u64 = 100_000;

/// Measures all rounds.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    println!("governance: {SMALL} and {LARGE} products");
    let program = options.probity()?;
    let small = products(&program, None, SMALL)?;
    let large = products(&program, None, LARGE)?;
    let (small_server, _) = small.serve()?;
    let (large_server, _) = large.serve()?;
    let summary = format!("/api/v1.0/catalog/products/{FIRST_COPY}/ai-governance-summary");
    let organization = format!("/api/v1.0/organizations/{SLUG}");
    let overview = format!("{organization}/ai-governance-overview");
    let listed = format!("{organization}/ai-governance-postures?drift_indicator=missing_eval");
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        for (name, home, served, path) in [
            ("summary, 1k", &small, &small_server, &summary),
            ("summary, 100k", &large, &large_server, &summary),
            ("overview, 1k", &small, &small_server, &overview),
            ("overview, 100k", &large, &large_server, &overview),
            ("postures, 100k", &large, &large_server, &listed),
        ] {
            let request = get(path, Some(home.key()));
            let cell = Cell {
                name,
                served,
                database: None,
                connections: 1,
                time: None,
            };
            results.load(options, &cell, &mut |into| {
                into.extend_from_slice(&request);
            })?;
        }
    }
    small_server.end()?;
    large_server.end()
}
