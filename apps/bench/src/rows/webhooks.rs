//! Delivery of events: durable acceptance with a signed delivery each, and what a subscriber costs
//! ingestion. Rows 21 and 22.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::child::Served;
use crate::load::{self, Plan};
use crate::number::float;
use crate::options::Options;
use crate::payload::{Headers, Snapshots, post};
use crate::proc::{Meter, wait_for_quiet};
use crate::product::Home;
use crate::results::{Cell, OTHER, P50, RATE, Results};
use crate::rows::ingest::PRODUCTS;

/// CPU seconds for each 1,000 deliveries, acceptance of their events included.
pub(crate) const CPU_1000: &str = "cpu-s/1000";
/// How many producers there are.
const PRODUCERS: usize = 16;
/// How long deliveries may take after the last event.
const PATIENCE: Duration = Duration::from_mins(2);
/// The peer's published figures, measured on another machine with its database and its Redis.
const PEER: (&str, f64, f64) = ("Svix, as published", 745.0, 1.76);

/// Measures all rounds.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    println!("webhooks: {PRODUCERS} producers, a delivery for each request");
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        deliveries(options, results)?;
        latency(options, results)?;
        for (name, subscriber) in [
            ("ingest without subscriber", false),
            ("ingest with subscriber", true),
        ] {
            ingestion(options, results, name, subscriber)?;
        }
    }
    let (name, rate, cpu) = PEER;
    results.put(name, RATE, rate);
    results.put(name, CPU_1000, cpu);
    Ok(())
}

/// A receiver in this process that answers 200 and counts.
struct Sink {
    address: SocketAddr,
    count: Arc<AtomicU64>,
}

impl Sink {
    fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let count = Arc::new(AtomicU64::new(0));
        let counted = count.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = counted.clone();
                std::thread::spawn(move || answer(stream, &counted));
            }
        });
        Ok(Self { address, count })
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Waits until so many have come.
    fn wait(&self, expected: u64) -> Outcome<()> {
        let started = Instant::now();
        while self.count() < expected {
            if started.elapsed() > PATIENCE {
                let count = self.count();
                return Err(format!("{count} of {expected} deliveries arrived").into());
            }
            sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

fn answer(mut stream: TcpStream, count: &AtomicU64) {
    let mut pending: Vec<u8> = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    while let Ok(read) = stream.read(&mut chunk) {
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else {
            return;
        };
        pending.extend_from_slice(part);
        while let Some(length) = request_length(&pending) {
            pending.drain(..length);
            count.fetch_add(1, Ordering::Relaxed);
            let done = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            if done.is_err() {
                return;
            }
        }
    }
}

/// How long the request is that these bytes begin with, when all of it is there.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(bytes.get(..end)?).to_ascii_lowercase();
    let length = head.split("content-length:").nth(1)?;
    let length: usize = length.split("\r\n").next()?.trim().parse().ok()?;
    let whole = end + length;
    (bytes.len() >= whole).then_some(whole)
}

/// A server with an endpoint that leads to the sink.
fn serve(home: &Home, sink: &Sink, types: &[&str]) -> Outcome<(Served, Vec<String>)> {
    let served = serve_alone(home, sink)?;
    let models = home.products(&served, PRODUCTS)?;
    let target = format!("http://{}/hook", sink.address);
    let body = json!({"target_url": target, "event_types": types});
    home.client(&served)?
        .post("/api/v1/governance-events/webhooks", &body)?;
    sink.wait(sink.count().max(1))?;
    Ok((served, models))
}

fn serve_alone(home: &Home, sink: &Sink) -> Outcome<Served> {
    let key = home.file().with_file_name("webhooks.key");
    std::fs::write(&key, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")?;
    let key = key.to_string_lossy().into_owned();
    let host = sink.address.to_string();
    let flags = ["--webhook-key-file", &key, "--webhook-private-hosts", &host];
    Ok(home.serve_with(&flags)?.0)
}

/// The `number`th request: a product turns red, and green again the next time.
fn turn(models: &[String], key: &str, number: u64) -> Vec<u8> {
    let count = u64::try_from(models.len()).unwrap_or(1).max(1);
    let index = usize::try_from(number % count).unwrap_or_default();
    let model = models.get(index).map_or("", String::as_str);
    let drift = if (number / count).is_multiple_of(2) {
        90
    } else {
        1
    };
    let body = json!({"modelId": model, "driftScore": drift, "fairnessScore": 99, "sampleSize": 9});
    post("/api/v1/metrics", key, &body.to_string())
}

const ONE_EACH: [&str; 2] = ["guardian.trigger.fired", "alert.resolved"];

fn deliveries(options: &Options, results: &mut Results) -> Outcome<()> {
    let name = "webhooks delivered c=16";
    if !options.wants(name) {
        return Ok(());
    }
    let (home, sink) = (Home::new(&options.probity()?, None)?, Sink::start()?);
    let (served, models) = serve(&home, &sink, &ONE_EACH)?;
    wait_for_quiet(options.quiet_wait());
    let mut number = 0;
    let before = sink.count();
    let mut meter = Meter::new(served.pid(), None);
    let plan = Plan {
        address: served.address(),
        connections: PRODUCERS,
        warm_up: Duration::ZERO,
        measure: options.cell_time(),
    };
    let started = Instant::now();
    let mut whole = Meter::new(served.pid(), None);
    whole.start();
    let measured = load::run(&plan, &mut meter, &mut |into| {
        into.extend_from_slice(&turn(&models, home.key(), number));
        number += 1;
    })?;
    // What was answered was delivered; what was under way at the end may have been.
    sink.wait(before + measured.answered)?;
    let (elapsed, used) = (started.elapsed(), whole.stop());
    let delivered = float(sink.count() - before);
    results.note(name, RATE, delivered / elapsed.as_secs_f64());
    results.note(name, CPU_1000, used.server / delivered * 1000.0);
    results.put(name, OTHER, used.other);
    served.end()
}

/// From the request that makes an event to its delivery at the receiver, at 50 a second.
fn latency(options: &Options, results: &mut Results) -> Outcome<()> {
    let name = "webhooks, 50 events a second";
    if !options.wants(name) {
        return Ok(());
    }
    let (home, sink) = (Home::new(&options.probity()?, None)?, Sink::start()?);
    let (served, models) = serve(&home, &sink, &ONE_EACH)?;
    wait_for_quiet(options.quiet_wait());
    let mut client = home.client(&served)?;
    let mut took = Vec::new();
    let started = Instant::now();
    for number in 0..150_u32 {
        let due = Duration::from_millis(20) * number;
        sleep(due.saturating_sub(started.elapsed()));
        let before = sink.count();
        let sent = Instant::now();
        let index = usize::try_from(number).unwrap_or_default() % models.len();
        let drift = if number < 100 { 90 } else { 1 };
        let model = models.get(index);
        let body =
            json!({"modelId": model, "driftScore": drift, "fairnessScore": 99, "sampleSize": 9});
        client.post("/api/v1/metrics", &body)?;
        while sink.count() == before && sent.elapsed() < Duration::from_secs(5) {
            std::hint::spin_loop();
            sleep(Duration::from_micros(100));
        }
        took.push(sent.elapsed());
    }
    took.sort_unstable();
    let median = took.get(took.len() / 2).copied().unwrap_or_default();
    results.note(name, P50, median.as_secs_f64() * 1000.0);
    served.end()
}

fn ingestion(
    options: &Options,
    results: &mut Results,
    name: &str,
    subscriber: bool,
) -> Outcome<()> {
    if !options.wants(name) {
        return Ok(());
    }
    let (home, sink) = (Home::new(&options.probity()?, None)?, Sink::start()?);
    let (served, models) = if subscriber {
        serve(&home, &sink, &[])?
    } else {
        let served = serve_alone(&home, &sink)?;
        let models = home.products(&served, PRODUCTS)?;
        (served, models)
    };
    let mut requests = Snapshots::new(&models, Headers::KeyAndIdempotency(home.key()), 1, name);
    let cell = Cell {
        name,
        served: &served,
        database: None,
        connections: 64,
        time: None,
    };
    results.load(options, &cell, &mut |into| requests.next(into))?;
    served.end()
}
