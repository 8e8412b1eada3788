//! Catalog

pub mod error;
pub mod event;
pub mod new_product;
pub mod product;
pub mod repository;
pub mod serving_url;
pub mod slug;
pub mod space;
pub mod taxonomy;

pub use error::CatalogError;
pub use event::{CatalogEvent, ProductFacts};
pub use new_product::{NewProduct, ProductInput};
pub use product::{ModelMetadata, Product};
pub use repository::{CatalogChange, CatalogRepository, CatalogWrite, ProductFilter};
pub use serving_url::{MalformedUrl, ServingUrl};
pub use slug::{MalformedSlug, ProductSlug, SpaceSlug};
pub use space::{NewSpace, Space};
pub use taxonomy::{
    DeploymentStatus, LifecycleStage, ModelFamily, ProductType, RiskClassification, TaskType,
    UnknownValue,
};
