//! A lane held still, so that what is submitted meanwhile shares the next turn.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use diesel::prelude::*;
use probity_kernel::{DomainEvent, OrganizationId, RepositoryError, Subject};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::connection::Scope;
use crate::error::StoreResult;
use crate::lane::Job;
use crate::schema::registry_totals;
use crate::support::{Bed, context};
use crate::turn::Tx;
use crate::types::Id;

/// Something that happened to an organisation.
#[derive(Debug)]
pub(super) struct Happened(pub(super) OrganizationId);

impl DomainEvent for Happened {
    fn name(&self) -> &'static str {
        "test.happened"
    }

    fn subject(&self) -> Subject {
        Subject {
            kind: "organization",
            id: self.0.uuid(),
        }
    }

    fn detail(&self) -> Value {
        json!({"what": "a test"})
    }
}

/// The answer to a unit of work.
pub(super) type Answer<T> = oneshot::Receiver<Result<T, RepositoryError>>;

/// Holds the lane of an organisation until it is opened.
pub(super) struct Gate {
    open: Sender<()>,
    answer: Answer<()>,
}

impl Gate {
    /// Closes the lane and waits until it stands still.
    pub(super) fn close(bed: &Bed, organization: OrganizationId) -> Self {
        let (open, opened) = channel::<()>();
        let (reached, arrived) = channel::<()>();
        let opened: Arc<Mutex<Receiver<()>>> = Arc::new(Mutex::new(opened));
        let answer = submit(bed, organization, move |_| {
            let _ = reached.send(());
            let opened = opened.lock().unwrap();
            let _ = opened.recv();
            Ok(())
        })
        .unwrap();
        arrived.recv().unwrap();
        Self { open, answer }
    }

    /// Lets the lane go on.
    pub(super) fn open(self) {
        self.open.send(()).unwrap();
        self.answer.blocking_recv().unwrap().unwrap();
    }
}

/// Puts a unit of work into its lane.
pub(super) fn submit<T: Send + 'static>(
    bed: &Bed,
    organization: OrganizationId,
    work: impl FnMut(&mut Tx<'_>) -> StoreResult<T> + Send + 'static,
) -> Result<Answer<T>, RepositoryError> {
    let (work, answer) = Job::with_answer(organization, Scope::Organization(organization), work);
    bed.database.submit(organization, work)?;
    Ok(answer)
}

/// Writes a row that names the unit, and puts it on the record.
pub(super) fn write(tx: &mut Tx<'_>, organization: OrganizationId, name: &str) -> StoreResult<()> {
    diesel::insert_into(registry_totals::table)
        .values((
            registry_totals::organization_id.eq(Id(organization.uuid())),
            registry_totals::risk_tier.eq(name),
            registry_totals::validation_status.eq("test"),
            registry_totals::models.eq(0_i64),
        ))
        .execute(tx.writing())?;
    tx.record(&context(organization), &Happened(organization))
}

/// How many rows such units have left, and how many leaves.
pub(super) fn left(bed: &Bed, organization: OrganizationId) -> (i64, i64) {
    let mut raw = bed.raw();
    let id = raw.uuid(organization.uuid());
    let mine = format!("WHERE organization_id = {id}");
    (
        raw.count("registry_totals", &mine),
        raw.count("audit_entries", &mine),
    )
}
