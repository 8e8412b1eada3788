//! The contract of blob stores.

use std::fmt::Debug;

use bytes::Bytes;
use probity_kernel::{OrganizationId, UploadSessionId};
use time::macros::datetime;
use uuid::Uuid;

use crate::blob::{
    BlobError, BlobKey, BlobReader, BlobStore, ChunkSink as _, ChunkWrite, HoldOn, Landed,
    StagedUpload, UploadPlace,
};
use crate::digest::{Sha256Digest, StreamingSha256, Tally};
use crate::plan::ChunkPlan;
use crate::session::Chunk;

/// Runs the whole contract, with chunks of `chunk` bytes.
///
/// # Panics
/// When the store breaks the contract; the message says where.
pub async fn blob_contract<B: BlobStore>(store: &B, chunk: u64) {
    let run = Run { store, chunk };
    run.chunks_become_a_blob(1, &[2, 0, 1]).await;
    run.an_empty_upload_becomes_an_empty_blob().await;
    run.a_chunk_is_replaced_and_neither_is_a_mixture().await;
    run.what_is_not_finished_is_not_there().await;
    run.assembling_again_changes_nothing().await;
    run.what_is_discarded_is_gone().await;
    run.the_same_bytes_and_removal().await;
    run.an_upload_is_listed_until_it_is_discarded().await;
    run.one_holds_at_a_time().await;
    must(store.ready().await, "ready");
}

struct Run<'a, B> {
    store: &'a B,
    chunk: u64,
}

fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

fn organization() -> OrganizationId {
    OrganizationId::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0b0b_0000))
}

/// Bytes that differ everywhere and with every seed.
fn pattern(seed: u8, size: u64) -> Bytes {
    let mut state = u32::from(seed).wrapping_mul(2_654_435_761).wrapping_add(1);
    (0..size)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes().first().copied().unwrap_or_default()
        })
        .collect::<Vec<u8>>()
        .into()
}

async fn drain<R: BlobReader>(mut reader: R) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = must(reader.next().await, "a piece") {
        assert!(!piece.is_empty(), "no piece is empty");
        bytes.extend_from_slice(&piece);
    }
    bytes
}

impl<B: BlobStore> Run<'_, B> {
    async fn open(&self, seed: u8, total_size: u64) -> UploadPlace {
        let mut place = UploadPlace {
            organization: organization(),
            upload: UploadSessionId::new(Uuid::from_u128(
                0x0190_0000_0000_7000_8000_0000_b10b_0000 + u128::from(seed),
            )),
            total_size,
            staging: None,
        };
        place.staging = must(self.store.open(&place).await, "opening");
        place
    }

    fn cut(&self, place: &UploadPlace, bytes: &Bytes, index: u32) -> (ChunkWrite, Bytes) {
        let plan = ChunkPlan::new(place.total_size, self.chunk);
        let Some(span) = plan.span(index) else {
            panic!("no chunk {index}");
        };
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        let write = ChunkWrite {
            span,
            known: None,
            is_last: span.end() == place.total_size,
            tally: Tally::default(),
        };
        (write, bytes.slice(at(span.offset)..at(span.end())))
    }

    async fn put(&self, place: &UploadPlace, write: ChunkWrite, bytes: &Bytes) -> Landed {
        let mut sink = must(self.store.write_chunk(place, write).await, "a sink");
        for piece in bytes.chunks(100_000) {
            must(sink.write(Bytes::copy_from_slice(piece)).await, "writing");
        }
        must(sink.finish().await, "finishing")
    }

    /// Every chunk of an upload, sent in the order of its index.
    async fn send(&self, place: &UploadPlace, bytes: &Bytes) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for index in 0..ChunkPlan::new(place.total_size, self.chunk).count() {
            let (write, part) = self.cut(place, bytes, index);
            let span = write.span;
            let location = self.put(place, write, &part).await.location;
            chunks.push(Chunk { span, location });
        }
        chunks
    }

    /// The digest as a store is given it.
    fn digest(&self, bytes: &Bytes) -> Option<Sha256Digest> {
        self.store.reads_chunks().then(|| Sha256Digest::of(bytes))
    }

    async fn assemble(&self, place: &UploadPlace, chunks: &[Chunk], bytes: &Bytes) -> BlobKey {
        let made = self.store.assemble(place, chunks, self.digest(bytes)).await;
        must(made, "assembling")
    }

    async fn check(&self, blob: &BlobKey, bytes: &Bytes, what: &str) {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        assert_eq!(
            must(self.store.size(blob).await, "size"),
            Some(size),
            "{what}"
        );
        let read = drain(must(self.store.read(blob, 0..size).await, "reading")).await;
        assert!(read == *bytes, "{what}: other bytes came back");
    }

    async fn chunks_become_a_blob(&self, seed: u8, order: &[u32]) {
        let total = 2 * self.chunk + 77;
        let (bytes, place) = (pattern(seed, total), self.open(seed, total).await);
        let mut chunks = Vec::new();
        for index in order {
            let (mut write, part) = self.cut(&place, &bytes, *index);
            write.tally.chunk = Some(StreamingSha256::new());
            let span = write.span;
            let landed = self.put(&place, write, &part).await;
            let found = landed.tally.chunk.map(StreamingSha256::finish);
            assert_eq!(found, Some(Sha256Digest::of(&part)), "hashed in passing");
            assert_eq!(landed.same_as, None);
            let chunk = Chunk {
                span,
                location: landed.location,
            };
            if self.store.reads_chunks() {
                let read = self.store.read_chunk(&place, &chunk).await;
                assert!(drain(must(read, "reading a chunk")).await == part);
            }
            chunks.push(chunk);
        }
        chunks.sort_by_key(|chunk| chunk.span.index);
        let blob = self.assemble(&place, &chunks, &bytes).await;
        self.check(&blob, &bytes, "assembled").await;
        let range = self.chunk - 3..self.chunk + 4;
        let read = drain(must(self.store.read(&blob, range).await, "a range")).await;
        let from = usize::try_from(self.chunk).unwrap_or_default() - 3;
        assert_eq!(read, bytes.slice(from..from + 7));
        assert!(!self.store.uri(&blob).is_empty());
    }

    async fn an_empty_upload_becomes_an_empty_blob(&self) {
        let (place, bytes) = (self.open(2, 0).await, Bytes::new());
        let blob = self.assemble(&place, &[], &bytes).await;
        self.check(&blob, &bytes, "empty").await;
    }

    async fn a_chunk_is_replaced_and_neither_is_a_mixture(&self) {
        let total = self.chunk + 5;
        let (old, new) = (pattern(3, total), pattern(33, total));
        let place = self.open(3, total).await;
        let mut chunks = self.send(&place, &old).await;
        let known = |chunks: &[Chunk]| chunks.first().map(|chunk| chunk.location.clone());

        let (mut write, part) = self.cut(&place, &old, 0);
        write.known = known(&chunks);
        let same = self.put(&place, write, &part).await;
        if self.store.reads_chunks() {
            assert_eq!(
                same.same_as,
                known(&chunks),
                "the same bytes are seen to be the same"
            );
            self.store.release(&place, &same.location).await;
        }
        let (mut write, part) = self.cut(&place, &new, 0);
        write.known = known(&chunks);
        let other = self.put(&place, write, &part).await;
        assert_eq!(other.same_as, None, "other bytes are other bytes");
        if let Some(chunk) = chunks.first_mut() {
            if self.store.reads_chunks() {
                let read = must(self.store.read_chunk(&place, chunk).await, "the old one");
                let (_, before) = self.cut(&place, &old, 0);
                assert!(
                    drain(read).await == before,
                    "it stays as long as it is counted"
                );
            }
            chunk.location = other.location;
        }
        let (_, tail) = self.cut(&place, &old, 1);
        let mixed: Bytes = [part, tail].concat().into();
        let blob = self.assemble(&place, &chunks, &mixed).await;
        self.check(&blob, &mixed, "replaced").await;
    }

    async fn what_is_not_finished_is_not_there(&self) {
        let total = self.chunk + 9;
        let (bytes, place) = (pattern(4, total), self.open(4, total).await);
        let (write, part) = self.cut(&place, &bytes, 0);
        let mut cut_off = must(self.store.write_chunk(&place, write).await, "a sink");
        must(cut_off.write(part.slice(..part.len() / 2)).await, "writing");
        // Somebody else sends the chunk whole while the first is still at it.
        let chunks = self.send(&place, &bytes).await;
        let written = cut_off.write(pattern(44, 1000)).await;
        assert!(
            matches!(written, Ok(()) | Err(BlobError::Closed)),
            "{written:?}"
        );
        drop(cut_off);
        let blob = self.assemble(&place, &chunks, &bytes).await;
        self.check(&blob, &bytes, "beside one that broke off").await;
    }

    async fn assembling_again_changes_nothing(&self) {
        let total = 2 * self.chunk;
        let (bytes, place) = (pattern(5, total), self.open(5, total).await);
        let chunks = self.send(&place, &bytes).await;
        let first = self.assemble(&place, &chunks, &bytes).await;
        let again = self.assemble(&place, &chunks, &bytes).await;
        assert_eq!(first, again);
        must(self.store.discard(&place).await, "discarding");
        self.check(&first, &bytes, "assembled twice and discarded")
            .await;
    }

    async fn what_is_discarded_is_gone(&self) {
        let total = self.chunk;
        let (bytes, place) = (pattern(6, total), self.open(6, total).await);
        let chunks = self.send(&place, &bytes).await;
        must(self.store.discard(&place).await, "discarding");
        must(self.store.discard(&place).await, "discarding again");
        let made = self
            .store
            .assemble(&place, &chunks, self.digest(&bytes))
            .await;
        assert!(matches!(made, Err(BlobError::NotFound)), "{made:?}");
    }

    async fn the_same_bytes_and_removal(&self) {
        let total = self.chunk;
        let bytes = pattern(7, total);
        let mut blobs = Vec::new();
        for seed in [7, 8] {
            let place = self.open(seed, total).await;
            let chunks = self.send(&place, &bytes).await;
            blobs.push(self.assemble(&place, &chunks, &bytes).await);
            must(self.store.discard(&place).await, "discarding");
        }
        for blob in &blobs {
            self.check(blob, &bytes, "the same bytes twice").await;
        }
        let future = datetime!(2100-01-01 00:00 UTC);
        let listed = must(self.store.list(future, None, 1000).await, "listing");
        for blob in &blobs {
            assert!(
                listed.iter().any(|it| it.key == *blob),
                "{blob} is not listed"
            );
        }
        let behind = listed.last().map(|it| it.key.clone());
        let rest = self.store.list(future, behind.as_ref(), 1000).await;
        assert_eq!(must(rest, "listing"), [], "nothing behind the last");
        for blob in &blobs {
            must(self.store.remove(blob).await, "removing");
            must(self.store.remove(blob).await, "removing again");
            assert_eq!(must(self.store.size(blob).await, "size"), None);
            let read = self.store.read(blob, 0..1).await;
            assert!(
                matches!(read, Err(BlobError::NotFound)),
                "read after removal"
            );
        }
    }

    async fn an_upload_is_listed_until_it_is_discarded(&self) {
        let (organization, total) = (organization(), self.chunk);
        let listed = async |what: &str| {
            let future = datetime!(2100-01-01 00:00 UTC);
            let listed = self.store.list_staged(future, None, 1000).await;
            must(listed, what)
        };
        let (bytes, place) = (pattern(9, total), self.open(9, total).await);
        self.send(&place, &bytes).await;
        let upload = place.upload;
        let here = StagedUpload {
            organization,
            upload,
        };
        let found = listed("listing uploads").await;
        assert!(found.contains(&here), "an upload is listed");
        let named = UploadPlace::from(here);
        must(self.store.discard(&named).await, "discarding by its name");
        let found = listed("listing again").await;
        assert!(!found.contains(&here), "it is gone");
    }

    async fn one_holds_at_a_time(&self) {
        let upload = UploadSessionId::new(Uuid::from_u128(1));
        let first = self.store.hold(HoldOn::Upload(upload)).await;
        let other = UploadSessionId::new(Uuid::from_u128(2));
        let second = self.store.hold(HoldOn::Upload(other)).await;
        drop((first, second));
        drop(self.store.hold(HoldOn::Upload(upload)).await);
    }
}
