//! Drift and fairness figures and their judgement: `/api/v1`, `camelCase`.

mod alerts;
mod banners;
mod dto;
mod evaluate;
mod history;
mod links;
mod metrics;
mod preferences;
mod reach;
mod sample;
mod sla;

use actix_web::http::StatusCode;
use serde_json::{Map, Value};

use crate::http::failure::Family;
use crate::http::routing::Routes;

/// The family of Guardian metrics.
pub(crate) struct Guardian;

impl Family for Guardian {
    const MALFORMED: StatusCode = StatusCode::BAD_REQUEST;
    const MALFORMED_CODE: &'static str = "invalid_payload";

    fn decorate(body: &mut Map<String, Value>) {
        body.insert("success".to_owned(), Value::Bool(false));
    }
}

const TAG: &str = "guardian";

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(metrics::ingest)
        .service(metrics::simulate)
        .service(metrics::ingest_batch)
        .service(evaluate::evaluate)
        .service(metrics::history)
        .service(metrics::thresholds)
        .service(links::list_links)
        .service(links::create_link)
        .service(links::get_link)
        .service(links::update_link)
        .service(links::delete_link)
        .service(alerts::list_alerts)
        .service(banners::list_banners)
        .service(sla::get_report)
        .service(sla::get_targets)
        .service(sla::put_targets)
        .service(preferences::get_preferences)
        .service(preferences::put_preferences)
        .service(history::of_targets)
        .service(history::of_preferences)
        .service(alerts::get_alert)
        .service(alerts::acknowledge_alert)
        .service(alerts::resolve_alert)
        .service(history::of_link)
        .service(history::of_alert);
}
