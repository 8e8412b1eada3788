//! Everything measured, by cell and metric, one value per round.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Outcome;
use crate::child::Served;
use crate::load::{self, Measured, Plan};
use crate::number::{Spread, float, percentile_ms, show, spread};
use crate::options::Options;
use crate::proc::{Meter, QUIET, wait_for_quiet};

/// Rates in requests per second.
pub(crate) const RATE: &str = "rate";
/// Median latency in milliseconds.
pub(crate) const P50: &str = "p50 ms";
/// 99th percentile of the latency in milliseconds.
pub(crate) const P99: &str = "p99 ms";
/// CPU seconds of the server's process per 100 000 requests.
pub(crate) const CPU: &str = "cpu-s/100k";
/// The same with the database's processes.
pub(crate) const CPU_ALL: &str = "cpu-s/100k with database";
/// Answers that were errors.
pub(crate) const ERRORS: &str = "errors";
/// CPU of other processes over the whole machine.
pub(crate) const OTHER: &str = "other cpu";

/// The figures so far.
#[derive(Debug, Default)]
pub(crate) struct Results(BTreeMap<(String, &'static str), Vec<f64>>);

impl Results {
    /// Adds a round's value.
    pub(crate) fn put(&mut self, cell: &str, metric: &'static str, value: f64) {
        let series = self.0.entry((cell.to_owned(), metric)).or_default();
        series.push(value);
    }

    /// Adds a round's value and shows it.
    pub(crate) fn note(&mut self, cell: &str, metric: &'static str, value: f64) {
        println!("  {cell:<34} {metric} {}", show(value));
        self.put(cell, metric, value);
    }

    /// The values of all rounds.
    pub(crate) fn series(&self, cell: &str, metric: &'static str) -> &[f64] {
        self.0
            .get(&(cell.to_owned(), metric))
            .map_or(&[], Vec::as_slice)
    }

    /// The spread over the rounds.
    pub(crate) fn spread(&self, cell: &str, metric: &'static str) -> Option<Spread> {
        spread(self.series(cell, metric))
    }

    /// The names of all cells that were loaded.
    pub(crate) fn loaded(&self) -> impl Iterator<Item = &str> {
        let rates = self.0.keys().filter(|(_, metric)| *metric == P99);
        rates.map(|(cell, _)| cell.as_str())
    }

    /// Loads a server and adds what came of it.
    pub(crate) fn load<'a>(
        &mut self,
        options: &Options,
        cell: &Cell<'_>,
        make: &'a mut load::Maker<'a>,
    ) -> Outcome<()> {
        if !options.wants(cell.name) {
            return Ok(());
        }
        wait_for_quiet(options.quiet_wait());
        let mut meter = Meter::new(cell.served.pid(), cell.database);
        let plan = Plan {
            address: cell.served.address(),
            connections: cell.connections,
            warm_up: Duration::from_millis(500),
            measure: cell.time.unwrap_or(options.cell_time()),
        };
        let measured = load::run(&plan, &mut meter, make)?;
        if measured.answered == 0 {
            let why = measured.first_error.unwrap_or_default();
            return Err(format!("{}: no good answer; {why}", cell.name).into());
        }
        self.add(cell.name, &measured);
        Ok(())
    }

    fn add(&mut self, cell: &str, measured: &Measured) {
        let answered = float(measured.answered);
        let hundred_thousands = answered / 1e5;
        let used = measured.used;
        let line = [
            (RATE, answered / measured.elapsed.as_secs_f64()),
            (P50, percentile_ms(&measured.latencies, 50)),
            (P99, percentile_ms(&measured.latencies, 99)),
            (CPU, used.server / hundred_thousands),
            (CPU_ALL, (used.server + used.database) / hundred_thousands),
            (ERRORS, float(measured.errors)),
            (OTHER, used.other),
        ];
        for (metric, value) in line {
            self.put(cell, metric, value);
        }
        let last = |metric| {
            self.series(cell, metric)
                .last()
                .copied()
                .map_or_else(String::new, show)
        };
        println!(
            "  {cell:<34} {:>9}/s  p50 {:>7} ms  p99 {:>7} ms  cpu {:>6} s/100k  other {:>5}{}",
            last(RATE),
            last(P50),
            last(P99),
            last(CPU),
            last(OTHER),
            if used.other > QUIET { " (d)" } else { "" },
        );
        if let Some(error) = &measured.first_error {
            println!("    {} errors, the first: {error}", measured.errors);
        }
    }
}

/// One thing to measure.
pub(crate) struct Cell<'a> {
    pub(crate) name: &'a str,
    pub(crate) served: &'a Served,
    /// The database on PostgreSQL whose backends count as well.
    pub(crate) database: Option<&'a str>,
    pub(crate) connections: usize,
    /// Other than the usual time.
    pub(crate) time: Option<Duration>,
}
