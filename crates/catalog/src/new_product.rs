//! What a product is created from, parsed field by field so that every fault is named at once.

use std::fmt::Display;
use std::str::FromStr;

use probity_kernel::text::TextRule;
use probity_kernel::{FieldError, ObjectRule};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::dossier::{Dossier, DossierInput};
use crate::error::CatalogError;
use crate::product::ModelMetadata;
use crate::slug::ProductSlug;
use crate::taxonomy::{DeploymentStatus, LifecycleStage, ProductType, RiskClassification};

/// The most bytes of a schema, written as JSON without white space.
pub const LARGEST_SCHEMA: usize = 64 * 1024;
/// The deepest nesting of a schema; the schema itself is at depth 1.
pub const DEEPEST_SCHEMA: usize = 32;
const SCHEMA: ObjectRule = ObjectRule {
    max: LARGEST_SCHEMA,
    too_large: "too_large",
};

/// Names and labels: up to 200 characters on one line.
const LABEL: TextRule = TextRule {
    min: 0,
    max: 200,
    multiline: false,
};
/// Summaries and use cases: up to 2000 characters.
const SUMMARY: TextRule = TextRule::prose(2000);
/// Descriptions, intended use, limitations: up to 20000 characters.
const TEXT: TextRule = TextRule::prose(20_000);

/// The fields of a new product as they came in, not yet judged. `None` means that the field was
/// absent or null.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProductInput {
    /// Display name; required, 1 to 200 characters on one line.
    pub name: Option<String>,
    /// Name in addresses; made from the name when absent.
    pub slug: Option<String>,
    /// Short summary, up to 2000 characters.
    pub description: Option<String>,
    /// Long description, up to 20000 characters.
    pub long_description: Option<String>,
    /// A [`ProductType`]; `ML Model` when absent.
    pub product_type: Option<String>,
    /// Source platform or provider, up to 200 characters on one line.
    pub provider: Option<String>,
    /// Environment, 1 to 200 characters on one line; `development` when absent.
    pub environment: Option<String>,
    /// A [`RiskClassification`].
    pub risk_classification: Option<String>,
    /// A [`LifecycleStage`].
    pub lifecycle_stage: Option<String>,
    /// Kind of AI system, up to 200 characters on one line.
    pub ai_system_type: Option<String>,
    /// Business use case, up to 2000 characters.
    pub business_use_case: Option<String>,
    /// General-purpose AI indicator.
    pub is_gpai: Option<bool>,
    /// A [`ModelFamily`](crate::ModelFamily).
    pub model_family: Option<String>,
    /// A [`TaskType`](crate::TaskType).
    pub model_task_type: Option<String>,
    /// Architecture, up to 200 characters on one line.
    pub model_architecture: Option<String>,
    /// Framework, up to 200 characters on one line.
    pub framework: Option<String>,
    /// Intended use, up to 20000 characters.
    pub intended_use: Option<String>,
    /// Limitations, up to 20000 characters.
    pub limitations: Option<String>,
    /// A [`DeploymentStatus`]; `development` when absent.
    pub deployment_status: Option<String>,
    /// A [`ServingUrl`](crate::ServingUrl).
    pub serving_url: Option<String>,
    /// Schema of the input: a JSON object of up to 64 KiB, at most 32 levels deep.
    pub input_schema: Option<Value>,
    /// Schema of the output, within the same bounds.
    pub output_schema: Option<Value>,
    /// Vendor, up to 200 characters on one line.
    pub vendor_name: Option<String>,
    /// Vendor's product name, up to 200 characters on one line.
    pub vendor_product_name: Option<String>,
    /// Vendor's model identifier, up to 200 characters on one line.
    pub vendor_model_id: Option<String>,
    /// Environment at the vendor or platform, up to 200 characters on one line.
    pub deployment_environment: Option<String>,
    /// The record for governance.
    pub dossier: DossierInput,
}

/// A new product whose fields are all in bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// Name in addresses, when the caller chose one.
    pub slug: Option<ProductSlug>,
    /// Display name.
    pub name: String,
    /// Short summary.
    pub description: Option<String>,
    /// Long description.
    pub long_description: Option<String>,
    /// What it is.
    pub product_type: ProductType,
    /// Source platform or provider.
    pub provider: Option<String>,
    /// Environment.
    pub environment: String,
    /// Risk class.
    pub risk_classification: Option<RiskClassification>,
    /// Stage of life.
    pub lifecycle_stage: Option<LifecycleStage>,
    /// Kind of AI system.
    pub ai_system_type: Option<String>,
    /// Business use case.
    pub business_use_case: Option<String>,
    /// General-purpose AI indicator.
    pub is_gpai: Option<bool>,
    /// The record of the model.
    pub model: ModelMetadata,
    /// The record for governance, to be dated when the product is created.
    pub dossier: Dossier,
}

impl NewProduct {
    /// Judges every field of `input` and applies the defaults.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] with one [`FieldError`] per faulty field, in the order of the
    /// fields: codes `required`, `too_short`, `too_long`, `control_character`, `malformed`,
    /// `unknown_value`, `wrong_type`, `too_large`, `too_deep`.
    pub fn parse(input: ProductInput) -> Result<Self, CatalogError> {
        let mut check = Check::default();
        // Until it is created, nothing dates its documentation.
        let undated = OffsetDateTime::UNIX_EPOCH;
        let empty = Dossier::default();
        let product = Self {
            name: check.name(input.name),
            slug: check.parsed("/slug", "malformed", input.slug),
            description: check.text("/description", SUMMARY, input.description),
            long_description: check.text("/long_description", TEXT, input.long_description),
            product_type: check
                .word("/product_type", input.product_type)
                .unwrap_or(ProductType::MlModel),
            provider: check.text("/provider", LABEL, input.provider),
            environment: check
                .text("/environment", TextRule::line(200), input.environment)
                .unwrap_or_else(|| "development".to_owned()),
            risk_classification: check.word("/risk_classification", input.risk_classification),
            lifecycle_stage: check.word("/lifecycle_stage", input.lifecycle_stage),
            ai_system_type: check.text("/ai_system_type", LABEL, input.ai_system_type),
            business_use_case: check.text("/business_use_case", SUMMARY, input.business_use_case),
            is_gpai: input.is_gpai,
            model: ModelMetadata {
                model_family: check.word("/model_family", input.model_family),
                model_task_type: check.word("/model_task_type", input.model_task_type),
                model_architecture: check.text(
                    "/model_architecture",
                    LABEL,
                    input.model_architecture,
                ),
                framework: check.text("/framework", LABEL, input.framework),
                intended_use: check.text("/intended_use", TEXT, input.intended_use),
                limitations: check.text("/limitations", TEXT, input.limitations),
                deployment_status: check
                    .word("/deployment_status", input.deployment_status)
                    .unwrap_or(DeploymentStatus::Development),
                serving_url: check.parsed("/serving_url", "malformed", input.serving_url),
                input_schema: check.schema("/input_schema", input.input_schema),
                output_schema: check.schema("/output_schema", input.output_schema),
                vendor_name: check.text("/vendor_name", LABEL, input.vendor_name),
                vendor_product_name: check.text(
                    "/vendor_product_name",
                    LABEL,
                    input.vendor_product_name,
                ),
                vendor_model_id: check.text("/vendor_model_id", LABEL, input.vendor_model_id),
                deployment_environment: check.text(
                    "/deployment_environment",
                    LABEL,
                    input.deployment_environment,
                ),
            },
            dossier: input.dossier.over(&empty, undated, &mut check.faults),
        };
        if check.faults.is_empty() {
            Ok(product)
        } else {
            Err(CatalogError::Invalid(check.faults))
        }
    }
}

/// Collects faults while fields are judged.
#[derive(Debug, Default)]
struct Check {
    faults: Vec<FieldError>,
}

impl Check {
    fn name(&mut self, name: Option<String>) -> String {
        if name.is_none() {
            let fault = FieldError::new("/name", "required", "is required");
            self.faults.push(fault);
        }
        self.text("/name", TextRule::line(200), name)
            .unwrap_or_default()
    }

    fn text(&mut self, field: &str, rule: TextRule, text: Option<String>) -> Option<String> {
        let fault = text
            .as_deref()
            .and_then(|text| rule.check(field, text).err());
        self.faults.extend(fault);
        text
    }

    fn word<T: FromStr<Err: Display>>(&mut self, field: &str, text: Option<String>) -> Option<T> {
        self.parsed(field, "unknown_value", text)
    }

    fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        field: &str,
        code: &'static str,
        text: Option<String>,
    ) -> Option<T> {
        match text?.parse::<T>() {
            Ok(value) => Some(value),
            Err(fault) => {
                self.faults
                    .push(FieldError::new(field, code, fault.to_string()));
                None
            }
        }
    }

    fn schema(&mut self, field: &str, value: Option<Value>) -> Option<Map<String, Value>> {
        let checked = match value? {
            Value::Object(members) => judge_schema(field, &members).map(|()| members),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                let message = "must be a JSON object";
                Err(FieldError::new(field, "wrong_type", message))
            }
        };
        checked.map_err(|fault| self.faults.push(fault)).ok()
    }
}

/// Whether a schema is within bounds.
pub(crate) fn judge_schema(field: &str, members: &Map<String, Value>) -> Result<(), FieldError> {
    if !members
        .values()
        .all(|value| is_within_depth(value, DEEPEST_SCHEMA - 1))
    {
        let message = "must be nested at most 32 levels deep";
        return Err(FieldError::new(field, "too_deep", message));
    }
    if !members.values().all(is_exact) {
        let message = "must hold no integer beyond 2^53: JSON readers do not agree on it";
        return Err(FieldError::new(field, "inexact_integer", message));
    }
    SCHEMA.check(field, members)
}

/// Whether objects and arrays nest at most `levels` deep; looks no further than that.
fn is_within_depth(value: &Value, levels: usize) -> bool {
    let inner = levels.checked_sub(1);
    match value {
        Value::Array(items) => {
            inner.is_some_and(|rest| items.iter().all(|item| is_within_depth(item, rest)))
        }
        Value::Object(members) => {
            inner.is_some_and(|rest| members.values().all(|item| is_within_depth(item, rest)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Whether every integer is one that all JSON readers read alike; the record refuses any other.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) if number.is_f64() => true,
        Value::Number(number) => number
            .as_i64()
            .is_some_and(|whole| whole.unsigned_abs() <= 1 << 53),
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taxonomy::{ModelFamily, TaskType};
    use serde_json::json;

    fn named() -> ProductInput {
        ProductInput {
            name: Some("Churn".to_owned()),
            ..ProductInput::default()
        }
    }

    fn faults(input: ProductInput) -> Vec<(String, &'static str)> {
        match NewProduct::parse(input) {
            Ok(_) => Vec::new(),
            Err(CatalogError::Invalid(faults)) => faults
                .into_iter()
                .map(|fault| (fault.field, fault.code))
                .collect(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_is_all_that_is_needed() {
        let new = NewProduct::parse(named()).unwrap();
        assert_eq!(new.name, "Churn");
        assert_eq!(new.slug, None);
        assert_eq!(new.product_type, ProductType::MlModel);
        assert_eq!(new.environment, "development");
        assert_eq!(new.model.deployment_status, DeploymentStatus::Development);
        assert_eq!(new.risk_classification, None);
        assert_eq!(new.is_gpai, None);
    }

    #[test]
    fn every_field_of_the_reference_record_is_kept() {
        let text = |text: &str| Some(text.to_owned());
        let schema = json!({"type": "object", "required": ["account_id"]});
        let new = NewProduct::parse(ProductInput {
            slug: text("churn-prediction-model"),
            description: text("Predicts churn.\nDaily."),
            product_type: text("AI System"),
            environment: text("production"),
            risk_classification: text("limited"),
            lifecycle_stage: text("monitoring"),
            model_family: text("traditional_ml"),
            model_task_type: text("classification"),
            deployment_status: text("production"),
            serving_url: text("https://models.example.com/churn"),
            input_schema: Some(schema.clone()),
            is_gpai: Some(false),
            ..named()
        })
        .unwrap();
        assert_eq!(new.slug.unwrap().as_str(), "churn-prediction-model");
        assert_eq!(new.description.as_deref(), Some("Predicts churn.\nDaily."));
        assert_eq!(new.product_type, ProductType::AiSystem);
        assert_eq!(new.environment, "production");
        assert_eq!(new.risk_classification, Some(RiskClassification::Limited));
        assert_eq!(new.lifecycle_stage, Some(LifecycleStage::Monitoring));
        assert_eq!(new.model.model_family, Some(ModelFamily::TraditionalMl));
        assert_eq!(new.model.model_task_type, Some(TaskType::Classification));
        assert_eq!(new.model.deployment_status, DeploymentStatus::Production);
        let url = new.model.serving_url.unwrap();
        assert_eq!(url.as_str(), "https://models.example.com/churn");
        assert_eq!(new.model.input_schema.map(Value::Object), Some(schema));
        assert_eq!(new.is_gpai, Some(false));
    }

    /// An input whose every text is `text`.
    fn all_texts(text: &str) -> ProductInput {
        let text = || Some(text.to_owned());
        ProductInput {
            name: text(),
            slug: text(),
            description: text(),
            long_description: text(),
            product_type: text(),
            provider: text(),
            environment: text(),
            risk_classification: text(),
            lifecycle_stage: text(),
            ai_system_type: text(),
            business_use_case: text(),
            is_gpai: None,
            model_family: text(),
            model_task_type: text(),
            model_architecture: text(),
            framework: text(),
            intended_use: text(),
            limitations: text(),
            deployment_status: text(),
            serving_url: text(),
            input_schema: text().map(Value::String),
            output_schema: text().map(Value::String),
            vendor_name: text(),
            vendor_product_name: text(),
            vendor_model_id: text(),
            deployment_environment: text(),
            dossier: DossierInput::default(),
        }
    }

    #[test]
    fn every_faulty_field_is_listed_under_its_pointer() {
        let found = faults(all_texts("a\u{0}b"));
        let expected = [
            ("/name", "control_character"),
            ("/slug", "malformed"),
            ("/description", "control_character"),
            ("/long_description", "control_character"),
            ("/product_type", "unknown_value"),
            ("/provider", "control_character"),
            ("/environment", "control_character"),
            ("/risk_classification", "unknown_value"),
            ("/lifecycle_stage", "unknown_value"),
            ("/ai_system_type", "control_character"),
            ("/business_use_case", "control_character"),
            ("/model_family", "unknown_value"),
            ("/model_task_type", "unknown_value"),
            ("/model_architecture", "control_character"),
            ("/framework", "control_character"),
            ("/intended_use", "control_character"),
            ("/limitations", "control_character"),
            ("/deployment_status", "unknown_value"),
            ("/serving_url", "malformed"),
            ("/input_schema", "wrong_type"),
            ("/output_schema", "wrong_type"),
            ("/vendor_name", "control_character"),
            ("/vendor_product_name", "control_character"),
            ("/vendor_model_id", "control_character"),
            ("/deployment_environment", "control_character"),
        ];
        assert_eq!(
            found,
            expected.map(|(field, code)| (field.to_owned(), code))
        );
    }

    #[test]
    fn every_text_has_its_limit() {
        type Slot = fn(&mut ProductInput) -> &mut Option<String>;
        let rows: [(&str, usize, Slot); 15] = [
            ("/name", 200, |input| &mut input.name),
            ("/description", 2000, |input| &mut input.description),
            ("/long_description", 20_000, |input| {
                &mut input.long_description
            }),
            ("/provider", 200, |input| &mut input.provider),
            ("/environment", 200, |input| &mut input.environment),
            ("/ai_system_type", 200, |input| &mut input.ai_system_type),
            ("/business_use_case", 2000, |input| {
                &mut input.business_use_case
            }),
            ("/model_architecture", 200, |input| {
                &mut input.model_architecture
            }),
            ("/framework", 200, |input| &mut input.framework),
            ("/intended_use", 20_000, |input| &mut input.intended_use),
            ("/limitations", 20_000, |input| &mut input.limitations),
            ("/vendor_name", 200, |input| &mut input.vendor_name),
            ("/vendor_product_name", 200, |input| {
                &mut input.vendor_product_name
            }),
            ("/vendor_model_id", 200, |input| &mut input.vendor_model_id),
            ("/deployment_environment", 200, |input| {
                &mut input.deployment_environment
            }),
        ];
        for (field, limit, slot) in rows {
            let mut input = named();
            *slot(&mut input) = Some("ü".repeat(limit));
            assert_eq!(faults(input.clone()), [], "{field} at its limit");
            *slot(&mut input) = Some("ü".repeat(limit + 1));
            assert_eq!(faults(input), [(field.to_owned(), "too_long")]);
        }
    }

    #[test]
    fn names_and_environments_are_not_blank() {
        assert_eq!(
            faults(ProductInput::default()),
            [("/name".to_owned(), "required")]
        );
        let blank = ProductInput {
            name: Some(" ".to_owned()),
            environment: Some(String::new()),
            ..ProductInput::default()
        };
        let expected = ["/name", "/environment"].map(|field| (field.to_owned(), "too_short"));
        assert_eq!(faults(blank), expected);
    }

    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, level| {
            if level % 2 == 0 {
                json!([inner])
            } else {
                json!({"items": inner})
            }
        })
    }

    #[test]
    fn a_schema_is_an_object_within_bounds() {
        let object = |inner: Value| json!({"items": inner});
        let sized = |bytes: usize| json!({"d": "x".repeat(bytes - r#"{"d":""}"#.len())});
        for (schema, code) in [
            (json!({}), None),
            (json!([]), Some("wrong_type")),
            (json!(1), Some("wrong_type")),
            (json!("{}"), Some("wrong_type")),
            (object(nested(31)), None),
            (object(nested(32)), Some("too_deep")),
            (object(nested(120)), Some("too_deep")),
            (sized(LARGEST_SCHEMA), None),
            (sized(LARGEST_SCHEMA + 1), Some("too_large")),
        ] {
            let expected: Vec<_> = code
                .map(|code| ("/output_schema".to_owned(), code))
                .into_iter()
                .collect();
            let input = ProductInput {
                output_schema: Some(schema),
                ..named()
            };
            assert_eq!(faults(input), expected);
        }
    }

    #[test]
    fn an_unknown_value_is_answered_with_the_known_ones() {
        let input = ProductInput {
            risk_classification: Some("severe".to_owned()),
            ..named()
        };
        let Err(CatalogError::Invalid(faults)) = NewProduct::parse(input) else {
            panic!("was accepted");
        };
        assert_eq!(
            faults[0].message,
            "must be one of prohibited, high, limited, minimal"
        );
    }
}
