//! A snapshot has the figures that its leaf tells: whoever changes a row leaves the record behind.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use probity_kernel::OrganizationId;
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::findings::Findings;
use super::log::Entry;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreResult;
use crate::schema::metric_snapshots as snapshots;
use crate::types::{Id, Utc};

pub(super) const CHECK: &str = "record.figures";
/// How many rows a statement picks.
const STEP: usize = 200;

/// What the detail of `metric.snapshot.recorded` tells.
#[derive(Deserialize)]
struct Detail {
    snapshots: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    id: Uuid,
    product_id: Uuid,
    drift_score: f64,
    fairness_score: f64,
    psi: Option<f64>,
    disparate_impact: Option<f64>,
    sample_size: i64,
    #[serde(with = "time::serde::rfc3339")]
    captured_at: OffsetDateTime,
    status: String,
    threshold_source: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = snapshots)]
struct Row {
    id: Id,
    drift_score: f64,
    fairness_score: f64,
    psi: Option<f64>,
    disparate_impact: Option<f64>,
    sample_size: i64,
    status: String,
    threshold_source: String,
}

impl Told {
    /// The first column that does not hold what was told.
    fn differs_from(&self, row: &Row) -> Option<&'static str> {
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        let same = [
            (
                "drift_score",
                bits(Some(self.drift_score)) == bits(Some(row.drift_score)),
            ),
            (
                "fairness_score",
                bits(Some(self.fairness_score)) == bits(Some(row.fairness_score)),
            ),
            ("psi", bits(self.psi) == bits(row.psi)),
            (
                "disparate_impact",
                bits(self.disparate_impact) == bits(row.disparate_impact),
            ),
            ("sample_size", self.sample_size == row.sample_size),
            ("status", self.status == row.status),
            (
                "threshold_source",
                self.threshold_source == row.threshold_source,
            ),
        ];
        same.into_iter()
            .find(|(_, same)| !same)
            .map(|(column, _)| column)
    }
}

/// Compares the snapshots that a page of entries tells with their rows.
pub(super) fn compare(
    conn: &mut AnyConnection,
    findings: &mut Findings,
    organization: OrganizationId,
    page: &[Entry],
) -> StoreResult<()> {
    let mut by_product: BTreeMap<Uuid, Vec<Told>> = BTreeMap::new();
    for told in page.iter().flat_map(told_by) {
        by_product.entry(told.product_id).or_default().push(told);
    }
    for (product, told) in &by_product {
        for told in told.chunks(STEP) {
            let rows = rows_of(conn, organization, *product, told)?;
            findings.examined(CHECK, u64::try_from(told.len()).unwrap_or_default());
            for told in told {
                tell(findings, told, rows.get(&told.id));
            }
        }
    }
    Ok(())
}

/// Details that cannot be read are another check's to tell.
fn told_by(entry: &Entry) -> Vec<Told> {
    let records = |action: &str| action == "metric.snapshot.recorded";
    let leaf = entry.parsed();
    if !leaf.is_some_and(|leaf| records(leaf.header().action)) {
        return Vec::new();
    }
    let detail = entry
        .detail
        .as_deref()
        .map(serde_json::from_slice::<Detail>);
    detail
        .and_then(Result::ok)
        .map_or_else(Vec::new, |detail| detail.snapshots)
}

fn rows_of(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: Uuid,
    told: &[Told],
) -> StoreResult<HashMap<Uuid, Row>> {
    let instants: Vec<Utc> = told.iter().map(|told| Utc(told.captured_at)).collect();
    let rows: Vec<Row> = snapshots::table
        .filter(snapshots::organization_id.eq(Id(organization.uuid())))
        .filter(snapshots::product_id.eq(Id(product)))
        .filter(snapshots::captured_at.eq_any(instants))
        .select(Row::as_select())
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.id.0, row)).collect())
}

fn tell(findings: &mut Findings, told: &Told, row: Option<&Row>) {
    let detail = match row {
        None => "is on the record, and there is no such snapshot".to_owned(),
        Some(row) => match told.differs_from(row) {
            None => return,
            Some(column) => format!("{column} is not what the record tells"),
        },
    };
    findings.violated(CHECK, told.id.to_string(), detail);
}
