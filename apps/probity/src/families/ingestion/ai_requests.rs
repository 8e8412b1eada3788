//! Requests to models, posted in batches. Only who was asked and when is kept: prompts, answers and
//! any other member are never stored.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use probity_kernel::FieldError;
use probity_registry::AiRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{Ingestion, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, KeyReused, Malformed};
use crate::http::auth::{Caller, WriteAccess};
use crate::http::extract::{BATCH_BODY, Faults, Json};
use crate::http::failure::Failure;
use crate::http::instant;
use crate::state::AppState;

/// One request to a model.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ingestion::AiRequest, example = json!({"model": "gpt-4o-mini", "provider": "openai"}))]
struct AiRequestBody {
    /// The model as the request named it.
    #[schema(required, nullable = false, min_length = 1, max_length = 256)]
    model: Option<String>,
    /// The provider, when known.
    #[schema(min_length = 1, max_length = 128)]
    provider: Option<String>,
    /// When it was made; now when absent. At most five minutes ahead.
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
}

/// 1 to 1000 requests, all of which are recorded or none.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = ingestion::AiRequestBatch)]
struct AiRequestBatch {
    #[schema(required, nullable = false, min_items = 1, max_items = 1000)]
    #[validate(length(min = 1, max = 1000))]
    requests: Option<Vec<AiRequestBody>>,
}

/// How many requests were recorded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ingestion::Recorded)]
struct RecordedResponse {
    #[schema(example = 2)]
    recorded: u64,
}

/// Records requests to models for discovery.
#[utoipa::path(
    operation_id = "ingestion_record_ai_requests", tag = TAG, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)),
    request_body = AiRequestBatch,
    responses(
        (status = 202, description = "Recorded", body = RecordedResponse),
        CallerErrors, BodyErrors, Malformed, Clash, KeyReused
    )
)]
#[post("/ai-requests")]
pub(super) async fn record(
    caller: Caller<Ingestion, WriteAccess>,
    state: Data<AppState>,
    body: Json<AiRequestBatch, Ingestion, BATCH_BODY>,
) -> Result<HttpResponse, Failure<Ingestion>> {
    let (context, batch) = caller.command(body)?;
    let requests = parse(batch, context.now)?;
    let recorded = state.registry.record_usage(&context, requests).await?;
    Ok(HttpResponse::Accepted().json(RecordedResponse { recorded }))
}

fn parse(
    batch: AiRequestBatch,
    now: time::OffsetDateTime,
) -> Result<Vec<AiRequest>, Failure<Ingestion>> {
    let bodies = batch.requests.ok_or_else(|| {
        Failure::malformed(vec![FieldError::new(
            "/requests",
            "required",
            "is required",
        )])
    })?;
    let mut faults = Faults::default();
    let mut requests = Vec::with_capacity(bodies.len());
    for (index, body) in bodies.into_iter().enumerate() {
        let prefix = format!("/requests/{index}");
        requests.extend(faults.note(parse_one(body, now, &prefix)));
    }
    faults.done()?;
    Ok(requests)
}

fn parse_one(
    body: AiRequestBody,
    now: time::OffsetDateTime,
    prefix: &str,
) -> Result<AiRequest, Vec<FieldError>> {
    let field = |name: &str| format!("{prefix}/{name}");
    let required = || vec![FieldError::new(field("model"), "required", "is required")];
    let model = body.model.ok_or_else(required)?;
    let occurred_at = match body.occurred_at.as_deref() {
        None => now,
        Some(text) => instant::parse(&field("occurred_at"), text).map_err(|fault| vec![fault])?,
    };
    AiRequest::parse(&model, body.provider.as_deref(), occurred_at, now).map_err(|faults| {
        faults
            .into_iter()
            .map(|fault| fault.within(prefix))
            .collect()
    })
}
