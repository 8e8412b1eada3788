#![doc = include_str!("../README.md")]

pub mod alert;
pub mod error;
pub mod event;
pub mod ingestion;
pub mod link;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod metric;
mod publication;
pub mod repository;
pub mod service;
pub mod simulation;
pub mod snapshot;
pub mod standing;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod threshold;
pub mod value;

pub use alert::{Alert, AlertState, Resolution, actor_reference};
pub use error::GuardianError;
pub use event::{AlertAction, AlertFacts, AlertMove, GuardianEvent, RecordedSnapshot};
pub use ingestion::{
    AlertWrite, IngestChange, IngestWrite, Ingestion, LARGEST_BATCH, UnknownProduct,
};
pub use link::{LinkChange, OverridesDraft, RiskMetricLink, ThresholdDraft, ThresholdOverrides};
#[cfg(any(test, feature = "testing"))]
pub use memory::InMemoryGuardian;
pub use metric::{ComplianceStatus, Direction, MetricKind, UnknownValue};
pub use repository::{
    AlertFilter, GuardianChange, GuardianRepository, GuardianWrite, HistoryFilter, IngestError,
    Ingested, LinkFilter,
};
pub use service::GuardianService;
pub use simulation::{SimulatedSnapshot, Simulation};
pub use snapshot::{NewSnapshot, Readings, Snapshot, SnapshotDraft};
pub use standing::{Standing, effective};
pub use threshold::{Threshold, ThresholdSource, Thresholds};
pub use value::{DisparateImpact, DriftScore, FairnessScore, Psi, SampleSize};
