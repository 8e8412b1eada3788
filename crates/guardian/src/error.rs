//! Why Guardian refuses.

use std::time::Duration;

use probity_kernel::{DomainError, ErrorKind, FieldError, RepositoryError};

use crate::ingestion::UnknownProduct;
use crate::repository::IngestError;

/// What a Guardian command may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardianError {
    /// The input has faulty fields, all of them listed.
    #[error("the input has {} faulty field(s)", .0.len())]
    InvalidPayload(Vec<FieldError>),
    /// There is no such product in the organisation; the pointer or parameter names where it was
    /// asked for.
    #[error("no such model")]
    ModelNotFound {
        /// `/modelId`, `/snapshots/3/modelId`, or the name of a query parameter.
        field: String,
    },
    /// There is no such alert in the organisation.
    #[error("no such alert")]
    AlertNotFound,
    /// There is no such risk metric link in the organisation.
    #[error("no such risk metric link")]
    LinkNotFound,
    /// The product has a risk metric link already.
    #[error("the model has a risk metric link already")]
    LinkExists,
    /// The record is not at the version that the caller saw.
    #[error("the record has changed since it was read")]
    PreconditionFailed,
    /// The alert is over and cannot be acknowledged any more.
    #[error("the alert is resolved")]
    AlertResolved,
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl From<UnknownProduct> for GuardianError {
    fn from(unknown: UnknownProduct) -> Self {
        Self::ModelNotFound {
            field: unknown.pointer(),
        }
    }
}

impl From<IngestError> for GuardianError {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::UnknownProduct(unknown) => unknown.into(),
            IngestError::Repository(error) => Self::Repository(error),
        }
    }
}

impl DomainError for GuardianError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidPayload(_) => ErrorKind::Invalid,
            Self::ModelNotFound { .. } | Self::AlertNotFound | Self::LinkNotFound => {
                ErrorKind::NotFound
            }
            Self::LinkExists | Self::AlertResolved => ErrorKind::Conflict,
            Self::PreconditionFailed => ErrorKind::PreconditionFailed,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidPayload(_) => "invalid_payload",
            Self::ModelNotFound { .. } => "model_not_found",
            Self::AlertNotFound => "alert_not_found",
            Self::LinkNotFound => "link_not_found",
            Self::LinkExists => "link_already_exists",
            Self::PreconditionFailed => "precondition_failed",
            Self::AlertResolved => "alert_resolved",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::InvalidPayload(fields) => fields.clone(),
            Self::ModelNotFound { field } => {
                vec![FieldError::new(field.clone(), "not_found", "no such model")]
            }
            Self::AlertNotFound
            | Self::LinkNotFound
            | Self::LinkExists
            | Self::PreconditionFailed
            | Self::AlertResolved
            | Self::Repository(_) => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Repository(error) => error.retry_after(),
            Self::InvalidPayload(_)
            | Self::ModelNotFound { .. }
            | Self::AlertNotFound
            | Self::LinkNotFound
            | Self::LinkExists
            | Self::PreconditionFailed
            | Self::AlertResolved => None,
        }
    }
}
