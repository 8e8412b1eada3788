//! What an organisation decides about its inventory.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{get, put, web};
use probity_registry::{RegistrySettings, SettingsInput};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{Registry, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, KeyReused, Malformed};
use crate::http::auth::{AdminAccess, Caller};
use crate::http::extract::Json;
use crate::http::failure::Failure;
use crate::state::AppState;

/// The settings of the inventory.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = registry::Settings)]
struct SettingsResponse {
    /// The guidance profile: `sr-11-7` or `sr-26-2`.
    #[schema(example = "sr-11-7")]
    profile: String,
    /// Whether the owner of a model is kept from validating it.
    separation_of_duties: bool,
    /// Months until a validation runs out, by tier.
    validation_months: BTreeMap<String, i64>,
    /// Months until a validation runs out, by materiality, where the profile goes by that.
    materiality_months: BTreeMap<String, i64>,
}

impl From<RegistrySettings> for SettingsResponse {
    fn from(settings: RegistrySettings) -> Self {
        Self {
            profile: settings.profile.to_string(),
            separation_of_duties: settings.separation_of_duties,
            validation_months: settings.validation_months.to_map(),
            materiality_months: settings.materiality_months.to_map(),
        }
    }
}

/// What changes in the settings; absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = registry::UpdateSettings, example = json!({"separation_of_duties": true}))]
struct SettingsRequest {
    /// The guidance profile: `sr-11-7` or `sr-26-2`.
    profile: Option<String>,
    /// Whether the owner of a model is kept from validating it.
    separation_of_duties: Option<bool>,
    /// Months, 1 to 120, by tier.
    #[serde(default)]
    #[schema(required = false)]
    validation_months: BTreeMap<String, i64>,
    /// Months, 1 to 120, by materiality.
    #[serde(default)]
    #[schema(required = false)]
    materiality_months: BTreeMap<String, i64>,
}

/// Reads the settings of the inventory.
#[utoipa::path(
    operation_id = "registry_get_settings", tag = TAG, security(("bearer" = [])),
    responses((status = 200, description = "The settings", body = SettingsResponse), CallerErrors)
)]
#[get("/model-registry-settings")]
pub(super) async fn get_settings(
    caller: Caller<Registry, AdminAccess>,
    state: Data<AppState>,
) -> Result<web::Json<SettingsResponse>, Failure<Registry>> {
    let settings = state
        .registry
        .settings(caller.context().organization)
        .await?;
    Ok(web::Json(settings.into()))
}

/// Changes the settings of the inventory.
#[utoipa::path(
    operation_id = "registry_update_settings", tag = TAG, security(("bearer" = [])),
    request_body = SettingsRequest,
    responses(
        (status = 200, description = "The settings as they are now", body = SettingsResponse),
        CallerErrors, BodyErrors, Malformed, Clash, KeyReused
    )
)]
#[put("/model-registry-settings")]
pub(super) async fn put_settings(
    caller: Caller<Registry, AdminAccess>,
    state: Data<AppState>,
    body: Json<SettingsRequest, Registry>,
) -> Result<web::Json<SettingsResponse>, Failure<Registry>> {
    caller.unconfined()?;
    let (request, _) = body.parse()?;
    let input = SettingsInput {
        profile: request.profile,
        separation_of_duties: request.separation_of_duties,
        validation_months: request.validation_months,
        materiality_months: request.materiality_months,
    };
    let settings = state.registry.configure(caller.context(), &input).await?;
    let organization = caller.context().organization;
    state
        .registry_settings
        .forget(|key, _| *key == organization);
    Ok(web::Json(settings.into()))
}
