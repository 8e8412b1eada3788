//! Forgetting a person, for the API and the command line alike.

use probity_kernel::text::TextRule;
use probity_kernel::{Context, FieldError, RepositoryError};
pub(crate) use probity_store::{Erased, Erasure as StoredErasure};

use crate::state::AppState;

/// The ground of an erasure that names none.
const BASIS: &str = "gdpr:art-17";

/// A well-formed request to forget somebody.
#[derive(Debug, Clone)]
pub(crate) struct Erasure(StoredErasure);

impl Erasure {
    /// Checks the parts; every faulty one is told by its pointer.
    pub(crate) fn parse(
        subject: &str,
        basis: Option<String>,
        ticket: Option<String>,
    ) -> Result<Self, Vec<FieldError>> {
        let rule = |min, max| TextRule {
            min,
            max,
            multiline: false,
        };
        let basis = basis.unwrap_or_else(|| BASIS.to_owned());
        let checks = [
            rule(4, 320).check("/subject", subject),
            rule(1, 100).check("/basis", &basis),
            ticket
                .as_deref()
                .map_or(Ok(()), |ticket| rule(1, 100).check("/ticket", ticket)),
        ];
        let faults: Vec<FieldError> = checks.into_iter().filter_map(Result::err).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self(StoredErasure {
            subject: subject.to_owned(),
            basis,
            ticket,
        }))
    }

    /// What the store is asked for.
    pub(crate) fn into_inner(self) -> StoredErasure {
        self.0
    }
}

/// Forgets somebody on a thread that may block.
pub(crate) async fn run(
    state: &AppState,
    context: &Context,
    erasure: Erasure,
) -> Result<Erased, RepositoryError> {
    let (database, context) = (state.database.clone(), context.clone());
    let done = tokio::task::spawn_blocking(move || database.erase(&context, &erasure.into_inner()));
    done.await
        .map_err(|error| RepositoryError::Database(Box::new(error)))?
}
