//! Removes deliveries that are done and old, and what is left of deleted endpoints, in small steps.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use probity_kernel::RepositoryError;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{DieselWebhooks, nobody};
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreResult;
use crate::schema::{
    webhook_endpoints as endpoints, webhook_secrets as secrets, webhook_target_states as states,
};
use crate::types::{AnyUuid, Id};

type Row = (Id, Id, bool);

impl DieselWebhooks {
    /// Whether anything is sealed under a master key. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn holds_secrets(&self) -> Result<bool, RepositoryError> {
        self.database.system_read(|conn| {
            let found: Option<Id> = secrets::table.select(secrets::id).first(conn).optional()?;
            Ok(found.is_some())
        })
    }

    /// Removes deliveries that were made before an instant and wait for nothing, at most `limit` of
    /// each endpoint, and endpoints that were deleted with all that is left of them. Answers whether
    /// there may be more. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn sweep(&self, before: OffsetDateTime, limit: i64) -> Result<bool, RepositoryError> {
        let found: Vec<Row> = self.database.system_read(|conn| {
            Ok(endpoints::table
                .select((
                    endpoints::organization_id,
                    endpoints::id,
                    endpoints::deleted_at.is_not_null(),
                ))
                .load(conn)?)
        })?;
        let oldest = oldest_id(before);
        let mut more = false;
        for (organization, id, deleted) in found {
            let removed = self.database.system_write(nobody(), move |conn| {
                if deleted {
                    remove_endpoint(conn, (organization, id), limit)
                } else {
                    remove(
                        conn,
                        (organization, id),
                        oldest,
                        limit,
                        "AND state <> 'pending'",
                    )
                }
            })?;
            more |= i64::try_from(removed).is_ok_and(|removed| removed >= limit);
        }
        Ok(more)
    }
}

/// Ids begin with the millisecond in which they were made.
fn oldest_id(at: OffsetDateTime) -> Uuid {
    let milliseconds = at.unix_timestamp_nanos().div_euclid(1_000_000);
    let milliseconds = u128::try_from(milliseconds).unwrap_or_default();
    Uuid::from_u128(milliseconds << 80)
}

fn remove(
    conn: &mut AnyConnection,
    (organization, endpoint): (Id, Id),
    before: Uuid,
    limit: i64,
    condition: &str,
) -> StoreResult<usize> {
    let statement = format!(
        "DELETE FROM webhook_deliveries WHERE organization_id = $1 AND endpoint_id = $2 AND id IN (\
         SELECT id FROM webhook_deliveries WHERE organization_id = $1 AND endpoint_id = $2 \
         AND id < $3 {condition} ORDER BY id LIMIT $4)"
    );
    Ok(diesel::sql_query(statement)
        .into_boxed::<MultiBackend>()
        .bind::<AnyUuid, _>(organization)
        .bind::<AnyUuid, _>(endpoint)
        .bind::<AnyUuid, _>(Id(before))
        .bind::<BigInt, _>(limit)
        .execute(conn)?)
}

fn remove_endpoint(conn: &mut AnyConnection, key: (Id, Id), limit: i64) -> StoreResult<usize> {
    let removed = remove(conn, key, Uuid::max(), limit, "")?;
    if removed > 0 {
        return Ok(removed);
    }
    let (organization, endpoint) = key;
    diesel::delete(states::table)
        .filter(states::organization_id.eq(organization))
        .filter(states::endpoint_id.eq(endpoint))
        .execute(conn)?;
    diesel::delete(endpoints::table)
        .filter(endpoints::organization_id.eq(organization))
        .filter(endpoints::id.eq(endpoint))
        .execute(conn)?;
    Ok(0)
}
