//! The judgement of products: their evidence, postures and reviews.

mod evidence;
mod postures;
pub(crate) mod records;
mod settings;

use probity_governance::{GovernanceEvent, Posture, assess};
use probity_kernel::{Context, ProductId};
use time::{Duration, OffsetDateTime};

use self::postures::PostureRow;
use crate::error::{StoreError, StoreResult};
use crate::turn::Tx;

/// Judges a product anew after something that is known about it has changed, in the transaction that
/// changed it. A change of its score or its review status goes on the record; that it is judged for
/// the first time does not. What is archived or of a type that is not judged loses its posture.
pub(crate) fn reassess(tx: &mut Tx<'_>, context: &Context, product: ProductId) -> StoreResult<()> {
    let organization = context.organization;
    let before = postures::stored(tx.conn, organization, product)?;
    let known = evidence::read(tx.conn, organization, product)?;
    let judged = known.filter(|known| !known.archived);
    let judged = judged.and_then(|known| Some((known.space, known.evidence?)));
    let Some((space, evidence)) = judged else {
        return match &before {
            Some(row) => postures::remove(tx.writing(), row),
            None => Ok(()),
        };
    };
    let configuration = settings::in_force(tx.conn, organization)?;
    // A request that waited in the lane is older than what was judged meanwhile: time does not run
    // backwards for a product.
    let earlier = before.as_ref().map(|row| row.evaluated_at().0);
    let now = earlier.map_or(context.now, |earlier| earlier.max(context.now));
    let assessment = assess(&evidence, &configuration.settings, now);
    let after = Posture::of(&assessment, configuration.version, now);
    let row = PostureRow::new(organization, product, space, &after);
    postures::keep(tx.writing(), before.as_ref(), &row)?;
    let Some(before) = before.filter(PostureRow::is_judged) else {
        return Ok(());
    };
    let before = Posture::try_from(before).map_err(StoreError)?;
    if (before.score, before.review_status) == (after.score, after.review_status) {
        return Ok(());
    }
    let event = GovernanceEvent::ScoreChanged {
        product,
        before: Box::new(before),
        after: Box::new(after),
    };
    tx.record(context, &event)
}

/// Judges a product anew after a snapshot arrived, where that can bring it back under monitoring: it
/// is the first, or the one before is older than the shortest monitoring window, a day. What arrives
/// while monitoring goes on moves no judgement and costs nothing.
pub(crate) fn after_snapshot(
    tx: &mut Tx<'_>,
    context: &Context,
    product: ProductId,
    captured_before: Option<OffsetDateTime>,
) -> StoreResult<()> {
    let recent = captured_before.is_some_and(|at| context.now - at < Duration::DAY);
    if recent {
        return Ok(());
    }
    reassess(tx, context, product)
}
