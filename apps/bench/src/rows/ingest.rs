//! Ingestion beside bare HTTP, raw SQLite and one transaction per request: rows 1 to 5, 7 and 8.

use crate::Outcome;
use crate::child::Served;
use crate::naive;
use crate::options::Options;
use crate::payload::{BAD_PERCENT, Headers, Snapshots};
use crate::proc::{Meter, wait_for_quiet};
use crate::product::{Home, PostgresDatabase};
use crate::raw;
use crate::references;
use crate::results::{Cell, OTHER, RATE, Results};

/// How many products the snapshots are spread over.
pub(crate) const PRODUCTS: usize = 100;

/// Measures all rounds.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    println!("ingestion: {PRODUCTS} products, {BAD_PERCENT} % of the snapshots AMBER or RED");
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        echo(options, results)?;
        raw_sqlite(options, results)?;
        ours(options, results, "ours", true, &[64, 256, 1, 16])?;
        naive_sqlite(options, results)?;
        ours(options, results, "ours without key", false, &[64, 1])?;
        if let Some(server) = options.postgres() {
            postgres(options, results, server)?;
        }
    }
    Ok(())
}

/// Loads a server with snapshots.
struct Load<'a> {
    name: &'a str,
    served: &'a Served,
    database: Option<&'a str>,
    models: &'a [String],
    headers: Headers<'a>,
}

impl Load<'_> {
    fn run(
        &self,
        options: &Options,
        results: &mut Results,
        connections: usize,
        batch: u64,
    ) -> Outcome<()> {
        let run = format!("b{batch}-c{connections}");
        let mut requests = Snapshots::new(self.models, self.headers, batch, run);
        let of = if batch == 1 {
            String::new()
        } else {
            format!(" batch of {batch}")
        };
        let cell = Cell {
            name: &format!("{}{of} c={connections}", self.name),
            served: self.served,
            database: self.database,
            connections,
            time: None,
        };
        results.load(options, &cell, &mut |into| requests.next(into))
    }
}

fn echo(options: &Options, results: &mut Results) -> Outcome<()> {
    let models: Vec<String> = (0..PRODUCTS)
        .map(|number| format!("01920000-0000-7000-8000-{number:012x}"))
        .collect();
    let load = Load {
        name: "echo POST",
        served: &references::echo()?,
        database: None,
        models: &models,
        headers: Headers::Bare,
    };
    for connections in [64, 1] {
        load.run(options, results, connections, 1)?;
    }
    Ok(())
}

fn raw_sqlite(options: &Options, results: &mut Results) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    for batch in [1, 100] {
        let name = format!("raw SQLite batch={batch}");
        if !options.wants(&name) {
            continue;
        }
        wait_for_quiet(options.quiet_wait());
        let mut meter = Meter::new(std::process::id(), None);
        meter.start();
        let rate = raw::rows_per_second(folder.path(), batch, options.cell_time())?;
        results.note(&name, RATE, rate);
        results.put(&name, OTHER, meter.stop().other);
    }
    Ok(())
}

fn naive_sqlite(options: &Options, results: &mut Results) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let served = references::naive_sqlite(folder.path())?;
    naive(options, results, "naive", &served, None)
}

fn naive(
    options: &Options,
    results: &mut Results,
    name: &str,
    served: &Served,
    database: Option<&str>,
) -> Outcome<()> {
    let models: Vec<String> = (0..PRODUCTS).map(|n| format!("model-{n:04}")).collect();
    let load = Load {
        name,
        served,
        database,
        models: &models,
        headers: Headers::Key(naive::KEY),
    };
    for connections in [64, 1] {
        load.run(options, results, connections, 1)?;
    }
    Ok(())
}

fn ours(
    options: &Options,
    results: &mut Results,
    name: &str,
    idempotent: bool,
    connections: &[usize],
) -> Outcome<()> {
    let home = Home::new(&options.probity()?, None)?;
    server(options, results, name, &home, idempotent, connections)
}

fn server(
    options: &Options,
    results: &mut Results,
    name: &str,
    home: &Home,
    idempotent: bool,
    connections: &[usize],
) -> Outcome<()> {
    let (served, _) = home.serve()?;
    let models = home.products(&served, PRODUCTS)?;
    let load = Load {
        name,
        served: &served,
        database: home.backend(),
        models: &models,
        headers: if idempotent {
            Headers::KeyAndIdempotency(home.key())
        } else {
            Headers::Key(home.key())
        },
    };
    for &connections in connections {
        load.run(options, results, connections, 1)?;
    }
    for connections in [1, 16] {
        load.run(options, results, connections, 100)?;
    }
    Ok(())
}

fn postgres(options: &Options, results: &mut Results, url: &str) -> Outcome<()> {
    let database = PostgresDatabase::create(url, "naive")?;
    {
        let served = references::naive_postgres(&database.url())?;
        naive(
            options,
            results,
            "naive PostgreSQL",
            &served,
            Some(database.name()),
        )?;
    }
    drop(database);
    let database = PostgresDatabase::create(url, "ours")?;
    let home = Home::new(&options.probity()?, Some(database))?;
    server(
        options,
        results,
        "ours PostgreSQL",
        &home,
        true,
        &[64, 256, 1, 16],
    )
}
