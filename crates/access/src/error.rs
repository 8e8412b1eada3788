//! Why access refuses.

use std::time::Duration;

use probity_kernel::{DomainError, ErrorKind, FieldError, RepositoryError};

/// What an access command may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The credential is missing, malformed, unknown, expired or revoked; which of these it is
    /// stays in the log. Its code `unauthorized` is what makes a family answer 401: the kernel has
    /// no kind of its own for it.
    #[error("missing, empty, or invalid credential")]
    Unauthorized,
    /// The credential is good and does not permit this; the text says what would.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such key in the organisation.
    #[error("no such API key")]
    KeyNotFound,
    /// The key is revoked, expired or already replaced, so that it cannot be rotated.
    #[error("the API key is revoked, expired or already replaced")]
    KeyNotUsable,
    /// The input has faulty fields, all of them listed.
    #[error("the input has {} faulty field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// The slug is taken.
    #[error("an organization with this slug already exists")]
    OrganizationExists,
    /// The user is no member of the space.
    #[error("no such member of the space")]
    MemberNotFound,
    /// The space would be left without an admin.
    #[error("a space that has an admin keeps one: make somebody else admin first")]
    LastAdmin,
    /// The record is not at the version that the caller saw.
    #[error("the record has changed since it was read")]
    PreconditionFailed,
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl DomainError for AccessError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unauthorized | Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::KeyNotFound | Self::MemberNotFound => ErrorKind::NotFound,
            Self::KeyNotUsable | Self::OrganizationExists | Self::LastAdmin => ErrorKind::Conflict,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::PreconditionFailed => ErrorKind::PreconditionFailed,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::KeyNotFound => "api_key_not_found",
            Self::KeyNotUsable => "api_key_not_usable",
            Self::Invalid(_) => "validation_error",
            Self::OrganizationExists => "organization_exists",
            Self::MemberNotFound => "member_not_found",
            Self::LastAdmin => "last_admin",
            Self::PreconditionFailed => "precondition_failed",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Unauthorized
            | Self::Forbidden(_)
            | Self::KeyNotFound
            | Self::KeyNotUsable
            | Self::OrganizationExists
            | Self::MemberNotFound
            | Self::LastAdmin
            | Self::PreconditionFailed
            | Self::Repository(_) => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Repository(error) => error.retry_after(),
            Self::Unauthorized
            | Self::Forbidden(_)
            | Self::KeyNotFound
            | Self::KeyNotUsable
            | Self::Invalid(_)
            | Self::OrganizationExists
            | Self::MemberNotFound
            | Self::LastAdmin
            | Self::PreconditionFailed => None,
        }
    }
}
