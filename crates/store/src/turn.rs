//! One turn of a write lane: many units of work, one transaction, one commit.
//!
//! A turn first runs every unit plainly. When all succeed, or fail before they wrote anything, one
//! commit makes them durable together. When a unit fails after it wrote, the turn is rolled back
//! and run again with a savepoint around each unit, so that the faulty one fails alone. Savepoints
//! are therefore paid for only when they are needed; units must be able to run twice.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use probity_alerts::SlaTargets;
use probity_kernel::{Context, DomainEvent, IdSource, OrganizationId, RepositoryError};

use crate::connection::{AnyConnection, Scope};
use crate::error::{StoreError, StoreResult, translate, unavailable};
use crate::growth::Growth;
use crate::guardian::{self, IngestJob, StandingCache, Standings};
use crate::record::{self, Appended, Draft, Head, Subscribers};
use crate::webhooks::{Desk, Fan};

/// What a unit of work sees: the transaction, and the organisation's record.
pub(crate) struct Tx<'a> {
    pub(crate) conn: &'a mut AnyConnection,
    pub(crate) ids: &'a dyn IdSource,
    /// Where products stand, as far as this lane knows; an ingestion adds and moves.
    pub(crate) standings: Standings,
    /// The service levels in force, once something in the turn asked for them.
    pub(crate) sla_targets: Option<SlaTargets>,
    drafts: Vec<Draft>,
    head: Option<Head>,
    wrote: bool,
    endpoints_changed: bool,
}

/// Who on this node wants to hear at once of what a turn has made durable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listeners {
    /// Where deliveries are left.
    pub(crate) desk: Arc<Desk>,
    /// Who follows the records of organisations.
    pub(crate) growth: Arc<Growth>,
}

/// What a lane remembers from turn to turn.
pub(crate) struct Memory {
    /// Where products stand.
    pub(crate) standings: StandingCache,
    /// Which endpoints get events.
    pub(crate) fan: Fan,
    growth: Arc<Growth>,
    /// The records that got events in this turn, and how long they are now.
    grown: Vec<(OrganizationId, u64)>,
}

impl Memory {
    /// Nothing yet.
    pub(crate) fn new(listeners: Listeners) -> Self {
        Self {
            standings: StandingCache::default(),
            fan: Fan::new(listeners.desk),
            growth: listeners.growth,
            grown: Vec::new(),
        }
    }

    /// Tells of a turn that is durable.
    fn hand_on(&mut self) {
        self.fan.hand_on();
        for (organization, size) in self.grown.drain(..) {
            self.growth.tell(organization, size);
        }
    }

    fn clear(&mut self) {
        self.standings.clear();
        self.fan.clear();
        self.grown.clear();
    }
}

impl Tx<'_> {
    /// Says that the organisation's endpoints are not what they were at the start of the turn.
    pub(crate) const fn forget_subscriptions(&mut self) {
        self.endpoints_changed = true;
    }

    /// The connection, for a statement that writes.
    pub(crate) fn writing(&mut self) -> &mut AnyConnection {
        self.wrote = true;
        self.conn
    }

    /// Puts what happened on the record: a leaf and its governance events, with the rows or not
    /// at all.
    pub(crate) fn record<E: DomainEvent>(
        &mut self,
        context: &Context,
        event: &E,
    ) -> StoreResult<()> {
        self.drafts.push(Draft::new(context, event)?);
        Ok(())
    }

    /// The organisation's number: the upper bits of every row position.
    pub(crate) fn organization_no(&self) -> StoreResult<i64> {
        let head = self.head.as_ref();
        head.map(|head| head.no).ok_or_else(|| {
            StoreError(RepositoryError::Database(
                "the organisation has no record".into(),
            ))
        })
    }
}

/// A unit of work, waiting in a lane.
pub(crate) trait Unit: Send {
    /// Whose record it goes on.
    fn organization(&self) -> OrganizationId;

    /// For whom it reads and writes. What acts for the system (it creates an organisation, keeps a
    /// checkpoint, removes what has expired) takes no head; it runs after everything that does.
    fn scope(&self) -> Scope;

    /// Does the work; may be called again after a rollback.
    fn run(&mut self, tx: &mut Tx<'_>) -> StoreResult<()>;

    /// Answers the caller once the turn is durable or has failed.
    fn settle(self: Box<Self>, result: Result<(), RepositoryError>);
}

/// What waits in a lane.
pub(crate) enum Work {
    /// A unit of its own.
    Unit(Box<dyn Unit>),
    /// A metric ingestion: those of one organisation are written together.
    Ingest(Box<IngestJob>),
}

impl Work {
    fn organization(&self) -> OrganizationId {
        match self {
            Self::Unit(unit) => unit.organization(),
            Self::Ingest(job) => job.organization(),
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Self::Unit(unit) => unit.scope(),
            Self::Ingest(job) => Scope::Organization(job.organization()),
        }
    }

    fn settle(self, result: Result<(), RepositoryError>) {
        match self {
            Self::Unit(unit) => unit.settle(result),
            Self::Ingest(job) => job.settle(result),
        }
    }

    /// Answers that the store is out of reach.
    pub(crate) fn refuse(self) {
        self.settle(Err(unavailable()));
    }
}

struct Slot {
    work: Work,
    result: Result<(), RepositoryError>,
}

/// The works of a turn that share a scope and a record, in the order in which they are run: heads
/// are locked in the order of their organisations, the same on every node, and nothing is locked
/// before a head that another node may lock after it.
type Groups = BTreeMap<Group, Vec<Slot>>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    /// After all others.
    system: bool,
    organization: OrganizationId,
}

impl Group {
    fn of(work: &Work) -> Self {
        Self {
            system: work.scope() == Scope::System,
            organization: work.organization(),
        }
    }

    const fn scope(self) -> Scope {
        if self.system {
            Scope::System
        } else {
            Scope::Organization(self.organization)
        }
    }
}

/// Whether each unit gets a savepoint of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Savepoints,
}

/// Why an attempt ended without a commit.
enum Abandoned {
    /// A unit failed after it wrote: run again with savepoints.
    Unit,
    /// The transaction itself failed.
    Transaction(RepositoryError),
}

/// Runs one turn and answers every caller. Returns whether the connection is still good.
pub(crate) fn run(
    conn: &mut AnyConnection,
    ids: &dyn IdSource,
    memory: &mut Memory,
    works: Vec<Work>,
) -> bool {
    let mut groups = Groups::new();
    for work in works {
        let slots = groups.entry(Group::of(&work)).or_default();
        slots.push(Slot {
            work,
            result: Ok(()),
        });
    }
    let mut ended = attempt(conn, ids, memory, &mut groups, Mode::Plain);
    if matches!(ended, Err(Abandoned::Unit)) {
        memory.clear();
        ended = attempt(conn, ids, memory, &mut groups, Mode::Savepoints);
    }
    if ended.is_err() {
        memory.clear();
    }
    let failure = match ended {
        Ok(()) => None,
        Err(Abandoned::Unit) => Some(unavailable()),
        Err(Abandoned::Transaction(error)) => Some(error),
    };
    if let Some(error) = &failure {
        tracing::error!(error = ?error, "a write turn was rolled back");
    }
    memory.hand_on();
    for slot in groups.into_values().flatten() {
        let result = match &failure {
            Some(error) => Err(again(error)),
            None => slot.result,
        };
        slot.work.settle(result);
    }
    failure.is_none()
}

/// The same error for each of many callers.
fn again(error: &RepositoryError) -> RepositoryError {
    if let RepositoryError::Unavailable { retry_after } = error {
        return RepositoryError::Unavailable {
            retry_after: *retry_after,
        };
    }
    if matches!(error, RepositoryError::Full) {
        return RepositoryError::Full;
    }
    RepositoryError::Database(format!("{error:?}").into())
}

fn attempt(
    conn: &mut AnyConnection,
    ids: &dyn IdSource,
    memory: &mut Memory,
    groups: &mut Groups,
    mode: Mode,
) -> Result<(), Abandoned> {
    conn.begin_write()
        .map_err(|error| Abandoned::Transaction(translate(error)))?;
    let worked = catch_unwind(AssertUnwindSafe(|| {
        groups
            .iter_mut()
            .try_for_each(|(group, slots)| run_group(conn, ids, memory, *group, slots, mode))
    }));
    let ended = match worked {
        Ok(Ok(())) => {
            return conn.commit().map_err(|error| {
                let _ = conn.rollback();
                Abandoned::Transaction(translate(error))
            });
        }
        Ok(Err(abandoned)) => abandoned,
        Err(_) if mode == Mode::Plain => Abandoned::Unit,
        Err(_) => Abandoned::Transaction(RepositoryError::Database("a write panicked".into())),
    };
    match conn.rollback() {
        Ok(()) => Err(ended),
        Err(error) => Err(Abandoned::Transaction(translate(error))),
    }
}

fn run_group(
    conn: &mut AnyConnection,
    ids: &dyn IdSource,
    memory: &mut Memory,
    group: Group,
    slots: &mut [Slot],
    mode: Mode,
) -> Result<(), Abandoned> {
    let fatal = |StoreError(error)| Abandoned::Transaction(error);
    conn.enter(group.scope()).map_err(|e| fatal(e.into()))?;
    let head = if group.system {
        None
    } else {
        Head::lock(conn, group.organization).map_err(fatal)?
    };
    let size = head.as_ref().map_or(0, Head::size);
    let standings = memory.standings.take(group.organization, size);
    let mut tx = Tx {
        conn,
        ids,
        standings,
        sla_targets: None,
        drafts: Vec::with_capacity(slots.len()),
        head,
        wrote: false,
        endpoints_changed: false,
    };
    let mut ingests: Vec<(&mut IngestJob, &mut Result<(), RepositoryError>)> = Vec::new();
    // Units may move standings behind the ingestions' back, and what a savepoint takes back was
    // folded already: only a plain turn of ingestions alone knows where products stand after it.
    let mut knows = mode == Mode::Plain;
    for Slot { work, result } in slots {
        match work {
            Work::Unit(unit) => {
                knows = false;
                tx.standings.clear();
                run_guarded(&mut tx, mode, result, |tx| unit.run(tx))?;
            }
            Work::Ingest(job) => ingests.push((job, result)),
        }
    }
    run_ingests(&mut tx, group.organization, ingests, mode)?;
    let Tx {
        conn,
        drafts,
        head,
        standings,
        endpoints_changed,
        ..
    } = tx;
    let subscribers = Subscribers {
        fan: &mut memory.fan,
        changed: endpoints_changed,
    };
    let Appended { size, published } =
        record::append(conn, ids, group.organization, head, drafts, subscribers).map_err(fatal)?;
    if published {
        memory.grown.push((group.organization, size));
    }
    if knows {
        memory.standings.put(group.organization, size, standings);
    }
    Ok(())
}

/// All ingestions of the organisation at once; one after another where each needs a savepoint.
fn run_ingests(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ingests: Vec<(&mut IngestJob, &mut Result<(), RepositoryError>)>,
    mode: Mode,
) -> Result<(), Abandoned> {
    if mode == Mode::Savepoints {
        for (job, result) in ingests {
            tx.standings.clear();
            run_guarded(tx, mode, result, |tx| {
                guardian::ingest_all(tx, organization, &mut [&mut *job])
            })?;
        }
        return Ok(());
    }
    if ingests.is_empty() {
        return Ok(());
    }
    let mut jobs: Vec<&mut IngestJob> = ingests.into_iter().map(|(job, _)| job).collect();
    guardian::ingest_all(tx, organization, &mut jobs).map_err(|StoreError(error)| {
        tracing::debug!(error = ?error, "ingestions are run again one by one");
        Abandoned::Unit
    })
}

/// Runs one unit so that its failure is its own, or tells that this takes savepoints.
fn run_guarded(
    tx: &mut Tx<'_>,
    mode: Mode,
    result: &mut Result<(), RepositoryError>,
    work: impl FnOnce(&mut Tx<'_>) -> StoreResult<()>,
) -> Result<(), Abandoned> {
    let fatal = |error| Abandoned::Transaction(translate(error));
    let drafts = tx.drafts.len();
    tx.wrote = false;
    if mode == Mode::Savepoints {
        tx.conn.savepoint().map_err(fatal)?;
    }
    let done = match mode {
        Mode::Plain => work(tx),
        Mode::Savepoints => catch_unwind(AssertUnwindSafe(|| work(tx))).unwrap_or_else(|_| {
            Err(StoreError(RepositoryError::Database(
                "a write panicked".into(),
            )))
        }),
    };
    let Err(StoreError(error)) = done else {
        *result = Ok(());
        return if mode == Mode::Savepoints {
            tx.conn.commit().map_err(fatal)
        } else {
            Ok(())
        };
    };
    tx.drafts.truncate(drafts);
    tx.sla_targets = None;
    // After an error of the database itself a PostgreSQL transaction takes no further statement.
    let clean = !tx.wrote && is_decision(&error);
    if mode == Mode::Plain && !clean {
        return Err(Abandoned::Unit);
    }
    if mode == Mode::Savepoints {
        tx.conn.rollback().map_err(fatal)?;
    }
    *result = Err(error);
    Ok(())
}

/// Whether an error was decided by us before any statement failed.
const fn is_decision(error: &RepositoryError) -> bool {
    matches!(
        error,
        RepositoryError::Stale
            | RepositoryError::Conflict(_)
            | RepositoryError::IdempotencyMismatch
    )
}
