//! A product on the wire.

use std::collections::BTreeMap;

use probity_catalog::{LifecycleStage, ModelFamily, Product, RiskClassification, Space, TaskType};
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::http::instant;

/// A product with the record of its model and what is documented about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::Product)]
pub(super) struct ProductResponse {
    #[schema(example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    slug: String,
    name: String,
    description: Option<String>,
    long_description: Option<String>,
    product_type: &'static str,
    provider: Option<String>,
    environment: String,
    space_id: String,
    space_slug: String,
    space_name: String,
    owner: Option<String>,
    intended_use: Option<String>,
    limitations: Option<String>,
    risk_classification: Option<&'static str>,
    lifecycle_stage: Option<&'static str>,
    deployment_status: &'static str,
    ai_system_type: Option<String>,
    business_use_case: Option<String>,
    is_gpai: Option<bool>,
    monitoring_plan: Option<String>,
    no_data_dependencies: bool,
    #[serde(serialize_with = "instant::option::serialize")]
    next_review_due_at: Option<OffsetDateTime>,
    model_family: Option<&'static str>,
    model_task_type: Option<&'static str>,
    model_architecture: Option<String>,
    framework: Option<String>,
    serving_url: Option<String>,
    #[schema(value_type = Option<Object>)]
    input_schema: Option<Map<String, Value>>,
    #[schema(value_type = Option<Object>)]
    output_schema: Option<Map<String, Value>>,
    vendor_name: Option<String>,
    vendor_product_name: Option<String>,
    vendor_model_id: Option<String>,
    deployment_environment: Option<String>,
    ai_details: DetailsResponse,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
    #[serde(serialize_with = "instant::option::serialize")]
    archived_at: Option<OffsetDateTime>,
}

/// What is documented about a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::AiDetails)]
struct DetailsResponse {
    /// The sections that are written, by name.
    technical_documentation: BTreeMap<&'static str, String>,
    /// When a section last changed.
    #[serde(serialize_with = "instant::option::serialize")]
    documentation_updated_at: Option<OffsetDateTime>,
    /// What its model card says beyond the fields of the product: licence, languages, data sets, tags ...
    #[schema(value_type = Object)]
    model_card: Map<String, Value>,
}

impl ProductResponse {
    /// A product of a space.
    pub(super) fn of(product: Product, space: &Space) -> Self {
        let (model, dossier) = (product.model, product.dossier);
        let sections = dossier.technical_documentation.into_iter();
        Self {
            id: product.id.to_string(),
            slug: product.slug.as_str().to_owned(),
            name: product.name,
            description: product.description,
            long_description: product.long_description,
            product_type: product.product_type.as_str(),
            provider: product.provider,
            environment: product.environment,
            space_id: space.id.to_string(),
            space_slug: space.slug.as_str().to_owned(),
            space_name: space.name.clone(),
            owner: dossier.owner,
            intended_use: model.intended_use,
            limitations: model.limitations,
            risk_classification: product.risk_classification.map(RiskClassification::as_str),
            lifecycle_stage: product.lifecycle_stage.map(LifecycleStage::as_str),
            deployment_status: model.deployment_status.as_str(),
            ai_system_type: product.ai_system_type,
            business_use_case: product.business_use_case,
            is_gpai: product.is_gpai,
            monitoring_plan: dossier.monitoring_plan,
            no_data_dependencies: dossier.no_data_dependencies,
            next_review_due_at: dossier.next_review_due_at,
            model_family: model.model_family.map(ModelFamily::as_str),
            model_task_type: model.model_task_type.map(TaskType::as_str),
            model_architecture: model.model_architecture,
            framework: model.framework,
            serving_url: model.serving_url.map(|url| url.as_str().to_owned()),
            input_schema: model.input_schema,
            output_schema: model.output_schema,
            vendor_name: model.vendor_name,
            vendor_product_name: model.vendor_product_name,
            vendor_model_id: model.vendor_model_id,
            deployment_environment: model.deployment_environment,
            ai_details: DetailsResponse {
                technical_documentation: sections
                    .map(|(section, text)| (section.as_str(), text))
                    .collect(),
                documentation_updated_at: dossier.documentation_updated_at,
                model_card: dossier.model_card.members().clone(),
            },
            created_at: product.created_at,
            updated_at: product.updated_at,
            archived_at: product.archived_at,
        }
    }
}
