//! A repository in memory, for tests and for trying things out. It keeps the contract of
//! [`CatalogRepository`], except that it takes any organisation id for granted.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    Context, Cursor, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError,
    SpaceId, Version,
};

use crate::event::CatalogEvent;
use crate::filter::ProductFilter;
use crate::import::ImportReceipt;
use crate::product::Product;
use crate::repository::{CatalogChange, CatalogRepository, CatalogWrite};
use crate::slug::{ProductSlug, SpaceSlug};
use crate::space::Space;

/// Spaces and products in memory, with everything that was recorded about them.
#[derive(Debug, Default)]
pub struct InMemoryCatalog(Mutex<State>);

type Claimed = (OrganizationId, String, String);

#[derive(Debug, Default)]
struct State {
    spaces: HashMap<SpaceId, Space>,
    products: HashMap<ProductId, Product>,
    outcomes: HashMap<Claimed, ([u8; 32], CatalogWrite)>,
    imports: HashMap<Claimed, ([u8; 32], ImportReceipt)>,
    events: Vec<CatalogEvent>,
}

impl InMemoryCatalog {
    /// Every recorded event, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<CatalogEvent> {
        self.state().events.clone()
    }

    pub(crate) fn by_slug(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        slugs: &[ProductSlug],
    ) -> Vec<Product> {
        let state = self.state();
        let known = state.products.values().filter(|known| {
            (known.organization, known.space) == (organization, space)
                && slugs.contains(&known.slug)
        });
        known.cloned().collect()
    }

    pub(crate) fn spent(&self, ctx: &Context) -> Result<Option<ImportReceipt>, RepositoryError> {
        replayed(&self.state().imports, ctx)
    }

    /// All the changes of an import, or none.
    pub(crate) fn take(
        &self,
        ctx: &Context,
        space: &Space,
        changes: Vec<CatalogChange>,
        receipt: ImportReceipt,
    ) -> Result<ImportReceipt, RepositoryError> {
        let mut state = self.state();
        if let Some(receipt) = replayed(&state.imports, ctx)? {
            return Ok(receipt);
        }
        let creates =
            |change: &&CatalogChange| matches!(change.write(), CatalogWrite::CreateProduct { .. });
        let added = changes.iter().filter(creates).count();
        let added = u64::try_from(added).unwrap_or(u64::MAX);
        let room = state
            .count(ctx.organization, space.id)
            .saturating_add(added);
        let capacity = space.product_capacity;
        if added > 0 && capacity.is_some_and(|most| room > u64::from(most)) {
            return Err(RepositoryError::Conflict("capacity"));
        }
        let before = state.products.clone();
        let mut events = Vec::new();
        for change in changes {
            let (_, write, event) = change.into_parts();
            if let Err(error) = state.apply(&write) {
                state.products = before;
                return Err(error);
            }
            events.push(event);
        }
        state.events.extend(events);
        if let Some(claim) = &ctx.idempotency {
            let claimed = (ctx.organization, claim.scope.clone(), claim.key.clone());
            let outcome = (claim.fingerprint, receipt.clone());
            state.imports.insert(claimed, outcome);
        }
        Ok(receipt)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first outcome of the context's claim, if the claim is known.
    fn replay(&self, ctx: &Context) -> Result<Option<CatalogWrite>, RepositoryError> {
        replayed(&self.outcomes, ctx)
    }

    fn apply(&mut self, write: &CatalogWrite) -> Result<(), RepositoryError> {
        match write {
            CatalogWrite::CreateSpace { space, .. } => self.create_space(space),
            CatalogWrite::UpdateSpace { space, expected } => {
                let stored = self.spaces.get_mut(&space.id).filter(|known| {
                    known.organization == space.organization && known.version == *expected
                });
                *stored.ok_or(RepositoryError::Stale)? = space.clone();
                Ok(())
            }
            CatalogWrite::CreateProduct { product, capacity } => {
                self.create_product(product, *capacity)
            }
            CatalogWrite::UpdateProduct {
                product, expected, ..
            } => self.update_product(product, *expected),
        }
    }

    fn create_space(&mut self, space: &Space) -> Result<(), RepositoryError> {
        if self
            .find_space(space.organization, |known| known.slug == space.slug)
            .is_some()
        {
            return Err(RepositoryError::Conflict("slug"));
        }
        self.spaces.insert(space.id, space.clone());
        Ok(())
    }

    fn create_product(
        &mut self,
        product: &Product,
        capacity: Option<u32>,
    ) -> Result<(), RepositoryError> {
        let (organization, space) = (product.organization, product.space);
        if self
            .find_space(organization, |known| known.id == space)
            .is_none()
        {
            return Err(RepositoryError::Database("no such space".into()));
        }
        if capacity.is_some_and(|most| self.count(organization, space) >= u64::from(most)) {
            return Err(RepositoryError::Conflict("capacity"));
        }
        let twin = |known: &Product| known.space == space && known.slug == product.slug;
        if self.products.values().any(twin) {
            return Err(RepositoryError::Conflict("slug"));
        }
        self.products.insert(product.id, product.clone());
        Ok(())
    }

    fn update_product(
        &mut self,
        product: &Product,
        expected: Version,
    ) -> Result<(), RepositoryError> {
        let twin = |known: &Product| {
            known.space == product.space && known.slug == product.slug && known.id != product.id
        };
        let known = self.products.get(&product.id);
        let is_current = |known: &Product| {
            known.organization == product.organization && known.version == expected
        };
        if !known.is_some_and(is_current) {
            return Err(RepositoryError::Stale);
        }
        if self.products.values().any(twin) {
            return Err(RepositoryError::Conflict("slug"));
        }
        self.products.insert(product.id, product.clone());
        Ok(())
    }

    fn find_space(
        &self,
        organization: OrganizationId,
        wanted: impl Fn(&Space) -> bool,
    ) -> Option<&Space> {
        self.spaces
            .values()
            .find(|space| space.organization == organization && wanted(space))
    }

    /// The products of the organisation that are not archived.
    fn live(&self, organization: OrganizationId) -> impl Iterator<Item = &Product> {
        self.products
            .values()
            .filter(move |known| known.organization == organization && known.archived_at.is_none())
    }

    fn count(&self, organization: OrganizationId, space: SpaceId) -> u64 {
        let held = self.live(organization).filter(|known| known.space == space);
        u64::try_from(held.count()).unwrap_or(u64::MAX)
    }
}

/// The first outcome of the context's claim, if the claim is known.
fn replayed<T: Clone>(
    outcomes: &HashMap<Claimed, ([u8; 32], T)>,
    ctx: &Context,
) -> Result<Option<T>, RepositoryError> {
    let Some(claim) = &ctx.idempotency else {
        return Ok(None);
    };
    let claimed = (ctx.organization, claim.scope.clone(), claim.key.clone());
    match outcomes.get(&claimed) {
        None => Ok(None),
        Some((fingerprint, outcome)) if *fingerprint == claim.fingerprint => {
            Ok(Some(outcome.clone()))
        }
        Some(_) => Err(RepositoryError::IdempotencyMismatch),
    }
}

/// Where a product stands in the list.
fn position(product: &Product) -> Cursor {
    let millis = product.created_at.unix_timestamp_nanos() / 1_000_000;
    Cursor {
        key: i64::try_from(millis).unwrap_or(i64::MAX),
        tie: product.id.uuid().as_u128(),
    }
}

/// The wanted page of products that are sorted newest first.
fn cut(products: Vec<Product>, page: &PageRequest) -> Page<Product> {
    let total = u64::try_from(products.len()).unwrap_or(u64::MAX);
    let skipped = match &page.paging {
        Paging::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Paging::After(cursor) => products
            .iter()
            .map(position)
            .take_while(|at| (at.key, at.tie) >= (cursor.key, cursor.tie))
            .count(),
    };
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut rest = products.into_iter().skip(skipped);
    let items: Vec<Product> = rest.by_ref().take(limit).collect();
    let next = rest.next().and_then(|_more| items.last().map(position));
    Page { items, total, next }
}

impl CatalogRepository for InMemoryCatalog {
    async fn find_space_by_slug(
        &self,
        organization: OrganizationId,
        slug: &SpaceSlug,
    ) -> Result<Option<Space>, RepositoryError> {
        let state = self.state();
        let found = state.find_space(organization, |known| known.slug == *slug);
        Ok(found.cloned())
    }

    async fn list_spaces(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<Space>, RepositoryError> {
        let all = self.state().spaces.clone();
        let mut spaces: Vec<Space> = all
            .into_values()
            .filter(|space| space.organization == organization)
            .collect();
        spaces.sort_by(|a, b| a.slug.cmp(&b.slug));
        Ok(spaces)
    }

    async fn find_product(
        &self,
        organization: OrganizationId,
        id: ProductId,
    ) -> Result<Option<Product>, RepositoryError> {
        let product = self.state().products.get(&id).cloned();
        Ok(product.filter(|product| product.organization == organization))
    }

    async fn spaces_of(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> Result<HashMap<ProductId, SpaceId>, RepositoryError> {
        let state = self.state();
        let known = products.iter().filter_map(|id| state.products.get(id));
        let own = known.filter(|product| product.organization == organization);
        Ok(own.map(|product| (product.id, product.space)).collect())
    }

    async fn list_products(
        &self,
        organization: OrganizationId,
        filter: &ProductFilter,
        page: &PageRequest,
    ) -> Result<Page<Product>, RepositoryError> {
        let state = self.state();
        let wanted = |known: &&Product| known.organization == organization && filter.admits(known);
        let mut products: Vec<Product> = state.products.values().filter(wanted).cloned().collect();
        products.sort_by_key(|product| {
            let at = position(product);
            std::cmp::Reverse((at.key, at.tie))
        });
        Ok(cut(products, page))
    }

    async fn count_products(
        &self,
        organization: OrganizationId,
        space: SpaceId,
    ) -> Result<u64, RepositoryError> {
        Ok(self.state().count(organization, space))
    }

    async fn commit(&self, change: CatalogChange) -> Result<CatalogWrite, RepositoryError> {
        let (ctx, write, event) = change.into_parts();
        let mut state = self.state();
        if let Some(outcome) = state.replay(&ctx)? {
            return Ok(outcome);
        }
        state.apply(&write)?;
        state.events.push(event);
        if let Some(claim) = ctx.idempotency {
            let claimed = (ctx.organization, claim.scope, claim.key);
            state
                .outcomes
                .insert(claimed, (claim.fingerprint, write.clone()));
        }
        Ok(write)
    }
}
