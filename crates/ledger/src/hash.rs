//! The hashes of RFC 6962 section 2.1.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A SHA-256 hash of a leaf, a node or a whole tree. Spelled as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// The root of the empty tree: `SHA-256("")`.
    pub const EMPTY: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// Wraps the 32 bytes of a hash made elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// `SHA-256(0x00 ‖ leaf)`: the prefix keeps a leaf from ever passing for a node.
    #[must_use]
    pub fn leaf(leaf: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([0x00]);
        hasher.update(leaf);
        Self(hasher.finalize().into())
    }

    /// `SHA-256(0x01 ‖ left ‖ right)`.
    #[must_use]
    pub fn node(left: &Self, right: &Self) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([0x01]);
        hasher.update(left.0);
        hasher.update(right.0);
        Self(hasher.finalize().into())
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// A stored hash that is not 32 bytes long is refused.
impl TryFrom<&[u8]> for Hash {
    type Error = ParseHashError;

    fn try_from(bytes: &[u8]) -> Result<Self, ParseHashError> {
        bytes.try_into().map(Self).map_err(|_| ParseHashError)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads the spelling of `Display` and no other: upper case is refused.
impl FromStr for Hash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != Self::LEN || !rest.is_empty() {
            return Err(ParseHashError);
        }
        let mut bytes = [0; Self::LEN];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = (nibble(*high)? << 4) | nibble(*low)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, ParseHashError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(ParseHashError),
    }
}

/// The text is not 64 lower-case hexadecimal digits, or the bytes are not 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 32 bytes, spelled as 64 lower-case hexadecimal digits")]
pub struct ParseHashError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_the_hash_of_nothing() {
        assert_eq!(Hash::EMPTY, Hash(Sha256::digest(b"").into()));
    }

    #[test]
    fn leaf_and_node_have_their_own_prefixes() {
        assert_eq!(
            Hash::leaf(b"L123456").to_string(),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
        );
        let whole = Sha256::digest(b"\x01N123N456");
        assert_eq!(
            Hash(whole.into()).to_string(),
            "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
        );
        let (left, right) = (Hash([7; 32]), Hash([9; 32]));
        let mut bytes = vec![0x01];
        bytes.extend([7; 32]);
        bytes.extend([9; 32]);
        assert_eq!(
            Hash::node(&left, &right),
            Hash(Sha256::digest(&bytes).into())
        );
        assert_ne!(Hash::node(&left, &right), Hash::node(&right, &left));
    }

    #[test]
    fn hex_reads_back_and_has_one_spelling() {
        let hash = Hash::leaf(b"x");
        let text = hash.to_string();
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(format!("{hash:?}"), text);
        for bad in [
            text.to_uppercase(),
            format!("{text}0"),
            text[1..].to_owned(),
            text[2..].to_owned(),
            format!("{}g0", &text[2..]),
            String::new(),
            format!("{} é", &text[4..]),
        ] {
            assert_eq!(bad.parse::<Hash>(), Err(ParseHashError), "{bad}");
        }
    }

    #[test]
    fn stored_bytes_are_exactly_thirty_two() {
        assert_eq!(Hash::try_from([1; 32].as_slice()), Ok(Hash([1; 32])));
        assert_eq!(Hash::try_from([1; 31].as_slice()), Err(ParseHashError));
        assert_eq!(Hash::try_from([1; 33].as_slice()), Err(ParseHashError));
    }
}
