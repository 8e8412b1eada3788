//! The operations on model records.

use std::collections::HashMap;

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, patch, post};
use probity_access::SpaceRole;
use probity_artifacts::ArtifactRepository as _;
use probity_catalog::{CatalogError, NewProduct};
use probity_kernel::{OrganizationId, ProductId};

use super::dto::{Beside, ModelSummary};
use super::{Repository, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::as_of::View;
use crate::http::auth::{Caller, WriteAccess};
use crate::http::extract::{IfMatch, Json, etag};
use crate::http::failure::Failure;
use crate::http::product_body::{NewProductBody, ProductPatchBody};
use crate::http::{product, space};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Repository>>;

/// Creates a model record in a space.
#[utoipa::path(
    operation_id = "repository_create_model", tag = TAG, security(("bearer" = [])),
    params(
        ("slug" = String, Path, description = "Slug of the space"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = NewProductBody,
    responses(
        (status = 201, description = "Created", body = ModelSummary, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/spaces/{slug}/model-repository/models")]
pub(super) async fn create_model(
    caller: Caller<Repository, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<NewProductBody, Repository>,
) -> Answer<HttpResponse> {
    let slug = request.match_info().query("slug");
    let space = space::reached(&caller, &state, slug, SpaceRole::Editor).await?;
    let (context, body) = caller.command(body)?;
    let new = NewProduct::parse(body.input().map_err(Failure::malformed)?)?;
    let product = state.catalog.create_product(&context, &space, new).await?;
    let tag = etag(product.version);
    Ok(HttpResponse::Created()
        .insert_header((ETAG, tag))
        .json(ModelSummary::of(product, &space, Beside::default())))
}

/// Changes a model record; absent members stay, null clears what is optional.
#[utoipa::path(
    operation_id = "repository_update_model", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = ProductPatchBody,
    responses(
        (status = 200, description = "The record as it is now", body = ModelSummary, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[patch("/catalog/products/{product_id}/model-repository")]
pub(super) async fn update_model(
    caller: Caller<Repository, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<ProductPatchBody, Repository>,
) -> Answer<HttpResponse> {
    let product = product::edited(&caller, &state, &request).await?;
    let (body, _) = body.parse()?;
    let changes = body.changes().map_err(Failure::malformed)?;
    let context = caller.context();
    let updated = state
        .catalog
        .patch_product(context, product.id, changes, expected.version())
        .await?;
    let spaces = state.catalog.list_spaces(context.organization).await?;
    let space = spaces.into_iter().find(|space| space.id == updated.space);
    let space = space.ok_or(CatalogError::SpaceNotFound)?;
    let now = View::of_now(&state, context.now);
    let mut beside = beside(&state, &now, context.organization, &[updated.id]).await?;
    let beside = beside.remove(&updated.id).unwrap_or_default();
    let tag = etag(updated.version);
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .json(ModelSummary::of(updated, &space, beside)))
}

/// What records show besides their products, at the time of a view.
pub(super) async fn beside(
    state: &AppState,
    view: &View,
    organization: OrganizationId,
    products: &[ProductId],
) -> Answer<HashMap<ProductId, Beside>> {
    let (attachments, artifacts) = (view.attachments(state), view.artifacts());
    let versions = attachments.version_summaries(organization, products);
    let mut versions = versions.await?;
    let mut artifacts = artifacts
        .summarize_artifacts(organization, products)
        .await?;
    let both = products.iter().map(|id| {
        let versions = versions.remove(id).unwrap_or_default();
        let artifacts = artifacts.remove(id).unwrap_or_default();
        (
            *id,
            Beside {
                versions,
                artifacts,
            },
        )
    });
    Ok(both.collect())
}
