//! What attachments need from a store.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;

use probity_kernel::{
    Change, DataDependencyId, OrganizationId, Page, PageRequest, PolicyAttachmentId, ProductId,
    RegisteredModelId, RepositoryError, RiskMitigationId, Version,
};

use super::dependency::DataDependency;
use super::event::AttachmentEvent;
use super::mitigation::RiskMitigation;
use super::models::{LinkTarget, RegisteredModelLinks};
use super::policy::PolicyAttachment;
use super::release::{ProductVersion, VersionSummary};

/// A write of this module with its event and context.
pub type AttachmentChange = Change<AttachmentWrite, AttachmentEvent>;

/// What is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal<I> {
    /// Its id.
    pub id: I,
    /// The product that it was attached to.
    pub product: ProductId,
    /// The version that is removed.
    pub expected: Version,
}

/// What to write. A repository hands the write back as the outcome of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentWrite {
    /// Inserts (`expected` is `None`) or updates a dependency; `Conflict("name")` when the product
    /// has another one with the name.
    PutDependency {
        /// The dependency as it is to be.
        next: DataDependency,
        /// The version that is replaced; `None` when it is new.
        expected: Option<Version>,
    },
    /// Removes a dependency.
    RemoveDependency(Removal<DataDependencyId>),
    /// Inserts a policy; `Conflict("policy_key")` when the product has one with the key.
    AttachPolicy(PolicyAttachment),
    /// Removes a policy.
    DetachPolicy(Removal<PolicyAttachmentId>),
    /// Inserts (`expected` is `None`) or updates a mitigation.
    PutMitigation {
        /// The mitigation as it is to be.
        next: RiskMitigation,
        /// The version that is replaced; `None` when it is new.
        expected: Option<Version>,
    },
    /// Removes a mitigation.
    RemoveMitigation(Removal<RiskMitigationId>),
    /// Inserts a version; `Conflict("version_number")` when the product has one with the number. A
    /// current one takes the place of the one that was: that one moves to its next row version.
    RecordVersion(ProductVersion),
    /// Replaces the set of linked models; `Stale` when the stored set is not `before`,
    /// `Conflict("registered_model")` when an entry of `after` is not in the inventory. Links that
    /// stay keep the instant since when they are there.
    LinkModels {
        /// The product.
        product: ProductId,
        /// The set that the change was decided on.
        before: BTreeSet<RegisteredModelId>,
        /// The set as it is to be.
        after: BTreeSet<RegisteredModelId>,
    },
}

impl AttachmentWrite {
    /// The product that it is about.
    #[must_use]
    pub const fn product(&self) -> ProductId {
        match self {
            Self::PutDependency { next, .. } => next.product,
            Self::RemoveDependency(removal) => removal.product,
            Self::AttachPolicy(policy) => policy.product,
            Self::DetachPolicy(removal) => removal.product,
            Self::PutMitigation { next, .. } => next.product,
            Self::RemoveMitigation(removal) => removal.product,
            Self::RecordVersion(version) => version.product,
            Self::LinkModels { product, .. } => *product,
        }
    }
}

/// A store of attachments.
///
/// # Contract
/// - Every call sees one organisation and nothing of any other; one thing is found only under the
///   product that it is attached to.
/// - `commit` applies the write and records the event, or does neither. When the context carries an
///   idempotency claim, the claim is looked at **first**: a known claim with an equal fingerprint
///   answers the first outcome and writes nothing, with another fingerprint `IdempotencyMismatch`;
///   only then the product (`Conflict("product")` when it is not there, `Conflict("archived")` when
///   it is archived), then versions (`Stale`), then unique keys.
/// - Lists are newest first by id; the cursor's key is 0, its tie the id's bits.
pub trait AttachmentRepository: Send + Sync {
    /// One dependency of the product.
    fn find_dependency(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: DataDependencyId,
    ) -> impl Future<Output = Result<Option<DataDependency>, RepositoryError>> + Send;

    /// The dependencies of the product.
    fn list_dependencies(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<DataDependency>, RepositoryError>> + Send;

    /// One policy of the product.
    fn find_policy(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: PolicyAttachmentId,
    ) -> impl Future<Output = Result<Option<PolicyAttachment>, RepositoryError>> + Send;

    /// The policies of the product.
    fn list_policies(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<PolicyAttachment>, RepositoryError>> + Send;

    /// One mitigation of the product.
    fn find_mitigation(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: RiskMitigationId,
    ) -> impl Future<Output = Result<Option<RiskMitigation>, RepositoryError>> + Send;

    /// The mitigations of the product.
    fn list_mitigations(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<RiskMitigation>, RepositoryError>> + Send;

    /// The versions of the product.
    fn list_versions(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<ProductVersion>, RepositoryError>> + Send;

    /// The versions of some products in brief; a product without any may be left out.
    fn summarize_versions(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> impl Future<Output = Result<HashMap<ProductId, VersionSummary>, RepositoryError>> + Send;

    /// The models that the product is linked to, by `model_id`.
    fn linked_models(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> impl Future<Output = Result<RegisteredModelLinks, RepositoryError>> + Send;

    /// The entries of the inventory that are named, each in its place; `None` for an unknown one.
    fn resolve_models(
        &self,
        organization: OrganizationId,
        targets: &[LinkTarget],
    ) -> impl Future<Output = Result<Vec<Option<RegisteredModelId>>, RepositoryError>> + Send;

    /// Applies a change: all of it or nothing.
    fn commit(
        &self,
        change: AttachmentChange,
    ) -> impl Future<Output = Result<AttachmentWrite, RepositoryError>> + Send;
}

/// Passes a call on to what an [`Arc`] holds.
macro_rules! pass_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+) => { $(
        async fn $name(&self, $($argument: $kind),*) -> Result<$answer, RepositoryError> {
            T::$name(self, $($argument),*).await
        }
    )+ };
}

impl<T: AttachmentRepository> AttachmentRepository for Arc<T> {
    pass_on! {
        find_dependency(organization: OrganizationId, product: ProductId, id: DataDependencyId)
            -> Option<DataDependency>;
        list_dependencies(organization: OrganizationId, product: ProductId, page: &PageRequest)
            -> Page<DataDependency>;
        find_policy(organization: OrganizationId, product: ProductId, id: PolicyAttachmentId)
            -> Option<PolicyAttachment>;
        list_policies(organization: OrganizationId, product: ProductId, page: &PageRequest)
            -> Page<PolicyAttachment>;
        find_mitigation(organization: OrganizationId, product: ProductId, id: RiskMitigationId)
            -> Option<RiskMitigation>;
        list_mitigations(organization: OrganizationId, product: ProductId, page: &PageRequest)
            -> Page<RiskMitigation>;
        list_versions(organization: OrganizationId, product: ProductId, page: &PageRequest)
            -> Page<ProductVersion>;
        summarize_versions(organization: OrganizationId, products: &[ProductId])
            -> HashMap<ProductId, VersionSummary>;
        linked_models(organization: OrganizationId, product: ProductId) -> RegisteredModelLinks;
        resolve_models(organization: OrganizationId, targets: &[LinkTarget])
            -> Vec<Option<RegisteredModelId>>;
        commit(change: AttachmentChange) -> AttachmentWrite;
    }
}
