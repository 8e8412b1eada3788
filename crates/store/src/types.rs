//! The column types that both databases share, and their Rust values.
//!
//! | column type | PostgreSQL | SQLite |
//! |---|---|---|
//! | [`AnyUuid`] | `uuid` | `BLOB` of 16 bytes |
//! | [`AnyTimestamp`] | `timestamptz` | `INTEGER`, microseconds since 1970 in UTC |

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{self as sql, HasSqlType};
use diesel::sqlite::Sqlite;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::connection::MultiBackend;

/// The one number that a statement in plain SQL answers, under that name.
#[derive(diesel::QueryableByName)]
pub(crate) struct Number {
    #[diesel(sql_type = sql::BigInt)]
    pub(crate) number: i64,
}

/// A UUID column.
#[derive(Clone, Copy, Debug, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(
    postgres_type(oid = 2950, array_oid = 2951),
    sqlite_type(name = "Binary")
)]
pub struct AnyUuid;

/// An instant column.
#[derive(Clone, Copy, Debug, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(
    postgres_type(oid = 1184, array_oid = 1185),
    sqlite_type(name = "Long")
)]
pub struct AnyTimestamp;

impl sql::SqlOrd for AnyTimestamp {}
impl sql::SqlOrd for AnyUuid {}

macro_rules! any_newtype {
    ($(#[$meta:meta])* $name:ident($(#[$field:meta])* $rust:ty) = $sql:ident) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[serde(transparent)]
        #[diesel(sql_type = $sql)]
        pub(crate) struct $name($(#[$field])* pub(crate) $rust);

        impl HasSqlType<$sql> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                MultiBackend::lookup_sql_type::<$sql>(lookup)
            }
        }

        impl FromSql<$sql, MultiBackend> for $name {
            fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                value.from_sql::<$name, $sql>()
            }
        }

        impl ToSql<$sql, MultiBackend> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value(($sql, self));
                Ok(IsNull::No)
            }
        }
    };
}

any_newtype!(
    /// A UUID as both databases keep it.
    Id(Uuid) = AnyUuid
);
any_newtype!(
    /// An instant as both databases keep it.
    Utc(#[serde(with = "time::serde::rfc3339")] OffsetDateTime) = AnyTimestamp
);

impl ToSql<AnyUuid, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Uuid as ToSql<sql::Uuid, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<AnyUuid, Pg> for Id {
    fn from_sql(value: diesel::pg::PgValue<'_>) -> deserialize::Result<Self> {
        <Uuid as FromSql<sql::Uuid, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<AnyTimestamp, Pg> for Utc {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <OffsetDateTime as ToSql<sql::Timestamptz, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<AnyTimestamp, Pg> for Utc {
    fn from_sql(value: diesel::pg::PgValue<'_>) -> deserialize::Result<Self> {
        <OffsetDateTime as FromSql<sql::Timestamptz, Pg>>::from_sql(value).map(Self)
    }
}

impl Utc {
    /// Microseconds since 1970, the sort key of a cursor.
    pub(crate) fn micros(self) -> i64 {
        i64::try_from(self.0.unix_timestamp_nanos().div_euclid(1000)).unwrap_or_default()
    }

    /// The instant of a cursor's sort key.
    pub(crate) fn of_micros(micros: i64) -> Self {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000);
        Self(at.unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }
}

impl ToSql<AnyUuid, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let bytes: &'b [u8] = self.0.as_bytes();
        out.set_value(bytes);
        Ok(IsNull::No)
    }
}

impl FromSql<AnyUuid, Sqlite> for Id {
    fn from_sql(value: diesel::sqlite::SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<sql::Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

impl ToSql<AnyTimestamp, Sqlite> for Utc {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(i64::try_from(
            self.0.unix_timestamp_nanos().div_euclid(1000),
        )?);
        Ok(IsNull::No)
    }
}

impl FromSql<AnyTimestamp, Sqlite> for Utc {
    fn from_sql(value: diesel::sqlite::SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<sql::BigInt, Sqlite>>::from_sql(value)?;
        Ok(Self(OffsetDateTime::from_unix_timestamp_nanos(
            i128::from(micros) * 1000,
        )?))
    }
}
