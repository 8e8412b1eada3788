//! The deterministic draft: the same evidence gives the same text.

use time::OffsetDateTime;

use super::{ChangeLogDrafter, DraftError, DraftRequest, MOST_RECORDS};
use crate::evidence::safety_metric::SafetyMetric;
use crate::evidence::training_run::TrainingRun;

/// Drafts from the evidence alone; asks nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct TemplateDrafter;

impl ChangeLogDrafter for TemplateDrafter {
    async fn draft(&self, request: &DraftRequest) -> Result<String, DraftError> {
        Ok(Self::write(request))
    }
}

impl TemplateDrafter {
    /// The entry.
    #[must_use]
    pub fn write(request: &DraftRequest) -> String {
        let material = &request.material;
        let mut lines = vec![format!("## {}", request.today)];
        lines.extend(material.runs.iter().map(run));
        lines.extend(material.metrics.iter().map(metric));
        lines.extend(material.dependencies.iter().map(|dependency| {
            let version = dependency.version_label.as_deref();
            let version =
                version.map_or_else(String::new, |text| format!(", version {}", one_line(text)));
            format!(
                "- Data dependency \"{}\"{version} declared or changed on {}.",
                one_line(&dependency.name),
                day(dependency.changed_at)
            )
        }));
        lines.extend(material.reviews.iter().map(|review| {
            let until = review.approval_expires_at.map_or_else(String::new, |at| {
                format!("; the approval expires on {}", day(at))
            });
            let decided = day(review.decided_at);
            format!(
                "- Governance review {} on {decided}{until}.",
                review.decision
            )
        }));
        let events = material
            .runtime_events
            .iter()
            .map(|(kind, count)| format!("- Runtime governance events of type {kind}: {count}."));
        lines.extend(events);
        if lines.len() == 1 {
            lines.push(nothing(request));
        }
        if material.more {
            lines.push(format!(
                "- There is more evidence than this: of each kind the latest {MOST_RECORDS} records are listed."
            ));
        }
        lines.join("\n")
    }
}

fn nothing(request: &DraftRequest) -> String {
    match request.last_entry {
        Some(date) => format!("- No change in the recorded evidence since {date}."),
        None => "- No evidence is recorded yet.".to_owned(),
    }
}

fn run(run: &TrainingRun) -> String {
    let fields = &run.fields;
    let kind = fields.run_type.as_str().replace('_', "-");
    let mut parts = vec![format!(
        "- {} run \"{}\" {}",
        capital(&kind),
        one_line(&fields.run_name),
        fields.status
    )];
    if let Some(at) = fields.completed_at {
        parts.push(format!(" on {}", day(at)));
    }
    let data: Vec<String> = [&fields.dataset_name, &fields.dataset_version]
        .into_iter()
        .flatten()
        .map(|part| one_line(part))
        .collect();
    if !data.is_empty() {
        parts.push(format!(", data {}", data.join(" ")));
    }
    if let Some(framework) = &fields.framework_version {
        parts.push(format!(", {}", one_line(framework)));
    }
    if fields.is_deployed {
        let at = run
            .deployed_at
            .map_or_else(String::new, |at| format!(" since {}", day(at)));
        parts.push(format!("; deployed{at}"));
    }
    parts.push(".".to_owned());
    parts.concat()
}

fn metric(metric: &SafetyMetric) -> String {
    let fields = &metric.fields;
    let mut parts = vec![format!(
        "- {} metric \"{}\"",
        capital(fields.category.as_str()),
        one_line(&fields.metric_name)
    )];
    if let Some(value) = fields.metric_value {
        let unit = fields
            .unit
            .as_deref()
            .map_or_else(String::new, |unit| format!(" {}", one_line(unit)));
        parts.push(format!(" {value}{unit}"));
    }
    parts.push(format!(": {}", fields.status.as_str().replace('_', " ")));
    if let Some(at) = fields.measured_at {
        parts.push(format!(", measured on {}", day(at)));
    }
    if let Some(attested) = &metric.attestation {
        parts.push(format!(", attested on {}", day(attested.at)));
    }
    parts.push(".".to_owned());
    parts.concat()
}

fn day(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).date().to_string()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A name as part of one line of Markdown: what has a meaning there is escaped, so that evidence
/// can neither begin a heading of its own nor hide a link.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '"' => {
                line.push('\\');
                line.push(c);
            }
            c if c.is_control() => line.push(' '),
            c => line.push(c),
        }
    }
    line
}
