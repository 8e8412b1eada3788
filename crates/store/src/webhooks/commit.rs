//! Applies changes of webhooks.

use diesel::prelude::*;
use probity_kernel::{Context, OrganizationId, RepositoryError, Version};
use probity_webhooks::delivery::{DeliveryState, Missed, Replay};
use probity_webhooks::endpoint::{Endpoint, EndpointWrite, MOST_ENDPOINTS, SecretRecord};
use probity_webhooks::message::PING;
use probity_webhooks::{EventType, WebhookWrite};
use serde_json::json;

use super::endpoints::{self, EndpointRow};
use super::{deliveries, secrets};
use crate::error::StoreResult;
use crate::schema::{
    audit_heads, governance_events as events, webhook_deliveries as rows,
    webhook_endpoints as table,
};
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{guard, own};

pub(super) fn apply(tx: &mut Tx<'_>, context: &Context, write: &WebhookWrite) -> StoreResult<()> {
    let organization = context.organization;
    match write {
        WebhookWrite::Create(write) => create(tx, organization, write),
        WebhookWrite::Update { write, expected } => update(tx, organization, write, *expected),
        WebhookWrite::Delete { id, expected } => {
            let changed = diesel::update(table::table)
                .filter(table::organization_id.eq(Id(organization.uuid())))
                .filter(table::id.eq(Id(id.uuid())))
                .filter(table::version.eq(expected.get()))
                .filter(table::deleted_at.is_null())
                .set((
                    table::deleted_at.eq(Some(Utc(context.now))),
                    table::version.eq(expected.next().get()),
                ))
                .execute(tx.writing())?;
            guard(changed == 1, RepositoryError::Stale)?;
            subscriptions_changed(tx, organization)
        }
        WebhookWrite::Rotate { secret, retired } => {
            own(organization, secret.organization)?;
            add_secret(tx, secret)?;
            for record in retired {
                own(organization, record.organization)?;
                secrets::retire(tx.writing(), record)?;
            }
            subscriptions_changed(tx, organization)
        }
        WebhookWrite::Replay(replay) => again(tx, context, replay),
        WebhookWrite::Rewrap(rewrapping) => {
            secrets::rewrap(tx.writing(), organization, &rewrapping.secrets)?;
            endpoints::rewrap(tx.writing(), organization, &rewrapping.credentials)?;
            subscriptions_changed(tx, organization)
        }
    }
}

fn create(tx: &mut Tx<'_>, organization: OrganizationId, write: &EndpointWrite) -> StoreResult<()> {
    own(organization, write.endpoint.organization)?;
    let known = endpoints::count(tx.conn, organization)?;
    let room = u64::try_from(known).is_ok_and(|known| known < MOST_ENDPOINTS);
    guard(room, RepositoryError::Conflict("webhooks"))?;
    if let Some(secret) = &write.secret {
        add_secret(tx, secret)?;
    }
    diesel::insert_into(table::table)
        .values(EndpointRow::from(&write.endpoint))
        .execute(tx.writing())?;
    ping(tx, write)?;
    subscriptions_changed(tx, organization)
}

fn update(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    write: &EndpointWrite,
    expected: Version,
) -> StoreResult<()> {
    own(organization, write.endpoint.organization)?;
    if let Some(secret) = &write.secret {
        add_secret(tx, secret)?;
    }
    let row = EndpointRow::from(&write.endpoint);
    let changed = diesel::update(table::table)
        .filter(table::organization_id.eq(row.organization_id))
        .filter(table::id.eq(row.id))
        .filter(table::version.eq(expected.get()))
        .filter(table::deleted_at.is_null())
        .set(&row)
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)?;
    ping(tx, write)?;
    subscriptions_changed(tx, organization)
}

/// Adds a secret unless its number is taken: asked first, so that being late writes nothing.
fn add_secret(tx: &mut Tx<'_>, secret: &SecretRecord) -> StoreResult<()> {
    let known = secrets::of_alias(tx.conn, secret.organization, secret.alias.as_str())?;
    let free = known.iter().all(|other| other.number < secret.number);
    guard(free, RepositoryError::Conflict("alias"))?;
    secrets::insert(tx.writing(), secret)
}

fn ping(tx: &mut Tx<'_>, write: &EndpointWrite) -> StoreResult<()> {
    let Some(id) = write.ping else { return Ok(()) };
    let Endpoint {
        organization,
        id: endpoint,
        event_types,
        updated_at,
        ..
    } = &write.endpoint;
    let types: Vec<&str> = event_types.iter().map(EventType::as_str).collect();
    let note = json!({"webhook_id": endpoint.type_id(), "event_types": types}).to_string();
    let row = deliveries::DeliveryRow::of_note(
        (Id(organization.uuid()), Id(endpoint.uuid()), Id(id.uuid())),
        PING,
        note,
        Utc(*updated_at),
    );
    diesel::insert_into(rows::table)
        .values(row)
        .execute(tx.writing())?;
    Ok(())
}

/// What lanes remember of the organisation's endpoints is not true any more.
fn subscriptions_changed(tx: &mut Tx<'_>, organization: OrganizationId) -> StoreResult<()> {
    diesel::update(audit_heads::table.find(Id(organization.uuid())))
        .set(audit_heads::subscriptions.eq(audit_heads::subscriptions + 1))
        .execute(tx.writing())?;
    tx.forget_subscriptions();
    Ok(())
}

fn again(tx: &mut Tx<'_>, context: &Context, replay: &Replay) -> StoreResult<()> {
    let organization = Id(context.organization.uuid());
    for (endpoint, id) in &replay.deliveries {
        diesel::update(rows::table.find((organization, Id(endpoint.uuid()), Id(id.uuid()))))
            .filter(rows::state.ne(DeliveryState::Pending.as_str()))
            .set((
                rows::state.eq(DeliveryState::Pending.as_str()),
                rows::due_at.eq(Some(Utc(context.now))),
                rows::failures.eq(0_i64),
            ))
            .execute(tx.writing())?;
    }
    for (endpoint, missed) in &replay.missed {
        let found = endpoints::find(tx.conn, context.organization, *endpoint)?;
        guard(found.is_some(), RepositoryError::Stale)?;
        first(tx, organization, Id(endpoint.uuid()), missed, context)?;
    }
    Ok(())
}

/// The delivery of an event to an endpoint that has not got it.
fn first(
    tx: &mut Tx<'_>,
    organization: Id,
    endpoint: Id,
    missed: &Missed,
    context: &Context,
) -> StoreResult<()> {
    let index = i64::try_from(missed.audit_index).unwrap_or(i64::MAX);
    let ordinal = i32::try_from(missed.ordinal).unwrap_or(i32::MAX);
    let event: Option<(Id, String)> = events::table
        .find((organization, index, ordinal))
        .filter(events::id.eq(Id(missed.event.uuid())))
        .select((events::id, events::event_type))
        .get_result(tx.conn)
        .optional()?;
    let Some((id, event_type)) = event else {
        return Ok(());
    };
    let known: Option<Id> = rows::table
        .find((organization, endpoint, id))
        .select(rows::id)
        .get_result(tx.conn)
        .optional()?;
    if known.is_none() {
        let row = deliveries::DeliveryRow::of_event(
            (organization, endpoint, id),
            (index, ordinal),
            event_type,
            Utc(context.now),
        );
        diesel::insert_into(rows::table)
            .values(row)
            .execute(tx.writing())?;
    }
    Ok(())
}
