//! The organisation in a path is the caller's own; any other does not exist.

use actix_web::HttpRequest;
use probity_access::{AccessRepository as _, Slug};
use probity_kernel::ErrorKind;

use crate::http::auth::Caller;
use crate::http::failure::{Failure, Family, Problem};
use crate::state::AppState;

/// Goes on only where the path parameter `organization` names the caller's organisation.
pub(crate) async fn own<F: Family, P>(
    caller: &Caller<F, P>,
    state: &AppState,
    request: &HttpRequest,
) -> Result<(), Failure<F>> {
    let slug = request.match_info().query("organization");
    let found = match slug.parse::<Slug>() {
        Ok(slug) => {
            let repository = state.access.repository();
            repository.find_organization_by_slug(&slug).await?
        }
        Err(_) => None,
    };
    if found.is_some_and(|found| found.id == caller.principal.organization) {
        return Ok(());
    }
    let detail = "there is no such organization";
    Err(Problem::new(ErrorKind::NotFound, "organization_not_found", detail).into())
}
