//! One line of progress on a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often the line is drawn.
const STEP: Duration = Duration::from_millis(200);

/// The progress of a transfer.
#[derive(Debug)]
pub(super) struct Progress {
    shown: bool,
    name: String,
    total: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: u64,
    /// What was there before this run.
    before: u64,
    started: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    /// Of so many bytes, of which some are there already.
    pub(super) fn new(name: &str, total: u64, before: u64, quiet: bool) -> Self {
        let plain = |c: char| if c.is_control() { '?' } else { c };
        Self {
            shown: !quiet && std::io::stderr().is_terminal(),
            name: name.chars().map(plain).take(40).collect(),
            total,
            state: Mutex::new(State {
                done: before,
                before,
                started: Instant::now(),
                drawn: None,
            }),
        }
    }

    /// So many bytes more.
    pub(super) fn add(&self, bytes: u64) {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        state.done = state.done.saturating_add(bytes);
        let now = Instant::now();
        let due = state
            .drawn
            .is_none_or(|drawn| now.duration_since(drawn) >= STEP);
        if self.shown && (due || state.done >= self.total) {
            state.drawn = Some(now);
            self.draw(&state);
        }
    }

    fn draw(&self, state: &State) {
        const MIB: u64 = 1 << 20;
        let percent = state
            .done
            .saturating_mul(100)
            .checked_div(self.total)
            .unwrap_or(100);
        let millis = u64::try_from(state.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let moved = state.done.saturating_sub(state.before).saturating_mul(1000);
        let speed = moved.checked_div(millis).unwrap_or(0) / MIB;
        let bar: String = (0..20)
            .map(|at| if at * 5 < percent { '#' } else { '.' })
            .collect();
        // Nobody reads a line that cannot be written.
        let _ = write!(
            std::io::stderr(),
            "\r{} [{bar}] {percent:>3} %  {}/{} MiB  {speed} MiB/s  ",
            self.name,
            state.done / MIB,
            self.total / MIB,
        );
    }

    /// Ends the line.
    pub(super) fn end(&self) {
        if self.shown {
            eprintln!();
        }
    }
}
