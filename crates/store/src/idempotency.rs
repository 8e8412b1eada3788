//! `Idempotency-Key`: the first outcome, kept in the transaction that made it.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Text};
use diesel::sqlite::Sqlite;
use probity_kernel::{Context, IdempotencyClaim, OrganizationId, RepositoryError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::{Duration, OffsetDateTime};

use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult};
use crate::statement::statement;
use crate::turn::Tx;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

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
    let asked = [Asked::of(context, claim)];
    let found = spent_of_all(conn, context.organization, &asked)?;
    let spent = found.get(&claim_key(claim));
    spent.map(|spent| spent.outcome(claim)).transpose()
}

/// Keeps an outcome under its claim, in place of one whose lifetime is over.
pub(crate) fn remember<T: Serialize>(
    conn: &mut AnyConnection,
    context: &Context,
    claim: &IdempotencyClaim,
    outcome: &T,
) -> StoreResult<()> {
    let text = encode(outcome)?;
    let kept = [Kept::of(context, claim, &text)];
    remember_all(conn, context.organization, &kept)
}

/// What tells the claims of an organisation apart: scope and key.
pub(crate) type ClaimKey<'a> = (&'a str, &'a str);

/// What tells this claim from others.
pub(crate) fn claim_key(claim: &IdempotencyClaim) -> ClaimKey<'_> {
    (&claim.scope, &claim.key)
}

/// A claim that is looked for.
pub(crate) struct Asked<'a> {
    key: ClaimKey<'a>,
    /// What was spent until then is over.
    after: OffsetDateTime,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(context: &Context, claim: &'a IdempotencyClaim) -> Self {
        Self {
            key: claim_key(claim),
            after: context.now - LIFETIME,
        }
    }
}

/// A claim that was spent within its lifetime.
pub(crate) struct Spent {
    fingerprint: Vec<u8>,
    outcome: String,
}

impl Spent {
    /// Its first outcome, for the same request; another one under its key is refused.
    pub(crate) fn outcome<T: DeserializeOwned>(&self, claim: &IdempotencyClaim) -> StoreResult<T> {
        if self.fingerprint != claim.fingerprint {
            return Err(StoreError(RepositoryError::IdempotencyMismatch));
        }
        serde_json::from_str(&self.outcome).map_err(|error| {
            StoreError(RepositoryError::Corrupt {
                table: "idempotency_records",
                column: "outcome",
                source: Box::new(error),
            })
        })
    }
}

/// Those of the claims that were spent within their lifetime: one prepared statement for each where
/// the database is in this process, one for all where each costs a round trip.
pub(crate) fn spent_of_all<'a>(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    asked: &[Asked<'a>],
) -> StoreResult<HashMap<ClaimKey<'a>, Spent>> {
    let organization = Id(organization.uuid());
    let mut found = HashMap::new();
    match conn {
        AnyConnection::Sqlite(c) => {
            for Asked { key, after } in asked {
                let row: Option<(Vec<u8>, String)> = FindClaim {
                    organization,
                    scope: key.0,
                    key: key.1,
                    after: Utc(*after),
                }
                .get_result(c)
                .optional()?;
                found.extend(row.map(|(fingerprint, outcome)| {
                    let spent = Spent {
                        fingerprint,
                        outcome,
                    };
                    (*key, spent)
                }));
            }
        }
        AnyConnection::Postgres(c) => {
            if asked.is_empty() {
                return Ok(found);
            }
            let scopes: Vec<&str> = asked.iter().map(|one| one.key.0).collect();
            let keys: Vec<&str> = asked.iter().map(|one| one.key.1).collect();
            let after: Vec<Utc> = asked.iter().map(|one| Utc(one.after)).collect();
            let rows: Vec<(String, String, Vec<u8>, String)> = FindClaims {
                scopes: &scopes,
                keys: &keys,
                after: &after,
                organization,
            }
            .load(c)?;
            for (scope, key, fingerprint, outcome) in rows {
                let mut asked = asked.iter().map(|one| one.key);
                let key = asked.rfind(|known| *known == (&scope, &key));
                found.extend(key.map(|key| {
                    (
                        key,
                        Spent {
                            fingerprint,
                            outcome,
                        },
                    )
                }));
            }
        }
    }
    Ok(found)
}

statement! {
    /// Whether one claim was spent.
    struct FindClaim<'a> for (Sqlite as SqliteConnection) {
        "SELECT fingerprint, outcome FROM idempotency_records WHERE organization_id = "
        organization: Id as AnyUuid,
        " AND scope = " scope: &'a str as Text,
        " AND key = " key: &'a str as Text,
        " AND created_at > " after: Utc as AnyTimestamp; "" => (Binary, Text)
    }
}

statement! {
    /// Which of many claims were spent: a look into the key for each. Joined freely, all claims of the
    /// organisation would be read where the planner knows their number from an emptier time.
    struct FindClaims<'a> for (Pg as PgConnection) {
        "SELECT r.scope, r.key, r.fingerprint, r.outcome FROM UNNEST(" scopes: &'a [&'a str] as Array<Text>,
        ", " keys: &'a [&'a str] as Array<Text>,
        ", " after: &'a [Utc] as Array<AnyTimestamp>,
        ") AS asked (scope, key, after) CROSS JOIN LATERAL (SELECT c.scope, c.key, c.fingerprint, \
         c.outcome FROM idempotency_records c WHERE c.scope = asked.scope AND c.key = asked.key \
         AND c.created_at > asked.after AND c.organization_id = "
        organization: Id as AnyUuid; " LIMIT 1) AS r" => (Text, Text, Binary, Text)
    }
}

/// An outcome in the form in which it is kept.
pub(crate) fn encode<T: Serialize>(outcome: &T) -> StoreResult<String> {
    serde_json::to_string(outcome)
        .map_err(|error| StoreError(RepositoryError::Database(Box::new(error))))
}

/// A claim that is spent now, and its outcome.
pub(crate) struct Kept<'a> {
    claim: &'a IdempotencyClaim,
    outcome: &'a str,
    created_at: Utc,
}

impl<'a> Kept<'a> {
    pub(crate) const fn of(
        context: &Context,
        claim: &'a IdempotencyClaim,
        outcome: &'a str,
    ) -> Self {
        Self {
            claim,
            outcome,
            created_at: Utc(context.now),
        }
    }
}

/// Keeps outcomes under their claims, in place of those whose lifetime is over. No claim is among
/// them twice.
pub(crate) fn remember_all(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    kept: &[Kept<'_>],
) -> StoreResult<()> {
    let organization = Id(organization.uuid());
    match conn {
        AnyConnection::Sqlite(c) => {
            for Kept {
                claim,
                outcome,
                created_at,
            } in kept
            {
                KeepClaim {
                    organization,
                    scope: &claim.scope,
                    key: &claim.key,
                    fingerprint: &claim.fingerprint,
                    outcome,
                    created_at: *created_at,
                }
                .execute(c)?;
            }
        }
        AnyConnection::Postgres(c) => {
            if kept.is_empty() {
                return Ok(());
            }
            let scopes: Vec<&str> = kept.iter().map(|one| one.claim.scope.as_str()).collect();
            let keys: Vec<&str> = kept.iter().map(|one| one.claim.key.as_str()).collect();
            let fingerprints: Vec<&[u8]> = kept
                .iter()
                .map(|one| one.claim.fingerprint.as_slice())
                .collect();
            let outcomes: Vec<&str> = kept.iter().map(|one| one.outcome).collect();
            let created_at: Vec<Utc> = kept.iter().map(|one| one.created_at).collect();
            KeepClaims {
                organization,
                scopes: &scopes,
                keys: &keys,
                fingerprints: &fingerprints,
                outcomes: &outcomes,
                created_at: &created_at,
            }
            .execute(c)?;
        }
    }
    Ok(())
}

statement! {
    /// Keeps one outcome. What it replaces goes, so that claims lie in the order in which they were spent.
    struct KeepClaim<'a> for (Sqlite as SqliteConnection) {
        "INSERT OR REPLACE INTO idempotency_records (organization_id, scope, key, fingerprint, outcome, \
         created_at) VALUES (" organization: Id as AnyUuid,
        ", " scope: &'a str as Text,
        ", " key: &'a str as Text,
        ", " fingerprint: &'a [u8] as Binary,
        ", " outcome: &'a str as Text,
        ", " created_at: Utc as AnyTimestamp; ")"
    }
}

statement! {
    /// Keeps many outcomes.
    struct KeepClaims<'a> for (Pg as PgConnection) {
        "INSERT INTO idempotency_records (organization_id, scope, key, fingerprint, outcome, created_at) \
         SELECT " organization: Id as AnyUuid,
        ", * FROM UNNEST (" scopes: &'a [&'a str] as Array<Text>,
        ", " keys: &'a [&'a str] as Array<Text>,
        ", " fingerprints: &'a [&'a [u8]] as Array<Binary>,
        ", " outcomes: &'a [&'a str] as Array<Text>,
        ", " created_at: &'a [Utc] as Array<AnyTimestamp>;
        ") ON CONFLICT (organization_id, scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, \
         outcome = excluded.outcome, created_at = excluded.created_at"
    }
}

/// Forgets keys whose lifetime is over, at most `limit` of them; answers how many.
pub(crate) fn sweep(conn: &mut AnyConnection, before: Utc, limit: i64) -> StoreResult<usize> {
    let swept = match conn {
        // The oldest come first: no index is needed to find them. One from the future, which a clock that
        // was wrong has left, is passed over.
        AnyConnection::Sqlite(c) => diesel::sql_query(
            "DELETE FROM idempotency_records WHERE rowid IN (SELECT rowid FROM (\
             SELECT rowid, created_at FROM idempotency_records WHERE created_at <= $1 \
             ORDER BY rowid LIMIT $2) WHERE created_at < $3)",
        )
        .bind::<AnyTimestamp, _>(Utc(before.0 + LIFETIME))
        .bind::<BigInt, _>(limit)
        .bind::<AnyTimestamp, _>(before)
        .execute(c)?,
        // A key that another node is just replacing is left to it.
        AnyConnection::Postgres(c) => diesel::sql_query(
            "DELETE FROM idempotency_records WHERE (organization_id, scope, key) IN (\
             SELECT organization_id, scope, key FROM idempotency_records \
             WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<AnyTimestamp, _>(before)
        .bind::<BigInt, _>(limit)
        .execute(c)?,
    };
    Ok(swept)
}
