//! An evaluation as a JSON body.

use probity_kernel::FieldError;
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::Job;
use super::drift_request::{DriftRequest, add_histograms, add_rows};
use super::fairness_request::FairnessRequest;
use super::frame::FrameDraft;
use super::settings::SettingsDraft;
use crate::families::guardian::sample::Samples;

/// A reference and a current sample to be compared, and the decisions to be judged.
///
/// At least one of `drift` and `fairness` has to be there. Whoever measures only one of them may
/// give the score of the other, so that a snapshot can be recorded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = guardian::Evaluation)]
pub(super) struct EvaluationRequest {
    /// The product's id, in either spelling.
    #[schema(required, nullable = false)]
    model_id: Option<String>,
    /// When the current sample was taken; now when absent. At most five minutes ahead.
    #[schema(format = DateTime)]
    captured_at: Option<String>,
    /// Free text of at most 2000 characters.
    #[schema(max_length = 2000)]
    notes: Option<String>,
    /// Whether to compute only and record nothing.
    #[serde(default)]
    dry_run: bool,
    /// With fewer rows on either side of a column no drift is estimable; 30 when absent.
    #[schema(minimum = 1, maximum = 1_000_000)]
    min_samples: Option<u64>,
    /// The drift score, where `drift` is not given.
    #[schema(minimum = 0, maximum = 100)]
    drift_score: Option<f64>,
    /// The fairness score, where `fairness` is not given.
    #[schema(minimum = 0, maximum = 100)]
    fairness_score: Option<f64>,
    drift: Option<DriftRequest>,
    fairness: Option<FairnessRequest>,
}

impl EvaluationRequest {
    /// The work that it asks for.
    pub(super) fn job(self, now: OffsetDateTime) -> Result<Job, Vec<FieldError>> {
        self.check_sides()?;
        let drift = self.drift.unwrap_or_default();
        let mut fairness = self.fairness;
        let (kind, value) = match drift.smoothing {
            Some(smoothing) => (smoothing.kind, smoothing.value),
            None => (None, None),
        };
        let settings = SettingsDraft {
            bins: drift.bins,
            binning: drift.binning,
            smoothing: kind,
            smoothing_value: value,
            min_samples: self.min_samples,
            min_group_rows: fairness.as_mut().and_then(|one| one.min_group_rows.take()),
            missing: drift.missing,
            psi_columns: drift.psi_columns,
        };
        let settings = settings.check(place)?;
        let frame = FrameDraft {
            model_id: self.model_id,
            captured_at: self.captured_at,
            notes: self.notes,
            drift_score: self.drift_score,
            fairness_score: self.fairness_score,
            dry_run: self.dry_run,
        };
        let frame = frame.check("/", now)?;
        let mut samples = Samples::default();
        add_rows(
            &mut samples,
            drift.reference,
            drift.current,
            settings.missing,
        )?;
        add_histograms(&mut samples, drift.histograms)?;
        if let Some(fairness) = fairness {
            let decisions = fairness.decisions()?;
            samples.current_rows = samples.current_rows.max(decisions.cells.rows());
            samples.decisions = Some(decisions);
        }
        Ok(Job {
            frame,
            settings,
            samples,
        })
    }

    fn check_sides(&self) -> Result<(), Vec<FieldError>> {
        let mut faults = Vec::new();
        if self.drift.is_none() && self.fairness.is_none() {
            let message = "is required where `fairness` is not given";
            faults.push(FieldError::new("/drift", "required", message));
        }
        for (field, score, measured) in [
            ("/driftScore", self.drift_score, self.drift.is_some()),
            (
                "/fairnessScore",
                self.fairness_score,
                self.fairness.is_some(),
            ),
        ] {
            if score.is_some() && measured {
                let message = "cannot be given together with what it would be computed from";
                faults.push(FieldError::new(field, "conflicting_field", message));
            }
        }
        let has_columns = |drift: &DriftRequest| {
            drift.reference.is_some() || drift.current.is_some() || !drift.histograms.is_empty()
        };
        if self.drift.as_ref().is_some_and(|drift| !has_columns(drift)) {
            let message = "needs `reference` and `current`, or `histograms`";
            faults.push(FieldError::new("/drift", "required", message));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

/// Where a setting stands in the body.
fn place(name: &str) -> String {
    match name {
        "minSamples" => "/minSamples".to_owned(),
        "minGroupRows" => "/fairness/minGroupRows".to_owned(),
        "smoothing" => "/drift/smoothing/kind".to_owned(),
        "smoothingValue" => "/drift/smoothing/value".to_owned(),
        name => format!("/drift/{name}"),
    }
}

#[cfg(test)]
mod tests;
