//! The names of objects.
//!
//! ```text
//! staging/<organisation>/<upload>/<index>-<digest>-<nonce>   a chunk
//! staging/<organisation>/<upload>/assembly-<nonce>           a multipart upload that is under way
//! blobs/<organisation>/<digest>/<upload>                     a blob
//! ```
//!
//! Uploads go by their id in 22 characters. No byte of a user's is in a name. A chunk that is sent again gets an object of its own, so that
//! what was counted is never written over. A blob goes by its digest and by the upload that made it:
//! a name is never given twice, so that whoever removes one cannot hit another of the same bytes that
//! was made meanwhile, on whatever node.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use object_store::path::Path;
use probity_artifacts::{BlobError, BlobKey, Sha256Digest, StagedUpload, StoredBlob, UploadPlace};
use probity_kernel::{OrganizationId, UploadSessionId};
use uuid::Uuid;

const STAGING: &str = "staging";
const BLOBS: &str = "blobs";
const ASSEMBLY: &str = "assembly-";

/// The names below a prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// Empty, or ending with a slash.
    prefix: String,
}

impl Keys {
    pub(super) fn below(prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}/")
        };
        Self { prefix }
    }

    fn path(&self, rest: &str) -> Path {
        Path::from(format!("{}{rest}", self.prefix))
    }

    /// What is written to see whether the store can be written to.
    pub(super) fn probe(&self) -> Path {
        self.path(".ready")
    }

    pub(super) fn staging(&self) -> Path {
        self.path(STAGING)
    }

    pub(super) fn blobs(&self) -> Path {
        self.path(BLOBS)
    }

    /// Below which everything of an upload lies.
    pub(super) fn upload(&self, place: &UploadPlace) -> Path {
        self.path(&below(place.organization, place.upload))
    }

    /// A chunk. Locations are names that this store gave; anything else names nothing.
    pub(super) fn chunk(&self, place: &UploadPlace, location: &str) -> Result<Path, BlobError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if location.is_empty() || !location.chars().all(plain) {
            return Err(BlobError::NotFound);
        }
        let folder = below(place.organization, place.upload);
        Ok(self.path(&format!("{folder}/{location}")))
    }

    /// A note of a multipart upload.
    pub(super) fn assembly(&self, place: &UploadPlace, nonce: u64) -> Path {
        let folder = below(place.organization, place.upload);
        self.path(&format!("{folder}/{ASSEMBLY}{nonce:016x}"))
    }

    /// A blob; a key that this store did not give names none.
    pub(super) fn blob(&self, blob: &BlobKey) -> Result<Path, BlobError> {
        parse_key(&blob.key).ok_or(BlobError::NotFound)?;
        let (organization, key) = (blob.organization, &blob.key);
        Ok(self.path(&format!("{BLOBS}/{organization}/{key}")))
    }

    /// The blob of a name, if it is one.
    pub(super) fn blob_at(&self, path: &Path) -> Option<StoredBlob> {
        let rest = self.rest(path, BLOBS)?;
        let (owner, key) = rest.split_once('/')?;
        let (_, upload) = parse_key(key)?;
        let organization: OrganizationId = owner.parse().ok()?;
        let key = BlobKey {
            organization,
            key: key.to_owned(),
        };
        Some(StoredBlob {
            key,
            upload: Some(upload),
        })
    }

    /// The upload that a name belongs to, if it does to one.
    pub(super) fn upload_at(&self, path: &Path) -> Option<StagedUpload> {
        let mut parts = self.rest(path, STAGING)?.split('/');
        let (organization, upload) = (parts.next()?, parts.next()?);
        Some(StagedUpload {
            organization: organization.parse().ok()?,
            upload: upload_of(upload)?,
        })
    }

    /// A name behind all of an upload, and before the next one's.
    pub(super) fn behind(&self, staged: StagedUpload) -> Path {
        let folder = below(staged.organization, staged.upload);
        self.path(&format!("{folder}/z"))
    }

    fn rest<'a>(&self, path: &'a Path, folder: &str) -> Option<&'a str> {
        let rest = path.as_ref().strip_prefix(&self.prefix)?;
        rest.strip_prefix(folder)?.strip_prefix('/')
    }
}

/// Whether a name is a note of a multipart upload.
pub(super) fn is_assembly(path: &Path) -> bool {
    path.filename()
        .is_some_and(|name| name.starts_with(ASSEMBLY))
}

/// The key of the blob that an upload is made to.
pub(super) fn key_of(place: &UploadPlace, digest: Sha256Digest) -> BlobKey {
    BlobKey {
        organization: place.organization,
        key: format!("{digest}/{}", short(place.upload)),
    }
}

fn below(organization: OrganizationId, upload: UploadSessionId) -> String {
    format!("{STAGING}/{organization}/{}", short(upload))
}

/// The id of an upload in 22 characters.
fn short(upload: UploadSessionId) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(upload.uuid().as_bytes())
}

/// The upload of such a text.
fn upload_of(text: &str) -> Option<UploadSessionId> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    Uuid::from_slice(&bytes).ok().map(UploadSessionId::new)
}

fn parse_key(key: &str) -> Option<(Sha256Digest, UploadSessionId)> {
    let (digest, upload) = key.split_once('/')?;
    let (digest, upload): (Sha256Digest, _) = (digest.parse().ok()?, upload_of(upload)?);
    // One spelling names one object.
    (format!("{digest}/{}", short(upload)) == key).then_some((digest, upload))
}

/// The location of a chunk.
pub(super) fn location_of(index: u32, digest: Sha256Digest, nonce: u64) -> String {
    format!("{index}-{digest}-{nonce:016x}")
}

/// The digest of the chunk at a location.
pub(super) fn digest_at(location: &str) -> Option<Sha256Digest> {
    location.split('-').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> UploadPlace {
        UploadPlace {
            organization: OrganizationId::new(Uuid::from_u128(1)),
            upload: UploadSessionId::new(Uuid::from_u128(2)),
            total_size: 0,
            staging: None,
        }
    }

    #[test]
    fn names_lead_back_to_what_they_name() {
        for prefix in ["", "probity", "/a/b/"] {
            let (keys, place) = (Keys::below(prefix), place());
            let digest = Sha256Digest::of(b"x");
            let blob = key_of(&place, digest);
            let path = keys.blob(&blob).unwrap();
            let found = keys.blob_at(&path).unwrap();
            assert_eq!((found.key, found.upload), (blob, Some(place.upload)));
            let location = location_of(7, digest, 9);
            assert_eq!(digest_at(&location), Some(digest));
            let path = keys.chunk(&place, &location).unwrap();
            let staged = keys.upload_at(&path).unwrap();
            assert_eq!(staged.upload, place.upload);
            assert!(path.prefix_matches(&keys.upload(&place)));
            assert!(keys.upload(&place) < path && path < keys.behind(staged));
            let note = keys.assembly(&place, 3);
            assert!(is_assembly(&note) && !is_assembly(&path));
            assert!(note < keys.behind(staged));
            assert!(keys.blob_at(&path).is_none() && keys.upload_at(&note).is_some());
        }
    }

    #[test]
    fn strange_names_name_nothing() {
        let (keys, place) = (Keys::below(""), place());
        for location in ["", "../x", "a/b", "a.b", "0-\u{e4}"] {
            assert!(keys.chunk(&place, location).is_err(), "{location}");
        }
        let digest = Sha256Digest::of(b"x").to_string();
        for key in [
            digest.clone(),
            format!("{digest}/../../x"),
            format!("{}/{}", digest.to_uppercase(), short(place.upload)),
            format!("{digest}/{}", place.upload),
            String::new(),
        ] {
            let organization = place.organization;
            assert!(keys.blob(&BlobKey { organization, key }).is_err());
        }
    }
}
