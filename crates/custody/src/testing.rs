//! The contract suite that every [`RetentionRepository`] has to pass.

use probity_kernel::{Actor, Context, OrganizationId, RepositoryError};
use time::macros::datetime;

use crate::repository::RetentionRepository;
use crate::retention::{Target, Window, WindowInput};

/// Runs the suite for an organisation, beside another one.
///
/// # Panics
/// When the repository breaks the contract.
pub async fn repository_contract<R: RetentionRepository>(
    repository: &R,
    organization: OrganizationId,
    other: OrganizationId,
) {
    let now = datetime!(2026-03-13 09:00:00.123 UTC);
    let context = Context::new(organization, Actor::System("contract"), now);
    let fresh = read(repository, organization).await;
    assert_eq!(fresh, Target::ALL.map(Window::unset).to_vec());
    let input = |days: i64, reason: Option<&str>| WindowInput {
        retention_days: Some(days),
        legal_hold: Some(reason.is_some()),
        hold_reason: reason.map(str::to_owned),
    };
    let first = Window::unset(Target::AuditLogs);
    let change = first.changed(&context, &input(400, Some("case 7")));
    let change = change.expect("good input").expect("a change");
    let window = change.write().window.clone();
    repository.commit(change.clone()).await.expect("it is set");
    assert_eq!(read(repository, organization).await[0], window);
    // Decided on what is no longer so: refused, and nothing moved.
    let stale = repository.commit(change).await;
    assert!(matches!(stale, Err(RepositoryError::Stale)), "{stale:?}");
    let next = window.changed(&context, &input(30, None));
    let next = next.expect("good input").expect("a change");
    let window = next.write().window.clone();
    repository.commit(next).await.expect("it is set again");
    let all = read(repository, organization).await;
    assert_eq!(all[0], window);
    assert_eq!(all[1..], fresh[1..], "the others stay");
    assert_eq!(read(repository, other).await, fresh, "and so do others'");
}

async fn read<R: RetentionRepository>(repository: &R, organization: OrganizationId) -> Vec<Window> {
    let found = repository.retention(organization).await;
    found.expect("the windows are read").windows
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    #[test]
    fn the_repository_in_memory_keeps_the_contract() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let repository = crate::memory::InMemoryRetention::default();
        let suite = super::repository_contract(&repository, one.into(), other.into());
        futures_util::FutureExt::now_or_never(suite).unwrap();
    }
}
