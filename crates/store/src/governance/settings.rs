//! The settings of the judgement as they are kept.

use diesel::prelude::*;
use probity_governance::{Configuration, GovernanceSettings};
use probity_kernel::{Context, OrganizationId, RepositoryError, Version};

use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::guard;
use crate::schema::governance_settings as settings;
use crate::turn::Tx;
use crate::types::{Id, Utc};

/// The settings in force.
pub(crate) fn in_force(
    conn: &mut AnyConnection,
    organization: OrganizationId,
) -> StoreResult<Configuration> {
    let found: Option<(String, i64)> = settings::table
        .find(Id(organization.uuid()))
        .select((settings::settings, settings::version))
        .get_result(conn)
        .optional()?;
    let Some((text, version)) = found else {
        return Ok(Configuration::default());
    };
    Ok(Configuration {
        settings: parse(&text).map_err(StoreError)?,
        version: Version::new(version),
    })
}

pub(crate) fn parse(text: &str) -> Result<GovernanceSettings, RepositoryError> {
    let wrong = corrupt("governance_settings", "settings");
    let value: serde_json::Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Err(wrong(error.into())),
    };
    GovernanceSettings::from_value(&value).map_err(|faults| {
        let fields: Vec<String> = faults.into_iter().map(|fault| fault.field).collect();
        wrong(fields.join(", ").into())
    })
}

/// Puts settings in place of those at the expected version.
pub(super) fn configure(
    tx: &mut Tx<'_>,
    context: &Context,
    next: &GovernanceSettings,
    expected: Version,
) -> StoreResult<Configuration> {
    let current = in_force(tx.conn, context.organization)?;
    guard(current.version == expected, RepositoryError::Stale)?;
    let key = Id(context.organization.uuid());
    let version = expected.next();
    let values = (
        settings::settings.eq(next.to_value().to_string()),
        settings::updated_at.eq(Utc(context.now)),
        settings::version.eq(version.get()),
    );
    let conn = tx.writing();
    if current.version == Configuration::UNDECIDED {
        diesel::insert_into(settings::table)
            .values((settings::organization_id.eq(key), values))
            .execute(conn)?;
    } else {
        diesel::update(settings::table.find(key))
            .set(values)
            .execute(conn)?;
    }
    Ok(Configuration {
        settings: *next,
        version,
    })
}
