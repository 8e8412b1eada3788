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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slug_keeps_its_form_and_its_length() {
        for text in ["a", "0", "a-b", "a--b", "x9"] {
            assert_eq!(text.parse::<SpaceSlug>().unwrap().to_string(), text);
            assert_eq!(text.parse::<ProductSlug>().unwrap().to_string(), text);
        }
        for text in [
            "", "-", "-a", "a-", "A", "a_b", "a.b", "a b", "ä", "a\n", "a/b",
        ] {
            assert_eq!(
                text.parse::<SpaceSlug>(),
                Err(MalformedSlug { max: 63 }),
                "{text:?}"
            );
            assert_eq!(
                text.parse::<ProductSlug>(),
                Err(MalformedSlug { max: 100 }),
                "{text:?}"
            );
        }
        for (length, space, product) in [
            (63, true, true),
            (64, false, true),
            (100, false, true),
            (101, false, false),
        ] {
            let text = "a".repeat(length);
            assert_eq!(text.parse::<SpaceSlug>().is_ok(), space, "{length}");
            assert_eq!(text.parse::<ProductSlug>().is_ok(), product, "{length}");
        }
    }

    #[test]
    fn a_name_becomes_a_slug() {
        for (name, slug) in [
            ("Churn Prediction Model", "churn-prediction-model"),
            ("  GPT-4o / (mini)  ", "gpt-4o-mini"),
            ("Über Modell", "ber-modell"),
            ("模型", "product"),
            ("---", "product"),
            ("a", "a"),
        ] {
            assert_eq!(ProductSlug::from_name(name).as_str(), slug, "{name}");
        }
    }

    #[test]
    fn a_suffix_fits_within_the_limit() {
        let long = ProductSlug::from_name(&"a".repeat(300));
        assert_eq!(long.as_str().len(), 100);
        assert_eq!(
            long.with_suffix("2").as_str(),
            format!("{}-2", "a".repeat(98))
        );
        assert_eq!(
            ProductSlug::from_name("b").with_suffix("17").as_str(),
            "b-17"
        );
        let hyphen = ProductSlug::from_name(&format!("{} {}", "a".repeat(97), "b"));
        assert_eq!(
            hyphen.with_suffix("2").as_str(),
            format!("{}-2", "a".repeat(97))
        );
    }

    proptest! {
        #[test]
        fn every_name_gives_a_well_formed_slug(name in "\\PC{0,150}", suffix in "[a-z0-9]{1,12}") {
            let slug = ProductSlug::from_name(&name);
            prop_assert!(is_slug(slug.as_str(), ProductSlug::MAX));
            let longer = slug.with_suffix(&suffix);
            prop_assert!(is_slug(longer.as_str(), ProductSlug::MAX));
        }
    }
}
