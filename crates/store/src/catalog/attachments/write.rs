//! Writing what is attached to products.

use diesel::prelude::*;
use probity_catalog::attachment::{
    AttachmentWrite, DataDependency, PolicyAttachment, ProductVersion, RiskMitigation,
};
use probity_kernel::{Context, OrganizationId, ProductId, RepositoryError, Version};

use super::links;
use super::rows::{DependencyRow, MitigationRow, PolicyRow, VersionRow};
use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::schema::{
    data_dependencies, policy_attachments, product_versions, products, risk_mitigations,
};
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{guard, own};

pub(super) fn apply(
    tx: &mut Tx<'_>,
    context: &Context,
    write: &AttachmentWrite,
) -> StoreResult<()> {
    /// Removes one thing of a product at its version.
    macro_rules! remove {
        ($table:ident, $removal:ident) => {{
            let removed = diesel::delete($table::table)
                .filter($table::organization_id.eq(Id(context.organization.uuid())))
                .filter($table::product_id.eq(Id($removal.product.uuid())))
                .filter($table::id.eq(Id($removal.id.uuid())))
                .filter($table::version.eq($removal.expected.get()))
                .execute(tx.writing())?;
            guard(removed == 1, RepositoryError::Stale)
        }};
    }
    let organization = context.organization;
    check_live(tx.conn, organization, write.product())?;
    match write {
        AttachmentWrite::PutDependency { next, expected } => {
            own(organization, next.organization)?;
            put_dependency(tx, next, *expected)
        }
        AttachmentWrite::RemoveDependency(removal) => remove!(data_dependencies, removal),
        AttachmentWrite::AttachPolicy(policy) => {
            own(organization, policy.organization)?;
            attach_policy(tx, policy)
        }
        AttachmentWrite::DetachPolicy(removal) => remove!(policy_attachments, removal),
        AttachmentWrite::PutMitigation { next, expected } => {
            own(organization, next.organization)?;
            put_mitigation(tx, next, *expected)
        }
        AttachmentWrite::RemoveMitigation(removal) => remove!(risk_mitigations, removal),
        AttachmentWrite::RecordVersion(version) => {
            own(organization, version.organization)?;
            record_version(tx, version)
        }
        AttachmentWrite::LinkModels {
            product,
            before,
            after,
        } => links::replace(tx, context, *product, before, after),
    }
}

/// Only a product that is there and not archived takes anything.
pub(crate) fn check_live(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<()> {
    let found: Option<Option<Utc>> = products::table
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::id.eq(Id(product.uuid())))
        .select(products::archived_at)
        .get_result(conn)
        .optional()?;
    guard(found.is_some(), RepositoryError::Conflict("product"))?;
    guard(found == Some(None), RepositoryError::Conflict("archived"))
}

fn put_dependency(
    tx: &mut Tx<'_>,
    next: &DataDependency,
    expected: Option<Version>,
) -> StoreResult<()> {
    let row = DependencyRow::from(next);
    let taken: Option<Id> = data_dependencies::table
        .filter(data_dependencies::organization_id.eq(row.organization_id))
        .filter(data_dependencies::product_id.eq(Id(next.product.uuid())))
        .filter(data_dependencies::name.eq(&row.name))
        .filter(data_dependencies::id.ne(row.id))
        .select(data_dependencies::id)
        .get_result(tx.conn)
        .optional()?;
    let Some(expected) = expected else {
        guard(taken.is_none(), RepositoryError::Conflict("name"))?;
        diesel::insert_into(data_dependencies::table)
            .values(&row)
            .execute(tx.writing())?;
        return Ok(());
    };
    let stored: Option<i64> = data_dependencies::table
        .filter(data_dependencies::organization_id.eq(row.organization_id))
        .filter(data_dependencies::id.eq(row.id))
        .select(data_dependencies::version)
        .get_result(tx.conn)
        .optional()?;
    guard(stored == Some(expected.get()), RepositoryError::Stale)?;
    guard(taken.is_none(), RepositoryError::Conflict("name"))?;
    diesel::update(data_dependencies::table)
        .filter(data_dependencies::organization_id.eq(row.organization_id))
        .filter(data_dependencies::id.eq(row.id))
        .set((
            data_dependencies::name.eq(&row.name),
            data_dependencies::dependency_type.eq(&row.dependency_type),
            data_dependencies::uri.eq(&row.uri),
            data_dependencies::version_label.eq(&row.version_label),
            data_dependencies::description.eq(&row.description),
            data_dependencies::changed_at.eq(row.changed_at),
            data_dependencies::updated_at.eq(row.updated_at),
            data_dependencies::version.eq(row.version),
        ))
        .execute(tx.writing())?;
    Ok(())
}

fn attach_policy(tx: &mut Tx<'_>, policy: &PolicyAttachment) -> StoreResult<()> {
    let taken: Option<Id> = policy_attachments::table
        .filter(policy_attachments::organization_id.eq(Id(policy.organization.uuid())))
        .filter(policy_attachments::product_id.eq(Id(policy.product.uuid())))
        .filter(policy_attachments::policy_key.eq(&policy.policy_key))
        .select(policy_attachments::id)
        .get_result(tx.conn)
        .optional()?;
    guard(taken.is_none(), RepositoryError::Conflict("policy_key"))?;
    diesel::insert_into(policy_attachments::table)
        .values(PolicyRow::from(policy))
        .execute(tx.writing())?;
    Ok(())
}

fn record_version(tx: &mut Tx<'_>, version: &ProductVersion) -> StoreResult<()> {
    let (organization, product) = (version.organization, version.product);
    let taken: Option<Id> = product_versions::table
        .filter(product_versions::organization_id.eq(Id(organization.uuid())))
        .filter(product_versions::product_id.eq(Id(product.uuid())))
        .filter(product_versions::version_number.eq(&version.version_number))
        .select(product_versions::id)
        .get_result(tx.conn)
        .optional()?;
    guard(taken.is_none(), RepositoryError::Conflict("version_number"))?;
    if version.is_current {
        diesel::update(product_versions::table)
            .filter(product_versions::organization_id.eq(Id(organization.uuid())))
            .filter(product_versions::product_id.eq(Id(product.uuid())))
            .filter(product_versions::is_current.eq(true))
            .set((
                product_versions::is_current.eq(false),
                product_versions::updated_at.eq(Utc(version.created_at)),
                product_versions::version.eq(product_versions::version + 1),
            ))
            .execute(tx.writing())?;
    }
    diesel::insert_into(product_versions::table)
        .values(VersionRow::from(version))
        .execute(tx.writing())?;
    Ok(())
}

fn put_mitigation(
    tx: &mut Tx<'_>,
    next: &RiskMitigation,
    expected: Option<Version>,
) -> StoreResult<()> {
    let row = MitigationRow::from(next);
    let Some(expected) = expected else {
        diesel::insert_into(risk_mitigations::table)
            .values(&row)
            .execute(tx.writing())?;
        return Ok(());
    };
    let changed = diesel::update(risk_mitigations::table)
        .filter(risk_mitigations::organization_id.eq(row.organization_id))
        .filter(risk_mitigations::id.eq(row.id))
        .filter(risk_mitigations::version.eq(expected.get()))
        .set((
            risk_mitigations::title.eq(&row.title),
            risk_mitigations::description.eq(&row.description),
            risk_mitigations::severity.eq(&row.severity),
            risk_mitigations::status.eq(&row.status),
            risk_mitigations::owner.eq(&row.owner),
            risk_mitigations::due_at.eq(row.due_at),
            risk_mitigations::closed_at.eq(row.closed_at),
            risk_mitigations::updated_at.eq(row.updated_at),
            risk_mitigations::version.eq(row.version),
        ))
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}
