//! The inventory at a thousand and at a million entries: rows 10 to 12, and the export.

use std::time::Instant;

use serde_json::Value;

use crate::Outcome;
use crate::child::Served;
use crate::number::{float, float_len};
use crate::options::Options;
use crate::payload::get;
use crate::proc;
use crate::product::Home;
use crate::results::{Cell, P50, RATE, Results};
use crate::rows::discovery::RSS;
use crate::seed::{COMMON_WORD, inventory};

const SMALL: u64 = 1000;

/// Measures all rounds.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    println!("inventory: {SMALL} and {} entries", options.entries);
    let program = options.probity()?;
    let small = inventory(&program, SMALL)?;
    let started = Instant::now();
    let large = inventory(&program, options.entries)?;
    println!(
        "  filled in {:.0} s, {:.0} MiB",
        started.elapsed().as_secs_f64(),
        large.megabytes()
    );
    let (small_server, _) = small.serve()?;
    let (large_server, _) = large.serve()?;
    let pages = pages(&large, &large_server, options.entries)?;
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        page(
            options,
            results,
            &small,
            &small_server,
            ("page, 1k", "limit=50"),
        )?;
        for (name, query) in &pages {
            page(options, results, &large, &large_server, (name, query))?;
        }
    }
    for format in ["csv", "json"] {
        export(results, &large, &large_server, format)?;
    }
    after_removal(options, results, &large, &large_server)?;
    large_server.end()?;
    println!(
        "  {}",
        large
            .command(&["check"])?
            .lines()
            .last()
            .unwrap_or_default()
    );
    Ok(())
}

type Page = (String, String);

fn pages(home: &Home, served: &Served, entries: u64) -> Outcome<Vec<Page>> {
    let mut client = home.client(served)?;
    let half = entries / 2;
    let deep = client.get(&format!("/api/admin/models?limit=50&offset={half}"))?;
    let cursor = deep.get("next_cursor").and_then(Value::as_str);
    let cursor = cursor.ok_or("a page without a cursor")?;
    let one = format!("{COMMON_WORD}-model-{:07}", entries / 20 * 10);
    let pages = [
        ("page, 1M", "limit=50".to_owned()),
        (
            "cursor in the middle, 1M",
            format!("limit=50&cursor={cursor}"),
        ),
        (
            "offset in the middle, 1M",
            format!("limit=50&offset={half}"),
        ),
        (
            "tier, first page, 1M",
            "limit=50&risk_tier=tier_2".to_owned(),
        ),
        ("search, one hit, 1M", format!("limit=50&search={one}")),
        (
            "search, a tenth hit, 1M",
            format!("limit=50&search={COMMON_WORD}"),
        ),
    ];
    Ok(pages.map(|(name, query)| (name.to_owned(), query)).into())
}

fn page(
    options: &Options,
    results: &mut Results,
    home: &Home,
    served: &Served,
    (name, query): (&str, &str),
) -> Outcome<()> {
    let request = get(&format!("/api/admin/models?{query}"), Some(home.key()));
    let cell = Cell {
        name,
        served,
        database: None,
        connections: 1,
        time: None,
    };
    results.load(options, &cell, &mut |into| into.extend_from_slice(&request))
}

/// A deep offset when positions have a gap, so that they no longer tell how many entries precede.
fn after_removal(
    options: &Options,
    results: &mut Results,
    home: &Home,
    served: &Served,
) -> Outcome<()> {
    let mut client = home.client(served)?;
    let half = options.entries / 2;
    let query = format!("limit=50&offset={half}");
    let found = client.get("/api/admin/models?limit=1")?;
    let newest = found.pointer("/models/0/id").and_then(Value::as_str);
    let path = format!(
        "/api/admin/models/{}",
        newest.ok_or("an entry without an id")?
    );
    let removed = client.send("DELETE", &path, b"")?.status;
    println!("  removed one entry: {removed}");
    for _ in 0..options.rounds {
        page(
            options,
            results,
            home,
            served,
            ("offset after a removal, 1M", &query),
        )?;
    }
    Ok(())
}

fn export(results: &mut Results, home: &Home, served: &Served, format: &str) -> Outcome<()> {
    let mut client = home.client(served)?;
    let path = format!("/api/admin/model-inventory-export?format={format}");
    let before = proc::rss(served.pid());
    proc::reset_peak(served.pid())?;
    let (mut bytes, mut lines) = (0, 0);
    let started = Instant::now();
    let status = client.stream_to("GET", &path, b"", |chunk| {
        bytes += chunk.len();
        lines += chunk.split(|byte| *byte == b'\n').count() - 1;
    })?;
    let took = started.elapsed().as_secs_f64();
    let name = format!("export of 1M, {format}");
    let megabytes = float_len(bytes) / 1e6;
    println!("  {name}: status {status}, {megabytes:.0} MB, {lines} lines, {took:.1} s");
    let total = client.get("/api/admin/models?limit=1")?;
    let total = total
        .get("total")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    results.note(&name, RATE, float(total) / took);
    results.note(&name, P50, took * 1e3);
    results.note(&format!("{name}, before"), RSS, before);
    results.note(&format!("{name}, peak"), RSS, proc::peak_rss(served.pid()));
    Ok(())
}
