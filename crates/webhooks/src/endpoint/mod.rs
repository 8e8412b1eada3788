//! Endpoints: where governance events are delivered to, which ones, and how they are signed.

pub(crate) mod changes;
mod error;
mod event;
mod input;
mod secret;

pub use self::changes::{
    Disabling, EndpointWrite, Resealed, Rewrapping, WebhookChange, WebhookWrite,
};
pub use self::error::WebhookError;
pub use self::event::{EndpointFacts, WebhookEvent};
pub use self::input::{EndpointInput, EndpointPatch, NewEndpoint};
pub use self::secret::{
    Alias, LONGEST_OVERLAP, MOST_LIVE, MalformedAlias, SealContext, Sealed, SecretRecord, Vault,
    VaultError,
};

use probity_kernel::{OrganizationId, Version, WebhookEndpointId};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use crate::filter::EventType;
use crate::target_url::TargetUrl;

/// How many endpoints an organisation may have: each event is fanned out to all of them.
pub const MOST_ENDPOINTS: u64 = 100;
/// How long an endpoint may fail without a single success before it is disabled.
pub const LONGEST_FAILURE: Duration = Duration::days(5);

/// Where governance events are delivered to.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// The organisation whose events it gets.
    pub organization: OrganizationId,
    /// The kind of receiver: that of one of the [targets](crate::target).
    pub kind: String,
    /// Where it lies.
    pub target_url: TargetUrl,
    /// What it is for.
    pub description: Option<String>,
    /// The kinds of events that it gets; all of them when empty.
    pub event_types: Vec<EventType>,
    /// The name of the secret that its deliveries are signed with.
    pub secret_alias: Alias,
    /// Whether deliveries carry Ed25519 signatures beside those with the shared secret.
    pub sign_ed25519: bool,
    /// Settings of its kind.
    pub settings: Map<String, Value>,
    /// The receiver's credential, sealed.
    pub credential: Option<Sealed>,
    /// Whether it gets anything at present.
    pub standing: Standing,
    /// Since when every attempt has failed; kept by the deliveries and not by changes.
    pub failing_since: Option<OffsetDateTime>,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// Whether an endpoint gets anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Enabled,
    /// It does not; what waits for it goes on waiting.
    Disabled {
        /// Why.
        reason: DisableReason,
        /// Since when.
        at: OffsetDateTime,
    },
}

/// Why an endpoint is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisableReason {
    /// Somebody said so.
    Manual,
    /// The receiver answered 410.
    Gone,
    /// Every attempt of five days failed.
    Failing,
}

impl DisableReason {
    /// The name: `manual`, `gone`, `failing`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// The reason of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Manual, Self::Gone, Self::Failing]
            .into_iter()
            .find(|reason| reason.as_str() == name)
    }

    /// The reason in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Manual => "it was disabled by hand",
            Self::Gone => "the receiver answered 410 Gone",
            Self::Failing => "every attempt of five days failed",
        }
    }
}

/// Whether an endpoint that has failed since then and fails at `now` has done so for too long.
#[must_use]
pub fn is_too_long(failing_since: OffsetDateTime, now: OffsetDateTime) -> bool {
    now - failing_since >= LONGEST_FAILURE
}

impl Endpoint {
    /// Whether it gets anything at present.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        matches!(self.standing, Standing::Enabled)
    }

    /// Whether it wants events of this type.
    #[must_use]
    pub fn wants(&self, event_type: &str) -> bool {
        self.event_types.is_empty()
            || self
                .event_types
                .iter()
                .any(|wanted| wanted.as_str() == event_type)
    }

    /// Whether a failure at `now` makes the failing too long.
    #[must_use]
    pub fn has_failed_too_long(&self, now: OffsetDateTime) -> bool {
        self.failing_since
            .is_some_and(|since| is_too_long(since, now))
    }

    /// What its credential is sealed under.
    #[must_use]
    pub const fn credential_context(&self) -> SealContext {
        SealContext {
            organization: self.organization,
            purpose: "credential",
            id: self.id.uuid(),
        }
    }
}
