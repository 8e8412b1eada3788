//! The body of a request that appends, cut into pieces.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::web::Payload;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use probity_artifacts::plan::LARGEST_CHUNK;
use probity_artifacts::{ArtifactError, UploadSession};
use probity_kernel::{Context, ErrorKind, FieldError};

use super::super::Artifacts;
use super::super::chunks::next_piece;
use super::super::refusal::{lost, told};
use super::CHECKSUM_MISMATCH;
use crate::http::failure::{Failure, Problem};
use crate::state::ArtifactStore;

/// What the bytes of a request have to hash to.
pub(super) struct Checksum {
    hash: digest::Context,
    expected: Vec<u8>,
}

impl Checksum {
    /// Reads `Upload-Checksum`: an algorithm and a digest in base 64.
    pub(super) fn read(header: Option<&HeaderValue>) -> Result<Option<Self>, Failure<Artifacts>> {
        let Some(header) = header else {
            return Ok(None);
        };
        let text = header.to_str().unwrap_or_default();
        let (name, value) = text.split_once(' ').unwrap_or((text, ""));
        let algorithm = match name {
            "sha1" => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            "sha256" => Some(&digest::SHA256),
            _ => None,
        };
        let expected = BASE64_STANDARD.decode(value.trim()).ok();
        let (Some(algorithm), Some(expected)) = (algorithm, expected) else {
            let message = "must be sha1 or sha256 and a digest in base 64";
            let fault = FieldError::new("Upload-Checksum", "malformed", message);
            let problem = Problem::malformed(vec![fault]);
            return Err(problem.with_status(StatusCode::BAD_REQUEST).into());
        };
        let hash = digest::Context::new(algorithm);
        Ok(Some(Self { hash, expected }))
    }

    fn check(self) -> Result<(), Failure<Artifacts>> {
        if self.hash.finish().as_ref() == self.expected {
            return Ok(());
        }
        let detail = "the bytes do not have the checksum that was sent with them";
        let problem = Problem::new(ErrorKind::Invalid, "checksum_mismatch", detail);
        let status = StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST);
        Err(problem.with_status(status).into())
    }
}

/// The bytes of a body, taken in whatever amounts are wanted.
pub(super) struct Source {
    payload: Payload,
    carry: Bytes,
}

impl Source {
    pub(super) fn new(payload: Payload) -> Self {
        let carry = Bytes::new();
        Self { payload, carry }
    }

    /// Waits until there is something; answers whether there is.
    async fn fill(&mut self) -> Result<bool, ArtifactError> {
        while self.carry.is_empty() {
            let Some(piece) = next_piece(&mut self.payload).await? else {
                return Ok(false);
            };
            self.carry = piece;
        }
        Ok(true)
    }

    /// The next bytes, up to `most`; none at the end.
    async fn take(&mut self, most: u64) -> Result<Bytes, ArtifactError> {
        self.fill().await?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(self.carry.split_to(self.carry.len().min(most)))
    }

    /// Appends all that comes; answers where the bytes end then. A body that breaks off leaves what
    /// came of its last piece.
    pub(super) async fn pour(
        &mut self,
        artifacts: &ArtifactStore,
        context: &Context,
        session: &UploadSession,
        from: u64,
        mut checksum: Option<Checksum>,
    ) -> Result<u64, Failure<Artifacts>> {
        let (product, id) = (session.product, session.id);
        let mut offset = from;
        // What is checked as a whole is kept as a whole.
        let most = if checksum.is_some() {
            LARGEST_CHUNK
        } else {
            session.chunk_size
        };
        loop {
            if !self.fill().await.map_err(told)? {
                return Ok(offset);
            }
            if offset >= session.total_size {
                return Err(told(ArtifactError::TooLong {
                    expected: session.total_size - from,
                }));
            }
            let opened = artifacts.open_piece(context, product, id, offset, most, None);
            let mut piece = opened.await.map_err(told)?;
            let mut broken = None;
            while piece.left() > 0 {
                match self.take(piece.left()).await {
                    Ok(bytes) if bytes.is_empty() => break,
                    Ok(bytes) => {
                        if let Some(checksum) = &mut checksum {
                            checksum.hash.update(&bytes);
                        }
                        piece.write(bytes).await.map_err(told)?;
                    }
                    Err(error) => {
                        broken = Some(error);
                        break;
                    }
                }
            }
            // A request with a checksum is one piece: it is all there now, or nothing of it counts.
            match (checksum.take(), &broken) {
                (Some(checksum), None) => checksum.check()?,
                (Some(_), Some(_)) => return Err(told(ArtifactError::Cut)),
                (None, _) => {}
            }
            let written = piece.written();
            let frame = context.clone();
            // To its end, also when the client is gone by then.
            let task = tokio::spawn(async move { piece.finish(&frame).await });
            task.await.map_err(|error| lost(&error))?.map_err(told)?;
            if let Some(error) = broken {
                return Err(told(error));
            }
            offset += written;
        }
    }
}
