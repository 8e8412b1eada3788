//! What the kernel says of processes: CPU time, memory, and how much others use of the machine.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::number::float;

/// Clock ticks per second of `/proc`; Linux has fixed this at 100 for programs.
const TICKS: f64 = 100.0;
/// The machine is quiet when others use less of it than this.
pub(crate) const QUIET: f64 = 0.1;

/// CPU seconds of a process, user and system, with those of the children it has waited for.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may hold spaces; what follows its closing bracket does not.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse().ok())
            .map_or(0.0, float)
    };
    (ticks(11) + ticks(12)) / TICKS
}

/// CPU seconds of the PostgreSQL backends that serve a database.
pub(crate) fn backend_seconds(database: &str) -> f64 {
    let Ok(processes) = fs::read_dir("/proc") else {
        return 0.0;
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.starts_with("postgres:") && line.contains(database)
        })
        .map(cpu_seconds)
        .sum()
}

fn megabytes(pid: u32, file: &str, field: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(field));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok());
    kilobytes.map_or(f64::NAN, |kilobytes: u64| float(kilobytes) / 1024.0)
}

/// Proportional set size in MiB.
pub(crate) fn pss(pid: u32) -> f64 {
    megabytes(pid, "smaps_rollup", "Pss:")
}

/// Resident set size in MiB.
pub(crate) fn rss(pid: u32) -> f64 {
    megabytes(pid, "status", "VmRSS:")
}

/// The greatest resident set size since [`reset_peak`] in MiB.
pub(crate) fn peak_rss(pid: u32) -> f64 {
    megabytes(pid, "status", "VmHWM:")
}

/// Starts the peak anew.
pub(crate) fn reset_peak(pid: u32) -> std::io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// CPU seconds that all processes have used together, without interrupts, and what the machine
/// could have given.
fn machine_seconds() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .map(float)
        .collect();
    let at = |index: usize| fields.get(index).copied().unwrap_or_default();
    // user, nice, system, steal; 3 to 6 are idle, iowait, irq, softirq; guest time is in user.
    let used = at(0) + at(1) + at(2) + at(7);
    let all: f64 = fields.iter().take(8).sum();
    (used / TICKS, all / TICKS)
}

/// CPU of the measured processes, of this one, and of all others between two points.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    server: u32,
    database: Option<String>,
    before: Option<Reading>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    server: f64,
    database: f64,
    own: f64,
    used: f64,
    all: f64,
}

/// What was used between start and stop.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// CPU seconds of the server's process.
    pub(crate) server: f64,
    /// CPU seconds of its database backends.
    pub(crate) database: f64,
    /// CPU of all other processes over the whole machine, 0 to 1.
    pub(crate) other: f64,
}

impl Meter {
    /// A meter of one process and, on PostgreSQL, the backends of its database.
    pub(crate) fn new(server: u32, database: Option<&str>) -> Self {
        Self {
            server,
            database: database.map(str::to_owned),
            before: None,
        }
    }

    fn read(&self) -> Reading {
        let (used, all) = machine_seconds();
        let database = self.database.as_deref();
        let own = std::process::id();
        Reading {
            server: cpu_seconds(self.server),
            database: database.map_or(0.0, backend_seconds),
            own: if own == self.server {
                0.0
            } else {
                cpu_seconds(own)
            },
            used,
            all,
        }
    }

    /// Begins.
    pub(crate) fn start(&mut self) {
        self.before = Some(self.read());
    }

    /// What was used since the start.
    pub(crate) fn stop(&self) -> Used {
        let Some(before) = self.before else {
            return Used::default();
        };
        let now = self.read();
        let (server, database) = (now.server - before.server, now.database - before.database);
        let ours = server + database + (now.own - before.own);
        let other = (now.used - before.used - ours) / (now.all - before.all).max(f64::MIN_POSITIVE);
        Used {
            server,
            database,
            other: other.clamp(0.0, 1.0),
        }
    }
}

/// Waits until others leave the machine alone, or as long as allowed.
pub(crate) fn wait_for_quiet(longest: Duration) {
    let started = Instant::now();
    while started.elapsed() < longest {
        let mut meter = Meter::new(std::process::id(), None);
        meter.start();
        sleep(Duration::from_millis(250));
        if meter.stop().other < QUIET {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Meter, cpu_seconds, peak_rss, rss};

    #[test]
    fn work_shows_in_the_figures_of_the_process() {
        let own = std::process::id();
        let mut meter = Meter::new(own, None);
        meter.start();
        let started = Instant::now();
        let mut sum = 0_u64;
        while started.elapsed() < Duration::from_millis(120) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        assert!(meter.stop().server > 0.0, "{sum}");
        assert!(cpu_seconds(own) > 0.0);
        assert!(peak_rss(own) >= rss(own) * 0.5);
    }
}
