//! Risk metric links: custom thresholds of products.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post, put};
use probity_access::SpaceRole;
use probity_guardian::{
    GuardianError, LinkFilter, MetricKind, OverridesDraft, RiskMetricLink, ThresholdDraft,
    ThresholdOverrides,
};
use probity_kernel::{FieldError, ProductId, RiskMetricLinkId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::dto::ThresholdResponse;
use super::{Guardian, TAG, reach};
use crate::families::problem::{
    BodyErrors, CallerErrors, Clash, KeyReused, Malformed, Missing, Outdated, PastNotKept,
};
use crate::http::as_of::{AsOf, AsOfParameter};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::cursor;
use crate::http::extract::{Faults, IfMatch, Json, PathId, Query, etag};
use crate::http::failure::Failure;
use crate::http::{instant, space};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Guardian>>;

/// Amber and red limits; amber must come before red.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = guardian::NewThreshold)]
struct ThresholdRequest {
    #[schema(required, nullable = false)]
    amber: Option<f64>,
    #[schema(required, nullable = false)]
    red: Option<f64>,
}

/// The limits that replace the defaults; metrics that are absent keep them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::NewThresholdSet)]
struct OverridesRequest {
    drift: Option<ThresholdRequest>,
    fairness: Option<ThresholdRequest>,
    psi: Option<ThresholdRequest>,
    disparate_impact: Option<ThresholdRequest>,
}

/// A product and its limits.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::NewRiskMetricLink, example = json!({
    "modelId": "sys_01h455vb4pex5vsknk084sn02q", "thresholds": {"drift": {"amber": 30, "red": 40}}
}))]
pub(super) struct CreateLinkRequest {
    #[schema(required, nullable = false)]
    model_id: Option<String>,
    #[schema(required, nullable = false)]
    thresholds: Option<OverridesRequest>,
}

/// The limits anew, all of them.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = guardian::UpdateRiskMetricLink, example = json!({"thresholds": {"psi": {"amber": 0.05, "red": 0.1}}}))]
pub(super) struct UpdateLinkRequest {
    #[schema(required, nullable = false)]
    thresholds: Option<OverridesRequest>,
}

/// The custom limits of a product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::RiskMetricLink)]
pub(super) struct LinkResponse {
    #[schema(example = "rml_01h455vb4pex5vsknk084sn02q")]
    id: String,
    model_id: String,
    thresholds: OverridesResponse,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::ThresholdOverrides)]
struct OverridesResponse {
    drift: Option<ThresholdResponse>,
    fairness: Option<ThresholdResponse>,
    psi: Option<ThresholdResponse>,
    disparate_impact: Option<ThresholdResponse>,
}

impl From<RiskMetricLink> for LinkResponse {
    fn from(link: RiskMetricLink) -> Self {
        let limits = |kind| link.overrides.get(kind).map(ThresholdResponse::from);
        Self {
            id: link.id.type_id(),
            model_id: link.product.type_id(),
            thresholds: OverridesResponse {
                drift: limits(MetricKind::Drift),
                fairness: limits(MetricKind::Fairness),
                psi: limits(MetricKind::Psi),
                disparate_impact: limits(MetricKind::DisparateImpact),
            },
            created_at: link.created_at,
            updated_at: link.updated_at,
        }
    }
}

fn overrides(request: Option<OverridesRequest>) -> Result<ThresholdOverrides, Vec<FieldError>> {
    let missing = || vec![FieldError::new("/thresholds", "required", "is required")];
    let request = request.ok_or_else(missing)?;
    let limits = |limits: Option<ThresholdRequest>| {
        limits.map(|limits| ThresholdDraft {
            amber: limits.amber,
            red: limits.red,
        })
    };
    let draft = OverridesDraft {
        drift: limits(request.drift),
        fairness: limits(request.fairness),
        psi: limits(request.psi),
        disparate_impact: limits(request.disparate_impact),
    };
    draft.parse("/thresholds")
}

/// Which links are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListLinksQuery {
    /// Only that of one product.
    model_id: Option<String>,
    /// 1 to 200, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    offset: Option<String>,
    /// `nextCursor` of an earlier page. Not together with `offset`.
    cursor: Option<String>,
}

/// One page of links, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::RiskMetricLinkList)]
pub(super) struct LinkListResponse {
    /// Always true.
    success: bool,
    total: u64,
    links: Vec<LinkResponse>,
    next_cursor: Option<String>,
}

/// Lists the links, newest first.
#[utoipa::path(
    operation_id = "guardian_list_links", tag = TAG, security(("bearer" = [])), params(ListLinksQuery, AsOfParameter),
    responses((status = 200, description = "One page", body = LinkListResponse), CallerErrors, Malformed, PastNotKept)
)]
#[get("/risk-metric-links")]
pub(super) async fn list_links(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    query: Query<ListLinksQuery, Guardian>,
    as_of: AsOf<Guardian>,
) -> Answer<HttpResponse> {
    let view = as_of.view(&caller, &state).await?;
    let query = query.parse()?;
    let mut faults = Faults::default();
    let model_id = query.model_id.as_deref();
    let product = model_id.and_then(|text| faults.product("modelId", Some(text)));
    let limit = faults.number("limit", query.limit.as_deref(), 1..=200, 50);
    let page = faults.page(
        limit,
        "offset",
        query.offset.as_deref(),
        query.cursor.as_deref(),
    );
    faults.done()?;
    let spaces = space::seen(&caller, &state).await?;
    let filter = LinkFilter { product, spaces };
    let guardian = view.guardian(&state);
    let organization = caller.context().organization;
    let found = guardian.list_links(organization, &filter, &page).await?;
    Ok(view.covered(HttpResponse::Ok().json(LinkListResponse {
        success: true,
        total: found.total,
        next_cursor: found.next.map(cursor::write),
        links: found.items.into_iter().map(LinkResponse::from).collect(),
    })))
}

/// Gives a product limits of its own.
#[utoipa::path(
    operation_id = "guardian_create_link", tag = TAG, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)),
    request_body = CreateLinkRequest,
    responses(
        (status = 201, description = "Created", body = LinkResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, KeyReused
    )
)]
#[post("/risk-metric-links")]
pub(super) async fn create_link(
    caller: Caller<Guardian, WriteAccess>,
    state: Data<AppState>,
    body: Json<CreateLinkRequest, Guardian>,
) -> Answer<HttpResponse> {
    let (context, request) = caller.command(body)?;
    let mut faults = Faults::default();
    let product: Option<ProductId> = faults.product("/modelId", request.model_id.as_deref());
    let overrides = faults.note(overrides(request.thresholds));
    let (Some(product), Some(overrides)) = (product, overrides) else {
        faults.done()?;
        return Err(Failure::malformed(Vec::new()));
    };
    let product = reach::product(&caller, &state, product, SpaceRole::Editor).await?;
    let link = state
        .guardian
        .create_link(&context, product, overrides)
        .await?;
    let tag = etag(link.version);
    Ok(HttpResponse::Created()
        .insert_header((ETAG, tag))
        .json(LinkResponse::from(link)))
}

/// Reads one link.
#[utoipa::path(
    operation_id = "guardian_get_link", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the link"), AsOfParameter),
    responses(
        (status = 200, description = "The link", body = LinkResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Malformed, Missing, PastNotKept
    )
)]
#[get("/risk-metric-links/{id}")]
pub(super) async fn get_link(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    id: PathId<RiskMetricLinkId, Guardian>,
    as_of: AsOf<Guardian>,
) -> Answer<HttpResponse> {
    let id = id.parse()?;
    let view = as_of.view(&caller, &state).await?;
    let guardian = view.guardian(&state);
    let organization = caller.context().organization;
    let link = guardian.link(organization, id).await?;
    // A link may be gone today: who may see it follows from the space of its product.
    let missing = GuardianError::LinkNotFound;
    reach::found(&caller, &state, link.product, SpaceRole::Viewer, missing).await?;
    let tag = etag(link.version);
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, tag));
    Ok(view.covered(response.json(LinkResponse::from(link))))
}

/// The link, for a caller who is at least this in the space of its product.
async fn reached<P>(
    caller: &Caller<Guardian, P>,
    state: &AppState,
    id: RiskMetricLinkId,
    role: SpaceRole,
) -> Answer<RiskMetricLink> {
    let organization = caller.principal.organization;
    let link = state.guardian.link(organization, id).await?;
    let missing = GuardianError::LinkNotFound;
    reach::found(caller, state, link.product, role, missing).await?;
    Ok(link)
}

/// Replaces the limits of a link.
#[utoipa::path(
    operation_id = "guardian_update_link", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the link"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = UpdateLinkRequest,
    responses(
        (status = 200, description = "The link as it is now", body = LinkResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, Outdated
    )
)]
#[put("/risk-metric-links/{id}")]
pub(super) async fn update_link(
    caller: Caller<Guardian, WriteAccess>,
    state: Data<AppState>,
    id: PathId<RiskMetricLinkId, Guardian>,
    expected: IfMatch,
    body: Json<UpdateLinkRequest, Guardian>,
) -> Answer<HttpResponse> {
    let id = id.parse()?;
    let (request, _) = body.parse()?;
    let overrides = overrides(request.thresholds).map_err(Failure::malformed)?;
    reached(&caller, &state, id, SpaceRole::Editor).await?;
    let updated = state
        .guardian
        .update_link(caller.context(), id, overrides, expected.version());
    let link = updated.await?;
    let tag = etag(link.version);
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .json(LinkResponse::from(link)))
}

/// Removes a link; the global defaults apply again.
#[utoipa::path(
    operation_id = "guardian_delete_link", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the link"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the removal is meant for")
    ),
    responses((status = 204, description = "Removed"), CallerErrors, Malformed, Missing, Clash, Outdated)
)]
#[delete("/risk-metric-links/{id}")]
pub(super) async fn delete_link(
    caller: Caller<Guardian, WriteAccess>,
    state: Data<AppState>,
    id: PathId<RiskMetricLinkId, Guardian>,
    expected: IfMatch,
) -> Answer<HttpResponse> {
    let id = id.parse()?;
    reached(&caller, &state, id, SpaceRole::Editor).await?;
    state
        .guardian
        .delete_link(caller.context(), id, expected.version())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
