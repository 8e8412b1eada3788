//! The histories of artifacts and of the uploads that they came from.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, web};
use probity_kernel::{ArtifactId, UploadSessionId};

use super::refusal::told;
use super::{Artifacts, TAG};
use crate::families::problem::{CallerErrors, Missing, Unprocessable};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::{Query, path_id};
use crate::http::failure::Failure;
use crate::http::history::{self, HistoryParameters, HistoryResponse};
use crate::http::product;
use crate::state::AppState;

type Answer = Result<web::Json<HistoryResponse>, Failure<Artifacts>>;

/// Reads the changes of an artifact, newest first, each field before and after; also of one that was deleted.
#[utoipa::path(
    operation_id = "artifacts_get_history", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("artifact_id" = String, Path, description = "Id of the artifact"),
        HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/model-artifacts/{artifact_id}/history")]
pub(super) async fn of_artifact(
    caller: Caller<Artifacts, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Artifacts>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: ArtifactId = path_id(&request, "artifact_id")?;
    let exists = async {
        let found = state
            .artifacts
            .artifact(product.organization, product.id, id);
        found.await.map_err(told)?;
        Ok(())
    };
    let subject = ("artifact", id.uuid());
    let page = history::read(&caller, &state, query, subject, Some(product.id), exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of an upload session, newest first, each field before and after: how it was opened, and how it
/// ended. Chunks are progress and no changes.
#[utoipa::path(
    operation_id = "artifacts_get_upload_history", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("upload_id" = String, Path, description = "Id of the session"),
        HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/model-artifacts/uploads/{upload_id}/history")]
pub(super) async fn of_upload(
    caller: Caller<Artifacts, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Artifacts>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: UploadSessionId = path_id(&request, "upload_id")?;
    let now = caller.context().now;
    let exists = async {
        let found = state
            .artifacts
            .upload(product.organization, product.id, id, now);
        found.await.map_err(told)?;
        Ok(())
    };
    let subject = ("artifact_upload", id.uuid());
    let page = history::read(&caller, &state, query, subject, Some(product.id), exists);
    Ok(history::answer(page.await?))
}
