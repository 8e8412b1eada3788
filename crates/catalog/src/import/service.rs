//! The command over a repository.

use std::collections::HashMap;

use probity_kernel::{Context, IdSource, ProductId, RepositoryError};

use super::error::ImportError;
use super::plan::{ImportReceipt, ImportedProduct, Outcome, Planned, changed, judge};
use super::repository::ImportRepository;
use super::rows::ImportRow;
use crate::error::CatalogError;
use crate::product::Product;
use crate::repository::{CatalogChange, CatalogRepository, CatalogWrite};
use crate::service::CatalogService;
use crate::slug::ProductSlug;
use crate::space::Space;

/// How often an import is planned anew after somebody else was faster.
const ATTEMPTS: usize = 3;

impl<R: CatalogRepository + ImportRepository, I: IdSource> CatalogService<R, I> {
    /// Imports rows into a space: all of them or none. What goes by the slug of a row becomes what
    /// the row says, or is created. A dry run judges and writes nothing.
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
        let mut refusal = CatalogError::SlugTaken;
        for _ in 0..ATTEMPTS {
            let (changes, receipt) = self.plan(ctx, space, &planned, dry_run).await?;
            if dry_run {
                return Ok(receipt);
            }
            let repository = self.repository();
            match repository.commit_import(ctx, space, changes, receipt).await {
                Ok(receipt) => return Ok(receipt),
                // Somebody else took one of the slugs or changed one of the products meanwhile.
                Err(RepositoryError::Conflict("slug")) => refusal = CatalogError::SlugTaken,
                Err(RepositoryError::Stale) => refusal = RepositoryError::Stale.into(),
                Err(RepositoryError::Conflict("capacity")) => {
                    return Err(CatalogError::full(space).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(refusal.into())
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
        let (mut changes, mut faults) = (Vec::new(), Vec::new());
        let (mut products, mut added) = (Vec::with_capacity(planned.len()), 0);
        for one in planned {
            let (change, known) = match held.get(&one.slug) {
                Some(known) => (one.update(ctx, known), Some(known.id)),
                None => (self.create(ctx, space, one).map(Some), None),
            };
            let change = match change {
                Ok(change) => change,
                Err(ImportError::Rows(more)) => {
                    faults.extend(more);
                    continue;
                }
                Err(other) => return Err(other),
            };
            added += u64::from(known.is_none());
            products.push(line(one, known, change.as_ref(), dry_run));
            changes.extend(change);
        }
        if !faults.is_empty() {
            return Err(ImportError::Rows(faults));
        }
        self.check_room(space, added).await?;
        Ok((changes, ImportReceipt { products }))
    }

    fn create(
        &self,
        ctx: &Context,
        space: &Space,
        one: &Planned,
    ) -> Result<CatalogChange, ImportError> {
        let new = one
            .create()
            .map_err(|fault| ImportError::Rows(vec![fault]))?;
        let id = ProductId::new(self.next_id(ctx));
        Ok(Product::create(ctx, id, space, one.slug.clone(), new))
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

/// What the receipt says about a row.
fn line(
    one: &Planned,
    known: Option<ProductId>,
    change: Option<&CatalogChange>,
    dry_run: bool,
) -> ImportedProduct {
    let created = change.and_then(|change| match change.write() {
        CatalogWrite::CreateProduct { product, .. } => Some(product.id),
        CatalogWrite::CreateSpace { .. }
        | CatalogWrite::UpdateSpace { .. }
        | CatalogWrite::UpdateProduct { .. } => None,
    });
    ImportedProduct {
        row: one.row,
        id: known.or_else(|| created.filter(|_| !dry_run)),
        slug: one.slug.clone(),
        outcome: match (known, change) {
            (None, _) => Outcome::Created,
            (Some(_), Some(_)) => Outcome::Updated,
            (Some(_), None) => Outcome::Unchanged,
        },
        changed: change.map(changed).unwrap_or_default(),
    }
}
