//! What may be done to an endpoint: each a change with its event.

use probity_kernel::{Change, Context, DeliveryId, Version, WebhookEndpointId, WebhookSecretId};
use time::{Duration, OffsetDateTime};

use super::event::{EndpointFacts, WebhookEvent};
use super::input::NewEndpoint;
use super::secret::{self, SecretRecord};
use super::{DisableReason, Endpoint, Sealed, Standing};
use crate::delivery::Replay;

/// A write on webhooks with its event and context.
pub type WebhookChange = Change<WebhookWrite, WebhookEvent>;

/// What to write. A repository hands it back as the outcome of its commit.
#[derive(Debug, Clone, PartialEq)]
pub enum WebhookWrite {
    /// Inserts an endpoint.
    Create(EndpointWrite),
    /// Updates an endpoint.
    Update {
        /// The endpoint as it is to be.
        write: EndpointWrite,
        /// The version that is replaced.
        expected: Version,
    },
    /// Deletes an endpoint with all that waits for it.
    Delete {
        /// The endpoint.
        id: WebhookEndpointId,
        /// The version that is deleted.
        expected: Version,
    },
    /// Adds a secret; `Conflict("alias")` when its number is taken.
    Rotate {
        /// The new one.
        secret: SecretRecord,
        /// Those that end because of it, with their new ends.
        retired: Vec<SecretRecord>,
    },
    /// Makes deliveries due at once.
    Replay(Replay),
    /// Puts the same things sealed under another master key in their places.
    Rewrap(Rewrapping),
}

/// What is sealed anew. Bytes that are not what they were before are left as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewrapping {
    /// Secrets.
    pub secrets: Vec<(WebhookSecretId, Resealed)>,
    /// Credentials of endpoints.
    pub credentials: Vec<(WebhookEndpointId, Resealed)>,
}

/// The same thing under two master keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// Under a former one.
    pub before: Sealed,
    /// Under the present one.
    pub after: Sealed,
}

/// An endpoint and what comes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointWrite {
    /// The endpoint as it is to be.
    pub endpoint: Endpoint,
    /// The first secret of the name that it uses, where there is none yet; `Conflict("alias")` when
    /// there is by now.
    pub secret: Option<SecretRecord>,
    /// The delivery that tries it out.
    pub ping: Option<DeliveryId>,
}

/// What goes with a change of an endpoint besides its fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Besides {
    pub(crate) secret: Option<SecretRecord>,
    pub(crate) ping: Option<DeliveryId>,
}

impl Endpoint {
    /// Registers an endpoint.
    pub(crate) fn create(
        ctx: &Context,
        id: WebhookEndpointId,
        new: NewEndpoint,
        credential: Option<Sealed>,
        besides: Besides,
    ) -> WebhookChange {
        let endpoint = Self {
            id,
            organization: ctx.organization,
            kind: new.kind.kind().to_owned(),
            target_url: new.target_url,
            description: new.description,
            event_types: new.event_types,
            secret_alias: new.secret_alias,
            sign_ed25519: new.sign_ed25519,
            settings: new.settings,
            credential,
            standing: Standing::Enabled,
            failing_since: None,
            created_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        let event = WebhookEvent::Created {
            after: EndpointFacts::of(&endpoint),
            secret: besides.secret.as_ref().map(|secret| secret.id),
        };
        let write = EndpointWrite {
            endpoint,
            secret: besides.secret,
            ping: besides.ping,
        };
        Change::new(ctx, WebhookWrite::Create(write), event)
    }

    /// Brings an endpoint to what `next` says; `None` when it is so already.
    pub(crate) fn update(
        &self,
        ctx: &Context,
        next: Self,
        enabled: Option<bool>,
        besides: Besides,
    ) -> Option<WebhookChange> {
        let standing = match (enabled, self.standing) {
            (Some(false), Standing::Enabled) => Standing::Disabled {
                reason: DisableReason::Manual,
                at: ctx.now,
            },
            (Some(true), Standing::Disabled { .. }) => Standing::Enabled,
            (_, standing) => standing,
        };
        let unchanged = Self {
            standing,
            ..next.clone()
        };
        if unchanged == *self {
            return None;
        }
        let next = Self {
            standing,
            // Whoever moves or enables it gives it another five days.
            failing_since: if standing == self.standing && next.target_url == self.target_url {
                self.failing_since
            } else {
                None
            },
            updated_at: ctx.now,
            version: self.version.next(),
            ..next
        };
        let event = WebhookEvent::Updated {
            before: EndpointFacts::of(self),
            after: EndpointFacts::of(&next),
            credential_changed: self.credential != next.credential,
            secret: besides.secret.as_ref().map(|secret| secret.id),
        };
        let write = WebhookWrite::Update {
            write: EndpointWrite {
                endpoint: next,
                secret: besides.secret,
                ping: besides.ping,
            },
            expected: self.version,
        };
        Some(Change::new(ctx, write, event))
    }

    /// Disables an endpoint because of what its receiver did; `None` when it is disabled already, or
    /// has not failed for too long after all.
    #[must_use]
    pub fn disable(&self, ctx: &Context, disabling: &Disabling) -> Option<WebhookChange> {
        let recovered =
            disabling.reason == DisableReason::Failing && !self.has_failed_too_long(ctx.now);
        if !self.is_enabled() || recovered {
            return None;
        }
        let next = Self {
            standing: Standing::Disabled {
                reason: disabling.reason,
                at: ctx.now,
            },
            updated_at: ctx.now,
            version: self.version.next(),
            ..self.clone()
        };
        let event = WebhookEvent::Disabled {
            facts: EndpointFacts::of(&next),
            reason: disabling.reason,
            failing_since: self.failing_since,
        };
        let write = WebhookWrite::Update {
            write: EndpointWrite {
                endpoint: next,
                secret: None,
                ping: None,
            },
            expected: self.version,
        };
        Some(Change::new(ctx, write, event))
    }

    /// Deletes an endpoint.
    pub(crate) fn delete(&self, ctx: &Context) -> WebhookChange {
        let event = WebhookEvent::Deleted {
            before: EndpointFacts::of(self),
        };
        let write = WebhookWrite::Delete {
            id: self.id,
            expected: self.version,
        };
        Change::new(ctx, write, event)
    }
}

/// Why an endpoint is disabled by the deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabling {
    /// The reason.
    pub reason: DisableReason,
}

/// Puts a new secret in the place of those that live.
pub(crate) fn rotate(
    ctx: &Context,
    endpoint: WebhookEndpointId,
    new: SecretRecord,
    live: Vec<SecretRecord>,
    overlap: Duration,
) -> WebhookChange {
    let retired = secret::retire(live, ctx.now, overlap);
    let ends: Vec<(_, Option<OffsetDateTime>)> = retired
        .iter()
        .map(|record| (record.id, record.expires_at))
        .collect();
    let event = WebhookEvent::SecretRotated {
        endpoint,
        alias: new.alias.clone(),
        secret: new.id,
        retired: ends,
    };
    let write = WebhookWrite::Rotate {
        secret: new,
        retired,
    };
    Change::new(ctx, write, event)
}
