//! What artifacts refuse, with the status that the reference gives it.

use actix_web::http::StatusCode;
use probity_artifacts::{ArtifactError, UploadRefusal};

use super::Artifacts;
use crate::http::failure::{Failure, Problem};

/// More bytes than there is room for are 413, an expired session is 410, a body that broke off 400;
/// the rest follows the family.
pub(super) fn told(error: ArtifactError) -> Failure<Artifacts> {
    let too_large = matches!(
        error,
        ArtifactError::TooLong { .. } | ArtifactError::QuotaExceeded { .. }
    );
    let gone = matches!(error, ArtifactError::Upload(UploadRefusal::Expired));
    let cut = matches!(error, ArtifactError::Cut);
    let problem = Problem::from(error);
    if too_large {
        problem.with_status(StatusCode::PAYLOAD_TOO_LARGE).into()
    } else if gone {
        problem.with_status(StatusCode::GONE).into()
    } else if cut {
        problem.with_status(StatusCode::BAD_REQUEST).into()
    } else {
        problem.into()
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
