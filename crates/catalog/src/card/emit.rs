//! A front matter written so that readers of YAML 1.1 and of 1.2 understand the same by it.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// A mapping in block style, each line ended.
pub(super) fn write(members: &Map<String, Value>) -> String {
    let mut to = String::new();
    mapping(&mut to, members, 0);
    to
}

fn mapping(to: &mut String, members: &Map<String, Value>, indent: usize) {
    for (key, value) in members {
        pad(to, indent);
        text(to, key);
        to.push(':');
        below(to, value, indent);
    }
}

/// A value behind its key or dash.
fn below(to: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            to.push('\n');
            mapping(to, members, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            to.push('\n');
            for item in items {
                pad(to, indent + 2);
                to.push('-');
                below(to, item, indent + 2);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            to.push(' ');
            scalar(to, value);
            to.push('\n');
        }
    }
}

fn scalar(to: &mut String, value: &Value) {
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(flag) => to.push_str(if *flag { "true" } else { "false" }),
        Value::Number(one) => number(to, one),
        Value::String(one) => text(to, one),
        Value::Array(_) => to.push_str("[]"),
        Value::Object(_) => to.push_str("{}"),
    }
}

/// YAML 1.1 wants a point before an exponent, and a sign in it.
fn number(to: &mut String, one: &Number) {
    let plain = one.to_string();
    let Some((mantissa, exponent)) = plain.split_once('e') else {
        to.push_str(&plain);
        return;
    };
    to.push_str(mantissa);
    if !mantissa.contains('.') {
        to.push_str(".0");
    }
    to.push('e');
    if !exponent.starts_with(['-', '+']) {
        to.push('+');
    }
    to.push_str(exponent);
}

/// Words that some version of YAML reads as something else than a text.
const WORDS: [&str; 10] = [
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan",
];

fn is_plain(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "_./+-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .split(' ')
            .all(|word| !word.is_empty() && word.chars().all(letters))
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn text(to: &mut String, text: &str) {
    if is_plain(text) {
        to.push_str(text);
        return;
    }
    to.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                to.push('\\');
                to.push(c);
            }
            '\n' => to.push_str("\\n"),
            '\t' => to.push_str("\\t"),
            '\r' => to.push_str("\\r"),
            _ if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                // Every such character is in the first plane: a string cannot fail to take it.
                let _ = write!(to, "\\u{:04x}", u32::from(c));
            }
            '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(to, "\\u{:04x}", u32::from(c));
            }
            _ => to.push(c),
        }
    }
    to.push('"');
}

fn pad(to: &mut String, indent: usize) {
    to.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::yaml;
    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (-(1_i64 << 53)..(1_i64 << 53)).prop_map(Value::from),
            (-1e30..1e30_f64).prop_map(Value::from),
            (-1e-20..1e-20_f64).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z ~#:'\"\\-0-9.e\n\t\u{85}]{0,9}".prop_map(Value::from),
            Just(json!("no")),
            Just(json!("")),
        ];
        leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[a-z \n<:]{0,5}|true|null|1", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(value in values()) {
            let mut members = Map::new();
            members.insert("value".to_owned(), value);
            let text = write(&members);
            prop_assert_eq!(yaml::read(&text), Ok(members), "{}", text);
        }
    }

    #[test]
    fn a_front_matter_looks_like_one() {
        let value = json!({
            "language": ["en", "no"], "license": "apache-2.0", "empty": [], "rate": 1e-7,
            "model-index": [{"name": "Churn", "results": [{"task": {"type": "a b"}}]}]
        });
        let text = write(value.as_object().unwrap());
        let expected = "empty: []\nlanguage:\n  - en\n  - \"no\"\nlicense: apache-2.0\nmodel-index:\n  -\n    \
                        name: Churn\n    results:\n      -\n        task:\n          type: a b\nrate: 1.0e-7\n";
        let ordered: Vec<&str> = text.lines().collect();
        for line in expected.lines() {
            assert!(ordered.contains(&line), "{line:?} is not in\n{text}");
        }
    }
}
