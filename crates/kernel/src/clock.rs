//! Time and identifiers as inputs, so that rules and tests are deterministic.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use time::{Duration, OffsetDateTime};
use uuid::{ContextV7, NoContext, Timestamp, Uuid};

/// Where instants come from.
pub trait Clock: Send + Sync {
    /// The present instant in UTC, cut to milliseconds: the finest unit that every database keeps
    /// and that the record prints.
    fn now(&self) -> OffsetDateTime;
}

/// Where new identifiers come from.
pub trait IdSource: Send + Sync {
    /// A new `UUIDv7` stamped with the given instant.
    fn next_id(&self, now: OffsetDateTime) -> Uuid;
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> OffsetDateTime {
        self.as_ref().now()
    }
}

impl<T: IdSource + ?Sized> IdSource for Arc<T> {
    fn next_id(&self, now: OffsetDateTime) -> Uuid {
        self.as_ref().next_id(now)
    }
}

/// Cuts an instant to whole milliseconds.
#[must_use]
pub fn to_milliseconds(instant: OffsetDateTime) -> OffsetDateTime {
    instant
        .replace_millisecond(instant.millisecond())
        .unwrap_or(instant)
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    fn now(&self) -> OffsetDateTime {
        to_milliseconds(OffsetDateTime::now_utc())
    }
}

/// A clock that stands still until it is told otherwise.
#[derive(Debug)]
pub struct FixedClock(Mutex<OffsetDateTime>);

impl FixedClock {
    /// A clock that shows `instant`.
    #[must_use]
    pub fn at(instant: OffsetDateTime) -> Self {
        Self(Mutex::new(to_milliseconds(instant)))
    }

    /// Moves the clock, forwards or backwards.
    pub fn advance(&self, by: Duration) {
        let mut now = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Random `UUIDv7` identifiers whose order follows their instants, strictly so within a process.
#[derive(Debug)]
pub struct SystemIds(Mutex<ContextV7>);

impl Default for SystemIds {
    fn default() -> Self {
        Self(Mutex::new(ContextV7::new()))
    }
}

impl IdSource for SystemIds {
    fn next_id(&self, now: OffsetDateTime) -> Uuid {
        let (seconds, nanoseconds) = unix_parts(now);
        let context = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, nanoseconds))
    }
}

/// Reproducible identifiers: the instant, then a counter.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next_id(&self, now: OffsetDateTime) -> Uuid {
        let (seconds, nanoseconds) = unix_parts(now);
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let stamp = Timestamp::from_unix(NoContext, seconds, nanoseconds);
        let millis = stamp.to_unix().0 * 1000 + u64::from(stamp.to_unix().1) / 1_000_000;
        let mut tail = [0_u8; 10];
        for (place, byte) in tail.iter_mut().skip(2).zip(count.to_be_bytes()) {
            *place = byte;
        }
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

fn unix_parts(instant: OffsetDateTime) -> (u64, u32) {
    (
        u64::try_from(instant.unix_timestamp()).unwrap_or_default(),
        instant.nanosecond(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn instants_are_cut_to_milliseconds() {
        let fine = datetime!(2026-03-13 00:00:00.123_456_789 UTC);
        assert_eq!(
            FixedClock::at(fine).now(),
            datetime!(2026-03-13 00:00:00.123 UTC)
        );
        assert_eq!(SystemClock.now().nanosecond() % 1_000_000, 0);
    }

    #[test]
    fn ids_of_one_instant_are_distinct_and_ordered() {
        let now = datetime!(2026-03-13 00:00:00.123 UTC);
        let sources: [Box<dyn IdSource>; 2] = [
            Box::new(SystemIds::default()),
            Box::new(SequentialIds::default()),
        ];
        for source in sources {
            let ids: Vec<Uuid> = (0..1000).map(|_| source.next_id(now)).collect();
            assert!(ids.is_sorted_by(|a, b| a < b));
            assert!(ids.iter().all(|id| id.get_version_num() == 7));
        }
    }
}
