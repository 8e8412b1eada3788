//! Every answer that a case sees has to be one that the document promises.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{Reply, bare_command};

/// The document that the binary prints.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let printed = bare_command(&["openapi"]).output().unwrap();
        serde_json::from_slice(&printed.stdout).unwrap()
    })
}

/// Whether a path is one of the template's.
pub(crate) fn matches(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(wanted, given)| {
            wanted == given || (wanted.starts_with('{') && !given.is_empty())
        })
}

/// The operation behind a request, literal paths before templates.
fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = document()["paths"].as_object()?;
    let exact = paths.get_key_value(path);
    let found = exact.or_else(|| paths.iter().find(|(template, _)| matches(template, path)));
    let (template, item) = found?;
    Some((template, item.get(method.to_lowercase())?))
}

/// Fails for an undocumented status, media type or shape.
pub(crate) fn check(method: &str, path: &str, reply: &Reply) {
    let Some((template, operation)) = operation(method, path) else {
        return;
    };
    let Reply { call, status, .. } = reply;
    let responses = &operation["responses"];
    let response = responses.get(status.to_string());
    let response = response.unwrap_or_else(|| {
        panic!(
            "{call}: {status} is not documented for {template}: {}",
            reply.text()
        )
    });
    let Some(content) = response.get("content").and_then(Value::as_object) else {
        assert!(reply.bytes.is_empty(), "{call}: an undocumented body");
        return;
    };
    let media = reply
        .header("content-type")
        .split(';')
        .next()
        .unwrap_or_default();
    let media = media.trim();
    let documented = content.get(media);
    let documented = documented.unwrap_or_else(|| panic!("{call}: {media} is not documented"));
    let is_json = media == "application/json" || media.ends_with("+json");
    if let Some(schema) = documented.get("schema").filter(|_| is_json) {
        conforms(call, schema, &reply.json());
    }
}

fn conforms(call: &str, schema: &Value, body: &Value) {
    static KNOWN: OnceLock<Mutex<HashMap<String, Arc<Validator>>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let name = schema.to_string();
    let ready = known.lock().unwrap().get(&name).cloned();
    let validator = ready.unwrap_or_else(|| {
        let made = Arc::new(validator(schema));
        known.lock().unwrap().insert(name, made.clone());
        made
    });
    let faults: Vec<String> = validator
        .iter_errors(body)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{call}: {faults:?} in {body}");
}

/// The schema with all components beside it. Objects are closed, so that a member that the
/// document does not tell of is a fault.
fn validator(schema: &Value) -> Validator {
    static CLOSED: OnceLock<Value> = OnceLock::new();
    let components = CLOSED.get_or_init(|| {
        let mut components = document()["components"]["schemas"].clone();
        // A problem may carry further members (RFC 9457); parts of other objects are closed there.
        let mut open = parts(&components);
        open.push("Problem".to_owned());
        for (name, schema) in components.as_object_mut().unwrap() {
            if !open.contains(name) {
                close(schema);
            }
        }
        components
    });
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": {"schemas": components},
    });
    for (name, value) in schema.as_object().unwrap() {
        root[name.as_str()] = value.clone();
    }
    jsonschema::validator_for(&root).unwrap_or_else(|fault| panic!("{schema}: {fault}"))
}

/// The names of the schemas that others are put together from.
fn parts(schema: &Value) -> Vec<String> {
    let inner = match schema {
        Value::Object(members) => members.values().collect::<Vec<_>>(),
        Value::Array(items) => items.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let all = schema
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let named = all.filter_map(|part| part["$ref"].as_str()?.rsplit('/').next());
    let named = named.map(str::to_owned).collect::<Vec<_>>();
    named
        .into_iter()
        .chain(inner.into_iter().flat_map(parts))
        .collect()
}

fn close(schema: &mut Value) {
    let is_object = schema["type"] == "object" || schema.get("allOf").is_some();
    let has_members = schema.get("properties").is_some() || schema.get("allOf").is_some();
    if is_object && has_members && schema.get("additionalProperties").is_none() {
        schema["unevaluatedProperties"] = json!(false);
    }
}
