//! How long things are kept, and forgetting people: `/api/v1/admin`, `snake_case`.

mod erasures;
mod windows;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::failure::Family;

/// The family of retention and erasure.
pub(crate) struct DataRetention;

impl Family for DataRetention {}

const TAG: &str = "data retention";

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(windows::get_windows)
        .service(windows::patch_window)
        .service(erasures::erase);
}
