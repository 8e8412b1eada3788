//! What the catalog needs from a store.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use probity_kernel::{
    Change, OrganizationId, Page, PageRequest, ProductId, RepositoryError, SpaceId, UserId, Version,
};

use crate::event::CatalogEvent;
use crate::filter::ProductFilter;
use crate::product::Product;
use crate::slug::SpaceSlug;
use crate::space::Space;

/// A write of this crate with its event and context.
pub type CatalogChange = Change<CatalogWrite, CatalogEvent>;

/// What to write. A repository hands the write back as the outcome of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogWrite {
    /// Inserts a space; `Conflict("slug")` when the organisation has one with the slug.
    CreateSpace {
        /// The space.
        space: Space,
        /// The user who becomes its first member, as its admin.
        admin: Option<UserId>,
    },
    /// Replaces a space that is still at the expected version, else `Stale`.
    UpdateSpace {
        /// The space as it is to be.
        space: Space,
        /// The version that was decided on.
        expected: Version,
    },
    /// Inserts a product; `Conflict("slug")` when the space has one with the slug.
    CreateProduct {
        /// The product.
        product: Box<Product>,
        /// How many products that are not archived the space may hold, this one included;
        /// `Conflict("capacity")` when it would hold more.
        capacity: Option<u32>,
    },
    /// Replaces a product that is still at the expected version, else `Stale`; `Conflict("slug")`
    /// when another product of the space has the slug.
    UpdateProduct {
        /// The product as it is to be.
        product: Box<Product>,
        /// The version that was decided on.
        expected: Version,
        /// Whether the date of the next review is part of the change. Deciding a review moves it too,
        /// without a new version of the product; a change that does not name it leaves it alone.
        moves_review: bool,
    },
}

/// A store of spaces and products.
///
/// # Contract
/// - Every call sees one organisation and nothing of any other.
/// - `commit` applies the write and records the event, or does neither. When the context carries an
///   idempotency claim, the claim is looked at **first**: a known claim with an equal fingerprint
///   answers the first outcome and writes nothing, with another fingerprint `IdempotencyMismatch`;
///   only then are capacity (first) and slug (second) compared.
/// - Capacity is counted in the transaction that inserts, so that no race goes past it.
pub trait CatalogRepository: Send + Sync {
    /// One space of the organisation.
    fn find_space_by_slug(
        &self,
        organization: OrganizationId,
        slug: &SpaceSlug,
    ) -> impl Future<Output = Result<Option<Space>, RepositoryError>> + Send;

    /// The spaces of the organisation, by slug.
    fn list_spaces(
        &self,
        organization: OrganizationId,
    ) -> impl Future<Output = Result<Vec<Space>, RepositoryError>> + Send;

    /// One product of the organisation, archived or not.
    fn find_product(
        &self,
        organization: OrganizationId,
        id: ProductId,
    ) -> impl Future<Output = Result<Option<Product>, RepositoryError>> + Send;

    /// The spaces of these products of the organisation; those that do not exist are left out.
    fn spaces_of(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> impl Future<Output = Result<HashMap<ProductId, SpaceId>, RepositoryError>> + Send;

    /// A page of the products that pass the filter, newest first: the order of creation reversed.
    fn list_products(
        &self,
        organization: OrganizationId,
        filter: &ProductFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<Product>, RepositoryError>> + Send;

    /// How many products of the space are not archived.
    fn count_products(
        &self,
        organization: OrganizationId,
        space: SpaceId,
    ) -> impl Future<Output = Result<u64, RepositoryError>> + Send;

    /// Applies a change: all of it or nothing.
    fn commit(
        &self,
        change: CatalogChange,
    ) -> impl Future<Output = Result<CatalogWrite, RepositoryError>> + Send;
}

impl<T: CatalogRepository> CatalogRepository for Arc<T> {
    async fn find_space_by_slug(
        &self,
        organization: OrganizationId,
        slug: &SpaceSlug,
    ) -> Result<Option<Space>, RepositoryError> {
        T::find_space_by_slug(self, organization, slug).await
    }

    async fn list_spaces(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<Space>, RepositoryError> {
        T::list_spaces(self, organization).await
    }

    async fn find_product(
        &self,
        organization: OrganizationId,
        id: ProductId,
    ) -> Result<Option<Product>, RepositoryError> {
        T::find_product(self, organization, id).await
    }

    async fn spaces_of(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> Result<HashMap<ProductId, SpaceId>, RepositoryError> {
        T::spaces_of(self, organization, products).await
    }

    async fn list_products(
        &self,
        organization: OrganizationId,
        filter: &ProductFilter,
        page: &PageRequest,
    ) -> Result<Page<Product>, RepositoryError> {
        T::list_products(self, organization, filter, page).await
    }

    async fn count_products(
        &self,
        organization: OrganizationId,
        space: SpaceId,
    ) -> Result<u64, RepositoryError> {
        T::count_products(self, organization, space).await
    }

    async fn commit(&self, change: CatalogChange) -> Result<CatalogWrite, RepositoryError> {
        T::commit(self, change).await
    }
}
