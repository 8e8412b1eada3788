//! Why the alerts refuse.

use std::time::Duration;

use probity_kernel::{DomainError, ErrorKind, FieldError, RepositoryError};

/// What a command on alerts may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlertsError {
    /// The input has faulty fields, all of them listed.
    #[error("the input has {} faulty field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// There is no such alert in the organisation.
    #[error("no such alert")]
    AlertNotFound,
    /// The alert is over and cannot be acknowledged any more.
    #[error("the alert is resolved")]
    AlertResolved,
    /// The record is not at the version that the caller saw.
    #[error("the record has changed since it was read")]
    PreconditionFailed,
    /// More alerts than one report adds up.
    #[error("the window holds more than {0} alerts; ask for a shorter one")]
    WindowTooLarge(u32),
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl DomainError for AlertsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::AlertNotFound => ErrorKind::NotFound,
            Self::AlertResolved => ErrorKind::Conflict,
            Self::PreconditionFailed => ErrorKind::PreconditionFailed,
            Self::WindowTooLarge(_) => ErrorKind::Unprocessable,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_payload",
            Self::AlertNotFound => "alert_not_found",
            Self::AlertResolved => "alert_resolved",
            Self::PreconditionFailed => "precondition_failed",
            Self::WindowTooLarge(_) => "window_too_large",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::AlertNotFound
            | Self::AlertResolved
            | Self::PreconditionFailed
            | Self::WindowTooLarge(_)
            | Self::Repository(_) => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Repository(error) => error.retry_after(),
            Self::Invalid(_)
            | Self::AlertNotFound
            | Self::AlertResolved
            | Self::PreconditionFailed
            | Self::WindowTooLarge(_) => None,
        }
    }
}
