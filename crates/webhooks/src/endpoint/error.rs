//! Why webhooks refuse.

use std::time::Duration;

use probity_kernel::{DomainError, ErrorKind, FieldError, RepositoryError};

use super::MOST_ENDPOINTS;
use super::secret::VaultError;

/// What a command on webhooks may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The input has faulty fields, all of them listed.
    #[error("the input has {} faulty field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// There is no such endpoint in the organisation.
    #[error("no such webhook")]
    NotFound,
    /// There is no such delivery to the endpoint.
    #[error("no such delivery")]
    DeliveryNotFound,
    /// The endpoint is not at the version that the caller saw.
    #[error("the webhook has changed since it was read")]
    PreconditionFailed,
    /// The organisation has as many endpoints as it may have.
    #[error("an organisation may have at most {MOST_ENDPOINTS} webhooks")]
    TooMany,
    /// The endpoint is disabled.
    #[error("the webhook is disabled: enable it first")]
    Disabled,
    /// The credential reaches only some spaces, and an endpoint gets the events of all.
    #[error("webhooks get the events of all spaces; the credential reaches only some of them")]
    Confined,
    /// There is no master key, or it does not fit what was sealed.
    #[error(
        "webhooks are not set up: the setting `webhook-key-file` must name a file with a master key; make one with `openssl rand -base64 32`"
    )]
    NotConfigured,
    /// What was sealed cannot be opened.
    #[error("a secret cannot be read with the present master key")]
    Unreadable,
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl From<VaultError> for WebhookError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::NotConfigured => Self::NotConfigured,
            VaultError::Unreadable => Self::Unreadable,
        }
    }
}

impl DomainError for WebhookError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::NotFound | Self::DeliveryNotFound => ErrorKind::NotFound,
            Self::PreconditionFailed => ErrorKind::PreconditionFailed,
            Self::TooMany | Self::Disabled => ErrorKind::Conflict,
            Self::Confined => ErrorKind::Forbidden,
            Self::NotConfigured => ErrorKind::Unavailable,
            Self::Unreadable => ErrorKind::Internal,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_error",
            Self::NotFound => "webhook_not_found",
            Self::DeliveryNotFound => "delivery_not_found",
            Self::PreconditionFailed => "precondition_failed",
            Self::TooMany => "too_many_webhooks",
            Self::Disabled => "webhook_disabled",
            Self::Confined => "forbidden",
            Self::NotConfigured => "webhooks_not_configured",
            Self::Unreadable => "internal_error",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        if let Self::Invalid(fields) = self {
            return fields.clone();
        }
        Vec::new()
    }

    fn retry_after(&self) -> Option<Duration> {
        if let Self::Repository(error) = self {
            return error.retry_after();
        }
        None
    }
}
