//! Targets and preferences as they are kept.

use diesel::prelude::*;
use probity_alerts::{Configured, Preferences, SlaTargets};
use probity_kernel::{Context, FieldError, OrganizationId, RepositoryError, Version};
use serde_json::Value;

use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::guard;
use crate::schema::{alert_preferences as preferences, alert_settings as settings};
use crate::turn::Tx;
use crate::types::{Id, Utc};

fn read<T>(
    table: &'static str,
    column: &'static str,
    text: &str,
    parse: impl FnOnce(&Value) -> Result<T, Vec<FieldError>>,
) -> Result<T, RepositoryError> {
    let wrong = corrupt(table, column);
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Err(wrong(error.into())),
    };
    parse(&value).map_err(|faults| {
        let fields: Vec<String> = faults.into_iter().map(|fault| fault.field).collect();
        wrong(fields.join(", ").into())
    })
}

pub(crate) fn parse_targets(text: &str) -> Result<SlaTargets, RepositoryError> {
    read("alert_settings", "settings", text, SlaTargets::from_value)
}

pub(crate) fn parse_preferences(text: &str) -> Result<Preferences, RepositoryError> {
    let parse = Preferences::from_value;
    read("alert_preferences", "preferences", text, parse)
}

/// The targets in force.
pub(crate) fn targets(
    conn: &mut AnyConnection,
    organization: OrganizationId,
) -> StoreResult<Configured<SlaTargets>> {
    let found: Option<(String, i64)> = settings::table
        .find(Id(organization.uuid()))
        .select((settings::settings, settings::version))
        .get_result(conn)
        .optional()?;
    let Some((text, version)) = found else {
        return Ok(Configured::default());
    };
    Ok(Configured {
        value: parse_targets(&text).map_err(StoreError)?,
        version: Version::new(version),
    })
}

pub(super) fn set_targets(
    tx: &mut Tx<'_>,
    context: &Context,
    next: &SlaTargets,
    expected: Version,
) -> StoreResult<()> {
    let current = targets(tx.conn, context.organization)?.version;
    guard(current == expected, RepositoryError::Stale)?;
    tx.sla_targets = None;
    let key = Id(context.organization.uuid());
    let values = (
        settings::settings.eq(next.to_value().to_string()),
        settings::updated_at.eq(Utc(context.now)),
        settings::version.eq(expected.next().get()),
    );
    let conn = tx.writing();
    if current.get() == 0 {
        diesel::insert_into(settings::table)
            .values((settings::organization_id.eq(key), values))
            .execute(conn)?;
    } else {
        diesel::update(settings::table.find(key))
            .set(values)
            .execute(conn)?;
    }
    Ok(())
}

/// Somebody's preferences.
pub(super) fn preferences(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    recipient: &str,
) -> StoreResult<Configured<Preferences>> {
    let found: Option<(String, i64)> = preferences::table
        .find((Id(organization.uuid()), recipient))
        .select((preferences::preferences, preferences::version))
        .get_result(conn)
        .optional()?;
    let Some((text, version)) = found else {
        return Ok(Configured::default());
    };
    Ok(Configured {
        value: parse_preferences(&text).map_err(StoreError)?,
        version: Version::new(version),
    })
}

pub(super) fn set_preferences(
    tx: &mut Tx<'_>,
    context: &Context,
    recipient: &str,
    next: &Preferences,
    expected: Version,
) -> StoreResult<()> {
    let current = preferences(tx.conn, context.organization, recipient)?.version;
    guard(current == expected, RepositoryError::Stale)?;
    let key = Id(context.organization.uuid());
    let values = (
        preferences::preferences.eq(next.to_value().to_string()),
        preferences::updated_at.eq(Utc(context.now)),
        preferences::version.eq(expected.next().get()),
    );
    let conn = tx.writing();
    if current.get() == 0 {
        diesel::insert_into(preferences::table)
            .values((
                preferences::organization_id.eq(key),
                preferences::recipient.eq(recipient),
                values,
            ))
            .execute(conn)?;
    } else {
        diesel::update(preferences::table.find((key, recipient)))
            .set(values)
            .execute(conn)?;
    }
    Ok(())
}
