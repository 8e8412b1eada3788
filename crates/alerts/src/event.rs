//! What happened, as the record tells it. Notes, written by the people who watch alerts, enter a
//! detail; they enter no publication.

use probity_kernel::{
    AlertId, DomainEvent, OrganizationId, ProductId, Publication, Subject, Trail, differences,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::alert::{Resolution, Source, TrackedAlert};
use crate::preferences::Preferences;
use crate::severity::Severity;
use crate::sla::{Deadline, Lapse, SlaTargets};

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The alert.
    pub id: AlertId,
    /// Its product.
    pub product: ProductId,
    /// Where it came from.
    pub source: Source,
    /// The id of that.
    pub source_id: Uuid,
    /// What of it.
    pub subject: String,
    /// Its severity.
    pub severity: Severity,
    /// When its clock was started.
    pub since: OffsetDateTime,
    /// What a person reads first.
    pub title: String,
}

impl Facts {
    /// The facts of an alert.
    #[must_use]
    pub fn of(alert: &TrackedAlert) -> Self {
        Self {
            id: alert.id,
            product: alert.product,
            source: alert.origin.source,
            source_id: alert.origin.id,
            subject: alert.origin.subject.clone(),
            severity: alert.severity,
            since: alert.since,
            title: alert.title(),
        }
    }
}

/// The event of a change on alerts.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertsEvent {
    /// `alert.opened`; Guardian tells of its own in the ingestion's event.
    Opened(Facts),
    /// `alert.escalated`; as above.
    Escalated {
        /// The alert after it.
        facts: Facts,
        /// Its severity before.
        before: Severity,
    },
    /// `alert.acknowledged`
    Acknowledged {
        /// The alert.
        facts: Facts,
        /// A reference to who did it.
        by: Option<String>,
        /// The note before and after it.
        note: [Option<String>; 2],
    },
    /// `alert.resolved`
    Resolved {
        /// The alert.
        facts: Facts,
        /// How.
        resolution: Resolution,
        /// The note before and after it.
        note: [Option<String>; 2],
    },
    /// `alert.sla.breached`: a deadline passed.
    SlaBreached {
        /// The alert.
        facts: Facts,
        /// The deadline.
        lapse: Lapse,
    },
    /// `alert.sla_targets.changed`
    TargetsChanged {
        /// Whose.
        organization: OrganizationId,
        /// The targets before.
        before: Box<SlaTargets>,
        /// The targets after.
        after: Box<SlaTargets>,
    },
    /// `alert.preferences.changed`
    PreferencesChanged {
        /// The organisation.
        organization: OrganizationId,
        /// Whose they are: the user's or the API key's id, which stays out of the leaf's clear part.
        recipient: Option<Uuid>,
        /// The preferences before.
        before: Box<Preferences>,
        /// The preferences after.
        after: Box<Preferences>,
    },
}

/// RFC 3339 text of an instant; years beyond 9999, which no rule lets in, would be null.
fn instant(at: OffsetDateTime) -> Value {
    at.format(&Rfc3339).map_or(Value::Null, Value::String)
}

impl AlertsEvent {
    fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Opened(facts)
            | Self::Escalated { facts, .. }
            | Self::Acknowledged { facts, .. }
            | Self::Resolved { facts, .. }
            | Self::SlaBreached { facts, .. } => Some(facts),
            Self::TargetsChanged { .. } | Self::PreferencesChanged { .. } => None,
        }
    }

    fn reason(&self, facts: &Facts) -> String {
        let severity = facts.severity;
        match self {
            Self::Escalated { before, .. } => {
                format!("an alert went from {before} to {severity}: {}", facts.title)
            }
            Self::Acknowledged { .. } => {
                format!("a {severity} alert was acknowledged: {}", facts.title)
            }
            Self::Resolved { resolution, .. } => {
                format!("a {severity} alert ended ({resolution}): {}", facts.title)
            }
            Self::SlaBreached { lapse, .. } => {
                let missed = match lapse.deadline {
                    Deadline::Acknowledge => "acknowledged",
                    Deadline::Resolve => "resolved",
                };
                format!(
                    "a {severity} alert was not {missed} in time: {}",
                    facts.title
                )
            }
            Self::Opened(_) | Self::TargetsChanged { .. } | Self::PreferencesChanged { .. } => {
                format!("a {severity} alert opened: {}", facts.title)
            }
        }
    }

    fn payload(&self, facts: &Facts) -> Value {
        let mut payload = json!({
            "alert_id": facts.id.to_string(),
            "product_id": facts.product.to_string(),
            "source": facts.source.as_str(),
            "source_id": facts.source_id.to_string(),
            "subject": facts.subject,
            "severity": facts.severity.as_str(),
            "since": instant(facts.since),
            "title": facts.title,
        });
        let Some(members) = payload.as_object_mut() else {
            return payload;
        };
        match self {
            Self::Escalated { before, .. } => {
                members.insert("previous_severity".to_owned(), json!(before.as_str()));
            }
            Self::Resolved { resolution, .. } => {
                members.insert("resolution".to_owned(), json!(resolution.as_str()));
            }
            Self::SlaBreached { lapse, .. } => {
                members.insert("deadline".to_owned(), json!(lapse.deadline.as_str()));
                members.insert("due_at".to_owned(), instant(lapse.due_at));
            }
            Self::Opened(_)
            | Self::Acknowledged { .. }
            | Self::TargetsChanged { .. }
            | Self::PreferencesChanged { .. } => {}
        }
        payload
    }
}

/// Preferences with a member for each channel.
fn flat(preferences: &Preferences) -> Value {
    let mut value = preferences.to_value();
    if let Some(members) = value.as_object_mut()
        && let Some(Value::Object(channels)) = members.remove("channels")
    {
        members.extend(channels);
    }
    value
}

/// What a recipient chose anew; the organisation's own choice has no id.
fn chosen(recipient: Option<Uuid>, before: &Preferences, after: &Preferences) -> Value {
    let mut changed = differences(&flat(before), &flat(after));
    let id = recipient.map(|id| id.to_string());
    changed.insert("id".to_owned(), json!(id));
    json!({"recipients": [changed]})
}

fn changed([before, after]: &[Option<String>; 2]) -> Value {
    json!({"before": before, "after": after})
}

impl DomainEvent for AlertsEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::Opened(_) => "alert.opened",
            Self::Escalated { .. } => "alert.escalated",
            Self::Acknowledged { .. } => "alert.acknowledged",
            Self::Resolved { .. } => "alert.resolved",
            Self::SlaBreached { .. } => "alert.sla.breached",
            Self::TargetsChanged { .. } => "alert.sla_targets.changed",
            Self::PreferencesChanged { .. } => "alert.preferences.changed",
        }
    }

    /// The alert, or the organisation whose settings changed.
    fn subject(&self) -> Subject {
        let (kind, id) = match self {
            Self::TargetsChanged { organization, .. } => ("alert_sla_targets", organization.uuid()),
            Self::PreferencesChanged { organization, .. } => {
                ("alert_preferences", organization.uuid())
            }
            Self::Opened(facts)
            | Self::Escalated { facts, .. }
            | Self::Acknowledged { facts, .. }
            | Self::Resolved { facts, .. }
            | Self::SlaBreached { facts, .. } => ("alert", facts.id.uuid()),
        };
        Subject { kind, id }
    }

    /// Preferences stand in the history of their owner alone.
    fn trails(&self) -> Vec<Trail> {
        let subject = self.subject();
        let trail = |subject| Trail {
            subject,
            product: None,
        };
        if let Self::PreferencesChanged { recipient, .. } = self {
            let owned = recipient.map(|id| trail(Subject { id, ..subject }));
            return owned.into_iter().collect();
        }
        vec![trail(subject)]
    }

    fn detail(&self) -> Value {
        let about = |facts: &Facts| {
            json!({
                "product_id": facts.product.to_string(),
                "source": facts.source.as_str(),
                "source_id": facts.source_id.to_string(),
                "subject": facts.subject,
            })
        };
        let (mut detail, more) = match self {
            Self::Opened(facts) => (
                about(facts),
                json!({
                    "state": {"before": null, "after": "open"},
                    "severity": {"before": null, "after": facts.severity.as_str()},
                }),
            ),
            Self::Escalated { facts, before } => (
                about(facts),
                json!({"severity": {"before": before.as_str(), "after": facts.severity.as_str()}}),
            ),
            Self::Acknowledged { facts, by, note } => (
                about(facts),
                json!({"acknowledged_by": {"before": null, "after": by}, "note": changed(note)}),
            ),
            Self::Resolved {
                facts,
                resolution,
                note,
            } => (
                about(facts),
                json!({
                    "state": {"before": "open", "after": "resolved"},
                    "resolution": {"before": null, "after": resolution.as_str()},
                    "note": changed(note),
                }),
            ),
            Self::SlaBreached { facts, lapse } => {
                let member = format!("{}_breached_at", lapse.deadline);
                let sides = json!({"before": null, "after": instant(lapse.due_at)});
                (
                    about(facts),
                    Value::Object([(member, sides)].into_iter().collect()),
                )
            }
            Self::TargetsChanged { before, after, .. } => (
                json!({}),
                json!({"changes": differences(&before.to_value(), &after.to_value())}),
            ),
            Self::PreferencesChanged {
                recipient,
                before,
                after,
                ..
            } => (json!({}), chosen(*recipient, before, after)),
        };
        if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
            detail.extend(more);
        }
        detail
    }

    /// Its own name, but for preferences: those are nobody else's business.
    fn publications(&self) -> Vec<Publication> {
        let publication = |source_table, product, trigger_reason, payload| Publication {
            event_type: self.name(),
            source_table,
            source_id: self.subject().id,
            product,
            trigger_reason,
            payload,
            score_before: None,
            score_after: None,
        };
        match (self.facts(), self) {
            (Some(facts), _) => vec![publication(
                "alerts",
                Some(facts.product),
                self.reason(facts),
                self.payload(facts),
            )],
            (None, Self::TargetsChanged { after, .. }) => vec![publication(
                "alert_settings",
                None,
                "The service level targets of alerts changed.".to_owned(),
                json!({"targets": after.to_value()}),
            )],
            (None, _) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, sample};

    #[test]
    fn a_breach_tells_which_deadline_and_when_it_was() {
        let alert = sample(Severity::Critical, at(0));
        let lapse = Lapse {
            deadline: Deadline::Acknowledge,
            due_at: at(15),
        };
        let event = AlertsEvent::SlaBreached {
            facts: Facts::of(&alert),
            lapse,
        };
        let told = event.publications();
        let [one] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!(one.event_type, "alert.sla.breached");
        assert_eq!(one.source_table, "alerts");
        assert_eq!(one.payload["deadline"], "acknowledge");
        assert_eq!(one.payload["due_at"], "2026-03-13T09:15:00Z");
        assert_eq!(
            event.detail()["acknowledge_breached_at"]["after"],
            "2026-03-13T09:15:00Z"
        );
    }

    #[test]
    fn notes_are_on_the_record_and_told_to_nobody() {
        let event = AlertsEvent::Acknowledged {
            facts: Facts::of(&sample(Severity::High, at(0))),
            by: Some("user:1".to_owned()),
            note: [None, Some("our secret".to_owned())],
        };
        assert!(event.detail().to_string().contains("our secret"));
        assert!(!format!("{:?}", event.publications()).contains("our secret"));
        let preferences = AlertsEvent::PreferencesChanged {
            organization: OrganizationId::new(Uuid::nil()),
            recipient: None,
            before: Box::default(),
            after: Box::default(),
        };
        assert_eq!(preferences.publications(), []);
    }
}
