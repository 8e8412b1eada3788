//! Drafts of change log entries.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, post, web};
use probity_governance::evidence::change_log::{ChangeLogDrafter as _, DraftError};
use probity_kernel::ErrorKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{Governance, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Missing, ProviderFailed, Unprocessable};
use crate::http::auth::{Caller, WriteAccess};
use crate::http::extract::Json;
use crate::http::failure::{Failure, Problem};
use crate::http::product::edited;
use crate::state::AppState;

/// The log as it is.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[schema(as = governance::GenerateChangeLog, example = json!({
    "existing_change_log": "## 2026-05-01\nInitial model registration."
}))]
pub(super) struct GenerateRequest {
    /// The draft tells what was recorded since its last dated heading.
    #[schema(max_length = 200_000)]
    existing_change_log: Option<String>,
}

/// A draft for a person to look through; it is stored nowhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::ChangeLogDraft)]
pub(super) struct DraftResponse {
    /// Markdown.
    #[schema(example = "## 2026-06-29\n- Updated training run evidence...")]
    change_log_entry: String,
}

/// Drafts the next entry of the product's change log from the evidence that was recorded since the last.
#[utoipa::path(
    operation_id = "governance_generate_change_log", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product")),
    request_body = GenerateRequest,
    responses(
        (status = 200, description = "The draft", body = DraftResponse),
        CallerErrors, BodyErrors, Unprocessable, Missing, ProviderFailed
    )
)]
#[post("/catalog/products/{product_id}/generate-change-log")]
pub(super) async fn generate(
    caller: Caller<Governance, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<GenerateRequest, Governance, { 1 << 20 }>,
) -> Result<web::Json<DraftResponse>, Failure<Governance>> {
    let product = edited(&caller, &state, &request).await?;
    let (body, _) = body.parse_optional()?;
    let (name, existing) = (product.name, body.existing_change_log);
    let asked = state
        .evidence
        .change_log_request(caller.context(), product.id, name, existing)
        .await?;
    let draft = state.change_log_drafter.draft(&asked).await;
    Ok(web::Json(DraftResponse {
        change_log_entry: draft.map_err(|error| bad_gateway(&error))?,
    }))
}

fn bad_gateway(error: &DraftError) -> Problem {
    tracing::warn!(error = %error, "no change log was drafted");
    let code = match error {
        DraftError::NotConfigured(_) => "provider_not_configured",
        DraftError::Provider(_) => "provider_failed",
    };
    Problem::new(ErrorKind::Unavailable, code, error.to_string())
        .with_status(StatusCode::BAD_GATEWAY)
}
