//! Deliveries: one message on its way to one endpoint, attempt by attempt.

use std::sync::Arc;

use probity_kernel::{DeliveryId, EventId, OrganizationId, WebhookEndpointId};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::endpoint::{Endpoint, SecretRecord};
use crate::filter::EventType;
use crate::message::Message;
use crate::retry;
use crate::target::Verdict;

/// How many deliveries one replay takes.
pub const MOST_REPLAYED: u32 = 1000;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It waits for an attempt or is being made.
    Pending,
    /// The receiver has it.
    Delivered,
    /// Every attempt failed: it is a dead letter.
    Dead,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// The name: `pending`, `delivered`, `dead`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl std::str::FromStr for DeliveryState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(())
    }
}

/// A delivery as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id among those to the same endpoint: that of its event, where it is one's.
    pub id: DeliveryId,
    /// The endpoint.
    pub endpoint: WebhookEndpointId,
    /// The id of the message: what the receiver sees as `webhook-id`.
    pub message_id: String,
    /// The type of the message.
    pub event_type: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts were begun, those before a replay included. It also is the fence: the result
    /// of an attempt that is not the latest one is not taken.
    pub attempts: u32,
    /// When the next attempt is due, for a pending one.
    pub next_attempt_at: Option<OffsetDateTime>,
    /// When the latest attempt ended.
    pub last_attempt_at: Option<OffsetDateTime>,
    /// The status that the latest attempt was answered with, if it was.
    pub last_status: Option<u16>,
    /// Why the latest attempt failed.
    pub last_error: Option<String>,
    /// When it was made, with its event.
    pub created_at: OffsetDateTime,
}

/// A failed attempt as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which attempt it was, from 1.
    pub number: u32,
    /// When it ended.
    pub at: OffsetDateTime,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// Why it failed: a class of failure, never words of the receiver.
    pub error: Option<String>,
}

/// Which deliveries are wanted; each part narrows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// To one endpoint.
    pub endpoint: Option<WebhookEndpointId>,
    /// In one state.
    pub state: Option<DeliveryState>,
    /// Of one type.
    pub event_type: Option<EventType>,
    /// Made at this instant or later.
    pub from: Option<OffsetDateTime>,
    /// Made before this instant.
    pub to: Option<OffsetDateTime>,
}

/// An event that has no delivery to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// The event, whose id is that of its delivery.
    pub event: EventId,
    /// The index of its leaf.
    pub audit_index: u64,
    /// Its place in the leaf.
    pub ordinal: u32,
}

/// Deliveries that are to be made again, at most [`MOST_REPLAYED`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Those that are there: due at once, with all attempts before them again. What is pending already
    /// is left as it is.
    pub deliveries: Vec<(WebhookEndpointId, DeliveryId)>,
    /// Events that get a first delivery to an endpoint; one that has got it by now is left as it is.
    pub missed: Vec<(WebhookEndpointId, Missed)>,
}

/// What comes next for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the receiver has it.
    Delivered,
    /// Another attempt.
    RetryAt(OffsetDateTime),
    /// Nothing: it is a dead letter.
    Dead,
}

/// What follows from an attempt. `failures` counts the failed attempts since the last replay, this one
/// included; `chance` is a random number from 0 to below 1.
#[must_use]
pub fn next(
    verdict: &Verdict,
    failures: u32,
    now: OffsetDateTime,
    chance: f64,
    asked: Option<Duration>,
) -> Next {
    match verdict {
        Verdict::Delivered => Next::Delivered,
        Verdict::Gone => Next::Dead,
        Verdict::Failed(_) => retry::wait(failures, chance, asked)
            .map_or(Next::Dead, |wait| Next::RetryAt(now + wait)),
    }
}

/// A delivery that one worker has taken, with all that an attempt needs.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The organisation.
    pub organization: OrganizationId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The number of the attempt: the fence.
    pub fence: u32,
    /// How many attempts failed since the last replay.
    pub failures: u32,
    /// The endpoint as it stands.
    pub endpoint: Arc<Endpoint>,
    /// The live secrets of its name, newest first.
    pub secrets: Arc<Vec<SecretRecord>>,
    /// The message.
    pub message: Message,
    /// What earlier attempts carried back, and its key.
    pub state: Option<Value>,
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The organisation.
    pub organization: OrganizationId,
    /// The endpoint.
    pub endpoint: WebhookEndpointId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The attempt: its number is the fence.
    pub attempt: Attempt,
    /// What comes next.
    pub next: Next,
    /// What is carried back, under its key.
    pub state: Option<(String, Value)>,
}

/// What became of the result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Whether it counted: it was that of the latest attempt.
    pub counted: bool,
    /// Since when every attempt to the endpoint has failed, all results of the same call included.
    pub failing_since: Option<OffsetDateTime>,
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that wait for an attempt or are being made.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
    /// When the oldest of those that wait was made.
    pub oldest: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

    #[test]
    fn ten_failures_make_a_dead_letter() {
        let failed = Verdict::Failed("status 500".to_owned());
        for failures in 1..=9 {
            let next = next(&failed, failures, NOW, 0.5, None);
            assert!(matches!(next, Next::RetryAt(at) if at > NOW), "{failures}");
        }
        assert_eq!(next(&failed, 10, NOW, 0.5, None), Next::Dead);
        assert_eq!(next(&Verdict::Gone, 1, NOW, 0.5, None), Next::Dead);
        assert_eq!(
            next(&Verdict::Delivered, 3, NOW, 0.5, None),
            Next::Delivered
        );
    }

    #[test]
    fn states_are_read_back_from_their_names() {
        for state in DeliveryState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("lost".parse::<DeliveryState>(), Err(()));
    }
}
