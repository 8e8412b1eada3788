//! The histories of webhooks.

use actix_web::web::Data;
use actix_web::{get, web};
use probity_kernel::WebhookEndpointId;

use super::{Admin, Answer, TAG, Webhooks, unconfined};
use crate::families::problem::{CallerErrors, Malformed, Missing};
use crate::http::extract::{PathId, Query};
use crate::http::history::{self, HistoryParameters, HistoryResponse};
use crate::state::AppState;

/// Reads the changes of a webhook, newest first, each field before and after; also of one that was removed. Secrets
/// and credentials are not on the record: of a URL it holds the host and a digest.
#[utoipa::path(
    operation_id = "webhooks_get_history", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the webhook"), HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Malformed, Missing
    )
)]
#[get("/governance-events/webhooks/{id}/history")]
pub(super) async fn of_webhook(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<WebhookEndpointId, Webhooks>,
    query: Query<HistoryParameters, Webhooks>,
) -> Answer<web::Json<HistoryResponse>> {
    unconfined(&caller)?;
    let id = id.parse()?;
    let organization = caller.context().organization;
    let exists = async {
        state.webhooks.get(organization, id).await?;
        Ok(())
    };
    let subject = ("webhook_endpoint", id.uuid());
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}
