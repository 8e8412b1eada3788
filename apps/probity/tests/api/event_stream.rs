//! Events as they happen, and as CloudEvents: nothing lost, nothing twice, an end at shutdown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::harness::{Api, Place, TestApp, UNLIMITED};

const EVENTS: &str = "/api/v1/governance-events";
const STREAM: &str = "/api/v1/governance-events/stream";
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A listener that reads the stream as a browser does.
struct Listener {
    chunks: futures_util::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    text: String,
    last_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Heard {
    id: String,
    name: String,
    data: Value,
}

impl Listener {
    async fn open(api: &Api, query: &str, last: Option<&str>) -> Self {
        Self::with_key(api, &api.key, query, last).await
    }

    async fn with_key(api: &Api, key: &str, query: &str, last: Option<&str>) -> Self {
        let url = format!("{}{STREAM}?{query}", api.app.base);
        let mut request = api.http.get(url).bearer_auth(key);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let chunks = response
            .bytes_stream()
            .map(|chunk| chunk.map(|b| b.to_vec()));
        Self {
            chunks: chunks.boxed(),
            text: String::new(),
            last_id: None,
        }
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Heard> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                if let Some(heard) = self.dispatch(&block) {
                    return Some(heard);
                }
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            let chunk = tokio::time::timeout(rest, self.chunks.next()).await;
            match chunk.unwrap_or_else(|_| panic!("the stream stays silent"))? {
                Ok(bytes) => self.text.push_str(std::str::from_utf8(&bytes).unwrap()),
                Err(_) => return None,
            }
        }
    }

    fn dispatch(&mut self, block: &str) -> Option<Heard> {
        let (mut name, mut data) = (String::new(), None);
        for line in block.lines().filter(|line| !line.is_empty()) {
            match line.split_once(": ") {
                Some(("id", id)) => self.last_id = Some(id.to_owned()),
                Some(("event", text)) => text.clone_into(&mut name),
                Some(("data", text)) => data = Some(serde_json::from_str(text).unwrap()),
                Some(("retry" | "", _)) => {}
                other => panic!("{other:?} in {block}"),
            }
        }
        let data = data?;
        Some(Heard {
            id: self.last_id.clone().unwrap(),
            name,
            data,
        })
    }

    async fn take(&mut self, count: usize) -> Vec<Heard> {
        let mut heard = Vec::new();
        while heard.len() < count {
            heard.push(
                self.next()
                    .await
                    .unwrap_or_else(|| panic!("the stream ended")),
            );
        }
        heard
    }
}

async fn send(api: &Api, product: &str, drift: u32) {
    let body =
        json!({"modelId": product, "driftScore": drift, "fairnessScore": 99, "sampleSize": 10});
    api.post("/api/v1/metrics", &body).send().await.expect(200);
}

/// Every event that the listing knows, oldest first.
async fn listed(api: &Api, query: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = String::new();
    loop {
        let page = api.get(&format!("{EVENTS}?limit=100&{query}{next}"));
        let page = page.send().await.expect(200);
        all.extend(page["events"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    all.reverse();
    all
}

fn data(heard: &[Heard]) -> Vec<Value> {
    heard.iter().map(|one| one.data.clone()).collect()
}

async fn what_happens_is_heard_in_order_and_once(api: Api) {
    let mut live = Listener::open(&api, "", None).await;
    let product = api.new_product().await;
    send(&api, &product, 90).await;
    send(&api, &product, 1).await;
    let all = listed(&api, "").await;
    let heard = live.take(all.len()).await;
    assert_eq!(data(&heard), all);
    for one in &heard {
        assert_eq!(one.name, one.data["event_type"].as_str().unwrap());
        let index = one.data["audit_index"].as_u64().unwrap();
        assert!(one.id.starts_with(&format!("{index}-")), "{one:?}");
    }
    // From the start, and from every place in between, by position and by id of the event.
    let mut again = Listener::open(&api, "", Some("start")).await;
    assert_eq!(again.take(all.len()).await, heard);
    for (place, one) in heard.iter().enumerate().take(all.len() - 1) {
        for last in [one.id.as_str(), one.data["id"].as_str().unwrap()] {
            let mut resumed = Listener::open(&api, "", Some(last)).await;
            let rest = resumed.take(all.len() - place - 1).await;
            assert_eq!(rest, heard[place + 1..], "after {last}");
        }
    }
    // A browser names the place in the query first and in the header when it comes back.
    let first = &heard[0].id;
    let query = format!("last_event_id={first}");
    let mut by_query = Listener::open(&api, &query, None).await;
    assert_eq!(by_query.take(1).await, heard[1..2]);
    let mut by_header = Listener::open(&api, &query, Some(&heard[1].id)).await;
    assert_eq!(by_header.take(1).await, heard[2..3]);
}

async fn filters_are_those_of_the_listing(api: Api) {
    let (product, other) = (api.new_product().await, api.new_product().await);
    send(&api, &product, 90).await;
    send(&api, &other, 90).await;
    let source = listed(&api, "event_type=guardian.trigger.fired").await[0]["source_id"].clone();
    let source = source.as_str().unwrap();
    for query in [
        "event_type=guardian.trigger.fired".to_owned(),
        "event_type=guardian.trigger.fired&event_type=product.created".to_owned(),
        format!("product_id={product}"),
        format!("source_id={source}"),
        format!("finding_id={source}"),
        "from=2020-01-01T00:00:00Z".to_owned(),
    ] {
        let all = listed(&api, &query).await;
        assert!(!all.is_empty(), "{query}");
        let mut listener = Listener::open(&api, &query, Some("start")).await;
        assert_eq!(data(&listener.take(all.len()).await), all, "{query}");
        // Nothing else waits behind: the next that is heard is the next that matches.
        if query.contains("trigger") {
            send(&api, &product, 1).await;
            send(&api, &product, 90).await;
            let next = listener.take(1).await;
            assert_eq!(next[0].name, "guardian.trigger.fired", "{query}");
        }
    }
}

/// Writers at once, a listener that keeps hanging up: every event once and in order.
async fn a_listener_that_hangs_up_again_and_again_misses_nothing(api: Api) {
    let product = api.new_product().await;
    let before = listed(&api, "").await.len();
    let writers = (0..4).map(|writer| {
        let (api, product) = (api.clone(), product.clone());
        tokio::spawn(async move {
            for turn in 0..15 {
                send(
                    &api,
                    &product,
                    if (turn + writer) % 2 == 0 { 90 } else { 1 },
                )
                .await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut heard: Vec<Heard> = Vec::new();
    let mut last = "start".to_owned();
    let mut done = false;
    loop {
        let mut listener = Listener::open(&api, "", Some(&last)).await;
        let finished = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let known = if finished {
            listed(&api, "").await.len()
        } else {
            0
        };
        let wanted = if finished { known - heard.len() } else { 3 };
        if finished && wanted == 0 {
            break;
        }
        for one in 0..wanted {
            // While they write there may be less than three: then the next one is waited for.
            let next = tokio::time::timeout(Duration::from_secs(2), listener.next()).await;
            let Ok(next) = next else { break };
            heard.push(next.unwrap());
            done = finished && one + 1 == wanted;
        }
        last = listener.last_id.clone().unwrap_or(last);
        if done {
            break;
        }
    }
    let all = listed(&api, "").await;
    assert!(all.len() > before + 10, "{}", all.len());
    assert_eq!(data(&heard), all);
}

async fn what_is_asked_wrongly_is_named(api: Api) {
    api.new_product().await;
    for (query, last, field) in [
        ("event_type=Nonsense", None, "event_type"),
        ("product_id=7", None, "product_id"),
        ("from=yesterday", None, "from"),
        ("format=xml", None, "format"),
        ("last_event_id=x", None, "last_event_id"),
        ("", Some("x"), "Last-Event-ID"),
        ("", Some("1-2-3"), "Last-Event-ID"),
        ("", Some("\u{e9}"), "Last-Event-ID"),
        ("last_event_id=start", Some("\u{e9}"), "Last-Event-ID"),
        (
            "from=2026-11-27T09:00:00Z&to=2026-11-27T08:00:00Z",
            None,
            "to",
        ),
        ("", Some("999999-0"), "Last-Event-ID"),
        ("", Some("evt_00000000000000000000000002"), "Last-Event-ID"),
    ] {
        let mut call = api.get(&format!("{STREAM}?{query}"));
        if let Some(last) = last {
            call = call.header("last-event-id", last);
        }
        let fields = call.send().await.faults(400, "validation_error");
        assert_eq!(fields, [field], "{query} {last:?}");
    }
    api.get(STREAM)
        .anonymous()
        .send()
        .await
        .problem(401, "unauthorized");
}

async fn nothing_of_others_and_nothing_beyond_the_credential_is_heard(api: Api) {
    let product = api.new_product().await;
    let foreign = listed(&api, "").await;
    let id = foreign[0]["id"].as_str().unwrap();
    let stranger = Api::on(&api.app);
    let call = stranger.get(STREAM).header("last-event-id", id);
    call.send().await.faults(400, "validation_error");
    let mut listener = Listener::open(&stranger, "", None).await;
    send(&api, &product, 90).await;
    stranger.new_product().await;
    let heard = listener.take(2).await;
    assert_eq!(heard[0].name, "space.created");
    assert_eq!(data(&heard), listed(&stranger, "").await);
    // A key that is confined to a space hears of its products alone.
    let space = api.new_space().await;
    let mine = api.product_in(&space).await;
    let path = format!("/api/v1.0/organizations/{}/spaces", api.organization);
    let spaces = api.get(&path).send().await.expect(200);
    let spaces = spaces.as_array().unwrap();
    let id = spaces.iter().find(|one| one["slug"] == *space).unwrap()["id"].clone();
    let asked = json!({"name": "confined", "scopes": ["read"], "spaces": [id]});
    let key = api
        .post("/api/v1/api-keys", &asked)
        .send()
        .await
        .expect(201);
    let key = key["key"].as_str().unwrap();
    let mut confined = Listener::with_key(&api, key, "", Some("start")).await;
    send(&api, &product, 1).await;
    send(&api, &mine, 90).await;
    for one in confined.take(3).await {
        assert_eq!(one.data["product_id"], *mine, "{one:?}");
    }
}

async fn events_are_cloud_events_where_that_is_asked_for(api: Api) {
    let product = api.new_product().await;
    send(&api, &product, 90).await;
    let plain = api
        .get(&format!("{EVENTS}?limit=2"))
        .send()
        .await
        .expect(200);
    let batch = api.get(&format!("{EVENTS}?limit=2"));
    let batch = batch
        .header("accept", "application/cloudevents-batch+json")
        .send()
        .await;
    assert_eq!(
        batch.header("content-type"),
        "application/cloudevents-batch+json"
    );
    assert_eq!(batch.header("vary"), "Accept");
    assert_eq!(
        batch.header("x-next-cursor"),
        plain["next_cursor"].as_str().unwrap()
    );
    let batch = batch.expect(200);
    for (event, cloud) in plain["events"]
        .as_array()
        .unwrap()
        .iter()
        .zip(batch.as_array().unwrap())
    {
        assert_eq!(cloud["specversion"], "1.0");
        for (name, of) in [
            ("id", "id"),
            ("type", "event_type"),
            ("subject", "source_id"),
            ("time", "created_at"),
            ("productid", "product_id"),
        ] {
            assert_eq!(cloud[name], event[of], "{name}");
        }
        assert_eq!(cloud["auditindex"], event["audit_index"].to_string());
        assert_eq!(cloud["data"]["payload"], event["payload"]);
        let path = format!("{EVENTS}/{}", event["id"].as_str().unwrap());
        let one = api.get(&path).send().await;
        assert_eq!(one.header("etag"), "\"v1\"");
        assert_eq!(one.expect(200), *event);
        let one = api
            .get(&path)
            .header("accept", "application/cloudevents+json")
            .send()
            .await;
        assert_eq!(one.header("content-type"), "application/cloudevents+json");
        assert_eq!(one.expect(200), *cloud);
    }
    let mut stream = Listener::open(&api, "format=cloudevents", Some("start")).await;
    let heard = stream.take(1).await;
    assert_eq!(heard[0].data["specversion"], "1.0");
    let unknown = api
        .get(&format!("{EVENTS}/evt_00000000000000000000000002"))
        .send()
        .await;
    unknown.problem(404, "event_not_found");
    let stranger = Api::on(&api.app);
    let path = format!("{EVENTS}/{}", plain["events"][0]["id"].as_str().unwrap());
    stranger
        .get(&path)
        .send()
        .await
        .problem(404, "event_not_found");
}

/// What one node writes is heard on the other, and both end their streams when told to stop.
async fn nodes_share_the_stream_and_end_it_at_shutdown(place: Arc<Place>) {
    let flags = [
        &UNLIMITED[..],
        &["--event-streams", "3", "--shutdown-timeout", "60"],
    ]
    .concat();
    let first = Arc::new(TestApp::spawn(&place, &flags));
    let here = Api::on(&first);
    let there = if place.psql("SELECT 1").is_some() {
        let second = Arc::new(TestApp::spawn_beside(&place, &flags));
        Api {
            app: second,
            ..here.clone()
        }
    } else {
        here.clone()
    };
    let mut listener = Listener::open(&there, "", None).await;
    let product = here.new_product().await;
    send(&here, &product, 90).await;
    let all = listed(&here, "").await;
    assert_eq!(data(&listener.take(all.len()).await), all);
    let others = [
        Listener::open(&there, "", None).await,
        Listener::open(&there, "", None).await,
    ];
    let full = there.get(STREAM).send().await;
    full.problem(503, "too_many_streams");
    assert!(!full.header("retry-after").is_empty());
    let started = Instant::now();
    there.app.signal("TERM");
    for mut listener in others.into_iter().chain([listener]) {
        assert!(listener.next().await.is_none(), "the stream ends");
    }
    assert!(there.app.wait().success());
    // Far below the timeout that they would have held it up for.
    assert!(started.elapsed() < Duration::from_secs(50));
    if place.psql("SELECT 1").is_some() {
        // The listener comes back to the other node, at the place where it was.
        let last = listed(&here, "").await.pop().unwrap();
        let last = last["id"].as_str().unwrap().to_owned();
        send(&here, &product, 1).await;
        let mut back = Listener::open(&here, "", Some(&last)).await;
        assert_eq!(back.take(1).await[0].name, "alert.resolved");
    }
}

/// The node that is listened to is killed while others write; the listener goes on at another node, or
/// at the same one once it is back, and hears everything once and in order.
async fn a_listener_of_a_node_that_is_killed_goes_on_elsewhere(place: Arc<Place>) {
    let writing = Arc::new(TestApp::spawn(&place, &UNLIMITED));
    let here = Api::on(&writing);
    let several = place.psql("SELECT 1").is_some();
    let (product, mut heard): (_, Vec<Heard>) = (here.new_product().await, Vec::new());
    let mut last = "start".to_owned();
    let mut api = here.clone();
    for round in 0..4 {
        // On SQLite there is one node: it is killed itself, and started again.
        let node = if several {
            Arc::new(TestApp::spawn_beside(&place, &UNLIMITED))
        } else {
            api.app.clone()
        };
        let there = Api {
            app: node.clone(),
            ..api.clone()
        };
        let mut listener = Listener::open(&there, "", Some(&last)).await;
        let (writer, product) = (api.clone(), product.clone());
        let load = tokio::spawn(async move {
            for turn in 0..10_u32 {
                let drift = if (turn + round) % 2 == 0 { 90 } else { 1 };
                let body = json!({"modelId": product, "driftScore": drift, "fairnessScore": 99,
                                  "sampleSize": 10});
                // The server may be killed meanwhile.
                let _ = writer.post("/api/v1/metrics", &body).try_send().await;
            }
        });
        heard.extend(listener.take(3).await);
        node.signal("KILL");
        // What was still on its way belongs to it; then the stream breaks off.
        while let Some(one) = listener.next().await {
            heard.push(one);
        }
        last = listener.last_id.clone().unwrap();
        assert!(!node.wait().success());
        load.await.unwrap();
        if !several {
            drop((node, there, listener));
            let app = Arc::new(TestApp::spawn(&place, &UNLIMITED));
            api = Api { app, ..api.clone() };
        }
    }
    let all = listed(&api, "").await;
    let mut listener = Listener::open(&api, "", Some(&last)).await;
    heard.extend(listener.take(all.len() - heard.len()).await);
    assert_eq!(data(&heard), all);
    assert!(all.len() > 12, "{}", all.len());
}

/// A key that is revoked is shut out of the streams it has open.
async fn a_revoked_key_hears_no_more(place: Arc<Place>) {
    let app = Arc::new(TestApp::spawn(&place, &UNLIMITED));
    let api = Api::on(&app);
    let asked = json!({"name": "ear", "scopes": ["read"]});
    let made = api
        .post("/api/v1/api-keys", &asked)
        .send()
        .await
        .expect(201);
    let key = made["key"].as_str().unwrap();
    let mut listener = Listener::with_key(&api, key, "", None).await;
    api.new_space().await;
    listener.take(1).await;
    let path = format!("/api/v1/api-keys/{}", made["id"].as_str().unwrap());
    let gone = api.delete(&path).send().await;
    assert!(gone.status < 300, "{}", gone.text());
    while let Some(heard) = listener.next().await {
        assert_ne!(heard.name, "product.created");
    }
}

both!(
    what_happens_is_heard_in_order_and_once,
    filters_are_those_of_the_listing,
    a_listener_that_hangs_up_again_and_again_misses_nothing,
    what_is_asked_wrongly_is_named,
    nothing_of_others_and_nothing_beyond_the_credential_is_heard,
    events_are_cloud_events_where_that_is_asked_for,
);
both_alone!(
    nodes_share_the_stream_and_end_it_at_shutdown,
    a_listener_of_a_node_that_is_killed_goes_on_elsewhere,
    a_revoked_key_hears_no_more,
);
