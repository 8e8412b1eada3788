//! Alerts: one open at a time for each product and metric.

use std::fmt;
use std::str::FromStr;

use probity_kernel::text::TextRule;
use probity_kernel::{
    Actor, AlertId, Change, Context, FieldError, OrganizationId, ProductId, SnapshotId, Version,
};
use time::OffsetDateTime;

use crate::error::GuardianError;
use crate::event::{AlertFacts, GuardianEvent};
use crate::metric::{ComplianceStatus, MetricKind, UnknownValue};
use crate::repository::{GuardianChange, GuardianWrite};

/// Notes on an alert: up to 2000 characters, several lines.
const NOTE: TextRule = TextRule::prose(2000);

/// Whether an alert still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertState {
    /// It stands; acknowledged or not.
    Open,
    /// It is over for good; a new breach opens a new alert.
    Resolved,
}

impl AlertState {
    /// Both states.
    pub const ALL: [Self; 2] = [Self::Open, Self::Resolved];

    /// The name on the wire: `open`, `resolved`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

impl fmt::Display for AlertState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AlertState {
    type Err = UnknownValue;

    /// Reads the name as it is written.
    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
        known.ok_or(UnknownValue {
            allowed: "open, resolved",
        })
    }
}

/// How an alert came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The metric came back to GREEN.
    Recovered,
    /// Somebody resolved it.
    Manual,
}

impl Resolution {
    /// Both ways.
    pub const ALL: [Self; 2] = [Self::Recovered, Self::Manual];

    /// The name on the wire: `recovered`, `manual`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Resolution {
    type Err = UnknownValue;

    /// Reads the name as it is written.
    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
        known.ok_or(UnknownValue {
            allowed: "recovered, manual",
        })
    }
}

/// A breach of one metric of one product, from its opening to its end.
///
/// A snapshot moves an alert only when it opens, escalates or resolves it: a repetition of the
/// same breach leaves it as it is, acknowledgement and version included.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The product.
    pub product: ProductId,
    /// The metric that is in breach.
    pub metric: MetricKind,
    /// AMBER or RED: the worst since it was opened. It never improves; recovery resolves it.
    pub severity: ComplianceStatus,
    /// Whether it still stands.
    pub state: AlertState,
    /// The metric's value in `snapshot`.
    pub value: f64,
    /// The limit of `severity` that was broken.
    pub threshold: f64,
    /// The newest snapshot that opened, escalated or resolved it.
    pub snapshot: SnapshotId,
    /// When it was opened.
    pub opened_at: OffsetDateTime,
    /// When it went from AMBER to RED.
    pub escalated_at: Option<OffsetDateTime>,
    /// When somebody acknowledged it; an escalation clears this.
    pub acknowledged_at: Option<OffsetDateTime>,
    /// Who acknowledged it, as [`actor_reference`] spells it.
    pub acknowledged_by: Option<String>,
    /// When it ended.
    pub resolved_at: Option<OffsetDateTime>,
    /// How it ended.
    pub resolution: Option<Resolution>,
    /// What the person who acknowledged or resolved it last had to say.
    pub note: Option<String>,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// A reference to an actor that names no person: `user:<id>`, `api_key:<id>`,
/// `token:<issuer>#<subject>`, `system:<name>`.
#[must_use]
pub fn actor_reference(actor: &Actor) -> String {
    actor.spelling()
}

/// Checks a note on an alert: up to 2000 characters, several lines.
///
/// # Errors
/// [`GuardianError::InvalidPayload`] with `/note` (`too_long`, `control_character`).
pub fn check_note(note: Option<&str>) -> Result<(), GuardianError> {
    let fault: Option<FieldError> = note.and_then(|note| NOTE.check("/note", note).err());
    fault.map_or(Ok(()), |fault| {
        Err(GuardianError::InvalidPayload(vec![fault]))
    })
}

impl Alert {
    /// Whether it still stands.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, AlertState::Open)
    }

    /// Somebody has seen it. `None` when it is acknowledged already. A note replaces the one that
    /// is there.
    ///
    /// # Errors
    /// [`GuardianError::AlertResolved`] when it is over, [`GuardianError::InvalidPayload`] for a
    /// note that is too long.
    pub fn acknowledge(
        &self,
        ctx: &Context,
        note: Option<String>,
    ) -> Result<Option<GuardianChange>, GuardianError> {
        check_note(note.as_deref())?;
        if !self.is_open() {
            return Err(GuardianError::AlertResolved);
        }
        if self.acknowledged_at.is_some() {
            return Ok(None);
        }
        let next = Self {
            acknowledged_at: Some(ctx.now),
            acknowledged_by: Some(actor_reference(&ctx.actor)),
            ..self.moved(ctx, note)
        };
        let event = GuardianEvent::AlertAcknowledged {
            facts: AlertFacts::of(&next),
            by: next.acknowledged_by.clone(),
            note: [self.note.clone(), next.note.clone()],
        };
        Ok(Some(self.change(ctx, next, event)))
    }

    /// Somebody ends it, whatever the metric says. `None` when it is resolved already. A note
    /// replaces the one that is there. The next snapshot in breach opens a new alert.
    ///
    /// # Errors
    /// [`GuardianError::InvalidPayload`] for a note that is too long.
    pub fn resolve(
        &self,
        ctx: &Context,
        note: Option<String>,
    ) -> Result<Option<GuardianChange>, GuardianError> {
        check_note(note.as_deref())?;
        if !self.is_open() {
            return Ok(None);
        }
        let next = Self {
            state: AlertState::Resolved,
            resolved_at: Some(ctx.now),
            resolution: Some(Resolution::Manual),
            ..self.moved(ctx, note)
        };
        let event = GuardianEvent::AlertResolved {
            facts: AlertFacts::of(&next),
            note: [self.note.clone(), next.note.clone()],
        };
        Ok(Some(self.change(ctx, next, event)))
    }

    /// The same alert one version later, with the note, if there is a new one.
    fn moved(&self, ctx: &Context, note: Option<String>) -> Self {
        let mut next = self.clone();
        next.note = note.or(next.note);
        next.updated_at = ctx.now;
        next.version = self.version.next();
        next
    }

    fn change(&self, ctx: &Context, next: Self, event: GuardianEvent) -> GuardianChange {
        let write = GuardianWrite::UpdateAlert {
            next,
            expected: self.version,
        };
        Change::new(ctx, write, event)
    }
}
