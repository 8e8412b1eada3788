//! Where the bytes of artifacts are kept: a folder of one server, or an object store that any number
//! of servers share.

mod buffers;
mod either;
mod files;
mod holds;
mod inflow;
mod local;
mod s3;
mod share;

use probity_artifacts::BlobError;

pub(crate) use self::either::{Blobs, OpenBlobsError};
use self::local::{LocalBlobs, OpenStoreError};
use self::s3::{OpenS3Error, S3Blobs};

/// 64 random bits: names have to be new, also after a restart and on another node.
fn nonce() -> Result<u64, BlobError> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| BlobError::Unavailable(error.to_string().into()))?;
    Ok(u64::from_be_bytes(bytes))
}
