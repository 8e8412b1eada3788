//! The operations on spaces and model records.

use std::collections::HashMap;

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use probity_catalog::{CatalogError, NewProduct, NewSpace, Space};
use probity_kernel::{OrganizationId, ProductId};

use super::dto::{Beside, CreateSpaceRequest, ModelSummary, SpaceResponse};
use super::{Repository, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::auth::{AdminAccess, Caller, ReadAccess, WriteAccess};
use crate::http::extract::{IfMatch, Json, etag};
use crate::http::failure::Failure;
use crate::http::product_body::{NewProductBody, ProductPatchBody};
use crate::http::{organization, product};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Repository>>;

/// Creates a space.
#[utoipa::path(
    operation_id = "repository_create_space", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = CreateSpaceRequest,
    responses(
        (status = 201, description = "Created", body = SpaceResponse),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/organizations/{organization}/spaces")]
pub(super) async fn create_space(
    caller: Caller<Repository, AdminAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<CreateSpaceRequest, Repository>,
) -> Answer<HttpResponse> {
    organization::own(&caller, &state, &request).await?;
    let (context, body) = caller.command(body)?;
    let slug = body.slug.unwrap_or_default();
    let name = body.name.unwrap_or_else(|| slug.clone());
    let new = NewSpace::parse(&slug, &name, body.product_capacity)?;
    let space = state.catalog.create_space(&context, new).await?;
    Ok(HttpResponse::Created().json(SpaceResponse::from(space)))
}

/// Lists the spaces that the caller can see, by slug.
#[utoipa::path(
    operation_id = "repository_list_spaces", tag = TAG, security(("bearer" = [])),
    params(("organization" = String, Path, description = "Slug of the organisation")),
    responses((status = 200, description = "The spaces", body = Vec<SpaceResponse>), CallerErrors, Missing)
)]
#[get("/organizations/{organization}/spaces")]
pub(super) async fn list_spaces(
    caller: Caller<Repository, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer<web::Json<Vec<SpaceResponse>>> {
    organization::own(&caller, &state, &request).await?;
    let spaces = state
        .catalog
        .list_spaces(caller.context().organization)
        .await?;
    let visible = spaces
        .into_iter()
        .filter(|space| caller.principal.can_see_space(space.id));
    Ok(web::Json(visible.map(SpaceResponse::from).collect()))
}

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
    let space = state
        .catalog
        .space(caller.context().organization, slug)
        .await?;
    let space = visible(&caller, space)?;
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
    let mut beside = beside(&state, context.organization, &[updated.id]).await?;
    let beside = beside.remove(&updated.id).unwrap_or_default();
    let tag = etag(updated.version);
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .json(ModelSummary::of(updated, &space, beside)))
}

/// What records show besides their products.
pub(super) async fn beside(
    state: &AppState,
    organization: OrganizationId,
    products: &[ProductId],
) -> Answer<HashMap<ProductId, Beside>> {
    let versions = state.attachments.version_summaries(organization, products);
    let (mut versions, mut artifacts) = (
        versions.await?,
        state.artifacts.summaries(organization, products).await?,
    );
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

/// A space that the credential does not reach into does not exist.
pub(super) fn visible<P>(caller: &Caller<Repository, P>, space: Space) -> Answer<Space> {
    if caller.principal.can_see_space(space.id) {
        return Ok(space);
    }
    Err(CatalogError::SpaceNotFound.into())
}
