//! `Idempotency-Key`: the first outcome, kept in the transaction that made it.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use probity_kernel::{Context, IdempotencyClaim, RepositoryError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::Duration;

use crate::connection::{AnyConnection, MultiBackend, on_backend};
use crate::error::{StoreError, StoreResult};
use crate::schema::idempotency_records as records;
use crate::turn::Tx;
use crate::types::{AnyTimestamp, Id, Utc};

/// How long a key is remembered.
pub(crate) const LIFETIME: Duration = Duration::hours(24);

/// An outcome that can be kept and brought back as it was.
pub(crate) trait Remembered: Sized {
    /// Its form in the record of claims.
    type Record: Serialize + DeserializeOwned;

    /// What to keep of it: everything that its receiver sees.
    fn to_record(&self) -> Result<Self::Record, RepositoryError>;

    /// The outcome out of what was kept, equal to the one that went in.
    fn from_record(record: Self::Record) -> Result<Self, RepositoryError>;
}

/// Runs `work` once per claim: a claim that was spent before gives back its first outcome.
pub(crate) fn once<T: Remembered>(
    tx: &mut Tx<'_>,
    context: &Context,
    work: impl FnOnce(&mut Tx<'_>) -> StoreResult<T>,
) -> StoreResult<T> {
    let Some(claim) = &context.idempotency else {
        return work(tx);
    };
    if let Some(record) = spent(tx.conn, context, claim)? {
        return T::from_record(record).map_err(StoreError);
    }
    let outcome = work(tx)?;
    let record = outcome.to_record().map_err(StoreError)?;
    remember(tx.writing(), context, claim, &record)?;
    Ok(outcome)
}

/// The outcome of a claim that was spent within its lifetime.
pub(crate) fn spent<T: DeserializeOwned>(
    conn: &mut AnyConnection,
    context: &Context,
    claim: &IdempotencyClaim,
) -> StoreResult<Option<T>> {
    let found: Option<(Vec<u8>, String)> = records::table
        .filter(records::organization_id.eq(Id(context.organization.uuid())))
        .filter(records::scope.eq(&claim.scope))
        .filter(records::key.eq(&claim.key))
        .filter(records::created_at.gt(Utc(context.now - LIFETIME)))
        .select((records::fingerprint, records::outcome))
        .get_result(conn)
        .optional()?;
    let Some((fingerprint, outcome)) = found else {
        return Ok(None);
    };
    if fingerprint != claim.fingerprint {
        return Err(StoreError(RepositoryError::IdempotencyMismatch));
    }
    let outcome = serde_json::from_str(&outcome).map_err(|error| {
        StoreError(RepositoryError::Corrupt {
            table: "idempotency_records",
            column: "outcome",
            source: Box::new(error),
        })
    })?;
    Ok(Some(outcome))
}

/// Keeps an outcome under its claim, in place of one whose lifetime is over.
pub(crate) fn remember<T: Serialize>(
    conn: &mut AnyConnection,
    context: &Context,
    claim: &IdempotencyClaim,
    outcome: &T,
) -> StoreResult<()> {
    let outcome = serde_json::to_string(outcome)
        .map_err(|error| StoreError(RepositoryError::Database(Box::new(error))))?;
    let organization = Id(context.organization.uuid());
    let fingerprint = claim.fingerprint.to_vec();
    let created_at = Utc(context.now);
    on_backend!(conn, |c| {
        diesel::insert_into(records::table)
            .values((
                records::organization_id.eq(organization),
                records::scope.eq(&claim.scope),
                records::key.eq(&claim.key),
                records::fingerprint.eq(&fingerprint),
                records::outcome.eq(&outcome),
                records::created_at.eq(created_at),
            ))
            .on_conflict((records::organization_id, records::scope, records::key))
            .do_update()
            .set((
                records::fingerprint.eq(&fingerprint),
                records::outcome.eq(&outcome),
                records::created_at.eq(created_at),
            ))
            .execute(c)?;
    });
    Ok(())
}

/// Forgets keys whose lifetime is over, at most `limit` of them; answers how many. A key that another
/// node is just replacing is left to it.
pub(crate) fn sweep(conn: &mut AnyConnection, before: Utc, limit: i64) -> StoreResult<usize> {
    let locking = if conn.is_postgres() {
        "FOR UPDATE SKIP LOCKED"
    } else {
        ""
    };
    let delete = format!(
        "DELETE FROM idempotency_records WHERE (organization_id, scope, key) IN (\
         SELECT organization_id, scope, key FROM idempotency_records \
         WHERE created_at < $1 ORDER BY created_at LIMIT $2 {locking})"
    );
    let deleted = diesel::sql_query(delete)
        .into_boxed::<MultiBackend>()
        .bind::<AnyTimestamp, _>(before)
        .bind::<BigInt, _>(limit)
        .execute(conn)?;
    Ok(deleted)
}
