//! Chunks on their way in.

use bytes::Bytes;
use probity_kernel::{Context, IdSource, ProductId, RepositoryError, UploadSessionId};

use super::{ATTEMPTS, ArtifactService, known};
use crate::blob::{BlobReader as _, BlobStore, ChunkSink as _, ChunkWrite, Landed, UploadPlace};
use crate::digest::{Sha256Digest, StreamingSha256, Tally};
use crate::error::ArtifactError;
use crate::plan::{LARGEST_CHUNK, Span};
use crate::refusal::UploadRefusal;
use crate::repository::ArtifactRepository;
use crate::session::{Accepted, HashAdvance, Receipt, UploadSession};
use crate::vocabulary::Layout;

/// How many bytes are hashed before the computation is put aside, when it catches up.
const STRIDE: u64 = 16 << 20;

/// A chunk whose bytes are coming in. Dropped before [`finish`](Self::finish), nothing of it stays.
pub struct ChunkUpload<R, B: BlobStore, I> {
    service: ArtifactService<R, B, I>,
    sink: B::Sink,
    place: UploadPlace,
    product: ProductId,
    span: Span,
    layout: Layout,
    written: u64,
    digest: Option<Sha256Digest>,
    /// How far the digest had come and the count of replacements, when this chunk goes on with it.
    hashing: Option<(u32, u32)>,
}

impl<R: ArtifactRepository, B: BlobStore, I: IdSource> ArtifactService<R, B, I> {
    /// Begins a chunk.
    ///
    /// `declared` is the size that the sender announced, `digest` the digest that its bytes have to
    /// have.
    ///
    /// # Errors
    /// `UploadRefusal` of the session, [`ArtifactError::WrongSize`] and [`ArtifactError::TooLong`]
    /// when the announced size is not the chunk's, what the blob store says.
    pub async fn open_chunk(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
        index: u32,
        declared: Option<u64>,
        digest: Option<Sha256Digest>,
    ) -> Result<ChunkUpload<R, B, I>, ArtifactError> {
        let repository = self.repository();
        let found = repository.find_upload_at(ctx.organization, product, id, index);
        let session = known(found.await?)?;
        session.check_open(ctx.now)?;
        if session.layout == Layout::Appended {
            return Err(UploadRefusal::NoSuchChunk.into());
        }
        let span = session.span(index)?;
        let expected = span.size;
        match declared {
            Some(size) if size > expected => return Err(ArtifactError::TooLong { expected }),
            Some(size) if size < expected => return Err(ArtifactError::WrongSize { expected }),
            Some(_) | None => {}
        }
        self.begin(session, span, digest).await
    }

    /// Begins a piece behind the bytes that are there; `most` and [`LARGEST_CHUNK`] bound its size.
    ///
    /// # Errors
    /// As [`Self::open_chunk`]; [`UploadRefusal::OffsetMoved`] when `offset` is not where the bytes
    /// end.
    pub async fn open_piece(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
        offset: u64,
        most: u64,
        digest: Option<Sha256Digest>,
    ) -> Result<ChunkUpload<R, B, I>, ArtifactError> {
        let session = self.find(ctx.organization, product, id).await?;
        session.check_open(ctx.now)?;
        if session.layout == Layout::Fixed {
            return Err(UploadRefusal::Gone.into());
        }
        let span = session.next_span(offset, most.min(LARGEST_CHUNK))?;
        self.begin(session, span, digest).await
    }

    async fn begin(
        &self,
        mut session: UploadSession,
        span: Span,
        digest: Option<Sha256Digest>,
    ) -> Result<ChunkUpload<R, B, I>, ArtifactError> {
        let blobs = self.blobs();
        let place = UploadPlace::from(&session);
        for _ in 0..ATTEMPTS {
            let counted = location(&session, span);
            let hashing = (session.hash.chunks == span.index)
                .then_some((session.hash.chunks, session.hash.replacements));
            let running = hashing.and_then(|_| session.hash.resume().ok());
            let write = ChunkWrite {
                span,
                known: counted.clone(),
                is_last: span.end() >= session.total_size,
                tally: Tally {
                    running,
                    chunk: digest.map(|_| StreamingSha256::new()),
                },
            };
            let sink = blobs.write_chunk(&place, write).await?;
            // Who was faster may have counted a chunk in this place between the look and the sink.
            if counted.is_none() {
                let (organization, product) = (session.organization, session.product);
                let repository = self.repository();
                let found =
                    repository.find_upload_at(organization, product, session.id, span.index);
                session = known(found.await?)?;
            }
            if location(&session, span) == counted {
                return Ok(ChunkUpload {
                    service: self.clone(),
                    sink,
                    place,
                    product: session.product,
                    span,
                    layout: session.layout,
                    written: 0,
                    digest,
                    hashing,
                });
            }
            if session.layout == Layout::Appended {
                return Err(UploadRefusal::OffsetMoved.into());
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Brings the digest of an open upload up to the chunks that have arrived without a gap, where
    /// chunks can be read. Answers how many chunks were hashed. Several at once do no harm.
    ///
    /// # Errors
    /// What the repository and the blob store say.
    pub async fn catch_up(
        &self,
        organization: probity_kernel::OrganizationId,
        product: ProductId,
        id: UploadSessionId,
    ) -> Result<u32, ArtifactError> {
        let mut hashed = 0;
        if !self.blobs().reads_chunks() {
            return Ok(hashed);
        }
        loop {
            let session = self.find(organization, product, id).await?;
            // Once it is sealed, its completion goes on by itself.
            let over = session.sealed || !session.status.is_open();
            if over || session.hash.chunks >= session.contiguous() {
                return Ok(hashed);
            }
            let Some(advance) = self.hash_on(&session, STRIDE).await? else {
                return Ok(hashed);
            };
            hashed += advance.to - advance.from;
            self.repository()
                .advance_hash(organization, id, advance)
                .await?;
        }
    }

    /// Goes on with the digest over chunks that were read back, until at least `stride` bytes are
    /// hashed or no chunk follows; `None` when the kept computation is of no use.
    pub(super) async fn hash_on(
        &self,
        session: &UploadSession,
        stride: u64,
    ) -> Result<Option<HashAdvance>, ArtifactError> {
        let from = session.hash.chunks;
        let place = UploadPlace::from(session);
        let Ok(mut hash) = session.hash.resume() else {
            return Ok(None);
        };
        let (mut to, mut bytes) = (from, 0_u64);
        while let Some(chunk) = session.chunks.get(&to) {
            let mut reader = self.blobs().read_chunk(&place, chunk).await?;
            while let Some(piece) = reader.next().await? {
                hash.update(&piece);
            }
            to += 1;
            bytes = bytes.saturating_add(chunk.span.size);
            if bytes >= stride {
                break;
            }
        }
        Ok(Some(HashAdvance {
            from,
            replacements: session.hash.replacements,
            to,
            state: hash.to_bytes(),
        }))
    }
}

fn location(session: &UploadSession, span: Span) -> Option<String> {
    let chunk = session.chunks.get(&span.index);
    chunk.map(|chunk| chunk.location.clone())
}

impl<R: ArtifactRepository, B: BlobStore, I: IdSource> ChunkUpload<R, B, I> {
    /// How many bytes are still to come.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.span.size.saturating_sub(self.written)
    }

    /// How many bytes have come.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`ArtifactError::TooLong`] when they are more than the chunk has; what the blob store says.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), ArtifactError> {
        let size = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let written = self.written.saturating_add(size);
        if written > self.span.size {
            let expected = self.span.size;
            return Err(ArtifactError::TooLong { expected });
        }
        self.written = written;
        Ok(self.sink.write(piece).await?)
    }

    /// Makes the chunk durable and counts it; answers the session as it is then. Once begun, this
    /// has to run to its end: it is not to be dropped when a client goes away.
    ///
    /// # Errors
    /// [`ArtifactError::WrongSize`] when bytes are missing, [`ArtifactError::ChunkDigest`], the
    /// `UploadRefusal` of the session as it is now, what the stores say.
    pub async fn finish(mut self, ctx: &Context) -> Result<UploadSession, ArtifactError> {
        self.check_size()?;
        let Landed {
            location,
            same_as,
            tally,
        } = self.sink.finish().await?;
        let blobs = self.service.blobs();
        let found = tally.chunk.map(StreamingSha256::finish);
        if self.digest.is_some() && found != self.digest {
            blobs.release(&self.place, &location).await;
            return Err(ArtifactError::ChunkDigest);
        }
        let hash = self.hashing.zip(tally.running);
        let hash = hash.map(|((from, replacements), running)| HashAdvance {
            from,
            replacements,
            to: from + 1,
            state: running.to_bytes(),
        });
        let receipt = Receipt {
            span: self.span,
            location: location.clone(),
            same_as,
            hash,
        };
        let id = self.place.upload;
        let repository = self.service.repository();
        let counted = repository
            .record_chunk(ctx, self.product, id, receipt)
            .await;
        match counted {
            Ok((session, accepted)) => {
                match accepted {
                    Accepted::Stored => {}
                    Accepted::Replaced(old) if old.location == location => {}
                    Accepted::Replaced(old) => blobs.release(&self.place, &old.location).await,
                    Accepted::Unchanged => blobs.release(&self.place, &location).await,
                }
                Ok(session)
            }
            Err(error) => {
                // Only a refusal is sure to have counted nothing; what was lost on the way may
                // have, and goes with the session if not.
                if matches!(error, RepositoryError::Conflict(_)) {
                    blobs.release(&self.place, &location).await;
                }
                Err(ArtifactError::of(error))
            }
        }
    }

    /// A piece that is appended may be shorter than what it was begun for.
    fn check_size(&mut self) -> Result<(), ArtifactError> {
        if self.written == self.span.size {
            return Ok(());
        }
        if self.layout == Layout::Fixed {
            let expected = self.span.size;
            return Err(ArtifactError::WrongSize { expected });
        }
        if self.written == 0 {
            return Err(ArtifactError::Cut);
        }
        self.span.size = self.written;
        Ok(())
    }
}
