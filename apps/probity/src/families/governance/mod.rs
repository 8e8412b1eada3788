//! Product governance: summary, drift, runs, metrics, events, reviews, change log: `/api/v1.0`, `snake_case`.

mod change_log;
mod history;
mod overview;
mod refusal;
mod reviews;
mod runtime_events;
mod safety_metrics;
mod settings;
mod summary;
mod training_runs;
mod wire;

use actix_web::http::StatusCode;

use crate::http::failure::Family;
use crate::http::routing::Routes;

/// The family of product governance.
pub(crate) struct Governance;

impl Family for Governance {
    const MALFORMED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
}

const TAG: &str = "governance";

/// Adds the routes below `/api/v1.0`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(summary::get_summary)
        .service(reviews::request_review)
        .service(reviews::list_reviews)
        .service(reviews::get_review)
        .service(reviews::decide_review)
        .service(overview::get_overview)
        .service(overview::list_postures)
        .service(settings::get_settings)
        .service(settings::put_settings)
        .service(training_runs::list_runs)
        .service(training_runs::create_run)
        .service(training_runs::get_run)
        .service(training_runs::update_run)
        .service(training_runs::delete_run)
        .service(safety_metrics::list_metrics)
        .service(safety_metrics::create_metric)
        .service(safety_metrics::get_metric)
        .service(safety_metrics::update_metric)
        .service(safety_metrics::delete_metric)
        .service(safety_metrics::attest_metric)
        .service(runtime_events::list_runtime_events)
        .service(runtime_events::create_runtime_event)
        .service(change_log::generate)
        .service(history::of_run)
        .service(history::of_metric)
        .service(history::of_review)
        .service(history::of_settings);
}
