//! Service levels: how long an alert of each severity may stay untouched, and how long open.

use probity_kernel::{FieldError, Patch};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::severity::Severity;

/// The longest target, in minutes: a year.
pub const LONGEST_TARGET: i64 = 525_600;

probity_kernel::vocabulary! {
    /// What a target is for.
    Deadline {
        /// Somebody has taken note.
        Acknowledge = "acknowledge",
        /// It is over.
        Resolve = "resolve",
    }
}

/// A deadline that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lapse {
    /// Which.
    pub deadline: Deadline,
    /// When it was.
    pub due_at: OffsetDateTime,
}

/// The targets of one severity, in minutes; without one there is no deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tier {
    /// From the start of the clock to the acknowledgement.
    pub acknowledge: Option<u32>,
    /// From the start of the clock to the end.
    pub resolve: Option<u32>,
}

impl Tier {
    /// The target, in minutes.
    #[must_use]
    pub const fn minutes(&self, deadline: Deadline) -> Option<u32> {
        match deadline {
            Deadline::Acknowledge => self.acknowledge,
            Deadline::Resolve => self.resolve,
        }
    }

    /// The deadline of a clock that was started at `since`.
    #[must_use]
    pub fn due(&self, deadline: Deadline, since: OffsetDateTime) -> Option<OffsetDateTime> {
        let minutes = self.minutes(deadline)?;
        since.checked_add(Duration::minutes(i64::from(minutes)))
    }
}

/// The targets of an organisation. The default is what holds while nothing was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlaTargets {
    /// 15 minutes and 4 hours by default.
    pub critical: Tier,
    /// 1 hour and 1 day by default.
    pub high: Tier,
    /// 4 hours and 3 days by default.
    pub medium: Tier,
    /// 1 day and 7 days by default.
    pub low: Tier,
}

impl Default for SlaTargets {
    fn default() -> Self {
        let tier = |acknowledge, resolve| Tier {
            acknowledge: Some(acknowledge),
            resolve: Some(resolve),
        };
        Self {
            critical: tier(15, 240),
            high: tier(60, 1440),
            medium: tier(240, 4320),
            low: tier(1440, 10_080),
        }
    }
}

/// New targets of one severity as a caller sends them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TierInput {
    /// Minutes, 1 to 525600; null for no target; absent to leave it.
    pub acknowledge: Patch<i64>,
    /// The same, not less than for the acknowledgement.
    pub resolve: Patch<i64>,
}

/// New targets as a caller sends them; what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetsInput {
    /// For critical alerts.
    pub critical: TierInput,
    /// For those of high severity.
    pub high: TierInput,
    /// For those of medium severity.
    pub medium: TierInput,
    /// For those of low severity.
    pub low: TierInput,
}

impl SlaTargets {
    /// The targets of one severity.
    #[must_use]
    pub const fn of(&self, severity: Severity) -> Tier {
        match severity {
            Severity::Low => self.low,
            Severity::Medium => self.medium,
            Severity::High => self.high,
            Severity::Critical => self.critical,
        }
    }

    /// These targets with the input's put over them.
    ///
    /// # Errors
    /// All faulty fields, each by its JSON Pointer (`/critical/acknowledgeMinutes`).
    pub fn with(mut self, input: &TargetsInput) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let tiers = [
            (&mut self.critical, "critical", input.critical),
            (&mut self.high, "high", input.high),
            (&mut self.medium, "medium", input.medium),
            (&mut self.low, "low", input.low),
        ];
        for (tier, name, input) in tiers {
            let slots = [
                (
                    &mut tier.acknowledge,
                    "acknowledgeMinutes",
                    input.acknowledge,
                ),
                (&mut tier.resolve, "resolveMinutes", input.resolve),
            ];
            for (slot, member, given) in slots {
                let judged = given.try_map(|minutes| judge(minutes, name, member));
                match judged {
                    Ok(given) => *slot = given.over(*slot),
                    Err(fault) => faults.push(fault),
                }
            }
            let disordered = tier.acknowledge.zip(tier.resolve);
            if disordered.is_some_and(|(acknowledge, resolve)| acknowledge > resolve) {
                faults.push(FieldError::new(
                    format!("/{name}/resolveMinutes"),
                    "out_of_order",
                    "must not be less than `acknowledgeMinutes`",
                ));
            }
        }
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(faults)
        }
    }

    /// The targets as they are stored and told: every member under its name.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let told = Severity::ALL.iter().rev().map(|severity| {
            let tier = self.of(*severity);
            let minutes = json!({
                "acknowledge_minutes": tier.acknowledge,
                "resolve_minutes": tier.resolve,
            });
            (severity.as_str().to_owned(), minutes)
        });
        Value::Object(told.collect::<Map<_, _>>())
    }

    /// The targets out of [`to_value`](Self::to_value).
    ///
    /// # Errors
    /// The faulty fields, when the value was written by something else.
    pub fn from_value(value: &Value) -> Result<Self, Vec<FieldError>> {
        let member = |name: &str, member: &str| match value.pointer(&format!("/{name}/{member}")) {
            None => Patch::Absent,
            Some(Value::Null) => Patch::Null,
            Some(found) => found.as_i64().map_or(Patch::Value(-1), Patch::Value),
        };
        let tier = |name: &str| TierInput {
            acknowledge: member(name, "acknowledge_minutes"),
            resolve: member(name, "resolve_minutes"),
        };
        Self::default().with(&TargetsInput {
            critical: tier("critical"),
            high: tier("high"),
            medium: tier("medium"),
            low: tier("low"),
        })
    }
}

fn judge(minutes: i64, name: &str, member: &str) -> Result<u32, FieldError> {
    let known = u32::try_from(minutes).ok();
    let known = known.filter(|_| (1..=LONGEST_TARGET).contains(&minutes));
    known.ok_or_else(|| {
        FieldError::new(
            format!("/{name}/{member}"),
            "out_of_range",
            format!("must be a whole number of minutes from 1 to {LONGEST_TARGET}, or null"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_survive_their_stored_form() {
        let input = TargetsInput {
            critical: TierInput {
                acknowledge: Patch::Value(1),
                resolve: Patch::Null,
            },
            low: TierInput {
                acknowledge: Patch::Null,
                resolve: Patch::Value(LONGEST_TARGET),
            },
            ..TargetsInput::default()
        };
        let targets = SlaTargets::default().with(&input).unwrap();
        assert_eq!(SlaTargets::from_value(&targets.to_value()), Ok(targets));
        assert_eq!(targets.critical.minutes(Deadline::Resolve), None);
        assert_eq!(targets.high, SlaTargets::default().high);
    }

    #[test]
    fn every_faulty_target_is_named() {
        let wrong = |acknowledge, resolve| TierInput {
            acknowledge: Patch::Value(acknowledge),
            resolve: Patch::Value(resolve),
        };
        let input = TargetsInput {
            critical: wrong(0, LONGEST_TARGET + 1),
            high: wrong(-1, i64::MAX),
            medium: wrong(10, 9),
            low: wrong(5, 5),
        };
        let faults = SlaTargets::default().with(&input).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "/critical/acknowledgeMinutes",
                "/critical/resolveMinutes",
                "/high/acknowledgeMinutes",
                "/high/resolveMinutes",
                "/medium/resolveMinutes",
            ]
        );
    }
}
