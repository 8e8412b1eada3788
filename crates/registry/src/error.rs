//! What the registry refuses, and why.

use probity_kernel::{DomainError, ErrorKind, FieldError, RegisteredModelId, RepositoryError};
use serde_json::{Map, Value, json};

use crate::model::ModelIdentifier;
use crate::status::{TransitionError, ValidationStatus};

/// A command of the registry that was not carried out. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The input is faulty.
    #[error("the request holds {} faulty field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// The organisation has no such entry.
    #[error("no model with the id {0} is registered")]
    NotFound(RegisteredModelId),
    /// The organisation has an entry for the model.
    #[error("a model with the model_id {0} is already registered")]
    AlreadyExists(ModelIdentifier),
    /// The lifecycle does not list the move.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// Duties are separate, and the actor owns the entry.
    #[error("the owner of a model cannot validate it: separation of duties is switched on")]
    SeparationOfDuties,
    /// The entry is not at the version that the caller demanded.
    #[error("the model was changed since the version that the request names")]
    PreconditionFailed,
    /// The store did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl From<Vec<FieldError>> for RegistryError {
    fn from(faults: Vec<FieldError>) -> Self {
        Self::Invalid(faults)
    }
}

impl DomainError for RegistryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::AlreadyExists(_) => ErrorKind::Conflict,
            Self::Transition(_) | Self::SeparationOfDuties => ErrorKind::Unprocessable,
            Self::PreconditionFailed => ErrorKind::PreconditionFailed,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_error",
            Self::NotFound(_) => "model_not_found",
            Self::AlreadyExists(_) => "model_already_exists",
            Self::Transition(_) => "invalid_status_transition",
            Self::SeparationOfDuties => "separation_of_duties",
            Self::PreconditionFailed => "precondition_failed",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        if let Self::Invalid(faults) = self {
            faults.clone()
        } else {
            Vec::new()
        }
    }

    fn extensions(&self) -> Map<String, Value> {
        let Self::Transition(refused) = self else {
            return Map::new();
        };
        let permitted: Vec<_> = refused
            .permitted
            .iter()
            .map(|status: &ValidationStatus| status.as_str())
            .collect();
        [
            ("from", json!(refused.from.as_str())),
            ("to", json!(refused.to.as_str())),
            ("permitted", json!(permitted)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        if let Self::Repository(error) = self {
            error.retry_after()
        } else {
            None
        }
    }
}
