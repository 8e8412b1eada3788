//! Runtime governance events of a product.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use probity_catalog::Product;
use probity_governance::evidence::{RuntimeEvent, RuntimeEventInput};
use probity_governance::{GovernanceError, ProductKind};
use probity_kernel::{PageRequest, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::refusal::told;
use super::wire::{self, schema};
use super::{Governance, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{Faults, Json, Query, etag};
use crate::http::failure::Failure;
use crate::http::instant;
use crate::http::paging;
use crate::http::product::{edited, viewed};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Governance>>;

/// Which page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RuntimePageQuery {
    /// 1 to 100, 20 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    offset: Option<String>,
    /// `X-Next-Cursor` of an earlier page; survives inserts. Not together with `offset`.
    cursor: Option<String>,
}

impl RuntimePageQuery {
    fn parse(&self) -> Answer<PageRequest> {
        let mut faults = Faults::default();
        let limit = faults.number("limit", self.limit.as_deref(), 1..=100, 20);
        let (offset, cursor) = (self.offset.as_deref(), self.cursor.as_deref());
        let page = faults.page(limit, "offset", offset, cursor);
        faults.done()?;
        Ok(page)
    }
}

/// An event to record.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = governance::NewRuntimeEvent, example = json!({
    "event_type": "guardrail_trigger", "severity": "medium", "status": "open",
    "summary": "Prompt-injection guardrail blocked a request.", "source": "runtime-guardrails",
    "external_ref": "run_123", "event_metadata": {"policy": "prompt_injection"},
    "occurred_at": "2026-06-29T09:30:00Z"
}))]
pub(super) struct NewRuntimeEventRequest {
    #[schema(required, nullable = false, value_type = schema::RuntimeEventType)]
    event_type: Option<String>,
    #[schema(required, nullable = false, value_type = schema::RuntimeSeverity)]
    severity: Option<String>,
    /// `open` when absent.
    #[schema(value_type = Option<schema::RuntimeStatus>)]
    status: Option<String>,
    #[schema(required, nullable = false, min_length = 1, max_length = 2000)]
    summary: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    source: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    external_ref: Option<String>,
    /// At most 64 KiB.
    #[schema(value_type = Option<Object>)]
    event_metadata: Option<Map<String, Value>>,
    /// Now when absent; at most five minutes ahead.
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
}

impl NewRuntimeEventRequest {
    fn input(self) -> Answer<RuntimeEventInput> {
        let mut faults = Vec::new();
        let occurred_at = wire::instant(&mut faults, "/occurred_at", self.occurred_at.as_deref());
        if !faults.is_empty() {
            return Err(Failure::malformed(faults));
        }
        Ok(RuntimeEventInput {
            event_type: self.event_type,
            severity: self.severity,
            status: self.status,
            summary: self.summary,
            source: self.source,
            external_ref: self.external_ref,
            event_metadata: self.event_metadata,
            occurred_at,
        })
    }
}

/// A runtime governance event. It never changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::RuntimeEvent)]
pub(super) struct RuntimeEventResponse {
    id: Uuid,
    product_id: Uuid,
    #[schema(value_type = schema::RuntimeEventType)]
    event_type: &'static str,
    #[schema(value_type = schema::RuntimeSeverity)]
    severity: &'static str,
    #[schema(value_type = schema::RuntimeStatus)]
    status: &'static str,
    summary: String,
    source: Option<String>,
    external_ref: Option<String>,
    #[schema(value_type = Option<Object>)]
    event_metadata: Option<Map<String, Value>>,
    #[serde(serialize_with = "instant::serialize")]
    occurred_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
}

impl From<RuntimeEvent> for RuntimeEventResponse {
    fn from(event: RuntimeEvent) -> Self {
        Self {
            id: event.id.uuid(),
            product_id: event.product.uuid(),
            event_type: event.event_type.as_str(),
            severity: event.severity.as_str(),
            status: event.status.as_str(),
            summary: event.summary,
            source: event.source,
            external_ref: event.external_ref,
            event_metadata: event.event_metadata,
            occurred_at: event.occurred_at,
            created_at: event.created_at,
        }
    }
}

/// Goes on only where the workbench knows the product's type.
fn supported(product: &Product) -> Answer<()> {
    let kind = product.product_type.as_str().parse::<ProductKind>();
    kind.map(drop)
        .map_err(|_| told(GovernanceError::UnsupportedType))
}

/// Lists the runtime events of a product, newest first.
#[utoipa::path(
    operation_id = "governance_list_runtime_events", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), RuntimePageQuery),
    responses(
        (status = 200, description = "One page", body = Vec<RuntimeEventResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; absent after a cursor"),
            ("X-Has-More" = bool, description = "Whether another page exists"),
            ("X-Next-Cursor" = String, description = "Where the next page starts; absent on the last")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/ai-runtime-governance-events")]
pub(super) async fn list_runtime_events(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<RuntimePageQuery, Governance>,
) -> Answer<HttpResponse> {
    let product = viewed(&caller, &state, &request).await?;
    supported(&product)?;
    let page = query.parse()?.parse()?;
    let found = state
        .evidence
        .list_runtime_events(product.organization, product.id, &page)
        .await?;
    Ok(paging::array(&page, &found.map(RuntimeEventResponse::from)))
}

/// Records a runtime event.
#[utoipa::path(
    operation_id = "governance_create_runtime_event", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = NewRuntimeEventRequest,
    responses(
        (status = 201, description = "Recorded", body = RuntimeEventResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/ai-runtime-governance-events")]
pub(super) async fn create_runtime_event(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<NewRuntimeEventRequest, Governance>,
) -> Answer<HttpResponse> {
    let product = edited(&caller, &state, &request).await?;
    supported(&product)?;
    let (context, body) = caller.command(body)?;
    let recorded = state
        .evidence
        .record_runtime_event(&context, product.id, body.input()?)
        .await?;
    Ok(HttpResponse::Created()
        .insert_header((ETAG, etag(Version::FIRST)))
        .json(RuntimeEventResponse::from(recorded)))
}
