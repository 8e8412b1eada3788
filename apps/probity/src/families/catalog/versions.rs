//! Versions of products.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use probity_catalog::attachment::{NewVersion, ProductVersion, VersionInput};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::Validate;

use super::attached::{Answer, PageQuery, date, judged, page, tagged};
use super::{Catalog, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{Faults, Json, Query};
use crate::http::{instant, paging, product};
use crate::state::AppState;

/// A version of the product.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = catalog::NewProductVersion, example = json!({
    "version_number": "2.1.0", "version_type": "minor", "release_date": "2026-06-28T00:00:00Z"
}))]
pub(super) struct RecordVersionRequest {
    /// The number in the team's own counting; unique among the product's versions.
    #[schema(required, nullable = false, min_length = 1, max_length = 100)]
    version_number: Option<String>,
    /// `major`, `minor`, `patch` or `prerelease`; `minor` when absent.
    version_type: Option<String>,
    /// An instant (RFC 3339).
    release_date: Option<String>,
    #[schema(max_length = 20000)]
    release_notes: Option<String>,
    /// Whether it takes the place of the current version; `true` when absent.
    is_current: Option<bool>,
}

/// A version of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::ProductVersion)]
pub(super) struct VersionResponse {
    id: String,
    product_id: String,
    version_number: String,
    version_type: &'static str,
    #[serde(serialize_with = "instant::option::serialize")]
    release_date: Option<OffsetDateTime>,
    release_notes: Option<String>,
    is_current: bool,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

impl From<ProductVersion> for VersionResponse {
    fn from(version: ProductVersion) -> Self {
        Self {
            id: version.id.to_string(),
            product_id: version.product.to_string(),
            version_number: version.version_number,
            version_type: version.version_type.as_str(),
            release_date: version.release_date,
            release_notes: version.release_notes,
            is_current: version.is_current,
            created_at: version.created_at,
            updated_at: version.updated_at,
        }
    }
}

/// Lists the versions of a product, newest first.
#[utoipa::path(
    operation_id = "catalog_list_versions", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), PageQuery),
    responses(
        (status = 200, description = "One page", body = Vec<VersionResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; not after a cursor"),
            ("X-Has-More" = bool, description = "Whether there is another page"),
            ("X-Next-Cursor" = String, description = "Where the next page starts")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/versions")]
pub(super) async fn list_versions(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<PageQuery, Catalog>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let page = page(query)?;
    let organization = caller.context().organization;
    let found = state.attachments.versions(organization, product.id, &page);
    Ok(paging::array(
        &page,
        &found.await?.map(VersionResponse::from),
    ))
}

/// Records a version. A current one takes the place of the one that was.
#[utoipa::path(
    operation_id = "catalog_create_version", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = RecordVersionRequest,
    responses(
        (status = 201, description = "Recorded", body = VersionResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/versions")]
pub(super) async fn create_version(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<RecordVersionRequest, Catalog>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let (context, body) = caller.command(body)?;
    let mut faults = Faults::default();
    let input = VersionInput {
        version_number: body.version_number,
        version_type: body.version_type,
        release_date: date(&mut faults, "/release_date", body.release_date),
        release_notes: body.release_notes,
        is_current: body.is_current,
    };
    let new = judged(faults, NewVersion::parse(input))?;
    let recorded = state.attachments.record_version(&context, product.id, new);
    let recorded = recorded.await?;
    let version = recorded.version;
    Ok(tagged(
        HttpResponse::Created(),
        version,
        &VersionResponse::from(recorded),
    ))
}
