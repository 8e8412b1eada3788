//! Instants as callers write them.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::error::FieldError;

/// Reads an RFC 3339 instant between 1970 and 9999, in UTC; what is finer than a microsecond is
/// refused, since no database would keep it.
///
/// # Errors
/// A [`FieldError`] `invalid_instant` that names the field.
pub fn parse(field: &str, text: &str) -> Result<OffsetDateTime, FieldError> {
    let wrong = || {
        let message = "must be an RFC 3339 instant with a zone, at most six decimals, 1970 to 9999";
        FieldError::new(field, "invalid_instant", message)
    };
    let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    // A leap second has no place on the time line that databases keep.
    let leap = text.get(17..19) == Some("60");
    let at = at.checked_to_offset(UtcOffset::UTC).ok_or_else(wrong)?;
    if leap || at.nanosecond() % 1000 != 0 || !(1970..=9999).contains(&at.year()) {
        return Err(wrong());
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_need_a_zone_and_a_place_on_the_time_line() {
        for (text, good) in [
            ("2025-01-15T10:30:00Z", true),
            ("2025-01-15T10:30:00.123456Z", true),
            ("2025-01-15T10:30:00+05:30", true),
            ("2025-01-15T10:30:00", false),
            ("2025-01-15", false),
            ("2025-01-15T10:30:00.1234567Z", false),
            ("2025-06-30T23:59:60Z", false),
            ("1969-12-31T23:59:59Z", false),
            ("0000-01-01T00:00:00Z", false),
            ("10000-01-01T00:00:00Z", false),
            ("9999-12-31T23:59:59-01:00", false),
            ("yesterday", false),
        ] {
            assert_eq!(parse("/at", text).is_ok(), good, "{text}");
        }
    }
}
