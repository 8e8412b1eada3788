//! How long things are kept, and forgetting people: `/api/v1/admin`, `snake_case`.

mod erasures;
mod history;
mod windows;

use crate::http::failure::Family;
use crate::http::routing::Routes;

/// The family of retention and erasure.
pub(crate) struct DataRetention;

impl Family for DataRetention {}

const TAG: &str = "data retention";

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(windows::get_windows)
        .service(windows::patch_window)
        .service(history::of_windows)
        .service(erasures::erase);
}
