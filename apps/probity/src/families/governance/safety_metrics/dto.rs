//! The shapes of safety metrics on the wire.

use probity_governance::evidence::{MetricCategory, MetricInput, SafetyMetric};
use probity_kernel::FieldError;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::super::wire::{self, schema};
use crate::http::extract::Faults;
use crate::http::instant;

/// Which metrics are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CategoryQuery {
    /// Only those of one category.
    #[param(value_type = Option<schema::MetricCategory>)]
    category: Option<String>,
}

impl CategoryQuery {
    /// The category.
    pub(super) fn parse(&self, faults: &mut Faults) -> Option<MetricCategory> {
        let expected = format!("one of {}", MetricCategory::TEXTS.join(", "));
        faults.optional("category", self.category.as_deref(), &expected)
    }
}

macro_rules! metric_request {
    ($(#[$meta:meta])* $name:ident { $($required:tt)* }) => {
        $(#[$meta])*
        pub(super) struct $name {
            $($required)*
            metric_value: Option<f64>,
            #[schema(min_length = 1, max_length = 64)]
            unit: Option<String>,
            /// Where warning begins. Which side is worse follows from the order of the thresholds.
            threshold_warning: Option<f64>,
            /// Where it becomes critical.
            threshold_critical: Option<f64>,
            /// Derived from the value and both thresholds when it is never given.
            #[schema(value_type = Option<schema::MetricStatus>)]
            status: Option<String>,
            #[schema(min_length = 1, max_length = 256)]
            test_dataset: Option<String>,
            #[schema(min_length = 1, max_length = 256)]
            test_dataset_version: Option<String>,
            #[schema(max_length = 10_000)]
            methodology: Option<String>,
            /// At most five minutes ahead.
            #[schema(format = DateTime)]
            measured_at: Option<String>,
            #[schema(min_length = 1, max_length = 256)]
            demographic_group: Option<String>,
            /// `http` or `https`.
            #[schema(min_length = 1, max_length = 2048)]
            external_url: Option<String>,
            #[schema(max_length = 10_000)]
            notes: Option<String>,
        }

        impl $name {
            /// The input that the domain judges.
            pub(super) fn input(self) -> Result<MetricInput, Vec<FieldError>> {
                let mut faults = Vec::new();
                let measured = self.measured_at.as_deref();
                let measured_at = wire::instant(&mut faults, "/measured_at", measured);
                if !faults.is_empty() {
                    return Err(faults);
                }
                Ok(MetricInput {
                    category: self.category,
                    metric_name: self.metric_name,
                    metric_value: self.metric_value,
                    unit: self.unit,
                    threshold_warning: self.threshold_warning,
                    threshold_critical: self.threshold_critical,
                    status: self.status,
                    test_dataset: self.test_dataset,
                    test_dataset_version: self.test_dataset_version,
                    methodology: self.methodology,
                    measured_at,
                    demographic_group: self.demographic_group,
                    external_url: self.external_url,
                    notes: self.notes,
                })
            }
        }
    };
}

metric_request! {
    /// A metric to record.
    #[derive(Debug, Deserialize, ToSchema, Validate)]
    #[schema(as = governance::NewSafetyMetric, example = json!({
        "category": "fairness", "metric_name": "False positive rate parity", "metric_value": 0.03,
        "unit": "ratio", "threshold_warning": 0.05, "threshold_critical": 0.1,
        "measured_at": "2026-06-28T10:00:00Z"
    }))]
    NewMetricRequest {
        #[schema(required, nullable = false, value_type = schema::MetricCategory)]
        category: Option<String>,
        #[schema(required, nullable = false, min_length = 1, max_length = 256)]
        metric_name: Option<String>,
    }
}

metric_request! {
    /// What changes in a metric; what is absent or null stays as it is.
    #[derive(Debug, Deserialize, ToSchema, Validate)]
    #[schema(as = governance::UpdateSafetyMetric, example = json!({"metric_value": 0.04}))]
    UpdateMetricRequest {
        #[schema(value_type = Option<schema::MetricCategory>)]
        category: Option<String>,
        #[schema(min_length = 1, max_length = 256)]
        metric_name: Option<String>,
    }
}

/// A metric of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::SafetyMetric)]
pub(super) struct MetricResponse {
    id: Uuid,
    product_id: Uuid,
    #[schema(value_type = schema::MetricCategory)]
    category: &'static str,
    metric_name: String,
    #[serde(serialize_with = "wire::number")]
    metric_value: Option<f64>,
    unit: Option<String>,
    #[serde(serialize_with = "wire::number")]
    threshold_warning: Option<f64>,
    #[serde(serialize_with = "wire::number")]
    threshold_critical: Option<f64>,
    #[schema(value_type = schema::MetricStatus)]
    status: &'static str,
    /// Whether the status was given or follows from the value and the thresholds.
    #[schema(value_type = schema::StatusSource)]
    status_source: &'static str,
    test_dataset: Option<String>,
    test_dataset_version: Option<String>,
    methodology: Option<String>,
    #[serde(serialize_with = "instant::option::serialize")]
    measured_at: Option<OffsetDateTime>,
    demographic_group: Option<String>,
    external_url: Option<String>,
    notes: Option<String>,
    #[serde(serialize_with = "instant::option::serialize")]
    attested_at: Option<OffsetDateTime>,
    /// Who attested it: `user:<id>`, `api_key:<id>`, `token:<issuer>#<subject>`.
    attested_by: Option<String>,
    /// When it counts from: `measured_at`, else `created_at`.
    #[serde(serialize_with = "instant::serialize")]
    effective_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

impl From<SafetyMetric> for MetricResponse {
    fn from(metric: SafetyMetric) -> Self {
        let effective_at = metric.effective_at();
        let fields = metric.fields;
        let (attested_at, attested_by) = match metric.attestation {
            Some(attested) => (Some(attested.at), Some(attested.by)),
            None => (None, None),
        };
        Self {
            id: metric.id.uuid(),
            product_id: metric.product.uuid(),
            category: fields.category.as_str(),
            metric_name: fields.metric_name,
            metric_value: fields.metric_value,
            unit: fields.unit,
            threshold_warning: fields.threshold_warning,
            threshold_critical: fields.threshold_critical,
            status: fields.status.as_str(),
            status_source: fields.status_source.as_str(),
            test_dataset: fields.test_dataset,
            test_dataset_version: fields.test_dataset_version,
            methodology: fields.methodology,
            measured_at: fields.measured_at,
            demographic_group: fields.demographic_group,
            external_url: fields.external_url,
            notes: fields.notes,
            attested_at,
            attested_by,
            effective_at,
            created_at: metric.created_at,
            updated_at: metric.updated_at,
        }
    }
}
