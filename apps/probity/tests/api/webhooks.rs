//! Webhooks: registration, what is delivered and how, secrets, failures, replay.

use std::time::{Duration, Instant};

use probity_webhooks::SigningSecret;
use probity_webhooks::signature::Signed;
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::harness::{Api, Place, TestApp, now};

const WEBHOOKS: &str = "/api/v1/governance-events/webhooks";
const DEAD: &str = "/api/v1/governance-events/dead-letters";

/// How long a delivery may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A receiver that answers with these statuses, the last one for good.
async fn receiver(statuses: &[u16]) -> MockServer {
    let server = MockServer::start().await;
    for (place, status) in statuses.iter().enumerate() {
        let mock = Mock::given(method("POST")).respond_with(ResponseTemplate::new(*status));
        let last = place + 1 == statuses.len();
        let priority = u8::try_from(place + 1).unwrap();
        let mock = mock.with_priority(priority);
        if last {
            mock.mount(&server).await;
        } else {
            mock.up_to_n_times(1).mount(&server).await;
        }
    }
    server
}

/// Waits until a receiver has got so many requests.
async fn received(server: &MockServer, count: usize) -> Vec<Request> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let requests = server.received_requests().await.unwrap();
        if requests.len() >= count {
            return requests;
        }
        let types: Vec<_> = requests.iter().map(event_type).collect();
        assert!(Instant::now() < deadline, "only {types:?} arrived");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn event_type(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["type"].as_str().unwrap().to_owned()
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers[name].to_str().unwrap()
}

fn verifies(request: &Request, secret: &str) -> bool {
    let signed = Signed {
        id: header(request, "webhook-id"),
        timestamp: header(request, "webhook-timestamp").parse().unwrap(),
        signatures: header(request, "webhook-signature"),
        body: &request.body,
    };
    SigningSecret::parse(secret)
        .unwrap()
        .verifies(&signed, now())
}

async fn register(api: &Api, server: &MockServer, types: &[&str]) -> Value {
    let body = json!({"target_url": format!("{}/hook", server.uri()), "event_types": types});
    api.post(WEBHOOKS, &body).send().await.expect(201)
}

fn id(webhook: &Value) -> &str {
    webhook["id"].as_str().unwrap()
}

async fn red(api: &Api, product: &str) {
    let body = json!({"modelId": product, "driftScore": 90, "fairnessScore": 99, "sampleSize": 10});
    api.post("/api/v1/metrics", &body).send().await.expect(200);
}

/// Waits until a delivery is in a state.
async fn settled(api: &Api, path: &str, state: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let delivery = api.get(path).send().await.expect(200);
        if delivery["state"] == state {
            return delivery;
        }
        assert!(Instant::now() < deadline, "{delivery}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_registered_endpoint_gets_a_ping_and_then_what_it_asked_for(api: Api) {
    let server = receiver(&[200]).await;
    let webhook = register(&api, &server, &["guardian.trigger.fired"]).await;
    let secret = webhook["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{webhook}");
    assert_eq!(webhook["hmac_secret_alias"], "primary");
    assert_eq!(webhook["status"], "enabled");
    let requests = received(&server, 1).await;
    assert_eq!(event_type(&requests[0]), "webhook.ping");
    assert!(verifies(&requests[0], secret));

    let product = api.new_product().await;
    red(&api, &product).await;
    let requests = received(&server, 2).await;
    let fired = &requests[1];
    assert!(verifies(fired, secret));
    let body: Value = serde_json::from_slice(&fired.body).unwrap();
    assert_eq!(body["type"], "guardian.trigger.fired");
    let listed = api
        .get("/api/v1/governance-events?event_type=guardian.trigger.fired")
        .send()
        .await
        .expect(200);
    assert_eq!(body["data"], listed["events"][0]);
    assert_eq!(header(fired, "webhook-id"), body["data"]["id"]);

    let shown = api
        .get(&format!("{WEBHOOKS}/{}", id(&webhook)))
        .send()
        .await;
    let shown = shown.expect(200);
    assert!(!shown.to_string().contains("whsec_"), "{shown}");
    let path = format!("{WEBHOOKS}/{}/deliveries", id(&webhook));
    let event = header(fired, "webhook-id").replace("evt_", "dlv_");
    let delivery = settled(&api, &format!("{path}/{event}"), "delivered").await;
    assert_eq!(delivery["attempts"], 1);
    assert_eq!(delivery["last_status"], 200);
    assert_eq!(delivery["message_id"], header(fired, "webhook-id"));
    assert_eq!(delivery["failed_attempts"], json!([]));
    let page = api.get(&path).send().await.expect(200);
    assert_eq!(page["count"], 2);
}

async fn the_contracts_own_request_is_taken(api: Api) {
    let body = json!({
        "target_url": "https://customer.example/governance/webhook",
        "event_types": ["finding.state_transition", "risk_score.changed"],
        "hmac_secret_alias": "primary"
    });
    let made = api.post(WEBHOOKS, &body).send().await.expect(201);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(made[name.as_str()], *value, "{name}");
    }
    let path = WEBHOOKS.replace("/api/v1", "/api");
    let also = api.post(&path, &body).send().await.expect(201);
    assert_eq!(also["secret"], Value::Null, "the name is in use");
    let listed = api.get(WEBHOOKS).send().await.expect(200);
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["webhooks"][0]["id"], also["id"]);
}

async fn a_failed_attempt_is_made_again_under_the_same_id(api: Api) {
    let server = receiver(&[200, 500, 200]).await;
    let webhook = register(&api, &server, &["guardian.trigger.fired"]).await;
    received(&server, 1).await;
    let product = api.new_product().await;
    red(&api, &product).await;
    let requests = received(&server, 3).await;
    let ids: Vec<_> = requests[1..]
        .iter()
        .map(|one| header(one, "webhook-id"))
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(requests[1].body, requests[2].body);
    let secret = webhook["secret"].as_str().unwrap();
    assert!(verifies(&requests[2], secret));
    let event = ids[0].replace("evt_", "dlv_");
    let path = format!("{WEBHOOKS}/{}/deliveries/{event}", id(&webhook));
    let delivery = settled(&api, &path, "delivered").await;
    assert_eq!(delivery["attempts"], 2);
    let failed = &delivery["failed_attempts"];
    assert_eq!(failed[0]["number"], 1);
    assert_eq!(failed[0]["status"], 500);
    assert_eq!(failed[0]["error"], "status 500");
}

async fn a_receiver_that_is_gone_is_not_asked_again(api: Api) {
    let watcher = receiver(&[200]).await;
    register(&api, &watcher, &["webhook.endpoint.disabled"]).await;
    let server = receiver(&[410, 200]).await;
    let webhook = register(&api, &server, &["guardian.trigger.fired"]).await;
    let told = received(&watcher, 2).await;
    let told: Value = serde_json::from_slice(&told[1].body).unwrap();
    assert_eq!(told["data"]["source_id"], webhook["id"]);
    assert_eq!(told["data"]["payload"]["reason"], "gone");
    let path = format!("{WEBHOOKS}/{}", id(&webhook));
    let shown = api.get(&path).send().await.expect(200);
    assert_eq!(shown["status"], "disabled");
    assert_eq!(shown["disabled_reason"], "gone");

    // What happens meanwhile is not queued; it can be asked for afterwards.
    let product = api.new_product().await;
    red(&api, &product).await;
    let dead = api.get(DEAD).send().await.expect(200);
    assert_eq!(dead["count"], 1, "{dead}");
    let ping = dead["deliveries"][0]["id"].as_str().unwrap();
    let again = format!("{path}/deliveries/{ping}/replay");
    let refused = api.post(&again, &json!({})).send().await;
    refused.problem(409, "webhook_disabled");
    let enable = json!({"status": "enabled"});
    let enabled = api.call(Method::PATCH, &path).json(&enable).send().await;
    assert_eq!(enabled.expect(200)["status"], "enabled");
    received(&server, 2).await;
    let range = json!({"include_missed": true});
    let replay = api.post(&format!("{path}/replay"), &range).send().await;
    let replayed = replay.expect(202);
    assert_eq!(replayed, json!({"replayed": 1, "missed": 1, "more": false}));
    let requests = received(&server, 4).await;
    let mut types: Vec<_> = requests[1..].iter().map(event_type).collect();
    types.sort();
    assert_eq!(
        types,
        ["guardian.trigger.fired", "webhook.ping", "webhook.ping"]
    );
    let dead = api.get(DEAD).send().await.expect(200);
    assert_eq!(dead["count"], 0, "{dead}");
}

async fn a_rotated_secret_signs_beside_the_old_one(api: Api) {
    let server = receiver(&[200]).await;
    let webhook = register(&api, &server, &["guardian.trigger.fired"]).await;
    let old = webhook["secret"].as_str().unwrap();
    let path = format!("{WEBHOOKS}/{}", id(&webhook));
    let rotate = format!("{path}/rotate-secret");
    let rotated = api.post(&rotate, &json!({})).header("idempotency-key", "k");
    let new = rotated.clone().send().await.expect(201);
    assert_eq!(new["number"], 2);
    let repeated = rotated.send().await.expect(201);
    assert_eq!(repeated["id"], new["id"]);
    assert_eq!(repeated["secret"], Value::Null);
    let new = new["secret"].as_str().unwrap().to_owned();
    received(&server, 1).await;
    let pair = json!({"sign_ed25519": true});
    let patched = api.call(Method::PATCH, &path).json(&pair).send().await;
    patched.expect(200);
    let product = api.new_product().await;
    red(&api, &product).await;
    let requests = received(&server, 2).await;
    assert!(verifies(&requests[1], old));
    assert!(verifies(&requests[1], &new));
    let signatures = header(&requests[1], "webhook-signature");
    assert_eq!(signatures.matches("v1a,").count(), 2, "{signatures}");
    let shown = api.get(&path).send().await.expect(200);
    assert_eq!(shown["public_keys"].as_array().unwrap().len(), 2);
    let at_once = json!({"overlap_seconds": 0});
    let last = api.post(&rotate, &at_once).send().await.expect(201);
    let other = api.new_product().await;
    red(&api, &other).await;
    let requests = received(&server, 3).await;
    assert!(!verifies(&requests[2], &new));
    assert!(verifies(&requests[2], last["secret"].as_str().unwrap()));
    let far = json!({"overlap_seconds": 604_801});
    api.post(&rotate, &far)
        .send()
        .await
        .problem(400, "validation_error");
}

async fn what_is_wrong_is_told_by_field(api: Api) {
    for (body, field, code) in [
        (json!({}), "/target_url", "required"),
        (
            json!({"target_url": "receiver.example"}),
            "/target_url",
            "invalid_url",
        ),
        (
            json!({"target_url": "http://receiver.example/"}),
            "/target_url",
            "insecure_scheme",
        ),
        (
            json!({"target_url": "https://localhost/"}),
            "/target_url",
            "forbidden_address",
        ),
        (
            json!({"target_url": "https://10.0.0.1/"}),
            "/target_url",
            "forbidden_address",
        ),
        (
            json!({"target_url": "https://0xa.1/"}),
            "/target_url",
            "forbidden_address",
        ),
        (
            json!({"target_url": "https://[::ffff:a00:1]/"}),
            "/target_url",
            "forbidden_address",
        ),
        (
            json!({"target_url": "https://u:p@receiver.example/"}),
            "/target_url",
            "credentials_in_url",
        ),
        (
            json!({"target_url": "https://receiver.example:22/"}),
            "/target_url",
            "forbidden_port",
        ),
        (
            json!({"target_url": "https://receiver.example/#a"}),
            "/target_url",
            "fragment_in_url",
        ),
        (
            json!({"target_url": "https://receiver.example/", "event_types": ["a.b", "Changed"]}),
            "/event_types/1",
            "invalid_value",
        ),
        (
            json!({"target_url": "https://receiver.example/", "hmac_secret_alias": "a b"}),
            "/hmac_secret_alias",
            "invalid_value",
        ),
        (
            json!({"target_url": "https://receiver.example/", "kind": "pigeon"}),
            "/kind",
            "unknown_value",
        ),
        (
            json!({"target_url": "https://receiver.example/", "credential": "x"}),
            "/credential",
            "not_allowed",
        ),
        (
            json!({"target_url": "https://receiver.example/", "settings": {"a": 1}}),
            "/settings",
            "not_allowed",
        ),
        (
            json!({"target_url": "https://receiver.example/", "description": "x".repeat(501)}),
            "/description",
            "too_long",
        ),
    ] {
        let refused = api.post(WEBHOOKS, &body).send().await;
        let problem = refused.problem(400, "validation_error");
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{body}: {problem}");
    }
    let listed = api.get(WEBHOOKS).send().await.expect(200);
    assert_eq!(listed["total"], 0);
}

async fn endpoints_are_changed_by_version_and_made_once(api: Api) {
    let body = json!({"target_url": "https://receiver.example/a"});
    let create = api.post(WEBHOOKS, &body).header("idempotency-key", "one");
    let made = create.clone().send().await.expect(201);
    let again = create.send().await.expect(201);
    assert_eq!(again["id"], made["id"]);
    assert!(made["secret"].is_string());
    assert_eq!(again["secret"], Value::Null);
    let path = format!("{WEBHOOKS}/{}", id(&made));
    let amend = |body: Value| api.call(Method::PATCH, &path).json(&body);
    let second = amend(json!({"event_types": ["a.b"], "description": "x", "unknown": 1}))
        .header("if-match", "\"v1\"")
        .send()
        .await;
    assert_eq!(second.header("etag"), "\"v2\"");
    assert_eq!(second.expect(200)["event_types"], json!(["a.b"]));
    let stale = amend(json!({"description": null})).header("if-match", "\"v1\"");
    stale.send().await.problem(412, "precondition_failed");
    let same = amend(json!({"description": "x"})).send().await;
    assert_eq!(same.header("etag"), "\"v2\"");
    let cleared = amend(json!({"description": null})).send().await;
    assert_eq!(cleared.expect(200)["description"], Value::Null);
    let wrong = amend(json!({"status": "asleep"})).send().await;
    wrong.problem(400, "validation_error");
    let asleep = amend(json!({"status": "disabled"})).send().await;
    assert_eq!(asleep.expect(200)["disabled_reason"], "manual");
    let gone = api.delete(&path).header("if-match", "\"v2\"").send().await;
    gone.problem(412, "precondition_failed");
    api.delete(&path).send().await.expect(204);
    api.get(&path)
        .send()
        .await
        .problem(404, "webhook_not_found");
    let deliveries = format!("{path}/deliveries");
    let deliveries = api.get(&deliveries).send().await;
    deliveries.problem(404, "webhook_not_found");
}

async fn only_administrators_of_all_spaces_have_a_say(api: Api) {
    let body = json!({"target_url": "https://receiver.example/"});
    let write = api.new_key("write");
    let refused = api.post(WEBHOOKS, &body).bearer(&write).send().await;
    refused.problem(403, "forbidden");
    let space = json!({"name": "confined", "scopes": ["admin"], "spaces": ["01890a5d-ac96-774b-bcce-b302099a8057"]});
    let confined = api.post("/api/v1/api-keys", &space).send().await;
    let confined = confined.expect(201)["key"].as_str().unwrap().to_owned();
    for call in [api.post(WEBHOOKS, &body), api.get(WEBHOOKS), api.get(DEAD)] {
        let refused = call.bearer(&confined).send().await;
        refused.problem(403, "forbidden");
    }
}

async fn a_database_with_secrets_is_not_served_without_the_master_key(
    place: std::sync::Arc<Place>,
) {
    let app = std::sync::Arc::new(TestApp::spawn(&place, &[]));
    let api = Api::on(&app);
    let body = json!({"target_url": "https://receiver.example/"});
    api.post(WEBHOOKS, &body).send().await.expect(201);
    app.signal("TERM");
    assert!(app.wait().success(), "{}", app.log());
    let refused = place
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .env_remove("PROBITY_WEBHOOK_KEY_FILE")
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("webhook-key-file"), "{said}");
    assert!(said.contains("openssl rand -base64 32"), "{said}");
}

/// Waits until an endpoint is shown as it should be.
async fn shown(api: &Api, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shown = api.get(path).send().await.expect(200);
        if is(&shown) {
            return shown;
        }
        assert!(Instant::now() < deadline, "{shown}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Since when endpoints fail is put back, as if time had passed.
async fn five_days_of_failures_disable_an_endpoint(place: std::sync::Arc<Place>) {
    let app = std::sync::Arc::new(TestApp::spawn(&place, &[]));
    let api = Api::on(&app);
    let watcher = receiver(&[200]).await;
    register(&api, &watcher, &["webhook.endpoint.disabled"]).await;
    let server = receiver(&[500]).await;
    let webhook = register(&api, &server, &["guardian.trigger.fired"]).await;
    let path = format!("{WEBHOOKS}/{}", id(&webhook));
    shown(&api, &path, |shown| shown["failing_since"].is_string()).await;
    let pass = |hours: i64| {
        let sqlite = format!("failing_since - {hours} * 3600 * 1000000");
        let postgres = format!("failing_since - interval '{hours} hours'");
        let update = |to| format!("UPDATE webhook_endpoints SET failing_since = {to};");
        place.change(&update(sqlite), &update(postgres));
    };
    let failed = async |count| {
        let product = api.new_product().await;
        red(&api, &product).await;
        received(&server, count).await;
        let failures = format!("{path}/deliveries?event_type=guardian.trigger.fired");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = api.get(&failures).send().await.expect(200);
            let newest = &page["deliveries"][0];
            if newest["last_status"] == 500 {
                break;
            }
            assert!(Instant::now() < deadline, "{page}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    pass(5 * 24 - 1);
    failed(2).await;
    let still = api.get(&path).send().await.expect(200);
    assert_eq!(still["status"], "enabled", "an hour is left: {still}");
    pass(1);
    failed(3).await;
    let disabled = shown(&api, &path, |shown| shown["status"] == "disabled").await;
    assert_eq!(disabled["disabled_reason"], "failing");
    assert!(disabled["disabled_at"].is_string() && disabled["failing_since"].is_string());
    // Told to whoever else listens, and on the record.
    let told = received(&watcher, 2).await;
    let told: Value = serde_json::from_slice(&told[1].body).unwrap();
    assert_eq!(told["type"], "webhook.endpoint.disabled");
    assert_eq!(told["data"]["source_id"], webhook["id"]);
    assert_eq!(told["data"]["payload"]["reason"], "failing");
    assert_eq!(
        told["data"]["payload"]["failing_since"],
        disabled["failing_since"]
    );
    let listed = api.get("/api/v1/governance-events?event_type=webhook.endpoint.disabled");
    let listed = listed.send().await.expect(200);
    assert_eq!(listed["count"], 1, "once: {listed}");
    let entries = api.get("/api/v1/audit/entries?action=webhook.endpoint.disabled");
    let entries = entries.send().await.expect(200);
    let entry = &entries["entries"][0];
    assert_eq!(entry["index"], told["data"]["audit_index"], "{entries}");
    // Whoever enables it gives it another five days.
    let enable = json!({"status": "enabled"});
    let enabled = api.call(Method::PATCH, &path).json(&enable).send().await;
    assert_eq!(enabled.expect(200)["failing_since"], Value::Null);
}

async fn the_master_key_is_changed_without_losing_a_secret(place: std::sync::Arc<Place>) {
    const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NEW: &str = "/////////////////////////////////////////y8=";
    let server = receiver(&[200]).await;
    let keys = |lines: &[&str]| {
        let text = lines.join("\n");
        place.file("keys", &text).to_str().unwrap().to_owned()
    };
    let (old, both) = (keys(&[OLD]), |place: &Place| {
        let path = place.file("both-keys", &format!("{NEW}\n{OLD}\n"));
        path.to_str().unwrap().to_owned()
    });
    let app = std::sync::Arc::new(TestApp::spawn(&place, &["--webhook-key-file", &old]));
    let api = Api::on(&app);
    let webhook = register(&api, &server, &["guardian.trigger.fired"]).await;
    let secret = webhook["secret"].as_str().unwrap().to_owned();
    let template = json!({
        "target_url": server.uri(), "kind": "template", "credential": "Token t0k",
        "settings": {"body": "{\"type\": \"{{type}}\"}"}, "event_types": ["guardian.trigger.fired"]
    });
    api.post(WEBHOOKS, &template).send().await.expect(201);
    received(&server, 2).await;
    app.signal("TERM");
    assert!(app.wait().success(), "{}", app.log());
    // Without the former key nothing is changed, and that is said.
    let new = place.file("new-key", NEW).to_str().unwrap().to_owned();
    let rewrap = |file: &str| {
        let arguments = ["webhooks", "rewrap", "--webhook-key-file", file];
        let output = place.command(&arguments).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let complained = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), told, complained)
    };
    let (done, told, complained) = rewrap(&new);
    assert!(!done && told.is_empty(), "{told}");
    assert!(complained.contains("cannot be read"), "{complained}");
    let both = both(&place);
    let slug = &api.organization;
    let (done, told, complained) = rewrap(&both);
    assert!(done, "{complained}");
    assert_eq!(told, format!("{slug}: 1 secrets, 1 credentials\n"));
    let (done, told, _) = rewrap(&new);
    assert!(done && told.is_empty(), "once more changes nothing: {told}");
    // The former key is given up.
    let flags = ["--webhook-key-file", &new];
    let app = std::sync::Arc::new(TestApp::spawn(&place, &flags));
    let api = Api::of(&app, slug);
    let product = api.new_product().await;
    red(&api, &product).await;
    let requests = received(&server, 4).await;
    let plain = requests[2..].iter().find(|one| one.url.path() == "/hook");
    assert!(verifies(plain.unwrap(), &secret));
    let filled = requests[2..].iter().find(|one| one.url.path() == "/");
    assert_eq!(header(filled.unwrap(), "authorization"), "Token t0k");
    let entries = api.get("/api/v1/audit/entries?action=webhook.secrets.rewrapped");
    let entries = entries.send().await.expect(200);
    assert_eq!(entries["entries"].as_array().unwrap().len(), 1, "{entries}");
}

async fn without_a_master_key_nothing_is_registered(place: std::sync::Arc<Place>) {
    let app = std::sync::Arc::new(TestApp::spawn(&place, &["--webhook-key-file", ""]));
    let api = Api::on(&app);
    let body = json!({"target_url": "https://receiver.example/"});
    let refused = api.post(WEBHOOKS, &body).send().await;
    let problem = refused.problem(503, "webhooks_not_configured");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("webhook-key-file"), "{detail}");
}

async fn a_window_the_wrong_way_round_is_refused(api: Api) {
    let server = receiver(&[200]).await;
    let webhook = register(&api, &server, &[]).await;
    let deliveries = format!("{WEBHOOKS}/{}/deliveries", id(&webhook));
    let (early, late) = ("2026-11-27T08:00:00Z", "2026-11-27T09:00:00Z");
    for list in [&deliveries, DEAD, "/api/v1/governance-events"] {
        let asked = format!("{list}?from={late}&to={early}");
        let refused = api.get(&asked).send().await;
        let problem = refused.problem(400, "validation_error");
        let fault = &problem["errors"][0];
        assert_eq!(
            (&fault["field"], &fault["code"]),
            (&json!("to"), &json!("out_of_order"))
        );
        for (from, to) in [(early, late), (early, early)] {
            let asked = format!("{list}?from={from}&to={to}");
            api.get(&asked).send().await.expect(200);
        }
    }
}

both!(
    a_window_the_wrong_way_round_is_refused,
    a_registered_endpoint_gets_a_ping_and_then_what_it_asked_for,
    the_contracts_own_request_is_taken,
    a_failed_attempt_is_made_again_under_the_same_id,
    a_receiver_that_is_gone_is_not_asked_again,
    a_rotated_secret_signs_beside_the_old_one,
    what_is_wrong_is_told_by_field,
    endpoints_are_changed_by_version_and_made_once,
    only_administrators_of_all_spaces_have_a_say,
);
both_alone!(
    a_database_with_secrets_is_not_served_without_the_master_key,
    without_a_master_key_nothing_is_registered,
    five_days_of_failures_disable_an_endpoint,
    the_master_key_is_changed_without_losing_a_secret,
);
