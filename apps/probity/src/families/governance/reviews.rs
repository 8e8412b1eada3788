//! Review requests and their decisions.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use probity_governance::{NewDecision, Requested, ReviewRequest, Verdict};
use probity_kernel::{FieldError, ReviewRequestId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::refusal::told;
use super::{Governance, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{Faults, Json, Query, etag, path_id};
use crate::http::failure::Failure;
use crate::http::{instant, paging, product};
use crate::state::AppState;

type Answer = Result<HttpResponse, Failure<Governance>>;

/// Which drift is to be reviewed.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[schema(as = governance::NewReviewRequest, example = json!({"drift_indicator_keys": ["overdue_review", "missing_eval"]}))]
pub(super) struct RequestBody {
    /// Keys of drift indicators, those that are active count; all active ones when left out.
    drift_indicator_keys: Option<Vec<String>>,
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = governance::NewDecision, example = json!({
    "decision": "approve", "comment": "Evidence is complete.", "approval_expires_at": "2099-06-29T00:00:00Z"
}))]
pub(super) struct DecisionBody {
    /// `approve` or `reject`.
    #[schema(required, nullable = false)]
    decision: Option<String>,
    /// Up to 4000 characters.
    comment: Option<String>,
    /// When the approval expires; never when left out. In the future, and not with `reject`.
    approval_expires_at: Option<String>,
    /// When the next review is due, in the future. An approval without it sets the usual period.
    next_review_due_at: Option<String>,
}

/// A review request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::ReviewRequest)]
pub(super) struct ReviewResponse {
    #[schema(example = "9c78c2bb-b33a-4ec7-9f8e-f852b42b8f45")]
    id: String,
    #[schema(example = "550e8400-e29b-41d4-a716-446655440000")]
    product_id: String,
    /// `pending`, `approved` or `rejected`.
    #[schema(example = "pending")]
    status: &'static str,
    #[schema(example = "AI governance review: Claims Triage Model")]
    title: String,
    description: String,
    details: DetailsResponse,
    #[serde(serialize_with = "instant::serialize")]
    requested_at: OffsetDateTime,
    /// Who asked: a reference that names no person.
    requested_by: String,
    #[serde(serialize_with = "instant::option::serialize")]
    decided_at: Option<OffsetDateTime>,
    /// Who decided: a reference that names no person.
    decided_by: Option<String>,
    comment: Option<String>,
    #[serde(serialize_with = "instant::option::serialize")]
    approval_expires_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::option::serialize")]
    next_review_due_at: Option<OffsetDateTime>,
    /// Whether an open request was given back instead of a new one; only told when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    deduplicated: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::ReviewDetails)]
struct DetailsResponse {
    #[schema(example = "ai_governance_workbench")]
    source: String,
    /// The drift indicators that were active when the review was asked for.
    drift_indicator_keys: Vec<&'static str>,
}

impl From<ReviewRequest> for ReviewResponse {
    fn from(request: ReviewRequest) -> Self {
        let keys = request.drift_indicator_keys.iter();
        let keys = keys.map(|key| key.as_str()).collect();
        let decision = request.decision;
        Self {
            id: request.id.to_string(),
            product_id: request.product.to_string(),
            status: request.state.as_str(),
            title: request.title,
            description: request.description,
            details: DetailsResponse {
                source: request.source,
                drift_indicator_keys: keys,
            },
            requested_at: request.requested_at,
            requested_by: request.requested_by,
            decided_at: decision.as_ref().map(|one| one.decided_at),
            decided_by: decision.as_ref().map(|one| one.decided_by.clone()),
            comment: decision.as_ref().and_then(|one| one.comment.clone()),
            approval_expires_at: decision.as_ref().and_then(|one| one.approval_expires_at),
            next_review_due_at: decision.and_then(|one| one.next_review_due_at),
            deduplicated: None,
        }
    }
}

/// One request with its tag.
fn tagged(mut response: actix_web::HttpResponseBuilder, request: ReviewRequest) -> HttpResponse {
    response.insert_header((ETAG, etag(request.version)));
    response.json(ReviewResponse::from(request))
}

/// Requests a review of active drift. Where a request is open already, that one is given back.
#[utoipa::path(
    operation_id = "governance_request_review", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = Option<RequestBody>,
    responses(
        (status = 200, description = "A request is open already", body = ReviewResponse, headers(("ETag" = String, description = "Version"))),
        (status = 201, description = "Requested", body = ReviewResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/ai-governance-review-requests")]
pub(super) async fn request_review(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<RequestBody, Governance>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let (context, body) = caller.optional_command(body)?;
    let keys = body.drift_indicator_keys.as_deref();
    let asked = state.governance.request_review(&context, product.id, keys);
    let Requested {
        request,
        deduplicated,
    } = asked.await.map_err(told)?;
    let mut response = if deduplicated {
        HttpResponse::Ok()
    } else {
        HttpResponse::Created()
    };
    response.insert_header((ETAG, etag(request.version)));
    Ok(response.json(ReviewResponse {
        deduplicated: Some(deduplicated),
        ..request.into()
    }))
}

/// Which page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    skip: Option<String>,
    /// 1 to 100, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// `X-Next-Cursor` of an earlier page. Not together with `skip`.
    cursor: Option<String>,
}

/// Lists the review requests of a product, newest first.
#[utoipa::path(
    operation_id = "governance_list_reviews", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), ListQuery),
    responses(
        (status = 200, description = "One page", body = Vec<ReviewResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; not after a cursor"),
            ("X-Has-More" = bool, description = "Whether there is another page"),
            ("X-Next-Cursor" = String, description = "Where the next page starts")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/ai-governance-review-requests")]
pub(super) async fn list_reviews(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<ListQuery, Governance>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let query = query.parse()?;
    let mut faults = Faults::default();
    let limit = faults.number("limit", query.limit.as_deref(), 1..=100, 50);
    let (skip, cursor) = (query.skip.as_deref(), query.cursor.as_deref());
    let page = faults.page(limit, "skip", skip, cursor);
    faults.done()?;
    let organization = caller.context().organization;
    let found = state.governance.reviews(organization, product.id, &page);
    let found = found.await.map_err(told)?;
    Ok(paging::array(&page, &found.map(ReviewResponse::from)))
}

/// Reads one review request.
#[utoipa::path(
    operation_id = "governance_get_review", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("request_id" = String, Path, description = "Id of the request")
    ),
    responses(
        (status = 200, description = "The request", body = ReviewResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/ai-governance-review-requests/{request_id}")]
pub(super) async fn get_review(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: ReviewRequestId = path_id(&request, "request_id")?;
    let organization = caller.context().organization;
    let found = state.governance.review(organization, product.id, id);
    Ok(tagged(HttpResponse::Ok(), found.await.map_err(told)?))
}

fn decision(body: DecisionBody) -> Result<NewDecision, Failure<Governance>> {
    let mut faults = Faults::default();
    let verdict = match body.decision.as_deref() {
        None => Err(FieldError::new("/decision", "required", "is required")),
        Some(text) => text
            .parse::<Verdict>()
            .map_err(|unknown| FieldError::new("/decision", "unknown_value", unknown.to_string())),
    };
    let verdict = faults.note(verdict.map_err(|fault| vec![fault]));
    let mut date = |field, text: Option<String>| {
        let parsed = text.map(|text| instant::parse(field, &text)).transpose();
        faults.note(parsed.map_err(|fault| vec![fault])).flatten()
    };
    let approval_expires_at = date("/approval_expires_at", body.approval_expires_at);
    let next_review_due_at = date("/next_review_due_at", body.next_review_due_at);
    faults.done()?;
    let verdict = verdict.ok_or_else(|| Failure::malformed(Vec::new()))?;
    Ok(NewDecision {
        verdict,
        comment: body.comment,
        approval_expires_at,
        next_review_due_at,
    })
}

/// Decides a review request, once.
#[utoipa::path(
    operation_id = "governance_decide_review", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("request_id" = String, Path, description = "Id of the request"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = DecisionBody,
    responses(
        (status = 200, description = "The request as it was decided", body = ReviewResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/ai-governance-review-requests/{request_id}/decision")]
pub(super) async fn decide_review(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<DecisionBody, Governance>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id: ReviewRequestId = path_id(&request, "request_id")?;
    let (context, body) = caller.command(body)?;
    let decided = state
        .governance
        .decide_review(&context, product.id, id, decision(body)?);
    Ok(tagged(HttpResponse::Ok(), decided.await.map_err(told)?))
}
