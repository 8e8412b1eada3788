//! What a summary is made of: a handful of point reads, whatever there is.

use diesel::prelude::*;
use probity_governance::{Dossier, GovernanceError, RecordFacts};
use probity_kernel::{OrganizationId, ProductId};
use probity_ledger::Frontier;

use super::{evidence, settings};
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::schema::{audit_heads, governance_events, runtime_event_totals as totals};
use crate::types::Id;

/// What a summary of the product is made of, or why there is none.
pub(super) fn read(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<Option<Result<Dossier, GovernanceError>>> {
    let Some(known) = evidence::read(conn, organization, product)? else {
        return Ok(None);
    };
    let Some(evidence) = known.evidence else {
        return Ok(Some(Err(GovernanceError::UnsupportedType)));
    };
    Ok(Some(Ok(Dossier {
        evidence,
        configuration: settings::in_force(conn, organization)?,
        runtime_event_counts: runtime_events(conn, organization, product)?,
        record: record(conn, organization, product)?,
    })))
}

fn runtime_events(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<Vec<(String, u64)>> {
    let rows: Vec<(String, i64)> = totals::table
        .filter(totals::organization_id.eq(Id(organization.uuid())))
        .filter(totals::product_id.eq(Id(product.uuid())))
        .order(totals::event_type)
        .select((totals::event_type, totals::events))
        .load(conn)?;
    let counted = rows
        .into_iter()
        .map(|(name, events)| (name, u64::try_from(events).unwrap_or_default()));
    Ok(counted.collect())
}

fn record(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<RecordFacts> {
    let (size, frontier): (i64, Vec<u8>) = audit_heads::table
        .find(Id(organization.uuid()))
        .select((audit_heads::size, audit_heads::frontier))
        .get_result(conn)?;
    let wrong = corrupt("audit_heads", "frontier");
    let log_size = u64::try_from(size).unwrap_or_default();
    let root = match Frontier::from_bytes(log_size, &frontier) {
        Ok(frontier) => frontier.root(),
        Err(error) => return Err(StoreError(wrong(error.into()))),
    };
    let last: Option<i64> = governance_events::table
        .filter(governance_events::organization_id.eq(Id(organization.uuid())))
        .filter(governance_events::product_id.eq(Id(product.uuid())))
        .select(diesel::dsl::max(governance_events::audit_index))
        .get_result(conn)?;
    Ok(RecordFacts {
        log_size,
        root: *root.as_bytes(),
        last_index: last.and_then(|index| u64::try_from(index).ok()),
    })
}
