//! Closed vocabularies: enums that have one spelling each, on the wire and in every store.

use probity_kernel::FieldError;

/// A word outside a closed vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of: {}", .allowed.join(", "))]
pub struct UnknownValue {
    /// Every word of the vocabulary, in its own order.
    pub allowed: Vec<&'static str>,
}

impl UnknownValue {
    /// The same fault as that of an input's field, under the code `unknown_value`.
    #[must_use]
    pub fn at(&self, field: &str) -> FieldError {
        FieldError::new(field, "unknown_value", self.to_string())
    }
}

/// Declares closed enums: `ALL`, `as_str`, `parse`, `Display` and `FromStr` from one table.
macro_rules! define_vocabulary {
    ($(
        $(#[$meta:meta])*
        $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }
    )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value's one spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Reads the one spelling; case and white space count.
            ///
            /// # Errors
            /// [`UnknownValue`](crate::UnknownValue) for any other text; it lists what is allowed.
            pub fn parse(text: &str) -> Result<Self, $crate::vocabulary::UnknownValue> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::vocabulary::UnknownValue { allowed: vec![$($text,)+] }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::vocabulary::UnknownValue;
            fn from_str(text: &str) -> Result<Self, Self::Err> { Self::parse(text) }
        }
    )+ };
}

pub(crate) use define_vocabulary;
