//! The rows of a turn: one prepared statement per row where the database is in this process,
//! arrays where each statement costs a round trip.
#![expect(
    clippy::ref_option_ref,
    reason = "the derived insert refers to each field, and texts are borrowed"
)]

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text};
use probity_guardian::{DisparateImpact, Psi, Snapshot};

use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::schema::{metric_snapshots, product_standings};
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

#[derive(Insertable)]
#[diesel(table_name = metric_snapshots, treat_none_as_default_value = false)]
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
                diesel::insert_into(metric_snapshots::table)
                    .values(row)
                    .execute(c)?;
            }
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
    diesel::sql_query(
        "INSERT INTO metric_snapshots (organization_id, product_id, captured_at, id, drift_score, \
         fairness_score, psi, disparate_impact, sample_size, status, threshold_source, received_at, \
         notes, recipe) \
         SELECT * FROM UNNEST ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind::<Array<AnyUuid>, _>(column(rows, |row| row.organization_id))
    .bind::<Array<AnyUuid>, _>(column(rows, |row| row.product_id))
    .bind::<Array<AnyTimestamp>, _>(column(rows, |row| row.captured_at))
    .bind::<Array<AnyUuid>, _>(column(rows, |row| row.id))
    .bind::<Array<Double>, _>(column(rows, |row| row.drift_score))
    .bind::<Array<Double>, _>(column(rows, |row| row.fairness_score))
    .bind::<Array<Nullable<Double>>, _>(column(rows, |row| row.psi))
    .bind::<Array<Nullable<Double>>, _>(column(rows, |row| row.disparate_impact))
    .bind::<Array<BigInt>, _>(column(rows, |row| row.sample_size))
    .bind::<Array<Text>, _>(column(rows, |row| row.status))
    .bind::<Array<Text>, _>(column(rows, |row| row.threshold_source))
    .bind::<Array<AnyTimestamp>, _>(column(rows, |row| row.received_at))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.notes))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.recipe.as_deref()))
    .execute(conn)?;
    Ok(())
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
    diesel::update(product_standings::table.find((row.organization_id, row.product_id)))
        .set((
            product_standings::latest_captured_at.eq(row.latest_captured_at),
            product_standings::latest_status.eq(row.latest_status),
            product_standings::snapshots.eq(product_standings::snapshots + row.snapshots),
        ))
        .execute(conn)?;
    Ok(())
}

fn move_arrays(conn: &mut PgConnection, rows: &[StandingRow]) -> StoreResult<()> {
    fn column<T>(rows: &[StandingRow], pick: impl Fn(&StandingRow) -> T) -> Vec<T> {
        rows.iter().map(pick).collect()
    }
    diesel::sql_query(
        "INSERT INTO product_standings (organization_id, product_id, latest_captured_at, \
         latest_status, snapshots) SELECT * FROM UNNEST ($1, $2, $3, $4, $5) \
         ON CONFLICT (organization_id, product_id) DO UPDATE SET \
         latest_captured_at = excluded.latest_captured_at, latest_status = excluded.latest_status, \
         snapshots = product_standings.snapshots + excluded.snapshots",
    )
    .bind::<Array<AnyUuid>, _>(column(rows, |row| row.organization_id))
    .bind::<Array<AnyUuid>, _>(column(rows, |row| row.product_id))
    .bind::<Array<AnyTimestamp>, _>(column(rows, |row| row.latest_captured_at))
    .bind::<Array<Text>, _>(column(rows, |row| row.latest_status))
    .bind::<Array<BigInt>, _>(column(rows, |row| row.snapshots))
    .execute(conn)?;
    Ok(())
}
