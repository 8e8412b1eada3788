//! Artifacts: listed, handed out, deleted.

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get};
use probity_artifacts::BlobStore as _;
use probity_kernel::PageRequest;
use serde::Deserialize;
use utoipa::IntoParams;

use super::delivery::Delivery;
use super::dto::ArtifactResponse;
use super::refusal::told;
use super::{Answer, Artifacts, TAG};
use crate::families::problem::{CallerErrors, Missing, ProblemBody, StorageErrors, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{Faults, Query, path_id};
use crate::http::failure::Failure;
use crate::http::{paging, product};
use crate::state::AppState;

/// Which page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListArtifactsQuery {
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    skip: Option<String>,
    /// 1 to 1000, 1000 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<String>,
    /// `X-Next-Cursor` of an earlier page. Not together with `skip`.
    cursor: Option<String>,
}

fn page(query: Query<ListArtifactsQuery, Artifacts>) -> Result<PageRequest, Failure<Artifacts>> {
    let query = query.parse()?;
    let mut faults = Faults::default();
    let limit = faults.number("limit", query.limit.as_deref(), 1..=1000, 1000);
    let (skip, cursor) = (query.skip.as_deref(), query.cursor.as_deref());
    let page = faults.page(limit, "skip", skip, cursor);
    faults.done()?;
    Ok(page)
}

/// Lists the artifacts of a product that are not deleted, newest first.
#[utoipa::path(
    operation_id = "artifacts_list", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), ListArtifactsQuery),
    responses(
        (status = 200, description = "The artifacts", body = Vec<ArtifactResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; not after a cursor"),
            ("X-Has-More" = bool, description = "Whether there is another page"),
            ("X-Next-Cursor" = String, description = "Where the next page starts")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/model-artifacts")]
pub(super) async fn list_artifacts(
    caller: Caller<Artifacts, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<ListArtifactsQuery, Artifacts>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let page = page(query)?;
    let organization = caller.context().organization;
    let found = state.artifacts.list(organization, product.id, &page).await;
    let found = found.map_err(told)?;
    Ok(paging::array(&page, &found.map(ArtifactResponse::from)))
}

/// Hands out the bytes of an artifact, or the address at which the storage backend does.
#[utoipa::path(
    operation_id = "artifacts_download", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("artifact_id" = String, Path, description = "Id of the artifact"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "The range is meant for this entity tag"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the caller has")
    ),
    responses(
        (status = 200, description = "All bytes", body = Vec<u8>, content_type = "application/octet-stream", headers(
            ("ETag" = String, description = "The SHA-256 digest"),
            ("Repr-Digest" = String, description = "The same as RFC 9530 writes it"),
            ("Content-Disposition" = String, description = "Attachment, with the file name")
        )),
        (status = 206, description = "The range", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 302, description = "A signed address at the object store, good for a short time", headers(
            ("Location" = String, description = "The address; it takes no credentials of the caller's")
        )),
        (status = 304, description = "The caller has it"),
        (status = 416, description = "No such range, or more than one", body = ProblemBody, content_type = "application/problem+json"),
        CallerErrors, Unprocessable, Missing, StorageErrors
    )
)]
#[get("/catalog/products/{product_id}/model-artifacts/{artifact_id}/download")]
pub(super) async fn download_artifact(
    caller: Caller<Artifacts, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let (organization, id) = (
        caller.context().organization,
        path_id(&request, "artifact_id")?,
    );
    let artifacts = &state.artifacts;
    let located = artifacts.locate(organization, product.id, id).await;
    let (artifact, blob) = located.map_err(told)?;
    let delivery = match Delivery::decide(&artifact, request.headers()) {
        Ok(delivery) => delivery,
        Err(answer) => return answer,
    };
    let served = Delivery::served(&artifact);
    let address = artifacts.blobs().signed_url(&blob, &served).await;
    if let Some(address) = address.map_err(|error| told(error.into()))? {
        return Ok(HttpResponse::Found()
            .insert_header((LOCATION, address))
            .insert_header((CACHE_CONTROL, "private, no-store"))
            .finish());
    }
    let opened = artifacts.blobs().read(&blob, delivery.range()).await;
    let reader = opened.map_err(|error| {
        told(if matches!(error, probity_artifacts::BlobError::NotFound) {
            probity_artifacts::ArtifactError::FileNotFound
        } else {
            error.into()
        })
    })?;
    Ok(delivery.answer(&artifact, reader))
}

/// Deletes an artifact.
#[utoipa::path(
    operation_id = "artifacts_delete", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("artifact_id" = String, Path, description = "Id of the artifact")
    ),
    responses(
        (status = 204, description = "Deleted"),
        CallerErrors, Unprocessable, Missing
    )
)]
#[delete("/catalog/products/{product_id}/model-artifacts/{artifact_id}")]
pub(super) async fn delete_artifact(
    caller: Caller<Artifacts, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id = path_id(&request, "artifact_id")?;
    let deleted = state.artifacts.delete(caller.context(), product.id, id);
    deleted.await.map_err(told)?;
    Ok(HttpResponse::NoContent().finish())
}
