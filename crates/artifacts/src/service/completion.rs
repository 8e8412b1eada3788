//! Making an artifact of an upload.

use std::borrow::Cow;

use probity_kernel::{
    ArtifactId, Change, Context, IdSource, ProductId, RepositoryError, UploadSessionId, Version,
};

use super::{ATTEMPTS, ArtifactService};
use crate::artifact::Artifact;
use crate::blob::{BlobError, BlobKey, BlobReader as _, BlobStore, HoldOn, UploadPlace};
use crate::digest::{Sha256Digest, StreamingSha256};
use crate::error::ArtifactError;
use crate::event::{ArtifactEvent, UploadEnd};
use crate::refusal::UploadRefusal;
use crate::repository::{ArtifactChange, ArtifactRepository, ArtifactWrite};
use crate::session::{Chunk, UploadSession};
use crate::vocabulary::{ArtifactStatus, UploadStatus};

/// What completes an upload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Completion {
    /// The digest that the bytes have to have.
    pub sha256: Option<Sha256Digest>,
    /// Whether the artifact becomes the current one; what the initiation said when absent.
    pub is_current: Option<bool>,
}

impl<R: ArtifactRepository, B: BlobStore, I: IdSource> ArtifactService<R, B, I> {
    /// Makes an artifact of an upload whose chunks are all there. Completing it again answers the
    /// same artifact; so does each of several completions at once. Can be repeated after any
    /// failure that is not a refusal. Once begun, this has to run to its end.
    ///
    /// # Errors
    /// [`ArtifactError::ChunksMissing`], which leaves the session as it is;
    /// [`ArtifactError::DigestMismatch`], after which the session has failed;
    /// [`ArtifactError::CompletedOtherwise`], which leaves a completed one as it is; the `UploadRefusal`
    /// of a session that failed or expired before; what the stores say.
    pub async fn complete(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
        asked: Completion,
    ) -> Result<Artifact, ArtifactError> {
        let _alone = self.blobs().hold(HoldOn::Upload(id)).await;
        let mut made = None;
        for _ in 0..ATTEMPTS {
            let session = self.find(ctx.organization, product, id).await?;
            if session.status == UploadStatus::Completed {
                let artifact = self.completed(&session, asked).await?;
                self.drop_unused(made.as_ref(), &artifact).await;
                return Ok(artifact);
            }
            session.check_unfinished(ctx.now)?;
            let missing = session.missing();
            if !missing.is_empty() {
                return Err(ArtifactError::ChunksMissing(missing));
            }
            if session
                .expected_sha256
                .zip(asked.sha256)
                .is_some_and(|(a, b)| a != b)
            {
                return Err(self.fail(ctx, &session, UploadEnd::DigestsDiffer).await);
            }
            match self.attempt(ctx, &session, asked, &mut made).await {
                // Another node was faster: its artifact is the answer.
                Err(
                    ArtifactError::Upload(UploadRefusal::Completed)
                    | ArtifactError::Repository(RepositoryError::Stale),
                ) => {}
                // So it may have been when the chunks are cleared away already.
                Err(ArtifactError::Blob(BlobError::NotFound))
                    if self.is_completed(&session).await? => {}
                outcome => {
                    if let Ok(artifact) = &outcome {
                        self.drop_unused(made.as_ref(), artifact).await;
                    }
                    return outcome;
                }
            }
        }
        Err(RepositoryError::Stale.into())
    }

    async fn is_completed(&self, session: &UploadSession) -> Result<bool, ArtifactError> {
        let now = self.find(session.organization, session.product, session.id);
        Ok(now.await?.status == UploadStatus::Completed)
    }

    /// Removes the blob that an upload was made to when its artifact has the bytes from another.
    /// The upload is over: nobody can come to need it.
    async fn drop_unused(&self, made: Option<&BlobKey>, artifact: &Artifact) {
        if let Some(made) = made.filter(|made| made.key != artifact.blob) {
            // What stays behind is swept.
            let _ = self.blobs().remove(made).await;
        }
    }

    /// The artifact of a session that is completed. Another digest than its own is a mistake of the
    /// caller's, and changes nothing.
    async fn completed(
        &self,
        session: &UploadSession,
        asked: Completion,
    ) -> Result<Artifact, ArtifactError> {
        let id = session.artifact.ok_or(ArtifactError::NotFound)?;
        let artifact = self
            .artifact(session.organization, session.product, id)
            .await?;
        if asked.sha256.is_some_and(|digest| digest != artifact.sha256) {
            return Err(ArtifactError::CompletedOtherwise);
        }
        Ok(artifact)
    }

    async fn attempt(
        &self,
        ctx: &Context,
        known: &UploadSession,
        asked: Completion,
        made: &mut Option<BlobKey>,
    ) -> Result<Artifact, ArtifactError> {
        let sealed = self.repository().seal(ctx, known.product, known.id).await;
        let session = sealed.map_err(ArtifactError::of)?;
        let expected = asked.sha256.or(session.expected_sha256);
        let fits = |found: Sha256Digest| expected.is_none_or(|expected| expected == found);
        let digest = match self.digest_of_chunks(&session).await? {
            Some(digest) => digest,
            None => self.digest_of_made(&session, made).await?,
        };
        if !fits(digest) {
            if let Some(made) = made.take() {
                self.blobs().remove(&made).await?;
            }
            return Err(self.fail(ctx, &session, UploadEnd::DigestMismatch).await);
        }
        // Where blobs go by their digest, nobody may clear this one away before it is counted.
        let _alone = self.hold_digest(&session, digest).await;
        let shared = self.blob_with(&session, digest).await?;
        let blob = match shared.clone() {
            Some(shared) if self.is_whole(&shared, &session).await? => shared,
            Some(_) | None => self.made_of(&session, digest, made).await?,
        };
        let artifact = self.artifact_of(ctx, &session, &blob, digest, asked);
        let change = completed(ctx, &session, artifact, shared.map(|shared| shared.key));
        let committed = self.repository().commit(change).await;
        match committed.map_err(ArtifactError::of)? {
            ArtifactWrite::Complete { artifact, .. } => Ok(*artifact),
            ArtifactWrite::Open { .. }
            | ArtifactWrite::End { .. }
            | ArtifactWrite::Sign { .. }
            | ArtifactWrite::Update { .. } => Err(RepositoryError::IdempotencyMismatch.into()),
        }
    }

    async fn hold_digest(&self, session: &UploadSession, digest: Sha256Digest) -> B::Hold {
        let shared = BlobKey {
            organization: session.organization,
            key: digest.to_string(),
        };
        self.blobs().hold(HoldOn::Blob(shared)).await
    }

    /// Where the organisation has these bytes already.
    async fn blob_with(
        &self,
        session: &UploadSession,
        digest: Sha256Digest,
    ) -> Result<Option<BlobKey>, ArtifactError> {
        let (organization, backend) = (session.organization, self.blobs().backend());
        let known = self.repository().blob_with(organization, backend, digest);
        Ok(known.await?.map(|key| BlobKey { organization, key }))
    }

    async fn is_whole(
        &self,
        blob: &BlobKey,
        session: &UploadSession,
    ) -> Result<bool, ArtifactError> {
        Ok(self.blobs().size(blob).await? == Some(session.total_size))
    }

    /// The blob of the upload's own chunks, made once however often the commit is tried.
    async fn made_of(
        &self,
        session: &UploadSession,
        digest: Sha256Digest,
        made: &mut Option<BlobKey>,
    ) -> Result<BlobKey, ArtifactError> {
        if let Some(made) = made {
            return Ok(made.clone());
        }
        let blob = self.assemble(session, Some(digest)).await?;
        Ok(made.insert(blob).clone())
    }

    pub(super) async fn assemble(
        &self,
        session: &UploadSession,
        digest: Option<Sha256Digest>,
    ) -> Result<BlobKey, BlobError> {
        let chunks: Vec<Chunk> = session.chunks.values().cloned().collect();
        let place = UploadPlace::from(session);
        self.blobs().assemble(&place, &chunks, digest).await
    }

    /// The digest where chunks cannot be read before they are a blob.
    async fn digest_of_made(
        &self,
        session: &UploadSession,
        made: &mut Option<BlobKey>,
    ) -> Result<Sha256Digest, ArtifactError> {
        let blob = match made {
            Some(made) => made,
            None => made.insert(self.assemble(session, None).await?),
        };
        Ok(self.digest_of_blob(blob, session.total_size).await?)
    }

    /// The digest of all chunks: computed as they arrived, or over what was not, read back; `None`
    /// where it has to be read from the blob.
    ///
    /// It is kept with the session before the chunks become a blob: a completion that ends there
    /// finds no chunks any more when it is repeated.
    pub(super) async fn digest_of_chunks(
        &self,
        sealed: &UploadSession,
    ) -> Result<Option<Sha256Digest>, ArtifactError> {
        let (organization, id) = (sealed.organization, sealed.id);
        let mut session = Cow::Borrowed(sealed);
        while !session.is_hashed() {
            if !self.blobs().reads_chunks() {
                return Ok(None);
            }
            let Some(advance) = self.hash_on(&session, u64::MAX).await? else {
                return Ok(None);
            };
            // Where it is of no use, somebody else has brought the digest further meanwhile.
            let repository = self.repository();
            repository.advance_hash(organization, id, advance).await?;
            session = Cow::Owned(self.find(organization, sealed.product, id).await?);
        }
        let resumed = session.hash.resume().ok();
        Ok(resumed.map(StreamingSha256::finish))
    }

    pub(super) async fn digest_of_blob(
        &self,
        blob: &BlobKey,
        size: u64,
    ) -> Result<Sha256Digest, BlobError> {
        let mut reader = self.blobs().read(blob, 0..size).await?;
        let mut hash = StreamingSha256::new();
        while let Some(piece) = reader.next().await? {
            hash.update(&piece);
        }
        Ok(hash.finish())
    }

    /// Ends a session whose bytes are not those that were expected.
    async fn fail(&self, ctx: &Context, session: &UploadSession, end: UploadEnd) -> ArtifactError {
        match self.end(ctx, session, end).await {
            Ok(()) => {
                // What stays behind is swept.
                let _ = self.blobs().discard(&UploadPlace::from(session)).await;
                ArtifactError::DigestMismatch
            }
            Err(error) => error,
        }
    }

    fn artifact_of(
        &self,
        ctx: &Context,
        session: &UploadSession,
        blob: &BlobKey,
        sha256: Sha256Digest,
        asked: Completion,
    ) -> Artifact {
        let mut facts = session.facts.clone();
        facts.is_current = asked.is_current.unwrap_or(facts.is_current);
        Artifact {
            id: ArtifactId::new(self.inner.ids.next_id(ctx.now)),
            organization: session.organization,
            product: session.product,
            space: session.space,
            upload: session.id,
            facts,
            size: session.total_size,
            sha256,
            backend: self.blobs().backend().to_owned(),
            blob: blob.key.clone(),
            storage_uri: self.blobs().uri(blob),
            status: ArtifactStatus::Available,
            uploaded_by: session.uploaded_by.clone(),
            uploaded_at: ctx.now,
            created_at: ctx.now,
            updated_at: ctx.now,
            verified_at: ctx.now,
            signature: None,
            version: Version::FIRST,
        }
    }
}

/// The end of a session that became an artifact.
fn completed(
    ctx: &Context,
    session: &UploadSession,
    artifact: Artifact,
    shared: Option<String>,
) -> ArtifactChange {
    let mut next = session.clone();
    next.status = UploadStatus::Completed;
    next.artifact = Some(artifact.id);
    next.completed_at = Some(ctx.now);
    next.updated_at = ctx.now;
    next.version = session.version.next();
    let event = ArtifactEvent::Available {
        artifact: Box::new(artifact.clone()),
        upload: session.status,
        replaced: Vec::new(),
    };
    let write = ArtifactWrite::Complete {
        session: Box::new(next),
        expected: session.version,
        artifact: Box::new(artifact),
        shared,
    };
    Change::new(ctx, write, event)
}
