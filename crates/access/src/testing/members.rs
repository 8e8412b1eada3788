//! Members of spaces.

use std::fmt::Debug;

use probity_kernel::{
    Actor, Context, OrganizationId, PageRequest, Paging, RepositoryError, SpaceId, UserId,
};
use uuid::Uuid;

use super::{START, must, present};
use crate::member::{NamedMember, SpaceMember};
use crate::organization::{NewUser, User};
use crate::reach::SpaceStanding;
use crate::repository::{AccessChange, AccessRepository, AccessWrite};
use crate::role::{OrganizationRole, SpaceRole};

/// Two organisations with spaces that have no members yet.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// The organisation.
    pub organization: OrganizationId,
    /// A space of it that is open to the organisation.
    pub open: SpaceId,
    /// A space of it for its members only.
    pub closed: SpaceId,
    /// Another organisation.
    pub other: OrganizationId,
    /// A space of the other one for its members only.
    pub foreign: SpaceId,
}

/// Runs the contract on members.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn members_contract<R: AccessRepository>(repo: &R, world: World) {
    let ann = recorded(repo, world.organization, 1).await;
    let ben = recorded(repo, world.organization, 2).await;
    let eve = recorded(repo, world.other, 3).await;
    let run = Run {
        repo,
        world,
        ann,
        ben,
    };
    run.members_are_found_in_their_space_only(eve.id).await;
    run.users_are_found_by_each_of_their_names(&eve).await;
    run.a_space_keeps_an_admin().await;
    run.lists_are_paged().await;
    run.standings_tell_closed_spaces_and_memberships().await;
}

struct Run<'a, R> {
    repo: &'a R,
    world: World,
    ann: User,
    ben: User,
}

fn context(organization: OrganizationId) -> Context {
    Context::new(organization, Actor::System("contract"), START)
}

async fn recorded<R: AccessRepository>(repo: &R, organization: OrganizationId, seed: u128) -> User {
    let new = NewUser {
        issuer: "https://issuer.example".to_owned(),
        subject: format!("member-{seed}"),
        email: Some(format!("m{seed}@example.com")),
        role: OrganizationRole::Member,
        disabled: false,
    };
    let id = UserId::new(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_bb00_0000 + seed,
    ));
    let change = must(User::record(&context(organization), id, new), "a user");
    let AccessWrite::PutUser { user, .. } = must(repo.commit(change).await, "recording") else {
        panic!("recording a user answered something else");
    };
    user
}

fn conflict<T: Debug>(result: &Result<T, RepositoryError>, name: &str) {
    assert!(
        matches!(result, Err(RepositoryError::Conflict(found)) if *found == name),
        "{name}: {result:?}"
    );
}

impl<R: AccessRepository> Run<'_, R> {
    async fn try_commit(&self, change: AccessChange) -> Result<AccessWrite, RepositoryError> {
        self.repo.commit(change).await
    }

    async fn add(&self, space: SpaceId, user: &User, role: SpaceRole) {
        let change = SpaceMember::add(&context(self.world.organization), space, user.id, role);
        must(self.try_commit(change).await, "adding a member");
    }

    async fn find(&self, space: SpaceId, user: &User) -> Option<NamedMember> {
        let found = self
            .repo
            .find_member(self.world.organization, space, user.id);
        must(found.await, "finding a member")
    }

    async fn change(&self, user: &User, role: SpaceRole) -> Result<AccessWrite, RepositoryError> {
        let known = present(self.find(self.world.open, user).await, "a member").member;
        let change = known.change(&context(self.world.organization), role);
        self.try_commit(present(change, "another role")).await
    }

    async fn members_are_found_in_their_space_only(&self, stranger: UserId) {
        let World {
            organization,
            open,
            closed,
            other,
            ..
        } = self.world;
        self.add(open, &self.ann, SpaceRole::Admin).await;
        let twice = SpaceMember::add(&context(organization), open, self.ann.id, SpaceRole::Viewer);
        conflict(&self.try_commit(twice).await, "member");
        let found = present(self.find(open, &self.ann).await, "the member");
        assert_eq!(
            (&found.user, found.member.role),
            (&self.ann, SpaceRole::Admin)
        );
        assert_eq!(self.find(closed, &self.ann).await, None, "in another space");
        let foreign = self.repo.find_member(other, open, self.ann.id).await;
        assert_eq!(must(foreign, "from outside"), None, "seen from outside");
        let unknown = self.repo.find_member(organization, open, stranger).await;
        assert_eq!(must(unknown, "a stranger"), None, "a stranger");
    }

    async fn users_are_found_by_each_of_their_names(&self, stranger: &User) {
        let organization = self.world.organization;
        for name in [
            self.ann.id.to_string(),
            self.ann.id.type_id(),
            "member-1".to_owned(),
            "m1@example.com".to_owned(),
        ] {
            let found = must(self.repo.find_users(organization, &name).await, "naming");
            assert_eq!(found, std::slice::from_ref(&self.ann), "{name}");
        }
        for name in [
            "",
            "%",
            "member",
            "m3@example.com",
            &stranger.id.to_string(),
        ] {
            let found = must(self.repo.find_users(organization, name).await, "naming");
            assert_eq!(found, [], "{name}");
        }
    }

    async fn a_space_keeps_an_admin(&self) {
        let open = self.world.open;
        let ctx = context(self.world.organization);
        conflict(
            &self.change(&self.ann, SpaceRole::Editor).await,
            "last_admin",
        );
        let ann = present(self.find(open, &self.ann).await, "ann").member;
        conflict(&self.try_commit(ann.remove(&ctx)).await, "last_admin");
        self.add(open, &self.ben, SpaceRole::Editor).await;
        conflict(&self.try_commit(ann.remove(&ctx)).await, "last_admin");
        must(
            self.change(&self.ben, SpaceRole::Admin).await,
            "a second admin",
        );
        must(
            self.change(&self.ann, SpaceRole::Viewer).await,
            "the first steps down",
        );
        let stale = self.try_commit(ann.remove(&ctx)).await;
        assert!(matches!(stale, Err(RepositoryError::Stale)), "{stale:?}");
        conflict(
            &self.change(&self.ben, SpaceRole::Viewer).await,
            "last_admin",
        );
        let foreign = ann.remove(&context(self.world.other));
        let foreign = self.try_commit(foreign).await;
        assert!(
            matches!(foreign, Err(RepositoryError::Stale)),
            "{foreign:?}"
        );
    }

    async fn lists_are_paged(&self) {
        let World {
            organization,
            open,
            closed,
            other,
            ..
        } = self.world;
        let first = PageRequest {
            limit: 1,
            paging: Paging::Offset(0),
        };
        let page = must(
            self.repo.list_members(organization, open, &first).await,
            "a page",
        );
        assert_eq!((page.total, page.items.len()), (2, 1));
        assert_eq!(page.items.first().map(|one| one.user.id), Some(self.ben.id));
        let after = Paging::After(present(page.next, "a cursor"));
        let second = PageRequest {
            limit: 1,
            paging: after,
        };
        let page = must(
            self.repo.list_members(organization, open, &second).await,
            "a page",
        );
        assert_eq!(page.items.first().map(|one| one.user.id), Some(self.ann.id));
        assert_eq!(page.next, None);
        for (whose, space) in [(organization, closed), (other, open)] {
            let page = must(self.repo.list_members(whose, space, &first).await, "a page");
            assert_eq!(page.total, 0);
        }
    }

    async fn standings_tell_closed_spaces_and_memberships(&self) {
        let World {
            organization,
            open,
            closed,
            ..
        } = self.world;
        let ask = async |user: Option<UserId>| {
            let mut found = must(
                self.repo.space_standings(organization, user).await,
                "standings",
            );
            found.sort_by_key(|standing| standing.space != open);
            found
        };
        let closed_to = |role| SpaceStanding {
            space: closed,
            members_only: true,
            role,
        };
        let member = SpaceStanding {
            space: open,
            members_only: false,
            role: Some(SpaceRole::Viewer),
        };
        assert_eq!(ask(None).await, [closed_to(None)]);
        assert_eq!(ask(Some(self.ann.id)).await, [member, closed_to(None)]);
        self.add(closed, &self.ann, SpaceRole::Editor).await;
        let editor = closed_to(Some(SpaceRole::Editor));
        assert_eq!(ask(Some(self.ann.id)).await, [member, editor]);
        let ann = present(self.find(open, &self.ann).await, "ann").member;
        let gone = ann.remove(&context(organization));
        must(self.try_commit(gone).await, "leaving");
        assert_eq!(self.find(open, &self.ann).await, None, "a member that left");
        assert_eq!(ask(Some(self.ann.id)).await, [editor]);
    }
}
