//! Alerts of every source from their opening to their end, and what happens to the product, the targets
//! and the preferences meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Api, Place, TestApp, UNLIMITED};

const BANNERS: &str = "/api/v1/alerts/banners";
const TARGETS: &str = "/api/v1/alerts/sla/targets";
const PREFERENCES: &str = "/api/v1/alerts/preferences";
const WEBHOOKS: &str = "/api/v1/governance-events/webhooks";

/// All alerts of a source, in any state.
async fn all(api: &Api, source: &str) -> Vec<Value> {
    let query = "minSeverity=low&state=all&acknowledged=all&source=";
    let page = api.get(&format!("{BANNERS}?{query}{source}")).send().await;
    page.expect(200)["banners"].as_array().unwrap().clone()
}

/// The only alert of a source.
async fn the_one(api: &Api, source: &str) -> Value {
    let mut found = all(api, source).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// The sources of the banners that a query picks, in alphabetical order.
async fn sources(api: &Api, query: &str) -> Vec<String> {
    let page = api.get(&format!("{BANNERS}?{query}")).send().await;
    let page = page.expect(200);
    let banners = page["banners"].as_array().unwrap().iter();
    let mut sources: Vec<String> = banners
        .map(|one| one["source"].as_str().unwrap().to_owned())
        .collect();
    sources.sort();
    sources
}

async fn told(api: &Api, kind: &str) -> Vec<Value> {
    let path = format!("/api/v1/governance-events?limit=100&event_type={kind}");
    let page = api.get(&path).send().await.expect(200);
    page["events"].as_array().unwrap().clone()
}

async fn decide(api: &Api, alert: &Value, what: &str) -> Value {
    let path = format!("/api/v1/alerts/{}/{what}", alert["id"].as_str().unwrap());
    api.post(&path, &json!({})).send().await.expect(200)
}

async fn send(api: &Api, product: &str, drift: u32) -> Value {
    let body =
        json!({"modelId": product, "driftScore": drift, "fairnessScore": 99, "sampleSize": 10});
    api.post("/api/v1/metrics", &body).send().await.expect(200)
}

fn of_product(product: &str, rest: &str) -> String {
    format!("/api/v1.0/catalog/products/{product}/{rest}")
}

async fn happened(api: &Api, product: &str, kind: &str, severity: &str) -> Value {
    let path = of_product(product, "ai-runtime-governance-events");
    let body = json!({"event_type": kind, "severity": severity, "summary": "x"});
    api.post(&path, &body).send().await.expect(201)
}

/// A risk that was to be dealt with long ago.
async fn overdue(api: &Api, product: &str, severity: &str) {
    let path = of_product(product, "risk-mitigations");
    let body = json!({"title": severity, "severity": severity, "due_at": "2026-01-01T00:00:00Z"});
    api.post(&path, &body).send().await.expect(201);
}

async fn set(api: &Api, path: &str, body: &Value) {
    api.put(path, body).send().await.expect(200);
}

/// The members by which an alert stands.
fn stands(alert: &Value) -> [&Value; 3] {
    [
        &alert["severity"],
        &alert["state"],
        &alert["acknowledgedAt"],
    ]
}

async fn a_metric_that_gets_worse_starts_its_clock_anew(api: Api) {
    let product = api.new_product().await;
    send(&api, &product, 60).await;
    let amber = the_one(&api, "metric").await;
    assert_eq!(
        stands(&amber),
        [&json!("medium"), &json!("open"), &json!(null)]
    );
    decide(&api, &amber, "acknowledge").await;
    let seen = the_one(&api, "metric").await;
    assert!(seen["acknowledgedAt"].is_string());
    send(&api, &product, 61).await;
    let repeated = the_one(&api, "metric").await;
    assert_eq!(repeated, seen, "the same breach once more moves nothing");
    send(&api, &product, 90).await;
    let red = the_one(&api, "metric").await;
    assert_eq!(
        stands(&red),
        [&json!("critical"), &json!("open"), &json!(null)]
    );
    assert_eq!(red["openedAt"], amber["openedAt"]);
    assert!(red["since"].as_str() > amber["since"].as_str());
    assert!(red["acknowledgeDueAt"].as_str() < amber["acknowledgeDueAt"].as_str());
    decide(&api, &red, "acknowledge").await;
    send(&api, &product, 1).await;
    let over = the_one(&api, "metric").await;
    assert_eq!(
        (&over["state"], &over["resolution"], &over["breached"]),
        (&json!("resolved"), &json!("recovered"), &json!([]))
    );
    for (kind, count) in [
        ("guardian.trigger.fired", 2),
        ("compliance.threshold.breach", 1),
        ("alert.acknowledged", 2),
        ("alert.resolved", 1),
        ("alert.opened", 0),
        ("alert.escalated", 0),
        ("alert.sla.breached", 0),
    ] {
        assert_eq!(told(&api, kind).await.len(), count, "{kind}");
    }
}

async fn every_kind_of_runtime_event_opens_an_alert_of_its_own(api: Api) {
    let product = api.new_product().await;
    let kinds = [
        "guardrail_trigger",
        "blocked_action",
        "sensitive_data_redaction",
        "human_escalation",
        "policy_exception",
        "incident_created",
    ];
    for kind in kinds {
        happened(&api, &product, kind, "high").await;
        happened(&api, &product, kind, "low").await;
    }
    let mut subjects: Vec<String> = all(&api, "runtime_event")
        .await
        .iter()
        .map(|one| one["subject"].as_str().unwrap().to_owned())
        .collect();
    subjects.sort();
    let mut wanted = kinds.map(str::to_owned);
    wanted.sort();
    assert_eq!(subjects, wanted);
    assert_eq!(told(&api, "runtime_governance.recorded").await.len(), 12);
    let opened = told(&api, "alert.opened").await;
    assert_eq!(opened.len(), 6);
    assert!(opened.iter().all(|one| one["product_id"] == *product));
}

/// To archive a product is no way to make what is open about it go away.
async fn alerts_of_an_archived_product_stand_until_they_are_ended(api: Api) {
    let space = api.new_space().await;
    let product = api.product_in(&space).await;
    send(&api, &product, 90).await;
    happened(&api, &product, "incident_created", "critical").await;
    let reviews = of_product(&product, "ai-governance-review-requests");
    api.post(&reviews, &json!({})).send().await.expect(201);
    overdue(&api, &product, "critical").await;
    let low = "minSeverity=low";
    assert_eq!(
        sources(&api, low).await,
        ["metric", "posture", "review", "runtime_event"]
    );
    let path = format!("/api/v1.0/catalog/spaces/{space}/products/{product}");
    api.delete(&path).send().await.expect(204);
    assert_eq!(
        sources(&api, low).await,
        ["metric", "review", "runtime_event"],
        "it is judged no more, and has no posture"
    );
    assert_eq!(the_one(&api, "posture").await["state"], "resolved");
    // A system that still runs still sends figures, and may recover.
    send(&api, &product, 1).await;
    assert_eq!(the_one(&api, "metric").await["resolution"], "recovered");
    for source in ["review", "runtime_event"] {
        let alert = the_one(&api, source).await;
        decide(&api, &alert, "acknowledge").await;
        let over = decide(&api, &alert, "resolve").await;
        assert_eq!(over["resolution"], "manual", "{source}");
    }
    assert_eq!(sources(&api, low).await, Vec::<String>::new());
    assert_eq!(told(&api, "alert.resolved").await.len(), 4);
}

/// What somebody wants to see is nothing that other people's systems are kept from hearing.
async fn preferences_change_banners_at_once_and_deliveries_never(api: Api) {
    let body = json!({"target_url": "http://127.0.0.1:9/", "event_types": [
        "guardian.trigger.fired", "compliance.threshold.breach", "alert.opened"]});
    let made = api.post(WEBHOOKS, &body).send().await.expect(201);
    let deliveries = format!("{WEBHOOKS}/{}/deliveries", made["id"].as_str().unwrap());
    let delivered = async || {
        let page = api.get(&deliveries).send().await.expect(200);
        let items = page["deliveries"].as_array().unwrap().clone();
        let names = items
            .iter()
            .map(|one| one["event_type"].as_str().unwrap().to_owned());
        let mut names: Vec<String> = names.filter(|name| name != "webhook.ping").collect();
        names.sort();
        names
    };
    let nothing = json!({"channels": {"inApp": {"enabled": false}, "slack": {"enabled": false}}});
    set(&api, PREFERENCES, &nothing).await;
    let product = api.new_product().await;
    send(&api, &product, 90).await;
    happened(&api, &product, "incident_created", "critical").await;
    let mine = "mine=true&minSeverity=low";
    assert_eq!(sources(&api, mine).await, Vec::<String>::new());
    let all_three = [
        "alert.opened",
        "compliance.threshold.breach",
        "guardian.trigger.fired",
    ];
    assert_eq!(delivered().await, all_three);
    // Alerts that stand are judged by what is preferred now.
    for (change, seen) in [
        (
            json!({"channels": {"inApp": {"enabled": true, "minimumSeverity": "critical"}}}),
            vec!["metric", "runtime_event"],
        ),
        (
            json!({"eventTypes": ["runtime_governance.recorded"]}),
            vec!["runtime_event"],
        ),
        (json!({"eventTypes": []}), vec!["metric", "runtime_event"]),
        (json!({"mutedModelIds": [product]}), vec![]),
        (
            json!({"mutedModelIds": [api.new_product().await]}),
            vec!["metric", "runtime_event"],
        ),
        (json!({"quietHours": null}), vec!["metric", "runtime_event"]),
    ] {
        set(&api, PREFERENCES, &change).await;
        assert_eq!(sources(&api, mine).await, seen, "{change}");
    }
    assert_eq!(delivered().await, all_three);
}

/// With targets of a minute nothing has to be done for a breach to be told, however many nodes watch.
async fn two_nodes_tell_a_missed_deadline_once(place: Arc<Place>) {
    let flags = [&UNLIMITED[..], &["--checkpoint-interval", "1"]].concat();
    let app = Arc::new(TestApp::spawn(&place, &flags));
    let second = place
        .psql("SELECT 1")
        .map(|_| TestApp::spawn_beside(&place, &flags));
    let api = Api::on(&app);
    let minute = json!({"acknowledgeMinutes": 1, "resolveMinutes": null});
    set(
        &api,
        TARGETS,
        &json!({"critical": minute, "medium": minute}),
    )
    .await;
    let product = api.new_product().await;
    send(&api, &product, 90).await;
    happened(&api, &product, "incident_created", "critical").await;
    let reviews = of_product(&product, "ai-governance-review-requests");
    api.post(&reviews, &json!({})).send().await.expect(201);
    let (started, alerts) = (Instant::now(), 3);
    while told(&api, "alert.sla.breached").await.len() < alerts {
        let passed = started.elapsed();
        assert!(passed < Duration::from_mins(3), "not all were told");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let breaches = told(&api, "alert.sla.breached").await;
    let mut about: Vec<&Value> = breaches.iter().map(|one| &one["source_id"]).collect();
    about.sort_by_key(ToString::to_string);
    about.dedup();
    assert_eq!((breaches.len(), about.len()), (alerts, alerts));
    for node in second.iter().chain([&*app]) {
        node.signal("TERM");
        assert!(node.wait().success());
    }
    place.run(&["check"]);
}

both!(
    a_metric_that_gets_worse_starts_its_clock_anew,
    every_kind_of_runtime_event_opens_an_alert_of_its_own,
    alerts_of_an_archived_product_stand_until_they_are_ended,
    preferences_change_banners_at_once_and_deliveries_never,
);
both_alone!(two_nodes_tell_a_missed_deadline_once);
