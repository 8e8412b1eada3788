//! The few differences between the databases in the statements of the checks.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::findings::Findings;
use crate::connection::AnyConnection;
use crate::error::StoreResult;

/// How many violations a statement answers: one more than are told.
pub(super) const LIMIT: &str = "LIMIT 1001";

/// The shift of an organisation's number in a position, as a factor.
pub(super) const RANGE: &str = "1099511627776";

/// Spells what the databases spell differently.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    postgres: bool,
}

impl Dialect {
    pub(super) const fn of(conn: &AnyConnection) -> Self {
        Self {
            postgres: conn.is_postgres(),
        }
    }

    /// A UUID column as text in its usual form.
    pub(super) fn uuid(self, column: &str) -> String {
        if self.postgres {
            return format!("CAST({column} AS TEXT)");
        }
        let part = |from, length| format!("substr(lower(hex({column})), {from}, {length})");
        [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)]
            .map(|(from, length)| part(from, length))
            .join(" || '-' || ")
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Tells every row of a statement (`subject`, `detail`) as a violation.
pub(super) fn tell(
    conn: &mut AnyConnection,
    findings: &mut Findings,
    check: &'static str,
    statement: String,
) -> StoreResult<()> {
    let found: Vec<Found> = diesel::sql_query(statement).load(conn)?;
    for Found { subject, detail } in found {
        findings.violated(check, subject, detail);
    }
    Ok(())
}

/// Notes that a check looks at all rows of a table.
pub(super) fn examine(
    conn: &mut AnyConnection,
    findings: &mut Findings,
    check: &'static str,
    table: &str,
) -> StoreResult<()> {
    let statement = format!("SELECT COUNT(*) AS number FROM {table}");
    let Count { number } = diesel::sql_query(statement).get_result(conn)?;
    findings.examined(check, u64::try_from(number).unwrap_or_default());
    Ok(())
}
