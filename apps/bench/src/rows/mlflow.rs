//! `MLflow`'s tracking server, when one is named: the references of rows 6, 7 and 13. It is started
//! by hand; its CPU is not measured.

use std::net::{SocketAddr, ToSocketAddrs as _};

use serde_json::{Value, json};

use crate::Outcome;
use crate::call::Client;
use crate::load::{self, Plan};
use crate::number::float;
use crate::options::Options;
use crate::payload::post;
use crate::proc::{Meter, wait_for_quiet};
use crate::results::{RATE, Results};

/// Measures all rounds; nothing without a server.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    let Some(url) = options.mlflow() else {
        println!("MLflow: not run, no --mlflow-url");
        return Ok(());
    };
    println!("MLflow at {url}");
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let address = host.to_socket_addrs()?.next().ok_or("no such host")?;
    let mut client = Client::connect(address, None)?;
    let run = new_run(&mut client)?;
    for _ in 0..options.rounds {
        let mut step = 0_u64;
        load(
            options,
            results,
            address,
            "MLflow log-metric c=16",
            |into| {
                step += 1;
                let body = json!({"run_id": run, "key": "drift", "value": 15.2, "timestamp": step, "step": step});
                into.extend(post(
                    "/api/2.0/mlflow/runs/log-metric",
                    "",
                    &body.to_string(),
                ));
            },
        )?;
        load(
            options,
            results,
            address,
            "MLflow log-batch of 100 c=16",
            |into| {
                let metrics: Vec<Value> = (0..100)
                    .map(|_| {
                        step += 1;
                        json!({"key": "psi", "value": 0.05, "timestamp": step, "step": step})
                    })
                    .collect();
                let body = json!({"run_id": run, "metrics": metrics}).to_string();
                into.extend(post("/api/2.0/mlflow/runs/log-batch", "", &body));
            },
        )?;
        let mut number = 0_u64;
        load(
            options,
            results,
            address,
            "MLflow registered models c=16",
            |into| {
                number += 1;
                let body = json!({"name": format!("{run}-{step}-{number}")}).to_string();
                into.extend(post("/api/2.0/mlflow/registered-models/create", "", &body));
            },
        )?;
    }
    Ok(())
}

fn new_run(client: &mut Client) -> Outcome<String> {
    let name = format!("bench-{}", std::process::id());
    let made = client.post("/api/2.0/mlflow/experiments/create", &json!({"name": name}))?;
    let experiment = made.get("experiment_id").ok_or("no experiment_id")?;
    let body = json!({"experiment_id": experiment, "start_time": 0});
    let made = client.post("/api/2.0/mlflow/runs/create", &body)?;
    let id = made.pointer("/run/info/run_id").and_then(Value::as_str);
    Ok(id.ok_or("no run_id")?.to_owned())
}

fn load(
    options: &Options,
    results: &mut Results,
    address: SocketAddr,
    name: &str,
    mut make: impl FnMut(&mut Vec<u8>),
) -> Outcome<()> {
    wait_for_quiet(options.quiet_wait());
    let plan = Plan {
        address,
        connections: 16,
        warm_up: options.cell_time() / 4,
        measure: options.cell_time(),
    };
    let mut meter = Meter::new(std::process::id(), None);
    let measured = load::run(&plan, &mut meter, &mut make)?;
    if let Some(error) = measured.first_error {
        println!("    {} errors, the first: {error}", measured.errors);
    }
    let rate = float(measured.answered) / measured.elapsed.as_secs_f64();
    results.note(name, RATE, rate);
    Ok(())
}
