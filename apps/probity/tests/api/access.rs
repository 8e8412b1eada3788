//! API keys: what is taken for one, what each may do, how one ends.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Place, TestApp, UNLIMITED, unique};

const KEYS: &str = "/api/v1/api-keys";
/// Needs `read` only.
const READ: &str = "/api/v1/thresholds";

async fn issue(api: &Api, body: &Value) -> Value {
    api.post(KEYS, body).send().await.expect(201)
}

async fn malformed_headers_all_get_the_same_401(api: Api) {
    let key = api.key.clone();
    let other = api.new_key("read");
    let (start, end) = key.split_at(key.len() - 1);
    let swapped = if end == "A" { "B" } else { "A" };
    let values = [
        String::new(),
        " ".into(),
        "Bearer".into(),
        "Bearer ".into(),
        "Bearer  ".into(),
        key.clone(),
        format!("Bearer  {key}"),
        format!("Bearer\t{key}"),
        format!("Bearer {key} x"),
        format!("Bearer {key},{other}"),
        format!("Bearer{key}"),
        format!("Bearer:{key}"),
        format!("Bearer={key}"),
        format!("Basic {key}"),
        format!("Token {key}"),
        format!("Digest {key}"),
        format!("BearerX {key}"),
        format!("Bearer \"{key}\""),
        format!("Bearer '{key}'"),
        format!("Bearer <{key}>"),
        format!("Bearer Bearer {key}"),
        format!("Bearer {}", key.to_uppercase()),
        format!("Bearer {}", key.to_lowercase()),
        format!("Bearer {start}"),
        format!("Bearer {start}{swapped}"),
        format!("Bearer {key}0"),
        format!("Bearer x{key}"),
        "Bearer prb_".into(),
        "Bearer prb_0".into(),
        format!("Bearer prb_{}", "0".repeat(36)),
        format!("Bearer prb_{}", "A".repeat(600)),
        "Bearer grd_your_api_key".into(),
        "Bearer null".into(),
        "Bearer undefined".into(),
        "Bearer é".into(),
        "Bearer ..".into(),
        "Bearer a.b.c".into(),
        "Bearer e30.e30.".into(),
        "Bearer e30.e30.e30".into(),
        format!("Bearer {}", "a".repeat(5000)),
        "Bearer ' OR 1=1--".into(),
        "Bearer %00".into(),
        format!("bearer\u{a0}{key}"),
    ];
    let missing = api.get(READ).anonymous().send().await;
    let strip = |mut body: Value| {
        body["instance"] = Value::Null;
        body
    };
    let expected = strip(missing.problem(401, "unauthorized"));
    for value in values {
        let reply = api.get(READ).header("authorization", &value).send().await;
        assert_eq!(
            strip(reply.problem(401, "unauthorized")),
            expected,
            "{value:?}"
        );
        assert_eq!(reply.header("www-authenticate"), "Bearer", "{value:?}");
    }
    let twice = api
        .get(READ)
        .another("authorization", &format!("Bearer {key}"));
    twice.send().await.problem(401, "unauthorized");
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        let reply = api
            .get(READ)
            .header("authorization", &format!("{scheme} {key}"))
            .send()
            .await;
        reply.expect(200);
    }
    let query = api
        .get(&format!("{READ}?access_token={key}&api_key={key}"))
        .anonymous()
        .send()
        .await;
    query.problem(401, "unauthorized");
}

/// What each operation demands, so that a weaker key gets 403 there and a stronger one does not.
async fn a_scope_opens_what_it_says_and_nothing_above(api: Api) {
    let table = [
        (Method::GET, READ, 0),
        (Method::GET, "/api/v1/alerts", 0),
        (Method::GET, "/api/v1/risk-metric-links", 0),
        (Method::POST, "/api/v1/metrics", 1),
        (Method::POST, "/api/v1/metrics/batch", 1),
        (Method::POST, "/api/v1/ai-requests", 1),
        (Method::POST, "/v1/traces", 1),
        (Method::POST, "/api/v1/risk-metric-links", 1),
        (Method::GET, KEYS, 2),
        (Method::POST, KEYS, 2),
        (Method::GET, "/api/admin/models", 2),
        (Method::PUT, "/api/admin/model-registry-settings", 2),
    ];
    let keys = [
        api.new_key("read"),
        api.new_key("write"),
        api.new_key("admin"),
    ];
    let users = ["auditor", "member", "admin"].map(|role| api.new_token(role, role));
    for credentials in [keys, users] {
        for (level, credential) in credentials.iter().enumerate() {
            for (method, path, needed) in &table {
                let call = api.call(method.clone(), path).raw("application/json", "");
                let reply = call.bearer(credential).send().await;
                assert_eq!(
                    reply.status == 403,
                    level < *needed,
                    "{method} {path} at level {level}: {}",
                    reply.text()
                );
                assert_ne!(reply.status, 401, "{method} {path}");
            }
        }
    }
}

async fn keys_are_issued_listed_and_checked(api: Api) {
    let made = issue(
        &api,
        &json!({"name": "nightly", "scopes": ["write"], "expires_at": "2027-06-01T00:00:00Z"}),
    )
    .await;
    let secret = made["key"].as_str().unwrap();
    assert!(secret.starts_with("prb_") && secret.len() == 40, "{secret}");
    assert_eq!(made["scopes"], json!(["read", "write"]));
    assert_eq!(made["prefix"], &secret[..8]);
    assert_eq!(made["last_four"], &secret[36..]);
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    let read = api.get(&path).send().await.expect(200);
    assert!(read.get("key").is_none());
    assert_eq!(read["name"], "nightly");
    let list = api.get(KEYS).send().await.expect(200);
    assert_eq!(
        (&list["total"], &list["api_keys"][0]["id"]),
        (&json!(2), &made["id"])
    );
    assert!(!list.to_string().contains(secret));
    for (body, fields) in [
        (json!({}), vec!["/name", "/scopes"]),
        (json!({"name": "", "scopes": ["read"]}), vec!["/name"]),
        (json!({"name": "x", "scopes": []}), vec!["/scopes"]),
        (json!({"name": "x", "scopes": ["root"]}), vec!["/scopes"]),
        (json!({"name": "x", "scopes": ["READ"]}), vec!["/scopes"]),
        (json!({"name": "x", "scopes": "read"}), vec!["/scopes"]),
        (
            json!({"name": "x".repeat(101), "scopes": ["read"]}),
            vec!["/name"],
        ),
        (
            json!({"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}),
            vec!["/expires_at"],
        ),
        (
            json!({"name": "x", "scopes": ["read"], "expires_at": "2099-01-01T00:00:00Z"}),
            vec!["/expires_at"],
        ),
        (
            json!({"name": "x", "scopes": ["read"], "expires_at": "tomorrow"}),
            vec!["/expires_at"],
        ),
        (
            json!({"name": "x", "scopes": ["read"], "spaces": []}),
            vec!["/spaces"],
        ),
        (
            json!({"name": "x", "scopes": ["read"], "spaces": ["1"]}),
            vec!["/spaces/0"],
        ),
    ] {
        let reply = api.post(KEYS, &body).send().await;
        assert_eq!(reply.faults(400, "validation_error"), fields, "{body}");
    }
    let reply = api
        .post(KEYS, &json!({"name": "x", "scopes": ["read"]}))
        .send()
        .await;
    assert_eq!(reply.header("cache-control"), "no-store");
}

async fn a_revoked_key_ends_at_once(api: Api) {
    let made = issue(&api, &json!({"name": "short", "scopes": ["read"]})).await;
    let secret = made["key"].as_str().unwrap();
    api.get(READ).bearer(secret).send().await.expect(200);
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    api.delete(&path).send().await.expect(204);
    api.get(READ)
        .bearer(secret)
        .send()
        .await
        .problem(401, "unauthorized");
    let stored = api.get(&path).send().await.expect(200);
    assert!(stored["revoked_at"].is_string());
    api.delete(&path).send().await.expect(204);
    let rotated = api
        .call(Method::POST, &format!("{path}/rotate"))
        .send()
        .await;
    assert_eq!(
        rotated.status,
        409,
        "a revoked key does not come back: {}",
        rotated.text()
    );
}

async fn a_rotated_key_works_on_for_the_overlap(api: Api) {
    let made = issue(&api, &json!({"name": "rotating", "scopes": ["write"]})).await;
    let old = made["key"].as_str().unwrap();
    let path = format!("{KEYS}/{}/rotate", made["id"].as_str().unwrap());
    for overlap in [json!(-1), json!(604_801), json!("1"), json!(1.5)] {
        let reply = api
            .post(&path, &json!({"overlap_seconds": overlap}))
            .send()
            .await;
        assert_eq!(
            reply.faults(400, "validation_error"),
            ["/overlap_seconds"],
            "{overlap}"
        );
    }
    let next = api
        .post(&path, &json!({"overlap_seconds": 3}))
        .send()
        .await
        .expect(201);
    let new = next["key"].as_str().unwrap();
    assert_ne!(new, old);
    assert_eq!(
        (&next["name"], &next["scopes"]),
        (&made["name"], &made["scopes"])
    );
    for key in [old, new] {
        api.get(READ).bearer(key).send().await.expect(200);
    }
    let stored = api
        .get(&format!("{KEYS}/{}", made["id"].as_str().unwrap()))
        .send()
        .await
        .expect(200);
    assert_eq!(stored["replaced_by"], next["id"]);
    tokio::time::sleep(Duration::from_millis(3200)).await;
    api.get(READ)
        .bearer(old)
        .send()
        .await
        .problem(401, "unauthorized");
    api.get(READ).bearer(new).send().await.expect(200);
    let path = format!("{KEYS}/{}/rotate", next["id"].as_str().unwrap());
    let last = api
        .post(&path, &json!({"overlap_seconds": 0}))
        .send()
        .await
        .expect(201);
    api.get(READ)
        .bearer(new)
        .send()
        .await
        .problem(401, "unauthorized");
    api.get(READ)
        .bearer(last["key"].as_str().unwrap())
        .send()
        .await
        .expect(200);
}

async fn an_expired_key_is_no_key(api: Api) {
    let at = crate::harness::now() + time::Duration::seconds(2);
    let at = at
        .replace_nanosecond(0)
        .unwrap()
        .format(&time::format_description::well_known::Rfc3339);
    let made = issue(
        &api,
        &json!({"name": "brief", "scopes": ["read"], "expires_at": at.unwrap()}),
    )
    .await;
    let secret = made["key"].as_str().unwrap();
    api.get(READ).bearer(secret).send().await.expect(200);
    tokio::time::sleep(Duration::from_millis(2200)).await;
    api.get(READ)
        .bearer(secret)
        .send()
        .await
        .problem(401, "unauthorized");
}

async fn nobody_issues_a_key_above_its_own(api: Api) {
    let space = api.new_space().await;
    let other = api.new_space().await;
    let path = format!("/api/v1.0/organizations/{}/spaces", api.organization);
    let spaces = api.get(&path).send().await.expect(200);
    let id = |slug: &str| {
        let spaces = spaces.as_array().unwrap();
        spaces.iter().find(|one| one["slug"] == slug).unwrap()["id"].clone()
    };
    let confined = issue(
        &api,
        &json!({"name": "c", "scopes": ["admin"], "spaces": [id(&space)]}),
    )
    .await;
    let confined = confined["key"].as_str().unwrap();
    let beyond = json!({"name": "x", "scopes": ["read"], "spaces": [id(&other)]});
    for body in [json!({"name": "x", "scopes": ["read"]}), beyond] {
        let reply = api.post(KEYS, &body).bearer(confined).send().await;
        reply.problem(403, "forbidden");
    }
    let within = json!({"name": "x", "scopes": ["read"], "spaces": [id(&space)]});
    api.post(KEYS, &within)
        .bearer(confined)
        .send()
        .await
        .expect(201);
    let seen = api.get(&path).bearer(confined).send().await.expect(200);
    assert_eq!(seen.as_array().unwrap().len(), 1);
    let hidden = format!("/api/v1.0/catalog/spaces/{other}/model-repository/models");
    let reply = api
        .post(&hidden, &json!({"name": "x"}))
        .bearer(confined)
        .send()
        .await;
    let nowhere = "/api/v1.0/catalog/spaces/nowhere/model-repository/models";
    let nothing = api
        .post(nowhere, &json!({"name": "x"}))
        .bearer(confined)
        .send()
        .await;
    assert_eq!((reply.status, nothing.status), (404, 404));
    assert_eq!(reply.json()["detail"], nothing.json()["detail"]);
}

async fn what_is_about_the_whole_organization_is_closed_to_confined_keys(api: Api) {
    let space = api.new_space().await;
    let path = format!("/api/v1.0/organizations/{}/spaces", api.organization);
    let spaces = api.get(&path).send().await.expect(200);
    let spaces = spaces.as_array().unwrap();
    let own = spaces.iter().find(|one| one["slug"] == space).unwrap();
    let asked = json!({"name": "c", "scopes": ["admin"], "spaces": [own["id"]]});
    let key = issue(&api, &asked).await;
    let key = key["key"].as_str().unwrap();
    let governance = format!(
        "/api/v1.0/organizations/{}/ai-governance-settings",
        api.organization
    );
    let erasure = json!({"subject": "carol@example.org"});
    let window = json!({"target": "findings", "retention_days": 400});
    for (method, path, body) in [
        (Method::POST, "/api/v1/admin/erasures", erasure),
        (Method::PATCH, "/api/v1/admin/data-retention", window),
        (Method::PUT, "/api/v1/alerts/sla/targets", json!({})),
        (Method::PUT, "/api/admin/model-registry-settings", json!({})),
        (Method::PUT, &governance, json!({})),
    ] {
        let reply = api.call(method, path).json(&body).bearer(key).send().await;
        reply.problem(403, "confined_credential");
    }
}

async fn the_use_of_a_key_is_noted_once_a_minute(api: Api) {
    let made = issue(&api, &json!({"name": "used", "scopes": ["read"]})).await;
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    let used = async || api.get(&path).send().await.expect(200)["last_used_at"].clone();
    assert_eq!(used().await, Value::Null);
    let secret = made["key"].as_str().unwrap();
    for _ in 0..50 {
        api.get(READ).bearer(secret).send().await.expect(200);
    }
    let mut first = Value::Null;
    for _ in 0..100 {
        first = used().await;
        if first.is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(first.is_string(), "the use was not noted");
    // Past the life of the server's own memory of the key.
    tokio::time::sleep(Duration::from_millis(2200)).await;
    for _ in 0..20 {
        api.get(READ).bearer(secret).send().await.expect(200);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(used().await, first, "noted more than once a minute");
}

/// Own server: it logs everything it can.
async fn no_trace_of_a_secret_stays_behind(place: Arc<Place>) {
    let flags = [
        &UNLIMITED[..],
        &["--log-level", "trace", "--checkpoint-interval", "1"],
    ]
    .concat();
    let app = Arc::new(TestApp::spawn(&place, &flags));
    let api = Api::on(&app);
    let made = issue(&api, &json!({"name": "secret", "scopes": ["write"]})).await;
    let path = format!("{KEYS}/{}/rotate", made["id"].as_str().unwrap());
    let key = unique("key");
    let rotate = api
        .call(Method::POST, &path)
        .header("idempotency-key", &key);
    let rotated = rotate.clone().send().await.expect(201);
    assert_eq!(rotate.send().await.expect(201)["key"], Value::Null);
    let token = api.new_token("ann", "admin");
    let secrets = [
        made["key"].as_str().unwrap(),
        rotated["key"].as_str().unwrap(),
        &api.key,
        &token,
    ];
    for secret in secrets {
        api.get(READ).bearer(secret).send().await.expect(200);
        let typo = format!("{secret}x");
        api.get(READ)
            .bearer(&typo)
            .send()
            .await
            .problem(401, "unauthorized");
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for secret in secrets {
        // A signature may itself hold underscores: only a key has a prefix to leave out.
        let part = secret.strip_prefix("prb_").unwrap_or(secret);
        let part = part.rsplit('.').next().unwrap();
        assert_eq!(app.traces_of(part), Vec::<String>::new());
    }
    assert!(
        !app.traces_of(&api.organization).is_empty(),
        "the search finds what is there"
    );
    assert!(!app.traces_of(made["prefix"].as_str().unwrap()).is_empty());
}

both!(
    malformed_headers_all_get_the_same_401,
    a_scope_opens_what_it_says_and_nothing_above,
    keys_are_issued_listed_and_checked,
    a_revoked_key_ends_at_once,
    a_rotated_key_works_on_for_the_overlap,
    an_expired_key_is_no_key,
    nobody_issues_a_key_above_its_own,
    what_is_about_the_whole_organization_is_closed_to_confined_keys,
    the_use_of_a_key_is_noted_once_a_minute,
);
both_alone!(no_trace_of_a_secret_stays_behind);
