//! Reading the settings of a target, every fault at once.

use probity_kernel::FieldError;
use probity_kernel::text::TextRule;
use serde_json::{Map, Value};

use super::TargetDraft;

/// Reads members and notes faults.
pub(super) struct Reader<'a> {
    settings: &'a Map<String, Value>,
    faults: Vec<FieldError>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(draft: &TargetDraft<'a>) -> Self {
        Self {
            settings: draft.settings,
            faults: Vec::new(),
        }
    }

    pub(super) fn fault(&mut self, member: &str, code: &'static str, message: impl Into<String>) {
        let field = format!("/settings/{member}");
        self.faults.push(FieldError::new(field, code, message));
    }

    /// A text that keeps the rule; absent ones are a fault where one is required.
    pub(super) fn text(&mut self, member: &str, rule: TextRule, required: bool) -> Option<&'a str> {
        match self.settings.get(member) {
            Some(Value::String(text)) => {
                let field = format!("/settings/{member}");
                match rule.check(&field, text) {
                    Ok(()) => return Some(text),
                    Err(fault) => self.faults.push(fault),
                }
            }
            None | Some(Value::Null) if required => self.fault(member, "required", "is required"),
            None | Some(Value::Null) => {}
            Some(_) => self.fault(member, "wrong_type", "must be a string"),
        }
        None
    }

    /// One of a few words.
    pub(super) fn word(&mut self, member: &str, allowed: &[&str]) {
        let rule = TextRule::line(200);
        if let Some(text) = self.text(member, rule, false)
            && !allowed.contains(&text)
        {
            let message = format!("must be one of {}", allowed.join(", "));
            self.fault(member, "unknown_value", message);
        }
    }

    /// A kind of endpoint that is its URL alone.
    pub(super) fn takes_nothing(draft: &'a TargetDraft<'_>) -> Result<(), Vec<FieldError>> {
        let mut read = Self::new(draft);
        read.only(&[]);
        read.takes_no_credential(draft);
        read.done()
    }

    /// A member that nobody knows is a typo that would never be noticed.
    pub(super) fn only(&mut self, known: &[&str]) {
        let strange = self
            .settings
            .keys()
            .filter(|name| !known.contains(&name.as_str()));
        for name in strange.cloned().collect::<Vec<_>>() {
            let message = if known.is_empty() {
                "is not used by endpoints of this kind".to_owned()
            } else {
                format!("is not known; there are {}", known.join(", "))
            };
            self.fault(&name, "not_allowed", message);
        }
    }

    pub(super) fn needs_credential(&mut self, draft: &TargetDraft<'_>, what: &str) {
        if draft.credential.is_none() && !draft.keeps_credential {
            let message = format!("is required: {what}");
            self.faults
                .push(FieldError::new("/credential", "required", message));
        }
    }

    pub(super) fn takes_no_credential(&mut self, draft: &TargetDraft<'_>) {
        if draft.credential.is_some() {
            let message = "is not used by endpoints of this kind";
            self.faults
                .push(FieldError::new("/credential", "not_allowed", message));
        }
    }

    pub(super) fn done(self) -> Result<(), Vec<FieldError>> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(self.faults)
        }
    }
}

/// A text of stored settings; empty where it is not there.
pub(super) fn stored<'a>(settings: &'a Map<String, Value>, member: &str) -> &'a str {
    let found = settings.get(member).and_then(Value::as_str);
    found.unwrap_or_default()
}
