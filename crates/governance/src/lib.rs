#![doc = include_str!("../README.md")]

pub mod assessment;
pub mod error;
pub mod event;
pub mod evidence;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod overview;
mod page;
pub mod posture;
pub mod repository;
pub mod review;
pub mod service;
pub mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod vocabulary;

pub use assessment::evidence::Evidence;
pub use assessment::score::SCORE_VERSION;
pub use assessment::{Assessment, assess};
pub use error::GovernanceError;
pub use event::GovernanceEvent;
#[cfg(any(test, feature = "testing"))]
pub use memory::InMemoryGovernance;
pub use overview::{Fleet, Overview, PostureCount, ProductPosture};
pub use posture::Posture;
pub use repository::{
    Dossier, GovernanceChange, GovernanceRepository, GovernanceWrite, PostureFilter, RecordFacts,
};
pub use review::{
    DecideReview, Decision, NewDecision, RequestReview, Requested, ReviewRequest, actor_reference,
};
pub use service::{GovernanceService, Summary};
pub use settings::{Configuration, GovernanceSettings, SettingsInput};
pub use vocabulary::{
    CompletenessKey, DriftKey, DriftSeverity, LifecycleGate, ProductKind, ReviewState,
    ReviewStatus, Verdict,
};
