//! Training runs, safety metrics, runtime events and change logs as their reference prints them.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::harness::{Api, Place, Reply, TestApp, UNLIMITED, merge, now, unique};

/// An instant some hours ago, as a caller writes it.
fn ago(hours: i64) -> String {
    // One start for all: what is sent and what is compared must name the same second.
    static START: LazyLock<OffsetDateTime> = LazyLock::new(now);
    let at = *START - Duration::hours(hours);
    at.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap()
}

fn path(product: &str, rest: &str) -> String {
    format!("/api/v1.0/catalog/products/{product}/{rest}")
}

fn printed_run() -> Value {
    json!({
        "run_name": "June retraining",
        "run_type": "training",
        "status": "completed",
        "dataset_name": "claims_features",
        "dataset_version": "2026.06",
        "dataset_uri": "s3://evidence.example.com/claims/2026-06",
        "training_samples": 120_000,
        "validation_samples": 20_000,
        "test_samples": 20_000,
        "random_seed": 42,
        "hyperparameters": {"learning_rate": 0.01},
        "metrics": {"auc": 0.94},
        "model_artifact_uri": "model://claims-triage/2026-06",
        "framework_version": "xgboost 2.0",
        "environment": "prod-training",
        "duration_seconds": 4200,
        "notes": "Retrained with updated claims data.",
        "is_deployed": true,
        "started_at": ago(26),
        "completed_at": ago(25)
    })
}

fn printed_metric() -> Value {
    json!({
        "category": "fairness",
        "metric_name": "False positive rate parity",
        "metric_value": 0.03,
        "unit": "ratio",
        "threshold_warning": 0.05,
        "threshold_critical": 0.1,
        "status": "healthy",
        "test_dataset": "claims_fairness_eval",
        "test_dataset_version": "2026.06",
        "methodology": "Compared false positive rate by age band and region.",
        "measured_at": ago(24),
        "demographic_group": "all groups",
        "external_url": "https://example.com/reports/claims-fairness",
        "notes": "Reviewed by model risk."
    })
}

fn printed_event() -> Value {
    json!({
        "event_type": "guardrail_trigger",
        "severity": "medium",
        "status": "open",
        "summary": "Prompt-injection guardrail blocked a request.",
        "source": "runtime-guardrails",
        "external_ref": "run_123",
        "event_metadata": {"policy": "prompt_injection"},
        "occurred_at": ago(1)
    })
}

fn assert_printed(record: &Value, printed: &Value, product: &str) {
    for (name, value) in printed.as_object().unwrap() {
        assert_eq!(&record[name], value, "{name}");
    }
    uuid::Uuid::parse_str(record["id"].as_str().unwrap()).unwrap();
    assert_eq!(record["product_id"], product);
}

fn with(mut body: Value, more: &Value) -> Value {
    merge(&mut body, more);
    body
}

fn heads(reply: &Reply) -> [String; 3] {
    ["x-total-count", "x-page", "x-has-more"].map(|name| reply.header(name).to_owned())
}

async fn a_run_as_printed(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "training-runs");
    let made = api.post(&list, &printed_run()).send().await;
    let run = made.expect(201);
    assert_printed(&run, &printed_run(), &product);
    assert_eq!(made.header("etag"), "\"v1\"");
    assert!(run["deployed_at"].is_string() && run["deployed_by"].is_string());
    assert_eq!(run["effective_at"], run["completed_at"]);
    let one = path(
        &product,
        &format!("training-runs/{}", run["id"].as_str().unwrap()),
    );
    assert_eq!(made.header("location"), one);
    let read = api.get(&one).send().await;
    assert_eq!(read.expect(200), run);
    assert_eq!(read.header("etag"), "\"v1\"");

    let patch = json!({"notes": null, "status": "failed", "unheard_of": 1});
    let call = api.call(reqwest::Method::PATCH, &one).json(&patch);
    let changed = call.clone().header("if-match", "\"v1\"").send().await;
    assert_eq!(changed.header("etag"), "\"v2\"");
    let changed = changed.expect(200);
    assert_eq!(
        (&changed["notes"], &changed["status"]),
        (&Value::Null, &json!("failed"))
    );
    assert_eq!(changed["dataset_name"], "claims_features");
    assert!(changed.get("unheard_of").is_none());
    let outdated = call.header("if-match", "\"v1\"").send().await;
    outdated.problem(412, "precondition_failed");
    let outdated = api.delete(&one).header("if-match", "\"v1\"").send().await;
    outdated.problem(412, "precondition_failed");
    api.delete(&one)
        .header("if-match", "\"v2\"")
        .send()
        .await
        .expect(204);
    api.get(&one)
        .send()
        .await
        .problem(404, "training_run_not_found");
    api.delete(&one)
        .send()
        .await
        .problem(404, "training_run_not_found");
}

async fn runs_are_listed_newest_start_first_with_headers(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "training-runs");
    let empty = api.get(&list).send().await;
    assert_eq!(
        (empty.expect(200), heads(&empty)),
        (json!([]), ["0", "1", "false"].map(str::to_owned))
    );
    for (name, started) in [
        ("b", json!(ago(2))),
        ("c", Value::Null),
        ("a", json!(ago(1))),
    ] {
        let body = json!({"run_name": name, "run_type": "evaluation", "started_at": started});
        api.post(&list, &body).send().await.expect(201);
    }
    let names = |reply: &Reply| {
        let items = reply.expect(200);
        let names = items.as_array().unwrap().iter();
        names
            .map(|run| run["run_name"].as_str().unwrap().to_owned())
            .collect::<String>()
    };
    for (query, expected, told) in [
        ("", "abc", ["3", "1", "false"]),
        ("?skip=0&limit=2", "ab", ["3", "1", "true"]),
        ("?skip=2&limit=2", "c", ["3", "2", "false"]),
        ("?skip=9&limit=2", "", ["3", "5", "false"]),
    ] {
        let reply = api.get(&format!("{list}{query}")).send().await;
        assert_eq!(
            (names(&reply).as_str(), heads(&reply)),
            (expected, told.map(str::to_owned)),
            "{query}"
        );
    }
    let first = api.get(&format!("{list}?limit=2")).send().await;
    let next = first.header("x-next-cursor").to_owned();
    let rest = api
        .get(&format!("{list}?limit=2&cursor={next}"))
        .send()
        .await;
    assert_eq!(
        (names(&rest).as_str(), rest.header("x-has-more")),
        ("c", "false")
    );
    for (query, field) in [
        ("limit=201", "limit"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("skip=-1", "skip"),
        ("cursor=x", "cursor"),
        ("skip=1&cursor=x", "cursor"),
    ] {
        let reply = api.get(&format!("{list}?{query}")).send().await;
        assert!(
            reply
                .faults(422, "validation_error")
                .contains(&field.to_owned()),
            "{query}"
        );
    }
}

async fn a_deployment_takes_the_flag_from_the_others(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "training-runs");
    let first = api.post(&list, &printed_run()).send().await.expect(201);
    let second = with(
        printed_run(),
        &json!({"run_name": "July", "is_deployed": false}),
    );
    let second = api.post(&list, &second).send().await.expect(201);
    assert_eq!(second["deployed_at"], Value::Null);
    let one = |run: &Value| {
        path(
            &product,
            &format!("training-runs/{}", run["id"].as_str().unwrap()),
        )
    };
    let call = api
        .call(reqwest::Method::PATCH, &one(&second))
        .json(&json!({"is_deployed": true}));
    let deployed = call.send().await.expect(200);
    assert!(
        deployed["deployed_by"]
            .as_str()
            .unwrap()
            .starts_with("api_key:")
    );
    let left = api.get(&one(&first)).send().await;
    assert_eq!(left.header("etag"), "\"v2\"", "its version moves");
    let left = left.expect(200);
    assert_eq!(
        (&left["is_deployed"], &left["deployed_at"]),
        (&json!(false), &first["deployed_at"])
    );
}

async fn of_200_deployments_at_once_one_stays(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "training-runs");
    let body = json!({"run_name": "rival", "run_type": "deployment", "is_deployed": true});
    let calls = (0..200).map(|_| api.post(&list, &body).send());
    for reply in join_all(calls).await {
        reply.expect(201);
    }
    let runs = api.get(&format!("{list}?limit=200")).send().await;
    assert_eq!(runs.header("x-total-count"), "200");
    let runs = runs.expect(200);
    let deployed = runs
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| run["is_deployed"] == true);
    assert_eq!(deployed.count(), 1);
}

async fn a_metric_as_printed(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "safety-metrics");
    let made = api.post(&list, &printed_metric()).send().await;
    let metric = made.expect(201);
    assert_printed(&metric, &printed_metric(), &product);
    assert_eq!(
        (&metric["status_source"], &metric["attested_at"]),
        (&json!("given"), &Value::Null)
    );
    let one = path(
        &product,
        &format!("safety-metrics/{}", metric["id"].as_str().unwrap()),
    );
    assert_eq!(made.header("location"), one);
    assert_eq!(api.get(&one).send().await.expect(200), metric);

    let attested = api
        .call(reqwest::Method::POST, &format!("{one}/attest"))
        .send()
        .await;
    assert_eq!(attested.header("etag"), "\"v2\"");
    let attested = attested.expect(200);
    assert!(attested["attested_at"].is_string());
    assert!(
        attested["attested_by"]
            .as_str()
            .unwrap()
            .starts_with("api_key:")
    );

    let patch = |body: Value| api.call(reqwest::Method::PATCH, &one).json(&body).send();
    let kept = patch(json!({"notes": "n", "unit": null, "metric_value": null}))
        .await
        .expect(200);
    assert_eq!(
        (&kept["unit"], &kept["metric_value"]),
        (&json!("ratio"), &json!(0.03)),
        "null is unchanged"
    );
    assert_eq!(kept["attested_at"], attested["attested_at"]);
    let moved = patch(json!({"metric_value": 0.5})).await.expect(200);
    assert_eq!(
        (&moved["attested_at"], &moved["attested_by"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(moved["status"], "healthy", "what was given stays");
    let call = api.delete(&one).header("if-match", "\"v2\"").send().await;
    call.problem(412, "precondition_failed");
    api.delete(&one).send().await.expect(204);
    api.get(&one)
        .send()
        .await
        .problem(404, "safety_metric_not_found");
    let gone = api
        .call(reqwest::Method::POST, &format!("{one}/attest"))
        .send()
        .await;
    gone.problem(404, "safety_metric_not_found");
}

async fn metrics_are_listed_by_category_name_and_newest_measurement(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "safety-metrics");
    for (category, name, hours) in [
        ("fairness", "b", 2),
        ("drift", "a", 1),
        ("fairness", "a", 3),
        ("fairness", "b", 1),
    ] {
        let body = json!({"category": category, "metric_name": name, "metric_value": hours,
            "measured_at": ago(hours), "threshold_warning": 1.5, "threshold_critical": 2.5});
        let made = api.post(&list, &body).send().await.expect(201);
        let derived = ["healthy", "warning", "critical"][usize::try_from(hours).unwrap() - 1];
        assert_eq!(
            (&made["status"], &made["status_source"]),
            (&json!(derived), &json!("derived"))
        );
    }
    let told = |reply: &Reply| {
        let items = reply.expect(200);
        let items = items.as_array().unwrap().iter();
        let told = |one: &Value| {
            format!(
                "{}/{}/{}",
                one["category"].as_str().unwrap(),
                one["metric_name"].as_str().unwrap(),
                one["metric_value"]
            )
        };
        items.map(told).collect::<Vec<_>>()
    };
    let all = ["drift/a/1", "fairness/a/3", "fairness/b/1", "fairness/b/2"];
    assert_eq!(told(&api.get(&list).send().await), all);
    let fair = api
        .get(&format!("{list}?category=fairness&skip=0&limit=50"))
        .send()
        .await;
    assert_eq!(
        (told(&fair).as_slice(), heads(&fair)),
        (
            &all.map(str::to_owned)[1..],
            ["3", "1", "false"].map(str::to_owned)
        )
    );
    let first = api.get(&format!("{list}?limit=3")).send().await;
    let next = first.header("x-next-cursor").to_owned();
    assert_eq!(
        told(&api.get(&format!("{list}?cursor={next}")).send().await),
        all[3..]
    );
    let wrong = api.get(&format!("{list}?category=safety")).send().await;
    assert_eq!(wrong.faults(422, "validation_error"), ["category"]);
}

async fn a_runtime_event_as_printed(api: Api) {
    let product = api.new_product().await;
    let list = path(&product, "ai-runtime-governance-events");
    let made = api.post(&list, &printed_event()).send().await.expect(201);
    assert_printed(&made, &printed_event(), &product);
    let bare = json!({"event_type": "blocked_action", "severity": "high", "summary": "Blocked."});
    let before = now();
    let second = api.post(&list, &bare).send().await.expect(201);
    let at = OffsetDateTime::parse(second["occurred_at"].as_str().unwrap(), &Rfc3339).unwrap();
    assert!(at >= before - Duration::seconds(5) && at <= now() + Duration::seconds(5));
    assert_eq!(second["status"], "open");
    let listed = api.get(&format!("{list}?limit=20&offset=0")).send().await;
    assert_eq!(
        (listed.expect(200), heads(&listed)),
        (
            json!([second, made]),
            ["2", "1", "false"].map(str::to_owned)
        )
    );
    let page = api.get(&format!("{list}?limit=1&offset=1")).send().await;
    assert_eq!(
        (page.expect(200), heads(&page)),
        (json!([made]), ["2", "2", "false"].map(str::to_owned))
    );
    for query in ["limit=101", "limit=0", "offset=-1"] {
        let reply = api.get(&format!("{list}?{query}")).send().await;
        reply.faults(422, "validation_error");
    }
    let events = api
        .get("/api/v1/governance-events?event_type=runtime_governance.recorded")
        .send()
        .await;
    let events = events.expect(200);
    assert_eq!(events["events"].as_array().unwrap().len(), 2, "{events}");
}

async fn prompt_collections_take_no_runtime_events(api: Api) {
    let space = api.new_space().await;
    let models = format!("/api/v1.0/catalog/spaces/{space}/model-repository/models");
    let body = json!({"name": unique("Prompts"), "product_type": "Prompt Collection"});
    let product = api.post(&models, &body).send().await.expect(201);
    let list = path(
        product["id"].as_str().unwrap(),
        "ai-runtime-governance-events",
    );
    api.get(&list)
        .send()
        .await
        .problem(400, "unsupported_product_type");
    let post = api.post(&list, &printed_event()).send().await;
    post.problem(400, "unsupported_product_type");
}

async fn faults_name_their_fields(api: Api) {
    let product = api.new_product().await;
    let ahead = now() + Duration::minutes(7);
    let ahead = ahead.format(&Rfc3339).unwrap();
    let big = json!({"text": "x".repeat(64 << 10)});
    for (rest, printed, changes, field) in [
        (
            "training-runs",
            printed_run(),
            json!({"run_name": null}),
            "/run_name",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"run_type": "Training"}),
            "/run_type",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"status": 7}),
            "/status",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"training_samples": -1}),
            "/training_samples",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"training_samples": 1.5}),
            "/training_samples",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"duration_seconds": -0.5}),
            "/duration_seconds",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"hyperparameters": []}),
            "/hyperparameters",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"metrics": big}),
            "/metrics",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"hyperparameters": {"a": ["\u{0}"]}}),
            "/hyperparameters/a/0",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"completed_at": ago(27)}),
            "/completed_at",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"completed_at": ahead}),
            "/completed_at",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"started_at": "yesterday"}),
            "/started_at",
        ),
        (
            "training-runs",
            printed_run(),
            json!({"environment": "a\u{0}b"}),
            "/environment",
        ),
        (
            "safety-metrics",
            printed_metric(),
            json!({"category": "speed"}),
            "/category",
        ),
        (
            "safety-metrics",
            printed_metric(),
            json!({"metric_name": ""}),
            "/metric_name",
        ),
        (
            "safety-metrics",
            printed_metric(),
            json!({"metric_value": "0.1"}),
            "/metric_value",
        ),
        (
            "safety-metrics",
            printed_metric(),
            json!({"measured_at": ahead}),
            "/measured_at",
        ),
        (
            "safety-metrics",
            printed_metric(),
            json!({"external_url": "javascript:alert(1)"}),
            "/external_url",
        ),
        (
            "ai-runtime-governance-events",
            printed_event(),
            json!({"event_type": "outage"}),
            "/event_type",
        ),
        (
            "ai-runtime-governance-events",
            printed_event(),
            json!({"severity": null}),
            "/severity",
        ),
        (
            "ai-runtime-governance-events",
            printed_event(),
            json!({"status": "closed"}),
            "/status",
        ),
        (
            "ai-runtime-governance-events",
            printed_event(),
            json!({"occurred_at": ahead}),
            "/occurred_at",
        ),
        (
            "generate-change-log",
            json!({}),
            json!({"existing_change_log": 1}),
            "/existing_change_log",
        ),
    ] {
        let body = with(printed, &changes);
        let reply = api.post(&path(&product, rest), &body).send().await;
        assert_eq!(
            reply.faults(422, "validation_error"),
            [field],
            "{rest} {changes}"
        );
    }
    for rest in [
        "training-runs",
        "safety-metrics",
        "ai-runtime-governance-events",
    ] {
        let reply = api.post(&path(&product, rest), &json!([])).send().await;
        reply.faults(422, "validation_error");
        let listed = api.get(&path(&product, rest)).send().await;
        assert_eq!(listed.expect(200), json!([]), "nothing half-written");
    }
    let reply = api
        .get(&path(&product, "training-runs/nonsense"))
        .send()
        .await;
    assert_eq!(reply.faults(422, "validation_error"), ["run_id"]);
}

async fn a_key_is_spent_once_on_each_product(api: Api) {
    let (product, other) = (api.new_product().await, api.new_product().await);
    for (rest, body) in [
        ("training-runs", printed_run()),
        ("safety-metrics", printed_metric()),
        ("ai-runtime-governance-events", printed_event()),
    ] {
        let key = unique("once");
        let send = |product: &str, body: &Value| {
            let call = api.post(&path(product, rest), body);
            call.header("idempotency-key", &key).send()
        };
        let first = send(&product, &body).await.expect(201);
        assert_eq!(send(&product, &body).await.expect(201), first);
        let another = with(
            body.clone(),
            &json!({"notes": "another", "summary": "another"}),
        );
        send(&product, &another)
            .await
            .problem(422, "idempotency_key_reused");
        // On another product it is another key: nothing of the first one's answer comes back.
        let elsewhere = send(&other, &body).await.expect(201);
        assert_ne!(elsewhere["id"], first["id"]);
        for product in [&product, &other] {
            let listed = api.get(&path(product, rest)).send().await;
            assert_eq!(listed.header("x-total-count"), "1");
        }
    }
}

async fn readers_write_nothing_and_products_do_not_mix(api: Api) {
    let (product, other) = (api.new_product().await, api.new_product().await);
    let reader = api.new_key("read");
    let run = api
        .post(&path(&product, "training-runs"), &printed_run())
        .send()
        .await
        .expect(201);
    let metric = api
        .post(&path(&product, "safety-metrics"), &printed_metric())
        .send()
        .await
        .expect(201);
    let run = format!("training-runs/{}", run["id"].as_str().unwrap());
    let metric = format!("safety-metrics/{}", metric["id"].as_str().unwrap());
    for rest in [&run, &metric] {
        let read = api.get(&path(&product, rest)).bearer(&reader).send().await;
        read.expect(200);
        let refused = api
            .delete(&path(&product, rest))
            .bearer(&reader)
            .send()
            .await;
        assert_eq!(refused.status, 403);
        assert_eq!(api.get(&path(&other, rest)).send().await.status, 404);
        assert_eq!(api.delete(&path(&other, rest)).send().await.status, 404);
    }
    for rest in [
        "training-runs",
        "safety-metrics",
        "ai-runtime-governance-events",
        "generate-change-log",
    ] {
        let refused = api
            .post(&path(&product, rest), &json!({}))
            .bearer(&reader)
            .send()
            .await;
        assert_eq!(refused.status, 403, "{rest}");
        let nobody = api
            .post(&path(&product, rest), &json!({}))
            .anonymous()
            .send()
            .await;
        assert_eq!(nobody.status, 401, "{rest}");
        let unknown = path("01890a5d-ac96-774b-bcce-b302099a8057", rest);
        api.post(&unknown, &json!([]))
            .send()
            .await
            .problem(404, "product_not_found");
    }
}

async fn without_a_provider_there_is_no_draft(api: Api) {
    let product = api.new_product().await;
    let body = json!({"existing_change_log": "## 2026-05-01\nInitial model registration."});
    let reply = api
        .post(&path(&product, "generate-change-log"), &body)
        .send()
        .await;
    let problem = reply.problem(502, "provider_not_configured");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("change-log-provider"),
        "{problem}"
    );
}

async fn the_template_drafts_from_what_was_recorded(place: Arc<Place>) {
    let flags = [&UNLIMITED[..], &["--change-log-provider", "template"]].concat();
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &flags)));
    let product = api.new_product().await;
    let generate = path(&product, "generate-change-log");
    let today = now().date();
    let existing = json!({"existing_change_log": "## 2026-05-01\nInitial model registration."});
    let draft = api.post(&generate, &existing).send().await.expect(200);
    let entry = format!("## {today}\n- No change in the recorded evidence since 2026-05-01.");
    assert_eq!(draft, json!({"change_log_entry": entry}));
    api.post(&path(&product, "training-runs"), &printed_run())
        .send()
        .await
        .expect(201);
    api.post(&path(&product, "safety-metrics"), &printed_metric())
        .send()
        .await
        .expect(201);
    api.post(
        &path(&product, "ai-runtime-governance-events"),
        &printed_event(),
    )
    .send()
    .await
    .expect(201);
    let draft = api.post(&generate, &existing).send().await.expect(200);
    let entry = draft["change_log_entry"].as_str().unwrap();
    for told in [
        "June retraining",
        "False positive rate parity",
        "guardrail_trigger: 1",
    ] {
        assert!(entry.contains(told), "{entry}");
    }
    assert_eq!(
        api.post(&generate, &existing).send().await.expect(200),
        draft,
        "the same evidence, the same text"
    );
    let empty = api
        .call(reqwest::Method::POST, &generate)
        .send()
        .await
        .expect(200);
    assert_eq!(empty, draft, "no body is no log");
}

async fn a_provider_that_fails_is_told_as_502(place: Arc<Place>) {
    let server = wiremock::MockServer::start().await;
    let broken = wiremock::ResponseTemplate::new(500).set_body_string("sk-secret");
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(broken)
        .mount(&server)
        .await;
    let settings = [
        "--change-log-provider",
        "openai",
        "--change-log-base-url",
        &server.uri(),
        "--change-log-api-key",
        "sk-secret",
        "--change-log-model",
        "a-model",
    ];
    let flags = [&UNLIMITED[..], &settings].concat();
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &flags)));
    let product = api.new_product().await;
    let reply = api
        .post(&path(&product, "generate-change-log"), &json!({}))
        .send()
        .await;
    let problem = reply.problem(502, "provider_failed");
    assert!(!problem.to_string().contains("sk-secret"), "{problem}");
    assert!(!api.app.log().contains("sk-secret"), "no secret in the log");
    server.reset().await;
    let good = json!({"choices": [{"message": {"content": "## 2026-06-29\n- Updated."}}]});
    let good = wiremock::ResponseTemplate::new(200).set_body_json(good);
    wiremock::Mock::given(wiremock::matchers::path("/chat/completions"))
        .respond_with(good)
        .mount(&server)
        .await;
    let reply = api
        .post(&path(&product, "generate-change-log"), &json!({}))
        .send()
        .await;
    assert_eq!(
        reply.expect(200),
        json!({"change_log_entry": "## 2026-06-29\n- Updated."})
    );
}

#[test]
fn a_provider_without_what_it_needs_stops_the_start() {
    for (flags, name) in [
        (&["--change-log-provider", "gpt"][..], "change-log-provider"),
        (&["--change-log-provider", "openai"], "change-log-model"),
        (
            &[
                "--change-log-provider",
                "anthropic",
                "--change-log-model",
                "m",
            ],
            "change-log-api-key",
        ),
        (&["--change-log-base-url", "ftp://x"], "change-log-base-url"),
        (&["--change-log-timeout", "0"], "change-log-timeout"),
    ] {
        let mut command = crate::harness::bare_command(&["serve", "--print-config"]);
        let output = command.args(flags).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(name),
            "{flags:?}: {said}"
        );
    }
    let mut command = crate::harness::bare_command(&["serve", "--print-config"]);
    command.args(["--change-log-api-key", "sk-secret"]);
    let printed = command.output().unwrap();
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(
        printed.contains("change-log-api-key") && !printed.contains("sk-secret"),
        "{printed}"
    );
}

both!(
    a_run_as_printed,
    runs_are_listed_newest_start_first_with_headers,
    a_deployment_takes_the_flag_from_the_others,
    of_200_deployments_at_once_one_stays,
    a_metric_as_printed,
    metrics_are_listed_by_category_name_and_newest_measurement,
    a_runtime_event_as_printed,
    prompt_collections_take_no_runtime_events,
    faults_name_their_fields,
    a_key_is_spent_once_on_each_product,
    readers_write_nothing_and_products_do_not_mix,
    without_a_provider_there_is_no_draft,
);
both_alone!(
    the_template_drafts_from_what_was_recorded,
    a_provider_that_fails_is_told_as_502,
);
