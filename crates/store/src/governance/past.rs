//! The fleet as of an instant. Postures are kept as they are now; those of the past are judged anew from what there was.

use diesel::prelude::*;
use probity_governance::overview::sort_worst_first;
use probity_governance::{GovernanceError, Posture, PostureFilter, ProductPosture, assess};
use probity_kernel::{OrganizationId, ProductId};
use time::OffsetDateTime;

use super::{evidence, settings};
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreResult;
use crate::schema::products;
use crate::types::Id;

/// How many products are judged for one answer at the most.
const MOST: usize = 2_000;
/// How many are read together.
const STEP: usize = 500;

/// The products that a filter wants, lowest score first, as they stood when the database was as it shows.
pub(super) fn judged(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    at: OffsetDateTime,
    filter: &PostureFilter,
) -> StoreResult<Result<Vec<ProductPosture>, GovernanceError>> {
    let candidates = candidates(conn, organization, filter)?;
    if candidates.len() > MOST {
        return Ok(Err(GovernanceError::PastTooLarge { limit: MOST }));
    }
    let configuration = settings::in_force(conn, organization)?;
    let mut found = Vec::new();
    for step in candidates.chunks(STEP) {
        let ids: Vec<Id> = step.iter().map(|(id, _)| *id).collect();
        let mut known = evidence::read_many(conn, organization, &ids)?;
        for (id, product_type) in step {
            let Some(known) = known.remove(id) else {
                continue;
            };
            let Some(evidence) = known.evidence else {
                continue;
            };
            let assessment = assess(&evidence, &configuration.settings, at);
            found.push(ProductPosture {
                product: ProductId::new(id.0),
                name: known.name,
                product_type: product_type.clone(),
                space: known.space,
                posture: Posture::of(&assessment, configuration.version, at),
            });
        }
    }
    found.retain(|one| filter.admits(one));
    sort_worst_first(&mut found);
    Ok(Ok(found))
}

/// The products that may be judged, with their types; one more than are judged where there are too many.
fn candidates(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &PostureFilter,
) -> StoreResult<Vec<(Id, String)>> {
    let mut query = products::table
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::archived_at.is_null())
        .into_boxed::<MultiBackend>();
    if let Some(spaces) = &filter.spaces {
        let spaces: Vec<Id> = spaces.iter().map(|space| Id(space.uuid())).collect();
        query = query.filter(products::space_id.eq_any(spaces));
    }
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let rows = query
        .select((products::id, products::product_type))
        .order(products::id)
        .limit(most);
    Ok(rows.load(conn)?)
}
