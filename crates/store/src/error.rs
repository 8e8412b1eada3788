//! What the databases say, in the kernel's words.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use probity_kernel::RepositoryError;

/// Which unique key a violation is about, told from the constraint (PostgreSQL) or the columns
/// (SQLite), and the name that the domain has for it.
const UNIQUE_KEYS: &[(&str, &[&str])] = &[
    (
        "model_id",
        &[
            "registered_models_organization_id_model_id_key",
            "registered_models.model_id",
        ],
    ),
    (
        "modelId",
        &[
            "risk_metric_links_organization_id_product_id_key",
            "risk_metric_links.product_id",
        ],
    ),
    (
        "slug",
        &[
            "organizations_slug_key",
            "organizations.slug",
            "spaces_organization_id_slug_key",
            "spaces.slug",
            "products_organization_id_space_id_slug_key",
            "products.slug",
        ],
    ),
    (
        "alias",
        &[
            "webhook_secrets_organization_id_alias_number_key",
            "webhook_secrets.number",
        ],
    ),
    (
        "subject",
        &["users_organization_id_issuer_subject_key", "users.subject"],
    ),
];

/// Translates an error of Diesel.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else Diesel says is a fault of ours"
)]
pub(crate) fn translate(error: DieselError) -> RepositoryError {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            let told = info
                .constraint_name()
                .unwrap_or_else(|| info.message())
                .to_owned();
            let key = UNIQUE_KEYS
                .iter()
                .find(|(_, signs)| signs.iter().any(|sign| told.contains(sign)));
            match key {
                Some((name, _)) => RepositoryError::Conflict(name),
                None => RepositoryError::Database(told.into()),
            }
        }
        DieselError::DatabaseError(
            DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        )
        | DieselError::BrokenTransactionManager => unavailable(),
        DieselError::DatabaseError(kind, info) => from_message(kind, info.message()),
        other => RepositoryError::Database(Box::new(other)),
    }
}

fn from_message(kind: DatabaseErrorKind, message: &str) -> RepositoryError {
    const BUSY: [&str; 6] = [
        "database is locked",
        "canceling statement due to lock timeout",
        "deadlock detected",
        "terminating connection",
        "attempt to write a readonly database",
        "the database system is",
    ];
    if message.contains("database or disk is full") || message.contains("No space left on device") {
        return RepositoryError::Full;
    }
    if BUSY.iter().any(|sign| message.contains(sign)) {
        return unavailable();
    }
    RepositoryError::Database(format!("{kind:?}: {message}").into())
}

/// The store cannot answer now; one second is when to ask again.
pub(crate) const fn unavailable() -> RepositoryError {
    RepositoryError::Unavailable {
        retry_after: Duration::from_secs(1),
    }
}

/// The error type inside transactions: Diesel's errors arrive already translated.
#[derive(Debug)]
pub(crate) struct StoreError(pub(crate) RepositoryError);

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        Self(translate(error))
    }
}

impl From<RepositoryError> for StoreError {
    fn from(error: RepositoryError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for RepositoryError {
    fn from(error: StoreError) -> Self {
        error.0
    }
}

/// A stored value that the domain refuses.
pub(crate) fn corrupt(
    table: &'static str,
    column: &'static str,
) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> RepositoryError {
    move |source| RepositoryError::Corrupt {
        table,
        column,
        source,
    }
}

/// Result of work inside a transaction.
pub(crate) type StoreResult<T> = Result<T, StoreError>;
