//! The family's shapes on the wire: `snake_case`.

use std::collections::BTreeMap;

use probity_registry::{
    DiscoveredModel, DiscoveryReport, DiscoveryStatus, ModelPatchInput, ModelStanding,
    NewModelInput, Patch, RegisteredModel,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::http::extract::patch;
use crate::http::instant;

/// A model to register.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = registry::RegisterModel, example = json!({
    "model_id": "claude-3-5-sonnet-20241022", "provider": "anthropic", "risk_tier": "tier_2",
    "validation_status": "pending_validation", "owner": "ai-risk-team@example.com",
    "tags": {"business_unit": "operations"}
}))]
pub(super) struct RegisterModelRequest {
    /// Identifier by which requests name the model; unique within the organisation.
    #[schema(required, nullable = false, min_length = 1, max_length = 256)]
    model_id: Option<String>,
    /// Vendor or platform.
    #[schema(required, nullable = false, min_length = 1, max_length = 128)]
    provider: Option<String>,
    /// Name for people; the identifier when absent.
    #[schema(min_length = 1, max_length = 256)]
    display_name: Option<String>,
    /// `tier_1` (highest) to `tier_4`.
    #[schema(required, nullable = false, value_type = schema::RiskTier)]
    risk_tier: Option<String>,
    /// Initial status; `draft` when absent.
    #[schema(value_type = Option<schema::ValidationStatus>)]
    validation_status: Option<String>,
    /// E-mail address or team accountable for the model.
    #[schema(min_length = 1, max_length = 320)]
    owner: Option<String>,
    /// What the model is for.
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// At most 64 labels.
    tags: Option<BTreeMap<String, String>>,
    /// How much depends on the model: `low`, `medium`, `high`.
    #[schema(value_type = Option<schema::Level>)]
    exposure: Option<String>,
    /// How much weight its use has: `low`, `medium`, `high`.
    #[schema(value_type = Option<schema::Level>)]
    purpose: Option<String>,
    /// How it comes to its output.
    #[schema(value_type = Option<schema::Technique>)]
    technique: Option<String>,
}

impl From<RegisterModelRequest> for NewModelInput {
    fn from(request: RegisterModelRequest) -> Self {
        Self {
            model_id: request.model_id,
            provider: request.provider,
            display_name: request.display_name,
            risk_tier: request.risk_tier,
            validation_status: request.validation_status,
            owner: request.owner,
            description: request.description,
            tags: request.tags,
            exposure: request.exposure,
            purpose: request.purpose,
            technique: request.technique,
        }
    }
}

/// What changes in an entry; absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = registry::UpdateModel, example = json!({
    "risk_tier": "tier_1", "owner": "sr-ml-risk@example.com",
    "description": "Reclassified to Tier 1 after production impact review"
}))]
pub(super) struct UpdateModelRequest {
    /// Vendor or platform.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 128)]
    provider: Patch<String>,
    /// Name for people.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 256)]
    display_name: Patch<String>,
    /// Risk tier.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = schema::RiskTier, required = false)]
    risk_tier: Patch<String>,
    /// Status to move to; the permitted moves are those of the lifecycle.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = schema::ValidationStatus, required = false)]
    validation_status: Patch<String>,
    /// Accountable owner; null clears it.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 320)]
    owner: Patch<String>,
    /// What the model is for; null clears it.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, max_length = 10_000)]
    description: Patch<String>,
    /// Replaces all labels.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    tags: Patch<BTreeMap<String, String>>,
    /// How much depends on the model.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = schema::Level, required = false)]
    exposure: Patch<String>,
    /// How much weight its use has.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = schema::Level, required = false)]
    purpose: Patch<String>,
    /// How it comes to its output.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = schema::Technique, required = false)]
    technique: Patch<String>,
}

impl From<UpdateModelRequest> for ModelPatchInput {
    fn from(request: UpdateModelRequest) -> Self {
        Self {
            provider: request.provider,
            display_name: request.display_name,
            risk_tier: request.risk_tier,
            validation_status: request.validation_status,
            owner: request.owner,
            description: request.description,
            tags: request.tags,
            exposure: request.exposure,
            purpose: request.purpose,
            technique: request.technique,
        }
    }
}

/// An entry of the inventory.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = registry::Model)]
pub(super) struct ModelResponse {
    /// The entry's UUID.
    id: Uuid,
    /// The organisation, as its prefixed id.
    #[schema(example = "org_01h455vb4pex5vsknk084sn02q")]
    tenant_id: String,
    model_id: String,
    provider: String,
    display_name: String,
    #[schema(value_type = schema::RiskTier)]
    risk_tier: &'static str,
    #[schema(value_type = schema::ValidationStatus)]
    validation_status: &'static str,
    owner: Option<String>,
    description: Option<String>,
    tags: BTreeMap<String, String>,
    /// The last request seen.
    #[serde(serialize_with = "instant::option::serialize")]
    last_seen_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
    #[schema(value_type = Option<schema::Level>)]
    exposure: Option<&'static str>,
    #[schema(value_type = Option<schema::Level>)]
    purpose: Option<&'static str>,
    #[schema(value_type = schema::Technique)]
    technique: &'static str,
    /// Exposure times purpose, when both are assessed.
    #[schema(value_type = Option<schema::Level>)]
    materiality: Option<&'static str>,
    /// The guidance profile that the organisation follows.
    #[schema(example = "sr-11-7")]
    guidance_profile: &'static str,
    /// Whether that profile covers models of this technique.
    in_scope: bool,
    /// When the model last became `validated`.
    #[serde(serialize_with = "instant::option::serialize")]
    validated_at: Option<OffsetDateTime>,
    /// When that validation runs out.
    #[serde(serialize_with = "instant::option::serialize")]
    validation_expires_at: Option<OffsetDateTime>,
    /// Whether it has run out.
    validation_expired: bool,
    /// Whether the model has to be validated again.
    revalidation_due: bool,
}

impl ModelResponse {
    pub(super) fn new(model: RegisteredModel, standing: ModelStanding) -> Self {
        let ModelStanding {
            validation_expired,
            revalidation_due,
            materiality,
            in_scope,
            guidance_profile,
        } = standing;
        Self {
            id: model.id.uuid(),
            tenant_id: model.organization.type_id(),
            model_id: model.model_id.to_string(),
            provider: model.provider,
            display_name: model.display_name,
            risk_tier: model.risk_tier.as_str(),
            validation_status: model.validation_status.as_str(),
            owner: model.owner,
            description: model.description,
            tags: model.tags.as_map().clone(),
            last_seen_at: model.last_seen_at,
            created_at: model.created_at,
            updated_at: model.updated_at,
            exposure: model.exposure.map(probity_registry::Exposure::as_str),
            purpose: model.purpose.map(probity_registry::Purpose::as_str),
            technique: model.technique.as_str(),
            materiality: materiality.map(probity_registry::Materiality::as_str),
            guidance_profile: guidance_profile.as_str(),
            in_scope,
            validated_at: model.validated_at,
            validation_expires_at: model.validation_expires_at,
            validation_expired,
            revalidation_due,
        }
    }
}

/// Which entries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListModelsQuery {
    /// Exactly this tier.
    #[param(value_type = Option<schema::RiskTier>)]
    pub(super) risk_tier: Option<String>,
    /// Exactly this status.
    #[param(value_type = Option<schema::ValidationStatus>)]
    pub(super) validation_status: Option<String>,
    /// Part of the provider's name, whatever its case.
    pub(super) provider: Option<String>,
    /// Words that all occur in identifier, name or description.
    pub(super) search: Option<String>,
    /// 1 to 200, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    pub(super) offset: Option<String>,
    /// `next_cursor` of an earlier page; survives inserts. Not together with `offset`.
    pub(super) cursor: Option<String>,
}

/// One page of the inventory, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = registry::ModelList)]
pub(super) struct ModelListResponse {
    /// How many match.
    #[schema(minimum = 0)]
    pub(super) total: u64,
    /// The limit asked for; all of them in an export.
    #[schema(minimum = 0)]
    pub(super) limit: u32,
    #[schema(minimum = 0)]
    pub(super) offset: u64,
    pub(super) models: Vec<ModelResponse>,
    /// Where the next page starts.
    pub(super) next_cursor: Option<String>,
}

/// How to look for models in use.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[schema(as = registry::DiscoverModels, example = json!({
    "lookback_days": 30, "auto_assign_tier": "tier_4", "dry_run": false
}))]
pub(super) struct DiscoverRequest {
    /// Days of usage to look at, 30 when absent.
    #[schema(minimum = 1, maximum = 365, default = 30)]
    pub(super) lookback_days: Option<i64>,
    /// Tier of new entries, `tier_4` when absent.
    #[schema(value_type = Option<schema::RiskTier>)]
    pub(super) auto_assign_tier: Option<String>,
    /// Whether to report without creating.
    #[schema(default = false)]
    pub(super) dry_run: Option<bool>,
}

/// What a discovery found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = registry::Discovery)]
pub(super) struct DiscoverResponse {
    discovered: u64,
    created: u64,
    existing: u64,
    dry_run: bool,
    models: Vec<DiscoveredModelResponse>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = registry::DiscoveredModel)]
struct DiscoveredModelResponse {
    model_id: String,
    provider: String,
    /// `created` or `existing`.
    #[schema(example = "created")]
    status: &'static str,
    #[schema(value_type = schema::ValidationStatus)]
    validation_status: &'static str,
    #[schema(value_type = schema::RiskTier)]
    risk_tier: &'static str,
    #[serde(serialize_with = "instant::serialize")]
    first_seen_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    last_seen_at: OffsetDateTime,
    /// Requests within the days looked at.
    request_count_30d: u64,
}

impl From<DiscoveryReport> for DiscoverResponse {
    fn from(report: DiscoveryReport) -> Self {
        Self {
            discovered: report.discovered,
            created: report.created,
            existing: report.existing,
            dry_run: report.dry_run,
            models: report
                .models
                .into_iter()
                .map(DiscoveredModelResponse::from)
                .collect(),
        }
    }
}

impl From<DiscoveredModel> for DiscoveredModelResponse {
    fn from(model: DiscoveredModel) -> Self {
        Self {
            model_id: model.model_id.to_string(),
            provider: model.provider,
            status: DiscoveryStatus::as_str(model.status),
            validation_status: model.validation_status.as_str(),
            risk_tier: model.risk_tier.as_str(),
            first_seen_at: model.first_seen_at,
            last_seen_at: model.last_seen_at,
            request_count_30d: model.request_count,
        }
    }
}

/// The closed vocabularies, for the document alone.
pub(super) mod schema {
    use utoipa::ToSchema;

    /// Risk tier; `tier_1` is the highest.
    #[derive(ToSchema)]
    #[schema(as = registry::RiskTier, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum RiskTier {
        #[schema(rename = "tier_1")]
        Tier1,
        #[schema(rename = "tier_2")]
        Tier2,
        #[schema(rename = "tier_3")]
        Tier3,
        #[schema(rename = "tier_4")]
        Tier4,
    }

    /// Where a model stands in its validation.
    #[derive(ToSchema)]
    #[schema(as = registry::ValidationStatus, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum ValidationStatus {
        Draft,
        PendingValidation,
        InValidation,
        NeedsRemediation,
        Validated,
        Deprecated,
    }

    /// A level of exposure, purpose or materiality.
    #[derive(ToSchema)]
    #[schema(as = registry::Level, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum Level {
        Low,
        Medium,
        High,
    }

    /// How a model comes to its output.
    #[derive(ToSchema)]
    #[schema(as = registry::Technique, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum Technique {
        Unspecified,
        Statistical,
        MachineLearning,
        Generative,
        Agentic,
    }
}
