//! Ingestion, history, thresholds and the simulator.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use probity_access::SpaceRole;
use probity_guardian::simulation::Simulation;
use probity_guardian::{
    ComplianceStatus, HistoryFilter, SnapshotDraft, ThresholdSource, Thresholds,
};
use probity_kernel::FieldError;
use serde::Deserialize;
use utoipa::IntoParams;

use super::dto::{
    BatchRequest, BatchResponse, HistoryQuery, HistoryResponse, IngestedResponse, SimulationQuery,
    SimulationResponse, SnapshotRequest, SnapshotResponse, ThresholdsResponse,
};
use super::{Guardian, TAG, reach};
use crate::families::problem::{
    BodyErrors, CallerErrors, Clash, KeyReused, Limited, Malformed, Missing, PastNotKept,
};
use crate::http::as_of::{AsOf, AsOfParameter};
use crate::http::auth::{Caller, IngestBatch, IngestSingle, ReadAccess};
use crate::http::cursor;
use crate::http::extract::{BATCH_BODY, Faults, Json, Query};
use crate::http::failure::Failure;
use crate::http::limits::Class;
use crate::state::AppState;

type Answer<T> = Result<web::Json<T>, Failure<Guardian>>;

/// Records one evaluation and judges it.
#[utoipa::path(
    operation_id = "guardian_ingest_metric", tag = TAG, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)),
    request_body = SnapshotRequest,
    responses(
        (status = 200, description = "Recorded and judged", body = IngestedResponse),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, KeyReused
    )
)]
#[post("/metrics")]
pub(super) async fn ingest(
    caller: Caller<Guardian, IngestSingle>,
    state: Data<AppState>,
    body: Json<SnapshotRequest, Guardian>,
) -> Answer<IngestedResponse> {
    let (context, request) = caller.command(body)?;
    let draft = request
        .draft("")
        .map_err(|fault| Failure::malformed(vec![fault]))?;
    let mut drafts = reach::drafts(&caller, &state, vec![draft]).await?;
    let draft = drafts.pop().unwrap_or_default();
    let ingested = state.guardian.ingest(context, draft).await?;
    state.metrics.snapshot(ingested.status.as_str());
    Ok(web::Json(ingested.into()))
}

/// Records 1 to 100 evaluations, all of them or none, and judges each.
#[utoipa::path(
    operation_id = "guardian_ingest_batch", tag = TAG, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)),
    request_body = BatchRequest,
    responses(
        (status = 200, description = "Recorded and judged", body = BatchResponse),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, KeyReused
    )
)]
#[post("/metrics/batch")]
pub(super) async fn ingest_batch(
    caller: Caller<Guardian, IngestBatch>,
    state: Data<AppState>,
    body: Json<BatchRequest, Guardian, BATCH_BODY>,
) -> Answer<BatchResponse> {
    let (context, request) = caller.command(body)?;
    let drafts = reach::drafts(&caller, &state, drafts(request)?).await?;
    let ingested = state.guardian.ingest_batch(context, drafts).await?;
    for one in &ingested {
        state.metrics.snapshot(one.status.as_str());
    }
    let results: Vec<_> = ingested.into_iter().map(IngestedResponse::from).collect();
    Ok(web::Json(BatchResponse {
        success: true,
        count: results.len(),
        results,
    }))
}

fn drafts(request: BatchRequest) -> Result<Vec<SnapshotDraft>, Failure<Guardian>> {
    let snapshots = request.snapshots.ok_or_else(|| {
        Failure::malformed(vec![FieldError::new(
            "/snapshots",
            "required",
            "is required",
        )])
    })?;
    let mut faults = Faults::default();
    let mut drafts = Vec::with_capacity(snapshots.len().min(100));
    for (index, snapshot) in snapshots.into_iter().enumerate() {
        let draft = snapshot.draft(&format!("/snapshots/{index}"));
        drafts.extend(faults.note(draft.map_err(|fault| vec![fault])));
    }
    faults.done()?;
    Ok(drafts)
}

/// Made-up figures for trying an integration; no credential is needed and nothing is read.
#[utoipa::path(
    operation_id = "guardian_simulate", tag = TAG, security(()), params(SimulationQuery),
    responses((status = 200, description = "Simulated figures", body = SimulationResponse), Malformed, Limited)
)]
#[get("/metrics")]
pub(super) async fn simulate(
    request: HttpRequest,
    state: Data<AppState>,
    query: Query<SimulationQuery, Guardian>,
) -> Answer<SimulationResponse> {
    if let Some(peer) = request.peer_addr() {
        state
            .limits
            .admit_here(&format!("address:{}", peer.ip()), Class::Simulation)?;
    }
    let SimulationQuery { model_id, seed } = query.parse()?;
    let mut faults = Faults::default();
    let model_id = faults.text("modelId", model_id, 256);
    let seed = faults.text("seed", seed, 64);
    faults.done()?;
    let model_id = model_id.as_deref().unwrap_or("test-model");
    let simulation = Simulation::new(model_id, seed.as_deref().unwrap_or("0"));
    Ok(web::Json(simulation.into()))
}

/// Lists a product's evaluations, newest captured first.
#[utoipa::path(
    operation_id = "guardian_list_history", tag = TAG, security(("bearer" = [])), params(HistoryQuery),
    responses((status = 200, description = "One page", body = HistoryResponse), CallerErrors, Malformed, Missing)
)]
#[get("/metrics/history")]
pub(super) async fn history(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    query: Query<HistoryQuery, Guardian>,
) -> Answer<HistoryResponse> {
    let query = query.parse()?;
    let mut faults = Faults::default();
    let product = faults.product("modelId", query.model_id.as_deref());
    let from = faults.instant("from", query.from.as_deref());
    let to = faults.instant("to", query.to.as_deref());
    let status = faults.optional::<ComplianceStatus>(
        "status",
        query.status.as_deref(),
        "GREEN, AMBER or RED",
    );
    let limit = faults.number("limit", query.limit.as_deref(), 1..=200, 50);
    let page = faults.page(
        limit,
        "offset",
        query.offset.as_deref(),
        query.cursor.as_deref(),
    );
    faults.done()?;
    let Some(product) = product else {
        return Err(Failure::malformed(Vec::new()));
    };
    let product = reach::product(&caller, &state, product, SpaceRole::Viewer).await?;
    let filter = HistoryFilter {
        product,
        from,
        to,
        status,
    };
    let organization = caller.context().organization;
    let found = state.guardian.history(organization, &filter, &page).await?;
    Ok(web::Json(HistoryResponse {
        success: true,
        total: found.total,
        next_cursor: found.next.map(cursor::write),
        snapshots: found
            .items
            .into_iter()
            .map(SnapshotResponse::from)
            .collect(),
    }))
}

/// For which product.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThresholdsQuery {
    /// The product's id; the global defaults when absent.
    model_id: Option<String>,
}

/// The limits that a product is judged by: its risk metric link's, or the global defaults.
#[utoipa::path(
    operation_id = "guardian_get_thresholds", tag = TAG, security(("bearer" = [])), params(ThresholdsQuery, AsOfParameter),
    responses((status = 200, description = "The limits", body = ThresholdsResponse), CallerErrors, Malformed, Missing, PastNotKept)
)]
#[get("/thresholds")]
pub(super) async fn thresholds(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    query: Query<ThresholdsQuery, Guardian>,
    as_of: AsOf<Guardian>,
) -> Result<HttpResponse, Failure<Guardian>> {
    let view = as_of.view(&caller, &state).await?;
    let model_id = query.parse()?.model_id;
    let mut faults = Faults::default();
    let product = model_id
        .as_deref()
        .and_then(|text| faults.product("modelId", Some(text)));
    faults.done()?;
    let (thresholds, source) = match product {
        Some(product) => {
            let product = reach::product(&caller, &state, product, SpaceRole::Viewer).await?;
            view.guardian(&state)
                .thresholds(caller.context().organization, product)
                .await?
        }
        None => (Thresholds::GLOBAL_DEFAULTS, ThresholdSource::GlobalDefaults),
    };
    let shown = ThresholdsResponse {
        model_id,
        source: source.as_str(),
        thresholds: thresholds.into(),
    };
    Ok(view.covered(HttpResponse::Ok().json(shown)))
}
