//! The family's shapes on the wire.

use probity_kernel::Patch;
use probity_webhooks::delivery::{Attempt, Delivery};
use probity_webhooks::endpoint::{Endpoint, EndpointInput, EndpointPatch, Standing};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::http::extract::patch;
use crate::http::instant;

/// An endpoint to register.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = webhooks::NewWebhook, example = json!({
    "target_url": "https://customer.example/governance/webhook",
    "event_types": ["finding.state_transition", "risk_score.changed"], "hmac_secret_alias": "primary"
}))]
pub(super) struct CreateWebhookRequest {
    /// An https URL whose host is public.
    #[schema(required, nullable = false, max_length = 2048)]
    pub(super) target_url: Option<String>,
    /// The events that it gets; all of them when absent or empty.
    #[schema(max_items = 50)]
    pub(super) event_types: Option<Vec<String>>,
    /// The name of the secret that deliveries are signed with, made on its first use. `primary` when
    /// absent.
    #[schema(min_length = 1, max_length = 64)]
    pub(super) hmac_secret_alias: Option<String>,
    /// The kind of receiver; `webhook` when absent.
    #[schema(example = "webhook")]
    pub(super) kind: Option<String>,
    /// What it is for.
    #[schema(max_length = 500)]
    pub(super) description: Option<String>,
    /// Whether deliveries carry Ed25519 signatures (`v1a`) beside those with the shared secret.
    pub(super) sign_ed25519: Option<bool>,
    /// Settings of its kind.
    #[schema(value_type = Option<Object>)]
    pub(super) settings: Option<Map<String, Value>>,
    /// A credential of the receiver, for kinds that need one. It is never shown again.
    #[schema(max_length = 4096)]
    pub(super) credential: Option<String>,
}

impl From<CreateWebhookRequest> for EndpointInput {
    fn from(request: CreateWebhookRequest) -> Self {
        Self {
            target_url: request.target_url,
            event_types: request.event_types.unwrap_or_default(),
            secret_alias: request.hmac_secret_alias,
            kind: request.kind,
            description: request.description,
            sign_ed25519: request.sign_ed25519.unwrap_or(false),
            settings: request.settings.unwrap_or_default(),
            credential: request.credential,
        }
    }
}

/// What is to change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = webhooks::WebhookPatch, example = json!({"event_types": [], "status": "enabled"}))]
pub(super) struct UpdateWebhookRequest {
    #[schema(max_length = 2048)]
    pub(super) target_url: Option<String>,
    /// All events when empty.
    #[schema(max_items = 50)]
    pub(super) event_types: Option<Vec<String>>,
    #[schema(min_length = 1, max_length = 64)]
    pub(super) hmac_secret_alias: Option<String>,
    /// Null removes it.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub(super) description: Patch<String>,
    pub(super) sign_ed25519: Option<bool>,
    /// Replaces all settings.
    #[schema(value_type = Option<Object>)]
    pub(super) settings: Option<Map<String, Value>>,
    /// Null removes it.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, max_length = 4096)]
    pub(super) credential: Patch<String>,
    /// `enabled` or `disabled`.
    #[schema(example = "enabled")]
    pub(super) status: Option<String>,
}

impl UpdateWebhookRequest {
    /// The patch, with the status already read.
    pub(super) fn into_patch(self, enabled: Option<bool>) -> EndpointPatch {
        EndpointPatch {
            target_url: self.target_url,
            event_types: self.event_types,
            secret_alias: self.hmac_secret_alias,
            description: self.description,
            sign_ed25519: self.sign_ed25519,
            settings: self.settings,
            credential: self.credential,
            enabled,
        }
    }
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::Webhook)]
pub(super) struct WebhookResponse {
    #[schema(example = "whk_01h455vb4pex5vsknk084sn02q")]
    id: String,
    kind: String,
    target_url: String,
    event_types: Vec<String>,
    hmac_secret_alias: String,
    description: Option<String>,
    sign_ed25519: bool,
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    /// Whether a credential of the receiver is kept.
    has_credential: bool,
    /// `enabled` or `disabled`.
    #[schema(example = "enabled")]
    status: &'static str,
    /// `manual`, `gone` (the receiver answered 410) or `failing` (every attempt of five days failed).
    disabled_reason: Option<&'static str>,
    #[serde(serialize_with = "instant::option::serialize")]
    disabled_at: Option<OffsetDateTime>,
    /// Since when every attempt has failed.
    #[serde(serialize_with = "instant::option::serialize")]
    failing_since: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

impl From<Endpoint> for WebhookResponse {
    fn from(endpoint: Endpoint) -> Self {
        let (status, disabled_reason, disabled_at) = match endpoint.standing {
            Standing::Enabled => ("enabled", None, None),
            Standing::Disabled { reason, at } => ("disabled", Some(reason.as_str()), Some(at)),
        };
        Self {
            id: endpoint.id.type_id(),
            kind: endpoint.kind,
            target_url: endpoint.target_url.as_str().to_owned(),
            event_types: endpoint
                .event_types
                .iter()
                .map(ToString::to_string)
                .collect(),
            hmac_secret_alias: endpoint.secret_alias.as_str().to_owned(),
            description: endpoint.description,
            sign_ed25519: endpoint.sign_ed25519,
            settings: endpoint.settings,
            has_credential: endpoint.credential.is_some(),
            status,
            disabled_reason,
            disabled_at,
            failing_since: endpoint.failing_since,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

/// An endpoint as it stands by itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::WebhookDetail)]
pub(super) struct WebhookDetailResponse {
    #[serde(flatten)]
    pub(super) webhook: WebhookResponse,
    /// The keys that prove its `v1a` signatures, newest first; empty where it has none.
    #[schema(example = json!([]))]
    pub(super) public_keys: Vec<String>,
}

/// An endpoint with the secret that was made for it, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::RegisteredWebhook)]
pub(super) struct RegisteredResponse {
    #[serde(flatten)]
    pub(super) webhook: WebhookResponse,
    /// The secret; null when its name was in use before, or when this repeats an earlier request by its
    /// `Idempotency-Key`.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub(super) secret: Option<String>,
}

/// One page of endpoints, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::WebhookList)]
pub(super) struct WebhookListResponse {
    pub(super) webhooks: Vec<WebhookResponse>,
    pub(super) total: u64,
    pub(super) next_cursor: Option<String>,
}

/// How to rotate a secret.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[schema(as = webhooks::RotateSecret, example = json!({"overlap_seconds": 86400}))]
pub(super) struct RotateSecretRequest {
    /// For how long the old secret signs beside the new one: 0 to 604800 seconds, a day when absent.
    #[schema(minimum = 0, maximum = 604_800, default = 86_400)]
    pub(super) overlap_seconds: Option<i64>,
}

/// A new secret, shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::RotatedSecret)]
pub(super) struct RotatedResponse {
    #[schema(example = "whs_01h455vb4pex5vsknk084sn02q")]
    pub(super) id: String,
    pub(super) hmac_secret_alias: String,
    /// Which secret of that name it is, from 1.
    pub(super) number: i64,
    /// The secret; null when this repeats an earlier request by its `Idempotency-Key`.
    pub(super) secret: Option<String>,
    #[serde(serialize_with = "instant::serialize")]
    pub(super) created_at: OffsetDateTime,
}

/// A message on its way to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::Delivery)]
pub(super) struct DeliveryResponse {
    #[schema(example = "dlv_01h455vb4pex5vsknk084sn02q")]
    id: String,
    webhook_id: String,
    /// What the receiver sees as `webhook-id`: the id of the event, where it is one.
    #[schema(example = "evt_01h455vb4pex5vsknk084sn02q")]
    message_id: String,
    event_type: String,
    /// `pending`, `delivered` or `dead`.
    #[schema(example = "delivered")]
    state: &'static str,
    attempts: u32,
    #[serde(serialize_with = "instant::option::serialize")]
    next_attempt_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::option::serialize")]
    last_attempt_at: Option<OffsetDateTime>,
    /// The status that the latest attempt was answered with.
    last_status: Option<u16>,
    /// Why the latest attempt failed.
    last_error: Option<String>,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
}

impl From<Delivery> for DeliveryResponse {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.type_id(),
            webhook_id: delivery.endpoint.type_id(),
            message_id: delivery.message_id,
            event_type: delivery.event_type,
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at,
            last_attempt_at: delivery.last_attempt_at,
            last_status: delivery.last_status,
            last_error: delivery.last_error,
            created_at: delivery.created_at,
        }
    }
}

/// A failed attempt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::Attempt)]
pub(super) struct AttemptResponse {
    number: u32,
    #[serde(serialize_with = "instant::serialize")]
    at: OffsetDateTime,
    duration_ms: u32,
    status: Option<u16>,
    error: Option<String>,
}

impl From<Attempt> for AttemptResponse {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            at: attempt.at,
            duration_ms: attempt.took_ms,
            status: attempt.status,
            error: attempt.error,
        }
    }
}

/// A delivery with its failed attempts, newest first, at most 100.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::DeliveryDetail)]
pub(super) struct DeliveryDetailResponse {
    #[serde(flatten)]
    pub(super) delivery: DeliveryResponse,
    pub(super) failed_attempts: Vec<AttemptResponse>,
}

/// One page of deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::DeliveryList)]
pub(super) struct DeliveryListResponse {
    pub(super) deliveries: Vec<DeliveryResponse>,
    /// How many this page holds.
    pub(super) count: u64,
    pub(super) next_cursor: Option<String>,
}

/// Which page of endpoints.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListWebhooksQuery {
    /// 1 to 100, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    pub(super) offset: Option<String>,
    /// `next_cursor` of an earlier page. Not together with `offset`.
    pub(super) cursor: Option<String>,
}

/// Which deliveries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListDeliveriesQuery {
    /// `pending`, `delivered` or `dead`. Dead letters are always dead.
    pub(super) state: Option<String>,
    /// Exactly this type.
    pub(super) event_type: Option<String>,
    /// Made at this instant or later (RFC 3339).
    pub(super) from: Option<String>,
    /// Made before this instant (RFC 3339).
    pub(super) to: Option<String>,
    /// 1 to 100, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    pub(super) offset: Option<String>,
    /// `next_cursor` of an earlier page. Not together with `offset`.
    pub(super) cursor: Option<String>,
}

/// Which dead letters to deliver again.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[schema(as = webhooks::ReplayDeadLetters, example = json!({"from": "2026-03-13T00:00:00Z"}))]
pub(super) struct ReplayDeadLettersRequest {
    /// Only those to one endpoint.
    pub(super) webhook_id: Option<String>,
    /// Made at this instant or later.
    #[schema(format = DateTime)]
    pub(super) from: Option<String>,
    /// Made before this instant.
    #[schema(format = DateTime)]
    pub(super) to: Option<String>,
}

/// What to deliver to an endpoint again.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[schema(as = webhooks::ReplayWebhook, example = json!({"from": "2026-03-13T00:00:00Z", "include_missed": true}))]
pub(super) struct ReplayWebhookRequest {
    /// Made at this instant or later.
    #[schema(format = DateTime)]
    pub(super) from: Option<String>,
    /// Made before this instant.
    #[schema(format = DateTime)]
    pub(super) to: Option<String>,
    /// Besides dead letters, what was delivered already. False when absent.
    pub(super) include_delivered: Option<bool>,
    /// Besides deliveries, events that the endpoint never got, because it was disabled or not there yet.
    /// False when absent.
    pub(super) include_missed: Option<bool>,
}

/// What is delivered again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = webhooks::Replayed)]
pub(super) struct ReplayedResponse {
    /// How many deliveries are made again.
    pub(super) replayed: u64,
    /// How many events get a first delivery.
    pub(super) missed: u64,
    /// Whether there is more than the 1000 that one request takes.
    pub(super) more: bool,
}
