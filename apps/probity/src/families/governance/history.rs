//! The histories of what products are judged by.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, web};
use probity_kernel::{ReviewRequestId, SafetyMetricId, TrainingRunId};

use super::refusal::told;
use super::{Governance, TAG};
use crate::families::problem::{CallerErrors, Missing, Unprocessable};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::{Query, path_id};
use crate::http::failure::Failure;
use crate::http::history::{self, HistoryParameters, HistoryResponse};
use crate::http::{organization, product};
use crate::state::AppState;

type Answer = Result<web::Json<HistoryResponse>, Failure<Governance>>;

/// Reads the changes of a run, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "governance_get_training_run_history", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("run_id" = String, Path, description = "Id of the run"),
        HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/training-runs/{run_id}/history")]
pub(super) async fn of_run(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Governance>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: TrainingRunId = path_id(&request, "run_id")?;
    let exists = async {
        let found = state.evidence.run(product.organization, product.id, id);
        found.await?;
        Ok(())
    };
    let subject = ("training_run", id.uuid());
    let page = history::read(&caller, &state, query, subject, Some(product.id), exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of a performance or safety metric, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "governance_get_safety_metric_history", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("metric_id" = String, Path, description = "Id of the metric"),
        HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/safety-metrics/{metric_id}/history")]
pub(super) async fn of_metric(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Governance>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: SafetyMetricId = path_id(&request, "metric_id")?;
    let exists = async {
        let found = state.evidence.metric(product.organization, product.id, id);
        found.await?;
        Ok(())
    };
    let subject = ("safety_metric", id.uuid());
    let page = history::read(&caller, &state, query, subject, Some(product.id), exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of a review request, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "governance_get_review_history", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("request_id" = String, Path, description = "Id of the request"),
        HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/ai-governance-review-requests/{request_id}/history")]
pub(super) async fn of_review(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Governance>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: ReviewRequestId = path_id(&request, "request_id")?;
    let exists = async {
        let found = state
            .governance
            .review(product.organization, product.id, id);
        found.await.map_err(told)?;
        Ok(())
    };
    let subject = ("review_request", id.uuid());
    let page = history::read(&caller, &state, query, subject, Some(product.id), exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of the settings by which products are judged, newest first, each field before and after.
#[utoipa::path(
    operation_id = "governance_get_settings_history", tag = TAG, security(("bearer" = [])),
    params(("organization" = String, Path, description = "Slug of the organisation"), HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/organizations/{organization}/ai-governance-settings/history")]
pub(super) async fn of_settings(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Governance>,
) -> Answer {
    organization::own(&caller, &state, &request).await?;
    let subject = ("governance_settings", caller.principal.organization.uuid());
    let exists = std::future::ready(Ok(()));
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}
