//! One evaluation of a product: what comes in, what is accepted, what is stored.

use probity_kernel::text::TextRule;
use probity_kernel::{FieldError, ProductId, SnapshotId};
use time::{Duration, OffsetDateTime, UtcOffset};

use crate::metric::{ComplianceStatus, MetricKind};
use crate::threshold::ThresholdSource;
use crate::value::{DisparateImpact, DriftScore, FairnessScore, Psi, SampleSize};

/// How far a clock outside may run ahead of the server's.
pub const FUTURE_TOLERANCE: Duration = Duration::minutes(5);
/// Notes: up to 2000 characters, several lines.
const NOTES: TextRule = TextRule::prose(2000);

/// A snapshot whose values are all in range.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSnapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The product that was evaluated.
    pub product: ProductId,
    /// Drift, 0 to 100.
    pub drift_score: DriftScore,
    /// Fairness, 0 to 100.
    pub fairness_score: FairnessScore,
    /// Population stability index, when measured.
    pub psi: Option<Psi>,
    /// Disparate impact, when measured.
    pub disparate_impact: Option<DisparateImpact>,
    /// How many samples the evaluation looked at.
    pub sample_size: SampleSize,
    /// When it was measured, in UTC with milliseconds.
    pub captured_at: OffsetDateTime,
    /// Free text of the sender.
    pub notes: Option<String>,
    /// How computed values came about; only evaluation by the server sets it.
    pub recipe: Option<serde_json::Value>,
}

impl NewSnapshot {
    /// The measured values.
    #[must_use]
    pub fn readings(&self) -> Readings {
        Readings {
            drift: self.drift_score.get(),
            fairness: self.fairness_score.get(),
            psi: self.psi.map(Psi::get),
            disparate_impact: self.disparate_impact.map(DisparateImpact::get),
        }
    }
}

/// The measured values of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Readings {
    /// Drift, 0 to 100.
    pub drift: f64,
    /// Fairness, 0 to 100.
    pub fairness: f64,
    /// Population stability index, when measured.
    pub psi: Option<f64>,
    /// Disparate impact, when measured.
    pub disparate_impact: Option<f64>,
}

impl Readings {
    /// The value of one metric, when measured.
    #[must_use]
    pub const fn get(&self, kind: MetricKind) -> Option<f64> {
        match kind {
            MetricKind::Drift => Some(self.drift),
            MetricKind::Fairness => Some(self.fairness),
            MetricKind::Psi => self.psi,
            MetricKind::DisparateImpact => self.disparate_impact,
        }
    }

    /// What was measured, in the order of [`MetricKind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (MetricKind, f64)> {
        let pair = |kind| self.get(kind).map(|value| (kind, value));
        MetricKind::ALL.into_iter().filter_map(pair)
    }
}

/// A snapshot as it came in, not yet judged. `None` means absent or null.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotDraft {
    /// `modelId`: the product in either spelling of its id; required.
    pub product: Option<String>,
    /// `driftScore`, 0 to 100; required.
    pub drift_score: Option<f64>,
    /// `fairnessScore`, 0 to 100; required.
    pub fairness_score: Option<f64>,
    /// `psi`, at least 0.
    pub psi: Option<f64>,
    /// `disparateImpact`, 0 to 10.
    pub disparate_impact: Option<f64>,
    /// `sampleSize`, 1 to 2^53; required.
    pub sample_size: Option<i64>,
    /// `capturedAt`; the server's time when absent.
    pub captured_at: Option<OffsetDateTime>,
    /// `notes`, up to 2000 characters.
    pub notes: Option<String>,
    /// How computed values came about; never taken from the wire.
    pub recipe: Option<serde_json::Value>,
}

impl SnapshotDraft {
    /// Judges every field. `capturedAt` is brought to UTC and cut to milliseconds.
    ///
    /// # Errors
    /// One [`FieldError`] per faulty field, in the order of the fields; JSON Pointers begin with
    /// `pointer_prefix` (empty for a single snapshot, `/snapshots/3` in a batch). Codes:
    /// `required`, `malformed`, `out_of_range`, `too_long`, `control_character`, `in_future`.
    pub fn parse(
        self,
        id: SnapshotId,
        now: OffsetDateTime,
        pointer_prefix: &str,
    ) -> Result<NewSnapshot, Vec<FieldError>> {
        let mut check = Check::default();
        let product = check.required("/modelId", self.product, |field, text: String| {
            text.parse().map_err(|fault: probity_kernel::ParseIdError| {
                FieldError::new(field, "malformed", fault.to_string())
            })
        });
        let drift = check.required("/driftScore", self.drift_score, DriftScore::parse);
        let fairness = check.required("/fairnessScore", self.fairness_score, FairnessScore::parse);
        let psi = check.optional("/psi", self.psi, Psi::parse);
        let impact = check.optional(
            "/disparateImpact",
            self.disparate_impact,
            DisparateImpact::parse,
        );
        let size = check.required("/sampleSize", self.sample_size, SampleSize::parse);
        let captured = self.captured_at.unwrap_or(now);
        let captured = check.optional("/capturedAt", Some(captured), |field, at| {
            captured_at(field, at, now)
        });
        let notes = check.optional("/notes", self.notes, |field, text: String| {
            NOTES.check(field, &text).map(|()| text)
        });
        match (product, drift, fairness, size, captured) {
            (
                Some(product),
                Some(drift_score),
                Some(fairness_score),
                Some(sample_size),
                Some(captured_at),
            ) if check.faults.is_empty() => Ok(NewSnapshot {
                id,
                product,
                drift_score,
                fairness_score,
                psi,
                disparate_impact: impact,
                sample_size,
                captured_at,
                notes,
                recipe: self.recipe,
            }),
            _ => Err(check.within(pointer_prefix)),
        }
    }
}

/// The instant in UTC with milliseconds, from 1970 on and at most [`FUTURE_TOLERANCE`] ahead.
fn captured_at(
    field: &str,
    at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<OffsetDateTime, FieldError> {
    let range = || {
        let message = "must lie in the years 1970 to 9999";
        FieldError::new(field, "out_of_range", message)
    };
    let utc = at.checked_to_offset(UtcOffset::UTC).ok_or_else(range)?;
    if !(1970..=9999).contains(&utc.year()) {
        return Err(range());
    }
    if utc > now.saturating_add(FUTURE_TOLERANCE) {
        let message = "must be at most 5 minutes in the future";
        return Err(FieldError::new(field, "in_future", message));
    }
    Ok(probity_kernel::clock::to_milliseconds(utc))
}

/// Collects faults while fields are judged.
#[derive(Debug, Default)]
struct Check {
    faults: Vec<FieldError>,
}

impl Check {
    fn required<A, B>(
        &mut self,
        field: &str,
        value: Option<A>,
        parse: impl FnOnce(&str, A) -> Result<B, FieldError>,
    ) -> Option<B> {
        if value.is_none() {
            self.faults
                .push(FieldError::new(field, "required", "is required"));
        }
        self.optional(field, value, parse)
    }

    fn optional<A, B>(
        &mut self,
        field: &str,
        value: Option<A>,
        parse: impl FnOnce(&str, A) -> Result<B, FieldError>,
    ) -> Option<B> {
        match parse(field, value?) {
            Ok(parsed) => Some(parsed),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    fn within(self, prefix: &str) -> Vec<FieldError> {
        let faults = self.faults.into_iter();
        faults.map(|fault| fault.within(prefix)).collect()
    }
}

/// A stored snapshot with its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What was measured.
    pub new: NewSnapshot,
    /// The verdict, by the limits in force when it arrived; later links do not change it.
    pub status: ComplianceStatus,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// Where the limits came from.
    pub threshold_source: ThresholdSource,
}

#[cfg(test)]
mod tests;
