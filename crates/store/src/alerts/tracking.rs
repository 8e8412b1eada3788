//! What opens and ends alerts, in the unit of work in which it happens.

use diesel::prelude::*;
use probity_alerts::event::Facts;
use probity_alerts::{AlertState, AlertsEvent, Origin, Resolution, Severity, Source, TrackedAlert};
use probity_governance::evidence::{RuntimeEvent, RuntimeSeverity, RuntimeStatus};
use probity_governance::{DriftSeverity, ReviewRequest};
use probity_guardian::{Alert, ComplianceStatus, Resolution as MetricResolution};
use probity_kernel::{Actor, AlertId, Context, OrganizationId, ProductId, Version};
use uuid::Uuid;

use super::rows::TrackedRow;
use super::sla::{ACTOR, settle};
use super::{find, insert, update};
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult};
use crate::schema::tracked_alerts as tracked;
use crate::turn::Tx;
use crate::types::Id;

const fn of_metric(status: ComplianceStatus) -> Severity {
    match status {
        ComplianceStatus::Red => Severity::Critical,
        ComplianceStatus::Amber | ComplianceStatus::Green => Severity::Medium,
    }
}

const fn of_runtime(severity: RuntimeSeverity) -> Option<Severity> {
    match severity {
        RuntimeSeverity::Info => None,
        RuntimeSeverity::Low => Some(Severity::Low),
        RuntimeSeverity::Medium => Some(Severity::Medium),
        RuntimeSeverity::High => Some(Severity::High),
        RuntimeSeverity::Critical => Some(Severity::Critical),
    }
}

const fn of_drift(severity: DriftSeverity) -> Severity {
    match severity {
        DriftSeverity::Low => Severity::Low,
        DriftSeverity::Medium => Severity::Medium,
        DriftSeverity::High => Severity::High,
        DriftSeverity::Critical => Severity::Critical,
    }
}

/// An alert of Guardian as its clock sees it.
fn of_guardian(alert: &Alert) -> TrackedAlert {
    let resolution = alert.resolution.map(|resolution| match resolution {
        MetricResolution::Recovered => Resolution::Recovered,
        MetricResolution::Manual => Resolution::Manual,
    });
    TrackedAlert {
        id: alert.id,
        organization: alert.organization,
        product: alert.product,
        origin: Origin {
            source: Source::Metric,
            id: alert.id.uuid(),
            subject: alert.metric.as_str().to_owned(),
        },
        severity: of_metric(alert.severity),
        state: if alert.is_open() {
            AlertState::Open
        } else {
            AlertState::Resolved
        },
        opened_at: alert.opened_at,
        since: alert.escalated_at.unwrap_or(alert.opened_at),
        acknowledged_at: alert.acknowledged_at,
        acknowledged_by: alert.acknowledged_by.clone(),
        resolved_at: alert.resolved_at,
        resolution,
        note: alert.note.clone(),
        acknowledge_breached_at: None,
        resolve_breached_at: None,
        updated_at: alert.updated_at,
        version: Version::FIRST,
    }
}

/// Guardian opened an alert; its event tells so.
pub(crate) fn guardian_opened(tx: &mut Tx<'_>, alert: &Alert) -> StoreResult<()> {
    insert(tx, &of_guardian(alert))
}

/// Guardian moved an alert, or somebody did through Guardian; its event tells so. What the alert has
/// missed by then goes on the record first.
pub(crate) fn guardian_moved(tx: &mut Tx<'_>, next: &Alert) -> StoreResult<()> {
    let Some(before) = find(tx.conn, next.organization, next.id)? else {
        return insert(tx, &of_guardian(next));
    };
    let before = settle(tx, before, next.updated_at)?;
    let mut moved = of_guardian(next);
    // One that stood when its clock was introduced keeps the clock it was given then.
    moved.since = moved.since.max(before.since);
    if moved.since == before.since {
        moved.acknowledge_breached_at = before.acknowledge_breached_at;
        moved.resolve_breached_at = before.resolve_breached_at;
    }
    moved.version = before.version.next();
    update(tx, &moved, before.version)
}

fn open(
    tx: &mut Tx<'_>,
    context: &Context,
    product: ProductId,
    origin: Origin,
    severity: Severity,
) -> StoreResult<TrackedAlert> {
    let id = AlertId::new(tx.ids.next_id(context.now));
    let alert = TrackedAlert::open(context, id, product, origin, severity);
    let context = Context::new(context.organization, Actor::System(ACTOR), context.now);
    insert(tx, &alert)?;
    tx.record(&context, &AlertsEvent::Opened(Facts::of(&alert)))?;
    Ok(alert)
}

/// The open alert of a source.
fn standing(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    source: Source,
    id: Uuid,
) -> StoreResult<Option<TrackedAlert>> {
    let row: Option<TrackedRow> = tracked::table
        .filter(tracked::organization_id.eq(Id(organization.uuid())))
        .filter(tracked::source.eq(source.as_str()))
        .filter(tracked::source_id.eq(Id(id)))
        .filter(tracked::state.eq(AlertState::Open.as_str()))
        .select(TrackedRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(TrackedAlert::try_from)
        .transpose()
        .map_err(StoreError)
}

/// Ends the open alert of a source, where there is one.
fn end(
    tx: &mut Tx<'_>,
    context: &Context,
    source: Source,
    id: Uuid,
    resolution: Resolution,
) -> StoreResult<()> {
    let Some(alert) = standing(tx.conn, context.organization, source, id)? else {
        return Ok(());
    };
    let alert = settle(tx, alert, context.now)?;
    let next = alert.ended(resolution, context.now);
    update(tx, &next, alert.version)?;
    let event = AlertsEvent::Resolved {
        facts: Facts::of(&next),
        resolution,
        note: [alert.note.clone(), next.note.clone()],
    };
    let context = Context::new(context.organization, Actor::System(ACTOR), context.now);
    tx.record(&context, &event)
}

/// A runtime event was recorded.
pub(crate) fn runtime_recorded(
    tx: &mut Tx<'_>,
    context: &Context,
    event: &RuntimeEvent,
) -> StoreResult<()> {
    let severity = of_runtime(event.severity);
    let severity = severity.filter(|severity| Source::RuntimeEvent.opens_at(*severity));
    let (Some(severity), false) = (severity, event.status == RuntimeStatus::Resolved) else {
        return Ok(());
    };
    let origin = Origin {
        source: Source::RuntimeEvent,
        id: event.id.uuid(),
        subject: event.event_type.as_str().to_owned(),
    };
    let alert = open(tx, context, event.product, origin, severity)?;
    if event.status == RuntimeStatus::Acknowledged {
        // Whoever sent it has taken note of it already.
        let acknowledged = TrackedAlert {
            acknowledged_at: Some(context.now),
            acknowledged_by: Some(context.actor.spelling()),
            version: alert.version.next(),
            ..alert.clone()
        };
        update(tx, &acknowledged, alert.version)?;
        let event = AlertsEvent::Acknowledged {
            facts: Facts::of(&acknowledged),
            by: acknowledged.acknowledged_by.clone(),
            note: [None, None],
        };
        tx.record(context, &event)?;
    }
    Ok(())
}

/// A review was requested.
pub(crate) fn review_requested(
    tx: &mut Tx<'_>,
    context: &Context,
    request: &ReviewRequest,
) -> StoreResult<()> {
    let origin = Origin {
        source: Source::Review,
        id: request.id.uuid(),
        subject: "review".to_owned(),
    };
    open(tx, context, request.product, origin, Severity::Medium).map(drop)
}

/// A review was decided.
pub(crate) fn review_decided(
    tx: &mut Tx<'_>,
    context: &Context,
    request: &ReviewRequest,
) -> StoreResult<()> {
    let id = request.id.uuid();
    end(tx, context, Source::Review, id, Resolution::Decided)
}

/// The gravest active drift of a judged product may have become another; `None` where there is none,
/// or where the product is not judged any more.
pub(crate) fn posture_moved(
    tx: &mut Tx<'_>,
    context: &Context,
    product: ProductId,
    before: Option<DriftSeverity>,
    after: Option<DriftSeverity>,
) -> StoreResult<()> {
    if before == after {
        return Ok(());
    }
    let opens = |severity: &Severity| Source::Posture.opens_at(*severity);
    let before = before.map(of_drift).filter(opens);
    let Some(after) = after.map(of_drift).filter(opens) else {
        let id = product.uuid();
        return match before {
            Some(_) => end(tx, context, Source::Posture, id, Resolution::Recovered),
            None => Ok(()),
        };
    };
    if before.is_some_and(|before| after <= before) {
        return Ok(());
    }
    let source = Source::Posture;
    match standing(tx.conn, context.organization, source, product.uuid())? {
        Some(alert) if alert.severity < after => escalate(tx, context, alert, after),
        Some(_) => Ok(()),
        None => {
            let origin = Origin {
                source,
                id: product.uuid(),
                subject: "posture".to_owned(),
            };
            open(tx, context, product, origin, after).map(drop)
        }
    }
}

fn escalate(
    tx: &mut Tx<'_>,
    context: &Context,
    alert: TrackedAlert,
    severity: Severity,
) -> StoreResult<()> {
    let alert = settle(tx, alert, context.now)?;
    let next = alert.escalated(severity, context.now);
    update(tx, &next, alert.version)?;
    let event = AlertsEvent::Escalated {
        facts: Facts::of(&next),
        before: alert.severity,
    };
    let context = Context::new(context.organization, Actor::System(ACTOR), context.now);
    tx.record(&context, &event)
}
