//! The evidence about a product: runs, metrics, runtime events, and drafts of its change log.
//!
//! **Effective date.** Evidence counts from when it came about, not from when it was sent: a run
//! from `completed_at` (else `started_at`), a metric from `measured_at`, a runtime event from
//! `occurred_at`. Only where none of these is known it counts from when it was recorded. Each
//! record says so by its `effective_at`.

pub mod change_log;
mod checker;
pub mod error;
pub mod event;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod repository;
pub mod runtime_event;
pub mod safety_metric;
pub mod service;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod training_run;
pub mod vocabulary;

pub use checker::{FUTURE_TOLERANCE, LARGEST_COUNT, LARGEST_OBJECT};
pub use error::EvidenceError;
pub use event::{EvidenceEvent, Fact, FactChange};
#[cfg(any(test, feature = "testing"))]
pub use memory::InMemoryEvidence;
pub use repository::{EvidenceChange, EvidenceRepository, EvidenceWrite};
pub use runtime_event::{RuntimeEvent, RuntimeEventInput};
pub use safety_metric::{Attestation, MetricFields, MetricInput, SafetyMetric, derive_status};
pub use service::EvidenceService;
pub use training_run::{RunFields, RunInput, RunPatch, TrainingRun};
pub use vocabulary::{
    MetricCategory, MetricStatus, RunStatus, RunType, RuntimeEventType, RuntimeSeverity,
    RuntimeStatus, StatusSource, UnknownEvidenceValue, Vocabulary,
};

pub(crate) use crate::review::actor_reference;
