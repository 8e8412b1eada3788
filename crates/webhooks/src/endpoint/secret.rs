//! Signing secrets: named, numbered, sealed, rotated with an overlap.

use std::fmt;
use std::str::FromStr;

use probity_kernel::{OrganizationId, WebhookSecretId};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::signature::SigningSecret;

/// How many secrets of one name may be good at a time.
pub const MOST_LIVE: usize = 10;
/// The longest time for which a replaced secret stays good.
pub const LONGEST_OVERLAP: Duration = Duration::days(7);

/// The name of a secret: 1 to 64 letters, digits, dots, hyphens and underscores, beginning with a
/// letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alias(String);

/// A text that is no name of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedAlias;

impl Alias {
    /// The name that is meant when none is given.
    #[must_use]
    pub fn primary() -> Self {
        Self("primary".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Alias {
    type Err = MalformedAlias;

    fn from_str(text: &str) -> Result<Self, MalformedAlias> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let begins = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        if begins && text.len() <= 64 && text.bytes().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        Err(MalformedAlias)
    }
}

/// Bytes that only a [`Vault`] can read.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Wraps sealed bytes.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The sealed bytes, for storing.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// What sealed bytes belong to: they cannot be opened as anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext {
    /// Whose they are.
    pub organization: OrganizationId,
    /// `secret` or `credential`.
    pub purpose: &'static str,
    /// The row they stand in.
    pub id: Uuid,
}

/// Why something cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no master key.
    #[error("no master key is set up")]
    NotConfigured,
    /// The bytes were sealed under another key, or for something else, or were changed.
    #[error("the sealed bytes cannot be opened")]
    Unreadable,
}

/// Seals what has to be read again later, under a master key that is not in the database.
pub trait Vault: Send + Sync {
    /// Whether it can seal and open at all.
    ///
    /// # Errors
    /// [`VaultError::NotConfigured`].
    fn ready(&self) -> Result<(), VaultError>;

    /// Seals bytes for a context.
    ///
    /// # Errors
    /// [`VaultError::NotConfigured`].
    fn seal(&self, context: &SealContext, plain: &[u8]) -> Result<Sealed, VaultError>;

    /// Opens them for the same context.
    ///
    /// # Errors
    /// [`VaultError`].
    fn open(&self, context: &SealContext, sealed: &Sealed) -> Result<Vec<u8>, VaultError>;

    /// Whether bytes are sealed under the master key that seals at present, and not under a former one.
    fn is_present(&self, sealed: &Sealed) -> bool;
}

impl<T: Vault + ?Sized> Vault for std::sync::Arc<T> {
    fn ready(&self) -> Result<(), VaultError> {
        T::ready(self)
    }

    fn seal(&self, context: &SealContext, plain: &[u8]) -> Result<Sealed, VaultError> {
        T::seal(self, context, plain)
    }

    fn open(&self, context: &SealContext, sealed: &Sealed) -> Result<Vec<u8>, VaultError> {
        T::open(self, context, sealed)
    }

    fn is_present(&self, sealed: &Sealed) -> bool {
        T::is_present(self, sealed)
    }
}

/// One of the secrets of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRecord {
    /// Its id.
    pub id: WebhookSecretId,
    /// The organisation that it belongs to.
    pub organization: OrganizationId,
    /// Its name.
    pub alias: Alias,
    /// Which of that name it is, from 1.
    pub number: i64,
    /// The secret, sealed.
    pub sealed: Sealed,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it signs nothing; `None` for the newest.
    pub expires_at: Option<OffsetDateTime>,
}

impl SecretRecord {
    /// A new secret of a name.
    ///
    /// # Errors
    /// What the vault says.
    pub fn make(
        vault: &impl Vault,
        id: WebhookSecretId,
        (organization, alias, number): (OrganizationId, Alias, i64),
        secret: &SigningSecret,
        now: OffsetDateTime,
    ) -> Result<Self, VaultError> {
        let context = SealContext {
            organization,
            purpose: "secret",
            id: id.uuid(),
        };
        Ok(Self {
            id,
            organization,
            alias,
            number,
            sealed: vault.seal(&context, secret.bytes())?,
            created_at: now,
            expires_at: None,
        })
    }

    /// What it is sealed for.
    #[must_use]
    pub const fn context(&self) -> SealContext {
        SealContext {
            organization: self.organization,
            purpose: "secret",
            id: self.id.uuid(),
        }
    }

    /// Whether it signs at `now`.
    #[must_use]
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// The secret.
    ///
    /// # Errors
    /// What the vault says.
    pub fn open(&self, vault: &impl Vault) -> Result<SigningSecret, VaultError> {
        let bytes = vault.open(&self.context(), &self.sealed)?;
        SigningSecret::from_bytes(bytes).map_err(|_| VaultError::Unreadable)
    }
}

/// Those of the live secrets of a name, newest first, that end sooner because a new one takes their
/// place at `now`: all after the overlap, and the oldest at once when there would be too many.
pub(super) fn retire(
    live: Vec<SecretRecord>,
    now: OffsetDateTime,
    overlap: Duration,
) -> Vec<SecretRecord> {
    let ends = |place: usize| {
        if place + 2 > MOST_LIVE {
            now
        } else {
            now + overlap
        }
    };
    live.into_iter()
        .enumerate()
        .filter_map(|(place, record)| {
            let end = ends(place);
            let sooner = record.expires_at.is_none_or(|known| end < known);
            sooner.then_some(SecretRecord {
                expires_at: Some(end),
                ..record
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

    fn record(number: i64, expires_at: Option<OffsetDateTime>) -> SecretRecord {
        SecretRecord {
            id: WebhookSecretId::new(Uuid::from_u128(7)),
            organization: OrganizationId::new(Uuid::nil()),
            alias: Alias::primary(),
            number,
            sealed: Sealed::new(Vec::new()),
            created_at: NOW,
            expires_at,
        }
    }

    #[test]
    fn aliases_are_plain_names() {
        for (text, good) in [
            ("primary", true),
            ("A.b-c_9", true),
            ("", false),
            (".a", false),
            ("a b", false),
            ("ä", false),
        ] {
            assert_eq!(text.parse::<Alias>().is_ok(), good, "{text}");
        }
        assert!("a".repeat(64).parse::<Alias>().is_ok());
        assert!("a".repeat(65).parse::<Alias>().is_err());
    }

    #[test]
    fn a_replaced_secret_ends_after_the_overlap_and_never_later_than_before() {
        let soon = NOW + Duration::hours(1);
        let retired = retire(
            vec![record(2, None), record(1, Some(soon))],
            NOW,
            Duration::hours(24),
        );
        assert_eq!(retired.len(), 1);
        assert_eq!(retired[0].expires_at, Some(NOW + Duration::hours(24)));
        assert!(!record(1, Some(NOW)).is_live(NOW));
        assert!(record(1, Some(soon)).is_live(NOW));
    }

    #[test]
    fn ten_are_live_at_the_most() {
        let live = (1..=10).rev().map(|number| record(number, None)).collect();
        let retired = retire(live, NOW, Duration::hours(24));
        let at_once: Vec<i64> = retired
            .iter()
            .filter(|record| !record.is_live(NOW))
            .map(|record| record.number)
            .collect();
        assert_eq!(at_once, [1]);
    }
}
