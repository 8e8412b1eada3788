//! Import of many products from one file.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Call};

both!(
    a_file_is_imported_once_and_again_changes_nothing,
    json_lines_say_the_same_as_csv,
    a_dry_run_writes_nothing,
    a_faulty_row_keeps_the_whole_file_out,
    a_product_that_differs_becomes_what_its_row_says,
    a_row_without_a_name_updates_and_never_creates,
    the_record_for_governance_has_its_columns,
    an_archived_product_is_not_updated,
    rival_imports_of_one_file_all_agree,
    the_capacity_of_the_space_counts_for_the_whole_file,
    a_repeated_request_gives_the_first_outcome_back,
    what_is_no_file_of_products_is_refused,
    imported_products_are_judged,
    a_thousand_rows_are_one_import,
);

fn path(space: &str) -> String {
    format!("/api/v1.0/catalog/spaces/{space}/products/import")
}

fn import(api: &Api, path: &str, media: &str, text: impl Into<Vec<u8>>) -> Call {
    api.call(Method::POST, path).raw(media, text)
}

async fn listed(api: &Api, space: &str) -> Vec<Value> {
    let path = format!("/api/v1.0/catalog/spaces/{space}/model-repository/models");
    let found = api.get(&path).send().await.expect(200);
    found.as_array().unwrap().clone()
}

const CSV: &str = "name,slug,risk_classification,is_gpai,input_schema,description\r\n\
    Churn,churn,limited,false,\"{\"\"type\"\":\"\"object\"\"}\",\"Two\nlines, \"\"quoted\"\"\"\r\n\
    Claims Triage,,high,,,\r\n";

async fn a_file_is_imported_once_and_again_changes_nothing(api: Api) {
    let space = api.new_space().await;
    let done = import(&api, &path(&space), "text/csv; charset=utf-8", CSV);
    let done = done.send().await.expect(200);
    for (member, value) in [
        ("rows", 2),
        ("created", 2),
        ("updated", 0),
        ("unchanged", 0),
    ] {
        assert_eq!(done[member], value, "{member}");
    }
    assert_eq!(done["dry_run"], false);
    assert_eq!(done["products"][1]["slug"], "claims-triage");
    assert_eq!(done["products"][1]["row"], 2);
    let models = listed(&api, &space).await;
    assert_eq!(models.len(), 2);
    let churn = models.iter().find(|one| one["slug"] == "churn").unwrap();
    assert_eq!(churn["id"], done["products"][0]["id"]);
    assert_eq!(churn["description"], "Two\nlines, \"quoted\"");
    assert_eq!(churn["input_schema"], json!({"type": "object"}));

    let again = import(&api, &path(&space), "text/csv", CSV);
    let again = again.send().await.expect(200);
    assert_eq!(
        (&again["created"], &again["unchanged"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(again["products"][0]["id"], done["products"][0]["id"]);
    assert_eq!(again["products"][0]["outcome"], "unchanged");
    assert_eq!(listed(&api, &space).await, models);
}

async fn json_lines_say_the_same_as_csv(api: Api) {
    let space = api.new_space().await;
    import(&api, &path(&space), "text/csv", CSV)
        .send()
        .await
        .expect(200);
    let lines = "{\"name\":\"Churn\",\"slug\":\"churn\",\"risk_classification\":\"limited\",\"is_gpai\":false,\
        \"input_schema\":{\"type\":\"object\"},\"description\":\"Two\\nlines, \\\"quoted\\\"\"}\n\n\
        {\"name\":\"Claims Triage\",\"risk_classification\":\"high\",\"framework\":null}\n";
    for media in ["application/x-ndjson", "application/jsonl"] {
        let same = import(&api, &path(&space), media, lines)
            .send()
            .await
            .expect(200);
        assert_eq!(same["unchanged"], 2);
        assert_eq!(same["products"][1]["row"], 3);
    }
}

async fn a_dry_run_writes_nothing(api: Api) {
    let space = api.new_space().await;
    let dry = format!("{}?dry_run=true", path(&space));
    let would = import(&api, &dry, "text/csv", CSV).send().await.expect(200);
    assert_eq!(
        (&would["dry_run"], &would["created"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(would["products"][0]["id"], Value::Null);
    assert!(listed(&api, &space).await.is_empty());
    let unclear = format!("{}?dry_run=yes", path(&space));
    let refused = import(&api, &unclear, "text/csv", CSV).send().await;
    assert_eq!(refused.expect(422)["errors"][0]["field"], "dry_run");
}

async fn a_faulty_row_keeps_the_whole_file_out(api: Api) {
    let space = api.new_space().await;
    let rows = "name,slug,risk_classification\nA,a,limited\nB,B,grave\n,,\nA again,a,\n";
    let refused = import(&api, &path(&space), "text/csv", rows)
        .send()
        .await
        .expect(422);
    assert_eq!(refused["code"], "import_refused");
    assert_eq!(refused["error_count"], 4);
    let told = refused["errors"].as_array().unwrap().iter();
    let told: Vec<_> = told
        .map(|fault| {
            (
                fault["row"].as_u64().unwrap(),
                fault["field"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        (2, "/slug"),
        (2, "/risk_classification"),
        (3, "/name"),
        (4, "/slug"),
    ];
    assert_eq!(told, expected);
    let message = refused["errors"][3]["message"].as_str().unwrap();
    assert!(message.contains("rows 1 and 4"), "{message}");
    assert!(listed(&api, &space).await.is_empty());

    // Two faults a row.
    let many = "x,grave,ftp://x\n".repeat(750);
    let many = format!("name,risk_classification,serving_url\n{many}");
    let refused = import(&api, &path(&space), "text/csv", many)
        .send()
        .await
        .expect(422);
    assert_eq!(refused["errors"].as_array().unwrap().len(), 1000);
    assert_eq!(refused["error_count"], 1500);
}

async fn a_product_that_differs_becomes_what_its_row_says(api: Api) {
    let space = api.new_space().await;
    import(&api, &path(&space), "text/csv", CSV)
        .send()
        .await
        .expect(200);
    let before = listed(&api, &space).await;
    let rows =
        "name,slug,risk_classification,framework\nNew,new,limited,\nChurn,churn,high,XGBoost\n";
    let dry = format!("{}?dry_run=true", path(&space));
    let would = import(&api, &dry, "text/csv", rows)
        .send()
        .await
        .expect(200);
    assert_eq!(would["products"][1]["outcome"], "updated");
    assert_eq!(
        would["products"][1]["changed_fields"],
        json!(["risk_classification", "framework"])
    );
    assert_eq!(listed(&api, &space).await, before);

    let done = import(&api, &path(&space), "text/csv", rows);
    let done = done.header("Idempotency-Key", "twice");
    let done = done.send().await.expect(200);
    for (member, value) in [("created", 1), ("updated", 1), ("unchanged", 0)] {
        assert_eq!(done[member], value, "{member}");
    }
    let after = listed(&api, &space).await;
    let churn = after.iter().find(|one| one["slug"] == "churn").unwrap();
    assert_eq!(churn["risk_classification"], "high");
    assert_eq!(churn["framework"], "XGBoost");
    // What the row leaves out stays.
    assert_eq!(churn["description"], "Two\nlines, \"quoted\"");
    assert_eq!(churn["id"], done["products"][1]["id"]);
    let again = import(&api, &path(&space), "text/csv", rows);
    let again = again.header("Idempotency-Key", "twice");
    assert_eq!(again.send().await.expect(200), done);
    let same = import(&api, &path(&space), "text/csv", rows);
    assert_eq!(same.send().await.expect(200)["unchanged"], 2);
    let events = api.get("/api/v1/governance-events?limit=100").send().await;
    let text = events.expect(200).to_string();
    assert!(text.contains("\"changed_fields\":[\"risk_classification\",\"framework\"]"));
}

async fn a_row_without_a_name_updates_and_never_creates(api: Api) {
    let space = api.new_space().await;
    let first = import(&api, &path(&space), "text/csv", CSV);
    first.send().await.expect(200);
    let rows = "slug,risk_classification\nchurn,minimal\n";
    let done = import(&api, &path(&space), "text/csv", rows);
    assert_eq!(done.send().await.expect(200)["updated"], 1);
    let rows = "slug,risk_classification\nchurn,high\nnobody,minimal\n";
    let refused = import(&api, &path(&space), "text/csv", rows);
    let refused = refused.send().await.expect(422);
    let fault = &refused["errors"][0];
    assert_eq!(
        (&fault["row"], &fault["field"]),
        (&json!(2), &json!("/name"))
    );
    assert_eq!(fault["code"], "required");
    let models = listed(&api, &space).await;
    let churn = models.iter().find(|one| one["slug"] == "churn").unwrap();
    assert_eq!(churn["risk_classification"], "minimal", "all or none");
}

async fn the_record_for_governance_has_its_columns(api: Api) {
    let space = api.new_space().await;
    let line = json!({
        "name": "Churn", "owner": "Ada", "monitoring_plan": "weekly", "no_data_dependencies": true,
        "next_review_due_at": "2031-01-01T00:00:00Z",
        "technical_documentation": {"data_governance": "From the CRM."}
    });
    let done = import(&api, &path(&space), "application/jsonl", line.to_string());
    let done = done.send().await.expect(200);
    let id = done["products"][0]["id"].as_str().unwrap();
    let one = format!("/api/v1.0/catalog/spaces/{space}/products/{id}");
    let product = api.get(&one).send().await.expect(200);
    for member in [
        "owner",
        "monitoring_plan",
        "no_data_dependencies",
        "next_review_due_at",
    ] {
        assert_eq!(product[member], line[member], "{member}");
    }
    let documented = &product["ai_details"]["technical_documentation"];
    assert_eq!(documented["data_governance"], "From the CRM.");
    let csv = "slug,owner,no_data_dependencies,technical_documentation\n\
        churn,Grace,false,\"{\"\"data_governance\"\":null,\"\"change_log\"\":\"\"v2\"\"}\"\n";
    let done = import(&api, &path(&space), "text/csv", csv);
    assert_eq!(
        done.send().await.expect(200)["products"][0]["changed_fields"],
        json!(["owner", "no_data_dependencies", "technical_documentation"])
    );
    let product = api.get(&one).send().await.expect(200);
    assert_eq!(product["owner"], "Grace");
    assert_eq!(
        product["ai_details"]["technical_documentation"],
        json!({"change_log": "v2"})
    );
    let wrong = "name,owner,next_review_due_at,technical_documentation,no_data_dependencies\n\
        A,,tomorrow,[1],maybe\nB,,,\"{\"\"preface\"\":\"\"x\"\"}\",\n";
    let refused = import(&api, &path(&space), "text/csv", wrong);
    let refused = refused.send().await.expect(422);
    let told = refused["errors"].as_array().unwrap().iter();
    let told: Vec<_> = told
        .map(|fault| {
            (
                fault["row"].as_u64().unwrap(),
                fault["field"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        (1, "/next_review_due_at"),
        (1, "/technical_documentation"),
        (1, "/no_data_dependencies"),
    ];
    assert_eq!(told, expected);
    let wrong = "name,technical_documentation\nB,\"{\"\"preface\"\":\"\"x\"\"}\"\n";
    let refused = import(&api, &path(&space), "text/csv", wrong);
    let refused = refused.send().await.expect(422);
    assert_eq!(
        refused["errors"][0]["field"],
        "/technical_documentation/preface"
    );
}

async fn an_archived_product_is_not_updated(api: Api) {
    let space = api.new_space().await;
    let done = import(&api, &path(&space), "text/csv", "name\nA\n");
    let done = done.send().await.expect(200);
    let id = done["products"][0]["id"].as_str().unwrap();
    let one = format!("/api/v1.0/catalog/spaces/{space}/products/{id}");
    api.call(Method::DELETE, &one).send().await.expect(204);
    let refused = import(&api, &path(&space), "text/csv", "name,framework\nA,x\n");
    let refused = refused.send().await.expect(422);
    assert_eq!(refused["errors"][0]["code"], "product_archived");
}

async fn rival_imports_of_one_file_all_agree(api: Api) {
    let space = api.new_space().await;
    let rows: Vec<String> = (0..8)
        .map(|rival| {
            let rows: Vec<String> = (0..20)
                .map(|row| format!("M {row},m-{row},{rival}\n"))
                .collect();
            format!("name,slug,framework\n{}", rows.concat())
        })
        .collect();
    let path = path(&space);
    let calls = rows
        .iter()
        .map(|rows| import(&api, &path, "text/csv", rows.clone()).send());
    let mut taken = 0;
    for answer in futures_util::future::join_all(calls).await {
        if answer.status == 200 {
            taken += 1;
        } else {
            assert_eq!(answer.status, 409, "{}", answer.text());
        }
    }
    assert!(taken > 0);
    let models = listed(&api, &space).await;
    assert_eq!(models.len(), 20);
    // Every file was taken whole: the last one is what all products are.
    let framework = &models[0]["framework"];
    assert!(models.iter().all(|one| one["framework"] == *framework));
}

async fn the_capacity_of_the_space_counts_for_the_whole_file(api: Api) {
    let spaces = format!("/api/v1.0/organizations/{}/spaces", api.organization);
    let space = crate::harness::unique("small");
    let body = json!({"slug": space, "product_capacity": 2});
    api.post(&spaces, &body).send().await.expect(201);
    let three = "name\nA\nB\nC\n";
    for path in [path(&space), format!("{}?dry_run=true", path(&space))] {
        let refused = import(&api, &path, "text/csv", three).send().await;
        let problem = refused.expect(422);
        assert_eq!(problem["code"], "capacity_exceeded");
        assert_eq!(problem["capacity"], 2, "the limit is named");
    }
    assert!(listed(&api, &space).await.is_empty());
    for _ in 0..2 {
        import(&api, &path(&space), "text/csv", "name\nA\nB\n")
            .send()
            .await
            .expect(200);
    }
}

async fn a_repeated_request_gives_the_first_outcome_back(api: Api) {
    let space = api.new_space().await;
    let keyed = |text: &'static str| {
        import(&api, &path(&space), "text/csv", text).header("Idempotency-Key", "once")
    };
    let first = keyed(CSV).send().await.expect(200);
    assert_eq!(keyed(CSV).send().await.expect(200), first);
    keyed("name\nOther\n")
        .send()
        .await
        .problem(422, "idempotency_key_reused");
    assert_eq!(listed(&api, &space).await.len(), 2);
}

async fn what_is_no_file_of_products_is_refused(api: Api) {
    let space = api.new_space().await;
    for (media, text, code) in [
        ("text/csv", "name,colour\nA,b\n", "unknown_column"),
        ("text/csv", "name,name\nA,b\n", "duplicate_column"),
        ("text/csv", "name\n\"A\n", "malformed"),
        ("text/csv", "name\nA,b\n", "wrong_number_of_fields"),
        ("text/csv", "", "required"),
        ("application/jsonl", "[1]\n", "malformed_json"),
        (
            "application/jsonl",
            "{\"name\":\"A\",\"name\":\"B\"}\n",
            "malformed_json",
        ),
        ("application/jsonl", "{\"name\":1}\n", "wrong_type"),
    ] {
        let refused = import(&api, &path(&space), media, text)
            .send()
            .await
            .expect(422);
        assert_eq!(refused["errors"][0]["code"], code, "{text}");
    }
    let large = "name\n".to_owned() + &"x".repeat(8 << 20);
    let refused = import(&api, &path(&space), "text/csv", large).send().await;
    refused.problem(413, "payload_too_large");
    let refused = import(&api, &path(&space), "application/json", "{}")
        .send()
        .await;
    refused.problem(415, "unsupported_media_type");
    let reader = api.new_key("read");
    let refused = import(&api, &path(&space), "text/csv", CSV).bearer(&reader);
    refused.send().await.expect(403);
    import(&api, &path("nowhere"), "text/csv", CSV)
        .send()
        .await
        .problem(404, "space_not_found");
}

async fn imported_products_are_judged(api: Api) {
    let space = api.new_space().await;
    let done = import(&api, &path(&space), "text/csv", CSV)
        .send()
        .await
        .expect(200);
    let path = format!(
        "/api/v1.0/organizations/{}/ai-governance-overview",
        api.organization
    );
    let overview = api.get(&path).send().await.expect(200);
    let text = overview.to_string();
    let id = done["products"][0]["id"].as_str().unwrap();
    assert!(text.contains(id), "{text}");
}

async fn a_thousand_rows_are_one_import(api: Api) {
    let space = api.new_space().await;
    let rows: Vec<String> = (0..1_000)
        .map(|row| format!("Model {row},m-{row}\n"))
        .collect();
    let rows = rows.concat();
    let started = std::time::Instant::now();
    let done = import(
        &api,
        &path(&space),
        "text/csv",
        format!("name,slug\n{rows}"),
    );
    assert_eq!(done.send().await.expect(200)["created"], 1_000);
    println!("1,000 rows were imported in {:?}", started.elapsed());
    let over = format!("name,slug\n{rows}One more,more\n");
    let refused = import(&api, &path(&space), "text/csv", over)
        .send()
        .await
        .expect(422);
    assert_eq!(refused["errors"][0]["code"], "too_many");
}
