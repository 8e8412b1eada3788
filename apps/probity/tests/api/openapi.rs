//! The document itself. That answers keep to it is checked wherever a case sees one.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Api, bare_command, document};

fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn operations() -> impl Iterator<Item = (&'static String, &'static String, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter()
            .map(move |(method, operation)| (path, method, operation))
    })
}

#[test]
fn it_is_3_1_and_every_reference_leads_somewhere() {
    let version = document()["openapi"].as_str().unwrap();
    assert!(version.starts_with("3.1."), "{version}");
    let mut count = 0;
    walk(document(), &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(
                document().pointer(pointer).is_some(),
                "{reference} leads nowhere"
            );
            count += 1;
        }
    });
    assert!(count > 100, "{count}");
}

#[test]
fn every_schema_is_used() {
    let mut used = BTreeSet::new();
    walk(document(), &mut |value| {
        used.extend(value.get("$ref").and_then(Value::as_str).map(str::to_owned));
    });
    for name in document()["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        assert!(
            used.contains(&format!("#/components/schemas/{name}")),
            "{name} is used nowhere"
        );
    }
}

#[test]
fn operations_are_named_described_and_complete() {
    let families = [
        "api_keys",
        "artifacts",
        "audit",
        "catalog",
        "events",
        "governance",
        "guardian",
        "ingestion",
        "operations",
        "registry",
        "repository",
        "webhooks",
        "retention",
    ];
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} twice");
        assert!(
            families
                .iter()
                .any(|family| id.starts_with(&format!("{family}_"))),
            "{id}"
        );
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{method} {path} has no summary");
        assert!(
            operation["tags"]
                .as_array()
                .is_some_and(|tags| tags.len() == 1),
            "{id}"
        );
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{id}"
        );
        for (status, response) in responses {
            let description = response["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{id} {status}");
            let is_problem = response
                .pointer("/content/application~1problem+json")
                .is_some();
            assert_eq!(is_problem, status.starts_with(['4', '5']), "{id} {status}");
        }
        let is_open = operation["security"] == serde_json::json!([{}]);
        for status in ["401", "403"] {
            assert_eq!(responses.contains_key(status), !is_open, "{id} {status}");
        }
        let templates = path.matches('{').count();
        let parameters = operation["parameters"].as_array().map_or(0, |all| {
            all.iter().filter(|one| one["in"] == "path").count()
        });
        assert_eq!(templates, parameters, "{id}");
    }
}

/// `UPDATE_OPENAPI=1` writes the file anew.
#[test]
fn the_document_is_the_committed_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let printed = bare_command(&["openapi"]).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    if std::env::var("UPDATE_OPENAPI").is_ok_and(|value| value == "1") {
        std::fs::write(&file, &printed).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == printed,
        "docs/openapi.json is not this server's; UPDATE_OPENAPI=1 writes it"
    );
}

async fn the_served_document_is_the_printed_one(api: Api) {
    let served = api.get("/openapi.json").anonymous().send().await;
    assert_eq!(served.expect(200), *document());
}

both!(the_served_document_is_the_printed_one);
