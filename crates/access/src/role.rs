//! What a person may do in the whole organisation, and in one of its spaces.

use std::fmt;
use std::str::FromStr;

use crate::scope::{Scope, ScopeSet};

/// The role of a user in the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrganizationRole {
    /// Manages the organisation: all scopes.
    Admin,
    /// Works in it: `read` and `write`.
    Member,
    /// Examines it: `read`.
    Auditor,
}

impl OrganizationRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Member, Self::Auditor];

    /// The name on the wire: `admin`, `member`, `auditor`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Auditor => "auditor",
        }
    }

    /// The scopes that the role gives.
    #[must_use]
    pub const fn scopes(self) -> ScopeSet {
        match self {
            Self::Admin => ScopeSet::ADMIN,
            Self::Member => ScopeSet::WRITE,
            Self::Auditor => ScopeSet::READ,
        }
    }
}

impl fmt::Display for OrganizationRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of admin, member, auditor")]
pub struct UnknownRole;

impl FromStr for OrganizationRole {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// The role of a user in a space. The order is the order of power: an admin may do what an editor
/// may, an editor what a viewer may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpaceRole {
    /// Sees what the space holds.
    Viewer,
    /// Changes it.
    Editor,
    /// Manages the space and its members.
    Admin,
}

impl SpaceRole {
    /// Every role, weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Admin];

    /// The name on the wire: `viewer`, `editor`, `admin`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }

    /// The most that a credential with these scopes may be in a space; nothing without a scope.
    #[must_use]
    pub const fn of_scopes(scopes: ScopeSet) -> Option<Self> {
        if scopes.contains(Scope::Admin) {
            Some(Self::Admin)
        } else if scopes.contains(Scope::Write) {
            Some(Self::Editor)
        } else if scopes.contains(Scope::Read) {
            Some(Self::Viewer)
        } else {
            None
        }
    }
}

impl fmt::Display for SpaceRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role in a space.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of viewer, editor, admin")]
pub struct UnknownSpaceRole;

impl FromStr for SpaceRole {
    type Err = UnknownSpaceRole;

    fn from_str(text: &str) -> Result<Self, UnknownSpaceRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownSpaceRole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_in_a_space_are_told_by_name_and_ordered_by_power() {
        for role in SpaceRole::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!(SpaceRole::ALL.is_sorted());
        assert_eq!("owner".parse::<SpaceRole>(), Err(UnknownSpaceRole));
        for (scopes, role) in [
            (ScopeSet::EMPTY, None),
            (ScopeSet::READ, Some(SpaceRole::Viewer)),
            (ScopeSet::WRITE, Some(SpaceRole::Editor)),
            (ScopeSet::ADMIN, Some(SpaceRole::Admin)),
        ] {
            assert_eq!(SpaceRole::of_scopes(scopes), role);
        }
    }

    #[test]
    fn each_role_gives_its_scopes() {
        for (name, read, write, admin) in [
            ("admin", true, true, true),
            ("member", true, true, false),
            ("auditor", true, false, false),
        ] {
            let role: OrganizationRole = name.parse().unwrap();
            assert_eq!(role.to_string(), name);
            let scopes = role.scopes();
            assert_eq!(
                Scope::ALL.map(|scope| scopes.contains(scope)),
                [read, write, admin],
                "{name}"
            );
        }
        assert_eq!("Admin".parse::<OrganizationRole>(), Err(UnknownRole));
        assert_eq!("".parse::<OrganizationRole>(), Err(UnknownRole));
    }
}
