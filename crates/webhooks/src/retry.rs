//! When a failed attempt is made again.

use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

/// The waits after the first, second, ... failed attempt: three days and three hours in all.
pub const WAITS: [Duration; 9] = [
    Duration::seconds(5),
    Duration::minutes(5),
    Duration::minutes(30),
    Duration::hours(2),
    Duration::hours(5),
    Duration::hours(10),
    Duration::hours(14),
    Duration::hours(20),
    Duration::hours(24),
];

/// By how much a wait is stretched or shortened at the most.
const JITTER: f64 = 0.2;

/// How long to wait after `failures` failed attempts in a row; `None` when there is no further one.
/// `chance` is a random number from 0 to below 1. A receiver that asks for patience gets up to twice
/// the wait, never less than it.
#[must_use]
pub fn wait(failures: u32, chance: f64, asked: Option<Duration>) -> Option<Duration> {
    let index = usize::try_from(failures.checked_sub(1)?).ok()?;
    let planned = *WAITS.get(index)?;
    let chance = if chance.is_finite() {
        chance.clamp(0.0, 1.0)
    } else {
        0.5
    };
    let jittered = planned * (1.0 + JITTER * (2.0 * chance - 1.0));
    Some(asked.map_or(jittered, |asked| {
        asked.clamp(planned, planned * 2).max(jittered)
    }))
}

/// What a `Retry-After` header asks for: whole seconds or an HTTP date. Anything else, and what lies
/// in the past, asks for nothing.
#[must_use]
pub fn retry_after(header: &str, now: OffsetDateTime) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = header.parse::<u32>().unwrap_or(u32::MAX);
        return Some(Duration::seconds(i64::from(seconds)));
    }
    // An IMF-fixdate is an RFC 2822 date but for the name of its zone.
    let numeric = header
        .strip_suffix("GMT")
        .map(|rest| format!("{rest}+0000"))?;
    let at = OffsetDateTime::parse(&numeric, &Rfc2822).ok()?;
    (at > now).then(|| at - now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

    #[test]
    fn ten_attempts_span_three_days() {
        let mut at = Duration::ZERO;
        let mut attempts = 1;
        while let Some(wait) = wait(attempts, 0.5, None) {
            at += wait;
            attempts += 1;
        }
        assert_eq!(attempts, 10);
        assert_eq!(at, Duration::seconds(272_105));
        assert_eq!(wait(0, 0.5, None), None);
        assert_eq!(wait(u32::MAX, 0.5, None), None);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        for chance in [0.0, 0.25, 0.5, 0.999, f64::NAN, -3.0, 7.0] {
            let wait = wait(2, chance, None).unwrap();
            assert!(
                wait >= Duration::minutes(4) && wait <= Duration::minutes(6),
                "{wait}"
            );
        }
        assert_ne!(wait(2, 0.0, None), wait(2, 0.9, None));
    }

    #[test]
    fn patience_is_granted_within_bounds() {
        let minutes = |n| Some(Duration::minutes(n));
        assert_eq!(wait(2, 0.5, minutes(7)), minutes(7));
        assert_eq!(wait(2, 0.5, minutes(1)), minutes(5));
        assert_eq!(wait(2, 0.5, minutes(60)), minutes(10));
        assert_eq!(wait(2, 0.0, minutes(1)), minutes(5));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        for (header, asked) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("0", Some(0)),
            ("1000000000000", Some(4_294_967_295)),
            ("-5", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("Fri, 13 Mar 2026 09:02:00 GMT", Some(120)),
            ("Fri, 13 Mar 2026 08:00:00 GMT", None),
            ("Fri, 99 Mar 2026 09:02:00 GMT", None),
        ] {
            let asked = asked.map(Duration::seconds);
            assert_eq!(retry_after(header, NOW), asked, "{header}");
        }
    }
}
