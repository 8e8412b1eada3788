//! Deliveries, dead letters, replay.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use probity_kernel::{DeliveryId, PageRequest, WebhookEndpointId};
use probity_webhooks::EventType;
use probity_webhooks::delivery::{DeliveryFilter, DeliveryState};
use probity_webhooks::service::{ReplayRange, Replayed};

use super::dto::{
    AttemptResponse, DeliveryDetailResponse, DeliveryListResponse, DeliveryResponse,
    ListDeliveriesQuery, ReplayDeadLettersRequest, ReplayWebhookRequest, ReplayedResponse,
};
use super::{Admin, Answer, TAG, Webhooks, unconfined};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, KeyReused, Malformed, Missing};
use crate::http::bounds::window;
use crate::http::cursor;
use crate::http::extract::{Faults, Json, PathId, Query, path_id};
use crate::state::AppState;

const AN_ID: &str = "a UUID or its `whk_` spelling";

fn read(query: &ListDeliveriesQuery) -> Answer<(DeliveryFilter, PageRequest)> {
    let mut faults = Faults::default();
    let states = "pending, delivered or dead";
    let dotted = "a dotted name such as risk_score.changed";
    let (from, to) = window(&mut faults, query.from.as_deref(), query.to.as_deref());
    let filter = DeliveryFilter {
        endpoint: None,
        state: faults.optional::<DeliveryState>("state", query.state.as_deref(), states),
        event_type: faults.optional::<EventType>("event_type", query.event_type.as_deref(), dotted),
        from,
        to,
    };
    let limit = faults.number("limit", query.limit.as_deref(), 1..=100, 50);
    let page = faults.page(
        limit,
        "offset",
        query.offset.as_deref(),
        query.cursor.as_deref(),
    );
    faults.done()?;
    Ok((filter, page))
}

async fn page(
    caller: &Admin,
    state: &AppState,
    filter: &DeliveryFilter,
    page: &PageRequest,
) -> Answer<web::Json<DeliveryListResponse>> {
    let organization = caller.context().organization;
    let found = state
        .webhooks
        .deliveries(organization, filter, page)
        .await?;
    Ok(web::Json(DeliveryListResponse {
        count: found.total,
        next_cursor: found.next.map(cursor::write),
        deliveries: found
            .items
            .into_iter()
            .map(DeliveryResponse::from)
            .collect(),
    }))
}

/// Lists the deliveries of a webhook, newest first.
#[utoipa::path(
    operation_id = "webhooks_list_deliveries", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the webhook"), ListDeliveriesQuery),
    responses((status = 200, description = "One page", body = DeliveryListResponse), CallerErrors, Malformed, Missing)
)]
#[get("/governance-events/webhooks/{id}/deliveries")]
pub(super) async fn list_deliveries(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<WebhookEndpointId, Webhooks>,
    query: Query<ListDeliveriesQuery, Webhooks>,
) -> Answer<web::Json<DeliveryListResponse>> {
    unconfined(&caller)?;
    let (mut filter, request) = read(&query.parse()?)?;
    filter.endpoint = Some(id.parse()?);
    page(&caller, &state, &filter, &request).await
}

/// Reads one delivery with its failed attempts.
#[utoipa::path(
    operation_id = "webhooks_get_delivery", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the webhook"),
        ("delivery" = String, Path, description = "Id of the delivery")
    ),
    responses((status = 200, description = "The delivery", body = DeliveryDetailResponse), CallerErrors, Malformed, Missing)
)]
#[get("/governance-events/webhooks/{id}/deliveries/{delivery}")]
pub(super) async fn get_delivery(
    caller: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    id: PathId<WebhookEndpointId, Webhooks>,
) -> Answer<web::Json<DeliveryDetailResponse>> {
    unconfined(&caller)?;
    let delivery: DeliveryId = path_id(&request, "delivery")?;
    let organization = caller.context().organization;
    let found = state.webhooks.delivery(organization, id.parse()?, delivery);
    let (delivery, attempts) = found.await?;
    Ok(web::Json(DeliveryDetailResponse {
        delivery: delivery.into(),
        failed_attempts: attempts.into_iter().map(AttemptResponse::from).collect(),
    }))
}

/// Delivers again, whatever became of it; one that is pending is left as it is. The receiver sees the
/// same `webhook-id`.
#[utoipa::path(
    operation_id = "webhooks_replay_delivery", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the webhook"),
        ("delivery" = String, Path, description = "Id of the delivery")
    ),
    responses((status = 202, description = "It is due", body = DeliveryResponse), CallerErrors, Malformed, Missing, Clash)
)]
#[post("/governance-events/webhooks/{id}/deliveries/{delivery}/replay")]
pub(super) async fn replay_delivery(
    caller: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    id: PathId<WebhookEndpointId, Webhooks>,
) -> Answer<HttpResponse> {
    unconfined(&caller)?;
    let delivery: DeliveryId = path_id(&request, "delivery")?;
    let due = state
        .webhooks
        .replay_one(caller.context(), id.parse()?, delivery)
        .await?;
    Ok(HttpResponse::Accepted().json(DeliveryResponse::from(due)))
}

/// Delivers a range to one webhook again: dead letters, and on request what was delivered or missed. At
/// most 1000 with one request, newest first.
#[utoipa::path(
    operation_id = "webhooks_replay", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the webhook"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = Option<ReplayWebhookRequest>,
    responses(
        (status = 202, description = "They are due", body = ReplayedResponse),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, KeyReused
    )
)]
#[post("/governance-events/webhooks/{id}/replay")]
pub(super) async fn replay_webhook(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<WebhookEndpointId, Webhooks>,
    body: Json<ReplayWebhookRequest, Webhooks>,
) -> Answer<HttpResponse> {
    unconfined(&caller)?;
    let id = id.parse()?;
    let (context, request) = caller.optional_command(body)?;
    let mut faults = Faults::default();
    let range = ReplayRange {
        endpoint: Some(id),
        from: faults.instant("/from", request.from.as_deref()),
        to: faults.instant("/to", request.to.as_deref()),
        delivered: request.include_delivered.unwrap_or(false),
        missed: request.include_missed.unwrap_or(false),
    };
    faults.done()?;
    Ok(replayed(state.webhooks.replay(&context, &range).await?))
}

/// Lists the dead letters of all webhooks, newest first: deliveries whose every attempt failed.
#[utoipa::path(
    operation_id = "webhooks_list_dead_letters", tag = TAG, security(("bearer" = [])), params(ListDeliveriesQuery),
    responses((status = 200, description = "One page", body = DeliveryListResponse), CallerErrors, Malformed)
)]
#[get("/governance-events/dead-letters")]
pub(super) async fn list_dead_letters(
    caller: Admin,
    state: Data<AppState>,
    query: Query<ListDeliveriesQuery, Webhooks>,
) -> Answer<web::Json<DeliveryListResponse>> {
    unconfined(&caller)?;
    let (mut filter, request) = read(&query.parse()?)?;
    filter.state = Some(DeliveryState::Dead);
    page(&caller, &state, &filter, &request).await
}

/// Delivers dead letters again, of all webhooks or of one, at most 1000 with one request.
#[utoipa::path(
    operation_id = "webhooks_replay_dead_letters", tag = TAG, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)),
    request_body = Option<ReplayDeadLettersRequest>,
    responses(
        (status = 202, description = "They are due", body = ReplayedResponse),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, KeyReused
    )
)]
#[post("/governance-events/dead-letters/replay")]
pub(super) async fn replay_dead_letters(
    caller: Admin,
    state: Data<AppState>,
    body: Json<ReplayDeadLettersRequest, Webhooks>,
) -> Answer<HttpResponse> {
    unconfined(&caller)?;
    let (context, request) = caller.optional_command(body)?;
    let mut faults = Faults::default();
    let range = ReplayRange {
        endpoint: faults.optional("/webhook_id", request.webhook_id.as_deref(), AN_ID),
        from: faults.instant("/from", request.from.as_deref()),
        to: faults.instant("/to", request.to.as_deref()),
        delivered: false,
        missed: false,
    };
    faults.done()?;
    Ok(replayed(state.webhooks.replay(&context, &range).await?))
}

fn replayed(replayed: Replayed) -> HttpResponse {
    HttpResponse::Accepted().json(ReplayedResponse {
        replayed: replayed.deliveries,
        missed: replayed.missed,
        more: replayed.more,
    })
}
