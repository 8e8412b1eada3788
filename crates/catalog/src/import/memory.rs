//! Imports in memory.

use probity_kernel::{Context, OrganizationId, RepositoryError, SpaceId};

use super::plan::ImportReceipt;
use super::repository::ImportRepository;
use crate::memory::InMemoryCatalog;
use crate::product::Product;
use crate::repository::CatalogChange;
use crate::slug::ProductSlug;
use crate::space::Space;

impl ImportRepository for InMemoryCatalog {
    async fn products_by_slug(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        slugs: Vec<ProductSlug>,
    ) -> Result<Vec<Product>, RepositoryError> {
        Ok(self.by_slug(organization, space, &slugs))
    }

    async fn spent_import(&self, ctx: &Context) -> Result<Option<ImportReceipt>, RepositoryError> {
        self.spent(ctx)
    }

    async fn commit_import(
        &self,
        ctx: &Context,
        space: &Space,
        changes: Vec<CatalogChange>,
        receipt: ImportReceipt,
    ) -> Result<ImportReceipt, RepositoryError> {
        self.take(ctx, space, changes, receipt)
    }
}
