//! Proofs made from stored hashes.

use std::ops::Range;

use crate::frontier::{Frontier, MAX_SIZE, join};
use crate::hash::Hash;
use crate::proof::{ConsistencyProof, InclusionProof};

/// Levels of the tree between two stored levels: leaf hashes are level 0, stored hashes level 4, 8, 12, ...
pub const STORED_STEP: u8 = 4;

/// Levels of the tree between two levels of C2SP tiles, which are every other stored level.
pub const TILE_HEIGHT: u8 = 8;

/// Hashes in a full C2SP tile.
pub const TILE_WIDTH: u64 = 256;

/// Complete subtrees in a row: the roots of those with an index in `range`, of `2^level` leaves each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The height of the subtrees.
    pub level: u8,
    /// Their indexes.
    pub range: Range<u64>,
}

impl Span {
    fn len(&self) -> usize {
        usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX)
    }
}

/// Read access to the stored hashes of one tree.
///
/// # Contract
/// `read(level, range)` returns, in order, the roots of the complete subtrees `range` of `2^level` leaves each.
/// `level` is always a multiple of [`STORED_STEP`], level 0 is the leaf hashes, and `range` never asks for a subtree that
/// the tree size named in the call does not complete, nor for more than [`TILE_WIDTH`] of them.
/// A reader that lacks some of them returns fewer hashes; it never returns others. What it lacks is made from the
/// tiles below, as long as it has every level that is a multiple of [`TILE_HEIGHT`].
pub trait HashReader {
    /// What can go wrong in the storage.
    type Error;

    /// Reads hashes; see the contract above.
    ///
    /// # Errors
    /// Whatever the storage reports.
    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, Self::Error>;

    /// Reads the hashes of several spans, each as [`read`](Self::read) does. A store that pays for each question asks
    /// once.
    ///
    /// # Errors
    /// Whatever the storage reports.
    fn read_all(&self, spans: &[Span]) -> Result<Vec<Vec<Hash>>, Self::Error> {
        let spans = spans.iter();
        spans
            .map(|span| self.read(span.level, span.range.clone()))
            .collect()
    }
}

impl<R: HashReader + ?Sized> HashReader for &R {
    type Error = R::Error;

    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, Self::Error> {
        (**self).read(level, range)
    }

    fn read_all(&self, spans: &[Span]) -> Result<Vec<Vec<Hash>>, Self::Error> {
        (**self).read_all(spans)
    }
}

/// The root of the first `size` leaves.
///
/// # Errors
/// A size beyond [`MAX_SIZE`], or the reader's own failure.
pub fn root_at<R: HashReader>(reader: R, size: u64) -> Result<Hash, TreeError<R::Error>> {
    let roots = Stored::new(reader, size)?.roots(std::slice::from_ref(&(0..size)))?;
    Ok(roots.first().copied().unwrap_or(Hash::EMPTY))
}

/// The frontier of the first `size` leaves: the head of the log as it was.
///
/// # Errors
/// A size beyond [`MAX_SIZE`], or the reader's own failure.
pub fn frontier_at<R: HashReader>(reader: R, size: u64) -> Result<Frontier, TreeError<R::Error>> {
    let parts: Vec<Subtree> = subtrees(0..size).collect();
    let hashes = Stored::new(reader, size)?.hashes(&parts)?;
    let mut frontier = Frontier::new();
    for (subtree, hash) in parts.iter().zip(hashes) {
        frontier.append_subtree(subtree.level, hash);
    }
    Ok(frontier)
}

/// The proof that leaf `index` is in the tree of the first `size` leaves (RFC 6962 section 2.1.1).
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
    let stored = Stored::new(reader, size)?;
    let mut siblings = Vec::new();
    let mut range = 0..size;
    while range.end - range.start > 1 {
        let middle = split(&range);
        if index < middle {
            siblings.push(middle..range.end);
            range.end = middle;
        } else {
            siblings.push(range.start..middle);
            range.start = middle;
        }
    }
    siblings.reverse();
    Ok(InclusionProof::made(stored.roots(&siblings)?))
}

/// The proof that the tree of `to` leaves only appends to the tree of `from` leaves (RFC 6962 section 2.1.2).
/// Empty if the sizes are equal.
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
    let stored = Stored::new(reader, to)?;
    let mut parts = Vec::new();
    let mut range = 0..to;
    while range.end != from {
        let middle = split(&range);
        if from <= middle {
            parts.push(middle..range.end);
            range.end = middle;
        } else {
            parts.push(range.start..middle);
            range.start = middle;
        }
    }
    // The verifier already holds the root of the whole old tree, so only a part of it is spelled out.
    if range.start > 0 {
        parts.push(range);
    }
    parts.reverse();
    Ok(ConsistencyProof::made(stored.roots(&parts)?))
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

/// A complete subtree: the `index`th of `2^level` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subtree {
    pub(crate) level: u8,
    pub(crate) index: u64,
}

impl Subtree {
    /// The hashes that make its root, in the nearest level below it that is a multiple of `step`.
    const fn below(self, step: u8) -> Span {
        let above = self.level % step;
        let first = self.index << above;
        Span {
            level: self.level - above,
            range: first..first + (1 << above),
        }
    }
}

/// The largest complete subtrees that make up a range, from left to right. Where the range starts at a multiple of the
/// power of two at or above its length, their sizes fall.
pub(crate) fn subtrees(range: Range<u64>) -> impl Iterator<Item = Subtree> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let left = range.end.checked_sub(start).filter(|left| *left > 0)?;
        let [aligned, ..] = start.trailing_zeros().to_le_bytes();
        let level = level_of(left).min(aligned);
        let index = start >> level;
        start += 1 << level;
        Some(Subtree { level, index })
    })
}

/// The stored hashes of a tree of one size.
pub(crate) struct Stored<R> {
    reader: R,
}

impl<R: HashReader> Stored<R> {
    pub(crate) fn new(reader: R, size: u64) -> Result<Self, TreeError<R::Error>> {
        if size > MAX_SIZE {
            return Err(TreeError::TooLarge(size));
        }
        Ok(Self { reader })
    }

    /// The RFC 6962 roots of ranges, each of which starts at a multiple of the power of two at or above its length.
    fn roots(&self, ranges: &[Range<u64>]) -> Result<Vec<Hash>, TreeError<R::Error>> {
        let mut all = Vec::new();
        let counts: Vec<usize> = ranges
            .iter()
            .map(|range| {
                let before = all.len();
                all.extend(subtrees(range.clone()));
                all.len() - before
            })
            .collect();
        let mut hashes = self.hashes(&all)?.into_iter();
        let roots = counts.into_iter().map(|count| {
            let parts: Vec<Hash> = hashes.by_ref().take(count).collect();
            join(&parts).unwrap_or(Hash::EMPTY)
        });
        Ok(roots.collect())
    }

    /// The roots of complete subtrees.
    pub(crate) fn hashes(&self, subtrees: &[Subtree]) -> Result<Vec<Hash>, TreeError<R::Error>> {
        let (spans, places) = joined(subtrees);
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let read = self.reader.read_all(&spans).map_err(TreeError::Reader)?;
        let complete = |at: usize| match (spans.get(at), read.get(at)) {
            (Some(span), Some(hashes)) if hashes.len() == span.len() => hashes.as_slice(),
            _ => &[],
        };
        let root = |(subtree, place): (&Subtree, &Place)| match complete(place.span)
            .get(place.hashes.clone())
        {
            Some(hashes) => Ok(Frontier::from_leaves(hashes.iter().copied()).root()),
            None => self.within_tile(*subtree),
        };
        subtrees.iter().zip(&places).map(root).collect()
    }

    /// The root of a complete subtree from the tile that it is in, in a log from before the levels between tiles were
    /// stored.
    fn within_tile(&self, subtree: Subtree) -> Result<Hash, TreeError<R::Error>> {
        let (near, tile) = (subtree.below(STORED_STEP), subtree.below(TILE_HEIGHT));
        let missing = Err(TreeError::Missing {
            level: near.level,
            index: near.range.start,
        });
        if near == tile {
            return missing;
        }
        let read = self.reader.read(tile.level, tile.range.clone());
        let hashes = read.map_err(TreeError::Reader)?;
        if hashes.len() != tile.len() {
            return missing;
        }
        Ok(Frontier::from_leaves(hashes).root())
    }
}

/// Where the hashes below a subtree stand in what is read.
struct Place {
    span: usize,
    hashes: Range<usize>,
}

/// What is read for some subtrees: neighbours are read together.
fn joined(subtrees: &[Subtree]) -> (Vec<Span>, Vec<Place>) {
    let mut spans: Vec<Span> = Vec::new();
    let mut places = Vec::with_capacity(subtrees.len());
    for subtree in subtrees {
        let wanted = subtree.below(STORED_STEP);
        let neighbour = spans
            .last_mut()
            .filter(|last| last.level == wanted.level && last.range.end == wanted.range.start);
        let start = neighbour.as_ref().map_or(0, |last| last.len());
        let hashes = start..start + wanted.len();
        match neighbour {
            Some(last) => last.range.end = wanted.range.end,
            None => spans.push(wanted),
        }
        let span = spans.len() - 1;
        places.push(Place { span, hashes });
    }
    (spans, places)
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
    #[error("the hashes of level {level} at {index} are not all that the tree needs")]
    Missing {
        /// The stored level.
        level: u8,
        /// The first subtree of those that were asked for.
        index: u64,
    },
    /// The storage failed.
    #[error("stored hashes could not be read")]
    Reader(#[source] E),
}
