//! The validation lifecycle: statuses and the moves between them.

use crate::vocabulary::define_vocabulary;

define_vocabulary! {
    /// Where a model stands in its validation.
    ValidationStatus {
        /// Recorded, not yet submitted.
        Draft = "draft",
        /// Submitted, waiting for validators.
        PendingValidation = "pending_validation",
        /// Under effective challenge.
        InValidation = "in_validation",
        /// Findings have to be remedied first.
        NeedsRemediation = "needs_remediation",
        /// Validated, until the validation expires.
        Validated = "validated",
        /// Retired from use.
        Deprecated = "deprecated",
    }
}

/// The moves that a lifecycle permits, as data.
#[derive(Debug, PartialEq, Eq)]
pub struct Lifecycle {
    moves: &'static [(ValidationStatus, &'static [ValidationStatus])],
}

/// The lifecycle of the inventory: each status with the statuses it may move to.
pub static LIFECYCLE: Lifecycle = {
    use ValidationStatus::{
        Deprecated, Draft, InValidation, NeedsRemediation, PendingValidation, Validated,
    };
    Lifecycle {
        moves: &[
            (Draft, &[PendingValidation, Deprecated]),
            (PendingValidation, &[Draft, InValidation, Deprecated]),
            (
                InValidation,
                &[PendingValidation, NeedsRemediation, Validated, Deprecated],
            ),
            (
                NeedsRemediation,
                &[PendingValidation, InValidation, Deprecated],
            ),
            (
                Validated,
                &[PendingValidation, NeedsRemediation, Deprecated],
            ),
            (Deprecated, &[Draft]),
        ],
    }
};

impl Lifecycle {
    /// The statuses that may follow, the status itself not among them.
    #[must_use]
    pub fn successors(&self, from: ValidationStatus) -> &'static [ValidationStatus] {
        let row = self.moves.iter().find(|(status, _)| *status == from);
        row.map_or(&[], |(_, successors)| successors)
    }

    /// Checks one step. Keeping the status is a step of its own that moves nothing.
    ///
    /// # Errors
    /// [`TransitionError`] when the lifecycle does not list the move; it carries those it lists.
    pub fn transition(
        &self,
        from: ValidationStatus,
        to: ValidationStatus,
    ) -> Result<Transition, TransitionError> {
        let permitted = self.successors(from);
        if from == to || permitted.contains(&to) {
            return Ok(Transition { from, to });
        }
        Err(TransitionError {
            from,
            to,
            permitted,
        })
    }
}

/// A step that the lifecycle permits. Only [`Lifecycle::transition`] makes one, so an unlisted move
/// has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transition {
    from: ValidationStatus,
    to: ValidationStatus,
}

impl Transition {
    /// The status before.
    #[must_use]
    pub const fn from(self) -> ValidationStatus {
        self.from
    }

    /// The status after.
    #[must_use]
    pub const fn to(self) -> ValidationStatus {
        self.to
    }

    /// Whether the status changes at all.
    #[must_use]
    pub fn is_move(self) -> bool {
        self.from != self.to
    }

    /// Whether the step arrives at `status` from another one.
    #[must_use]
    pub fn enters(self, status: ValidationStatus) -> bool {
        self.is_move() && self.to == status
    }
}

impl ValidationStatus {
    /// The statuses that may follow this one in the inventory's [`LIFECYCLE`].
    #[must_use]
    pub fn successors(self) -> &'static [Self] {
        LIFECYCLE.successors(self)
    }

    /// Checks a step of the inventory's [`LIFECYCLE`].
    ///
    /// # Errors
    /// [`TransitionError`] when the move is not listed.
    pub fn transition_to(self, to: Self) -> Result<Transition, TransitionError> {
        LIFECYCLE.transition(self, to)
    }
}

/// A move that the lifecycle does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a model cannot move from {from} to {to}; permitted: {}", words(.permitted))]
pub struct TransitionError {
    /// The present status.
    pub from: ValidationStatus,
    /// The status asked for.
    pub to: ValidationStatus,
    /// The statuses that may follow the present one.
    pub permitted: &'static [ValidationStatus],
}

fn words(statuses: &[ValidationStatus]) -> String {
    let words: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RegistryError;
    use crate::samples::{ctx, model_in, status_patch};
    use crate::settings::RegistrySettings;

    /// The published table: rows are the status before, columns the status after, both in the order
    /// of the vocabulary.
    const TABLE: [(&str, &str); 6] = [
        ("draft", "= yes no no no yes"),
        ("pending_validation", "yes = yes no no yes"),
        ("in_validation", "no yes = yes yes yes"),
        ("needs_remediation", "no yes yes = no yes"),
        ("validated", "no yes no yes = yes"),
        ("deprecated", "yes no no no no ="),
    ];

    fn pairs() -> Vec<(ValidationStatus, ValidationStatus, &'static str)> {
        let rows = TABLE.iter().flat_map(|(from, row)| {
            let from = ValidationStatus::parse(from).unwrap();
            let columns = ValidationStatus::ALL.iter().zip(row.split(' '));
            columns.map(move |(to, permitted)| (from, *to, permitted))
        });
        rows.collect()
    }

    #[test]
    fn all_36_pairs_follow_the_published_table() {
        assert_eq!(pairs().len(), 36);
        for (from, to, expected) in pairs() {
            let step = from.transition_to(to);
            assert_eq!(step.is_ok(), expected != "no", "{from} -> {to}");
            assert_eq!(from.successors().contains(&to), expected == "yes");
            if let Ok(step) = step {
                assert_eq!((step.from(), step.to()), (from, to));
                assert_eq!(step.is_move(), expected == "yes");
                assert_eq!(step.enters(to), expected == "yes");
            }
        }
    }

    #[test]
    fn an_update_permits_the_same_36_pairs() {
        for (from, to, expected) in pairs() {
            let settings = RegistrySettings::default();
            let outcome = model_in(from).update(&ctx(), &settings, status_patch(to));
            match outcome {
                Ok(change) => {
                    assert_ne!(expected, "no", "{from} -> {to}");
                    assert_eq!(change.event().changes_nothing(), expected == "=");
                }
                Err(RegistryError::Transition(refused)) => {
                    assert_eq!(expected, "no", "{from} -> {to}");
                    assert_eq!((refused.from, refused.to), (from, to));
                    assert_eq!(refused.permitted, from.successors());
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn every_status_can_be_reached_and_left() {
        for status in ValidationStatus::ALL {
            assert!(!status.successors().is_empty(), "{status} is a dead end");
            let mut sources = ValidationStatus::ALL.iter();
            assert!(sources.any(|from| from.successors().contains(status)));
        }
    }

    #[test]
    fn a_refusal_names_the_permitted_moves() {
        let refusal = ValidationStatus::Draft
            .transition_to(ValidationStatus::Validated)
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "a model cannot move from draft to validated; permitted: pending_validation, deprecated"
        );
    }
}
