//! A repository in memory, for tests and for trying things out. It keeps the contract of
//! [`AccessRepository`], except that it takes any organisation id for granted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_kernel::{
    ApiKeyId, Context, Cursor, OrganizationId, Page, PageRequest, Paging, RepositoryError, SpaceId,
    UserId, Version,
};
use time::OffsetDateTime;

use crate::api_key::ApiKey;
use crate::event::AccessEvent;
use crate::member::{NamedMember, SpaceMember};
use crate::organization::{Organization, Slug, User};
use crate::reach::SpaceStanding;
use crate::repository::{AccessChange, AccessRepository, AccessWrite};
use crate::role::SpaceRole;

/// Organisations, users and keys in memory, with everything that was recorded about them.
#[derive(Debug, Default)]
pub struct InMemoryAccess(Mutex<State>);

type Claimed = (OrganizationId, String, String);

#[derive(Debug, Default)]
struct State {
    organizations: HashMap<OrganizationId, Organization>,
    users: HashMap<UserId, User>,
    keys: HashMap<ApiKeyId, ApiKey>,
    members: BTreeMap<(SpaceId, UserId), SpaceMember>,
    members_only: BTreeSet<(OrganizationId, SpaceId)>,
    outcomes: HashMap<Claimed, ([u8; 32], AccessWrite)>,
    events: Vec<AccessEvent>,
}

impl InMemoryAccess {
    /// Every recorded event, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<AccessEvent> {
        self.state().events.clone()
    }

    /// Has a space for its members only; spaces are otherwise taken for granted.
    pub fn close(&self, organization: OrganizationId, space: SpaceId) {
        self.state().members_only.insert((organization, space));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first outcome of the context's claim, if the claim is known.
    fn replay(&self, ctx: &Context) -> Result<Option<AccessWrite>, RepositoryError> {
        let Some(claim) = &ctx.idempotency else {
            return Ok(None);
        };
        let claimed = (ctx.organization, claim.scope.clone(), claim.key.clone());
        match self.outcomes.get(&claimed) {
            None => Ok(None),
            Some((fingerprint, outcome)) if *fingerprint == claim.fingerprint => {
                Ok(Some(outcome.clone()))
            }
            Some(_) => Err(RepositoryError::IdempotencyMismatch),
        }
    }

    fn apply(&mut self, ctx: &Context, write: &AccessWrite) -> Result<(), RepositoryError> {
        match write {
            AccessWrite::CreateOrganization(organization) => self.create(organization),
            AccessWrite::IssueKey(key) => {
                self.keys.insert(key.id, key.clone());
                Ok(())
            }
            AccessWrite::RotateKey { old, expected, new } => {
                self.replace_key(ctx, old, *expected)?;
                self.keys.insert(new.id, new.clone());
                Ok(())
            }
            AccessWrite::RevokeKey { next, expected } => self.replace_key(ctx, next, *expected),
            AccessWrite::PutUser { user, expected } => self.put_user(ctx, user, *expected),
            AccessWrite::PutMember { member, expected } => self.put_member(ctx, member, *expected),
            AccessWrite::RemoveMember { member } => {
                self.check_member(ctx, member, Some(member.version))?;
                self.check_admins(member, None)?;
                self.members.remove(&(member.space, member.user));
                Ok(())
            }
        }
    }

    fn create(&mut self, organization: &Organization) -> Result<(), RepositoryError> {
        let mut all = self.organizations.values();
        if all.any(|known| known.slug == organization.slug) {
            return Err(RepositoryError::Conflict("slug"));
        }
        self.organizations
            .insert(organization.id, organization.clone());
        Ok(())
    }

    fn replace_key(
        &mut self,
        ctx: &Context,
        next: &ApiKey,
        expected: Version,
    ) -> Result<(), RepositoryError> {
        let stored = self
            .keys
            .get_mut(&next.id)
            .filter(|key| key.organization == ctx.organization && key.version == expected)
            .ok_or(RepositoryError::Stale)?;
        let last_used_at = stored.last_used_at;
        *stored = ApiKey {
            last_used_at,
            ..next.clone()
        };
        Ok(())
    }

    fn put_user(
        &mut self,
        ctx: &Context,
        user: &User,
        expected: Option<Version>,
    ) -> Result<(), RepositoryError> {
        let stored = self.find_user(ctx.organization, &user.issuer, &user.subject);
        match expected {
            None if stored.is_some() => return Err(RepositoryError::Conflict("subject")),
            Some(version) if stored.is_none_or(|known| known.version != version) => {
                return Err(RepositoryError::Stale);
            }
            _ => {}
        }
        self.users.insert(user.id, user.clone());
        Ok(())
    }

    fn put_member(
        &mut self,
        ctx: &Context,
        member: &SpaceMember,
        expected: Option<Version>,
    ) -> Result<(), RepositoryError> {
        self.check_member(ctx, member, expected)?;
        self.check_admins(member, Some(member.role))?;
        let key = (member.space, member.user);
        self.members.insert(key, member.clone());
        Ok(())
    }

    /// That the member stands at the expected version, or is none.
    fn check_member(
        &self,
        ctx: &Context,
        member: &SpaceMember,
        expected: Option<Version>,
    ) -> Result<(), RepositoryError> {
        let known = self.members.get(&(member.space, member.user));
        let own = known.filter(|known| known.organization == ctx.organization);
        match (own, expected) {
            (Some(_), None) => Err(RepositoryError::Conflict("member")),
            (found, Some(expected)) if found.is_none_or(|known| known.version != expected) => {
                Err(RepositoryError::Stale)
            }
            _ => Ok(()),
        }
    }

    /// That the space keeps an admin when the member becomes this.
    fn check_admins(
        &self,
        member: &SpaceMember,
        after: Option<SpaceRole>,
    ) -> Result<(), RepositoryError> {
        let admin = Some(SpaceRole::Admin);
        let before = self.members.get(&(member.space, member.user));
        if after == admin || before.map(|known| known.role) != admin {
            return Ok(());
        }
        let other = |known: &&SpaceMember| {
            known.space == member.space && known.user != member.user && Some(known.role) == admin
        };
        if self.members.values().any(|known| other(&known)) {
            return Ok(());
        }
        Err(RepositoryError::Conflict("last_admin"))
    }

    fn named(&self, member: &SpaceMember) -> Option<NamedMember> {
        let user = self.users.get(&member.user)?.clone();
        let member = member.clone();
        Some(NamedMember { member, user })
    }

    fn find_user(
        &self,
        organization: OrganizationId,
        issuer: &str,
        subject: &str,
    ) -> Option<&User> {
        self.users.values().find(|user| {
            user.organization == organization && user.issuer == issuer && user.subject == subject
        })
    }
}

/// Where a key stands in the list.
fn position(key: &ApiKey) -> Cursor {
    let millis = key.created_at.unix_timestamp_nanos() / 1_000_000;
    Cursor {
        key: i64::try_from(millis).unwrap_or(i64::MAX),
        tie: key.id.uuid().as_u128(),
    }
}

/// The wanted page of what is sorted newest first.
fn cut<T>(keys: Vec<T>, page: &PageRequest, position: fn(&T) -> Cursor) -> Page<T> {
    let total = u64::try_from(keys.len()).unwrap_or(u64::MAX);
    let skipped = match &page.paging {
        Paging::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Paging::After(cursor) => keys
            .iter()
            .map(position)
            .take_while(|at| (at.key, at.tie) >= (cursor.key, cursor.tie))
            .count(),
    };
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut rest = keys.into_iter().skip(skipped);
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let next = rest.next().and_then(|_more| items.last().map(position));
    Page { items, total, next }
}

impl AccessRepository for InMemoryAccess {
    async fn find_key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, RepositoryError> {
        let state = self.state();
        Ok(state.keys.values().find(|key| key.hash == *hash).cloned())
    }

    async fn find_key(
        &self,
        organization: OrganizationId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, RepositoryError> {
        let key = self.state().keys.get(&id).cloned();
        Ok(key.filter(|key| key.organization == organization))
    }

    async fn list_keys(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>, RepositoryError> {
        let all = self.state().keys.clone();
        let mut keys: Vec<ApiKey> = all
            .into_values()
            .filter(|key| key.organization == organization)
            .collect();
        keys.sort_by_key(|key| {
            let at = position(key);
            std::cmp::Reverse((at.key, at.tie))
        });
        Ok(cut(keys, page, position))
    }

    async fn touch_key(
        &self,
        organization: OrganizationId,
        id: ApiKeyId,
        at: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        let mut state = self.state();
        let found = state.keys.get_mut(&id);
        if let Some(key) = found.filter(|key| key.organization == organization) {
            key.last_used_at = key.last_used_at.max(Some(at));
        }
        Ok(())
    }

    async fn find_organization(
        &self,
        id: OrganizationId,
    ) -> Result<Option<Organization>, RepositoryError> {
        Ok(self.state().organizations.get(&id).cloned())
    }

    async fn find_organization_by_slug(
        &self,
        slug: &Slug,
    ) -> Result<Option<Organization>, RepositoryError> {
        let state = self.state();
        let mut all = state.organizations.values();
        Ok(all.find(|known| known.slug == *slug).cloned())
    }

    async fn list_organizations(&self) -> Result<Vec<Organization>, RepositoryError> {
        let mut all: Vec<Organization> = self.state().organizations.values().cloned().collect();
        all.sort_by(|a, b| a.slug.cmp(&b.slug));
        Ok(all)
    }

    async fn find_user(
        &self,
        organization: OrganizationId,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<User>, RepositoryError> {
        let state = self.state();
        Ok(state.find_user(organization, issuer, subject).cloned())
    }

    async fn find_users(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Vec<User>, RepositoryError> {
        let id = name.parse::<UserId>().ok();
        let named = |user: &&User| {
            user.organization == organization
                && (Some(user.id) == id
                    || user.subject == name
                    || user.email.as_deref() == Some(name))
        };
        let state = self.state();
        Ok(state
            .users
            .values()
            .filter(named)
            .take(2)
            .cloned()
            .collect())
    }

    async fn find_member(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        user: UserId,
    ) -> Result<Option<NamedMember>, RepositoryError> {
        let state = self.state();
        let found = state.members.get(&(space, user));
        let own = found.filter(|known| known.organization == organization);
        Ok(own.and_then(|member| state.named(member)))
    }

    async fn list_members(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        page: &PageRequest,
    ) -> Result<Page<NamedMember>, RepositoryError> {
        let state = self.state();
        let of_space =
            |known: &&SpaceMember| (known.organization, known.space) == (organization, space);
        let members = state.members.values().rev().filter(of_space);
        let members = members.filter_map(|member| state.named(member)).collect();
        Ok(cut(members, page, |known: &NamedMember| Cursor {
            key: 0,
            tie: known.user.id.uuid().as_u128(),
        }))
    }

    async fn space_standings(
        &self,
        organization: OrganizationId,
        user: Option<UserId>,
    ) -> Result<Vec<SpaceStanding>, RepositoryError> {
        let state = self.state();
        let closed = state.members_only.iter();
        let closed = closed.filter(|(owner, _)| *owner == organization);
        let memberships = state
            .members
            .values()
            .filter(|known| known.organization == organization && Some(known.user) == user);
        let spaces: BTreeSet<SpaceId> = closed
            .map(|(_, space)| *space)
            .chain(memberships.map(|known| known.space))
            .collect();
        let standing = |space| SpaceStanding {
            space,
            members_only: state.members_only.contains(&(organization, space)),
            role: user
                .and_then(|user| state.members.get(&(space, user)))
                .map(|known| known.role),
        };
        Ok(spaces.into_iter().map(standing).collect())
    }

    async fn commit(&self, change: AccessChange) -> Result<AccessWrite, RepositoryError> {
        let (ctx, write, event) = change.into_parts();
        let mut state = self.state();
        if let Some(outcome) = state.replay(&ctx)? {
            return Ok(outcome);
        }
        state.apply(&ctx, &write)?;
        state.events.push(event);
        if let Some(claim) = ctx.idempotency {
            let claimed = (ctx.organization, claim.scope, claim.key);
            state
                .outcomes
                .insert(claimed, (claim.fingerprint, write.clone()));
        }
        Ok(write)
    }
}
