#![doc = include_str!("../README.md")]

pub mod alert;
pub mod error;
pub mod event;
pub mod ingestion;
pub mod link;
pub mod metric;
pub mod repository;
pub mod snapshot;
pub mod threshold;
pub mod value;

pub use alert::{Alert, AlertState, Resolution, actor_reference};
pub use error::GuardianError;
pub use event::{AlertAction, AlertFacts, AlertMove, GuardianEvent, RecordedSnapshot};
pub use ingestion::{
    AlertWrite, IngestChange, IngestWrite, Ingestion, LARGEST_BATCH, Standing, UnknownProduct,
};
pub use link::{LinkChange, OverridesDraft, RiskMetricLink, ThresholdDraft, ThresholdOverrides};
pub use metric::{ComplianceStatus, Direction, MetricKind, UnknownValue};
pub use repository::{
    AlertFilter, GuardianChange, GuardianRepository, GuardianWrite, HistoryFilter, IngestError,
    Ingested,
};
pub use snapshot::{NewSnapshot, Readings, Snapshot, SnapshotDraft};
pub use threshold::{Threshold, ThresholdSource, Thresholds};
pub use value::{DisparateImpact, DriftScore, FairnessScore, Psi, SampleSize};
