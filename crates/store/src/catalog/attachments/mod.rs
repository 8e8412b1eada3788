//! What is attached to products.

mod links;
mod outcome;
pub(crate) mod rows;
mod versions;
mod write;

use std::collections::HashMap;

use diesel::prelude::*;
use probity_catalog::attachment::{
    AttachmentChange, AttachmentRepository, AttachmentWrite, DataDependency, LinkTarget,
    PolicyAttachment, ProductVersion, RegisteredModelLinks, RiskMitigation, VersionSummary,
};
use probity_kernel::{
    DataDependencyId, OrganizationId, Page, PageRequest, PolicyAttachmentId, ProductId,
    RegisteredModelId, RepositoryError, RiskMitigationId,
};

pub(crate) use self::links::unlink_everywhere;
use self::rows::{DependencyRow, MitigationRow, PolicyRow, VersionRow};
pub(crate) use self::write::check_live;
use crate::connection::{MultiBackend, Scope};
use crate::database::Database;
use crate::error::StoreError;
use crate::listing::{IdListing, page_by_id};
use crate::schema::{data_dependencies, policy_attachments, product_versions, risk_mitigations};
use crate::types::Id;
use crate::{governance, idempotency};

/// The attachment repository over Diesel.
#[derive(Debug, Clone)]
pub struct DieselAttachments {
    database: Database,
}

impl DieselAttachments {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

/// Reads one thing of a product by its id.
macro_rules! find {
    ($self:ident, $table:ident, $row:ty, $organization:ident, $product:ident, $id:ident) => {
        $self
            .database
            .point(Scope::Organization($organization), move |conn| {
                let row: Option<$row> = $table::table
                    .filter($table::organization_id.eq(Id($organization.uuid())))
                    .filter($table::product_id.eq(Id($product.uuid())))
                    .filter($table::id.eq(Id($id.uuid())))
                    .select(<$row>::as_select())
                    .get_result(conn)
                    .optional()?;
                row.map(TryInto::try_into).transpose().map_err(StoreError)
            })
            .await
    };
}

/// Reads one page of the things of a product, newest first.
macro_rules! list {
    ($self:ident, $table:ident, $row:ty, $organization:ident, $product:ident, $page:ident) => {{
        let page = $page.clone();
        $self
            .database
            .scan(Scope::Organization($organization), move |conn| {
                let matching = || {
                    $table::table
                        .filter($table::organization_id.eq(Id($organization.uuid())))
                        .filter($table::product_id.eq(Id($product.uuid())))
                        .into_boxed::<MultiBackend>()
                };
                let total: i64 = matching().count().get_result(conn)?;
                let listing = IdListing::of(&page);
                let mut query = matching().select(<$row>::as_select());
                if let Some(after) = listing.after {
                    query = query.filter($table::id.lt(after));
                }
                let rows: Vec<$row> = query
                    .order($table::id.desc())
                    .offset(listing.offset)
                    .limit(listing.limit)
                    .load(conn)?;
                page_by_id(&page, total, rows, |row| row.id, TryInto::try_into)
            })
            .await
    }};
}

impl AttachmentRepository for DieselAttachments {
    async fn find_dependency(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: DataDependencyId,
    ) -> Result<Option<DataDependency>, RepositoryError> {
        find!(
            self,
            data_dependencies,
            DependencyRow,
            organization,
            product,
            id
        )
    }

    async fn list_dependencies(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<DataDependency>, RepositoryError> {
        list!(
            self,
            data_dependencies,
            DependencyRow,
            organization,
            product,
            page
        )
    }

    async fn find_policy(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: PolicyAttachmentId,
    ) -> Result<Option<PolicyAttachment>, RepositoryError> {
        find!(
            self,
            policy_attachments,
            PolicyRow,
            organization,
            product,
            id
        )
    }

    async fn list_policies(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<PolicyAttachment>, RepositoryError> {
        list!(
            self,
            policy_attachments,
            PolicyRow,
            organization,
            product,
            page
        )
    }

    async fn find_mitigation(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: RiskMitigationId,
    ) -> Result<Option<RiskMitigation>, RepositoryError> {
        find!(
            self,
            risk_mitigations,
            MitigationRow,
            organization,
            product,
            id
        )
    }

    async fn list_mitigations(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<RiskMitigation>, RepositoryError> {
        list!(
            self,
            risk_mitigations,
            MitigationRow,
            organization,
            product,
            page
        )
    }

    async fn list_versions(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<ProductVersion>, RepositoryError> {
        list!(
            self,
            product_versions,
            VersionRow,
            organization,
            product,
            page
        )
    }

    async fn summarize_versions(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> Result<HashMap<ProductId, VersionSummary>, RepositoryError> {
        let products: Vec<Id> = products.iter().map(|id| Id(id.uuid())).collect();
        self.database
            .point(Scope::Organization(organization), move |conn| {
                versions::summarize(conn, organization, &products)
            })
            .await
    }

    async fn linked_models(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<RegisteredModelLinks, RepositoryError> {
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                links::of_product(conn, organization, product)
            })
            .await
    }

    async fn resolve_models(
        &self,
        organization: OrganizationId,
        targets: &[LinkTarget],
    ) -> Result<Vec<Option<RegisteredModelId>>, RepositoryError> {
        let targets = targets.to_vec();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                links::resolve(conn, organization, &targets)
            })
            .await
    }

    async fn commit(&self, change: AttachmentChange) -> Result<AttachmentWrite, RepositoryError> {
        let (context, write, event) = change.into_parts();
        self.database
            .write(context.organization, move |tx| {
                idempotency::once(tx, &context, |tx| {
                    write::apply(tx, &context, &write)?;
                    tx.record(&context, &event)?;
                    governance::reassess(tx, &context, write.product())?;
                    Ok(write.clone())
                })
            })
            .await
    }
}
