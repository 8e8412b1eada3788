#![doc = include_str!("../README.md")]

pub mod discovery;
pub mod error;
pub mod event;
mod fields;
pub mod input;
mod instant;
pub mod inventory;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod model;
mod pointer;
pub mod profile;
pub mod provider;
mod publication;
pub mod repository;
#[cfg(test)]
mod samples;
pub mod service;
pub mod settings;
pub mod status;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tier;
pub mod usage;
pub mod validation;
pub mod vocabulary;

pub use discovery::{
    DiscoveredModel, Discovery, DiscoveryReport, DiscoveryRequest, DiscoveryStatus, LastSeen,
};
pub use error::RegistryError;
pub use event::{ModelChanges, RegistryEvent};
pub use fields::FieldChange;
pub use input::{ModelPatch, ModelPatchInput, NewModel, NewModelInput, Patch};
pub use inventory::InventoryCsv;
#[cfg(any(test, feature = "testing"))]
pub use memory::InMemoryModels;
pub use model::{ModelIdentifier, ModelStanding, RegisteredModel, Tags};
pub use profile::{
    Exposure, GuidanceProfile, Materiality, ModelTechnique, ProfileId, Purpose,
    RevalidationTrigger, ValidationPeriod,
};
pub use repository::{ModelChange, ModelFilter, ModelRepository, ModelWrite, search_text};
pub use service::RegistryService;
pub use settings::{MaterialityMonths, Months, RegistrySettings, SettingsInput, TierMonths};
pub use status::{Transition, TransitionError, ValidationStatus};
pub use tier::RiskTier;
pub use usage::{AiRequest, ObservedModel, UsageDelta};
pub use vocabulary::UnknownValue;
