//! What is uploaded: bytes that look random, any number of them in little memory.

use probity_kernel::text::hex;
use sha2::{Digest as _, Sha256};

/// The largest chunk; content is this again and again.
const PIECE: usize = 64 << 20;

/// Bytes of a given size.
pub(super) struct Content {
    piece: Vec<u8>,
    size: u64,
    number: u64,
}

impl Content {
    pub(super) fn new(size: u64) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let piece = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        Self {
            piece: piece.take(PIECE / 8).flatten().collect(),
            size,
            number: 0,
        }
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Other bytes than before, and their digest.
    pub(super) fn renew(&mut self) -> String {
        self.number += 1;
        for (byte, new) in self.piece.iter_mut().zip(self.number.to_le_bytes()) {
            *byte = new;
        }
        self.digest()
    }

    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for part in self.parts(1 << 20) {
            hasher.update(part);
        }
        hex(&hasher.finalize())
    }

    /// All of it, in parts of one size that divides the piece; the last may be shorter.
    pub(super) fn parts(&self, size: usize) -> impl Iterator<Item = &[u8]> {
        let mut left = usize::try_from(self.size).unwrap_or(usize::MAX);
        let parts = self.piece.chunks(size).cycle();
        parts.map_while(move |part| {
            let taken = part.get(..part.len().min(left))?;
            left -= taken.len();
            (!taken.is_empty()).then_some(taken)
        })
    }

    /// So many contents that together have its size, no two alike, with their digests.
    pub(super) fn shares(&self, count: usize) -> Vec<(Self, String)> {
        let size = self.size / u64::try_from(count.max(1)).unwrap_or(1);
        let share = |number: u64| {
            let mut share = Self {
                piece: self.piece.clone(),
                size,
                number: (self.number << 16) + number,
            };
            let digest = share.renew();
            (share, digest)
        };
        (0..).take(count).map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, PIECE};

    #[test]
    fn parts_add_up_to_the_size_whatever_theirs_is() {
        let size = PIECE + 5;
        let content = Content::new(u64::try_from(size).unwrap());
        for part in [1 << 20, PIECE] {
            let sum: usize = content.parts(part).map(<[u8]>::len).sum();
            assert_eq!(sum, size, "{part}");
        }
    }

    #[test]
    fn renewed_content_and_shares_are_other_bytes() {
        let mut content = Content::new(1 << 20);
        let first = content.renew();
        assert_ne!(content.renew(), first);
        let shares = content.shares(2);
        let digests: Vec<_> = shares.iter().map(|(_, digest)| digest).collect();
        assert_ne!(digests.first(), digests.last());
    }
}
