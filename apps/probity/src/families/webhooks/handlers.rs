//! The operations on endpoints.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, patch, post, web};
use probity_kernel::{ErrorKind, FieldError, WebhookEndpointId};
use probity_webhooks::service::Registered;
use time::Duration;

use super::dto::{
    CreateWebhookRequest, ListWebhooksQuery, RegisteredResponse, RotateSecretRequest,
    RotatedResponse, UpdateWebhookRequest, WebhookDetailResponse, WebhookListResponse,
    WebhookResponse,
};
use super::{Admin, Answer, TAG, Webhooks, unconfined};
use crate::families::problem::{
    BodyErrors, CallerErrors, Clash, KeyReused, Malformed, Missing, Outdated,
};
use crate::http::cursor;
use crate::http::extract::{Faults, IfMatch, Json, PathId, Query, etag};
use crate::http::failure::{Failure, Problem};
use crate::state::AppState;

/// Lists the organisation's webhooks, newest first.
#[utoipa::path(
    operation_id = "webhooks_list", tag = TAG, security(("bearer" = [])), params(ListWebhooksQuery),
    responses((status = 200, description = "One page", body = WebhookListResponse), CallerErrors, Malformed)
)]
#[get("/governance-events/webhooks")]
pub(super) async fn list_webhooks(
    caller: Admin,
    state: Data<AppState>,
    query: Query<ListWebhooksQuery, Webhooks>,
) -> Answer<web::Json<WebhookListResponse>> {
    unconfined(&caller)?;
    let query = query.parse()?;
    let mut faults = Faults::default();
    let limit = faults.number("limit", query.limit.as_deref(), 1..=100, 50);
    let page = faults.page(
        limit,
        "offset",
        query.offset.as_deref(),
        query.cursor.as_deref(),
    );
    faults.done()?;
    let organization = caller.context().organization;
    let found = state.webhooks.list(organization, &page).await?;
    Ok(web::Json(WebhookListResponse {
        total: found.total,
        next_cursor: found.next.map(cursor::write),
        webhooks: found.items.into_iter().map(WebhookResponse::from).collect(),
    }))
}

/// Registers a webhook: an endpoint that matching governance events are posted to, signed. It gets a
/// `webhook.ping` at once. The secret is in this answer and nowhere else.
#[utoipa::path(
    operation_id = "webhooks_create", tag = TAG, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours; the repetition does not show the secret", min_length = 1, max_length = 255)),
    request_body = CreateWebhookRequest,
    responses(
        (status = 201, description = "Registered", body = RegisteredResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Clash, KeyReused
    )
)]
#[post("/governance-events/webhooks")]
pub(super) async fn create_webhook(
    caller: Admin,
    state: Data<AppState>,
    body: Json<CreateWebhookRequest, Webhooks>,
) -> Answer<HttpResponse> {
    unconfined(&caller)?;
    let (context, request) = caller.command(body)?;
    resolve(&state, request.target_url.as_deref()).await?;
    let registered = state
        .webhooks
        .register(&context, request.into(), entropy()?)
        .await?;
    Ok(show_once(HttpResponse::Created(), registered))
}

/// Refuses a URL whose host leads to an address that is not public. One that leads nowhere at present
/// is taken: it is resolved anew at each delivery.
async fn resolve(state: &AppState, target: Option<&str>) -> Answer<()> {
    let url = target.and_then(|text| state.webhooks.rules().parse(text).ok());
    let Some(url) = url else { return Ok(()) };
    state
        .courier_client
        .probe(url.url())
        .await
        .map_err(|refusal| {
            let fault = FieldError::new("/target_url", refusal.code(), refusal.message());
            Failure::malformed(vec![fault])
        })
}

/// Reads one webhook.
#[utoipa::path(
    operation_id = "webhooks_get", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the webhook")),
    responses(
        (status = 200, description = "The webhook", body = WebhookDetailResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Malformed, Missing
    )
)]
#[get("/governance-events/webhooks/{id}")]
pub(super) async fn get_webhook(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<WebhookEndpointId, Webhooks>,
) -> Answer<HttpResponse> {
    unconfined(&caller)?;
    let context = caller.context();
    let webhook = state
        .webhooks
        .get(context.organization, id.parse()?)
        .await?;
    let public_keys = state.webhooks.public_keys(&webhook, context.now).await?;
    let tag = etag(webhook.version);
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .json(WebhookDetailResponse {
            webhook: webhook.into(),
            public_keys,
        }))
}

/// Changes a webhook. A new URL, and enabling it, send a `webhook.ping`; what waits goes to the new URL.
#[utoipa::path(
    operation_id = "webhooks_update", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the webhook"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = UpdateWebhookRequest,
    responses(
        (status = 200, description = "The webhook as it is now", body = RegisteredResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, Outdated
    )
)]
#[patch("/governance-events/webhooks/{id}")]
pub(super) async fn update_webhook(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<WebhookEndpointId, Webhooks>,
    expected: IfMatch,
    body: Json<UpdateWebhookRequest, Webhooks>,
) -> Answer<HttpResponse> {
    unconfined(&caller)?;
    let id = id.parse()?;
    let (request, _) = body.parse()?;
    let enabled = match request.status.as_deref() {
        None => None,
        Some("enabled") => Some(true),
        Some("disabled") => Some(false),
        Some(_) => {
            let message = "must be enabled or disabled";
            let fault = FieldError::new("/status", "unknown_value", message);
            return Err(Failure::malformed(vec![fault]));
        }
    };
    resolve(&state, request.target_url.as_deref()).await?;
    let patch = request.into_patch(enabled);
    let changed = state
        .webhooks
        .update(caller.context(), id, expected.version(), patch, entropy()?)
        .await?;
    Ok(show_once(HttpResponse::Ok(), changed))
}

/// Deletes a webhook with all that waits for it.
#[utoipa::path(
    operation_id = "webhooks_delete", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the webhook"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the removal is meant for")
    ),
    responses((status = 204, description = "Deleted"), CallerErrors, Malformed, Missing, Clash, Outdated)
)]
#[delete("/governance-events/webhooks/{id}")]
pub(super) async fn delete_webhook(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<WebhookEndpointId, Webhooks>,
    expected: IfMatch,
) -> Answer<HttpResponse> {
    unconfined(&caller)?;
    state
        .webhooks
        .delete(caller.context(), id.parse()?, expected.version())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Replaces the secret that a webhook uses, for all webhooks that use it by the same name. Until the
/// overlap is over deliveries carry signatures of both.
#[utoipa::path(
    operation_id = "webhooks_rotate_secret", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the webhook"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the rotation is meant for"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours; the repetition does not show the secret", min_length = 1, max_length = 255)
    ),
    request_body = Option<RotateSecretRequest>,
    responses(
        (status = 201, description = "The new secret", body = RotatedResponse),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, Outdated, KeyReused
    )
)]
#[post("/governance-events/webhooks/{id}/rotate-secret")]
pub(super) async fn rotate_secret(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<WebhookEndpointId, Webhooks>,
    expected: IfMatch,
    body: Json<RotateSecretRequest, Webhooks>,
) -> Answer<HttpResponse> {
    unconfined(&caller)?;
    let place = (id.parse()?, expected.version());
    let (context, request) = caller.optional_command(body)?;
    let overlap = Duration::seconds(request.overlap_seconds.unwrap_or(86_400));
    let rotated = state
        .webhooks
        .rotate_secret(&context, place, overlap, entropy()?);
    let (record, secret) = rotated.await?;
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(RotatedResponse {
            id: record.id.type_id(),
            hmac_secret_alias: record.alias.as_str().to_owned(),
            number: record.number,
            secret: secret.map(|secret| secret.expose()),
            created_at: record.created_at,
        }))
}

fn entropy() -> Answer<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(error = %error, "no randomness for a secret");
        let detail = "no randomness is available";
        Problem::new(ErrorKind::Internal, "internal_error", detail)
    })?;
    Ok(bytes)
}

fn show_once(mut response: actix_web::HttpResponseBuilder, registered: Registered) -> HttpResponse {
    let tag = etag(registered.endpoint.version);
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((ETAG, tag))
        .json(RegisteredResponse {
            webhook: registered.endpoint.into(),
            secret: registered.secret.map(|secret| secret.expose()),
        })
}
