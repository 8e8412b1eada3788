//! The model inventory under SR 11-7: `/api/admin`.

mod dto;
mod export;
mod handlers;
mod history;
mod settings;

use crate::http::failure::Family;
use crate::http::routing::Routes;

/// The family of the model inventory.
pub(crate) struct Registry;

impl Family for Registry {}

const TAG: &str = "model registry";

/// Adds the routes below `/api/admin`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(handlers::list_models)
        .service(handlers::register_model)
        .service(handlers::discover_models)
        .service(handlers::get_model)
        .service(handlers::update_model)
        .service(handlers::delete_model)
        .service(export::export_inventory)
        .service(settings::get_settings)
        .service(settings::put_settings)
        .service(history::of_model)
        .service(history::of_settings);
}
