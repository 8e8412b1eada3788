//! A product as a model card. Whatever Markdown would not give back as it is goes into the front matter,
//! so that reading the card changes nothing about the product.

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

use super::read::{OWN, named, says};
use super::sections::{Place, SECTIONS, Section};
use super::{body, emit};
use crate::product::Product;
use crate::serving_url::ServingUrl;
use crate::taxonomy::{LifecycleStage, ModelFamily, RiskClassification, TaskType};

/// The product as a card.
#[must_use]
pub fn write(product: &Product) -> String {
    let mut own = own_fields(product);
    let mut front = product.dossier.model_card.members().clone();
    if let Some(framework) = &product.model.framework {
        if front.contains_key("library_name") {
            own.insert("framework".to_owned(), json!(framework));
        } else {
            front.insert("library_name".to_owned(), json!(framework));
        }
    }
    let markdown = markdown(product, &mut own);
    front.insert(OWN.to_owned(), Value::Object(own));
    format!("---\n{}---\n\n{markdown}", emit::write(&front))
}

/// The fields for which cards have neither a key nor a section.
fn own_fields(product: &Product) -> Map<String, Value> {
    let (model, dossier) = (&product.model, &product.dossier);
    let due = dossier.next_review_due_at;
    let due = due.and_then(|at| at.format(&Rfc3339).ok());
    let all = json!({
        "slug": product.slug.as_str(),
        "product_type": product.product_type.as_str(),
        "provider": product.provider,
        "environment": product.environment,
        "risk_classification": product.risk_classification.map(RiskClassification::as_str),
        "lifecycle_stage": product.lifecycle_stage.map(LifecycleStage::as_str),
        "ai_system_type": product.ai_system_type,
        "is_gpai": product.is_gpai,
        "model_family": model.model_family.map(ModelFamily::as_str),
        "model_task_type": model.model_task_type.map(TaskType::as_str),
        "model_architecture": model.model_architecture,
        "deployment_status": model.deployment_status.as_str(),
        "serving_url": model.serving_url.as_ref().map(ServingUrl::as_str),
        "input_schema": model.input_schema,
        "output_schema": model.output_schema,
        "vendor_name": model.vendor_name,
        "vendor_product_name": model.vendor_product_name,
        "vendor_model_id": model.vendor_model_id,
        "deployment_environment": model.deployment_environment,
        "owner": dossier.owner,
        "no_data_dependencies": dossier.no_data_dependencies.then_some(true),
        "next_review_due_at": due,
    });
    let Value::Object(mut members) = all else {
        return Map::new();
    };
    members.retain(|_key, value| !value.is_null());
    members
}

/// Title and sections; what does not read back goes into `own`.
fn markdown(product: &Product, own: &mut Map<String, Value>) -> String {
    let mut text = format!("# {}\n", product.name);
    let title = body::split(&text).title;
    if title.as_deref().and_then(named) != Some(&product.name) {
        own.insert("name".to_owned(), json!(product.name));
    }
    if let Some(description) = &product.description {
        if is_intro(description) {
            text.extend(["\n", description, "\n"]);
        } else {
            own.insert("description".to_owned(), json!(description));
        }
    }
    let mut documentation = Map::new();
    for section in &SECTIONS {
        let Some(written) = text_of(product, section.place) else {
            continue;
        };
        if reads_back(section, written) {
            text.extend(["\n## ", section.heading, "\n\n", written, "\n"]);
            continue;
        }
        match section.place {
            Place::Column(name) => own.insert(name.to_owned(), json!(written)),
            Place::Documentation(one) => documentation.insert(one.to_string(), json!(written)),
        };
    }
    if !documentation.is_empty() {
        own.insert(
            "technical_documentation".to_owned(),
            Value::Object(documentation),
        );
    }
    text
}

fn text_of(product: &Product, place: Place) -> Option<&String> {
    match place {
        Place::Documentation(section) => product.dossier.technical_documentation.get(&section),
        Place::Column("long_description") => product.long_description.as_ref(),
        Place::Column("business_use_case") => product.business_use_case.as_ref(),
        Place::Column("intended_use") => product.model.intended_use.as_ref(),
        Place::Column("monitoring_plan") => product.dossier.monitoring_plan.as_ref(),
        Place::Column(_) => product.model.limitations.as_ref(),
    }
}

/// Whether a section between two others reads back as it is, and leaves them alone.
fn reads_back(section: &Section, text: &str) -> bool {
    let alone = format!("# T\n\n## {}\n\n{text}\n\n## End\n", section.heading);
    let read = body::split(&alone);
    match read.sections.as_slice() {
        [(heading, below), (end, _)] => {
            heading == section.heading && end == "End" && is_same(below, text)
        }
        _ => false,
    }
}

fn is_intro(text: &str) -> bool {
    let alone = format!("# T\n\n{text}\n\n## End\n");
    let read = body::split(&alone);
    matches!(read.sections.as_slice(), [(end, _)] if end == "End") && is_same(read.intro, text)
}

fn is_same(below: &str, text: &str) -> bool {
    says(below) == Some(text) && !text.contains('\r')
}
