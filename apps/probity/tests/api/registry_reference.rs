//! The model registry as its reference prints it, request by request.

use reqwest::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::harness::{Api, Reply, unique};

const STATUSES: [&str; 6] = [
    "draft",
    "pending_validation",
    "in_validation",
    "needs_remediation",
    "validated",
    "deprecated",
];

/// The permitted moves, row by row in the order of `STATUSES`.
const MOVES: [&str; 6] = ["=y...y", "y=y..y", ".y=yyy", ".yy=.y", ".y.y=y", "y....="];

fn instant(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}

/// The printed members of an entry have the printed values and types.
fn assert_printed(entry: &Value, printed: &Value) {
    for (name, value) in printed.as_object().unwrap() {
        assert_eq!(&entry[name], value, "{name}");
    }
    uuid::Uuid::parse_str(entry["id"].as_str().unwrap()).unwrap();
    assert!(entry["tenant_id"].as_str().unwrap().starts_with("org_"));
    assert!(instant(&entry["updated_at"]) >= instant(&entry["created_at"]));
    assert!(entry["created_at"].as_str().unwrap().ends_with('Z'));
}

fn printed_request() -> Value {
    json!({
        "model_id": "claude-3-5-sonnet-20241022",
        "provider": "anthropic",
        "display_name": "Claude 3.5 Sonnet (Oct 2024)",
        "risk_tier": "tier_2",
        "validation_status": "pending_validation",
        "owner": "ai-risk-team@example.com",
        "description": "Conversational model for internal knowledge base queries",
        "tags": {"business_unit": "operations", "environment": "production"}
    })
}

async fn the_printed_requests_get_the_printed_answers(api: Api) {
    let request = printed_request();
    let made = api.post("/api/admin/models", &request).send().await;
    let entry = made.expect(201);
    assert_printed(&entry, &request);
    assert_eq!(entry["last_seen_at"], Value::Null);
    let path = format!("/api/admin/models/{}", entry["id"].as_str().unwrap());
    assert_eq!(made.header("location"), path);

    let read = api.get(&path).send().await.expect(200);
    assert_eq!(read, entry);
    let update = json!({
        "risk_tier": "tier_1", "validation_status": "in_validation",
        "owner": "sr-ml-risk@example.com",
        "description": "Reclassified to Tier 1 after production impact review"
    });
    let updated = api.put(&path, &update).send().await.expect(200);
    let mut expected = request.clone();
    crate::harness::merge(&mut expected, &update);
    assert_printed(&updated, &expected);
    assert_eq!(api.get(&path).send().await.expect(200), updated);

    let again = api.post("/api/admin/models", &request).send().await;
    again.problem(409, "model_already_exists");
    let list = api.get("/api/admin/models").send().await.expect(200);
    assert_eq!(
        (&list["total"], &list["limit"], &list["offset"]),
        (&json!(1), &json!(50), &json!(0))
    );
    assert_eq!(list["models"], json!([updated]));
    let gone = api.delete(&path).send().await;
    assert_eq!((gone.expect(204), gone.bytes.len()), (Value::Null, 0));
    for call in [api.get(&path), api.put(&path, &update), api.delete(&path)] {
        call.send().await.problem(404, "model_not_found");
    }
}

async fn what_is_left_out_gets_the_printed_defaults(api: Api) {
    let body = json!({"model_id": "gpt-4o", "provider": "openai", "risk_tier": "tier_3"});
    let entry = api
        .post("/api/admin/models", &body)
        .send()
        .await
        .expect(201);
    assert_printed(
        &entry,
        &json!({
            "display_name": "gpt-4o", "validation_status": "draft", "owner": null,
            "description": null, "tags": {}, "last_seen_at": null
        }),
    );
    // What the server sets cannot be sent, and what is unknown is not kept.
    let hostile = json!({
        "model_id": "gpt-4o-2", "provider": "openai", "risk_tier": "tier_3",
        "id": "550e8400-e29b-41d4-a716-446655440001", "tenant_id": "org_abc",
        "created_at": "2001-01-01T00:00:00Z", "last_seen_at": "2001-01-01T00:00:00Z",
        "revalidation_due": true, "validated_at": "2001-01-01T00:00:00Z", "shoe_size": 44
    });
    let entry = api
        .post("/api/admin/models", &hostile)
        .send()
        .await
        .expect(201);
    assert_ne!(entry["id"], hostile["id"]);
    assert_ne!(entry["tenant_id"], "org_abc");
    assert!(entry.get("shoe_size").is_none());
    let expected = json!({"last_seen_at": null, "revalidation_due": false, "validated_at": null});
    assert_printed(&entry, &expected);
    assert!(instant(&entry["created_at"]).year() > 2020);
}

async fn missing_and_invalid_fields_are_400_and_named(api: Api) {
    let send = async |body: Value| api.post("/api/admin/models", &body).send().await;
    let fields = send(json!({})).await.faults(400, "validation_error");
    assert_eq!(fields, ["/model_id", "/provider", "/risk_tier"]);
    for (change, field) in [
        (json!({"risk_tier": "tier_5"}), "/risk_tier"),
        (json!({"risk_tier": "TIER_1"}), "/risk_tier"),
        (json!({"risk_tier": 1}), "/risk_tier"),
        (
            json!({"validation_status": "approved"}),
            "/validation_status",
        ),
        (json!({"model_id": ""}), "/model_id"),
        (json!({"model_id": null}), "/model_id"),
        (json!({"model_id": "x".repeat(257)}), "/model_id"),
        (json!({"model_id": "a\u{0}b"}), "/model_id"),
        (json!({"provider": "a\nb"}), "/provider"),
        (json!({"owner": "x".repeat(321)}), "/owner"),
        (json!({"description": "x".repeat(10_001)}), "/description"),
        (json!({"tags": ["a"]}), "/tags"),
        (json!({"tags": {"a": 1}}), "/tags/a"),
        (json!({"tags": {"a": null}}), "/tags/a"),
        (json!({"display_name": true}), "/display_name"),
    ] {
        let mut body = json!({"model_id": unique("m"), "provider": "p", "risk_tier": "tier_1"});
        crate::harness::merge(&mut body, &change);
        let fields = send(body).await.faults(400, "validation_error");
        assert_eq!(fields, [field], "{change}");
    }
    let entry = api.new_model(&json!({})).await;
    let path = format!("/api/admin/models/{}", entry["id"].as_str().unwrap());
    for (body, field) in [
        (json!({"risk_tier": "tier_0"}), "/risk_tier"),
        (json!({"risk_tier": null}), "/risk_tier"),
        (json!({"validation_status": ""}), "/validation_status"),
        (json!({"display_name": ""}), "/display_name"),
        (json!({"tags": 3}), "/tags"),
    ] {
        let fields = api
            .put(&path, &body)
            .send()
            .await
            .faults(400, "validation_error");
        assert_eq!(fields, [field], "{body}");
    }
    assert_eq!(api.get(&path).send().await.expect(200), entry);
    for id in [
        "1",
        "not-a-uuid",
        "550e8400-e29b-41d4-a716-44665544000g",
        "%00",
    ] {
        let reply = api.get(&format!("/api/admin/models/{id}")).send().await;
        assert_eq!(reply.faults(400, "validation_error"), ["id"], "{id}");
    }
}

async fn pages_hold_what_they_say_and_limits_are_refused_not_clamped(api: Api) {
    for number in 0..7 {
        api.new_model(&json!({"model_id": format!("m{number}")}))
            .await;
    }
    let page = async |query: &str| {
        let reply = api.get(&format!("/api/admin/models?{query}")).send().await;
        let page = reply.expect(200);
        let models = page["models"].as_array().unwrap().clone();
        let names = models
            .iter()
            .map(|model| model["model_id"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), page)
    };
    let (all, first) = page("").await;
    assert_eq!(
        all,
        ["m6", "m5", "m4", "m3", "m2", "m1", "m0"],
        "newest first"
    );
    assert_eq!(
        (&first["total"], &first["next_cursor"]),
        (&json!(7), &Value::Null)
    );
    let (names, answer) = page("limit=3&offset=2").await;
    assert_eq!(names, ["m4", "m3", "m2"]);
    assert_eq!(
        (&answer["total"], &answer["limit"], &answer["offset"]),
        (&json!(7), &json!(3), &json!(2))
    );
    assert_eq!(page("offset=7").await.0, Vec::<String>::new());
    assert_eq!(page("offset=2000000000").await.1["total"], 7);
    assert_eq!(page("limit=200").await.1["limit"], 200);
    assert_eq!(
        page("limit=1&shoe_size=44").await.0,
        ["m6"],
        "unknown parameters are ignored"
    );
    for (query, field) in [
        ("limit=201", "limit"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=abc", "limit"),
        ("limit=9223372036854775808", "limit"),
        ("limit=", "limit"),
        ("limit=1.0", "limit"),
        ("limit=%2B1", "limit"),
        ("offset=-1", "offset"),
        ("offset=2000000001", "offset"),
        ("offset=x", "offset"),
        ("cursor=x", "cursor"),
        ("cursor=", "cursor"),
        ("risk_tier=tier_9", "risk_tier"),
        ("validation_status=Draft", "validation_status"),
        ("search=%00", "search"),
        ("provider=%00", "provider"),
    ] {
        let reply = api.get(&format!("/api/admin/models?{query}")).send().await;
        assert_eq!(reply.faults(400, "validation_error"), [field], "{query}");
    }
    let twice = api.get("/api/admin/models?limit=1&limit=2").send().await;
    twice.problem(400, "validation_error");
    // What is no UTF-8 is read with replacement characters, as forms are everywhere.
    for query in ["search=%FF", "search=%ED%A0%80"] {
        let reply = api.get(&format!("/api/admin/models?{query}")).send().await;
        assert_eq!(reply.expect(200)["total"], 0, "{query}");
    }
}

async fn filters_and_search_find_what_they_should(api: Api) {
    for (name, provider, tier, status, description) in [
        (
            "gpt-4o",
            "OpenAI",
            "tier_1",
            "validated",
            "Customer service É",
        ),
        (
            "gpt-4o-mini",
            "azure-openai",
            "tier_2",
            "draft",
            "100% cheap",
        ),
        (
            "claude",
            "anthropic",
            "tier_2",
            "draft",
            "under_score \\ back",
        ),
    ] {
        api.new_model(
            &json!({"model_id": name, "provider": provider, "risk_tier": tier,
            "validation_status": status, "description": description}),
        )
        .await;
    }
    let found = async |query: &str| {
        let reply = api.get(&format!("/api/admin/models?{query}")).send().await;
        let page = reply.expect(200);
        let models = page["models"].as_array().unwrap().clone();
        assert_eq!(page["total"], models.len(), "{query}");
        let mut names: Vec<_> = models
            .iter()
            .map(|m| m["model_id"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names.join(" ")
    };
    for (query, expected) in [
        ("risk_tier=tier_2", "claude gpt-4o-mini"),
        ("validation_status=validated", "gpt-4o"),
        ("risk_tier=tier_2&validation_status=validated", ""),
        ("provider=OPENAI", "gpt-4o gpt-4o-mini"),
        ("provider=anthro", "claude"),
        ("provider=%25", ""),
        ("provider=_", ""),
        ("search=GPT", "gpt-4o gpt-4o-mini"),
        ("search=customer", "gpt-4o"),
        ("search=service%20customer", "gpt-4o"),
        ("search=%C3%A9", "gpt-4o"),
        ("search=%25", "gpt-4o-mini"),
        ("search=_", "claude"),
        ("search=%5C", "claude"),
        ("search=%27%20OR%201%3D1", ""),
        ("search=", "claude gpt-4o gpt-4o-mini"),
    ] {
        assert_eq!(found(query).await, expected, "{query}");
    }
}

async fn put_changes_what_it_names_and_replaces_the_tags(api: Api) {
    let before = api
        .new_model(&json!({"owner": "a@example.com", "description": "d",
        "tags": {"a": "1", "b": "2"}}))
        .await;
    let path = format!("/api/admin/models/{}", before["id"].as_str().unwrap());
    let put = async |body: Value| api.put(&path, &body).send().await.expect(200);
    let same = |left: &Value, right: &Value, but: &[&str]| {
        for (name, value) in left.as_object().unwrap() {
            if !but.contains(&name.as_str()) {
                assert_eq!(value, &right[name.as_str()], "{name}");
            }
        }
    };
    assert_eq!(
        put(json!({})).await,
        before,
        "nothing named, nothing changed"
    );
    let tagged = put(json!({"tags": {"c": "3"}})).await;
    assert_eq!(tagged["tags"], json!({"c": "3"}));
    same(&before, &tagged, &["tags", "updated_at"]);
    let cleared = put(json!({"owner": null, "tags": {}})).await;
    assert_eq!(
        (&cleared["owner"], &cleared["tags"]),
        (&Value::Null, &json!({}))
    );
    same(&tagged, &cleared, &["owner", "tags", "updated_at"]);
    let fixed = put(json!({"id": "x", "model_id": "other", "created_at": "x"})).await;
    same(&cleared, &fixed, &[]);
}

async fn each_of_the_36_moves_is_permitted_or_refused_as_the_table_says(api: Api) {
    for (from, row) in STATUSES.iter().zip(MOVES) {
        let cells = STATUSES.iter().zip(row.chars());
        let permitted: Vec<_> = cells
            .filter(|(_, cell)| *cell == 'y')
            .map(|(to, _)| *to)
            .collect();
        for (to, cell) in STATUSES.iter().zip(row.chars()) {
            let entry = api.new_model(&json!({"validation_status": from})).await;
            let path = format!("/api/admin/models/{}", entry["id"].as_str().unwrap());
            let reply = api
                .put(&path, &json!({"validation_status": to, "owner": "new"}))
                .send()
                .await;
            if cell == '.' {
                let problem = reply.problem(422, "invalid_status_transition");
                let named: Vec<_> = problem["permitted"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|s| s.as_str().unwrap())
                    .collect();
                assert_eq!(named, permitted, "{from} to {to}: {problem}");
                assert_eq!(
                    api.get(&path).send().await.expect(200),
                    entry,
                    "nothing changed"
                );
            } else {
                assert_eq!(reply.expect(200)["validation_status"], *to);
            }
        }
    }
}

async fn discovery_creates_drafts_for_models_in_use(api: Api) {
    api.new_model(&json!({"model_id": "gpt-4o", "validation_status": "validated"}))
        .await;
    let now = crate::harness::now();
    let at = |days: i64| (now - time::Duration::days(days)).format(&Rfc3339).unwrap();
    let cut = |text: String| text.split('.').next().unwrap().to_owned() + "Z";
    let (early, late, before) = (cut(at(20)), cut(at(2)), cut(at(100)));
    let requests = json!({"requests": [
        {"model": "gpt-4o-mini", "occurred_at": early}, {"model": "gpt-4o-mini", "occurred_at": late},
        {"model": "gpt-4o", "provider": "openai", "occurred_at": late},
        {"model": "house-model", "occurred_at": late}, {"model": "old-model", "occurred_at": before}
    ]});
    let recorded = api
        .post("/api/v1/ai-requests", &requests)
        .send()
        .await
        .expect(202);
    assert_eq!(recorded, json!({"recorded": 5}));
    let discover = async |body: Value| {
        api.post("/api/admin/models/discover", &body)
            .send()
            .await
            .expect(200)
    };

    let dry = discover(json!({"dry_run": true})).await;
    assert_eq!(
        (
            &dry["discovered"],
            &dry["created"],
            &dry["existing"],
            &dry["dry_run"]
        ),
        (&json!(3), &json!(2), &json!(1), &json!(true))
    );
    assert_eq!(
        api.get("/api/admin/models").send().await.expect(200)["total"],
        1,
        "a dry run creates nothing"
    );
    let real =
        discover(json!({"lookback_days": 30, "auto_assign_tier": "tier_4", "dry_run": false}))
            .await;
    assert_eq!(
        (
            &real["discovered"],
            &real["created"],
            &real["existing"],
            &real["dry_run"]
        ),
        (&json!(3), &json!(2), &json!(1), &json!(false))
    );
    let model = |name: &str| {
        let models = real["models"].as_array().unwrap();
        models
            .iter()
            .find(|model| model["model_id"] == name)
            .unwrap()
            .clone()
    };
    let mini = model("gpt-4o-mini");
    for (name, value) in [
        ("provider", "openai"),
        ("status", "created"),
        ("validation_status", "draft"),
        ("risk_tier", "tier_4"),
    ] {
        assert_eq!(mini[name], value);
    }
    assert_eq!(mini["request_count_30d"], 2);
    assert_eq!(instant(&mini["first_seen_at"]), instant(&json!(early)));
    assert_eq!(instant(&mini["last_seen_at"]), instant(&json!(late)));
    assert_eq!(model("house-model")["provider"], "unknown");
    let known = model("gpt-4o");
    assert_eq!(
        (
            &known["status"],
            &known["validation_status"],
            &known["risk_tier"]
        ),
        (&json!("existing"), &json!("validated"), &json!("tier_2"))
    );
    let again = discover(json!({})).await;
    assert_eq!(
        (&again["created"], &again["existing"]),
        (&json!(0), &json!(3)),
        "once more creates nothing"
    );
    let list = api
        .get("/api/admin/models?search=gpt-4o")
        .send()
        .await
        .expect(200);
    for entry in list["models"].as_array().unwrap() {
        assert_eq!(
            instant(&entry["last_seen_at"]),
            instant(&json!(late)),
            "{entry}"
        );
    }
    let wide = discover(json!({"lookback_days": 365, "auto_assign_tier": "tier_1"})).await;
    assert_eq!(
        (&wide["created"], &wide["discovered"]),
        (&json!(1), &json!(4))
    );
    for (body, field) in [
        (json!({"lookback_days": 0}), "/lookback_days"),
        (json!({"lookback_days": 366}), "/lookback_days"),
        (json!({"lookback_days": "30"}), "/lookback_days"),
        (json!({"lookback_days": 30.5}), "/lookback_days"),
        (json!({"auto_assign_tier": "tier_5"}), "/auto_assign_tier"),
        (json!({"dry_run": "no"}), "/dry_run"),
    ] {
        let reply = api.post("/api/admin/models/discover", &body).send().await;
        assert_eq!(reply.faults(400, "validation_error"), [field], "{body}");
    }
}

async fn the_export_is_the_printed_csv_or_the_list(api: Api) {
    const HEADER: &str = "id,model_id,provider,display_name,risk_tier,validation_status,owner,description,tags,last_seen_at,created_at,updated_at\r\n";
    let empty = api.get("/api/admin/model-inventory-export").send().await;
    assert_eq!((empty.status, empty.text().as_str()), (200, HEADER));
    let payloads = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "=cmd|' /C calc'!A0",
        "a,\"b\"\nc",
        "plain",
    ];
    for payload in payloads {
        api.new_model(&json!({"description": payload, "tags": {"k": "v,\"w\""}}))
            .await;
    }
    api.new_model(&json!({"risk_tier": "tier_1", "validation_status": "validated"}))
        .await;
    let reply = api.get("/api/admin/model-inventory-export").send().await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").starts_with("text/csv"));
    assert_disposition(&reply, "csv");
    assert!(reply.text().starts_with(HEADER));
    let mut reader = csv::Reader::from_reader(reply.bytes.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), payloads.len() + 1);
    for (row, payload) in rows.iter().skip(1).zip(payloads.iter().rev()) {
        let defused = !matches!(*payload, "plain" | "a,\"b\"\nc");
        let expected = if defused {
            format!("'{payload}")
        } else {
            (*payload).to_owned()
        };
        assert_eq!(&row[7], expected);
        assert_eq!(
            serde_json::from_str::<Value>(&row[8]).unwrap(),
            json!({"k": "v,\"w\""})
        );
    }
    let json_reply = api
        .get("/api/admin/model-inventory-export?format=json")
        .send()
        .await;
    let export = json_reply.expect(200);
    assert_disposition(&json_reply, "json");
    let list = api
        .get("/api/admin/models?limit=200")
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&export["models"], &export["total"]),
        (&list["models"], &list["total"])
    );
    let some = api.get("/api/admin/model-inventory-export?format=json&risk_tier=tier_1&validation_status=validated").send().await;
    assert_eq!(some.expect(200)["total"], 1);
    for (query, field) in [
        ("format=xml", "format"),
        ("format=CSV", "format"),
        ("risk_tier=x", "risk_tier"),
    ] {
        let reply = api
            .get(&format!("/api/admin/model-inventory-export?{query}"))
            .send()
            .await;
        assert_eq!(reply.faults(400, "validation_error"), [field]);
    }
}

fn assert_disposition(reply: &Reply, extension: &str) {
    let day = crate::harness::now().date();
    let before = day.previous_day().unwrap();
    let named = |day| format!("attachment; filename=\"model-inventory-{day}.{extension}\"");
    let found = reply.header("content-disposition");
    assert!(
        [named(day), named(before)].iter().any(|name| name == found),
        "{found}"
    );
}

async fn raising_the_tier_of_a_validated_model_makes_it_due(api: Api) {
    let entry = api
        .new_model(&json!({"risk_tier": "tier_3", "validation_status": "in_validation"}))
        .await;
    let path = format!("/api/admin/models/{}", entry["id"].as_str().unwrap());
    let put = async |body: Value| api.put(&path, &body).send().await.expect(200);
    let validated = put(json!({"validation_status": "validated"})).await;
    let (from, until) = (
        instant(&validated["validated_at"]),
        instant(&validated["validation_expires_at"]),
    );
    let months = (until.year() - from.year()) * 12 + i32::from(u8::from(until.month()))
        - i32::from(u8::from(from.month()));
    assert_eq!(
        (months, &validated["revalidation_due"]),
        (24, &json!(false))
    );
    assert_eq!(
        put(json!({"risk_tier": "tier_4"})).await["revalidation_due"],
        false,
        "lowered"
    );
    assert_eq!(
        put(json!({"risk_tier": "tier_2"})).await["revalidation_due"],
        true,
        "raised"
    );
    put(json!({"validation_status": "pending_validation"})).await;
    put(json!({"validation_status": "in_validation"})).await;
    assert_eq!(
        put(json!({"validation_status": "validated"})).await["revalidation_due"],
        false
    );
}

async fn the_owner_does_not_validate_where_duties_are_separate(api: Api) {
    let settings = "/api/admin/model-registry-settings";
    let defaults = api.get(settings).send().await.expect(200);
    assert_eq!(
        defaults,
        json!({"profile": "sr-11-7", "separation_of_duties": false,
        "validation_months": {"tier_1": 12, "tier_2": 18, "tier_3": 24, "tier_4": 36},
        "materiality_months": {"low": 36, "medium": 24, "high": 12}})
    );
    let owner = api.new_user_token("ann", "admin", "Ann@example.com");
    let other = api.new_user_token("bob", "admin", "bob@example.com");
    let entry = api
        .new_model(&json!({"owner": "ann@example.com", "validation_status": "in_validation"}))
        .await;
    let path = format!("/api/admin/models/{}", entry["id"].as_str().unwrap());
    let validate = json!({"validation_status": "validated"});
    let separate = json!({"separation_of_duties": true});
    assert_eq!(
        api.put(settings, &separate).send().await.expect(200)["separation_of_duties"],
        true
    );
    let refused = api.put(&path, &validate).bearer(&owner).send().await;
    refused.problem(422, "separation_of_duties");
    let evasive = json!({"validation_status": "validated", "owner": "bob@example.com"});
    api.put(&path, &evasive)
        .bearer(&owner)
        .send()
        .await
        .problem(422, "separation_of_duties");
    api.put(&path, &validate)
        .bearer(&other)
        .send()
        .await
        .expect(200);
}

async fn the_profile_of_2026_goes_by_materiality(api: Api) {
    let settings = "/api/admin/model-registry-settings";
    let chosen = json!({"profile": "sr-26-2", "materiality_months": {"high": 6}});
    let now = api.put(settings, &chosen).send().await.expect(200);
    assert_eq!(
        (&now["profile"], &now["materiality_months"]["high"]),
        (&json!("sr-26-2"), &json!(6))
    );
    let entry = api
        .new_model(
            &json!({"risk_tier": "tier_4", "validation_status": "in_validation",
        "exposure": "high", "purpose": "high", "technique": "statistical"}),
        )
        .await;
    assert_eq!(
        (
            &entry["materiality"],
            &entry["in_scope"],
            &entry["guidance_profile"]
        ),
        (&json!("high"), &json!(true), &json!("sr-26-2"))
    );
    let path = format!("/api/admin/models/{}", entry["id"].as_str().unwrap());
    let validated = api
        .put(&path, &json!({"validation_status": "validated"}))
        .send()
        .await
        .expect(200);
    let life = instant(&validated["validation_expires_at"]) - instant(&validated["validated_at"]);
    assert!((180..=184).contains(&life.whole_days()), "{life}");
    let outside = api.new_model(&json!({"technique": "generative"})).await;
    assert_eq!(outside["in_scope"], false);
    for (body, field) in [
        (json!({"profile": "sr-99"}), "/profile"),
        (
            json!({"validation_months": {"tier_9": 12}}),
            "/validation_months/tier_9",
        ),
        (
            json!({"validation_months": {"tier_1": 121}}),
            "/validation_months/tier_1",
        ),
        (
            json!({"separation_of_duties": "yes"}),
            "/separation_of_duties",
        ),
    ] {
        let reply = api.put(settings, &body).send().await;
        assert_eq!(reply.faults(400, "validation_error"), [field], "{body}");
    }
    assert_eq!(api.get(settings).send().await.expect(200), now);
}

async fn the_family_is_for_admins(api: Api) {
    for scopes in ["read", "write", "read,write"] {
        let key = api.new_key(scopes);
        for (method, path) in [
            (Method::GET, "/api/admin/models"),
            (Method::POST, "/api/admin/models"),
            (Method::POST, "/api/admin/models/discover"),
            (Method::GET, "/api/admin/model-inventory-export"),
        ] {
            let reply = api.call(method, path).bearer(&key).send().await;
            reply.problem(403, "forbidden");
        }
    }
}

async fn unusual_text_comes_back_as_it_was(api: Api) {
    for text in [
        "Ω≈ç√∫˜µ≤≥÷",
        "田中さんにあげて下さい",
        "👩‍👩‍👧‍👦 🏳️‍🌈",
        "\u{202e}rtl",
        "A\u{30a}",
        "İıß",
        "'; DROP TABLE x;--",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "$(touch x)",
        "%s%n",
        "../../etc/passwd",
        "\u{feff}bom",
        "a\u{301}",
        "null",
        "NaN",
    ] {
        let entry = api.new_model(&json!({"display_name": text, "description": text, "owner": text, "tags": {text: text}})).await;
        let read = api
            .get(&format!(
                "/api/admin/models/{}",
                entry["id"].as_str().unwrap()
            ))
            .send()
            .await
            .expect(200);
        for name in ["display_name", "description", "owner"] {
            assert_eq!(read[name], text);
        }
        assert_eq!(read["tags"], json!({text: text}));
    }
    let lone = br#"{"model_id":"x","provider":"p","risk_tier":"tier_1","owner":"\ud800"}"#;
    let reply = api
        .call(Method::POST, "/api/admin/models")
        .raw("application/json", *lone)
        .send()
        .await;
    reply.problem(400, "validation_error");
}

both!(
    the_printed_requests_get_the_printed_answers,
    what_is_left_out_gets_the_printed_defaults,
    missing_and_invalid_fields_are_400_and_named,
    pages_hold_what_they_say_and_limits_are_refused_not_clamped,
    filters_and_search_find_what_they_should,
    put_changes_what_it_names_and_replaces_the_tags,
    each_of_the_36_moves_is_permitted_or_refused_as_the_table_says,
    discovery_creates_drafts_for_models_in_use,
    the_export_is_the_printed_csv_or_the_list,
    raising_the_tier_of_a_validated_model_makes_it_due,
    the_owner_does_not_validate_where_duties_are_separate,
    the_profile_of_2026_goes_by_materiality,
    the_family_is_for_admins,
    unusual_text_comes_back_as_it_was,
);
