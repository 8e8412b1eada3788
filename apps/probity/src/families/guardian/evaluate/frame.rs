//! What a snapshot needs besides figures, judged before anything is computed.

use probity_guardian::SnapshotDraft;
use probity_kernel::{FieldError, ProductId, SnapshotId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::http::instant;

/// Everything about an evaluation but its samples.
#[derive(Debug)]
pub(super) struct Frame {
    /// The product.
    pub(super) product: ProductId,
    /// The snapshot so far; a score in it is the caller's own.
    pub(super) draft: SnapshotDraft,
    /// Whether nothing is to be recorded.
    pub(super) dry_run: bool,
}

/// The same as it was sent.
#[derive(Debug, Default)]
pub(super) struct FrameDraft {
    pub(super) model_id: Option<String>,
    pub(super) captured_at: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) drift_score: Option<f64>,
    pub(super) fairness_score: Option<f64>,
    pub(super) dry_run: bool,
}

impl FrameDraft {
    /// Judges by the rules of snapshots. `prefix` precedes the names: `/` in a body, nothing in a
    /// query.
    pub(super) fn check(self, prefix: &str, now: OffsetDateTime) -> Result<Frame, Vec<FieldError>> {
        let captured_at = self
            .captured_at
            .as_deref()
            .map(|text| instant::parse(&format!("{prefix}capturedAt"), text))
            .transpose()
            .map_err(|fault| vec![fault])?;
        let draft = SnapshotDraft {
            product: self.model_id,
            drift_score: self.drift_score,
            fairness_score: self.fairness_score,
            captured_at,
            notes: self.notes,
            ..SnapshotDraft::default()
        };
        // Figures that are still to come are stood in for by ones that are in range.
        let complete = SnapshotDraft {
            drift_score: draft.drift_score.or(Some(0.0)),
            fairness_score: draft.fairness_score.or(Some(0.0)),
            sample_size: Some(1),
            ..draft.clone()
        };
        let judged = complete.parse(SnapshotId::new(Uuid::nil()), now, "");
        let judged = judged.map_err(|faults| renamed(faults, prefix))?;
        Ok(Frame {
            product: judged.product,
            draft,
            dry_run: self.dry_run,
        })
    }
}

fn renamed(faults: Vec<FieldError>, prefix: &str) -> Vec<FieldError> {
    let faults = faults.into_iter().map(|fault| FieldError {
        field: format!("{prefix}{}", fault.field.trim_start_matches('/')),
        ..fault
    });
    faults.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn draft() -> FrameDraft {
        FrameDraft {
            model_id: Some(Uuid::nil().to_string()),
            ..FrameDraft::default()
        }
    }

    #[test]
    fn scores_still_to_come_are_no_fault() {
        let frame = draft().check("/", NOW).unwrap();
        assert_eq!(
            (frame.draft.drift_score, frame.draft.fairness_score),
            (None, None)
        );
        assert_eq!(frame.draft.sample_size, None);
    }

    #[test]
    fn faults_are_named_as_they_were_sent() {
        let wrong = || FrameDraft {
            model_id: None,
            notes: Some("\u{7}".to_owned()),
            drift_score: Some(101.0),
            ..FrameDraft::default()
        };
        let fields = |prefix| -> Vec<String> {
            let faults = wrong().check(prefix, NOW).unwrap_err();
            faults.into_iter().map(|fault| fault.field).collect()
        };
        assert_eq!(fields("/"), ["/modelId", "/driftScore", "/notes"]);
        assert_eq!(fields(""), ["modelId", "driftScore", "notes"]);
    }

    #[test]
    fn a_capture_may_run_ahead_by_five_minutes() {
        for (at, fine) in [
            ("2026-03-01T12:05:00Z", true),
            ("2026-03-01T12:05:00.001Z", false),
            ("yesterday", false),
        ] {
            let draft = FrameDraft {
                captured_at: Some(at.to_owned()),
                ..draft()
            };
            assert_eq!(draft.check("/", NOW).is_ok(), fine, "{at}");
        }
    }
}
