//! Members of spaces.

use probity_kernel::text::TextRule;
use probity_kernel::{
    Change, Context, FieldError, OrganizationId, Page, PageRequest, RepositoryError, SpaceId,
    UserId, Version,
};
use time::OffsetDateTime;

use crate::error::AccessError;
use crate::event::{AccessEvent, Changed};
use crate::organization::User;
use crate::repository::{AccessChange, AccessRepository, AccessWrite};
use crate::role::SpaceRole;
use crate::service::AccessService;

/// How often a command is decided anew when somebody else was faster.
const ATTEMPTS: u32 = 3;
/// Ids, e-mail addresses and subjects: the longest are subjects.
const NAME: TextRule = TextRule::line(255);

/// A user's membership of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceMember {
    /// The organisation.
    pub organization: OrganizationId,
    /// The space.
    pub space: SpaceId,
    /// The user; with `space` unique.
    pub user: UserId,
    /// What the user is there.
    pub role: SpaceRole,
    /// When the user became a member.
    pub added_at: OffsetDateTime,
    /// When the role last changed.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// A member, and who that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedMember {
    /// The membership.
    pub member: SpaceMember,
    /// The user.
    pub user: User,
}

impl SpaceMember {
    /// Makes a user of the context's organisation a member of a space.
    pub fn add(ctx: &Context, space: SpaceId, user: UserId, role: SpaceRole) -> AccessChange {
        let member = Self {
            organization: ctx.organization,
            space,
            user,
            role,
            added_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        let event = member.event(None, Some(role));
        let expected = None;
        Change::new(ctx, AccessWrite::PutMember { member, expected }, event)
    }

    /// Gives the member another role; `None` when it has that role.
    #[must_use]
    pub fn change(&self, ctx: &Context, role: SpaceRole) -> Option<AccessChange> {
        if self.role == role {
            return None;
        }
        let event = self.event(Some(self.role), Some(role));
        let member = Self {
            role,
            updated_at: ctx.now,
            version: self.version.next(),
            ..self.clone()
        };
        let expected = Some(self.version);
        let write = AccessWrite::PutMember { member, expected };
        Some(Change::new(ctx, write, event))
    }

    /// Ends the membership.
    pub fn remove(&self, ctx: &Context) -> AccessChange {
        let event = self.event(Some(self.role), None);
        let member = self.clone();
        Change::new(ctx, AccessWrite::RemoveMember { member }, event)
    }

    const fn event(&self, before: Option<SpaceRole>, after: Option<SpaceRole>) -> AccessEvent {
        AccessEvent::MemberChanged {
            space: self.space,
            user: self.user,
            role: Changed { before, after },
        }
    }
}

fn expect(found: Option<&NamedMember>, expected: Option<Version>) -> Result<(), AccessError> {
    let version = found.map(|found| found.member.version);
    if expected.is_none() || expected == version {
        return Ok(());
    }
    Err(AccessError::PreconditionFailed)
}

impl<R: AccessRepository, I: probity_kernel::IdSource> AccessService<R, I> {
    /// The one user of the organisation whose id, e-mail address or subject this is.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] for the field: what is no name at all, `unknown_user` when the organisation knows none, and
    /// `ambiguous_user` when it knows several.
    pub async fn user_named(
        &self,
        organization: OrganizationId,
        field: &'static str,
        name: &str,
    ) -> Result<User, AccessError> {
        let checked = NAME.check(field, name);
        checked.map_err(|fault| AccessError::Invalid(vec![fault]))?;
        let found = self.repository().find_users(organization, name).await?;
        let refused =
            |code, message| AccessError::Invalid(vec![FieldError::new(field, code, message)]);
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(user), None) => Ok(user),
            (None, _) => Err(refused(
                "unknown_user",
                "must be the id, the e-mail address or the subject of a user of the organization",
            )),
            (Some(_), Some(_)) => Err(refused(
                "ambiguous_user",
                "names several users of the organization: give the id of one",
            )),
        }
    }

    /// Makes a user a member with this role, or gives a member this role. When nothing changes, nothing
    /// is written.
    ///
    /// # Errors
    /// [`AccessError::LastAdmin`]; [`AccessError::PreconditionFailed`] when the member is not at the
    /// expected version.
    pub async fn put_member(
        &self,
        ctx: &Context,
        space: SpaceId,
        user: UserId,
        role: SpaceRole,
        expected: Option<Version>,
    ) -> Result<NamedMember, AccessError> {
        for _ in 0..ATTEMPTS {
            let organization = ctx.organization;
            let found = self.repository().find_member(organization, space, user);
            let found = found.await?;
            expect(found.as_ref(), expected)?;
            let change = match &found {
                None => Some(SpaceMember::add(ctx, space, user, role)),
                Some(known) => known.member.change(ctx, role),
            };
            match (change, found) {
                (None, Some(known)) => return Ok(known),
                (None, None) => {}
                (Some(change), _) => {
                    if self.commit_member(change).await? {
                        return self.member(organization, space, user).await;
                    }
                }
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Ends the membership of a user.
    ///
    /// # Errors
    /// [`AccessError::MemberNotFound`], [`AccessError::LastAdmin`];
    /// [`AccessError::PreconditionFailed`] when the member is not at the expected version.
    pub async fn remove_member(
        &self,
        ctx: &Context,
        space: SpaceId,
        user: UserId,
        expected: Option<Version>,
    ) -> Result<(), AccessError> {
        for _ in 0..ATTEMPTS {
            let known = self.member(ctx.organization, space, user).await?;
            expect(Some(&known), expected)?;
            if self.commit_member(known.member.remove(ctx)).await? {
                return Ok(());
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// One member of a space.
    ///
    /// # Errors
    /// [`AccessError::MemberNotFound`].
    pub async fn member(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        user: UserId,
    ) -> Result<NamedMember, AccessError> {
        let found = self.repository().find_member(organization, space, user);
        found.await?.ok_or(AccessError::MemberNotFound)
    }

    /// The members of a space.
    ///
    /// # Errors
    /// Only what the repository says.
    pub async fn members(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        page: &PageRequest,
    ) -> Result<Page<NamedMember>, AccessError> {
        let listed = self.repository().list_members(organization, space, page);
        Ok(listed.await?)
    }

    /// Commits a change of a member; whether it was: not when somebody else was faster.
    async fn commit_member(&self, change: AccessChange) -> Result<bool, AccessError> {
        match self.repository().commit(change).await {
            Ok(_) => Ok(true),
            Err(RepositoryError::Stale | RepositoryError::Conflict("member")) => Ok(false),
            Err(RepositoryError::Conflict("last_admin")) => Err(AccessError::LastAdmin),
            Err(error) => Err(error.into()),
        }
    }
}
