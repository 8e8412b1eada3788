//! What artifacts need from a store of rows.

use std::collections::HashMap;
use std::future::Future;

use probity_kernel::{
    ArtifactId, Change, Context, OrganizationId, Page, PageRequest, ProductId, RepositoryError,
    SpaceId, UploadSessionId, Version,
};
use time::OffsetDateTime;

use crate::artifact::{Artifact, ArtifactSummary};
use crate::blob::BlobKey;
use crate::digest::Sha256Digest;
use crate::event::ArtifactEvent;
use crate::session::{Accepted, HashAdvance, Receipt, UploadSession};
use crate::signature::SignatureProof;

/// A write of this crate with its event and context.
pub type ArtifactChange = Change<ArtifactWrite, ArtifactEvent>;

/// What to write. A repository hands the write back as the outcome of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtifactWrite {
    /// Inserts a session. `Conflict("quota")` when the bytes of the space, those of open sessions
    /// and of this one included, would be more than the quota; `Conflict("product")` and
    /// `Conflict("archived")` when the product is not there or takes no changes;
    /// `Conflict("product_version_id")`, `Conflict("training_run_id")` when the product has none.
    Open {
        /// The session.
        session: Box<UploadSession>,
        /// How many bytes the space may hold; `None` is any number.
        quota: Option<u64>,
    },
    /// Ends a session without an artifact: its status, `Stale` when it is not at the version.
    /// Its bytes are to be cleared.
    End {
        /// The session as it is to be.
        next: Box<UploadSession>,
        /// The version that is replaced.
        expected: Version,
    },
    /// Makes a session an artifact: the session has to be sealed and unfinished (otherwise its
    /// `UploadRefusal`), at the version (`Stale`). A current artifact takes the place of the one
    /// that was: that one moves to its next row version.
    Complete {
        /// The session as it is to be.
        session: Box<UploadSession>,
        /// Its version before.
        expected: Version,
        /// The artifact.
        artifact: Box<Artifact>,
        /// Where the organisation had the same bytes when this was decided
        /// ([`ArtifactRepository::blob_with`]); `Stale` when that is not so any more.
        shared: Option<String>,
    },
    /// Attaches a signature to an artifact; `Stale` when it is not at the version.
    Sign {
        /// The artifact as it is to be.
        next: Box<Artifact>,
        /// The version that is replaced.
        expected: Version,
        /// What verifies the signature.
        proof: Box<SignatureProof>,
    },
    /// Updates an artifact; `Stale` when it is not at the version.
    Update {
        /// The artifact as it is to be.
        next: Box<Artifact>,
        /// The version that is replaced.
        expected: Version,
    },
}

/// What artifacts need from a store of rows. Everything is of one organisation; what belongs to
/// another does not exist. `testing::repository_contract` holds a repository against it.
pub trait ArtifactRepository: Send + Sync {
    /// A session of a product, whatever its status.
    fn find_upload(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: UploadSessionId,
    ) -> impl Future<Output = Result<Option<UploadSession>, RepositoryError>> + Send;

    /// The same with no other chunk than the one at an index: what writing there needs, however many
    /// chunks there are.
    fn find_upload_at(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: UploadSessionId,
        index: u32,
    ) -> impl Future<Output = Result<Option<UploadSession>, RepositoryError>> + Send;

    /// An artifact of a product, deleted or not.
    fn find_artifact(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ArtifactId,
    ) -> impl Future<Output = Result<Option<Artifact>, RepositoryError>> + Send;

    /// What verifies the signature of an artifact of a product, deleted or not.
    fn find_proof(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ArtifactId,
    ) -> impl Future<Output = Result<Option<SignatureProof>, RepositoryError>> + Send;

    /// A page of the artifacts of a product that are not deleted, newest first.
    fn list_artifacts(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<Artifact>, RepositoryError>> + Send;

    /// The artifacts of products in brief; products without any are left out.
    fn summarize_artifacts(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> impl Future<Output = Result<HashMap<ProductId, ArtifactSummary>, RepositoryError>> + Send;

    /// How many bytes a space holds: of artifacts that are not deleted and of open sessions.
    fn used_bytes(
        &self,
        organization: OrganizationId,
        space: SpaceId,
    ) -> impl Future<Output = Result<u64, RepositoryError>> + Send;

    /// The key of the blob that has these bytes already in a backend: that of the oldest available
    /// artifact of the organisation with the digest.
    fn blob_with(
        &self,
        organization: OrganizationId,
        backend: &'static str,
        sha256: Sha256Digest,
    ) -> impl Future<Output = Result<Option<String>, RepositoryError>> + Send;

    /// Writes a change, its event and its record together, or nothing of it.
    fn commit(
        &self,
        change: ArtifactChange,
    ) -> impl Future<Output = Result<ArtifactWrite, RepositoryError>> + Send;

    /// Counts a chunk: [`UploadSession::accept`] on the session as it is in the transaction.
    /// Chunks are progress and not on the record: what they make is.
    ///
    /// Answers the session as it is then. `Conflict` with the key of the refusal when it is not
    /// taken, `Conflict("upload_not_found")` when there is no such session, `Conflict("archived")`
    /// and `Conflict("product")` when the product takes nothing any more.
    fn record_chunk(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
        receipt: Receipt,
    ) -> impl Future<Output = Result<(UploadSession, Accepted), RepositoryError>> + Send;

    /// Takes over a computation of the digest: [`UploadSession::advance`] in the transaction.
    /// Answers whether it was of use.
    fn advance_hash(
        &self,
        organization: OrganizationId,
        id: UploadSessionId,
        hash: HashAdvance,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Begins completion: [`UploadSession::seal`] in the transaction. Answers the session as it is
    /// then; refuses as [`record_chunk`](Self::record_chunk) does.
    fn seal(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
    ) -> impl Future<Output = Result<UploadSession, RepositoryError>> + Send;
}

/// What maintenance needs: it sees every organisation, and clearing and verifying are not on the
/// record. Only the repository of a server has to have it.
pub trait ArtifactUpkeep: Send + Sync {
    /// Lets nobody begin to copy bytes until it is dropped.
    type Clearing: Send;

    /// Begins to clear bytes away; `None` while somebody copies them, because a copy may have rows of
    /// before their artifacts were deleted.
    fn begin_clearing(
        &self,
    ) -> impl Future<Output = Result<Option<Self::Clearing>, RepositoryError>> + Send;

    /// Open sessions whose time is over.
    fn expired_uploads(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<UploadSession>, RepositoryError>> + Send;

    /// Ended sessions whose bytes are not cleared yet.
    fn uncleared_uploads(
        &self,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<UploadSession>, RepositoryError>> + Send;

    /// Says that the bytes of a session are cleared.
    fn upload_cleared(
        &self,
        organization: OrganizationId,
        id: UploadSessionId,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;

    /// Deleted artifacts whose bytes are not cleared yet.
    fn uncleared_artifacts(
        &self,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Artifact>, RepositoryError>> + Send;

    /// Says that the bytes of an artifact are cleared or belong to another one.
    fn artifact_cleared(
        &self,
        organization: OrganizationId,
        id: ArtifactId,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;

    /// Whether an artifact that is not deleted has the blob.
    fn is_referenced(
        &self,
        blob: &BlobKey,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Whether a session is open.
    fn is_open(
        &self,
        organization: OrganizationId,
        id: UploadSessionId,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Available artifacts that were last verified before then, the longest ago first.
    fn unverified_artifacts(
        &self,
        before: OffsetDateTime,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Artifact>, RepositoryError>> + Send;

    /// Says that the bytes of an artifact are what they should be.
    fn artifact_verified(
        &self,
        organization: OrganizationId,
        id: ArtifactId,
        at: OffsetDateTime,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}
