//! The columns of an import, and how a cell or a member becomes a field.

use std::collections::BTreeMap;

use probity_kernel::{Patch, instant};
use serde_json::Value;

use super::strict;
use crate::new_product::ProductInput;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Object,
    Instant,
    /// Sections of the technical documentation by name.
    Sections,
}

/// A fault without its row: code and message.
pub(crate) type Fault = (&'static str, String);

/// The names of the columns: the fields of a product.
pub const COLUMNS: [&str; 31] = [
    "name",
    "slug",
    "description",
    "long_description",
    "product_type",
    "provider",
    "environment",
    "risk_classification",
    "lifecycle_stage",
    "ai_system_type",
    "business_use_case",
    "is_gpai",
    "model_family",
    "model_task_type",
    "model_architecture",
    "framework",
    "intended_use",
    "limitations",
    "deployment_status",
    "serving_url",
    "input_schema",
    "output_schema",
    "vendor_name",
    "vendor_product_name",
    "vendor_model_id",
    "deployment_environment",
    "owner",
    "monitoring_plan",
    "no_data_dependencies",
    "next_review_due_at",
    "technical_documentation",
];

fn kind(name: &str) -> Kind {
    match name {
        "is_gpai" | "no_data_dependencies" => Kind::Flag,
        "input_schema" | "output_schema" => Kind::Object,
        "next_review_due_at" => Kind::Instant,
        "technical_documentation" => Kind::Sections,
        _ => Kind::Text,
    }
}

/// Puts the text of a cell into its field; an empty cell is an absent field.
pub(super) fn put_cell(input: &mut ProductInput, name: &str, cell: &str) -> Result<(), Fault> {
    if cell.is_empty() {
        return Ok(());
    }
    let value = match kind(name) {
        Kind::Text | Kind::Instant => Value::String(cell.to_owned()),
        Kind::Flag => match cell {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(fault("wrong_type", "must be `true` or `false`")),
        },
        Kind::Object | Kind::Sections => {
            let message = "must be a JSON object in which no name is there twice";
            strict::read(cell).map_err(|_fault| fault("malformed_json", message))?
        }
    };
    put_value(input, name, value)
}

fn fault(code: &'static str, message: &str) -> Fault {
    (code, message.to_owned())
}

/// Puts a JSON value into its field; null is an absent field.
pub(crate) fn put_value(input: &mut ProductInput, name: &str, value: Value) -> Result<(), Fault> {
    if value.is_null() {
        return Ok(());
    }
    match kind(name) {
        Kind::Flag => {
            let flag = value.as_bool();
            let flag = flag.ok_or_else(|| fault("wrong_type", "must be a boolean"))?;
            if name == "is_gpai" {
                input.is_gpai = Some(flag);
            } else {
                input.dossier.no_data_dependencies = Patch::Value(flag);
            }
        }
        Kind::Object if name == "input_schema" => input.input_schema = Some(value),
        Kind::Object => input.output_schema = Some(value),
        Kind::Instant => {
            let at = instant::parse("", &text(value)?);
            let at = at.map_err(|wrong| (wrong.code, wrong.message))?;
            input.dossier.next_review_due_at = Patch::Value(at);
        }
        Kind::Sections => {
            input.dossier.technical_documentation = Patch::Value(sections(value)?);
        }
        Kind::Text => put_text(input, name, text(value)?),
    }
    Ok(())
}

fn text(value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(fault("wrong_type", "must be a string"))
        }
    }
}

fn sections(value: Value) -> Result<BTreeMap<String, Option<String>>, Fault> {
    serde_json::from_value(value).map_err(|_fault| {
        fault(
            "wrong_type",
            "must be an object of sections, each a string or null",
        )
    })
}

fn put_text(input: &mut ProductInput, name: &str, text: String) {
    match name {
        "owner" => input.dossier.owner = Patch::Value(text),
        "monitoring_plan" => input.dossier.monitoring_plan = Patch::Value(text),
        _ => {
            if let Some(field) = text_field(input, name) {
                *field = Some(text);
            }
        }
    }
}

fn text_field<'a>(input: &'a mut ProductInput, name: &str) -> Option<&'a mut Option<String>> {
    Some(match name {
        "name" => &mut input.name,
        "slug" => &mut input.slug,
        "description" => &mut input.description,
        "long_description" => &mut input.long_description,
        "product_type" => &mut input.product_type,
        "provider" => &mut input.provider,
        "environment" => &mut input.environment,
        "risk_classification" => &mut input.risk_classification,
        "lifecycle_stage" => &mut input.lifecycle_stage,
        "ai_system_type" => &mut input.ai_system_type,
        "business_use_case" => &mut input.business_use_case,
        "model_family" => &mut input.model_family,
        "model_task_type" => &mut input.model_task_type,
        "model_architecture" => &mut input.model_architecture,
        "framework" => &mut input.framework,
        "intended_use" => &mut input.intended_use,
        "limitations" => &mut input.limitations,
        "deployment_status" => &mut input.deployment_status,
        "serving_url" => &mut input.serving_url,
        "vendor_name" => &mut input.vendor_name,
        "vendor_product_name" => &mut input.vendor_product_name,
        "vendor_model_id" => &mut input.vendor_model_id,
        "deployment_environment" => &mut input.deployment_environment,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_its_field() {
        for name in COLUMNS {
            let mut input = ProductInput::default();
            let cell = match kind(name) {
                Kind::Text => "x",
                Kind::Flag => "true",
                Kind::Object | Kind::Sections => "{}",
                Kind::Instant => "2026-03-13T09:00:00Z",
            };
            put_cell(&mut input, name, "").unwrap();
            assert_eq!(input, ProductInput::default());
            put_cell(&mut input, name, cell).unwrap();
            assert_ne!(input, ProductInput::default(), "{name}");
        }
    }
}
