//! JSON objects of free form: what any database stores and any reader reads alike.

use serde_json::{Map, Value};

use crate::error::FieldError;
use crate::text::pointer_token;

/// Limits of one JSON object whose members are the sender's own.
///
/// Every such document is judged here, so that none is stored on one database that another one refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectRule {
    /// Most bytes, written as JSON without white space.
    pub max: usize,
    /// The code of one that is larger.
    pub too_large: &'static str,
}

impl ObjectRule {
    /// Checks an object; nothing in it is changed.
    ///
    /// # Errors
    /// A [`FieldError`] that names the place, the reason and what is allowed: `control_character` for
    /// U+0000 in a text or a name at any depth, and the code of the rule for an object that is too large.
    pub fn check(&self, field: &str, members: &Map<String, Value>) -> Result<(), FieldError> {
        if let Some(place) = nul_in_members(members) {
            let message = "must not contain the character U+0000";
            let field = format!("{field}{place}");
            return Err(FieldError::new(field, "control_character", message));
        }
        // An error cannot occur: the names are texts and the writer is a vector.
        let size = serde_json::to_vec(members).map_or(usize::MAX, |json| json.len());
        if size > self.max {
            let message = format!("must be at most {} bytes of JSON", self.max);
            return Err(FieldError::new(field, self.too_large, message));
        }
        Ok(())
    }
}

/// The JSON Pointer to the first U+0000; PostgreSQL has no text with it.
fn nul_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            let inner = nul_in(item)?;
            Some(format!("/{index}{inner}"))
        }),
        Value::Object(members) => nul_in_members(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn nul_in_members(members: &Map<String, Value>) -> Option<String> {
    members.iter().find_map(|(name, value)| {
        let inner = if name.contains('\0') {
            String::new()
        } else {
            nul_in(value)?
        };
        let shown: String = name.chars().take(100).collect();
        Some(format!("/{}{inner}", pointer_token(&shown)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULE: ObjectRule = ObjectRule {
        max: 30,
        too_large: "too_large",
    };

    fn fault(value: &Value) -> Option<(String, &'static str)> {
        let members = value.as_object().unwrap();
        let checked = RULE.check("/metadata", members);
        checked.err().map(|fault| (fault.field, fault.code))
    }

    #[test]
    fn the_character_that_no_database_is_sure_to_store_is_refused_at_any_depth() {
        for (value, place) in [
            (json!({"a": "x\n\u{1}\u{7f}"}), None),
            (json!({"a": "\0"}), Some("/metadata/a")),
            (json!({"a": {"b": [1, "x\0y"]}}), Some("/metadata/a/b/1")),
            (json!({"a/b~": ["\0"]}), Some("/metadata/a~1b~0/0")),
            (json!({"a": {"\0": 1}}), Some("/metadata/a/\0")),
        ] {
            let expected = place.map(|place| (place.to_owned(), "control_character"));
            assert_eq!(fault(&value), expected, "{value}");
        }
    }

    #[test]
    fn an_object_is_as_large_as_its_json() {
        assert_eq!(fault(&json!({"a": "x".repeat(22)})), None);
        let expected = Some(("/metadata".to_owned(), "too_large"));
        assert_eq!(fault(&json!({"a": "x".repeat(23)})), expected);
    }
}
