//! Into which spaces a caller reaches, and as what.

use probity_kernel::SpaceId;

use crate::role::{OrganizationRole, SpaceRole};
use crate::scope::ScopeSet;

/// How a space concerns a user: it is for its members only, or they are one of them, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpaceStanding {
    /// The space.
    pub space: SpaceId,
    /// Whether it is for its members only.
    pub members_only: bool,
    /// The user's role as a member.
    pub role: Option<SpaceRole>,
}

/// Into which spaces a caller reaches, and as what. A space that is not named is as good as any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// What the caller is in the spaces that are not named; `None` where those do not exist for it.
    elsewhere: Option<SpaceRole>,
    /// Spaces in which the caller is something else, by id.
    named: Vec<(SpaceId, Option<SpaceRole>)>,
}

impl Reach {
    /// The same role in every space.
    #[must_use]
    pub const fn everywhere(role: Option<SpaceRole>) -> Self {
        Self {
            elsewhere: role,
            named: Vec::new(),
        }
    }

    /// What a credential with these scopes reaches, confined to some spaces or not.
    #[must_use]
    pub fn of_scopes(scopes: ScopeSet, spaces: Option<&[SpaceId]>) -> Self {
        let role = SpaceRole::of_scopes(scopes);
        match spaces {
            None => Self::everywhere(role),
            Some(spaces) => Self::named(None, spaces.iter().map(|space| (*space, role))),
        }
    }

    /// What a user of the organisation reaches: an admin every space; anyone else what they are a
    /// member of, as what they are there, and the spaces that are open to the organisation, as an
    /// editor, or as a viewer where the organisation lets them read only. An auditor is never more than
    /// a viewer.
    #[must_use]
    pub fn of_role(role: OrganizationRole, standings: &[SpaceStanding]) -> Self {
        let most = match role {
            OrganizationRole::Admin => return Self::everywhere(Some(SpaceRole::Admin)),
            OrganizationRole::Member => SpaceRole::Admin,
            OrganizationRole::Auditor => SpaceRole::Viewer,
        };
        let known = standings.iter().map(|standing| {
            let open = SpaceRole::of_scopes(role.scopes());
            let otherwise = if standing.members_only { None } else { open };
            let role = standing.role.map(|role| role.min(most)).or(otherwise);
            (standing.space, role)
        });
        Self::named(SpaceRole::of_scopes(role.scopes()), known)
    }

    fn named(
        elsewhere: Option<SpaceRole>,
        named: impl Iterator<Item = (SpaceId, Option<SpaceRole>)>,
    ) -> Self {
        let mut named: Vec<_> = named.collect();
        named.sort_by_key(|(space, _)| *space);
        named.dedup_by_key(|(space, _)| *space);
        Self { elsewhere, named }
    }

    /// What the caller is in the space; `None` where it does not exist for the caller.
    #[must_use]
    pub fn role_in(&self, space: SpaceId) -> Option<SpaceRole> {
        let found = self.named.binary_search_by_key(&space, |(space, _)| *space);
        match found.ok().and_then(|at| self.named.get(at)) {
            Some((_, role)) => *role,
            None => self.elsewhere,
        }
    }

    /// Whether the caller is at least this in every space there is, and in those that are made later.
    #[must_use]
    pub fn is_everywhere(&self, role: SpaceRole) -> bool {
        self.elsewhere.is_some_and(|held| held >= role)
            && self
                .named
                .iter()
                .all(|(_, held)| held.is_some_and(|held| held >= role))
    }

    /// The only spaces that the caller sees; `None` where it sees all but the [`Reach::hidden`] ones.
    #[must_use]
    pub fn only(&self) -> Option<Vec<SpaceId>> {
        self.elsewhere.is_none().then(|| {
            let seen = self.named.iter().filter(|(_, role)| role.is_some());
            seen.map(|(space, _)| *space).collect()
        })
    }

    /// The spaces that the caller does not see, of those that are named.
    #[must_use]
    pub fn hidden(&self) -> Vec<SpaceId> {
        let hidden = self.named.iter().filter(|(_, role)| role.is_none());
        hidden.map(|(space, _)| *space).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn space(n: u128) -> SpaceId {
        SpaceId::new(Uuid::from_u128(n))
    }

    fn standings() -> Vec<SpaceStanding> {
        let standing = |n, members_only, role| SpaceStanding {
            space: space(n),
            members_only,
            role,
        };
        vec![
            standing(3, true, None),
            standing(1, true, Some(SpaceRole::Admin)),
            standing(2, false, Some(SpaceRole::Viewer)),
            standing(4, true, Some(SpaceRole::Editor)),
        ]
    }

    #[test]
    fn a_member_is_what_the_space_says_and_an_editor_where_it_says_nothing() {
        let reach = Reach::of_role(OrganizationRole::Member, &standings());
        for (n, role) in [
            (1, Some(SpaceRole::Admin)),
            (2, Some(SpaceRole::Viewer)),
            (3, None),
            (4, Some(SpaceRole::Editor)),
            (9, Some(SpaceRole::Editor)),
        ] {
            assert_eq!(reach.role_in(space(n)), role, "{n}");
        }
        assert_eq!(reach.only(), None);
        assert_eq!(reach.hidden(), [space(3)]);
        assert!(!reach.is_everywhere(SpaceRole::Viewer));
        let open = Reach::of_role(OrganizationRole::Member, &[]);
        assert!(open.is_everywhere(SpaceRole::Editor) && !open.is_everywhere(SpaceRole::Admin));
    }

    #[test]
    fn an_auditor_views_and_an_admin_reaches_everything() {
        let auditor = Reach::of_role(OrganizationRole::Auditor, &standings());
        for n in [1, 2, 4, 9] {
            assert_eq!(auditor.role_in(space(n)), Some(SpaceRole::Viewer), "{n}");
        }
        assert_eq!(auditor.role_in(space(3)), None);
        let admin = Reach::of_role(OrganizationRole::Admin, &standings());
        assert!(admin.is_everywhere(SpaceRole::Admin) && admin.hidden().is_empty());
    }

    #[test]
    fn a_confined_credential_sees_its_spaces_only() {
        let spaces = [space(2), space(1), space(2)];
        let reach = Reach::of_scopes(ScopeSet::WRITE, Some(&spaces));
        assert_eq!(reach.role_in(space(1)), Some(SpaceRole::Editor));
        assert_eq!(reach.role_in(space(3)), None);
        assert_eq!(reach.only(), Some(vec![space(1), space(2)]));
        assert!(!reach.is_everywhere(SpaceRole::Viewer));
        let none = Reach::of_scopes(ScopeSet::ADMIN, Some(&[]));
        assert_eq!(none.only(), Some(Vec::new()));
        let nothing = Reach::of_scopes(ScopeSet::EMPTY, None);
        assert_eq!(nothing.role_in(space(1)), None);
        assert!(Reach::of_scopes(ScopeSet::READ, None).is_everywhere(SpaceRole::Viewer));
    }
}
