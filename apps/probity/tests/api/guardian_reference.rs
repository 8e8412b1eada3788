//! Guardian metrics as their reference prints them, request by request.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Api;

async fn the_printed_snapshot_is_green(api: Api) {
    let product = api.new_product().await;
    let body = json!({
        "modelId": product, "driftScore": 15.2, "fairnessScore": 92.1, "sampleSize": 5000,
        "capturedAt": "2025-01-15T10:30:00Z", "notes": "Weekly scheduled run"
    });
    let writer = api.new_key("write");
    let answer = api
        .post("/api/v1/metrics", &body)
        .bearer(&writer)
        .send()
        .await
        .expect(200);
    assert_eq!(answer["success"], true);
    assert_eq!(answer["complianceStatus"], "GREEN");
    let id = answer["snapshotId"].as_str().unwrap();
    assert!(id.starts_with("snap_"), "{id}");
    assert_eq!(answer.as_object().unwrap().len(), 3);
    let history = api
        .get(&format!("/api/v1/metrics/history?modelId={product}"))
        .send()
        .await
        .expect(200);
    let stored = &history["snapshots"][0];
    assert_eq!(stored["snapshotId"], id);
    for name in [
        "driftScore",
        "fairnessScore",
        "sampleSize",
        "capturedAt",
        "notes",
    ] {
        assert_eq!(stored[name], body[name], "{name}");
    }
    assert_eq!(
        (
            &stored["psi"],
            &stored["disparateImpact"],
            &stored["recipe"]
        ),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

async fn the_printed_batch_is_judged_one_by_one(api: Api) {
    let product = api.new_product().await;
    let body = json!({"snapshots": [
        {"modelId": product, "driftScore": 12, "fairnessScore": 95, "sampleSize": 3000},
        {"modelId": product, "driftScore": 55, "fairnessScore": 88, "sampleSize": 2500}
    ]});
    let answer = api
        .post("/api/v1/metrics/batch", &body)
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&answer["success"], &answer["count"]),
        (&json!(true), &json!(2))
    );
    let statuses: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["complianceStatus"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["GREEN", "AMBER"]);
}

async fn the_printed_thresholds_are_the_defaults(api: Api) {
    let product = api.new_product().await;
    let reply = api
        .get(&format!("/api/v1/thresholds?modelId={product}"))
        .send()
        .await;
    let expected = json!({
        "modelId": product,
        "source": "global_defaults",
        "thresholds": {
            "drift": {"amber": 50.0, "red": 70.0},
            "fairness": {"amber": 90.0, "red": 80.0},
            "psi": {"amber": 0.10, "red": 0.20},
            "disparateImpact": {"amber": 0.80, "red": 0.60}
        }
    });
    assert_eq!(reply.expect(200), expected);
}

/// The answer to the printed request, byte by byte, for all time.
const SIMULATED: &str = include_str!("simulated.json");

async fn the_simulator_needs_no_key_and_repeats_itself(api: Api) {
    let printed = "/api/v1/metrics?modelId=test-model&seed=42";
    let reply = api.get(printed).anonymous().send().await;
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, SIMULATED.trim_end())
    );
    let ask = async |query: &str| {
        let path = format!("/api/v1/metrics{query}");
        api.get(&path).anonymous().send().await.expect(200)
    };
    assert_eq!(ask("?modelId=test-model&seed=42").await, reply.json());
    assert_ne!(
        ask("?modelId=test-model&seed=43").await["history"],
        reply.json()["history"]
    );
    assert_ne!(
        ask("?modelId=other&seed=42").await["history"],
        reply.json()["history"]
    );
    assert_eq!(ask("").await["modelId"], "test-model");
    let wrong = api
        .get("/api/v1/metrics?seed=42")
        .bearer("nonsense")
        .send()
        .await;
    assert_eq!(wrong.status, 200, "no credential is looked at");
    for (query, field) in [
        (format!("seed={}", "x".repeat(65)), "seed"),
        (format!("modelId={}", "x".repeat(257)), "modelId"),
        ("seed=%00".to_owned(), "seed"),
    ] {
        let reply = api
            .get(&format!("/api/v1/metrics?{query}"))
            .anonymous()
            .send()
            .await;
        assert_eq!(reply.faults(400, "invalid_payload"), [field]);
    }
}

async fn the_printed_error_codes_are_what_errors_have(api: Api) {
    let product = api.new_product().await;
    let good = json!({"modelId": product, "driftScore": 1, "fairnessScore": 99, "sampleSize": 1});
    for path in ["/api/v1/metrics", "/api/v1/metrics/batch"] {
        for body in ["", "{", "[]", "null", "\"x\"", "{\"modelId\"", "{}x"] {
            let call = api.call(Method::POST, path).raw("application/json", body);
            let problem = call.send().await.problem(400, "invalid_payload");
            assert_eq!(problem["success"], false, "{body}");
        }
        let call = api.post(path, &good);
        let missing = call
            .clone()
            .anonymous()
            .send()
            .await
            .problem(401, "unauthorized");
        assert_eq!(missing["success"], false);
        call.clone()
            .header("authorization", "Bearer ")
            .send()
            .await
            .problem(401, "unauthorized");
        call.clone()
            .bearer("grd_a1b2c3d4e5f6")
            .send()
            .await
            .problem(401, "unauthorized");
        let reader = api.new_key("read");
        call.bearer(&reader).send().await.problem(403, "forbidden");
    }
    let mut unknown = good.clone();
    unknown["modelId"] = json!("7c9e6679-7425-40de-944b-e07fc1f90ae7");
    let reply = api.post("/api/v1/metrics", &unknown).send().await;
    assert_eq!(reply.problem(404, "model_not_found")["success"], false);
    let reply = api
        .post(
            "/api/v1/metrics/batch",
            &json!({"snapshots": [good, unknown]}),
        )
        .send()
        .await;
    assert_eq!(
        reply.faults(404, "model_not_found"),
        ["/snapshots/1/modelId"]
    );
    let reply = api
        .get("/api/v1/thresholds?modelId=7c9e6679-7425-40de-944b-e07fc1f90ae7")
        .send()
        .await;
    reply.problem(404, "model_not_found");
}

async fn each_required_field_is_required(api: Api) {
    let product = api.new_product().await;
    let good = json!({"modelId": product, "driftScore": 1, "fairnessScore": 99, "sampleSize": 1});
    for name in ["modelId", "driftScore", "fairnessScore", "sampleSize"] {
        for null in [false, true] {
            let mut body = good.clone();
            if null {
                body[name] = Value::Null;
            } else {
                body.as_object_mut().unwrap().remove(name);
            }
            let reply = api.post("/api/v1/metrics", &body).send().await;
            assert_eq!(reply.faults(400, "invalid_payload"), [format!("/{name}")]);
            let batch = json!({"snapshots": [good, body]});
            let reply = api.post("/api/v1/metrics/batch", &batch).send().await;
            assert_eq!(
                reply.faults(400, "invalid_payload"),
                [format!("/snapshots/1/{name}")]
            );
        }
    }
    api.post("/api/v1/metrics", &good).send().await.expect(200);
}

both!(
    the_printed_snapshot_is_green,
    the_printed_batch_is_judged_one_by_one,
    the_printed_thresholds_are_the_defaults,
    the_simulator_needs_no_key_and_repeats_itself,
    the_printed_error_codes_are_what_errors_have,
    each_required_field_is_required,
);
