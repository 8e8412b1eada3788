//! Closed vocabularies. Texts are matched exactly; nothing is folded.

/// A text that is not in a vocabulary; it lists what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", .allowed.join(", "))]
pub struct NotInVocabulary {
    /// The texts that the vocabulary holds.
    pub allowed: &'static [&'static str],
}

/// Declares a closed vocabulary: an enum with its texts, their parser and their `Display`.
macro_rules! vocabulary {
    ($(
        $(#[$meta:meta])*
        $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal, )+ }
    )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )+
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

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::severity::NotInVocabulary;

            fn from_str(text: &str) -> Result<Self, $crate::severity::NotInVocabulary> {
                let known = Self::ALL.iter().copied().find(|value| value.as_str() == text);
                known.ok_or($crate::severity::NotInVocabulary { allowed: Self::TEXTS })
            }
        }
    )+ };
}
pub(crate) use vocabulary;

vocabulary! {
    /// How grave an alert is, mildest first: the tier whose targets it is held to.
    Severity {
        /// `low`
        Low = "low",
        /// `medium`
        Medium = "medium",
        /// `high`
        High = "high",
        /// `critical`
        Critical = "critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{AlertState, Resolution, Source};
    use crate::preferences::Channel;
    use crate::sla::Deadline;

    #[test]
    fn each_vocabulary_reads_back_its_own_texts_and_no_others() {
        macro_rules! holds {
            ($($name:ident),+) => { $(
                for (value, text) in $name::ALL.iter().zip($name::TEXTS) {
                    assert_eq!(text.parse(), Ok(*value));
                    for wrong in [text.to_uppercase(), format!(" {text}")] {
                        assert!(wrong.parse::<$name>().is_err(), "{wrong}");
                    }
                }
            )+ };
        }
        holds!(Severity, Source, AlertState, Resolution, Channel, Deadline);
        assert!(Severity::Critical > Severity::High && Severity::Medium > Severity::Low);
    }
}
