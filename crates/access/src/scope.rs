//! What a credential may do: three scopes, each of which includes the ones before it.

use std::fmt;
use std::str::FromStr;

/// One scope. The order is the order of power: `admin` implies `write`, `write` implies `read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// See what the credential's organisation and spaces hold.
    Read,
    /// Change it.
    Write,
    /// Manage members, credentials and settings.
    Admin,
}

impl Scope {
    /// Every scope, weakest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// The name on the wire: `read`, `write`, `admin`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 0b001,
            Self::Write => 0b010,
            Self::Admin => 0b100,
        }
    }

    /// The scope together with everything that it implies.
    const fn closure(self) -> u8 {
        match self {
            Self::Read => 0b001,
            Self::Write => 0b011,
            Self::Admin => 0b111,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of read, write, admin")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownScope)
    }
}

/// A set of scopes, always closed under implication: a set made from `write` also holds `read`.
/// Two sets are therefore equal exactly when they permit the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// No scope: permits nothing.
    pub const EMPTY: Self = Self(0);
    /// `read`.
    pub const READ: Self = Self(Scope::Read.closure());
    /// `read` and `write`.
    pub const WRITE: Self = Self(Scope::Write.closure());
    /// All scopes.
    pub const ADMIN: Self = Self(Scope::Admin.closure());

    /// Parses names such as `read` and `write`, in any order, with repetitions.
    ///
    /// # Errors
    /// [`UnknownScope`] when a name is not one of `read`, `write`, `admin`.
    pub fn parse<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, UnknownScope> {
        names
            .into_iter()
            .map(|name| name.as_ref().parse::<Scope>())
            .collect()
    }

    /// The scopes in the set, weakest first.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }

    /// The names of the scopes in the set, weakest first; `parse` reads them back.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(Scope::as_str)
    }

    /// Whether the set permits `scope`.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether everything in this set is also in `other`.
    #[must_use]
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether the set permits nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl From<Scope> for ScopeSet {
    fn from(scope: Scope) -> Self {
        Self(scope.closure())
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(
            scopes
                .into_iter()
                .fold(0, |bits, scope| bits | scope.closure()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_implies_write_and_write_implies_read() {
        for (names, permitted) in [
            (vec![], vec![]),
            (vec!["read"], vec!["read"]),
            (vec!["write"], vec!["read", "write"]),
            (vec!["admin"], vec!["read", "write", "admin"]),
            (vec!["write", "read", "write"], vec!["read", "write"]),
        ] {
            let set = ScopeSet::parse(&names).unwrap();
            assert_eq!(set.names().collect::<Vec<_>>(), permitted, "{names:?}");
            assert_eq!(ScopeSet::parse(set.names()).unwrap(), set);
            assert_eq!(set.is_empty(), permitted.is_empty());
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        for name in ["", "READ", "Read", " read", "owner", "read,write"] {
            assert_eq!(ScopeSet::parse(["read", name]), Err(UnknownScope), "{name}");
        }
    }

    #[test]
    fn a_subset_permits_no_more_than_the_whole() {
        let sets = [
            ScopeSet::EMPTY,
            ScopeSet::READ,
            ScopeSet::WRITE,
            ScopeSet::ADMIN,
        ];
        for (i, a) in sets.iter().enumerate() {
            for (j, b) in sets.iter().enumerate() {
                assert_eq!(a.is_subset(*b), i <= j, "{a:?} in {b:?}");
            }
        }
    }
}
