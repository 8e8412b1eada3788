//! Uploads by several clients at once, in random order, again, with other bytes, given up: an artifact is
//! made of chunks as somebody sent them, and of those that were sent last where everybody agrees.
//!
//! `PROBITY_TEST_UPLOADS` says how many uploads each database sees: 150 unless it is set.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{Api, Place, Reply, TestApp, UNLIMITED};

const CHUNK: usize = 1 << 20;
/// Other bytes in a place, and those that everybody agrees on in the end.
const VARIANTS: u64 = 4;
const RIGHT: u64 = 0;
/// How many uploads go on at once.
const AT_ONCE: usize = 4;

fn uploads() -> u64 {
    let wanted = std::env::var("PROBITY_TEST_UPLOADS");
    wanted.map_or(150, |text| text.parse().unwrap())
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digits = digest.iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// Numbers that a seed decides.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|_| self.next());
        order
    }
}

/// Bytes without a pattern; chunks are windows of them, so that any two differ in every part.
fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        let mut dice = Dice(7);
        let numbers = std::iter::repeat_with(|| dice.next().to_le_bytes());
        numbers.take(4 * CHUNK / 8).flatten().collect()
    })
}

/// How an upload is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Everybody sends the same bytes at last.
    Agreed,
    /// Whoever comes last in a place.
    Any,
    /// Somebody gives it up meanwhile.
    Aborted,
}

/// What was acknowledged so far.
#[derive(Debug, Default)]
struct Told {
    indexes: BTreeSet<usize>,
    variants: BTreeMap<usize, BTreeSet<u64>>,
}

/// One upload as its clients see it.
struct Play<'a> {
    api: &'a Api,
    product: &'a str,
    seed: u64,
    size: usize,
    path: String,
    told: Mutex<Told>,
}

impl<'a> Play<'a> {
    async fn open(api: &'a Api, product: &'a str, seed: u64, expected: Option<Ending>) -> Self {
        let mut dice = Dice(seed);
        let full =
            usize::try_from([0, 0, 1, 1, 2, 3][usize::try_from(dice.below(6)).unwrap()]).unwrap();
        let size = full * CHUNK + 1 + usize::try_from(dice.below(4000)).unwrap();
        let mut play = Self {
            api,
            product,
            seed,
            size,
            path: String::new(),
            told: Mutex::default(),
        };
        let mut body = json!({"file_name": "model.onnx", "content_type": "application/octet-stream",
            "total_size_bytes": size});
        if expected == Some(Ending::Agreed) && dice.one_in(2) {
            body["sha256"] = hex(&play.agreed()).into();
        }
        let uploads = format!("{}/uploads", play.base());
        let opened = api.post(&uploads, &body).send().await.expect(201);
        assert_eq!(opened["chunk_size_bytes"], CHUNK);
        play.path = format!("{uploads}/{}", opened["id"].as_str().unwrap());
        play
    }

    fn base(&self) -> String {
        format!(
            "/api/v1.0/catalog/products/{}/model-artifacts",
            self.product
        )
    }

    fn count(&self) -> usize {
        self.size.div_ceil(CHUNK)
    }

    fn place(&self, index: usize) -> Range<usize> {
        index * CHUNK..self.size.min((index + 1) * CHUNK)
    }

    fn part(&self, index: usize, variant: u64) -> &'static [u8] {
        let place = u64::try_from(index).unwrap();
        let at = Dice(self.seed ^ (place << 40) ^ (variant << 50)).below(3 << 20);
        let at = usize::try_from(at).unwrap();
        &noise()[at..at + self.place(index).len()]
    }

    fn agreed(&self) -> Vec<u8> {
        let parts = (0..self.count()).map(|index| self.part(index, RIGHT));
        parts.collect::<Vec<_>>().concat()
    }

    async fn put(&self, index: usize, variant: u64) -> Reply {
        let path = format!("{}/chunks/{index}", self.path);
        let part = self.part(index, variant);
        let call = self.api.call(Method::PUT, &path);
        let mut call = call.raw("application/octet-stream", part);
        if variant % 2 == 1 {
            let digest = BASE64_STANDARD.encode(Sha256::digest(part));
            call = call.header("content-digest", &format!("sha-256=:{digest}:"));
        }
        let reply = call.send().await;
        if reply.status == 200 {
            let mut told = self.told.lock().unwrap();
            told.indexes.insert(index);
            told.variants.entry(index).or_default().insert(variant);
        }
        reply
    }

    async fn complete(&self, body: &Value) -> Reply {
        let path = format!("{}/complete", self.path);
        self.api.post(&path, body).send().await
    }

    /// What to resume from has all that was acknowledged before it was asked for.
    async fn resume(&self) {
        let before = self.told.lock().unwrap().indexes.clone();
        let state = self.api.get(&self.path).send().await.expect(200);
        let received: BTreeSet<usize> =
            serde_json::from_value(state["received_chunks"].clone()).unwrap();
        assert!(received.is_superset(&before), "{before:?} of {state}");
        let bytes: usize = received.iter().map(|it| self.place(*it).len()).sum();
        assert_eq!(state["received_bytes"], bytes);
    }

    /// Anything in any order, but for one chunk that is held back: nothing completes meanwhile.
    async fn wander(&self, mut dice: Dice, held: usize) {
        for _ in 0..=dice.below(5) {
            let index = usize::try_from(dice.below(self.count().try_into().unwrap())).unwrap();
            match dice.below(8) {
                0 => self.resume().await,
                1 => {
                    let refused = self.complete(&json!({})).await;
                    let refused = refused.problem(409, "chunks_missing");
                    assert!(misses(&refused, held), "{refused}");
                }
                _ if index == held => {}
                _ => drop(self.put(index, dice.below(VARIANTS)).await.expect(200)),
            }
        }
    }

    /// Every chunk, in an order of this client's own and now and then again.
    async fn send_all(&self, mut dice: Dice, variant: impl Fn(&mut Dice) -> u64) {
        for index in dice.shuffled(self.count()) {
            for _ in 0..=u64::from(dice.one_in(4)) {
                self.put(index, variant(&mut dice)).await.expect(200);
            }
        }
    }

    /// Several complete it at once, and somebody comes too late with a chunk.
    async fn finish(&self, mut dice: Dice, body: Value) -> Value {
        let index = usize::try_from(dice.below(self.count().try_into().unwrap())).unwrap();
        let late = async {
            let late = self.put(index, RIGHT).await;
            assert!(matches!(late.status, 200 | 409), "{}", late.text());
        };
        let completions = join_all((0..3).map(|_| self.complete(&body)));
        let many = if body.as_object().unwrap().contains_key("sha256") {
            futures_util::future::join(completions, late).await.0
        } else {
            completions.await
        };
        let made = many[0].expect(200);
        for reply in &many {
            assert_eq!(reply.expect(200), made, "one artifact");
        }
        self.put(index, RIGHT)
            .await
            .problem(409, "upload_completed");
        made
    }

    async fn download(&self, made: &Value) -> Vec<u8> {
        let path = format!("{}/{}", self.base(), made["id"].as_str().unwrap());
        let whole = self.api.get(&format!("{path}/download")).send().await;
        assert_eq!(whole.status, 200);
        assert_eq!(hex(&whole.bytes), made["sha256"].as_str().unwrap());
        self.api.delete(&path).send().await.expect(204);
        whole.bytes
    }

    /// Every chunk is one that was acknowledged, from its first byte to its last.
    fn is_unmixed(&self, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.size);
        let told = self.told.lock().unwrap();
        for index in 0..self.count() {
            let found = &bytes[self.place(index)];
            let mut sent = told.variants[&index].iter();
            let known = sent.any(|variant| found == self.part(index, *variant));
            assert!(known, "chunk {index} of {} (seed {})", self.path, self.seed);
        }
    }

    async fn give_up(&self, dice: &Dice) {
        let others = (1..3).map(|client| {
            let mut dice = Dice(dice.0 ^ client);
            async move {
                for index in dice.shuffled(self.count()) {
                    let put = self.put(index, RIGHT).await;
                    assert!(matches!(put.status, 200 | 404 | 409), "{}", put.text());
                }
            }
        });
        let aborted = self.api.delete(&self.path).send();
        let (aborted, _) = futures_util::future::join(aborted, join_all(others)).await;
        aborted.expect(204);
        let gone = self.api.get(&self.path).send().await;
        gone.problem(404, "upload_not_found");
        self.put(0, RIGHT).await.problem(404, "upload_not_found");
        let late = self.complete(&json!({})).await;
        late.problem(404, "upload_not_found");
    }
}

/// Whether a refused completion names a chunk as missing.
fn misses(refused: &Value, index: usize) -> bool {
    let end = |range: &Value, name: &str| usize::try_from(range[name].as_u64().unwrap()).unwrap();
    let ranges = refused["missing_ranges"].as_array().unwrap();
    let mut ranges = ranges.iter().map(|it| end(it, "first")..=end(it, "last"));
    ranges.any(|range| range.contains(&index))
}

/// One upload from its first chunk to its end.
async fn play(api: &Api, product: &str, seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let ending = [Ending::Agreed, Ending::Agreed, Ending::Any, Ending::Aborted];
    let ending = ending[usize::try_from(dice.below(4)).unwrap()];
    let play = Play::open(api, product, dice.next(), Some(ending)).await;
    let held = usize::try_from(dice.below(play.count().try_into().unwrap())).unwrap();
    let clients = 2 + dice.below(3);
    join_all((0..clients).map(|_| play.wander(Dice(dice.next()), held))).await;
    match ending {
        Ending::Agreed => {
            let all = (0..clients).map(|_| play.send_all(Dice(dice.next()), |_| RIGHT));
            join_all(all).await;
            let expected = json!({"sha256": hex(&play.agreed())});
            let made = play.finish(Dice(dice.next()), expected).await;
            assert_eq!(play.download(&made).await, play.agreed(), "seed {seed}");
        }
        Ending::Any => {
            let any = |dice: &mut Dice| dice.below(VARIANTS);
            let all = (0..clients).map(|_| play.send_all(Dice(dice.next()), any));
            join_all(all).await;
            let made = play.finish(Dice(dice.next()), json!({})).await;
            play.is_unmixed(&play.download(&made).await);
        }
        Ending::Aborted => play.give_up(&Dice(dice.next())).await,
    }
}

async fn any_interleaving_ends_in_chunks_as_they_were_sent(place: Arc<Place>) {
    let chunk = CHUNK.to_string();
    let flags = [&UNLIMITED[..], &["--artifact-chunk-bytes", &chunk]].concat();
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &flags)));
    let product = api.new_product().await;
    let all = stream::iter(0..uploads()).map(|seed| play(&api, &product, seed));
    all.buffer_unordered(AT_ONCE).collect::<()>().await;
    let listed = format!("/api/v1.0/catalog/products/{product}/model-artifacts");
    assert_eq!(api.get(&listed).send().await.expect(200), json!([]));
    api.app.signal("TERM");
    assert!(api.app.wait().success());
    let checked = place.run(&["check"]);
    assert!(checked.contains("every invariant holds"), "{checked}");
}

/// An upload of a few bytes of which one bit is another than the digest was told for.
async fn flip(api: &Api, product: &str, seed: u64) {
    let mut dice = Dice(seed);
    let base = format!("/api/v1.0/catalog/products/{product}/model-artifacts");
    let size = usize::try_from(1 + dice.below(3000)).unwrap();
    let mut sent = noise()[..size].to_vec();
    let digest = hex(&sent);
    let bit = usize::try_from(dice.below((size * 8).try_into().unwrap())).unwrap();
    sent[bit / 8] ^= 1 << (bit % 8);
    let mut body = json!({"file_name": "x", "content_type": "application/octet-stream", "total_size_bytes": size});
    let (mut completion, told_early) = (json!({}), dice.one_in(2));
    if told_early {
        body["sha256"] = digest.into();
    } else {
        completion["sha256"] = digest.into();
    }
    let opened = api.post(&format!("{base}/uploads"), &body).send().await;
    let path = format!(
        "{base}/uploads/{}",
        opened.expect(201)["id"].as_str().unwrap()
    );
    let chunk = api.call(Method::PUT, &format!("{path}/chunks/0"));
    chunk
        .raw("application/octet-stream", sent)
        .send()
        .await
        .expect(200);
    let completed = api
        .post(&format!("{path}/complete"), &completion)
        .send()
        .await;
    completed.problem(422, "digest_mismatch");
    let state = api.get(&path).send().await.expect(200);
    assert_eq!(
        (&state["status"], &state["artifact_id"]),
        (&json!("failed"), &Value::Null)
    );
}

async fn one_flipped_bit_is_refused(api: Api) {
    let product = api.new_product().await;
    let all = stream::iter(0..100.max(uploads() / 10)).map(|seed| flip(&api, &product, seed));
    all.buffer_unordered(AT_ONCE).collect::<()>().await;
    let listed = format!("/api/v1.0/catalog/products/{product}/model-artifacts");
    assert_eq!(api.get(&listed).send().await.expect(200), json!([]));
}

both!(one_flipped_bit_is_refused);
both_alone!(any_interleaving_ends_in_chunks_as_they_were_sent);
