//! The check of a whole database: silent about a sound one, and each kind of damage is told.

use probity_guardian::{GuardianRepository, Ingestion};
use probity_kernel::{IdSource, OrganizationId};
use probity_ledger::{Checkpoint, Hash, NoteSigner};
use probity_registry::ModelRepository;
use probity_store::CheckReport;
use uuid::Uuid;

use crate::support::story::{Story, observed_usage};
use crate::support::{Bed, NOW, Raw, context, tell};

/// Two organisations with rows in every table, and a checkpoint of the first.
struct Two {
    north: Story,
    south: Story,
    /// How many leaves the checkpoint is over.
    size: u64,
    /// An id that nothing has.
    unknown: Uuid,
}

impl Two {
    fn tell(bed: &Bed) -> Self {
        let mut two = Self {
            north: tell(bed, "north", &mut |_, _| ()),
            south: tell(bed, "south", &mut |_, _| ()),
            size: 0,
            unknown: bed.ids.next_id(NOW),
        };
        let head = bed.block(bed.database.log_head(two.north.organization));
        let head = head.expect("a read").expect("a head");
        two.size = head.size;
        keep(
            bed,
            two.north.organization,
            head.size,
            &note(two.north.organization, head.size, head.root),
        );
        two
    }

    /// The condition that picks the rows of the first organisation.
    fn mine(&self, raw: &Raw) -> String {
        format!(
            "organization_id = {}",
            raw.uuid(self.north.organization.uuid())
        )
    }

    /// Assigns the first organisation's rows of a table, where a condition holds, another value.
    fn set(&self, raw: &Raw, table: &str, assignment: &str, condition: &str) -> String {
        let (table, mine) = (raw.table(table), self.mine(raw));
        format!("UPDATE {table} SET {assignment} WHERE {mine} AND {condition}")
    }

    /// The entry of the first organisation with a sequence number; its number is 1.
    fn entry(assignment: &str, seq: i64) -> String {
        format!(
            "UPDATE audit_entries SET {assignment} WHERE position = {}",
            at(1, seq)
        )
    }
}

/// Picks an organisation's first governance event.
const FIRST_EVENT: &str = "ordinal = 0 AND audit_index = \
    (SELECT MIN(audit_index) FROM governance_events)";

fn at(no: i64, seq: i64) -> i64 {
    (no << 40) + seq
}

/// The column of another entry.
fn of_entry(column: &str, no: i64, seq: i64) -> String {
    format!(
        "(SELECT {column} FROM audit_entries WHERE position = {})",
        at(no, seq)
    )
}

/// The signed checkpoint of a log.
fn note(organization: OrganizationId, size: u64, root: Hash) -> String {
    let origin = format!("probity.example/{organization}/audit/1");
    let signer = NoteSigner::from_seed(&origin, &[7; 32]).expect("a key");
    let checkpoint = Checkpoint::new(&origin, size, root).expect("a checkpoint");
    checkpoint
        .sign(&[&signer])
        .expect("a signature")
        .to_string()
}

fn keep(bed: &Bed, organization: OrganizationId, size: u64, note: &str) {
    let kept = bed.database.keep_checkpoint(organization, size, note, NOW);
    kept.expect("a checkpoint");
}

fn check(bed: &Bed) -> CheckReport {
    bed.database.check().expect("a check")
}

#[track_caller]
fn sound(bed: &Bed) -> CheckReport {
    let report = check(bed);
    assert_eq!(report.violations, [], "the database is sound");
    report
}

#[track_caller]
fn found(report: &CheckReport, name: &str, text: &str) {
    let told = &report.violations;
    let known = report.checked.iter().any(|item| item.name == name);
    assert!(known, "{name} is not among the checks");
    assert!(
        told.iter()
            .any(|one| one.check == name && one.detail.contains(text)),
        "nothing of {name} with `{text}` in {told:#?}"
    );
}

/// Damages a sound database and looks for what is told about it.
#[track_caller]
fn damage(bed: &Bed, sql: fn(&Raw, &Two) -> String, name: &str, text: &str) {
    let two = Two::tell(bed);
    sound(bed);
    let mut raw = bed.raw();
    // The constraints of the database would refuse most of it.
    raw.must(match &raw {
        Raw::Sqlite(_) => "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON",
        Raw::Postgres(_) => "SET session_replication_role = replica",
    });
    let sql = sql(&raw, &two);
    raw.must(&sql);
    found(&check(bed), name, text);
}

macro_rules! damages {
    ($($name:ident: $sql:expr => $check:literal, $text:literal;)+) => {
        $(fn $name(bed: &Bed) { damage(bed, $sql, $check, $text); })+
        on_both_databases!($($name),+);
    };
}

mod evidence;
mod kept;
mod record;
mod references;
mod sound_databases;
mod values;
