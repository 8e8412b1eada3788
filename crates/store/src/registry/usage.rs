//! Usage of models in daily roll-ups: what discovery reads instead of every request.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use probity_kernel::OrganizationId;
use probity_registry::usage::roll_up;
use probity_registry::{ModelIdentifier, ObservedModel, UsageDelta};
use time::Date;

use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::schema::{model_usage_daily as daily, registered_models as models};
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

/// Adds deltas to their days, and tells known entries when they were last seen.
pub(super) fn add(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    deltas: &[UsageDelta],
) -> StoreResult<()> {
    let key = Id(organization.uuid());
    for delta in deltas {
        add_one(conn, key, delta)?;
        let last = Utc(delta.last_seen_at);
        let earlier = models::last_seen_at
            .is_null()
            .or(models::last_seen_at.assume_not_null().lt(last));
        diesel::update(models::table)
            .filter(models::organization_id.eq(key))
            .filter(models::model_id.eq(delta.model.as_str()))
            .filter(earlier)
            .set(models::last_seen_at.eq(Some(last)))
            .execute(conn)?;
    }
    Ok(())
}

fn add_one(conn: &mut AnyConnection, organization: Id, delta: &UsageDelta) -> StoreResult<()> {
    let count = i64::try_from(delta.count).unwrap_or(i64::MAX);
    let provider = delta.provider.clone().unwrap_or_default();
    let day = i64::from(delta.day.to_julian_day());
    let key = (organization, day, delta.model.to_string(), provider);
    let known: Option<(i64, Utc, Utc)> = daily::table
        .find(key.clone())
        .select((daily::requests, daily::first_seen_at, daily::last_seen_at))
        .get_result(conn)
        .optional()?;
    let Some((requests, first, last)) = known else {
        diesel::insert_into(daily::table)
            .values((
                daily::organization_id.eq(key.0),
                daily::day.eq(key.1),
                daily::model_id.eq(key.2),
                daily::provider.eq(key.3),
                daily::requests.eq(count),
                daily::first_seen_at.eq(Utc(delta.first_seen_at)),
                daily::last_seen_at.eq(Utc(delta.last_seen_at)),
            ))
            .execute(conn)?;
        return Ok(());
    };
    diesel::update(daily::table.find(key))
        .set((
            daily::requests.eq(requests.saturating_add(count)),
            daily::first_seen_at.eq(first.min(Utc(delta.first_seen_at))),
            daily::last_seen_at.eq(last.max(Utc(delta.last_seen_at))),
        ))
        .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Observed {
    #[diesel(sql_type = Text)]
    model_id: String,
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = BigInt)]
    requests: i64,
    #[diesel(sql_type = AnyTimestamp)]
    first_seen_at: Utc,
    #[diesel(sql_type = AnyTimestamp)]
    last_seen_at: Utc,
}

/// Usage per model over the days from `since` on.
pub(super) fn observed(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    since: Date,
) -> StoreResult<Vec<ObservedModel>> {
    let rows: Vec<Observed> = diesel::sql_query(
        "SELECT model_id, provider, CAST(SUM(requests) AS BIGINT) AS requests, \
         MIN(first_seen_at) AS first_seen_at, MAX(last_seen_at) AS last_seen_at \
         FROM model_usage_daily WHERE organization_id = $1 AND day >= $2 GROUP BY model_id, provider",
    )
    .into_boxed::<MultiBackend>()
    .bind::<AnyUuid, _>(Id(organization.uuid()))
    .bind::<BigInt, _>(i64::from(since.to_julian_day()))
    .load(conn)?;
    let deltas: StoreResult<Vec<UsageDelta>> =
        rows.into_iter().map(|row| delta(row, since)).collect();
    Ok(roll_up(deltas?))
}

fn delta(row: Observed, day: Date) -> StoreResult<UsageDelta> {
    let model = ModelIdentifier::parse(row.model_id).map_err(|error| {
        StoreError(corrupt("model_usage_daily", "model_id")(
            error.message.into(),
        ))
    })?;
    Ok(UsageDelta {
        day,
        model,
        provider: Some(row.provider).filter(|provider| !provider.is_empty()),
        count: u64::try_from(row.requests).unwrap_or_default(),
        first_seen_at: row.first_seen_at.0,
        last_seen_at: row.last_seen_at.0,
    })
}
