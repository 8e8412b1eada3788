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
