//! Deliveries: each of an event is of one that the record holds, under the event's own id.

use super::findings::Findings;
use super::sql::{Dialect, LIMIT, examine, tell};
use crate::connection::AnyConnection;
use crate::error::StoreResult;

const DELIVERIES: &str = "webhooks.deliveries";

pub(super) fn check(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    let subject = Dialect::of(conn).uuid("d.id");
    examine(conn, findings, DELIVERIES, "webhook_deliveries")?;
    let statement = format!(
        "SELECT {subject} AS subject, 'its event is not in the record' AS detail \
         FROM webhook_deliveries d WHERE d.audit_index IS NOT NULL AND NOT EXISTS (\
         SELECT 1 FROM governance_events e WHERE e.organization_id = d.organization_id \
         AND e.audit_index = d.audit_index AND e.ordinal = d.ordinal AND e.id = d.id) {LIMIT}"
    );
    tell(conn, findings, DELIVERIES, statement)
}
