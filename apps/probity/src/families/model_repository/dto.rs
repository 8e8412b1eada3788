//! The family's shapes on the wire.

use probity_artifacts::ArtifactSummary;
use probity_catalog::attachment::VersionSummary;
use probity_catalog::{LifecycleStage, ModelFamily, Product, RiskClassification, Space, TaskType};
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::instant;

/// A model record in brief.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = repository::ModelSummary)]
pub(super) struct ModelSummary {
    id: Uuid,
    slug: String,
    name: String,
    description: Option<String>,
    product_type: &'static str,
    provider: Option<String>,
    space_id: Uuid,
    space_slug: String,
    space_name: String,
    risk_classification: Option<&'static str>,
    lifecycle_stage: Option<&'static str>,
    environment: String,
    deployment_status: &'static str,
    #[serde(flatten)]
    model: ModelFields,
    #[serde(flatten)]
    versions: VersionFields,
    #[serde(flatten)]
    artifacts: ArtifactFields,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = repository::ModelFields)]
struct ModelFields {
    model_family: Option<&'static str>,
    model_task_type: Option<&'static str>,
    model_architecture: Option<String>,
    framework: Option<String>,
    serving_url: Option<String>,
    #[schema(value_type = Option<Object>)]
    input_schema: Option<Map<String, Value>>,
    #[schema(value_type = Option<Object>)]
    output_schema: Option<Map<String, Value>>,
    ai_system_type: Option<String>,
    vendor_name: Option<String>,
    vendor_product_name: Option<String>,
    vendor_model_id: Option<String>,
}

/// The versions of a record.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = repository::VersionFields)]
struct VersionFields {
    version_count: u64,
    current_version_id: Option<Uuid>,
    current_version_number: Option<String>,
    current_version_type: Option<&'static str>,
    #[serde(serialize_with = "instant::option::serialize")]
    current_version_release_date: Option<OffsetDateTime>,
}

impl From<VersionSummary> for VersionFields {
    fn from(summary: VersionSummary) -> Self {
        let count = summary.count;
        let Some(current) = summary.current else {
            return Self {
                version_count: count,
                ..Self::default()
            };
        };
        Self {
            version_count: count,
            current_version_id: Some(current.id.uuid()),
            current_version_number: Some(current.version_number),
            current_version_type: Some(current.version_type.as_str()),
            current_version_release_date: current.release_date,
        }
    }
}

/// The artifacts of a record; a new record has none.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = repository::ArtifactFields)]
struct ArtifactFields {
    artifact_count: u64,
    current_artifact_id: Option<Uuid>,
    current_artifact_file_name: Option<String>,
    current_artifact_kind: Option<String>,
    current_artifact_content_type: Option<String>,
    current_artifact_model_format: Option<String>,
    current_artifact_sha256: Option<String>,
    current_artifact_size_bytes: Option<u64>,
}

impl From<ArtifactSummary> for ArtifactFields {
    fn from(summary: ArtifactSummary) -> Self {
        let artifact_count = summary.count;
        let Some(current) = summary.current else {
            return Self {
                artifact_count,
                ..Self::default()
            };
        };
        Self {
            artifact_count,
            current_artifact_id: Some(current.id.uuid()),
            current_artifact_kind: Some(current.facts.kind.as_str().to_owned()),
            current_artifact_model_format: current.facts.model_format().map(str::to_owned),
            current_artifact_file_name: Some(current.facts.file_name),
            current_artifact_content_type: Some(current.facts.content_type),
            current_artifact_sha256: Some(current.sha256.to_string()),
            current_artifact_size_bytes: Some(current.size),
        }
    }
}

/// What a record shows besides its product.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) versions: VersionSummary,
    pub(super) artifacts: ArtifactSummary,
}

impl ModelSummary {
    /// A record in its space, with its versions and artifacts.
    pub(super) fn of(product: Product, space: &Space, beside: Beside) -> Self {
        let model = product.model;
        Self {
            id: product.id.uuid(),
            slug: product.slug.as_str().to_owned(),
            name: product.name,
            description: product.description,
            product_type: product.product_type.as_str(),
            provider: product.provider,
            space_id: space.id.uuid(),
            space_slug: space.slug.as_str().to_owned(),
            space_name: space.name.clone(),
            risk_classification: product.risk_classification.map(RiskClassification::as_str),
            lifecycle_stage: product.lifecycle_stage.map(LifecycleStage::as_str),
            environment: product.environment,
            deployment_status: model.deployment_status.as_str(),
            model: ModelFields {
                model_family: model.model_family.map(ModelFamily::as_str),
                model_task_type: model.model_task_type.map(TaskType::as_str),
                model_architecture: model.model_architecture,
                framework: model.framework,
                serving_url: model.serving_url.map(|url| url.as_str().to_owned()),
                input_schema: model.input_schema,
                output_schema: model.output_schema,
                ai_system_type: product.ai_system_type,
                vendor_name: model.vendor_name,
                vendor_product_name: model.vendor_product_name,
                vendor_model_id: model.vendor_model_id,
            },
            versions: beside.versions.into(),
            artifacts: beside.artifacts.into(),
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}
