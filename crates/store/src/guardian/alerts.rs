//! Alerts: at most one open alert per product and metric, which a unique index guards.

use std::collections::BTreeSet;
use std::str::FromStr;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel::sqlite::Sqlite;
use probity_guardian::{Alert, AlertFilter};
use probity_kernel::{
    AlertId, Cursor, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError,
    SnapshotId, Version,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalog::products_in;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::guard;
use crate::listing::page_of;
use crate::schema::alerts;
use crate::statement::statement;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

#[derive(Debug, Queryable, Selectable, Serialize, Deserialize)]
#[diesel(table_name = alerts)]
pub(crate) struct AlertRow {
    id: Id,
    organization_id: Id,
    product_id: Id,
    metric: String,
    severity: String,
    state: String,
    value: f64,
    threshold: f64,
    snapshot_id: Id,
    opened_at: Utc,
    escalated_at: Option<Utc>,
    acknowledged_at: Option<Utc>,
    acknowledged_by: Option<String>,
    resolved_at: Option<Utc>,
    resolution: Option<String>,
    note: Option<String>,
    updated_at: Utc,
    version: i64,
}

impl From<&Alert> for AlertRow {
    fn from(alert: &Alert) -> Self {
        Self {
            id: Id(alert.id.uuid()),
            organization_id: Id(alert.organization.uuid()),
            product_id: Id(alert.product.uuid()),
            metric: alert.metric.as_str().to_owned(),
            severity: alert.severity.as_str().to_owned(),
            state: alert.state.as_str().to_owned(),
            value: alert.value,
            threshold: alert.threshold,
            snapshot_id: Id(alert.snapshot.uuid()),
            opened_at: Utc(alert.opened_at),
            escalated_at: alert.escalated_at.map(Utc),
            acknowledged_at: alert.acknowledged_at.map(Utc),
            acknowledged_by: alert.acknowledged_by.clone(),
            resolved_at: alert.resolved_at.map(Utc),
            resolution: alert
                .resolution
                .map(|resolution| resolution.as_str().to_owned()),
            note: alert.note.clone(),
            updated_at: Utc(alert.updated_at),
            version: alert.version.get(),
        }
    }
}

fn read<T: FromStr>(column: &'static str, text: &str) -> Result<T, RepositoryError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error: T::Err| corrupt("alerts", column)(Box::new(error)))
}

impl TryFrom<AlertRow> for Alert {
    type Error = RepositoryError;

    fn try_from(row: AlertRow) -> Result<Self, RepositoryError> {
        Ok(Self {
            id: AlertId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            metric: read("metric", &row.metric)?,
            severity: read("severity", &row.severity)?,
            state: read("state", &row.state)?,
            value: row.value,
            threshold: row.threshold,
            snapshot: SnapshotId::new(row.snapshot_id.0),
            opened_at: row.opened_at.0,
            escalated_at: row.escalated_at.map(|at| at.0),
            acknowledged_at: row.acknowledged_at.map(|at| at.0),
            acknowledged_by: row.acknowledged_by,
            resolved_at: row.resolved_at.map(|at| at.0),
            resolution: row
                .resolution
                .map(|text| read("resolution", &text))
                .transpose()?,
            note: row.note,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

/// The open alerts of some products.
pub(super) fn open_of(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    products: &BTreeSet<ProductId>,
) -> StoreResult<Vec<Alert>> {
    let query = || {
        alerts::table
            .filter(alerts::organization_id.eq(Id(organization.uuid())))
            // A literal, as in the partial index that finds them.
            .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(
                "state = 'open'",
            ))
            .select(AlertRow::as_select())
    };
    let mut rows: Vec<AlertRow> = Vec::new();
    if conn.is_postgres() {
        let ids: Vec<Id> = products.iter().map(|product| Id(product.uuid())).collect();
        rows = query().filter(alerts::product_id.eq_any(ids)).load(conn)?;
    } else {
        for product in products {
            rows.extend(
                query()
                    .filter(alerts::product_id.eq(Id(product.uuid())))
                    .load(conn)?,
            );
        }
    }
    rows.into_iter()
        .map(|row| row.try_into().map_err(StoreError))
        .collect()
}

pub(super) fn open(conn: &mut AnyConnection, alert: &Alert) -> StoreResult<()> {
    let row = AlertRow::from(alert);
    let insert = InsertAlert {
        id: row.id,
        organization_id: row.organization_id,
        product_id: row.product_id,
        metric: &row.metric,
        severity: &row.severity,
        state: &row.state,
        value: row.value,
        threshold: row.threshold,
        snapshot_id: row.snapshot_id,
        opened_at: row.opened_at,
        escalated_at: row.escalated_at,
        acknowledged_at: row.acknowledged_at,
        acknowledged_by: row.acknowledged_by.as_deref(),
        resolved_at: row.resolved_at,
        resolution: row.resolution.as_deref(),
        note: row.note.as_deref(),
        updated_at: row.updated_at,
        version: row.version,
    };
    match conn {
        AnyConnection::Sqlite(c) => insert.execute(c)?,
        AnyConnection::Postgres(c) => insert.execute(c)?,
    };
    Ok(())
}

statement! {
    /// Inserts an alert.
    struct InsertAlert<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
        "INSERT INTO alerts (id, organization_id, product_id, metric, severity, state, value, threshold, snapshot_id, opened_at, escalated_at, acknowledged_at, acknowledged_by, resolved_at, resolution, note, updated_at, version) VALUES (" id: Id as AnyUuid,
        ", " organization_id: Id as AnyUuid,
        ", " product_id: Id as AnyUuid,
        ", " metric: &'a str as Text,
        ", " severity: &'a str as Text,
        ", " state: &'a str as Text,
        ", " value: f64 as Double,
        ", " threshold: f64 as Double,
        ", " snapshot_id: Id as AnyUuid,
        ", " opened_at: Utc as AnyTimestamp,
        ", " escalated_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", " acknowledged_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", " acknowledged_by: Option<&'a str> as Nullable<Text>,
        ", " resolved_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", " resolution: Option<&'a str> as Nullable<Text>,
        ", " note: Option<&'a str> as Nullable<Text>,
        ", " updated_at: Utc as AnyTimestamp,
        ", " version: i64 as BigInt; ")"
    }
}

pub(super) fn update(conn: &mut AnyConnection, next: &Alert, expected: Version) -> StoreResult<()> {
    let row = AlertRow::from(next);
    let update = UpdateAlert {
        severity: &row.severity,
        state: &row.state,
        value: row.value,
        threshold: row.threshold,
        snapshot_id: row.snapshot_id,
        escalated_at: row.escalated_at,
        acknowledged_at: row.acknowledged_at,
        acknowledged_by: row.acknowledged_by.as_deref(),
        resolved_at: row.resolved_at,
        resolution: row.resolution.as_deref(),
        note: row.note.as_deref(),
        updated_at: row.updated_at,
        version: row.version,
        organization: row.organization_id,
        alert: row.id,
        expected: expected.get(),
    };
    let changed = match conn {
        AnyConnection::Sqlite(c) => update.execute(c)?,
        AnyConnection::Postgres(c) => update.execute(c)?,
    };
    guard(changed == 1, RepositoryError::Stale)
}

statement! {
    /// Updates an alert at its expected version.
    struct UpdateAlert<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
        "UPDATE alerts SET severity = " severity: &'a str as Text,
        ", state = " state: &'a str as Text,
        ", value = " value: f64 as Double,
        ", threshold = " threshold: f64 as Double,
        ", snapshot_id = " snapshot_id: Id as AnyUuid,
        ", escalated_at = " escalated_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", acknowledged_at = " acknowledged_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", acknowledged_by = " acknowledged_by: Option<&'a str> as Nullable<Text>,
        ", resolved_at = " resolved_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", resolution = " resolution: Option<&'a str> as Nullable<Text>,
        ", note = " note: Option<&'a str> as Nullable<Text>,
        ", updated_at = " updated_at: Utc as AnyTimestamp,
        ", version = " version: i64 as BigInt,
        " WHERE organization_id = " organization: Id as AnyUuid,
        " AND id = " alert: Id as AnyUuid,
        " AND version = " expected: i64 as BigInt; ""
    }
}

pub(super) fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    id: AlertId,
) -> StoreResult<Option<Alert>> {
    let row: Option<AlertRow> = alerts::table
        .filter(alerts::organization_id.eq(Id(organization.uuid())))
        .filter(alerts::id.eq(Id(id.uuid())))
        .select(AlertRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(Alert::try_from).transpose().map_err(StoreError)
}

fn matching<'a>(
    organization: OrganizationId,
    filter: &AlertFilter,
) -> alerts::BoxedQuery<'a, MultiBackend> {
    let mut query = alerts::table
        .filter(alerts::organization_id.eq(Id(organization.uuid())))
        .into_boxed::<MultiBackend>();
    if let Some(product) = filter.product {
        query = query.filter(alerts::product_id.eq(Id(product.uuid())));
    }
    if let Some(metric) = filter.metric {
        query = query.filter(alerts::metric.eq(metric.as_str()));
    }
    if let Some(severity) = filter.severity {
        query = query.filter(alerts::severity.eq(severity.as_str()));
    }
    if let Some(state) = filter.state {
        query = query.filter(alerts::state.eq(state.as_str()));
    }
    if let Some(spaces) = &filter.spaces {
        let placed = products_in!(organization, spaces);
        query = query.filter(alerts::product_id.eq_any(placed));
    }
    query
}

pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &AlertFilter,
    page: &PageRequest,
) -> StoreResult<Page<Alert>> {
    let total: i64 = matching(organization, filter).count().get_result(conn)?;
    let mut query = matching(organization, filter).select(AlertRow::as_select());
    match &page.paging {
        Paging::Offset(skip) => query = query.offset(i64::try_from(*skip).unwrap_or(i64::MAX)),
        Paging::After(cursor) => {
            let (at, id) = (Utc::of_micros(cursor.key), Id(Uuid::from_u128(cursor.tie)));
            let earlier = alerts::opened_at
                .lt(at)
                .or(alerts::opened_at.eq(at).and(alerts::id.lt(id)));
            query = query.filter(earlier);
        }
    }
    let rows: Vec<AlertRow> = query
        .order((alerts::opened_at.desc(), alerts::id.desc()))
        .limit(i64::from(page.limit) + 1)
        .load(conn)?;
    let cursor = |row: &AlertRow| Cursor {
        key: row.opened_at.micros(),
        tie: row.id.0.as_u128(),
    };
    page_of(page, total, rows, cursor, Alert::try_from)
}
