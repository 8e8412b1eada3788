//! What an organisation decides about its judgement: periods and penalties.

use probity_kernel::{FieldError, OrganizationId, Version};
use serde_json::{Map, Value, json};
use time::Duration;

use crate::vocabulary::DriftSeverity;

/// The longest period that settings may name, in days.
pub const LONGEST_PERIOD: i64 = 3650;

/// The periods and penalties by which an organisation's products are judged. The default is what
/// holds while nothing was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GovernanceSettings {
    /// For how many days a metric snapshot counts as monitoring; 30 by default.
    pub monitoring_window_days: u16,
    /// After how many days technical documentation is stale; 180 by default.
    pub documentation_max_age_days: u16,
    /// After how many days an overdue review is of high severity; 30 by default.
    pub overdue_high_after_days: u16,
    /// After how many days an overdue review in production is critical; 90 by default.
    pub overdue_critical_after_days: u16,
    /// How many days after an approval the next review is due, when the decision names no day; 365 by
    /// default.
    pub review_period_days: u16,
    /// How many points an active drift takes away.
    pub penalties: Penalties,
}

/// How many points an active drift takes away, by severity: 0 to 100, the graver never less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Penalties {
    /// For low severity; 2 by default.
    pub low: u8,
    /// For medium severity; 5 by default.
    pub medium: u8,
    /// For high severity; 10 by default.
    pub high: u8,
    /// For critical severity; 15 by default.
    pub critical: u8,
}

impl Penalties {
    /// The penalty of one severity.
    #[must_use]
    pub const fn of(&self, severity: DriftSeverity) -> u8 {
        match severity {
            DriftSeverity::Low => self.low,
            DriftSeverity::Medium => self.medium,
            DriftSeverity::High => self.high,
            DriftSeverity::Critical => self.critical,
        }
    }
}

impl Default for GovernanceSettings {
    fn default() -> Self {
        Self {
            monitoring_window_days: 30,
            documentation_max_age_days: 180,
            overdue_high_after_days: 30,
            overdue_critical_after_days: 90,
            review_period_days: 365,
            penalties: Penalties {
                low: 2,
                medium: 5,
                high: 10,
                critical: 15,
            },
        }
    }
}

/// The settings in force and the version they stand at: [`Configuration::UNDECIDED`] while nothing
/// was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    /// The settings.
    pub settings: GovernanceSettings,
    /// Their version.
    pub version: Version,
}

impl Configuration {
    /// The version of settings that nobody has decided on.
    pub const UNDECIDED: Version = Version::new(0);
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            settings: GovernanceSettings::default(),
            version: Self::UNDECIDED,
        }
    }
}

/// New settings as a caller sends them; what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SettingsInput {
    /// Days, 1 to 3650.
    pub monitoring_window_days: Option<i64>,
    /// Days, 1 to 3650.
    pub documentation_max_age_days: Option<i64>,
    /// Days, 1 to 3650.
    pub overdue_high_after_days: Option<i64>,
    /// Days, 1 to 3650, more than those for high.
    pub overdue_critical_after_days: Option<i64>,
    /// Days, 1 to 3650.
    pub review_period_days: Option<i64>,
    /// Points, 0 to 100.
    pub penalty_low: Option<i64>,
    /// Points, 0 to 100, not less than for low.
    pub penalty_medium: Option<i64>,
    /// Points, 0 to 100, not less than for medium.
    pub penalty_high: Option<i64>,
    /// Points, 0 to 100, not less than for high.
    pub penalty_critical: Option<i64>,
}

impl GovernanceSettings {
    /// These settings with the input's put over them.
    ///
    /// # Errors
    /// All faulty fields, each by its JSON Pointer.
    pub fn with(mut self, input: &SettingsInput) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut days = |slot: &mut u16, field, given: Option<i64>| {
            let Some(given) = given else { return };
            match u16::try_from(given) {
                Ok(days) if (1..=LONGEST_PERIOD).contains(&given) => *slot = days,
                _ => {
                    let message =
                        format!("must be a whole number of days from 1 to {LONGEST_PERIOD}");
                    errors.push(FieldError::new(field, "out_of_range", message));
                }
            }
        };
        days(
            &mut self.monitoring_window_days,
            "/monitoring_window_days",
            input.monitoring_window_days,
        );
        days(
            &mut self.documentation_max_age_days,
            "/documentation_max_age_days",
            input.documentation_max_age_days,
        );
        days(
            &mut self.overdue_high_after_days,
            "/overdue_review/high_after_days",
            input.overdue_high_after_days,
        );
        days(
            &mut self.overdue_critical_after_days,
            "/overdue_review/critical_after_days",
            input.overdue_critical_after_days,
        );
        days(
            &mut self.review_period_days,
            "/review_period_days",
            input.review_period_days,
        );
        self.set_penalties(input, &mut errors);
        if errors.is_empty() {
            self.check_order(&mut errors);
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(errors)
        }
    }

    fn set_penalties(&mut self, input: &SettingsInput, errors: &mut Vec<FieldError>) {
        let slots = [
            (&mut self.penalties.low, "low", input.penalty_low),
            (&mut self.penalties.medium, "medium", input.penalty_medium),
            (&mut self.penalties.high, "high", input.penalty_high),
            (
                &mut self.penalties.critical,
                "critical",
                input.penalty_critical,
            ),
        ];
        for (slot, name, given) in slots {
            let Some(given) = given else { continue };
            match u8::try_from(given) {
                Ok(points @ 0..=100) => *slot = points,
                _ => errors.push(FieldError::new(
                    format!("/drift_penalties/{name}"),
                    "out_of_range",
                    "must be a whole number of points from 0 to 100",
                )),
            }
        }
    }

    fn check_order(&self, errors: &mut Vec<FieldError>) {
        if self.overdue_critical_after_days <= self.overdue_high_after_days {
            errors.push(FieldError::new(
                "/overdue_review/critical_after_days",
                "out_of_order",
                "must be more than `high_after_days`",
            ));
        }
        let Penalties {
            low,
            medium,
            high,
            critical,
        } = self.penalties;
        let pairs = [
            (low, medium, "medium", "low"),
            (medium, high, "high", "medium"),
            (high, critical, "critical", "high"),
        ];
        for (milder, graver, name, than) in pairs {
            if graver < milder {
                errors.push(FieldError::new(
                    format!("/drift_penalties/{name}"),
                    "out_of_order",
                    format!("must not be less than that for `{than}`"),
                ));
            }
        }
    }

    /// The settings as they are sent, stored and told: every member under its name.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "monitoring_window_days": self.monitoring_window_days,
            "documentation_max_age_days": self.documentation_max_age_days,
            "overdue_review": {
                "high_after_days": self.overdue_high_after_days,
                "critical_after_days": self.overdue_critical_after_days,
            },
            "review_period_days": self.review_period_days,
            "drift_penalties": {
                "critical": self.penalties.critical,
                "high": self.penalties.high,
                "medium": self.penalties.medium,
                "low": self.penalties.low,
            },
        })
    }

    /// The settings out of [`to_value`](Self::to_value).
    ///
    /// # Errors
    /// The faulty fields, when the value was written by something else.
    pub fn from_value(value: &Value) -> Result<Self, Vec<FieldError>> {
        let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_i64);
        Self::default().with(&SettingsInput {
            monitoring_window_days: number("/monitoring_window_days"),
            documentation_max_age_days: number("/documentation_max_age_days"),
            overdue_high_after_days: number("/overdue_review/high_after_days"),
            overdue_critical_after_days: number("/overdue_review/critical_after_days"),
            review_period_days: number("/review_period_days"),
            penalty_low: number("/drift_penalties/low"),
            penalty_medium: number("/drift_penalties/medium"),
            penalty_high: number("/drift_penalties/high"),
            penalty_critical: number("/drift_penalties/critical"),
        })
    }

    pub(crate) const fn monitoring_window(&self) -> Duration {
        days(self.monitoring_window_days)
    }

    pub(crate) const fn documentation_max_age(&self) -> Duration {
        days(self.documentation_max_age_days)
    }

    pub(crate) const fn overdue_high_after(&self) -> Duration {
        days(self.overdue_high_after_days)
    }

    pub(crate) const fn overdue_critical_after(&self) -> Duration {
        days(self.overdue_critical_after_days)
    }

    pub(crate) const fn review_period(&self) -> Duration {
        days(self.review_period_days)
    }
}

#[expect(
    clippy::as_conversions,
    reason = "`From` is not callable in a `const fn`; 16 bits fit into 64"
)]
const fn days(number: u16) -> Duration {
    Duration::days(number as i64)
}

/// The members that differ between two settings, each with what it was and what it is.
#[must_use]
pub fn difference(
    organization: OrganizationId,
    before: &GovernanceSettings,
    after: &GovernanceSettings,
) -> Map<String, Value> {
    let (before, after) = (before.to_value(), after.to_value());
    let mut changed = Map::new();
    changed.insert(
        "organization_id".to_owned(),
        json!(organization.to_string()),
    );
    for (name, after) in after.as_object().into_iter().flatten() {
        let before = before.get(name);
        if before != Some(after) {
            changed.insert(name.clone(), json!({"before": before, "after": after}));
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_published_ones() {
        let told = GovernanceSettings::default().to_value();
        assert_eq!(
            told,
            json!({
                "monitoring_window_days": 30, "documentation_max_age_days": 180,
                "overdue_review": {"high_after_days": 30, "critical_after_days": 90},
                "review_period_days": 365,
                "drift_penalties": {"critical": 15, "high": 10, "medium": 5, "low": 2},
            })
        );
        assert_eq!(
            GovernanceSettings::from_value(&told),
            Ok(GovernanceSettings::default())
        );
    }

    #[test]
    fn every_faulty_setting_is_named() {
        let wrong = SettingsInput {
            monitoring_window_days: Some(0),
            documentation_max_age_days: Some(3651),
            overdue_high_after_days: Some(-1),
            overdue_critical_after_days: Some(i64::MAX),
            review_period_days: Some(70_000),
            penalty_low: Some(-1),
            penalty_medium: Some(101),
            penalty_high: Some(i64::MIN),
            penalty_critical: Some(256),
        };
        let faults = GovernanceSettings::default().with(&wrong).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "/monitoring_window_days",
                "/documentation_max_age_days",
                "/overdue_review/high_after_days",
                "/overdue_review/critical_after_days",
                "/review_period_days",
                "/drift_penalties/low",
                "/drift_penalties/medium",
                "/drift_penalties/high",
                "/drift_penalties/critical",
            ]
        );
    }

    #[test]
    fn graver_costs_no_less_and_comes_no_sooner() {
        let wrong = SettingsInput {
            overdue_high_after_days: Some(90),
            penalty_low: Some(6),
            penalty_high: Some(4),
            penalty_critical: Some(3),
            ..SettingsInput::default()
        };
        let faults = GovernanceSettings::default().with(&wrong).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "/overdue_review/critical_after_days",
                "/drift_penalties/medium",
                "/drift_penalties/high",
                "/drift_penalties/critical",
            ]
        );
        let equal = SettingsInput {
            penalty_low: Some(5),
            ..SettingsInput::default()
        };
        assert!(GovernanceSettings::default().with(&equal).is_ok());
    }
}
