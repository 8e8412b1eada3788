//! The check of a whole database: every invariant that can be told from the rows alone.
//!
//! | check | what holds |
//! |---|---|
//! | `storage.integrity`, `storage.foreign_keys` | SQLite's own `integrity_check` and `foreign_key_check` |
//! | `references.*` | what a row refers to exists, in the row's own organisation |
//! | `organizations.record` | every organisation has a log, under its own number |
//! | `record.entries` | entries are contiguous from 0 to the head's size; each leaf is in its canonical form, hashes to the stored hash, and says the sequence number and the organisation of its row; commitments match the salts and bytes beside them |
//! | `record.stray` | no entry outside a log |
//! | `record.head` | the root recomputed from the leaf hashes is that of the head |
//! | `record.nodes` | the stored tile hashes are the recomputed ones, all of them and no others |
//! | `record.checkpoints` | a checkpoint states its row's size and the root of the log at that size, under the origin of the organisation and epoch; its signature is not looked at here |
//! | `record.events` | a governance event refers to an existing leaf |
//! | `record.evidence` | every state has its record, see below |
//! | `record.figures` | a snapshot that a leaf tells is there, captured when the leaf says, with the figures and the verdict that it tells |
//! | `catalog.listing`, `catalog.totals` | every product is listed once, as what it is; totals are counts of the listing |
//! | `registry.totals`, `registry.heads`, `registry.order` | totals are counts; positions stay below the next one and inside the organisation's range; `created_at` never falls along positions |
//! | `guardian.standings`, `guardian.open_alerts` | a standing has the number of the product's snapshots, the latest instant at which one stands (captured, or received when that is earlier) and the status of one that stands there; at most one alert is open for a product and metric |
//! | `alerts.tracked` | every alert of Guardian has its clock, which stands where the alert does |
//! | `governance.deployed_runs`, `governance.runtime_totals` | at most one run of a product is deployed; totals of runtime events are counts |
//! | `artifacts.current`, `artifacts.completed` | at most one artifact of a product is current; a completed upload and its artifact name each other |
//! | `governance.open_reviews` | at most one review request of a product is open |
//! | `governance.posture_totals` | totals are counts of postures |
//! | `governance.postures` | a product that is judged has a posture, and it is the judgement of what is known at the instant at which it was made; its next change is not later than the recomputed one |
//! | `webhooks.deliveries` | a delivery of an event is of one that is in the record, under the event's id; what waits for nothing is not due |
//! | `searches.index` | on PostgreSQL the index of searches says of every text what it holds, but for what is noted as not yet taken in |
//! | `values.*` | every stored value is one that the domain reads |
//!
//! What is named where, by construction of the events (`record.evidence`):
//!
//! | state | leaf |
//! |---|---|
//! | organisation, user, space, product, risk metric link, registered model, API key, training run, safety metric, runtime event, upload, artifact, webhook endpoint | the target of one of its events |
//! | API key made by a rotation | `replaced_by.after` in the detail of `api_key.rotated` |
//! | registered model made by a discovery | an `id` under `created` in the detail of `model.discovered` |
//! | metric snapshot | an `id` under `snapshots` in the detail of `metric.snapshot.recorded` |
//! | alert | the `id` of an `opened` entry under `alerts` in the same detail |
//!
//! Rows are read in pages and ids compared in rounds, so that memory is bounded whatever the size of
//! the database. All of it sees one snapshot; writers go on meanwhile.

mod catalog;
mod counts;
mod evidence;
mod figures;
mod findings;
mod log;
mod names;
mod postures;
mod record;
mod references;
mod searches;
mod sql;
mod storage;
mod values;
mod webhooks;

use probity_kernel::RepositoryError;

use self::findings::Findings;
use crate::connection::{AnyConnection, Scope, Use};
use crate::database::Database;
use crate::error::StoreResult;

/// How many rows a page holds.
const PAGE: i64 = 1000;
/// How many ids are held in memory at a time: about 32 MiB.
const IDS_AT_ONCE: u64 = 500_000;

/// What a check looked at and what it found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Every check that was made.
    pub checked: Vec<CheckItem>,
    /// What does not hold; empty when all is well. At most 1,000 of one check are told, and how many
    /// more there are.
    pub violations: Vec<Violation>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckItem {
    /// Its name.
    pub name: &'static str,
    /// How many rows or facts it looked at.
    pub examined: u64,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The check.
    pub check: &'static str,
    /// What it is about: ids as UUIDs.
    pub subject: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Database {
    /// Checks every invariant of the database that can be told from its rows. Blocks meanwhile, for
    /// about as long as it takes to read all rows three times.
    ///
    /// # Errors
    /// What the database says when it cannot be read.
    pub fn check(&self) -> Result<CheckReport, RepositoryError> {
        self.check_with(IDS_AT_ONCE)
    }

    /// [`check`](Self::check) with so many ids in memory at a time.
    pub(crate) fn check_with(&self, ids_at_once: u64) -> Result<CheckReport, RepositoryError> {
        // A connection of its own: one that has searched remembers how SQLite's index of searches was
        // then, and its integrity check would compare with that.
        let opened = self.location().connect(Use::Read);
        let mut conn = opened.map_err(|error| RepositoryError::Database(Box::new(error)))?;
        let report = conn.read(Scope::System, true, |conn| -> StoreResult<CheckReport> {
            let mut findings = Findings::default();
            run(conn, &mut findings, ids_at_once)?;
            Ok(findings.into_report())
        });
        report.map_err(RepositoryError::from)
    }
}

fn run(conn: &mut AnyConnection, findings: &mut Findings, ids_at_once: u64) -> StoreResult<()> {
    storage::check(conn, findings)?;
    references::check(conn, findings)?;
    counts::check(conn, findings)?;
    values::check(conn, findings)?;
    postures::check(conn, findings)?;
    webhooks::check(conn, findings)?;
    searches::check(conn, findings)?;
    record::check(conn, findings, ids_at_once)
}
