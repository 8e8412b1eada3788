//! SHA-256 of artifacts: the digest, and a computation of one that survives a restart.

use std::fmt;
use std::str::FromStr;

use sha2::digest::common::hazmat::{SerializableState as _, SerializedState};
use sha2::{Digest as _, Sha256};

/// The SHA-256 digest of some bytes, written as 64 hexadecimal digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; 32]);

/// A text that is no SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a SHA-256 digest: 64 hexadecimal digits")]
pub struct MalformedDigest;

impl Sha256Digest {
    /// Wraps the 32 bytes of a digest.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of bytes that are all at hand.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

impl FromStr for Sha256Digest {
    type Err = MalformedDigest;

    /// Reads 64 hexadecimal digits of either case.
    fn from_str(text: &str) -> Result<Self, MalformedDigest> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(MalformedDigest);
        }
        let mut bytes = [0_u8; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = (nibble(*high)? << 4) | nibble(*low)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, MalformedDigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(MalformedDigest),
    }
}

/// A kept state that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the kept state of a SHA-256 computation is damaged")]
pub struct DamagedState;

/// A SHA-256 computation that can be put aside as bytes and taken up again, in another process or
/// on another machine.
#[derive(Debug, Clone, Default)]
pub struct StreamingSha256(Sha256);

impl StreamingSha256 {
    /// A computation that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything that was seen.
    #[must_use]
    pub fn finish(self) -> Sha256Digest {
        Sha256Digest(self.0.finalize().into())
    }

    /// The computation as 104 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.serialize().to_vec()
    }

    /// Takes a computation up again.
    ///
    /// # Errors
    /// [`DamagedState`] when the bytes were not made by [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedState> {
        let state = SerializedState::<Sha256>::try_from(bytes).map_err(|_| DamagedState)?;
        Sha256::deserialize(&state)
            .map(Self)
            .map_err(|_| DamagedState)
    }
}

/// What is computed over the bytes of a chunk while they pass.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Over the whole artifact up to the end of the chunk, where everything before it is known.
    pub running: Option<StreamingSha256>,
    /// Over the chunk alone, where the sender told its digest.
    pub chunk: Option<StreamingSha256>,
}

impl Tally {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for hash in [&mut self.running, &mut self.chunk].into_iter().flatten() {
            hash.update(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn digests_are_read_in_either_case_and_written_in_lower() {
        assert_eq!(Sha256Digest::of(b"").to_string(), EMPTY);
        let upper = EMPTY.to_uppercase().parse::<Sha256Digest>().unwrap();
        assert_eq!(upper, Sha256Digest::of(b""));
        for text in [
            "",
            "e3",
            &EMPTY[1..],
            &format!("{EMPTY}0"),
            &EMPTY.replace('e', "g"),
        ] {
            assert_eq!(text.parse::<Sha256Digest>(), Err(MalformedDigest), "{text}");
        }
    }

    #[test]
    fn damaged_states_are_refused() {
        assert!(StreamingSha256::from_bytes(&[]).is_err());
        assert!(StreamingSha256::from_bytes(&[7; 103]).is_err());
        assert!(StreamingSha256::from_bytes(&[255; 104]).is_err());
    }

    proptest! {
        #[test]
        fn a_computation_survives_being_put_aside_anywhere(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            cut in 0..400_usize,
        ) {
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            let mut hash = StreamingSha256::new();
            hash.update(head);
            let kept = hash.to_bytes();
            prop_assert_eq!(kept.len(), 104);
            let mut hash = StreamingSha256::from_bytes(&kept).unwrap();
            hash.update(tail);
            prop_assert_eq!(hash.finish(), Sha256Digest::of(&bytes));
        }
    }
}
