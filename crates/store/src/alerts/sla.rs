//! Deadlines that pass: put on the record by whoever touches the alert next, or by the worker when
//! nobody does.

use diesel::prelude::*;
use probity_alerts::event::Facts;
use probity_alerts::{AlertState, AlertsEvent, Deadline, Severity, SlaTargets, TrackedAlert};
use probity_kernel::{Actor, Context, OrganizationId, RepositoryError};
use time::{Duration, OffsetDateTime};

use super::rows::TrackedRow;
use super::{configured, update};
use crate::connection::AnyConnection;
use crate::database::Database;
use crate::error::{StoreError, StoreResult};
use crate::schema::tracked_alerts as tracked;
use crate::turn::Tx;
use crate::types::{Id, Utc};

/// The name under which deadlines are watched.
pub(super) const ACTOR: &str = "alerts";

/// Puts what an alert has missed by `now` on the record; answers the alert as it stands then.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    alert: TrackedAlert,
    now: OffsetDateTime,
) -> StoreResult<TrackedAlert> {
    let targets = in_force(tx, alert.organization)?;
    let context = Context::new(alert.organization, Actor::System(ACTOR), now);
    let mut settled = alert;
    for lapse in settled.lapses(&targets, now) {
        let next = settled.breached(lapse, now);
        update(tx, &next, settled.version)?;
        let facts = Facts::of(&next);
        tx.record(&context, &AlertsEvent::SlaBreached { facts, lapse })?;
        settled = next;
    }
    Ok(settled)
}

/// The targets in force, asked for once in a turn.
fn in_force(tx: &mut Tx<'_>, organization: OrganizationId) -> StoreResult<SlaTargets> {
    if let Some(targets) = tx.sla_targets {
        return Ok(targets);
    }
    let targets = configured::targets(tx.conn, organization)?.value;
    tx.sla_targets = Some(targets);
    Ok(targets)
}

/// Open alerts, at most `limit`, that have missed a deadline by `now` and it is not on the record.
fn overdue(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    now: OffsetDateTime,
    limit: u32,
) -> StoreResult<Vec<TrackedAlert>> {
    let targets = configured::targets(conn, organization)?.value;
    let mut found: Vec<TrackedAlert> = Vec::new();
    for severity in Severity::ALL.iter().rev() {
        for deadline in Deadline::ALL {
            let Some(minutes) = targets.of(*severity).minutes(*deadline) else {
                continue;
            };
            let before = now - Duration::minutes(i64::from(minutes));
            let mut query = tracked::table
                .filter(tracked::organization_id.eq(Id(organization.uuid())))
                .filter(tracked::severity.eq(severity.as_str()))
                .filter(tracked::state.eq(AlertState::Open.as_str()))
                .filter(tracked::since.lt(Utc(before)))
                .into_boxed();
            query = match deadline {
                Deadline::Acknowledge => query
                    .filter(tracked::acknowledged_at.is_null())
                    .filter(tracked::acknowledge_breached_at.is_null()),
                Deadline::Resolve => query.filter(tracked::resolve_breached_at.is_null()),
            };
            let rows: Vec<TrackedRow> = query
                .order((tracked::since, tracked::id))
                .limit(i64::from(limit))
                .select(TrackedRow::as_select())
                .load(conn)?;
            for row in rows {
                let alert = TrackedAlert::try_from(row).map_err(StoreError)?;
                if !found.iter().any(|known| known.id == alert.id) {
                    found.push(alert);
                }
            }
        }
    }
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

impl Database {
    /// Puts deadlines that alerts have missed by `now` on the record, of at most `limit` alerts, for a
    /// worker. Blocks meanwhile. Answers of how many it did. Whoever comes second, on this node or
    /// another, finds nothing: the organisation's head is locked while this runs.
    ///
    /// # Errors
    /// What the database says.
    pub fn settle_alerts(
        &self,
        organization: OrganizationId,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        self.write_blocking(organization, move |tx| {
            let overdue = overdue(tx.conn, organization, now, limit)?;
            let count = u32::try_from(overdue.len()).unwrap_or(u32::MAX);
            for alert in overdue {
                settle(tx, alert, now)?;
            }
            Ok(count)
        })
    }

    /// The organisations with alerts that have missed a deadline by `now`. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn organizations_with_overdue_alerts(
        &self,
        now: OffsetDateTime,
    ) -> Result<Vec<OrganizationId>, RepositoryError> {
        self.system_read(|conn| {
            let open: Vec<Id> = tracked::table
                .filter(tracked::state.eq(AlertState::Open.as_str()))
                .filter(
                    tracked::acknowledge_breached_at
                        .is_null()
                        .or(tracked::resolve_breached_at.is_null()),
                )
                .select(tracked::organization_id)
                .distinct()
                .load(conn)?;
            let mut found = Vec::new();
            for organization in open {
                let organization = OrganizationId::new(organization.0);
                if !overdue(conn, organization, now, 1)?.is_empty() {
                    found.push(organization);
                }
            }
            Ok(found)
        })
    }
}
