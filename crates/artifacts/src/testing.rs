//! The contracts of [`crate::ArtifactRepository`] and [`crate::BlobStore`] as tests that any
//! implementation can run.

mod blobs;
mod repository;

pub use self::blobs::blob_contract;
pub use self::repository::{World, repository_contract};
