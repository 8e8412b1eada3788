//! The arithmetic of an exact sliding-window rate limit, for one key and one class of requests.

use std::collections::VecDeque;

/// Up to this limit every admitted instant is kept; above it, instants share slots.
const MOST_INSTANTS: u32 = 4096;
/// Into how many slots a window is cut when the limit is above [`MOST_INSTANTS`].
const SLOTS: u64 = 4096;

/// What an admitted call is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// How many more calls would be admitted at this very instant.
    pub remaining: u32,
    /// Milliseconds until `remaining` next grows by itself.
    pub reset_ms: u64,
}

/// What a refused call is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit is used up for another {retry_after_ms} ms")]
pub struct Refused {
    /// Milliseconds after which a call is admitted, if no other call comes first.
    pub retry_after_ms: u64,
}

/// Calls admitted within one slot, counted from the last of them on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    at_ms: u64,
    calls: u32,
}

/// The log of admitted calls.
///
/// A window is half open: a call admitted at `t` counts until just before `t + window`.
///
/// - A limit of up to 4096 is exact: the log holds one entry per distinct instant, so at most
///   `limit` of them.
/// - Above that, the window is cut into 4096 slots; the calls of a slot share one entry that counts
///   from the **last** of them on. The log holds at most 4097 entries, no window ever sees more than
///   the limit, and a call is refused at most one slot (1/4096 of the window) longer than it had to be.
///   Windows of up to 4096 ms stay exact.
/// - A refused call leaves no trace: asking again does not prolong the wait.
/// - Instants come from a clock that does not go back; one that is earlier than the latest seen
///   counts as the latest.
///
/// One log is meant for one limit and one window. When they change, the new values judge what the
/// log still holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlidingLog {
    entries: VecDeque<Entry>,
    admitted: u32,
    latest_ms: u64,
}

impl SlidingLog {
    /// Judges one call at `now_ms`: at most `limit` calls are admitted in any `window_ms`
    /// milliseconds. A limit of 0 refuses everything and names the window as the wait.
    ///
    /// # Errors
    /// [`Refused`] when the limit is used up; waiting exactly that long succeeds.
    pub fn admit(&mut self, now_ms: u64, limit: u32, window_ms: u64) -> Result<Admitted, Refused> {
        self.latest_ms = self.latest_ms.max(now_ms);
        let now = self.latest_ms;
        self.forget(now, window_ms);
        if self.admitted >= limit {
            let retry_after_ms = self.wait(now, limit, window_ms);
            return Err(Refused { retry_after_ms });
        }
        self.note(now, slot_width(limit, window_ms));
        let oldest = self.entries.front().map_or(now, |entry| entry.at_ms);
        Ok(Admitted {
            remaining: limit - self.admitted,
            reset_ms: window_ms.saturating_sub(now - oldest),
        })
    }

    /// Whether nothing in the log counts any more at `now_ms`, so that the log can be dropped.
    #[must_use]
    pub fn is_idle(&self, now_ms: u64, window_ms: u64) -> bool {
        let now = self.latest_ms.max(now_ms);
        self.entries
            .back()
            .is_none_or(|entry| now - entry.at_ms >= window_ms)
    }

    fn forget(&mut self, now: u64, window_ms: u64) {
        while let Some(entry) = self.entries.front() {
            if now - entry.at_ms < window_ms {
                break;
            }
            self.admitted -= entry.calls;
            self.entries.pop_front();
        }
    }

    fn note(&mut self, now: u64, slot_width: u64) {
        self.admitted += 1;
        match self.entries.back_mut() {
            Some(entry) if entry.at_ms / slot_width == now / slot_width => {
                entry.at_ms = now;
                entry.calls += 1;
            }
            _ => self.entries.push_back(Entry {
                at_ms: now,
                calls: 1,
            }),
        }
    }

    /// How long until fewer than `limit` calls count.
    fn wait(&self, now: u64, limit: u32, window_ms: u64) -> u64 {
        let mut left = self.admitted;
        for entry in &self.entries {
            left -= entry.calls;
            if left < limit {
                return window_ms - (now - entry.at_ms);
            }
        }
        window_ms
    }
}

fn slot_width(limit: u32, window_ms: u64) -> u64 {
    if limit <= MOST_INSTANTS {
        1
    } else {
        window_ms.div_ceil(SLOTS).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule written down naively: every admitted instant, counted anew each time.
    #[derive(Default)]
    struct Naive(Vec<u64>);

    impl Naive {
        fn admit(&mut self, now: u64, limit: usize, window: u64) -> Result<usize, u64> {
            let live: Vec<u64> = self
                .0
                .iter()
                .copied()
                .filter(|t| t + window > now)
                .collect();
            if live.len() < limit {
                self.0.push(now);
                return Ok(limit - live.len() - 1);
            }
            let mut wait = 0;
            while self.0.iter().filter(|t| **t + window > now + wait).count() >= limit {
                wait += 1;
            }
            Err(wait)
        }
    }

    fn most_in_any_window(instants: &[u64], window: u64) -> usize {
        let count = |from: u64| {
            instants
                .iter()
                .filter(|t| (from..from + window).contains(t))
                .count()
        };
        instants.iter().map(|from| count(*from)).max().unwrap_or(0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn every_verdict_is_that_of_the_naive_rule(
            limit in 1_u32..6,
            window in 1_u64..40,
            gaps in prop::collection::vec(0_u64..15, 1..60),
        ) {
            let (mut log, mut naive, mut now) = (SlidingLog::default(), Naive::default(), 1000);
            for gap in gaps {
                now += gap;
                let expected = naive.admit(now, usize::try_from(limit).unwrap(), window);
                match (log.admit(now, limit, window), expected) {
                    (Ok(got), Ok(remaining)) => {
                        prop_assert_eq!(usize::try_from(got.remaining).unwrap(), remaining);
                    }
                    (Err(refused), Err(wait)) => {
                        prop_assert_eq!(refused.retry_after_ms, wait);
                        let mut early = log.clone();
                        prop_assert!(early.admit(now + wait - 1, limit, window).is_err());
                        prop_assert!(log.clone().admit(now + wait, limit, window).is_ok());
                    }
                    (got, expected) => prop_assert!(false, "{got:?} but {expected:?}"),
                }
                prop_assert!(log.entries.len() <= usize::try_from(limit).unwrap());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn shared_slots_never_admit_more_than_the_limit(
            limit in 1_u32..6,
            window in 4_u64..60,
            width in 1_u64..12,
            gaps in prop::collection::vec(0_u64..15, 1..60),
        ) {
            let (mut log, mut now, mut instants) = (SlidingLog::default(), 1000, Vec::new());
            for gap in gaps {
                now += gap;
                log.latest_ms = now;
                log.forget(now, window);
                if log.admitted < limit {
                    log.note(now, width);
                    instants.push(now);
                } else {
                    let wait = log.wait(now, limit, window);
                    let mut later = log.clone();
                    later.forget(now + wait, window);
                    prop_assert!((1..=window).contains(&wait));
                    prop_assert!(later.admitted < limit);
                }
                let most = u64::try_from(log.entries.len()).unwrap();
                prop_assert!(most <= window.div_ceil(width) + 1);
            }
            let limit = usize::try_from(limit).unwrap();
            prop_assert!(most_in_any_window(&instants, window) <= limit);
        }
    }

    #[test]
    fn a_refused_call_leaves_no_trace() {
        let mut log = SlidingLog::default();
        assert!(log.admit(0, 1, 1000).is_ok());
        for now in 1..1000 {
            let refused = log.admit(now, 1, 1000).unwrap_err();
            assert_eq!(refused.retry_after_ms, 1000 - now);
        }
        let admitted = Admitted {
            remaining: 0,
            reset_ms: 1000,
        };
        assert_eq!(log.admit(1000, 1, 1000), Ok(admitted));
    }

    #[test]
    fn the_window_ends_at_t_plus_window_and_not_before() {
        for (now, admitted) in [(1999, false), (2000, true), (2001, true)] {
            let mut log = SlidingLog::default();
            log.admit(1000, 1, 1000).unwrap();
            assert_eq!(log.admit(now, 1, 1000).is_ok(), admitted, "{now}");
            let mut idle = SlidingLog::default();
            idle.admit(1000, 1, 1000).unwrap();
            assert_eq!(idle.is_idle(now, 1000), admitted, "{now}");
        }
        assert!(SlidingLog::default().is_idle(0, 1000));
    }

    #[test]
    fn a_limit_of_zero_refuses_everything() {
        let mut log = SlidingLog::default();
        for now in [0, 5, 5000] {
            assert_eq!(
                log.admit(now, 0, 1000),
                Err(Refused {
                    retry_after_ms: 1000
                })
            );
        }
    }

    #[test]
    fn a_lowered_limit_waits_until_enough_calls_have_left() {
        for (limit, wait) in [(4, None), (3, Some(970)), (2, Some(980)), (1, Some(990))] {
            let mut log = SlidingLog::default();
            for now in [0, 10, 20] {
                log.admit(now, 3, 1000).unwrap();
            }
            let refused = log.admit(30, limit, 1000).err();
            assert_eq!(
                refused.map(|refused| refused.retry_after_ms),
                wait,
                "{limit}"
            );
            if let Some(wait) = wait {
                assert!(log.clone().admit(30 + wait - 1, limit, 1000).is_err());
                assert!(log.admit(30 + wait, limit, 1000).is_ok());
            }
        }
    }

    #[test]
    fn a_clock_that_steps_back_wins_no_calls() {
        let mut log = SlidingLog::default();
        log.admit(5000, 1, 1000).unwrap();
        assert_eq!(log.admit(100, 1, 1000).unwrap_err().retry_after_ms, 1000);
        assert_eq!(log.admit(5400, 1, 1000).unwrap_err().retry_after_ms, 600);
        assert_eq!(log.admit(5100, 1, 1000).unwrap_err().retry_after_ms, 600);
    }

    #[test]
    fn a_large_limit_needs_bounded_memory_and_holds_exactly() {
        let (limit, window) = (10_000, 60_000);
        let mut log = SlidingLog::default();
        let mut instants = Vec::new();
        for now in 0..180_000 {
            if log.admit(now, limit, window).is_ok() {
                instants.push(now);
            }
            assert!(log.entries.len() <= 4097, "{} entries", log.entries.len());
        }
        // One call a millisecond: the limit fills in 10 s, so 10,000 of each 60,000 pass, less
        // what the shared slots keep back.
        assert_eq!(instants.iter().filter(|t| **t < window).count(), 10_000);
        let mut newest = 0;
        for (oldest, from) in instants.iter().enumerate() {
            while instants.get(newest).is_some_and(|t| *t < from + window) {
                newest += 1;
            }
            assert!(newest - oldest <= 10_000, "window from {from}");
        }
        assert!(instants.len() > 29_900, "{} admitted", instants.len());
    }
}
