//! Reaching a space: what the caller cannot see does not exist.

use probity_access::SpaceRole;
use probity_catalog::{CatalogError, Space};
use probity_kernel::SpaceId;

use crate::http::auth::Caller;
use crate::http::failure::{Failure, Family};
use crate::state::AppState;

/// The space with this slug, for a caller who is at least this in it. Where the caller is nothing, there
/// is no such space; where it is less, it is forbidden.
pub(crate) async fn reached<F: Family, P>(
    caller: &Caller<F, P>,
    state: &AppState,
    slug: &str,
    role: SpaceRole,
) -> Result<Space, Failure<F>> {
    let organization = caller.principal.organization;
    let space = state.catalog.space(organization, slug).await?;
    if !caller.principal.can_see_space(space.id) {
        return Err(CatalogError::SpaceNotFound.into());
    }
    caller.principal.require_in(space.id, role)?;
    Ok(space)
}

/// The spaces that lists are narrowed to; `None` where the caller sees every space.
pub(crate) async fn seen<F: Family, P>(
    caller: &Caller<F, P>,
    state: &AppState,
) -> Result<Option<Vec<SpaceId>>, Failure<F>> {
    let reach = &caller.principal.reach;
    if reach.is_everywhere(SpaceRole::Viewer) {
        return Ok(None);
    }
    if let Some(only) = reach.only() {
        return Ok(Some(only));
    }
    let organization = caller.principal.organization;
    let spaces = state.catalog.list_spaces(organization).await?;
    let seen = spaces
        .into_iter()
        .map(|space| space.id)
        .filter(|space| caller.principal.can_see_space(*space));
    Ok(Some(seen.collect()))
}
