//! Data dependencies of products.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use probity_catalog::attachment::{
    DataDependency, DependencyInput, DependencyPatch, DependencyPatchInput, NewDependency,
};
use probity_kernel::{DataDependencyId, Patch};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::Validate;

use super::attached::{Answer, PageQuery, date, dated, judged, page, tagged};
use super::{Catalog, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{Faults, IfMatch, Json, Query, patch, path_id};
use crate::http::{instant, paging, product};
use crate::state::AppState;

/// What a product depends on.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = catalog::NewDataDependency, example = json!({
    "name": "claims_features", "dependency_type": "dataset", "uri": "s3://evidence/claims/2026-06",
    "version_label": "2026.06", "changed_at": "2026-06-01T00:00:00Z"
}))]
pub(super) struct CreateDependencyRequest {
    /// 1 to 200 characters on one line; unique among the product's dependencies.
    #[schema(required, nullable = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// `dataset` (when left out), `feature_store`, `stream`, `api`, `model` or `other`.
    dependency_type: Option<String>,
    /// Where it is, as the team writes it.
    #[schema(min_length = 1, max_length = 2048)]
    uri: Option<String>,
    /// Which version of it is used.
    #[schema(min_length = 1, max_length = 100)]
    version_label: Option<String>,
    /// What it holds.
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// When it last changed upstream; at most 5 minutes in the future.
    changed_at: Option<String>,
}

/// What changes in a dependency; absent members stay, null clears what is optional.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = catalog::UpdateDataDependency, example = json!({"changed_at": "2026-06-28T00:00:00Z"}))]
pub(super) struct UpdateDependencyRequest {
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false)]
    dependency_type: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 2048)]
    uri: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 100)]
    version_label: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, max_length = 2000)]
    description: Patch<String>,
    /// When it last changed upstream; at most 5 minutes in the future.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    changed_at: Patch<String>,
}

/// A data dependency of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::DataDependency)]
pub(super) struct DependencyResponse {
    id: String,
    product_id: String,
    name: String,
    #[schema(example = "dataset")]
    dependency_type: &'static str,
    uri: Option<String>,
    version_label: Option<String>,
    description: Option<String>,
    #[serde(serialize_with = "instant::option::serialize")]
    changed_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

impl From<DataDependency> for DependencyResponse {
    fn from(dependency: DataDependency) -> Self {
        Self {
            id: dependency.id.to_string(),
            product_id: dependency.product.to_string(),
            name: dependency.name,
            dependency_type: dependency.dependency_type.as_str(),
            uri: dependency.uri,
            version_label: dependency.version_label,
            description: dependency.description,
            changed_at: dependency.changed_at,
            created_at: dependency.created_at,
            updated_at: dependency.updated_at,
        }
    }
}

/// Lists the data dependencies of a product, newest first.
#[utoipa::path(
    operation_id = "catalog_list_data_dependencies", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), PageQuery),
    responses(
        (status = 200, description = "One page", body = Vec<DependencyResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; not after a cursor"),
            ("X-Has-More" = bool, description = "Whether there is another page"),
            ("X-Next-Cursor" = String, description = "Where the next page starts")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/data-dependencies")]
pub(super) async fn list_dependencies(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<PageQuery, Catalog>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let page = page(query)?;
    let organization = caller.context().organization;
    let found = state
        .attachments
        .dependencies(organization, product.id, &page);
    Ok(paging::array(
        &page,
        &found.await?.map(DependencyResponse::from),
    ))
}

/// Declares a data dependency.
#[utoipa::path(
    operation_id = "catalog_create_data_dependency", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = CreateDependencyRequest,
    responses(
        (status = 201, description = "Declared", body = DependencyResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/data-dependencies")]
pub(super) async fn create_dependency(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<CreateDependencyRequest, Catalog>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let (context, body) = caller.command(body)?;
    let mut faults = Faults::default();
    let input = DependencyInput {
        name: body.name,
        dependency_type: body.dependency_type,
        uri: body.uri,
        version_label: body.version_label,
        description: body.description,
        changed_at: date(&mut faults, "/changed_at", body.changed_at),
    };
    let new = judged(faults, NewDependency::parse(input, context.now))?;
    let declared = state
        .attachments
        .declare_dependency(&context, product.id, new);
    let declared = declared.await?;
    let version = declared.version;
    Ok(tagged(
        HttpResponse::Created(),
        version,
        &DependencyResponse::from(declared),
    ))
}

/// Reads one data dependency.
#[utoipa::path(
    operation_id = "catalog_get_data_dependency", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("dependency_id" = String, Path, description = "Id of the dependency")
    ),
    responses(
        (status = 200, description = "The dependency", body = DependencyResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/data-dependencies/{dependency_id}")]
pub(super) async fn get_dependency(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: DataDependencyId = path_id(&request, "dependency_id")?;
    let organization = caller.context().organization;
    let found = state
        .attachments
        .dependency(organization, product.id, id)
        .await?;
    let version = found.version;
    Ok(tagged(
        HttpResponse::Ok(),
        version,
        &DependencyResponse::from(found),
    ))
}

/// Changes a data dependency; a later `changed_at` says that the data changed upstream.
#[utoipa::path(
    operation_id = "catalog_update_data_dependency", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("dependency_id" = String, Path, description = "Id of the dependency"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = UpdateDependencyRequest,
    responses(
        (status = 200, description = "The dependency as it is now", body = DependencyResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[patch("/catalog/products/{product_id}/data-dependencies/{dependency_id}")]
pub(super) async fn update_dependency(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<UpdateDependencyRequest, Catalog>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id: DataDependencyId = path_id(&request, "dependency_id")?;
    let (body, _) = body.parse()?;
    let mut faults = Faults::default();
    let input = DependencyPatchInput {
        name: body.name,
        dependency_type: body.dependency_type,
        uri: body.uri,
        version_label: body.version_label,
        description: body.description,
        changed_at: dated(&mut faults, "/changed_at", body.changed_at),
    };
    let context = caller.context();
    let patch = judged(faults, DependencyPatch::parse(input, context.now))?;
    let expected = expected.version();
    let updated = state
        .attachments
        .update_dependency(context, &product, id, patch, expected);
    let updated = updated.await?;
    let version = updated.version;
    Ok(tagged(
        HttpResponse::Ok(),
        version,
        &DependencyResponse::from(updated),
    ))
}

/// Takes a data dependency back.
#[utoipa::path(
    operation_id = "catalog_delete_data_dependency", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("dependency_id" = String, Path, description = "Id of the dependency"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the removal is meant for")
    ),
    responses((status = 204, description = "Removed"), CallerErrors, Unprocessable, Missing, Clash, Outdated)
)]
#[delete("/catalog/products/{product_id}/data-dependencies/{dependency_id}")]
pub(super) async fn delete_dependency(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id: DataDependencyId = path_id(&request, "dependency_id")?;
    let context = caller.context();
    let removed = state
        .attachments
        .remove_dependency(context, &product, id, expected.version());
    removed.await?;
    Ok(HttpResponse::NoContent().finish())
}
