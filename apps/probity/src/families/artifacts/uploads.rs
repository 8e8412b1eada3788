//! Upload sessions.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use probity_artifacts::{Completion, NewUpload};
use probity_kernel::FieldError;

use super::dto::{
    ArtifactResponse, CompleteUploadRequest, InitiateUploadRequest, UploadSessionResponse,
};
use super::refusal::{lost, told};
use super::{Answer, Artifacts, TAG};
use crate::families::problem::{
    BodyErrors, CallerErrors, Clash, Missing, StorageErrors, Unprocessable,
};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{Json, path_id};
use crate::http::failure::Failure;
use crate::http::product;
use crate::state::AppState;

/// Opens an upload session.
#[utoipa::path(
    operation_id = "artifacts_initiate_upload", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = InitiateUploadRequest,
    responses(
        (status = 201, description = "Opened", body = UploadSessionResponse),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/model-artifacts/uploads")]
pub(super) async fn initiate_upload(
    caller: Caller<Artifacts, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<InitiateUploadRequest, Artifacts>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let (context, body) = caller.command(body)?;
    let new = NewUpload::parse(body.input())?;
    let artifacts = &state.artifacts;
    let opened = artifacts.initiate(&context, product.id, product.space, new);
    let session = opened.await.map_err(told)?;
    Ok(HttpResponse::Created().json(UploadSessionResponse::from(session)))
}

/// Tells where an upload session stands: what to resume from.
#[utoipa::path(
    operation_id = "artifacts_get_upload", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("upload_id" = String, Path, description = "Id of the session")
    ),
    responses(
        (status = 200, description = "The session", body = UploadSessionResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/model-artifacts/uploads/{upload_id}")]
pub(super) async fn get_upload(
    caller: Caller<Artifacts, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let (context, id) = (caller.context(), path_id(&request, "upload_id")?);
    let artifacts = &state.artifacts;
    let found = artifacts.upload(context.organization, product.id, id, context.now);
    let session = found.await.map_err(told)?;
    Ok(HttpResponse::Ok().json(UploadSessionResponse::from(session)))
}

/// Gives an upload up: its bytes go, and the session with them.
#[utoipa::path(
    operation_id = "artifacts_abort_upload", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("upload_id" = String, Path, description = "Id of the session")
    ),
    responses(
        (status = 204, description = "Given up"),
        CallerErrors, Unprocessable, Missing, Clash, StorageErrors
    )
)]
#[delete("/catalog/products/{product_id}/model-artifacts/uploads/{upload_id}")]
pub(super) async fn abort_upload(
    caller: Caller<Artifacts, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id = path_id(&request, "upload_id")?;
    let aborted = state.artifacts.abort(caller.context(), product.id, id);
    aborted.await.map_err(told)?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes an artifact of an upload whose chunks are all there. Doing so again answers the same.
#[utoipa::path(
    operation_id = "artifacts_complete_upload", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("upload_id" = String, Path, description = "Id of the session")
    ),
    request_body = Option<CompleteUploadRequest>,
    responses(
        (status = 200, description = "The artifact", body = ArtifactResponse),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, StorageErrors
    )
)]
#[post("/catalog/products/{product_id}/model-artifacts/uploads/{upload_id}/complete")]
pub(super) async fn complete_upload(
    caller: Caller<Artifacts, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<CompleteUploadRequest, Artifacts>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id = path_id(&request, "upload_id")?;
    let (body, _) = body.parse_optional()?;
    let asked = completion(body)?;
    let (artifacts, context) = (state.artifacts.clone(), caller.context().clone());
    // To its end, also when the client is gone by then.
    let task =
        tokio::spawn(async move { artifacts.complete(&context, product.id, id, asked).await });
    let artifact = task.await.map_err(|error| lost(&error))?.map_err(told)?;
    Ok(HttpResponse::Ok().json(ArtifactResponse::from(artifact)))
}

fn completion(body: CompleteUploadRequest) -> Result<Completion, Failure<Artifacts>> {
    let sha256 = body.sha256.map(|text| text.parse()).transpose();
    let sha256 = sha256.map_err(|fault: probity_artifacts::MalformedDigest| {
        Failure::malformed(vec![FieldError::new(
            "/sha256",
            "malformed",
            fault.to_string(),
        )])
    })?;
    Ok(Completion {
        sha256,
        is_current: body.is_current,
    })
}
