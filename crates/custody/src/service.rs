//! The commands and questions of retention over any repository.

use probity_kernel::{
    Context, DomainError, ErrorKind, FieldError, OrganizationId, RepositoryError,
};

use crate::repository::{Retention, RetentionRepository};
use crate::retention::{Target, Window, WindowInput};

/// How often a change is tried again when others changed the window meanwhile.
const ATTEMPTS: usize = 3;

/// Why a window was not read or set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// Faulty fields.
    #[error("the retention window is faulty")]
    Invalid(Vec<FieldError>),
    /// What the repository answered.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl DomainError for RetentionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_error",
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Repository(_) => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Invalid(_) => None,
            Self::Repository(error) => error.retry_after(),
        }
    }
}

/// Retention over a repository.
#[derive(Debug, Clone)]
pub struct RetentionService<R> {
    repository: R,
}

impl<R: RetentionRepository> RetentionService<R> {
    /// Retention over this repository.
    pub const fn new(repository: R) -> Self {
        Self { repository }
    }

    /// The windows of an organisation.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn retention(
        &self,
        organization: OrganizationId,
    ) -> Result<Retention, RetentionError> {
        Ok(self.repository.retention(organization).await?)
    }

    /// Sets what the input names of one window, and answers all of them. What is as it was changes
    /// nothing and records nothing.
    ///
    /// # Errors
    /// Every faulty field, and what the repository answers.
    pub async fn set(
        &self,
        context: &Context,
        target: Target,
        input: &WindowInput,
    ) -> Result<Retention, RetentionError> {
        for _ in 0..ATTEMPTS {
            let current = self.retention(context.organization).await?;
            let mut windows = current.windows.iter();
            let window = windows.find(|window| window.target == target);
            let window = window.cloned().unwrap_or_else(|| Window::unset(target));
            let changed = window.changed(context, input);
            let Some(change) = changed.map_err(RetentionError::Invalid)? else {
                return Ok(current);
            };
            match self.repository.commit(change).await {
                Ok(()) => return self.retention(context.organization).await,
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }
}
