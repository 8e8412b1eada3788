//! Reading the events of an organisation forwards, from any position.
//!
//! The leaves of an organisation are contiguous and its head is locked from before a leaf gets its
//! index until the commit, so events become visible in the order of their positions: whoever has read
//! up to a position has missed nothing before it.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use probity_kernel::{EventId, OrganizationId, RepositoryError};

use crate::event::GovernanceEvent;
use crate::filter::EventFilter;

/// The place of an event in its organisation's record; written as `<audit_index>-<ordinal>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The index of its leaf.
    pub audit_index: u64,
    /// Its place among the events of that leaf, from 0.
    pub ordinal: u32,
}

impl Position {
    /// The place of an event.
    #[must_use]
    pub const fn of(event: &GovernanceEvent) -> Self {
        Self {
            audit_index: event.audit_index,
            ordinal: event.ordinal,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.audit_index, self.ordinal)
    }
}

/// Where a reader goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Before the first event: `start`.
    Start,
    /// After this position.
    After(Position),
    /// After this event.
    AfterEvent(EventId),
}

/// A text that names no place to go on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedPosition;

impl FromStr for Resume {
    type Err = MalformedPosition;

    /// `start`, `<audit_index>-<ordinal>`, or the id of an event in either spelling.
    fn from_str(text: &str) -> Result<Self, MalformedPosition> {
        if text == "start" {
            return Ok(Self::Start);
        }
        if let Ok(event) = text.parse() {
            return Ok(Self::AfterEvent(event));
        }
        let (index, ordinal) = text.split_once('-').ok_or(MalformedPosition)?;
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(index) || !plain(ordinal) {
            return Err(MalformedPosition);
        }
        let audit_index: u64 = index.parse().map_err(|_| MalformedPosition)?;
        let ordinal: u32 = ordinal.parse().map_err(|_| MalformedPosition)?;
        // Both databases keep them signed.
        if i64::try_from(audit_index).is_err() || i32::try_from(ordinal).is_err() {
            return Err(MalformedPosition);
        }
        Ok(Self::After(Position {
            audit_index,
            ordinal,
        }))
    }
}

/// What lies after a position.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The matching events, oldest first.
    pub events: Vec<GovernanceEvent>,
    /// Up to where nothing that matches is left out; where the next batch starts.
    pub seen: Option<Position>,
}

/// The events of organisations, read forwards.
///
/// # Contract
/// - Every call sees one organisation and nothing of any other.
/// - `read_after` answers at most `limit` events in ascending order of their positions, all of them
///   after `after`, of one snapshot. `seen` never lies before `after`, and no matching event that
///   is committed later gets a position at or before `seen`.
pub trait EventStream: Send + Sync {
    /// One event; `None` where it does not pass the filter, which says what the caller sees.
    fn find_event(
        &self,
        organization: OrganizationId,
        id: EventId,
        seen: &EventFilter,
    ) -> impl Future<Output = Result<Option<GovernanceEvent>, RepositoryError>> + Send;

    /// The matching events after a position; from the first one where there is none.
    fn read_after(
        &self,
        organization: OrganizationId,
        filter: &EventFilter,
        after: Option<Position>,
        limit: u32,
    ) -> impl Future<Output = Result<Batch, RepositoryError>> + Send;

    /// The position of the newest event, whatever it is.
    fn end(
        &self,
        organization: OrganizationId,
    ) -> impl Future<Output = Result<Option<Position>, RepositoryError>> + Send;

    /// How many leaves the records of these organisations have: an organisation whose figure stands
    /// still has no new event.
    fn record_sizes(
        &self,
        organizations: &[OrganizationId],
    ) -> impl Future<Output = Result<Vec<(OrganizationId, u64)>, RepositoryError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_text() {
        for position in [
            Position {
                audit_index: 0,
                ordinal: 0,
            },
            Position {
                audit_index: 9_223_372_036_854_775_807,
                ordinal: 2_147_483_647,
            },
        ] {
            let text = position.to_string();
            assert_eq!(text.parse(), Ok(Resume::After(position)), "{text}");
        }
    }

    #[test]
    fn what_names_no_place_is_refused() {
        assert_eq!("start".parse(), Ok(Resume::Start));
        let event = EventId::new(uuid::Uuid::from_u128(7));
        for text in [event.type_id(), event.to_string()] {
            assert_eq!(text.parse(), Ok(Resume::AfterEvent(event)), "{text}");
        }
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "1-+1",
            "1--1",
            " 1-1",
            "1-2-3",
            "9223372036854775808-0",
            "0-2147483648",
            "START",
            "sys_00000000000000000000000002",
        ] {
            assert_eq!(text.parse::<Resume>(), Err(MalformedPosition), "{text}");
        }
    }
}
