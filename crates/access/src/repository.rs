//! What access needs from a store.

use std::future::Future;
use std::sync::Arc;

use probity_kernel::{
    ApiKeyId, Change, OrganizationId, Page, PageRequest, RepositoryError, SpaceId, UserId, Version,
};
use time::OffsetDateTime;

use crate::api_key::ApiKey;
use crate::event::AccessEvent;
use crate::member::{NamedMember, SpaceMember};
use crate::organization::{Organization, Slug, User};
use crate::reach::SpaceStanding;

/// A write of this crate with its event and context.
pub type AccessChange = Change<AccessWrite, AccessEvent>;

/// What to write. A repository hands the write back as the outcome of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one value per command; a rotation carries both keys by nature"
)]
pub enum AccessWrite {
    /// Inserts an organisation; `Conflict("slug")` when the slug is taken.
    CreateOrganization(Organization),
    /// Inserts a key.
    IssueKey(ApiKey),
    /// Updates the old key and inserts the new one, both or neither.
    RotateKey {
        /// The replaced key as it is to be.
        old: ApiKey,
        /// The version that is replaced.
        expected: Version,
        /// The new key.
        new: ApiKey,
    },
    /// Updates a key.
    RevokeKey {
        /// The key as it is to be.
        next: ApiKey,
        /// The version that is replaced.
        expected: Version,
    },
    /// Inserts (`expected` is `None`) or updates a user.
    PutUser {
        /// The user as it is to be.
        user: User,
        /// The version that is replaced; `None` when the user is new.
        expected: Option<Version>,
    },
    /// Inserts (`expected` is `None`) or updates a member of a space. `Conflict("last_admin")` when the
    /// space would be left without any admin that it had.
    PutMember {
        /// The member as it is to be.
        member: SpaceMember,
        /// The version that is replaced; `None` when the user is no member yet.
        expected: Option<Version>,
    },
    /// Removes a member of a space; `Conflict("last_admin")` as above.
    RemoveMember {
        /// The member.
        member: SpaceMember,
    },
}

/// A store of organisations, users and API keys.
///
/// # Contract
/// - `find_*` and `list_*` with an organisation see nothing of any other. `find_key_by_hash`,
///   `find_organization*` and `list_organizations` are the only calls without that wall: they serve
///   authentication and the operator.
/// - `commit` applies the write and records the event, or does neither. When the context carries an
///   idempotency claim, the claim is looked at **first**: a known claim with an equal fingerprint
///   answers the first outcome and writes nothing, with another fingerprint `IdempotencyMismatch`;
///   only then are versions and keys compared.
/// - `Stale` when no row of the context's organisation has the id and the expected version;
///   `Conflict("slug")` for a taken organisation slug, `Conflict("subject")` for an issuer and
///   subject that the organisation already has; `Conflict("member")` for a second membership of a user
///   in a space. A space that has an admin keeps one, however many requests run at once.
/// - Updates leave a key's `last_used_at` as it is stored: only `touch_key` moves it, forwards
///   only, without changing the version, without an event, and with no effect on an unknown key.
pub trait AccessRepository: Send + Sync {
    /// The key with this SHA-256, in any organisation and in any state; the caller asks whether it
    /// is usable.
    fn find_key_by_hash(
        &self,
        hash: &[u8; 32],
    ) -> impl Future<Output = Result<Option<ApiKey>, RepositoryError>> + Send;

    /// One key of the organisation.
    fn find_key(
        &self,
        organization: OrganizationId,
        id: ApiKeyId,
    ) -> impl Future<Output = Result<Option<ApiKey>, RepositoryError>> + Send;

    /// The keys of the organisation, newest first (`created_at`, then id, both descending), expired
    /// and revoked ones included. The cursor's key is `created_at` in Unix milliseconds, its tie
    /// the id's bits.
    fn list_keys(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<ApiKey>, RepositoryError>> + Send;

    /// Notes that a key was used. The caller asks `ApiKey::usage_is_due` first.
    fn touch_key(
        &self,
        organization: OrganizationId,
        id: ApiKeyId,
        at: OffsetDateTime,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;

    /// One organisation by id.
    fn find_organization(
        &self,
        id: OrganizationId,
    ) -> impl Future<Output = Result<Option<Organization>, RepositoryError>> + Send;

    /// One organisation by slug.
    fn find_organization_by_slug(
        &self,
        slug: &Slug,
    ) -> impl Future<Output = Result<Option<Organization>, RepositoryError>> + Send;

    /// Every organisation of the server, by slug.
    fn list_organizations(
        &self,
    ) -> impl Future<Output = Result<Vec<Organization>, RepositoryError>> + Send;

    /// One user of the organisation, by issuer and subject of its tokens.
    fn find_user(
        &self,
        organization: OrganizationId,
        issuer: &str,
        subject: &str,
    ) -> impl Future<Output = Result<Option<User>, RepositoryError>> + Send;

    /// The users of the organisation whose id, e-mail address or subject this is, at most two.
    fn find_users(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> impl Future<Output = Result<Vec<User>, RepositoryError>> + Send;

    /// One member of a space.
    fn find_member(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        user: UserId,
    ) -> impl Future<Output = Result<Option<NamedMember>, RepositoryError>> + Send;

    /// The members of a space, by the ids of their users, descending. The cursor's tie is the id's bits.
    fn list_members(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<NamedMember>, RepositoryError>> + Send;

    /// The spaces that are for their members only, and those that the user is a member of.
    fn space_standings(
        &self,
        organization: OrganizationId,
        user: Option<UserId>,
    ) -> impl Future<Output = Result<Vec<SpaceStanding>, RepositoryError>> + Send;

    /// Applies a change: all of it or nothing.
    fn commit(
        &self,
        change: AccessChange,
    ) -> impl Future<Output = Result<AccessWrite, RepositoryError>> + Send;
}

impl<T: AccessRepository> AccessRepository for Arc<T> {
    async fn find_key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, RepositoryError> {
        T::find_key_by_hash(self, hash).await
    }

    async fn find_key(
        &self,
        organization: OrganizationId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, RepositoryError> {
        T::find_key(self, organization, id).await
    }

    async fn list_keys(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>, RepositoryError> {
        T::list_keys(self, organization, page).await
    }

    async fn touch_key(
        &self,
        organization: OrganizationId,
        id: ApiKeyId,
        at: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        T::touch_key(self, organization, id, at).await
    }

    async fn find_organization(
        &self,
        id: OrganizationId,
    ) -> Result<Option<Organization>, RepositoryError> {
        T::find_organization(self, id).await
    }

    async fn find_organization_by_slug(
        &self,
        slug: &Slug,
    ) -> Result<Option<Organization>, RepositoryError> {
        T::find_organization_by_slug(self, slug).await
    }

    async fn list_organizations(&self) -> Result<Vec<Organization>, RepositoryError> {
        T::list_organizations(self).await
    }

    async fn find_user(
        &self,
        organization: OrganizationId,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<User>, RepositoryError> {
        T::find_user(self, organization, issuer, subject).await
    }

    async fn find_users(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Vec<User>, RepositoryError> {
        T::find_users(self, organization, name).await
    }

    async fn find_member(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        user: UserId,
    ) -> Result<Option<NamedMember>, RepositoryError> {
        T::find_member(self, organization, space, user).await
    }

    async fn list_members(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        page: &PageRequest,
    ) -> Result<Page<NamedMember>, RepositoryError> {
        T::list_members(self, organization, space, page).await
    }

    async fn space_standings(
        &self,
        organization: OrganizationId,
        user: Option<UserId>,
    ) -> Result<Vec<SpaceStanding>, RepositoryError> {
        T::space_standings(self, organization, user).await
    }

    async fn commit(&self, change: AccessChange) -> Result<AccessWrite, RepositoryError> {
        T::commit(self, change).await
    }
}
