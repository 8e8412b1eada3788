//! The stream of governance events: order, filters, pages, and what a confined credential sees.

use serde_json::{Value, json};

use crate::harness::Api;

const EVENTS: &str = "/api/v1/governance-events";

async fn events(api: &Api, query: &str) -> Value {
    api.get(&format!("{EVENTS}?{query}"))
        .send()
        .await
        .expect(200)
}

fn types(page: &Value) -> Vec<&str> {
    let listed = page["events"].as_array().unwrap();
    listed
        .iter()
        .map(|one| one["event_type"].as_str().unwrap())
        .collect()
}

async fn red(api: &Api, product: &str) {
    let body = json!({"modelId": product, "driftScore": 90, "fairnessScore": 99, "sampleSize": 10});
    api.post("/api/v1/metrics", &body).send().await.expect(200);
}

async fn what_happened_is_told_newest_first(api: Api) {
    let product = api.new_product().await;
    red(&api, &product).await;
    let page = events(&api, "").await;
    assert_eq!(
        types(&page),
        [
            "compliance.threshold.breach",
            "guardian.trigger.fired",
            "product.created",
            "space.created"
        ]
    );
    assert_eq!(page["count"], 4);
    assert_eq!(page["next_cursor"], Value::Null);
    let breach = &page["events"][0];
    for (field, prefix) in [("id", "evt_"), ("source_id", "snap_")] {
        assert!(
            breach[field].as_str().unwrap().starts_with(prefix),
            "{breach}"
        );
    }
    assert_eq!(breach["source_table"], "metric_snapshots");
    assert_eq!(breach["product_id"], product);
    assert_eq!(breach["score_after"], 90.0);
    let indexes: Vec<_> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["audit_index"])
        .collect();
    assert_eq!(indexes[0], indexes[1], "one ingestion is one leaf");
    assert!(indexes[1].as_u64() > indexes[2].as_u64());
}

async fn filters_narrow(api: Api) {
    let product = api.new_product().await;
    let other = api.new_product().await;
    red(&api, &product).await;
    let all = events(&api, "").await;
    let source = all["events"][0]["source_id"].as_str().unwrap().to_owned();
    let at = all["events"][0]["created_at"].as_str().unwrap().to_owned();
    for (query, expected) in [
        ("event_type=guardian.trigger.fired".to_owned(), 1),
        (
            "event_type=guardian.trigger.fired&event_type=product.created".to_owned(),
            3,
        ),
        ("event_type=nothing.of_the_kind".to_owned(), 0),
        (format!("product_id={product}"), 3),
        (format!("product_id={other}"), 1),
        (
            format!("product_id={product}&event_type=product.created"),
            1,
        ),
        (format!("source_id={source}"), 2),
        (format!("finding_id={source}"), 2),
        (format!("from={at}"), 2),
        (format!("to={at}"), 4),
        ("finding_id=fnd_00000000000000000000000002".to_owned(), 0),
    ] {
        let page = events(&api, &query).await;
        assert_eq!(page["count"], expected, "{query}: {page}");
        assert_eq!(
            page["events"].as_array().unwrap().len(),
            expected,
            "{query}"
        );
    }
}

async fn pages_hold_every_event_once(api: Api) {
    let product = api.new_product().await;
    for _ in 0..3 {
        red(&api, &product).await;
        let green =
            json!({"modelId": product, "driftScore": 1, "fairnessScore": 99, "sampleSize": 10});
        api.post("/api/v1/metrics", &green).send().await.expect(200);
    }
    let all = events(&api, "limit=100").await;
    let mut walked = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = events(&api, &query).await;
        walked.extend(page["events"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("limit=2&cursor={next}");
        // What happens meanwhile does not move the pages.
        red(&api, &product).await;
    }
    assert_eq!(Value::from(walked), all["events"]);
    let skipped = events(&api, "limit=3&offset=2").await;
    let tail = events(&api, "limit=5").await;
    assert_eq!(
        skipped["events"].as_array().unwrap()[..],
        tail["events"].as_array().unwrap()[2..]
    );
}

async fn what_is_asked_wrongly_is_named(api: Api) {
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("event_type=Nonsense", "event_type"),
        ("from=yesterday", "from"),
        ("to=2026-01-01", "to"),
        ("product_id=7", "product_id"),
        ("source_id=xyz_7", "source_id"),
        ("cursor=7", "cursor"),
    ] {
        let reply = api.get(&format!("{EVENTS}?{query}")).send().await;
        let problem = reply.expect(400);
        assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
    }
}

async fn a_confined_key_sees_what_is_about_its_spaces(api: Api) {
    let space = api.new_space().await;
    let mine = api.product_in(&space).await;
    let other = api.new_product().await;
    red(&api, &mine).await;
    red(&api, &other).await;
    let spaces = api
        .get(&format!(
            "/api/v1.0/organizations/{}/spaces",
            api.organization
        ))
        .send()
        .await
        .expect(200);
    let id = spaces
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["slug"] == *space)
        .unwrap()["id"]
        .clone();
    let asked = json!({"name": "confined", "scopes": ["read"], "spaces": [id]});
    let key = api
        .post("/api/v1/api-keys", &asked)
        .send()
        .await
        .expect(201);
    let key = key["key"].as_str().unwrap();
    let page = api.get(EVENTS).bearer(key).send().await.expect(200);
    let about: Vec<_> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["product_id"])
        .collect();
    assert_eq!(about, [&mine, &mine, &mine], "{page}");
}

both!(
    what_happened_is_told_newest_first,
    filters_narrow,
    pages_hold_every_event_once,
    what_is_asked_wrongly_is_named,
    a_confined_key_sees_what_is_about_its_spaces,
);
