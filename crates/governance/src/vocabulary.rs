//! The closed vocabularies of the judgement. Texts are matched exactly; nothing is folded.

use std::fmt;
use std::str::FromStr;

/// A text that is not in a vocabulary; it lists what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", .allowed.join(", "))]
pub struct NotInVocabulary {
    /// The texts that the vocabulary holds.
    pub allowed: &'static [&'static str],
}

/// Declares a closed vocabulary: an enum with its texts and labels, their parser and their `Display`.
macro_rules! vocabulary {
    ($(
        $(#[$meta:meta])*
        $name:ident { $( $variant:ident = $text:literal $label:literal, )+ }
    )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( #[doc = concat!($label, " (`", $text, "`).")] $variant, )+
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

            /// What a person reads.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = NotInVocabulary;

            fn from_str(text: &str) -> Result<Self, NotInVocabulary> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.as_str() == text)
                    .ok_or(NotInVocabulary { allowed: Self::TEXTS })
            }
        }
    )+ };
}

vocabulary! {
    /// What the judgement distinguishes among products; a `Prompt Collection` is not judged.
    ProductKind {
        MlModel = "ML Model" "ML Model",
        AiSystem = "AI System" "AI System",
        LlmAgent = "LLM Agent" "LLM Agent",
        AiApp = "AI App" "AI App",
        Agent = "Agent" "Agent",
    }

    /// The eight items of completeness, in the order in which they are told.
    CompletenessKey {
        Owner = "owner" "Accountable owner",
        Purpose = "purpose" "Purpose",
        RiskClassification = "risk_classification" "Risk classification",
        DataDependencies = "data_dependencies" "Data dependencies",
        EvaluationEvidence = "evaluation_evidence" "Evaluation evidence",
        Policies = "policies" "Policies",
        Monitoring = "monitoring" "Monitoring",
        Review = "review" "Review",
    }

    /// The six drift indicators, in the order in which they are told.
    DriftKey {
        OverdueReview = "overdue_review" "Overdue review",
        ChangedUpstreamData = "changed_upstream_data" "Changed upstream data",
        MissingEval = "missing_eval" "Missing evaluation evidence",
        ExpiredApproval = "expired_approval" "Expired approval",
        UnresolvedHighRiskMitigation = "unresolved_high_risk_mitigation" "Unresolved high-risk mitigation",
        StaleDocumentation = "stale_documentation" "Stale technical documentation",
    }

    /// How grave a drift is, mildest first.
    DriftSeverity {
        Low = "low" "Low",
        Medium = "medium" "Medium",
        High = "high" "High",
        Critical = "critical" "Critical",
    }

    /// The gate of its life in which a product is judged.
    LifecycleGate {
        Design = "design" "Design",
        Development = "development" "Development",
        Validation = "validation" "Validation",
        Production = "production" "Production",
        Retired = "retired" "Retired",
    }

    /// Where the review of a product stands.
    ReviewStatus {
        Approved = "approved" "Approved",
        InReview = "in_review" "In review",
        NeedsReview = "needs_review" "Needs review",
        NotStarted = "not_started" "Not started",
    }

    /// Where one review request stands.
    ReviewState {
        Pending = "pending" "Pending",
        Approved = "approved" "Approved",
        Rejected = "rejected" "Rejected",
    }

    /// What somebody decides about a review request.
    Verdict {
        Approve = "approve" "Approve",
        Reject = "reject" "Reject",
    }
}

impl ProductKind {
    /// Whether products of this kind are trained, so that a completed run is expected of them.
    #[must_use]
    pub const fn is_trained(self) -> bool {
        matches!(self, Self::MlModel | Self::AiSystem)
    }
}

/// Declares which bit of a set stands for which key.
macro_rules! bits {
    ($($name:ident),+) => { $(
        impl $name {
            /// Its bit in the sets that postures keep: the first key has the lowest.
            #[must_use]
            pub fn bit(self) -> u8 {
                let place = Self::ALL.iter().position(|key| *key == self);
                1_u8 << place.unwrap_or_default()
            }
        }
    )+ };
}

bits!(CompletenessKey, DriftKey);

impl LifecycleGate {
    /// The gate out of the stage of life that a team states and the place where the product runs.
    ///
    /// What serves (`production`, `canary`), is suspended or on its way out is judged as production,
    /// whatever the stage says; what runs nowhere follows the stage; and a test environment is at
    /// least validation.
    ///
    /// # Errors
    /// [`NotInVocabulary`] for a text that the catalog does not know.
    pub fn derive(stage: Option<&str>, deployment: &str) -> Result<Self, NotInVocabulary> {
        const STAGES: &[&str] = &[
            "design",
            "development",
            "training",
            "validation",
            "deployment",
            "production",
            "monitoring",
            "retirement",
            "retired",
        ];
        const DEPLOYMENTS: &[&str] = &[
            "development",
            "testing",
            "staging",
            "shadow",
            "canary",
            "production",
            "suspended",
            "deprecated",
            "retired",
        ];
        let unknown = |allowed| NotInVocabulary { allowed };
        let of_stage = match stage {
            None => None,
            Some("design") => Some(Self::Design),
            Some("development" | "training") => Some(Self::Development),
            Some("validation" | "deployment") => Some(Self::Validation),
            Some("production" | "monitoring") => Some(Self::Production),
            Some("retirement" | "retired") => Some(Self::Retired),
            Some(_) => return Err(unknown(STAGES)),
        };
        let of_deployment = match deployment {
            "development" => None,
            "testing" | "staging" | "shadow" => Some(Self::Validation),
            "canary" | "production" | "suspended" | "deprecated" => Some(Self::Production),
            "retired" => Some(Self::Retired),
            _ => return Err(unknown(DEPLOYMENTS)),
        };
        Ok(match (of_stage, of_deployment) {
            (_, Some(Self::Retired)) => Self::Retired,
            (_, Some(Self::Production)) => Self::Production,
            (Some(stage), Some(place)) => stage.max(place),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => Self::Development,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_read_back() {
        for key in CompletenessKey::ALL {
            assert_eq!(key.as_str().parse(), Ok(*key));
        }
        for key in DriftKey::ALL {
            assert_eq!(key.as_str().parse(), Ok(*key));
        }
        let wrong = "Owner".parse::<CompletenessKey>().unwrap_err();
        assert_eq!(wrong.allowed.len(), 8);
        assert!("Prompt Collection".parse::<ProductKind>().is_err());
        assert_eq!(CompletenessKey::Review.bit(), 128);
        assert_eq!(DriftKey::StaleDocumentation.bit(), 32);
    }

    #[test]
    fn the_gate_follows_stage_and_deployment() {
        use LifecycleGate::{Design, Development, Production, Retired, Validation};
        let stages = [
            (None, Development),
            (Some("design"), Design),
            (Some("development"), Development),
            (Some("training"), Development),
            (Some("validation"), Validation),
            (Some("deployment"), Validation),
            (Some("production"), Production),
            (Some("monitoring"), Production),
            (Some("retirement"), Retired),
            (Some("retired"), Retired),
        ];
        for (stage, alone) in stages {
            let gate = |deployment| LifecycleGate::derive(stage, deployment).unwrap();
            assert_eq!(gate("development"), alone, "{stage:?}");
            for tested in ["testing", "staging", "shadow"] {
                assert_eq!(gate(tested), alone.max(Validation), "{stage:?} {tested}");
            }
            for live in ["canary", "production", "suspended", "deprecated"] {
                assert_eq!(gate(live), Production, "{stage:?} {live}");
            }
            assert_eq!(gate("retired"), Retired, "{stage:?}");
        }
        assert!(LifecycleGate::derive(Some("Design"), "testing").is_err());
        assert!(LifecycleGate::derive(None, "").is_err());
    }
}
