use std::sync::Arc;

use bytes::Bytes;
use probity_kernel::{
    Actor, Context, DomainError as _, DomainEvent as _, ErrorKind, IdempotencyClaim,
    OrganizationId, ProductId, SequentialIds, SpaceId,
};
use proptest::prelude::*;
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::digest::Sha256Digest;
use crate::memory::InMemoryArtifacts;
use crate::memory_blobs::InMemoryBlobs;
use crate::new_upload::UploadInput;
use crate::refusal::UploadRefusal;
use crate::vocabulary::Layout;

type Service = ArtifactService<InMemoryArtifacts, InMemoryBlobs, SequentialIds>;

const CHUNK: u64 = 16;

struct Bench {
    service: Service,
    ctx: Context,
    product: ProductId,
    space: SpaceId,
}

impl Bench {
    fn new(blobs: InMemoryBlobs, quota: Option<u64>) -> Self {
        let organization = OrganizationId::new(Uuid::from_u128(1));
        let product = ProductId::new(Uuid::from_u128(2));
        let repository = InMemoryArtifacts::default();
        repository.add_product(organization, product, false);
        let policy = Policy {
            chunk_size: CHUNK,
            space_quota: quota,
        };
        let service = ArtifactService::new(repository, blobs, SequentialIds::default(), policy);
        let now = datetime!(2026-03-13 09:00 UTC);
        let ctx = Context::new(organization, Actor::System("test"), now);
        let space = SpaceId::new(Uuid::from_u128(3));
        Self {
            service,
            ctx,
            product,
            space,
        }
    }

    fn at(&self, after: Duration) -> Context {
        Context {
            now: self.ctx.now + after,
            ..self.ctx.clone()
        }
    }

    fn new_upload(bytes: &[u8], sha256: Option<Sha256Digest>) -> NewUpload {
        NewUpload::parse(UploadInput {
            file_name: Some("model.bin".to_owned()),
            content_type: Some("application/octet-stream".to_owned()),
            total_size_bytes: Some(i64::try_from(bytes.len()).unwrap()),
            sha256: sha256.map(|digest| digest.to_string()),
            is_current: Some(true),
            ..UploadInput::default()
        })
        .unwrap()
    }

    async fn open(&self, bytes: &[u8], sha256: Option<Sha256Digest>) -> UploadSession {
        let new = Self::new_upload(bytes, sha256);
        let opened = self
            .service
            .initiate(&self.ctx, self.product, self.space, new)
            .await;
        opened.unwrap()
    }

    async fn put(
        &self,
        session: &UploadSession,
        index: u32,
        part: &[u8],
    ) -> Result<UploadSession, ArtifactError> {
        let opened =
            self.service
                .open_chunk(&self.ctx, self.product, session.id, index, None, None);
        let mut chunk = opened.await?;
        for piece in part.chunks(5) {
            chunk.write(Bytes::copy_from_slice(piece)).await?;
        }
        chunk.finish(&self.ctx).await
    }

    async fn send(&self, session: &UploadSession, bytes: &[u8], order: &[u32]) {
        for index in order {
            let from = usize::try_from(u64::from(*index) * session.chunk_size).unwrap();
            let chunk = usize::try_from(session.chunk_size).unwrap();
            let part = &bytes[from..bytes.len().min(from + chunk)];
            self.put(session, *index, part).await.unwrap();
        }
    }

    async fn complete(&self, session: &UploadSession) -> Result<Artifact, ArtifactError> {
        let asked = Completion::default();
        self.service
            .complete(&self.ctx, self.product, session.id, asked)
            .await
    }
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| u8::try_from(at * 7 % 251).unwrap())
        .collect()
}

fn stores() -> [InMemoryBlobs; 2] {
    [InMemoryBlobs::default(), InMemoryBlobs::by_upload()]
}

/// Chunk sizes are whole MiB on a server; here they are small, so plans are made for few bytes.
fn small(session: &UploadSession) {
    assert_eq!(session.chunk_size, CHUNK);
}

#[tokio::test]
async fn an_upload_in_any_order_becomes_the_same_artifact() {
    let sent = bytes(100);
    let digest = Sha256Digest::of(&sent);
    for blobs in stores() {
        for order in [
            [0, 1, 2, 3, 4, 5, 6],
            [6, 5, 4, 3, 2, 1, 0],
            [3, 0, 6, 1, 5, 2, 4],
        ] {
            let bench = Bench::new(blobs.clone(), None);
            let session = bench.open(&sent, Some(digest)).await;
            small(&session);
            bench.send(&session, &sent, &order).await;
            let artifact = bench.complete(&session).await.unwrap();
            assert_eq!((artifact.sha256, artifact.size), (digest, 100));
            assert!(artifact.facts.is_current);
            let again = bench.complete(&session).await.unwrap();
            assert_eq!(again, artifact, "completed twice");
            let events = bench.service.repository().events();
            let names: Vec<_> = events.iter().map(ArtifactEvent::name).collect();
            assert_eq!(names, ["artifact.upload.initiated", "artifact.available"]);
            assert_eq!(events[1].publications()[0].event_type, "artifact.available");
        }
    }
}

#[tokio::test]
async fn a_completion_that_ended_behind_the_blob_can_be_repeated() {
    for blobs in stores() {
        let bench = Bench::new(blobs, None);
        let bytes = bytes(60);
        // The last chunk first: the digest is not computed as they arrive.
        let session = bench.open(&bytes, None).await;
        bench.send(&session, &bytes, &[3, 2, 1, 0]).await;
        let (service, ctx) = (&bench.service, &bench.ctx);
        let sealed = service
            .repository()
            .seal(ctx, bench.product, session.id)
            .await
            .unwrap();
        let digest = service.digest_of_chunks(&sealed).await.unwrap();
        service.assemble(&sealed, digest).await.unwrap();
        // Here the process ended: there is a blob, and no row that names it.
        let artifact = bench.complete(&session).await.unwrap();
        assert_eq!(artifact.sha256, Sha256Digest::of(&bytes));
        assert_eq!(artifact.size, 60);
    }
}

#[tokio::test]
async fn in_order_chunks_are_hashed_as_they_arrive() {
    let bench = Bench::new(InMemoryBlobs::default(), None);
    let sent = bytes(100);
    let session = bench.open(&sent, None).await;
    bench.send(&session, &sent, &[0, 1, 2]).await;
    bench.send(&session, &sent, &[4, 5]).await;
    let find = || {
        bench.service.upload(
            bench.ctx.organization,
            bench.product,
            session.id,
            bench.ctx.now,
        )
    };
    assert_eq!(find().await.unwrap().hash.chunks, 3);
    bench.send(&session, &sent, &[3]).await;
    assert_eq!(
        find().await.unwrap().hash.chunks,
        4,
        "5 and 6 were not in order"
    );
    let caught = bench
        .service
        .catch_up(bench.ctx.organization, bench.product, session.id);
    assert_eq!(caught.await.unwrap(), 2);
    bench.send(&session, &sent, &[6]).await;
    assert!(find().await.unwrap().is_hashed());
}

#[tokio::test]
async fn missing_chunks_are_told_and_nothing_changes() {
    let bench = Bench::new(InMemoryBlobs::default(), None);
    let sent = bytes(100);
    let session = bench.open(&sent, None).await;
    bench.send(&session, &sent, &[1, 5]).await;
    let refused = bench.complete(&session).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.code()),
        (ErrorKind::Conflict, "chunks_missing")
    );
    let told = serde_json::Value::Object(refused.extensions());
    let expected = serde_json::json!({"missing_chunks": 5, "missing_ranges": [
        {"first": 0, "last": 0}, {"first": 2, "last": 4}, {"first": 6, "last": 6}]});
    assert_eq!(told, expected);
    bench.send(&session, &sent, &[0, 2, 3, 4, 6]).await;
    assert_eq!(
        bench.complete(&session).await.unwrap().sha256,
        Sha256Digest::of(&sent)
    );
}

#[tokio::test]
async fn one_flipped_bit_in_each_of_a_thousand_uploads_is_refused() {
    let sent = bytes(100);
    let digest = Sha256Digest::of(&sent);
    for blobs in stores() {
        let bench = Bench::new(blobs.clone(), None);
        for bit in 0..800 {
            let mut flipped = sent.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let session = bench.open(&sent, Some(digest)).await;
            let order: &[u32] = if bit % 2 == 0 {
                &[0, 1, 2, 3, 4, 5, 6]
            } else {
                &[6, 2, 0, 1, 3, 5, 4]
            };
            bench.send(&session, &flipped, order).await;
            let refused = bench.complete(&session).await.unwrap_err();
            assert!(
                matches!(refused, ArtifactError::DigestMismatch),
                "{refused:?}"
            );
            let again = bench.complete(&session).await.unwrap_err();
            assert!(
                matches!(again, ArtifactError::Upload(UploadRefusal::Failed)),
                "{again:?}"
            );
            let chunk = bench.put(&session, 0, &sent[..16]).await.unwrap_err();
            assert!(
                matches!(chunk, ArtifactError::Upload(UploadRefusal::Failed)),
                "{chunk:?}"
            );
        }
        assert_eq!(
            (blobs.chunks(), blobs.blobs()),
            (0, 0),
            "bytes of what failed are gone"
        );
        let page = PageRequest::first(1);
        let listed = bench
            .service
            .list(bench.ctx.organization, bench.product, &page)
            .await;
        assert_eq!(listed.unwrap().total, 0);
    }
}

#[tokio::test]
async fn digests_that_differ_fail_the_upload() {
    let bench = Bench::new(InMemoryBlobs::default(), None);
    let sent = bytes(20);
    let session = bench.open(&sent, Some(Sha256Digest::of(&sent))).await;
    bench.send(&session, &sent, &[0, 1]).await;
    let asked = Completion {
        sha256: Some(Sha256Digest::of(b"other")),
        is_current: None,
    };
    let complete = |asked| {
        bench
            .service
            .complete(&bench.ctx, bench.product, session.id, asked)
    };
    let refused = complete(asked).await.unwrap_err();
    assert!(matches!(refused, ArtifactError::DigestMismatch));
    let refused = complete(Completion::default()).await.unwrap_err();
    assert_eq!(refused.code(), "upload_failed");
}

#[tokio::test]
async fn a_completed_upload_stays_so_whatever_digest_is_asked_for() {
    let bench = Bench::new(InMemoryBlobs::default(), None);
    let sent = bytes(20);
    let session = bench.open(&sent, None).await;
    bench.send(&session, &sent, &[0, 1]).await;
    let made = bench.complete(&session).await.unwrap();
    let asked = Completion {
        sha256: Some(Sha256Digest::of(b"other")),
        is_current: None,
    };
    let refused = bench
        .service
        .complete(&bench.ctx, bench.product, session.id, asked);
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, ArtifactError::CompletedOtherwise));
    assert_eq!(refused.code(), "digest_mismatch");
    assert!(!refused.to_string().contains("failed"), "{refused}");
    assert_eq!(bench.complete(&session).await.unwrap().id, made.id);
}

#[tokio::test]
async fn sizes_have_to_fit() {
    let bench = Bench::new(InMemoryBlobs::default(), None);
    let sent = bytes(20);
    let session = bench.open(&sent, None).await;
    for (index, part, code) in [
        (0, &sent[..15], "wrong_chunk_size"),
        (0, &sent[..17], "chunk_too_long"),
        (1, &sent[16..19], "wrong_chunk_size"),
        (1, &sent[..5], "chunk_too_long"),
        (1, &[][..], "wrong_chunk_size"),
        (2, &sent[..1], "no_such_chunk"),
    ] {
        let refused = bench.put(&session, index, part).await.unwrap_err();
        assert_eq!(
            refused.code(),
            code,
            "chunk {index} of {} bytes",
            part.len()
        );
    }
    assert_eq!(bench.service.blobs().chunks(), 0);
    let declared = |size| {
        bench
            .service
            .open_chunk(&bench.ctx, bench.product, session.id, 0, Some(size), None)
    };
    assert_eq!(declared(17).await.err().unwrap().code(), "chunk_too_long");
    assert_eq!(declared(15).await.err().unwrap().code(), "wrong_chunk_size");
    assert!(declared(16).await.is_ok());
}

#[tokio::test]
async fn a_chunk_has_to_have_the_digest_that_was_sent_with_it() {
    let bench = Bench::new(InMemoryBlobs::default(), None);
    let sent = bytes(16);
    let session = bench.open(&sent, None).await;
    for (digest, code) in [
        (Sha256Digest::of(b"other"), Some("chunk_digest_mismatch")),
        (Sha256Digest::of(&sent), None),
    ] {
        let open =
            bench
                .service
                .open_chunk(&bench.ctx, bench.product, session.id, 0, None, Some(digest));
        let mut chunk = open.await.unwrap();
        chunk.write(Bytes::copy_from_slice(&sent)).await.unwrap();
        let finished = chunk.finish(&bench.ctx).await;
        assert_eq!(finished.err().map(|error| error.code()), code);
    }
    assert_eq!(
        bench.service.blobs().chunks(),
        1,
        "the refused one is released"
    );
}

#[tokio::test]
async fn a_quota_holds_open_sessions_too() {
    let bench = Bench::new(InMemoryBlobs::default(), Some(50));
    let sent = bytes(20);
    let first = bench.open(&sent, None).await;
    bench.open(&sent, None).await;
    let initiate = || {
        let new = Bench::new_upload(&sent, None);
        bench
            .service
            .initiate(&bench.ctx, bench.product, bench.space, new)
    };
    let refused = initiate().await.unwrap_err();
    assert!(
        matches!(
            refused,
            ArtifactError::QuotaExceeded {
                asked: 20,
                held: 40,
                quota: 50
            }
        ),
        "{refused:?}"
    );
    bench
        .service
        .abort(&bench.ctx, bench.product, first.id)
        .await
        .unwrap();
    initiate().await.unwrap();
}

#[tokio::test]
async fn a_claim_opens_one_session_even_when_the_space_is_full_by_then() {
    let bench = Bench::new(InMemoryBlobs::default(), Some(30));
    let claim = IdempotencyClaim {
        scope: "key".to_owned(),
        key: "once".to_owned(),
        fingerprint: [3; 32],
    };
    let ctx = bench.ctx.clone().with_idempotency(Some(claim));
    let sent = bytes(20);
    let initiate = || {
        let new = Bench::new_upload(&sent, None);
        bench
            .service
            .initiate(&ctx, bench.product, bench.space, new)
    };
    let first = initiate().await.unwrap();
    assert_eq!(initiate().await.unwrap(), first);
}

#[tokio::test]
async fn an_aborted_upload_does_not_exist() {
    let bench = Bench::new(InMemoryBlobs::default(), None);
    let sent = bytes(20);
    let session = bench.open(&sent, None).await;
    bench.send(&session, &sent, &[0]).await;
    bench
        .service
        .abort(&bench.ctx, bench.product, session.id)
        .await
        .unwrap();
    assert_eq!(bench.service.blobs().chunks(), 0);
    let code = |error: ArtifactError| error.code();
    let again = bench
        .service
        .abort(&bench.ctx, bench.product, session.id)
        .await;
    assert_eq!(again.map_err(code), Err("upload_not_found"));
    assert_eq!(
        bench
            .put(&session, 0, &sent[..16])
            .await
            .map_err(code)
            .err(),
        Some("upload_not_found")
    );
    assert_eq!(
        bench.complete(&session).await.map_err(code).err(),
        Some("upload_not_found")
    );
}

#[tokio::test]
async fn a_full_store_leaves_the_session_as_it_was() {
    let bench = Bench::new(InMemoryBlobs::default(), None);
    let sent = bytes(20);
    let session = bench.open(&sent, None).await;
    bench.send(&session, &sent, &[0]).await;
    let blobs = bench.service.blobs();
    blobs.set_full(true);
    let refused = bench.put(&session, 1, &sent[16..]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InsufficientStorage);
    blobs.set_full(false);
    bench.send(&session, &sent, &[1]).await;
    blobs.set_full(true);
    let refused = bench.complete(&session).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InsufficientStorage);
    blobs.set_full(false);
    assert_eq!(
        bench.complete(&session).await.unwrap().sha256,
        Sha256Digest::of(&sent)
    );
}

#[tokio::test]
async fn sweeping_clears_what_nobody_needs() {
    for blobs in stores() {
        let bench = Bench::new(blobs, None);
        let sent = bytes(20);
        let lost = bench.open(&sent, None).await;
        bench.send(&lost, &sent, &[0]).await;
        let mut artifacts = Vec::new();
        for _ in 0..2 {
            let done = bench.open(&sent, None).await;
            bench.send(&done, &sent, &[0, 1]).await;
            artifacts.push(bench.complete(&done).await.unwrap());
        }
        let blobs = bench.service.blobs();
        let kept = blobs.blobs();
        bench
            .service
            .delete(&bench.ctx, bench.product, artifacts[0].id)
            .await
            .unwrap();
        let late = bench.at(Duration::hours(24));
        let swept = bench.service.sweep(late.now).await.unwrap();
        let expected = Swept {
            expired: 1,
            uploads: 3,
            artifacts: 1,
            orphans: 0,
            failures: 0,
        };
        assert_eq!(swept, expected);
        assert_eq!(blobs.chunks(), 0);
        // The second artifact still has the bytes of the first.
        assert_eq!((kept, blobs.blobs()), (1, 1));
        bench
            .service
            .delete(&late, bench.product, artifacts[1].id)
            .await
            .unwrap();
        let repository = bench.service.repository();
        repository.set_copying(true);
        bench.service.sweep(late.now).await.unwrap();
        bench.service.sweep_orphans(late.now).await.unwrap();
        assert_eq!(blobs.blobs(), 1, "somebody copies it");
        repository.set_copying(false);
        bench.service.sweep(late.now).await.unwrap();
        assert_eq!(blobs.blobs(), 0);
        assert_eq!(
            bench.service.sweep(late.now).await.unwrap(),
            Swept::default()
        );
        let gone = bench
            .service
            .upload(late.organization, bench.product, lost.id, late.now);
        assert_eq!(gone.await.unwrap().status, UploadStatus::Expired);
    }
}

#[tokio::test]
async fn the_scrubber_tells_what_changed_and_what_is_gone() {
    let bench = Bench::new(InMemoryBlobs::default(), None);
    let mut artifacts = Vec::new();
    for size in [20, 21, 22] {
        let sent = bytes(size);
        let session = bench.open(&sent, None).await;
        bench.send(&session, &sent, &[0, 1]).await;
        artifacts.push(bench.complete(&session).await.unwrap());
    }
    let blobs = bench.service.blobs();
    let mut other = bytes(20);
    other[7] ^= 1;
    blobs.damage(&blob_of(&artifacts[0]), Some(other.into()));
    blobs.damage(&blob_of(&artifacts[1]), None);
    let later = bench.at(Duration::days(8)).now;
    let (read, failed) = bench.service.scrub(later, later, 10).await.unwrap();
    assert_eq!((read, failed.len()), (3, 2));
    let (read, failed) = bench.service.scrub(later, later, 10).await.unwrap();
    assert_eq!(
        (read, failed.len()),
        (0, 0),
        "told once, and the sound one is verified"
    );
    let events = bench.service.repository().events();
    let told: Vec<_> = events
        .iter()
        .filter(|event| event.name() == "artifact.failed")
        .map(|event| event.detail()["reason"].clone())
        .collect();
    assert!(
        told.len() == 2 && told.contains(&"altered".into()) && told.contains(&"missing".into())
    );
    for (artifact, found) in artifacts.iter().zip([false, false, true]) {
        let located = bench
            .service
            .locate(bench.ctx.organization, bench.product, artifact.id);
        assert_eq!(located.await.is_ok(), found);
    }
}

#[tokio::test]
async fn sixty_four_completions_at_once_make_one_artifact() {
    for blobs in stores() {
        let bench = Arc::new(Bench::new(blobs, None));
        let sent = bytes(100);
        let session = bench.open(&sent, None).await;
        bench.send(&session, &sent, &[6, 5, 4, 3, 2, 1, 0]).await;
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (bench, session) = (bench.clone(), session.clone());
                tokio::spawn(async move { bench.complete(&session).await.unwrap() })
            })
            .collect();
        let mut ids = std::collections::BTreeSet::new();
        for task in tasks {
            ids.insert(task.await.unwrap().id);
        }
        assert_eq!(ids.len(), 1);
    }
}

#[tokio::test]
async fn pieces_may_have_any_size() {
    for blobs in stores() {
        let bench = Bench::new(blobs, None);
        let sent = bytes(40);
        let new = Bench::new_upload(&sent, None).appended();
        let opened = bench
            .service
            .initiate(&bench.ctx, bench.product, bench.space, new);
        let session = opened.await.unwrap();
        assert_eq!(session.layout, Layout::Appended);
        let mut offset = 0;
        for size in [1, 5, 16, 3, 15] {
            let open = bench.service.open_piece(
                &bench.ctx,
                bench.product,
                session.id,
                u64::try_from(offset).unwrap(),
                100,
                None,
            );
            let mut piece = open.await.unwrap();
            piece
                .write(Bytes::copy_from_slice(&sent[offset..offset + size]))
                .await
                .unwrap();
            piece.finish(&bench.ctx).await.unwrap();
            offset += size;
        }
        let stale = bench
            .service
            .open_piece(&bench.ctx, bench.product, session.id, 3, 1, None);
        assert_eq!(stale.await.err().unwrap().code(), "offset_mismatch");
        let artifact = bench.complete(&session).await.unwrap();
        assert_eq!(artifact.sha256, Sha256Digest::of(&sent));
    }
}

#[tokio::test]
async fn the_memory_keeps_both_contracts() {
    let repository = InMemoryArtifacts::default();
    let world = crate::testing::World {
        organization: OrganizationId::new(Uuid::from_u128(11)),
        space: SpaceId::new(Uuid::from_u128(12)),
        product: ProductId::new(Uuid::from_u128(13)),
        version: probity_kernel::ProductVersionId::new(Uuid::from_u128(14)),
        run: probity_kernel::TrainingRunId::new(Uuid::from_u128(15)),
        second_product: ProductId::new(Uuid::from_u128(16)),
        archived_product: ProductId::new(Uuid::from_u128(17)),
        other_organization: OrganizationId::new(Uuid::from_u128(18)),
        other_product: ProductId::new(Uuid::from_u128(19)),
    };
    for (product, archived) in [
        (world.product, false),
        (world.second_product, false),
        (world.archived_product, true),
    ] {
        repository.add_product(world.organization, product, archived);
    }
    repository.add_product(world.other_organization, world.other_product, false);
    repository.add_version(world.product, world.version);
    repository.add_run(world.product, world.run);
    crate::testing::repository_contract(&repository, &world).await;
    for blobs in stores() {
        crate::testing::blob_contract(&blobs, 70_000).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn clients_in_any_order_with_repetitions_end_in_the_same_artifact(
        size in 1..150_usize,
        order in Just((0..10_u32).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec(0..10_u32, 0..6),
        by_upload: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let blobs = if by_upload { InMemoryBlobs::by_upload() } else { InMemoryBlobs::default() };
            let bench = Bench::new(blobs, None);
            let sent = bytes(size);
            let session = bench.open(&sent, Some(Sha256Digest::of(&sent))).await;
            let count = session.plan().count();
            let order: Vec<u32> = again.iter().chain(&order).chain(&again).copied()
                .filter(|index| *index < count).collect();
            bench.send(&session, &sent, &order).await;
            let artifact = bench.complete(&session).await.unwrap();
            assert_eq!(artifact.sha256, Sha256Digest::of(&sent));
        });
    }
}
