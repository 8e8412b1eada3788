//! Why a command on evidence is refused.

use std::time::Duration;

use probity_kernel::{DomainError, ErrorKind, FieldError, RepositoryError};

/// What a command on evidence may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The input has faulty fields, all of them listed.
    #[error("the input has {} faulty field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// There is no such product in the organisation.
    #[error("no such product")]
    ProductNotFound,
    /// The product has no such run.
    #[error("no such training run")]
    RunNotFound,
    /// The product has no such metric.
    #[error("no such safety metric")]
    MetricNotFound,
    /// The product is archived and its evidence stands as it is.
    #[error("the product is archived; its evidence can no longer be changed")]
    ProductArchived,
    /// The record is not at the version that the caller saw.
    #[error("the record has changed since it was read")]
    PreconditionFailed,
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(RepositoryError),
}

impl From<RepositoryError> for EvidenceError {
    fn from(error: RepositoryError) -> Self {
        let RepositoryError::Conflict(what) = error else {
            return Self::Repository(error);
        };
        match what {
            "archived" => Self::ProductArchived,
            "product" => Self::ProductNotFound,
            "cursor" => {
                let message = "the record that it points to is gone; list from the start";
                Self::Invalid(vec![FieldError::new("cursor", "invalid_value", message)])
            }
            _ => Self::Repository(error),
        }
    }
}

impl DomainError for EvidenceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::ProductNotFound | Self::RunNotFound | Self::MetricNotFound => ErrorKind::NotFound,
            Self::ProductArchived => ErrorKind::Conflict,
            Self::PreconditionFailed => ErrorKind::PreconditionFailed,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_error",
            Self::ProductNotFound => "product_not_found",
            Self::RunNotFound => "training_run_not_found",
            Self::MetricNotFound => "safety_metric_not_found",
            Self::ProductArchived => "product_archived",
            Self::PreconditionFailed => "precondition_failed",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::ProductNotFound
            | Self::RunNotFound
            | Self::MetricNotFound
            | Self::ProductArchived
            | Self::PreconditionFailed
            | Self::Repository(_) => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Repository(error) => error.retry_after(),
            Self::Invalid(_)
            | Self::ProductNotFound
            | Self::RunNotFound
            | Self::MetricNotFound
            | Self::ProductArchived
            | Self::PreconditionFailed => None,
        }
    }
}
