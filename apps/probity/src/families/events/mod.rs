//! The stream of governance events: `/api/v1`, `snake_case`.

mod accept;
mod dto;
mod filter;
mod handlers;
mod stream;

use crate::http::failure::Family;
use crate::http::routing::Routes;

/// The family of governance events.
pub(crate) struct Events;

impl Family for Events {}

const TAG: &str = "governance events";

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(handlers::list_events)
        .service(stream::stream_events)
        .service(handlers::get_event);
}
