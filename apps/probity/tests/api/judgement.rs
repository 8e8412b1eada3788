//! The judgement of products: summary, reviews, settings, the fleet; and what a passing date does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use probity_kernel::{Clock as _, SystemClock};

use crate::harness::{Api, Place, TestApp, UNLIMITED};

both!(
    a_summary_has_every_field_of_the_reference,
    a_product_without_a_workbench_is_refused,
    a_review_is_requested_once_and_decided_once,
    what_is_asked_for_has_to_be_known_and_active,
    a_decision_is_checked_field_by_field,
    of_many_requests_at_once_one_is_created,
    of_many_decisions_at_once_one_counts,
    a_repeated_request_gives_the_first_outcome_back,
    settings_are_checked_kept_and_applied,
    the_overview_counts_what_the_postures_list,
    a_confined_key_sees_its_own_spaces_only,
    of_another_organization_nothing_exists,
);

both_alone!(a_date_that_passes_turns_the_judgement_with_nobody_touching_it);

fn product(id: &str) -> String {
    format!("/api/v1.0/catalog/products/{id}")
}

fn reviews(id: &str) -> String {
    format!("{}/ai-governance-review-requests", product(id))
}

fn organization(api: &Api, rest: &str) -> String {
    format!("/api/v1.0/organizations/{}/{rest}", api.organization)
}

async fn summary(api: &Api, id: &str) -> Value {
    let path = format!("{}/ai-governance-summary", product(id));
    api.get(&path).send().await.expect(200)
}

async fn overview(api: &Api) -> Value {
    let path = organization(api, "ai-governance-overview");
    api.get(&path).send().await.expect(200)
}

async fn model_with(api: &Api, more: &Value) -> String {
    let space = api.new_space().await;
    let path = format!("/api/v1.0/catalog/spaces/{space}/model-repository/models");
    let mut body = json!({"name": "Claims Triage Model"});
    crate::harness::merge(&mut body, more);
    let made = api.post(&path, &body).send().await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

fn keyed<'a>(list: &'a Value, key: &str) -> &'a Value {
    let found = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["key"] == key);
    found.unwrap_or_else(|| panic!("no {key} in {list}"))
}

fn soon(seconds: i64) -> String {
    let at = SystemClock.now() + time::Duration::seconds(seconds);
    at.format(&Rfc3339).unwrap()
}

async fn request(api: &Api, id: &str) -> Value {
    api.post(&reviews(id), &json!({})).send().await.expect(201)
}

async fn a_summary_has_every_field_of_the_reference(api: Api) {
    let id = model_with(&api, &json!({"intended_use": "Triage of claims."})).await;
    let told = summary(&api, &id).await;
    assert_eq!(told["product_id"], id);
    assert_eq!(told["product_name"], "Claims Triage Model");
    assert_eq!(told["product_type"], "ML Model");
    assert_eq!(told["lifecycle_gate"], "development");
    assert_eq!(told["review_status"], "not_started");
    assert_eq!(told["score_version"], "1.0");
    // One item of eight, minus missing evaluation (10) and stale documentation (2).
    assert_eq!(told["governance_score"], 0);
    let keys = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|one| one["key"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        keys(&told["completeness"]),
        [
            "owner",
            "purpose",
            "risk_classification",
            "data_dependencies",
            "evaluation_evidence",
            "policies",
            "monitoring",
            "review"
        ]
    );
    assert_eq!(
        keys(&told["drift_indicators"]),
        [
            "overdue_review",
            "changed_upstream_data",
            "missing_eval",
            "expired_approval",
            "unresolved_high_risk_mitigation",
            "stale_documentation"
        ]
    );
    assert_eq!(keyed(&told["completeness"], "purpose")["complete"], true);
    let missing = keyed(&told["drift_indicators"], "missing_eval");
    assert_eq!(missing["label"], "Missing evaluation evidence");
    assert_eq!(missing["severity"], "high");
    assert_eq!(missing["active"], true);
    let runs = keyed(&told["evidence"], "training_runs");
    assert_eq!(
        runs,
        &json!({"key": "training_runs", "label": "Training runs", "count": 0, "status": "missing"})
    );
    let parts = told["score_breakdown"].as_array().unwrap();
    let sum: f64 = parts
        .iter()
        .map(|part| part["points"].as_f64().unwrap())
        .sum();
    assert!((sum - told["governance_score"].as_f64().unwrap()).abs() < f64::EPSILON);
    let remedy = &keyed(&told["score_breakdown"], "evaluation_evidence")["remedy"];
    assert_eq!(remedy["points_gained"], 23, "{told}");
    let bundle = &told["audit_bundle"];
    assert!(bundle["log_size"].as_u64().unwrap() > bundle["last_index"].as_u64().unwrap());
    assert_eq!(bundle["root_hash"].as_str().unwrap().len(), 64);
    for (name, link) in bundle["links"].as_object().unwrap() {
        if ["checkpoint", "events", "export", "review_requests"].contains(&name.as_str()) {
            let reply = api.get(link.as_str().unwrap()).send().await;
            assert_eq!(reply.status, 200, "{name}");
        }
    }
    assert_eq!(told["runtime_event_counts"], json!({}));
    assert_eq!(told["generated_at"], told["as_of"]);
}

async fn a_product_without_a_workbench_is_refused(api: Api) {
    let id = model_with(&api, &json!({"product_type": "Prompt Collection"})).await;
    let path = format!("{}/ai-governance-summary", product(&id));
    let refused = api.get(&path).send().await;
    refused.problem(400, "unsupported_product_type");
    let refused = api.post(&reviews(&id), &json!({})).send().await;
    refused.problem(400, "unsupported_product_type");
    let list = api.get(&reviews(&id)).send().await;
    assert_eq!(list.expect(200), json!([]));
}

async fn a_review_is_requested_once_and_decided_once(api: Api) {
    let id = model_with(&api, &json!({})).await;
    let selected = json!({"drift_indicator_keys": ["overdue_review", "missing_eval"]});
    let made = api.post(&reviews(&id), &selected).send().await;
    let tag = made.header("etag").to_owned();
    let made = made.expect(201);
    assert_eq!(made["status"], "pending");
    assert_eq!(made["title"], "AI governance review: Claims Triage Model");
    assert_eq!(
        made["description"],
        "Review active AI governance drift indicators."
    );
    assert_eq!(
        made["details"],
        json!({"source": "ai_governance_workbench", "drift_indicator_keys": ["missing_eval"]})
    );
    assert_eq!(made["deduplicated"], false);
    assert_eq!(tag, "\"v1\"");
    let again = api.call(reqwest::Method::POST, &reviews(&id)).send().await;
    let again = again.expect(200);
    assert_eq!(
        (&again["id"], &again["deduplicated"]),
        (&made["id"], &json!(true))
    );
    assert_eq!(summary(&api, &id).await["review_status"], "in_review");
    let one = format!("{}/{}", reviews(&id), made["id"].as_str().unwrap());
    let read = api.get(&one).send().await.expect(200);
    assert_eq!(read["details"], made["details"]);
    assert!(read.get("deduplicated").is_none());
    let decision =
        json!({"decision": "approve", "comment": "Good.", "approval_expires_at": soon(3600)});
    let decided = api.post(&format!("{one}/decision"), &decision).send().await;
    assert_eq!(decided.header("etag"), "\"v2\"");
    let decided = decided.expect(200);
    assert_eq!(decided["status"], "approved");
    assert_eq!(decided["comment"], "Good.");
    assert!(decided["next_review_due_at"].is_string(), "{decided}");
    let twice = api.post(&format!("{one}/decision"), &decision).send().await;
    twice.problem(409, "review_already_decided");
    let told = summary(&api, &id).await;
    assert_eq!(told["review_status"], "approved");
    assert_eq!(keyed(&told["completeness"], "review")["complete"], true);
    assert_eq!(told["next_change_at"], decided["approval_expires_at"]);
    // The next request is a new one; both are listed, newest first, page by page.
    let next = request(&api, &id).await;
    let page = api.get(&format!("{}?limit=1", reviews(&id))).send().await;
    assert_eq!(page.header("x-total-count"), "2");
    assert_eq!(page.header("x-has-more"), "true");
    assert_eq!(page.header("x-page"), "1");
    let cursor = page.header("x-next-cursor").to_owned();
    assert_eq!(page.expect(200)[0]["id"], next["id"]);
    let rest = format!("{}?limit=1&cursor={cursor}", reviews(&id));
    let rest = api.get(&rest).send().await.expect(200);
    assert_eq!(rest[0]["id"], made["id"]);
    let events = api.get(&format!("/api/v1/governance-events?product_id={id}"));
    let events = events.send().await.expect(200);
    let types: Vec<&str> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event_type"].as_str().unwrap())
        .collect();
    for expected in ["review.requested", "review.decided", "risk_score.changed"] {
        assert!(types.contains(&expected), "{types:?}");
    }
}

async fn what_is_asked_for_has_to_be_known_and_active(api: Api) {
    let id = model_with(&api, &json!({})).await;
    let unknown = json!({"drift_indicator_keys": ["missing_eval", "bad_mood"]});
    let refused = api.post(&reviews(&id), &unknown).send().await;
    assert_eq!(
        refused.faults(422, "validation_error"),
        ["/drift_indicator_keys/1"]
    );
    let empty = json!({"drift_indicator_keys": []});
    let refused = api.post(&reviews(&id), &empty).send().await;
    assert_eq!(
        refused.faults(422, "validation_error"),
        ["/drift_indicator_keys"]
    );
    let wrong = json!({"drift_indicator_keys": "missing_eval"});
    let refused = api.post(&reviews(&id), &wrong).send().await;
    assert_eq!(
        refused.faults(422, "validation_error"),
        ["/drift_indicator_keys"]
    );
    let quiet = json!({"drift_indicator_keys": ["overdue_review"]});
    let refused = api.post(&reviews(&id), &quiet).send().await;
    let told = refused.problem(400, "no_active_drift_indicators");
    assert_eq!(
        told["active_drift_indicator_keys"],
        json!(["missing_eval", "stale_documentation"])
    );
    let unknown = format!("{}/not-an-id", reviews(&id));
    api.get(&unknown)
        .send()
        .await
        .faults(422, "validation_error");
    let unknown = format!("{}/{id}", reviews(&id));
    api.get(&unknown)
        .send()
        .await
        .problem(404, "review_request_not_found");
}

async fn a_decision_is_checked_field_by_field(api: Api) {
    let id = model_with(&api, &json!({})).await;
    let made = request(&api, &id).await;
    let path = format!("{}/{}/decision", reviews(&id), made["id"].as_str().unwrap());
    for (body, fields) in [
        (json!({}), vec!["/decision"]),
        (json!({"decision": "maybe"}), vec!["/decision"]),
        (
            json!({"decision": "approve", "approval_expires_at": "tomorrow"}),
            vec!["/approval_expires_at"],
        ),
        (
            json!({"decision": "approve", "approval_expires_at": "2020-01-01T00:00:00Z",
                   "next_review_due_at": "2020-01-01T00:00:00Z"}),
            vec!["/approval_expires_at", "/next_review_due_at"],
        ),
        (
            json!({"decision": "reject", "approval_expires_at": soon(60)}),
            vec!["/approval_expires_at"],
        ),
        (
            json!({"decision": "approve", "comment": "x".repeat(4001)}),
            vec!["/comment"],
        ),
    ] {
        let refused = api.post(&path, &body).send().await;
        assert_eq!(refused.faults(422, "validation_error"), fields, "{body}");
    }
    let rejected = api.post(&path, &json!({"decision": "reject", "owner": 1}));
    let rejected = rejected.send().await.expect(200);
    assert_eq!(rejected["status"], "rejected");
    assert_eq!(rejected["next_review_due_at"], Value::Null);
    assert_eq!(summary(&api, &id).await["review_status"], "needs_review");
}

async fn of_many_requests_at_once_one_is_created(api: Api) {
    let id = model_with(&api, &json!({})).await;
    let body = json!({});
    let calls = (0..200).map(|_| api.post(&reviews(&id), &body).send());
    let answers = join_all(calls).await;
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    let mut ids: Vec<Value> = Vec::new();
    for answer in &answers {
        *statuses.entry(answer.status).or_default() += 1;
        let told = answer.json();
        assert_eq!(told["deduplicated"], answer.status == 200);
        ids.push(told["id"].clone());
    }
    assert_eq!(statuses, BTreeMap::from([(200, 199), (201, 1)]));
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let list = api.get(&reviews(&id)).send().await;
    assert_eq!(list.header("x-total-count"), "1");
}

async fn of_many_decisions_at_once_one_counts(api: Api) {
    let id = model_with(&api, &json!({})).await;
    let made = request(&api, &id).await;
    let path = format!("{}/{}/decision", reviews(&id), made["id"].as_str().unwrap());
    let bodies = [
        json!({"decision": "approve"}),
        json!({"decision": "reject"}),
    ];
    let calls = (0..40).map(|n| api.post(&path, &bodies[n % 2]).send());
    let answers = join_all(calls).await;
    let won: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(won.len(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| [200, 409].contains(&answer.status))
    );
    let read = api.get(&reviews(&id)).send().await.expect(200);
    assert_eq!(read[0]["status"], won[0].json()["status"]);
}

async fn a_repeated_request_gives_the_first_outcome_back(api: Api) {
    let id = model_with(&api, &json!({})).await;
    let body = json!({"drift_indicator_keys": ["missing_eval"]});
    let attempt = |body: &Value| {
        let call = api.post(&reviews(&id), body);
        call.header("idempotency-key", "review-1").send()
    };
    let first = attempt(&body).await.expect(201);
    let decision = format!(
        "{}/{}/decision",
        reviews(&id),
        first["id"].as_str().unwrap()
    );
    let approve = json!({"decision": "approve"});
    let decide = || {
        let call = api.post(&decision, &approve);
        call.header("idempotency-key", "decision-1").send()
    };
    let decided = decide().await.expect(200);
    assert_eq!(decide().await.expect(200), decided);
    // The request is decided by now; the repetition still gets what the first one got.
    assert_eq!(attempt(&body).await.expect(201), first);
    let other = attempt(&json!({})).await;
    other.problem(422, "idempotency_key_reused");
}

async fn settings_are_checked_kept_and_applied(api: Api) {
    let path = organization(&api, "ai-governance-settings");
    let first = api.get(&path).send().await;
    assert_eq!(first.header("etag"), "\"v0\"");
    let first = first.expect(200);
    assert_eq!(first["monitoring_window_days"], 30);
    assert_eq!(
        first["drift_penalties"],
        json!({"critical": 15, "high": 10, "medium": 5, "low": 2})
    );
    let id = model_with(&api, &json!({"intended_use": "Triage."})).await;
    assert_eq!(summary(&api, &id).await["governance_score"], 0);
    let wrong = json!({"review_period_days": 0, "overdue_review": {"high_after_days": 4000}});
    let refused = api.put(&path, &wrong).send().await;
    assert_eq!(
        refused.faults(422, "validation_error"),
        ["/overdue_review/high_after_days", "/review_period_days"]
    );
    let wrong = json!({"drift_penalties": {"low": 6}});
    let refused = api.put(&path, &wrong).send().await;
    assert_eq!(
        refused.faults(422, "validation_error"),
        ["/drift_penalties/medium"]
    );
    let free = json!({"drift_penalties": {"low": 0, "medium": 0, "high": 0, "critical": 0}});
    let changed = api
        .put(&path, &free)
        .header("if-match", "\"v0\"")
        .send()
        .await;
    assert_eq!(changed.header("etag"), "\"v1\"");
    assert_eq!(
        changed.expect(200)["drift_penalties"],
        free["drift_penalties"]
    );
    let stale = api
        .put(&path, &free)
        .header("if-match", "\"v0\"")
        .send()
        .await;
    stale.problem(412, "precondition_failed");
    assert_eq!(summary(&api, &id).await["governance_score"], 12);
    // The fleet follows, with an event for what changed.
    let told = overview(&api).await;
    assert_eq!(told["pending_reassessments"], 0);
    assert_eq!(told["worst_products"][0]["governance_score"], 12);
    let events = "/api/v1/governance-events?event_type=risk_score.changed";
    let events = api.get(events).send().await.expect(200);
    assert_eq!(events["events"][0]["score_before"], 0.0);
    assert_eq!(events["events"][0]["score_after"], 12.0);
    let key = api.new_key("read,write");
    let forbidden = api.put(&path, &free).bearer(&key).send().await;
    forbidden.problem(403, "forbidden");
}

async fn the_overview_counts_what_the_postures_list(api: Api) {
    let empty = overview(&api).await;
    assert_eq!(
        (&empty["products"], &empty["mean_score"]),
        (&json!(0), &Value::Null)
    );
    let first = model_with(&api, &json!({"intended_use": "Triage."})).await;
    let more = json!({"deployment_status": "production", "risk_classification": "high"});
    model_with(&api, &more).await;
    model_with(&api, &json!({"product_type": "Prompt Collection"})).await;
    request(&api, &first).await;
    let told = overview(&api).await;
    assert_eq!(told["products"], 2);
    let gate = |key| keyed(&told["by_lifecycle_gate"], key)["products"].clone();
    assert_eq!(
        (gate("development"), gate("production")),
        (json!(1), json!(1))
    );
    let status = |key| keyed(&told["by_review_status"], key)["products"].clone();
    assert_eq!(
        (status("in_review"), status("not_started")),
        (json!(1), json!(1))
    );
    assert_eq!(keyed(&told["active_drift"], "missing_eval")["products"], 2);
    assert_eq!(keyed(&told["by_worst_severity"], "high")["products"], 2);
    assert_eq!(told["worst_products"].as_array().unwrap().len(), 2);
    for list in [
        "by_lifecycle_gate",
        "by_review_status",
        "score_distribution",
        "active_drift",
    ] {
        for count in told[list].as_array().unwrap() {
            let listed = api.get(count["link"].as_str().unwrap()).send().await;
            assert_eq!(
                listed.header("x-total-count"),
                count["products"].to_string(),
                "{count}"
            );
            let listed = listed.expect(200);
            assert_eq!(
                listed.as_array().unwrap().len().to_string(),
                count["products"].to_string()
            );
        }
    }
    let postures = organization(&api, "ai-governance-postures");
    let page = api.get(&format!("{postures}?limit=1")).send().await;
    let cursor = page.header("x-next-cursor").to_owned();
    let one = page.expect(200);
    api.get(one[0]["link"].as_str().unwrap())
        .send()
        .await
        .expect(200);
    let rest = api
        .get(&format!("{postures}?limit=1&cursor={cursor}"))
        .send()
        .await;
    assert_eq!(rest.header("x-has-more"), "false");
    assert_ne!(rest.expect(200)[0]["product_id"], one[0]["product_id"]);
    for (query, field) in [
        ("lifecycle_gate=moon", "lifecycle_gate"),
        ("review_status=x", "review_status"),
        ("drift_indicator=x", "drift_indicator"),
        ("min_score=101", "min_score"),
        ("min_score=80&max_score=20", "max_score"),
        ("limit=101", "limit"),
    ] {
        let refused = api.get(&format!("{postures}?{query}")).send().await;
        assert_eq!(refused.faults(422, "validation_error"), [field]);
    }
    let refused = api.get(&format!(
        "{}?worst=101",
        organization(&api, "ai-governance-overview")
    ));
    assert_eq!(
        refused.send().await.faults(422, "validation_error"),
        ["worst"]
    );
}

async fn a_confined_key_sees_its_own_spaces_only(api: Api) {
    let (mine, theirs) = (api.new_space().await, api.new_space().await);
    let seen = api.product_in(&mine).await;
    let hidden = api.product_in(&theirs).await;
    let spaces = api
        .get(&organization(&api, "spaces"))
        .send()
        .await
        .expect(200);
    let space = spaces
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["slug"] == mine);
    let body =
        json!({"name": "confined", "scopes": ["read", "write"], "spaces": [space.unwrap()["id"]]});
    let key = api.post("/api/v1/api-keys", &body).send().await.expect(201);
    let key = key["key"].as_str().unwrap();
    let path = organization(&api, "ai-governance-overview");
    let told = api.get(&path).bearer(key).send().await.expect(200);
    assert_eq!(told["products"], 1);
    assert_eq!(told["worst_products"][0]["product_id"], seen);
    let path = organization(&api, "ai-governance-postures");
    let listed = api.get(&path).bearer(key).send().await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let path = format!("{}/ai-governance-summary", product(&hidden));
    let refused = api.get(&path).bearer(key).send().await;
    refused.problem(404, "product_not_found");
}

async fn of_another_organization_nothing_exists(api: Api) {
    let other = Api::on(&api.app);
    let id = model_with(&other, &json!({})).await;
    let made = request(&other, &id).await;
    let one = format!("{}/{}", reviews(&id), made["id"].as_str().unwrap());
    let body = json!({"decision": "approve"});
    for refused in [
        api.get(&format!("{}/ai-governance-summary", product(&id))),
        api.post(&reviews(&id), &json!({})),
        api.get(&reviews(&id)),
        api.get(&one),
        api.post(&format!("{one}/decision"), &body),
    ] {
        refused.send().await.problem(404, "product_not_found");
    }
    // A request of another product is none of this one.
    let own = model_with(&api, &json!({})).await;
    let strange = format!("{}/{}", reviews(&own), made["id"].as_str().unwrap());
    let refused = api.get(&strange).send().await;
    refused.problem(404, "review_request_not_found");
    let refused = api.post(&format!("{strange}/decision"), &body).send().await;
    refused.problem(404, "review_request_not_found");
    for path in [
        "ai-governance-overview",
        "ai-governance-postures",
        "ai-governance-settings",
    ] {
        let refused = api.get(&organization(&other, path)).send().await;
        refused.problem(404, "organization_not_found");
    }
    let refused = api.put(&organization(&other, "ai-governance-settings"), &json!({}));
    refused.send().await.problem(404, "organization_not_found");
}

/// Waits until a date has passed for sure.
async fn until(at: &Value) {
    let at = OffsetDateTime::parse(at.as_str().unwrap(), &Rfc3339).unwrap();
    while SystemClock.now() <= at {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn a_date_that_passes_turns_the_judgement_with_nobody_touching_it(place: Arc<Place>) {
    // Two nodes on one database where that can be: the event is told once all the same.
    let flags: Vec<&str> = UNLIMITED
        .into_iter()
        .chain(["--checkpoint-interval", "1"])
        .collect();
    let app = Arc::new(TestApp::spawn(&place, &flags));
    let second = place
        .psql("SELECT 1")
        .map(|_| TestApp::spawn_beside(&place, &flags));
    let api = Api::on(&app);
    let id = model_with(&api, &json!({"deployment_status": "production"})).await;
    let made = request(&api, &id).await;
    let one = format!("{}/{}", reviews(&id), made["id"].as_str().unwrap());
    let decision = json!({
        "decision": "approve", "approval_expires_at": soon(4), "next_review_due_at": soon(6)
    });
    let decided = api
        .post(&format!("{one}/decision"), &decision)
        .send()
        .await
        .expect(200);
    let before = summary(&api, &id).await;
    assert_eq!(before["review_status"], "approved");
    assert_eq!(before["next_change_at"], decided["approval_expires_at"]);
    assert_eq!(
        keyed(&overview(&api).await["active_drift"], "expired_approval")["products"],
        0
    );
    let size = || async {
        summary(&api, &id).await["audit_bundle"]["log_size"]
            .as_u64()
            .unwrap()
    };
    let written = size().await;

    until(&decided["approval_expires_at"]).await;
    let told = summary(&api, &id).await;
    assert_eq!(told["review_status"], "needs_review");
    let expired = keyed(&told["drift_indicators"], "expired_approval");
    assert_eq!(
        (&expired["active"], &expired["severity"]),
        (&json!(true), &json!("critical"))
    );
    let fleet = overview(&api).await;
    assert_eq!(
        keyed(&fleet["active_drift"], "expired_approval")["products"],
        1
    );
    assert_eq!(
        keyed(&fleet["by_review_status"], "needs_review")["products"],
        1
    );

    until(&decided["next_review_due_at"]).await;
    let told = summary(&api, &id).await;
    assert_eq!(
        keyed(&told["drift_indicators"], "overdue_review")["active"],
        true
    );
    // Nobody asks for the overview now: the worker tells the event by itself.
    let deadline = Instant::now() + Duration::from_secs(30);
    let due = "/api/v1/governance-events?event_type=risk_score.changed&product_id=";
    let changes = || async {
        let events = api.get(&format!("{due}{id}")).send().await.expect(200);
        events["events"].as_array().unwrap().clone()
    };
    let is_by_time = |event: &Value| {
        let drift = event["payload"]["active_drift"].as_array().unwrap();
        drift.contains(&json!("overdue_review")) || drift.contains(&json!("expired_approval"))
    };
    // The score is 0 before and after, so that the review status alone tells: one event, not two.
    while changes()
        .await
        .iter()
        .filter(|event| is_by_time(event))
        .count()
        < 1
    {
        assert!(Instant::now() < deadline, "{:?}", changes().await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let told = changes().await;
    assert_eq!(
        told.iter().filter(|event| is_by_time(event)).count(),
        1,
        "{told:?}"
    );
    // The posture turned critical: its alert is a leaf of its own.
    assert_eq!(size().await, written + 2);
    drop(second);
}
