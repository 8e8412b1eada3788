//! Records of models in the catalogue: `/api/v1.0`, `snake_case`.

mod dto;
mod handlers;
mod list;

use actix_web::http::StatusCode;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::failure::Family;

/// The family of model repository records.
pub(crate) struct Repository;

impl Family for Repository {
    const MALFORMED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
}

const TAG: &str = "model repository";

/// Adds the routes below `/api/v1.0`.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(handlers::create_space)
        .service(handlers::list_spaces)
        .service(list::list_space_models)
        .service(list::list_organization_models)
        .service(handlers::create_model)
        .service(handlers::update_model);
}
