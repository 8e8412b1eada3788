//! How the bytes of an upload are cut into chunks.

/// 1 MiB.
const MIB: u64 = 1 << 20;
/// The smallest chunk size that a server may be set to.
pub const SMALLEST_CHUNK: u64 = MIB;
/// The largest chunk.
pub const LARGEST_CHUNK: u64 = 64 * MIB;
/// The chunk size unless a server is set to another or the artifact is too large for it.
pub const DEFAULT_CHUNK: u64 = 8 * MIB;
/// The most chunks of one upload: what S3-compatible stores take as parts of one object.
pub const MOST_CHUNKS: u32 = 10_000;
/// The largest artifact: the most chunks of the largest size, 625 GiB.
pub const LARGEST_ARTIFACT: u64 = 10_000 * LARGEST_CHUNK;

/// Where a chunk lies in the artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its zero-based index.
    pub index: u32,
    /// The bytes before it.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
}

impl Span {
    /// Where the chunk behind it begins.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

/// The chunks of one size that an artifact is cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkPlan {
    total: u64,
    chunk: u64,
}

impl ChunkPlan {
    /// The plan of an artifact of `total` bytes in chunks of `chunk` bytes, at least one.
    #[must_use]
    pub fn new(total: u64, chunk: u64) -> Self {
        Self {
            total,
            chunk: chunk.max(1),
        }
    }

    /// How many chunks there are; none of an empty artifact.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.total.div_ceil(self.chunk)).unwrap_or(u32::MAX)
    }

    /// Where a chunk lies; `None` when there is no such chunk.
    #[must_use]
    pub fn span(&self, index: u32) -> Option<Span> {
        let offset = u64::from(index).checked_mul(self.chunk)?;
        let left = self.total.checked_sub(offset).filter(|left| *left > 0)?;
        Some(Span {
            index,
            offset,
            size: left.min(self.chunk),
        })
    }
}

/// The chunk size of an artifact: the preferred one, or the least whole number of MiB with which
/// [`MOST_CHUNKS`] reach. The total is at most [`LARGEST_ARTIFACT`].
#[must_use]
pub fn chunk_size_for(total: u64, preferred: u64) -> u64 {
    let least = total.div_ceil(u64::from(MOST_CHUNKS));
    if least <= preferred {
        return preferred;
    }
    (least.div_ceil(MIB) * MIB).min(LARGEST_CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_artifact_still_fits() {
        let chunk = chunk_size_for(LARGEST_ARTIFACT, DEFAULT_CHUNK);
        assert_eq!(chunk, LARGEST_CHUNK);
        assert_eq!(ChunkPlan::new(LARGEST_ARTIFACT, chunk).count(), MOST_CHUNKS);
        assert_eq!(chunk_size_for(20 << 30, DEFAULT_CHUNK), DEFAULT_CHUNK);
        assert_eq!(ChunkPlan::new(0, DEFAULT_CHUNK).count(), 0);
    }

    proptest! {
        #[test]
        fn chunks_cover_the_artifact_without_gap_or_overlap(total in 0..5000_u64, chunk in 1..97_u64) {
            let plan = ChunkPlan::new(total, chunk);
            let mut end = 0;
            for index in 0..plan.count() {
                let span = plan.span(index).unwrap();
                prop_assert_eq!(span.offset, end);
                prop_assert!(span.size > 0 && span.size <= chunk);
                prop_assert!(span.size == chunk || index + 1 == plan.count());
                end = span.end();
            }
            prop_assert_eq!(end, total);
            prop_assert_eq!(plan.span(plan.count()), None);
            prop_assert_eq!(plan.span(u32::MAX), None);
        }

        #[test]
        fn any_artifact_fits_the_most_chunks(total in 0..=LARGEST_ARTIFACT) {
            let chunk = chunk_size_for(total, DEFAULT_CHUNK);
            prop_assert!((DEFAULT_CHUNK..=LARGEST_CHUNK).contains(&chunk));
            prop_assert!(ChunkPlan::new(total, chunk).count() <= MOST_CHUNKS);
        }
    }
}
