//! Review requests: asked for because of drift, decided once.

use probity_kernel::text::TextRule;
use probity_kernel::{
    Actor, Change, Context, FieldError, OrganizationId, ProductId, ReviewRequestId, Version,
};
use time::OffsetDateTime;

use crate::assessment::Assessment;
use crate::error::GovernanceError;
use crate::event::{GovernanceEvent, ReviewFacts};
use crate::repository::{GovernanceChange, GovernanceWrite};
use crate::settings::GovernanceSettings;
use crate::vocabulary::{DriftKey, ReviewState, Verdict};

/// What a request says where it comes from.
pub const SOURCE: &str = "ai_governance_workbench";
/// What a request says it is about.
pub const DESCRIPTION: &str = "Review active AI governance drift indicators.";

const COMMENT: TextRule = TextRule::prose(4000);

/// A review request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRequest {
    /// Its id.
    pub id: ReviewRequestId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The product.
    pub product: ProductId,
    /// Where it stands.
    pub state: ReviewState,
    /// A title.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// Where it comes from.
    pub source: String,
    /// The drifts that it asks to review, those that were active when it was made.
    pub drift_indicator_keys: Vec<DriftKey>,
    /// When it was made.
    pub requested_at: OffsetDateTime,
    /// Who made it, as [`actor_reference`] spells it.
    pub requested_by: String,
    /// What was decided.
    pub decision: Option<Decision>,
    /// Its row version.
    pub version: Version,
}

/// What somebody decided about a review request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub decided_at: OffsetDateTime,
    /// Who, as [`actor_reference`] spells it.
    pub decided_by: String,
    /// What they had to say.
    pub comment: Option<String>,
    /// When the approval expires, if ever.
    pub approval_expires_at: Option<OffsetDateTime>,
    /// When the next review is due, where the decision moves that.
    pub next_review_due_at: Option<OffsetDateTime>,
}

/// A reference to an actor that names no person: `user:<id>`, `api_key:<id>`,
/// `token:<issuer>#<subject>`, `system:<name>`.
#[must_use]
pub fn actor_reference(actor: &Actor) -> String {
    actor.spelling()
}

/// The command to request a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestReview {
    /// The frame of the command.
    pub context: Context,
    /// The id of the request, should there be none open.
    pub id: ReviewRequestId,
    /// The product.
    pub product: ProductId,
    /// The drifts to review; all active ones when `None`.
    pub selected: Option<Vec<DriftKey>>,
}

/// A review request, and whether it was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The request.
    pub request: ReviewRequest,
    /// Whether an open request was given back instead of a new one.
    pub deduplicated: bool,
}

/// Reads the keys of drifts as a caller selects them.
///
/// # Errors
/// Every entry that is no drift key, by its pointer; an empty selection.
pub fn parse_selection(keys: &[String]) -> Result<Vec<DriftKey>, Vec<FieldError>> {
    if keys.is_empty() {
        let message = "must name at least one drift indicator; leave it out to select all";
        return Err(vec![FieldError::new(
            "/drift_indicator_keys",
            "too_short",
            message,
        )]);
    }
    let mut selected = Vec::with_capacity(DriftKey::ALL.len());
    let mut faults = Vec::new();
    for (index, text) in keys.iter().enumerate() {
        match text.parse::<DriftKey>() {
            Ok(key) if selected.contains(&key) => {}
            Ok(key) => selected.push(key),
            Err(unknown) => faults.push(FieldError::new(
                format!("/drift_indicator_keys/{index}"),
                "unknown_value",
                unknown.to_string(),
            )),
        }
    }
    if faults.is_empty() {
        Ok(selected)
    } else {
        Err(faults)
    }
}

impl RequestReview {
    /// The change that opens a request, given how the product is judged and that none is open.
    ///
    /// # Errors
    /// `no_active_drift_indicators` when none of the selected drifts is active.
    pub fn into_change(
        &self,
        product_name: &str,
        assessment: &Assessment,
    ) -> Result<GovernanceChange, GovernanceError> {
        let selected = |key: &DriftKey| {
            self.selected
                .as_ref()
                .is_none_or(|selected| selected.contains(key))
        };
        let keys: Vec<DriftKey> = assessment.active_drift().filter(selected).collect();
        if keys.is_empty() {
            return Err(GovernanceError::NoActiveDrift {
                active: assessment.active_drift().collect(),
            });
        }
        let request = ReviewRequest {
            id: self.id,
            organization: self.context.organization,
            product: self.product,
            state: ReviewState::Pending,
            title: format!("AI governance review: {product_name}"),
            description: DESCRIPTION.to_owned(),
            source: SOURCE.to_owned(),
            drift_indicator_keys: keys,
            requested_at: self.context.now,
            requested_by: actor_reference(&self.context.actor),
            decision: None,
            version: Version::FIRST,
        };
        let event = GovernanceEvent::ReviewRequested(ReviewFacts::of(&request));
        let write = GovernanceWrite::RequestReview(Box::new(request));
        Ok(Change::new(&self.context, write, event))
    }
}

/// A decision as a caller sends it, checked against nothing but itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// What is decided.
    pub verdict: Verdict,
    /// What they have to say.
    pub comment: Option<String>,
    /// When the approval expires.
    pub approval_expires_at: Option<OffsetDateTime>,
    /// When the next review is due.
    pub next_review_due_at: Option<OffsetDateTime>,
}

impl NewDecision {
    /// Checks a decision that is made at `now`.
    ///
    /// # Errors
    /// The faulty fields: dates that have passed, a rejection that expires, a comment that is too long.
    pub fn check(&self, now: OffsetDateTime) -> Result<(), Vec<FieldError>> {
        let mut faults = Vec::new();
        if let Some(comment) = &self.comment {
            faults.extend(COMMENT.check("/comment", comment).err());
        }
        if self.verdict == Verdict::Reject && self.approval_expires_at.is_some() {
            let message = "must not be given with `reject`: only an approval expires";
            faults.push(FieldError::new(
                "/approval_expires_at",
                "not_allowed",
                message,
            ));
        }
        for (field, at) in [
            ("/approval_expires_at", self.approval_expires_at),
            ("/next_review_due_at", self.next_review_due_at),
        ] {
            if at.is_some_and(|at| at <= now) {
                faults.push(FieldError::new(
                    field,
                    "in_the_past",
                    "must be in the future",
                ));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

/// The command to decide a review request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideReview {
    /// The frame of the command.
    pub context: Context,
    /// The product.
    pub product: ProductId,
    /// The request.
    pub id: ReviewRequestId,
    /// What is decided.
    pub decision: NewDecision,
}

impl DecideReview {
    /// The change that decides a request. An approval that names no day for the next review makes it
    /// due after the organisation's review period; a rejection leaves the day as it is.
    ///
    /// # Errors
    /// `review_already_decided`.
    pub fn into_change(
        &self,
        request: &ReviewRequest,
        next_review_due_at: Option<OffsetDateTime>,
        settings: &GovernanceSettings,
    ) -> Result<GovernanceChange, GovernanceError> {
        if request.state != ReviewState::Pending {
            return Err(GovernanceError::AlreadyDecided {
                state: request.state,
            });
        }
        let given = &self.decision;
        let (state, due) = match given.verdict {
            Verdict::Approve => {
                let usual = self.context.now.saturating_add(settings.review_period());
                let due = given.next_review_due_at.unwrap_or(usual);
                (ReviewState::Approved, Some(due))
            }
            Verdict::Reject => (ReviewState::Rejected, given.next_review_due_at),
        };
        let next = ReviewRequest {
            state,
            decision: Some(Decision {
                decided_at: self.context.now,
                decided_by: actor_reference(&self.context.actor),
                comment: given.comment.clone(),
                approval_expires_at: given.approval_expires_at,
                next_review_due_at: due,
            }),
            version: request.version.next(),
            ..request.clone()
        };
        let event = GovernanceEvent::ReviewDecided {
            facts: ReviewFacts::of(&next),
            approval_expires_at: given.approval_expires_at,
            next_review_due_at: [next_review_due_at, due.or(next_review_due_at)],
        };
        let write = GovernanceWrite::DecideReview {
            next: Box::new(next),
            expected: request.version,
        };
        Ok(Change::new(&self.context, write, event))
    }
}
