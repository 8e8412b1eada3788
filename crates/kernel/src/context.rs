//! Who, when, and for whom: the frame of every command.

use std::fmt;

use time::OffsetDateTime;

use crate::actor::Actor;
use crate::id::OrganizationId;
use crate::idempotency::IdempotencyClaim;

/// The identifier of one request, as answered in `X-Request-Id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Wraps a request id that the edge has accepted or made.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The frame of a command: nothing in a domain crate reads a clock or a global.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The organisation in which the command acts; nothing outside it exists.
    pub organization: OrganizationId,
    /// Who acts.
    pub actor: Actor,
    /// When the command was accepted, in UTC with milliseconds.
    pub now: OffsetDateTime,
    /// The request that carried the command, if there was one.
    pub request_id: Option<RequestId>,
    /// The caller's claim that this command is to happen once.
    pub idempotency: Option<IdempotencyClaim>,
}

impl Context {
    /// A context with neither request nor idempotency claim.
    #[must_use]
    pub const fn new(organization: OrganizationId, actor: Actor, now: OffsetDateTime) -> Self {
        Self {
            organization,
            actor,
            now,
            request_id: None,
            idempotency: None,
        }
    }

    /// Adds the request that carried the command.
    #[must_use]
    pub fn with_request(mut self, id: RequestId) -> Self {
        self.request_id = Some(id);
        self
    }

    /// Adds the caller's idempotency claim.
    #[must_use]
    pub fn with_idempotency(mut self, claim: Option<IdempotencyClaim>) -> Self {
        self.idempotency = claim;
        self
    }
}
