//! The contract of repositories.

use std::fmt::Debug;

use probity_kernel::{
    Actor, ArtifactId, Change, Context, IdempotencyClaim, OrganizationId, PageRequest, ProductId,
    ProductVersionId, RepositoryError, SpaceId, TrainingRunId, UploadSessionId, Version,
};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use crate::artifact::{Artifact, actor_reference};
use crate::blob::BlobKey;
use crate::digest::{Sha256Digest, StreamingSha256};
use crate::event::{ArtifactEvent, DamageReason, UploadEnd};
use crate::new_upload::{ArtifactFacts, NewUpload, UploadInput};
use crate::refusal::UploadRefusal;
use crate::repository::{ArtifactChange, ArtifactRepository, ArtifactUpkeep, ArtifactWrite};
use crate::session::{Accepted, HashAdvance, HashProgress, LIFETIME, Receipt, UploadSession};
use crate::signature::{SignatureProof, VerifiedSignature};
use crate::vocabulary::{ArtifactStatus, Layout, UploadStatus};

/// What exists before the contract runs; there are no uploads yet.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// An organisation.
    pub organization: OrganizationId,
    /// The space of its products.
    pub space: SpaceId,
    /// A product of it.
    pub product: ProductId,
    /// A version of that product.
    pub version: ProductVersionId,
    /// A run of that product.
    pub run: TrainingRunId,
    /// Another product.
    pub second_product: ProductId,
    /// One that is archived.
    pub archived_product: ProductId,
    /// Another organisation.
    pub other_organization: OrganizationId,
    /// A product of that one.
    pub other_product: ProductId,
}

/// Runs the whole contract.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn repository_contract<R: ArtifactRepository + ArtifactUpkeep>(repo: &R, world: &World) {
    let run = Run { repo, world };
    run.a_session_comes_back_as_it_was_opened().await;
    run.what_does_not_fit_is_not_opened().await;
    run.a_claim_opens_one_session().await;
    run.chunks_are_counted_replaced_and_left_alone().await;
    run.the_digest_moves_only_forwards().await;
    run.sealing_takes_every_chunk_and_ends_them().await;
    run.an_upload_becomes_one_artifact().await;
    run.one_artifact_is_current().await;
    run.bytes_that_are_there_are_known().await;
    run.an_ended_session_takes_nothing().await;
    run.deleted_artifacts_are_kept_out_of_sight().await;
    run.a_signature_is_kept_with_what_proves_it().await;
    run.damage_is_marked_once().await;
    run.organizations_do_not_see_each_other().await;
}

struct Run<'a, R> {
    repo: &'a R,
    world: &'a World,
}

fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

fn is_conflict<T: Debug>(result: Result<T, RepositoryError>, key: &str, what: &str) {
    match result {
        Err(RepositoryError::Conflict(found)) if found == key => {}
        other => panic!("{what}: expected a conflict of {key}, found {other:?}"),
    }
}

fn is_stale<T: Debug>(result: Result<T, RepositoryError>, what: &str) {
    match result {
        Err(RepositoryError::Stale) => {}
        other => panic!("{what}: expected to be stale, found {other:?}"),
    }
}

/// A context of an organisation, some minutes after the start.
fn context(organization: OrganizationId, minute: i64) -> Context {
    let now = datetime!(2026-03-13 09:00 UTC) + Duration::minutes(minute);
    Context::new(organization, Actor::System("contract"), now)
}

/// An id of its own for every seed.
fn id(seed: u16) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_ab00_0000 + u128::from(seed))
}

const CHUNK: u64 = 1 << 20;

fn facts(world: &World) -> ArtifactFacts {
    let input = UploadInput {
        file_name: Some("Ähnlich \"quoted\".onnx".to_owned()),
        content_type: Some("application/octet-stream".to_owned()),
        total_size_bytes: Some(1),
        artifact_kind: Some("weights".to_owned()),
        version_label: Some("v2.0.0".to_owned()),
        product_version_id: Some(world.version.to_string()),
        training_run_id: Some(world.run.to_string()),
        is_current: Some(true),
        external_uri: Some("s3://models/churn".to_owned()),
        metadata: Some(serde_json::json!({"format": "onnx", "python": "3.11", "n": 1.5})),
        ..UploadInput::default()
    };
    must(NewUpload::parse(input), "parsing").facts
}

impl<R: ArtifactRepository + ArtifactUpkeep> Run<'_, R> {
    fn ours(&self, minute: i64) -> Context {
        context(self.world.organization, minute)
    }

    /// A session of `count` chunks that is not opened yet.
    fn session(&self, ctx: &Context, seed: u16, count: u64) -> UploadSession {
        UploadSession {
            id: UploadSessionId::new(id(seed)),
            organization: ctx.organization,
            product: self.world.product,
            space: self.world.space,
            facts: facts(self.world),
            total_size: count * CHUNK,
            chunk_size: CHUNK,
            layout: Layout::Fixed,
            expected_sha256: Some(Sha256Digest::of(b"expected")),
            status: UploadStatus::Initialized,
            sealed: false,
            chunks: std::collections::BTreeMap::new(),
            hash: HashProgress::start(),
            staging: Some("parts-1".to_owned()),
            artifact: None,
            uploaded_by: actor_reference(&ctx.actor),
            created_at: ctx.now,
            updated_at: ctx.now,
            expires_at: ctx.now + LIFETIME,
            completed_at: None,
            version: Version::FIRST,
        }
    }

    fn opening(ctx: &Context, session: &UploadSession, quota: Option<u64>) -> ArtifactChange {
        let write = ArtifactWrite::Open {
            session: Box::new(session.clone()),
            quota,
        };
        let event = ArtifactEvent::UploadOpened(Box::new(session.clone()));
        Change::new(ctx, write, event)
    }

    async fn open(&self, ctx: &Context, seed: u16, count: u64) -> UploadSession {
        let session = self.session(ctx, seed, count);
        let opened = self.repo.commit(Self::opening(ctx, &session, None)).await;
        must(opened, "opening");
        session
    }

    async fn find(&self, session: &UploadSession) -> UploadSession {
        let found = self
            .repo
            .find_upload(session.organization, session.product, session.id);
        match must(found.await, "finding") {
            Some(found) => found,
            None => panic!("the session {} is not there", session.id),
        }
    }

    async fn chunk(
        &self,
        ctx: &Context,
        session: &UploadSession,
        receipt: Receipt,
    ) -> Result<(UploadSession, Accepted), RepositoryError> {
        self.repo
            .record_chunk(ctx, session.product, session.id, receipt)
            .await
    }

    fn receipt(session: &UploadSession, index: u32, location: &str) -> Receipt {
        Receipt {
            span: must(session.span(index).map_err(UploadRefusal::key), "a span"),
            location: location.to_owned(),
            same_as: None,
            hash: None,
        }
    }

    fn artifact(ctx: &Context, session: &UploadSession, seed: u16) -> Artifact {
        Artifact {
            id: ArtifactId::new(id(seed)),
            organization: session.organization,
            product: session.product,
            space: session.space,
            upload: session.id,
            facts: session.facts.clone(),
            size: session.total_size,
            sha256: Sha256Digest::of(&seed.to_be_bytes()),
            backend: "memory".to_owned(),
            blob: format!("blob-{seed}"),
            storage_uri: format!("memory:blob-{seed}"),
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

    fn completing(ctx: &Context, session: &UploadSession, artifact: &Artifact) -> ArtifactChange {
        Self::completing_with(ctx, session, artifact, None)
    }

    fn completing_with(
        ctx: &Context,
        session: &UploadSession,
        artifact: &Artifact,
        shared: Option<&str>,
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
            artifact: Box::new(artifact.clone()),
            shared: shared.map(str::to_owned),
        };
        Change::new(ctx, write, event)
    }

    /// An artifact of one chunk, completed.
    async fn complete(&self, ctx: &Context, seed: u16, is_current: bool) -> Artifact {
        let session = self.open(ctx, seed, 1).await;
        let receipt = Self::receipt(&session, 0, "a");
        must(self.chunk(ctx, &session, receipt).await, "a chunk");
        let sealed = self.repo.seal(ctx, session.product, session.id).await;
        let sealed = must(sealed, "sealing");
        let mut artifact = Self::artifact(ctx, &sealed, seed);
        artifact.facts.is_current = is_current;
        let change = Self::completing(ctx, &sealed, &artifact);
        must(self.repo.commit(change).await, "completing");
        artifact
    }

    fn ending(ctx: &Context, session: &UploadSession, status: UploadStatus) -> ArtifactChange {
        let mut next = session.clone();
        next.status = status;
        next.updated_at = ctx.now;
        next.version = session.version.next();
        let write = ArtifactWrite::End {
            next: Box::new(next.clone()),
            expected: session.version,
        };
        let event = ArtifactEvent::UploadEnded {
            session: Box::new(next),
            before: session.status,
            end: UploadEnd::Aborted,
        };
        Change::new(ctx, write, event)
    }

    async fn a_session_comes_back_as_it_was_opened(&self) {
        let session = self.open(&self.ours(0), 1, 3).await;
        assert_eq!(self.find(&session).await, session);
        let held = self
            .repo
            .used_bytes(session.organization, session.space)
            .await;
        assert_eq!(must(held, "usage"), 3 * CHUNK, "open sessions count");
        let open = self.repo.is_open(session.organization, session.id).await;
        assert!(must(open, "open"));
    }

    async fn what_does_not_fit_is_not_opened(&self) {
        let (ctx, world) = (self.ours(1), self.world);
        let held = must(
            self.repo.used_bytes(ctx.organization, world.space).await,
            "usage",
        );
        let session = self.session(&ctx, 2, 1);
        let tight = Self::opening(&ctx, &session, Some(held + CHUNK - 1));
        is_conflict(self.repo.commit(tight).await, "quota", "a byte too many");
        let wrong = |change: &dyn Fn(&mut UploadSession)| {
            let mut session = session.clone();
            change(&mut session);
            Self::opening(&ctx, &session, None)
        };
        let archived = wrong(&|it| it.product = world.archived_product);
        is_conflict(
            self.repo.commit(archived).await,
            "archived",
            "an archived product",
        );
        let foreign = wrong(&|it| it.product = world.other_product);
        is_conflict(
            self.repo.commit(foreign).await,
            "product",
            "a foreign product",
        );
        let second = wrong(&|it| it.product = world.second_product);
        let outcome = self.repo.commit(second).await;
        is_conflict(
            outcome,
            "product_version_id",
            "the version of another product",
        );
        let second = wrong(&|it| {
            it.product = world.second_product;
            it.facts.product_version = None;
        });
        let outcome = self.repo.commit(second).await;
        is_conflict(outcome, "training_run_id", "the run of another product");
        let found = self
            .repo
            .find_upload(ctx.organization, world.product, session.id)
            .await;
        assert_eq!(must(found, "finding"), None, "nothing was opened");
        let fits = Self::opening(&ctx, &session, Some(held + CHUNK));
        must(self.repo.commit(fits).await, "just enough room");
    }

    async fn a_claim_opens_one_session(&self) {
        let claim = IdempotencyClaim {
            scope: "key:POST /uploads".to_owned(),
            key: "once".to_owned(),
            fingerprint: [1; 32],
        };
        let ctx = self.ours(2).with_idempotency(Some(claim.clone()));
        let first = self.session(&ctx, 3, 1);
        let outcome = self.repo.commit(Self::opening(&ctx, &first, None)).await;
        let first_outcome = must(outcome, "the first");
        let second = self.session(&ctx, 4, 1);
        let outcome = self.repo.commit(Self::opening(&ctx, &second, None)).await;
        let ArtifactWrite::Open { session, .. } = must(outcome, "the second") else {
            panic!("opening answered something else");
        };
        let ArtifactWrite::Open { session: kept, .. } = first_outcome else {
            panic!("opening answered something else");
        };
        assert_eq!(session, kept, "the first outcome, as it was");
        let found = self
            .repo
            .find_upload(ctx.organization, second.product, second.id)
            .await;
        assert_eq!(must(found, "finding"), None, "nothing was opened twice");
    }

    async fn one_chunk_is_seen_without_the_others(&self, session: &UploadSession) {
        let at = |product, index| {
            let (organization, id) = (session.organization, session.id);
            self.repo.find_upload_at(organization, product, id, index)
        };
        for index in [0, 2] {
            let found = must(at(session.product, index).await, "a place");
            let mut expected = session.clone();
            expected.chunks.retain(|known, _| *known == index);
            assert_eq!(found, Some(expected));
        }
        let other = must(at(self.world.second_product, 2).await, "another product");
        assert_eq!(other, None);
    }

    async fn chunks_are_counted_replaced_and_left_alone(&self) {
        let ctx = self.ours(10);
        let session = self.open(&ctx, 10, 3).await;
        let later = self.ours(70);
        let receipt = Self::receipt(&session, 2, "a");
        let (seen, accepted) = must(self.chunk(&later, &session, receipt).await, "the last");
        assert_eq!(accepted, Accepted::Stored);
        assert_eq!(seen.status, UploadStatus::Uploading);
        assert_eq!(
            (seen.received_bytes(), seen.missing()),
            (CHUNK, vec![0..=1])
        );
        assert_eq!(
            seen.expires_at,
            later.now + LIFETIME,
            "its time begins anew"
        );
        assert_eq!(
            seen,
            self.find(&session).await,
            "what is told is what is kept"
        );

        let same = Receipt {
            same_as: Some("a".to_owned()),
            ..Self::receipt(&session, 2, "b")
        };
        let (_, accepted) = must(self.chunk(&later, &session, same).await, "the same again");
        assert_eq!(accepted, Accepted::Unchanged);
        let receipt = Self::receipt(&session, 2, "c");
        let (seen, accepted) = must(self.chunk(&later, &session, receipt).await, "other bytes");
        let Accepted::Replaced(old) = accepted else {
            panic!("other bytes replace: {accepted:?}");
        };
        assert_eq!((old.location.as_str(), seen.received_bytes()), ("a", CHUNK));
        assert_eq!(seen.hash.replacements, 1);
        assert_eq!(seen, self.find(&session).await);
        self.one_chunk_is_seen_without_the_others(&seen).await;

        let mut beyond = Self::receipt(&session, 2, "d");
        beyond.span.index = 3;
        let outcome = self.chunk(&later, &session, beyond).await;
        is_conflict(outcome, "offset_mismatch", "a chunk beyond the end");
        let late = context(self.world.organization, 70 + 24 * 60);
        let receipt = Self::receipt(&session, 0, "e");
        let outcome = self.chunk(&late, &session, receipt).await;
        is_conflict(outcome, "upload_expired", "after its time");
        let mut unknown = session.clone();
        unknown.id = UploadSessionId::new(id(999));
        let receipt = Self::receipt(&session, 0, "f");
        let outcome = self.chunk(&later, &unknown, receipt).await;
        is_conflict(outcome, "upload_not_found", "no such session");
        let receipt = Self::receipt(&session, 0, "g");
        let second = self.world.second_product;
        let outcome = self
            .repo
            .record_chunk(&later, second, session.id, receipt)
            .await;
        is_conflict(outcome, "upload_not_found", "under another product");
    }

    async fn the_digest_moves_only_forwards(&self) {
        let ctx = self.ours(20);
        let session = self.open(&ctx, 20, 3).await;
        let mut hash = StreamingSha256::new();
        hash.update(b"first");
        let advance = |from: u32, to: u32, replacements: u32| HashAdvance {
            from,
            replacements,
            to,
            state: hash.to_bytes(),
        };
        let receipt = Receipt {
            hash: Some(advance(0, 1, 0)),
            ..Self::receipt(&session, 0, "a")
        };
        let (seen, _) = must(self.chunk(&ctx, &session, receipt).await, "in order");
        assert_eq!((seen.hash.chunks, &seen.hash.state), (1, &hash.to_bytes()));
        let advanced = |it| self.repo.advance_hash(session.organization, session.id, it);
        assert!(
            !must(advanced(advance(1, 2, 0)).await, "too far"),
            "chunk 1 is not there"
        );
        let receipt = Self::receipt(&session, 1, "b");
        must(self.chunk(&ctx, &session, receipt).await, "the next");
        assert!(
            !must(advanced(advance(0, 1, 0)).await, "back"),
            "not backwards"
        );
        assert!(must(advanced(advance(1, 2, 0)).await, "on"), "forwards");
        let receipt = Self::receipt(&session, 0, "c");
        let (seen, _) = must(self.chunk(&ctx, &session, receipt).await, "replaced");
        assert_eq!(seen.hash.chunks, 0, "what was hashed is gone");
        assert!(
            !must(advanced(advance(0, 1, 0)).await, "old"),
            "over bytes that are gone"
        );
        assert!(
            must(advanced(advance(0, 2, 1)).await, "new"),
            "over those that are there"
        );
        assert_eq!(self.find(&session).await.hash.chunks, 2);
    }

    async fn sealing_takes_every_chunk_and_ends_them(&self) {
        let ctx = self.ours(30);
        let session = self.open(&ctx, 30, 2).await;
        let early = self.repo.seal(&ctx, session.product, session.id).await;
        is_conflict(early, "chunks_missing", "sealed without chunks");
        for index in 0..2 {
            let receipt = Self::receipt(&session, index, "a");
            must(self.chunk(&ctx, &session, receipt).await, "a chunk");
        }
        let later = self.ours(31);
        let sealed = self.repo.seal(&later, session.product, session.id).await;
        let sealed = must(sealed, "sealing");
        assert!(sealed.sealed && sealed.expires_at == later.now + LIFETIME);
        let again = self
            .repo
            .seal(&self.ours(32), session.product, session.id)
            .await;
        assert_eq!(
            must(again, "again").expires_at,
            sealed.expires_at,
            "only once"
        );
        let receipt = Self::receipt(&session, 0, "b");
        let outcome = self.chunk(&later, &session, receipt).await;
        is_conflict(outcome, "upload_completing", "after the end");
    }

    async fn an_upload_becomes_one_artifact(&self) {
        let ctx = self.ours(40);
        let session = self.open(&ctx, 40, 1).await;
        let receipt = Self::receipt(&session, 0, "a");
        must(self.chunk(&ctx, &session, receipt).await, "a chunk");
        let unsealed = self.find(&session).await;
        let artifact = Self::artifact(&ctx, &session, 41);
        let change = Self::completing(&ctx, &unsealed, &artifact);
        is_stale(self.repo.commit(change).await, "before it is sealed");
        let sealed = self.repo.seal(&ctx, session.product, session.id).await;
        let sealed = must(sealed, "sealing");
        let change = Self::completing(&ctx, &sealed, &artifact);
        let outcome = self.repo.commit(change).await;
        assert!(matches!(
            must(outcome, "completing"),
            ArtifactWrite::Complete { .. }
        ));
        let twin = Self::artifact(&ctx, &session, 42);
        let change = Self::completing(&ctx, &sealed, &twin);
        is_conflict(
            self.repo.commit(change).await,
            "upload_completed",
            "a second time",
        );
        let found = self
            .repo
            .find_artifact(ctx.organization, session.product, artifact.id)
            .await;
        assert_eq!(
            must(found, "finding"),
            Some(artifact.clone()),
            "as it was written"
        );
        let done = self.find(&session).await;
        assert_eq!(
            (done.status, done.artifact),
            (UploadStatus::Completed, Some(artifact.id))
        );
        assert_eq!((done.completed_at, done.version.get()), (Some(ctx.now), 2));
        let open = self.repo.is_open(ctx.organization, session.id).await;
        assert!(!must(open, "open"));
        let uncleared = must(self.repo.uncleared_uploads(100).await, "uncleared");
        assert!(uncleared.iter().any(|it| it.id == session.id));
        must(
            self.repo.upload_cleared(ctx.organization, session.id).await,
            "cleared",
        );
        let uncleared = must(self.repo.uncleared_uploads(100).await, "uncleared");
        assert!(uncleared.iter().all(|it| it.id != session.id));
    }

    async fn one_artifact_is_current(&self) {
        let (organization, product) = (self.world.organization, self.world.product);
        let first = self.complete(&self.ours(50), 50, true).await;
        let second = self.complete(&self.ours(51), 51, true).await;
        let third = self.complete(&self.ours(52), 52, false).await;
        let page = PageRequest::first(3);
        let listed = self.repo.list_artifacts(organization, product, &page).await;
        let listed = must(listed, "listing");
        let told: Vec<_> = listed
            .items
            .iter()
            .map(|it| (it.id, it.facts.is_current, it.version.get()))
            .collect();
        let expected = [
            (third.id, false, 1),
            (second.id, true, 1),
            (first.id, false, 2),
        ];
        assert_eq!(told, expected);
        assert_eq!(listed.total, 4, "with the one of the test before");
        let more = PageRequest {
            limit: 3,
            paging: match listed.next {
                Some(cursor) => probity_kernel::Paging::After(cursor),
                None => panic!("there is another page"),
            },
        };
        let rest = self.repo.list_artifacts(organization, product, &more).await;
        let rest = must(rest, "the rest");
        assert_eq!((rest.items.len(), rest.next), (1, None));
        let brief = self
            .repo
            .summarize_artifacts(organization, &[product])
            .await;
        let mut brief = must(brief, "summaries");
        let brief = brief.remove(&product).unwrap_or_default();
        assert_eq!(
            (brief.count, brief.current.map(|it| it.id)),
            (4, Some(second.id))
        );
    }

    async fn an_ended_session_takes_nothing(&self) {
        let ctx = self.ours(60);
        let session = self.open(&ctx, 60, 1).await;
        let early = Self::ending(&ctx, &session, UploadStatus::Expired);
        is_stale(self.repo.commit(early).await, "expired before its time");
        let change = Self::ending(&ctx, &session, UploadStatus::Aborted);
        must(self.repo.commit(change).await, "aborting");
        let again = Self::ending(&ctx, &session, UploadStatus::Aborted);
        is_stale(self.repo.commit(again).await, "aborting again");
        let receipt = Self::receipt(&session, 0, "a");
        let outcome = self.chunk(&ctx, &session, receipt).await;
        is_conflict(outcome, "upload_not_found", "a chunk of what was given up");
        let lost = self.open(&ctx, 61, 1).await;
        let late = context(self.world.organization, 60 + 24 * 60);
        let over = must(self.repo.expired_uploads(late.now, 100).await, "expired");
        assert!(over.iter().any(|it| it.id == lost.id));
        assert!(
            over.iter()
                .all(|it| it.status.is_open() && it.expires_at <= late.now)
        );
        let change = Self::ending(&late, &lost, UploadStatus::Expired);
        must(self.repo.commit(change).await, "expiring");
        assert_eq!(self.find(&lost).await.status, UploadStatus::Expired);
    }

    async fn bytes_that_are_there_are_known(&self) {
        let (ctx, product) = (self.ours(75), self.world.product);
        let first = self.complete(&ctx, 75, false).await;
        let with = async |organization, backend, sha256| {
            let found = self.repo.blob_with(organization, backend, sha256).await;
            must(found, "looking for bytes")
        };
        let (organization, theirs) = (ctx.organization, self.world.other_organization);
        let blob = Some(first.blob.clone());
        assert_eq!(with(organization, "memory", first.sha256).await, blob);
        assert_eq!(with(organization, "local", first.sha256).await, None);
        assert_eq!(with(theirs, "memory", first.sha256).await, None);

        let session = self.open(&ctx, 76, 1).await;
        let receipt = Self::receipt(&session, 0, "a");
        must(self.chunk(&ctx, &session, receipt).await, "a chunk");
        let sealed = must(self.repo.seal(&ctx, product, session.id).await, "sealing");
        let mut twin = Self::artifact(&ctx, &sealed, 76);
        (twin.sha256, twin.blob) = (first.sha256, first.blob.clone());
        twin.facts.is_current = false;
        for unaware in [None, Some("blob-other")] {
            let change = Self::completing_with(&ctx, &sealed, &twin, unaware);
            is_stale(self.repo.commit(change).await, "the bytes are elsewhere");
        }
        let Some(deletion) = first.delete(&ctx) else {
            panic!("what is there can be deleted");
        };
        must(self.repo.commit(deletion).await, "deleting");
        let change = Self::completing_with(&ctx, &sealed, &twin, blob.as_deref());
        is_stale(self.repo.commit(change).await, "nobody has them any more");
        let change = Self::completing_with(&ctx, &sealed, &twin, None);
        must(self.repo.commit(change).await, "completing");
        assert_eq!(with(organization, "memory", first.sha256).await, blob);
    }

    async fn deleted_artifacts_are_kept_out_of_sight(&self) {
        let (organization, product) = (self.world.organization, self.world.product);
        let artifact = self.complete(&self.ours(80), 80, true).await;
        let blob = BlobKey {
            organization,
            key: artifact.blob.clone(),
        };
        assert!(must(self.repo.is_referenced(&blob).await, "a blob"));
        let before = must(
            self.repo.used_bytes(organization, artifact.space).await,
            "usage",
        );
        let ctx = self.ours(81);
        let Some(change) = artifact.delete(&ctx) else {
            panic!("what is there can be deleted");
        };
        must(self.repo.commit(change.clone()).await, "deleting");
        is_stale(self.repo.commit(change).await, "deleting again");
        let found = self
            .repo
            .find_artifact(organization, product, artifact.id)
            .await;
        let Some(found) = must(found, "finding") else {
            panic!("the record stays");
        };
        assert_eq!(found.status, ArtifactStatus::Deleted);
        assert!(!found.facts.is_current);
        let page = PageRequest::first(100);
        let listed = self.repo.list_artifacts(organization, product, &page).await;
        assert!(
            must(listed, "listing")
                .items
                .iter()
                .all(|it| it.id != artifact.id)
        );
        let after = must(
            self.repo.used_bytes(organization, artifact.space).await,
            "usage",
        );
        assert_eq!(before - after, artifact.size);
        assert!(!must(self.repo.is_referenced(&blob).await, "a blob"));
        let left = must(self.repo.uncleared_artifacts(100).await, "uncleared");
        assert!(left.iter().any(|it| it.id == artifact.id));
        must(
            self.repo.artifact_cleared(organization, artifact.id).await,
            "cleared",
        );
        let left = must(self.repo.uncleared_artifacts(100).await, "uncleared");
        assert!(left.iter().all(|it| it.id != artifact.id));
    }

    async fn a_signature_is_kept_with_what_proves_it(&self) {
        let (organization, product) = (self.world.organization, self.world.product);
        let artifact = self.complete(&self.ours(85), 85, false).await;
        let proof = async |organization| {
            let found = self.repo.find_proof(organization, product, artifact.id);
            must(found.await, "a proof")
        };
        assert_eq!(proof(organization).await, None);
        let signature = |key: &str| VerifiedSignature {
            key: key.to_owned(),
            subject: "model".to_owned(),
            files: 2,
            proof: SignatureProof {
                bundle: format!("{{\"of\": \"{key}\"}}"),
                public_key: "-----BEGIN PUBLIC KEY-----".to_owned(),
            },
        };
        let mut known = artifact.clone();
        for key in ["aa", "bb"] {
            let Some(change) = known.sign(&self.ours(86), signature(key)) else {
                panic!("what is available can be signed");
            };
            must(self.repo.commit(change.clone()).await, "signing");
            is_stale(self.repo.commit(change).await, "signing again");
            let found = self.repo.find_artifact(organization, product, artifact.id);
            let Some(found) = must(found.await, "finding") else {
                panic!("it is there");
            };
            let kept = found.signature.clone().map(|it| (it.key, it.files));
            assert_eq!(kept, Some((key.to_owned(), 2)));
            assert_eq!(proof(organization).await, Some(signature(key).proof));
            assert_eq!(proof(self.world.other_organization).await, None);
            known = found;
        }
        let Some(change) = known.delete(&self.ours(87)) else {
            panic!("what is there can be deleted");
        };
        must(self.repo.commit(change).await, "deleting");
        let found = self.repo.find_artifact(organization, product, artifact.id);
        let found = must(found.await, "finding");
        assert_eq!(
            found.and_then(|it| it.signature),
            known.signature,
            "it stays"
        );
    }

    async fn damage_is_marked_once(&self) {
        let organization = self.world.organization;
        let artifact = self.complete(&self.ours(90), 90, false).await;
        let (ctx, later) = (self.ours(91), self.ours(92));
        let due = must(self.repo.unverified_artifacts(later.now, 100).await, "due");
        assert!(due.iter().any(|it| it.id == artifact.id));
        assert!(
            due.is_sorted_by_key(|it| it.verified_at),
            "the longest ago first"
        );
        let verified = self
            .repo
            .artifact_verified(organization, artifact.id, later.now)
            .await;
        must(verified, "verified");
        let due = must(self.repo.unverified_artifacts(later.now, 100).await, "due");
        assert!(due.iter().all(|it| it.id != artifact.id));
        let Some(change) = artifact.fail(&ctx, DamageReason::Altered) else {
            panic!("what is available can fail");
        };
        must(self.repo.commit(change.clone()).await, "failing");
        is_stale(self.repo.commit(change).await, "failing again");
        let due = self
            .repo
            .unverified_artifacts(self.ours(999).now, 100)
            .await;
        let due = must(due, "due");
        assert!(
            due.iter().all(|it| it.id != artifact.id),
            "failed is failed"
        );
    }

    async fn organizations_do_not_see_each_other(&self) {
        let (ours, theirs) = (self.world.organization, self.world.other_organization);
        let product = self.world.product;
        let artifact = self.complete(&self.ours(100), 100, true).await;
        let session = self.open(&self.ours(101), 101, 1).await;
        let found = self.repo.find_upload(theirs, product, session.id).await;
        assert_eq!(must(found, "finding"), None);
        let found = self.repo.find_upload_at(theirs, product, session.id, 0);
        assert_eq!(must(found.await, "finding"), None);
        let found = self.repo.find_artifact(theirs, product, artifact.id).await;
        assert_eq!(must(found, "finding"), None);
        let page = PageRequest::first(9);
        let listed = self.repo.list_artifacts(theirs, product, &page).await;
        assert_eq!(must(listed, "listing").total, 0);
        let brief = self.repo.summarize_artifacts(theirs, &[product]).await;
        assert!(must(brief, "summaries").is_empty());
        let used = self.repo.used_bytes(theirs, self.world.space).await;
        assert_eq!(must(used, "usage"), 0);
        let blob = BlobKey {
            organization: theirs,
            key: artifact.blob.clone(),
        };
        assert!(!must(self.repo.is_referenced(&blob).await, "a blob"));
        let foreign = context(theirs, 102);
        let receipt = Self::receipt(&session, 0, "a");
        let outcome = self.chunk(&foreign, &session, receipt).await;
        is_conflict(outcome, "product", "a chunk from outside");
        let change = Self::ending(&foreign, &session, UploadStatus::Aborted);
        assert!(
            self.repo.commit(change).await.is_err(),
            "ended from outside"
        );
        let found = self.repo.find_upload(ours, product, session.id).await;
        assert_eq!(must(found, "finding"), Some(session), "as it was");
    }
}
