//! The one spelling of an instant: RFC 3339 in UTC with exactly three decimals.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::LeafError;
use crate::canonical::push_decimal;

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Appends the instant, cut to milliseconds. Written by hand: it is on the path of every leaf.
pub(super) fn push(out: &mut Vec<u8>, ts: OffsetDateTime) -> Result<(), LeafError> {
    let utc = ts
        .checked_to_offset(UtcOffset::UTC)
        .ok_or(LeafError::Instant)?;
    let year = u64::try_from(utc.year()).map_err(|_| LeafError::Instant)?;
    // Reachable only where another crate turns on the larger dates of `time`.
    if year > 9999 {
        return Err(LeafError::Instant);
    }
    push_decimal(out, year, 4);
    for (separator, value) in [
        (b'-', u8::from(utc.month())),
        (b'-', utc.day()),
        (b'T', utc.hour()),
        (b':', utc.minute()),
        (b':', utc.second()),
    ] {
        out.push(separator);
        push_decimal(out, u64::from(value), 2);
    }
    out.push(b'.');
    push_decimal(out, u64::from(utc.millisecond()), 3);
    out.push(b'Z');
    Ok(())
}

/// An instant as leaves and manifests spell it; empty outside the years 0 to 9999.
#[must_use]
pub fn text(ts: OffsetDateTime) -> String {
    let mut out = Vec::with_capacity(24);
    match push(&mut out, ts) {
        Ok(()) => String::from_utf8(out).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// Reads an instant; that the text is its one spelling is checked by writing the leaf again.
pub(crate) fn parse(text: &str) -> Result<OffsetDateTime, LeafError> {
    PrimitiveDateTime::parse(text, FORMAT)
        .map(PrimitiveDateTime::assume_utc)
        .map_err(|error| LeafError::Shape(format!("ts: {error}")))
}
