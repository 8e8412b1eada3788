#![doc = include_str!("../README.md")]

pub mod history;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod repository;
pub mod retention;
pub mod service;
#[cfg(any(test, feature = "testing"))]
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a suite ends at the first broken promise"
)]
pub mod testing;

pub use history::{FieldChange, HistoryEntry, HistoryQuery, HistoryRepository, changes_of};
pub use repository::{Retention, RetentionRepository};
pub use retention::{
    LegalFloor, SetWindow, Target, UnknownTarget, Window, WindowChange, WindowChanged, WindowInput,
};
pub use service::{RetentionError, RetentionService};
