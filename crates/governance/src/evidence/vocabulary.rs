//! The closed vocabularies of evidence. Texts are matched exactly; nothing is folded.

use std::fmt;
use std::str::FromStr;

/// A text that is not in a vocabulary; it lists what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", .allowed.join(", "))]
pub struct UnknownEvidenceValue {
    /// The texts that the vocabulary holds.
    pub allowed: &'static [&'static str],
}

/// A closed vocabulary: its texts, and the value of each.
pub trait Vocabulary: Copy + Sized + FromStr<Err = UnknownEvidenceValue> {
    /// The text on the wire and in the store.
    fn text(self) -> &'static str;
}

/// Declares a closed vocabulary: an enum with its texts, their parser and their `Display`.
macro_rules! define_vocabulary {
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

        impl Vocabulary for $name {
            fn text(self) -> &'static str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownEvidenceValue;

            fn from_str(text: &str) -> Result<Self, UnknownEvidenceValue> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.as_str() == text)
                    .ok_or(UnknownEvidenceValue { allowed: Self::TEXTS })
            }
        }
    )+ };
}

define_vocabulary! {
    /// What a run did.
    RunType {
        /// Trained a model.
        Training = "training",
        /// Tuned a model that was trained before.
        FineTuning = "fine_tuning",
        /// Evaluated a model.
        Evaluation = "evaluation",
        /// Put a model into service.
        Deployment = "deployment",
    }

    /// How far a run is.
    RunStatus {
        /// Not started.
        Pending = "pending",
        /// Under way.
        Running = "running",
        /// Ended as it should.
        Completed = "completed",
        /// Ended as it should not.
        Failed = "failed",
        /// Ended before its time, on purpose.
        Cancelled = "cancelled",
    }

    /// What a metric is about.
    MetricCategory {
        /// How often it is right.
        Accuracy = "accuracy",
        /// How it stands noise and change.
        Robustness = "robustness",
        /// How equally it treats people.
        Fairness = "fairness",
        /// How it stands attacks.
        Cybersecurity = "cybersecurity",
        /// How far its data has moved.
        Drift = "drift",
    }

    /// What a metric's value means.
    MetricStatus {
        /// Within its limits.
        Healthy = "healthy",
        /// Beyond the limit of warning.
        Warning = "warning",
        /// Beyond the critical limit.
        Critical = "critical",
        /// Nobody can tell: no value, or no limits to hold it against.
        NotAvailable = "not_available",
    }

    /// Where a metric's status comes from.
    StatusSource {
        /// The caller gave it.
        Given = "given",
        /// It follows from the value and the thresholds.
        Derived = "derived",
    }

    /// What happened at run time.
    RuntimeEventType {
        /// A guardrail fired.
        GuardrailTrigger = "guardrail_trigger",
        /// An action was kept from happening.
        BlockedAction = "blocked_action",
        /// Sensitive data was taken out.
        SensitiveDataRedaction = "sensitive_data_redaction",
        /// A person was called in.
        HumanEscalation = "human_escalation",
        /// An exception from a policy was made.
        PolicyException = "policy_exception",
        /// An incident was opened.
        IncidentCreated = "incident_created",
    }

    /// How grave a runtime event is, least first.
    RuntimeSeverity {
        /// For information.
        Info = "info",
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// Critical.
        Critical = "critical",
    }

    /// What became of a runtime event.
    RuntimeStatus {
        /// Nobody has looked at it.
        Open = "open",
        /// Somebody has.
        Acknowledged = "acknowledged",
        /// It is dealt with.
        Resolved = "resolved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds<T: Vocabulary + PartialEq + fmt::Debug>(all: &[T], texts: &[&'static str]) {
        assert_eq!(all.len(), texts.len());
        for (value, text) in all.iter().zip(texts) {
            assert_eq!(value.text(), *text);
            assert_eq!(text.parse::<T>().as_ref(), Ok(value));
            for wrong in [text.to_uppercase(), format!(" {text}"), format!("{text}s")] {
                assert_eq!(wrong.parse::<T>().unwrap_err().allowed, texts, "{wrong}");
            }
        }
    }

    #[test]
    fn each_vocabulary_reads_back_its_own_texts_and_no_others() {
        holds(RunType::ALL, RunType::TEXTS);
        holds(RunStatus::ALL, RunStatus::TEXTS);
        holds(MetricCategory::ALL, MetricCategory::TEXTS);
        holds(MetricStatus::ALL, MetricStatus::TEXTS);
        holds(StatusSource::ALL, StatusSource::TEXTS);
        holds(RuntimeEventType::ALL, RuntimeEventType::TEXTS);
        holds(RuntimeSeverity::ALL, RuntimeSeverity::TEXTS);
        holds(RuntimeStatus::ALL, RuntimeStatus::TEXTS);
    }
}
