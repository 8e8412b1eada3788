//! A repository in memory, for tests and for trying things out. It keeps the contract of
//! [`ArtifactRepository`] over the products that it is told of.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    ArtifactId, Context, Cursor, OrganizationId, Page, PageRequest, Paging, ProductId,
    ProductVersionId, RepositoryError, SpaceId, TrainingRunId, UploadSessionId, Version,
};
use time::OffsetDateTime;

use crate::artifact::{Artifact, ArtifactSummary};
use crate::blob::BlobKey;
use crate::digest::Sha256Digest;
use crate::event::ArtifactEvent;
use crate::refusal::UploadRefusal;
use crate::repository::{ArtifactChange, ArtifactRepository, ArtifactUpkeep, ArtifactWrite};
use crate::session::{Accepted, HashAdvance, Receipt, UploadSession};
use crate::signature::SignatureProof;
use crate::vocabulary::{ArtifactStatus, UploadStatus};

/// Uploads and artifacts in memory, with everything that was recorded about them.
#[derive(Debug, Default)]
pub struct InMemoryArtifacts(Mutex<State>);

type Claimed = (OrganizationId, String, String);

#[derive(Debug, Default)]
struct State {
    /// The products, and whether they are archived.
    products: HashMap<(OrganizationId, ProductId), bool>,
    versions: HashMap<ProductVersionId, ProductId>,
    runs: HashMap<TrainingRunId, ProductId>,
    /// The sessions, and whether their bytes are cleared.
    uploads: HashMap<UploadSessionId, (UploadSession, bool)>,
    /// The artifacts, and whether their bytes are cleared.
    artifacts: HashMap<ArtifactId, (Artifact, bool)>,
    proofs: HashMap<ArtifactId, SignatureProof>,
    outcomes: HashMap<Claimed, ([u8; 32], ArtifactWrite)>,
    events: Vec<ArtifactEvent>,
    /// Whether somebody copies bytes.
    copying: bool,
}

impl InMemoryArtifacts {
    /// Tells that somebody begins to copy bytes, or is through with it.
    pub fn set_copying(&self, copying: bool) {
        self.state().copying = copying;
    }

    /// Tells of a product, or that it is archived now.
    pub fn add_product(&self, organization: OrganizationId, id: ProductId, archived: bool) {
        self.state().products.insert((organization, id), archived);
    }

    /// Tells of a version of a product.
    pub fn add_version(&self, product: ProductId, id: ProductVersionId) {
        self.state().versions.insert(id, product);
    }

    /// Tells of a run of a product.
    pub fn add_run(&self, product: ProductId, id: TrainingRunId) {
        self.state().runs.insert(id, product);
    }

    /// Every recorded event, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<ArtifactEvent> {
        self.state().events.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn guard(holds: bool, otherwise: RepositoryError) -> Result<(), RepositoryError> {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn refused(refusal: UploadRefusal) -> RepositoryError {
    RepositoryError::Conflict(refusal.key())
}

impl State {
    /// The first outcome of the context's claim, if the claim is known.
    fn replay(&self, ctx: &Context) -> Result<Option<ArtifactWrite>, RepositoryError> {
        let Some(claim) = &ctx.idempotency else {
            return Ok(None);
        };
        let claimed = (ctx.organization, claim.scope.clone(), claim.key.clone());
        match self.outcomes.get(&claimed) {
            None => Ok(None),
            Some((fingerprint, outcome)) if *fingerprint == claim.fingerprint => {
                Ok(Some(outcome.clone()))
            }
            Some(_) => Err(RepositoryError::IdempotencyMismatch),
        }
    }

    fn check_live(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<(), RepositoryError> {
        match self.products.get(&(organization, product)) {
            None => Err(RepositoryError::Conflict("product")),
            Some(true) => Err(RepositoryError::Conflict("archived")),
            Some(false) => Ok(()),
        }
    }

    fn used(&self, organization: OrganizationId, space: SpaceId) -> u64 {
        let open = self.uploads.values().map(|(session, _)| session);
        let open = open.filter(|it| (it.organization, it.space) == (organization, space));
        let open = open
            .filter(|it| it.status.is_open())
            .map(|it| it.total_size);
        let kept = self.artifacts.values().map(|(artifact, _)| artifact);
        let kept = kept.filter(|it| (it.organization, it.space) == (organization, space));
        let kept = kept
            .filter(|it| it.status != ArtifactStatus::Deleted)
            .map(|it| it.size);
        open.sum::<u64>() + kept.sum::<u64>()
    }

    fn blob_with(
        &self,
        organization: OrganizationId,
        backend: &str,
        sha256: Sha256Digest,
    ) -> Option<String> {
        let available = self.artifacts.values().map(|(artifact, _)| artifact);
        let same = available.filter(|it| {
            it.status == ArtifactStatus::Available
                && (it.organization, it.backend.as_str(), it.sha256)
                    == (organization, backend, sha256)
        });
        same.min_by_key(|it| it.id).map(|it| it.blob.clone())
    }

    fn session(
        &mut self,
        organization: OrganizationId,
        id: UploadSessionId,
    ) -> Result<&mut UploadSession, RepositoryError> {
        let found = self.uploads.get_mut(&id).map(|(session, _)| session);
        found
            .filter(|session| session.organization == organization)
            .ok_or(refused(UploadRefusal::Gone))
    }

    /// Writes; answers which artifacts are no longer current because of it.
    fn apply(
        &mut self,
        ctx: &Context,
        write: &ArtifactWrite,
    ) -> Result<Vec<ArtifactId>, RepositoryError> {
        match write {
            ArtifactWrite::Open { session, quota } => self.open(session, *quota)?,
            ArtifactWrite::End { next, expected } => self.end(ctx, next, *expected)?,
            ArtifactWrite::Complete {
                session,
                expected,
                artifact,
                shared,
            } => return self.complete(ctx, session, *expected, artifact, shared.as_deref()),
            ArtifactWrite::Sign {
                next,
                expected,
                proof,
            } => {
                self.update(next, *expected)?;
                self.proofs.insert(next.id, proof.as_ref().clone());
            }
            ArtifactWrite::Update { next, expected } => self.update(next, *expected)?,
        }
        Ok(Vec::new())
    }

    fn update(&mut self, next: &Artifact, expected: Version) -> Result<(), RepositoryError> {
        let known = self.artifacts.get_mut(&next.id);
        let known = known.filter(|(known, _)| known.version == expected);
        let (known, _) = known.ok_or(RepositoryError::Stale)?;
        known.clone_from(next);
        Ok(())
    }

    fn open(&mut self, session: &UploadSession, quota: Option<u64>) -> Result<(), RepositoryError> {
        self.check_live(session.organization, session.product)?;
        let of = |product: Option<&ProductId>| product == Some(&session.product);
        let version = session.facts.product_version;
        let known = version.is_none_or(|id| of(self.versions.get(&id)));
        guard(known, RepositoryError::Conflict("product_version_id"))?;
        let run = session.facts.training_run;
        let known = run.is_none_or(|id| of(self.runs.get(&id)));
        guard(known, RepositoryError::Conflict("training_run_id"))?;
        let used = self.used(session.organization, session.space);
        let room = quota.is_none_or(|quota| used.saturating_add(session.total_size) <= quota);
        guard(room, RepositoryError::Conflict("quota"))?;
        self.uploads.insert(session.id, (session.clone(), false));
        Ok(())
    }

    fn end(
        &mut self,
        ctx: &Context,
        next: &UploadSession,
        expected: Version,
    ) -> Result<(), RepositoryError> {
        let known = self.session(ctx.organization, next.id)?;
        let early = next.status == UploadStatus::Expired && known.expires_at > ctx.now;
        guard(known.version == expected && !early, RepositoryError::Stale)?;
        known.status = next.status;
        known.updated_at = next.updated_at;
        known.version = next.version;
        Ok(())
    }

    fn complete(
        &mut self,
        ctx: &Context,
        next: &UploadSession,
        expected: Version,
        artifact: &Artifact,
        shared: Option<&str>,
    ) -> Result<Vec<ArtifactId>, RepositoryError> {
        self.check_live(ctx.organization, next.product)?;
        let found = self.blob_with(ctx.organization, &artifact.backend, artifact.sha256);
        let known = self.session(ctx.organization, next.id)?;
        known.check_unfinished(ctx.now).map_err(refused)?;
        guard(
            known.version == expected && known.sealed && found.as_deref() == shared,
            RepositoryError::Stale,
        )?;
        *known = next.clone();
        let mut replaced = Vec::new();
        if artifact.facts.is_current {
            for (other, _) in self.artifacts.values_mut() {
                if other.product == artifact.product && other.facts.is_current {
                    other.facts.is_current = false;
                    other.updated_at = ctx.now;
                    other.version = other.version.next();
                    replaced.push(other.id);
                }
            }
        }
        self.artifacts
            .insert(artifact.id, (artifact.clone(), false));
        Ok(replaced)
    }
}

/// The wanted page, newest first.
fn cut(mut artifacts: Vec<Artifact>, page: &PageRequest) -> Page<Artifact> {
    artifacts.sort_by_key(|artifact| std::cmp::Reverse(artifact.id));
    let total = u64::try_from(artifacts.len()).unwrap_or(u64::MAX);
    let tie = |artifact: &Artifact| artifact.id.uuid().as_u128();
    let skipped = match &page.paging {
        Paging::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Paging::After(cursor) => artifacts
            .iter()
            .take_while(|it| tie(it) >= cursor.tie)
            .count(),
    };
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut rest = artifacts.into_iter().skip(skipped);
    let items: Vec<Artifact> = rest.by_ref().take(limit).collect();
    let position = |last: &Artifact| Cursor {
        key: 0,
        tie: tie(last),
    };
    let next = rest.next().and_then(|_more| items.last().map(position));
    Page { items, total, next }
}

impl ArtifactRepository for InMemoryArtifacts {
    async fn find_upload(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: UploadSessionId,
    ) -> Result<Option<UploadSession>, RepositoryError> {
        let found = self
            .state()
            .uploads
            .get(&id)
            .map(|(session, _)| session.clone());
        Ok(found.filter(|it| (it.organization, it.product) == (organization, product)))
    }

    async fn find_upload_at(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: UploadSessionId,
        index: u32,
    ) -> Result<Option<UploadSession>, RepositoryError> {
        let mut found = self.find_upload(organization, product, id).await?;
        if let Some(session) = &mut found {
            session.chunks.retain(|at, _| *at == index);
        }
        Ok(found)
    }

    async fn find_artifact(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ArtifactId,
    ) -> Result<Option<Artifact>, RepositoryError> {
        let found = self
            .state()
            .artifacts
            .get(&id)
            .map(|(artifact, _)| artifact.clone());
        Ok(found.filter(|it| (it.organization, it.product) == (organization, product)))
    }

    async fn find_proof(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ArtifactId,
    ) -> Result<Option<SignatureProof>, RepositoryError> {
        let found = self.find_artifact(organization, product, id).await?;
        Ok(found.and_then(|it| self.state().proofs.get(&it.id).cloned()))
    }

    async fn list_artifacts(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<Artifact>, RepositoryError> {
        let all = self
            .state()
            .artifacts
            .clone()
            .into_values()
            .map(|(artifact, _)| artifact);
        let mine = all.filter(|it| (it.organization, it.product) == (organization, product));
        let mine = mine.filter(|it| it.status != ArtifactStatus::Deleted);
        Ok(cut(mine.collect(), page))
    }

    async fn summarize_artifacts(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> Result<HashMap<ProductId, ArtifactSummary>, RepositoryError> {
        let mut summaries: HashMap<ProductId, ArtifactSummary> = HashMap::new();
        for (artifact, _) in self.state().artifacts.values() {
            let mine = artifact.organization == organization;
            let shown = artifact.status != ArtifactStatus::Deleted;
            if mine && shown && products.contains(&artifact.product) {
                let summary = summaries.entry(artifact.product).or_default();
                summary.count += 1;
                if artifact.facts.is_current {
                    summary.current = Some(artifact.clone());
                }
            }
        }
        Ok(summaries)
    }

    async fn used_bytes(
        &self,
        organization: OrganizationId,
        space: SpaceId,
    ) -> Result<u64, RepositoryError> {
        Ok(self.state().used(organization, space))
    }

    async fn blob_with(
        &self,
        organization: OrganizationId,
        backend: &'static str,
        sha256: Sha256Digest,
    ) -> Result<Option<String>, RepositoryError> {
        Ok(self.state().blob_with(organization, backend, sha256))
    }

    async fn commit(&self, change: ArtifactChange) -> Result<ArtifactWrite, RepositoryError> {
        let (ctx, write, event) = change.into_parts();
        let mut state = self.state();
        if let Some(outcome) = state.replay(&ctx)? {
            return Ok(outcome);
        }
        let replaced = state.apply(&ctx, &write)?;
        state.events.push(event.replacing(replaced));
        if let Some(claim) = ctx.idempotency {
            let claimed = (ctx.organization, claim.scope, claim.key);
            let outcome = (claim.fingerprint, write.clone());
            state.outcomes.insert(claimed, outcome);
        }
        Ok(write)
    }

    async fn record_chunk(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
        receipt: Receipt,
    ) -> Result<(UploadSession, Accepted), RepositoryError> {
        let mut state = self.state();
        state.check_live(ctx.organization, product)?;
        let session = state.session(ctx.organization, id)?;
        guard(session.product == product, refused(UploadRefusal::Gone))?;
        let accepted = session.accept(ctx.now, receipt).map_err(refused)?;
        Ok((session.clone(), accepted))
    }

    async fn advance_hash(
        &self,
        organization: OrganizationId,
        id: UploadSessionId,
        hash: HashAdvance,
    ) -> Result<bool, RepositoryError> {
        Ok(self.state().session(organization, id)?.advance(&hash))
    }

    async fn seal(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
    ) -> Result<UploadSession, RepositoryError> {
        let mut state = self.state();
        state.check_live(ctx.organization, product)?;
        let session = state.session(ctx.organization, id)?;
        guard(session.product == product, refused(UploadRefusal::Gone))?;
        session.seal(ctx.now).map_err(refused)?;
        Ok(session.clone())
    }
}

fn few<T>(limit: u32, all: impl Iterator<Item = T>) -> Vec<T> {
    all.take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect()
}

impl ArtifactUpkeep for InMemoryArtifacts {
    type Clearing = ();

    async fn begin_clearing(&self) -> Result<Option<()>, RepositoryError> {
        Ok((!self.state().copying).then_some(()))
    }

    async fn expired_uploads(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<UploadSession>, RepositoryError> {
        let state = self.state();
        let open = state.uploads.values().filter(|(it, _)| it.status.is_open());
        let over = open.filter(|(it, _)| it.expires_at <= now);
        Ok(few(limit, over.map(|(it, _)| it.clone())))
    }

    async fn uncleared_uploads(&self, limit: u32) -> Result<Vec<UploadSession>, RepositoryError> {
        let state = self.state();
        let ended = state.uploads.values();
        let ended = ended.filter(|(it, cleared)| !it.status.is_open() && !cleared);
        Ok(few(limit, ended.map(|(it, _)| it.clone())))
    }

    async fn upload_cleared(
        &self,
        organization: OrganizationId,
        id: UploadSessionId,
    ) -> Result<(), RepositoryError> {
        let mut state = self.state();
        let found = state.uploads.get_mut(&id);
        if let Some((_, cleared)) = found.filter(|(it, _)| it.organization == organization) {
            *cleared = true;
        }
        Ok(())
    }

    async fn uncleared_artifacts(&self, limit: u32) -> Result<Vec<Artifact>, RepositoryError> {
        let state = self.state();
        let gone = |it: &Artifact| it.status == ArtifactStatus::Deleted;
        let left = state
            .artifacts
            .values()
            .filter(|(it, cleared)| gone(it) && !cleared);
        Ok(few(limit, left.map(|(it, _)| it.clone())))
    }

    async fn artifact_cleared(
        &self,
        organization: OrganizationId,
        id: ArtifactId,
    ) -> Result<(), RepositoryError> {
        let mut state = self.state();
        let found = state.artifacts.get_mut(&id);
        if let Some((_, cleared)) = found.filter(|(it, _)| it.organization == organization) {
            *cleared = true;
        }
        Ok(())
    }

    async fn is_referenced(&self, blob: &BlobKey) -> Result<bool, RepositoryError> {
        let state = self.state();
        let mut live = state.artifacts.values().map(|(it, _)| it);
        Ok(live.any(|it| {
            it.status != ArtifactStatus::Deleted
                && (it.organization, &it.blob) == (blob.organization, &blob.key)
        }))
    }

    async fn is_open(
        &self,
        organization: OrganizationId,
        id: UploadSessionId,
    ) -> Result<bool, RepositoryError> {
        let state = self.state();
        let found = state.uploads.get(&id).map(|(it, _)| it);
        Ok(found.is_some_and(|it| it.organization == organization && it.status.is_open()))
    }

    async fn unverified_artifacts(
        &self,
        before: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Artifact>, RepositoryError> {
        let state = self.state();
        let due = |it: &Artifact| it.status == ArtifactStatus::Available && it.verified_at < before;
        let mut due: Vec<Artifact> = state
            .artifacts
            .values()
            .filter(|(it, _)| due(it))
            .map(|(it, _)| it.clone())
            .collect();
        due.sort_by_key(|it| it.verified_at);
        Ok(few(limit, due.into_iter()))
    }

    async fn artifact_verified(
        &self,
        organization: OrganizationId,
        id: ArtifactId,
        at: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        let mut state = self.state();
        let found = state.artifacts.get_mut(&id);
        if let Some((artifact, _)) = found.filter(|(it, _)| it.organization == organization) {
            artifact.verified_at = at;
        }
        Ok(())
    }
}
