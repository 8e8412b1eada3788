//! Names in addresses.

use std::fmt;
use std::str::FromStr;

/// A text that is no slug; it says how long one may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {max} of a-z, 0-9 and -, with no hyphen at either end")]
pub struct MalformedSlug {
    /// The most characters.
    pub max: usize,
}

fn is_slug(text: &str, max: usize) -> bool {
    let plain = text
        .bytes()
        .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    plain && (1..=max).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

macro_rules! define_slug {
    ($($(#[$meta:meta])* $name:ident, $max:literal;)+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The most characters.
            pub const MAX: usize = $max;

            /// The slug as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = MalformedSlug;

            fn from_str(text: &str) -> Result<Self, MalformedSlug> {
                if is_slug(text, Self::MAX) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(MalformedSlug { max: Self::MAX })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+ };
}

define_slug! {
    /// The name of a space in addresses; unique in its organisation.
    SpaceSlug, 63;
    /// The name of a product in addresses; unique in its space.
    ProductSlug, 100;
}

impl ProductSlug {
    /// What a product without a slug of its own is called: the letters and digits of its name
    /// that ASCII has, in lower case, with one hyphen for everything between them; `product` when
    /// nothing is left.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let mut slug = String::new();
        for c in name.chars().map(|c| c.to_ascii_lowercase()) {
            if slug.len() >= Self::MAX {
                break;
            }
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(slug.trim_end_matches('-').len());
        if slug.is_empty() {
            slug.push_str("product");
        }
        Self(slug)
    }

    /// The same slug with `-` and a suffix of ASCII letters and digits, cut so that it fits.
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Self {
        let room = Self::MAX.saturating_sub(suffix.len() + 1);
        let stem = self.0.get(..room.min(self.0.len())).unwrap_or_default();
        Self(format!("{}-{suffix}", stem.trim_end_matches('-')))
    }
}
