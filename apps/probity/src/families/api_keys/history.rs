//! The histories of API keys.

use actix_web::web::Data;
use actix_web::{get, web};
use probity_kernel::ApiKeyId;

use super::{ApiKeys, TAG};
use crate::families::problem::{CallerErrors, Malformed, Missing};
use crate::http::auth::{AdminAccess, Caller};
use crate::http::extract::{PathId, Query};
use crate::http::failure::Failure;
use crate::http::history::{self, HistoryParameters, HistoryResponse};
use crate::state::AppState;

type Answer = Result<web::Json<HistoryResponse>, Failure<ApiKeys>>;

/// Reads the changes of a key, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "api_keys_get_history", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id, in either spelling"), HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Malformed, Missing
    )
)]
#[get("/api-keys/{id}/history")]
pub(super) async fn of_key(
    caller: Caller<ApiKeys, AdminAccess>,
    state: Data<AppState>,
    id: PathId<ApiKeyId, ApiKeys>,
    query: Query<HistoryParameters, ApiKeys>,
) -> Answer {
    let id = id.parse()?;
    let organization = caller.principal.organization;
    let exists = async {
        let found = state.access.get(organization, id);
        found.await?;
        Ok(())
    };
    let subject = ("api_key", id.uuid());
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}
