//! The index of searches against the texts.

use super::findings::Findings;
use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::search::faults;

const CHECK: &str = "searches.index";

pub(super) fn check(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    if !conn.is_postgres() {
        // SQLite checks its own index with `storage.integrity`.
        return Ok(());
    }
    let (texts, faults) = faults(conn)?;
    findings.examined(CHECK, texts);
    for (organization, fault) in faults {
        findings.violated(CHECK, organization.to_string(), fault);
    }
    Ok(())
}
