//! Why an import is refused.

use probity_kernel::{DomainError, ErrorKind, RepositoryError};
use serde_json::{Map, Value, json};

use crate::error::CatalogError;

/// How many faults are listed; the others are counted.
pub const MOST_FAULTS: usize = 1000;

/// What is wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The data row of a CSV file, or the line of a file of JSON lines, counted from 1; 0 is the
    /// header or the file as a whole.
    pub row: u64,
    /// JSON Pointer to the field; empty for the row as a whole.
    pub field: String,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl RowError {
    /// A fault of a row.
    pub(crate) fn new(
        row: u64,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            row,
            field: field.into(),
            code,
            message: message.into(),
        }
    }
}

/// What an import may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Rows are faulty; nothing was written.
    #[error("the file has {} fault(s); nothing was imported", .0.len())]
    Rows(Vec<RowError>),
    /// The catalog refuses.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<RepositoryError> for ImportError {
    fn from(error: RepositoryError) -> Self {
        Self::Catalog(error.into())
    }
}

impl DomainError for ImportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Rows(_) => ErrorKind::Unprocessable,
            Self::Catalog(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Rows(_) => "import_refused",
            Self::Catalog(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<probity_kernel::FieldError> {
        match self {
            Self::Rows(_) => Vec::new(),
            Self::Catalog(error) => error.fields(),
        }
    }

    fn extensions(&self) -> Map<String, Value> {
        let faults = match self {
            Self::Rows(faults) => faults,
            Self::Catalog(error) => return error.extensions(),
        };
        let listed: Vec<Value> = faults
            .iter()
            .take(MOST_FAULTS)
            .map(|fault| {
                json!({
                    "row": fault.row, "field": fault.field,
                    "code": fault.code, "message": fault.message,
                })
            })
            .collect();
        let mut members = Map::new();
        members.insert("errors".to_owned(), Value::Array(listed));
        members.insert("error_count".to_owned(), json!(faults.len()));
        members
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Rows(_) => None,
            Self::Catalog(error) => error.retry_after(),
        }
    }
}
