//! Reads the fields of evidence one by one and collects every fault before it gives up.

use probity_kernel::text::TextRule;
use probity_kernel::{FieldError, ObjectRule, Patch};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::vocabulary::Vocabulary;

/// How far ahead of the server's clock an instant may be that states a fact.
pub const FUTURE_TOLERANCE: Duration = Duration::minutes(5);
/// The largest count that every reader of JSON takes as it is.
pub const LARGEST_COUNT: i64 = 1 << 53;
/// How many bytes an object of free form may take as JSON.
pub const LARGEST_OBJECT: usize = 64 << 10;
const OBJECT: ObjectRule = ObjectRule {
    max: LARGEST_OBJECT,
    too_large: "too_long",
};

/// Collects the faults of one input.
#[derive(Debug)]
pub(super) struct Checker {
    now: OffsetDateTime,
    faults: Vec<FieldError>,
}

impl Checker {
    pub(super) const fn new(now: OffsetDateTime) -> Self {
        Self {
            now,
            faults: Vec::new(),
        }
    }

    pub(super) fn fault(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(FieldError::new(field, code, message));
    }

    fn take<T>(&mut self, checked: Result<T, FieldError>) -> Option<T> {
        checked.map_err(|fault| self.faults.push(fault)).ok()
    }

    pub(super) fn done(self) -> Result<(), Vec<FieldError>> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(self.faults)
        }
    }

    pub(super) fn text(
        &mut self,
        field: &str,
        rule: TextRule,
        text: Option<String>,
    ) -> Option<String> {
        let text = text?;
        let checked = rule.check(field, &text);
        self.take(checked.map(|()| text))
    }

    pub(super) fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.fault(field, "required", "is required");
        }
        value
    }

    /// Notes a null where the field cannot be cleared.
    pub(super) fn not_null<T>(&mut self, field: &str, patch: &Patch<T>) {
        if matches!(patch, Patch::Null) {
            let message = "must not be null; leave it out to keep it as it is";
            self.fault(field, "not_nullable", message);
        }
    }

    pub(super) fn word<T: Vocabulary>(&mut self, field: &str, text: Option<&str>) -> Option<T> {
        let parsed = text?.parse::<T>();
        self.take(
            parsed.map_err(|error| FieldError::new(field, "unknown_value", error.to_string())),
        )
    }

    pub(super) fn count(&mut self, field: &str, value: Option<i64>) -> Option<i64> {
        let value = value?;
        if (0..=LARGEST_COUNT).contains(&value) {
            return Some(value);
        }
        let message = format!("must be a whole number from 0 to {LARGEST_COUNT}");
        self.fault(field, "out_of_range", message);
        None
    }

    pub(super) fn number(&mut self, field: &str, value: Option<f64>) -> Option<f64> {
        let value = value?;
        if value.is_finite() {
            return Some(value);
        }
        self.fault(field, "out_of_range", "must be a finite number");
        None
    }

    pub(super) fn at_least_zero(&mut self, field: &str, value: Option<f64>) -> Option<f64> {
        let value = value?;
        if value.is_finite() && value >= 0.0 {
            return Some(value);
        }
        self.fault(
            field,
            "out_of_range",
            "must be a finite number of at least 0",
        );
        None
    }

    pub(super) fn object(
        &mut self,
        field: &str,
        value: Option<Map<String, Value>>,
    ) -> Option<Map<String, Value>> {
        let value = value?;
        self.take(OBJECT.check(field, &value).map(|()| value))
    }

    /// An instant that states a fact, and so is not in the future.
    pub(super) fn fact(
        &mut self,
        field: &str,
        at: Option<OffsetDateTime>,
    ) -> Option<OffsetDateTime> {
        let at = self.instant(field, at)?;
        if at - self.now <= FUTURE_TOLERANCE {
            return Some(at);
        }
        let message = "states a fact and must be at most 5 minutes in the future";
        self.fault(field, "in_future", message);
        None
    }

    pub(super) fn instant(
        &mut self,
        field: &str,
        at: Option<OffsetDateTime>,
    ) -> Option<OffsetDateTime> {
        let at = at?;
        if (1970..=9999).contains(&at.year()) {
            return Some(at);
        }
        self.fault(field, "out_of_range", "must be from 1970 to 9999");
        None
    }

    /// An address that a browser may be sent to.
    pub(super) fn web_address(&mut self, field: &str, text: Option<String>) -> Option<String> {
        let text = self.text(field, TextRule::line(2048), text)?;
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        let plain = |rest: &str| !rest.is_empty() && !rest.contains(char::is_whitespace);
        if rest.is_some_and(plain) {
            return Some(text);
        }
        self.fault(
            field,
            "invalid_value",
            "must begin with https:// or http:// and hold no space",
        );
        None
    }
}
