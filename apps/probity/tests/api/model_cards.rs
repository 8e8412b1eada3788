//! Products out of model cards, and model cards out of products.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Call};

both!(
    a_card_becomes_a_product_and_the_product_a_card,
    a_card_updates_the_product_of_its_slug,
    what_is_wrong_with_a_card_names_the_key,
    the_front_matter_is_a_field_of_the_product,
    integers_that_readers_disagree_on_are_refused,
);

const CARD: &str = "---
license: apache-2.0
language:
- en
- no
library_name: scikit-learn
pipeline_tag: tabular-classification
datasets:
- acme/tickets
tags: [churn]
---

# Model Card for Churn

Predicts churn.

## Uses

Outreach.

## Training Data

Two years of the CRM.

## Citation

Us.
";

fn import(api: &Api, space: &str, card: impl Into<Vec<u8>>) -> Call {
    let path = format!("/api/v1.0/catalog/spaces/{space}/products/import");
    api.call(Method::POST, &path).raw("text/markdown", card)
}

async fn a_card_becomes_a_product_and_the_product_a_card(api: Api) {
    let space = api.new_space().await;
    let dry = format!("/api/v1.0/catalog/spaces/{space}/products/import?dry_run=true");
    let would = api.call(Method::POST, &dry).raw("text/markdown", CARD);
    let would = would.send().await.expect(200);
    assert_eq!(
        (&would["created"], &would["left_out"]),
        (&json!(1), &json!(["Citation"]))
    );
    let done = import(&api, &space, CARD).send().await.expect(200);
    assert_eq!(
        (&done["created"], &done["left_out"]),
        (&json!(1), &json!(["Citation"]))
    );
    let id = done["products"][0]["id"].as_str().unwrap();
    let one = format!("/api/v1.0/catalog/spaces/{space}/products/{id}");
    let product = api.get(&one).send().await.expect(200);
    for (member, value) in [
        ("name", "Churn"),
        ("slug", "churn"),
        ("description", "Predicts churn."),
        ("intended_use", "Outreach."),
        ("framework", "scikit-learn"),
        ("model_task_type", "classification"),
        ("model_family", "traditional_ml"),
    ] {
        assert_eq!(product[member], value, "{member}");
    }
    let details = &product["ai_details"];
    assert_eq!(
        details["technical_documentation"],
        json!({"data_governance": "Two years of the CRM."})
    );
    assert_eq!(details["model_card"]["language"], json!(["en", "no"]));
    let more = json!({
        "risk_classification": "high", "limitations": "# Not a section\n\n```\nopen",
        "owner": "no", "input_schema": {"type": "object"}
    });
    api.call(Method::PATCH, &one)
        .json(&more)
        .send()
        .await
        .expect(200);

    let card = api.get(&format!("{one}/model-card")).send().await;
    assert_eq!(card.status, 200);
    assert_eq!(card.header("content-type"), "text/markdown; charset=utf-8");
    assert_eq!(
        card.header("content-disposition"),
        "attachment; filename=\"churn.md\""
    );
    assert_eq!(
        card.header("etag"),
        api.get(&one).send().await.header("etag")
    );
    let text = card.text();
    for line in [
        "license: apache-2.0",
        "  - \"no\"",
        "# Churn",
        "## Uses",
        "  risk_classification: high",
    ] {
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
    let again = import(&api, &space, text.clone()).send().await.expect(200);
    assert_eq!(again["unchanged"], 1, "{text}");
    let elsewhere = api.new_space().await;
    let copied = import(&api, &elsewhere, text).send().await.expect(200);
    let copy = copied["products"][0]["id"].as_str().unwrap();
    let copy = format!("/api/v1.0/catalog/spaces/{elsewhere}/products/{copy}");
    let (mut copy, mut original) = (
        api.get(&copy).send().await.expect(200),
        api.get(&one).send().await.expect(200),
    );
    for own in [
        "id",
        "space_id",
        "space_slug",
        "space_name",
        "created_at",
        "updated_at",
    ] {
        copy[own] = Value::Null;
        original[own] = Value::Null;
    }
    copy["ai_details"]["documentation_updated_at"] = Value::Null;
    original["ai_details"]["documentation_updated_at"] = Value::Null;
    assert_eq!(copy, original);
}

async fn a_card_updates_the_product_of_its_slug(api: Api) {
    let space = api.new_space().await;
    let first = import(&api, &space, CARD).send().await.expect(200);
    let changed = CARD
        .replace("apache-2.0", "mit")
        .replace("Outreach.", "Retention.");
    let done = import(&api, &space, changed).send().await.expect(200);
    assert_eq!(done["updated"], 1);
    assert_eq!(done["products"][0]["id"], first["products"][0]["id"]);
    assert_eq!(
        done["products"][0]["changed_fields"],
        json!(["intended_use", "model_card"])
    );
    // By the slug that the card names, whatever its title.
    let other = "---\nprobity:\n  slug: churn\n---\n# Renamed\n";
    let done = import(&api, &space, other).send().await.expect(200);
    assert_eq!(done["products"][0]["changed_fields"], json!(["name"]));
}

async fn what_is_wrong_with_a_card_names_the_key(api: Api) {
    let space = api.new_space().await;
    for (card, field, code) in [
        ("---\nlicense: [1]\n---\n# A\n", "/license", "wrong_type"),
        (
            "---\nprobity: {color: red}\n---\n# A\n",
            "/probity/color",
            "unknown_key",
        ),
        (
            "---\nprobity: {lifecycle_stage: x}\n---\n# A\n",
            "/probity/lifecycle_stage",
            "unknown_value",
        ),
        ("---\na: &a [*a]\n---\n# A\n", "", "malformed"),
        ("---\na: [\n---\n# A\n", "", "malformed"),
        ("---\nlicense: mit\n", "", "malformed"),
        ("", "/name", "required"),
        (
            "---\nlicense: \"\\0\"\n---\n# N\n",
            "/license",
            "control_character",
        ),
        (
            "---\ntags: [\"\\0\"]\n---\n# N\n",
            "/tags/0",
            "control_character",
        ),
        (
            "---\nown: {a: \"\\0\"}\n---\n# N\n",
            "/own/a",
            "control_character",
        ),
        (
            "---\nmodel-index: [{name: \"\\0\"}]\n---\n# N\n",
            "/model-index/0/name",
            "control_character",
        ),
        ("---\nx: 12345678901234567890\n---\n# A\n", "", "malformed"),
    ] {
        let refused = import(&api, &space, card).send().await.expect(422);
        assert_eq!(refused["code"], "import_refused", "{card}");
        let fault = &refused["errors"][0];
        assert_eq!(
            (&fault["field"], &fault["code"]),
            (&json!(field), &json!(code)),
            "{card}"
        );
        assert_eq!(fault["row"], 1);
    }
    let bomb: String = (0..2_000).fold(String::new(), |text, n| {
        text + &format!("k{n}: [[[[[[[[x]]]]]]]]\n")
    });
    let refused = import(&api, &space, format!("---\n{bomb}---\n# A\n"));
    let refused = refused.send().await.expect(422);
    assert_eq!(refused["errors"][0]["code"], "too_many");
    let refused = import(&api, &space, vec![b'#', b' ', 0xff]).send().await;
    assert_eq!(refused.expect(422)["errors"][0]["code"], "malformed");
}

async fn the_front_matter_is_a_field_of_the_product(api: Api) {
    let space = api.new_space().await;
    let path = format!("/api/v1.0/catalog/spaces/{space}/products");
    let body =
        json!({"name": "A", "ai_details": {"model_card": {"license": "mit", "own": {"x": 1.5}}}});
    let made = api.post(&path, &body).send().await.expect(201);
    assert_eq!(
        made["ai_details"]["model_card"],
        body["ai_details"]["model_card"]
    );
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    for wrong in [json!({"license": 1}), json!([]), json!({"": 1})] {
        let refused = api
            .call(Method::PATCH, &one)
            .json(&json!({"ai_details": {"model_card": wrong}}));
        let refused = refused.send().await.expect(422);
        let field = refused["errors"][0]["field"].as_str().unwrap();
        assert!(field.starts_with("/ai_details/model_card"), "{field}");
    }
    let removed = api
        .call(Method::PATCH, &one)
        .json(&json!({"ai_details": {"model_card": null}}));
    assert_eq!(
        removed.send().await.expect(200)["ai_details"]["model_card"],
        json!({})
    );
}

async fn integers_that_readers_disagree_on_are_refused(api: Api) {
    let product = api.new_product().await;
    let path = format!("/api/v1.0/catalog/products/{product}/model-repository");
    for whole in [
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551615",
    ] {
        let body = format!("{{\"input_schema\": {{\"maximum\": [{whole}]}}}}");
        let refused = api.call(Method::PATCH, &path).raw("application/json", body);
        let refused = refused.send().await.expect(422);
        assert_eq!(refused["errors"][0]["field"], "/input_schema");
        assert_eq!(refused["errors"][0]["code"], "inexact_integer");
    }
    let body = json!({"input_schema": {"maximum": 9_007_199_254_740_992_u64, "minimum": 1.5e300}});
    api.call(Method::PATCH, &path)
        .json(&body)
        .send()
        .await
        .expect(200);
}
