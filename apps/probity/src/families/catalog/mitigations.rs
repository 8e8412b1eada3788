//! Mitigations of risks of products.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use probity_catalog::attachment::{
    MitigationInput, MitigationPatch, MitigationPatchInput, NewMitigation, RiskMitigation,
};
use probity_kernel::{Patch, RiskMitigationId};
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

/// A risk and what is done about it.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = catalog::NewRiskMitigation, example = json!({
    "title": "Mask the postcode", "severity": "high", "owner": "model-risk@example.com", "due_at": "2026-09-30T00:00:00Z"
}))]
pub(super) struct CreateMitigationRequest {
    /// What is to be done.
    #[schema(required, nullable = false, min_length = 1, max_length = 200)]
    title: Option<String>,
    /// The risk and the plan in more words.
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// `low`, `medium`, `high` or `critical`.
    #[schema(required, nullable = false)]
    severity: Option<String>,
    /// `open` (when left out), `in_progress`, `resolved` or `accepted`.
    status: Option<String>,
    /// Who answers for it.
    #[schema(min_length = 1, max_length = 320)]
    owner: Option<String>,
    /// When it has to be closed.
    due_at: Option<String>,
}

/// What changes in a mitigation; absent members stay, null clears what is optional.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = catalog::UpdateRiskMitigation, example = json!({"status": "resolved"}))]
pub(super) struct UpdateMitigationRequest {
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    title: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, max_length = 2000)]
    description: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false)]
    severity: Patch<String>,
    /// Closing (`resolved`, `accepted`) stamps `closed_at`, reopening clears it.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false)]
    status: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 320)]
    owner: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    due_at: Patch<String>,
}

/// A mitigation of a risk of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::RiskMitigation)]
pub(super) struct MitigationResponse {
    id: String,
    product_id: String,
    title: String,
    description: Option<String>,
    #[schema(example = "high")]
    severity: &'static str,
    #[schema(example = "open")]
    status: &'static str,
    owner: Option<String>,
    #[serde(serialize_with = "instant::option::serialize")]
    due_at: Option<OffsetDateTime>,
    /// There while the mitigation is closed.
    #[serde(serialize_with = "instant::option::serialize")]
    closed_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

impl From<RiskMitigation> for MitigationResponse {
    fn from(mitigation: RiskMitigation) -> Self {
        Self {
            id: mitigation.id.to_string(),
            product_id: mitigation.product.to_string(),
            title: mitigation.title,
            description: mitigation.description,
            severity: mitigation.severity.as_str(),
            status: mitigation.status.as_str(),
            owner: mitigation.owner,
            due_at: mitigation.due_at,
            closed_at: mitigation.closed_at,
            created_at: mitigation.created_at,
            updated_at: mitigation.updated_at,
        }
    }
}

/// Lists the risk mitigations of a product, newest first.
#[utoipa::path(
    operation_id = "catalog_list_risk_mitigations", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), PageQuery),
    responses(
        (status = 200, description = "One page", body = Vec<MitigationResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; not after a cursor"),
            ("X-Has-More" = bool, description = "Whether there is another page"),
            ("X-Next-Cursor" = String, description = "Where the next page starts")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/risk-mitigations")]
pub(super) async fn list_mitigations(
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
        .mitigations(organization, product.id, &page);
    Ok(paging::array(
        &page,
        &found.await?.map(MitigationResponse::from),
    ))
}

/// Opens a risk mitigation.
#[utoipa::path(
    operation_id = "catalog_create_risk_mitigation", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = CreateMitigationRequest,
    responses(
        (status = 201, description = "Opened", body = MitigationResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/risk-mitigations")]
pub(super) async fn create_mitigation(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<CreateMitigationRequest, Catalog>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let (context, body) = caller.command(body)?;
    let mut faults = Faults::default();
    let input = MitigationInput {
        title: body.title,
        description: body.description,
        severity: body.severity,
        status: body.status,
        owner: body.owner,
        due_at: date(&mut faults, "/due_at", body.due_at),
    };
    let new = judged(faults, NewMitigation::parse(input))?;
    let opened = state.attachments.open_mitigation(&context, product.id, new);
    let opened = opened.await?;
    let version = opened.version;
    Ok(tagged(
        HttpResponse::Created(),
        version,
        &MitigationResponse::from(opened),
    ))
}

/// Reads one risk mitigation.
#[utoipa::path(
    operation_id = "catalog_get_risk_mitigation", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("mitigation_id" = String, Path, description = "Id of the mitigation")
    ),
    responses(
        (status = 200, description = "The mitigation", body = MitigationResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/risk-mitigations/{mitigation_id}")]
pub(super) async fn get_mitigation(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: RiskMitigationId = path_id(&request, "mitigation_id")?;
    let organization = caller.context().organization;
    let found = state
        .attachments
        .mitigation(organization, product.id, id)
        .await?;
    let version = found.version;
    Ok(tagged(
        HttpResponse::Ok(),
        version,
        &MitigationResponse::from(found),
    ))
}

/// Changes a risk mitigation; closing stamps `closed_at`, reopening clears it.
#[utoipa::path(
    operation_id = "catalog_update_risk_mitigation", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("mitigation_id" = String, Path, description = "Id of the mitigation"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = UpdateMitigationRequest,
    responses(
        (status = 200, description = "The mitigation as it is now", body = MitigationResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[patch("/catalog/products/{product_id}/risk-mitigations/{mitigation_id}")]
pub(super) async fn update_mitigation(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<UpdateMitigationRequest, Catalog>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id: RiskMitigationId = path_id(&request, "mitigation_id")?;
    let (body, _) = body.parse()?;
    let mut faults = Faults::default();
    let input = MitigationPatchInput {
        title: body.title,
        description: body.description,
        severity: body.severity,
        status: body.status,
        owner: body.owner,
        due_at: dated(&mut faults, "/due_at", body.due_at),
    };
    let context = caller.context();
    let patch = judged(faults, MitigationPatch::parse(input))?;
    let expected = expected.version();
    let updated = state
        .attachments
        .update_mitigation(context, &product, id, patch, expected);
    let updated = updated.await?;
    let version = updated.version;
    Ok(tagged(
        HttpResponse::Ok(),
        version,
        &MitigationResponse::from(updated),
    ))
}

/// Removes a risk mitigation.
#[utoipa::path(
    operation_id = "catalog_delete_risk_mitigation", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("mitigation_id" = String, Path, description = "Id of the mitigation"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the removal is meant for")
    ),
    responses((status = 204, description = "Removed"), CallerErrors, Unprocessable, Missing, Clash, Outdated)
)]
#[delete("/catalog/products/{product_id}/risk-mitigations/{mitigation_id}")]
pub(super) async fn delete_mitigation(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id: RiskMitigationId = path_id(&request, "mitigation_id")?;
    let context = caller.context();
    let removed = state
        .attachments
        .remove_mitigation(context, &product, id, expected.version());
    removed.await?;
    Ok(HttpResponse::NoContent().finish())
}
