//! Rows of secrets.

use diesel::prelude::*;
use probity_kernel::{OrganizationId, RepositoryError, WebhookSecretId};
use probity_webhooks::endpoint::{Resealed, Sealed, SecretRecord};
use serde::{Deserialize, Serialize};

use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::schema::webhook_secrets as secrets;
use crate::types::{Id, Utc};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = secrets, treat_none_as_default_value = false)]
pub(crate) struct SecretRow {
    id: Id,
    organization_id: Id,
    alias: String,
    number: i64,
    sealed: Vec<u8>,
    created_at: Utc,
    expires_at: Option<Utc>,
}

impl From<&SecretRecord> for SecretRow {
    fn from(record: &SecretRecord) -> Self {
        Self {
            id: Id(record.id.uuid()),
            organization_id: Id(record.organization.uuid()),
            alias: record.alias.as_str().to_owned(),
            number: record.number,
            sealed: record.sealed.as_bytes().to_vec(),
            created_at: Utc(record.created_at),
            expires_at: record.expires_at.map(Utc),
        }
    }
}

impl TryFrom<SecretRow> for SecretRecord {
    type Error = RepositoryError;

    fn try_from(row: SecretRow) -> Result<Self, RepositoryError> {
        Ok(Self {
            id: WebhookSecretId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            alias: row
                .alias
                .parse()
                .map_err(|_| corrupt("webhook_secrets", "alias")("no name of a secret".into()))?,
            number: row.number,
            sealed: Sealed::new(row.sealed),
            created_at: row.created_at.0,
            expires_at: row.expires_at.map(|Utc(at)| at),
        })
    }
}

fn records(rows: Vec<SecretRow>) -> StoreResult<Vec<SecretRecord>> {
    let records = rows.into_iter().map(SecretRecord::try_from);
    records.collect::<Result<_, _>>().map_err(StoreError)
}

/// All secrets of a name, newest first.
pub(super) fn of_alias(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    alias: &str,
) -> StoreResult<Vec<SecretRecord>> {
    let rows: Vec<SecretRow> = secrets::table
        .filter(secrets::organization_id.eq(Id(organization.uuid())))
        .filter(secrets::alias.eq(alias))
        .order(secrets::number.desc())
        .select(SecretRow::as_select())
        .load(conn)?;
    records(rows)
}

/// All secrets, whatever their names.
pub(super) fn all(
    conn: &mut AnyConnection,
    organization: OrganizationId,
) -> StoreResult<Vec<SecretRecord>> {
    let rows: Vec<SecretRow> = secrets::table
        .filter(secrets::organization_id.eq(Id(organization.uuid())))
        .select(SecretRow::as_select())
        .load(conn)?;
    records(rows)
}

/// Puts the same secrets sealed under another master key in their places.
pub(super) fn rewrap(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    resealed: &[(WebhookSecretId, Resealed)],
) -> StoreResult<()> {
    for (id, sealed) in resealed {
        diesel::update(secrets::table)
            .filter(secrets::organization_id.eq(Id(organization.uuid())))
            .filter(secrets::id.eq(Id(id.uuid())))
            .filter(secrets::sealed.eq(sealed.before.as_bytes()))
            .set(secrets::sealed.eq(sealed.after.as_bytes()))
            .execute(conn)?;
    }
    Ok(())
}

/// Adds a secret; `Conflict("alias")` when its number is taken.
pub(super) fn insert(conn: &mut AnyConnection, record: &SecretRecord) -> StoreResult<()> {
    diesel::insert_into(secrets::table)
        .values(SecretRow::from(record))
        .execute(conn)?;
    Ok(())
}

/// Gives a secret its end.
pub(super) fn retire(conn: &mut AnyConnection, record: &SecretRecord) -> StoreResult<()> {
    diesel::update(secrets::table)
        .filter(secrets::organization_id.eq(Id(record.organization.uuid())))
        .filter(secrets::id.eq(Id(record.id.uuid())))
        .set(secrets::expires_at.eq(record.expires_at.map(Utc)))
        .execute(conn)?;
    Ok(())
}
