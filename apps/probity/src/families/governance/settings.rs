//! The periods and penalties by which an organisation's products are judged.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, put};
use probity_governance::{Configuration, SettingsInput};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::refusal::told;
use super::{Governance, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::auth::{AdminAccess, Caller, ReadAccess};
use crate::http::extract::{IfMatch, Json, etag};
use crate::http::failure::Failure;
use crate::http::organization;
use crate::state::AppState;

type Answer = Result<HttpResponse, Failure<Governance>>;

/// The settings of the judgement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::Settings)]
struct SettingsResponse {
    /// For how many days a metric snapshot counts as monitoring.
    #[schema(example = 30)]
    monitoring_window_days: u16,
    /// After how many days technical documentation is stale.
    #[schema(example = 180)]
    documentation_max_age_days: u16,
    overdue_review: OverdueResponse,
    /// How many days after an approval the next review is due, where the decision names no day.
    #[schema(example = 365)]
    review_period_days: u16,
    drift_penalties: PenaltiesResponse,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::OverdueReview)]
struct OverdueResponse {
    /// After how many days an overdue review is of high severity.
    #[schema(example = 30)]
    high_after_days: u16,
    /// After how many days it is critical in production.
    #[schema(example = 90)]
    critical_after_days: u16,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::DriftPenalties)]
struct PenaltiesResponse {
    #[schema(example = 15)]
    critical: u8,
    #[schema(example = 10)]
    high: u8,
    #[schema(example = 5)]
    medium: u8,
    #[schema(example = 2)]
    low: u8,
}

/// What changes in the settings; absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = governance::UpdateSettings, example = json!({"monitoring_window_days": 14, "drift_penalties": {"critical": 20}}))]
struct SettingsRequest {
    /// Days, 1 to 3650.
    monitoring_window_days: Option<i64>,
    /// Days, 1 to 3650.
    documentation_max_age_days: Option<i64>,
    overdue_review: Option<OverdueRequest>,
    /// Days, 1 to 3650.
    review_period_days: Option<i64>,
    drift_penalties: Option<PenaltiesRequest>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = governance::UpdateOverdueReview)]
struct OverdueRequest {
    /// Days, 1 to 3650.
    high_after_days: Option<i64>,
    /// Days, 1 to 3650, more than `high_after_days`.
    critical_after_days: Option<i64>,
}

/// Points, 0 to 100 each, the graver never less.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = governance::UpdateDriftPenalties)]
struct PenaltiesRequest {
    critical: Option<i64>,
    high: Option<i64>,
    medium: Option<i64>,
    low: Option<i64>,
}

impl From<SettingsRequest> for SettingsInput {
    fn from(request: SettingsRequest) -> Self {
        let overdue = request.overdue_review.unwrap_or_default();
        let penalties = request.drift_penalties.unwrap_or_default();
        Self {
            monitoring_window_days: request.monitoring_window_days,
            documentation_max_age_days: request.documentation_max_age_days,
            overdue_high_after_days: overdue.high_after_days,
            overdue_critical_after_days: overdue.critical_after_days,
            review_period_days: request.review_period_days,
            penalty_low: penalties.low,
            penalty_medium: penalties.medium,
            penalty_high: penalties.high,
            penalty_critical: penalties.critical,
        }
    }
}

fn render(configuration: &Configuration) -> HttpResponse {
    let settings = &configuration.settings;
    let body = SettingsResponse {
        monitoring_window_days: settings.monitoring_window_days,
        documentation_max_age_days: settings.documentation_max_age_days,
        overdue_review: OverdueResponse {
            high_after_days: settings.overdue_high_after_days,
            critical_after_days: settings.overdue_critical_after_days,
        },
        review_period_days: settings.review_period_days,
        drift_penalties: PenaltiesResponse {
            critical: settings.penalties.critical,
            high: settings.penalties.high,
            medium: settings.penalties.medium,
            low: settings.penalties.low,
        },
    };
    HttpResponse::Ok()
        .insert_header((ETAG, etag(configuration.version)))
        .json(body)
}

/// Reads the settings by which products are judged.
#[utoipa::path(
    operation_id = "governance_get_settings", tag = TAG, security(("bearer" = [])),
    params(("organization" = String, Path, description = "Slug of the organisation")),
    responses(
        (status = 200, description = "The settings", body = SettingsResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Missing
    )
)]
#[get("/organizations/{organization}/ai-governance-settings")]
pub(super) async fn get_settings(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    organization::own(&caller, &state, &request).await?;
    let organization = caller.context().organization;
    let configuration = state.governance.configuration(organization).await;
    Ok(render(&configuration.map_err(told)?))
}

/// Changes the settings by which products are judged; all products are judged anew.
#[utoipa::path(
    operation_id = "governance_update_settings", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = SettingsRequest,
    responses(
        (status = 200, description = "The settings as they are now", body = SettingsResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[put("/organizations/{organization}/ai-governance-settings")]
pub(super) async fn put_settings(
    caller: Caller<Governance, AdminAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<SettingsRequest, Governance>,
) -> Answer {
    organization::own(&caller, &state, &request).await?;
    caller.unconfined()?;
    let (body, _) = body.parse()?;
    let (input, demanded) = (SettingsInput::from(body), expected.version());
    let changed = state
        .governance
        .configure(caller.context(), &input, demanded);
    Ok(render(&changed.await.map_err(told)?))
}
