//! Drafts of change log entries: what they are made of, the deterministic one, and what a language
//! model is asked.
//!
//! A draft is a proposal for a person. Nothing of it is stored; the evidence that it is made of is
//! data, whoever wrote it, and never an instruction.

mod prompt;
mod template;

use std::future::Future;

use probity_kernel::FieldError;
use probity_kernel::text::TextRule;
use time::{Date, OffsetDateTime};

use super::safety_metric::SafetyMetric;
use super::training_run::TrainingRun;
use super::vocabulary::RuntimeEventType;

pub use prompt::Prompt;
pub use template::TemplateDrafter;

/// How many records of one kind a draft is made of.
pub const MOST_RECORDS: usize = 200;
/// How many characters a draft may hold.
pub const LONGEST_DRAFT: usize = 20_000;
const EXISTING: TextRule = TextRule::prose(200_000);

/// A decided review, as the change log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewFact {
    /// `approved` or `rejected`.
    pub decision: String,
    /// When it was decided.
    pub decided_at: OffsetDateTime,
    /// When the approval runs out.
    pub approval_expires_at: Option<OffsetDateTime>,
}

/// A data dependency that was declared or changed, as the change log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyFact {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version_label: Option<String>,
    /// When it was declared or last changed.
    pub changed_at: OffsetDateTime,
}

/// What was recorded since the last entry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Material {
    /// Runs, oldest first.
    pub runs: Vec<TrainingRun>,
    /// Metrics, oldest first.
    pub metrics: Vec<SafetyMetric>,
    /// Decided reviews, oldest first.
    pub reviews: Vec<ReviewFact>,
    /// Data dependencies, oldest first.
    pub dependencies: Vec<DependencyFact>,
    /// How many runtime events of each type occurred.
    pub runtime_events: Vec<(RuntimeEventType, u64)>,
    /// Whether there is more than [`MOST_RECORDS`] of a kind.
    pub more: bool,
}

/// What a draft is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftRequest {
    /// The product's name.
    pub product_name: String,
    /// The day of the entry.
    pub today: Date,
    /// The day of the last entry there is.
    pub last_entry: Option<Date>,
    /// The log as it is.
    pub existing: String,
    /// What was recorded since.
    pub material: Material,
}

impl DraftRequest {
    /// Checks the log that a caller sends.
    ///
    /// # Errors
    /// `too_long`, `control_character`.
    pub fn check_log(existing: Option<&str>) -> Result<(), FieldError> {
        existing.map_or(Ok(()), |log| EXISTING.check("/existing_change_log", log))
    }

    /// What a language model is asked.
    #[must_use]
    pub fn prompt(&self) -> Prompt {
        prompt::of(self)
    }
}

/// Why there is no draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// No provider is set up; it names the missing setting.
    #[error("no change log provider is configured: set `{0}`")]
    NotConfigured(&'static str),
    /// The provider did not do its work; the text says how, without what it sent.
    #[error("the change log provider failed: {0}")]
    Provider(String),
}

/// Who drafts change log entries.
pub trait ChangeLogDrafter: Send + Sync {
    /// Drafts one entry in Markdown.
    fn draft(
        &self,
        request: &DraftRequest,
    ) -> impl Future<Output = Result<String, DraftError>> + Send;
}

/// Takes a provider's text for a draft, if it can be one: not empty, not endless, nothing that a
/// screen would not show.
///
/// # Errors
/// [`DraftError::Provider`].
pub fn accept(text: &str) -> Result<String, DraftError> {
    let wrong = |what: &str| Err(DraftError::Provider(what.to_owned()));
    let text = text.trim();
    if text.is_empty() {
        return wrong("its answer is empty");
    }
    if text.chars().count() > LONGEST_DRAFT {
        return wrong("its answer is too long for a change log entry");
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        return wrong("its answer holds control characters");
    }
    Ok(text.to_owned())
}

/// The day of the latest dated entry: a heading (`#` to `######`) that begins with an ISO date.
/// Days after `today` are no entries.
#[must_use]
pub fn last_entry(log: &str, today: Date) -> Option<Date> {
    log.lines()
        .filter_map(heading_date)
        .filter(|date| *date <= today)
        .max()
}

fn heading_date(line: &str) -> Option<Date> {
    let line = line.trim_start();
    let rest = line.trim_start_matches('#');
    let depth = line.len() - rest.len();
    if !(1..=6).contains(&depth) {
        return None;
    }
    let text = rest.trim_start().trim_start_matches('[');
    let (date, rest) = text.split_at_checked(10)?;
    if rest.starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let plain =
        |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    if !(plain(year, 4) && plain(month, 2) && plain(day, 2)) {
        return None;
    }
    let month = time::Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests;
