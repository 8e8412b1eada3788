//! The command over a repository.

use std::collections::HashMap;

use probity_kernel::{Context, IdSource, ProductId, RepositoryError};

use super::error::ImportError;
use super::plan::{ImportReceipt, ImportedProduct, Outcome, Planned, judge};
use super::repository::ImportRepository;
use super::rows::ImportRow;
use crate::error::CatalogError;
use crate::product::Product;
use crate::repository::{CatalogChange, CatalogRepository};
use crate::service::CatalogService;
use crate::slug::ProductSlug;
use crate::space::Space;

/// How often an import is planned anew after somebody else took one of its slugs.
const ATTEMPTS: usize = 3;

impl<R: CatalogRepository + ImportRepository, I: IdSource> CatalogService<R, I> {
    /// Imports rows into a space: all of them or none. A dry run judges and writes nothing.
    ///
    /// # Errors
    /// [`ImportError::Rows`] with every fault of every row; `SpaceNotFound` when the space is of
    /// another organisation than the context; `CapacityExceeded` when the space cannot hold them.
    pub async fn import(
        &self,
        ctx: &Context,
        space: &Space,
        rows: Vec<ImportRow>,
        dry_run: bool,
    ) -> Result<ImportReceipt, ImportError> {
        if space.organization != ctx.organization {
            return Err(CatalogError::SpaceNotFound.into());
        }
        // A repeated request would find its own products, perhaps changed since.
        if let Some(receipt) = self.repository().spent_import(ctx).await? {
            return Ok(receipt);
        }
        let planned = judge(rows)?;
        for _ in 0..ATTEMPTS {
            let (changes, receipt) = self.plan(ctx, space, &planned, dry_run).await?;
            if dry_run {
                return Ok(receipt);
            }
            let repository = self.repository();
            match repository.commit_import(ctx, space, changes, receipt).await {
                Ok(receipt) => return Ok(receipt),
                // Somebody else took one of the slugs in the meantime.
                Err(RepositoryError::Conflict("slug")) => {}
                Err(RepositoryError::Conflict("capacity")) => {
                    return Err(CatalogError::full(space).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(CatalogError::SlugTaken.into())
    }

    async fn plan(
        &self,
        ctx: &Context,
        space: &Space,
        planned: &[Planned],
        dry_run: bool,
    ) -> Result<(Vec<CatalogChange>, ImportReceipt), ImportError> {
        let slugs = planned.iter().map(|one| one.slug.clone()).collect();
        let held = self
            .repository()
            .products_by_slug(ctx.organization, space.id, slugs);
        let held: HashMap<ProductSlug, Product> = held
            .await?
            .into_iter()
            .map(|product| (product.slug.clone(), product))
            .collect();
        let (mut changes, mut products) = (Vec::new(), Vec::with_capacity(planned.len()));
        let mut faults = Vec::new();
        for one in planned {
            let (id, outcome) = if let Some(known) = held.get(&one.slug) {
                faults.extend(one.compare(known).err());
                (Some(known.id), Outcome::Unchanged)
            } else {
                let id = ProductId::new(self.next_id(ctx));
                let new = one.new.clone();
                changes.push(Product::create(ctx, id, space, one.slug.clone(), new));
                ((!dry_run).then_some(id), Outcome::Created)
            };
            products.push(ImportedProduct {
                row: one.row,
                id,
                slug: one.slug.clone(),
                outcome,
            });
        }
        if !faults.is_empty() {
            return Err(ImportError::Rows(faults));
        }
        let added = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        self.check_room(space, added).await?;
        Ok((changes, ImportReceipt { products }))
    }

    /// Whether the space has room for so many more.
    async fn check_room(&self, space: &Space, added: u64) -> Result<(), ImportError> {
        if added == 0 || space.product_capacity.is_none() {
            return Ok(());
        }
        let held = self
            .repository()
            .count_products(space.organization, space.id)
            .await?;
        if space.has_room_beside(held.saturating_add(added - 1)) {
            Ok(())
        } else {
            Err(CatalogError::full(space).into())
        }
    }
}
