use std::net::TcpListener;

use bytes::Bytes;
use probity_artifacts::testing::blob_contract;
use probity_artifacts::{BlobReader as _, ChunkSink as _, Span, Tally};
use probity_kernel::{OrganizationId, UploadSessionId};
use tempfile::TempDir;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::settings::S3Keys;

#[path = "../../../../examples/s3_server.rs"]
#[expect(dead_code, reason = "the server is also a program of its own")]
mod s3_server;

/// The server makes names of files of whole names of objects: what is ours in them is short.
const BUCKET: &str = "mod";

/// A server with one bucket, and the settings that lead to it.
struct World {
    folder: TempDir,
    settings: S3Settings,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("served").join(BUCKET)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let served = folder.path().join("served");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let served = s3_server::serve(listener, &served, "id", "secret").await;
                served.unwrap();
            });
        });
        let settings = S3Settings {
            bucket: BUCKET.to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: format!("http://{address}").parse().ok(),
            public_endpoint: None,
            keys: Some(S3Keys {
                id: "id".to_owned(),
                secret: "secret".to_owned(),
            }),
            prefix: "t".to_owned(),
            path_style: true,
            redirects: true,
            link_lifetime: Duration::from_mins(5),
        };
        Self { folder, settings }
    }

    fn store(&self) -> S3Blobs {
        S3Blobs::open(&self.settings, &self.folder.path().join("spool")).unwrap()
    }

    fn opened(&self, change: impl FnOnce(&mut S3Settings)) -> Result<S3Blobs, OpenS3Error> {
        let mut settings = self.settings.clone();
        change(&mut settings);
        S3Blobs::open(&settings, &self.folder.path().join("spool"))
    }

    /// The files in the bucket, but for what the store is probed with.
    fn files(&self) -> Vec<String> {
        let bucket = self.folder.path().join("served").join(BUCKET);
        let mut waiting = vec![bucket.clone()];
        let mut found = Vec::new();
        while let Some(folder) = waiting.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    let name = path.strip_prefix(&bucket).unwrap().to_string_lossy();
                    found.extend((!name.ends_with(".ready")).then(|| name.into_owned()));
                }
            }
        }
        found
    }
}

fn place(seed: u128, total_size: u64) -> UploadPlace {
    UploadPlace {
        organization: OrganizationId::new(Uuid::from_u128(1)),
        upload: UploadSessionId::new(Uuid::from_u128(seed)),
        total_size,
        staging: None,
    }
}

/// Sends pieces of these bytes one behind the other.
async fn send(store: &S3Blobs, place: &UploadPlace, pieces: &[Bytes]) -> Vec<Chunk> {
    let (mut chunks, mut offset) = (Vec::new(), 0);
    for (index, piece) in pieces.iter().enumerate() {
        let size = u64::try_from(piece.len()).unwrap();
        let span = Span {
            index: u32::try_from(index).unwrap(),
            offset,
            size,
        };
        offset += size;
        let write = ChunkWrite {
            span,
            known: None,
            is_last: index + 1 == pieces.len(),
            tally: Tally::default(),
        };
        let mut sink = store.write_chunk(place, write).await.unwrap();
        sink.write(piece.clone()).await.unwrap();
        let location = sink.finish().await.unwrap().location;
        chunks.push(Chunk { span, location });
    }
    chunks
}

async fn read(store: &S3Blobs, blob: &BlobKey, range: Range<u64>) -> Vec<u8> {
    let mut reader = store.read(blob, range).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

#[tokio::test]
async fn a_bucket_keeps_the_contract() {
    let world = World::new();
    blob_contract(&world.store(), LEAST_PART).await;
    let left: Vec<String> = world.files();
    assert!(left.iter().all(|name| name.starts_with("t/")), "{left:?}");
}

/// Pieces of a tus client may be small: none of them becomes a part by itself.
#[tokio::test]
async fn small_pieces_are_put_together() {
    let (world, place) = (World::new(), place(1, 13_000_000));
    let store = world.store();
    let pieces: Vec<Bytes> = (0..13_u8).map(|n| vec![n; 1_000_000].into()).collect();
    let chunks = send(&store, &place, &pieces).await;
    let all = pieces.concat();
    let digest = Sha256Digest::of(&all);
    let blob = store.assemble(&place, &chunks, Some(digest)).await.unwrap();
    assert!(read(&store, &blob, 0..place.total_size).await == all);
    assert_eq!(read(&store, &blob, 999_999..1_000_001).await, [0, 1]);
}

/// Another node goes on where the first one ended, and finds what it left.
#[tokio::test]
async fn nodes_share_what_they_have() {
    let (world, place) = (World::new(), place(2, 3));
    let (first, second) = (world.store(), world.store());
    let chunks = send(&first, &place, &[Bytes::from_static(b"abc")]).await;
    let mut reader = second.read_chunk(&place, &chunks[0]).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap(), b"abc".as_slice());
    let digest = Some(Sha256Digest::of(b"abc"));
    let made = second.assemble(&place, &chunks, digest).await.unwrap();
    let again = first.assemble(&place, &chunks, digest).await.unwrap();
    assert_eq!(made, again);
    first.discard(&place).await.unwrap();
    assert_eq!(world.files().len(), 1, "{:?}", world.files());
    second.remove(&made).await.unwrap();
    assert_eq!(world.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_note_of_a_multipart_upload_ends_it() {
    let (world, place) = (World::new(), place(3, 3));
    let store = world.store();
    let target = store
        .keys()
        .blob(&keys::key_of(&place, Sha256Digest::of(b"x")))
        .unwrap();
    let id = store
        .remote()
        .create_multipart(target.clone())
        .await
        .unwrap();
    let part = store
        .remote()
        .put_part(target.clone(), id.clone(), 0, Bytes::from_static(b"abc"))
        .await
        .unwrap();
    let note = Note {
        target: target.to_string(),
        id: id.clone(),
    };
    let note = serde_json::to_vec(&note).unwrap();
    let path = store.keys().assembly(&place, 1);
    store.remote().put(path, note.into()).await.unwrap();
    store.discard(&place).await.unwrap();
    let completed = store.remote().complete(target, id, vec![part]).await;
    assert!(completed.is_err(), "it is over");
    assert_eq!(world.files(), Vec::<String>::new());
}

#[tokio::test]
async fn uploads_are_listed_by_age_and_in_order() {
    let world = World::new();
    let store = world.store();
    for seed in 1..=3 {
        let place = place(seed, 2);
        send(&store, &place, &[Bytes::from_static(b"ab")]).await;
        send(&store, &place, &[Bytes::from_static(b"ab")]).await;
    }
    let (past, future) = (
        datetime!(2000-01-01 00:00 UTC),
        datetime!(2100-01-01 00:00 UTC),
    );
    assert_eq!(store.list_staged(past, None, 9).await.unwrap(), []);
    let first = store.list_staged(future, None, 2).await.unwrap();
    let rest = store.list_staged(future, first.last().copied(), 2).await;
    let all: Vec<u128> = first
        .into_iter()
        .chain(rest.unwrap())
        .map(|it| it.upload.uuid().as_u128())
        .collect();
    assert_eq!(all, [1, 2, 3]);
}

#[tokio::test]
async fn signed_addresses_give_the_bytes_to_anybody_and_nothing_else() {
    let (world, place) = (World::new(), place(4, 5));
    let store = world.store();
    let chunks = send(&store, &place, &[Bytes::from_static(b"bytes")]).await;
    let digest = Some(Sha256Digest::of(b"bytes"));
    let blob = store.assemble(&place, &chunks, digest).await.unwrap();
    let served = ServedAs {
        content_type: "application/octet-stream".to_owned(),
        disposition: "attachment; filename=\"a b.onnx\"; filename*=UTF-8''%C3%A4.onnx".to_owned(),
    };
    let address = store.signed_url(&blob, &served).await.unwrap().unwrap();
    let got = reqwest::get(&address).await.unwrap();
    assert_eq!(got.status(), 200);
    assert_eq!(got.bytes().await.unwrap(), b"bytes".as_slice());
    let other = address.replace("a%20b.onnx", "a%20c.onnx");
    assert_ne!(address, other);
    assert_eq!(reqwest::get(&other).await.unwrap().status(), 403);
    let proxied = world.opened(|it| it.redirects = false).unwrap();
    assert_eq!(proxied.signed_url(&blob, &served).await.unwrap(), None);
}

#[tokio::test]
async fn what_cannot_be_used_is_told_before_anything_is_served() {
    let world = World::new();
    let missing = world.opened(|it| it.bucket = "nowhere".to_owned());
    assert!(
        matches!(missing, Err(OpenS3Error::NoBucket { .. })),
        "{missing:?}"
    );
    let refused = world.opened(|it| {
        it.keys = Some(S3Keys {
            id: "id".to_owned(),
            secret: "another".to_owned(),
        });
    });
    let told = refused.map(|_| ()).unwrap_err();
    assert!(matches!(told, OpenS3Error::Refused { .. }), "{told:?}");
    assert!(!told.to_string().contains("another"));
    let closed = world.opened(|it| it.endpoint = "http://127.0.0.1:1".parse().ok());
    assert!(matches!(closed, Err(OpenS3Error::Unreachable { .. })));
}
