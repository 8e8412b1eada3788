//! Reaching a product: what the caller cannot see does not exist.

use actix_web::HttpRequest;
use probity_access::SpaceRole;
use probity_catalog::{CatalogError, CatalogRepository as _, Product};
use probity_kernel::ProductId;

use crate::http::as_of::View;
use crate::http::auth::Caller;
use crate::http::extract::path_id;
use crate::http::failure::{Failure, Family};
use crate::state::AppState;

/// The product that the path names as `product_id`, for a caller who may view it.
pub(crate) async fn viewed<F: Family, P>(
    caller: &Caller<F, P>,
    state: &AppState,
    request: &HttpRequest,
) -> Result<Product, Failure<F>> {
    let id: ProductId = path_id(request, "product_id")?;
    let organization = caller.principal.organization;
    let found = state.catalog.repository().find_product(organization, id);
    found
        .await?
        .filter(|product| caller.principal.can_see_space(product.space))
        .ok_or_else(|| CatalogError::ProductNotFound.into())
}

/// The same as of an instant.
pub(crate) async fn viewed_in<F: Family, P>(
    caller: &Caller<F, P>,
    state: &AppState,
    view: &View,
    request: &HttpRequest,
) -> Result<Product, Failure<F>> {
    if !view.is_past() {
        return viewed(caller, state, request).await;
    }
    let id: ProductId = path_id(request, "product_id")?;
    let catalog = view.catalog(state);
    let found = catalog
        .repository()
        .find_product(caller.principal.organization, id);
    found
        .await?
        .filter(|product| caller.principal.can_see_space(product.space))
        .ok_or_else(|| CatalogError::ProductNotFound.into())
}

/// The same for a caller who may change it; whoever may only view it is forbidden to.
pub(crate) async fn edited<F: Family, P>(
    caller: &Caller<F, P>,
    state: &AppState,
    request: &HttpRequest,
) -> Result<Product, Failure<F>> {
    let product = viewed(caller, state, request).await?;
    caller
        .principal
        .require_in(product.space, SpaceRole::Editor)?;
    Ok(product)
}
