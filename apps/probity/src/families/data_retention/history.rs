//! The history of the retention windows.

use actix_web::web::Data;
use actix_web::{get, web};

use super::{DataRetention, TAG};
use crate::families::problem::{CallerErrors, Malformed};
use crate::http::auth::{AdminAccess, Caller};
use crate::http::extract::Query;
use crate::http::failure::Failure;
use crate::http::history::{self, HistoryParameters, HistoryResponse};
use crate::state::AppState;

/// Reads the changes of the retention windows and what was pruned by them, newest first, each field before and after.
#[utoipa::path(
    operation_id = "retention_get_history", tag = TAG, security(("bearer" = [])),
    params(HistoryParameters),
    responses((status = 200, description = "One page", body = HistoryResponse), CallerErrors, Malformed)
)]
#[get("/admin/data-retention/history")]
pub(super) async fn of_windows(
    caller: Caller<DataRetention, AdminAccess>,
    state: Data<AppState>,
    query: Query<HistoryParameters, DataRetention>,
) -> Result<web::Json<HistoryResponse>, Failure<DataRetention>> {
    let subject = ("data_retention", caller.principal.organization.uuid());
    let exists = std::future::ready(Ok(()));
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}
