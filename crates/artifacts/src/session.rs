//! Upload sessions: which chunks have arrived, where they lie, and how far the digest has come.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use probity_kernel::{ArtifactId, OrganizationId, ProductId, SpaceId, UploadSessionId, Version};
use time::{Duration, OffsetDateTime};

use crate::digest::{DamagedState, Sha256Digest, StreamingSha256};
use crate::new_upload::ArtifactFacts;
use crate::plan::{ChunkPlan, MOST_CHUNKS, Span};
use crate::refusal::UploadRefusal;
use crate::vocabulary::{Layout, UploadStatus};

/// How long a session lives after it was last touched.
pub const LIFETIME: Duration = Duration::hours(24);

/// A chunk that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it lies in the artifact.
    pub span: Span,
    /// Where the blob store keeps it, in the store's own words.
    pub location: String,
}

/// How far the digest of the artifact has come: over the first `chunks` chunks, gapless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashProgress {
    /// How many chunks are in it.
    pub chunks: u32,
    /// The computation, put aside ([`StreamingSha256::to_bytes`]).
    pub state: Vec<u8>,
    /// How often a chunk was replaced by other bytes: a computation over bytes of an earlier count
    /// is not to be kept.
    pub replacements: u32,
}

impl HashProgress {
    /// Nothing is hashed yet.
    #[must_use]
    pub fn start() -> Self {
        Self {
            chunks: 0,
            state: StreamingSha256::new().to_bytes(),
            replacements: 0,
        }
    }

    /// The computation, to go on with.
    ///
    /// # Errors
    /// [`DamagedState`] when the store kept something else.
    pub fn resume(&self) -> Result<StreamingSha256, DamagedState> {
        StreamingSha256::from_bytes(&self.state)
    }
}

/// A computation of the digest that has come further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashAdvance {
    /// How many chunks were in it when it was taken up.
    pub from: u32,
    /// The count of replacements then.
    pub replacements: u32,
    /// How many chunks are in it now.
    pub to: u32,
    /// The computation, put aside.
    pub state: Vec<u8>,
}

/// A chunk whose bytes are durable, to be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Where it lies in the artifact.
    pub span: Span,
    /// Where the blob store keeps it.
    pub location: String,
    /// The location whose bytes are the same, if the store compared them: that chunk may stay.
    pub same_as: Option<String>,
    /// The digest as far as the end of this chunk, if it was computed meanwhile.
    pub hash: Option<HashAdvance>,
}

/// What became of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The first chunk in its place.
    Stored,
    /// It took the place of this one, whose bytes nobody needs any more.
    Replaced(Chunk),
    /// The chunk that is there has the same bytes: those of the receipt are not needed.
    Unchanged,
}

/// An upload session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadSession {
    /// Its id.
    pub id: UploadSessionId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The product that the artifact is for.
    pub product: ProductId,
    /// The space of the product: its quota holds the bytes.
    pub space: SpaceId,
    /// What is said about the artifact.
    pub facts: ArtifactFacts,
    /// How many bytes the artifact has.
    pub total_size: u64,
    /// How many bytes a chunk has.
    pub chunk_size: u64,
    /// How chunks are cut.
    pub layout: Layout,
    /// The digest that the bytes have to have, when it was told.
    pub expected_sha256: Option<Sha256Digest>,
    /// Where it stands.
    pub status: UploadStatus,
    /// Whether completion has begun: no chunk is taken any more.
    pub sealed: bool,
    /// The chunks that have arrived, by index.
    pub chunks: BTreeMap<u32, Chunk>,
    /// How far the digest has come.
    pub hash: HashProgress,
    /// What the blob store calls the upload, if it gave it a name of its own.
    pub staging: Option<String>,
    /// The artifact that it became.
    pub artifact: Option<ArtifactId>,
    /// Who opened it, as a reference (`user:...`, `api_key:...`).
    pub uploaded_by: String,
    /// When it was opened.
    pub created_at: OffsetDateTime,
    /// When it was last touched.
    pub updated_at: OffsetDateTime,
    /// When it expires unless it is touched.
    pub expires_at: OffsetDateTime,
    /// When it was completed.
    pub completed_at: Option<OffsetDateTime>,
    /// Its row version: moves when its status does, not with chunks.
    pub version: Version,
}

impl UploadSession {
    /// The plan of a session whose chunks are of one size.
    #[must_use]
    pub fn plan(&self) -> ChunkPlan {
        ChunkPlan::new(self.total_size, self.chunk_size)
    }

    /// How many bytes have arrived.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.chunks.values().map(|chunk| chunk.span.size).sum()
    }

    /// Goes on only while chunks are taken.
    ///
    /// # Errors
    /// Why they are not: [`UploadRefusal::Completed`], `Failed`, `Expired`, `Sealed`, `Gone`.
    pub fn check_open(&self, now: OffsetDateTime) -> Result<(), UploadRefusal> {
        self.check_unfinished(now)?;
        if self.sealed {
            return Err(UploadRefusal::Sealed);
        }
        Ok(())
    }

    /// Goes on only while it can still become an artifact.
    ///
    /// # Errors
    /// As [`Self::check_open`], but for `Sealed`.
    pub fn check_unfinished(&self, now: OffsetDateTime) -> Result<(), UploadRefusal> {
        match self.status {
            UploadStatus::Completed => Err(UploadRefusal::Completed),
            UploadStatus::Failed => Err(UploadRefusal::Failed),
            UploadStatus::Expired => Err(UploadRefusal::Expired),
            UploadStatus::Aborted => Err(UploadRefusal::Gone),
            UploadStatus::Initialized | UploadStatus::Uploading if self.expires_at <= now => {
                Err(UploadRefusal::Expired)
            }
            UploadStatus::Initialized | UploadStatus::Uploading => Ok(()),
        }
    }

    /// The place of a chunk.
    ///
    /// # Errors
    /// [`UploadRefusal::NoSuchChunk`] when the artifact has no such chunk.
    pub fn span(&self, index: u32) -> Result<Span, UploadRefusal> {
        let span = match self.layout {
            Layout::Fixed => self.plan().span(index),
            Layout::Appended => self.chunks.get(&index).map(|chunk| chunk.span),
        };
        span.ok_or(UploadRefusal::NoSuchChunk)
    }

    /// The place of the next piece of up to `most` bytes, for pieces that are appended.
    ///
    /// # Errors
    /// [`UploadRefusal::OffsetMoved`] when `offset` is not where the bytes end or nothing is
    /// missing, [`UploadRefusal::TooManyChunks`].
    pub fn next_span(&self, offset: u64, most: u64) -> Result<Span, UploadRefusal> {
        let index = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
        let left = self.total_size.saturating_sub(offset);
        if offset != self.received_bytes() || left == 0 {
            return Err(UploadRefusal::OffsetMoved);
        }
        if index >= MOST_CHUNKS {
            return Err(UploadRefusal::TooManyChunks);
        }
        Ok(Span {
            index,
            offset,
            size: left.min(most).max(1),
        })
    }

    /// The indexes of the chunks that are missing, as ranges in ascending order. Pieces that are
    /// appended have no indexes before they arrive: what is missing of them is one range from the
    /// next index on.
    #[must_use]
    pub fn missing(&self) -> Vec<RangeInclusive<u32>> {
        if self.layout == Layout::Appended {
            let next = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
            let whole = self.received_bytes() >= self.total_size;
            return if whole { Vec::new() } else { vec![next..=next] };
        }
        let mut missing = Vec::new();
        let mut next = 0;
        for index in self.chunks.keys().copied() {
            if index > next {
                missing.push(next..=index - 1);
            }
            next = index.saturating_add(1);
        }
        if let Some(last) = self
            .plan()
            .count()
            .checked_sub(1)
            .filter(|last| next <= *last)
        {
            missing.push(next..=last);
        }
        missing
    }

    /// How many chunks from the first on have arrived without a gap.
    #[must_use]
    pub fn contiguous(&self) -> u32 {
        let in_order = self
            .chunks
            .keys()
            .zip(0..)
            .take_while(|(index, place)| *index == place);
        u32::try_from(in_order.count()).unwrap_or(u32::MAX)
    }

    /// Whether the digest covers every byte.
    #[must_use]
    pub fn is_hashed(&self) -> bool {
        let all = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
        self.missing().is_empty() && self.hash.chunks == all
    }

    /// Counts a chunk whose bytes are durable. A repository calls this inside its transaction, on
    /// the session as it is there.
    ///
    /// # Errors
    /// Why the chunk is not taken; the session is then as it was.
    pub fn accept(
        &mut self,
        now: OffsetDateTime,
        receipt: Receipt,
    ) -> Result<Accepted, UploadRefusal> {
        self.check_open(now)?;
        self.check_place(receipt.span)?;
        let index = receipt.span.index;
        let known = self.chunks.get(&index);
        if known.is_some_and(|known| receipt.same_as.as_ref() == Some(&known.location)) {
            self.touch(now);
            return Ok(Accepted::Unchanged);
        }
        let advances = receipt.hash.filter(|hash| self.advances(hash));
        let chunk = Chunk {
            span: receipt.span,
            location: receipt.location,
        };
        let replaced = self.chunks.insert(index, chunk);
        if replaced.is_some() {
            let replacements = self.hash.replacements.saturating_add(1);
            if index < self.hash.chunks {
                self.hash = HashProgress::start();
            }
            self.hash.replacements = replacements;
        }
        if let Some(hash) = advances {
            self.hash.chunks = hash.to;
            self.hash.state = hash.state;
        }
        self.status = UploadStatus::Uploading;
        self.touch(now);
        Ok(replaced.map_or(Accepted::Stored, Accepted::Replaced))
    }

    /// Takes over a computation of the digest that has come further; answers whether it was still
    /// of use. A repository calls this inside its transaction.
    pub fn advance(&mut self, hash: &HashAdvance) -> bool {
        let useful = self.advances(hash) && hash.to <= self.contiguous();
        if useful {
            self.hash.chunks = hash.to;
            self.hash.state.clone_from(&hash.state);
        }
        useful
    }

    /// Begins completion: from here on no chunk is taken. A repository calls this inside its
    /// transaction; a session that is sealed stays so, and its time does not begin anew.
    ///
    /// # Errors
    /// [`UploadRefusal::ChunksMissing`], and those of [`Self::check_unfinished`].
    pub fn seal(&mut self, now: OffsetDateTime) -> Result<(), UploadRefusal> {
        self.check_unfinished(now)?;
        if !self.missing().is_empty() {
            return Err(UploadRefusal::ChunksMissing);
        }
        if !self.sealed {
            self.sealed = true;
            self.touch(now);
        }
        Ok(())
    }

    fn advances(&self, hash: &HashAdvance) -> bool {
        hash.from == self.hash.chunks
            && hash.replacements == self.hash.replacements
            && hash.to > hash.from
    }

    fn check_place(&self, span: Span) -> Result<(), UploadRefusal> {
        let fits = match self.layout {
            Layout::Fixed => self.plan().span(span.index) == Some(span),
            Layout::Appended => {
                let next = self.next_span(span.offset, span.size)?;
                next == span
            }
        };
        if fits {
            Ok(())
        } else {
            Err(UploadRefusal::OffsetMoved)
        }
    }

    fn touch(&mut self, now: OffsetDateTime) {
        self.updated_at = self.updated_at.max(now);
        self.expires_at = self.expires_at.max(now.saturating_add(LIFETIME));
    }
}

#[cfg(test)]
mod tests;
