#![doc = include_str!("../README.md")]

pub mod attachment;
pub mod card;
pub mod dossier;
pub mod error;
pub mod event;
pub mod filter;
pub mod import;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod new_product;
pub mod patch;
pub mod product;
pub mod repository;
pub mod service;
pub mod serving_url;
pub mod slug;
pub mod space;
pub mod taxonomy;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(any(test, feature = "testing"))]
pub use attachment::InMemoryAttachments;
pub use attachment::{
    AttachmentChange, AttachmentError, AttachmentEvent, AttachmentRepository, AttachmentService,
    AttachmentWrite, DataDependency, PolicyAttachment, RegisteredModelLink, RegisteredModelLinks,
    RiskMitigation,
};
pub use card::ModelCardMetadata;
pub use dossier::{Dossier, DossierInput, TechnicalDocumentation};
pub use error::CatalogError;
pub use event::{CatalogEvent, ProductChanges, ProductFacts};
pub use filter::{ProductFilter, search_text};
#[cfg(any(test, feature = "testing"))]
pub use memory::InMemoryCatalog;
pub use new_product::{NewProduct, ProductInput};
pub use patch::ProductPatch;
pub use product::{ModelMetadata, Product};
pub use repository::{CatalogChange, CatalogRepository, CatalogWrite};
pub use service::CatalogService;
pub use serving_url::{MalformedUrl, ServingUrl};
pub use slug::{MalformedSlug, ProductSlug, SpaceSlug};
pub use space::{NewSpace, Space, SpaceChanges, UnknownVisibility, Visibility};
pub use taxonomy::{
    DeploymentStatus, DocumentationSection, LifecycleStage, ModelFamily, ProductType,
    RiskClassification, TaskType,
};
