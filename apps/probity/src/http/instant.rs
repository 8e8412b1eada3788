//! Instants on the wire: RFC 3339 with a zone, answered in UTC.

pub(crate) use probity_kernel::instant::parse;
use serde::Serializer;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Writes an instant: `2026-03-13T00:00:00Z`, with as many decimals as it needs.
pub(crate) fn write(at: OffsetDateTime) -> String {
    let utc = at.to_offset(UtcOffset::UTC);
    utc.format(&Rfc3339).unwrap_or_else(|_| utc.to_string())
}

/// For `serialize_with`.
pub(crate) fn serialize<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&write(*at))
}

/// For `serialize_with` on optional fields.
pub(crate) mod option {
    use super::{OffsetDateTime, Serializer, write};

    #[expect(
        clippy::ref_option,
        reason = "serde hands over a reference to the field"
    )]
    pub(crate) fn serialize<S: Serializer>(
        at: &Option<OffsetDateTime>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => to.serialize_str(&write(*at)),
            None => to.serialize_none(),
        }
    }
}
