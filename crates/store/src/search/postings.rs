//! Where a piece of a word occurs among the rows of one block: a bit for each row, kept as a list of
//! places while that is shorter.

/// A block is this many positions: 2 to the power of.
const WIDTH_BITS: u32 = 14;
const WORDS: usize = 1 << (WIDTH_BITS - 6);
/// The length of the bits as bytes; a list is always shorter.
const BYTES: usize = WORDS * 8;

/// The block of a position, and its place in the block.
pub(super) fn place(position: i64) -> (i64, u16) {
    let within = position & ((1 << WIDTH_BITS) - 1);
    (
        position >> WIDTH_BITS,
        u16::try_from(within).unwrap_or_default(),
    )
}

/// The first and the last position of a block.
pub(super) const fn positions_of(block: i64) -> (i64, i64) {
    (block << WIDTH_BITS, ((block + 1) << WIDTH_BITS) - 1)
}

/// The rows of a block that have something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postings(Vec<u64>);

impl Default for Postings {
    fn default() -> Self {
        Self(vec![0; WORDS])
    }
}

impl Postings {
    /// The block of a column with positions, as statements compute it.
    pub(super) fn block_of(column: &str) -> String {
        format!("{column} >> {WIDTH_BITS}")
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let mut read = Self::default();
        if bytes.len() == BYTES {
            for (word, bytes) in read.0.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *word = u64::from_le_bytes(*bytes);
            }
        } else {
            for bytes in bytes.as_chunks::<2>().0 {
                read.insert(u16::from_le_bytes(*bytes));
            }
        }
        read
    }

    /// As they are kept.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        if self.len() * 2 < BYTES {
            return self.places().flat_map(u16::to_le_bytes).collect();
        }
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    pub(super) fn insert(&mut self, place: u16) {
        if let Some((word, bit)) = self.bit(place) {
            *word |= bit;
        }
    }

    pub(super) fn remove(&mut self, place: u16) {
        if let Some((word, bit)) = self.bit(place) {
            *word &= !bit;
        }
    }

    fn bit(&mut self, place: u16) -> Option<(&mut u64, u64)> {
        let word = self.0.get_mut(usize::from(place >> 6))?;
        Some((word, 1 << (place & 63)))
    }

    /// Leaves what is in both.
    pub(super) fn intersect(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn len(&self) -> usize {
        let ones = self.0.iter().map(|word| word.count_ones());
        usize::try_from(ones.sum::<u32>()).unwrap_or(usize::MAX)
    }

    fn places(&self) -> impl Iterator<Item = u16> {
        let ones = |word: u64| {
            let lowest_gone = |word: &u64| Some(word & word.wrapping_sub(1));
            std::iter::successors(Some(word), lowest_gone).take_while(|word| *word != 0)
        };
        (0_u16..).zip(&self.0).flat_map(move |(at, word)| {
            let bit = |word: u64| u16::try_from(word.trailing_zeros()).unwrap_or_default();
            ones(*word).map(move |word| (at << 6) | bit(word))
        })
    }

    /// The positions in a block.
    pub(super) fn positions(&self, block: i64) -> impl Iterator<Item = i64> {
        self.places()
            .map(move |place| (block << WIDTH_BITS) + i64::from(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_has_its_place() {
        for position in [0, 1, 16_383, 16_384, (7 << 40) + 70_000, (1 << 62) + 5] {
            let (block, within) = place(position);
            let mut one = Postings::default();
            one.insert(within);
            assert_eq!(one.positions(block).collect::<Vec<_>>(), [position]);
        }
    }

    #[test]
    fn lists_and_bits_say_the_same() {
        for (step, count) in [
            (1, 1023),
            (1, 1024),
            (1, 16_384),
            (16, 1024),
            (17, 900),
            (1, 0),
        ] {
            let mut made = Postings::default();
            let places: Vec<u16> = (0..count).map(|number| number * step).collect();
            for place in &places {
                made.insert(*place);
            }
            let bytes = made.to_bytes();
            assert!(bytes.len() <= BYTES, "{}", bytes.len());
            assert_eq!(Postings::from_bytes(&bytes), made, "{step} {count}");
            assert_eq!(made.places().collect::<Vec<_>>(), places);
            for place in places {
                made.remove(place);
            }
            assert!(made.is_empty() && made.to_bytes().is_empty());
        }
    }

    #[test]
    fn what_both_have_is_left() {
        let of = |places: &[u16]| {
            let mut made = Postings::default();
            for place in places {
                made.insert(*place);
            }
            made
        };
        let mut left = of(&[1, 63, 64, 9000]);
        left.intersect(&of(&[2, 63, 9000, 16_383]));
        assert_eq!(left, of(&[63, 9000]));
        assert_eq!(left.len(), 2);
    }
}
