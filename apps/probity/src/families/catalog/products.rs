//! Products whole: their record, their model, what is documented about them.

mod dto;

use actix_web::http::header::{CONTENT_DISPOSITION, ETAG, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use probity_access::SpaceRole;
use probity_catalog::{CatalogError, NewProduct, Product, ProductFilter, Space, card};

use self::dto::ProductResponse;
use super::attached::{Answer, PageQuery, page, tagged};
use super::{Catalog, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::as_of::{AsOf, AsOfParameter};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{IfMatch, Json, Query, etag};
use crate::http::failure::Failure;
use crate::http::product_body::{NewProductBody, ProductPatchBody};
use crate::http::{paging, product, space};
use crate::state::AppState;

/// The space in the path, which the caller has to see.
pub(super) async fn space<P>(
    caller: &Caller<Catalog, P>,
    state: &AppState,
    request: &HttpRequest,
) -> Result<Space, Failure<Catalog>> {
    let slug = request.match_info().query("slug");
    space::reached(caller, state, slug, SpaceRole::Viewer).await
}

/// A product of another space than the path's does not exist there.
pub(super) fn of_space(space: &Space, product: Product) -> Result<Product, Failure<Catalog>> {
    if product.space == space.id {
        return Ok(product);
    }
    Err(CatalogError::ProductNotFound.into())
}

/// Lists the products of a space that are not archived, newest first, as they are or as they were.
#[utoipa::path(
    operation_id = "catalog_list_products", tag = TAG, security(("bearer" = [])),
    params(("slug" = String, Path, description = "Slug of the space"), PageQuery, AsOfParameter),
    responses(
        (status = 200, description = "One page", body = Vec<ProductResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; absent after a cursor"),
            ("X-Has-More" = bool, description = "Whether another page exists"),
            ("X-Next-Cursor" = String, description = "Where the next page starts; absent on the last")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/spaces/{slug}/products")]
pub(super) async fn list_products(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<PageQuery, Catalog>,
    as_of: AsOf<Catalog>,
) -> Answer {
    let space = space(&caller, &state, &request).await?;
    let page = page(query)?;
    let view = as_of.view(&caller, &state).await?;
    let filter = ProductFilter::of_space(space.id);
    let catalog = view.catalog(&state);
    let found = catalog.list(space.organization, &filter, &page).await?;
    let shown = found.map(|product| ProductResponse::of(product, &space));
    Ok(view.covered(paging::array(&page, &shown)))
}

/// Creates a product in a space.
#[utoipa::path(
    operation_id = "catalog_create_product", tag = TAG, security(("bearer" = [])),
    params(
        ("slug" = String, Path, description = "Slug of the space"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = NewProductBody,
    responses(
        (status = 201, description = "Created", body = ProductResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/spaces/{slug}/products")]
pub(super) async fn create_product(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<NewProductBody, Catalog>,
) -> Answer {
    let slug = request.match_info().query("slug");
    let space = space::reached(&caller, &state, slug, SpaceRole::Editor).await?;
    let (context, body) = caller.command(body)?;
    let new = NewProduct::parse(body.input().map_err(Failure::malformed)?)?;
    let product = state.catalog.create_product(&context, &space, new).await?;
    let version = product.version;
    let location = format!(
        "/api/v1.0/catalog/spaces/{}/products/{}",
        space.slug, product.id
    );
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, location));
    Ok(tagged(
        response,
        version,
        &ProductResponse::of(product, &space),
    ))
}

/// Reads a product, archived or not, as it is or as it was.
#[utoipa::path(
    operation_id = "catalog_get_product", tag = TAG, security(("bearer" = [])),
    params(
        ("slug" = String, Path, description = "Slug of the space"),
        ("product_id" = String, Path, description = "Id of the product"),
        AsOfParameter
    ),
    responses(
        (status = 200, description = "The product", body = ProductResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/spaces/{slug}/products/{product_id}")]
pub(super) async fn get_product(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    as_of: AsOf<Catalog>,
) -> Answer {
    let view = as_of.view(&caller, &state).await?;
    let space = space(&caller, &state, &request).await?;
    let product = product::viewed_in(&caller, &state, &view, &request).await?;
    let product = of_space(&space, product)?;
    let version = product.version;
    Ok(view.covered(tagged(
        HttpResponse::Ok(),
        version,
        &ProductResponse::of(product, &space),
    )))
}

/// Writes a product as a model card: a front matter in YAML and sections in Markdown. Importing it
/// again changes nothing.
#[utoipa::path(
    operation_id = "catalog_get_model_card", tag = TAG, security(("bearer" = [])),
    params(
        ("slug" = String, Path, description = "Slug of the space"),
        ("product_id" = String, Path, description = "Id of the product")
    ),
    responses(
        (
            status = 200, description = "The model card", body = String, content_type = "text/markdown",
            headers(("ETag" = String, description = "Version")),
            example = "---\nlicense: apache-2.0\n---\n\n# Churn\n"
        ),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/spaces/{slug}/products/{product_id}/model-card")]
pub(super) async fn get_model_card(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let space = space(&caller, &state, &request).await?;
    let product = of_space(&space, product::viewed(&caller, &state, &request).await?)?;
    let name = format!("attachment; filename=\"{}.md\"", product.slug);
    Ok(HttpResponse::Ok()
        .content_type("text/markdown; charset=utf-8")
        .insert_header((ETAG, etag(product.version)))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(card::write(&product)))
}

/// Changes a product; absent members stay, null clears what is optional, and sections of the technical
/// documentation are merged one by one.
#[utoipa::path(
    operation_id = "catalog_update_product", tag = TAG, security(("bearer" = [])),
    params(
        ("slug" = String, Path, description = "Slug of the space"),
        ("product_id" = String, Path, description = "Id of the product"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = ProductPatchBody,
    responses(
        (status = 200, description = "The product as it is now", body = ProductResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[patch("/catalog/spaces/{slug}/products/{product_id}")]
pub(super) async fn update_product(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<ProductPatchBody, Catalog, DOCUMENTATION_BODY>,
) -> Answer {
    let space = space(&caller, &state, &request).await?;
    let product = of_space(&space, product::edited(&caller, &state, &request).await?)?;
    let (body, _) = body.parse()?;
    let changes = body.changes().map_err(Failure::malformed)?;
    let context = caller.context();
    let updated = state
        .catalog
        .patch_product(context, product.id, changes, expected.version())
        .await?;
    let version = updated.version;
    Ok(tagged(
        HttpResponse::Ok(),
        version,
        &ProductResponse::of(updated, &space),
    ))
}

/// Archives a product: it stays readable, takes no changes and leaves the lists. Archiving it again
/// changes nothing.
#[utoipa::path(
    operation_id = "catalog_archive_product", tag = TAG, security(("bearer" = [])),
    params(
        ("slug" = String, Path, description = "Slug of the space"),
        ("product_id" = String, Path, description = "Id of the product"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that is meant")
    ),
    responses((status = 204, description = "Archived"), CallerErrors, Unprocessable, Missing, Clash, Outdated)
)]
#[delete("/catalog/spaces/{slug}/products/{product_id}")]
pub(super) async fn archive_product(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
) -> Answer {
    let space = space(&caller, &state, &request).await?;
    let product = of_space(&space, product::edited(&caller, &state, &request).await?)?;
    let archived = state
        .catalog
        .archive_product(caller.context(), product.id, expected.version());
    archived.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Room for seven sections of the longest kind.
const DOCUMENTATION_BODY: usize = 4 << 20;
