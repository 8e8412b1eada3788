//! What an import needs from a store.

use std::future::Future;
use std::sync::Arc;

use probity_kernel::{Context, OrganizationId, RepositoryError, SpaceId};

use super::plan::ImportReceipt;
use crate::product::Product;
use crate::repository::CatalogChange;
use crate::slug::ProductSlug;
use crate::space::Space;

/// A store that takes many products at once.
///
/// # Contract
/// - The changes create products of the space or update some, nothing else.
/// - `commit_import` applies every change with its event, or none at all. A spent claim of the
///   context answers the first receipt and writes nothing; only then are capacity (over the whole of
///   the import) and slugs compared: `Conflict("capacity")`, `Conflict("slug")`; `Stale` when a
///   product is no longer what its update was decided on.
pub trait ImportRepository: Send + Sync {
    /// The products of the space that go by one of these slugs, archived or not.
    fn products_by_slug(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        slugs: Vec<ProductSlug>,
    ) -> impl Future<Output = Result<Vec<Product>, RepositoryError>> + Send;

    /// The receipt of an import that has spent the context's claim; `IdempotencyMismatch` when
    /// another request has.
    fn spent_import(
        &self,
        ctx: &Context,
    ) -> impl Future<Output = Result<Option<ImportReceipt>, RepositoryError>> + Send;

    /// Writes the products of an import in one unit of work, and hands back the receipt.
    fn commit_import(
        &self,
        ctx: &Context,
        space: &Space,
        changes: Vec<CatalogChange>,
        receipt: ImportReceipt,
    ) -> impl Future<Output = Result<ImportReceipt, RepositoryError>> + Send;
}

impl<T: ImportRepository> ImportRepository for Arc<T> {
    async fn products_by_slug(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        slugs: Vec<ProductSlug>,
    ) -> Result<Vec<Product>, RepositoryError> {
        T::products_by_slug(self, organization, space, slugs).await
    }

    async fn spent_import(&self, ctx: &Context) -> Result<Option<ImportReceipt>, RepositoryError> {
        T::spent_import(self, ctx).await
    }

    async fn commit_import(
        &self,
        ctx: &Context,
        space: &Space,
        changes: Vec<CatalogChange>,
        receipt: ImportReceipt,
    ) -> Result<ImportReceipt, RepositoryError> {
        T::commit_import(self, ctx, space, changes, receipt).await
    }
}
