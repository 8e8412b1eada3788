//! Events that explain what was deleted from the record itself.

use probity_kernel::{ClearArg, DomainEvent, OrganizationId, Subject};
use probity_ledger::{Absence, AbsenceError, ArgValue, Args, Prune, Redaction};
use serde_json::{Value, json};
use uuid::Uuid;

/// What was erased or pruned, as the leaf that explains it. To be recorded in the unit that deletes.
#[derive(Debug, Clone)]
pub(crate) struct AbsenceEvent {
    organization: OrganizationId,
    action: &'static str,
    args: Args<'static>,
    detail: Value,
}

impl AbsenceEvent {
    /// An event of the organisation's log. The detail is erasable: why, in words.
    pub(crate) fn new(
        organization: OrganizationId,
        absence: &Absence,
        detail: Value,
    ) -> Result<Self, AbsenceError> {
        let (action, args) = match absence {
            Absence::Redaction(redaction) => (Redaction::ACTION, redaction.args()?),
            Absence::Prune(prune) => (Prune::ACTION, prune.args()?),
        };
        Ok(Self {
            organization,
            action,
            args,
            detail,
        })
    }
}

impl DomainEvent for AbsenceEvent {
    fn name(&self) -> &'static str {
        self.action
    }

    fn subject(&self) -> Subject {
        log_of(self.organization)
    }

    fn detail(&self) -> Value {
        if self.detail.is_null() {
            json!({})
        } else {
            self.detail.clone()
        }
    }

    fn clear_args(&self) -> Vec<(&'static str, ClearArg)> {
        const NAMES: [&str; 8] = [
            "basis",
            "entries",
            "from",
            "policy_days",
            "root",
            "slot",
            "ticket",
            "to",
        ];
        NAMES
            .into_iter()
            .filter_map(|name| {
                let value = match self.args.get(name)? {
                    ArgValue::Text(text) => ClearArg::Text(text.clone().into_owned()),
                    ArgValue::Integer(number) => ClearArg::Integer(*number),
                };
                Some((name, value))
            })
            .collect()
    }
}

/// An organisation's log, as the subject of what happens to the log itself.
pub(crate) fn log_of(organization: OrganizationId) -> Subject {
    let id: Uuid = organization.uuid();
    Subject {
        kind: "audit_log",
        id,
    }
}
