//! The histories of what the catalogue holds.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, web};
use probity_kernel::{DataDependencyId, PolicyAttachmentId, RiskMitigationId};

use super::{Catalog, TAG};
use crate::families::problem::{CallerErrors, Missing, Unprocessable};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::{Query, path_id};
use crate::http::failure::Failure;
use crate::http::history::{self, HistoryParameters, HistoryResponse};
use crate::http::product;
use crate::state::AppState;

type Answer = Result<web::Json<HistoryResponse>, Failure<Catalog>>;

/// Reads the changes of a product, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "catalog_get_product_history", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/history")]
pub(super) async fn of_product(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Catalog>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let subject = ("product", product.id.uuid());
    let exists = std::future::ready(Ok(()));
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of a data dependency, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "catalog_get_data_dependency_history", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("dependency_id" = String, Path, description = "Id of the dependency"),
        HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/data-dependencies/{dependency_id}/history")]
pub(super) async fn of_dependency(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Catalog>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: DataDependencyId = path_id(&request, "dependency_id")?;
    let exists = async {
        let found = state
            .attachments
            .dependency(product.organization, product.id, id);
        found.await?;
        Ok(())
    };
    let subject = ("data_dependency", id.uuid());
    let page = history::read(&caller, &state, query, subject, Some(product.id), exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of an attached policy, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "catalog_get_policy_history", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("policy_id" = String, Path, description = "Id of the attachment"),
        HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/policies/{policy_id}/history")]
pub(super) async fn of_policy(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Catalog>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: PolicyAttachmentId = path_id(&request, "policy_id")?;
    let exists = async {
        let found = state
            .attachments
            .policy(product.organization, product.id, id);
        found.await?;
        Ok(())
    };
    let subject = ("policy_attachment", id.uuid());
    let page = history::read(&caller, &state, query, subject, Some(product.id), exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of a risk mitigation, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "catalog_get_risk_mitigation_history", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("mitigation_id" = String, Path, description = "Id of the mitigation"),
        HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/risk-mitigations/{mitigation_id}/history")]
pub(super) async fn of_mitigation(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Catalog>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: RiskMitigationId = path_id(&request, "mitigation_id")?;
    let exists = async {
        let found = state
            .attachments
            .mitigation(product.organization, product.id, id);
        found.await?;
        Ok(())
    };
    let subject = ("risk_mitigation", id.uuid());
    let page = history::read(&caller, &state, query, subject, Some(product.id), exists);
    Ok(history::answer(page.await?))
}
