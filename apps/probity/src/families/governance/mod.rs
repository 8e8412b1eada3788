//! Product governance: summary, drift, runs, metrics, events, reviews, change log: `/api/v1.0`, `snake_case`.

mod overview;
mod refusal;
mod reviews;
mod settings;
mod summary;

use actix_web::http::StatusCode;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::failure::Family;

/// The family of product governance.
pub(crate) struct Governance;

impl Family for Governance {
    const MALFORMED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
}

const TAG: &str = "governance";

/// Adds the routes below `/api/v1.0`.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(summary::get_summary)
        .service(reviews::request_review)
        .service(reviews::list_reviews)
        .service(reviews::get_review)
        .service(reviews::decide_review)
        .service(overview::get_overview)
        .service(overview::list_postures)
        .service(settings::get_settings)
        .service(settings::put_settings);
}
