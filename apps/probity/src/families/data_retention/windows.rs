//! The retention windows.

use actix_web::web::Data;
use actix_web::{get, patch, web};
use probity_custody::{Retention, Target, Window, WindowInput};
use probity_kernel::{FieldError, Patch};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::Validate;

use super::{DataRetention, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Malformed};
use crate::http::auth::{AdminAccess, Caller};
use crate::http::extract::{Faults, Json, patch as member};
use crate::http::failure::Failure;
use crate::http::instant;
use crate::state::AppState;

type Answer = Result<web::Json<RetentionResponse>, Failure<DataRetention>>;

/// What law asks for beyond the window.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = retention::LegalFloor)]
struct FloorResponse {
    #[schema(example = 184)]
    days: u16,
    /// Where it says so.
    article: &'static str,
    /// Whether it applies: a product of high risk is governed.
    applies: bool,
}

/// The window of one target.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = retention::Window)]
struct WindowResponse {
    /// `audit_logs`, `evidence_packets` or `findings`.
    #[schema(example = "evidence_packets")]
    target: &'static str,
    #[schema(example = 2555, minimum = 30, maximum = 3650)]
    retention_days: u16,
    /// For how many days things are kept in fact; null under a hold.
    #[schema(example = 3653)]
    effective_days: Option<u16>,
    /// Whether nothing of it may be deleted for now.
    legal_hold: bool,
    hold_reason: Option<String>,
    legal_floor: Option<FloorResponse>,
    /// When it was last set; null while it never was.
    #[serde(serialize_with = "instant::option::serialize")]
    updated_at: Option<OffsetDateTime>,
}

impl WindowResponse {
    fn of(window: Window, governs_high_risk: bool) -> Self {
        let floor = window.target.floor().map(|floor| FloorResponse {
            days: floor.days,
            article: floor.article,
            applies: governs_high_risk,
        });
        Self {
            target: window.target.as_str(),
            retention_days: window.days,
            effective_days: window.effective_days(governs_high_risk),
            legal_hold: window.hold.is_some(),
            legal_floor: floor,
            updated_at: window.updated_at,
            hold_reason: window.hold,
        }
    }
}

/// Every window.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = retention::Windows)]
struct RetentionResponse {
    windows: Vec<WindowResponse>,
}

impl From<Retention> for RetentionResponse {
    fn from(retention: Retention) -> Self {
        let shown = |window| WindowResponse::of(window, retention.governs_high_risk);
        Self {
            windows: retention.windows.into_iter().map(shown).collect(),
        }
    }
}

/// What to change of one window: its days, its hold or the reason of the hold. What is absent stays.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = retention::SetWindow, example = json!({"target": "evidence_packets", "retention_days": 2555}))]
pub(super) struct SetWindowRequest {
    /// `audit_logs`, `evidence_packets` or `findings`.
    #[schema(required, nullable = false)]
    target: Option<String>,
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = i64, required = false, minimum = 30, maximum = 3650)]
    retention_days: Patch<i64>,
    /// Whether to keep everything for now, whatever the window.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = bool, required = false)]
    legal_hold: Patch<bool>,
    /// Why; required with a hold that is not in force yet.
    #[schema(min_length = 1, max_length = 500)]
    hold_reason: Option<String>,
}

/// Reads the retention windows of the organisation.
#[utoipa::path(
    operation_id = "retention_get_windows", tag = TAG, security(("bearer" = [])),
    responses((status = 200, description = "The windows", body = RetentionResponse), CallerErrors)
)]
#[get("/admin/data-retention")]
pub(super) async fn get_windows(
    caller: Caller<DataRetention, AdminAccess>,
    state: Data<AppState>,
) -> Answer {
    let found = state.retention.retention(caller.context().organization);
    Ok(web::Json(found.await?.into()))
}

/// Changes one retention window, 30 to 3650 days, or puts it under a hold.
#[utoipa::path(
    operation_id = "retention_set_window", tag = TAG, security(("bearer" = [])),
    request_body = SetWindowRequest,
    responses(
        (status = 200, description = "The windows as they are now", body = RetentionResponse),
        CallerErrors, BodyErrors, Malformed, Clash
    )
)]
#[patch("/admin/data-retention")]
pub(super) async fn patch_window(
    caller: Caller<DataRetention, AdminAccess>,
    state: Data<AppState>,
    body: Json<SetWindowRequest, DataRetention>,
) -> Answer {
    caller.unconfined()?;
    let (body, _) = body.parse()?;
    let mut faults = Faults::default();
    let target = match body.target.as_deref() {
        None => Err(FieldError::new("/target", "required", "is required")),
        Some(text) => text
            .parse::<Target>()
            .map_err(|unknown| FieldError::new("/target", "unknown_value", unknown.to_string())),
    };
    let target = faults.note(target.map_err(|fault| vec![fault]));
    let retention_days = faults.note(value("/retention_days", body.retention_days));
    let legal_hold = faults.note(value("/legal_hold", body.legal_hold));
    faults.done()?;
    let target = target.ok_or_else(|| Failure::malformed(Vec::new()))?;
    let input = WindowInput {
        retention_days: retention_days.flatten(),
        legal_hold: legal_hold.flatten(),
        hold_reason: body.hold_reason,
    };
    let set = state.retention.set(caller.context(), target, &input);
    Ok(web::Json(set.await?.into()))
}

/// The value of a member that may be absent, but has no value to be reset to.
fn value<T>(field: &str, given: Patch<T>) -> Result<Option<T>, Vec<FieldError>> {
    match given {
        Patch::Absent => Ok(None),
        Patch::Value(value) => Ok(Some(value)),
        Patch::Null => {
            let message = "must not be null; leave it out to keep it";
            Err(vec![FieldError::new(field, "not_nullable", message)])
        }
    }
}
