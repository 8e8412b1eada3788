//! Writing the inventory: rows, positions and the totals that lists answer with.

use diesel::prelude::*;
use probity_kernel::{Context, OrganizationId, RegisteredModelId, RepositoryError, Version};
use probity_registry::{Discovery, ModelWrite, RegisteredModel, RegistrySettings};

use super::rows::{ModelRow, settings_text};
use super::usage;
use crate::catalog::attachments::unlink_everywhere;
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult};
use crate::record::position;
use crate::schema::{
    registered_models as models, registry_heads, registry_settings, registry_totals,
};
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{guard, own};

/// Applies a write and answers it as it was stored.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    context: &Context,
    write: &ModelWrite,
) -> StoreResult<ModelWrite> {
    let organization = context.organization;
    match write {
        ModelWrite::Create(model) => {
            own(organization, model.organization)?;
            refuse_known(tx, organization, model.model_id.as_str())?;
            let stored = create(tx, organization, vec![model.as_ref().clone()])?;
            let stored = stored
                .into_iter()
                .next()
                .unwrap_or_else(|| model.as_ref().clone());
            Ok(ModelWrite::Create(Box::new(stored)))
        }
        ModelWrite::Update { next, expected } => {
            own(organization, next.organization)?;
            update(tx, next, *expected)?;
            Ok(write.clone())
        }
        ModelWrite::Delete { id, expected } => {
            delete(tx, context, *id, *expected)?;
            Ok(write.clone())
        }
        ModelWrite::Discover(discovery) => discover(tx, organization, discovery),
        ModelWrite::Configure { settings } => {
            configure(tx, context, settings)?;
            Ok(write.clone())
        }
        ModelWrite::RecordUsage(deltas) => {
            usage::add(tx.writing(), organization, deltas)?;
            Ok(write.clone())
        }
    }
}

fn refuse_known(tx: &mut Tx<'_>, organization: OrganizationId, model_id: &str) -> StoreResult<()> {
    let known = models::table
        .filter(models::organization_id.eq(Id(organization.uuid())))
        .filter(models::model_id.eq(model_id))
        .select(models::position)
        .get_result::<i64>(tx.conn)
        .optional()?;
    guard(known.is_none(), RepositoryError::Conflict("model_id"))
}

/// Inserts entries at the next positions; `created_at` never falls behind that of an earlier entry,
/// so that the order of positions is the order of creation.
fn create(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    entries: Vec<RegisteredModel>,
) -> StoreResult<Vec<RegisteredModel>> {
    let no = tx.organization_no()?;
    let key = Id(organization.uuid());
    let head: Option<(i64, Option<Utc>)> = registry_heads::table
        .find(key)
        .select((
            registry_heads::next_position,
            registry_heads::last_created_at,
        ))
        .get_result(tx.conn)
        .optional()?;
    let is_new = head.is_none();
    let (mut next, mut last) = head.unwrap_or((0, None));
    let conn = tx.writing();
    let mut stored = Vec::with_capacity(entries.len());
    for mut entry in entries {
        entry.created_at = last.map_or(entry.created_at, |Utc(last)| last.max(entry.created_at));
        entry.updated_at = entry.updated_at.max(entry.created_at);
        diesel::insert_into(models::table)
            .values(ModelRow::new(&entry, position(no, next)))
            .execute(conn)?;
        count(conn, &entry, 1)?;
        next += 1;
        last = Some(Utc(entry.created_at));
        stored.push(entry);
    }
    let changed = (
        registry_heads::next_position.eq(next),
        registry_heads::last_created_at.eq(last),
    );
    if is_new {
        diesel::insert_into(registry_heads::table)
            .values((
                registry_heads::organization_id.eq(key),
                changed.0,
                changed.1,
            ))
            .execute(conn)?;
    } else {
        diesel::update(registry_heads::table.find(key))
            .set(changed)
            .execute(conn)?;
    }
    Ok(stored)
}

/// Moves the total of an entry's tier and status.
fn count(conn: &mut AnyConnection, entry: &RegisteredModel, by: i64) -> StoreResult<()> {
    let key = (
        Id(entry.organization.uuid()),
        entry.risk_tier.to_string(),
        entry.validation_status.to_string(),
    );
    let changed = diesel::update(registry_totals::table.find(key.clone()))
        .set(registry_totals::models.eq(registry_totals::models + by))
        .execute(conn)?;
    if changed == 0 {
        diesel::insert_into(registry_totals::table)
            .values((
                registry_totals::organization_id.eq(key.0),
                registry_totals::risk_tier.eq(key.1),
                registry_totals::validation_status.eq(key.2),
                registry_totals::models.eq(by),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn stored(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: RegisteredModelId,
    expected: Version,
) -> StoreResult<ModelRow> {
    let row: Option<ModelRow> = models::table
        .filter(models::organization_id.eq(Id(organization.uuid())))
        .filter(models::id.eq(Id(id.uuid())))
        .select(ModelRow::as_select())
        .get_result(tx.conn)
        .optional()?;
    row.filter(|row| row.version == expected.get())
        .ok_or(StoreError(RepositoryError::Stale))
}

fn update(tx: &mut Tx<'_>, next: &RegisteredModel, expected: Version) -> StoreResult<()> {
    let before = stored(tx, next.organization, next.id, expected)?;
    let row = ModelRow::new(next, before.position);
    let conn = tx.writing();
    diesel::update(models::table.find(row.position))
        .set((
            models::provider.eq(&row.provider),
            models::provider_folded.eq(&row.provider_folded),
            models::display_name.eq(&row.display_name),
            models::risk_tier.eq(&row.risk_tier),
            models::validation_status.eq(&row.validation_status),
            models::owner.eq(&row.owner),
            models::description.eq(&row.description),
            models::tags.eq(&row.tags),
            models::exposure.eq(&row.exposure),
            models::purpose.eq(&row.purpose),
            models::technique.eq(&row.technique),
            models::validated_at.eq(row.validated_at),
            models::validation_expires_at.eq(row.validation_expires_at),
            models::revalidation_due.eq(row.revalidation_due),
            models::search_text.eq(&row.search_text),
            models::updated_at.eq(row.updated_at),
            models::version.eq(row.version),
        ))
        .execute(conn)?;
    let before = RegisteredModel::try_from(before).map_err(StoreError)?;
    count(conn, &before, -1)?;
    count(conn, next, 1)
}

/// Removes an entry; products that are linked to it lose the link first, each on the record.
fn delete(
    tx: &mut Tx<'_>,
    context: &Context,
    id: RegisteredModelId,
    expected: Version,
) -> StoreResult<()> {
    let before = stored(tx, context.organization, id, expected)?;
    unlink_everywhere(tx, context, id)?;
    let conn = tx.writing();
    diesel::delete(models::table.find(before.position)).execute(conn)?;
    let before = RegisteredModel::try_from(before).map_err(StoreError)?;
    count(conn, &before, -1)
}

fn discover(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    discovery: &Discovery,
) -> StoreResult<ModelWrite> {
    for entry in &discovery.created {
        own(organization, entry.organization)?;
        refuse_known(tx, organization, entry.model_id.as_str())?;
    }
    let created = create(tx, organization, discovery.created.clone())?;
    for seen in &discovery.seen {
        let earlier = models::last_seen_at.is_null().or(models::last_seen_at
            .assume_not_null()
            .lt(Utc(seen.last_seen_at)));
        diesel::update(models::table)
            .filter(models::organization_id.eq(Id(organization.uuid())))
            .filter(models::id.eq(Id(seen.id.uuid())))
            .filter(earlier)
            .set(models::last_seen_at.eq(Some(Utc(seen.last_seen_at))))
            .execute(tx.writing())?;
    }
    Ok(ModelWrite::Discover(Discovery {
        created,
        ..discovery.clone()
    }))
}

fn configure(tx: &mut Tx<'_>, context: &Context, settings: &RegistrySettings) -> StoreResult<()> {
    let key = Id(context.organization.uuid());
    let text = settings_text(settings).map_err(StoreError)?;
    let values = (
        registry_settings::profile.eq(settings.profile.to_string()),
        registry_settings::separation_of_duties.eq(settings.separation_of_duties),
        registry_settings::settings.eq(text),
        registry_settings::updated_at.eq(Utc(context.now)),
    );
    let conn = tx.writing();
    diesel::delete(registry_settings::table.find(key)).execute(conn)?;
    diesel::insert_into(registry_settings::table)
        .values((
            registry_settings::organization_id.eq(key),
            values.0,
            values.1,
            values.2,
            values.3,
        ))
        .execute(conn)?;
    Ok(())
}
