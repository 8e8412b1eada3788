//! Guardian metrics beyond the printed examples: limits to the last bit, batches, alerts, links,
//! history, hostile numbers, idempotency.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Reply, unique};

const METRICS: &str = "/api/v1/metrics";
const BATCH: &str = "/api/v1/metrics/batch";

fn snapshot(product: &str, drift: f64, fairness: f64) -> Value {
    json!({"modelId": product, "driftScore": drift, "fairnessScore": fairness, "sampleSize": 100})
}

fn with(mut body: Value, more: &Value) -> Value {
    crate::harness::merge(&mut body, more);
    body
}

async fn ingest(api: &Api, body: &Value) -> Reply {
    api.post(METRICS, body).send().await
}

async fn verdict(api: &Api, body: &Value) -> String {
    let answer = ingest(api, body).await.expect(200);
    answer["complianceStatus"].as_str().unwrap().to_owned()
}

async fn history(api: &Api, product: &str, query: &str) -> Value {
    let path = format!("{METRICS}/history?modelId={product}{query}");
    api.get(&path).send().await.expect(200)
}

async fn alerts(api: &Api, query: &str) -> Vec<Value> {
    let reply = api.get(&format!("/api/v1/alerts?{query}")).send().await;
    reply.expect(200)["alerts"].as_array().unwrap().clone()
}

async fn the_limits_hold_to_the_last_bit(api: Api) {
    let product = api.new_product().await;
    let green = snapshot(&product, 0.0, 100.0);
    for (field, limit, verdicts) in [
        ("driftScore", 50.0_f64, ["GREEN", "GREEN", "AMBER"]),
        ("driftScore", 70.0, ["AMBER", "AMBER", "RED"]),
        ("fairnessScore", 90.0, ["AMBER", "GREEN", "GREEN"]),
        ("fairnessScore", 80.0, ["RED", "AMBER", "AMBER"]),
        ("psi", 0.10, ["GREEN", "GREEN", "AMBER"]),
        ("psi", 0.20, ["AMBER", "AMBER", "RED"]),
        ("disparateImpact", 0.80, ["AMBER", "GREEN", "GREEN"]),
        ("disparateImpact", 0.60, ["RED", "AMBER", "AMBER"]),
    ] {
        for (value, expected) in [limit.next_down(), limit, limit.next_up()]
            .into_iter()
            .zip(verdicts)
        {
            let body = with(green.clone(), &json!({field: value}));
            assert_eq!(verdict(&api, &body).await, expected, "{field} {value:?}");
            let stored = history(&api, &product, "&limit=200").await;
            let mut values = stored["snapshots"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| &one[field]);
            assert!(
                values.any(|one| one.as_f64().map(f64::to_bits) == Some(value.to_bits())),
                "{field} {value:?} is not stored to the bit"
            );
        }
    }
    for (change, expected) in [
        (json!({"driftScore": 55, "fairnessScore": 75}), "RED"),
        (json!({"driftScore": 71, "fairnessScore": 99}), "RED"),
        (
            json!({"driftScore": 0, "fairnessScore": 99, "psi": 0.15}),
            "AMBER",
        ),
        (json!({"driftScore": 100, "fairnessScore": 0}), "RED"),
        (
            json!({"driftScore": 0, "fairnessScore": 100, "psi": 0, "disparateImpact": 1}),
            "GREEN",
        ),
    ] {
        assert_eq!(
            verdict(&api, &with(green.clone(), &change)).await,
            expected,
            "{change}"
        );
    }
}

async fn numbers_are_numbers_in_range_and_exact(api: Api) {
    let product = api.new_product().await;
    let send = async |field: &str, literal: &str| {
        let mut fields = vec![
            ("driftScore", "1"),
            ("fairnessScore", "99"),
            ("sampleSize", "100"),
        ];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, literal));
        let members: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        let body = format!("{{\"modelId\":\"{product}\",{}}}", members.join(","));
        api.call(Method::POST, METRICS)
            .raw("application/json", body)
            .send()
            .await
    };
    for (field, literals) in [
        (
            "driftScore",
            vec![
                "-0.0001", "100.0001", "-1", "1e3", "\"15\"", "true", "[]", "{}",
            ],
        ),
        ("fairnessScore", vec!["-1", "101", "\"92\"", "false"]),
        ("psi", vec!["-0.1", "\"0.1\"", "true"]),
        ("disparateImpact", vec!["-0.1", "10.1", "80", "\"0.8\""]),
        (
            "sampleSize",
            vec![
                "0",
                "-1",
                "5000.0",
                "5e3",
                "0.5",
                "\"5000\"",
                "true",
                "9007199254740993",
                "9223372036854775807",
                "9223372036854775808",
                "1e400",
            ],
        ),
    ] {
        for literal in literals {
            let reply = send(field, literal).await;
            assert_eq!(reply.status, 400, "{field} {literal}: {}", reply.text());
            let problem = reply.problem(400, "invalid_payload");
            if literal != "1e400" {
                assert_eq!(
                    problem["errors"][0]["field"],
                    format!("/{field}"),
                    "{literal}"
                );
            }
        }
        for literal in [
            "NaN",
            "Infinity",
            "-Infinity",
            "1e400",
            "-1e400",
            "01",
            "+1",
            ".5",
            "1.",
            "0x1",
            "1_0",
        ] {
            send(field, literal).await.problem(400, "invalid_payload");
        }
    }
    for (field, literal, stored) in [
        ("driftScore", "-0.0", json!(0.0)),
        ("driftScore", "-0", json!(0.0)),
        ("driftScore", "0.1", json!(0.1)),
        ("driftScore", "5e-324", json!(5e-324)),
        (
            "fairnessScore",
            "99.99999999999999",
            json!(99.999_999_999_999_99),
        ),
        (
            "driftScore",
            "1.0000000000000000000000000000000001",
            json!(1.0),
        ),
        ("sampleSize", "1", json!(1)),
        (
            "sampleSize",
            "9007199254740992",
            json!(9_007_199_254_740_992_u64),
        ),
        ("psi", "1e308", json!(1e308)),
    ] {
        send(field, literal).await.expect(200);
        let page = history(&api, &product, "&limit=1").await;
        let found = &page["snapshots"][0][field];
        assert_eq!(*found, stored, "{field} {literal}");
        assert!(
            found.as_f64().unwrap().is_sign_positive(),
            "{field} {literal}: {found}"
        );
    }
}

async fn malformed_bodies_are_refused_before_anything_is_stored(api: Api) {
    let product = api.new_product().await;
    let core =
        format!("\"modelId\":\"{product}\",\"driftScore\":1,\"fairnessScore\":99,\"sampleSize\":1");
    let deep = format!(
        "{{{core},\"x\":{}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let wide: Vec<_> = (0..1001).map(|n| format!(",\"k{n}\":1")).collect();
    let wide = wide.concat();
    for body in [
        format!("{{{core},\"driftScore\":2}}"),
        format!("{{{core},\"drift\\u0053core\":2}}"),
        format!("{{{core},\"x\":{{\"a\":1,\"a\":1}}}}"),
        deep,
        format!("{{{core}{wide}}}"),
        format!("{{{core},\"notes\":\"a\\u0000b\"}}"),
        format!("{{{core},\"notes\":\"a\\u0007b\"}}"),
        format!("{{{core},\"notes\":\"\\ud800\"}}"),
        format!("{{{core},\"notes\":\"a\u{1}b\"}}"),
        format!("{{{core},\"notes\":7}}"),
        format!("{{{core},\"notes\":\"{}\"}}", "x".repeat(2001)),
        format!("{{{core}}}{{}}"),
        format!("\u{feff}{{{core}}}"),
        format!("[{{{core}}}]"),
    ] {
        let start: String = body.chars().take(200).collect();
        let reply = api
            .call(Method::POST, METRICS)
            .raw("application/json", body)
            .send()
            .await;
        assert_eq!(reply.status, 400, "{start}: {}", reply.text());
        reply.problem(400, "invalid_payload");
    }
    let mut invalid = format!("{{{core},\"notes\":\"").into_bytes();
    invalid.extend_from_slice(b"\xff\xfe\"}");
    let reply = api
        .call(Method::POST, METRICS)
        .raw("application/json", invalid)
        .send()
        .await;
    reply.problem(400, "invalid_payload");
    let positional = json!([product, 1, 99, 100, null, null, null, null]);
    let reply = ingest(&api, &positional).await;
    reply.problem(400, "invalid_payload");
    let batch = json!({"snapshots": [positional]});
    let fields = api
        .post(BATCH, &batch)
        .send()
        .await
        .faults(400, "invalid_payload");
    assert_eq!(fields, ["/snapshots/0"], "an array is no snapshot");
    let limits = json!({"modelId": product, "thresholds": {"drift": [1, 2]}});
    let reply = api.post("/api/v1/risk-metric-links", &limits).send().await;
    assert_eq!(reply.faults(400, "invalid_payload"), ["/thresholds/drift"]);
    assert_eq!(history(&api, &product, "").await["total"], 0);
    // What is unknown is ignored and not kept.
    let more = json!({"snapshotId": "mine", "complianceStatus": "RED", "receivedAt": "2001-01-01T00:00:00Z", "recipe": {"a": 1}, "x": [1]});
    ingest(&api, &with(snapshot(&product, 1.0, 99.0), &more))
        .await
        .expect(200);
    let stored = history(&api, &product, "").await["snapshots"][0].clone();
    assert_eq!(
        (&stored["complianceStatus"], &stored["recipe"]),
        (&json!("GREEN"), &Value::Null)
    );
    assert_ne!(stored["snapshotId"], "mine");
}

async fn an_evaluation_may_lie_five_minutes_ahead_and_no_more(api: Api) {
    use time::format_description::well_known::Rfc3339;
    let product = api.new_product().await;
    let at = |seconds: i64| {
        let now = crate::harness::now().replace_nanosecond(0).unwrap();
        (now + time::Duration::seconds(seconds))
            .format(&Rfc3339)
            .unwrap()
    };
    for captured in [
        at(290),
        at(-1),
        "1970-01-01T00:00:00Z".to_owned(),
        "2025-01-15T10:30:00.123+05:30".to_owned(),
        "2025-01-15t10:30:00z".to_owned(),
    ] {
        let body = with(
            snapshot(&product, 1.0, 99.0),
            &json!({"capturedAt": captured}),
        );
        assert_eq!(ingest(&api, &body).await.status, 200, "{captured}");
    }
    for captured in [
        json!(at(330)),
        json!("9999-12-31T23:59:59Z"),
        json!("2025-01-15T10:30:00"),
        json!("2025-01-15"),
        json!(""),
        json!(1_736_937_000),
        json!("2025-06-30T23:59:60Z"),
        json!("1969-12-31T23:59:59Z"),
        json!("0000-01-01T00:00:00Z"),
        json!("294277-01-01T00:00:00Z"),
        json!("2025-02-29T00:00:00Z"),
    ] {
        let body = with(
            snapshot(&product, 1.0, 99.0),
            &json!({"capturedAt": captured}),
        );
        let fields = ingest(&api, &body).await.faults(400, "invalid_payload");
        assert_eq!(fields, ["/capturedAt"], "{captured}");
        let batch = api.post(BATCH, &json!({"snapshots": [body]})).send().await;
        assert_eq!(
            batch.faults(400, "invalid_payload"),
            ["/snapshots/0/capturedAt"]
        );
    }
    let kept = history(
        &api,
        &product,
        "&from=2025-01-15T05:00:00Z&to=2025-01-15T05:00:01Z",
    )
    .await;
    assert_eq!(
        kept["snapshots"][0]["capturedAt"],
        "2025-01-15T05:00:00.123Z"
    );
}

async fn a_batch_holds_1_to_100_and_is_all_or_nothing(api: Api) {
    let product = api.new_product().await;
    let batch = |count: usize| json!({"snapshots": vec![snapshot(&product, 1.0, 99.0); count]});
    for count in [0, 101, 500] {
        let fields = api
            .post(BATCH, &batch(count))
            .send()
            .await
            .faults(400, "invalid_payload");
        assert_eq!(fields, ["/snapshots"], "{count}");
    }
    for body in [
        json!({}),
        json!({"snapshots": null}),
        json!({"snapshots": {}}),
        json!({"snapshots": [1]}),
        json!({"snapshots": [null]}),
    ] {
        api.post(BATCH, &body)
            .send()
            .await
            .problem(400, "invalid_payload");
    }
    assert_eq!(history(&api, &product, "").await["total"], 0);
    for count in [1, 100] {
        let answer = api.post(BATCH, &batch(count)).send().await.expect(200);
        assert_eq!(
            (
                &answer["count"],
                answer["results"].as_array().unwrap().len()
            ),
            (&json!(count), count)
        );
    }
    assert_eq!(history(&api, &product, "").await["total"], 101);
    let mut bad = batch(100);
    bad["snapshots"][42]["driftScore"] = json!(101);
    bad["snapshots"][99]["sampleSize"] = json!(0);
    let fields = api
        .post(BATCH, &bad)
        .send()
        .await
        .faults(400, "invalid_payload");
    assert_eq!(
        fields,
        ["/snapshots/42/driftScore", "/snapshots/99/sampleSize"]
    );
    let mut unknown = batch(100);
    unknown["snapshots"][57]["modelId"] = json!("7c9e6679-7425-40de-944b-e07fc1f90ae7");
    let fields = api
        .post(BATCH, &unknown)
        .send()
        .await
        .faults(404, "model_not_found");
    assert_eq!(fields, ["/snapshots/57/modelId"]);
    assert_eq!(
        history(&api, &product, "").await["total"],
        101,
        "nothing of a refused batch stays"
    );
}

async fn alerts_open_escalate_and_resolve_with_the_figures(api: Api) {
    let product = api.new_product().await;
    let of_product = format!("modelId={product}");
    let send =
        async |drift: f64, fairness: f64| verdict(&api, &snapshot(&product, drift, fairness)).await;
    assert_eq!(send(10.0, 95.0).await, "GREEN");
    assert!(alerts(&api, &of_product).await.is_empty());
    assert_eq!(send(60.0, 95.0).await, "AMBER");
    let open = alerts(&api, &of_product).await;
    let first = &open[0];
    assert_eq!(
        (
            open.len(),
            &first["metric"],
            &first["severity"],
            &first["state"]
        ),
        (1, &json!("drift"), &json!("AMBER"), &json!("open"))
    );
    assert_eq!(
        (&first["value"], &first["threshold"], &first["escalatedAt"]),
        (&json!(60.0), &json!(50.0), &Value::Null)
    );
    assert_eq!(send(65.0, 95.0).await, "AMBER");
    assert_eq!(
        alerts(&api, &of_product).await.len(),
        1,
        "one open alert per product and metric"
    );
    let path = format!("/api/v1/alerts/{}", first["id"].as_str().unwrap());
    let noted = api
        .post(&format!("{path}/acknowledge"), &json!({"note": "looking"}))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&noted["note"], &noted["state"]),
        (&json!("looking"), &json!("open"))
    );
    assert!(noted["acknowledgedAt"].is_string() && noted["acknowledgedBy"].is_string());
    assert_eq!(send(80.0, 75.0).await, "RED");
    let open = alerts(&api, &format!("{of_product}&state=open")).await;
    assert_eq!(open.len(), 2);
    let escalated = api.get(&path).send().await.expect(200);
    assert_eq!(
        (&escalated["severity"], &escalated["threshold"]),
        (&json!("RED"), &json!(70.0))
    );
    assert!(escalated["escalatedAt"].is_string());
    assert_eq!(
        alerts(&api, &format!("{of_product}&severity=RED&metric=fairness"))
            .await
            .len(),
        1
    );
    assert_eq!(send(10.0, 75.0).await, "RED");
    let healed = api.get(&path).send().await.expect(200);
    assert_eq!(
        (&healed["state"], &healed["resolution"]),
        (&json!("resolved"), &json!("recovered"))
    );
    let fairness = &alerts(&api, &format!("{of_product}&state=open")).await[0];
    let path = format!("/api/v1/alerts/{}", fairness["id"].as_str().unwrap());
    let closed = api
        .call(Method::POST, &format!("{path}/resolve"))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&closed["state"], &closed["resolution"]),
        (&json!("resolved"), &json!("manual"))
    );
    assert_eq!(
        api.call(Method::POST, &format!("{path}/resolve"))
            .send()
            .await
            .expect(200),
        closed
    );
    api.call(Method::POST, &format!("{path}/acknowledge"))
        .send()
        .await
        .problem(409, "alert_resolved");
    assert_eq!(send(10.0, 75.0).await, "RED");
    assert_eq!(
        alerts(&api, &format!("{of_product}&state=open"))
            .await
            .len(),
        1,
        "still out of bounds: a new alert"
    );
    for query in [
        "state=closed",
        "metric=x",
        "severity=GREEN",
        "modelId=x",
        "limit=201",
    ] {
        let field = query.split('=').next().unwrap();
        let reply = api.get(&format!("/api/v1/alerts?{query}")).send().await;
        assert_eq!(reply.faults(400, "invalid_payload"), [field]);
    }
    let long = json!({"note": "x".repeat(2001)});
    let reply = api.post(&format!("{path}/resolve"), &long).send().await;
    assert_eq!(reply.status, 400, "{}", reply.text());
}

async fn a_late_arrival_is_kept_and_moves_no_alert(api: Api) {
    let product = api.new_product().await;
    let at = |day: u32, drift: f64| {
        with(
            snapshot(&product, drift, 99.0),
            &json!({"capturedAt": format!("2025-03-{day:02}T00:00:00Z")}),
        )
    };
    assert_eq!(verdict(&api, &at(10, 80.0)).await, "RED");
    assert_eq!(verdict(&api, &at(5, 10.0)).await, "GREEN");
    let open = alerts(&api, &format!("modelId={product}&state=open")).await;
    assert_eq!(
        (open.len(), &open[0]["severity"]),
        (1, &json!("RED")),
        "an older GREEN resolves nothing"
    );
    assert_eq!(verdict(&api, &at(12, 10.0)).await, "GREEN");
    assert_eq!(verdict(&api, &at(11, 90.0)).await, "RED");
    let open = alerts(&api, &format!("modelId={product}&state=open")).await;
    assert!(open.is_empty(), "an older RED opens nothing: {open:?}");
    let page = history(&api, &product, "").await;
    let drifts: Vec<_> = page["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["driftScore"].as_f64().unwrap())
        .collect();
    assert_eq!(drifts, [10.0, 90.0, 80.0, 10.0], "newest captured first");
}

async fn links_override_the_limits_of_one_product(api: Api) {
    const LINKS: &str = "/api/v1/risk-metric-links";
    let (product, other) = (api.new_product().await, api.new_product().await);
    let body = json!({"modelId": product, "thresholds": {"drift": {"amber": 10, "red": 20}}});
    let made = api.post(LINKS, &body).send().await;
    let link = made.expect(201);
    assert_eq!(
        link["thresholds"],
        json!({"drift": {"amber": 10.0, "red": 20.0}, "fairness": null, "psi": null, "disparateImpact": null})
    );
    api.post(LINKS, &body)
        .send()
        .await
        .problem(409, "link_already_exists");
    let limits = api
        .get(&format!("/api/v1/thresholds?modelId={product}"))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (
            &limits["source"],
            &limits["thresholds"]["drift"]["red"],
            &limits["thresholds"]["psi"]["red"]
        ),
        (&json!("risk_metric_link"), &json!(20.0), &json!(0.2))
    );
    assert_eq!(
        verdict(&api, &snapshot(&product, 15.0, 95.0)).await,
        "AMBER"
    );
    assert_eq!(verdict(&api, &snapshot(&product, 20.5, 95.0)).await, "RED");
    assert_eq!(verdict(&api, &snapshot(&other, 20.5, 95.0)).await, "GREEN");
    assert_eq!(
        history(&api, &product, "").await["snapshots"][0]["thresholdSource"],
        "risk_metric_link"
    );
    let path = format!("{LINKS}/{}", link["id"].as_str().unwrap());
    let replaced = api
        .put(
            &path,
            &json!({"thresholds": {"psi": {"amber": 0.01, "red": 0.02}}}),
        )
        .send()
        .await
        .expect(200);
    assert_eq!(replaced["thresholds"]["drift"], Value::Null);
    assert_eq!(
        verdict(
            &api,
            &with(snapshot(&product, 15.0, 95.0), &json!({"psi": 0.015}))
        )
        .await,
        "AMBER"
    );
    for (thresholds, field) in [
        (
            json!({"drift": {"amber": 20, "red": 10}}),
            "/thresholds/drift",
        ),
        (
            json!({"fairness": {"amber": 70, "red": 80}}),
            "/thresholds/fairness",
        ),
        (json!({"drift": {"amber": 10}}), "/thresholds/drift/red"),
        (
            json!({"drift": {"amber": -1, "red": 10}}),
            "/thresholds/drift/amber",
        ),
        (
            json!({"drift": {"amber": "1", "red": 10}}),
            "/thresholds/drift/amber",
        ),
        (json!({}), "/thresholds"),
        (json!(null), "/thresholds"),
    ] {
        let reply = api
            .put(&path, &json!({"thresholds": thresholds}))
            .send()
            .await;
        assert_eq!(
            reply.faults(400, "invalid_payload")[0],
            field,
            "{thresholds}"
        );
    }
    assert_eq!(api.get(&path).send().await.expect(200), replaced);
    api.delete(&path).send().await.expect(204);
    for call in [
        api.get(&path),
        api.delete(&path),
        api.put(
            &path,
            &json!({"thresholds": {"psi": {"amber": 0.01, "red": 0.02}}}),
        ),
    ] {
        call.send().await.problem(404, "link_not_found");
    }
    let limits = api
        .get(&format!("/api/v1/thresholds?modelId={product}"))
        .send()
        .await
        .expect(200);
    assert_eq!(limits["source"], "global_defaults");
}

async fn history_pages_by_cursor_survive_inserts(api: Api) {
    let product = api.new_product().await;
    let at = |day: u32| {
        with(
            snapshot(&product, f64::from(day), 99.0),
            &json!({"capturedAt": format!("2025-03-{day:02}T00:00:00Z")}),
        )
    };
    for day in 1..=9 {
        ingest(&api, &at(day)).await.expect(200);
    }
    let days = |page: &Value| {
        page["snapshots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["driftScore"].to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let first = history(&api, &product, "&limit=4").await;
    assert_eq!(days(&first), "9.0 8.0 7.0 6.0");
    ingest(&api, &at(10)).await.expect(200);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = history(&api, &product, &format!("&limit=4&cursor={cursor}")).await;
    assert_eq!(days(&second), "5.0 4.0 3.0 2.0");
    let cursor = second["nextCursor"].as_str().unwrap();
    let last = history(&api, &product, &format!("&limit=4&cursor={cursor}")).await;
    assert_eq!(
        (days(&last).as_str(), &last["nextCursor"]),
        ("1.0", &Value::Null)
    );
    assert_eq!(
        days(&history(&api, &product, "&limit=2&offset=1").await),
        "9.0 8.0"
    );
    assert_eq!(
        days(
            &history(
                &api,
                &product,
                "&from=2025-03-03T00:00:00Z&to=2025-03-05T00:00:00Z"
            )
            .await
        ),
        "4.0 3.0"
    );
    assert_eq!(history(&api, &product, "&status=RED").await["total"], 0);
    for (query, field) in [
        ("&limit=201", "limit"),
        ("&limit=0", "limit"),
        ("&cursor=x", "cursor"),
        ("&from=x", "from"),
        ("&to=2025", "to"),
        ("&status=green", "status"),
        ("&from=2025-03-05T00:00:00Z&to=2025-03-04T00:00:00Z", "to"),
        (&format!("&offset=1&cursor={cursor}"), "cursor"),
    ] {
        let reply = api
            .get(&format!("{METRICS}/history?modelId={product}{query}"))
            .send()
            .await;
        assert_eq!(reply.faults(400, "invalid_payload"), [field], "{query}");
    }
    let reply = api.get(&format!("{METRICS}/history")).send().await;
    assert_eq!(reply.faults(400, "invalid_payload"), ["modelId"]);
}

async fn an_idempotency_key_makes_repetition_harmless(api: Api) {
    let product = api.new_product().await;
    let body = snapshot(&product, 60.0, 95.0);
    let key = unique("key");
    let send = |body: &Value| api.post(METRICS, body).header("idempotency-key", &key);
    let first = send(&body).send().await.expect(200);
    assert_eq!(send(&body).send().await.expect(200), first);
    let spaced = serde_json::to_string_pretty(&body).unwrap();
    let reply = send(&body).raw("application/json", spaced).send().await;
    assert_eq!(
        reply.expect(200),
        first,
        "white space makes no other request"
    );
    let other = snapshot(&product, 61.0, 95.0);
    send(&other)
        .send()
        .await
        .problem(422, "idempotency_key_reused");
    assert_eq!(history(&api, &product, "").await["total"], 1);
    let writer = api.new_key("write");
    let foreign = send(&other).bearer(&writer).send().await.expect(200);
    assert_ne!(
        foreign["snapshotId"], first["snapshotId"],
        "keys of other credentials are other keys"
    );
    let elsewhere = api
        .post(BATCH, &json!({"snapshots": [body]}))
        .header("idempotency-key", &key);
    elsewhere.send().await.expect(200);
    assert_eq!(history(&api, &product, "").await["total"], 3);
    for wrong in ["", "é", &"x".repeat(256)] {
        let reply = api
            .post(METRICS, &body)
            .header("idempotency-key", wrong)
            .send()
            .await;
        reply.problem(400, "invalid_idempotency_key");
    }
    let failing = unique("key");
    let bad = snapshot(&product, 101.0, 95.0);
    let reply = api
        .post(METRICS, &bad)
        .header("idempotency-key", &failing)
        .send()
        .await;
    reply.problem(400, "invalid_payload");
    let reply = api
        .post(METRICS, &body)
        .header("idempotency-key", &failing)
        .send()
        .await;
    reply.expect(200);
}

async fn sixteen_at_once_with_one_key_make_one_snapshot(api: Api) {
    let product = api.new_product().await;
    let key = unique("key");
    let body = snapshot(&product, 60.0, 95.0);
    let calls = (0..16).map(|_| {
        api.post(METRICS, &body)
            .header("idempotency-key", &key)
            .send()
    });
    let replies = futures_util::future::join_all(calls).await;
    let ids: std::collections::BTreeSet<String> = replies
        .iter()
        .filter(|reply| reply.status != 409)
        .map(|reply| reply.expect(200)["snapshotId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(history(&api, &product, "").await["total"], 1);
    assert_eq!(alerts(&api, &format!("modelId={product}")).await.len(), 1);
}

async fn every_creating_post_honours_the_key(api: Api) {
    let product = api.new_product().await;
    let space = api.new_space().await;
    let organization = api.organization.clone();
    for (path, body, status, total) in [
        (
            "/api/admin/models".to_owned(),
            json!({"model_id": unique("m"), "provider": "p", "risk_tier": "tier_1"}),
            201,
            "/api/admin/models",
        ),
        (
            "/api/v1/risk-metric-links".to_owned(),
            json!({"modelId": product, "thresholds": {"drift": {"amber": 1, "red": 2}}}),
            201,
            "/api/v1/risk-metric-links",
        ),
        (
            "/api/v1/api-keys".to_owned(),
            json!({"name": "k", "scopes": ["read"]}),
            201,
            "/api/v1/api-keys",
        ),
        (
            "/api/v1/ai-requests".to_owned(),
            json!({"requests": [{"model": "gpt-4o"}]}),
            202,
            "/api/admin/models",
        ),
        (
            format!("/api/v1.0/organizations/{organization}/spaces"),
            json!({"slug": unique("s")}),
            201,
            "/api/admin/models",
        ),
        (
            format!("/api/v1.0/catalog/spaces/{space}/model-repository/models"),
            json!({"name": "Churn"}),
            201,
            "/api/admin/models",
        ),
        (
            "/api/admin/models/discover".to_owned(),
            json!({}),
            200,
            "/api/admin/models",
        ),
    ] {
        let key = unique("key");
        let call = api.post(&path, &body).header("idempotency-key", &key);
        let first = call.clone().send().await.expect(status);
        let before = api.get(total).send().await.expect(200)["total"].clone();
        let mut second = call.send().await.expect(status);
        if let Some(secret) = first.get("key") {
            assert_eq!(second["key"], Value::Null, "a secret is shown once");
            second["key"] = secret.clone();
        }
        assert_eq!(second, first, "{path}");
        assert_eq!(
            api.get(total).send().await.expect(200)["total"],
            before,
            "{path}"
        );
        let other = with(body, &json!({"unknown": 1}));
        let reply = api
            .post(&path, &other)
            .header("idempotency-key", &key)
            .send()
            .await;
        reply.problem(422, "idempotency_key_reused");
    }
    let listed = api
        .get("/api/admin/models?search=gpt-4o")
        .send()
        .await
        .expect(200);
    assert_eq!(listed["total"], 1);
}

both!(
    the_limits_hold_to_the_last_bit,
    numbers_are_numbers_in_range_and_exact,
    malformed_bodies_are_refused_before_anything_is_stored,
    an_evaluation_may_lie_five_minutes_ahead_and_no_more,
    a_batch_holds_1_to_100_and_is_all_or_nothing,
    alerts_open_escalate_and_resolve_with_the_figures,
    a_late_arrival_is_kept_and_moves_no_alert,
    links_override_the_limits_of_one_product,
    history_pages_by_cursor_survive_inserts,
    an_idempotency_key_makes_repetition_harmless,
    sixteen_at_once_with_one_key_make_one_snapshot,
    every_creating_post_honours_the_key,
);
