//! Secrets that have to be read again, sealed with AES-256-GCM under a master key from a file.
//!
//! A sealed text is a byte of version, four bytes that name the master key, twelve of nonce, and the
//! ciphertext. Each organisation has a key of its own that follows from the master key. What the text
//! belongs to is authenticated with it, so that it cannot be moved to another row.

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use probity_kernel::OrganizationId;
use probity_webhooks::endpoint::{SealContext, Sealed, Vault, VaultError};
use sha2::{Digest as _, Sha256};

const VERSION: u8 = 1;
const NAME: usize = 4;
const NONCE: usize = 12;
const LABEL: &[u8] = b"probity/webhooks/organization/v1";

/// A key file that will not do.
#[derive(Debug, thiserror::Error)]
#[error("setting `webhook-key-file`: {0}")]
pub(crate) struct MasterKeyError(String);

struct MasterKey {
    name: [u8; NAME],
    key: hmac::Key,
}

/// The master keys: the first one seals, each of them opens. None where webhooks are not set up.
pub(crate) struct MasterKeys(Vec<MasterKey>);

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeys({})", self.0.len())
    }
}

impl MasterKeys {
    /// Nothing can be sealed.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads a file of keys: 32 bytes in base 64 on each line, the present one first.
    pub(crate) fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let path = path.display();
            MasterKeyError(format!(
                "cannot read {path}: {error}; make it with `openssl rand -base64 32 > {path}`"
            ))
        })?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let lines = text.lines().map(str::trim);
        let keys = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                let bytes = STANDARD.decode(line).ok().filter(|key| key.len() == 32);
                let bytes = bytes.ok_or_else(|| {
                    let expected = "expected 32 bytes in base 64 on each line; make one with `openssl rand -base64 32`";
                    MasterKeyError(expected.to_owned())
                })?;
                let digest = Sha256::digest(&bytes);
                let name = digest.first_chunk::<NAME>().copied().unwrap_or_default();
                let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
                Ok(MasterKey { name, key })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(MasterKeyError("the file holds no key".to_owned()));
        }
        Ok(Self(keys))
    }
}

impl MasterKey {
    /// The key of an organisation.
    fn of(&self, organization: OrganizationId) -> Result<LessSafeKey, VaultError> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(LABEL);
        context.update(organization.uuid().as_bytes());
        let bytes = context.sign();
        let key = UnboundKey::new(&AES_256_GCM, bytes.as_ref());
        key.map(LessSafeKey::new)
            .map_err(|_| VaultError::Unreadable)
    }
}

fn associated(context: &SealContext) -> Aad<Vec<u8>> {
    let SealContext {
        organization,
        purpose,
        id,
    } = context;
    Aad::from(format!("probity/webhooks/v1\n{purpose}\n{organization}\n{id}").into_bytes())
}

impl Vault for MasterKeys {
    fn ready(&self) -> Result<(), VaultError> {
        if self.0.is_empty() {
            return Err(VaultError::NotConfigured);
        }
        Ok(())
    }

    fn seal(&self, context: &SealContext, plain: &[u8]) -> Result<Sealed, VaultError> {
        let master = self.0.first().ok_or(VaultError::NotConfigured)?;
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::Unreadable)?;
        let mut text = plain.to_vec();
        master
            .of(context.organization)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                associated(context),
                &mut text,
            )
            .map_err(|_| VaultError::Unreadable)?;
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&master.name);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut text);
        Ok(Sealed::new(sealed))
    }

    fn open(&self, context: &SealContext, sealed: &Sealed) -> Result<Vec<u8>, VaultError> {
        self.ready()?;
        let unreadable = || VaultError::Unreadable;
        let (version, rest) = sealed.as_bytes().split_first().ok_or_else(unreadable)?;
        let (name, rest) = rest.split_first_chunk::<NAME>().ok_or_else(unreadable)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or_else(unreadable)?;
        let master = self.0.iter().find(|master| master.name == *name);
        let master = master.filter(|_| *version == VERSION);
        let key = master.ok_or_else(unreadable)?.of(context.organization)?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = key
            .open_in_place(nonce, associated(context), &mut text)
            .map_err(|_| VaultError::Unreadable)?;
        Ok(plain.to_vec())
    }

    fn is_present(&self, sealed: &Sealed) -> bool {
        let name = sealed.as_bytes().get(1..=NAME);
        let present = self.0.first().map(|master| master.name.as_slice());
        name.is_some() && name == present
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const TWO: &str = "/////////////////////////////////////////y8=";

    fn context(organization: u128, purpose: &'static str, id: u128) -> SealContext {
        SealContext {
            organization: OrganizationId::new(Uuid::from_u128(organization)),
            purpose,
            id: Uuid::from_u128(id),
        }
    }

    #[test]
    fn what_is_sealed_opens_where_it_belongs_and_nowhere_else() {
        let keys = MasterKeys::parse(ONE).unwrap();
        let place = context(1, "secret", 2);
        let sealed = keys.seal(&place, b"plain").unwrap();
        assert_eq!(
            keys.open(&place, &sealed).as_deref(),
            Ok(b"plain".as_slice())
        );
        assert_ne!(keys.seal(&place, b"plain").unwrap(), sealed);
        for other in [
            context(3, "secret", 2),
            context(1, "credential", 2),
            context(1, "secret", 3),
        ] {
            assert_eq!(keys.open(&other, &sealed), Err(VaultError::Unreadable));
        }
        for place_of_byte in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[place_of_byte] ^= 1;
            assert_eq!(
                keys.open(&place, &Sealed::new(bytes)),
                Err(VaultError::Unreadable)
            );
        }
        assert!(keys.open(&place, &Sealed::new(vec![1, 2, 3])).is_err());
    }

    #[test]
    fn an_older_key_still_opens_after_a_rotation() {
        let place = context(1, "secret", 2);
        let sealed = MasterKeys::parse(ONE).unwrap().seal(&place, b"x").unwrap();
        let rotated = MasterKeys::parse(&format!("# present\n{TWO}\n\n# former\n{ONE}\n")).unwrap();
        assert_eq!(
            rotated.open(&place, &sealed).as_deref(),
            Ok(b"x".as_slice())
        );
        let fresh = rotated.seal(&place, b"y").unwrap();
        assert_ne!(fresh.as_bytes()[1..5], sealed.as_bytes()[1..5]);
        assert!(rotated.is_present(&fresh) && !rotated.is_present(&sealed));
        let lost = MasterKeys::parse(TWO).unwrap();
        assert_eq!(lost.open(&place, &sealed), Err(VaultError::Unreadable));
    }

    #[test]
    fn files_without_keys_are_refused_and_no_key_seals_nothing() {
        for text in ["", "# nothing", "short", "AAAA"] {
            assert!(MasterKeys::parse(text).is_err(), "{text}");
        }
        let none = MasterKeys::none();
        let place = context(1, "secret", 2);
        assert_eq!(none.seal(&place, b"x"), Err(VaultError::NotConfigured));
        assert_eq!(format!("{none:?}"), "MasterKeys(0)");
    }
}
