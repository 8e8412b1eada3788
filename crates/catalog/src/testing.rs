//! The contract of [`CatalogRepository`] as a test that any implementation can run.

mod products;

use std::fmt::Debug;

use probity_kernel::{
    Actor, Context, IdempotencyClaim, OrganizationId, ProductId, RepositoryError, SpaceId,
};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use crate::new_product::{NewProduct, ProductInput};
use crate::product::Product;
use crate::repository::{CatalogChange, CatalogRepository, CatalogWrite};
use crate::slug::ProductSlug;
use crate::space::{NewSpace, Space, SpaceChanges, Visibility};

/// Runs the whole contract. `organization` and `other` are two organisations that exist and have
/// neither spaces nor products yet.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn repository_contract<R: CatalogRepository>(
    repo: &R,
    organization: OrganizationId,
    other: OrganizationId,
) {
    let run = Run {
        repo,
        organization,
        other,
    };
    run.spaces_are_unique_in_their_organization().await;
    run.a_changed_space_replaces_what_it_was_decided_on().await;
    run.a_claim_happens_once().await;
    run.products_come_back_as_they_were_written().await;
    run.products_are_found_in_their_organization_only().await;
    run.lists_are_newest_first_and_paged().await;
    run.archived_products_are_found_but_not_listed_or_counted()
        .await;
    run.a_change_replaces_what_it_was_decided_on().await;
    run.filters_and_searches_narrow_a_list().await;
    run.capacity_holds_in_the_store().await;
    run.a_claim_is_looked_at_before_capacity_and_slug().await;
}

struct Run<'a, R> {
    repo: &'a R,
    organization: OrganizationId,
    other: OrganizationId,
}

fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

/// A context of an organisation, some minutes after the start.
fn context(organization: OrganizationId, minute: i64) -> Context {
    let now = datetime!(2026-03-13 09:00 UTC) + Duration::minutes(minute);
    Context::new(organization, Actor::System("contract"), now)
}

fn claimed(ctx: Context, key: &str, fingerprint: u8) -> Context {
    ctx.with_idempotency(Some(IdempotencyClaim {
        scope: "contract:POST /catalog".to_owned(),
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
    }))
}

/// An id of its own for every seed.
fn id(seed: u8) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_ca00_0000 + u128::from(seed))
}

fn create_space(ctx: &Context, seed: u8, slug: &str) -> CatalogChange {
    let new = must(NewSpace::parse(slug, "A name, ÄÖ", Some(9)), "parsing");
    Space::create(ctx, SpaceId::new(id(seed)), new)
}

fn create_product(ctx: &Context, space: &Space, seed: u8, slug: &str) -> CatalogChange {
    let input = ProductInput {
        name: Some(format!("Product {seed}")),
        ..ProductInput::default()
    };
    let new = must(NewProduct::parse(input), "parsing");
    let slug = must(slug.parse::<ProductSlug>(), "parsing");
    Product::create(ctx, ProductId::new(id(seed)), space, slug, new)
}

impl<R: CatalogRepository> Run<'_, R> {
    async fn commit(&self, change: CatalogChange, what: &str) -> CatalogWrite {
        must(self.repo.commit(change).await, what)
    }

    async fn refused(&self, change: CatalogChange, what: &str) -> RepositoryError {
        match self.repo.commit(change).await {
            Ok(_) => panic!("{what}: was committed"),
            Err(error) => error,
        }
    }

    async fn space(&self, organization: OrganizationId, seed: u8, slug: &str) -> Space {
        let change = create_space(&context(organization, 0), seed, slug);
        let CatalogWrite::CreateSpace { space, .. } = self.commit(change, "creating a space").await
        else {
            panic!("creating a space answered something else");
        };
        space
    }

    async fn product(&self, space: &Space, minute: i64, seed: u8) -> Product {
        let ctx = context(space.organization, minute);
        let change = create_product(&ctx, space, seed, &format!("product-{seed}"));
        let outcome = self.commit(change, "creating a product").await;
        let CatalogWrite::CreateProduct { product, .. } = outcome else {
            panic!("creating a product answered something else");
        };
        *product
    }

    async fn find(&self, organization: OrganizationId, seed: u8) -> Option<Product> {
        let found = self
            .repo
            .find_product(organization, ProductId::new(id(seed)));
        must(found.await, "finding a product")
    }

    async fn spaces_are_unique_in_their_organization(&self) {
        let north = self.space(self.organization, 2, "north").await;
        let middle = self.space(self.organization, 1, "middle").await;
        let found = self
            .repo
            .find_space_by_slug(self.organization, &north.slug)
            .await;
        assert_eq!(must(found, "finding"), Some(north.clone()), "by slug");
        let elsewhere = self.repo.find_space_by_slug(self.other, &north.slug).await;
        assert_eq!(must(elsewhere, "elsewhere"), None, "seen from outside");

        let twin = create_space(&context(self.organization, 0), 3, "north");
        let error = self.refused(twin, "a taken slug").await;
        assert!(
            matches!(error, RepositoryError::Conflict("slug")),
            "{error:?}"
        );
        let theirs = self.space(self.other, 4, "north").await;
        let listed = must(self.repo.list_spaces(self.organization).await, "listing");
        assert_eq!(listed, [middle, north], "not by slug, or not ours only");
        let listed = must(self.repo.list_spaces(self.other).await, "listing");
        assert_eq!(listed, [theirs], "not theirs only");
    }

    async fn a_changed_space_replaces_what_it_was_decided_on(&self) {
        let ctx = context(self.organization, 1);
        let slug = must("north".parse(), "a slug");
        let find = async || {
            let found = self.repo.find_space_by_slug(self.organization, &slug);
            must(found.await, "finding")
        };
        let Some(before) = find().await else {
            panic!("no space");
        };
        let changes = SpaceChanges {
            name: Some("Another name".to_owned()),
            product_capacity: Some(None),
            visibility: Some(Visibility::Members),
        };
        let change = || match before.update(&ctx, changes.clone()) {
            Ok(Some(change)) => change,
            other => panic!("no change: {other:?}"),
        };
        self.commit(change(), "changing a space").await;
        let error = self.refused(change(), "an old version").await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
        let after = find().await;
        let seen = after.map(|space| (space.name, space.product_capacity, space.visibility));
        let expected = ("Another name".to_owned(), None, Visibility::Members);
        assert_eq!(seen, Some(expected));
    }

    async fn a_claim_happens_once(&self) {
        let ctx = claimed(context(self.organization, 1), "once", 1);
        let first = self
            .commit(create_space(&ctx, 10, "once"), "the first try")
            .await;
        let second = self
            .commit(create_space(&ctx, 11, "twice"), "the second try")
            .await;
        assert_eq!(first, second, "the repetition answered something else");
        let spaces = must(self.repo.list_spaces(self.organization).await, "listing");
        assert_eq!(spaces.len(), 3, "the repetition wrote a space");

        let changed = claimed(context(self.organization, 1), "once", 2);
        let error = self
            .refused(create_space(&changed, 12, "thrice"), "another body")
            .await;
        assert!(
            matches!(error, RepositoryError::IdempotencyMismatch),
            "{error:?}"
        );

        // The same claim in another organisation is another claim.
        let foreign = claimed(context(self.other, 1), "once", 2);
        let apart = self
            .commit(create_space(&foreign, 13, "once"), "another organisation")
            .await;
        let CatalogWrite::CreateSpace { space: apart, .. } = apart else {
            panic!("creating a space answered something else");
        };
        assert_eq!(apart.id.uuid(), id(13), "two organisations share a claim");

        // A refused change spends no claim.
        let taken = claimed(context(self.organization, 1), "taken", 1);
        let error = self
            .refused(create_space(&taken, 14, "north"), "a taken slug")
            .await;
        assert!(
            matches!(error, RepositoryError::Conflict("slug")),
            "{error:?}"
        );
        self.commit(create_space(&taken, 14, "south"), "the same claim again")
            .await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::memory::InMemoryCatalog;

    #[tokio::test]
    async fn the_repository_in_memory_keeps_the_contract() {
        let repo = Arc::new(InMemoryCatalog::default());
        let [ours, theirs] = [200, 201].map(|seed| OrganizationId::new(id(seed)));
        repository_contract(&repo, ours, theirs).await;
    }
}
