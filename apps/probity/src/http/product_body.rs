//! Products as callers write them: what the catalogue and the model repository have in common.

use std::collections::BTreeMap;

use probity_catalog::{DossierInput, ProductInput, ProductPatch};
use probity_kernel::{FieldError, Patch};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::Validate;

use crate::http::extract::patch;
use crate::http::instant;

/// What is documented about a product.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = AiDetailsChange)]
pub(crate) struct DetailsBody {
    /// Sections by name: `general_description`, `system_architecture`, `data_governance`,
    /// `risk_management`, `human_oversight`, `performance_testing`, `change_log`. Null removes one;
    /// those not named stay.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>, required = false)]
    technical_documentation: Patch<BTreeMap<String, Option<String>>>,
    /// The front matter of a model card, whole: what is there is replaced, null removes it.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<Object>, required = false)]
    model_card: Patch<Value>,
}

/// A product to create, with the record of its model.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = NewProduct, example = json!({
    "name": "Churn Prediction Model", "product_type": "ML Model", "risk_classification": "limited",
    "model_family": "traditional_ml", "model_task_type": "classification"
}))]
pub(crate) struct NewProductBody {
    /// Display name.
    #[schema(required, nullable = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Name in addresses; made from the display name when absent.
    slug: Option<String>,
    description: Option<String>,
    long_description: Option<String>,
    /// `ML Model` when absent.
    product_type: Option<String>,
    provider: Option<String>,
    /// `development` when absent.
    environment: Option<String>,
    /// `prohibited`, `high`, `limited` or `minimal`.
    risk_classification: Option<String>,
    lifecycle_stage: Option<String>,
    model_family: Option<String>,
    model_task_type: Option<String>,
    model_architecture: Option<String>,
    framework: Option<String>,
    intended_use: Option<String>,
    limitations: Option<String>,
    /// `development` when absent.
    deployment_status: Option<String>,
    /// `http` or `https` URL.
    serving_url: Option<String>,
    #[schema(value_type = Option<Object>)]
    input_schema: Option<Value>,
    #[schema(value_type = Option<Object>)]
    output_schema: Option<Value>,
    ai_system_type: Option<String>,
    vendor_name: Option<String>,
    vendor_product_name: Option<String>,
    vendor_model_id: Option<String>,
    deployment_environment: Option<String>,
    business_use_case: Option<String>,
    is_gpai: Option<bool>,
    /// The accountable owner: a user or a team.
    #[schema(max_length = 200)]
    owner: Option<String>,
    monitoring_plan: Option<String>,
    /// Declares on purpose that the product depends on no data.
    no_data_dependencies: Option<bool>,
    /// An instant (RFC 3339).
    next_review_due_at: Option<String>,
    ai_details: Option<DetailsBody>,
}

/// What changes in a product; absent members stay, null clears what can be without a value.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = ProductChange, example = json!({
    "deployment_status": "retired", "lifecycle_stage": "retirement",
    "limitations": "Retired after the v3 model replaced this workflow."
}))]
pub(crate) struct ProductPatchBody {
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false)]
    name: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false)]
    slug: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    description: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    long_description: Patch<String>,
    /// `ML Model`, `AI System`, `LLM Agent`, `AI App`, `Agent` or `Prompt Collection`.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false)]
    product_type: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    provider: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false)]
    environment: Patch<String>,
    /// `prohibited`, `high`, `limited` or `minimal`.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    risk_classification: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    lifecycle_stage: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    model_family: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    model_task_type: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    model_architecture: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    framework: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    intended_use: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    limitations: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false)]
    deployment_status: Patch<String>,
    /// `http` or `https` URL.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    serving_url: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<Object>, required = false)]
    input_schema: Patch<Value>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<Object>, required = false)]
    output_schema: Patch<Value>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    ai_system_type: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    vendor_name: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    vendor_product_name: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    vendor_model_id: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    deployment_environment: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    business_use_case: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<bool>, required = false)]
    is_gpai: Patch<bool>,
    /// The accountable owner: a user or a team.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, max_length = 200)]
    owner: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    monitoring_plan: Patch<String>,
    /// Declares on purpose that the product depends on no data.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<bool>, required = false)]
    no_data_dependencies: Patch<bool>,
    /// An instant (RFC 3339).
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false)]
    next_review_due_at: Patch<String>,
    ai_details: Option<DetailsBody>,
}

type Faults = Vec<FieldError>;

fn given<T>(value: Option<T>) -> Patch<T> {
    value.map_or(Patch::Absent, Patch::Value)
}

fn review_date(text: Patch<String>) -> Result<Patch<OffsetDateTime>, Faults> {
    text.try_map(|text| instant::parse("/next_review_due_at", &text))
        .map_err(|fault| vec![fault])
}

impl NewProductBody {
    /// The input of the domain.
    pub(crate) fn input(self) -> Result<ProductInput, Faults> {
        let details = self.ai_details.unwrap_or_default();
        Ok(ProductInput {
            name: self.name,
            slug: self.slug,
            description: self.description,
            long_description: self.long_description,
            product_type: self.product_type,
            provider: self.provider,
            environment: self.environment,
            risk_classification: self.risk_classification,
            lifecycle_stage: self.lifecycle_stage,
            model_family: self.model_family,
            model_task_type: self.model_task_type,
            model_architecture: self.model_architecture,
            framework: self.framework,
            intended_use: self.intended_use,
            limitations: self.limitations,
            deployment_status: self.deployment_status,
            serving_url: self.serving_url,
            input_schema: self.input_schema,
            output_schema: self.output_schema,
            ai_system_type: self.ai_system_type,
            vendor_name: self.vendor_name,
            vendor_product_name: self.vendor_product_name,
            vendor_model_id: self.vendor_model_id,
            deployment_environment: self.deployment_environment,
            business_use_case: self.business_use_case,
            is_gpai: self.is_gpai,
            dossier: DossierInput {
                owner: given(self.owner),
                monitoring_plan: given(self.monitoring_plan),
                no_data_dependencies: given(self.no_data_dependencies),
                next_review_due_at: review_date(given(self.next_review_due_at))?,
                technical_documentation: details.technical_documentation,
                model_card: details.model_card,
            },
        })
    }
}

impl ProductPatchBody {
    /// The changes for the domain.
    pub(crate) fn changes(self) -> Result<ProductPatch, Faults> {
        let details = self.ai_details.unwrap_or_default();
        Ok(ProductPatch {
            name: self.name,
            slug: self.slug,
            description: self.description,
            long_description: self.long_description,
            product_type: self.product_type,
            provider: self.provider,
            environment: self.environment,
            risk_classification: self.risk_classification,
            lifecycle_stage: self.lifecycle_stage,
            model_family: self.model_family,
            model_task_type: self.model_task_type,
            model_architecture: self.model_architecture,
            framework: self.framework,
            intended_use: self.intended_use,
            limitations: self.limitations,
            deployment_status: self.deployment_status,
            serving_url: self.serving_url,
            input_schema: self.input_schema,
            output_schema: self.output_schema,
            ai_system_type: self.ai_system_type,
            vendor_name: self.vendor_name,
            vendor_product_name: self.vendor_product_name,
            vendor_model_id: self.vendor_model_id,
            deployment_environment: self.deployment_environment,
            business_use_case: self.business_use_case,
            is_gpai: self.is_gpai,
            dossier: DossierInput {
                owner: self.owner,
                monitoring_plan: self.monitoring_plan,
                no_data_dependencies: self.no_data_dependencies,
                next_review_due_at: review_date(self.next_review_due_at)?,
                technical_documentation: details.technical_documentation,
                model_card: details.model_card,
            },
        })
    }
}
