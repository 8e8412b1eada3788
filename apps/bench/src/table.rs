//! The table of goals: each row is one figure of ours against one of a reference, or alone.

use crate::number::{Spread, show, spread};
use crate::proc::QUIET;
use crate::results::{CPU, ERRORS, OTHER, P50, P99, RATE, Results};
use crate::rows::artifacts::CPU_GIB;
use crate::rows::discovery::RSS;
use crate::rows::operations::{BUILD, MEMORY, SIZE, START};
use crate::rows::webhooks::CPU_1000;

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// Ours over the reference, the greater the better.
    Times,
    /// Ours over the reference, the smaller the better.
    AtMostTimes,
    /// The reference over ours, the greater the better.
    BetterBy,
    /// Ours alone, the smaller the better.
    AtMost,
    /// Ours less the reference, the smaller the better.
    Above,
    /// Ours alone; no gate.
    Shown,
}

type Figure = (&'static str, &'static str);

struct Row {
    no: &'static str,
    what: &'static str,
    ours: Figure,
    /// What one answer stands for, e.g. 100 snapshots.
    scale: f64,
    reference: Option<Figure>,
    want: Want,
    gate: f64,
    goal: f64,
}

const fn against(
    no: &'static str,
    what: &'static str,
    ours: Figure,
    reference: Figure,
    want: Want,
    limits: (f64, f64),
) -> Row {
    Row {
        no,
        what,
        ours,
        scale: 1.0,
        reference: Some(reference),
        want,
        gate: limits.0,
        goal: limits.1,
    }
}

const fn alone(no: &'static str, what: &'static str, ours: Figure, limits: (f64, f64)) -> Row {
    Row {
        no,
        what,
        ours,
        scale: 1.0,
        reference: None,
        want: Want::AtMost,
        gate: limits.0,
        goal: limits.1,
    }
}

const fn shown(no: &'static str, what: &'static str, ours: Figure) -> Row {
    Row {
        want: Want::Shown,
        ..alone(no, what, ours, (0.0, 0.0))
    }
}

const ECHO_64: Figure = ("echo POST c=64", RATE);
const OURS_64: Figure = ("ours c=64", RATE);

const UPLOAD: Figure = ("upload, chunks of 8 MiB", RATE);

const SIX_HUNDRED_BYTES: &str = "echo GET entry c=1";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    against("1", "ingest, 64 connections / bare echo", OURS_64, ECHO_64, Want::Times, (0.30, 0.55)),
    against("1b", "the same without Idempotency-Key", ("ours without key c=64", RATE), ECHO_64, Want::Times, (0.30, 0.55)),
    alone("2", "ingest, 256 connections, p99 in ms", ("ours c=256", P99), (30.0, 15.0)),
    alone("2b", "ingest, 256 connections, errors", ("ours c=256", ERRORS), (0.0, 0.0)),
    against("3", "ingest, 1 connection / raw SQLite commits", ("ours c=1", RATE), ("raw SQLite batch=1", RATE), Want::Times, (0.45, 0.65)),
    against("3b", "the same without Idempotency-Key", ("ours without key c=1", RATE), ("raw SQLite batch=1", RATE), Want::Times, (0.45, 0.65)),
    against("4", "ingest / one transaction per request, 64 connections", OURS_64, ("naive c=64", RATE), Want::Times, (5.0, 8.0)),
    against("4b", "the same, p99 in ms", ("ours c=64", P99), ("naive c=64", P99), Want::BetterBy, (20.0, 100.0)),
    against("5", "ingest CPU-s/100k / bare echo, 64 connections", ("ours c=64", CPU), ("echo POST c=64", CPU), Want::AtMostTimes, (3.2, 2.0)),
    against("5b", "the same without Idempotency-Key", ("ours without key c=64", CPU), ("echo POST c=64", CPU), Want::AtMostTimes, (3.2, 2.0)),
    against("6", "ingest / metric logging of MLflow, 16 connections", ("ours c=16", RATE), ("MLflow log-metric c=16", RATE), Want::Times, (100.0, 200.0)),
    against("6b", "the same on PostgreSQL", ("ours PostgreSQL c=16", RATE), ("MLflow log-metric c=16", RATE), Want::Times, (60.0, 200.0)),
    Row {
        scale: 100.0,
        ..against("7", "batches of 100, snapshots / raw SQLite rows at 100 per commit", ("ours batch of 100 c=16", RATE), ("raw SQLite batch=100", RATE), Want::Times, (0.6, 0.9))
    },
    Row {
        scale: 100.0,
        ..against("7b", "the same without Idempotency-Key", ("ours without key batch of 100 c=16", RATE), ("raw SQLite batch=100", RATE), Want::Times, (0.6, 0.9))
    },
    against("7c", "batches of 100 / MLflow log-batch of 100, 16 connections", ("ours batch of 100 c=16", RATE), ("MLflow log-batch of 100 c=16", RATE), Want::Times, (15.0, 25.0)),
    against("8", "ingest on PostgreSQL / one transaction per request, 64 connections", ("ours PostgreSQL c=64", RATE), ("naive PostgreSQL c=64", RATE), Want::Times, (8.0, 15.0)),
    against("8b", "ingest on PostgreSQL / on SQLite, 64 connections", ("ours PostgreSQL c=64", RATE), OURS_64, Want::Times, (0.5, 0.8)),
    against("8c", "ingest on PostgreSQL / on SQLite, 256 connections", ("ours PostgreSQL c=256", RATE), ("ours c=256", RATE), Want::Times, (0.5, 0.8)),
    against("9", "GET one entry / bare GET of JSON, 1 connection", ("GET entry c=1", RATE), (SIX_HUNDRED_BYTES, RATE), Want::Times, (0.5, 0.7)),
    against("9b", "the same, CPU-s/100k, 1 connection", ("GET entry c=1", CPU), (SIX_HUNDRED_BYTES, CPU), Want::AtMostTimes, (4.0, 2.0)),
    against("9c", "the same, CPU-s/100k, 64 connections", ("GET entry c=64", CPU), ("echo GET entry c=64", CPU), Want::AtMostTimes, (4.0, 2.0)),
    against("10", "first page of 50 at 1M / at 1k entries, p50 in ms", ("page, 1M", P50), ("page, 1k", P50), Want::AtMostTimes, (1.5, 1.1)),
    alone("11", "offset 500 000 of 1M, p50 in ms", ("offset in the middle, 1M", P50), (30.0, 5.0)),
    alone("11b", "the same after an entry was removed", ("offset after a removal, 1M", P50), (30.0, 5.0)),
    against("11c", "cursor in the middle / first page, p50 in ms", ("cursor in the middle, 1M", P50), ("page, 1M", P50), Want::AtMostTimes, (1.5, 1.1)),
    alone("12", "search at 1M, one hit, p50 in ms", ("search, one hit, 1M", P50), (10.0, 2.0)),
    alone("12b", "search at 1M, a tenth of all hit, p50 in ms", ("search, a tenth hit, 1M", P50), (10.0, 2.0)),
    against("13", "register a model / MLflow, 16 connections", ("register a model c=16", RATE), ("MLflow registered models c=16", RATE), Want::Times, (50.0, 150.0)),
    shown("13b", "models registered per second, 16 connections", ("register a model c=16", RATE)),
    against("14", "upload of 1 GiB in chunks of 8 MiB / sockets, hash in a second thread and fsync, MB/s", UPLOAD, ("sockets, hash and disk", RATE), Want::Times, (0.7, 1.0)),
    against("14b", "the same / SHA-256 on one core", UPLOAD, ("SHA-256 on one core", RATE), Want::Times, (0.45, 0.65)),
    against("14c", "chunks of 1 MiB / of 8 MiB", ("upload, chunks of 1 MiB", RATE), UPLOAD, Want::Times, (0.0, 0.95)),
    against("14d", "chunks of 64 MiB / of 8 MiB", ("upload, chunks of 64 MiB", RATE), UPLOAD, Want::Times, (0.0, 0.95)),
    alone("15", "completion of the upload, in ms", ("upload, chunks of 8 MiB", P50), (100.0, 10.0)),
    alone("16", "PSS in MiB above idle, one upload", ("upload, chunks of 8 MiB", MEMORY), (64.0, 32.0)),
    alone("16b", "the same, 16 uploads at once", ("16 uploads at once", MEMORY), (64.0, 32.0)),
    alone("16c", "the same, one download", ("download, 1 at once", MEMORY), (64.0, 32.0)),
    alone("16d", "the same, 16 downloads at once", ("16 downloads at once", MEMORY), (64.0, 32.0)),
    against("17", "download / sendfile of a web server, MB/s", ("download, 1 at once", RATE), ("sendfile of a web server, 1 at once", RATE), Want::Times, (0.7, 0.85)),
    against("17b", "four downloads at once / the same", ("download, 4 at once", RATE), ("sendfile of a web server, 4 at once", RATE), Want::Times, (0.7, 0.85)),
    alone("17c", "CPU seconds for each GiB downloaded", ("download, 1 at once", CPU_GIB), (0.5, 0.3)),
    against("31", "summary at 100k / at 1k products, p50 in ms", ("summary, 100k", P50), ("summary, 1k", P50), Want::AtMostTimes, (1.3, 1.1)),
    alone("32", "overview at 100k products, p50 in ms", ("overview, 100k", P50), (50.0, 5.0)),
    against("32b", "overview at 100k / at 1k products, p50 in ms", ("overview, 100k", P50), ("overview, 1k", P50), Want::AtMostTimes, (1.5, 1.1)),
    alone("33", "a page of postures by drift, 100k products, p50 in ms", ("postures, 100k", P50), (50.0, 20.0)),
    alone("34", "products, three filters and a search at 1M, p50 in ms", ("products, three filters and ten hits, 1M, SQLite", P50), (10.0, 2.0)),
    alone("34b", "the same on PostgreSQL", ("products, three filters and ten hits, 1M, PostgreSQL", P50), (10.0, 5.0)),
    alone("34c", "products, a search with one hit at 1M, p50 in ms", ("products, one hit, 1M, SQLite", P50), (10.0, 2.0)),
    alone("34d", "the same on PostgreSQL", ("products, one hit, 1M, PostgreSQL", P50), (10.0, 5.0)),
    against("34e", "products, three filters and a search at 1M / at 100k, p50 in ms", ("products, three filters and ten hits, 1M, SQLite", P50), ("products, three filters and ten hits, 100k, SQLite", P50), Want::AtMostTimes, (5.0, 2.0)),
    against("34f", "the same on PostgreSQL", ("products, three filters and ten hits, 1M, PostgreSQL", P50), ("products, three filters and ten hits, 100k, PostgreSQL", P50), Want::AtMostTimes, (5.0, 2.0)),
    alone("35", "products, three filters at 1M, p50 in ms", ("products, three filters, 1M, SQLite", P50), (10.0, 2.0)),
    alone("35b", "the same on PostgreSQL", ("products, three filters, 1M, PostgreSQL", P50), (10.0, 5.0)),
    against("21", "events accepted and delivered per second, 16 producers / the peer", ("webhooks delivered c=16", RATE), ("Svix, as published", RATE), Want::Times, (5.0, 12.0)),
    against("21b", "the same, CPU-s per 1,000 deliveries", ("webhooks delivered c=16", CPU_1000), ("Svix, as published", CPU_1000), Want::BetterBy, (5.0, 12.0)),
    alone("21c", "request to the receiver's socket at 50 events/s, p50 in ms", ("webhooks, 50 events a second", P50), (20.0, 10.0)),
    against("22", "ingest with a subscriber on every event / without, 64 connections", ("ingest with subscriber", RATE), ("ingest without subscriber", RATE), Want::Times, (0.5, 0.75)),
    alone("18", "exec to the first 200, migrated database, in ms", ("cold start", START), (100.0, 30.0)),
    alone("19", "idle PSS in MiB", ("idle", MEMORY), (30.0, 16.0)),
    alone("20", "PSS in MiB after ingest at 256 connections", ("ours, long c=256", MEMORY), (160.0, 64.0)),
    against("28", "authenticated GET / the same less what a GET with a key costs over one without, CPU-s/100k", ("GET entry c=64", CPU), ("GET entry less authorization", CPU), Want::AtMostTimes, (1.25, 1.08)),
    against("29", "p50 at 1 connection above bare GET, in ms", ("GET entry c=1", P50), (SIX_HUNDRED_BYTES, P50), Want::Above, (5.0, 0.010)),
    alone("30", "binary in MiB", ("binary", SIZE), (25.0, 25.0)),
    alone("30b", "release build from clean in s", ("release build from clean", BUILD), (600.0, 300.0)),
    against("export", "peak RSS in MiB during the export of 1M as CSV, above before", ("export of 1M, csv, peak", RSS), ("export of 1M, csv, before", RSS), Want::Above, (32.0, 16.0)),
    against("export", "the same as JSON", ("export of 1M, json, peak", RSS), ("export of 1M, json, before", RSS), Want::Above, (32.0, 16.0)),
    shown("export", "rows per second as CSV", ("export of 1M, csv", RATE)),
    alone("discovery", "over 10M recorded requests, in ms", ("discovery, dry run", P50), (1000.0, 100.0)),
    alone("discovery", "the same, creating the entries", ("discovery that creates", P50), (1000.0, 100.0)),
    against("discovery", "RSS in MiB after all requests, above after a tenth", ("after all requests", RSS), ("after a tenth of the requests", RSS), Want::Above, (32.0, 16.0)),
    against("discovery", "peak RSS in MiB during discovery, above before", ("peak during discovery", RSS), ("after all requests", RSS), Want::Above, (32.0, 16.0)),
];

/// Prints the table of goals, with the rows that were measured.
pub(crate) fn print(results: &Results) {
    println!("\n| row | what | ours | reference | ratio | gate | goal | verdict |");
    println!("|---|---|---|---|---|---|---|---|");
    for row in ROWS {
        println!("{}", line(row, results));
    }
    println!("\n(d): other processes used more than a tenth of the machine in the median round.");
}

fn line(row: &Row, results: &Results) -> String {
    let scaled: Vec<f64> = series(row.ours, results)
        .iter()
        .map(|v| v * row.scale)
        .collect();
    let reference = row
        .reference
        .map(|figure| series(figure, results))
        .unwrap_or_default();
    let ours = spread(&scaled);
    let value = compared(row.want, &scaled, reference);
    let (Some(ours), Some(value)) = (ours, value) else {
        return format!("| {} | {} | not run | | | | | |", row.no, row.what);
    };
    let (gate, goal) = limits(row);
    format!(
        "| {} | {} | {} | {} | {} | {gate} | {goal} | {} |",
        row.no,
        row.what,
        range(ours),
        spread(reference).map_or_else(String::new, range),
        if row.reference.is_some() {
            show(value)
        } else {
            String::new()
        },
        judged(row, value, is_disturbed(row, results)),
    )
}

/// Whether other processes used more than a tenth of the machine while either side was measured.
fn is_disturbed(row: &Row, results: &Results) -> bool {
    let cells = [Some(row.ours), row.reference];
    let others = cells.into_iter().flatten().filter_map(|(cell, _)| {
        let spread = results.spread(cell, OTHER);
        spread.map(|spread| spread.median)
    });
    others.fold(0.0, f64::max) > QUIET
}

fn series((cell, metric): Figure, results: &Results) -> &[f64] {
    results.series(cell, metric)
}

/// The median over the rounds of the comparison within each round.
fn compared(want: Want, ours: &[f64], reference: &[f64]) -> Option<f64> {
    let pairs = ours.iter().zip(reference);
    let values: Vec<f64> = match want {
        Want::AtMost | Want::Shown => ours.to_vec(),
        Want::Times | Want::AtMostTimes => pairs.map(|(ours, other)| ours / other).collect(),
        Want::BetterBy => pairs.map(|(ours, other)| other / ours).collect(),
        Want::Above => pairs.map(|(ours, other)| ours - other).collect(),
    };
    spread(&values).map(|spread| spread.median)
}

fn limits(row: &Row) -> (String, String) {
    let text = |limit: f64| match row.want {
        Want::Times | Want::BetterBy => format!(">= {}", show(limit)),
        Want::AtMostTimes | Want::AtMost | Want::Above => format!("<= {}", show(limit)),
        Want::Shown => String::new(),
    };
    (text(row.gate), text(row.goal))
}

/// Rates and latencies prove nothing on a machine that others use; CPU and memory still do.
fn judged(row: &Row, value: f64, is_disturbed: bool) -> String {
    let settled = matches!(row.ours.1, CPU | CPU_GIB | ERRORS);
    let text = verdict(row, value);
    match (is_disturbed, settled) {
        (false, _) => text.to_owned(),
        (true, true) => format!("{text} (d)"),
        (true, false) => format!("({text}) undecided (d)"),
    }
}

fn verdict(row: &Row, value: f64) -> &'static str {
    let reaches = |limit: f64| match row.want {
        Want::Times | Want::BetterBy => value >= limit,
        Want::AtMostTimes | Want::AtMost | Want::Above => value <= limit,
        Want::Shown => true,
    };
    if row.want == Want::Shown {
        "-"
    } else if reaches(row.goal) {
        "goal"
    } else if reaches(row.gate) {
        "gate"
    } else {
        "MISSED"
    }
}

fn range(spread: Spread) -> String {
    if spread.min.total_cmp(&spread.max).is_eq() {
        return show(spread.median);
    }
    format!(
        "{} [{}..{}]",
        show(spread.median),
        show(spread.min),
        show(spread.max)
    )
}

/// Prints every cell that was loaded: medians over the rounds with least and greatest.
pub(crate) fn print_cells(results: &Results) {
    println!("\n| cell | requests/s | p50 ms | p99 ms | CPU-s/100k | errors | other CPU |");
    println!("|---|---|---|---|---|---|---|");
    for cell in results.loaded() {
        let text = |metric| results.spread(cell, metric).map_or_else(String::new, range);
        let median = |metric| {
            let spread = results.spread(cell, metric);
            spread.map_or_else(String::new, |spread| show(spread.median))
        };
        let errors: f64 = results.series(cell, ERRORS).iter().sum();
        println!(
            "| {cell} | {} | {} | {} | {} | {errors:.0} | {} |",
            text(RATE),
            median(P50),
            text(P99),
            text(CPU),
            text(OTHER),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{CPU, OURS_64, P99, ROWS, Row, Want, alone, compared, judged};

    fn row(want: Want) -> Row {
        Row {
            want,
            ..alone("", "", OURS_64, (2.0, 1.0))
        }
    }

    #[test]
    fn less_is_better_for_what_is_at_most() {
        for (value, text) in [
            (0.9, "goal"),
            (1.0, "goal"),
            (1.1, "gate"),
            (2.0, "gate"),
            (2.1, "MISSED"),
        ] {
            assert_eq!(judged(&row(Want::AtMost), value, false), text, "{value}");
        }
    }

    #[test]
    fn more_is_better_for_what_is_at_least() {
        let row = Row {
            gate: 1.0,
            goal: 2.0,
            ..row(Want::Times)
        };
        for (value, text) in [(0.9, "MISSED"), (1.0, "gate"), (1.9, "gate"), (2.0, "goal")] {
            assert_eq!(judged(&row, value, false), text, "{value}");
        }
    }

    #[test]
    fn a_disturbed_rate_decides_nothing_and_disturbed_cpu_still_does() {
        let rate = row(Want::AtMost);
        assert_eq!(judged(&rate, 1.0, true), "(goal) undecided (d)");
        let cpu = Row {
            ours: ("ours c=64", CPU),
            ..row(Want::AtMost)
        };
        assert_eq!(judged(&cpu, 1.0, true), "goal (d)");
    }

    #[test]
    fn ratios_are_taken_within_each_round() {
        let value = compared(Want::Times, &[1.0, 4.0, 9.0], &[1.0, 2.0, 3.0]);
        assert_eq!(value, Some(2.0));
        assert_eq!(compared(Want::BetterBy, &[1.0], &[20.0]), Some(20.0));
        assert_eq!(compared(Want::Above, &[], &[1.0]), None);
    }

    #[test]
    fn every_row_has_a_goal_no_easier_than_its_gate() {
        for row in ROWS {
            let fair = match row.want {
                Want::Times | Want::BetterBy => row.goal >= row.gate,
                Want::AtMostTimes | Want::AtMost | Want::Above => row.goal <= row.gate,
                Want::Shown => true,
            };
            assert!(fair, "{} {}", row.no, row.what);
            assert!(row.ours.1 != P99 || row.want != Want::Times, "{}", row.no);
        }
    }
}
