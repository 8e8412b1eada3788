//! Forgetting people.

use actix_web::web::Data;
use actix_web::{post, web};
use probity_kernel::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{DataRetention, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Malformed};
use crate::http::auth::{AdminAccess, Caller};
use crate::http::erasure::{self, Erasure};
use crate::http::extract::Json;
use crate::http::failure::Failure;
use crate::state::AppState;

/// Whom to forget, and why.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = retention::NewErasure, example = json!({"subject": "carol@example.org", "basis": "gdpr:art-17", "ticket": "PRIV-7"}))]
pub(super) struct ErasureRequest {
    /// A user's id, a subject or an address: 4 to 320 characters.
    #[schema(required, nullable = false, min_length = 4, max_length = 320)]
    subject: Option<String>,
    /// On what ground; `gdpr:art-17` when absent. Stays on the record for ever: no personal data.
    #[schema(min_length = 1, max_length = 100)]
    basis: Option<String>,
    /// The reference of the request in some other system. Stays on the record for ever.
    #[schema(min_length = 1, max_length = 100)]
    ticket: Option<String>,
}

/// A column that names things and still holds a text of the person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = retention::LeftText)]
struct LeftResponse {
    #[schema(example = "products.slug")]
    column: String,
    rows: u64,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = retention::Erasure)]
pub(super) struct ErasureResponse {
    /// Users whose subject and address are gone.
    users: u64,
    /// Fields in which a text was replaced by `[erased]`.
    fields: u64,
    /// Slots of the record.
    slots: u64,
    /// Names of things that hold a text of the person: to be changed by whoever owns them.
    left: Vec<LeftResponse>,
}

/// Erases a person from rows, from the past, from slots of the record and from searches. Doing so again
/// finds nothing more. A credential that is confined to spaces cannot: people are erased in all of them.
#[utoipa::path(
    operation_id = "retention_erase", tag = TAG, security(("bearer" = [])),
    request_body = ErasureRequest,
    responses(
        (status = 200, description = "What was erased", body = ErasureResponse),
        CallerErrors, BodyErrors, Malformed
    )
)]
#[post("/admin/erasures")]
pub(super) async fn erase(
    caller: Caller<DataRetention, AdminAccess>,
    state: Data<AppState>,
    body: Json<ErasureRequest, DataRetention>,
) -> Result<web::Json<ErasureResponse>, Failure<DataRetention>> {
    caller.unconfined()?;
    let (body, _) = body.parse()?;
    let Some(subject) = body.subject else {
        let missing = FieldError::new("/subject", "required", "is required");
        return Err(Failure::malformed(vec![missing]));
    };
    let asked = Erasure::parse(&subject, body.basis, body.ticket).map_err(Failure::malformed)?;
    let erased = erasure::run(&state, caller.context(), asked).await?;
    Ok(web::Json(ErasureResponse {
        users: erased.users,
        fields: erased.fields,
        slots: erased.slots,
        left: erased
            .left
            .into_iter()
            .map(|(column, rows)| LeftResponse { column, rows })
            .collect(),
    }))
}
