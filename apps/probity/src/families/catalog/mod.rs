//! Products whole, their versions and what is attached to them: `/api/v1.0`, `snake_case`.

use actix_web::http::StatusCode;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::failure::Family;

/// The family of the product catalogue.
pub(crate) struct Catalog;

impl Family for Catalog {
    const MALFORMED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
}

/// Adds the routes below `/api/v1.0`.
pub(crate) fn configure(_config: &mut ServiceConfig<'_>) {}
