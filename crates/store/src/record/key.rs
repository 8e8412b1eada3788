//! The keys that sign a log, on the record.

use probity_kernel::{
    ClearArg, Context, DomainEvent, OrganizationId, Publication, RepositoryError, Subject,
};
use serde_json::{Value, json};

use super::absence::log_of;
use crate::database::Database;

/// A key took the place of another, or the one it replaced signs no longer.
struct KeyChanged {
    organization: OrganizationId,
    action: &'static str,
    /// The public key in question, as a vkey.
    vkey: String,
}

impl DomainEvent for KeyChanged {
    fn name(&self) -> &'static str {
        self.action
    }

    fn subject(&self) -> Subject {
        log_of(self.organization)
    }

    fn detail(&self) -> Value {
        json!({})
    }

    fn clear_args(&self) -> Vec<(&'static str, ClearArg)> {
        vec![("vkey", ClearArg::Text(self.vkey.clone()))]
    }

    fn publications(&self) -> Vec<Publication> {
        vec![Publication {
            event_type: self.action,
            source_table: "audit_heads",
            source_id: self.organization.uuid(),
            product: None,
            trigger_reason: "the keys that sign the record changed".to_owned(),
            payload: json!({"vkey": self.vkey}),
            score_before: None,
            score_after: None,
        }]
    }
}

impl Database {
    /// Puts on the record that a key signs from now on beside the one it replaces.
    ///
    /// # Errors
    /// What the database says.
    pub async fn record_key_added(
        &self,
        context: &Context,
        vkey: &str,
    ) -> Result<(), RepositoryError> {
        self.record_key(context, "audit.key.added", vkey).await
    }

    /// Puts on the record that a key signs no longer.
    ///
    /// # Errors
    /// What the database says.
    pub async fn record_key_retired(
        &self,
        context: &Context,
        vkey: &str,
    ) -> Result<(), RepositoryError> {
        self.record_key(context, "audit.key.retired", vkey).await
    }

    async fn record_key(
        &self,
        context: &Context,
        action: &'static str,
        vkey: &str,
    ) -> Result<(), RepositoryError> {
        let context = context.clone();
        let event = KeyChanged {
            organization: context.organization,
            action,
            vkey: vkey.to_owned(),
        };
        self.write(context.organization, move |tx| tx.record(&context, &event))
            .await
    }
}
