//! The histories of the inventory.

use actix_web::web::Data;
use actix_web::{get, web};
use probity_kernel::RegisteredModelId;

use super::{Registry, TAG};
use crate::families::problem::{CallerErrors, Malformed, Missing};
use crate::http::auth::{AdminAccess, Caller};
use crate::http::extract::{PathId, Query};
use crate::http::failure::Failure;
use crate::http::history::{self, HistoryParameters, HistoryResponse};
use crate::state::AppState;

type Answer = Result<web::Json<HistoryResponse>, Failure<Registry>>;

/// Reads the changes of an entry, newest first, each field before and after; also of one that was removed.
#[utoipa::path(
    operation_id = "registry_get_model_history", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id, in either spelling"), HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Malformed, Missing
    )
)]
#[get("/models/{id}/history")]
pub(super) async fn of_model(
    caller: Caller<Registry, AdminAccess>,
    state: Data<AppState>,
    id: PathId<RegisteredModelId, Registry>,
    query: Query<HistoryParameters, Registry>,
) -> Answer {
    let id = id.parse()?;
    let organization = caller.principal.organization;
    let exists = async {
        let found = state.registry.get(organization, id);
        found.await?;
        Ok(())
    };
    let subject = ("registered_model", id.uuid());
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of the settings of the inventory, newest first, each field before and after.
#[utoipa::path(
    operation_id = "registry_get_settings_history", tag = TAG, security(("bearer" = [])),
    params(HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Malformed
    )
)]
#[get("/model-registry-settings/history")]
pub(super) async fn of_settings(
    caller: Caller<Registry, AdminAccess>,
    state: Data<AppState>,
    query: Query<HistoryParameters, Registry>,
) -> Answer {
    let subject = ("registry_settings", caller.principal.organization.uuid());
    let exists = std::future::ready(Ok(()));
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}
