//! Optimistic concurrency.

use std::fmt;

/// The row version of an aggregate: 1 when created, one more with each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(i64);

impl Version {
    /// The version of a new aggregate.
    pub const FIRST: Self = Self(1);

    /// Wraps a stored version.
    #[must_use]
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// The number inside.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The version after one more change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
