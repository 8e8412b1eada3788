use std::collections::BTreeMap;

use probity_kernel::{OrganizationId, ProductId, SpaceId, UploadSessionId, Version};
use proptest::prelude::*;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::vocabulary::ArtifactKind;

const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

pub(crate) fn session(total: u64, chunk: u64) -> UploadSession {
    UploadSession {
        id: UploadSessionId::new(Uuid::from_u128(1)),
        organization: OrganizationId::new(Uuid::from_u128(2)),
        product: ProductId::new(Uuid::from_u128(3)),
        space: SpaceId::new(Uuid::from_u128(4)),
        facts: ArtifactFacts {
            file_name: "a".to_owned(),
            content_type: "a/b".to_owned(),
            kind: ArtifactKind::Weights,
            version_label: None,
            product_version: None,
            training_run: None,
            is_current: false,
            external_uri: None,
            metadata: serde_json::Map::new(),
        },
        total_size: total,
        chunk_size: chunk,
        layout: Layout::Fixed,
        expected_sha256: None,
        status: UploadStatus::Initialized,
        sealed: false,
        chunks: BTreeMap::new(),
        hash: HashProgress::start(),
        staging: None,
        artifact: None,
        uploaded_by: "system:test".to_owned(),
        created_at: NOW,
        updated_at: NOW,
        expires_at: NOW + LIFETIME,
        completed_at: None,
        version: Version::FIRST,
    }
}

fn receipt(session: &UploadSession, index: u32, location: &str) -> Receipt {
    Receipt {
        span: session.plan().span(index).unwrap(),
        location: location.to_owned(),
        same_as: None,
        hash: None,
    }
}

#[test]
fn missing_chunks_are_told_as_ranges() {
    let mut session = session(95, 10);
    assert_eq!(session.missing(), [0..=9]);
    for index in [0, 3, 4, 9] {
        let receipt = receipt(&session, index, "a");
        session.accept(NOW, receipt).unwrap();
    }
    assert_eq!(session.missing(), [1..=2, 5..=8]);
    assert_eq!((session.received_bytes(), session.contiguous()), (35, 1));
    assert_eq!(super::tests::session(0, 10).missing(), []);
}

#[test]
fn time_slides_with_chunks_and_ends() {
    let mut session = session(20, 10);
    let soon = NOW + Duration::hours(23);
    let first = receipt(&session, 0, "a");
    session.accept(soon, first).unwrap();
    assert_eq!(session.expires_at, soon + LIFETIME);
    let second = receipt(&session, 1, "b");
    let late = soon + LIFETIME;
    assert_eq!(
        session.accept(late, second.clone()),
        Err(UploadRefusal::Expired)
    );
    assert_eq!(session.seal(late), Err(UploadRefusal::Expired));
    session.accept(late - Duration::SECOND, second).unwrap();
}

#[test]
fn pieces_are_appended_one_behind_the_other() {
    let mut session = session(20, 10);
    session.layout = Layout::Appended;
    let first = session.next_span(0, 7).unwrap();
    assert_eq!((first.index, first.offset, first.size), (0, 0, 7));
    let receipt = |span: Span| Receipt {
        span,
        location: "a".to_owned(),
        same_as: None,
        hash: None,
    };
    session.accept(NOW, receipt(first)).unwrap();
    assert_eq!(
        session.accept(NOW, receipt(first)),
        Err(UploadRefusal::OffsetMoved)
    );
    for offset in [0, 6, 8, 20] {
        assert_eq!(
            session.next_span(offset, 7),
            Err(UploadRefusal::OffsetMoved)
        );
    }
    assert_eq!(session.missing(), [1..=1]);
    let rest = session.next_span(7, 100).unwrap();
    assert_eq!(rest.size, 13);
    session.accept(NOW, receipt(rest)).unwrap();
    assert_eq!(
        (session.missing().as_slice(), session.received_bytes()),
        (&[][..], 20)
    );
    assert_eq!(session.next_span(20, 1), Err(UploadRefusal::OffsetMoved));
}

#[test]
fn what_does_not_fit_its_place_is_refused() {
    let mut session = session(25, 10);
    for (index, offset, size) in [(0, 0, 9), (0, 1, 10), (2, 20, 10), (3, 30, 1), (1, 0, 10)] {
        let span = Span {
            index,
            offset,
            size,
        };
        let receipt = Receipt {
            span,
            ..receipt(&session, 0, "a")
        };
        assert_eq!(
            session.accept(NOW, receipt),
            Err(UploadRefusal::OffsetMoved),
            "{span:?}"
        );
    }
    assert_eq!(session.span(3), Err(UploadRefusal::NoSuchChunk));
    assert!(session.chunks.is_empty());
}

/// One step of one of several clients.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A client reads where the digest stands, and begins a chunk with these bytes.
    Begin { client: usize, chunk: u32, seed: u8 },
    /// It finishes the chunk that it began.
    Finish { client: usize },
    /// A worker reads the chunks that are there and goes on with the digest.
    BeginCatchUp,
    /// It tells how far it came.
    FinishCatchUp,
}

fn step(chunks: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_usize, 0..chunks, 0..3_u8)
            .prop_map(|(client, chunk, seed)| Step::Begin { client, chunk, seed }),
        6 => (0..3_usize).prop_map(|client| Step::Finish { client }),
        1 => Just(Step::BeginCatchUp),
        1 => Just(Step::FinishCatchUp),
    ]
}

/// What is kept where: the model against which the session is held.
#[derive(Default)]
struct Bytes {
    made: u32,
    kept: BTreeMap<String, Vec<u8>>,
}

fn bytes_of(span: Span, seed: u8) -> Vec<u8> {
    (0..span.size)
        .map(|at| seed ^ u8::try_from((span.offset + at) % 251).unwrap())
        .collect()
}

/// The session, the store, and what clients and the worker are in the middle of.
struct Play {
    session: UploadSession,
    store: Bytes,
    under_way: BTreeMap<usize, Receipt>,
    catching_up: Option<HashAdvance>,
}

impl Play {
    fn take(&mut self, step: Step) {
        match step {
            Step::Begin {
                client,
                chunk,
                seed,
            } => {
                if let Ok(span) = self.session.span(chunk) {
                    let receipt = self.begin(span, seed);
                    self.under_way.insert(client, receipt);
                }
            }
            Step::Finish { client } => {
                if let Some(receipt) = self.under_way.remove(&client) {
                    self.session.accept(NOW, receipt).unwrap();
                }
            }
            Step::BeginCatchUp => self.catching_up = Some(self.catch_up()),
            Step::FinishCatchUp => {
                if let Some(advance) = self.catching_up.take() {
                    self.session.advance(&advance);
                }
            }
        }
    }

    fn begin(&mut self, span: Span, seed: u8) -> Receipt {
        let (session, store) = (&self.session, &mut self.store);
        let bytes = bytes_of(span, seed);
        store.made += 1;
        let location = store.made.to_string();
        let known = session.chunks.get(&span.index);
        let known = known.map(|it| it.location.clone());
        let same_as = known.filter(|known| store.kept.get(known) == Some(&bytes));
        let hash = (session.hash.chunks == span.index).then(|| {
            let mut hash = session.hash.resume().unwrap();
            hash.update(&bytes);
            HashAdvance {
                from: span.index,
                replacements: session.hash.replacements,
                to: span.index + 1,
                state: hash.to_bytes(),
            }
        });
        store.kept.insert(location.clone(), bytes);
        Receipt {
            span,
            location,
            same_as,
            hash,
        }
    }

    fn catch_up(&self) -> HashAdvance {
        let session = &self.session;
        let mut hash = session.hash.resume().unwrap();
        let from = session.hash.chunks;
        for index in from..session.contiguous() {
            hash.update(&self.store.kept[&session.chunks[&index].location]);
        }
        HashAdvance {
            from,
            replacements: session.hash.replacements,
            to: session.contiguous(),
            state: hash.to_bytes(),
        }
    }
}

fn play(total: u64, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut play = Play {
        session: session(total, 10),
        store: Bytes::default(),
        under_way: BTreeMap::new(),
        catching_up: None,
    };
    for step in steps {
        play.take(step);
        check(&play.session, &play.store)?;
    }
    // Whoever is not there yet comes, in the order of its place.
    for index in 0..play.session.plan().count() {
        if !play.session.chunks.contains_key(&index) {
            let span = play.session.span(index).unwrap();
            let receipt = play.begin(span, 9);
            play.session.accept(NOW, receipt).unwrap();
        }
    }
    check(&play.session, &play.store)?;
    prop_assert_eq!(play.session.missing(), vec![]);
    prop_assert_eq!(play.session.received_bytes(), total);
    prop_assert_eq!(play.session.seal(NOW), Ok(()));
    Ok(())
}

/// The digest is always one over the chunks that are counted now, as far as it says.
fn check(session: &UploadSession, store: &Bytes) -> Result<(), TestCaseError> {
    prop_assert!(session.hash.chunks <= session.contiguous());
    let mut hash = StreamingSha256::new();
    for index in 0..session.hash.chunks {
        hash.update(&store.kept[&session.chunks[&index].location]);
    }
    let kept = session.hash.resume().unwrap().finish();
    prop_assert_eq!(kept, hash.finish());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn ten_thousand_interleavings_end_in_the_bytes_that_were_counted(
        total in 1..60_u64,
        steps in proptest::collection::vec(step(6), 0..60),
    ) {
        play(total, steps)?;
    }
}
