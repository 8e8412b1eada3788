//! The judgement of products: their evidence, postures and reviews.

use probity_kernel::{Context, ProductId};

use crate::error::StoreResult;
use crate::turn::Tx;

/// Judges a product anew after something that is known about it has changed, in the transaction that
/// changed it.
pub(crate) fn reassess(
    _tx: &mut Tx<'_>,
    _context: &Context,
    _product: ProductId,
) -> StoreResult<()> {
    Ok(())
}
