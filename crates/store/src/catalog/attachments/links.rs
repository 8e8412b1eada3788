//! Which models of the inventory products use.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use probity_catalog::attachment::{AttachmentEvent, LinkTarget, RegisteredModelLinks};
use probity_kernel::{Context, OrganizationId, ProductId, RegisteredModelId, RepositoryError};

use super::rows::{LinkedColumns, linked};
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreResult;
use crate::schema::{product_registered_models as links, registered_models as models};
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{governance, guard};

/// How many entries one look-up names.
const STEP: usize = 100;

pub(super) fn of_product(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<RegisteredModelLinks> {
    let same = models::id
        .eq(links::registered_model_id)
        .and(models::organization_id.eq(links::organization_id));
    let rows: Vec<LinkedColumns> = links::table
        .inner_join(models::table.on(same))
        .filter(links::organization_id.eq(Id(organization.uuid())))
        .filter(links::product_id.eq(Id(product.uuid())))
        .order(models::model_id)
        .select((
            models::id,
            models::model_id,
            models::display_name,
            models::provider,
            models::risk_tier,
            models::validation_status,
            models::validation_expires_at,
            links::linked_at,
        ))
        .load(conn)?;
    let mut found: Vec<_> = rows.into_iter().map(linked).collect();
    // Byte order, whatever the database's collation says.
    found.sort_by(|a, b| a.model_id.cmp(&b.model_id));
    Ok(RegisteredModelLinks {
        product,
        links: found,
    })
}

/// The entries that are named, each in its place.
pub(super) fn resolve(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    targets: &[LinkTarget],
) -> StoreResult<Vec<Option<RegisteredModelId>>> {
    let mut by_id = BTreeSet::new();
    let mut by_name = BTreeMap::new();
    for targets in targets.chunks(STEP) {
        let ids = targets.iter().filter_map(|target| match target {
            LinkTarget::Id(id) => Some(*id),
            LinkTarget::ModelId(_) => None,
        });
        by_id.extend(known(conn, organization, ids)?);
        let names: Vec<&str> = (targets.iter())
            .filter_map(|target| match target {
                LinkTarget::Id(_) => None,
                LinkTarget::ModelId(name) => Some(name.as_str()),
            })
            .collect();
        let rows: Vec<(String, Id)> = models::table
            .filter(models::organization_id.eq(Id(organization.uuid())))
            .filter(models::model_id.eq_any(names))
            .select((models::model_id, models::id))
            .into_boxed::<MultiBackend>()
            .load(conn)?;
        by_name.extend(rows);
    }
    let found = |target: &LinkTarget| match target {
        LinkTarget::Id(id) => by_id.get(id).copied(),
        LinkTarget::ModelId(name) => by_name.get(name).map(|id| RegisteredModelId::new(id.0)),
    };
    Ok(targets.iter().map(found).collect())
}

/// Which of these entries the inventory has.
fn known(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    ids: impl IntoIterator<Item = RegisteredModelId>,
) -> StoreResult<Vec<RegisteredModelId>> {
    let ids: Vec<Id> = ids.into_iter().map(|id| Id(id.uuid())).collect();
    let rows: Vec<Id> = models::table
        .filter(models::organization_id.eq(Id(organization.uuid())))
        .filter(models::id.eq_any(ids))
        .select(models::id)
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|id| RegisteredModelId::new(id.0))
        .collect())
}

/// The ids of the entries that a product is linked to.
fn linked_ids(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<BTreeSet<RegisteredModelId>> {
    let ids: Vec<Id> = links::table
        .filter(links::organization_id.eq(Id(organization.uuid())))
        .filter(links::product_id.eq(Id(product.uuid())))
        .select(links::registered_model_id)
        .load(conn)?;
    Ok(ids
        .into_iter()
        .map(|id| RegisteredModelId::new(id.0))
        .collect())
}

pub(super) fn replace(
    tx: &mut Tx<'_>,
    context: &Context,
    product: ProductId,
    before: &BTreeSet<RegisteredModelId>,
    after: &BTreeSet<RegisteredModelId>,
) -> StoreResult<()> {
    let organization = context.organization;
    let stored = linked_ids(tx.conn, organization, product)?;
    guard(stored == *before, RepositoryError::Stale)?;
    let new: Vec<RegisteredModelId> = after.difference(before).copied().collect();
    for wanted in new.chunks(STEP) {
        let found = known(tx.conn, organization, wanted.iter().copied())?;
        let whole = found.len() == wanted.len();
        guard(whole, RepositoryError::Conflict("registered_model"))?;
    }
    for gone in before.difference(after) {
        let key = (Id(organization.uuid()), Id(product.uuid()), Id(gone.uuid()));
        diesel::delete(links::table.find(key)).execute(tx.writing())?;
    }
    for added in new {
        diesel::insert_into(links::table)
            .values((
                links::organization_id.eq(Id(organization.uuid())),
                links::product_id.eq(Id(product.uuid())),
                links::registered_model_id.eq(Id(added.uuid())),
                links::linked_at.eq(Utc(context.now)),
            ))
            .execute(tx.writing())?;
    }
    Ok(())
}

/// Takes an entry that leaves the inventory out of the links of every product, each on the record as
/// the product's own change.
pub(crate) fn unlink_everywhere(
    tx: &mut Tx<'_>,
    context: &Context,
    gone: RegisteredModelId,
) -> StoreResult<()> {
    let organization = context.organization;
    let products: Vec<Id> = links::table
        .filter(links::organization_id.eq(Id(organization.uuid())))
        .filter(links::registered_model_id.eq(Id(gone.uuid())))
        .order(links::product_id)
        .select(links::product_id)
        .load(tx.conn)?;
    for product in products {
        let product = ProductId::new(product.0);
        let before = linked_ids(tx.conn, organization, product)?;
        let mut after = before.clone();
        after.remove(&gone);
        replace(tx, context, product, &before, &after)?;
        let event = AttachmentEvent::ModelsLinked {
            product,
            before,
            after,
        };
        tx.record(context, &event)?;
        governance::reassess(tx, context, product)?;
    }
    Ok(())
}
