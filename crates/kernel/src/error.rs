//! Errors describe themselves once; each API family only renders them.

use std::error::Error;
use std::time::Duration;

/// What kind of failure an error is; families map kinds to status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input has the wrong form or is out of range.
    Invalid,
    /// The thing does not exist for this caller.
    NotFound,
    /// It clashes with what exists: a duplicate key.
    Conflict,
    /// The form is right, the rules forbid it: an unlisted transition, a reused idempotency key.
    Unprocessable,
    /// A precondition the caller set (`If-Match`) does not hold.
    PreconditionFailed,
    /// The caller may see but not do this.
    Forbidden,
    /// No room: the queue is full, the store is read-only; the same request may succeed later.
    Unavailable,
    /// The disk is full.
    InsufficientStorage,
    /// A fault of ours; the details stay in the log.
    Internal,
}

/// One faulty field of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer to the field (`/snapshots/3/driftScore`), or the name of a query parameter.
    pub field: String,
    /// Stable `snake_case` code: `required`, `out_of_range`, `too_long`, `unknown_value`, ...
    pub code: &'static str,
    /// What is wrong and what is allowed, without the rejected value.
    pub message: String,
}

impl FieldError {
    /// A faulty field.
    #[must_use]
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code,
            message: message.into(),
        }
    }

    /// The same fault seen from outside: `prefix` is put before the pointer.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.field.insert_str(0, prefix);
        self
    }
}

/// An error that can say what it is without knowing who renders it.
pub trait DomainError: Error + Send + Sync + 'static {
    /// The kind of failure.
    fn kind(&self) -> ErrorKind;

    /// The stable code, e.g. `invalid_status_transition`.
    fn code(&self) -> &'static str;

    /// The faulty fields, when the input is at fault.
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// Further members for the problem body, e.g. the moves that are permitted.
    fn extensions(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::Map::new()
    }

    /// How long to wait before the same request may succeed.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// What a repository may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// The stored version is not the one the change was decided on.
    #[error("the record was changed by somebody else in the meantime")]
    Stale,
    /// A unique key is taken; the name tells which.
    #[error("a record with the same {0} already exists")]
    Conflict(&'static str),
    /// The idempotency key was used before with another request body.
    #[error("the idempotency key was already used with another request")]
    IdempotencyMismatch,
    /// The write queue is full or the database is out of reach.
    #[error("the store cannot take the request now")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// The disk is full; nothing was written.
    #[error("the store has no space left")]
    Full,
    /// A stored value breaks an invariant of the domain.
    #[error("corrupt value in {table}.{column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What the parser said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else the database said.
    #[error("the database failed")]
    Database(#[source] Box<dyn Error + Send + Sync>),
}

impl DomainError for RepositoryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stale | Self::Conflict(_) => ErrorKind::Conflict,
            Self::IdempotencyMismatch => ErrorKind::Unprocessable,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Full => ErrorKind::InsufficientStorage,
            Self::Corrupt { .. } | Self::Database(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Stale => "stale_version",
            Self::Conflict(_) => "conflict",
            Self::IdempotencyMismatch => "idempotency_key_reused",
            Self::Unavailable { .. } => "temporarily_unavailable",
            Self::Full => "insufficient_storage",
            Self::Corrupt { .. } | Self::Database(_) => "internal_error",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after } => Some(*retry_after),
            Self::Stale
            | Self::Conflict(_)
            | Self::IdempotencyMismatch
            | Self::Full
            | Self::Corrupt { .. }
            | Self::Database(_) => None,
        }
    }
}
