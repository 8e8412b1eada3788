//! An alert as its clock sees it, whatever it came from.

use probity_kernel::text::TextRule;
use probity_kernel::{AlertId, Change, Context, OrganizationId, ProductId, Version};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::AlertsError;
use crate::event::{AlertsEvent, Facts};
use crate::repository::{AlertsChange, AlertsWrite};
use crate::severity::Severity;
use crate::sla::{Deadline, Lapse, SlaTargets};

/// Notes on an alert: up to 2000 characters, several lines.
const NOTE: TextRule = TextRule::prose(2000);

probity_kernel::vocabulary! {
    /// Where an alert came from.
    Source {
        /// A metric of a product is out of bounds; Guardian opens and ends these.
        Metric = "metric",
        /// Something happened while the product ran.
        RuntimeEvent = "runtime_event",
        /// A governance review waits for its decision.
        Review = "review",
        /// The judgement of the product has become grave.
        Posture = "posture",
    }

    /// Whether an alert still stands.
    AlertState {
        /// Acknowledged or not.
        Open = "open",
        /// Over for good.
        Resolved = "resolved",
    }

    /// How an alert came to its end.
    Resolution {
        /// What it was about is well again.
        Recovered = "recovered",
        /// Somebody resolved it.
        Manual = "manual",
        /// The review was decided.
        Decided = "decided",
    }
}

impl Source {
    /// The kind of governance event that tells of such an alert, by which preferences pick.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Metric => "guardian.trigger.fired",
            Self::RuntimeEvent => "runtime_governance.recorded",
            Self::Review => "review.requested",
            Self::Posture => "risk_score.changed",
        }
    }

    /// Whether something of this severity is worth an alert.
    #[must_use]
    pub fn opens_at(self, severity: Severity) -> bool {
        match self {
            Self::Metric | Self::Review => true,
            Self::RuntimeEvent => severity >= Severity::Medium,
            Self::Posture => severity >= Severity::High,
        }
    }
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Where it came from.
    pub source: Source,
    /// The id of that: of Guardian's alert, the runtime event, the review request, or the product.
    pub id: Uuid,
    /// What of it: the metric's name, the type of the runtime event, `review`, `posture`.
    pub subject: String,
}

/// An alert of a product, with the clock that its service level is measured by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedAlert {
    /// Its id; for a metric that of Guardian's alert.
    pub id: AlertId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The product.
    pub product: ProductId,
    /// What it is about.
    pub origin: Origin,
    /// The gravest since it was opened.
    pub severity: Severity,
    /// Whether it still stands.
    pub state: AlertState,
    /// When it was opened.
    pub opened_at: OffsetDateTime,
    /// When its clock was started: when it was opened, or last became graver.
    pub since: OffsetDateTime,
    /// When somebody acknowledged it.
    pub acknowledged_at: Option<OffsetDateTime>,
    /// Who did: `user:<id>`, `api_key:<id>`, `token:<issuer>#<subject>`, `system:<name>`.
    pub acknowledged_by: Option<String>,
    /// When it ended.
    pub resolved_at: Option<OffsetDateTime>,
    /// How it ended.
    pub resolution: Option<Resolution>,
    /// What the person who acknowledged or resolved it last had to say.
    pub note: Option<String>,
    /// The deadline for the acknowledgement, once it has passed and that is on the record.
    pub acknowledge_breached_at: Option<OffsetDateTime>,
    /// The same for the resolution.
    pub resolve_breached_at: Option<OffsetDateTime>,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Its version.
    pub version: Version,
}

impl TrackedAlert {
    /// An alert that opens now.
    #[must_use]
    pub const fn open(
        ctx: &Context,
        id: AlertId,
        product: ProductId,
        origin: Origin,
        severity: Severity,
    ) -> Self {
        Self {
            id,
            organization: ctx.organization,
            product,
            origin,
            severity,
            state: AlertState::Open,
            opened_at: ctx.now,
            since: ctx.now,
            acknowledged_at: None,
            acknowledged_by: None,
            resolved_at: None,
            resolution: None,
            note: None,
            acknowledge_breached_at: None,
            resolve_breached_at: None,
            updated_at: ctx.now,
            version: Version::FIRST,
        }
    }

    /// Whether it still stands.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, AlertState::Open)
    }

    /// What a person reads first: closed vocabularies only, no free text of a sender.
    #[must_use]
    pub fn title(&self) -> String {
        let subject = self.origin.subject.replace('_', " ");
        match self.origin.source {
            Source::Metric => {
                let limit = match self.severity {
                    Severity::Critical | Severity::High => "red",
                    Severity::Medium | Severity::Low => "amber",
                };
                format!("{subject} is beyond its {limit} limit")
            }
            Source::RuntimeEvent => format!("{subject} of {} severity", self.severity),
            Source::Review => "a governance review waits for its decision".to_owned(),
            Source::Posture => format!("the posture shows drift of {} severity", self.severity),
        }
    }

    /// Until when it has to be acknowledged or resolved, where there is a target.
    #[must_use]
    pub fn due(&self, targets: &SlaTargets, deadline: Deadline) -> Option<OffsetDateTime> {
        targets.of(self.severity).due(deadline, self.since)
    }

    /// The deadlines that have passed by `now` and are not on the record yet, in order.
    #[must_use]
    pub fn lapses(&self, targets: &SlaTargets, now: OffsetDateTime) -> Vec<Lapse> {
        let acknowledged = self.acknowledged_at.or(self.resolved_at);
        let clocks = [
            (
                Deadline::Acknowledge,
                acknowledged,
                self.acknowledge_breached_at,
            ),
            (
                Deadline::Resolve,
                self.resolved_at,
                self.resolve_breached_at,
            ),
        ];
        let lapsed = clocks
            .into_iter()
            .filter_map(|(deadline, ended, recorded)| {
                let due_at = self.due(targets, deadline)?;
                let late = ended.unwrap_or(now) > due_at;
                (recorded.is_none() && late).then_some(Lapse { deadline, due_at })
            });
        lapsed.collect()
    }

    /// The same alert with a lapse on the record.
    #[must_use]
    pub fn breached(&self, lapse: Lapse, now: OffsetDateTime) -> Self {
        let mut next = self.moved(now, None);
        match lapse.deadline {
            Deadline::Acknowledge => next.acknowledge_breached_at = Some(lapse.due_at),
            Deadline::Resolve => next.resolve_breached_at = Some(lapse.due_at),
        }
        next
    }

    /// The same alert, graver: its clock starts anew.
    #[must_use]
    pub fn escalated(&self, severity: Severity, now: OffsetDateTime) -> Self {
        Self {
            severity,
            since: now,
            acknowledged_at: None,
            acknowledged_by: None,
            acknowledge_breached_at: None,
            resolve_breached_at: None,
            ..self.moved(now, None)
        }
    }

    /// The same alert at its end.
    #[must_use]
    pub fn ended(&self, resolution: Resolution, now: OffsetDateTime) -> Self {
        Self {
            state: AlertState::Resolved,
            resolved_at: Some(now),
            resolution: Some(resolution),
            ..self.moved(now, None)
        }
    }

    /// Somebody has seen it. `None` when it is acknowledged already. A note replaces the one that is
    /// there.
    ///
    /// # Errors
    /// [`AlertsError::AlertResolved`] when it is over, [`AlertsError::Invalid`] for the note.
    pub fn acknowledge(
        &self,
        ctx: &Context,
        note: Option<String>,
    ) -> Result<Option<AlertsChange>, AlertsError> {
        check_note(note.as_deref())?;
        if !self.is_open() {
            return Err(AlertsError::AlertResolved);
        }
        if self.acknowledged_at.is_some() {
            return Ok(None);
        }
        let next = Self {
            acknowledged_at: Some(ctx.now),
            acknowledged_by: Some(ctx.actor.spelling()),
            ..self.moved(ctx.now, note)
        };
        let event = AlertsEvent::Acknowledged {
            facts: Facts::of(&next),
            by: next.acknowledged_by.clone(),
            note: [self.note.clone(), next.note.clone()],
        };
        Ok(Some(self.change(ctx, next, event)))
    }

    /// Somebody ends it. `None` when it is over already. A note replaces the one that is there.
    ///
    /// # Errors
    /// [`AlertsError::Invalid`] for the note.
    pub fn resolve(
        &self,
        ctx: &Context,
        note: Option<String>,
    ) -> Result<Option<AlertsChange>, AlertsError> {
        check_note(note.as_deref())?;
        if !self.is_open() {
            return Ok(None);
        }
        let mut next = self.ended(Resolution::Manual, ctx.now);
        next.note = note.or(next.note);
        let event = AlertsEvent::Resolved {
            facts: Facts::of(&next),
            resolution: Resolution::Manual,
            note: [self.note.clone(), next.note.clone()],
        };
        Ok(Some(self.change(ctx, next, event)))
    }

    fn moved(&self, now: OffsetDateTime, note: Option<String>) -> Self {
        let mut next = self.clone();
        next.note = note.or(next.note);
        next.updated_at = now;
        next.version = self.version.next();
        next
    }

    fn change(&self, ctx: &Context, next: Self, event: AlertsEvent) -> AlertsChange {
        let write = AlertsWrite::UpdateAlert {
            next: Box::new(next),
            expected: self.version,
        };
        Change::new(ctx, write, event)
    }
}

fn check_note(note: Option<&str>) -> Result<(), AlertsError> {
    let fault = note.and_then(|note| NOTE.check("/note", note).err());
    fault.map_or(Ok(()), |fault| Err(AlertsError::Invalid(vec![fault])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, context, sample};

    #[test]
    fn a_deadline_lapses_once_and_strictly_after_its_instant() {
        let targets = SlaTargets::default();
        let alert = sample(Severity::Critical, at(0));
        assert_eq!(alert.lapses(&targets, at(15)), []);
        let lapses = alert.lapses(&targets, at(16));
        let lapse = Lapse {
            deadline: Deadline::Acknowledge,
            due_at: at(15),
        };
        assert_eq!(lapses, [lapse]);
        let told = alert.breached(lapse, at(16));
        assert_eq!(told.acknowledge_breached_at, Some(at(15)));
        assert_eq!(told.lapses(&targets, at(240)), []);
        assert_eq!(told.lapses(&targets, at(241)).len(), 1);
        assert_eq!(alert.lapses(&targets, at(241)).len(), 2, "both at once");
    }

    #[test]
    fn what_was_done_in_time_never_lapses_and_what_was_late_does() {
        let targets = SlaTargets::default();
        let alert = sample(Severity::Critical, at(0));
        let acknowledged = |minute| TrackedAlert {
            acknowledged_at: Some(at(minute)),
            ..alert.clone()
        };
        assert_eq!(acknowledged(15).lapses(&targets, at(200)), []);
        assert_eq!(acknowledged(16).lapses(&targets, at(200)).len(), 1);
        // Who ends an alert has seen it.
        let ended = alert.ended(Resolution::Manual, at(10));
        assert_eq!(ended.lapses(&targets, at(10_000)), []);
    }

    #[test]
    fn an_escalation_starts_the_clock_anew() {
        let targets = SlaTargets::default();
        let alert = sample(Severity::High, at(0));
        let acknowledged = TrackedAlert {
            acknowledged_at: Some(at(1)),
            acknowledge_breached_at: Some(at(1)),
            ..alert
        };
        let next = acknowledged.escalated(Severity::Critical, at(100));
        assert_eq!(
            (
                next.since,
                next.acknowledged_at,
                next.acknowledge_breached_at
            ),
            (at(100), None, None)
        );
        assert_eq!(next.due(&targets, Deadline::Acknowledge), Some(at(115)));
        assert_eq!(next.version, acknowledged.version.next());
    }

    #[test]
    fn acknowledging_and_resolving_twice_changes_nothing() {
        let ctx = context(at(5));
        let alert = sample(Severity::High, at(0));
        let note = Some("seen".to_owned());
        let change = alert.acknowledge(&ctx, note).unwrap().unwrap();
        let AlertsWrite::UpdateAlert { next, expected } = change.write() else {
            panic!("{change:?}");
        };
        assert_eq!(*expected, alert.version);
        assert_eq!(next.note.as_deref(), Some("seen"));
        assert_eq!(next.acknowledge(&ctx, None).unwrap(), None);
        let change = next.resolve(&ctx, None).unwrap().unwrap();
        let AlertsWrite::UpdateAlert { next, .. } = change.write() else {
            panic!("{change:?}");
        };
        assert_eq!(next.note.as_deref(), Some("seen"), "the note stays");
        assert_eq!(next.resolve(&ctx, None).unwrap(), None);
        assert!(matches!(
            next.acknowledge(&ctx, None),
            Err(AlertsError::AlertResolved)
        ));
        let long = Some("x".repeat(2001));
        assert!(matches!(
            alert.resolve(&ctx, long),
            Err(AlertsError::Invalid(_))
        ));
    }
}
