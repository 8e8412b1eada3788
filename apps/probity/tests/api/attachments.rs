//! What is attached to products: data dependencies, policies, mitigations, models of the inventory.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Call, Reply};

fn path(product: &str, rest: &str) -> String {
    format!("/api/v1.0/catalog/products/{product}/{rest}")
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap().to_owned()
}

fn patch(api: &Api, path: &str, body: &Value) -> Call {
    api.call(Method::PATCH, path).json(body)
}

/// The kinds of attachments that have ids: path, a body that creates one, the code of a missing one.
fn kinds() -> [(&'static str, Value, &'static str); 3] {
    [
        (
            "data-dependencies",
            json!({"name": "claims"}),
            "data_dependency_not_found",
        ),
        (
            "policies",
            json!({"policy_key": "MRM-01", "title": "Model risk policy"}),
            "policy_not_found",
        ),
        (
            "risk-mitigations",
            json!({"title": "Mask the postcode", "severity": "high"}),
            "risk_mitigation_not_found",
        ),
    ]
}

async fn a_dependency_lives_from_declaration_to_removal(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "data-dependencies");
    let body = json!({"name": "claims_features", "dependency_type": "feature_store",
        "uri": "s3://evidence/claims/2026-06", "version_label": "2026.06",
        "description": "Claims by month", "changed_at": "2026-06-01T00:00:00Z", "unknown": 1});
    let made = api.post(&list, &body).send().await;
    let declared = made.expect(201);
    assert_eq!(made.header("etag"), "\"v1\"");
    for (field, value) in body.as_object().unwrap() {
        if field != "unknown" {
            assert_eq!(declared[field], *value, "{field}");
        }
    }
    assert_eq!(declared["product_id"], product);
    let one = format!("{list}/{}", id(&declared));
    assert_eq!(api.get(&one).send().await.expect(200), declared);
    let twin = api.post(&list, &json!({"name": "claims_features"})).send();
    twin.await.problem(409, "name_taken");

    let change = json!({"changed_at": "2026-06-28T00:00:00Z", "uri": null});
    let outdated = patch(&api, &one, &change).header("if-match", "\"v9\"");
    outdated.send().await.problem(412, "precondition_failed");
    let changed = patch(&api, &one, &change)
        .header("if-match", "\"v1\"")
        .send()
        .await;
    assert_eq!(changed.header("etag"), "\"v2\"");
    let changed = changed.expect(200);
    assert_eq!(changed["changed_at"], "2026-06-28T00:00:00Z");
    assert_eq!(changed["uri"], Value::Null);
    assert_eq!(changed["description"], "Claims by month");
    let same = patch(&api, &one, &json!({})).send().await;
    assert_eq!((same.header("etag"), same.expect(200)), ("\"v2\"", changed));
    let wrong =
        json!({"name": null, "dependency_type": "table", "changed_at": "9000-01-01T00:00:00Z"});
    let faults = patch(&api, &one, &wrong)
        .send()
        .await
        .faults(422, "validation_error");
    assert_eq!(faults, ["/name", "/dependency_type", "/changed_at"]);

    let outdated = api.delete(&one).header("if-match", "\"v1\"");
    outdated.send().await.problem(412, "precondition_failed");
    api.delete(&one)
        .header("if-match", "\"v2\"")
        .send()
        .await
        .expect(204);
    api.get(&one)
        .send()
        .await
        .problem(404, "data_dependency_not_found");
    assert_eq!(api.get(&list).send().await.expect(200), json!([]));
}

async fn a_policy_is_attached_and_detached(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "policies");
    let body = json!({"policy_key": "MRM-01", "title": "Model risk policy",
        "reference_url": "https://policies.example.com/mrm-01", "description": "Validate first"});
    let attached = api.post(&list, &body).send().await.expect(201);
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(attached[field], *value, "{field}");
    }
    api.post(&list, &body)
        .send()
        .await
        .problem(409, "policy_key_taken");
    let wrong = json!({"title": "", "reference_url": "javascript:alert(1)"});
    let faults = api
        .post(&list, &wrong)
        .send()
        .await
        .faults(422, "validation_error");
    assert_eq!(faults, ["/policy_key", "/title", "/reference_url"]);
    let one = format!("{list}/{}", id(&attached));
    let found = api.get(&one).send().await;
    assert_eq!(found.header("etag"), "\"v1\"");
    assert_eq!(found.expect(200), attached);
    api.delete(&one).send().await.expect(204);
    api.delete(&one)
        .send()
        .await
        .problem(404, "policy_not_found");
    api.post(&list, &body).send().await.expect(201);
}

async fn closing_a_mitigation_stamps_it_and_reopening_clears_it(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "risk-mitigations");
    let body = json!({"title": "Mask the postcode", "severity": "critical",
        "owner": "model-risk@example.com", "due_at": "2026-09-30T00:00:00Z"});
    let opened = api.post(&list, &body).send().await.expect(201);
    assert_eq!(opened["status"], "open");
    let one = format!("{list}/{}", id(&opened));
    for (status, closed) in [
        ("in_progress", false),
        ("resolved", true),
        ("open", false),
        ("accepted", true),
    ] {
        let change = json!({"status": status});
        let changed = patch(&api, &one, &change).send().await.expect(200);
        assert_eq!(changed["status"], status);
        assert_eq!(changed["closed_at"].is_string(), closed, "{status}");
    }
    let cleared = patch(&api, &one, &json!({"owner": null, "due_at": null}))
        .send()
        .await;
    let cleared = cleared.expect(200);
    assert_eq!(
        (&cleared["owner"], &cleared["due_at"]),
        (&Value::Null, &Value::Null)
    );
    let wrong = json!({"severity": "info", "status": null, "due_at": "tomorrow"});
    let faults = patch(&api, &one, &wrong)
        .send()
        .await
        .faults(422, "validation_error");
    assert_eq!(faults, ["/due_at", "/severity", "/status"]);
    let faults = api
        .post(&list, &json!({}))
        .send()
        .await
        .faults(422, "validation_error");
    assert_eq!(faults, ["/title", "/severity"]);
    api.delete(&one).send().await.expect(204);
    api.get(&one)
        .send()
        .await
        .problem(404, "risk_mitigation_not_found");
}

async fn models_are_linked_as_a_set(api: Api) {
    let product = api.new_product().await;
    let links = path(&product, "registered-models");
    let first = api.new_model(&json!({"risk_tier": "tier_1"})).await;
    let second = api
        .new_model(&json!({"validation_status": "validated"}))
        .await;
    let none = api.get(&links).send().await;
    assert_eq!(
        none.expect(200),
        json!({"product_id": product, "models": []})
    );
    let both = json!({"models": [{"id": id(&first)}, {"model_id": second["model_id"]}, {"id": id(&first)}]});
    let linked = api
        .put(&links, &both)
        .header("if-match", none.header("etag"))
        .send()
        .await;
    let set = linked.expect(200);
    let models = set["models"].as_array().unwrap();
    assert_eq!(models.len(), 2);
    for entry in [&first, &second] {
        let link = models
            .iter()
            .find(|link| link["id"] == entry["id"])
            .unwrap();
        for field in ["model_id", "provider", "risk_tier", "validation_status"] {
            assert_eq!(link[field], entry[field], "{field}");
        }
    }
    assert_eq!(
        api.get(&links).send().await.header("etag"),
        linked.header("etag")
    );
    let late = api
        .put(&links, &json!({"models": []}))
        .header("if-match", none.header("etag"));
    late.send().await.problem(412, "precondition_failed");

    let theirs = Api::on(&api.app).new_model(&json!({})).await;
    let unknown =
        json!({"models": [{"id": id(&first)}, {"id": id(&theirs)}, {"model_id": "nobody"}]});
    let faults = api
        .put(&links, &unknown)
        .send()
        .await
        .faults(422, "validation_error");
    assert_eq!(faults, ["/models/1", "/models/2"]);
    let wrong = json!({"models": [{}, {"id": "x"}]});
    let faults = api
        .put(&links, &wrong)
        .send()
        .await
        .faults(422, "validation_error");
    assert_eq!(faults, ["/models/0", "/models/1/id"]);
    let faults = api
        .put(&links, &json!({}))
        .send()
        .await
        .faults(422, "validation_error");
    assert_eq!(faults, ["/models"]);
    assert_eq!(
        api.get(&links).send().await.expect(200),
        set,
        "a refusal changed the set"
    );

    // An entry that leaves the inventory takes its link along, on the product's record.
    let entry = format!("/api/admin/models/{}", id(&first));
    api.delete(&entry).send().await.expect(204);
    let left = api.get(&links).send().await.expect(200);
    assert_eq!(left["models"].as_array().unwrap().len(), 1);
    assert_eq!(left["models"][0]["id"], second["id"]);
}

async fn lists_are_paged_by_offset_and_by_cursor(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "data-dependencies");
    let mut made = Vec::new();
    for number in 0..5 {
        let body = json!({"name": format!("data {number}")});
        made.insert(0, api.post(&list, &body).send().await.expect(201));
    }
    let first = api.get(&format!("{list}?limit=2")).send().await;
    assert_eq!(first.expect(200), json!(made[..2]));
    let told = |reply: &Reply| {
        ["x-total-count", "x-page", "x-has-more"].map(|name| reply.header(name).to_owned())
    };
    assert_eq!(told(&first), ["5", "1", "true"]);
    let third = api.get(&format!("{list}?limit=2&skip=4")).send().await;
    assert_eq!(third.expect(200), json!(made[4..]));
    assert_eq!(told(&third), ["5", "3", "false"]);
    let cursor = first.header("x-next-cursor");
    let next = api
        .get(&format!("{list}?limit=2&cursor={cursor}"))
        .send()
        .await;
    assert_eq!(next.expect(200), json!(made[2..4]));
    for query in ["limit=0", "limit=101", "skip=-1", "cursor=x"] {
        let refused = api.get(&format!("{list}?{query}")).send().await;
        refused.faults(422, "validation_error");
    }
}

async fn a_repetition_creates_once_and_only_for_the_same_product(api: Api) {
    let (product, other) = (api.new_product().await, api.new_product().await);
    for (kind, body, _) in kinds() {
        let create = |product: &str, body: &Value| {
            let call = api.post(&path(product, kind), body);
            call.header("idempotency-key", "once").send()
        };
        let first = create(&product, &body).await.expect(201);
        assert_eq!(create(&product, &body).await.expect(201), first, "{kind}");
        let elsewhere = create(&other, &body).await.expect(201);
        assert_eq!(elsewhere["product_id"], other, "{kind}");
        let changed = json!({"name": "x", "policy_key": "x", "title": "x", "severity": "low"});
        create(&product, &changed)
            .await
            .problem(422, "idempotency_key_reused");
    }
}

async fn a_thing_is_reached_through_its_own_product_only(api: Api) {
    let (product, other) = (api.new_product().await, api.new_product().await);
    let reader = api.new_key("read");
    for (kind, body, missing) in kinds() {
        let made = api
            .post(&path(&product, kind), &body)
            .send()
            .await
            .expect(201);
        let elsewhere = format!("{}/{}", path(&other, kind), id(&made));
        api.get(&elsewhere).send().await.problem(404, missing);
        api.delete(&elsewhere).send().await.problem(404, missing);
        let here = format!("{}/{}", path(&product, kind), id(&made));
        api.get(&here).bearer(&reader).send().await.expect(200);
        let refused = api.delete(&here).bearer(&reader).send().await;
        refused.problem(403, "forbidden");
        let refused = api
            .post(&path(&product, kind), &body)
            .bearer(&reader)
            .send()
            .await;
        refused.problem(403, "forbidden");
        let malformed = format!("{}/x", path(&product, kind));
        api.get(&malformed)
            .send()
            .await
            .faults(422, "validation_error");
    }
}

both!(
    a_dependency_lives_from_declaration_to_removal,
    a_policy_is_attached_and_detached,
    closing_a_mitigation_stamps_it_and_reopening_clears_it,
    models_are_linked_as_a_set,
    lists_are_paged_by_offset_and_by_cursor,
    a_repetition_creates_once_and_only_for_the_same_product,
    a_thing_is_reached_through_its_own_product_only,
);
