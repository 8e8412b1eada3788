//! Lists of products at a hundred thousand and at a million, with filters and searches, on both
//! databases.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::fleet::{COMMON, products};
use crate::options::Options;
use crate::payload::get;
use crate::product::{Home, SLUG, psql};
use crate::results::{Cell, P50, Results};

/// How long the index of searches may take to be brought up.
const PATIENCE: Duration = Duration::from_mins(15);

/// Measures all rounds.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    for (size, count) in [("100k", 100_000), ("1M", options.entries)] {
        one(options, results, None, size, count)?;
        if let Some(server) = options.postgres() {
            one(options, results, Some(server), size, count)?;
        }
    }
    Ok(())
}

fn one(
    options: &Options,
    results: &mut Results,
    postgres: Option<&str>,
    size: &str,
    count: u64,
) -> Outcome<()> {
    let database = if postgres.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    println!("products: {count} on {database}");
    let begun = Instant::now();
    let home = products(&options.probity()?, postgres, count)?;
    println!("  filled in {:.0} s", begun.elapsed().as_secs_f64());
    let (served, _) = home.serve()?;
    indexed(results, &home, size)?;
    let list = format!("/api/v1.0/organizations/{SLUG}/model-repository/models?limit=50");
    let filters = "types=ML%20Model&model_family=genai&deployment_status=production";
    let middle = count / 20 * 10;
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        for (name, query) in [
            ("page", String::new()),
            ("three filters", format!("&{filters}")),
            ("one hit", format!("&q=copy-{middle:07}")),
            (
                "three filters and ten hits",
                format!("&{filters}&q=portfolio%20{}%2C", middle / 10),
            ),
            ("two letters", format!("&{filters}&q=zz")),
            ("a tenth hit", format!("&q={COMMON}")),
            ("all hit", "&q=estimates".to_owned()),
        ] {
            let request = get(&format!("{list}{query}"), Some(home.key()));
            let cell = Cell {
                name: &format!("products, {name}, {size}, {database}"),
                served: &served,
                database: home.backend(),
                connections: 1,
                time: None,
            };
            results.load(options, &cell, &mut |into| into.extend_from_slice(&request))?;
        }
    }
    served.end()
}

/// Waits until PostgreSQL's index of searches is up, and takes the time.
fn indexed(results: &mut Results, home: &Home, size: &str) -> Outcome<()> {
    let Some(url) = home.postgres_url() else {
        return Ok(());
    };
    let begun = Instant::now();
    loop {
        let left = psql(
            &url,
            "SELECT COUNT(*) FROM (SELECT FROM search_pending LIMIT 600) p",
        )?;
        if left.trim().parse::<u64>()? < 600 {
            break;
        }
        if begun.elapsed() > PATIENCE {
            return Err("the index of searches was not brought up".into());
        }
        sleep(Duration::from_millis(500));
    }
    let took = begun.elapsed().as_secs_f64() * 1e3;
    results.note(&format!("index of searches brought up, {size}"), P50, took);
    Ok(())
}
