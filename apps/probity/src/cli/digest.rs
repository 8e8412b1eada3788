//! SHA-256 of files, read in pieces.

use std::io::{self, Read};

use probity_artifacts::Sha256Digest;
use sha2::{Digest as _, Sha256};

/// How much is read at a time.
const PIECE: usize = 256 << 10;

/// Reads a file to its end into a digest; answers its length.
pub(super) fn read_into(file: &mut impl Read, hash: &mut Sha256) -> io::Result<u64> {
    let (mut piece, mut length) = (vec![0; PIECE], 0);
    loop {
        let read = file.read(&mut piece)?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(length);
        };
        hash.update(bytes);
        length += u64::try_from(read).unwrap_or_default();
    }
}

/// A digest in hex.
pub(super) fn hex(hash: Sha256) -> String {
    Sha256Digest::from_bytes(hash.finalize().into()).to_string()
}
