//! What is attached to a product: the data it depends on, the policies it is under, the mitigations
//! of its risks, and the models of the inventory that it uses.

mod dependency;
mod error;
mod event;
mod input;
#[cfg(any(test, feature = "testing"))]
mod memory;
mod mitigation;
mod models;
mod policy;
mod release;
mod repository;
mod service;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use dependency::{
    DataDependency, DependencyInput, DependencyPatch, DependencyPatchInput, DependencyType,
    NewDependency,
};
pub use error::AttachmentError;
pub use event::AttachmentEvent;
#[cfg(any(test, feature = "testing"))]
pub use memory::InMemoryAttachments;
pub use mitigation::{
    MitigationInput, MitigationPatch, MitigationPatchInput, MitigationStatus, NewMitigation,
    RiskMitigation, Severity,
};
pub use models::{
    LARGEST_LINK_SET, LinkTarget, LinkTargetInput, RegisteredModelLink, RegisteredModelLinks,
    parse_targets,
};
pub use policy::{NewPolicy, PolicyAttachment, PolicyInput};
pub use release::{NewVersion, ProductVersion, VersionInput, VersionSummary, VersionType};
pub use repository::{AttachmentChange, AttachmentRepository, AttachmentWrite, Removal};
pub use service::AttachmentService;
