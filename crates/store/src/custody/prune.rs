//! Deleting what its window no longer covers: in steps, each a unit of work on the record.
//!
//! A step looks at what is there under the lock of the organisation's record. So steps may be repeated,
//! interrupted and run on several nodes at once: whoever comes second finds less, or nothing.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use probity_custody::Target;
use probity_kernel::{Context, DomainEvent, OrganizationId, RepositoryError, Subject};
use probity_ledger::{Absence, Prune, root_at};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::windows;
use crate::audit::{StoredHashes, block_of, forget_blocks};
use crate::connection::{AnyConnection, MultiBackend};
use crate::database::Database;
use crate::error::{StoreError, StoreResult};
use crate::past::{self, CHANGING};
use crate::record::absence::AbsenceEvent;
use crate::record::position;
use crate::schema::{audit_heads, organizations};
use crate::turn::Tx;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

/// What a round of pruning deleted of one organisation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Leaves of the record.
    pub leaves: u64,
    /// Resolved alerts.
    pub alerts: u64,
}

impl Database {
    /// The organisations, for workers. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn organization_ids(&self) -> Result<Vec<OrganizationId>, RepositoryError> {
        self.system_read(|conn| {
            let ids: Vec<Id> = organizations::table
                .order(organizations::no)
                .select(organizations::id)
                .load(conn)?;
            Ok(ids
                .into_iter()
                .map(|id| OrganizationId::new(id.0))
                .collect())
        })
    }

    /// Deletes what the windows of an organisation no longer cover, at most `limit` of each kind.
    /// Blocks meanwhile; to be called again while it deletes something.
    ///
    /// # Errors
    /// `Unavailable` after [`drain`](Self::drain), and what the database says.
    pub fn prune(&self, context: &Context, limit: u32) -> Result<Pruned, RepositoryError> {
        let organization = context.organization;
        let context = context.clone();
        // Most rounds find nothing to do, which takes no turn in the lane to learn.
        let now = context.now;
        let waiting = self.system_read(move |conn| is_due(conn, organization, now))?;
        if !waiting {
            return Ok(Pruned::default());
        }
        self.write_blocking(organization, move |tx| step(tx, &context, limit))
    }
}

/// Before which instant each target may be deleted.
fn cutoffs(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    now: OffsetDateTime,
) -> StoreResult<Vec<(Target, OffsetDateTime, u16)>> {
    let retention = windows::in_force(conn, organization)?;
    let high_risk = retention.governs_high_risk;
    let open = retention.windows.iter().filter_map(|window| {
        let cutoff = window.cutoff(high_risk, now)?;
        Some((window.target, cutoff, window.effective_days(high_risk)?))
    });
    Ok(open.collect())
}

fn is_due(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    now: OffsetDateTime,
) -> StoreResult<bool> {
    for (target, cutoff, _) in cutoffs(conn, organization, now)? {
        let due = match target {
            Target::AuditLogs => prunable(conn, organization, cutoff, 1)?.is_some(),
            Target::Findings => !resolved_before(conn, organization, cutoff, 1)?.is_empty(),
            Target::EvidencePackets => false,
        };
        if due {
            return Ok(true);
        }
    }
    Ok(false)
}

fn step(tx: &mut Tx<'_>, context: &Context, limit: u32) -> StoreResult<Pruned> {
    let organization = context.organization;
    let mut pruned = Pruned::default();
    for (target, cutoff, days) in cutoffs(tx.conn, organization, context.now)? {
        match target {
            Target::AuditLogs => {
                if let Some(span) = prunable(tx.conn, organization, cutoff, limit)? {
                    pruned.leaves = u64::try_from(span.to - span.from).unwrap_or_default();
                    leaves(tx, context, &span, days)?;
                }
            }
            Target::Findings => pruned.alerts = alerts(tx, context, cutoff, days, limit)?,
            // Packets are put together on demand and not kept.
            Target::EvidencePackets => {}
        }
    }
    Ok(pruned)
}

/// Leaves that may be deleted: from the first that is kept.
struct Span {
    no: i64,
    from: i64,
    to: i64,
}

fn prunable(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    cutoff: OffsetDateTime,
    limit: u32,
) -> StoreResult<Option<Span>> {
    let head: Option<(i64, i64)> = audit_heads::table
        .find(Id(organization.uuid()))
        .select((audit_heads::no, audit_heads::size))
        .get_result(conn)
        .optional()?;
    let Some((no, size)) = head else {
        return Ok(None);
    };
    let from = past::floor(conn, no, size)?;
    let until = past::leaves_until(conn, no, from..size, cutoff)?;
    let to = until.min(from + i64::from(limit));
    Ok((to > from).then_some(Span { no, from, to }))
}

/// Deletes leaves with all that rests on them, and explains it.
fn leaves(tx: &mut Tx<'_>, context: &Context, span: &Span, days: u16) -> StoreResult<()> {
    let organization = context.organization;
    let to = u64::try_from(span.to).unwrap_or_default();
    let root = root_at(StoredHashes::new(tx.conn, organization, span.no), to)
        .map_err(|error| StoreError(RepositoryError::Database(error.to_string().into())))?;
    let conn = tx.writing();
    diesel::sql_query(
        "UPDATE audit_entries SET leaf = NULL, actor_salt = NULL, actor = NULL, detail_salt = NULL, \
         detail = NULL WHERE position >= $1 AND position < $2",
    )
    .into_boxed::<MultiBackend>()
    .bind::<BigInt, _>(position(span.no, span.from))
    .bind::<BigInt, _>(position(span.no, span.to))
    .execute(conn)?;
    for table in [
        "audit_explanations",
        "audit_subjects",
        "webhook_deliveries",
        "governance_events",
    ] {
        delete_below(conn, organization, table, "audit_index", span.to)?;
    }
    let blocks = block_of(span.to) + 1;
    delete_below(conn, organization, "audit_blocks", "block", blocks)?;
    forget_blocks(conn, organization, [span.to])?;
    for (table, _) in CHANGING {
        delete_below(
            conn,
            organization,
            &format!("{table}_past"),
            "log_size",
            span.to,
        )?;
    }
    let prune = Absence::Prune(Prune {
        from: 0,
        to,
        policy_days: days.into(),
        root,
    });
    let event = AbsenceEvent::new(organization, &prune, json!({"target": "audit_logs"}))
        .map_err(|error| StoreError(RepositoryError::Database(Box::new(error))))?;
    tx.record(context, &event)
}

fn delete_below(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    table: &str,
    column: &str,
    below: i64,
) -> StoreResult<()> {
    diesel::sql_query(format!(
        "DELETE FROM {table} WHERE organization_id = $1 AND {column} < $2"
    ))
    .into_boxed::<MultiBackend>()
    .bind::<AnyUuid, _>(Id(organization.uuid()))
    .bind::<BigInt, _>(below)
    .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = AnyUuid)]
    id: Id,
}

/// Alerts of every source: each has its clock, those of metrics under the id of the alert itself.
fn resolved_before(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    cutoff: OffsetDateTime,
    limit: u32,
) -> StoreResult<Vec<Id>> {
    let found: Vec<Found> = diesel::sql_query(
        "SELECT id FROM tracked_alerts WHERE organization_id = $1 AND state = 'resolved' AND resolved_at < $2 \
         ORDER BY id LIMIT $3",
    )
    .into_boxed::<MultiBackend>()
    .bind::<AnyUuid, _>(Id(organization.uuid()))
    .bind::<AnyTimestamp, _>(Utc(cutoff))
    .bind::<Integer, _>(i32::try_from(limit).unwrap_or(i32::MAX))
    .load(conn)?;
    Ok(found.into_iter().map(|row| row.id).collect())
}

fn alerts(
    tx: &mut Tx<'_>,
    context: &Context,
    cutoff: OffsetDateTime,
    days: u16,
    limit: u32,
) -> StoreResult<u64> {
    let organization = context.organization;
    let ids = resolved_before(tx.conn, organization, cutoff, limit)?;
    if ids.is_empty() {
        return Ok(0);
    }
    let conn = tx.writing();
    // Their past goes with them, the note of this deletion included, and their clocks.
    for table in ["alerts", "alerts_past", "tracked_alerts"] {
        for id in &ids {
            diesel::sql_query(format!(
                "DELETE FROM {table} WHERE organization_id = $1 AND id = $2"
            ))
            .into_boxed::<MultiBackend>()
            .bind::<AnyUuid, _>(Id(organization.uuid()))
            .bind::<AnyUuid, _>(*id)
            .execute(conn)?;
        }
    }
    let count = u64::try_from(ids.len()).unwrap_or_default();
    tx.record(
        context,
        &FindingsPruned {
            organization,
            count,
            resolved_before: cutoff,
            days,
        },
    )?;
    Ok(count)
}

/// `retention.findings.pruned`
struct FindingsPruned {
    organization: OrganizationId,
    count: u64,
    resolved_before: OffsetDateTime,
    days: u16,
}

impl DomainEvent for FindingsPruned {
    fn name(&self) -> &'static str {
        "retention.findings.pruned"
    }

    fn subject(&self) -> Subject {
        Subject {
            kind: "data_retention",
            id: self.organization.uuid(),
        }
    }

    fn detail(&self) -> Value {
        json!({
            "target": Target::Findings.as_str(),
            "deleted": self.count,
            "resolved_before": self.resolved_before.format(&time::format_description::well_known::Rfc3339).ok(),
            "policy_days": self.days,
        })
    }
}
