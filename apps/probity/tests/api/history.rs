//! Histories: every change of a thing, newest first, each field before and after.

use serde_json::{Value, json};

use crate::harness::{Api, unique};

async fn history(api: &Api, thing: &str, query: &str) -> Value {
    let path = format!("{thing}/history?{query}");
    api.get(&path).send().await.expect(200)
}

fn actions(page: &Value) -> Vec<&str> {
    let entries = page["history"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect()
}

/// The change of a field in an entry: before and after.
fn change<'a>(entry: &'a Value, field: &str) -> [&'a Value; 2] {
    let changes = entry["changes"].as_array().unwrap();
    let found = changes.iter().find(|change| change["field"] == field);
    let found = found.unwrap_or_else(|| panic!("{field} did not change: {entry}"));
    [&found["before"], &found["after"]]
}

async fn an_entry_of_the_inventory_tells_its_whole_life(api: Api) {
    let model = api.new_model(&json!({"description": "first"})).await;
    let path = format!("/api/admin/models/{}", model["id"].as_str().unwrap());
    for body in [
        json!({"description": "second"}),
        json!({"validation_status": "pending_validation"}),
        json!({"description": "second"}),
    ] {
        api.put(&path, &body).send().await.expect(200);
    }
    api.delete(&path).send().await.expect(204);
    let told = history(&api, &path, "").await;
    assert_eq!(
        actions(&told),
        [
            "model.deleted",
            "model.validation_status.changed",
            "model.updated",
            "model.registered"
        ]
    );
    assert_eq!(told["total"], 4);
    let entries = told["history"].as_array().unwrap();
    assert_eq!(
        change(&entries[2], "description"),
        [&json!("first"), &json!("second")]
    );
    assert_eq!(
        change(&entries[1], "validation_status"),
        [&json!("draft"), &json!("pending_validation")]
    );
    assert_eq!(
        change(&entries[0], "description"),
        [&json!("second"), &Value::Null]
    );
    assert_eq!(change(&entries[3], "model_id")[0], &Value::Null);
    for pair in entries.windows(2) {
        assert!(pair[0]["audit_index"].as_u64() > pair[1]["audit_index"].as_u64());
    }
    assert!(entries[0]["at"].is_string() && entries[0]["actor"].is_object());
}

async fn pages_follow_one_another_and_end(api: Api) {
    let product = api.new_product().await;
    let space = api
        .get("/api/v1/governance-events")
        .send()
        .await
        .expect(200);
    let slug = space["events"].as_array().unwrap().iter();
    let slug = slug
        .filter(|event| event["event_type"] == "space.created")
        .map(|event| event["payload"]["slug"].as_str().unwrap().to_owned())
        .next()
        .unwrap();
    let path = format!("/api/v1.0/catalog/spaces/{slug}/products/{product}");
    for number in 0..5 {
        let body = json!({"owner": format!("owner {number}")});
        let changed = api.call(reqwest::Method::PATCH, &path).json(&body);
        changed.send().await.expect(200);
    }
    let thing = format!("/api/v1.0/catalog/products/{product}");
    let whole = history(&api, &thing, "").await;
    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = history(&api, &thing, &query).await;
        assert_eq!(page["total"], whole["total"]);
        seen.extend(page["history"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(&Value::Array(seen), &whole["history"]);
    let owners = whole["history"].as_array().unwrap().iter();
    let owners: Vec<_> = owners
        .filter(|entry| entry["action"] == "product.updated")
        .map(|entry| change(entry, "owner")[1].clone())
        .collect();
    assert_eq!(owners.len(), 5);
    assert_eq!(owners[0], "owner 4");
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
    ] {
        let refused = api.get(&format!("{thing}/history?{query}")).send().await;
        assert_eq!(refused.faults(422, "validation_error"), [field]);
    }
}

async fn alerts_and_limits_tell_what_moved_them(api: Api) {
    let product = api.new_product().await;
    let snapshot = |drift: f64| json!({"modelId": product, "driftScore": drift, "fairnessScore": 99, "sampleSize": 10});
    for drift in [60.0, 90.0] {
        let sent = api.post("/api/v1/metrics", &snapshot(drift)).send().await;
        sent.expect(200);
    }
    let alerts = api.get("/api/v1/alerts").send().await.expect(200);
    let id = alerts["alerts"][0]["id"].as_str().unwrap().to_owned();
    let alert = format!("/api/v1/alerts/{id}");
    let note = json!({"note": "looking"});
    let noted = api
        .post(&format!("{alert}/acknowledge"), &note)
        .send()
        .await;
    noted.expect(200);
    api.post("/api/v1/metrics", &snapshot(1.0))
        .send()
        .await
        .expect(200);
    let told = history(&api, &alert, "").await;
    assert_eq!(told["success"], true);
    let entries = told["history"].as_array().unwrap();
    let states: Vec<_> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    let ingested = "metric.snapshot.recorded";
    assert_eq!(states, [ingested, "alert.acknowledged", ingested, ingested]);
    assert_eq!(
        change(&entries[0], "state"),
        [&json!("open"), &json!("resolved")]
    );
    assert_eq!(change(&entries[0], "resolution")[1], &json!("recovered"));
    assert_eq!(
        change(&entries[1], "note"),
        [&Value::Null, &json!("looking")]
    );
    assert_eq!(
        change(&entries[2], "severity"),
        [&json!("AMBER"), &json!("RED")]
    );
    assert_eq!(change(&entries[3], "state"), [&Value::Null, &json!("open")]);
    let link = json!({"modelId": product, "thresholds": {"drift": {"amber": 10, "red": 20}}});
    let link = api.post("/api/v1/risk-metric-links", &link).send().await;
    let link = link.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/risk-metric-links/{link}");
    let limits = json!({"thresholds": {"drift": {"amber": 11, "red": 20}}});
    api.put(&path, &limits).send().await.expect(200);
    api.delete(&path).send().await.expect(204);
    let told = history(&api, &path, "").await;
    let entries = told["history"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    let [before, after] = change(&entries[1], "thresholds");
    assert_eq!(before["drift"]["amber"], 10.0);
    assert_eq!(after["drift"]["amber"], 11.0);
}

async fn evidence_and_attachments_have_histories(api: Api) {
    let product = api.new_product().await;
    let base = format!("/api/v1.0/catalog/products/{product}");
    let run = |name: &str| json!({"run_name": name, "run_type": "training", "status": "completed", "is_deployed": true});
    let mut runs = Vec::new();
    for name in ["one", "two"] {
        let made = api
            .post(&format!("{base}/training-runs"), &run(name))
            .send()
            .await;
        runs.push(made.expect(201)["id"].as_str().unwrap().to_owned());
    }
    // The second run took the flag from the first.
    let told = history(&api, &format!("{base}/training-runs/{}", runs[0]), "").await;
    let entries = told["history"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{told}");
    assert_eq!(
        change(&entries[0], "is_deployed"),
        [&json!(true), &json!(false)]
    );
    let mitigation =
        json!({"title": "retrain", "severity": "high", "description": "private words"});
    let made = api
        .post(&format!("{base}/risk-mitigations"), &mitigation)
        .send()
        .await;
    let id = made.expect(201)["id"].as_str().unwrap().to_owned();
    let path = format!("{base}/risk-mitigations/{id}");
    let closed = api.call(reqwest::Method::PATCH, &path);
    closed
        .json(&json!({"status": "resolved", "description": "other"}))
        .send()
        .await
        .expect(200);
    api.delete(&path).send().await.expect(204);
    let told = history(&api, &path, "").await;
    assert_eq!(
        actions(&told),
        [
            "risk_mitigation.removed",
            "risk_mitigation.updated",
            "risk_mitigation.opened"
        ]
    );
    let updated = &told["history"][1];
    assert_eq!(
        change(updated, "status"),
        [&json!("open"), &json!("resolved")]
    );
    let hidden = updated["changes"].as_array().unwrap().iter();
    let hidden: Vec<_> = hidden.filter(|change| change["kept"] == false).collect();
    assert_eq!(hidden[0]["field"], "description");
    // It is no history of another product.
    let other = api.new_product().await;
    let elsewhere = format!("/api/v1.0/catalog/products/{other}/risk-mitigations/{id}/history");
    api.get(&elsewhere)
        .send()
        .await
        .problem(404, "risk_mitigation_not_found");
}

async fn settings_and_keys_have_histories(api: Api) {
    let settings = json!({"separation_of_duties": true});
    let path = "/api/admin/model-registry-settings";
    api.put(path, &settings).send().await.expect(200);
    let told = history(&api, path, "").await;
    assert_eq!(
        change(&told["history"][0], "separation_of_duties"),
        [&json!(false), &json!(true)]
    );
    let key = json!({"name": unique("key"), "scopes": ["read"]});
    let made = api.post("/api/v1/api-keys", &key).send().await.expect(201);
    let id = made["id"].as_str().unwrap();
    let rotated = api
        .post(&format!("/api/v1/api-keys/{id}/rotate"), &json!({}))
        .send()
        .await;
    let next = rotated.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        actions(&history(&api, &format!("/api/v1/api-keys/{id}"), "").await),
        ["api_key.rotated", "api_key.created"]
    );
    let begun = history(&api, &format!("/api/v1/api-keys/{next}"), "").await;
    assert_eq!(actions(&begun), ["api_key.rotated"]);
    assert_eq!(change(&begun["history"][0], "replaces")[0], &Value::Null);
}

/// Every field that an entry names, whatever came of it.
fn fields(entry: &Value) -> Vec<&str> {
    let changes = entry["changes"].as_array().unwrap().iter();
    changes
        .map(|change| change["field"].as_str().unwrap())
        .collect()
}

async fn artifacts_and_their_uploads_have_histories(api: Api) {
    let product = api.new_product().await;
    let base = format!("/api/v1.0/catalog/products/{product}/model-artifacts");
    let body = json!({"file_name": "m.onnx", "content_type": "a/b", "total_size_bytes": 0, "is_current": true});
    let mut made = Vec::new();
    for _ in 0..2 {
        let opened = api.post(&format!("{base}/uploads"), &body).send().await;
        let upload = opened.expect(201)["id"].as_str().unwrap().to_owned();
        let complete = format!("{base}/uploads/{upload}/complete");
        let artifact = api.post(&complete, &json!({})).send().await.expect(200);
        made.push((upload, artifact["id"].as_str().unwrap().to_owned()));
    }
    let (upload, first) = &made[0];
    api.delete(&format!("{base}/{first}"))
        .send()
        .await
        .expect(204);
    // The second took its place; then it was deleted, and its history stayed.
    let told = history(&api, &format!("{base}/{first}"), "").await;
    assert_eq!(
        actions(&told),
        [
            "artifact.deleted",
            "artifact.available",
            "artifact.available"
        ]
    );
    let entries = told["history"].as_array().unwrap();
    assert_eq!(
        change(&entries[0], "status"),
        [&json!("available"), &json!("deleted")]
    );
    assert_eq!(
        change(&entries[1], "is_current"),
        [&json!(true), &json!(false)]
    );
    assert_eq!(fields(&entries[1]), ["is_current"]);
    assert_eq!(change(&entries[2], "size_bytes"), [&Value::Null, &json!(0)]);
    let told = history(&api, &format!("{base}/uploads/{upload}"), "").await;
    assert_eq!(
        actions(&told),
        ["artifact.available", "artifact.upload.initiated"]
    );
    let ended = &told["history"][0];
    assert_eq!(change(ended, "status")[1], &json!("completed"));
    assert_eq!(change(ended, "artifact_id")[1], &json!(first));
    let opened = api.post(&format!("{base}/uploads"), &body).send().await;
    let given_up = opened.expect(201)["id"].as_str().unwrap().to_owned();
    let given_up = format!("{base}/uploads/{given_up}");
    api.delete(&given_up).send().await.expect(204);
    let told = history(&api, &given_up, "").await;
    assert_eq!(change(&told["history"][0], "status")[1], &json!("aborted"));
    // Nothing of it belongs to another product.
    let other = api.new_product().await;
    let elsewhere = format!("/api/v1.0/catalog/products/{other}/model-artifacts/{first}/history");
    api.get(&elsewhere)
        .send()
        .await
        .problem(404, "artifact_not_found");
}

async fn webhooks_have_histories_without_their_secrets(api: Api) {
    let body = json!({"target_url": "https://hooks.example/token-in-the-path", "description": "for the watch",
        "event_types": ["model.registered"], "hmac_secret_alias": unique("alias")});
    let made = api
        .post("/api/v1/governance-events/webhooks", &body)
        .send()
        .await
        .expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let secret = made["secret"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/governance-events/webhooks/{id}");
    let body = json!({"event_types": ["model.registered", "alert.opened"], "description": "other words", "status": "disabled"});
    let changed = api.call(reqwest::Method::PATCH, &path).json(&body);
    changed.send().await.expect(200);
    api.post(&format!("{path}/rotate-secret"), &json!({}))
        .send()
        .await
        .expect(201);
    api.delete(&path).send().await.expect(204);
    let told = history(&api, &path, "").await;
    assert_eq!(
        actions(&told),
        [
            "webhook.endpoint.deleted",
            "webhook.secret.rotated",
            "webhook.endpoint.updated",
            "webhook.endpoint.created"
        ]
    );
    let entries = told["history"].as_array().unwrap();
    assert_eq!(
        change(&entries[2], "standing"),
        [&json!("enabled"), &json!("disabled")]
    );
    assert_eq!(
        change(&entries[2], "event_types")[1],
        &json!(["model.registered", "alert.opened"])
    );
    let hidden = entries[2]["changes"].as_array().unwrap().iter();
    let hidden: Vec<_> = hidden.filter(|change| change["kept"] == false).collect();
    assert_eq!(hidden.len(), 1);
    assert_eq!(hidden[0]["field"], "description");
    assert_eq!(fields(&entries[1]), ["secret_ids"]);
    assert_eq!(
        change(&entries[3], "target_host"),
        [&Value::Null, &json!("hooks.example")]
    );
    let text = told.to_string();
    for kept_away in ["token-in-the-path", "for the watch", "whsec_"] {
        assert!(!text.contains(kept_away), "{kept_away}: {text}");
    }
    assert!(!text.contains(&secret));
    let unknown = "/api/v1/governance-events/webhooks/00000000-0000-4000-8000-000000000001/history";
    api.get(unknown)
        .send()
        .await
        .problem(404, "webhook_not_found");
}

async fn what_is_set_for_alerts_and_retention_has_a_history(api: Api) {
    let path = "/api/v1/alerts/sla/targets";
    let body = json!({"critical": {"acknowledgeMinutes": 7}});
    api.put(path, &body).send().await.expect(200);
    let told = history(&api, path, "").await;
    let [before, after] = change(&told["history"][0], "critical");
    assert_ne!(before["acknowledge_minutes"], 7);
    assert_eq!(after["acknowledge_minutes"], 7);
    assert_eq!(fields(&told["history"][0]), ["critical"]);
    let path = "/api/v1/alerts/preferences";
    let body = json!({"channels": {"email": {"enabled": true}}, "eventTypes": ["alert.opened"]});
    api.put(path, &body).send().await.expect(200);
    let told = history(&api, path, "").await;
    assert_eq!(told["total"], 1);
    assert_eq!(fields(&told["history"][0]), ["email", "event_types"]);
    assert_eq!(
        change(&told["history"][0], "event_types"),
        [&json!([]), &json!(["alert.opened"])]
    );
    // Nobody else's are shown.
    let key = json!({"name": unique("key"), "scopes": ["read"]});
    let other = api.post("/api/v1/api-keys", &key).send().await.expect(201);
    let other = other["key"].as_str().unwrap().to_owned();
    let seen = api
        .get(&format!("{path}/history"))
        .bearer(&other)
        .send()
        .await;
    assert_eq!(seen.expect(200)["total"], 0);
    let path = "/api/v1/admin/data-retention";
    let body = json!({"target": "findings", "retention_days": 400});
    let set = api.call(reqwest::Method::PATCH, path).json(&body);
    set.send().await.expect(200);
    let told = history(&api, path, "").await;
    assert_eq!(
        change(&told["history"][0], "retention_days")[1],
        &json!(400)
    );
    let own = format!("/api/v1.0/organizations/{}", api.organization);
    let told = history(&api, &own, "").await;
    let begun = told["history"].as_array().unwrap().last().unwrap();
    assert_eq!(begun["action"], "organization.created");
    assert_eq!(change(begun, "slug")[1], &json!(api.organization));
    let nobody = format!("{own}/users/00000000-0000-4000-8000-000000000001/history");
    api.get(&nobody)
        .send()
        .await
        .problem(404, "member_not_found");
}

both!(
    an_entry_of_the_inventory_tells_its_whole_life,
    pages_follow_one_another_and_end,
    alerts_and_limits_tell_what_moved_them,
    evidence_and_attachments_have_histories,
    settings_and_keys_have_histories,
    artifacts_and_their_uploads_have_histories,
    webhooks_have_histories_without_their_secrets,
    what_is_set_for_alerts_and_retention_has_a_history,
);
