//! Who wants to hear of what, through which channel, and when not.

use probity_kernel::{FieldError, ProductId};
use serde_json::{Value, json};
use time::{OffsetDateTime, UtcOffset};

use crate::severity::Severity;

/// The most kinds of events that preferences name.
pub const MOST_EVENT_TYPES: usize = 50;
/// The most products that preferences mute.
pub const MOST_MUTED: usize = 200;

probity_kernel::vocabulary! {
    /// A way to reach a person.
    Channel {
        /// Banners.
        InApp = "in_app",
        /// A message by mail.
        Email = "email",
        /// A message in a chat.
        Slack = "slack",
    }
}

/// What one channel is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelRule {
    /// Whether at all.
    pub enabled: bool,
    /// From this severity on.
    pub minimum_severity: Severity,
}

/// A part of the day in which nobody wants to be disturbed, at a fixed offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// The first minute of the day, 0 to 1439.
    pub start: u16,
    /// The first minute that is not quiet any more, 0 to 1439, never equal to `start`; before it, the
    /// hours span midnight.
    pub end: u16,
    /// Minutes east of UTC, -1439 to 1439.
    pub utc_offset: i16,
    /// Whether critical alerts come through.
    pub except_critical: bool,
}

impl QuietHours {
    /// Whether an instant lies in them.
    #[must_use]
    pub fn contain(&self, at: OffsetDateTime) -> bool {
        let offset = UtcOffset::from_whole_seconds(i32::from(self.utc_offset) * 60);
        let local = at.to_offset(offset.unwrap_or(UtcOffset::UTC));
        let minute = u16::from(local.hour()) * 60 + u16::from(local.minute());
        if self.start < self.end {
            (self.start..self.end).contains(&minute)
        } else {
            minute >= self.start || minute < self.end
        }
    }

    fn to_value(self) -> Value {
        json!({
            "start": clock(self.start),
            "end": clock(self.end),
            "utc_offset": offset(self.utc_offset),
            "except_critical": self.except_critical,
        })
    }
}

/// What somebody wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// Banners; on from low severity by default.
    pub in_app: ChannelRule,
    /// E-mail; off by default.
    pub email: ChannelRule,
    /// Slack; off by default.
    pub slack: ChannelRule,
    /// Only of these kinds of events; of all when empty. Sorted, each once.
    pub event_types: Vec<String>,
    /// Not about these products. Sorted, each once.
    pub muted_products: Vec<ProductId>,
    /// When not.
    pub quiet_hours: Option<QuietHours>,
}

impl Default for Preferences {
    fn default() -> Self {
        let rule = |enabled, minimum_severity| ChannelRule {
            enabled,
            minimum_severity,
        };
        Self {
            in_app: rule(true, Severity::Low),
            email: rule(false, Severity::Critical),
            slack: rule(false, Severity::Critical),
            event_types: Vec::new(),
            muted_products: Vec::new(),
            quiet_hours: None,
        }
    }
}

/// What changes for one channel; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleInput {
    /// Whether it is wanted.
    pub enabled: Option<bool>,
    /// `low`, `medium`, `high` or `critical`.
    pub minimum_severity: Option<String>,
}

/// Quiet hours as a caller sends them; all of `start`, `end` and `utc_offset` are needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuietInput {
    /// `HH:MM`.
    pub start: Option<String>,
    /// `HH:MM`.
    pub end: Option<String>,
    /// `+HH:MM`, `-HH:MM` or `Z`.
    pub utc_offset: Option<String>,
    /// True when absent.
    pub except_critical: Option<bool>,
}

/// New preferences as a caller sends them; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PreferencesInput {
    /// For banners.
    pub in_app: RuleInput,
    /// For e-mail.
    pub email: RuleInput,
    /// For Slack.
    pub slack: RuleInput,
    /// At most 50 dotted names, whose form the edge has checked; all kinds when empty.
    pub event_types: Option<Vec<String>>,
    /// At most 200 products; none when empty.
    pub muted_products: Option<Vec<ProductId>>,
    /// `Some(None)` for none.
    pub quiet_hours: Option<Option<QuietInput>>,
}

impl Preferences {
    /// The rule of one channel.
    #[must_use]
    pub const fn of(&self, channel: Channel) -> ChannelRule {
        match channel {
            Channel::InApp => self.in_app,
            Channel::Email => self.email,
            Channel::Slack => self.slack,
        }
    }

    /// Whether an alert of a product that is not muted is wanted through a channel at an instant.
    #[must_use]
    pub fn wants(
        &self,
        channel: Channel,
        severity: Severity,
        event_type: &str,
        at: OffsetDateTime,
    ) -> bool {
        let rule = self.of(channel);
        let picked =
            self.event_types.is_empty() || self.event_types.iter().any(|one| one == event_type);
        let quiet = self.quiet_hours.is_some_and(|hours| {
            hours.contain(at) && !(hours.except_critical && severity == Severity::Critical)
        });
        rule.enabled && severity >= rule.minimum_severity && picked && !quiet
    }

    /// These preferences with the input's put over them.
    ///
    /// # Errors
    /// All faulty fields, each by its JSON Pointer (`/channels/inApp/minimumSeverity`).
    pub fn with(mut self, input: &PreferencesInput) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let channels = [
            (&mut self.in_app, "inApp", &input.in_app),
            (&mut self.email, "email", &input.email),
            (&mut self.slack, "slack", &input.slack),
        ];
        for (rule, name, input) in channels {
            rule.enabled = input.enabled.unwrap_or(rule.enabled);
            match input.minimum_severity.as_deref().map(str::parse) {
                None => {}
                Some(Ok(severity)) => rule.minimum_severity = severity,
                Some(Err(_)) => faults.push(FieldError::new(
                    format!("/channels/{name}/minimumSeverity"),
                    "unknown_value",
                    format!("must be one of {}", Severity::TEXTS.join(", ")),
                )),
            }
        }
        if let Some(types) = &input.event_types {
            if types.len() > MOST_EVENT_TYPES {
                let message = format!("must hold at most {MOST_EVENT_TYPES} names");
                faults.push(FieldError::new("/eventTypes", "too_many", message));
            }
            self.event_types.clone_from(types);
            self.event_types.sort_unstable();
            self.event_types.dedup();
        }
        if let Some(products) = &input.muted_products {
            if products.len() > MOST_MUTED {
                let message = format!("must hold at most {MOST_MUTED} products");
                faults.push(FieldError::new("/mutedModelIds", "too_many", message));
            }
            self.muted_products.clone_from(products);
            self.muted_products.sort_unstable();
            self.muted_products.dedup();
        }
        if let Some(hours) = &input.quiet_hours {
            match hours.as_ref().map(quiet_hours).transpose() {
                Ok(hours) => self.quiet_hours = hours,
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(faults)
        }
    }

    /// The preferences as they are stored and told: every member under its name.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let rule = |rule: ChannelRule| {
            json!({
                "enabled": rule.enabled,
                "minimum_severity": rule.minimum_severity.as_str(),
            })
        };
        json!({
            "channels": {
                "in_app": rule(self.in_app),
                "email": rule(self.email),
                "slack": rule(self.slack),
            },
            "event_types": self.event_types,
            "muted_products": self.muted_products.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "quiet_hours": self.quiet_hours.map(QuietHours::to_value),
        })
    }

    /// The preferences out of [`to_value`](Self::to_value).
    ///
    /// # Errors
    /// The faulty fields, when the value was written by something else.
    pub fn from_value(value: &Value) -> Result<Self, Vec<FieldError>> {
        let text = |pointer: &str| {
            let found = value.pointer(pointer).and_then(Value::as_str);
            found.map(str::to_owned)
        };
        let flag = |pointer: &str| value.pointer(pointer).and_then(Value::as_bool);
        let rule = |name: &str| RuleInput {
            enabled: flag(&format!("/channels/{name}/enabled")),
            minimum_severity: text(&format!("/channels/{name}/minimum_severity")),
        };
        let types = value.get("event_types").and_then(Value::as_array);
        let types = types.map(|types| {
            let texts = types.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        });
        let muted = value.get("muted_products").and_then(Value::as_array);
        let muted = muted.into_iter().flatten().enumerate();
        let muted: Vec<ProductId> = muted
            .map(|(index, one)| {
                let read = one.as_str().and_then(|text| text.parse().ok());
                let field = format!("/mutedModelIds/{index}");
                read.ok_or_else(|| vec![FieldError::new(field, "invalid_value", "must be an id")])
            })
            .collect::<Result<_, _>>()?;
        let hours = value.get("quiet_hours").filter(|hours| !hours.is_null());
        let hours = hours.map(|_| QuietInput {
            start: text("/quiet_hours/start"),
            end: text("/quiet_hours/end"),
            utc_offset: text("/quiet_hours/utc_offset"),
            except_critical: flag("/quiet_hours/except_critical"),
        });
        Self::default().with(&PreferencesInput {
            in_app: rule("in_app"),
            email: rule("email"),
            slack: rule("slack"),
            event_types: types,
            muted_products: Some(muted),
            quiet_hours: Some(hours),
        })
    }
}

fn quiet_hours(input: &QuietInput) -> Result<QuietHours, Vec<FieldError>> {
    let mut faults = Vec::new();
    let mut minute = |name: &str, text: Option<&str>| {
        let read = text.and_then(read_clock);
        if read.is_none() {
            let message = "must be a time of day from 00:00 to 23:59";
            let field = format!("/quietHours/{name}");
            faults.push(FieldError::new(field, "invalid_value", message));
        }
        read.unwrap_or(0)
    };
    let start = minute("start", input.start.as_deref());
    let end = minute("end", input.end.as_deref());
    let utc_offset = input.utc_offset.as_deref().and_then(read_offset);
    if utc_offset.is_none() {
        let message = "must be an offset from UTC such as +02:00, or Z";
        faults.push(FieldError::new(
            "/quietHours/utcOffset",
            "invalid_value",
            message,
        ));
    }
    if faults.is_empty() && start == end {
        let message = "must differ from `start`; to hear nothing at all, switch the channels off";
        faults.push(FieldError::new("/quietHours/end", "empty_range", message));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(QuietHours {
        start,
        end,
        utc_offset: utc_offset.unwrap_or(0),
        except_critical: input.except_critical.unwrap_or(true),
    })
}

/// `HH:MM` of a minute of the day.
#[must_use]
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `+HH:MM` of minutes east of UTC.
#[must_use]
pub fn offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{}", clock(minutes.unsigned_abs()))
}

fn read_clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |part: &str| {
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if plain {
            part.parse::<u16>().ok()
        } else {
            None
        }
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

fn read_offset(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let minutes = i16::try_from(read_clock(rest)?).ok()?;
    Some(sign * minutes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    fn product(number: u128) -> ProductId {
        ProductId::new(uuid::Uuid::from_u128(number))
    }

    fn hours(start: &str, end: &str, utc_offset: &str) -> QuietInput {
        QuietInput {
            start: Some(start.to_owned()),
            end: Some(end.to_owned()),
            utc_offset: Some(utc_offset.to_owned()),
            except_critical: None,
        }
    }

    fn quiet(start: &str, end: &str, utc_offset: &str) -> Preferences {
        let input = PreferencesInput {
            quiet_hours: Some(Some(hours(start, end, utc_offset))),
            ..PreferencesInput::default()
        };
        Preferences::default().with(&input).unwrap()
    }

    #[test]
    fn quiet_hours_hold_across_midnight_and_at_their_offset() {
        let night = quiet("22:00", "07:00", "+02:00");
        for (at, wanted) in [
            (datetime!(2026-03-13 19:59 UTC), true),
            (datetime!(2026-03-13 20:00 UTC), false),
            (datetime!(2026-03-14 04:59:59 UTC), false),
            (datetime!(2026-03-14 05:00 UTC), true),
        ] {
            let wants = |severity| night.wants(Channel::InApp, severity, "risk_score.changed", at);
            assert_eq!(wants(Severity::High), wanted, "{at}");
            assert!(wants(Severity::Critical), "critical comes through at {at}");
        }
        let noon = quiet("12:00", "13:00", "-05:30");
        let at = |minute| datetime!(2026-03-13 17:30 UTC) + time::Duration::minutes(minute);
        let wants = |at| noon.wants(Channel::InApp, Severity::Low, "a.b", at);
        assert!(wants(at(-1)) && !wants(at(0)) && !wants(at(59)) && wants(at(60)));
    }

    #[test]
    fn channels_pick_by_severity_and_kind() {
        let input = PreferencesInput {
            email: RuleInput {
                enabled: Some(true),
                minimum_severity: Some("high".to_owned()),
            },
            event_types: Some(vec!["b.b".to_owned(), "a.a".to_owned(), "a.a".to_owned()]),
            muted_products: Some(vec![product(2), product(1), product(2)]),
            ..PreferencesInput::default()
        };
        let known = Preferences::default().with(&input).unwrap();
        assert_eq!(known.event_types, ["a.a", "b.b"]);
        assert_eq!(known.muted_products, [product(1), product(2)]);
        let now = datetime!(2026-03-13 09:00 UTC);
        let wants = |channel, severity, kind| known.wants(channel, severity, kind, now);
        assert!(wants(Channel::Email, Severity::High, "a.a"));
        assert!(!wants(Channel::Email, Severity::Medium, "a.a"));
        assert!(!wants(Channel::Email, Severity::High, "c.c"));
        assert!(!wants(Channel::Slack, Severity::Critical, "a.a"));
        assert!(wants(Channel::InApp, Severity::Low, "a.a"));
        assert_eq!(Preferences::from_value(&known.to_value()), Ok(known));
    }

    #[test]
    fn every_faulty_preference_is_named() {
        let severe = |text: &str| RuleInput {
            enabled: None,
            minimum_severity: Some(text.to_owned()),
        };
        let input = PreferencesInput {
            in_app: severe("CRITICAL"),
            email: severe(""),
            slack: severe("info"),
            event_types: Some(vec!["a.b".to_owned(); 51]),
            muted_products: Some(vec![product(1); 201]),
            quiet_hours: Some(Some(hours("24:00", "7:00", "+24:00"))),
        };
        let faults = Preferences::default().with(&input).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "/channels/inApp/minimumSeverity",
                "/channels/email/minimumSeverity",
                "/channels/slack/minimumSeverity",
                "/eventTypes",
                "/mutedModelIds",
                "/quietHours/start",
                "/quietHours/end",
                "/quietHours/utcOffset",
            ]
        );
        let same = PreferencesInput {
            quiet_hours: Some(Some(hours("07:00", "07:00", "Z"))),
            ..PreferencesInput::default()
        };
        let faults = Preferences::default().with(&same).unwrap_err();
        assert_eq!(faults.first().map(|fault| fault.code), Some("empty_range"));
    }

    proptest! {
        #[test]
        fn preferences_survive_their_stored_form(start in 0_u16..1440, end in 0_u16..1440, east in -1439_i16..1440, loud: bool) {
            prop_assume!(start != end);
            let known = Preferences {
                quiet_hours: Some(QuietHours { start, end, utc_offset: east, except_critical: loud }),
                ..Preferences::default()
            };
            prop_assert_eq!(Preferences::from_value(&known.to_value()), Ok(known));
        }

        #[test]
        fn a_day_has_as_many_quiet_minutes_as_they_say(start in 0_u16..1440, end in 0_u16..1440, east in -1439_i16..1440) {
            prop_assume!(start != end);
            let hours = QuietHours { start, end, utc_offset: east, except_critical: true };
            let day = datetime!(2026-03-13 00:00 UTC);
            let minutes = (0..1440).filter(|minute| hours.contain(day + time::Duration::minutes(*minute)));
            let expected = usize::from((1440 + end - start) % 1440);
            prop_assert_eq!(minutes.count(), expected);
        }
    }
}
