//! The contract of [`AttachmentRepository`] as a test that any implementation can run.

use std::collections::BTreeSet;
use std::fmt::Debug;

use probity_kernel::{
    Actor, Context, Cursor, DataDependencyId, IdempotencyClaim, OrganizationId, PageRequest,
    Paging, Patch, PolicyAttachmentId, ProductId, ProductVersionId, RegisteredModelId,
    RepositoryError, RiskMitigationId,
};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use super::dependency::{
    DataDependency, DependencyInput, DependencyPatch, DependencyPatchInput, NewDependency,
};
use super::mitigation::{
    MitigationInput, MitigationPatch, MitigationPatchInput, NewMitigation, RiskMitigation,
};
use super::models::LinkTarget;
use super::policy::{NewPolicy, PolicyAttachment, PolicyInput};
use super::release::{NewVersion, ProductVersion, VersionInput};
use super::repository::{AttachmentChange, AttachmentRepository, AttachmentWrite};

/// What exists before the contract runs; nothing is attached yet.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// An organisation.
    pub organization: OrganizationId,
    /// A product of it.
    pub product: ProductId,
    /// Another one.
    pub second_product: ProductId,
    /// One that is archived.
    pub archived_product: ProductId,
    /// Two entries of its inventory; their `model_id`s are `alpha` and `beta`.
    pub models: [RegisteredModelId; 2],
    /// Another organisation.
    pub other_organization: OrganizationId,
    /// A product of that one.
    pub other_product: ProductId,
    /// An entry of that one's inventory, `gamma`.
    pub other_model: RegisteredModelId,
}

/// Runs the whole contract.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn repository_contract<R: AttachmentRepository>(repo: &R, world: &World) {
    let run = Run { repo, world };
    run.what_is_written_comes_back().await;
    run.things_are_found_under_their_product_only().await;
    run.lists_are_newest_first_and_paged().await;
    run.of_two_updates_the_second_is_stale().await;
    run.keys_are_unique_in_their_product().await;
    run.an_archived_or_foreign_product_takes_nothing().await;
    run.a_claim_happens_once_and_before_all_else().await;
    run.models_are_resolved_in_their_organization().await;
    run.links_are_replaced_as_a_set().await;
    run.one_version_is_current().await;
    run.what_is_removed_is_gone().await;
}

struct Run<'a, R> {
    repo: &'a R,
    world: &'a World,
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

/// An id of its own for every seed.
fn id(seed: u8) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_a700_0000 + u128::from(seed))
}

fn dependency(ctx: &Context, product: ProductId, seed: u8, name: &str) -> AttachmentChange {
    let input = DependencyInput {
        name: Some(name.to_owned()),
        dependency_type: Some("stream".to_owned()),
        uri: Some("s3://evidence/claims".to_owned()),
        version_label: Some("2026.06".to_owned()),
        description: Some("Claims, ÄÖ\nby month".to_owned()),
        changed_at: Some(ctx.now - Duration::days(1)),
    };
    let new = must(NewDependency::parse(input, ctx.now), "parsing");
    DataDependency::declare(ctx, DataDependencyId::new(id(seed)), product, new)
}

fn policy(ctx: &Context, product: ProductId, seed: u8, key: &str) -> AttachmentChange {
    let input = PolicyInput {
        policy_key: Some(key.to_owned()),
        title: Some("Model risk policy".to_owned()),
        reference_url: Some("https://policies.example.com/mr-1".to_owned()),
        description: Some("Validation before use".to_owned()),
    };
    let new = must(NewPolicy::parse(input), "parsing");
    PolicyAttachment::attach(ctx, PolicyAttachmentId::new(id(seed)), product, new)
}

fn mitigation(ctx: &Context, product: ProductId, seed: u8) -> AttachmentChange {
    let input = MitigationInput {
        title: Some(format!("Mitigation {seed}")),
        description: Some("Mask the postcode".to_owned()),
        severity: Some("high".to_owned()),
        status: Some("in_progress".to_owned()),
        owner: Some("risk@example.com".to_owned()),
        due_at: Some(ctx.now + Duration::days(30)),
    };
    let new = must(NewMitigation::parse(input), "parsing");
    RiskMitigation::open(ctx, RiskMitigationId::new(id(seed)), product, new)
}

fn version(
    ctx: &Context,
    product: ProductId,
    seed: u8,
    number: &str,
    current: bool,
) -> AttachmentChange {
    let input = VersionInput {
        version_number: Some(number.to_owned()),
        version_type: Some("major".to_owned()),
        release_date: Some(ctx.now),
        release_notes: Some("New features, ÄÖ".to_owned()),
        is_current: Some(current),
    };
    let new = must(NewVersion::parse(input), "parsing");
    ProductVersion::record(ctx, ProductVersionId::new(id(seed)), product, new)
}

fn renamed(to: &str, ctx: &Context) -> DependencyPatch {
    let input = DependencyPatchInput {
        name: Patch::Value(to.to_owned()),
        uri: Patch::Null,
        ..DependencyPatchInput::default()
    };
    must(DependencyPatch::parse(input, ctx.now), "parsing")
}

impl<R: AttachmentRepository> Run<'_, R> {
    fn ours(&self, minute: i64) -> Context {
        context(self.world.organization, minute)
    }

    async fn one_version_is_current(&self) {
        let (organization, product) = (self.world.organization, self.world.product);
        let (ctx, page) = (self.ours(90), PageRequest::first(9));
        let first = self
            .commit(version(&ctx, product, 240, "1", true), "a version")
            .await;
        let listed = self.repo.list_versions(organization, product, &page).await;
        let AttachmentWrite::RecordVersion(first) = first else {
            panic!("recording a version answered something else");
        };
        assert_eq!(must(listed, "listing").items, [first], "as it was written");
        let ctx = self.ours(91);
        self.commit(version(&ctx, product, 241, "2", true), "the next one")
            .await;
        self.commit(version(&ctx, product, 242, "3-rc", false), "one to come")
            .await;
        let twin = self
            .repo
            .commit(version(&ctx, product, 243, "2", true))
            .await;
        assert!(
            matches!(twin, Err(RepositoryError::Conflict("version_number"))),
            "{twin:?}"
        );
        self.commit(
            version(&ctx, self.world.second_product, 244, "2", false),
            "the number in another product",
        )
        .await;
        let listed = self.repo.list_versions(organization, product, &page).await;
        let listed = must(listed, "listing");
        let told: Vec<_> = listed
            .items
            .iter()
            .map(|it| (it.version_number.as_str(), it.is_current, it.version.get()))
            .collect();
        let expected = [("3-rc", false, 1), ("2", true, 1), ("1", false, 2)];
        assert_eq!((told.as_slice(), listed.total), (&expected[..], 3));

        let products = [product, self.world.second_product, self.world.other_product];
        let brief = self.repo.summarize_versions(organization, &products).await;
        let brief = must(brief, "summaries");
        let of = |product: &ProductId| {
            let found = brief.get(product).cloned().unwrap_or_default();
            (found.count, found.current.map(|it| it.version_number))
        };
        assert_eq!(of(&products[0]), (3, Some("2".to_owned())));
        assert_eq!(of(&products[1]), (1, None));
        assert_eq!(of(&products[2]), (0, None));
        let other = self.world.other_organization;
        let brief = self.repo.summarize_versions(other, &products).await;
        assert!(must(brief, "summaries").is_empty(), "seen from outside");
        let foreign = self.repo.list_versions(other, product, &page).await;
        assert_eq!(must(foreign, "listing").total, 0, "seen from outside");
    }

    async fn commit(&self, change: AttachmentChange, what: &str) -> AttachmentWrite {
        must(self.repo.commit(change).await, what)
    }

    async fn refused(&self, change: AttachmentChange, what: &str) -> RepositoryError {
        match self.repo.commit(change).await {
            Ok(_) => panic!("{what}: was committed"),
            Err(error) => error,
        }
    }

    async fn conflict(&self, change: AttachmentChange, key: &str, what: &str) {
        let error = self.refused(change, what).await;
        assert!(
            matches!(error, RepositoryError::Conflict(found) if found == key),
            "{what}: {error:?}"
        );
    }

    async fn dependency(&self, seed: u8) -> Option<DataDependency> {
        let World {
            organization,
            product,
            ..
        } = *self.world;
        let found =
            self.repo
                .find_dependency(organization, product, DataDependencyId::new(id(seed)));
        must(found.await, "finding a dependency")
    }

    async fn the_dependency(&self, seed: u8) -> DataDependency {
        match self.dependency(seed).await {
            Some(dependency) => dependency,
            None => panic!("dependency {seed} is not there"),
        }
    }

    async fn what_is_written_comes_back(&self) {
        let World {
            organization,
            product,
            ..
        } = *self.world;
        let ctx = self.ours(0);
        let write = self
            .commit(dependency(&ctx, product, 1, "claims"), "declaring")
            .await;
        let AttachmentWrite::PutDependency { next, .. } = write else {
            panic!("declaring answered something else");
        };
        assert_eq!(self.dependency(1).await, Some(next), "the dependency");

        let write = self
            .commit(policy(&ctx, product, 2, "MR-1"), "attaching")
            .await;
        let AttachmentWrite::AttachPolicy(attached) = write else {
            panic!("attaching answered something else");
        };
        let found = self
            .repo
            .find_policy(organization, product, attached.id)
            .await;
        assert_eq!(must(found, "finding"), Some(attached), "the policy");

        let write = self.commit(mitigation(&ctx, product, 3), "opening").await;
        let AttachmentWrite::PutMitigation { next, .. } = write else {
            panic!("opening answered something else");
        };
        let found = self
            .repo
            .find_mitigation(organization, product, next.id)
            .await;
        assert_eq!(must(found, "finding"), Some(next.clone()), "the mitigation");

        let patch = MitigationPatchInput {
            status: Patch::Value("resolved".to_owned()),
            owner: Patch::Null,
            ..MitigationPatchInput::default()
        };
        let patch = must(MitigationPatch::parse(patch), "parsing");
        let Some(change) = next.update(&self.ours(1), patch) else {
            panic!("resolving changes nothing");
        };
        let AttachmentWrite::PutMitigation { next, .. } = self.commit(change, "resolving").await
        else {
            panic!("resolving answered something else");
        };
        let found = self
            .repo
            .find_mitigation(organization, product, next.id)
            .await;
        assert_eq!(
            must(found, "finding"),
            Some(next),
            "the resolved mitigation"
        );
    }

    async fn things_are_found_under_their_product_only(&self) {
        let World {
            organization,
            product,
            second_product,
            other_organization,
            ..
        } = *self.world;
        let page = PageRequest::first(10);
        for (owner, of) in [
            (organization, second_product),
            (other_organization, product),
        ] {
            let dependency = self
                .repo
                .find_dependency(owner, of, DataDependencyId::new(id(1)));
            assert_eq!(must(dependency.await, "finding"), None);
            let policy = self
                .repo
                .find_policy(owner, of, PolicyAttachmentId::new(id(2)));
            assert_eq!(must(policy.await, "finding"), None);
            let mitigation = self
                .repo
                .find_mitigation(owner, of, RiskMitigationId::new(id(3)));
            assert_eq!(must(mitigation.await, "finding"), None);
            let listed = must(
                self.repo.list_dependencies(owner, of, &page).await,
                "listing",
            );
            assert_eq!((listed.items, listed.total), (Vec::new(), 0));
            let listed = must(self.repo.list_policies(owner, of, &page).await, "listing");
            assert_eq!((listed.items, listed.total), (Vec::new(), 0));
            let listed = must(
                self.repo.list_mitigations(owner, of, &page).await,
                "listing",
            );
            assert_eq!((listed.items, listed.total), (Vec::new(), 0));
        }
    }

    async fn seeds(&self, paging: Paging) -> (Vec<u128>, u64, Option<Cursor>) {
        let page = PageRequest { limit: 2, paging };
        let World {
            organization,
            product,
            ..
        } = *self.world;
        let page = self
            .repo
            .list_dependencies(organization, product, &page)
            .await;
        let page = must(page, "listing");
        let seeds = page.items.iter().map(|it| it.id.uuid().as_u128() & 0xff);
        (seeds.collect(), page.total, page.next)
    }

    async fn lists_are_newest_first_and_paged(&self) {
        let ctx = self.ours(2);
        for (seed, name) in [(11, "policies"), (12, "weather")] {
            let change = dependency(&ctx, self.world.product, seed, name);
            self.commit(change, "declaring").await;
        }
        let (seeds, total, next) = self.seeds(Paging::Offset(0)).await;
        assert_eq!((seeds, total), (vec![12, 11], 3), "the first page");
        let Some(next) = next else {
            panic!("there is another page");
        };
        for paging in [Paging::Offset(2), Paging::After(next)] {
            let (seeds, total, next) = self.seeds(paging).await;
            assert_eq!((seeds, total, next), (vec![1], 3, None), "the last page");
        }
    }

    async fn of_two_updates_the_second_is_stale(&self) {
        let ctx = self.ours(3);
        let before = self.the_dependency(11).await;
        let update = |name| match before.update(&ctx, renamed(name, &ctx)) {
            Some(change) => change,
            None => panic!("renaming changes nothing"),
        };
        self.commit(update("contracts"), "the first").await;
        let error = self.refused(update("treaties"), "the second").await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
        let after = self.the_dependency(11).await;
        assert_eq!((after.name.as_str(), after.uri), ("contracts", None));
        assert_eq!(after.version, before.version.next());
        let error = self
            .refused(before.remove(&ctx), "removing what changed")
            .await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
    }

    async fn keys_are_unique_in_their_product(&self) {
        let World {
            product,
            second_product,
            ..
        } = *self.world;
        let ctx = self.ours(4);
        self.conflict(
            dependency(&ctx, product, 20, "claims"),
            "name",
            "a taken name",
        )
        .await;
        let Some(change) = self
            .the_dependency(12)
            .await
            .update(&ctx, renamed("claims", &ctx))
        else {
            panic!("renaming changes nothing");
        };
        self.conflict(change, "name", "renaming to a taken name")
            .await;
        self.conflict(
            policy(&ctx, product, 20, "MR-1"),
            "policy_key",
            "a taken key",
        )
        .await;
        self.commit(dependency(&ctx, second_product, 21, "claims"), "elsewhere")
            .await;
        self.commit(policy(&ctx, second_product, 22, "MR-1"), "elsewhere")
            .await;
    }

    async fn an_archived_or_foreign_product_takes_nothing(&self) {
        let ctx = self.ours(5);
        for (product, key) in [
            (self.world.archived_product, "archived"),
            (self.world.other_product, "product"),
            (ProductId::new(id(99)), "product"),
        ] {
            self.conflict(dependency(&ctx, product, 30, "claims"), key, "declaring")
                .await;
            self.conflict(policy(&ctx, product, 30, "MR-1"), key, "attaching")
                .await;
            self.conflict(mitigation(&ctx, product, 30), key, "opening")
                .await;
        }
    }

    async fn a_claim_happens_once_and_before_all_else(&self) {
        let claimed = |fingerprint| {
            self.ours(6).with_idempotency(Some(IdempotencyClaim {
                scope: "contract:POST /attachments".to_owned(),
                key: "once".to_owned(),
                fingerprint: [fingerprint; 32],
            }))
        };
        let product = self.world.product;
        let first = dependency(&claimed(1), product, 40, "once");
        let first = self.commit(first, "the first try").await;
        let second = dependency(&claimed(1), product, 41, "once");
        let second = self.commit(second, "the second try").await;
        assert_eq!(first, second, "the repetition answered something else");
        assert_eq!(self.dependency(41).await, None, "the repetition wrote");
        let other = dependency(&claimed(2), product, 42, "once");
        let error = self.refused(other, "another body").await;
        assert!(
            matches!(error, RepositoryError::IdempotencyMismatch),
            "{error:?}"
        );
        let archived = dependency(&claimed(1), self.world.archived_product, 43, "once");
        let archived = self
            .commit(archived, "the claim of an archived product")
            .await;
        assert_eq!(
            first, archived,
            "the product was looked at before the claim"
        );
    }

    async fn linked(&self) -> Vec<(RegisteredModelId, String)> {
        let World {
            organization,
            product,
            ..
        } = *self.world;
        let links = self.repo.linked_models(organization, product).await;
        let links = must(links, "the links").links.into_iter();
        links
            .map(|link| (link.registered_model, link.model_id))
            .collect()
    }

    async fn link(
        &self,
        minute: i64,
        after: &[RegisteredModelId],
    ) -> Result<AttachmentWrite, RepositoryError> {
        let World {
            organization,
            product,
            ..
        } = *self.world;
        let current = self.repo.linked_models(organization, product).await;
        let current = must(current, "the links");
        match current.replace(&self.ours(minute), after.iter().copied().collect()) {
            Some(change) => self.repo.commit(change).await,
            None => panic!("the set is the same already"),
        }
    }

    async fn models_are_resolved_in_their_organization(&self) {
        let World {
            organization,
            models: [alpha, beta],
            other_model,
            ..
        } = *self.world;
        let targets = [
            LinkTarget::ModelId("beta".to_owned()),
            LinkTarget::Id(other_model),
            LinkTarget::Id(alpha),
            LinkTarget::ModelId("gamma".to_owned()),
        ];
        let found = self.repo.resolve_models(organization, &targets).await;
        let found = must(found, "resolving");
        assert_eq!(found, [Some(beta), None, Some(alpha), None], "resolving");
    }

    async fn links_are_replaced_as_a_set(&self) {
        let World {
            organization,
            product,
            models: [alpha, beta],
            other_model,
            other_organization,
            ..
        } = *self.world;
        must(self.link(7, &[beta]).await, "linking");
        let since = |links: Vec<super::RegisteredModelLink>| {
            let link = links.into_iter().find(|link| link.registered_model == beta);
            link.map(|link| link.linked_at)
        };
        let before = must(
            self.repo.linked_models(organization, product).await,
            "links",
        );
        must(self.link(8, &[alpha, beta]).await, "linking more");
        let names = |text: &str| text.to_owned();
        assert_eq!(
            self.linked().await,
            [(alpha, names("alpha")), (beta, names("beta"))]
        );
        let after = must(
            self.repo.linked_models(organization, product).await,
            "links",
        );
        assert_ne!(
            before.version(),
            after.version(),
            "the set has another version"
        );
        assert_eq!(
            since(before.links.clone()),
            since(after.links),
            "the link that stayed"
        );

        let empty = BTreeSet::new();
        let Some(stale) = before.replace(&self.ours(9), empty) else {
            panic!("an empty set is another one");
        };
        let error = self.refused(stale, "a set decided on another one").await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
        let error = self.link(9, &[alpha, other_model]).await;
        assert!(
            matches!(error, Err(RepositoryError::Conflict("registered_model"))),
            "{error:?}"
        );
        must(self.link(9, &[alpha]).await, "linking less");
        assert_eq!(self.linked().await, [(alpha, names("alpha"))]);
        let elsewhere = self.repo.linked_models(other_organization, product).await;
        assert_eq!(must(elsewhere, "links").links, [], "seen from outside");
    }

    async fn what_is_removed_is_gone(&self) {
        let ctx = self.ours(10);
        let World {
            organization,
            product,
            ..
        } = *self.world;
        let dependency = self.the_dependency(1).await;
        self.commit(dependency.remove(&ctx), "removing").await;
        assert_eq!(self.dependency(1).await, None);
        let find = self
            .repo
            .find_policy(organization, product, PolicyAttachmentId::new(id(2)));
        let Some(policy) = must(find.await, "finding") else {
            panic!("the policy is not there");
        };
        self.commit(policy.detach(&ctx), "detaching").await;
        let error = self.refused(policy.detach(&ctx), "detaching twice").await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
        let find = self
            .repo
            .find_mitigation(organization, product, RiskMitigationId::new(id(3)));
        let Some(mitigation) = must(find.await, "finding") else {
            panic!("the mitigation is not there");
        };
        self.commit(mitigation.remove(&ctx), "removing").await;
        let page = PageRequest::first(10);
        let listed = self.repo.list_policies(organization, product, &page).await;
        assert_eq!(must(listed, "listing").items, []);
        let listed = self
            .repo
            .list_mitigations(organization, product, &page)
            .await;
        assert_eq!(must(listed, "listing").items, []);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attachment::memory::InMemoryAttachments;

    #[tokio::test]
    async fn the_repository_in_memory_keeps_the_contract() {
        let repo = InMemoryAttachments::default();
        let world = World {
            organization: OrganizationId::new(id(200)),
            product: ProductId::new(id(201)),
            second_product: ProductId::new(id(202)),
            archived_product: ProductId::new(id(203)),
            models: [204, 205].map(|seed| RegisteredModelId::new(id(seed))),
            other_organization: OrganizationId::new(id(206)),
            other_product: ProductId::new(id(207)),
            other_model: RegisteredModelId::new(id(208)),
        };
        for (product, archived) in [
            (world.product, false),
            (world.second_product, false),
            (world.archived_product, true),
        ] {
            repo.add_product(world.organization, product, archived);
        }
        repo.add_product(world.other_organization, world.other_product, false);
        for (model, name) in world.models.into_iter().zip(["alpha", "beta"]) {
            repo.add_model(world.organization, model, name);
        }
        repo.add_model(world.other_organization, world.other_model, "gamma");
        repository_contract(&repo, &world).await;
    }
}
