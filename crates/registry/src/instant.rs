//! Instants as text.

use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// RFC 3339 in UTC, e.g. `2026-03-12T23:00:00Z`; with a fraction only where there is one.
/// Years beyond 9999 have no such text and give an empty one; no instant of this crate has any.
pub(crate) fn timestamp(instant: OffsetDateTime) -> String {
    let utc = instant.to_offset(UtcOffset::UTC);
    utc.format(&Rfc3339).unwrap_or_default()
}

/// The instant as text, or null.
pub(crate) fn optional_timestamp(instant: Option<OffsetDateTime>) -> Value {
    instant.map_or(Value::Null, |instant| Value::String(timestamp(instant)))
}
