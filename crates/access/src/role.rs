//! What a person may do in the whole organisation.

use std::fmt;
use std::str::FromStr;

use crate::scope::ScopeSet;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

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
