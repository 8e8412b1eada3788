//! The contract of [`AccessRepository`] as a test that any implementation can run.

mod keys;
pub mod members;
mod once;

use std::fmt::Debug;

use probity_kernel::{
    Actor, ApiKeyId, Context, IdempotencyClaim, OrganizationId, RepositoryError, UserId,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::api_key::{ApiKey, NewApiKey};
use crate::organization::{NewOrganization, NewUser, Organization, User};
use crate::repository::{AccessChange, AccessRepository, AccessWrite};
use crate::role::OrganizationRole;
use crate::scope::ScopeSet;
use crate::secret::ApiKeySecret;

const START: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

/// Runs the whole contract.
///
/// `organization` and `other` are two organisations that exist and have neither keys nor users yet.
/// The run leaves two more organisations behind, `contract-north` and `contract-south`.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn repository_contract<R: AccessRepository>(
    repo: &R,
    organization: OrganizationId,
    other: OrganizationId,
) {
    let run = Run {
        repo,
        organization,
        other,
    };
    run.organizations_are_found_by_id_and_slug().await;
    run.keys_are_found_in_their_organization_only().await;
    run.lists_are_newest_first_and_paged().await;
    run.a_touch_moves_forwards_and_nothing_else().await;
    run.a_revocation_needs_the_version_and_the_organization()
        .await;
    run.a_rotation_writes_both_keys_or_neither().await;
    run.users_are_unique_in_their_organization().await;
    run.a_claim_happens_once().await;
    run.a_claim_is_looked_at_before_the_version().await;
}

struct Run<'a, R> {
    repo: &'a R,
    organization: OrganizationId,
    other: OrganizationId,
}

fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

fn present<T>(value: Option<T>, what: &str) -> T {
    match value {
        Some(value) => value,
        None => panic!("{what}: nothing there"),
    }
}

/// A context of an organisation, some minutes after the start.
fn context(organization: OrganizationId, minute: i64) -> Context {
    let now = START + Duration::minutes(minute);
    Context::new(organization, Actor::System("contract"), now)
}

fn claimed(ctx: Context, key: &str, fingerprint: u8) -> Context {
    ctx.with_idempotency(Some(IdempotencyClaim {
        scope: "contract:POST /api-keys".to_owned(),
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
    }))
}

fn secret(seed: u8) -> ApiKeySecret {
    ApiKeySecret::from_entropy([seed; 32])
}

/// An id of its own for every seed.
fn id(seed: u8) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_ac00_0000 + u128::from(seed))
}

fn issue(ctx: &Context, seed: u8) -> AccessChange {
    let new = NewApiKey {
        name: format!("key {seed}"),
        scopes: ScopeSet::WRITE,
        spaces: None,
        expires_at: Some(ctx.now + Duration::days(90)),
    };
    let change = ApiKey::issue(ctx, ApiKeyId::new(id(seed)), new, &secret(seed));
    must(change, "issuing a key")
}

fn issued_key(outcome: AccessWrite) -> ApiKey {
    let AccessWrite::IssueKey(key) = outcome else {
        panic!("issuing a key answered something else");
    };
    key
}

fn user(ctx: &Context, seed: u8, role: OrganizationRole) -> (UserId, NewUser) {
    let new = NewUser {
        issuer: "https://issuer.example".to_owned(),
        subject: format!("subject-{seed}"),
        email: Some(format!("s{seed}@example.com")),
        role,
        disabled: false,
    };
    // The id differs per organisation, so that the same person can be in two.
    let salt = ctx.organization.uuid().as_u128() & 0xffff_ffff;
    (
        UserId::new(Uuid::from_u128(id(seed).as_u128() ^ (salt << 32))),
        new,
    )
}

impl<R: AccessRepository> Run<'_, R> {
    async fn commit(&self, change: AccessChange, what: &str) -> AccessWrite {
        must(self.repo.commit(change).await, what)
    }

    async fn refused(&self, change: AccessChange, what: &str) -> RepositoryError {
        match self.repo.commit(change).await {
            Ok(_) => panic!("{what}: was committed"),
            Err(error) => error,
        }
    }

    async fn issued(&self, organization: OrganizationId, minute: i64, seed: u8) -> ApiKey {
        let change = issue(&context(organization, minute), seed);
        issued_key(self.commit(change, "issuing a key").await)
    }

    async fn stored(&self, key: &ApiKey) -> ApiKey {
        let found = self.repo.find_key(key.organization, key.id).await;
        present(must(found, "finding a key"), "finding a key")
    }

    async fn organizations_are_found_by_id_and_slug(&self) {
        for (seed, slug) in [(1, "contract-north"), (2, "contract-south")] {
            let new = must(NewOrganization::parse(slug, "A name, ÄÖ"), "parsing");
            let id = OrganizationId::new(id(seed));
            let change = Organization::create(&context(self.organization, 0), id, new.clone());
            let AccessWrite::CreateOrganization(created) = self.commit(change, slug).await else {
                panic!("creating {slug} answered something else");
            };
            let by_id = must(self.repo.find_organization(id).await, "by id");
            assert_eq!(by_id.as_ref(), Some(&created), "by id");
            let by_slug = must(self.repo.find_organization_by_slug(&new.slug).await, "slug");
            assert_eq!(by_slug, by_id, "by slug");
        }
        let new = must(NewOrganization::parse("contract-north", "Again"), "parsing");
        let twin = OrganizationId::new(id(3));
        let change = Organization::create(&context(self.organization, 0), twin, new);
        let error = self.refused(change, "a taken slug").await;
        assert!(
            matches!(error, RepositoryError::Conflict("slug")),
            "{error:?}"
        );
        let found = must(self.repo.find_organization(twin).await, "the twin");
        assert_eq!(found, None, "a refused organisation was written");
        let all = must(self.repo.list_organizations().await, "listing");
        assert!(all.is_sorted_by(|a, b| a.slug < b.slug), "not by slug");
        assert!(
            all.iter().any(|known| known.id.uuid() == id(1)),
            "not listed"
        );
    }

    async fn record(&self, organization: OrganizationId, seed: u8) -> User {
        let ctx = context(organization, 10);
        let (id, new) = user(&ctx, seed, OrganizationRole::Member);
        let change = must(User::record(&ctx, id, new), "recording a user");
        let AccessWrite::PutUser { user, .. } = self.commit(change, "recording a user").await
        else {
            panic!("recording a user answered something else");
        };
        user
    }

    async fn users_are_unique_in_their_organization(&self) {
        let ours = self.record(self.organization, 50).await;
        let (issuer, subject) = (ours.issuer.as_str(), ours.subject.as_str());
        let elsewhere = self.repo.find_user(self.other, issuer, subject).await;
        assert_eq!(must(elsewhere, "elsewhere"), None, "seen from outside");
        let theirs = self.record(self.other, 50).await;
        let found = self
            .repo
            .find_user(self.organization, issuer, subject)
            .await;
        assert_eq!(
            must(found, "finding"),
            Some(ours.clone()),
            "found another one"
        );
        let found = self.repo.find_user(self.other, issuer, subject).await;
        assert_eq!(must(found, "finding"), Some(theirs), "found another one");

        let ctx = context(self.organization, 11);
        let (_, new) = user(&ctx, 50, OrganizationRole::Auditor);
        let twin = User::record(&ctx, UserId::new(id(51)), new.clone());
        let error = self.refused(must(twin, "recording"), "a twin").await;
        assert!(
            matches!(error, RepositoryError::Conflict("subject")),
            "{error:?}"
        );

        let update = || {
            let change = must(ours.clone().update(&ctx, new.clone()), "updating");
            present(change, "a change of role")
        };
        self.commit(update(), "updating").await;
        let found = self
            .repo
            .find_user(self.organization, issuer, subject)
            .await;
        let found = present(must(found, "finding"), "the updated user");
        assert_eq!(found.role, OrganizationRole::Auditor, "the role");
        assert_eq!(found.version, ours.version.next(), "the version");
        let error = self.refused(update(), "an old version").await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use probity_kernel::SpaceId;

    use super::*;
    use crate::memory::InMemoryAccess;

    #[tokio::test]
    async fn the_repository_in_memory_keeps_the_contract() {
        let repo = Arc::new(InMemoryAccess::default());
        let [ours, theirs] = [100, 101].map(|seed| OrganizationId::new(id(seed)));
        repository_contract(&repo, ours, theirs).await;
        let [open, closed, foreign] = [110, 111, 112].map(|seed| SpaceId::new(id(seed)));
        repo.close(ours, closed);
        repo.close(theirs, foreign);
        let world = members::World {
            organization: ours,
            open,
            closed,
            other: theirs,
            foreign,
        };
        members::members_contract(&repo, world).await;
    }
}
