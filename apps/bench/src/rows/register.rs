//! Creating: row 13's own side.

use crate::Outcome;
use crate::options::Options;
use crate::payload::post;
use crate::product::Home;
use crate::results::{Cell, Results};
use crate::rows::read::entry;

/// Measures all rounds.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    println!("registering models");
    for _ in 0..options.rounds {
        let home = Home::new(&options.probity()?, None)?;
        let (served, _) = home.serve()?;
        let mut number = 0_u64;
        let cell = Cell {
            name: "register a model c=16",
            served: &served,
            database: None,
            connections: 16,
            time: None,
        };
        results.load(options, &cell, &mut |into| {
            number += 1;
            let body = entry(&format!("model-{number}")).to_string();
            into.extend(post("/api/admin/models", home.key(), &body));
        })?;
    }
    Ok(())
}
