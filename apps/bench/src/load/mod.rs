//! A closed-loop HTTP/1.1 load generator: one thread, keep-alive connections, one request under
//! way on each. Lean, so that on a small machine the server and not the generator is measured.

mod connection;
mod response;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use self::connection::{Connection, Progress};
pub(crate) use self::response::{Parsed, parse};
use crate::Outcome;
use crate::proc::{Meter, Used};

/// Slow answers are waited for until there are so many.
const FEW: usize = 5;
/// How long slow answers are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes the next request into an empty buffer.
pub(crate) type Maker<'a> = dyn FnMut(&mut Vec<u8>) + 'a;

/// How hard and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measure: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Answers with status 2xx within the time measured.
    pub(crate) answered: u64,
    /// Other answers, and connections that broke, from the first request on.
    pub(crate) errors: u64,
    /// The first answer that was an error.
    pub(crate) first_error: Option<String>,
    /// How long was measured.
    pub(crate) elapsed: Duration,
    /// Latencies of the answers in nanoseconds, sorted.
    pub(crate) latencies: Vec<u32>,
    /// CPU used meanwhile.
    pub(crate) used: Used,
}

struct Run<'a> {
    connections: Vec<Connection>,
    make: &'a mut Maker<'a>,
    recording: bool,
    measured: Measured,
}

/// Sends requests for as long as planned.
pub(crate) fn run<'a>(
    plan: &Plan,
    meter: &mut Meter,
    make: &'a mut Maker<'a>,
) -> Outcome<Measured> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut run = Run {
        connections: Vec::with_capacity(plan.connections),
        make,
        recording: false,
        measured: Measured {
            answered: 0,
            errors: 0,
            first_error: None,
            elapsed: Duration::ZERO,
            latencies: Vec::with_capacity(1 << 20),
            used: Used::default(),
        },
    };
    for number in 0..plan.connections {
        let connection = Connection::open(plan.address, Token(number), poll.registry())?;
        run.connections.push(connection);
    }
    run.drive(&mut poll, &mut events, plan.warm_up)?;
    meter.start();
    run.recording = true;
    let started = Instant::now();
    run.drive(&mut poll, &mut events, plan.measure)?;
    while run.measured.latencies.len() < FEW && started.elapsed() < PATIENCE {
        run.drive(&mut poll, &mut events, Duration::from_millis(100))?;
    }
    run.measured.elapsed = started.elapsed();
    run.measured.used = meter.stop();
    run.measured.latencies.sort_unstable();
    Ok(run.measured)
}

impl Run<'_> {
    fn drive(&mut self, poll: &mut Poll, events: &mut Events, time: Duration) -> Outcome<()> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            match poll.poll(events, Some(left)) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                done => done?,
            }
            for event in events.iter() {
                self.serve(poll, event.token())?;
            }
        }
    }

    fn serve(&mut self, poll: &Poll, token: Token) -> Outcome<()> {
        let Some(connection) = self.connections.get_mut(token.0) else {
            return Ok(());
        };
        match connection.advance(self.make) {
            Ok(Progress::Waiting) => {}
            Ok(Progress::Answered { status, took }) if (200..300).contains(&status) => {
                if self.recording {
                    self.measured.answered += 1;
                    self.measured.latencies.push(took);
                }
            }
            Ok(Progress::Answered { status, .. }) => {
                let body = connection.last_body();
                self.fail(format!("status {status}: {body}"));
            }
            Err(error) => {
                let fresh = Connection::open(connection.address(), token, poll.registry())?;
                *connection = fresh;
                self.fail(error.to_string());
            }
        }
        Ok(())
    }

    fn fail(&mut self, why: String) {
        self.measured.errors += 1;
        self.measured.first_error.get_or_insert(why);
    }
}
