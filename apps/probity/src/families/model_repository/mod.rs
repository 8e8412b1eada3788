//! Records of models in the catalogue: `/api/v1.0`, `snake_case`.

mod dto;
mod handlers;
mod history;
mod list;
mod members;
mod spaces;

use actix_web::http::StatusCode;

use crate::http::failure::Family;
use crate::http::routing::Routes;

/// The family of model repository records.
pub(crate) struct Repository;

impl Family for Repository {
    const MALFORMED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
}

const TAG: &str = "model repository";

/// Adds the routes below `/api/v1.0`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(spaces::create_space)
        .service(spaces::list_spaces)
        .service(spaces::get_space)
        .service(spaces::update_space)
        .service(history::of_space)
        .service(history::of_organization)
        .service(history::of_user)
        .service(members::list_members)
        .service(members::put_member)
        .service(members::remove_member)
        .service(list::list_space_models)
        .service(list::list_organization_models)
        .service(handlers::create_model)
        .service(handlers::update_model);
}
