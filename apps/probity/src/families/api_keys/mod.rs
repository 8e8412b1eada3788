//! API keys: `/api/v1/api-keys`, `snake_case`.

mod dto;
mod handlers;
mod history;

use crate::http::failure::Family;
use crate::http::routing::Routes;

/// The family of API keys.
pub(crate) struct ApiKeys;

impl Family for ApiKeys {}

const TAG: &str = "api keys";

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(handlers::list_keys)
        .service(handlers::create_key)
        .service(handlers::get_key)
        .service(handlers::revoke_key)
        .service(handlers::rotate_key)
        .service(history::of_key);
}
