//! Rows of alerts.

use std::str::FromStr;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use probity_alerts::{Origin, Resolution, SlaRow, TrackedAlert};
use probity_kernel::{AlertId, OrganizationId, ProductId, RepositoryError, Version};
use time::OffsetDateTime;

use crate::error::corrupt;
use crate::schema::tracked_alerts as tracked;
use crate::statement::statement;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = tracked, treat_none_as_default_value = false)]
pub(crate) struct TrackedRow {
    pub(super) id: Id,
    organization_id: Id,
    product_id: Id,
    source: String,
    source_id: Id,
    subject: String,
    severity: String,
    state: String,
    opened_at: Utc,
    pub(super) since: Utc,
    acknowledged_at: Option<Utc>,
    acknowledged_by: Option<String>,
    resolved_at: Option<Utc>,
    resolution: Option<String>,
    note: Option<String>,
    acknowledge_breached_at: Option<Utc>,
    resolve_breached_at: Option<Utc>,
    updated_at: Utc,
    version: i64,
}

impl From<&TrackedAlert> for TrackedRow {
    fn from(alert: &TrackedAlert) -> Self {
        Self {
            id: Id(alert.id.uuid()),
            organization_id: Id(alert.organization.uuid()),
            product_id: Id(alert.product.uuid()),
            source: alert.origin.source.as_str().to_owned(),
            source_id: Id(alert.origin.id),
            subject: alert.origin.subject.clone(),
            severity: alert.severity.as_str().to_owned(),
            state: alert.state.as_str().to_owned(),
            opened_at: Utc(alert.opened_at),
            since: Utc(alert.since),
            acknowledged_at: alert.acknowledged_at.map(Utc),
            acknowledged_by: alert.acknowledged_by.clone(),
            resolved_at: alert.resolved_at.map(Utc),
            resolution: alert.resolution.map(|one| one.as_str().to_owned()),
            note: alert.note.clone(),
            acknowledge_breached_at: alert.acknowledge_breached_at.map(Utc),
            resolve_breached_at: alert.resolve_breached_at.map(Utc),
            updated_at: Utc(alert.updated_at),
            version: alert.version.get(),
        }
    }
}

impl TrackedRow {
    /// Puts the row in the place of its version of before.
    pub(super) fn moved(&self, expected: Version) -> MoveTracked<'_> {
        MoveTracked {
            severity: &self.severity,
            state: &self.state,
            since: self.since,
            acknowledged_at: self.acknowledged_at,
            acknowledged_by: self.acknowledged_by.as_deref(),
            resolved_at: self.resolved_at,
            resolution: self.resolution.as_deref(),
            note: self.note.as_deref(),
            acknowledge_breached_at: self.acknowledge_breached_at,
            resolve_breached_at: self.resolve_breached_at,
            updated_at: self.updated_at,
            version: self.version,
            organization: self.organization_id,
            alert: self.id,
            expected: expected.get(),
        }
    }
}

statement! {
    /// Moves an alert; what opened it and when stays.
    pub(super) struct MoveTracked<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
        "UPDATE tracked_alerts SET severity = " severity: &'a str as Text,
        ", state = " state: &'a str as Text,
        ", since = " since: Utc as AnyTimestamp,
        ", acknowledged_at = " acknowledged_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", acknowledged_by = " acknowledged_by: Option<&'a str> as Nullable<Text>,
        ", resolved_at = " resolved_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", resolution = " resolution: Option<&'a str> as Nullable<Text>,
        ", note = " note: Option<&'a str> as Nullable<Text>,
        ", acknowledge_breached_at = " acknowledge_breached_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", resolve_breached_at = " resolve_breached_at: Option<Utc> as Nullable<AnyTimestamp>,
        ", updated_at = " updated_at: Utc as AnyTimestamp,
        ", version = " version: i64 as BigInt,
        " WHERE organization_id = " organization: Id as AnyUuid,
        " AND id = " alert: Id as AnyUuid,
        " AND version = " expected: i64 as BigInt; ""
    }
}

fn word<T: FromStr>(column: &'static str, text: &str) -> Result<T, RepositoryError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error: T::Err| corrupt("tracked_alerts", column)(Box::new(error)))
}

fn at(at: Option<Utc>) -> Option<OffsetDateTime> {
    at.map(|Utc(at)| at)
}

impl TryFrom<TrackedRow> for TrackedAlert {
    type Error = RepositoryError;

    fn try_from(row: TrackedRow) -> Result<Self, RepositoryError> {
        let resolution = row.resolution.as_deref();
        let resolution = resolution.map(|text| word::<Resolution>("resolution", text));
        Ok(Self {
            id: AlertId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            origin: Origin {
                source: word("source", &row.source)?,
                id: row.source_id.0,
                subject: row.subject,
            },
            severity: word("severity", &row.severity)?,
            state: word("state", &row.state)?,
            opened_at: row.opened_at.0,
            since: row.since.0,
            acknowledged_at: at(row.acknowledged_at),
            acknowledged_by: row.acknowledged_by,
            resolved_at: at(row.resolved_at),
            resolution: resolution.transpose()?,
            note: row.note,
            acknowledge_breached_at: at(row.acknowledge_breached_at),
            resolve_breached_at: at(row.resolve_breached_at),
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

/// What a report adds up.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = tracked)]
pub(super) struct ClockRow {
    severity: String,
    since: Utc,
    acknowledged_at: Option<Utc>,
    resolved_at: Option<Utc>,
    acknowledge_breached_at: Option<Utc>,
    resolve_breached_at: Option<Utc>,
}

impl TryFrom<ClockRow> for SlaRow {
    type Error = RepositoryError;

    fn try_from(row: ClockRow) -> Result<Self, RepositoryError> {
        Ok(Self {
            severity: word("severity", &row.severity)?,
            since: row.since.0,
            acknowledged_at: at(row.acknowledged_at),
            resolved_at: at(row.resolved_at),
            acknowledge_breached: row.acknowledge_breached_at.is_some(),
            resolve_breached: row.resolve_breached_at.is_some(),
        })
    }
}
