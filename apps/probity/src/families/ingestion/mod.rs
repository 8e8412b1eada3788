//! AI requests seen elsewhere, which discovery reads: `/api/v1/ai-requests`, and OTLP over HTTP.

mod ai_requests;
mod otlp;
mod otlp_messages;

use crate::http::failure::Family;
use crate::http::routing::Routes;

/// The family of AI-request ingestion.
pub(crate) struct Ingestion;

impl Family for Ingestion {}

const TAG: &str = "ingestion";

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes.service(ai_requests::record);
}

/// Adds the routes below `/v1`, where collectors expect them.
pub(crate) fn configure_otlp(routes: &mut impl Routes) {
    routes.service(otlp::receive_traces);
}
