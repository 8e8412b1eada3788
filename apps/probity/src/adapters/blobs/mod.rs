//! Where the bytes of artifacts are kept.

mod files;
mod holds;
mod local;

pub(crate) use self::local::{LocalBlobs, OpenStoreError};

/// The store of a server.
pub(crate) type Blobs = LocalBlobs;
