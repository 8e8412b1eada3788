//! Training, fine-tuning, evaluation and deployment runs of a product.

mod dto;

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use probity_governance::evidence::TrainingRun;

use self::dto::{NewRunRequest, RunResponse, UpdateRunRequest};
use super::wire::PageQuery;
use super::{Governance, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{IfMatch, Json, Query, etag, path_id};
use crate::http::failure::Failure;
use crate::http::paging;
use crate::http::product::{edited, viewed};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Governance>>;

/// Lists the runs of a product, newest start first, those without one last.
#[utoipa::path(
    operation_id = "governance_list_training_runs", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), PageQuery),
    responses(
        (status = 200, description = "One page", body = Vec<RunResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; absent after a cursor"),
            ("X-Has-More" = bool, description = "Whether another page exists"),
            ("X-Next-Cursor" = String, description = "Where the next page starts; absent on the last")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/training-runs")]
pub(super) async fn list_runs(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<PageQuery, Governance>,
) -> Answer<HttpResponse> {
    let product = viewed(&caller, &state, &request).await?;
    let page = query.parse()?.parse()?;
    let found = state
        .evidence
        .list_runs(product.organization, product.id, &page)
        .await?;
    Ok(paging::array(&page, &found.map(RunResponse::from)))
}

/// Records a run. One that is deployed takes the flag from the product's other runs.
#[utoipa::path(
    operation_id = "governance_create_training_run", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = NewRunRequest,
    responses(
        (status = 201, description = "Recorded", body = RunResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/training-runs")]
pub(super) async fn create_run(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<NewRunRequest, Governance>,
) -> Answer<HttpResponse> {
    let product = edited(&caller, &state, &request).await?;
    let (context, body) = caller.command(body)?;
    let input = body.input().map_err(Failure::malformed)?;
    let recorded = state.evidence.record_run(&context, product.id, input);
    let run = recorded.await?;
    let location = format!(
        "/api/v1.0/catalog/products/{}/training-runs/{}",
        product.id, run.id
    );
    Ok(HttpResponse::Created()
        .insert_header((ETAG, etag(run.version)))
        .insert_header(("Location", location))
        .json(RunResponse::from(run)))
}

/// Reads one run.
#[utoipa::path(
    operation_id = "governance_get_training_run", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("run_id" = String, Path, description = "Id of the run")
    ),
    responses(
        (status = 200, description = "The run", body = RunResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/training-runs/{run_id}")]
pub(super) async fn get_run(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    let product = viewed(&caller, &state, &request).await?;
    let id = path_id(&request, "run_id")?;
    let found = state.evidence.run(product.organization, product.id, id);
    Ok(shown(found.await?))
}

/// Changes what the body names. A run that becomes deployed takes the flag from the product's others.
#[utoipa::path(
    operation_id = "governance_update_training_run", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("run_id" = String, Path, description = "Id of the run"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = UpdateRunRequest,
    responses(
        (status = 200, description = "The run as it is now", body = RunResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[patch("/catalog/products/{product_id}/training-runs/{run_id}")]
pub(super) async fn update_run(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<UpdateRunRequest, Governance>,
) -> Answer<HttpResponse> {
    let product = edited(&caller, &state, &request).await?;
    let id = path_id(&request, "run_id")?;
    let (body, _) = body.parse()?;
    let patch = body.patch().map_err(Failure::malformed)?;
    let updated = state
        .evidence
        .update_run(caller.context(), product.id, id, patch, expected.version())
        .await?;
    Ok(shown(updated))
}

/// Deletes a run; what the record says of it stays.
#[utoipa::path(
    operation_id = "governance_delete_training_run", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("run_id" = String, Path, description = "Id of the run"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the removal is meant for")
    ),
    responses((status = 204, description = "Deleted"), CallerErrors, Unprocessable, Missing, Clash, Outdated)
)]
#[delete("/catalog/products/{product_id}/training-runs/{run_id}")]
pub(super) async fn delete_run(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
) -> Answer<HttpResponse> {
    let product = edited(&caller, &state, &request).await?;
    let id = path_id(&request, "run_id")?;
    state
        .evidence
        .delete_run(caller.context(), product.id, id, expected.version())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn shown(run: TrainingRun) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, etag(run.version)))
        .json(RunResponse::from(run))
}
