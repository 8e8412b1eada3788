//! Why an attachment is refused.

use std::time::Duration;

use probity_kernel::{DomainError, ErrorKind, FieldError, RepositoryError};

/// What a command about attachments may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachmentError {
    /// The input has faulty fields, all of them listed.
    #[error("{}", told(.0))]
    Invalid(Vec<FieldError>),
    /// There is no such product in the organisation.
    #[error("no such product")]
    ProductNotFound,
    /// The product has no such data dependency.
    #[error("no such data dependency")]
    DependencyNotFound,
    /// The product has no such policy.
    #[error("no such policy")]
    PolicyNotFound,
    /// The product has no such mitigation.
    #[error("no such risk mitigation")]
    MitigationNotFound,
    /// The product has a dependency with the name.
    #[error("the product already has a data dependency with this name")]
    NameTaken,
    /// The product is under the policy already.
    #[error("a policy with this key is already attached to the product")]
    PolicyKeyTaken,
    /// The product has a version with the number.
    #[error("the product already has a version with this number")]
    VersionNumberTaken,
    /// An archived product is kept as it was.
    #[error("the product is archived and takes no changes")]
    ProductArchived,
    /// It is not at the version that the caller demands.
    #[error("the record is not at the version that If-Match names")]
    PreconditionFailed,
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

fn told(faults: &[FieldError]) -> String {
    match faults {
        [only] => format!("{}: {}", only.field, only.message),
        faults => format!("the input has {} faulty fields", faults.len()),
    }
}

impl AttachmentError {
    /// What a refusal of the repository means here.
    pub(super) fn of(error: RepositoryError) -> Self {
        let RepositoryError::Conflict(key) = error else {
            return Self::Repository(error);
        };
        match key {
            "archived" => Self::ProductArchived,
            "product" => Self::ProductNotFound,
            "name" => Self::NameTaken,
            "version_number" => Self::VersionNumberTaken,
            "policy_key" => Self::PolicyKeyTaken,
            _ => Self::Repository(error),
        }
    }
}

impl DomainError for AttachmentError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::ProductNotFound
            | Self::DependencyNotFound
            | Self::PolicyNotFound
            | Self::MitigationNotFound => ErrorKind::NotFound,
            Self::NameTaken
            | Self::PolicyKeyTaken
            | Self::VersionNumberTaken
            | Self::ProductArchived => ErrorKind::Conflict,
            Self::PreconditionFailed => ErrorKind::PreconditionFailed,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_error",
            Self::ProductNotFound => "product_not_found",
            Self::DependencyNotFound => "data_dependency_not_found",
            Self::PolicyNotFound => "policy_not_found",
            Self::MitigationNotFound => "risk_mitigation_not_found",
            Self::NameTaken => "name_taken",
            Self::PolicyKeyTaken => "policy_key_taken",
            Self::VersionNumberTaken => "version_number_taken",
            Self::ProductArchived => "product_archived",
            Self::PreconditionFailed => "precondition_failed",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        if let Self::Invalid(fields) = self {
            fields.clone()
        } else {
            Vec::new()
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        if let Self::Repository(error) = self {
            error.retry_after()
        } else {
            None
        }
    }
}
