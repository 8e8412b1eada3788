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
            created_by: Some(issuer_name(&ctx.actor)),
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
        check_overlap(overlap)?;
        self.check_replaceable(ctx.now)?;
        let expected = self.version;
        Ok(self.rotation(ctx, new_id, new_secret, overlap, expected))
    }

    /// Whether the key can be replaced at `now`.
    pub(crate) fn check_replaceable(&self, now: OffsetDateTime) -> Result<(), AccessError> {
        if self.replaced_by.is_none() && self.is_usable(now) {
            Ok(())
        } else {
            Err(AccessError::KeyNotUsable)
        }
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

/// Whether a replaced key may stay good for `overlap`.
pub(crate) fn check_overlap(overlap: Duration) -> Result<(), AccessError> {
    if (Duration::ZERO..=LONGEST_OVERLAP).contains(&overlap) {
        return Ok(());
    }
    let message = "must be 0 seconds to 7 days";
    let fault = FieldError::new("/overlap_seconds", "out_of_range", message);
    Err(AccessError::Invalid(vec![fault]))
}

/// Who an issued key is said to come from.
fn issuer_name(actor: &Actor) -> String {
    match actor {
        Actor::User { id, email, .. } => email.clone().unwrap_or_else(|| id.to_string()),
        Actor::ApiKey {
            name, created_by, ..
        } => created_by.clone().unwrap_or_else(|| name.clone()),
        Actor::Token { subject, .. } => subject.clone(),
        Actor::System(name) => (*name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_kernel::DomainEvent;
    use time::macros::datetime;
    use uuid::Uuid;

    const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);
    const MILLI: Duration = Duration::MILLISECOND;

    fn context(now: OffsetDateTime) -> Context {
        let organization = OrganizationId::new(Uuid::from_u128(1));
        Context::new(organization, Actor::System("test"), now)
    }

    fn id(n: u128) -> ApiKeyId {
        ApiKeyId::new(Uuid::from_u128(n))
    }

    fn secret(seed: u8) -> ApiKeySecret {
        ApiKeySecret::from_entropy([seed; 32])
    }

    fn input() -> NewApiKey {
        NewApiKey {
            name: "ci".to_owned(),
            scopes: ScopeSet::WRITE,
            spaces: Some(vec![SpaceId::new(Uuid::from_u128(5))]),
            expires_at: Some(NOW + Duration::days(90)),
        }
    }

    fn key(new: NewApiKey) -> ApiKey {
        let change = ApiKey::issue(&context(NOW), id(1), new, &secret(1)).unwrap();
        let AccessWrite::IssueKey(key) = change.into_parts().1 else {
            panic!("issuing writes something else");
        };
        key
    }

    fn rotated(key: ApiKey, now: OffsetDateTime, overlap: Duration) -> (ApiKey, ApiKey) {
        let change = key
            .rotate(&context(now), id(2), &secret(2), overlap)
            .unwrap();
        let AccessWrite::RotateKey { old, new, .. } = change.into_parts().1 else {
            panic!("rotating writes something else");
        };
        (old, new)
    }

    type Spaces = Option<Option<Vec<SpaceId>>>;
    type Row = (
        Option<&'static str>,
        Option<ScopeSet>,
        Spaces,
        Option<Option<OffsetDateTime>>,
    );

    #[test]
    fn a_new_key_keeps_its_bounds() {
        let at = |ahead: Duration| Some(Some(NOW + ahead));
        let spaces = |n: u128| {
            Some(Some(
                (0..n).map(|i| SpaceId::new(Uuid::from_u128(i))).collect(),
            ))
        };
        let long: &'static str = "n".repeat(101).leak();
        let rows: [(Row, &[&str]); 16] = [
            ((None, None, None, None), &[]),
            ((Some("n"), None, None, None), &[]),
            ((Some(&long[..100]), None, None, None), &[]),
            ((Some(long), None, None, None), &["/name"]),
            ((Some(" "), None, None, None), &["/name"]),
            ((Some("a\nb"), None, None, None), &["/name"]),
            ((None, Some(ScopeSet::EMPTY), None, None), &["/scopes"]),
            ((None, None, Some(None), None), &[]),
            ((None, None, spaces(0), None), &["/spaces"]),
            ((None, None, spaces(100), None), &[]),
            ((None, None, spaces(101), None), &["/spaces"]),
            ((None, None, None, Some(None)), &[]),
            ((None, None, None, at(Duration::ZERO)), &["/expires_at"]),
            ((None, None, None, at(LONGEST_LIFE)), &[]),
            (
                (None, None, None, at(LONGEST_LIFE + MILLI)),
                &["/expires_at"],
            ),
            (
                (Some(""), Some(ScopeSet::EMPTY), spaces(0), at(-MILLI)),
                &["/name", "/scopes", "/spaces", "/expires_at"],
            ),
        ];
        for ((name, scopes, spaces, expires_at), faulty) in rows {
            let base = input();
            let new = NewApiKey {
                name: name.map_or(base.name, str::to_owned),
                scopes: scopes.unwrap_or(base.scopes),
                spaces: spaces.unwrap_or(base.spaces),
                expires_at: expires_at.unwrap_or(base.expires_at),
            };
            let found = match new.check(NOW) {
                Ok(()) => Vec::new(),
                Err(AccessError::Invalid(faults)) => faults,
                Err(other) => panic!("{other:?}"),
            };
            let fields: Vec<&str> = found.iter().map(|fault| fault.field.as_str()).collect();
            assert_eq!(fields, faulty);
        }
    }

    #[test]
    fn a_key_is_usable_until_the_instant_of_its_end() {
        let end = NOW + Duration::days(90);
        let issued = key(input());
        for (now, usable) in [
            (NOW, true),
            (end - MILLI, true),
            (end, false),
            (end + MILLI, false),
        ] {
            assert_eq!(issued.is_usable(now), usable, "{now}");
        }
        let endless = key(NewApiKey {
            expires_at: None,
            ..input()
        });
        assert!(endless.is_usable(NOW + Duration::days(10_000)));
    }

    #[test]
    fn a_use_is_noted_when_the_last_one_is_older_than_a_minute() {
        let fresh = key(input());
        assert!(fresh.usage_is_due(NOW));
        let used = ApiKey {
            last_used_at: Some(NOW),
            ..fresh
        };
        let minute = Duration::seconds(60);
        for (after, due) in [
            (-minute, false),
            (Duration::ZERO, false),
            (minute - MILLI, false),
            (minute, false),
            (minute + MILLI, true),
        ] {
            assert_eq!(used.usage_is_due(NOW + after), due, "{after}");
        }
    }

    #[test]
    fn a_rotated_key_ends_with_the_overlap_or_earlier() {
        let now = NOW + Duration::days(30);
        let own_end = NOW + Duration::days(90);
        for (overlap, late, end) in [
            (Duration::ZERO, now, now),
            (Duration::DAY, now, now + Duration::DAY),
            (LONGEST_OVERLAP, now, now + LONGEST_OVERLAP),
            (LONGEST_OVERLAP, own_end - Duration::DAY, own_end),
        ] {
            let (old, new) = rotated(key(input()), late, overlap);
            assert_eq!(old.expires_at, Some(end));
            assert_eq!(old.replaced_by, Some(new.id));
            assert!(!old.is_usable(end) && (overlap.is_zero() || old.is_usable(end - MILLI)));
        }
    }

    #[test]
    fn the_successor_has_the_rights_and_the_length_of_life_of_the_old_key() {
        let now = NOW + Duration::days(30);
        let first = key(input());
        let (_, new) = rotated(first.clone(), now, Duration::DAY);
        assert_eq!((&new.name, new.scopes), (&first.name, first.scopes));
        assert_eq!(new.spaces, first.spaces);
        assert_eq!(new.expires_at, Some(now + Duration::days(90)));
        assert_eq!((new.created_at, new.version), (now, Version::FIRST));
        assert!(new.matches(&secret(2)) && !new.matches(&secret(1)));
        let endless = key(NewApiKey {
            expires_at: None,
            ..input()
        });
        let (old, new) = rotated(endless, now, Duration::DAY);
        assert_eq!(new.expires_at, None);
        assert_eq!(old.expires_at, Some(now + Duration::DAY));
    }

    #[test]
    fn only_a_usable_key_that_was_not_replaced_can_be_rotated() {
        let good = key(input());
        let end = NOW + Duration::days(90);
        let (replaced, _) = rotated(good.clone(), NOW, LONGEST_OVERLAP);
        let revoked = ApiKey {
            revoked_at: Some(NOW),
            ..good.clone()
        };
        for (key, now, allowed) in [
            (good.clone(), end - MILLI, true),
            (good.clone(), end, false),
            (revoked, NOW, false),
            (replaced, NOW, false),
        ] {
            let result = key.rotate(&context(now), id(3), &secret(3), Duration::ZERO);
            assert_eq!(result.is_ok(), allowed);
            assert!(matches!(result, Ok(_) | Err(AccessError::KeyNotUsable)));
        }
        for overlap in [
            -MILLI,
            LONGEST_OVERLAP + MILLI,
            Duration::MAX,
            Duration::MIN,
        ] {
            let result = good
                .clone()
                .rotate(&context(NOW), id(3), &secret(3), overlap);
            assert!(matches!(result, Err(AccessError::Invalid(_))), "{overlap}");
        }
    }

    #[test]
    fn a_second_revocation_keeps_the_first_instant() {
        let later = NOW + Duration::HOUR;
        let first = key(input()).revoke(&context(NOW)).into_parts().1;
        let AccessWrite::RevokeKey { next, expected } = first else {
            panic!("{first:?}");
        };
        assert_eq!((next.revoked_at, expected), (Some(NOW), Version::FIRST));
        assert!(!next.is_usable(NOW));
        let again = next.revoke(&context(later)).into_parts().1;
        let AccessWrite::RevokeKey { next, .. } = again else {
            panic!("{again:?}");
        };
        assert_eq!(next.revoked_at, Some(NOW));
    }

    #[test]
    fn no_event_holds_the_secret_or_its_hash() {
        let ctx = context(NOW);
        let hex = |key: &ApiKey| {
            format!(
                "{:032x}",
                u128::from_be_bytes(key.hash[..16].try_into().unwrap())
            )
        };
        let first = key(input());
        let changes = [
            ApiKey::issue(&ctx, id(1), input(), &secret(1)).unwrap(),
            first
                .clone()
                .rotate(&ctx, id(2), &secret(2), Duration::DAY)
                .unwrap(),
            first.clone().revoke(&ctx),
        ];
        let names = ["api_key.created", "api_key.rotated", "api_key.revoked"];
        for (change, name) in changes.iter().zip(names) {
            assert_eq!(change.event().name(), name);
            assert_eq!(change.event().subject().kind, "api_key");
            let told = change.event().detail().to_string();
            for hidden in [
                secret(1).expose(),
                secret(2).expose(),
                &hex(&first),
                &first.prefix,
            ] {
                assert!(!told.contains(hidden), "{told}");
            }
        }
        let detail = changes[0].event().detail();
        assert_eq!(
            detail["scopes"]["after"],
            serde_json::json!(["read", "write"])
        );
        assert_eq!(detail["expires_at"]["after"], "2026-06-11T09:00:00Z");
    }

    #[test]
    fn the_issuer_of_a_key_is_named() {
        let user = |email: Option<&str>| Actor::User {
            id: Uuid::from_u128(7).into(),
            subject: "ann".to_owned(),
            email: email.map(str::to_owned),
        };
        let by_key = |created_by: Option<&str>| Actor::ApiKey {
            id: id(9),
            name: "ci".to_owned(),
            created_by: created_by.map(str::to_owned),
        };
        for (actor, name) in [
            (user(Some("a@example.com")), "a@example.com"),
            (user(None), "00000000-0000-0000-0000-000000000007"),
            (by_key(Some("ann")), "ann"),
            (by_key(None), "ci"),
            (Actor::System("cli"), "cli"),
            (
                Actor::Token {
                    issuer: "i".to_owned(),
                    subject: "s".to_owned(),
                },
                "s",
            ),
        ] {
            assert_eq!(issuer_name(&actor), name);
        }
    }
}
