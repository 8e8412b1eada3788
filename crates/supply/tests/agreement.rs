//! Against what others published: the schema of CycloneDX, and bundles of the model-signing tool.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at the first fault"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use probity_supply::bom::{Bom, DataSource, EvaluationResult, ModelFile, Risk, UsedModel};
use probity_supply::signature::{PublicKey, SignatureError, verify};
use proptest::prelude::*;
use serde_json::{Value, json};
use time::macros::datetime;
use uuid::Uuid;

/// The schema with the list of licences put in; what a model never has (keys, JSON signatures) is open.
fn schema() -> jsonschema::Validator {
    let mut schema: Value =
        serde_json::from_str(include_str!("schema/bom-1.7.schema.json")).unwrap();
    let licences: Value = serde_json::from_str(include_str!("schema/spdx.schema.json")).unwrap();
    embed(&mut schema, &licences["enum"]);
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn embed(at: &mut Value, licences: &Value) {
    match at {
        Value::Object(members) => {
            let target = members
                .get("$ref")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if target.starts_with("spdx.") {
                *at = json!({"enum": licences});
            } else if target.starts_with("jsf-") || target.starts_with("cryptography-defs") {
                *at = json!({});
            } else {
                members
                    .values_mut()
                    .for_each(|member| embed(member, licences));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| embed(item, licences)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "most fields it fills are optional"
)]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[expect(clippy::too_many_lines, reason = "every field of a bill")]
fn full(is_model: bool) -> Bom {
    Bom {
        id: Uuid::from_u128(1),
        name: "Churn".to_owned(),
        is_model,
        version: text("2.1"),
        description: text("Predicts churn."),
        supplier: text("Acme"),
        owner: text("ada@example.com"),
        licences: vec![
            "apache-2.0".to_owned(),
            "openrail".to_owned(),
            "MIT OR Apache-2.0".to_owned(),
        ],
        licence_link: text("https://example.com/licence"),
        tags: vec!["churn".to_owned()],
        serving_url: text("https://models.example.com/churn"),
        task: text("classification"),
        family: text("traditional_ml"),
        architecture: text("XGBoost"),
        has_schemas: (true, true),
        use_cases: vec!["Outreach".to_owned()],
        limitations: vec!["New accounts".to_owned()],
        risks: vec![Risk {
            name: "Bias".to_owned(),
            mitigation: text("Reweighing"),
        }],
        results: vec![EvaluationResult {
            metric: "accuracy".to_owned(),
            value: "0.91".to_owned(),
            slice: text("Tickets"),
        }],
        properties: vec![("risk_classification".to_owned(), "limited".to_owned())],
        files: vec![ModelFile {
            id: Uuid::from_u128(2),
            name: "churn.onnx".to_owned(),
            version: text("v2"),
            media_type: "application/octet-stream; x=Y".to_owned(),
            sha256: "ab".repeat(32),
            properties: vec![("size_bytes".to_owned(), "1".to_owned())],
        }],
        data: vec![
            DataSource {
                reference: "data:1".to_owned(),
                name: "Tickets".to_owned(),
                uri: text("s3://bucket/tickets"),
                is_dataset: true,
                ..DataSource::default()
            },
            DataSource {
                reference: "data:2".to_owned(),
                name: "Stream".to_owned(),
                uri: text("see the wiki"),
                version: text("7"),
                description: text("Events"),
                is_dataset: false,
            },
        ],
        bases: vec!["acme/base".to_owned()],
        models: vec![UsedModel {
            id: Uuid::from_u128(3),
            model_id: "gpt-4o".to_owned(),
            name: "GPT-4o".to_owned(),
            provider: "OpenAI".to_owned(),
            properties: vec![("risk_tier".to_owned(), "tier_1".to_owned())],
        }],
    }
}

fn assert_valid(schema: &jsonschema::Validator, document: &Value) {
    let faults: Vec<String> = schema
        .iter_errors(document)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}\n{document:#}");
}

#[test]
fn bills_of_materials_follow_the_published_schema() {
    let schema = schema();
    let at = datetime!(2026-03-13 09:00 +2);
    let empty = Bom {
        name: "A".to_owned(),
        ..Bom::default()
    };
    for bom in [
        full(true),
        full(false),
        empty.clone(),
        Bom {
            is_model: true,
            ..empty
        },
    ] {
        assert_valid(&schema, &bom.document(at, "0.1.0"));
    }
    let document = full(true).document(at, "0.1.0");
    assert_eq!(document["metadata"]["timestamp"], "2026-03-13T07:00:00Z");
    let main = &document["metadata"]["component"];
    assert_eq!(main["type"], "machine-learning-model");
    assert_eq!(main["licenses"][0]["license"]["id"], "Apache-2.0");
    assert_eq!(main["licenses"][1]["license"]["name"], "openrail");
    assert_eq!(main["pedigree"]["ancestors"][0]["name"], "acme/base");
    let file = &document["components"][0];
    assert_eq!(
        file["hashes"][0],
        json!({"alg": "SHA-256", "content": "ab".repeat(32)})
    );
    assert_eq!(file["mime-type"], "application/octet-stream");
    let refs = &document["dependencies"][0]["dependsOn"];
    assert_eq!(refs.as_array().unwrap().len(), 4);
    // Another instant is the same document, other facts are another one.
    let later = full(true).document(at + time::Duration::days(1), "0.1.0");
    assert_eq!(later["serialNumber"], document["serialNumber"]);
    let other = Bom {
        version: None,
        ..full(true)
    }
    .document(at, "0.1.0");
    assert_ne!(other["serialNumber"], document["serialNumber"]);
    // The schema does refuse what is wrong.
    let mut wrong = document;
    wrong["components"][0]["hashes"][0]["content"] = json!("xyz");
    assert!(!schema.is_valid(&wrong));
}

const WEIGHTS: &str = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c";
const FILE: &[u8] = include_bytes!("bundles/file.sig");
const FOLDER: &[u8] = include_bytes!("bundles/dir.sig");

fn key() -> PublicKey {
    PublicKey::from_pem(include_str!("bundles/p.pem")).unwrap()
}

#[test]
fn bundles_of_the_published_tool_verify() {
    let signed = verify(FILE, &key(), "any name", WEIGHTS).unwrap();
    assert_eq!((signed.subject.as_str(), signed.files), ("model.bin", 1));
    assert_eq!(
        signed.key,
        "16d0634548e83c4961aff9d6f8d3841c0653fad6516389547d425080df2a87cf"
    );
    let folder = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    assert_eq!(verify(FOLDER, &key(), "a.bin", folder).unwrap().files, 2);
    let other = PublicKey::from_pem(include_str!("bundles/p384.pem")).unwrap();
    verify(
        include_bytes!("bundles/file384.sig"),
        &other,
        "model.bin",
        WEIGHTS,
    )
    .unwrap();
    let upper = WEIGHTS.to_uppercase();
    verify(FILE, &key(), "model.bin", &upper).unwrap();

    assert_eq!(
        verify(FILE, &other, "model.bin", WEIGHTS),
        Err(SignatureError::Signature)
    );
    assert!(matches!(
        verify(FILE, &key(), "model.bin", folder),
        Err(SignatureError::Digest { .. })
    ));
    assert!(matches!(
        verify(FOLDER, &key(), "b.bin", folder),
        Err(SignatureError::Digest { .. })
    ));
    assert_eq!(
        verify(FOLDER, &key(), "c.bin", folder),
        Err(SignatureError::NotSigned("c.bin".to_owned()))
    );
    for pem in [
        "",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "key",
    ] {
        assert_eq!(PublicKey::from_pem(pem).unwrap_err(), SignatureError::Key);
    }
}

#[test]
fn no_flipped_bit_of_payload_or_signature_goes_through() {
    let bundle: Value = serde_json::from_slice(FILE).unwrap();
    let envelope = &bundle["dsseEnvelope"];
    for (place, text) in [
        ("/dsseEnvelope/payload", &envelope["payload"]),
        (
            "/dsseEnvelope/signatures/0/sig",
            &envelope["signatures"][0]["sig"],
        ),
    ] {
        let bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            let mut bundle = bundle.clone();
            *bundle.pointer_mut(place).unwrap() = json!(STANDARD.encode(flipped));
            let told = verify(bundle.to_string().as_bytes(), &key(), "model.bin", WEIGHTS);
            assert_eq!(told, Err(SignatureError::Signature), "{place} {at}");
        }
    }
    for (place, value) in [
        ("/mediaType", json!("application/json")),
        ("/dsseEnvelope/payloadType", json!("text/plain")),
        ("/dsseEnvelope/signatures", json!([])),
        ("/dsseEnvelope/payload", json!("*")),
        ("/dsseEnvelope", json!(null)),
    ] {
        let mut bundle = bundle.clone();
        *bundle.pointer_mut(place).unwrap() = value;
        let told = verify(bundle.to_string().as_bytes(), &key(), "model.bin", WEIGHTS);
        assert!(
            matches!(told, Err(SignatureError::Malformed(_))),
            "{place}: {told:?}"
        );
    }
    let large = vec![b' '; (4 << 20) + 1];
    assert_eq!(
        verify(&large, &key(), "x", WEIGHTS),
        Err(SignatureError::TooLarge)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_text_in_any_field_follows_the_schema(
        words in prop::collection::vec("\\PC{0,12}|[a-z]{1,5}:[ -~]{0,9}|[A-Za-z]{2}[.-][0-9.]{0,3}", 14),
    ) {
        let word = |at: usize| words[at].clone();
        let mut bom = full(true);
        (bom.name, bom.version, bom.description) = (word(0), Some(word(1)), Some(word(2)));
        (bom.supplier, bom.task) = (Some(word(3)), Some(word(4)));
        bom.licences = vec![word(5), word(6)];
        bom.files[0].name = word(7);
        bom.files[0].media_type = word(8);
        bom.data[0].uri = Some(word(9));
        bom.data[1].uri = Some(word(10));
        bom.tags = vec![word(11)];
        bom.risks[0].name = word(12);
        bom.bases = vec![word(13)];
        bom.licence_link = Some(word(10));
        bom.serving_url = Some(word(9));
        assert_valid(&schema(), &bom.document(datetime!(2026-03-13 09:00 UTC), "0.1.0"));
    }
}
