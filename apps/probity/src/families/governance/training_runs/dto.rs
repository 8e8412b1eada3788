//! The shapes of training runs on the wire.

use probity_governance::evidence::{RunInput, RunPatch, TrainingRun};
use probity_kernel::{FieldError, Patch};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::super::wire::{self, schema};
use crate::http::extract::patch;
use crate::http::instant;

/// A run to record.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = governance::NewTrainingRun, example = json!({
    "run_name": "June retraining", "run_type": "training", "status": "completed",
    "dataset_name": "claims_features", "metrics": {"auc": 0.94}, "is_deployed": true,
    "started_at": "2026-06-28T08:00:00Z", "completed_at": "2026-06-28T09:10:00Z"
}))]
pub(super) struct NewRunRequest {
    #[schema(required, nullable = false, min_length = 1, max_length = 256)]
    run_name: Option<String>,
    #[schema(required, nullable = false, value_type = schema::RunType)]
    run_type: Option<String>,
    /// `pending` when absent.
    #[schema(value_type = Option<schema::RunStatus>)]
    status: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    dataset_name: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    dataset_version: Option<String>,
    #[schema(min_length = 1, max_length = 2048)]
    dataset_uri: Option<String>,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_992i64)]
    training_samples: Option<i64>,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_992i64)]
    validation_samples: Option<i64>,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_992i64)]
    test_samples: Option<i64>,
    random_seed: Option<i64>,
    /// At most 64 KiB.
    #[schema(value_type = Option<Object>)]
    hyperparameters: Option<Map<String, Value>>,
    /// At most 64 KiB.
    #[schema(value_type = Option<Object>)]
    metrics: Option<Map<String, Value>>,
    #[schema(min_length = 1, max_length = 2048)]
    model_artifact_uri: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    framework_version: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    environment: Option<String>,
    #[schema(minimum = 0)]
    duration_seconds: Option<f64>,
    #[schema(max_length = 10_000)]
    notes: Option<String>,
    /// Whether what it made is in service; the flag is taken from the product's other runs.
    is_deployed: Option<bool>,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// Not before `started_at`, at most five minutes ahead.
    #[schema(format = DateTime)]
    completed_at: Option<String>,
}

impl NewRunRequest {
    /// The input that the domain judges.
    pub(super) fn input(self) -> Result<RunInput, Vec<FieldError>> {
        let mut faults = Vec::new();
        let started_at = wire::instant(&mut faults, "/started_at", self.started_at.as_deref());
        let completed_at =
            wire::instant(&mut faults, "/completed_at", self.completed_at.as_deref());
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(RunInput {
            run_name: self.run_name,
            run_type: self.run_type,
            status: self.status,
            dataset_name: self.dataset_name,
            dataset_version: self.dataset_version,
            dataset_uri: self.dataset_uri,
            training_samples: self.training_samples,
            validation_samples: self.validation_samples,
            test_samples: self.test_samples,
            random_seed: self.random_seed,
            hyperparameters: self.hyperparameters,
            metrics: self.metrics,
            model_artifact_uri: self.model_artifact_uri,
            framework_version: self.framework_version,
            environment: self.environment,
            duration_seconds: self.duration_seconds,
            notes: self.notes,
            is_deployed: self.is_deployed,
            started_at,
            completed_at,
        })
    }
}

/// What changes in a run; absent members stay as they are, null clears what may be absent.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = governance::UpdateTrainingRun, example = json!({"is_deployed": true}))]
pub(super) struct UpdateRunRequest {
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 256)]
    run_name: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = schema::RunType, required = false)]
    run_type: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = schema::RunStatus, required = false)]
    status: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 256)]
    dataset_name: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 256)]
    dataset_version: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 2048)]
    dataset_uri: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<i64>, required = false, minimum = 0, maximum = 9_007_199_254_740_992i64)]
    training_samples: Patch<i64>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<i64>, required = false, minimum = 0, maximum = 9_007_199_254_740_992i64)]
    validation_samples: Patch<i64>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<i64>, required = false, minimum = 0, maximum = 9_007_199_254_740_992i64)]
    test_samples: Patch<i64>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<i64>, required = false)]
    random_seed: Patch<i64>,
    /// All of them anew; at most 64 KiB.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<Object>, required = false)]
    hyperparameters: Patch<Map<String, Value>>,
    /// All of them anew; at most 64 KiB.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<Object>, required = false)]
    metrics: Patch<Map<String, Value>>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 2048)]
    model_artifact_uri: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 256)]
    framework_version: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 256)]
    environment: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<f64>, required = false, minimum = 0)]
    duration_seconds: Patch<f64>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, max_length = 10_000)]
    notes: Patch<String>,
    /// Whether what it made is in service; the flag is taken from the product's other runs.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = bool, required = false)]
    is_deployed: Patch<bool>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, format = DateTime)]
    started_at: Patch<String>,
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<String>, required = false, format = DateTime)]
    completed_at: Patch<String>,
}

impl UpdateRunRequest {
    /// The patch that the domain judges.
    pub(super) fn patch(self) -> Result<RunPatch, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut instant = |field: &str, text: Patch<String>| {
            let parsed = text.try_map(|text| instant::parse(field, &text));
            parsed.unwrap_or_else(|fault| {
                faults.push(fault);
                Patch::Absent
            })
        };
        let started_at = instant("/started_at", self.started_at);
        let completed_at = instant("/completed_at", self.completed_at);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(RunPatch {
            run_name: self.run_name,
            run_type: self.run_type,
            status: self.status,
            dataset_name: self.dataset_name,
            dataset_version: self.dataset_version,
            dataset_uri: self.dataset_uri,
            training_samples: self.training_samples,
            validation_samples: self.validation_samples,
            test_samples: self.test_samples,
            random_seed: self.random_seed,
            hyperparameters: self.hyperparameters,
            metrics: self.metrics,
            model_artifact_uri: self.model_artifact_uri,
            framework_version: self.framework_version,
            environment: self.environment,
            duration_seconds: self.duration_seconds,
            notes: self.notes,
            is_deployed: self.is_deployed,
            started_at,
            completed_at,
        })
    }
}

/// A run of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::TrainingRun)]
pub(super) struct RunResponse {
    id: Uuid,
    product_id: Uuid,
    run_name: String,
    #[schema(value_type = schema::RunType)]
    run_type: &'static str,
    #[schema(value_type = schema::RunStatus)]
    status: &'static str,
    dataset_name: Option<String>,
    dataset_version: Option<String>,
    dataset_uri: Option<String>,
    training_samples: Option<i64>,
    validation_samples: Option<i64>,
    test_samples: Option<i64>,
    random_seed: Option<i64>,
    #[schema(value_type = Option<Object>)]
    hyperparameters: Option<Map<String, Value>>,
    #[schema(value_type = Option<Object>)]
    metrics: Option<Map<String, Value>>,
    model_artifact_uri: Option<String>,
    framework_version: Option<String>,
    environment: Option<String>,
    #[serde(serialize_with = "wire::number")]
    duration_seconds: Option<f64>,
    notes: Option<String>,
    is_deployed: bool,
    /// When it was last put into service; kept when another run takes its place.
    #[serde(serialize_with = "instant::option::serialize")]
    deployed_at: Option<OffsetDateTime>,
    /// Who did that: `user:<id>`, `api_key:<id>`, `token:<issuer>#<subject>`.
    deployed_by: Option<String>,
    #[serde(serialize_with = "instant::option::serialize")]
    started_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::option::serialize")]
    completed_at: Option<OffsetDateTime>,
    /// When it counts from: `completed_at`, else `started_at`, else `created_at`.
    #[serde(serialize_with = "instant::serialize")]
    effective_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

impl From<TrainingRun> for RunResponse {
    fn from(run: TrainingRun) -> Self {
        let effective_at = run.effective_at();
        let fields = run.fields;
        Self {
            id: run.id.uuid(),
            product_id: run.product.uuid(),
            run_name: fields.run_name,
            run_type: fields.run_type.as_str(),
            status: fields.status.as_str(),
            dataset_name: fields.dataset_name,
            dataset_version: fields.dataset_version,
            dataset_uri: fields.dataset_uri,
            training_samples: fields.training_samples,
            validation_samples: fields.validation_samples,
            test_samples: fields.test_samples,
            random_seed: fields.random_seed,
            hyperparameters: fields.hyperparameters,
            metrics: fields.metrics,
            model_artifact_uri: fields.model_artifact_uri,
            framework_version: fields.framework_version,
            environment: fields.environment,
            duration_seconds: fields.duration_seconds,
            notes: fields.notes,
            is_deployed: fields.is_deployed,
            deployed_at: run.deployed_at,
            deployed_by: run.deployed_by,
            started_at: fields.started_at,
            completed_at: fields.completed_at,
            effective_at,
            created_at: run.created_at,
            updated_at: run.updated_at,
        }
    }
}
