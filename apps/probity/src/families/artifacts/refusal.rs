//! What artifacts refuse, with the status that the reference gives it.

use actix_web::http::StatusCode;
use probity_artifacts::{ArtifactError, UploadRefusal};

use super::Artifacts;
use crate::http::failure::{Failure, Problem};

/// More bytes than there is room for are 413, an expired session is 410, a body that broke off 400;
/// the rest follows the family.
pub(super) fn told(error: ArtifactError) -> Failure<Artifacts> {
    let status = match &error {
        ArtifactError::TooLong { .. } | ArtifactError::QuotaExceeded { .. } => {
            Some(StatusCode::PAYLOAD_TOO_LARGE)
        }
        ArtifactError::Upload(UploadRefusal::Expired) => Some(StatusCode::GONE),
        ArtifactError::Cut => Some(StatusCode::BAD_REQUEST),
        _ => None,
    };
    let problem = Problem::from(error);
    match status {
        Some(status) => problem.with_status(status).into(),
        None => problem.into(),
    }
}

/// A task that ended without an answer.
pub(super) fn lost(error: &tokio::task::JoinError) -> Failure<Artifacts> {
    tracing::error!(error = %error, "a task of an upload was lost");
    let detail = "an internal error occurred; the request id finds it in the log";
    Problem::new(
        probity_kernel::ErrorKind::Internal,
        "internal_error",
        detail,
    )
    .into()
}
