//! The API surfaces: one module per reference. A family never imports a family.

pub(crate) mod api_keys;
pub(crate) mod artifacts;
pub(crate) mod audit;
pub(crate) mod catalog;
pub(crate) mod data_retention;
pub(crate) mod events;
pub(crate) mod governance;
pub(crate) mod guardian;
pub(crate) mod ingestion;
pub(crate) mod model_registry;
pub(crate) mod model_repository;
pub(crate) mod problem;
pub(crate) mod webhooks;
