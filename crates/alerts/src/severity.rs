//! How grave an alert is.

use probity_kernel::vocabulary;

vocabulary! {
    /// How grave an alert is, mildest first: the tier whose targets it is held to.
    Severity {
        /// Worth knowing.
        Low = "low",
        /// To be looked at soon.
        Medium = "medium",
        /// To be dealt with before other work.
        High = "high",
        /// To be dealt with at once.
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
