//! Versions of products, and what the summaries of model records say of them.

use serde_json::{Value, json};

use crate::harness::Api;

async fn one_version_is_current_and_the_summaries_tell_it(api: Api) {
    let space = api.new_space().await;
    let models = format!("/api/v1.0/catalog/spaces/{space}/model-repository/models");
    let made = api.post(&models, &json!({"name": "Churn"})).send().await;
    let made = made.expect(201);
    assert_eq!(made["version_count"], 0);
    let product = made["id"].as_str().unwrap();
    let list = format!("/api/v1.0/catalog/products/{product}/versions");
    assert_eq!(api.get(&list).send().await.expect(200), json!([]));

    let body = json!({"version_number": "1.0.0", "version_type": "major",
        "release_date": "2026-06-01T00:00:00Z", "release_notes": "First"});
    let first = api.post(&list, &body).send().await;
    assert_eq!(first.header("etag"), "\"v1\"");
    let first = first.expect(201);
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(first[field], *value, "{field}");
    }
    assert_eq!(
        (&first["is_current"], &first["product_id"]),
        (&json!(true), &made["id"])
    );
    api.post(&list, &body)
        .send()
        .await
        .problem(409, "version_number_taken");

    let next = json!({"version_number": "1.1.0", "release_date": "2026-06-28T00:00:00Z"});
    let second = api.post(&list, &next).send().await.expect(201);
    let rc =
        json!({"version_number": "2.0.0-rc", "version_type": "prerelease", "is_current": false});
    api.post(&list, &rc).send().await.expect(201);
    let page = api.get(&format!("{list}?limit=2")).send().await;
    assert_eq!(
        (page.header("x-total-count"), page.header("x-page")),
        ("3", "1")
    );
    assert_eq!(page.header("x-has-more"), "true");
    let after = format!("{list}?limit=2&cursor={}", page.header("x-next-cursor"));
    let told = |versions: &Value| -> Vec<(String, bool)> {
        let one = |it: &Value| {
            let number = it["version_number"].as_str().unwrap().to_owned();
            (number, it["is_current"].as_bool().unwrap())
        };
        versions.as_array().unwrap().iter().map(one).collect()
    };
    let expected = [("2.0.0-rc".to_owned(), false), ("1.1.0".to_owned(), true)];
    assert_eq!(told(&page.expect(200)), expected);
    let rest = api.get(&after).send().await.expect(200);
    assert_eq!(told(&rest), [("1.0.0".to_owned(), false)]);

    let listed = api.get(&models).send().await.expect(200);
    let record = format!("/api/v1.0/catalog/products/{product}/model-repository");
    let call = api.call(reqwest::Method::PATCH, &record);
    let patched = call.json(&json!({"limitations": "Some"})).send().await;
    for summary in [&listed[0], &patched.expect(200)] {
        assert_eq!(summary["version_count"], 3);
        assert_eq!(summary["current_version_id"], second["id"]);
        assert_eq!(summary["current_version_number"], "1.1.0");
        assert_eq!(summary["current_version_type"], "minor");
        assert_eq!(
            summary["current_version_release_date"],
            next["release_date"]
        );
    }
}

async fn faults_repetitions_and_archived_products(api: Api) {
    let space = api.new_space().await;
    let product = api.product_in(&space).await;
    let list = format!("/api/v1.0/catalog/products/{product}/versions");
    let wrong = json!({"version_type": "huge", "release_date": "yesterday"});
    let mut faults = api
        .post(&list, &wrong)
        .send()
        .await
        .faults(422, "validation_error");
    faults.sort();
    assert_eq!(
        faults,
        ["/release_date", "/version_number", "/version_type"]
    );
    api.get(&format!("{list}?limit=101"))
        .send()
        .await
        .faults(422, "validation_error");

    let body = json!({"version_number": "1"});
    let once = async || {
        let call = api
            .post(&list, &body)
            .header("idempotency-key", "version-1");
        call.send().await.expect(201)
    };
    assert_eq!(once().await, once().await);
    let reader = api.new_key("read");
    let refused = api
        .post(&list, &json!({"version_number": "2"}))
        .bearer(&reader);
    refused.send().await.problem(403, "forbidden");

    let whole = format!("/api/v1.0/catalog/spaces/{space}/products/{product}");
    api.delete(&whole).send().await.expect(204);
    let late = api
        .post(&list, &json!({"version_number": "2"}))
        .send()
        .await;
    late.problem(409, "product_archived");
    let kept = api.get(&list).send().await.expect(200);
    assert_eq!(kept.as_array().unwrap().len(), 1);
}

async fn versions_recorded_at_once_leave_one_current(api: Api) {
    let product = api.new_product().await;
    let list = format!("/api/v1.0/catalog/products/{product}/versions");
    let record = |number: u32| {
        let body = json!({"version_number": number.to_string()});
        let call = api.post(&list, &body);
        async move { call.send().await.expect(201) }
    };
    futures_util::future::join_all((0..12).map(record)).await;
    let all = api.get(&list).send().await.expect(200);
    let all = all.as_array().unwrap();
    let current = all.iter().filter(|it| it["is_current"] == true).count();
    assert_eq!((all.len(), current), (12, 1));
}

both!(
    one_version_is_current_and_the_summaries_tell_it,
    faults_repetitions_and_archived_products,
    versions_recorded_at_once_leave_one_current,
);
