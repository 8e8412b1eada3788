//! Rate limits: how many, for whom, how long to wait, on one server and on two.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Backend, Place, Reply, TestApp};

const METRICS: &str = "/api/v1/metrics";
const BATCH: &str = "/api/v1/metrics/batch";

fn body(product: &str) -> Value {
    json!({"modelId": product, "driftScore": 1, "fairnessScore": 99, "sampleSize": 1})
}

fn number(reply: &Reply, name: &str) -> u64 {
    reply
        .header(name)
        .parse()
        .unwrap_or_else(|_| panic!("{name}: {:?}", reply.header(name)))
}

fn assert_refused(reply: &Reply, limit: u64) {
    let problem = reply.problem(429, "rate_limit_exceeded");
    assert_eq!(problem["success"], false);
    let wait = number(reply, "retry-after");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(
        (
            number(reply, "ratelimit-limit"),
            number(reply, "ratelimit-remaining")
        ),
        (limit, 0)
    );
    assert_eq!(number(reply, "ratelimit-reset"), wait);
}

async fn the_defaults_are_60_and_10_a_minute(place: Arc<Place>) {
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &[])));
    let product = api.new_product().await;
    let batch = json!({"snapshots": [body(&product)]});
    for (path, body, limit) in [(METRICS, body(&product), 60), (BATCH, batch, 10)] {
        for left in (0..limit).rev() {
            let reply = api.post(path, &body).send().await;
            reply.expect(200);
            assert_eq!(
                (
                    number(&reply, "ratelimit-limit"),
                    number(&reply, "ratelimit-remaining")
                ),
                (limit, left),
                "{path}"
            );
            assert!((1..=60).contains(&number(&reply, "ratelimit-reset")));
        }
        let reply = api.post(path, &body).send().await;
        assert_refused(&reply, limit);
        let forged = api
            .post(path, &body)
            .header("x-forwarded-for", "203.0.113.9");
        assert_refused(&forged.send().await, limit);
        // Another key has a limit of its own, and what is no ingestion is not counted.
        let other = api.new_key("write");
        api.post(path, &body)
            .bearer(&other)
            .send()
            .await
            .expect(200);
    }
    let reads = (0..100).map(|_| api.get("/api/v1/alerts").send());
    for reply in futures_util::future::join_all(reads).await {
        reply.expect(200);
    }
    let history = api
        .get(&format!("{METRICS}/history?modelId={product}"))
        .send()
        .await;
    assert_eq!(
        history.expect(200)["total"],
        72,
        "a refused call does no work"
    );
}

async fn two_hundred_at_once_admit_exactly_sixty(place: Arc<Place>) {
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &[])));
    let product = api.new_product().await;
    let calls = (0..200).map(|_| api.post(METRICS, &body(&product)).send());
    let replies = futures_util::future::join_all(calls).await;
    let admitted = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(admitted, 60);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_refused(reply, 60);
    }
    let history = api
        .get(&format!("{METRICS}/history?modelId={product}"))
        .send()
        .await;
    assert_eq!(history.expect(200)["total"], 60);
}

async fn the_simulator_is_limited_by_address(place: Arc<Place>) {
    let app = Arc::new(TestApp::spawn(&place, &["--rate-limit-metrics", "5"]));
    let api = Api::on(&app);
    for _ in 0..5 {
        api.get(METRICS).anonymous().send().await.expect(200);
    }
    let forged = api
        .get(METRICS)
        .anonymous()
        .header("forwarded", "for=203.0.113.9");
    assert_refused(&forged.send().await, 5);
    let product = api.new_product().await;
    api.post(METRICS, &body(&product)).send().await.expect(200);
}

/// Wrong keys that look right: the address is stopped, those who are known go on.
async fn guessing_is_stopped_without_stopping_others(place: Arc<Place>) {
    let app = Arc::new(TestApp::spawn(&place, &[]));
    let api = Api::on(&app);
    let read = |key: &str| api.get("/api/v1/alerts").bearer(key).send();
    read(&api.key).await.expect(200);
    let mut refused = 0;
    for number in 0..200_u32 {
        let random = format!("{number:030}");
        let reply = read(&format!("prb_{random}{}", checksum(&random))).await;
        match reply.status {
            401 => {}
            429 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(refused, 80, "120 guesses a minute");
    // Past the two seconds for which a key is remembered as good.
    tokio::time::sleep(Duration::from_millis(2200)).await;
    read(&api.key).await.expect(200);
}

/// CRC-32 of the thirty characters in base 62, six digits.
fn checksum(random: &str) -> String {
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = !0_u32;
    for byte in random.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut value = !crc;
    let mut text = [b'0'; 6];
    for place in text.iter_mut().rev() {
        *place = digits[usize::try_from(value % 62).unwrap()];
        value /= 62;
    }
    String::from_utf8(text.to_vec()).unwrap()
}

/// Waiting as long as the answer says is enough, and nearly as long is not.
pub(crate) async fn the_wait_that_is_told_is_the_wait(place: Arc<Place>) {
    let api = Api::on(&Arc::new(TestApp::spawn(
        &place,
        &["--rate-limit-metrics", "2"],
    )));
    let product = api.new_product().await;
    let send = async || api.post(METRICS, &body(&product)).send().await;
    let started = Instant::now();
    send().await.expect(200);
    send().await.expect(200);
    let reply = send().await;
    assert_refused(&reply, 2);
    let wait = Duration::from_secs(number(&reply, "retry-after"));
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_refused(&send().await, 2);
    tokio::time::sleep((started + wait).saturating_duration_since(Instant::now())).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    send().await.expect(200);
}

async fn two_servers_on_redis_share_the_count(place: Arc<Place>) {
    const URL: &str = "redis://127.0.0.1:6379/0";
    if !redis_answers() {
        eprintln!(
            "skipped: Redis: nothing answers on 127.0.0.1:6379 (two_servers_on_redis_share_the_count)"
        );
        return;
    }
    let flags = ["--redis-url", URL];
    let one = Api::on(&Arc::new(TestApp::spawn(&place, &flags)));
    let mut other = one.clone();
    other.app = Arc::new(TestApp::spawn_beside(&place, &flags));
    let product = one.new_product().await;
    let calls = (0..200).map(|number| {
        let api = if number % 2 == 0 { &one } else { &other };
        api.post(METRICS, &body(&product)).send()
    });
    let replies = futures_util::future::join_all(calls).await;
    let admitted = replies.iter().filter(|reply| reply.status == 200).count();
    let logs = one.app.log() + &other.app.log();
    let warnings: Vec<&str> = logs.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!((admitted, warnings), (60, vec![]));
    for api in [&one, &other] {
        assert_refused(&api.post(METRICS, &body(&product)).send().await, 60);
    }
    let foreign = one.new_key("write");
    other
        .post(METRICS, &body(&product))
        .bearer(&foreign)
        .send()
        .await
        .expect(200);
}

fn redis_answers() -> bool {
    use std::io::{Read as _, Write as _};
    let address = ([127, 0, 0, 1], 6379).into();
    let mut pong = [0; 5];
    std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300))
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_millis(300)))?;
            stream.write_all(b"PING\r\n")?;
            stream.read_exact(&mut pong)
        })
        .is_ok_and(|()| &pong == b"+PONG")
}

/// Without Redis the server counts by itself instead of refusing everyone.
async fn a_dead_redis_stops_nobody(place: Arc<Place>) {
    let flags = [
        "--redis-url",
        "redis://127.0.0.1:1/0",
        "--rate-limit-metrics",
        "3",
    ];
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &flags)));
    let product = api.new_product().await;
    let started = Instant::now();
    for _ in 0..3 {
        api.post(METRICS, &body(&product)).send().await.expect(200);
    }
    assert_refused(&api.post(METRICS, &body(&product)).send().await, 3);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

async fn all_other_requests_have_a_limit_when_one_is_set(place: Arc<Place>) {
    let api = Api::on(&Arc::new(TestApp::spawn(
        &place,
        &["--rate-limit-requests", "4"],
    )));
    for method in [Method::GET, Method::GET, Method::PUT, Method::GET] {
        let path = if method == Method::PUT {
            "/api/admin/model-registry-settings"
        } else {
            "/api/v1/api-keys"
        };
        let reply = api.call(method, path).json(&json!({})).send().await;
        reply.expect(200);
    }
    let reply = api.get("/api/v1/api-keys").send().await;
    reply.problem(429, "rate_limit_exceeded");
    for _ in 0..10 {
        api.get("/healthz").anonymous().send().await.expect(200);
    }
}

both_alone!(
    the_defaults_are_60_and_10_a_minute,
    two_hundred_at_once_admit_exactly_sixty,
);

/// Limits are no business of the database: once is enough.
mod sqlite_only {
    macro_rules! once {
        ($($case:ident),+ $(,)?) => { $(
            #[tokio::test]
            async fn $case() {
                let place = super::Place::new(super::Backend::Sqlite);
                super::$case(place.unwrap()).await;
            }
        )+ };
    }
    once!(
        the_simulator_is_limited_by_address,
        guessing_is_stopped_without_stopping_others,
        two_servers_on_redis_share_the_count,
        a_dead_redis_stops_nobody,
        all_other_requests_have_a_limit_when_one_is_set,
    );
}
