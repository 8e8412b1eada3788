//! Alerts of every source: banners, service levels, preferences.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Api, Place, TestApp, UNLIMITED, now};

const BANNERS: &str = "/api/v1/alerts/banners";
const SLA: &str = "/api/v1/alerts/sla";
const TARGETS: &str = "/api/v1/alerts/sla/targets";
const PREFERENCES: &str = "/api/v1/alerts/preferences";

async fn banners(api: &Api, query: &str) -> Vec<Value> {
    let page = api.get(&format!("{BANNERS}?{query}")).send().await;
    let page = page.expect(200);
    let banners = page["banners"].as_array().unwrap().clone();
    assert_eq!(page["success"], true);
    assert_eq!(page["total"], banners.len());
    banners
}

async fn send(api: &Api, product: &str, drift: u32) {
    let body =
        json!({"modelId": product, "driftScore": drift, "fairnessScore": 99, "sampleSize": 10});
    api.post("/api/v1/metrics", &body).send().await.expect(200);
}

async fn happened(api: &Api, product: &str, severity: &str) -> Value {
    let path = format!("/api/v1.0/catalog/products/{product}/ai-runtime-governance-events");
    let body = json!({"event_type": "blocked_action", "severity": severity, "summary": "x"});
    api.post(&path, &body).send().await.expect(201)
}

async fn told(api: &Api, kind: &str) -> Vec<Value> {
    let path = format!("/api/v1/governance-events?limit=100&event_type={kind}");
    let page = api.get(&path).send().await.expect(200);
    page["events"].as_array().unwrap().clone()
}

async fn tier(api: &Api, severity: &str) -> Value {
    let report = api.get(SLA).send().await.expect(200);
    let tiers = report["tiers"].as_array().unwrap();
    let severities: Vec<_> = tiers.iter().map(|tier| &tier["severity"]).collect();
    assert_eq!(severities, ["critical", "high", "medium", "low"]);
    tiers
        .iter()
        .find(|tier| tier["severity"] == severity)
        .unwrap()
        .clone()
}

async fn a_banner_stands_until_somebody_takes_note(api: Api) {
    let product = api.new_product().await;
    assert_eq!(banners(&api, "").await, Vec::<Value>::new());
    send(&api, &product, 60).await;
    assert_eq!(
        banners(&api, "").await.len(),
        0,
        "AMBER is of medium severity"
    );
    let amber = banners(&api, "minSeverity=medium").await;
    assert_eq!(amber[0]["severity"], "medium");
    assert_eq!(amber[0]["title"], "drift is beyond its amber limit");
    send(&api, &product, 90).await;
    let red = banners(&api, "").await;
    let banner = &red[0];
    assert_eq!(banner["id"], amber[0]["id"], "the same alert, graver");
    for (member, value) in [
        ("source", "metric"),
        ("subject", "drift"),
        ("severity", "critical"),
        ("state", "open"),
        ("title", "drift is beyond its red limit"),
    ] {
        assert_eq!(banner[member], value, "{banner}");
    }
    assert_eq!(banner["sourceId"], banner["id"]);
    assert_eq!(banner["breached"], json!([]));
    assert!(banner["acknowledgeDueAt"].as_str() < banner["resolveDueAt"].as_str());
    let path = format!("/api/v1/alerts/{}", banner["id"].as_str().unwrap());
    let seen = api
        .post(&format!("{path}/acknowledge"), &json!({}))
        .send()
        .await
        .expect(200);
    assert_eq!(seen["metric"], "drift", "Guardian's own shape");
    assert_eq!(banners(&api, "").await.len(), 0);
    assert_eq!(banners(&api, "acknowledged=true").await.len(), 1);
    assert_eq!(banners(&api, "acknowledged=all").await.len(), 1);
    send(&api, &product, 1).await;
    assert_eq!(banners(&api, "acknowledged=all").await.len(), 0);
    let over = banners(&api, "acknowledged=all&state=resolved").await;
    assert_eq!(over[0]["resolution"], "recovered");
}

async fn every_source_feeds_them(api: Api) {
    let product = api.new_product().await;
    let event = happened(&api, &product, "critical").await;
    let banner = banners(&api, "").await.remove(0);
    assert_eq!(banner["source"], "runtime_event");
    assert_eq!(banner["subject"], "blocked_action");
    assert_eq!(banner["title"], "blocked action of critical severity");
    let id = event["id"].as_str().unwrap().replace('-', "");
    assert!(
        banner["sourceId"].as_str().unwrap().starts_with("rtev_"),
        "{id} {banner}"
    );
    let opened = told(&api, "alert.opened").await;
    assert_eq!(opened[0]["source_id"], banner["id"]);
    assert_eq!(opened[0]["payload"]["severity"], "critical");
    // One path for all of them: read, take note, end.
    let path = format!("/api/v1/alerts/{}", banner["id"].as_str().unwrap());
    let read = api.get(&path).send().await;
    assert_eq!(read.header("etag"), "\"v1\"");
    assert_eq!(read.expect(200), banner);
    let note = json!({"note": "looking into it"});
    let seen = api
        .post(&format!("{path}/acknowledge"), &note)
        .send()
        .await
        .expect(200);
    assert_eq!(seen["note"], "looking into it");
    assert!(
        seen["acknowledgedBy"]
            .as_str()
            .unwrap()
            .starts_with("api_key:")
    );
    let again = api
        .post(&format!("{path}/acknowledge"), &json!({}))
        .send()
        .await
        .expect(200);
    assert_eq!(again, seen, "a second time changes nothing");
    let over = api
        .post(&format!("{path}/resolve"), &json!({}))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&over["state"], &over["resolution"]),
        (&json!("resolved"), &json!("manual"))
    );
    let late = api
        .post(&format!("{path}/acknowledge"), &json!({}))
        .send()
        .await;
    late.problem(409, "alert_resolved");
    assert_eq!(told(&api, "alert.acknowledged").await.len(), 1);
    assert_eq!(told(&api, "alert.resolved").await.len(), 1);
    let long = json!({"note": "x".repeat(2001)});
    let fault = api.post(&format!("{path}/resolve"), &long).send().await;
    assert_eq!(fault.faults(400, "invalid_payload"), ["/note"]);
    // A review waits for its decision.
    let reviews = format!("/api/v1.0/catalog/products/{product}/ai-governance-review-requests");
    let review = api.post(&reviews, &json!({})).send().await.expect(201);
    let waiting = banners(&api, "source=review&minSeverity=low").await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let path = format!("{reviews}/{}/decision", review["id"].as_str().unwrap());
    api.post(&path, &json!({"decision": "reject"}))
        .send()
        .await
        .expect(200);
    let over = banners(&api, "source=review&minSeverity=low&state=resolved").await;
    assert_eq!(over[0]["resolution"], "decided");
    // A mitigation that is overdue makes the posture critical.
    let path = format!("/api/v1.0/catalog/products/{product}/risk-mitigations");
    let overdue = json!({"title": "t", "severity": "critical", "due_at": "2026-01-01T00:00:00Z"});
    api.post(&path, &overdue).send().await.expect(201);
    let posture = banners(&api, "source=posture").await;
    assert_eq!(posture.len(), 1, "{posture:?}");
    assert_eq!(
        posture[0]["title"],
        "the posture shows drift of critical severity"
    );
    assert_eq!(posture[0]["sourceId"], posture[0]["modelId"]);
}

async fn targets_are_read_and_set(api: Api) {
    let read = api.get(TARGETS).send().await;
    assert_eq!(read.header("etag"), "\"v0\"");
    let defaults = read.expect(200);
    assert_eq!(
        defaults["critical"],
        json!({"acknowledgeMinutes": 15, "resolveMinutes": 240})
    );
    assert_eq!(
        defaults["low"],
        json!({"acknowledgeMinutes": 1440, "resolveMinutes": 10080})
    );
    let change = json!({"critical": {"acknowledgeMinutes": 5}, "low": {"resolveMinutes": null}});
    let set = api
        .put(TARGETS, &change)
        .header("if-match", "\"v0\"")
        .send()
        .await;
    assert_eq!(set.header("etag"), "\"v1\"");
    let set = set.expect(200);
    assert_eq!(
        set["critical"],
        json!({"acknowledgeMinutes": 5, "resolveMinutes": 240})
    );
    assert_eq!(set["low"]["resolveMinutes"], Value::Null);
    assert_eq!(set["high"], defaults["high"]);
    assert_eq!(api.get(TARGETS).send().await.expect(200), set);
    let stale = api
        .put(TARGETS, &change)
        .header("if-match", "\"v0\"")
        .send()
        .await;
    stale.problem(412, "precondition_failed");
    assert_eq!(told(&api, "alert.sla_targets.changed").await.len(), 1);
    for (body, field) in [
        (
            json!({"critical": {"acknowledgeMinutes": 0}}),
            "/critical/acknowledgeMinutes",
        ),
        (
            json!({"high": {"resolveMinutes": 525_601}}),
            "/high/resolveMinutes",
        ),
        (
            json!({"high": {"resolveMinutes": 1}}),
            "/high/resolveMinutes",
        ),
        (
            json!({"low": {"acknowledgeMinutes": 1.5}}),
            "/low/acknowledgeMinutes",
        ),
        (
            json!({"low": {"acknowledgeMinutes": "5"}}),
            "/low/acknowledgeMinutes",
        ),
        (json!({"low": 7}), "/low"),
    ] {
        let reply = api.put(TARGETS, &body).send().await;
        assert_eq!(reply.faults(400, "invalid_payload"), [field], "{body}");
    }
    let reader = api.new_key("read,write");
    api.get(TARGETS).bearer(&reader).send().await.expect(200);
    let refused = api.put(TARGETS, &change).bearer(&reader).send().await;
    refused.problem(403, "forbidden");
}

async fn figures_are_told_per_severity(api: Api) {
    let product = api.new_product().await;
    for _ in 0..3 {
        happened(&api, &product, "high").await;
    }
    let open = banners(&api, "minSeverity=high").await;
    let path = |index: usize| format!("/api/v1/alerts/{}", open[index]["id"].as_str().unwrap());
    api.post(&format!("{}/acknowledge", path(0)), &json!({}))
        .send()
        .await
        .expect(200);
    api.post(&format!("{}/resolve", path(1)), &json!({}))
        .send()
        .await
        .expect(200);
    let high = tier(&api, "high").await;
    assert_eq!((&high["alerts"], &high["open"]), (&json!(3), &json!(2)));
    assert_eq!(
        high["targets"],
        json!({"acknowledgeMinutes": 60, "resolveMinutes": 1440})
    );
    assert_eq!(
        high["acknowledge"],
        json!({"met": 2, "breached": 0, "pending": 1, "rate": 1.0})
    );
    assert_eq!(
        high["resolve"],
        json!({"met": 1, "breached": 0, "pending": 2, "rate": 1.0})
    );
    assert_eq!(high["timeToAcknowledge"]["count"], 2);
    assert_eq!(high["timeToResolve"]["count"], 1);
    let critical = tier(&api, "critical").await;
    assert_eq!(critical["timeToAcknowledge"], Value::Null);
    assert_eq!(critical["acknowledge"]["rate"], Value::Null);
    let past = api.get(&format!(
        "{SLA}?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z"
    ));
    assert_eq!(past.send().await.expect(200)["tiers"][1]["alerts"], 0);
    for (query, field) in [
        ("from=yesterday", "from"),
        ("from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z", "to"),
        ("from=2020-01-01T00:00:00Z&to=2021-06-01T00:00:00Z", "to"),
    ] {
        let reply = api.get(&format!("{SLA}?{query}")).send().await;
        assert_eq!(reply.faults(400, "invalid_payload"), [field], "{query}");
    }
}

async fn preferences_are_ones_own_and_mute(api: Api) {
    let read = api.get(PREFERENCES).send().await;
    assert_eq!(read.header("etag"), "\"v0\"");
    let defaults = read.expect(200);
    assert_eq!(
        defaults["channels"]["inApp"],
        json!({"enabled": true, "minimumSeverity": "low"})
    );
    assert_eq!(
        defaults["channels"]["email"],
        json!({"enabled": false, "minimumSeverity": "critical"})
    );
    assert_eq!(
        [
            &defaults["eventTypes"],
            &defaults["mutedModelIds"],
            &defaults["quietHours"]
        ],
        [&json!([]), &json!([]), &Value::Null]
    );
    let product = api.new_product().await;
    send(&api, &product, 60).await;
    happened(&api, &product, "high").await;
    let mine = async || {
        let found = banners(&api, "mine=true&minSeverity=low").await;
        let sources = found
            .iter()
            .map(|one| one["source"].as_str().unwrap().to_owned());
        let mut sources: Vec<String> = sources.collect();
        sources.sort();
        sources
    };
    assert_eq!(mine().await, ["metric", "runtime_event"]);
    for (change, expected) in [
        (
            json!({"channels": {"inApp": {"minimumSeverity": "high"}}}),
            vec!["runtime_event"],
        ),
        (
            json!({"channels": {"inApp": {"minimumSeverity": "low"}}, "eventTypes": ["guardian.trigger.fired"]}),
            vec!["metric"],
        ),
        (json!({"eventTypes": ["nothing.of_the_kind"]}), vec![]),
        (
            json!({"eventTypes": [], "channels": {"inApp": {"enabled": false}}}),
            vec![],
        ),
        (
            json!({"channels": {"inApp": {"enabled": true}}}),
            vec!["metric", "runtime_event"],
        ),
    ] {
        let set = api.put(PREFERENCES, &change).send().await.expect(200);
        assert_eq!(mine().await, expected, "{set}");
    }
    // All of the day but one minute, which is twelve hours from now.
    let noon = now() + time::Duration::hours(12);
    let clock = |at: time::OffsetDateTime| format!("{:02}:{:02}", at.hour(), at.minute());
    let hours = json!({"start": clock(noon + time::Duration::minutes(1)), "end": clock(noon), "utcOffset": "Z"});
    let set = api
        .put(PREFERENCES, &json!({"quietHours": hours}))
        .send()
        .await
        .expect(200);
    assert_eq!(set["quietHours"]["exceptCritical"], true);
    assert_eq!(set["quietHours"]["utcOffset"], "+00:00");
    assert_eq!(mine().await, Vec::<String>::new());
    happened(&api, &product, "critical").await;
    assert_eq!(mine().await, ["runtime_event"], "critical comes through");
    assert_eq!(
        banners(&api, "minSeverity=low").await.len(),
        3,
        "muted for one, there for all"
    );
    let set = api
        .put(PREFERENCES, &json!({"quietHours": null}))
        .send()
        .await
        .expect(200);
    assert_eq!(set["quietHours"], Value::Null);
    // Another key is somebody else; a user keeps them from one token to the next.
    let other = api.new_key("read");
    let theirs = api.get(PREFERENCES).bearer(&other).send().await;
    assert_eq!(theirs.expect(200), defaults);
    let change = json!({"channels": {"slack": {"enabled": true}}});
    let set = api.put(PREFERENCES, &change).bearer(&other).send().await;
    assert_eq!(set.header("etag"), "\"v1\"");
    let [one, two] = [
        api.new_token("ann", "auditor"),
        api.new_token("ann", "auditor"),
    ];
    let set = api
        .put(PREFERENCES, &change)
        .bearer(&one)
        .send()
        .await
        .expect(200);
    let read = api.get(PREFERENCES).bearer(&two).send().await.expect(200);
    assert_eq!(read, set);
    assert_eq!(
        told(&api, "alert.preferences.changed").await.len(),
        0,
        "nobody else's business"
    );
    for (body, field) in [
        (
            json!({"channels": {"inApp": {"minimumSeverity": "RED"}}}),
            "/channels/inApp/minimumSeverity",
        ),
        (json!({"eventTypes": ["Nonsense"]}), "/eventTypes/0"),
        (json!({"eventTypes": vec!["a.b"; 51]}), "/eventTypes"),
        (json!({"mutedModelIds": [product, "7"]}), "/mutedModelIds/1"),
        (
            json!({"mutedModelIds": vec![&product; 201]}),
            "/mutedModelIds",
        ),
        (
            json!({"quietHours": {"start": "22:00", "end": "22:00", "utcOffset": "Z"}}),
            "/quietHours/end",
        ),
        (
            json!({"quietHours": {"start": "25:00", "end": "22:00", "utcOffset": "Z"}}),
            "/quietHours/start",
        ),
        (
            json!({"quietHours": {"start": "21:00", "end": "22:00"}}),
            "/quietHours/utcOffset",
        ),
        (
            json!({"channels": {"inApp": {"enabled": "yes"}}}),
            "/channels/inApp/enabled",
        ),
    ] {
        let reply = api.put(PREFERENCES, &body).send().await;
        assert_eq!(reply.faults(400, "invalid_payload"), [field], "{body}");
    }
    let stale = api
        .put(PREFERENCES, &change)
        .header("if-match", "\"v0\"")
        .send()
        .await;
    stale.problem(412, "precondition_failed");
}

async fn what_is_asked_wrongly_is_named(api: Api) {
    for (query, field) in [
        ("minSeverity=RED", "minSeverity"),
        ("source=mail", "source"),
        ("modelId=7", "modelId"),
        ("state=closed", "state"),
        ("acknowledged=maybe", "acknowledged"),
        ("mine=all", "mine"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=7", "cursor"),
    ] {
        let reply = api.get(&format!("{BANNERS}?{query}")).send().await;
        assert_eq!(reply.faults(400, "invalid_payload"), [field], "{query}");
    }
}

async fn nothing_of_others_is_shown(api: Api) {
    let space = api.new_space().await;
    let (mine, other) = (api.product_in(&space).await, api.new_product().await);
    happened(&api, &mine, "critical").await;
    happened(&api, &other, "critical").await;
    let stranger = Api::on(&api.app);
    assert_eq!(banners(&stranger, "").await.len(), 0);
    let all = banners(&api, "").await;
    let path = format!("/api/v1/alerts/{}", all[0]["id"].as_str().unwrap());
    for (method, path) in [
        ("GET", path.clone()),
        ("POST", format!("{path}/acknowledge")),
        ("POST", format!("{path}/resolve")),
    ] {
        let reply = stranger.call(method.parse().unwrap(), &path).send().await;
        reply.problem(404, "alert_not_found");
    }
    let path = format!("/api/v1.0/organizations/{}/spaces", api.organization);
    let spaces = api.get(&path).send().await.expect(200);
    let spaces = spaces.as_array().unwrap();
    let id = spaces.iter().find(|one| one["slug"] == *space).unwrap()["id"].clone();
    let asked = json!({"name": "confined", "scopes": ["read", "write"], "spaces": [id]});
    let key = api
        .post("/api/v1/api-keys", &asked)
        .send()
        .await
        .expect(201);
    let confined = Api {
        key: key["key"].as_str().unwrap().to_owned(),
        ..api.clone()
    };
    let seen = banners(&confined, "").await;
    assert_eq!(seen.len(), 1);
    let hidden = all.iter().find(|one| one["id"] != seen[0]["id"]).unwrap();
    let path = format!("/api/v1/alerts/{}", hidden["id"].as_str().unwrap());
    confined
        .get(&path)
        .send()
        .await
        .problem(404, "alert_not_found");
    let path = format!("/api/v1/alerts/{}", seen[0]["id"].as_str().unwrap());
    confined.get(&path).send().await.expect(200);
}

/// With targets of a minute nothing has to be done for a breach to be told.
async fn a_deadline_passes_with_nobody_touching_anything(place: Arc<Place>) {
    let flags = [&UNLIMITED[..], &["--checkpoint-interval", "1"]].concat();
    let app = Arc::new(TestApp::spawn(&place, &flags));
    let api = Api::on(&app);
    let minute = json!({"critical": {"acknowledgeMinutes": 1, "resolveMinutes": 1}});
    api.put(TARGETS, &minute).send().await.expect(200);
    let product = api.new_product().await;
    send(&api, &product, 90).await;
    let started = Instant::now();
    let breaches = loop {
        let found = told(&api, "alert.sla.breached").await;
        if found.len() == 2 {
            break found;
        }
        assert!(
            started.elapsed() < Duration::from_mins(3),
            "nothing was told"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let mut deadlines: Vec<_> = breaches
        .iter()
        .map(|one| one["payload"]["deadline"].as_str().unwrap())
        .collect();
    deadlines.sort_unstable();
    assert_eq!(deadlines, ["acknowledge", "resolve"]);
    let banner = banners(&api, "").await.remove(0);
    assert_eq!(banner["breached"], json!(["acknowledge", "resolve"]));
    assert_eq!(breaches[0]["payload"]["due_at"], banner["acknowledgeDueAt"]);
    assert_eq!(breaches[0]["source_id"], banner["id"]);
    let critical = tier(&api, "critical").await;
    assert_eq!(
        critical["acknowledge"],
        json!({"met": 0, "breached": 1, "pending": 0, "rate": 0.0})
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(told(&api, "alert.sla.breached").await.len(), 2, "told once");
    app.signal("TERM");
    assert!(app.wait().success());
    place.run(&["check"]);
}

both!(
    a_banner_stands_until_somebody_takes_note,
    every_source_feeds_them,
    targets_are_read_and_set,
    figures_are_told_per_severity,
    preferences_are_ones_own_and_mute,
    what_is_asked_wrongly_is_named,
    nothing_of_others_is_shown,
);
both_alone!(a_deadline_passes_with_nobody_touching_anything);
