//! The commands about artifacts, over any repository and any blob store.

mod completion;
mod transfer;
mod upkeep;

use std::collections::HashMap;
use std::sync::Arc;

use probity_kernel::{
    ArtifactId, Change, Context, IdSource, OrganizationId, Page, PageRequest, ProductId,
    RepositoryError, SpaceId, UploadSessionId, Version,
};
use time::OffsetDateTime;

pub use self::completion::Completion;
pub use self::transfer::ChunkUpload;
pub use self::upkeep::Swept;
use crate::artifact::{Artifact, ArtifactSummary, actor_reference};
use crate::blob::{BlobKey, BlobStore, HoldOn, UploadPlace};
use crate::error::ArtifactError;
use crate::event::{ArtifactEvent, UploadEnd};
use crate::new_upload::NewUpload;
use crate::plan::{DEFAULT_CHUNK, chunk_size_for};
use crate::refusal::UploadRefusal;
use crate::repository::{ArtifactChange, ArtifactRepository, ArtifactWrite};
use crate::session::{HashProgress, LIFETIME, UploadSession};
use crate::signature::{ArtifactSignature, SignatureProof, VerifiedSignature};
use crate::vocabulary::{ArtifactStatus, UploadStatus};

/// How often a decision is made anew when somebody else was faster.
const ATTEMPTS: usize = 8;

/// What a server is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many bytes a chunk has, where the artifact is not too large for it.
    pub chunk_size: u64,
    /// How many bytes each space may hold; `None` is any number.
    pub space_quota: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            chunk_size: DEFAULT_CHUNK,
            space_quota: None,
        }
    }
}

/// The commands about artifacts. Cheap to clone.
#[derive(Debug)]
pub struct ArtifactService<R, B, I> {
    inner: Arc<Inner<R, B, I>>,
}

#[derive(Debug)]
struct Inner<R, B, I> {
    repository: R,
    blobs: B,
    ids: I,
    policy: Policy,
}

impl<R, B, I> Clone for ArtifactService<R, B, I> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<R: ArtifactRepository, B: BlobStore, I: IdSource> ArtifactService<R, B, I> {
    /// The service over a repository and a blob store.
    pub fn new(repository: R, blobs: B, ids: I, policy: Policy) -> Self {
        Self {
            inner: Arc::new(Inner {
                repository,
                blobs,
                ids,
                policy,
            }),
        }
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &R {
        &self.inner.repository
    }

    /// The blob store.
    #[must_use]
    pub fn blobs(&self) -> &B {
        &self.inner.blobs
    }

    /// Opens an upload session for a product in its space.
    ///
    /// # Errors
    /// [`ArtifactError::QuotaExceeded`], [`ArtifactError::ProductArchived`],
    /// [`ArtifactError::Invalid`] when the version or the run is not of the product, what the blob
    /// store says.
    pub async fn initiate(
        &self,
        ctx: &Context,
        product: ProductId,
        space: SpaceId,
        new: NewUpload,
    ) -> Result<UploadSession, ArtifactError> {
        let Inner {
            repository,
            blobs,
            ids,
            policy,
        } = &*self.inner;
        // A repeated request may be what filled the space: its claim is for the repository to judge.
        if ctx.idempotency.is_none() {
            self.check_quota(ctx.organization, space, new.total_size)
                .await?;
        }
        let id = UploadSessionId::new(ids.next_id(ctx.now));
        let preferred = policy.chunk_size.max(blobs.least_chunk());
        let mut session = opened(ctx, id, product, space, new, preferred);
        session.staging = blobs.open(&UploadPlace::from(&session)).await?;
        let asked = session.total_size;
        let place = UploadPlace::from(&session);
        let write = ArtifactWrite::Open {
            session: Box::new(session.clone()),
            quota: policy.space_quota,
        };
        let event = ArtifactEvent::UploadOpened(Box::new(session));
        let outcome = repository.commit(Change::new(ctx, write, event)).await;
        let unused = match &outcome {
            Ok(ArtifactWrite::Open { session, .. }) => session.id != id,
            // An answer that was lost may have been a success.
            Ok(_) | Err(RepositoryError::Unavailable { .. } | RepositoryError::Database(_)) => {
                false
            }
            Err(_) => true,
        };
        if unused {
            let _ = blobs.discard(&place).await;
        }
        match outcome {
            Ok(ArtifactWrite::Open { session, .. }) => Ok(*session),
            Ok(_) => Err(RepositoryError::IdempotencyMismatch.into()),
            Err(RepositoryError::Conflict("quota")) => {
                Err(self.over_quota(ctx.organization, space, asked).await)
            }
            Err(error) => Err(ArtifactError::of(error)),
        }
    }

    async fn check_quota(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        asked: u64,
    ) -> Result<(), ArtifactError> {
        let Some(quota) = self.inner.policy.space_quota else {
            return Ok(());
        };
        let held = self
            .inner
            .repository
            .used_bytes(organization, space)
            .await?;
        if held.saturating_add(asked) > quota {
            return Err(ArtifactError::QuotaExceeded { asked, held, quota });
        }
        Ok(())
    }

    async fn over_quota(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        asked: u64,
    ) -> ArtifactError {
        let held = self.inner.repository.used_bytes(organization, space).await;
        ArtifactError::QuotaExceeded {
            asked,
            held: held.unwrap_or_default(),
            quota: self.inner.policy.space_quota.unwrap_or_default(),
        }
    }

    /// A session as it stands at an instant: one whose time is over shows as expired, swept or not.
    ///
    /// # Errors
    /// `UploadRefusal::Gone` when there is none, or it was aborted.
    pub async fn upload(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: UploadSessionId,
        now: OffsetDateTime,
    ) -> Result<UploadSession, ArtifactError> {
        let mut session = self.find(organization, product, id).await?;
        if session.status.is_open() && session.expires_at <= now {
            session.status = UploadStatus::Expired;
        }
        Ok(session)
    }

    async fn find(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: UploadSessionId,
    ) -> Result<UploadSession, ArtifactError> {
        let found = self.inner.repository.find_upload(organization, product, id);
        known(found.await?)
    }

    /// Gives an upload up: its bytes go, and it does not exist any more.
    ///
    /// # Errors
    /// The `UploadRefusal` of a session that is not open.
    pub async fn abort(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
    ) -> Result<(), ArtifactError> {
        let _alone = self.inner.blobs.hold(HoldOn::Upload(id)).await;
        for _ in 0..ATTEMPTS {
            let session = self.find(ctx.organization, product, id).await?;
            session.check_unfinished(ctx.now)?;
            match self.end(ctx, &session, UploadEnd::Aborted).await {
                Ok(()) => {
                    // What stays behind is swept.
                    let _ = self.inner.blobs.discard(&UploadPlace::from(&session)).await;
                    return Ok(());
                }
                Err(ArtifactError::Repository(RepositoryError::Stale)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Ends a session without an artifact.
    async fn end(
        &self,
        ctx: &Context,
        session: &UploadSession,
        end: UploadEnd,
    ) -> Result<(), ArtifactError> {
        let committed = self.inner.repository.commit(ended(ctx, session, end)).await;
        committed.map(|_| ()).map_err(ArtifactError::of)
    }

    /// A page of the artifacts of a product that are not deleted, newest first.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn list(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<Artifact>, ArtifactError> {
        let listed = self
            .inner
            .repository
            .list_artifacts(organization, product, page);
        Ok(listed.await?)
    }

    /// The artifacts of products in brief.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn summaries(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> Result<HashMap<ProductId, ArtifactSummary>, ArtifactError> {
        let found = self
            .inner
            .repository
            .summarize_artifacts(organization, products);
        Ok(found.await?)
    }

    /// An artifact of a product that is not deleted.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`].
    pub async fn artifact(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ArtifactId,
    ) -> Result<Artifact, ArtifactError> {
        let found = self
            .inner
            .repository
            .find_artifact(organization, product, id)
            .await?;
        let found = found.filter(|it| it.status != ArtifactStatus::Deleted);
        found.ok_or(ArtifactError::NotFound)
    }

    /// Attaches a signature to an artifact, in the place of the one before. Whoever calls has verified
    /// that it holds for the artifact's digest.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`], [`ArtifactError::FileNotFound`] when the bytes are known to be
    /// others.
    pub async fn sign(
        &self,
        ctx: &Context,
        product: ProductId,
        id: ArtifactId,
        verified: VerifiedSignature,
    ) -> Result<Artifact, ArtifactError> {
        for _ in 0..ATTEMPTS {
            let artifact = self.artifact(ctx.organization, product, id).await?;
            let Some(change) = artifact.sign(ctx, verified.clone()) else {
                return Err(ArtifactError::FileNotFound);
            };
            match self.inner.repository.commit(change).await {
                Ok(ArtifactWrite::Sign { next, .. }) => return Ok(*next),
                Ok(_) => return Err(RepositoryError::IdempotencyMismatch.into()),
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(ArtifactError::of(error)),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// The signature of an artifact with what proves it.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`], [`ArtifactError::NotSigned`].
    pub async fn signature(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ArtifactId,
    ) -> Result<(ArtifactSignature, SignatureProof), ArtifactError> {
        let artifact = self.artifact(organization, product, id).await?;
        let proof = self.inner.repository.find_proof(organization, product, id);
        let both = artifact.signature.zip(proof.await?);
        both.ok_or(ArtifactError::NotSigned)
    }

    /// An artifact whose bytes can be had, and their key. Their length is looked at, their digest is
    /// not.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`], [`ArtifactError::FileNotFound`] when the bytes are gone or are
    /// known to be others.
    pub async fn locate(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ArtifactId,
    ) -> Result<(Artifact, BlobKey), ArtifactError> {
        let artifact = self.artifact(organization, product, id).await?;
        let blob = blob_of(&artifact);
        let size = self.inner.blobs.size(&blob).await?;
        if artifact.status != ArtifactStatus::Available || size != Some(artifact.size) {
            return Err(ArtifactError::FileNotFound);
        }
        Ok((artifact, blob))
    }

    /// Deletes an artifact; its bytes are cleared later, unless another artifact has the same.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`].
    pub async fn delete(
        &self,
        ctx: &Context,
        product: ProductId,
        id: ArtifactId,
    ) -> Result<(), ArtifactError> {
        for _ in 0..ATTEMPTS {
            let artifact = self.artifact(ctx.organization, product, id).await?;
            let Some(change) = artifact.delete(ctx) else {
                return Err(ArtifactError::NotFound);
            };
            match self.inner.repository.commit(change).await {
                Ok(_) => return Ok(()),
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(ArtifactError::of(error)),
            }
        }
        Err(RepositoryError::Stale.into())
    }
}

/// A session that is there and was not given up.
fn known(found: Option<UploadSession>) -> Result<UploadSession, ArtifactError> {
    let found = found.filter(|it| it.status != UploadStatus::Aborted);
    found.ok_or(ArtifactError::Upload(UploadRefusal::Gone))
}

/// The key of an artifact's bytes.
fn blob_of(artifact: &Artifact) -> BlobKey {
    BlobKey {
        organization: artifact.organization,
        key: artifact.blob.clone(),
    }
}

/// A session that is just opened.
fn opened(
    ctx: &Context,
    id: UploadSessionId,
    product: ProductId,
    space: SpaceId,
    new: NewUpload,
    preferred: u64,
) -> UploadSession {
    UploadSession {
        id,
        organization: ctx.organization,
        product,
        space,
        facts: new.facts,
        total_size: new.total_size,
        chunk_size: chunk_size_for(new.total_size, preferred),
        layout: new.layout,
        expected_sha256: new.sha256,
        status: UploadStatus::Initialized,
        sealed: false,
        chunks: std::collections::BTreeMap::new(),
        hash: HashProgress::start(),
        staging: None,
        artifact: None,
        uploaded_by: actor_reference(&ctx.actor),
        created_at: ctx.now,
        updated_at: ctx.now,
        expires_at: ctx.now.saturating_add(LIFETIME),
        completed_at: None,
        version: Version::FIRST,
    }
}

/// The end of a session without an artifact.
fn ended(ctx: &Context, session: &UploadSession, end: UploadEnd) -> ArtifactChange {
    let mut next = session.clone();
    next.status = match end {
        UploadEnd::Aborted => UploadStatus::Aborted,
        UploadEnd::Expired => UploadStatus::Expired,
        UploadEnd::DigestMismatch | UploadEnd::DigestsDiffer => UploadStatus::Failed,
    };
    next.updated_at = ctx.now;
    next.version = session.version.next();
    let write = ArtifactWrite::End {
        next: Box::new(next.clone()),
        expected: session.version,
    };
    let event = ArtifactEvent::UploadEnded {
        session: Box::new(next),
        before: session.status,
        end,
    };
    Change::new(ctx, write, event)
}

#[cfg(test)]
mod tests;
