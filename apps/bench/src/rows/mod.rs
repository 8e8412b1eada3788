//! What is measured for which rows of the table.

pub(crate) mod artifacts;
pub(crate) mod discovery;
pub(crate) mod governance;
pub(crate) mod ingest;
pub(crate) mod inventory;
pub(crate) mod mlflow;
pub(crate) mod operations;
pub(crate) mod products;
pub(crate) mod read;
pub(crate) mod register;
pub(crate) mod webhooks;
