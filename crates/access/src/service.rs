//! The commands of this crate over a repository.

use probity_kernel::{
    ApiKeyId, Context, IdSource, OrganizationId, Page, PageRequest, RepositoryError, UserId,
    Version,
};
use time::{Duration, OffsetDateTime};

use crate::api_key::{ApiKey, NewApiKey, check_overlap};
use crate::error::AccessError;
use crate::organization::{NewOrganization, NewUser, Organization, User};
use crate::principal::Grant;
use crate::repository::{AccessChange, AccessRepository, AccessWrite};
use crate::secret::ApiKeySecret;

/// How often a command is decided anew when somebody else was faster.
const ATTEMPTS: u32 = 3;
/// A version that no row has: the first one is 1.
const NEVER_STORED: Version = Version::new(0);

/// A key that was issued or rotated.
#[derive(Debug)]
pub struct IssuedKey {
    /// The new key.
    pub key: ApiKey,
    /// Its secret, for the one answer that shows it. `None` when the command is the repetition of
    /// an earlier one: the secret was shown then and is known to nobody here.
    pub secret: Option<ApiKeySecret>,
    /// After a rotation, the key that was replaced.
    pub replaced: Option<ApiKey>,
}

/// Which key to rotate, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The key.
    pub key: ApiKeyId,
    /// The version that the caller saw (`If-Match`), if it says so.
    pub expected: Option<Version>,
    /// How long the old key stays good: 0 to 7 days.
    pub overlap: Duration,
}

/// Organisations, users and API keys.
#[derive(Debug, Clone)]
pub struct AccessService<R, I> {
    repository: R,
    ids: I,
}

impl<R: AccessRepository, I: IdSource> AccessService<R, I> {
    /// A service over a repository and a source of ids.
    pub const fn new(repository: R, ids: I) -> Self {
        Self { repository, ids }
    }

    /// The repository underneath.
    pub const fn repository(&self) -> &R {
        &self.repository
    }

    /// Creates an organisation; the record of its creation is the first of its own.
    ///
    /// # Errors
    /// [`AccessError::OrganizationExists`] when the slug is taken.
    pub async fn create_organization(
        &self,
        ctx: &Context,
        new: NewOrganization,
    ) -> Result<Organization, AccessError> {
        let id = OrganizationId::new(self.ids.next_id(ctx.now));
        let change = Organization::create(ctx, id, new);
        match self.repository.commit(change).await {
            Ok(AccessWrite::CreateOrganization(organization)) => Ok(organization),
            Ok(_) => Err(RepositoryError::IdempotencyMismatch.into()),
            Err(RepositoryError::Conflict("slug")) => Err(AccessError::OrganizationExists),
            Err(error) => Err(error.into()),
        }
    }

    /// Issues a key. `granted` is what the issuer itself may do: a [`crate::Principal`], or a
    /// [`crate::ScopeSet`] that reaches every space.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] when the key would permit more than `granted`;
    /// [`AccessError::Invalid`] as [`NewApiKey::check`] says.
    pub async fn issue_key(
        &self,
        ctx: &Context,
        granted: impl Into<Grant>,
        new: NewApiKey,
        entropy: [u8; 32],
    ) -> Result<IssuedKey, AccessError> {
        granted.into().covers(new.scopes, new.spaces.as_deref())?;
        let id = ApiKeyId::new(self.ids.next_id(ctx.now));
        let secret = ApiKeySecret::from_entropy(entropy);
        let change = ApiKey::issue(ctx, id, new, &secret)?;
        issued(self.repository.commit(change).await?, id, secret)
    }

    /// Rotates a key: a new one with the same name, scopes and spaces, and an end for the old one.
    ///
    /// # Errors
    /// [`AccessError::KeyNotFound`], [`AccessError::Forbidden`] when the key permits more than
    /// `granted`, [`AccessError::Invalid`] for an overlap out of bounds,
    /// [`AccessError::PreconditionFailed`] when the key is not at the expected version,
    /// [`AccessError::KeyNotUsable`] when it is revoked, expired or already replaced.
    pub async fn rotate(
        &self,
        ctx: &Context,
        granted: impl Into<Grant>,
        rotation: Rotation,
        entropy: [u8; 32],
    ) -> Result<IssuedKey, AccessError> {
        check_overlap(rotation.overlap)?;
        let granted = granted.into();
        let id = ApiKeyId::new(self.ids.next_id(ctx.now));
        let secret = ApiKeySecret::from_entropy(entropy);
        for _ in 0..ATTEMPTS {
            let key = self.get(ctx.organization, rotation.key).await?;
            granted.covers(key.scopes, key.spaces.as_deref())?;
            let verdict =
                precondition(&key, rotation.expected).and_then(|()| key.check_replaceable(ctx.now));
            // A repeated request finds the key already replaced, by its own first try. Committed
            // against a version that no row has, it gets that try's outcome or nothing at all.
            let expected = match (&verdict, &ctx.idempotency) {
                (Ok(()), _) => key.version,
                (Err(_), Some(_)) => NEVER_STORED,
                (Err(_), None) => return Err(verdict.err().unwrap_or(AccessError::KeyNotUsable)),
            };
            let change = key.rotation(ctx, id, &secret, rotation.overlap, expected);
            match self.repository.commit(change).await {
                Ok(write) => return issued(write, id, secret),
                Err(RepositoryError::Stale) => verdict?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Revokes a key at once; a revoked key stays as it is and nothing is recorded.
    ///
    /// # Errors
    /// [`AccessError::KeyNotFound`]; [`AccessError::PreconditionFailed`] when the key is not at the
    /// expected version.
    pub async fn revoke(
        &self,
        ctx: &Context,
        id: ApiKeyId,
        expected: Option<Version>,
    ) -> Result<ApiKey, AccessError> {
        for _ in 0..ATTEMPTS {
            let key = self.get(ctx.organization, id).await?;
            precondition(&key, expected)?;
            if key.revoked_at.is_some() {
                return Ok(key);
            }
            match self.repository.commit(key.revoke(ctx)).await {
                Ok(AccessWrite::RevokeKey { next, .. }) => return Ok(next),
                Ok(_) => return Err(RepositoryError::IdempotencyMismatch.into()),
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// One key of the organisation.
    ///
    /// # Errors
    /// [`AccessError::KeyNotFound`] when there is none, in this organisation.
    pub async fn get(
        &self,
        organization: OrganizationId,
        id: ApiKeyId,
    ) -> Result<ApiKey, AccessError> {
        let found = self.repository.find_key(organization, id).await?;
        found.ok_or(AccessError::KeyNotFound)
    }

    /// The keys of the organisation, newest first, expired and revoked ones included.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn list(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>, AccessError> {
        Ok(self.repository.list_keys(organization, page).await?)
    }

    /// Brings a user of the context's organisation to what `new` says, recording it first if it is
    /// new. When nothing changes, nothing is written.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] as [`NewUser::check`] says.
    pub async fn put_user(&self, ctx: &Context, new: NewUser) -> Result<User, AccessError> {
        for _ in 0..ATTEMPTS {
            let change = match self.known_user(ctx, &new).await? {
                None => User::record(ctx, UserId::new(self.ids.next_id(ctx.now)), new.clone())?,
                Some(user) => match user.clone().update(ctx, new.clone())? {
                    None => return Ok(user),
                    Some(change) => change,
                },
            };
            if let Some(user) = self.commit_user(change).await? {
                return Ok(user);
            }
        }
        Err(RepositoryError::Stale.into())
    }

    async fn known_user(&self, ctx: &Context, new: &NewUser) -> Result<Option<User>, AccessError> {
        let (issuer, subject) = (new.issuer.as_str(), new.subject.as_str());
        let found = self.repository.find_user(ctx.organization, issuer, subject);
        Ok(found.await?)
    }

    /// Commits a change of a user; `None` when somebody else was faster.
    async fn commit_user(&self, change: AccessChange) -> Result<Option<User>, AccessError> {
        match self.repository.commit(change).await {
            Ok(AccessWrite::PutUser { user, .. }) => Ok(Some(user)),
            Ok(_) => Err(RepositoryError::IdempotencyMismatch.into()),
            Err(RepositoryError::Stale | RepositoryError::Conflict("subject")) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The key behind a presented secret, if it is usable at `now`. A text that is no key of ours
    /// is refused without asking the repository.
    ///
    /// # Errors
    /// [`AccessError::Unauthorized`], the same for every reason.
    pub async fn authenticate(
        &self,
        presented: &str,
        now: OffsetDateTime,
    ) -> Result<ApiKey, AccessError> {
        let secret =
            ApiKeySecret::parse(presented).map_err(|_malformed| AccessError::Unauthorized)?;
        let found = self.repository.find_key_by_hash(&secret.hash()).await?;
        found
            .filter(|key| key.matches(&secret) && key.is_usable(now))
            .ok_or(AccessError::Unauthorized)
    }

    /// Notes that a key was used, at most about once a minute.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn note_usage(&self, key: &ApiKey, now: OffsetDateTime) -> Result<(), AccessError> {
        if key.usage_is_due(now) {
            self.repository
                .touch_key(key.organization, key.id, now)
                .await?;
        }
        Ok(())
    }
}

fn precondition(key: &ApiKey, expected: Option<Version>) -> Result<(), AccessError> {
    if expected.is_none_or(|version| version == key.version) {
        Ok(())
    } else {
        Err(AccessError::PreconditionFailed)
    }
}

/// What a commit answered: the key that was just made, or the one that an earlier try made.
fn issued(
    write: AccessWrite,
    made: ApiKeyId,
    secret: ApiKeySecret,
) -> Result<IssuedKey, AccessError> {
    let (key, replaced) = match write {
        AccessWrite::IssueKey(key) => (key, None),
        AccessWrite::RotateKey { old, new, .. } => (new, Some(old)),
        AccessWrite::CreateOrganization(_)
        | AccessWrite::RevokeKey { .. }
        | AccessWrite::PutUser { .. }
        | AccessWrite::PutMember { .. }
        | AccessWrite::RemoveMember { .. } => {
            return Err(RepositoryError::IdempotencyMismatch.into());
        }
    };
    Ok(IssuedKey {
        secret: (key.id == made).then_some(secret),
        key,
        replaced,
    })
}

#[cfg(test)]
mod tests;
