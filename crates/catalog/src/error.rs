//! Why the catalog refuses.

use std::time::Duration;

use probity_kernel::{DomainError, ErrorKind, FieldError, RepositoryError};
use serde_json::{Map, Value};

use crate::space::Space;

/// What a catalog command may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The input has faulty fields, all of them listed.
    #[error("the input has {} faulty field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// There is no such space in the organisation.
    #[error("no such space")]
    SpaceNotFound,
    /// There is no such product in the organisation.
    #[error("no such product")]
    ProductNotFound,
    /// The slug is taken.
    #[error("the slug is already taken")]
    SlugTaken,
    /// The space holds as many products as it may.
    #[error(
        "the space may hold {capacity} products that are not archived, and has no room for more"
    )]
    CapacityExceeded {
        /// How many it may hold.
        capacity: u32,
    },
    /// An archived product is kept as it was.
    #[error("the product is archived and takes no changes")]
    ProductArchived,
    /// It is not at the version that the caller demands.
    #[error("the product is not at the version that If-Match names")]
    PreconditionFailed,
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl CatalogError {
    /// That a space is full.
    pub(crate) fn full(space: &Space) -> Self {
        Self::CapacityExceeded {
            capacity: space.product_capacity.unwrap_or(u32::MAX),
        }
    }
}

impl DomainError for CatalogError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::SpaceNotFound | Self::ProductNotFound => ErrorKind::NotFound,
            Self::SlugTaken | Self::ProductArchived => ErrorKind::Conflict,
            Self::PreconditionFailed => ErrorKind::PreconditionFailed,
            Self::CapacityExceeded { .. } => ErrorKind::Unprocessable,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_error",
            Self::SpaceNotFound => "space_not_found",
            Self::ProductNotFound => "product_not_found",
            Self::SlugTaken => "slug_taken",
            Self::ProductArchived => "product_archived",
            Self::PreconditionFailed => "precondition_failed",
            Self::CapacityExceeded { .. } => "capacity_exceeded",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::SpaceNotFound
            | Self::ProductNotFound
            | Self::SlugTaken
            | Self::ProductArchived
            | Self::PreconditionFailed
            | Self::CapacityExceeded { .. }
            | Self::Repository(_) => Vec::new(),
        }
    }

    /// The capacity that is exceeded.
    fn extensions(&self) -> Map<String, Value> {
        let mut members = Map::new();
        if let Self::CapacityExceeded { capacity } = self {
            members.insert("capacity".to_owned(), (*capacity).into());
        }
        members
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Repository(error) => error.retry_after(),
            Self::Invalid(_)
            | Self::SpaceNotFound
            | Self::ProductNotFound
            | Self::SlugTaken
            | Self::ProductArchived
            | Self::PreconditionFailed
            | Self::CapacityExceeded { .. } => None,
        }
    }
}
