//! The stream of governance events: `/api/v1`, `snake_case`.

mod accept;
mod dto;
mod filter;
mod handlers;
mod stream;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::failure::Family;

/// The family of governance events.
pub(crate) struct Events;

impl Family for Events {}

const TAG: &str = "governance events";

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(handlers::list_events)
        .service(stream::stream_events)
        .service(handlers::get_event);
}
