//! Which products a caller reaches. Where it is nothing in the space of a product, the product does not
//! exist for it: what it names so is asked for under an id that nothing has, and the answer is that of
//! an id that never was.

use std::collections::HashSet;

use probity_access::SpaceRole;
use probity_catalog::CatalogRepository as _;
use probity_guardian::{GuardianError, SnapshotDraft};
use probity_kernel::ProductId;
use uuid::Uuid;

use super::Guardian;
use crate::http::auth::Caller;
use crate::http::failure::Failure;
use crate::state::AppState;

/// The id of no product.
const NOBODY: ProductId = ProductId::new(Uuid::nil());

/// Those of the products that the caller does not see; forbidden where it sees one and is less than
/// `role` there. A caller who is that everywhere costs no look-up.
async fn hidden<P>(
    caller: &Caller<Guardian, P>,
    state: &AppState,
    products: &[ProductId],
    role: SpaceRole,
) -> Result<HashSet<ProductId>, Failure<Guardian>> {
    let principal = &caller.principal;
    if products.is_empty() || principal.reach.is_everywhere(role) {
        return Ok(HashSet::new());
    }
    let repository = state.catalog.repository();
    let placed = repository.spaces_of(principal.organization, products);
    let mut hidden = HashSet::new();
    for (product, space) in placed.await? {
        if principal.can_see_space(space) {
            principal.require_in(space, role)?;
        } else {
            hidden.insert(product);
        }
    }
    Ok(hidden)
}

/// The product, or the id of none where the caller does not see it.
pub(super) async fn product<P>(
    caller: &Caller<Guardian, P>,
    state: &AppState,
    product: ProductId,
    role: SpaceRole,
) -> Result<ProductId, Failure<Guardian>> {
    let hidden = hidden(caller, state, &[product], role).await?;
    Ok(if hidden.contains(&product) {
        NOBODY
    } else {
        product
    })
}

/// The drafts, those of products that the caller does not see under the id of none.
pub(super) async fn drafts<P>(
    caller: &Caller<Guardian, P>,
    state: &AppState,
    mut drafts: Vec<SnapshotDraft>,
) -> Result<Vec<SnapshotDraft>, Failure<Guardian>> {
    if caller.principal.reach.is_everywhere(SpaceRole::Editor) {
        return Ok(drafts);
    }
    let named = |draft: &SnapshotDraft| -> Option<ProductId> {
        draft.product.as_deref().and_then(|text| text.parse().ok())
    };
    // A batch that is too long is refused as such.
    let products: Vec<ProductId> = drafts.iter().take(100).filter_map(named).collect();
    let hidden = hidden(caller, state, &products, SpaceRole::Editor).await?;
    for draft in &mut drafts {
        if named(draft).is_some_and(|product| hidden.contains(&product)) {
            draft.product = Some(NOBODY.to_string());
        }
    }
    Ok(drafts)
}

/// Goes on only where the caller sees the product of something that was found; else that is `missing`.
pub(super) async fn found<P>(
    caller: &Caller<Guardian, P>,
    state: &AppState,
    product: ProductId,
    role: SpaceRole,
    missing: GuardianError,
) -> Result<(), Failure<Guardian>> {
    if hidden(caller, state, &[product], role).await?.is_empty() {
        return Ok(());
    }
    Err(missing.into())
}
