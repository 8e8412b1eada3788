//! A repository in memory, for tests and for trying things out. It keeps the contract of
//! [`AttachmentRepository`] over the products and inventory entries that it is told of.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    Context, Cursor, DataDependencyId, OrganizationId, Page, PageRequest, Paging,
    PolicyAttachmentId, ProductId, ProductVersionId, RegisteredModelId, RepositoryError,
    RiskMitigationId, Version,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::dependency::DataDependency;
use super::event::AttachmentEvent;
use super::mitigation::RiskMitigation;
use super::models::{LinkTarget, RegisteredModelLink, RegisteredModelLinks};
use super::policy::PolicyAttachment;
use super::release::{ProductVersion, VersionSummary};
use super::repository::{AttachmentChange, AttachmentRepository, AttachmentWrite};

/// Attachments in memory, with everything that was recorded about them.
#[derive(Debug, Default)]
pub struct InMemoryAttachments(Mutex<State>);

type Claimed = (OrganizationId, String, String);

#[derive(Debug, Default)]
struct State {
    /// The products, and whether they are archived.
    products: HashMap<(OrganizationId, ProductId), bool>,
    models: HashMap<(OrganizationId, RegisteredModelId), String>,
    dependencies: HashMap<DataDependencyId, DataDependency>,
    policies: HashMap<PolicyAttachmentId, PolicyAttachment>,
    mitigations: HashMap<RiskMitigationId, RiskMitigation>,
    versions: HashMap<ProductVersionId, ProductVersion>,
    links: HashMap<(OrganizationId, ProductId, RegisteredModelId), OffsetDateTime>,
    outcomes: HashMap<Claimed, ([u8; 32], AttachmentWrite)>,
    events: Vec<AttachmentEvent>,
}

impl InMemoryAttachments {
    /// Tells of a product.
    pub fn add_product(&self, organization: OrganizationId, id: ProductId, archived: bool) {
        self.state().products.insert((organization, id), archived);
    }

    /// Tells of an entry of the inventory.
    pub fn add_model(&self, organization: OrganizationId, id: RegisteredModelId, model_id: &str) {
        let models = &mut self.state().models;
        models.insert((organization, id), model_id.to_owned());
    }

    /// Every recorded event, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<AttachmentEvent> {
        self.state().events.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The version of what is stored has to be the expected one.
fn at(stored: Option<Version>, expected: Option<Version>) -> Result<(), RepositoryError> {
    if stored == expected {
        Ok(())
    } else {
        Err(RepositoryError::Stale)
    }
}

impl State {
    /// The first outcome of the context's claim, if the claim is known.
    fn replay(&self, ctx: &Context) -> Result<Option<AttachmentWrite>, RepositoryError> {
        let Some(claim) = &ctx.idempotency else {
            return Ok(None);
        };
        let claimed = (ctx.organization, claim.scope.clone(), claim.key.clone());
        match self.outcomes.get(&claimed) {
            None => Ok(None),
            Some((fingerprint, outcome)) if *fingerprint == claim.fingerprint => {
                Ok(Some(outcome.clone()))
            }
            Some(_) => Err(RepositoryError::IdempotencyMismatch),
        }
    }

    fn check_live(&self, ctx: &Context, product: ProductId) -> Result<(), RepositoryError> {
        match self.products.get(&(ctx.organization, product)) {
            None => Err(RepositoryError::Conflict("product")),
            Some(true) => Err(RepositoryError::Conflict("archived")),
            Some(false) => Ok(()),
        }
    }

    fn apply(&mut self, ctx: &Context, write: &AttachmentWrite) -> Result<(), RepositoryError> {
        match write {
            AttachmentWrite::PutDependency { next, expected } => {
                let known = self.dependencies.get(&next.id);
                at(known.map(|known| known.version), *expected)?;
                let mut others = self
                    .dependencies
                    .values()
                    .filter(|other| other.id != next.id);
                if others.any(|other| other.product == next.product && other.name == next.name) {
                    return Err(RepositoryError::Conflict("name"));
                }
                self.dependencies.insert(next.id, next.clone());
            }
            AttachmentWrite::RemoveDependency(removal) => {
                let known = self.dependencies.get(&removal.id);
                at(known.map(|known| known.version), Some(removal.expected))?;
                self.dependencies.remove(&removal.id);
            }
            AttachmentWrite::AttachPolicy(policy) => {
                let twin = |other: &PolicyAttachment| {
                    other.product == policy.product && other.policy_key == policy.policy_key
                };
                if self.policies.values().any(twin) {
                    return Err(RepositoryError::Conflict("policy_key"));
                }
                self.policies.insert(policy.id, policy.clone());
            }
            AttachmentWrite::DetachPolicy(removal) => {
                let known = self.policies.get(&removal.id);
                at(known.map(|known| known.version), Some(removal.expected))?;
                self.policies.remove(&removal.id);
            }
            AttachmentWrite::PutMitigation { next, expected } => {
                let known = self.mitigations.get(&next.id);
                at(known.map(|known| known.version), *expected)?;
                self.mitigations.insert(next.id, next.clone());
            }
            AttachmentWrite::RemoveMitigation(removal) => {
                let known = self.mitigations.get(&removal.id);
                at(known.map(|known| known.version), Some(removal.expected))?;
                self.mitigations.remove(&removal.id);
            }
            AttachmentWrite::RecordVersion(version) => self.record_version(version)?,
            AttachmentWrite::LinkModels {
                product,
                before,
                after,
            } => self.link(ctx, *product, before, after)?,
        }
        Ok(())
    }

    fn record_version(&mut self, version: &ProductVersion) -> Result<(), RepositoryError> {
        let mut others = self.versions.values();
        if others.any(|other| {
            other.product == version.product && other.version_number == version.version_number
        }) {
            return Err(RepositoryError::Conflict("version_number"));
        }
        if version.is_current {
            for other in self.versions.values_mut() {
                if other.product == version.product && other.is_current {
                    other.is_current = false;
                    other.updated_at = version.created_at;
                    other.version = other.version.next();
                }
            }
        }
        self.versions.insert(version.id, version.clone());
        Ok(())
    }

    fn link(
        &mut self,
        ctx: &Context,
        product: ProductId,
        before: &BTreeSet<RegisteredModelId>,
        after: &BTreeSet<RegisteredModelId>,
    ) -> Result<(), RepositoryError> {
        let organization = ctx.organization;
        let stored = self.links.keys();
        let stored: BTreeSet<_> = stored
            .filter(|(owner, of, _)| (*owner, *of) == (organization, product))
            .map(|(_, _, model)| *model)
            .collect();
        if stored != *before {
            return Err(RepositoryError::Stale);
        }
        let known = |id: &RegisteredModelId| self.models.contains_key(&(organization, *id));
        if !after.iter().all(known) {
            return Err(RepositoryError::Conflict("registered_model"));
        }
        for gone in before.difference(after) {
            self.links.remove(&(organization, product, *gone));
        }
        for new in after.difference(before) {
            self.links.insert((organization, product, *new), ctx.now);
        }
        Ok(())
    }
}

/// The wanted page, newest first.
fn cut<T>(mut things: Vec<T>, page: &PageRequest, id: impl Fn(&T) -> Uuid) -> Page<T> {
    things.sort_by_key(|thing| std::cmp::Reverse(id(thing)));
    let total = u64::try_from(things.len()).unwrap_or(u64::MAX);
    let skipped = match &page.paging {
        Paging::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Paging::After(cursor) => things
            .iter()
            .take_while(|thing| id(thing).as_u128() >= cursor.tie)
            .count(),
    };
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut rest = things.into_iter().skip(skipped);
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let position = |last: &T| Cursor {
        key: 0,
        tie: id(last).as_u128(),
    };
    let next = rest.next().and_then(|_more| items.last().map(position));
    Page { items, total, next }
}

impl AttachmentRepository for InMemoryAttachments {
    async fn find_dependency(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: DataDependencyId,
    ) -> Result<Option<DataDependency>, RepositoryError> {
        let found = self.state().dependencies.get(&id).cloned();
        Ok(found.filter(|it| (it.organization, it.product) == (organization, product)))
    }

    async fn list_dependencies(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<DataDependency>, RepositoryError> {
        let all = self.state().dependencies.clone().into_values();
        let mine = all.filter(|it| (it.organization, it.product) == (organization, product));
        Ok(cut(mine.collect(), page, |it| it.id.uuid()))
    }

    async fn find_policy(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: PolicyAttachmentId,
    ) -> Result<Option<PolicyAttachment>, RepositoryError> {
        let found = self.state().policies.get(&id).cloned();
        Ok(found.filter(|it| (it.organization, it.product) == (organization, product)))
    }

    async fn list_policies(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<PolicyAttachment>, RepositoryError> {
        let all = self.state().policies.clone().into_values();
        let mine = all.filter(|it| (it.organization, it.product) == (organization, product));
        Ok(cut(mine.collect(), page, |it| it.id.uuid()))
    }

    async fn find_mitigation(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: RiskMitigationId,
    ) -> Result<Option<RiskMitigation>, RepositoryError> {
        let found = self.state().mitigations.get(&id).cloned();
        Ok(found.filter(|it| (it.organization, it.product) == (organization, product)))
    }

    async fn list_mitigations(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<RiskMitigation>, RepositoryError> {
        let all = self.state().mitigations.clone().into_values();
        let mine = all.filter(|it| (it.organization, it.product) == (organization, product));
        Ok(cut(mine.collect(), page, |it| it.id.uuid()))
    }

    async fn list_versions(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<ProductVersion>, RepositoryError> {
        let all = self.state().versions.clone().into_values();
        let mine = all.filter(|it| (it.organization, it.product) == (organization, product));
        Ok(cut(mine.collect(), page, |it| it.id.uuid()))
    }

    async fn summarize_versions(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> Result<HashMap<ProductId, VersionSummary>, RepositoryError> {
        let mut summaries: HashMap<ProductId, VersionSummary> = HashMap::new();
        for version in self.state().versions.values() {
            if version.organization == organization && products.contains(&version.product) {
                let summary = summaries.entry(version.product).or_default();
                summary.count += 1;
                if version.is_current {
                    summary.current = Some(version.clone());
                }
            }
        }
        Ok(summaries)
    }

    async fn linked_models(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<RegisteredModelLinks, RepositoryError> {
        let state = self.state();
        let linked = state.links.iter();
        let mut links: Vec<RegisteredModelLink> = linked
            .filter(|((owner, of, _), _)| (*owner, *of) == (organization, product))
            .map(|((_, _, id), linked_at)| RegisteredModelLink {
                registered_model: *id,
                model_id: (state.models.get(&(organization, *id)).cloned()).unwrap_or_default(),
                display_name: "memory".to_owned(),
                provider: "memory".to_owned(),
                risk_tier: "tier_4".to_owned(),
                validation_status: "draft".to_owned(),
                validation_expires_at: None,
                linked_at: *linked_at,
            })
            .collect();
        links.sort_by(|a, b| a.model_id.cmp(&b.model_id));
        Ok(RegisteredModelLinks { product, links })
    }

    async fn resolve_models(
        &self,
        organization: OrganizationId,
        targets: &[LinkTarget],
    ) -> Result<Vec<Option<RegisteredModelId>>, RepositoryError> {
        let state = self.state();
        let find = |target: &LinkTarget| {
            let mut known = (state.models.iter()).filter(|((owner, _), _)| *owner == organization);
            let found = known.find(|((_, id), name)| match target {
                LinkTarget::Id(wanted) => id == wanted,
                LinkTarget::ModelId(wanted) => *name == wanted,
            });
            found.map(|((_, id), _)| *id)
        };
        Ok(targets.iter().map(find).collect())
    }

    async fn commit(&self, change: AttachmentChange) -> Result<AttachmentWrite, RepositoryError> {
        let (ctx, write, event) = change.into_parts();
        let mut state = self.state();
        if let Some(outcome) = state.replay(&ctx)? {
            return Ok(outcome);
        }
        state.check_live(&ctx, write.product())?;
        state.apply(&ctx, &write)?;
        state.events.push(event);
        if let Some(claim) = ctx.idempotency {
            let claimed = (ctx.organization, claim.scope, claim.key);
            let outcome = (claim.fingerprint, write.clone());
            state.outcomes.insert(claimed, outcome);
        }
        Ok(write)
    }
}
