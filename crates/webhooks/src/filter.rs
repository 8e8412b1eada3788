//! Which events are wanted.

use std::fmt;
use std::str::FromStr;

use probity_kernel::{ProductId, SpaceId};
use time::OffsetDateTime;
use uuid::Uuid;

/// The longest name of a kind of event.
const LONGEST: usize = 100;

/// The dotted name of a kind of event: two to four parts of lower-case letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventType(String);

/// A text that no kind of event can have as its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedEventType;

impl EventType {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventType {
    type Err = MalformedEventType;

    fn from_str(text: &str) -> Result<Self, MalformedEventType> {
        let part = |part: &str| {
            let mut bytes = part.bytes();
            bytes.next().is_some_and(|b| b.is_ascii_lowercase())
                && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let parts = text.split('.').count();
        let named = text.len() <= LONGEST && (2..=4).contains(&parts) && text.split('.').all(part);
        named
            .then(|| Self(text.to_owned()))
            .ok_or(MalformedEventType)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which events are wanted; each part narrows, the default wants all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Of one of these kinds; all kinds when empty.
    pub types: Vec<EventType>,
    /// About this product.
    pub product: Option<ProductId>,
    /// From this source.
    pub source: Option<Uuid>,
    /// Not earlier.
    pub from: Option<OffsetDateTime>,
    /// Earlier.
    pub to: Option<OffsetDateTime>,
    /// Only about products of these spaces: what a credential is confined to.
    pub spaces: Option<Vec<SpaceId>>,
    /// Nothing about these spaces or their products: what a caller does not see.
    pub hidden: Vec<SpaceId>,
}

impl EventFilter {
    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dotted_words() {
        for (text, named) in [
            ("risk_score.changed", true),
            ("guardian.trigger.fired", true),
            ("a.b2_c.d.e", true),
            ("a.b.c.d.e", false),
            ("changed", false),
            ("", false),
            ("risk_score.", false),
            (".changed", false),
            ("Risk.changed", false),
            ("risk.2", false),
            ("risk score.changed", false),
        ] {
            assert_eq!(text.parse::<EventType>().is_ok(), named, "{text}");
        }
        assert!(format!("a.{}", "b".repeat(98)).parse::<EventType>().is_ok());
        assert!(
            format!("a.{}", "b".repeat(99))
                .parse::<EventType>()
                .is_err()
        );
    }
}
