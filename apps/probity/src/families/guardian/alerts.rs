//! Alerts: what is out of bounds now, and who has taken note of it.

use std::str::FromStr;

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use probity_access::SpaceRole;
use probity_guardian::{
    Alert, AlertFilter, AlertState, ComplianceStatus, GuardianError, MetricKind, Resolution,
};
use probity_kernel::AlertId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::banners::{self, TrackedResponse};
use super::dto::schema;
use super::{Guardian, TAG, reach};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Malformed, Missing, PastNotKept};
use crate::http::as_of::{AsOf, AsOfParameter};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::cursor;
use crate::http::extract::{Faults, Json, PathId, Query, etag};
use crate::http::failure::Failure;
use crate::http::{instant, space};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Guardian>>;

/// A metric of a product that is or was out of bounds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Alert)]
pub(super) struct AlertResponse {
    #[schema(example = "alrt_01h455vb4pex5vsknk084sn02q")]
    id: String,
    model_id: String,
    #[schema(value_type = schema::Metric)]
    metric: &'static str,
    /// The worst reached since it was opened.
    #[schema(value_type = schema::Severity)]
    severity: &'static str,
    #[schema(value_type = schema::AlertState)]
    state: &'static str,
    /// The figure that moved the alert last, and the limit it was held against.
    value: f64,
    threshold: f64,
    snapshot_id: String,
    #[serde(serialize_with = "instant::serialize")]
    opened_at: OffsetDateTime,
    #[serde(serialize_with = "instant::option::serialize")]
    escalated_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::option::serialize")]
    acknowledged_at: Option<OffsetDateTime>,
    acknowledged_by: Option<String>,
    #[serde(serialize_with = "instant::option::serialize")]
    resolved_at: Option<OffsetDateTime>,
    /// `recovered` or `manual`.
    resolution: Option<&'static str>,
    note: Option<String>,
}

impl From<Alert> for AlertResponse {
    fn from(alert: Alert) -> Self {
        Self {
            id: alert.id.type_id(),
            model_id: alert.product.type_id(),
            metric: alert.metric.as_str(),
            severity: alert.severity.as_str(),
            state: alert.state.as_str(),
            value: alert.value,
            threshold: alert.threshold,
            snapshot_id: alert.snapshot.type_id(),
            opened_at: alert.opened_at,
            escalated_at: alert.escalated_at,
            acknowledged_at: alert.acknowledged_at,
            acknowledged_by: alert.acknowledged_by,
            resolved_at: alert.resolved_at,
            resolution: alert.resolution.map(Resolution::as_str),
            note: alert.note,
        }
    }
}

/// A status that an alert can have: nothing is wrong with GREEN.
struct Severity(ComplianceStatus);

impl FromStr for Severity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.parse() {
            Ok(ComplianceStatus::Green) | Err(_) => Err(()),
            Ok(status) => Ok(Self(status)),
        }
    }
}

/// Which alerts are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListAlertsQuery {
    /// Only those of one product.
    model_id: Option<String>,
    /// Exactly this metric.
    #[param(value_type = Option<schema::Metric>)]
    metric: Option<String>,
    /// Exactly this severity.
    #[param(value_type = Option<schema::Severity>)]
    severity: Option<String>,
    /// Exactly this state.
    #[param(value_type = Option<schema::AlertState>)]
    state: Option<String>,
    /// 1 to 200, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    offset: Option<String>,
    /// `nextCursor` of an earlier page. Not together with `offset`.
    cursor: Option<String>,
}

/// One page of alerts, newest opened first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::AlertList)]
pub(super) struct AlertListResponse {
    /// Always true.
    success: bool,
    total: u64,
    alerts: Vec<AlertResponse>,
    next_cursor: Option<String>,
}

/// Lists the alerts of metrics, newest opened first; those of all sources are banners.
#[utoipa::path(
    operation_id = "guardian_list_alerts", tag = TAG, security(("bearer" = [])), params(ListAlertsQuery, AsOfParameter),
    responses((status = 200, description = "One page", body = AlertListResponse), CallerErrors, Malformed, PastNotKept)
)]
#[get("/alerts")]
pub(super) async fn list_alerts(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    query: Query<ListAlertsQuery, Guardian>,
    as_of: AsOf<Guardian>,
) -> Answer<HttpResponse> {
    let view = as_of.view(&caller, &state).await?;
    let query = query.parse()?;
    let mut faults = Faults::default();
    let model_id = query.model_id.as_deref();
    let mut filter = AlertFilter {
        spaces: None,
        product: model_id.and_then(|text| faults.product("modelId", Some(text))),
        metric: faults.optional::<MetricKind>(
            "metric",
            query.metric.as_deref(),
            "drift, fairness, psi or disparateImpact",
        ),
        severity: faults
            .optional::<Severity>("severity", query.severity.as_deref(), "AMBER or RED")
            .map(|severity| severity.0),
        state: faults.optional::<AlertState>("state", query.state.as_deref(), "open or resolved"),
    };
    let limit = faults.number("limit", query.limit.as_deref(), 1..=200, 50);
    let page = faults.page(
        limit,
        "offset",
        query.offset.as_deref(),
        query.cursor.as_deref(),
    );
    faults.done()?;
    filter.spaces = space::seen(&caller, &state).await?;
    let guardian = view.guardian(&state);
    let organization = caller.context().organization;
    let found = guardian.list_alerts(organization, &filter, &page).await?;
    Ok(view.covered(HttpResponse::Ok().json(AlertListResponse {
        success: true,
        total: found.total,
        next_cursor: found.next.map(cursor::write),
        alerts: found.items.into_iter().map(AlertResponse::from).collect(),
    })))
}

/// An alert of a metric, or one of another source.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = guardian::AnyAlert)]
#[expect(dead_code, reason = "describes what is answered by either shape")]
pub(super) enum AnyAlert {
    Metric(AlertResponse),
    Tracked(TrackedResponse),
}

/// Reads one alert, whatever it came from.
#[utoipa::path(
    operation_id = "guardian_get_alert", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the alert"), AsOfParameter),
    responses(
        (status = 200, description = "The alert", body = AnyAlert, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Malformed, Missing, PastNotKept
    )
)]
#[get("/alerts/{id}")]
pub(super) async fn get_alert(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    id: PathId<AlertId, Guardian>,
    as_of: AsOf<Guardian>,
) -> Answer<HttpResponse> {
    let id = id.parse()?;
    let view = as_of.view(&caller, &state).await?;
    // Who may see it follows from the space it is in today, whatever the instant.
    if let Some(mut alert) = reached(&caller, &state, id, SpaceRole::Viewer).await? {
        if view.is_past() {
            let guardian = view.guardian(&state);
            alert = guardian.alert(caller.context().organization, id).await?;
        }
        return Ok(view.covered(answer(alert)));
    }
    let alert = banners::reached(&caller, &state, id, SpaceRole::Viewer).await?;
    if view.is_past() {
        // The past of the other sources is read in the record.
        return Err(GuardianError::AlertNotFound.into());
    }
    banners::answer(&state, alert, caller.context().now).await
}

/// The alert of a metric, for a caller who is at least this in the space of its product; `None` where
/// there is none of this id.
async fn reached<P>(
    caller: &Caller<Guardian, P>,
    state: &AppState,
    id: AlertId,
    role: SpaceRole,
) -> Answer<Option<Alert>> {
    let organization = caller.principal.organization;
    let alert = match state.guardian.alert(organization, id).await {
        Err(GuardianError::AlertNotFound) => return Ok(None),
        found => found?,
    };
    let missing = GuardianError::AlertNotFound;
    reach::found(caller, state, alert.product, role, missing).await?;
    Ok(Some(alert))
}

/// A word on the decision.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[schema(as = guardian::AlertDecision, example = json!({"note": "The feed was late; retraining is under way."}))]
pub(super) struct DecisionRequest {
    /// Free text of at most 2000 characters.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// Takes note of an alert, whatever it came from; doing so again changes nothing.
#[utoipa::path(
    operation_id = "guardian_acknowledge_alert", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the alert")),
    request_body = Option<DecisionRequest>,
    responses(
        (status = 200, description = "The alert as it is now", body = AnyAlert, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Missing, Clash
    )
)]
#[post("/alerts/{id}/acknowledge")]
pub(super) async fn acknowledge_alert(
    caller: Caller<Guardian, WriteAccess>,
    state: Data<AppState>,
    id: PathId<AlertId, Guardian>,
    body: Json<DecisionRequest, Guardian>,
) -> Answer<HttpResponse> {
    let id = id.parse()?;
    let note = body.parse_optional()?.0.note;
    if reached(&caller, &state, id, SpaceRole::Editor)
        .await?
        .is_some()
    {
        let done = state.guardian.acknowledge(caller.context(), id, note);
        return Ok(answer(done.await?));
    }
    banners::reached(&caller, &state, id, SpaceRole::Editor).await?;
    let done = state.alerts.acknowledge(caller.context(), id, note);
    banners::answer(&state, done.await?, caller.context().now).await
}

/// Closes an alert by hand, whatever it came from; doing so again changes nothing.
#[utoipa::path(
    operation_id = "guardian_resolve_alert", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the alert")),
    request_body = Option<DecisionRequest>,
    responses(
        (status = 200, description = "The alert as it is now", body = AnyAlert, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Missing, Clash
    )
)]
#[post("/alerts/{id}/resolve")]
pub(super) async fn resolve_alert(
    caller: Caller<Guardian, WriteAccess>,
    state: Data<AppState>,
    id: PathId<AlertId, Guardian>,
    body: Json<DecisionRequest, Guardian>,
) -> Answer<HttpResponse> {
    let id = id.parse()?;
    let note = body.parse_optional()?.0.note;
    if reached(&caller, &state, id, SpaceRole::Editor)
        .await?
        .is_some()
    {
        let done = state.guardian.resolve(caller.context(), id, note);
        return Ok(answer(done.await?));
    }
    banners::reached(&caller, &state, id, SpaceRole::Editor).await?;
    let done = state.alerts.resolve(caller.context(), id, note);
    banners::answer(&state, done.await?, caller.context().now).await
}

fn answer(alert: Alert) -> HttpResponse {
    let tag = etag(alert.version);
    HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .json(AlertResponse::from(alert))
}
