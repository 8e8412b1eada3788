//! Fields judged one after the other, every fault of them told at once.

use std::fmt::Display;
use std::str::FromStr;

use probity_kernel::clock::to_milliseconds;
use probity_kernel::text::TextRule;
use probity_kernel::{FieldError, Patch};
use time::{Duration, OffsetDateTime};

use super::error::AttachmentError;

/// Names and titles: 1 to 200 characters on one line.
pub(super) const NAME: TextRule = TextRule::line(200);
/// Descriptions: up to 2000 characters.
pub(super) const DESCRIPTION: TextRule = TextRule::prose(2000);
/// How far ahead of the server's clock something that has happened may lie.
pub(super) const FUTURE_TOLERANCE: Duration = Duration::minutes(5);

/// Collects faults.
#[derive(Debug, Default)]
pub(super) struct Check(Vec<FieldError>);

impl Check {
    /// The value of a judgement, or its fault noted.
    pub(super) fn take<T>(&mut self, judged: Result<T, FieldError>) -> Option<T> {
        judged.map_err(|fault| self.0.push(fault)).ok()
    }

    /// A field that has to be there.
    pub(super) fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        let missing = || FieldError::new(field, "required", "is required");
        self.take(value.ok_or_else(missing))
    }

    /// A text within its rule.
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

    /// A value out of its text.
    pub(super) fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        field: &str,
        code: &'static str,
        text: Option<String>,
    ) -> Option<T> {
        self.take(parse(field, code, &text?))
    }

    /// A member of a patch that can be cleared.
    pub(super) fn clearable<T, U>(
        &mut self,
        value: Patch<T>,
        judge: impl FnOnce(T) -> Result<U, FieldError>,
    ) -> Patch<U> {
        self.take(value.try_map(judge)).unwrap_or_default()
    }

    /// A member of a patch that has to keep a value.
    pub(super) fn kept<T, U>(
        &mut self,
        field: &str,
        value: Patch<T>,
        judge: impl FnOnce(T) -> Result<U, FieldError>,
    ) -> Option<U> {
        match value {
            Patch::Absent => None,
            Patch::Value(value) => self.take(judge(value)),
            Patch::Null => {
                let message = "must not be null; leave it out to keep it as it is";
                self.take(Err(FieldError::new(field, "not_nullable", message)))
            }
        }
    }

    /// Ends the collection.
    pub(super) fn done(self) -> Result<(), AttachmentError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(AttachmentError::Invalid(self.0))
        }
    }
}

/// A value out of its text.
pub(super) fn parse<T: FromStr<Err: Display>>(
    field: &str,
    code: &'static str,
    text: &str,
) -> Result<T, FieldError> {
    text.parse()
        .map_err(|fault: T::Err| FieldError::new(field, code, fault.to_string()))
}

/// A text within its rule.
pub(super) fn within(field: &str, rule: TextRule, text: String) -> Result<String, FieldError> {
    rule.check(field, &text).map(|()| text)
}

/// An instant that has passed, give or take [`FUTURE_TOLERANCE`], in milliseconds.
pub(super) fn passed(
    field: &str,
    at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<OffsetDateTime, FieldError> {
    if at > now.saturating_add(FUTURE_TOLERANCE) {
        let message = "must be at most 5 minutes in the future";
        return Err(FieldError::new(field, "in_future", message));
    }
    Ok(to_milliseconds(at))
}
