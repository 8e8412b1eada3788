//! Proofs made from stored hashes.

use std::ops::Range;

use crate::frontier::{Frontier, MAX_SIZE, join};
use crate::hash::Hash;
use crate::proof::{ConsistencyProof, InclusionProof};

/// Levels of the tree between two stored levels: leaf hashes are level 0, tile hashes level 8, 16, 24, ...
pub const TILE_HEIGHT: u8 = 8;

/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 256;

/// Read access to the stored hashes of one tree.
///
/// # Contract
/// `read(level, range)` returns, in order, the roots of the complete subtrees `range` of `2^level` leaves each.
/// `level` is always a multiple of [`TILE_HEIGHT`], level 0 is the leaf hashes, and `range` never crosses a multiple
/// of [`TILE_WIDTH`] and never asks for a subtree that the tree size named in the call does not complete.
/// A reader that lacks some of them returns fewer hashes; it never returns others.
pub trait HashReader {
    /// What can go wrong in the storage.
    type Error;

    /// Reads hashes; see the contract above.
    ///
    /// # Errors
    /// Whatever the storage reports.
    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, Self::Error>;
}

impl<R: HashReader + ?Sized> HashReader for &R {
    type Error = R::Error;

    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, Self::Error> {
        (**self).read(level, range)
    }
}

/// The root of the first `size` leaves. Reads one tile per stored level.
///
/// # Errors
/// A size beyond [`MAX_SIZE`], or the reader's own failure.
pub fn root_at<R: HashReader>(reader: R, size: u64) -> Result<Hash, TreeError<R::Error>> {
    let mut tiles = Tiles::new(reader, size)?;
    tiles.root(0..size)
}

/// The frontier of the first `size` leaves: the head of the log as it was. Reads one tile per stored level.
///
/// # Errors
/// A size beyond [`MAX_SIZE`], or the reader's own failure.
pub fn frontier_at<R: HashReader>(reader: R, size: u64) -> Result<Frontier, TreeError<R::Error>> {
    let mut tiles = Tiles::new(reader, size)?;
    let mut frontier = Frontier::new();
    while frontier.size() < size {
        let start = frontier.size();
        let level = level_of(size - start);
        frontier.append_subtree(level, tiles.node(level, start >> level)?);
    }
    Ok(frontier)
}

/// The proof that leaf `index` is in the tree of the first `size` leaves (RFC 6962 section 2.1.1).
/// Reads at most two tiles per stored level.
///
/// # Errors
/// An index outside the tree, a size beyond [`MAX_SIZE`], or the reader's own failure.
pub fn inclusion_proof<R: HashReader>(
    reader: R,
    index: u64,
    size: u64,
) -> Result<InclusionProof, TreeError<R::Error>> {
    if index >= size {
        return Err(TreeError::IndexOutOfRange { index, size });
    }
    let mut tiles = Tiles::new(reader, size)?;
    let mut path = Vec::new();
    let mut range = 0..size;
    while range.end - range.start > 1 {
        let middle = split(&range);
        if index < middle {
            path.push(tiles.root(middle..range.end)?);
            range.end = middle;
        } else {
            path.push(tiles.root(range.start..middle)?);
            range.start = middle;
        }
    }
    path.reverse();
    Ok(InclusionProof::made(path))
}

/// The proof that the tree of `to` leaves only appends to the tree of `from` leaves (RFC 6962 section 2.1.2).
/// Empty if the sizes are equal. Reads at most two tiles per stored level.
///
/// # Errors
/// `from` zero (it would prove nothing) or above `to`, a size beyond [`MAX_SIZE`], or the reader's own failure.
pub fn consistency_proof<R: HashReader>(
    reader: R,
    from: u64,
    to: u64,
) -> Result<ConsistencyProof, TreeError<R::Error>> {
    if from == 0 || from > to {
        return Err(TreeError::SizesOutOfOrder { from, to });
    }
    let mut tiles = Tiles::new(reader, to)?;
    let mut path = Vec::new();
    let mut range = 0..to;
    while range.end != from {
        let middle = split(&range);
        if from <= middle {
            path.push(tiles.root(middle..range.end)?);
            range.end = middle;
        } else {
            path.push(tiles.root(range.start..middle)?);
            range.start = middle;
        }
    }
    // The verifier already holds the root of the whole old tree, so only a part of it is spelled out.
    if range.start > 0 {
        path.push(tiles.root(range)?);
    }
    path.reverse();
    Ok(ConsistencyProof::made(path))
}

/// Where RFC 6962 divides a range of two or more leaves: the largest power of two below its length.
fn split(range: &Range<u64>) -> u64 {
    range.start + (1 << level_of(range.end - range.start - 1))
}

/// The height of the largest complete subtree of at most `leaves` leaves; `leaves` is not zero.
pub(crate) fn level_of(leaves: u64) -> u8 {
    let [level, ..] = leaves.ilog2().to_le_bytes();
    level
}

/// The tiles one proof needs, each read once.
pub(crate) struct Tiles<R> {
    reader: R,
    size: u64,
    loaded: Vec<Tile>,
}

struct Tile {
    level: u8,
    number: u64,
    hashes: Vec<Hash>,
}

impl<R: HashReader> Tiles<R> {
    pub(crate) fn new(reader: R, size: u64) -> Result<Self, TreeError<R::Error>> {
        if size > MAX_SIZE {
            return Err(TreeError::TooLarge(size));
        }
        Ok(Self {
            reader,
            size,
            loaded: Vec::new(),
        })
    }

    /// The RFC 6962 root of a range that starts at a multiple of the power of two at or above its length.
    pub(crate) fn root(&mut self, range: Range<u64>) -> Result<Hash, TreeError<R::Error>> {
        let mut subtrees = Vec::new();
        let mut start = range.start;
        while start < range.end {
            let level = level_of(range.end - start);
            subtrees.push(self.node(level, start >> level)?);
            start += 1 << level;
        }
        Ok(join(&subtrees).unwrap_or(Hash::EMPTY))
    }

    /// The root of the complete subtree `index` of `2^level` leaves.
    pub(crate) fn node(&mut self, level: u8, index: u64) -> Result<Hash, TreeError<R::Error>> {
        let above = level % TILE_HEIGHT;
        let first = index << above;
        let tile = self.tile(level - above, first / TILE_WIDTH)?;
        let offset = first % TILE_WIDTH;
        let hashes = usize::try_from(offset)
            .ok()
            .zip(usize::try_from(offset + (1 << above)).ok())
            .and_then(|(from, to)| tile.hashes.get(from..to));
        match hashes {
            Some(hashes) => Ok(Frontier::from_leaves(hashes.iter().copied()).root()),
            None => Err(TreeError::Missing {
                level: tile.level,
                index: first,
            }),
        }
    }

    /// One tile as far as the tree completes it. Older sizes see a shorter tile, never a different one.
    fn tile(&mut self, level: u8, number: u64) -> Result<&Tile, TreeError<R::Error>> {
        let known = self
            .loaded
            .iter()
            .position(|tile| tile.level == level && tile.number == number);
        let place = if let Some(place) = known {
            place
        } else {
            let start = number * TILE_WIDTH;
            let end = (start + TILE_WIDTH).min(self.size >> level);
            let hashes = self
                .reader
                .read(level, start..end)
                .map_err(TreeError::Reader)?;
            if u64::try_from(hashes.len()) != Ok(end - start) {
                return Err(TreeError::Missing {
                    level,
                    index: start,
                });
            }
            self.loaded.push(Tile {
                level,
                number,
                hashes,
            });
            self.loaded.len() - 1
        };
        let missing = TreeError::Missing {
            level,
            index: number * TILE_WIDTH,
        };
        self.loaded.get(place).ok_or(missing)
    }
}

/// Why no proof could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError<E> {
    /// The leaf is not in the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexOutOfRange {
        /// The leaf asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A range or a pair of sizes that does not grow, or starts at nothing where that proves nothing.
    #[error("{from} and {to} are not in order")]
    SizesOutOfOrder {
        /// The first size asked for.
        from: u64,
        /// The second size asked for.
        to: u64,
    },
    /// More leaves than [`MAX_SIZE`].
    #[error("a tree of {0} leaves is larger than 2^53")]
    TooLarge(u64),
    /// The reader returned too many or too few hashes.
    #[error("the tile of level {level} at {index} does not have the hashes the tree needs")]
    Missing {
        /// The stored level.
        level: u8,
        /// The first subtree of the tile, or the first one that is missing.
        index: u64,
    },
    /// The storage failed.
    #[error("stored hashes could not be read")]
    Reader(#[source] E),
}
