//! The fold: snapshots in, verdicts, alerts and one event out.
//!
//! - Each snapshot is judged by the limits of its product, whenever it was captured.
//! - A snapshot captured before the product's latest one is a **late arrival**: stored and judged,
//!   but it moves no alert and publishes nothing. Equal instants are not late. An instant ahead of
//!   the server's clock counts as the instant of arrival here, so that a sender whose clock runs
//!   ahead cannot make the snapshots of others late.
//! - For each metric that the snapshot carries: a breach opens an alert, RED escalates an AMBER
//!   one and clears its acknowledgement, GREEN resolves it as `recovered`. AMBER after RED leaves
//!   the alert at RED: the worst is kept until GREEN. A metric that is absent touches nothing.

use std::collections::HashMap;

use probity_kernel::{
    AlertId, Change, Context, FieldError, IdSource, ProductId, SnapshotId, Version,
};

use crate::alert::{Alert, AlertState, Resolution};
use crate::event::{AlertAction, AlertMove, GuardianEvent, RecordedSnapshot};
use crate::metric::{ComplianceStatus, MetricKind};
use crate::snapshot::{NewSnapshot, Snapshot};
use crate::standing::Standing;

/// The most snapshots of one batch.
pub const LARGEST_BATCH: usize = 100;

/// One of the snapshots names a product that does not exist in the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("snapshot {index} names no model of the organization")]
pub struct UnknownProduct {
    /// The first such snapshot, counted from 0.
    pub index: usize,
    /// Whether the snapshots came as a batch.
    pub batch: bool,
}

impl UnknownProduct {
    /// The JSON Pointer to the product's id.
    #[must_use]
    pub fn pointer(&self) -> String {
        if self.batch {
            format!("/snapshots/{}/modelId", self.index)
        } else {
            "/modelId".to_owned()
        }
    }
}

/// What to write for an ingestion, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub struct IngestWrite {
    /// The snapshots to insert.
    pub snapshots: Vec<Snapshot>,
    /// The alerts to insert and update. One batch may open, escalate and resolve the same alert:
    /// its writes follow one another, each expecting the version that the one before it made.
    pub alerts: Vec<AlertWrite>,
}

/// What to write for one alert.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertWrite {
    /// Inserts it.
    Open(Alert),
    /// Updates it.
    Update {
        /// The alert as it is to be.
        next: Alert,
        /// The version that is replaced.
        expected: Version,
    },
}

/// An ingestion's write with its event and context.
pub type IngestChange = Change<IngestWrite, GuardianEvent>;

/// One snapshot or a batch, accepted but not yet judged against its products.
#[derive(Debug, Clone, PartialEq)]
pub struct Ingestion {
    context: Context,
    snapshots: Vec<NewSnapshot>,
    batch: bool,
}

impl Ingestion {
    /// A batch of 1 to 100 snapshots; faults name `/snapshots/<index>`.
    ///
    /// # Errors
    /// `out_of_range` on `/snapshots` for an empty batch and for more than 100.
    pub fn new(context: Context, snapshots: Vec<NewSnapshot>) -> Result<Self, FieldError> {
        check_batch(snapshots.len())?;
        Ok(Self {
            context,
            snapshots,
            batch: true,
        })
    }

    /// One snapshot on its own; faults name its fields without an index.
    #[must_use]
    pub fn single(context: Context, snapshot: NewSnapshot) -> Self {
        Self {
            context,
            snapshots: vec![snapshot],
            batch: false,
        }
    }

    /// Who, when, for whom.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The snapshots in the order in which they came.
    #[must_use]
    pub fn snapshots(&self) -> &[NewSnapshot] {
        &self.snapshots
    }

    /// Whether they came as a batch.
    #[must_use]
    pub const fn is_batch(&self) -> bool {
        self.batch
    }

    /// Judges the snapshots in their order and updates `standings` in place, so that several
    /// ingestions of one transaction can be folded one after another.
    ///
    /// # Errors
    /// [`UnknownProduct`] for the first snapshot whose product has no standing; `standings` is
    /// then as it was.
    pub fn into_change(
        self,
        standings: &mut HashMap<ProductId, Standing>,
        ids: &dyn IdSource,
    ) -> Result<IngestChange, UnknownProduct> {
        let batch = self.batch;
        let known = |new: &NewSnapshot| standings.contains_key(&new.product);
        if let Some(index) = self.snapshots.iter().position(|new| !known(new)) {
            return Err(UnknownProduct { index, batch });
        }
        let count = self.snapshots.len();
        let mut fold = Fold {
            context: &self.context,
            ids,
            alerts: Vec::new(),
            moves: Vec::new(),
        };
        let mut snapshots = Vec::with_capacity(count);
        let mut recorded = Vec::with_capacity(count);
        for (index, new) in self.snapshots.into_iter().enumerate() {
            let unknown = UnknownProduct { index, batch };
            let standing = standings.get_mut(&new.product).ok_or(unknown)?;
            let record = fold.record(&new, standing);
            snapshots.push(Snapshot {
                new,
                status: record.status,
                received_at: self.context.now,
                threshold_source: standing.source,
            });
            recorded.push(record);
        }
        let alerts = fold.alerts;
        let event = GuardianEvent::SnapshotsRecorded {
            snapshots: recorded,
            alerts: fold.moves,
        };
        let write = IngestWrite { snapshots, alerts };
        Ok(Change::new(&self.context, write, event))
    }
}

/// Whether a batch has 1 to 100 snapshots; looked at before any of them is.
pub(crate) fn check_batch(count: usize) -> Result<(), FieldError> {
    if (1..=LARGEST_BATCH).contains(&count) {
        return Ok(());
    }
    let message = "must hold 1 to 100 snapshots";
    Err(FieldError::new("/snapshots", "out_of_range", message))
}

/// What the fold gathers on its way.
struct Fold<'a> {
    context: &'a Context,
    ids: &'a dyn IdSource,
    alerts: Vec<AlertWrite>,
    moves: Vec<AlertMove>,
}

impl Fold<'_> {
    /// Judges one snapshot and moves the standing of its product.
    fn record(&mut self, new: &NewSnapshot, standing: &mut Standing) -> RecordedSnapshot {
        let readings = new.readings();
        let previous = standing.latest;
        let placed_at = new.captured_at.min(self.context.now);
        let late = previous.is_some_and(|(latest, _)| placed_at < latest);
        let mut status = ComplianceStatus::Green;
        for (kind, value) in readings.iter() {
            let part = standing.thresholds.classify(kind, value);
            status = status.max(part);
            if !late {
                self.move_alert(new, standing, kind, value, part);
            }
        }
        if !late {
            standing.latest = Some((placed_at, status));
        }
        RecordedSnapshot {
            id: new.id,
            product: new.product,
            readings,
            sample_size: new.sample_size.get(),
            captured_at: new.captured_at,
            thresholds: standing.thresholds,
            threshold_source: standing.source,
            status,
            previous: previous.map(|(_, status)| status),
            late,
        }
    }

    /// Opens, escalates or resolves the alert of one metric, or leaves it alone.
    fn move_alert(
        &mut self,
        new: &NewSnapshot,
        standing: &mut Standing,
        kind: MetricKind,
        value: f64,
        part: ComplianceStatus,
    ) {
        let limit = standing.thresholds.get(kind).broken_at(part);
        let alerts = &mut standing.open_alerts;
        let place = alerts.iter().position(|alert| alert.metric == kind);
        match (place, limit) {
            (None, Some(threshold)) => {
                let alert = self.open(new, kind, part, value, threshold);
                self.alerts.push(AlertWrite::Open(alert.clone()));
                alerts.push(alert);
            }
            (Some(place), Some(threshold)) => {
                if let Some(alert) = alerts.get_mut(place).filter(|alert| alert.severity < part) {
                    self.escalate(alert, new.id, part, value, threshold);
                }
            }
            (Some(place), None) => {
                let alert = alerts.swap_remove(place);
                self.recover(alert, new.id, value);
            }
            (None, None) => {}
        }
    }

    fn open(
        &mut self,
        new: &NewSnapshot,
        metric: MetricKind,
        severity: ComplianceStatus,
        value: f64,
        threshold: f64,
    ) -> Alert {
        let now = self.context.now;
        let alert = Alert {
            id: AlertId::new(self.ids.next_id(now)),
            organization: self.context.organization,
            product: new.product,
            metric,
            severity,
            state: AlertState::Open,
            value,
            threshold,
            snapshot: new.id,
            opened_at: now,
            escalated_at: None,
            acknowledged_at: None,
            acknowledged_by: None,
            resolved_at: None,
            resolution: None,
            note: None,
            updated_at: now,
            version: Version::FIRST,
        };
        self.note(AlertAction::Opened, &alert, None);
        alert
    }

    fn escalate(
        &mut self,
        alert: &mut Alert,
        snapshot: SnapshotId,
        severity: ComplianceStatus,
        value: f64,
        threshold: f64,
    ) {
        let before = Before::of(alert);
        let expected = alert.version;
        alert.severity = severity;
        alert.value = value;
        alert.threshold = threshold;
        alert.escalated_at = Some(self.context.now);
        alert.acknowledged_at = None;
        alert.acknowledged_by = None;
        self.touch(alert, snapshot);
        self.note(AlertAction::Escalated, alert, Some(before));
        self.alerts.push(AlertWrite::Update {
            next: alert.clone(),
            expected,
        });
    }

    fn recover(&mut self, mut alert: Alert, snapshot: SnapshotId, value: f64) {
        let before = Before::of(&alert);
        let expected = alert.version;
        alert.value = value;
        alert.state = AlertState::Resolved;
        alert.resolved_at = Some(self.context.now);
        alert.resolution = Some(Resolution::Recovered);
        self.touch(&mut alert, snapshot);
        self.note(AlertAction::Recovered, &alert, Some(before));
        self.alerts.push(AlertWrite::Update {
            next: alert,
            expected,
        });
    }

    fn touch(&self, alert: &mut Alert, snapshot: SnapshotId) {
        alert.snapshot = snapshot;
        alert.updated_at = self.context.now;
        alert.version = alert.version.next();
    }

    fn note(&mut self, action: AlertAction, alert: &Alert, before: Option<Before>) {
        self.moves.push(AlertMove {
            action,
            id: alert.id,
            product: alert.product,
            metric: alert.metric,
            snapshot: alert.snapshot,
            severity: alert.severity,
            severity_before: before.map(|before| before.severity),
            value: alert.value,
            value_before: before.map(|before| before.value),
            threshold: alert.threshold,
            was_acknowledged: before.is_some_and(|before| before.acknowledged),
        });
    }
}

/// What a move of an alert overwrites.
#[derive(Clone, Copy)]
struct Before {
    severity: ComplianceStatus,
    value: f64,
    acknowledged: bool,
}

impl Before {
    const fn of(alert: &Alert) -> Self {
        Self {
            severity: alert.severity,
            value: alert.value,
            acknowledged: alert.acknowledged_at.is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
