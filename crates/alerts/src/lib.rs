#![doc = include_str!("../README.md")]

pub mod alert;
pub mod error;
pub mod event;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod preferences;
pub mod report;
pub mod repository;
pub mod service;
pub mod severity;
pub mod sla;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use alert::{AlertState, Origin, Resolution, Source, TrackedAlert};
pub use error::AlertsError;
pub use event::AlertsEvent;
pub use preferences::{Channel, ChannelRule, Preferences, PreferencesInput, QuietHours, RuleInput};
pub use report::{Compliance, Durations, SlaReport, SlaRow, Tally, TierFigures};
pub use repository::{
    AlertsChange, AlertsRepository, AlertsWrite, BannerFilter, Configured, Recipient,
};
pub use service::AlertsService;
pub use severity::Severity;
pub use sla::{Deadline, Lapse, SlaTargets, TargetsInput, Tier, TierInput};
