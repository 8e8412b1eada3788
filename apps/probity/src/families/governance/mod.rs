//! Product governance: summary, drift, runs, metrics, events, reviews, change log: `/api/v1.0`, `snake_case`.

use actix_web::http::StatusCode;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::failure::Family;

/// The family of product governance.
pub(crate) struct Governance;

impl Family for Governance {
    const MALFORMED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
}

/// Adds the routes below `/api/v1.0`.
pub(crate) fn configure(_config: &mut ServiceConfig<'_>) {}
