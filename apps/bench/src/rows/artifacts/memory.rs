//! The most memory a process took while something went on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use crate::proc::pss;

const STEP: Duration = Duration::from_millis(25);

/// Looks at a process until it is asked.
pub(super) struct Watch {
    ended: Arc<AtomicBool>,
    looking: JoinHandle<f64>,
}

impl Watch {
    /// Begins; what the process takes now is what is asked above.
    pub(super) fn start(pid: u32) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = ended.clone();
        let idle = pss(pid);
        let looking = spawn(move || {
            let mut peak = idle;
            while !seen.load(Ordering::Relaxed) {
                peak = peak.max(pss(pid));
                sleep(STEP);
            }
            peak - idle
        });
        Self { ended, looking }
    }

    /// MiB of proportional set size above the start.
    pub(super) fn above(self) -> f64 {
        self.ended.store(true, Ordering::Relaxed);
        self.looking.join().unwrap_or(f64::NAN)
    }
}
