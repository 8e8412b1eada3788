//! What happened to webhooks, as the record tells it: no secret, no credential, and of a URL the host
//! and a digest, because a URL may hold a token of its receiver.

use probity_kernel::text::hex;
use probity_kernel::{
    DeliveryId, DomainEvent, OrganizationId, Publication, Subject, WebhookEndpointId,
    WebhookSecretId, differences,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{Alias, DisableReason, Endpoint, Standing};
use crate::filter::EventType;
use crate::message::instant;

/// An endpoint as the record keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointFacts {
    id: WebhookEndpointId,
    /// An object; null of none.
    members: Value,
    /// Written by people, so the record tells only that it changed.
    description: Option<String>,
}

impl EndpointFacts {
    /// Those of an endpoint that is not there yet.
    fn none(id: WebhookEndpointId) -> Self {
        Self {
            id,
            members: Value::Null,
            description: None,
        }
    }

    /// The facts of an endpoint.
    #[must_use]
    pub fn of(endpoint: &Endpoint) -> Self {
        let standing = match endpoint.standing {
            Standing::Enabled => "enabled",
            Standing::Disabled { .. } => "disabled",
        };
        let types: Vec<&str> = endpoint.event_types.iter().map(EventType::as_str).collect();
        let settings = Value::Object(endpoint.settings.clone()).to_string();
        let members = json!({
            "kind": endpoint.kind,
            "target_host": endpoint.target_url.host(),
            "target_url_sha256": digest(endpoint.target_url.as_str()),
            "event_types": types,
            "hmac_secret_alias": endpoint.secret_alias.as_str(),
            "sign_ed25519": endpoint.sign_ed25519,
            "settings_sha256": digest(&settings),
            "standing": standing,
        });
        Self {
            id: endpoint.id,
            members,
            description: endpoint.description.clone(),
        }
    }
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// The event of a change of webhooks.
#[derive(Debug, Clone, PartialEq)]
pub enum WebhookEvent {
    /// `webhook.endpoint.created`
    Created {
        /// The endpoint.
        after: EndpointFacts,
        /// The secret that was made for it.
        secret: Option<WebhookSecretId>,
    },
    /// `webhook.endpoint.updated`
    Updated {
        /// The endpoint before.
        before: EndpointFacts,
        /// The endpoint after.
        after: EndpointFacts,
        /// Whether its credential is another one now.
        credential_changed: bool,
        /// The secret that was made for it.
        secret: Option<WebhookSecretId>,
    },
    /// `webhook.endpoint.disabled`, by what the receiver did.
    Disabled {
        /// The endpoint.
        facts: EndpointFacts,
        /// Why.
        reason: DisableReason,
        /// Since when it failed.
        failing_since: Option<OffsetDateTime>,
    },
    /// `webhook.endpoint.deleted`
    Deleted {
        /// The endpoint.
        before: EndpointFacts,
    },
    /// `webhook.secret.rotated`
    SecretRotated {
        /// The endpoint through which it was asked for.
        endpoint: WebhookEndpointId,
        /// The name of the secret.
        alias: Alias,
        /// The new one.
        secret: WebhookSecretId,
        /// Those that end, and when.
        retired: Vec<(WebhookSecretId, Option<OffsetDateTime>)>,
    },
    /// `webhook.deliveries.replayed`
    Replayed {
        /// The endpoint; the nil id when it was all of them.
        endpoint: WebhookEndpointId,
        /// The deliveries that are made again.
        deliveries: Vec<DeliveryId>,
        /// How many events get a first delivery.
        missed: usize,
    },
    /// `webhook.secrets.rewrapped`
    Rewrapped {
        /// Whose they are.
        organization: OrganizationId,
        /// The secrets that were sealed anew.
        secrets: Vec<WebhookSecretId>,
        /// The endpoints whose credentials were sealed anew.
        credentials: Vec<WebhookEndpointId>,
    },
}

/// Every member that differs, with what was before and after; of the description only whether it does.
fn changed(before: &EndpointFacts, after: &EndpointFacts) -> Map<String, Value> {
    let mut changed = differences(&before.members, &after.members);
    if before.description != after.description {
        changed.insert("description".to_owned(), json!({"changed": true}));
    }
    changed
}

impl DomainEvent for WebhookEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "webhook.endpoint.created",
            Self::Updated { .. } => "webhook.endpoint.updated",
            Self::Disabled { .. } => "webhook.endpoint.disabled",
            Self::Deleted { .. } => "webhook.endpoint.deleted",
            Self::SecretRotated { .. } => "webhook.secret.rotated",
            Self::Replayed { .. } => "webhook.deliveries.replayed",
            Self::Rewrapped { .. } => "webhook.secrets.rewrapped",
        }
    }

    fn subject(&self) -> Subject {
        let id = match self {
            Self::Created { after, .. } | Self::Updated { after, .. } => after.id,
            Self::Disabled { facts, .. } => facts.id,
            Self::Deleted { before } => before.id,
            Self::SecretRotated { endpoint, .. } | Self::Replayed { endpoint, .. } => *endpoint,
            Self::Rewrapped { organization, .. } => {
                return Subject {
                    kind: "organization",
                    id: organization.uuid(),
                };
            }
        };
        Subject {
            kind: "webhook_endpoint",
            id: id.uuid(),
        }
    }

    fn detail(&self) -> Value {
        match self {
            Self::Created { after, secret } => {
                let mut detail = changed(&EndpointFacts::none(after.id), after);
                let secret = secret.map(|id| id.to_string());
                detail.insert("secret_id".to_owned(), json!(secret));
                Value::Object(detail)
            }
            Self::Updated {
                before,
                after,
                credential_changed,
                secret,
            } => {
                let mut detail = changed(before, after);
                detail.insert("credential_changed".to_owned(), json!(credential_changed));
                if *credential_changed {
                    detail.insert("credential".to_owned(), json!({"changed": true}));
                }
                detail.insert(
                    "secret_id".to_owned(),
                    json!(secret.map(|id| id.to_string())),
                );
                Value::Object(detail)
            }
            Self::Disabled {
                facts: _,
                reason,
                failing_since,
            } => json!({
                "standing": {"before": "enabled", "after": "disabled"},
                "reason": reason.as_str(),
                "failing_since": failing_since.map(instant),
            }),
            Self::Deleted { before } => gone(before),
            Self::SecretRotated {
                endpoint: _,
                alias,
                secret,
                retired,
            } => rotated(alias, *secret, retired),
            Self::Replayed {
                endpoint: _,
                deliveries,
                missed,
            } => {
                json!({"deliveries": texts(deliveries), "missed_events": missed})
            }
            Self::Rewrapped {
                organization: _,
                secrets,
                credentials,
            } => {
                json!({"secrets": texts(secrets), "credentials_of": texts(credentials)})
            }
        }
    }

    /// Only what the server did by itself is told to others.
    fn publications(&self) -> Vec<Publication> {
        let Self::Disabled {
            facts,
            reason,
            failing_since,
        } = self
        else {
            return Vec::new();
        };
        vec![Publication {
            event_type: "webhook.endpoint.disabled",
            source_table: "webhook_endpoints",
            source_id: facts.id.uuid(),
            product: None,
            trigger_reason: reason.in_words().to_owned(),
            payload: json!({
                "webhook_id": facts.id.type_id(),
                "target_host": facts.members.get("target_host"),
                "reason": reason.as_str(),
                "failing_since": failing_since.map(instant),
            }),
            score_before: None,
            score_after: None,
        }]
    }
}

fn texts(ids: &[impl ToString]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// A new secret in place of those that end.
fn rotated(
    alias: &Alias,
    secret: WebhookSecretId,
    retired: &[(WebhookSecretId, Option<OffsetDateTime>)],
) -> Value {
    let before = retired.iter().map(|(id, _)| id.to_string());
    let change = json!({"before": before.collect::<Vec<_>>(), "after": [secret.to_string()]});
    let ends = retired
        .iter()
        .map(|(id, end)| json!({"id": id.to_string(), "expires_at": end.map(instant)}));
    json!({
        "alias": alias.as_str(),
        "secret_id": secret.to_string(),
        "retired": ends.collect::<Vec<_>>(),
        "changes": {"secret_ids": change},
    })
}

/// Every field of an endpoint that is there no more.
fn gone(before: &EndpointFacts) -> Value {
    let members = before.members.as_object().into_iter().flatten();
    let members =
        members.map(|(name, value)| (name.clone(), json!({"before": value, "after": null})));
    Value::Object(members.collect())
}
