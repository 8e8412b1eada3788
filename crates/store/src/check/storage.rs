//! What SQLite can tell about its own file. PostgreSQL keeps its constraints by itself; its pages are
//! checked by its own checksums and tools.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::findings::Findings;
use crate::connection::AnyConnection;
use crate::error::StoreResult;

const INTEGRITY: &str = "storage.integrity";
const FOREIGN_KEYS: &str = "storage.foreign_keys";

#[derive(QueryableByName)]
struct Integrity {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

#[derive(QueryableByName)]
struct Broken {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Nullable<Text>)]
    parent: Option<String>,
}

pub(super) fn check(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    if conn.is_postgres() {
        return Ok(());
    }
    let told: Vec<Integrity> = diesel::sql_query("PRAGMA integrity_check(1001)").load(conn)?;
    findings.examined(INTEGRITY, 1);
    for Integrity { integrity_check } in told {
        if integrity_check != "ok" {
            findings.violated(INTEGRITY, "file", integrity_check);
        }
    }
    let broken: Vec<Broken> = diesel::sql_query(
        "SELECT \"table\" AS child, parent FROM pragma_foreign_key_check LIMIT 1001",
    )
    .load(conn)?;
    findings.examined(FOREIGN_KEYS, 1);
    for Broken { child, parent } in broken {
        let parent = parent.unwrap_or_default();
        findings.violated(
            FOREIGN_KEYS,
            child,
            format!("a row refers to no row of {parent}"),
        );
    }
    Ok(())
}
