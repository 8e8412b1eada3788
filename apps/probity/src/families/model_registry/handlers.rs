//! The operations on entries.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post, put, web};
use probity_kernel::{OrganizationId, PageRequest, Paging, RegisteredModelId};
use probity_registry::{
    DiscoveryRequest, ModelFilter, ModelPatch, NewModel, RegisteredModel, RegistryError,
    RegistrySettings, RiskTier, ValidationStatus,
};

use super::dto::{
    DiscoverRequest, DiscoverResponse, ListModelsQuery, ModelListResponse, ModelResponse,
    RegisterModelRequest, UpdateModelRequest,
};
use super::{Registry, TAG};
use crate::families::problem::{
    BodyErrors, CallerErrors, Clash, KeyReused, Malformed, Missing, Outdated, PastNotKept,
};
use crate::http::as_of::{AsOf, AsOfParameter, View};
use crate::http::auth::{AdminAccess, Caller};
use crate::http::cursor;
use crate::http::extract::{Faults, IfMatch, Json, PathId, Query, etag};
use crate::http::failure::Failure;
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Registry>>;
type Admin = Caller<Registry, AdminAccess>;

/// Lists the inventory, newest first, as it is or as it was.
#[utoipa::path(
    operation_id = "registry_list_models", tag = TAG, security(("bearer" = [])), params(ListModelsQuery, AsOfParameter),
    responses((status = 200, description = "One page", body = ModelListResponse), CallerErrors, Malformed, PastNotKept)
)]
#[get("/models")]
pub(super) async fn list_models(
    caller: Admin,
    state: Data<AppState>,
    query: Query<ListModelsQuery, Registry>,
    as_of: AsOf<Registry>,
) -> Answer<HttpResponse> {
    let view = as_of.view(&caller, &state).await?;
    let organization = caller.context().organization;
    let (filter, page) = parse_list(query.parse()?)?;
    let offset = match page.paging {
        Paging::Offset(skip) => skip,
        Paging::After(_) => 0,
    };
    let registry = view.registry(&state);
    let found = registry.list(organization, &filter, &page).await?;
    let settings = settings_in(&state, &view, organization).await?;
    let render = |model: RegisteredModel| {
        let standing = model.standing(&settings, view.at());
        ModelResponse::new(model, standing)
    };
    let shown = ModelListResponse {
        total: found.total,
        limit: page.limit,
        offset,
        next_cursor: found.next.map(cursor::write),
        models: found.items.into_iter().map(render).collect(),
    };
    Ok(view.covered(HttpResponse::Ok().json(shown)))
}

/// The settings under which entries are shown.
async fn settings_in(
    state: &AppState,
    view: &View,
    organization: OrganizationId,
) -> Result<RegistrySettings, RegistryError> {
    if view.is_past() {
        return view.registry(state).settings(organization).await;
    }
    state.shown_settings(organization).await
}

/// The filter shared by the list and the export.
pub(super) fn parse_filter(
    faults: &mut Faults,
    risk_tier: Option<&str>,
    validation_status: Option<&str>,
) -> ModelFilter {
    let tier = risk_tier.map(|text| RiskTier::parse(text).map_err(|e| vec![e.at("risk_tier")]));
    let status = validation_status
        .map(|text| ValidationStatus::parse(text).map_err(|e| vec![e.at("validation_status")]));
    ModelFilter {
        risk_tier: tier.and_then(|tier| faults.note(tier)),
        validation_status: status.and_then(|status| faults.note(status)),
        provider: None,
        search: None,
    }
}

fn parse_list(query: ListModelsQuery) -> Answer<(ModelFilter, PageRequest)> {
    let mut faults = Faults::default();
    let mut filter = parse_filter(
        &mut faults,
        query.risk_tier.as_deref(),
        query.validation_status.as_deref(),
    );
    filter.provider = faults.text("provider", query.provider, 128);
    filter.search = faults.text("search", query.search, 256);
    let limit = faults.number("limit", query.limit.as_deref(), 1..=200, 50);
    let page = faults.page(
        limit,
        "offset",
        query.offset.as_deref(),
        query.cursor.as_deref(),
    );
    faults.done()?;
    Ok((filter, page))
}

/// Registers a model.
#[utoipa::path(
    operation_id = "registry_register_model", tag = TAG, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)),
    request_body = RegisterModelRequest,
    responses(
        (status = 201, description = "Registered", body = ModelResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Clash, KeyReused
    )
)]
#[post("/models")]
pub(super) async fn register_model(
    caller: Admin,
    state: Data<AppState>,
    body: Json<RegisterModelRequest, Registry>,
) -> Answer<HttpResponse> {
    let (context, request) = caller.command(body)?;
    let new = NewModel::parse(request.into()).map_err(Failure::malformed)?;
    let model = state.registry.register(&context, new).await?;
    let location = format!("/api/admin/models/{}", model.id);
    let (tag, body) = render(&state, &caller, model).await?;
    Ok(HttpResponse::Created()
        .insert_header((ETAG, tag))
        .insert_header(("Location", location))
        .json(body))
}

/// Reads one entry, as it is or as it was.
#[utoipa::path(
    operation_id = "registry_get_model", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "UUID of the entry"), AsOfParameter),
    responses(
        (status = 200, description = "The entry", body = ModelResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Malformed, Missing, PastNotKept
    )
)]
#[get("/models/{id}")]
pub(super) async fn get_model(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<RegisteredModelId, Registry>,
    as_of: AsOf<Registry>,
) -> Answer<HttpResponse> {
    let view = as_of.view(&caller, &state).await?;
    let organization = caller.context().organization;
    let model = view.registry(&state).get(organization, id.parse()?).await?;
    let settings = settings_in(&state, &view, organization).await?;
    let (tag, standing) = (etag(model.version), model.standing(&settings, view.at()));
    let body = ModelResponse::new(model, standing);
    let mut response = HttpResponse::Ok();
    Ok(view.covered(response.insert_header((ETAG, tag)).json(body)))
}

/// Changes what the body names; tags are replaced as a whole.
#[utoipa::path(
    operation_id = "registry_update_model", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "UUID of the entry"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = UpdateModelRequest,
    responses(
        (status = 200, description = "The entry as it is now", body = ModelResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, Outdated, KeyReused
    )
)]
#[put("/models/{id}")]
pub(super) async fn update_model(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<RegisteredModelId, Registry>,
    expected: IfMatch,
    body: Json<UpdateModelRequest, Registry>,
) -> Answer<HttpResponse> {
    let id = id.parse()?;
    let (request, _) = body.parse()?;
    let patch = ModelPatch::parse(request.into()).map_err(Failure::malformed)?;
    let model = state
        .registry
        .update(caller.context(), id, patch, expected.version())
        .await?;
    let (tag, body) = render(&state, &caller, model).await?;
    Ok(HttpResponse::Ok().insert_header((ETAG, tag)).json(body))
}

/// Removes an entry; the model then evaluates as `tier_4`.
#[utoipa::path(
    operation_id = "registry_delete_model", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "UUID of the entry"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the removal is meant for")
    ),
    responses((status = 204, description = "Removed"), CallerErrors, Malformed, Missing, Clash, Outdated)
)]
#[delete("/models/{id}")]
pub(super) async fn delete_model(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<RegisteredModelId, Registry>,
    expected: IfMatch,
) -> Answer<HttpResponse> {
    state
        .registry
        .delete(caller.context(), id.parse()?, expected.version())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Creates draft entries for models that are in use and not registered.
#[utoipa::path(
    operation_id = "registry_discover_models", tag = TAG, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)),
    request_body = DiscoverRequest,
    responses(
        (status = 200, description = "What was found", body = DiscoverResponse),
        CallerErrors, BodyErrors, Malformed, Clash, KeyReused
    )
)]
#[post("/models/discover")]
pub(super) async fn discover_models(
    caller: Admin,
    state: Data<AppState>,
    body: Json<DiscoverRequest, Registry>,
) -> Answer<web::Json<DiscoverResponse>> {
    let (context, request) = caller.command(body)?;
    let DiscoverRequest {
        lookback_days,
        auto_assign_tier,
        dry_run,
    } = request;
    let request = DiscoveryRequest::parse(lookback_days, auto_assign_tier.as_deref(), dry_run)
        .map_err(Failure::malformed)?;
    let report = state.registry.discover(&context, request).await?;
    Ok(web::Json(report.into()))
}

async fn render(
    state: &AppState,
    caller: &Admin,
    model: RegisteredModel,
) -> Answer<(String, ModelResponse)> {
    let settings = state.shown_settings(model.organization).await?;
    let standing = model.standing(&settings, caller.context().now);
    Ok((etag(model.version), ModelResponse::new(model, standing)))
}
