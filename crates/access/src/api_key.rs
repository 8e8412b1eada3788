//! The record of an API key: issued, rotated with an overlap, revoked. The secret itself is in
//! [`crate::secret`] and never in the record.

use probity_kernel::text::TextRule;
use probity_kernel::{
    Actor, ApiKeyId, Change, Context, FieldError, OrganizationId, SpaceId, Version,
};
use subtle::ConstantTimeEq;
use time::{Duration, OffsetDateTime};

use crate::error::AccessError;
use crate::event::{AccessEvent, Changed};
use crate::repository::{AccessChange, AccessWrite};
use crate::scope::ScopeSet;
use crate::secret::ApiKeySecret;

/// The longest life of a key: two years of 365 days.
pub const LONGEST_LIFE: Duration = Duration::days(730);
/// The longest time for which a replaced key stays good.
pub const LONGEST_OVERLAP: Duration = Duration::days(7);
/// How old the last noted use has to be before another use is noted.
const USAGE_GRANULARITY: Duration = Duration::seconds(60);
/// The most spaces that one key may be confined to.
const MOST_SPACES: usize = 100;

/// An API key as it is stored: everything but the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The organisation that it opens.
    pub organization: OrganizationId,
    /// What people call it.
    pub name: String,
    /// What it permits.
    pub scopes: ScopeSet,
    /// The spaces that it is confined to; `None` means all of them.
    pub spaces: Option<Vec<SpaceId>>,
    /// The first eight characters of the secret, e.g. `prb_1a2b`, to recognise it by.
    pub prefix: String,
    /// The last four characters of the secret.
    pub last_four: String,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// When it was issued.
    pub created_at: OffsetDateTime,
    /// The user or subject who issued it, when known.
    pub created_by: Option<String>,
    /// When it ends: from this instant on it is not usable.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<OffsetDateTime>,
    /// The key that replaced it.
    pub replaced_by: Option<ApiKeyId>,
    /// Its row version.
    pub version: Version,
}

/// What a key is issued from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// What people will call it: 1 to 100 characters on one line.
    pub name: String,
    /// What it is to permit; at least one scope.
    pub scopes: ScopeSet,
    /// The spaces that it is confined to (1 to 100); `None` means all of them.
    pub spaces: Option<Vec<SpaceId>>,
    /// When it ends: in the future and within two years.
    pub expires_at: Option<OffsetDateTime>,
}

impl NewApiKey {
    /// Checks the input as of `now` and lists every fault.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] with `/name`, `/scopes` (`required`), `/spaces` (`out_of_range`),
    /// `/expires_at` (`out_of_range`).
    pub fn check(&self, now: OffsetDateTime) -> Result<(), AccessError> {
        let mut faults: Vec<FieldError> = TextRule::line(100)
            .check("/name", &self.name)
            .err()
            .into_iter()
            .collect();
        if self.scopes.is_empty() {
            let message = "must name at least one of read, write, admin";
            faults.push(FieldError::new("/scopes", "required", message));
        }
        let counted = self.spaces.as_ref().map_or(1, Vec::len);
        if !(1..=MOST_SPACES).contains(&counted) {
            let message = "must name 1 to 100 spaces; leave it out to open all of them";
            faults.push(FieldError::new("/spaces", "out_of_range", message));
        }
        let open = |at: OffsetDateTime| at > now && at - now <= LONGEST_LIFE;
        if self.expires_at.is_some_and(|at| !open(at)) {
            let message = "must be in the future and at most 730 days ahead";
            faults.push(FieldError::new("/expires_at", "out_of_range", message));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(AccessError::Invalid(faults))
        }
    }
}

impl ApiKey {
    /// Issues a key for a fresh secret.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] as [`NewApiKey::check`] says.
    pub fn issue(
        ctx: &Context,
        id: ApiKeyId,
        new: NewApiKey,
        secret: &ApiKeySecret,
    ) -> Result<AccessChange, AccessError> {
        new.check(ctx.now)?;
        let key = Self::fresh(ctx, id, new, secret);
        let event = AccessEvent::KeyCreated {
            id,
            name: key.name.clone(),
            scopes: key.scopes,
            spaces: key.spaces.clone(),
            expires_at: key.expires_at,
        };
        Ok(Change::new(ctx, AccessWrite::IssueKey(key), event))
    }

    fn fresh(ctx: &Context, id: ApiKeyId, new: NewApiKey, secret: &ApiKeySecret) -> Self {
        Self {
            id,
            organization: ctx.organization,
            name: new.name,
            scopes: new.scopes,
            spaces: new.spaces,
            prefix: secret.display_prefix().to_owned(),
            last_four: secret.last_four().to_owned(),
            hash: secret.hash(),
            created_at: ctx.now,
            created_by: issuer_name(&ctx.actor),
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
            replaced_by: None,
            version: Version::FIRST,
        }
    }

    /// Replaces the key by a new one with the same name, scopes, spaces and length of life. The old
    /// key stays good for `overlap`, or until its own end if that comes first.
    ///
    /// # Errors
    /// [`AccessError::KeyNotUsable`] when the key is revoked, expired or already replaced;
    /// [`AccessError::Invalid`] when `overlap` is not 0 to 7 days.
    pub fn rotate(
        self,
        ctx: &Context,
        new_id: ApiKeyId,
        new_secret: &ApiKeySecret,
        overlap: Duration,
    ) -> Result<AccessChange, AccessError> {
        self.check_rotation(ctx.now, overlap)?;
        let expected = self.version;
        Ok(self.rotation(ctx, new_id, new_secret, overlap, expected))
    }

    /// Whether [`ApiKey::rotate`] would go through.
    pub(crate) fn check_rotation(
        &self,
        now: OffsetDateTime,
        overlap: Duration,
    ) -> Result<(), AccessError> {
        if !(Duration::ZERO..=LONGEST_OVERLAP).contains(&overlap) {
            let message = "must be 0 seconds to 7 days";
            let fault = FieldError::new("/overlap_seconds", "out_of_range", message);
            return Err(AccessError::Invalid(vec![fault]));
        }
        if self.replaced_by.is_some() || !self.is_usable(now) {
            return Err(AccessError::KeyNotUsable);
        }
        Ok(())
    }

    /// The rotation itself, unchecked, to be committed against the version `expected`.
    pub(crate) fn rotation(
        self,
        ctx: &Context,
        new_id: ApiKeyId,
        new_secret: &ApiKeySecret,
        overlap: Duration,
        expected: Version,
    ) -> AccessChange {
        let life = self.expires_at.map(|end| end - self.created_at);
        let successor = NewApiKey {
            name: self.name.clone(),
            scopes: self.scopes,
            spaces: self.spaces.clone(),
            expires_at: life.map(|life| ctx.now + life),
        };
        let new = Self::fresh(ctx, new_id, successor, new_secret);
        let end = ctx.now + overlap;
        let expires_at = Changed {
            before: self.expires_at,
            after: Some(self.expires_at.map_or(end, |own| own.min(end))),
        };
        let old = Self {
            expires_at: expires_at.after,
            replaced_by: Some(new_id),
            version: self.version.next(),
            ..self
        };
        let event = AccessEvent::KeyRotated {
            id: old.id,
            replaced_by: new_id,
            expires_at,
            new_expires_at: new.expires_at,
        };
        Change::new(ctx, AccessWrite::RotateKey { old, expected, new }, event)
    }

    /// Revokes the key at once. Revoking it again keeps the first instant; the service does not
    /// even commit that.
    pub fn revoke(self, ctx: &Context) -> AccessChange {
        let expected = self.version;
        let at = self.revoked_at.unwrap_or(ctx.now);
        let event = AccessEvent::KeyRevoked { id: self.id, at };
        let next = Self {
            revoked_at: Some(at),
            version: expected.next(),
            ..self
        };
        Change::new(ctx, AccessWrite::RevokeKey { next, expected }, event)
    }

    /// Whether the key opens anything at `now`: neither revoked nor expired. At the instant of its
    /// end it no longer does.
    #[must_use]
    pub fn is_usable(&self, now: OffsetDateTime) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether a use at `now` is worth noting: the last one noted is older than 60 seconds.
    #[must_use]
    pub fn usage_is_due(&self, now: OffsetDateTime) -> bool {
        self.last_used_at
            .is_none_or(|last| now - last > USAGE_GRANULARITY)
    }

    /// Whether `secret` is this key's, compared in constant time.
    #[must_use]
    pub fn matches(&self, secret: &ApiKeySecret) -> bool {
        self.hash.ct_eq(&secret.hash()).into()
    }
}

/// Who an issued key is said to come from.
fn issuer_name(actor: &Actor) -> Option<String> {
    match actor {
        Actor::User { id, email } => Some(email.clone().unwrap_or_else(|| id.to_string())),
        Actor::ApiKey {
            name, created_by, ..
        } => Some(created_by.clone().unwrap_or_else(|| name.clone())),
        Actor::Token { subject, .. } => Some(subject.clone()),
        Actor::System(name) => Some((*name).to_owned()),
    }
}
