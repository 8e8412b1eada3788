//! The family's shapes on the wire: `camelCase`.

use probity_guardian::simulation::{SimulatedSnapshot, Simulation};
use probity_guardian::{
    DisparateImpact, Ingested, MetricKind, Psi, Snapshot, SnapshotDraft, Threshold, Thresholds,
};
use probity_kernel::FieldError;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::http::instant;

/// One evaluation of a model.
#[derive(Debug, Serialize, Deserialize, ToSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::NewSnapshot, example = json!({
    "modelId": "sys_01h455vb4pex5vsknk084sn02q", "driftScore": 15.2, "fairnessScore": 92.1,
    "sampleSize": 5000, "notes": "Weekly scheduled run"
}))]
pub(super) struct SnapshotRequest {
    /// The product's id, in either spelling.
    #[schema(required, nullable = false)]
    model_id: Option<String>,
    /// 0 (no drift) to 100; over 50 AMBER, over 70 RED by default.
    #[schema(required, nullable = false, minimum = 0, maximum = 100)]
    drift_score: Option<f64>,
    /// 0 (unfair) to 100; under 90 AMBER, under 80 RED by default.
    #[schema(required, nullable = false, minimum = 0, maximum = 100)]
    fairness_score: Option<f64>,
    /// How many samples were evaluated.
    #[schema(
        required,
        nullable = false,
        minimum = 1,
        maximum = 9_007_199_254_740_992i64
    )]
    sample_size: Option<i64>,
    /// Population stability index; over 0.10 AMBER, over 0.20 RED by default.
    #[schema(minimum = 0)]
    psi: Option<f64>,
    /// Ratio of selection rates; under 0.80 AMBER, under 0.60 RED by default.
    #[schema(minimum = 0)]
    disparate_impact: Option<f64>,
    /// When the evaluation was made; now when absent. At most five minutes ahead.
    #[schema(format = DateTime)]
    captured_at: Option<String>,
    /// Free text of at most 2000 characters.
    #[schema(max_length = 2000)]
    notes: Option<String>,
}

impl SnapshotRequest {
    /// The draft that the domain judges; `prefix` is where in the body this is.
    pub(super) fn draft(self, prefix: &str) -> Result<SnapshotDraft, FieldError> {
        let captured_at = self.captured_at.as_deref();
        let captured_at = captured_at
            .map(|text| instant::parse(&format!("{prefix}/capturedAt"), text))
            .transpose()?;
        Ok(SnapshotDraft {
            product: self.model_id,
            drift_score: self.drift_score,
            fairness_score: self.fairness_score,
            psi: self.psi,
            disparate_impact: self.disparate_impact,
            sample_size: self.sample_size,
            captured_at,
            notes: self.notes,
            recipe: None,
        })
    }
}

/// 1 to 100 evaluations, all of which are recorded or none.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = guardian::NewBatch)]
pub(super) struct BatchRequest {
    #[schema(required, nullable = false, min_items = 1, max_items = 100)]
    #[validate(length(min = 1, max = 100))]
    pub(super) snapshots: Option<Vec<SnapshotRequest>>,
}

/// The verdict on one evaluation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Ingested)]
pub(super) struct IngestedResponse {
    /// Always true.
    success: bool,
    /// The snapshot's id.
    #[schema(example = "snap_01h455vb4pex5vsknk084sn02q")]
    snapshot_id: String,
    #[schema(value_type = schema::ComplianceStatus)]
    compliance_status: &'static str,
}

impl From<Ingested> for IngestedResponse {
    fn from(ingested: Ingested) -> Self {
        Self {
            success: true,
            snapshot_id: ingested.snapshot.type_id(),
            compliance_status: ingested.status.as_str(),
        }
    }
}

/// The verdicts on a batch, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = guardian::IngestedBatch)]
pub(super) struct BatchResponse {
    /// Always true.
    pub(super) success: bool,
    /// How many were recorded.
    pub(super) count: usize,
    pub(super) results: Vec<IngestedResponse>,
}

/// Amber and red limits of one metric.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = guardian::Threshold)]
pub(super) struct ThresholdResponse {
    amber: f64,
    red: f64,
}

impl From<Threshold> for ThresholdResponse {
    fn from(threshold: Threshold) -> Self {
        Self {
            amber: threshold.amber,
            red: threshold.red,
        }
    }
}

/// The limits that a model is judged by.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Thresholds)]
pub(super) struct ThresholdsResponse {
    /// As asked for.
    pub(super) model_id: Option<String>,
    /// `global_defaults` or `risk_metric_link`.
    #[schema(example = "global_defaults")]
    pub(super) source: &'static str,
    pub(super) thresholds: ThresholdSetResponse,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::ThresholdSet)]
pub(super) struct ThresholdSetResponse {
    drift: ThresholdResponse,
    fairness: ThresholdResponse,
    psi: ThresholdResponse,
    disparate_impact: ThresholdResponse,
}

impl From<Thresholds> for ThresholdSetResponse {
    fn from(thresholds: Thresholds) -> Self {
        Self {
            drift: thresholds.get(MetricKind::Drift).into(),
            fairness: thresholds.get(MetricKind::Fairness).into(),
            psi: thresholds.get(MetricKind::Psi).into(),
            disparate_impact: thresholds.get(MetricKind::DisparateImpact).into(),
        }
    }
}

/// A recorded evaluation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Snapshot)]
pub(super) struct SnapshotResponse {
    #[schema(example = "snap_01h455vb4pex5vsknk084sn02q")]
    snapshot_id: String,
    model_id: String,
    drift_score: f64,
    fairness_score: f64,
    psi: Option<f64>,
    disparate_impact: Option<f64>,
    sample_size: u64,
    #[schema(value_type = schema::ComplianceStatus)]
    compliance_status: &'static str,
    /// What the limits were: `global_defaults` or `risk_metric_link`.
    threshold_source: &'static str,
    #[serde(serialize_with = "instant::serialize")]
    captured_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    received_at: OffsetDateTime,
    notes: Option<String>,
    /// How the figures were computed, when the server computed them.
    #[schema(value_type = Option<Object>)]
    recipe: Option<serde_json::Value>,
}

impl From<Snapshot> for SnapshotResponse {
    fn from(snapshot: Snapshot) -> Self {
        let Snapshot {
            new,
            status,
            received_at,
            threshold_source,
        } = snapshot;
        Self {
            snapshot_id: new.id.type_id(),
            model_id: new.product.type_id(),
            drift_score: new.drift_score.get(),
            fairness_score: new.fairness_score.get(),
            psi: new.psi.map(Psi::get),
            disparate_impact: new.disparate_impact.map(DisparateImpact::get),
            sample_size: new.sample_size.get(),
            compliance_status: status.as_str(),
            threshold_source: threshold_source.as_str(),
            captured_at: new.captured_at,
            received_at,
            notes: new.notes,
            recipe: new.recipe,
        }
    }
}

/// Which snapshots are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct HistoryQuery {
    /// The product's id.
    #[param(required, nullable = false)]
    pub(super) model_id: Option<String>,
    /// Captured at or after this instant.
    #[param(format = DateTime)]
    pub(super) from: Option<String>,
    /// Captured before this instant.
    #[param(format = DateTime)]
    pub(super) to: Option<String>,
    /// Exactly this status.
    #[param(value_type = Option<schema::ComplianceStatus>)]
    pub(super) status: Option<String>,
    /// 1 to 200, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    pub(super) offset: Option<String>,
    /// `nextCursor` of an earlier page. Not together with `offset`.
    pub(super) cursor: Option<String>,
}

/// One page of a product's snapshots, newest captured first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::History)]
pub(super) struct HistoryResponse {
    /// Always true.
    pub(super) success: bool,
    pub(super) total: u64,
    pub(super) snapshots: Vec<SnapshotResponse>,
    pub(super) next_cursor: Option<String>,
}

/// What to simulate.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct SimulationQuery {
    /// Any name, at most 256 characters; `test-model` when absent.
    #[param(max_length = 256)]
    pub(super) model_id: Option<String>,
    /// Any text, at most 64 characters; `0` when absent. The same seed gives the same figures.
    #[param(max_length = 64)]
    pub(super) seed: Option<String>,
}

/// Made-up figures for trying an integration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Simulation)]
pub(super) struct SimulationResponse {
    /// Always true.
    success: bool,
    /// Always true: none of this was measured.
    simulated: bool,
    model_id: String,
    seed: String,
    #[serde(flatten)]
    latest: SimulatedResponse,
    history: Vec<SimulatedResponse>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::SimulatedSnapshot)]
pub(super) struct SimulatedResponse {
    #[serde(serialize_with = "instant::serialize")]
    captured_at: OffsetDateTime,
    drift_score: f64,
    fairness_score: f64,
    psi: f64,
    disparate_impact: f64,
    sample_size: u64,
    #[schema(value_type = schema::ComplianceStatus)]
    compliance_status: &'static str,
}

impl From<SimulatedSnapshot> for SimulatedResponse {
    fn from(point: SimulatedSnapshot) -> Self {
        Self {
            captured_at: point.captured_at,
            drift_score: point.drift_score,
            fairness_score: point.fairness_score,
            psi: point.psi,
            disparate_impact: point.disparate_impact,
            sample_size: point.sample_size,
            compliance_status: point.status.as_str(),
        }
    }
}

impl From<Simulation> for SimulationResponse {
    fn from(simulation: Simulation) -> Self {
        Self {
            success: true,
            simulated: simulation.simulated,
            model_id: simulation.model_id,
            seed: simulation.seed,
            latest: simulation.latest.into(),
            history: simulation
                .history
                .into_iter()
                .map(SimulatedResponse::from)
                .collect(),
        }
    }
}

/// The closed vocabularies, for the document alone.
pub(super) mod schema {
    use utoipa::ToSchema;

    /// The verdict; RED is the worst.
    #[derive(ToSchema)]
    #[schema(as = guardian::ComplianceStatus, rename_all = "UPPERCASE")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum ComplianceStatus {
        Green,
        Amber,
        Red,
    }

    /// How bad an alert is.
    #[derive(ToSchema)]
    #[schema(as = guardian::Severity, rename_all = "UPPERCASE")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum Severity {
        Amber,
        Red,
    }

    /// What is measured.
    #[derive(ToSchema)]
    #[schema(as = guardian::Metric, rename_all = "camelCase")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum Metric {
        Drift,
        Fairness,
        Psi,
        DisparateImpact,
    }

    /// How grave an alert is, whatever it came from.
    #[derive(ToSchema)]
    #[schema(as = guardian::AlertSeverity, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum AlertSeverity {
        Low,
        Medium,
        High,
        Critical,
    }

    /// Where an alert came from.
    #[derive(ToSchema)]
    #[schema(as = guardian::AlertSource, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum AlertSource {
        Metric,
        RuntimeEvent,
        Review,
        Posture,
    }

    /// What a target is for.
    #[derive(ToSchema)]
    #[schema(as = guardian::Deadline, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum Deadline {
        Acknowledge,
        Resolve,
    }

    /// Whether an alert still stands.
    #[derive(ToSchema)]
    #[schema(as = guardian::AlertState, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum AlertState {
        Open,
        Resolved,
    }
}
