//! Products whole, their versions and what is attached to them: `/api/v1.0`, `snake_case`.

mod attached;
mod dependencies;
mod history;
mod import;
mod mitigations;
mod ml_bom;
mod policies;
mod products;
mod registered_models;
mod versions;

use actix_web::http::StatusCode;

use crate::http::failure::Family;
use crate::http::routing::Routes;

/// The family of the product catalogue.
pub(crate) struct Catalog;

impl Family for Catalog {
    const MALFORMED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
}

const TAG: &str = "catalog";

/// Adds the routes below `/api/v1.0`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(products::list_products)
        .service(products::create_product)
        .service(products::get_product)
        .service(products::get_model_card)
        .service(ml_bom::get_ml_bom)
        .service(products::update_product)
        .service(products::archive_product)
        .service(history::of_product)
        .service(history::of_dependency)
        .service(history::of_policy)
        .service(history::of_mitigation)
        .service(dependencies::list_dependencies)
        .service(dependencies::create_dependency)
        .service(dependencies::get_dependency)
        .service(dependencies::update_dependency)
        .service(dependencies::delete_dependency)
        .service(versions::list_versions)
        .service(versions::create_version)
        .service(policies::list_policies)
        .service(policies::attach_policy)
        .service(policies::get_policy)
        .service(policies::detach_policy)
        .service(mitigations::list_mitigations)
        .service(mitigations::create_mitigation)
        .service(mitigations::get_mitigation)
        .service(mitigations::update_mitigation)
        .service(mitigations::delete_mitigation)
        .service(registered_models::get_models)
        .service(registered_models::put_models)
        .service(import::import_products);
}
