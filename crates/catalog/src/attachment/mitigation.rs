//! Mitigations of a product's risks, from open to closed.

use probity_kernel::clock::to_milliseconds;
use probity_kernel::text::TextRule;
use probity_kernel::{
    Change, Context, FieldError, OrganizationId, Patch, ProductId, RiskMitigationId, Version,
};
use time::OffsetDateTime;

use super::error::AttachmentError;
use super::event::AttachmentEvent;
use super::input::{Check, DESCRIPTION, NAME, parse, within};
use super::repository::{AttachmentChange, AttachmentWrite, Removal};

/// Owners: 1 to 320 characters on one line, room for any e-mail address.
const OWNER: TextRule = TextRule::line(320);

probity_kernel::vocabulary! {
    /// How severe a risk is, from the least to the most.
    Severity {
        /// Little harm.
        Low = "low",
        /// Some harm.
        Medium = "medium",
        /// Great harm.
        High = "high",
        /// Harm that must not happen.
        Critical = "critical",
    }
    /// Where a mitigation stands.
    MitigationStatus {
        /// Nobody works on it yet.
        Open = "open",
        /// Somebody works on it.
        InProgress = "in_progress",
        /// The risk is dealt with.
        Resolved = "resolved",
        /// The risk is accepted as it is.
        Accepted = "accepted",
    }
}

impl MitigationStatus {
    /// Whether nothing is left to do.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Resolved | Self::Accepted)
    }
}

/// A mitigation of a risk of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskMitigation {
    /// Its id.
    pub id: RiskMitigationId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The product whose risk it is.
    pub product: ProductId,
    /// What is to be done.
    pub title: String,
    /// The risk and the plan in more words.
    pub description: Option<String>,
    /// How severe the risk is.
    pub severity: Severity,
    /// Where it stands.
    pub status: MitigationStatus,
    /// Who answers for it.
    pub owner: Option<String>,
    /// When it has to be closed.
    pub due_at: Option<OffsetDateTime>,
    /// When it was closed; there exactly while the status is a closed one.
    pub closed_at: Option<OffsetDateTime>,
    /// When it was opened.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// A new mitigation as it came in; `None` is an absent or null field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MitigationInput {
    /// Required: 1 to 200 characters on one line.
    pub title: Option<String>,
    /// Up to 2000 characters.
    pub description: Option<String>,
    /// Required: a [`Severity`].
    pub severity: Option<String>,
    /// A [`MitigationStatus`]; `open` when absent.
    pub status: Option<String>,
    /// 1 to 320 characters on one line.
    pub owner: Option<String>,
    /// Any instant, passed ones included.
    pub due_at: Option<OffsetDateTime>,
}

/// A new mitigation whose every field is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMitigation {
    title: String,
    description: Option<String>,
    severity: Severity,
    status: MitigationStatus,
    owner: Option<String>,
    due_at: Option<OffsetDateTime>,
}

impl NewMitigation {
    /// Judges every field.
    ///
    /// # Errors
    /// [`AttachmentError::Invalid`] with every faulty field: `required`, `unknown_value`, and the
    /// codes of [`TextRule::check`].
    pub fn parse(input: MitigationInput) -> Result<Self, AttachmentError> {
        let mut check = Check::default();
        let title = check.required("/title", input.title);
        let title = check.text("/title", NAME, title);
        let description = check.text("/description", DESCRIPTION, input.description);
        let severity = check.required("/severity", input.severity);
        let severity = check.parsed("/severity", "unknown_value", severity);
        let status = check.parsed("/status", "unknown_value", input.status);
        let owner = check.text("/owner", OWNER, input.owner);
        check.done()?;
        Ok(Self {
            title: title.unwrap_or_default(),
            description,
            severity: severity.unwrap_or(Severity::Critical),
            status: status.unwrap_or(MitigationStatus::Open),
            owner,
            due_at: input.due_at.map(to_milliseconds),
        })
    }
}

/// A partial update as it came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MitigationPatchInput {
    /// Cannot be cleared.
    pub title: Patch<String>,
    /// Null clears it.
    pub description: Patch<String>,
    /// Cannot be cleared.
    pub severity: Patch<String>,
    /// Cannot be cleared.
    pub status: Patch<String>,
    /// Null clears it.
    pub owner: Patch<String>,
    /// Null clears it.
    pub due_at: Patch<OffsetDateTime>,
}

/// A partial update whose every field is in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MitigationPatch {
    title: Option<String>,
    description: Patch<String>,
    severity: Option<Severity>,
    status: Option<MitigationStatus>,
    owner: Patch<String>,
    due_at: Patch<OffsetDateTime>,
}

impl MitigationPatch {
    /// Judges every field.
    ///
    /// # Errors
    /// As [`NewMitigation::parse`] says, and `not_nullable`.
    pub fn parse(input: MitigationPatchInput) -> Result<Self, AttachmentError> {
        let mut check = Check::default();
        let text = |field, rule| move |text| within(field, rule, text);
        let patch = Self {
            title: check.kept("/title", input.title, text("/title", NAME)),
            description: check.clearable(input.description, text("/description", DESCRIPTION)),
            severity: check.kept("/severity", input.severity, word("/severity")),
            status: check.kept("/status", input.status, word("/status")),
            owner: check.clearable(input.owner, text("/owner", OWNER)),
            due_at: check.clearable(input.due_at, |at| Ok(to_milliseconds(at))),
        };
        check.done()?;
        Ok(patch)
    }
}

fn word<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &'static str,
) -> impl FnOnce(String) -> Result<T, FieldError> {
    move |text| parse(field, "unknown_value", &text)
}

impl RiskMitigation {
    /// Opens a mitigation; one that is recorded as closed is closed from now on.
    pub fn open(
        ctx: &Context,
        id: RiskMitigationId,
        product: ProductId,
        new: NewMitigation,
    ) -> AttachmentChange {
        let next = Self {
            id,
            organization: ctx.organization,
            product,
            title: new.title,
            description: new.description,
            severity: new.severity,
            status: new.status,
            owner: new.owner,
            due_at: new.due_at,
            closed_at: new.status.is_closed().then_some(ctx.now),
            created_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        let event = AttachmentEvent::MitigationOpened(next.clone());
        let write = AttachmentWrite::PutMitigation {
            next,
            expected: None,
        };
        Change::new(ctx, write, event)
    }

    /// Brings the mitigation to what a patch says; `None` when it says nothing new. Closing stamps
    /// the instant, reopening clears it, and between the two closed states the first stamp stays.
    #[must_use]
    pub fn update(&self, ctx: &Context, patch: MitigationPatch) -> Option<AttachmentChange> {
        let before = self.clone();
        let status = patch.status.unwrap_or(before.status);
        let closed_at = match (status.is_closed(), before.closed_at) {
            (true, None) => Some(ctx.now),
            (true, stamped) => stamped,
            (false, _) => None,
        };
        let mut next = Self {
            title: patch.title.unwrap_or(before.title),
            description: patch.description.over(before.description),
            severity: patch.severity.unwrap_or(before.severity),
            status,
            owner: patch.owner.over(before.owner),
            due_at: patch.due_at.over(before.due_at),
            closed_at,
            ..*self
        };
        if next == *self {
            return None;
        }
        next.updated_at = ctx.now;
        next.version = self.version.next();
        let event = AttachmentEvent::MitigationUpdated {
            before: self.clone(),
            after: next.clone(),
        };
        let write = AttachmentWrite::PutMitigation {
            next,
            expected: Some(self.version),
        };
        Some(Change::new(ctx, write, event))
    }

    /// Removes the mitigation.
    pub fn remove(&self, ctx: &Context) -> AttachmentChange {
        let removal = Removal {
            id: self.id,
            product: self.product,
            expected: self.version,
        };
        let event = AttachmentEvent::MitigationRemoved(self.clone());
        Change::new(ctx, AttachmentWrite::RemoveMitigation(removal), event)
    }
}
