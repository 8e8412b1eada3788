//! The histories of limits, of alerts and of what is set for them.

use actix_web::web::Data;
use actix_web::{get, web};
use probity_access::SpaceRole;
use probity_custody::HistoryEntry;
use probity_guardian::GuardianError;
use probity_kernel::{AlertId, Page, RiskMetricLinkId};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{Guardian, TAG, reach};
use crate::families::problem::{CallerErrors, Malformed, Missing};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::cursor;
use crate::http::extract::{PathId, Query};
use crate::http::failure::Failure;
use crate::http::history::{self, FieldChangeResponse, HistoryParameters};
use crate::http::instant;
use crate::state::AppState;

type Answer = Result<web::Json<HistoryResponse>, Failure<Guardian>>;

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::HistoryEntry)]
struct EntryResponse {
    /// The index of its leaf in the organisation's record.
    #[schema(example = 41)]
    audit_index: u64,
    #[schema(example = "alert.acknowledged")]
    action: String,
    #[serde(serialize_with = "instant::serialize")]
    at: OffsetDateTime,
    /// A reference to who did it; null when it was erased.
    #[schema(value_type = Option<Object>)]
    actor: Option<Value>,
    /// The fields that changed; null when they were erased.
    changes: Option<Vec<FieldChangeResponse>>,
}

/// One page of changes, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::HistoryPage)]
pub(super) struct HistoryResponse {
    /// Always true.
    success: bool,
    /// How many changes there are.
    total: u64,
    history: Vec<EntryResponse>,
    next_cursor: Option<String>,
}

impl From<HistoryEntry> for EntryResponse {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            audit_index: entry.audit_index,
            action: entry.action,
            at: entry.at,
            actor: entry.actor,
            changes: entry.changes.map(history::shown),
        }
    }
}

fn answer(page: Page<HistoryEntry>) -> web::Json<HistoryResponse> {
    web::Json(HistoryResponse {
        success: true,
        total: page.total,
        next_cursor: page.next.map(cursor::write),
        history: page.items.into_iter().map(EntryResponse::from).collect(),
    })
}

/// Reads the changes of a link, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "guardian_get_link_history", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id, in either spelling"), HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Malformed, Missing
    )
)]
#[get("/risk-metric-links/{id}/history")]
pub(super) async fn of_link(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    id: PathId<RiskMetricLinkId, Guardian>,
    query: Query<HistoryParameters, Guardian>,
) -> Answer {
    let id = id.parse()?;
    let organization = caller.principal.organization;
    let missing = GuardianError::LinkNotFound;
    let gone = match state.guardian.link(organization, id).await {
        Ok(link) => {
            reach::found(&caller, &state, link.product, SpaceRole::Viewer, missing).await?;
            false
        }
        // Of a link that is gone nobody can tell the space: only who sees every space sees its past.
        Err(GuardianError::LinkNotFound)
            if caller.principal.reach.is_everywhere(SpaceRole::Viewer) =>
        {
            true
        }
        Err(error) => return Err(error.into()),
    };
    let exists = async move {
        if gone {
            return Err(GuardianError::LinkNotFound.into());
        }
        Ok(())
    };
    let subject = ("risk_metric_link", id.uuid());
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(answer(page.await?))
}

/// Reads the changes of an alert, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "guardian_get_alert_history", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id, in either spelling"), HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Malformed, Missing
    )
)]
#[get("/alerts/{id}/history")]
pub(super) async fn of_alert(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    id: PathId<AlertId, Guardian>,
    query: Query<HistoryParameters, Guardian>,
) -> Answer {
    let id = id.parse()?;
    let organization = caller.principal.organization;
    let alert = state.guardian.alert(organization, id).await?;
    let missing = GuardianError::AlertNotFound;
    reach::found(&caller, &state, alert.product, SpaceRole::Viewer, missing).await?;
    let exists = std::future::ready(Ok(()));
    let subject = ("alert", id.uuid());
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(answer(page.await?))
}

/// Reads the changes of the targets that alerts are held to, newest first, each severity before and after.
#[utoipa::path(
    operation_id = "guardian_get_sla_targets_history", tag = TAG, security(("bearer" = [])),
    params(HistoryParameters),
    responses((status = 200, description = "One page", body = HistoryResponse), CallerErrors, Malformed)
)]
#[get("/alerts/sla/targets/history")]
pub(super) async fn of_targets(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    query: Query<HistoryParameters, Guardian>,
) -> Answer {
    let subject = ("alert_sla_targets", caller.principal.organization.uuid());
    let exists = std::future::ready(Ok(()));
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(answer(page.await?))
}

/// Reads the changes of the caller's own preferences, newest first, each field before and after; empty for the bearer
/// of a token whom the server does not know as a user.
#[utoipa::path(
    operation_id = "guardian_get_preferences_history", tag = TAG, security(("bearer" = [])),
    params(HistoryParameters),
    responses((status = 200, description = "One page", body = HistoryResponse), CallerErrors, Malformed)
)]
#[get("/alerts/preferences/history")]
pub(super) async fn of_preferences(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    query: Query<HistoryParameters, Guardian>,
) -> Answer {
    let owner = caller.context().actor.id().unwrap_or_default();
    let subject = ("alert_preferences", owner);
    let exists = std::future::ready(Ok(()));
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(answer(page.await?))
}
