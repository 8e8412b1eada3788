//! Opening a log anew, on the record.

use diesel::prelude::*;
use probity_kernel::{
    ClearArg, Context, DomainEvent, OrganizationId, Publication, RepositoryError, Subject,
};
use probity_ledger::Checkpoint;
use serde_json::{Value, json};

use super::absence::log_of;
use crate::database::Database;
use crate::error::StoreError;
use crate::schema::audit_heads;
use crate::types::Id;

/// A new epoch: the log goes on from a state that does not hold all that was signed before.
struct EpochOpened {
    organization: OrganizationId,
    epoch: i64,
    /// Size and root of the last checkpoint that was signed, if it is known.
    signed: Option<(i64, String)>,
    reason: String,
}

impl DomainEvent for EpochOpened {
    fn name(&self) -> &'static str {
        "audit.epoch.opened"
    }

    fn subject(&self) -> Subject {
        log_of(self.organization)
    }

    fn detail(&self) -> Value {
        json!({"reason": self.reason})
    }

    fn clear_args(&self) -> Vec<(&'static str, ClearArg)> {
        let mut args = vec![("epoch", ClearArg::Integer(self.epoch))];
        if let Some((size, root)) = &self.signed {
            args.push(("signed_root", ClearArg::Text(root.clone())));
            args.push(("signed_size", ClearArg::Integer(*size)));
        }
        args
    }

    fn publications(&self) -> Vec<Publication> {
        let size = self.signed.as_ref().map(|(size, _)| size);
        vec![Publication {
            event_type: self.name(),
            source_table: "audit_heads",
            source_id: self.organization.uuid(),
            product: None,
            trigger_reason: "the record was opened anew; entries signed before may be lost"
                .to_owned(),
            payload: json!({"epoch": self.epoch, "signed_size": size}),
            score_before: None,
            score_after: None,
        }]
    }
}

impl Database {
    /// Opens a new epoch of an organisation's log, with a leaf that says so and names the last
    /// checkpoint that was signed; answers the epoch.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_epoch(
        &self,
        context: &Context,
        signed: Option<&Checkpoint>,
        reason: &str,
    ) -> Result<u64, RepositoryError> {
        let (context, reason) = (context.clone(), reason.to_owned());
        let organization = context.organization;
        let epoch_of = |checkpoint: &Checkpoint| {
            let (_, epoch) = checkpoint.origin().rsplit_once('/')?;
            epoch.parse::<i64>().ok()
        };
        let last = signed.and_then(epoch_of).unwrap_or(0);
        let signed = signed.map(|last| {
            let size = i64::try_from(last.size()).unwrap_or(i64::MAX);
            (size, last.root().to_string())
        });
        self.write(organization, move |tx| {
            let id = Id(organization.uuid());
            let present: i64 = audit_heads::table
                .find(id)
                .select(audit_heads::epoch)
                .get_result(tx.writing())?;
            let epoch = present.max(last) + 1;
            diesel::update(audit_heads::table.find(id))
                .set(audit_heads::epoch.eq(epoch))
                .execute(tx.writing())?;
            let event = EpochOpened {
                organization,
                epoch,
                signed: signed.clone(),
                reason: reason.clone(),
            };
            tx.record(&context, &event)?;
            u64::try_from(epoch)
                .map_err(|error| StoreError(RepositoryError::Database(Box::new(error))))
        })
        .await
    }
}
