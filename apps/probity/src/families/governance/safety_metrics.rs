//! Performance and safety metrics of a product, and their attestation.

mod dto;

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use probity_governance::evidence::SafetyMetric;

use self::dto::{CategoryQuery, MetricResponse, NewMetricRequest, UpdateMetricRequest};
use super::wire::PageQuery;
use super::{Governance, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{Faults, IfMatch, Json, Query, etag, path_id};
use crate::http::failure::Failure;
use crate::http::paging;
use crate::http::product::{edited, viewed};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Governance>>;

/// Lists the metrics of a product by category, name and newest measurement.
#[utoipa::path(
    operation_id = "governance_list_safety_metrics", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), CategoryQuery, PageQuery),
    responses(
        (status = 200, description = "One page", body = Vec<MetricResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; absent after a cursor"),
            ("X-Has-More" = bool, description = "Whether another page exists"),
            ("X-Next-Cursor" = String, description = "Where the next page starts; absent on the last")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/safety-metrics")]
pub(super) async fn list_metrics(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<PageQuery, Governance>,
    category: Query<CategoryQuery, Governance>,
) -> Answer<HttpResponse> {
    let product = viewed(&caller, &state, &request).await?;
    let mut faults = Faults::default();
    let page = query.parse()?.page(&mut faults);
    let category = category.parse()?.parse(&mut faults);
    faults.done()?;
    let found = state
        .evidence
        .list_metrics(product.organization, product.id, category, &page)
        .await?;
    Ok(paging::array(&page, &found.map(MetricResponse::from)))
}

/// Records a metric. One that is deployed takes the flag from the product's other runs.
#[utoipa::path(
    operation_id = "governance_create_safety_metric", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = NewMetricRequest,
    responses(
        (status = 201, description = "Recorded", body = MetricResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/safety-metrics")]
pub(super) async fn create_metric(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<NewMetricRequest, Governance>,
) -> Answer<HttpResponse> {
    let product = edited(&caller, &state, &request).await?;
    let (context, body) = caller.command(body)?;
    let input = body.input().map_err(Failure::malformed)?;
    let recorded = state.evidence.record_metric(&context, product.id, input);
    let metric = recorded.await?;
    let location = format!(
        "/api/v1.0/catalog/products/{}/safety-metrics/{}",
        product.id, metric.id
    );
    Ok(HttpResponse::Created()
        .insert_header((ETAG, etag(metric.version)))
        .insert_header(("Location", location))
        .json(MetricResponse::from(metric)))
}

/// Reads one metric.
#[utoipa::path(
    operation_id = "governance_get_safety_metric", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("metric_id" = String, Path, description = "Id of the metric")
    ),
    responses(
        (status = 200, description = "The metric", body = MetricResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/safety-metrics/{metric_id}")]
pub(super) async fn get_metric(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    let product = viewed(&caller, &state, &request).await?;
    let id = path_id(&request, "metric_id")?;
    let found = state.evidence.metric(product.organization, product.id, id);
    Ok(shown(found.await?))
}

/// Changes the members that are there and not null. What was attested loses its attestation when it
/// changes.
#[utoipa::path(
    operation_id = "governance_update_safety_metric", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("metric_id" = String, Path, description = "Id of the metric"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = UpdateMetricRequest,
    responses(
        (status = 200, description = "The metric as it is now", body = MetricResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[patch("/catalog/products/{product_id}/safety-metrics/{metric_id}")]
pub(super) async fn update_metric(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<UpdateMetricRequest, Governance>,
) -> Answer<HttpResponse> {
    let product = edited(&caller, &state, &request).await?;
    let id = path_id(&request, "metric_id")?;
    let (body, _) = body.parse()?;
    let patch = body.input().map_err(Failure::malformed)?;
    let updated = state
        .evidence
        .update_metric(caller.context(), product.id, id, patch, expected.version())
        .await?;
    Ok(shown(updated))
}

/// The caller vouches for a metric as it stands, in place of whoever did before.
#[utoipa::path(
    operation_id = "governance_attest_safety_metric", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("metric_id" = String, Path, description = "Id of the metric"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that is attested")
    ),
    responses(
        (status = 200, description = "The metric as it is now", body = MetricResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[post("/catalog/products/{product_id}/safety-metrics/{metric_id}/attest")]
pub(super) async fn attest_metric(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
) -> Answer<HttpResponse> {
    let product = edited(&caller, &state, &request).await?;
    let id = path_id(&request, "metric_id")?;
    let attested = state
        .evidence
        .attest_metric(caller.context(), product.id, id, expected.version())
        .await?;
    Ok(shown(attested))
}

/// Deletes a metric; what the record says of it stays.
#[utoipa::path(
    operation_id = "governance_delete_safety_metric", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("metric_id" = String, Path, description = "Id of the metric"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the removal is meant for")
    ),
    responses((status = 204, description = "Deleted"), CallerErrors, Unprocessable, Missing, Clash, Outdated)
)]
#[delete("/catalog/products/{product_id}/safety-metrics/{metric_id}")]
pub(super) async fn delete_metric(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
) -> Answer<HttpResponse> {
    let product = edited(&caller, &state, &request).await?;
    let id = path_id(&request, "metric_id")?;
    state
        .evidence
        .delete_metric(caller.context(), product.id, id, expected.version())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn shown(metric: SafetyMetric) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, etag(metric.version)))
        .json(MetricResponse::from(metric))
}
