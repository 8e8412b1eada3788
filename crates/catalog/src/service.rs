//! The commands of this crate over a repository.

use probity_kernel::{
    Context, IdSource, OrganizationId, Page, PageRequest, ProductId, RepositoryError, SpaceId,
    Version,
};

use crate::error::CatalogError;
use crate::filter::ProductFilter;
use crate::new_product::NewProduct;
use crate::patch::ProductPatch;
use crate::product::Product;
use crate::repository::{CatalogChange, CatalogRepository, CatalogWrite};
use crate::slug::{ProductSlug, SpaceSlug};
use crate::space::{NewSpace, Space, SpaceChanges};

/// Up to which number products of one name are counted before an id is put behind the slug.
const LAST_COUNTED: u32 = 5;
/// How often a command is decided anew when somebody else was faster.
const ATTEMPTS: u32 = 3;

/// Spaces and products.
#[derive(Debug, Clone)]
pub struct CatalogService<R, I> {
    repository: R,
    ids: I,
}

impl<R: CatalogRepository, I: IdSource> CatalogService<R, I> {
    /// A service over a repository and a source of ids.
    pub const fn new(repository: R, ids: I) -> Self {
        Self { repository, ids }
    }

    /// The repository underneath.
    pub const fn repository(&self) -> &R {
        &self.repository
    }

    pub(crate) fn next_id(&self, ctx: &Context) -> uuid::Uuid {
        self.ids.next_id(ctx.now)
    }

    /// The space with this slug; a text that is no slug names no space.
    ///
    /// # Errors
    /// [`CatalogError::SpaceNotFound`] when there is none, in this organisation.
    pub async fn space(
        &self,
        organization: OrganizationId,
        slug: &str,
    ) -> Result<Space, CatalogError> {
        let slug: SpaceSlug = slug.parse().map_err(|_| CatalogError::SpaceNotFound)?;
        let found = self.repository.find_space_by_slug(organization, &slug);
        found.await?.ok_or(CatalogError::SpaceNotFound)
    }

    /// The spaces of the organisation, by slug.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn list_spaces(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<Space>, CatalogError> {
        Ok(self.repository.list_spaces(organization).await?)
    }

    /// Creates a space.
    ///
    /// # Errors
    /// [`CatalogError::SlugTaken`] when the organisation has a space with the slug.
    pub async fn create_space(&self, ctx: &Context, new: NewSpace) -> Result<Space, CatalogError> {
        let id = SpaceId::new(self.ids.next_id(ctx.now));
        match self.repository.commit(Space::create(ctx, id, new)).await {
            Ok(CatalogWrite::CreateSpace { space, .. }) => Ok(space),
            Ok(_) => Err(RepositoryError::IdempotencyMismatch.into()),
            Err(RepositoryError::Conflict("slug")) => Err(CatalogError::SlugTaken),
            Err(error) => Err(error.into()),
        }
    }

    /// The space with the slug, created from `new` if there is none. The idempotency claim of the
    /// context stays unspent: this is a step of other commands, and repeating it changes nothing.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn ensure_space(&self, ctx: &Context, new: NewSpace) -> Result<Space, CatalogError> {
        let slug = new.slug.clone();
        let found = self.repository.find_space_by_slug(ctx.organization, &slug);
        if let Some(space) = found.await? {
            return Ok(space);
        }
        let unclaimed = ctx.clone().with_idempotency(None);
        match self.create_space(&unclaimed, new).await {
            // Somebody else was faster; spaces are not deleted, so theirs is there.
            Err(CatalogError::SlugTaken) => self.space(ctx.organization, slug.as_str()).await,
            outcome => outcome,
        }
    }

    /// Changes a space, decided anew while somebody else is faster; a caller who demands a version is
    /// told when it is gone. What changes nothing writes nothing.
    ///
    /// # Errors
    /// [`CatalogError::SpaceNotFound`], [`CatalogError::PreconditionFailed`],
    /// [`CatalogError::Invalid`].
    pub async fn change_space(
        &self,
        ctx: &Context,
        slug: &SpaceSlug,
        changes: &SpaceChanges,
        expected: Option<Version>,
    ) -> Result<Space, CatalogError> {
        for _ in 0..ATTEMPTS {
            let space = self.space(ctx.organization, slug.as_str()).await?;
            if expected.is_some_and(|expected| expected != space.version) {
                return Err(CatalogError::PreconditionFailed);
            }
            let Some(change) = space.update(ctx, changes.clone())? else {
                return Ok(space);
            };
            match self.repository.commit(change).await {
                Ok(CatalogWrite::UpdateSpace { space, .. }) => return Ok(space),
                Ok(_) => return Err(RepositoryError::IdempotencyMismatch.into()),
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Creates a product in a space. Without a slug of its own it gets one from its name: the bare
    /// one, or with `-2` to `-5` behind it, or with the end of its id.
    ///
    /// # Errors
    /// [`CatalogError::SpaceNotFound`] when the space is of another organisation than the context,
    /// [`CatalogError::CapacityExceeded`], [`CatalogError::SlugTaken`].
    pub async fn create_product(
        &self,
        ctx: &Context,
        space: &Space,
        new: NewProduct,
    ) -> Result<Product, CatalogError> {
        if space.organization != ctx.organization {
            return Err(CatalogError::SpaceNotFound);
        }
        // A repeated request may be what filled the space: its claim is for the store to judge.
        if ctx.idempotency.is_none() {
            self.check_capacity(space).await?;
        }
        let id = ProductId::new(self.ids.next_id(ctx.now));
        for slug in candidates(&new, id) {
            let change = Product::create(ctx, id, space, slug, new.clone());
            match self.repository.commit(change).await {
                Ok(CatalogWrite::CreateProduct { product, .. }) => return Ok(*product),
                Ok(_) => {
                    return Err(RepositoryError::IdempotencyMismatch.into());
                }
                Err(RepositoryError::Conflict("slug")) => {}
                Err(RepositoryError::Conflict("capacity")) => {
                    return Err(CatalogError::full(space));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(CatalogError::SlugTaken)
    }

    async fn check_capacity(&self, space: &Space) -> Result<(), CatalogError> {
        if space.product_capacity.is_none() {
            return Ok(());
        }
        let held = self
            .repository
            .count_products(space.organization, space.id)
            .await?;
        if space.has_room_beside(held) {
            Ok(())
        } else {
            Err(CatalogError::full(space))
        }
    }

    /// One product of the organisation, archived or not.
    ///
    /// # Errors
    /// [`CatalogError::ProductNotFound`] when there is none, in this organisation.
    pub async fn get(
        &self,
        organization: OrganizationId,
        id: ProductId,
    ) -> Result<Product, CatalogError> {
        let found = self.repository.find_product(organization, id).await?;
        found.ok_or(CatalogError::ProductNotFound)
    }

    /// Changes a product, decided anew while somebody else is faster; a caller who demands a version
    /// is told when it is gone. A patch that changes nothing writes nothing.
    ///
    /// # Errors
    /// [`CatalogError::ProductNotFound`], [`CatalogError::ProductArchived`],
    /// [`CatalogError::PreconditionFailed`], [`CatalogError::SlugTaken`], [`CatalogError::Invalid`].
    pub async fn patch_product(
        &self,
        ctx: &Context,
        id: ProductId,
        patch: ProductPatch,
        expected: Option<Version>,
    ) -> Result<Product, CatalogError> {
        let decide = |product: &Product| product.update(ctx, patch.clone());
        self.change(ctx.organization, id, expected, decide).await
    }

    /// Archives a product; archiving it again changes nothing.
    ///
    /// # Errors
    /// [`CatalogError::ProductNotFound`], [`CatalogError::PreconditionFailed`].
    pub async fn archive_product(
        &self,
        ctx: &Context,
        id: ProductId,
        expected: Option<Version>,
    ) -> Result<Product, CatalogError> {
        let decide = |product: &Product| Ok(product.archive(ctx));
        self.change(ctx.organization, id, expected, decide).await
    }

    async fn change(
        &self,
        organization: OrganizationId,
        id: ProductId,
        expected: Option<Version>,
        decide: impl Fn(&Product) -> Result<Option<CatalogChange>, CatalogError>,
    ) -> Result<Product, CatalogError> {
        for _ in 0..ATTEMPTS {
            let product = self.get(organization, id).await?;
            if expected.is_some_and(|expected| expected != product.version) {
                return Err(CatalogError::PreconditionFailed);
            }
            let Some(change) = decide(&product)? else {
                return Ok(product);
            };
            match self.repository.commit(change).await {
                Ok(CatalogWrite::UpdateProduct { product, .. }) => return Ok(*product),
                Ok(_) => return Err(RepositoryError::IdempotencyMismatch.into()),
                Err(RepositoryError::Stale) => {}
                Err(RepositoryError::Conflict("slug")) => return Err(CatalogError::SlugTaken),
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// A page of the products that pass the filter, newest first.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn list(
        &self,
        organization: OrganizationId,
        filter: &ProductFilter,
        page: &PageRequest,
    ) -> Result<Page<Product>, CatalogError> {
        let listed = self.repository.list_products(organization, filter, page);
        Ok(listed.await?)
    }
}

/// The slugs to try, in this order. A slug that the caller chose is the only one.
fn candidates(new: &NewProduct, id: ProductId) -> Vec<ProductSlug> {
    if let Some(chosen) = &new.slug {
        return vec![chosen.clone()];
    }
    let plain = ProductSlug::from_name(&new.name);
    // The last 48 bits of a UUIDv7 are random, or a counter where ids are reproducible.
    let tail = format!("{:012x}", id.uuid().as_u128() & 0xffff_ffff_ffff);
    let mut slugs: Vec<ProductSlug> = (2..=LAST_COUNTED)
        .map(|count| plain.with_suffix(&count.to_string()))
        .collect();
    slugs.push(plain.with_suffix(&tail));
    slugs.insert(0, plain);
    slugs
}

#[cfg(test)]
mod tests;
