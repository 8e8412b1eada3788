//! Slots: data that may be erased, represented in the leaf by a commitment only.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Binds a commitment to this format, so that it can never be replayed as another kind of hash.
const DOMAIN: &[u8] = b"probity-slot/v1\n";

/// The slots a leaf may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotName {
    /// Who acted.
    Actor,
    /// What changed: named fields before and after.
    Detail,
    /// From where: network address and client.
    Net,
}

impl SlotName {
    /// Every slot, in the order in which a leaf writes them.
    pub const ALL: [Self; 3] = [Self::Actor, Self::Detail, Self::Net];

    /// The name as the leaf spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Detail => "detail",
            Self::Net => "net",
        }
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SlotName {
    type Err = ParseSlotError;

    fn from_str(text: &str) -> Result<Self, ParseSlotError> {
        Self::ALL
            .into_iter()
            .find(|name| name.as_str() == text)
            .ok_or(ParseSlotError::Name)
    }
}

/// 32 random bytes kept beside the slot's bytes and nowhere else. Without them the commitment cannot be guessed,
/// so deleting salt and bytes erases the slot. Take them from the operating system's generator, once per slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Wraps 32 random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Never prints the bytes: a salt in a log file would undo an erasure.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// `SHA-256("probity-slot/v1\n" ‖ name ‖ "\n" ‖ salt ‖ bytes)`, spelled as 43 characters of base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Length of the text form in characters.
    pub const TEXT_LEN: usize = 43;

    /// Commits to a slot's bytes, which are canonical JSON by convention (see [`to_canonical`](crate::to_canonical))
    /// but are hashed as they stand.
    #[must_use]
    pub fn new(name: SlotName, salt: &Salt, bytes: &[u8]) -> Self {
        Self(digest(DOMAIN, name, salt, bytes))
    }

    /// Whether salt and bytes are the ones committed to. Commitments are public, so plain equality is enough.
    #[must_use]
    pub fn verify(&self, name: SlotName, salt: &Salt, bytes: &[u8]) -> bool {
        *self == Self::new(name, salt, bytes)
    }

    /// The 32 bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Appends the text form.
    pub(crate) fn push_text(&self, out: &mut Vec<u8>) {
        let mut text = [0; Self::TEXT_LEN];
        // 32 bytes always make 43 characters; a mismatch would be caught by every test.
        if URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).is_ok() {
            out.extend_from_slice(&text);
        }
    }
}

fn digest(domain: &[u8], name: SlotName, salt: &Salt, bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(domain);
    hasher.update(name.as_str());
    hasher.update(b"\n");
    hasher.update(salt.0);
    hasher.update(bytes);
    hasher.finalize().into()
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads the one spelling of `Display`: padding and stray trailing bits are refused.
impl FromStr for Commitment {
    type Err = ParseSlotError;

    fn from_str(text: &str) -> Result<Self, ParseSlotError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| ParseSlotError::Commitment)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| ParseSlotError::Commitment)
    }
}

/// What is wrong with the text of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseSlotError {
    /// Not `actor`, `detail` or `net`.
    #[error("a slot is actor, detail or net")]
    Name,
    /// Not 43 characters of canonical base64url.
    #[error("a commitment is 43 characters of base64url without padding")]
    Commitment,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash;

    fn salt(hex: &str) -> Salt {
        Salt(*hex.parse::<Hash>().unwrap().as_bytes())
    }

    #[test]
    fn digest_is_the_published_one_under_another_domain() {
        let salt = salt("d511a98e994d6543a3d22451c2aa02c45409d13f0b6f9aec845fb59a581d72d7");
        let data = br#"{"email":"u4@example.com"}"#;
        let made = digest(b"aigov-audit-slot/v1\n", SlotName::Actor, &salt, data);
        assert_eq!(
            Hash::from(made).to_string(),
            "db28e817803623d7d540057b01791494cc56bc9c834b981299fe3198b14e7081"
        );
        assert_ne!(made, digest(DOMAIN, SlotName::Actor, &salt, data));
    }

    #[test]
    fn commitment_hashes_the_documented_bytes() {
        let mut bytes = b"probity-slot/v1\ndetail\n".to_vec();
        bytes.extend([5; 32]);
        bytes.extend(b"{}");
        let expected: [u8; 32] = Sha256::digest(&bytes).into();
        let made = Commitment::new(SlotName::Detail, &Salt([5; 32]), b"{}");
        assert_eq!(made.as_bytes(), &expected);
    }

    #[test]
    fn commitment_binds_name_salt_and_bytes() {
        let made = Commitment::new(SlotName::Net, &Salt([1; 32]), b"data");
        assert!(made.verify(SlotName::Net, &Salt([1; 32]), b"data"));
        assert!(!made.verify(SlotName::Actor, &Salt([1; 32]), b"data"));
        assert!(!made.verify(SlotName::Net, &Salt([2; 32]), b"data"));
        assert!(!made.verify(SlotName::Net, &Salt([1; 32]), b"datb"));
    }

    #[test]
    fn commitment_text_has_one_spelling() {
        let made = Commitment([0xff; 32]);
        let text = made.to_string();
        assert_eq!(text, "__________________________________________8");
        assert_eq!(text.len(), Commitment::TEXT_LEN);
        let mut pushed = Vec::new();
        made.push_text(&mut pushed);
        assert_eq!(pushed, text.as_bytes());
        assert_eq!(text.parse(), Ok(made));
        for bad in [
            "__________________________________________9",
            "__________________________________________8=",
            "//////////////////////////////////////////8",
            "___",
            "",
        ] {
            assert_eq!(
                bad.parse::<Commitment>(),
                Err(ParseSlotError::Commitment),
                "{bad}"
            );
        }
    }

    #[test]
    fn slot_names_read_back_and_are_sorted() {
        for name in SlotName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
        }
        assert!(SlotName::ALL.is_sorted_by_key(|name| name.as_str()));
        assert_eq!("Actor".parse::<SlotName>(), Err(ParseSlotError::Name));
    }

    #[test]
    fn salt_stays_out_of_debug_output() {
        assert_eq!(format!("{:?}", Salt([7; 32])), "Salt(..)");
    }
}
