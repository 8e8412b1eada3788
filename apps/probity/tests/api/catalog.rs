//! Products over HTTP: the reference's own requests, partial changes, archiving, lists with filters and
//! search.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Call, unique};

fn patch(api: &Api, path: &str, body: &Value) -> Call {
    api.call(Method::PATCH, path).json(body)
}

fn models(space: &str) -> String {
    format!("/api/v1.0/catalog/spaces/{space}/model-repository/models")
}

fn ids(page: &Value) -> Vec<&str> {
    let items = page.as_array().unwrap().iter();
    items.map(|one| one["id"].as_str().unwrap()).collect()
}

/// The record that the reference creates.
fn churn() -> Value {
    json!({
        "name": "Churn Prediction Model", "slug": "churn-prediction-model",
        "description": "Predicts account churn risk for customer success workflows.",
        "product_type": "ML Model", "provider": "ml-platform", "environment": "production",
        "risk_classification": "limited", "lifecycle_stage": "monitoring",
        "model_family": "traditional_ml", "model_task_type": "classification",
        "model_architecture": "XGBoost", "framework": "scikit-learn",
        "intended_use": "Prioritize customer success outreach.",
        "limitations": "Not calibrated for accounts with less than 30 days of activity.",
        "deployment_status": "production", "serving_url": "https://models.example.com/churn",
        "input_schema": {"type": "object", "required": ["account_id", "usage_30d"]},
        "output_schema": {"type": "object", "properties": {"churn_probability": {"type": "number"}}}
    })
}

async fn the_references_record_is_created_changed_and_listed(api: Api) {
    let space = api.new_space().await;
    let made = api.post(&models(&space), &churn()).send().await.expect(201);
    let id = made["id"].as_str().unwrap();
    for (field, value) in churn().as_object().unwrap() {
        if made.get(field).is_some() {
            assert_eq!(&made[field], value, "{field}");
        }
    }
    let retired = json!({
        "deployment_status": "retired", "lifecycle_stage": "retirement",
        "limitations": "Retired after the v3 model replaced this workflow."
    });
    let path = format!("/api/v1.0/catalog/products/{id}/model-repository");
    let reply = patch(&api, &path, &retired).send().await;
    assert_eq!(reply.header("etag"), "\"v2\"");
    let changed = reply.expect(200);
    assert_eq!(changed["deployment_status"], "retired");
    assert_eq!(changed["lifecycle_stage"], "retirement");
    assert_eq!(
        changed["model_architecture"], "XGBoost",
        "what is absent stays"
    );
    let list = format!("{}?model_family=traditional_ml&limit=50", models(&space));
    let reply = api.get(&list).send().await;
    for (header, value) in [
        ("x-total-count", "1"),
        ("x-page", "1"),
        ("x-has-more", "false"),
    ] {
        assert_eq!(reply.header(header), value, "{header}");
    }
    assert_eq!(reply.expect(200), json!([changed]));
    let path = format!(
        "/api/v1.0/organizations/{}/model-repository/models?types=ML%20Model&include_archived=false",
        api.organization
    );
    assert_eq!(api.get(&path).send().await.expect(200), json!([changed]));
}

async fn filters_and_search_pick_records(api: Api) {
    let space = api.new_space().await;
    let other = api.new_space().await;
    let make = async |space: &str, body: Value| {
        let made = api.post(&models(space), &body).send().await.expect(201);
        made["id"].as_str().unwrap().to_owned()
    };
    let churn = make(&space, churn()).await;
    let agent = json!({"name": "Träger-Agent", "product_type": "LLM Agent", "model_family": "agent",
        "model_task_type": "agent", "risk_classification": "high", "intended_use": "Answers claims"});
    let agent = make(&space, agent).await;
    let elsewhere = make(&other, json!({"name": "Elsewhere"})).await;
    let all = format!(
        "/api/v1.0/organizations/{}/model-repository/models",
        api.organization
    );
    for (query, wanted) in [
        ("", vec![&elsewhere, &agent, &churn]),
        ("?types=LLM%20Agent", vec![&agent]),
        (
            "?types=LLM%20Agent&types=ML%20Model",
            vec![&elsewhere, &agent, &churn],
        ),
        ("?model_family=agent", vec![&agent]),
        ("?deployment_status=production", vec![&churn]),
        ("?model_task_type=classification", vec![&churn]),
        ("?risk_classification=high", vec![&agent]),
        ("?q=TR%C3%84GER", vec![&agent]),
        ("?q=claims", vec![&agent]),
        ("?q=xgb", vec![&churn]),
        ("?q=o", vec![&churn]),
        ("?q=churn%20customer", vec![&churn]),
        ("?q=churn&risk_classification=high", vec![]),
        ("?limit=1", vec![&elsewhere]),
        ("?limit=1&skip=2", vec![&churn]),
    ] {
        let reply = api.get(&format!("{all}{query}")).send().await;
        let page = reply.expect(200);
        let wanted: Vec<&str> = wanted.into_iter().map(String::as_str).collect();
        assert_eq!(ids(&page), wanted, "{query}");
    }
    let first = api.get(&format!("{all}?limit=2")).send().await;
    assert_eq!(first.header("x-has-more"), "true");
    let cursor = first.header("x-next-cursor").to_owned();
    make(&space, json!({"name": "Later"})).await;
    let rest = api
        .get(&format!("{all}?limit=2&cursor={cursor}"))
        .send()
        .await;
    assert_eq!(rest.header("x-total-count"), "4");
    assert_eq!(ids(&rest.expect(200)), [&churn]);
    for (query, field) in [
        ("limit=1001", "limit"),
        ("types=Robot", "types"),
        ("model_family=x", "model_family"),
        ("deployment_status=x", "deployment_status"),
        ("risk_classification=x", "risk_classification"),
        ("model_task_type=x", "model_task_type"),
        ("include_archived=perhaps", "include_archived"),
        ("cursor=x", "cursor"),
        ("skip=-1", "skip"),
    ] {
        let problem = api.get(&format!("{all}?{query}")).send().await.expect(422);
        assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
    }
}

async fn documentation_is_merged_by_section(api: Api) {
    let space = api.new_space().await;
    let product = api.product_in(&space).await;
    let path = format!("/api/v1.0/catalog/spaces/{space}/products/{product}");
    let whole = json!({"ai_details": {"technical_documentation": {
        "general_description": "Purpose, provider, version history...",
        "system_architecture": "Design choices and components...",
        "data_governance": "Training data origin and preparation...",
        "risk_management": "Risks, mitigations, residual risk...",
        "human_oversight": "Oversight mechanisms and limitations...",
        "performance_testing": "Benchmark and test methodology...",
        "change_log": "## 2026-06-29\nUpdated retraining evidence."
    }}});
    let documented = patch(&api, &path, &whole).send().await.expect(200);
    let sections = |product: &Value| product["ai_details"]["technical_documentation"].clone();
    assert_eq!(
        sections(&documented),
        whole["ai_details"]["technical_documentation"]
    );
    assert!(documented["ai_details"]["documentation_updated_at"].is_string());
    let change = json!({"owner": "risk@example.com", "ai_details": {"technical_documentation": {
        "change_log": null, "risk_management": "Less"
    }}});
    let changed = patch(&api, &path, &change).send().await.expect(200);
    let mut wanted = sections(&documented);
    wanted.as_object_mut().unwrap().remove("change_log");
    wanted["risk_management"] = json!("Less");
    assert_eq!(sections(&changed), wanted);
    assert_eq!(changed["owner"], "risk@example.com");
    assert_eq!(api.get(&path).send().await.expect(200), changed);
    let unknown = json!({"ai_details": {"technical_documentation": {"preface": "x"}}});
    let problem = patch(&api, &path, &unknown).send().await.expect(422);
    let fault = &problem["errors"][0];
    assert_eq!(
        fault["field"],
        "/ai_details/technical_documentation/preface"
    );
    assert!(
        fault["message"]
            .as_str()
            .unwrap()
            .contains("human_oversight")
    );
    let same = patch(&api, &path, &change).send().await;
    assert_eq!(
        same.header("etag"),
        "\"v3\"",
        "what says the same writes nothing"
    );
}

async fn changes_demand_and_name_what_is_wrong(api: Api) {
    let space = api.new_space().await;
    let product = api.product_in(&space).await;
    let path = format!("/api/v1.0/catalog/spaces/{space}/products/{product}");
    for (body, field) in [
        (json!({"name": null}), "/name"),
        (json!({"name": ""}), "/name"),
        (json!({"environment": null}), "/environment"),
        (json!({"product_type": "Robot"}), "/product_type"),
        (
            json!({"risk_classification": "enormous"}),
            "/risk_classification",
        ),
        (json!({"serving_url": "ftp://x"}), "/serving_url"),
        (json!({"next_review_due_at": "soon"}), "/next_review_due_at"),
        (json!({"owner": "x".repeat(201)}), "/owner"),
        (json!({"input_schema": [1]}), "/input_schema"),
    ] {
        let problem = patch(&api, &path, &body).send().await.expect(422);
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
    }
    let rename = json!({"name": "Renamed", "risk_classification": "high", "next_review_due_at": "2027-01-01T00:00:00Z"});
    let stale = patch(&api, &path, &rename)
        .header("If-Match", "\"v9\"")
        .send()
        .await;
    stale.expect(412);
    let done = patch(&api, &path, &rename)
        .header("If-Match", "\"v1\"")
        .send()
        .await
        .expect(200);
    assert_eq!(done["name"], "Renamed");
    assert_eq!(done["next_review_due_at"], "2027-01-01T00:00:00Z");
    let cleared = json!({"risk_classification": null, "next_review_due_at": null});
    let cleared = patch(&api, &path, &cleared).send().await.expect(200);
    assert_eq!(cleared["risk_classification"], Value::Null);
    assert_eq!(cleared["next_review_due_at"], Value::Null);
    let twin = api.product_in(&space).await;
    let twin = format!("/api/v1.0/catalog/spaces/{space}/products/{twin}");
    let slug = json!({"slug": done["slug"]});
    let problem = patch(&api, &twin, &slug).send().await.expect(409);
    assert_eq!(problem["code"], "slug_taken");
    // Another space of the same organisation does not hold it.
    let other = api.new_space().await;
    let misplaced = format!("/api/v1.0/catalog/spaces/{other}/products/{product}");
    api.get(&misplaced).send().await.expect(404);
    patch(&api, &misplaced, &rename).send().await.expect(404);
    api.delete(&misplaced).send().await.expect(404);
}

async fn an_archived_product_is_kept_as_it_was(api: Api) {
    let space = api.new_space().await;
    let made = json!({"name": unique("Whole"), "owner": "team", "no_data_dependencies": true,
        "monitoring_plan": "Nightly", "ai_details": {"technical_documentation": {"change_log": "## 1"}}});
    let list = format!("/api/v1.0/catalog/spaces/{space}/products");
    let reply = api.post(&list, &made).send().await;
    let location = reply.header("location").to_owned();
    let made = reply.expect(201);
    assert_eq!(made["owner"], "team");
    assert_eq!(made["no_data_dependencies"], true);
    assert_eq!(
        made["ai_details"]["documentation_updated_at"],
        made["created_at"]
    );
    assert_eq!(api.get(&list).send().await.expect(200), json!([made]));
    let id = made["id"].as_str().unwrap();
    let summary = format!("/api/v1.0/catalog/products/{id}/ai-governance-summary");
    api.get(&summary).send().await.expect(200);
    api.delete(&location).send().await.expect(204);
    api.delete(&location).send().await.expect(204);
    let kept = api.get(&location).send().await.expect(200);
    assert!(kept["archived_at"].is_string());
    assert_eq!(kept["owner"], "team");
    let problem = patch(&api, &location, &json!({"name": "x"}))
        .send()
        .await
        .expect(409);
    assert_eq!(problem["code"], "product_archived");
    for (kind, body) in [
        (
            "training-runs",
            json!({"run_name": "r", "run_type": "training"}),
        ),
        (
            "safety-metrics",
            json!({"category": "drift", "metric_name": "m"}),
        ),
        ("data-dependencies", json!({"name": "d"})),
        ("policies", json!({"policy_key": "p", "title": "t"})),
        ("risk-mitigations", json!({"title": "t", "severity": "low"})),
    ] {
        let path = format!("/api/v1.0/catalog/products/{id}/{kind}");
        api.post(&path, &body).send().await.expect(409);
    }
    assert_eq!(api.get(&list).send().await.expect(200), json!([]));
    assert_eq!(api.get(&models(&space)).send().await.expect(200), json!([]));
    let all = format!("{}?include_archived=true", models(&space));
    assert_eq!(ids(&api.get(&all).send().await.expect(200)), [id]);
}

async fn of_rival_changes_each_is_kept(api: Api) {
    let space = api.new_space().await;
    let product = api.product_in(&space).await;
    let path = format!("/api/v1.0/catalog/spaces/{space}/products/{product}");
    let sections = ["general_description", "risk_management", "change_log"];
    let changes = sections.map(|section| {
        let body = json!({"ai_details": {"technical_documentation": {section: section}}});
        let call = patch(&api, &path, &body);
        async move { call.send().await.expect(200) }
    });
    futures_util::future::join_all(changes).await;
    let product = api.get(&path).send().await.expect(200);
    let written = product["ai_details"]["technical_documentation"]
        .as_object()
        .unwrap();
    assert_eq!(
        written.len(),
        sections.len(),
        "no section was lost: {product}"
    );
}

/// PostgreSQL has no text with U+0000: it must not be a matter of the database.
async fn a_nul_is_refused_in_documents_of_free_form(api: Api) {
    let space = api.new_space().await;
    let id = api.product_in(&space).await;
    let products = format!("/api/v1.0/catalog/spaces/{space}/products");
    let one = format!("{products}/{id}");
    for (document, place) in [
        (
            json!({"ai_details": {"model_card": {"license": "a\u{0}b"}}}),
            "/ai_details/model_card/license",
        ),
        (
            json!({"ai_details": {"model_card": {"own": [{"x\u{0}": 1}]}}}),
            "/ai_details/model_card/own/0/x\u{0}",
        ),
        (json!({"input_schema": {"a": "\u{0}"}}), "/input_schema/a"),
        (
            json!({"output_schema": {"enum": ["a", "\u{0}"]}}),
            "/output_schema/enum/1",
        ),
    ] {
        let mut named = document.clone();
        named["name"] = json!("A");
        let calls = [
            patch(&api, &one, &document),
            api.post(&products, &named),
            api.post(&models(&space), &named),
        ];
        let takes_cards = document.get("ai_details").is_none();
        for call in calls.into_iter().take(if takes_cards { 3 } else { 2 }) {
            let refused = call.send().await.problem(422, "validation_error");
            let fault = &refused["errors"][0];
            assert_eq!(fault["field"], place, "{refused}");
            assert_eq!(fault["code"], "control_character", "{refused}");
        }
    }
}

both!(
    a_nul_is_refused_in_documents_of_free_form,
    the_references_record_is_created_changed_and_listed,
    filters_and_search_pick_records,
    documentation_is_merged_by_section,
    changes_demand_and_name_what_is_wrong,
    an_archived_product_is_kept_as_it_was,
    of_rival_changes_each_is_kept,
);
