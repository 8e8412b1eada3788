//! AI requests seen elsewhere, which discovery reads: `/api/v1/ai-requests`, and OTLP over HTTP.

mod ai_requests;
mod otlp;
mod otlp_messages;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::failure::Family;

/// The family of AI-request ingestion.
pub(crate) struct Ingestion;

impl Family for Ingestion {}

const TAG: &str = "ingestion";

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(ai_requests::record);
}

/// Adds the routes below `/v1`, where collectors expect them.
pub(crate) fn configure_otlp(config: &mut ServiceConfig<'_>) {
    config.service(otlp::receive_traces);
}
