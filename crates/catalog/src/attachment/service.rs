//! The commands on attachments over a repository.

use std::collections::HashMap;

use probity_kernel::{
    Context, DataDependencyId, IdSource, OrganizationId, Page, PageRequest, PolicyAttachmentId,
    ProductId, ProductVersionId, RepositoryError, RiskMitigationId, Version,
};

use super::dependency::{DataDependency, DependencyPatch, NewDependency};
use super::error::AttachmentError;
use super::mitigation::{MitigationPatch, NewMitigation, RiskMitigation};
use super::models::{LinkTarget, RegisteredModelLinks, resolved};
use super::policy::{NewPolicy, PolicyAttachment};
use super::release::{NewVersion, ProductVersion, VersionSummary};
use super::repository::{AttachmentChange, AttachmentRepository, AttachmentWrite};
use crate::product::Product;

/// How often a command is decided anew when somebody else was faster.
const ATTEMPTS: u32 = 3;

/// What is attached to products.
#[derive(Debug, Clone)]
pub struct AttachmentService<R, I> {
    repository: R,
    ids: I,
}

/// Decides a change of one thing anew until nobody else was faster; a caller who demands a version is
/// told that it is gone.
macro_rules! decide {
    ($self:ident, $found:expr, $missing:expr, $expected:expr, |$thing:ident| $change:expr, $unchanged:expr, $outcome:pat => $answer:expr) => {{
        for _ in 0..ATTEMPTS {
            let $thing = $found.await?.ok_or($missing)?;
            precondition($thing.version, $expected)?;
            let Some(change) = $change else {
                return Ok($unchanged);
            };
            match $self.repository.commit(change).await {
                Ok($outcome) => return Ok($answer),
                Ok(_) => return Err(RepositoryError::IdempotencyMismatch.into()),
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(AttachmentError::of(error)),
            }
        }
        Err(RepositoryError::Stale.into())
    }};
}

impl<R: AttachmentRepository, I: IdSource> AttachmentService<R, I> {
    /// A service over a repository and a source of ids.
    pub const fn new(repository: R, ids: I) -> Self {
        Self { repository, ids }
    }

    /// The repository underneath.
    pub const fn repository(&self) -> &R {
        &self.repository
    }

    async fn create(&self, change: AttachmentChange) -> Result<AttachmentWrite, AttachmentError> {
        let committed = self.repository.commit(change).await;
        committed.map_err(AttachmentError::of)
    }

    /// Declares a data dependency.
    ///
    /// # Errors
    /// [`AttachmentError::NameTaken`], [`AttachmentError::ProductArchived`].
    pub async fn declare_dependency(
        &self,
        ctx: &Context,
        product: ProductId,
        new: NewDependency,
    ) -> Result<DataDependency, AttachmentError> {
        let id = DataDependencyId::new(self.ids.next_id(ctx.now));
        let outcome = self
            .create(DataDependency::declare(ctx, id, product, new))
            .await?;
        let AttachmentWrite::PutDependency { next, .. } = outcome else {
            return Err(RepositoryError::IdempotencyMismatch.into());
        };
        Ok(next)
    }

    /// One dependency of the product.
    ///
    /// # Errors
    /// [`AttachmentError::DependencyNotFound`].
    pub async fn dependency(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: DataDependencyId,
    ) -> Result<DataDependency, AttachmentError> {
        let found = self.repository.find_dependency(organization, product, id);
        found.await?.ok_or(AttachmentError::DependencyNotFound)
    }

    /// The dependencies of the product, newest first.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn dependencies(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<DataDependency>, AttachmentError> {
        let listed = self
            .repository
            .list_dependencies(organization, product, page);
        Ok(listed.await?)
    }

    /// Changes a dependency. When nothing changes, nothing is written.
    ///
    /// # Errors
    /// [`AttachmentError::DependencyNotFound`], [`AttachmentError::PreconditionFailed`],
    /// [`AttachmentError::NameTaken`], [`AttachmentError::ProductArchived`].
    pub async fn update_dependency(
        &self,
        ctx: &Context,
        product: &Product,
        id: DataDependencyId,
        patch: DependencyPatch,
        expected: Option<Version>,
    ) -> Result<DataDependency, AttachmentError> {
        let find = || {
            let (organization, product) = (ctx.organization, product.id);
            self.repository.find_dependency(organization, product, id)
        };
        check_live(product)?;
        decide!(self, find(), AttachmentError::DependencyNotFound, expected,
            |known| known.update(ctx, patch.clone()), known,
            AttachmentWrite::PutDependency { next, .. } => next)
    }

    /// Takes a dependency back.
    ///
    /// # Errors
    /// As [`Self::update_dependency`] says, names apart.
    pub async fn remove_dependency(
        &self,
        ctx: &Context,
        product: &Product,
        id: DataDependencyId,
        expected: Option<Version>,
    ) -> Result<(), AttachmentError> {
        let find = || {
            let (organization, product) = (ctx.organization, product.id);
            self.repository.find_dependency(organization, product, id)
        };
        check_live(product)?;
        decide!(self, find(), AttachmentError::DependencyNotFound, expected,
            |known| Some(known.remove(ctx)), (),
            AttachmentWrite::RemoveDependency(_) => ())
    }

    /// Puts the product under a policy.
    ///
    /// # Errors
    /// [`AttachmentError::PolicyKeyTaken`], [`AttachmentError::ProductArchived`].
    pub async fn attach_policy(
        &self,
        ctx: &Context,
        product: ProductId,
        new: NewPolicy,
    ) -> Result<PolicyAttachment, AttachmentError> {
        let id = PolicyAttachmentId::new(self.ids.next_id(ctx.now));
        let outcome = self
            .create(PolicyAttachment::attach(ctx, id, product, new))
            .await?;
        let AttachmentWrite::AttachPolicy(policy) = outcome else {
            return Err(RepositoryError::IdempotencyMismatch.into());
        };
        Ok(policy)
    }

    /// One policy of the product.
    ///
    /// # Errors
    /// [`AttachmentError::PolicyNotFound`].
    pub async fn policy(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: PolicyAttachmentId,
    ) -> Result<PolicyAttachment, AttachmentError> {
        let found = self.repository.find_policy(organization, product, id);
        found.await?.ok_or(AttachmentError::PolicyNotFound)
    }

    /// The policies of the product, newest first.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn policies(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<PolicyAttachment>, AttachmentError> {
        Ok(self
            .repository
            .list_policies(organization, product, page)
            .await?)
    }

    /// Takes the product from under a policy.
    ///
    /// # Errors
    /// [`AttachmentError::PolicyNotFound`], [`AttachmentError::PreconditionFailed`],
    /// [`AttachmentError::ProductArchived`].
    pub async fn detach_policy(
        &self,
        ctx: &Context,
        product: &Product,
        id: PolicyAttachmentId,
        expected: Option<Version>,
    ) -> Result<(), AttachmentError> {
        let find = || {
            let (organization, product) = (ctx.organization, product.id);
            self.repository.find_policy(organization, product, id)
        };
        check_live(product)?;
        decide!(self, find(), AttachmentError::PolicyNotFound, expected,
            |known| Some(known.detach(ctx)), (),
            AttachmentWrite::DetachPolicy(_) => ())
    }

    /// Records a version of the product.
    ///
    /// # Errors
    /// [`AttachmentError::VersionNumberTaken`], [`AttachmentError::ProductArchived`].
    pub async fn record_version(
        &self,
        ctx: &Context,
        product: ProductId,
        new: NewVersion,
    ) -> Result<ProductVersion, AttachmentError> {
        let id = ProductVersionId::new(self.ids.next_id(ctx.now));
        let outcome = self
            .create(ProductVersion::record(ctx, id, product, new))
            .await?;
        let AttachmentWrite::RecordVersion(recorded) = outcome else {
            return Err(RepositoryError::IdempotencyMismatch.into());
        };
        Ok(recorded)
    }

    /// The versions of the product, newest first.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn versions(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<ProductVersion>, AttachmentError> {
        Ok(self
            .repository
            .list_versions(organization, product, page)
            .await?)
    }

    /// The versions of some products in brief.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn version_summaries(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> Result<HashMap<ProductId, VersionSummary>, AttachmentError> {
        if products.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(self
            .repository
            .summarize_versions(organization, products)
            .await?)
    }

    /// Opens a mitigation.
    ///
    /// # Errors
    /// [`AttachmentError::ProductArchived`].
    pub async fn open_mitigation(
        &self,
        ctx: &Context,
        product: ProductId,
        new: NewMitigation,
    ) -> Result<RiskMitigation, AttachmentError> {
        let id = RiskMitigationId::new(self.ids.next_id(ctx.now));
        let outcome = self
            .create(RiskMitigation::open(ctx, id, product, new))
            .await?;
        let AttachmentWrite::PutMitigation { next, .. } = outcome else {
            return Err(RepositoryError::IdempotencyMismatch.into());
        };
        Ok(next)
    }

    /// One mitigation of the product.
    ///
    /// # Errors
    /// [`AttachmentError::MitigationNotFound`].
    pub async fn mitigation(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: RiskMitigationId,
    ) -> Result<RiskMitigation, AttachmentError> {
        let found = self.repository.find_mitigation(organization, product, id);
        found.await?.ok_or(AttachmentError::MitigationNotFound)
    }

    /// The mitigations of the product, newest first.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn mitigations(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<RiskMitigation>, AttachmentError> {
        let listed = self
            .repository
            .list_mitigations(organization, product, page);
        Ok(listed.await?)
    }

    /// Changes a mitigation. When nothing changes, nothing is written.
    ///
    /// # Errors
    /// [`AttachmentError::MitigationNotFound`], [`AttachmentError::PreconditionFailed`],
    /// [`AttachmentError::ProductArchived`].
    pub async fn update_mitigation(
        &self,
        ctx: &Context,
        product: &Product,
        id: RiskMitigationId,
        patch: MitigationPatch,
        expected: Option<Version>,
    ) -> Result<RiskMitigation, AttachmentError> {
        let find = || {
            let (organization, product) = (ctx.organization, product.id);
            self.repository.find_mitigation(organization, product, id)
        };
        check_live(product)?;
        decide!(self, find(), AttachmentError::MitigationNotFound, expected,
            |known| known.update(ctx, patch.clone()), known,
            AttachmentWrite::PutMitigation { next, .. } => next)
    }

    /// Removes a mitigation.
    ///
    /// # Errors
    /// As [`Self::update_mitigation`] says.
    pub async fn remove_mitigation(
        &self,
        ctx: &Context,
        product: &Product,
        id: RiskMitigationId,
        expected: Option<Version>,
    ) -> Result<(), AttachmentError> {
        let find = || {
            let (organization, product) = (ctx.organization, product.id);
            self.repository.find_mitigation(organization, product, id)
        };
        check_live(product)?;
        decide!(self, find(), AttachmentError::MitigationNotFound, expected,
            |known| Some(known.remove(ctx)), (),
            AttachmentWrite::RemoveMitigation(_) => ())
    }

    /// The models that the product is linked to, by `model_id`.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn linked_models(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<RegisteredModelLinks, AttachmentError> {
        Ok(self.repository.linked_models(organization, product).await?)
    }

    /// Makes the named entries the set of models that the product is linked to. An entry that is
    /// named twice is linked once; when the set is the same already, nothing is written.
    ///
    /// # Errors
    /// [`AttachmentError::Invalid`] with `unknown_model` for each entry that the inventory does not
    /// have, [`AttachmentError::PreconditionFailed`], [`AttachmentError::ProductArchived`].
    pub async fn link_models(
        &self,
        ctx: &Context,
        product: &Product,
        targets: &[LinkTarget],
        expected: Option<Version>,
    ) -> Result<RegisteredModelLinks, AttachmentError> {
        check_live(product)?;
        let organization = ctx.organization;
        for _ in 0..ATTEMPTS {
            let current = self.linked_models(organization, product.id).await?;
            precondition(current.version(), expected)?;
            let wanted = self
                .repository
                .resolve_models(organization, targets)
                .await?;
            let Some(change) = current.replace(ctx, resolved(wanted)?) else {
                return Ok(current);
            };
            match self.repository.commit(change).await {
                Ok(_) => return self.linked_models(organization, product.id).await,
                // The set or the inventory moved in between: look again.
                Err(RepositoryError::Stale | RepositoryError::Conflict("registered_model")) => {}
                Err(error) => return Err(AttachmentError::of(error)),
            }
        }
        Err(RepositoryError::Stale.into())
    }
}

/// What is archived is kept as it was.
const fn check_live(product: &Product) -> Result<(), AttachmentError> {
    if product.archived_at.is_some() {
        return Err(AttachmentError::ProductArchived);
    }
    Ok(())
}

fn precondition(found: Version, expected: Option<Version>) -> Result<(), AttachmentError> {
    if expected.is_none_or(|version| version == found) {
        Ok(())
    } else {
        Err(AttachmentError::PreconditionFailed)
    }
}

#[cfg(test)]
mod tests;
