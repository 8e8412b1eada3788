//! Why the judgement refuses.

use std::time::Duration;

use probity_kernel::{DomainError, ErrorKind, FieldError, RepositoryError};
use serde_json::{Map, Value, json};

use crate::vocabulary::{DriftKey, ProductKind, ReviewState};

/// What a command or a question about a judgement may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GovernanceError {
    /// The input has faulty fields, all of them listed.
    #[error("the input has {} faulty field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// There is no such product in the organisation.
    #[error("no such product")]
    ProductNotFound,
    /// There is no such review request of the product.
    #[error("no such review request")]
    ReviewNotFound,
    /// Products of this type are not judged.
    #[error("products of this type have no governance workbench; it is for {}", ProductKind::TEXTS.join(", "))]
    UnsupportedType,
    /// The product is archived.
    #[error("the product is archived")]
    Archived,
    /// None of the selected drifts is active.
    #[error("no selected drift indicator is active")]
    NoActiveDrift {
        /// Those that are.
        active: Vec<DriftKey>,
    },
    /// The request was decided before.
    #[error("the review request was decided before: it is {state}")]
    AlreadyDecided {
        /// Where it stands.
        state: ReviewState,
    },
    /// A fleet of the past is judged anew when it is asked for, and this one is too large.
    #[error(
        "as_of: more than {limit} products stood then, and the fleet of the past is judged anew; ask for products one by one"
    )]
    PastTooLarge {
        /// How many are judged at the most.
        limit: usize,
    },
    /// The record is not at the version that the caller saw.
    #[error("the record has changed since it was read")]
    PreconditionFailed,
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl DomainError for GovernanceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::UnsupportedType | Self::NoActiveDrift { .. } => {
                ErrorKind::Invalid
            }
            Self::PastTooLarge { .. } => ErrorKind::Unprocessable,
            Self::ProductNotFound | Self::ReviewNotFound => ErrorKind::NotFound,
            Self::Archived | Self::AlreadyDecided { .. } => ErrorKind::Conflict,
            Self::PreconditionFailed => ErrorKind::PreconditionFailed,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_error",
            Self::ProductNotFound => "product_not_found",
            Self::ReviewNotFound => "review_request_not_found",
            Self::UnsupportedType => "unsupported_product_type",
            Self::Archived => "product_archived",
            Self::NoActiveDrift { .. } => "no_active_drift_indicators",
            Self::AlreadyDecided { .. } => "review_already_decided",
            Self::PastTooLarge { .. } => "past_too_large",
            Self::PreconditionFailed => "precondition_failed",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::ProductNotFound
            | Self::ReviewNotFound
            | Self::UnsupportedType
            | Self::Archived
            | Self::NoActiveDrift { .. }
            | Self::AlreadyDecided { .. }
            | Self::PastTooLarge { .. }
            | Self::PreconditionFailed
            | Self::Repository(_) => Vec::new(),
        }
    }

    fn extensions(&self) -> Map<String, Value> {
        let mut members = Map::new();
        if let Self::NoActiveDrift { active } = self {
            let keys: Vec<&str> = active.iter().map(|key| key.as_str()).collect();
            members.insert("active_drift_indicator_keys".to_owned(), json!(keys));
        }
        members
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Repository(error) => error.retry_after(),
            Self::Invalid(_)
            | Self::ProductNotFound
            | Self::ReviewNotFound
            | Self::UnsupportedType
            | Self::Archived
            | Self::NoActiveDrift { .. }
            | Self::AlreadyDecided { .. }
            | Self::PastTooLarge { .. }
            | Self::PreconditionFailed => None,
        }
    }
}
