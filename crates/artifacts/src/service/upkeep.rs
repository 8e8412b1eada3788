//! What a server does with artifacts by itself: expired sessions, bytes nobody needs, bytes that
//! changed.

use probity_kernel::{Actor, Context, IdSource, OrganizationId, RepositoryError};
use time::{Duration, OffsetDateTime};

use super::{ArtifactService, blob_of};
use crate::artifact::Artifact;
use crate::blob::{BlobError, BlobKey, BlobStore, HoldOn, StagedUpload, UploadPlace};
use crate::error::ArtifactError;
use crate::event::{DamageReason, UploadEnd};
use crate::repository::{ArtifactRepository, ArtifactUpkeep};
use crate::session::UploadSession;

/// How many rows one step takes.
const STEP: u32 = 100;
/// A blob that nobody refers to is left alone for so long: its upload may just be completing.
const ORPHAN_AGE: Duration = Duration::hours(72);

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions whose time was over.
    pub expired: u32,
    /// Ended sessions whose bytes were cleared.
    pub uploads: u32,
    /// Deleted artifacts whose bytes were cleared.
    pub artifacts: u32,
    /// Blobs that nobody referred to, and uploads of which no session knows.
    pub orphans: u32,
    /// Things that could not be done now.
    pub failures: u32,
}

impl Swept {
    fn count(&mut self, done: &Result<bool, ArtifactError>, what: impl Fn(&mut Self) -> &mut u32) {
        match done {
            Ok(true) => *what(self) += 1,
            Ok(false) => {}
            Err(_) => self.failures += 1,
        }
    }
}

impl<R: ArtifactRepository + ArtifactUpkeep, B: BlobStore, I: IdSource> ArtifactService<R, B, I> {
    /// Ends sessions whose time is over and clears the bytes of those that ended and of artifacts
    /// that were deleted, a bounded number of them.
    ///
    /// # Errors
    /// What the repository says when it is asked what there is to do.
    pub async fn sweep(&self, now: OffsetDateTime) -> Result<Swept, ArtifactError> {
        let mut swept = Swept::default();
        let repository = self.repository();
        for session in repository.expired_uploads(now, STEP).await? {
            swept.count(&self.expire(&session, now).await, |it| &mut it.expired);
        }
        for session in repository.uncleared_uploads(STEP).await? {
            swept.count(&self.clear_upload(&session).await, |it| &mut it.uploads);
        }
        self.clear_artifacts(&mut swept).await?;
        Ok(swept)
    }

    /// What is deleted stays as long as somebody copies: the next sweep takes it.
    async fn clear_artifacts(&self, swept: &mut Swept) -> Result<(), ArtifactError> {
        let deleted = self.repository().uncleared_artifacts(STEP).await?;
        if deleted.is_empty() {
            return Ok(());
        }
        let Some(_clearing) = self.repository().begin_clearing().await? else {
            return Ok(());
        };
        for artifact in deleted {
            swept.count(&self.clear_artifact(&artifact).await, |it| {
                &mut it.artifacts
            });
        }
        Ok(())
    }

    async fn expire(
        &self,
        session: &UploadSession,
        now: OffsetDateTime,
    ) -> Result<bool, ArtifactError> {
        let _alone = self.blobs().hold(HoldOn::Upload(session.id)).await;
        match self
            .end(
                &acting(session.organization, now),
                session,
                UploadEnd::Expired,
            )
            .await
        {
            Ok(()) => Ok(true),
            // It was touched or ended meanwhile.
            Err(ArtifactError::Repository(RepositoryError::Stale)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn clear_upload(&self, session: &UploadSession) -> Result<bool, ArtifactError> {
        let _alone = self.blobs().hold(HoldOn::Upload(session.id)).await;
        self.blobs().discard(&UploadPlace::from(session)).await?;
        self.repository()
            .upload_cleared(session.organization, session.id)
            .await?;
        Ok(true)
    }

    async fn clear_artifact(&self, artifact: &Artifact) -> Result<bool, ArtifactError> {
        self.remove_unreferenced(&blob_of(artifact)).await?;
        self.repository()
            .artifact_cleared(artifact.organization, artifact.id)
            .await?;
        Ok(true)
    }

    /// Removes a blob unless an artifact refers to it; answers whether it did.
    async fn remove_unreferenced(&self, blob: &BlobKey) -> Result<bool, ArtifactError> {
        let _alone = self.blobs().hold(HoldOn::Blob(blob.clone())).await;
        if self.repository().is_referenced(blob).await? {
            return Ok(false);
        }
        self.blobs().remove(blob).await?;
        Ok(true)
    }

    /// Removes what is left of uploads that are over or never came to be: a chunk that landed when
    /// its session had ended, a place that was made before a crash.
    ///
    /// # Errors
    /// What the stores say when they are asked what there is.
    pub async fn sweep_staged(&self, now: OffsetDateTime) -> Result<Swept, ArtifactError> {
        let (mut swept, mut after) = (Swept::default(), None::<StagedUpload>);
        let before = now.saturating_sub(ORPHAN_AGE);
        loop {
            let step = usize::try_from(STEP).unwrap_or_default();
            let staged = self.blobs().list_staged(before, after, step).await?;
            let Some(last) = staged.last() else {
                return Ok(swept);
            };
            after = Some(*last);
            for upload in staged {
                swept.count(&self.discard_unknown(upload).await, |it| &mut it.orphans);
            }
        }
    }

    async fn discard_unknown(&self, staged: StagedUpload) -> Result<bool, ArtifactError> {
        let _alone = self.blobs().hold(HoldOn::Upload(staged.upload)).await;
        let repository = self.repository();
        let open = repository.is_open(staged.organization, staged.upload);
        if open.await? {
            return Ok(false);
        }
        self.blobs().discard(&UploadPlace::from(staged)).await?;
        Ok(true)
    }

    /// Removes blobs that neither an artifact nor an open session refers to and that are older than
    /// any completion takes. It looks at every blob, and stops when somebody copies them.
    ///
    /// # Errors
    /// What the stores say when they are asked what there is.
    pub async fn sweep_orphans(&self, now: OffsetDateTime) -> Result<Swept, ArtifactError> {
        let (mut swept, mut after) = (Swept::default(), None::<BlobKey>);
        let before = now.saturating_sub(ORPHAN_AGE);
        loop {
            let step = usize::try_from(STEP).unwrap_or_default();
            let blobs = self.blobs().list(before, after.as_ref(), step).await?;
            let Some(last) = blobs.last() else {
                return Ok(swept);
            };
            after = Some(last.key.clone());
            let Some(_clearing) = self.repository().begin_clearing().await? else {
                return Ok(swept);
            };
            for blob in &blobs {
                let open = match blob.upload {
                    Some(upload) => {
                        self.repository()
                            .is_open(blob.key.organization, upload)
                            .await?
                    }
                    None => false,
                };
                if !open {
                    swept.count(&self.remove_unreferenced(&blob.key).await, |it| {
                        &mut it.orphans
                    });
                }
            }
        }
    }

    /// Reads the bytes of artifacts that were last verified before then and marks as failed those
    /// that are gone or changed. Up to `limit` artifacts; answers how many were read and which
    /// failed. A store that does not answer proves nothing: such artifacts stay as they are.
    ///
    /// # Errors
    /// What the repository says.
    pub async fn scrub(
        &self,
        now: OffsetDateTime,
        before: OffsetDateTime,
        limit: u32,
    ) -> Result<(u32, Vec<Artifact>), ArtifactError> {
        let (mut read, mut failed) = (0, Vec::new());
        for artifact in self
            .repository()
            .unverified_artifacts(before, limit)
            .await?
        {
            read += 1;
            match self.verify(&artifact).await {
                Ok(None) => {
                    let (organization, id) = (artifact.organization, artifact.id);
                    self.repository()
                        .artifact_verified(organization, id, now)
                        .await?;
                }
                Ok(Some(reason)) => {
                    if self.mark_failed(&artifact, now, reason).await? {
                        failed.push(artifact);
                    }
                }
                Err(_) => {}
            }
        }
        Ok((read, failed))
    }

    async fn mark_failed(
        &self,
        artifact: &Artifact,
        now: OffsetDateTime,
        reason: DamageReason,
    ) -> Result<bool, ArtifactError> {
        let Some(change) = artifact.fail(&acting(artifact.organization, now), reason) else {
            return Ok(false);
        };
        match self.repository().commit(change).await {
            Ok(_) => Ok(true),
            // It was deleted or replaced as the current one meanwhile; the next round sees it.
            Err(RepositoryError::Stale) => Ok(false),
            Err(error) => Err(ArtifactError::of(error)),
        }
    }

    /// Reads the bytes of an artifact; tells what is wrong with them, if anything is.
    ///
    /// # Errors
    /// What the blob store says when it does not answer; that proves nothing about the bytes.
    pub async fn verify(&self, artifact: &Artifact) -> Result<Option<DamageReason>, BlobError> {
        let blob = blob_of(artifact);
        match self.blobs().size(&blob).await? {
            None => return Ok(Some(DamageReason::Missing)),
            Some(size) if size != artifact.size => return Ok(Some(DamageReason::Altered)),
            Some(_) => {}
        }
        match self.digest_of_blob(&blob, artifact.size).await {
            Ok(found) if found == artifact.sha256 => Ok(None),
            Ok(_) => Ok(Some(DamageReason::Altered)),
            Err(BlobError::NotFound) => Ok(Some(DamageReason::Missing)),
            Err(error) => Err(error),
        }
    }
}

fn acting(organization: OrganizationId, now: OffsetDateTime) -> Context {
    Context::new(organization, Actor::System("artifact upkeep"), now)
}
