//! The rows of a turn: one prepared statement per row where the database is in this process,
//! arrays where each statement costs a round trip.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text};
use diesel::sqlite::Sqlite;
use probity_guardian::{DisparateImpact, Psi, Snapshot};

use super::filing::file_when_due;
use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::schema::product_standings;
use crate::statement::statement;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

struct SnapshotRow<'a> {
    organization_id: Id,
    product_id: Id,
    captured_at: Utc,
    id: Id,
    drift_score: f64,
    fairness_score: f64,
    psi: Option<f64>,
    disparate_impact: Option<f64>,
    sample_size: i64,
    status: &'static str,
    threshold_source: &'static str,
    received_at: Utc,
    notes: Option<&'a str>,
    recipe: Option<String>,
}

impl<'a> SnapshotRow<'a> {
    fn new(organization: Id, snapshot: &'a Snapshot) -> Self {
        let Snapshot {
            new,
            status,
            received_at,
            threshold_source,
        } = snapshot;
        Self {
            organization_id: organization,
            product_id: Id(new.product.uuid()),
            captured_at: Utc(new.captured_at),
            id: Id(new.id.uuid()),
            drift_score: new.drift_score.get(),
            fairness_score: new.fairness_score.get(),
            psi: new.psi.map(Psi::get),
            disparate_impact: new.disparate_impact.map(DisparateImpact::get),
            sample_size: i64::try_from(new.sample_size.get()).unwrap_or(i64::MAX),
            status: status.as_str(),
            threshold_source: threshold_source.as_str(),
            received_at: Utc(*received_at),
            notes: new.notes.as_deref(),
            recipe: new.recipe.as_ref().map(ToString::to_string),
        }
    }
}

impl SnapshotRow<'_> {
    fn insert(&self, conn: &mut SqliteConnection) -> StoreResult<()> {
        InsertSnapshot {
            organization: self.organization_id,
            product: self.product_id,
            captured_at: self.captured_at,
            id: self.id,
            drift_score: self.drift_score,
            fairness_score: self.fairness_score,
            psi: self.psi,
            disparate_impact: self.disparate_impact,
            sample_size: self.sample_size,
            status: self.status,
            threshold_source: self.threshold_source,
            received_at: self.received_at,
            notes: self.notes,
            recipe: self.recipe.as_deref(),
        }
        .execute(conn)?;
        Ok(())
    }
}

statement! {
    /// Inserts one snapshot.
    struct InsertSnapshot<'a> for (Sqlite as SqliteConnection) {
        "INSERT INTO arrived_snapshots (organization_id, product_id, captured_at, id, drift_score, \
         fairness_score, psi, disparate_impact, sample_size, status, threshold_source, received_at, \
         notes, recipe) VALUES (" organization: Id as AnyUuid,
        ", " product: Id as AnyUuid,
        ", " captured_at: Utc as AnyTimestamp,
        ", " id: Id as AnyUuid,
        ", " drift_score: f64 as Double,
        ", " fairness_score: f64 as Double,
        ", " psi: Option<f64> as Nullable<Double>,
        ", " disparate_impact: Option<f64> as Nullable<Double>,
        ", " sample_size: i64 as BigInt,
        ", " status: &'a str as Text,
        ", " threshold_source: &'a str as Text,
        ", " received_at: Utc as AnyTimestamp,
        ", " notes: Option<&'a str> as Nullable<Text>,
        ", " recipe: Option<&'a str> as Nullable<Text>; ")"
    }
}

/// Inserts snapshots.
pub(super) fn insert_snapshots(
    conn: &mut AnyConnection,
    organization: Id,
    snapshots: &[Snapshot],
) -> StoreResult<()> {
    let rows = snapshots
        .iter()
        .map(|snapshot| SnapshotRow::new(organization, snapshot));
    match conn {
        AnyConnection::Sqlite(c) => {
            for row in rows {
                row.insert(c)?;
            }
            file_when_due(c)?;
        }
        AnyConnection::Postgres(c) => insert_arrays(c, &rows.collect::<Vec<_>>())?,
    }
    Ok(())
}

fn insert_arrays(conn: &mut PgConnection, rows: &[SnapshotRow<'_>]) -> StoreResult<()> {
    fn column<'a, T>(
        rows: &'a [SnapshotRow<'a>],
        pick: impl Fn(&'a SnapshotRow<'a>) -> T,
    ) -> Vec<T> {
        rows.iter().map(pick).collect()
    }
    InsertSnapshots {
        organizations: column(rows, |row| row.organization_id),
        products: column(rows, |row| row.product_id),
        captured_at: column(rows, |row| row.captured_at),
        ids: column(rows, |row| row.id),
        drift_scores: column(rows, |row| row.drift_score),
        fairness_scores: column(rows, |row| row.fairness_score),
        psis: column(rows, |row| row.psi),
        disparate_impacts: column(rows, |row| row.disparate_impact),
        sample_sizes: column(rows, |row| row.sample_size),
        statuses: column(rows, |row| row.status),
        threshold_sources: column(rows, |row| row.threshold_source),
        received_at: column(rows, |row| row.received_at),
        notes: column(rows, |row| row.notes),
        recipes: column(rows, |row| row.recipe.as_deref()),
    }
    .execute(conn)?;
    Ok(())
}

statement! {
    /// Inserts many snapshots.
    struct InsertSnapshots<'a> for (Pg as PgConnection) {
        "INSERT INTO metric_snapshots (organization_id, product_id, captured_at, id, drift_score, \
         fairness_score, psi, disparate_impact, sample_size, status, threshold_source, received_at, \
         notes, recipe) SELECT * FROM UNNEST (" organizations: Vec<Id> as Array<AnyUuid>,
        ", " products: Vec<Id> as Array<AnyUuid>,
        ", " captured_at: Vec<Utc> as Array<AnyTimestamp>,
        ", " ids: Vec<Id> as Array<AnyUuid>,
        ", " drift_scores: Vec<f64> as Array<Double>,
        ", " fairness_scores: Vec<f64> as Array<Double>,
        ", " psis: Vec<Option<f64>> as Array<Nullable<Double>>,
        ", " disparate_impacts: Vec<Option<f64>> as Array<Nullable<Double>>,
        ", " sample_sizes: Vec<i64> as Array<BigInt>,
        ", " statuses: Vec<&'static str> as Array<Text>,
        ", " threshold_sources: Vec<&'static str> as Array<Text>,
        ", " received_at: Vec<Utc> as Array<AnyTimestamp>,
        ", " notes: Vec<Option<&'a str>> as Array<Nullable<Text>>,
        ", " recipes: Vec<Option<&'a str>> as Array<Nullable<Text>>; ")"
    }
}

/// Where a product stands after a turn, and how many snapshots the turn added.
pub(super) struct StandingRow {
    pub(super) organization_id: Id,
    pub(super) product_id: Id,
    pub(super) latest_captured_at: Utc,
    pub(super) latest_status: &'static str,
    pub(super) snapshots: i64,
    pub(super) is_new: bool,
}

/// Moves the standings of products.
pub(super) fn move_standings(conn: &mut AnyConnection, rows: &[StandingRow]) -> StoreResult<()> {
    match conn {
        AnyConnection::Sqlite(c) => {
            for row in rows {
                move_one(c, row)?;
            }
        }
        AnyConnection::Postgres(c) => move_arrays(c, rows)?,
    }
    Ok(())
}

fn move_one(conn: &mut SqliteConnection, row: &StandingRow) -> StoreResult<()> {
    if row.is_new {
        diesel::insert_into(product_standings::table)
            .values((
                product_standings::organization_id.eq(row.organization_id),
                product_standings::product_id.eq(row.product_id),
                product_standings::latest_captured_at.eq(row.latest_captured_at),
                product_standings::latest_status.eq(row.latest_status),
                product_standings::snapshots.eq(row.snapshots),
            ))
            .execute(conn)?;
        return Ok(());
    }
    MoveStanding {
        latest_captured_at: row.latest_captured_at,
        latest_status: row.latest_status,
        snapshots: row.snapshots,
        organization: row.organization_id,
        product: row.product_id,
    }
    .execute(conn)?;
    Ok(())
}

statement! {
    /// Moves one standing.
    struct MoveStanding<'a> for (Sqlite as SqliteConnection) {
        "UPDATE product_standings SET latest_captured_at = " latest_captured_at: Utc as AnyTimestamp,
        ", latest_status = " latest_status: &'a str as Text,
        ", snapshots = snapshots + " snapshots: i64 as BigInt,
        " WHERE organization_id = " organization: Id as AnyUuid,
        " AND product_id = " product: Id as AnyUuid; ""
    }
}

fn move_arrays(conn: &mut PgConnection, rows: &[StandingRow]) -> StoreResult<()> {
    fn column<T>(rows: &[StandingRow], pick: impl Fn(&StandingRow) -> T) -> Vec<T> {
        rows.iter().map(pick).collect()
    }
    MoveStandings {
        organizations: column(rows, |row| row.organization_id),
        products: column(rows, |row| row.product_id),
        latest_captured_at: column(rows, |row| row.latest_captured_at),
        latest_statuses: &column(rows, |row| row.latest_status),
        snapshots: column(rows, |row| row.snapshots),
    }
    .execute(conn)?;
    Ok(())
}

statement! {
    /// Moves many standings.
    struct MoveStandings<'a> for (Pg as PgConnection) {
        "INSERT INTO product_standings (organization_id, product_id, latest_captured_at, \
         latest_status, snapshots) SELECT * FROM UNNEST (" organizations: Vec<Id> as Array<AnyUuid>,
        ", " products: Vec<Id> as Array<AnyUuid>,
        ", " latest_captured_at: Vec<Utc> as Array<AnyTimestamp>,
        ", " latest_statuses: &'a [&'static str] as Array<Text>,
        ", " snapshots: Vec<i64> as Array<BigInt>;
        ") ON CONFLICT (organization_id, product_id) DO UPDATE SET \
         latest_captured_at = excluded.latest_captured_at, latest_status = excluded.latest_status, \
         snapshots = product_standings.snapshots + excluded.snapshots"
    }
}
