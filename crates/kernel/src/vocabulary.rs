//! Closed vocabularies. Texts are matched exactly; nothing is folded.

/// A text that is not in a vocabulary; it lists what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", .allowed.join(", "))]
pub struct NotInVocabulary {
    /// The texts that the vocabulary holds.
    pub allowed: &'static [&'static str],
}

/// Declares closed vocabularies: enums with their texts, their parser and their `Display`. Values
/// compare in the order of declaration.
#[macro_export]
macro_rules! vocabulary {
    ($(
        $(#[$meta:meta])*
        $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal, )+ }
    )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$variant_meta])* #[doc = concat!(" (`", $text, "`)")] $variant, )+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The text of every value, in the same order.
            pub const TEXTS: &'static [&'static str] = &[$($text),+];

            /// The text on the wire and in the store.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::NotInVocabulary;

            fn from_str(text: &str) -> ::std::result::Result<Self, $crate::NotInVocabulary> {
                let mut all = Self::ALL.iter().copied();
                all.find(|value| value.as_str() == text)
                    .ok_or($crate::NotInVocabulary { allowed: Self::TEXTS })
            }
        }
    )+ };
}
