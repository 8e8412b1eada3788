//! Service levels: the figures per severity, and the targets they are held to.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, put, web};
use probity_alerts::{
    Compliance, Configured, Durations, Severity, SlaTargets, TargetsInput, Tier, TierFigures,
    TierInput,
};
use probity_kernel::Patch;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::dto::schema;
use super::{Guardian, TAG};
use crate::families::problem::{
    BodyErrors, CallerErrors, Clash, Malformed, Outdated, Unprocessable,
};
use crate::http::auth::{AdminAccess, Caller, ReadAccess};
use crate::http::extract::{Faults, IfMatch, Json, Query, etag, patch};
use crate::http::failure::Failure;
use crate::http::instant;
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Guardian>>;

/// The window where none is asked for.
const USUAL_WINDOW: Duration = Duration::days(30);

/// Minutes; null where there is no target.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::SlaTarget)]
struct TargetResponse {
    /// From the start of the clock to the acknowledgement.
    #[schema(example = 15)]
    acknowledge_minutes: Option<u32>,
    /// From the start of the clock to the end.
    #[schema(example = 240)]
    resolve_minutes: Option<u32>,
}

impl From<Tier> for TargetResponse {
    fn from(tier: Tier) -> Self {
        Self {
            acknowledge_minutes: tier.acknowledge,
            resolve_minutes: tier.resolve,
        }
    }
}

/// How long things took, in whole seconds; percentiles by nearest rank.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Durations)]
struct DurationsResponse {
    count: u64,
    mean_seconds: u64,
    p50_seconds: u64,
    p90_seconds: u64,
    p95_seconds: u64,
    p99_seconds: u64,
    max_seconds: u64,
}

impl From<Durations> for DurationsResponse {
    fn from(known: Durations) -> Self {
        Self {
            count: known.count,
            mean_seconds: known.mean,
            p50_seconds: known.p50,
            p90_seconds: known.p90,
            p95_seconds: known.p95,
            p99_seconds: known.p99,
            max_seconds: known.max,
        }
    }
}

/// How often a target was kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::SlaCompliance)]
struct ComplianceResponse {
    /// In time.
    met: u64,
    /// Too late, or too late already.
    breached: u64,
    /// The deadline is still to come.
    pending: u64,
    /// `met / (met + breached)`, 0 to 1; null while neither is.
    #[schema(minimum = 0, maximum = 1)]
    rate: Option<f64>,
}

impl From<Compliance> for ComplianceResponse {
    fn from(known: Compliance) -> Self {
        Self {
            met: known.met,
            breached: known.breached,
            pending: known.pending,
            rate: known.rate(),
        }
    }
}

/// The figures of one severity.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::SlaTier)]
struct TierResponse {
    #[schema(value_type = schema::AlertSeverity)]
    severity: &'static str,
    /// In force now.
    targets: TargetResponse,
    /// How many alerts there are.
    alerts: u64,
    /// How many of them stand.
    open: u64,
    /// Of those that were acknowledged; who ends an alert has taken note of it.
    time_to_acknowledge: Option<DurationsResponse>,
    /// Of those that ended.
    time_to_resolve: Option<DurationsResponse>,
    acknowledge: ComplianceResponse,
    resolve: ComplianceResponse,
}

impl From<TierFigures> for TierResponse {
    fn from(known: TierFigures) -> Self {
        Self {
            severity: known.severity.as_str(),
            targets: known.targets.into(),
            alerts: known.alerts,
            open: known.open,
            time_to_acknowledge: known.time_to_acknowledge.map(Into::into),
            time_to_resolve: known.time_to_resolve.map(Into::into),
            acknowledge: known.acknowledge.into(),
            resolve: known.resolve.into(),
        }
    }
}

/// How service levels were kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::SlaReport)]
pub(super) struct ReportResponse {
    /// Always true.
    success: bool,
    #[serde(serialize_with = "instant::serialize")]
    from: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    to: OffsetDateTime,
    /// Gravest first.
    tiers: Vec<TierResponse>,
}

/// Of which alerts: those whose clocks were started in the window.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportQuery {
    /// Not earlier than this instant (RFC 3339); 30 days before `to` when absent.
    from: Option<String>,
    /// Earlier than this instant; now when absent. At most 366 days after `from`.
    to: Option<String>,
}

/// Tells how service levels were kept, severity by severity: time to acknowledge and to resolve with
/// percentiles, and how many alerts met, missed or still have their deadlines.
#[utoipa::path(
    operation_id = "guardian_get_sla", tag = TAG, security(("bearer" = [])), params(ReportQuery),
    responses((status = 200, description = "The figures", body = ReportResponse), CallerErrors, Malformed, Unprocessable)
)]
#[get("/alerts/sla")]
pub(super) async fn get_report(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    query: Query<ReportQuery, Guardian>,
) -> Answer<web::Json<ReportResponse>> {
    let query = query.parse()?;
    let mut faults = Faults::default();
    let from = faults.instant("from", query.from.as_deref());
    let to = faults.instant("to", query.to.as_deref());
    faults.done()?;
    let now = caller.context().now;
    // What happened this very millisecond belongs to it.
    let to = to.unwrap_or(now + Duration::milliseconds(1));
    let from = from.unwrap_or(to.saturating_sub(USUAL_WINDOW));
    let organization = caller.context().organization;
    let report = state.alerts.report(organization, from, to, now).await?;
    Ok(web::Json(ReportResponse {
        success: true,
        from,
        to,
        tiers: report.tiers.into_iter().map(TierResponse::from).collect(),
    }))
}

/// The targets of an organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = guardian::SlaTargets)]
pub(super) struct TargetsResponse {
    /// Always true.
    success: bool,
    critical: TargetResponse,
    high: TargetResponse,
    medium: TargetResponse,
    low: TargetResponse,
}

/// New targets of one severity; absent members stay, null takes a target away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::UpdateSlaTarget)]
struct TargetRequest {
    /// Minutes, 1 to 525600.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 525_600)]
    acknowledge_minutes: Patch<i64>,
    /// Minutes, 1 to 525600, not less than those for the acknowledgement.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 525_600)]
    resolve_minutes: Patch<i64>,
}

fn tier(request: Option<TargetRequest>) -> TierInput {
    let request = request.unwrap_or_default();
    TierInput {
        acknowledge: request.acknowledge_minutes,
        resolve: request.resolve_minutes,
    }
}

/// New targets; absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = guardian::UpdateSlaTargets, example = json!({"critical": {"acknowledgeMinutes": 10, "resolveMinutes": 120}, "low": {"resolveMinutes": null}}))]
pub(super) struct TargetsRequest {
    critical: Option<TargetRequest>,
    high: Option<TargetRequest>,
    medium: Option<TargetRequest>,
    low: Option<TargetRequest>,
}

impl From<TargetsRequest> for TargetsInput {
    fn from(request: TargetsRequest) -> Self {
        Self {
            critical: tier(request.critical),
            high: tier(request.high),
            medium: tier(request.medium),
            low: tier(request.low),
        }
    }
}

fn render(configured: &Configured<SlaTargets>) -> HttpResponse {
    let of = |severity| configured.value.of(severity).into();
    HttpResponse::Ok()
        .insert_header((ETAG, etag(configured.version)))
        .json(TargetsResponse {
            success: true,
            critical: of(Severity::Critical),
            high: of(Severity::High),
            medium: of(Severity::Medium),
            low: of(Severity::Low),
        })
}

/// Reads the targets that alerts are held to.
#[utoipa::path(
    operation_id = "guardian_get_sla_targets", tag = TAG, security(("bearer" = [])),
    responses(
        (status = 200, description = "The targets", body = TargetsResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors
    )
)]
#[get("/alerts/sla/targets")]
pub(super) async fn get_targets(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
) -> Answer<HttpResponse> {
    let organization = caller.context().organization;
    Ok(render(&state.alerts.targets(organization).await?))
}

/// Changes the targets that alerts are held to; they count from now on for all that stand.
#[utoipa::path(
    operation_id = "guardian_update_sla_targets", tag = TAG, security(("bearer" = [])),
    params(("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")),
    request_body = TargetsRequest,
    responses(
        (status = 200, description = "The targets as they are now", body = TargetsResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Clash, Outdated
    )
)]
#[put("/alerts/sla/targets")]
pub(super) async fn put_targets(
    caller: Caller<Guardian, AdminAccess>,
    state: Data<AppState>,
    expected: IfMatch,
    body: Json<TargetsRequest, Guardian>,
) -> Answer<HttpResponse> {
    caller.unconfined()?;
    let (body, _) = body.parse()?;
    let (input, demanded) = (TargetsInput::from(body), expected.version());
    let changed = state.alerts.set_targets(caller.context(), &input, demanded);
    Ok(render(&changed.await?))
}
