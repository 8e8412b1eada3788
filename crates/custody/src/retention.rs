//! For how long things are kept: a window per target, what law asks for beyond it, and holds.

use std::fmt;
use std::str::FromStr;

use probity_kernel::text::TextRule;
use probity_kernel::{Change, Context, DomainEvent, FieldError, OrganizationId, Subject, Version};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

/// The shortest window that may be set, in days.
pub const MIN_DAYS: u16 = 30;
/// The longest window that may be set, in days.
pub const MAX_DAYS: u16 = 3650;

const REASON: TextRule = TextRule::prose(500);

/// What has a window of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Leaves of the record with the governance events they published, and how rows were before they
    /// changed. Leaf hashes are kept for ever.
    AuditLogs,
    /// Packets of evidence that were put together for somebody.
    EvidencePackets,
    /// Alerts that are resolved, counted from when they were.
    Findings,
}

impl Target {
    /// All targets, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::AuditLogs, Self::EvidencePackets, Self::Findings];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuditLogs => "audit_logs",
            Self::EvidencePackets => "evidence_packets",
            Self::Findings => "findings",
        }
    }

    /// The window while nobody has set one: three years for findings, seven for packets of evidence
    /// and for the record they rest on.
    #[must_use]
    pub const fn default_days(self) -> u16 {
        match self {
            Self::Findings => 1095,
            Self::EvidencePackets | Self::AuditLogs => 2555,
        }
    }

    /// For how long law asks to keep it where a product of high risk is governed.
    #[must_use]
    pub const fn floor(self) -> Option<LegalFloor> {
        match self {
            Self::AuditLogs => Some(LegalFloor {
                days: 184,
                article: "Regulation (EU) 2024/1689, Articles 19(1) and 26(6): logs of high-risk \
                          systems, at least six months",
            }),
            Self::EvidencePackets => Some(LegalFloor {
                days: 3653,
                article: "Regulation (EU) 2024/1689, Article 18(1): documentation of high-risk \
                          systems, ten years",
            }),
            Self::Findings => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be audit_logs, evidence_packets or findings")]
pub struct UnknownTarget;

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, UnknownTarget> {
        let mut all = Self::ALL.into_iter();
        all.find(|target| target.as_str() == text)
            .ok_or(UnknownTarget)
    }
}

/// How long law asks to keep something, and where it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegalFloor {
    /// Days; may exceed what a window can be.
    pub days: u16,
    /// The article.
    pub article: &'static str,
}

/// The window of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The target.
    pub target: Target,
    /// Days, [`MIN_DAYS`] to [`MAX_DAYS`].
    pub days: u16,
    /// Why nothing of it may be deleted for now; `None` where it may.
    pub hold: Option<String>,
    /// When it was last set; `None` while it never was.
    pub updated_at: Option<OffsetDateTime>,
    /// How often it was set.
    pub version: Version,
}

impl Window {
    /// The window of a target while nobody has set one.
    #[must_use]
    pub const fn unset(target: Target) -> Self {
        Self {
            target,
            days: target.default_days(),
            hold: None,
            updated_at: None,
            version: Version::new(0),
        }
    }

    /// For how many days things are kept in fact: the window, or what law asks for where that is longer
    /// and applies. `None` under a hold: for as long as it lasts.
    #[must_use]
    pub fn effective_days(&self, governs_high_risk: bool) -> Option<u16> {
        if self.hold.is_some() {
            return None;
        }
        let floor = self.target.floor().filter(|_| governs_high_risk);
        Some(floor.map_or(self.days, |floor| self.days.max(floor.days)))
    }

    /// Before which instant things may be deleted now; `None` where nothing may.
    #[must_use]
    pub fn cutoff(&self, governs_high_risk: bool, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let days = self.effective_days(governs_high_risk)?;
        now.checked_sub(Duration::days(days.into()))
    }
}

/// A change of a window as it is asked for; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowInput {
    /// Days.
    pub retention_days: Option<i64>,
    /// Whether there is a hold.
    pub legal_hold: Option<bool>,
    /// Why there is.
    pub hold_reason: Option<String>,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetWindow {
    /// The window as it is to be.
    pub window: Window,
    /// The version that it replaces.
    pub expected: Version,
}

/// A change of a window with its event.
pub type WindowChange = Change<SetWindow, WindowChanged>;

/// `retention.window.changed`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowChanged {
    organization: OrganizationId,
    before: Window,
    after: Window,
}

impl DomainEvent for WindowChanged {
    fn name(&self) -> &'static str {
        "retention.window.changed"
    }

    fn subject(&self) -> Subject {
        Subject {
            kind: "data_retention",
            id: self.organization.uuid(),
        }
    }

    fn detail(&self) -> Value {
        let mut detail = Map::new();
        detail.insert("target".to_owned(), json!(self.after.target.as_str()));
        let mut put = |name: &str, before: Value, after: Value| {
            if before != after {
                detail.insert(name.to_owned(), json!({"before": before, "after": after}));
            }
        };
        let (before, after) = (&self.before, &self.after);
        put("retention_days", before.days.into(), after.days.into());
        put(
            "legal_hold",
            before.hold.is_some().into(),
            after.hold.is_some().into(),
        );
        put("hold_reason", json!(before.hold), json!(after.hold));
        Value::Object(detail)
    }
}

impl Window {
    /// The change that an input asks for; `None` when it changes nothing.
    ///
    /// # Errors
    /// Every faulty field by its pointer: days out of range, a hold without a reason, a reason without
    /// a hold; `required` for an input that asks for nothing.
    pub fn changed(
        &self,
        context: &Context,
        input: &WindowInput,
    ) -> Result<Option<WindowChange>, Vec<FieldError>> {
        if *input == WindowInput::default() {
            let message = "must set at least one of retention_days, legal_hold and hold_reason";
            return Err(vec![FieldError::new("", "required", message)]);
        }
        let mut faults = Vec::new();
        let days = match input.retention_days {
            None => self.days,
            Some(days) => {
                if let Ok(days @ MIN_DAYS..=MAX_DAYS) = u16::try_from(days) {
                    days
                } else {
                    let message = format!("must be a whole number from {MIN_DAYS} to {MAX_DAYS}");
                    faults.push(FieldError::new("/retention_days", "out_of_range", message));
                    self.days
                }
            }
        };
        let hold = self.next_hold(input, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        if (days, &hold) == (self.days, &self.hold) {
            return Ok(None);
        }
        let after = Self {
            target: self.target,
            days,
            hold,
            updated_at: Some(context.now),
            version: self.version.next(),
        };
        let event = WindowChanged {
            organization: context.organization,
            before: self.clone(),
            after: after.clone(),
        };
        let write = SetWindow {
            window: after,
            expected: self.version,
        };
        Ok(Some(Change::new(context, write, event)))
    }

    fn next_hold(&self, input: &WindowInput, faults: &mut Vec<FieldError>) -> Option<String> {
        let field = "/hold_reason";
        let held = input.legal_hold.unwrap_or(self.hold.is_some());
        if let Some(reason) = &input.hold_reason {
            if let Err(fault) = REASON.check(field, reason) {
                faults.push(fault);
            } else if reason.trim().is_empty() {
                faults.push(FieldError::new(field, "required", "must not be empty"));
            } else if !held {
                let message = "is only taken together with a hold: set `legal_hold` to true";
                faults.push(FieldError::new(field, "conflicting_member", message));
            }
        }
        if !held {
            return None;
        }
        let reason = input.hold_reason.clone().or_else(|| self.hold.clone());
        if reason.is_none() {
            let message = "is required with a hold";
            faults.push(FieldError::new(field, "required", message));
        }
        reason
    }
}

#[cfg(test)]
mod tests {
    use probity_kernel::Actor;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

    fn context() -> Context {
        Context::new(OrganizationId::new(Uuid::nil()), Actor::System("test"), NOW)
    }

    fn input(days: i64) -> WindowInput {
        WindowInput {
            retention_days: Some(days),
            ..WindowInput::default()
        }
    }

    #[test]
    fn windows_are_thirty_to_3650_days() {
        let window = Window::unset(Target::Findings);
        for (days, good) in [
            (29, false),
            (30, true),
            (3650, true),
            (3651, false),
            (-1, false),
            (i64::MAX, false),
        ] {
            let changed = window.changed(&context(), &input(days));
            assert_eq!(changed.is_ok(), good, "{days}");
        }
        assert!(window.changed(&context(), &input(1095)).unwrap().is_none());
    }

    #[test]
    fn law_may_ask_for_longer_and_a_hold_for_ever() {
        let mut window = Window::unset(Target::AuditLogs);
        window.days = 30;
        assert_eq!(window.effective_days(false), Some(30));
        assert_eq!(window.effective_days(true), Some(184));
        assert_eq!(
            window.cutoff(false, NOW),
            Some(datetime!(2026-02-11 09:00 UTC))
        );
        window.hold = Some("litigation".to_owned());
        assert_eq!(window.cutoff(true, NOW), None);
    }

    #[test]
    fn a_hold_has_a_reason_and_a_reason_a_hold() {
        let window = Window::unset(Target::AuditLogs);
        let ask = |legal_hold, hold_reason: Option<&str>| {
            let input = WindowInput {
                retention_days: None,
                legal_hold,
                hold_reason: hold_reason.map(str::to_owned),
            };
            window.changed(&context(), &input)
        };
        for faulty in [
            ask(Some(true), None),
            ask(None, Some("x")),
            ask(Some(false), Some("x")),
            ask(Some(true), Some(" ")),
        ] {
            let faults = faulty.unwrap_err();
            assert_eq!(faults[0].field, "/hold_reason");
        }
        let held = ask(Some(true), Some("case 7")).unwrap().unwrap();
        let detail = held.event().detail();
        assert_eq!(
            detail["legal_hold"],
            json!({"before": false, "after": true})
        );
        assert_eq!(detail["hold_reason"]["after"], "case 7");
        let held = held.write().window.clone();
        let released = held.changed(
            &context(),
            &WindowInput {
                legal_hold: Some(false),
                ..WindowInput::default()
            },
        );
        assert_eq!(released.unwrap().unwrap().write().window.hold, None);
    }
}
