use probity_kernel::{Actor, Context, OrganizationId, ProductId, SpaceId};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::import::{ImportError, put_value};
use crate::new_product::{NewProduct, ProductInput};
use crate::patch::ProductPatch;
use crate::product::Product;
use crate::repository::CatalogWrite;
use crate::slug::ProductSlug;
use crate::space::{NewSpace, Space};

fn context() -> Context {
    let organization = OrganizationId::new(Uuid::from_u128(1));
    Context::new(
        organization,
        Actor::System("test"),
        datetime!(2026-03-13 09:00 UTC),
    )
}

fn product(input: ProductInput) -> Product {
    let ctx = context();
    let space = NewSpace::parse("ml", "ML", None).unwrap();
    let space = Space::create(&ctx, SpaceId::new(Uuid::from_u128(2)), space);
    let CatalogWrite::CreateSpace { space, .. } = space.into_parts().1 else {
        panic!("no space");
    };
    let new = NewProduct::parse(input).unwrap();
    let slug = ProductSlug::from_name(&new.name);
    let id = ProductId::new(Uuid::from_u128(3));
    let write = Product::create(&ctx, id, &space, slug, new).into_parts().1;
    let CatalogWrite::CreateProduct { product, .. } = write else {
        panic!("{write:?}");
    };
    *product
}

fn faults(text: &str) -> Vec<(String, &'static str)> {
    match read(text.as_bytes()) {
        Ok(card) => match crate::import::judged(card.row) {
            Ok(()) => Vec::new(),
            Err(error) => told(error),
        },
        Err(error) => told(error),
    }
}

fn told(error: ImportError) -> Vec<(String, &'static str)> {
    let ImportError::Rows(faults) = error else {
        panic!("{error:?}");
    };
    let faults = faults.into_iter();
    faults.map(|one| (one.field, one.code)).collect()
}

const CARD: &str = "---
license: apache-2.0
language:
- en
- no
library_name: transformers
pipeline_tag: text-classification
tags: [churn, tabular]
datasets:
  - acme/tickets
base_model: acme/base
model-index:
- name: churn
  results:
  - task: {type: text-classification}
    dataset: {name: Tickets, type: acme/tickets}
    metrics:
    - {type: accuracy, value: 0.91}
---
<img src='badge'>

# Model Card for Churn

Predicts churn.

## Model Details

### Model Description

A classifier.

- **Developed by:** Acme

## Uses

### Direct Use

Outreach.

## Bias, Risks, and Limitations

<!-- What to know -->

[More Information Needed]

## How to Get Started

```python
# not a heading
```

## Training Data

From the CRM.

## Training Procedure

Nightly.
";

#[test]
fn a_card_of_a_hub_becomes_a_product() {
    let card = read(CARD.replace('\n', "\r\n").as_bytes()).unwrap();
    assert_eq!(card.left_out, ["(before the title)", "How to Get Started"]);
    let made = product(card.row.input);
    assert_eq!(made.name, "Churn");
    assert_eq!(made.description.as_deref(), Some("Predicts churn."));
    assert!(
        made.long_description
            .as_deref()
            .unwrap()
            .ends_with("**Developed by:** Acme")
    );
    assert_eq!(
        made.model.intended_use.as_deref(),
        Some("### Direct Use\n\nOutreach.")
    );
    assert_eq!(made.model.limitations, None);
    assert_eq!(made.model.framework.as_deref(), Some("transformers"));
    assert_eq!(
        made.model.model_task_type.unwrap().as_str(),
        "classification"
    );
    let documented: Vec<&String> = made.dossier.technical_documentation.values().collect();
    assert_eq!(
        documented,
        ["From the CRM.\n\n### Training Procedure\n\nNightly."]
    );
    let metadata = &made.dossier.model_card;
    assert_eq!(metadata.texts("license"), ["apache-2.0"]);
    assert_eq!(metadata.texts("language"), ["en", "no"]);
    assert_eq!(metadata.texts("datasets"), ["acme/tickets"]);
    assert_eq!(
        metadata.members()["model-index"][0]["results"][0]["metrics"][0]["value"],
        0.91
    );
    assert!(!metadata.members().contains_key("library_name"));
    assert_reads_back(&made);
}

#[test]
fn every_fault_names_its_key() {
    for (text, expected) in [
        (
            "---\nlicense: 1\nlanguage: {}\n---\n# A\n",
            vec![("/license", "wrong_type"), ("/language", "wrong_type")],
        ),
        (
            "---\nprobity: {colour: red, is_gpai: 1}\n---\n# A\n",
            vec![
                ("/probity/colour", "unknown_key"),
                ("/probity/is_gpai", "wrong_type"),
            ],
        ),
        (
            "---\nprobity: {risk_classification: grave}\n---\n# A\n",
            vec![("/probity/risk_classification", "unknown_value")],
        ),
        (
            "---\nprobity: []\n---\n# A\n",
            vec![("/probity", "wrong_type")],
        ),
        (
            "---\nlibrary_name: [a]\n---\n# A\n",
            vec![("/library_name", "wrong_type")],
        ),
        ("---\na: &b 1\n---\n# A\n", vec![("", "malformed")]),
        ("---\na: 1\n# A\n", vec![("", "malformed")]),
        ("no title\n", vec![("/name", "required")]),
        (
            "---\nmodel-index: 5\n---\n# A\n",
            vec![("/model-index", "wrong_type")],
        ),
    ] {
        let mut found = faults(text);
        found.sort_by_key(|(field, _)| expected.iter().position(|(name, _)| name == field));
        let found: Vec<_> = found
            .iter()
            .map(|(field, code)| (field.as_str(), *code))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
    let long = format!("# A\n\n## Uses\n\n{}\n", "x".repeat(20_001));
    assert_eq!(faults(&long), [("/sections/Uses".to_owned(), "too_long")]);
    let long = format!("# A\n\n## Evaluation\n\n{}\n", "x".repeat(100_001));
    assert_eq!(
        faults(&long),
        [("/sections/Evaluation".to_owned(), "too_long")]
    );
    let large = format!("---\na: {}\n---\n", "x".repeat(LARGEST_FRONT_MATTER));
    assert_eq!(faults(&large), [(String::new(), "too_large")]);
    assert!(read(b"\xff").is_err());
}

/// A product that is written and read is the same product.
fn assert_reads_back(before: &Product) {
    let text = write(before);
    let card = match read(text.as_bytes()) {
        Ok(card) => card,
        Err(error) => panic!("{error:?}\n{text}"),
    };
    assert!(card.left_out.is_empty(), "{:?}\n{text}", card.left_out);
    let change = before.update(&context(), ProductPatch::from(card.row.input.clone()));
    match change {
        Ok(None) => {}
        Ok(Some(change)) => panic!("{:?}\n{text}", change.event()),
        Err(error) => panic!("{error:?}\n{text}"),
    }
    let anew = product(card.row.input);
    assert_eq!(
        (anew.name, anew.model),
        (before.name.clone(), before.model.clone())
    );
    assert_eq!(anew.dossier, before.dossier);
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("# x\n"),
        Just("## y\n"),
        Just("```\n"),
        Just("~~~\n"),
        Just("===\n"),
        Just("---\n"),
        Just("<!--\n"),
        Just("<pre>\n"),
        Just("- a\n"),
        Just("> b\n"),
        Just("    code\n"),
        Just("\n"),
        Just("word "),
        Just("\\# z\n"),
        Just("[More Information Needed]\n"),
        Just("\r\n"),
        Just("\t"),
        Just("[a]: b\n"),
        Just("é🦙"),
        Just(" "),
    ];
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        name in "[#A-Za-z*:\"' -]{0,12}[a-z]",
        texts in prop::collection::vec(prop::option::of(texts()), 12),
        word in prop::option::of("[a-z:#'\" -]{1,9}"),
    ) {
        let mut input = ProductInput { name: Some(name), ..ProductInput::default() };
        let mut documentation = Map::new();
        for (text, field) in texts.into_iter().zip([
            "description", "long_description", "business_use_case", "intended_use", "limitations",
            "monitoring_plan", "general_description", "system_architecture", "data_governance",
            "performance_testing", "human_oversight", "change_log",
        ]) {
            let Some(text) = text else { continue };
            if crate::import::COLUMNS.contains(&field) {
                put_value(&mut input, field, json!(text)).unwrap();
            } else if !text.trim().is_empty() {
                documentation.insert(field.to_owned(), json!(text));
            }
        }
        put_value(&mut input, "technical_documentation", Value::Object(documentation)).unwrap();
        for field in ["framework", "owner", "provider", "vendor_model_id"] {
            if let Some(word) = &word && !word.trim().is_empty() {
                put_value(&mut input, field, json!(word)).unwrap();
            }
        }
        put_value(&mut input, "next_review_due_at", json!("2031-01-01T00:00:00.5Z")).unwrap();
        put_value(&mut input, "input_schema", json!({"no": [1, 2.5, null, "x: y"]})).unwrap();
        assert_reads_back(&product(input));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(---\n)?[ -~\n\u{e4}&*!#]{0,300}") {
        let _ = read(text.as_bytes());
        let _ = read(format!("---\n{text}\n---\n# A\n").as_bytes());
    }
}
