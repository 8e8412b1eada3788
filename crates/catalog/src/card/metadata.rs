//! What a model card says in its front matter beyond the fields of a product.

use probity_kernel::FieldError;
use probity_kernel::text::pointer_token;
use serde_json::{Map, Value};

use crate::new_product::judge_schema;

/// The front matter of a model card, without the keys that are fields of the product. Keys that the
/// format knows have its types; any other key is kept as it is. Empty when there is no card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelCardMetadata(Map<String, Value>);

/// Where the fields of the metadata stand in a product.
pub(crate) const FIELD: &str = "/ai_details/model_card";
/// The most keys.
const MOST_KEYS: usize = 100;

/// Keys that hold one text.
const TEXT: [&str; 8] = [
    "base_model_relation",
    "license_link",
    "license_name",
    "library_name",
    "model_name",
    "new_version",
    "pipeline_tag",
    "thumbnail",
];
/// Keys that hold one text or a list of them.
const TEXTS: [&str; 6] = [
    "base_model",
    "datasets",
    "language",
    "license",
    "metrics",
    "tags",
];

impl ModelCardMetadata {
    /// Judges the members of a front matter and names every key that is wrong.
    ///
    /// # Errors
    /// [`FieldError`]s `wrong_type`, `too_many`, `too_deep`, `too_large`, `malformed`,
    /// `control_character`.
    pub fn parse(value: Value) -> Result<Self, Vec<FieldError>> {
        let Value::Object(members) = value else {
            return Err(vec![FieldError::new(
                FIELD,
                "wrong_type",
                "must be a JSON object",
            )]);
        };
        let mut faults: Vec<FieldError> = members.iter().filter_map(judge).collect();
        if members.len() > MOST_KEYS {
            let message = format!("must have at most {MOST_KEYS} keys");
            faults.push(FieldError::new(FIELD, "too_many", message));
        }
        if let Err(fault) = judge_schema(FIELD, &members)
            // A key with a control character is told already.
            && !faults.iter().any(|told| told.field == fault.field && told.code == "malformed")
        {
            faults.push(fault);
        }
        if faults.is_empty() {
            Ok(Self(members))
        } else {
            Err(faults)
        }
    }

    /// The keys with their values.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The texts of a key, whether it holds one or a list.
    #[must_use]
    pub fn texts(&self, key: &str) -> Vec<&str> {
        match self.0.get(key) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

fn judge((key, value): (&String, &Value)) -> Option<FieldError> {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let is_list = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(is_text));
    let message = match key.as_str() {
        known if TEXT.contains(&known) => (!is_text(value)).then_some("must be a text"),
        known if TEXTS.contains(&known) => {
            (!is_text(value) && !is_list(value)).then_some("must be a text or a list of texts")
        }
        "model-index" => {
            let objects = value.as_array();
            let fits = objects.is_some_and(|all| all.iter().all(Value::is_object));
            (!fits).then_some("must be a list of objects")
        }
        "co2_eq_emissions" => {
            let fits = value.is_number() || value.is_object();
            (!fits).then_some("must be a number or an object")
        }
        _ => None,
    };
    let shown: String = key.chars().take(100).collect();
    let field = format!("{FIELD}/{}", pointer_token(&shown));
    if key.is_empty() || key.chars().any(char::is_control) || key.chars().count() > 100 {
        let message = "a key must hold 1 to 100 characters and no control characters";
        return Some(FieldError::new(field, "malformed", message));
    }
    message.map(|message| FieldError::new(field, "wrong_type", message))
}
