//! What is kept beside the rows that it is computed from.

use super::catalog;
use super::findings::Findings;
use super::sql::{Dialect, LIMIT, RANGE, examine, tell};
use crate::connection::AnyConnection;
use crate::error::StoreResult;

/// Where a snapshot stands in time: an instant ahead of the server's clock counts as the arrival.
const STANDS_AT: &str =
    "CASE WHEN s.captured_at <= s.received_at THEN s.captured_at ELSE s.received_at END";

pub(super) fn check(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    let dialect = Dialect::of(conn);
    for (name, table, statements) in [
        (
            "organizations.record",
            "organizations",
            organizations(dialect),
        ),
        ("catalog.listing", "products", catalog::listing(dialect)),
        ("catalog.totals", "product_totals", catalog::totals(dialect)),
        ("record.stray", "audit_entries", stray(dialect)),
        ("record.events", "governance_events", events(dialect)),
        ("registry.totals", "registry_totals", totals(dialect)),
        ("registry.heads", "registry_heads", heads(dialect)),
        ("registry.order", "registered_models", order(dialect)),
        (
            "guardian.standings",
            "product_standings",
            standings(dialect),
        ),
        ("guardian.open_alerts", "alerts", open_alerts(dialect)),
        ("alerts.tracked", "tracked_alerts", tracked(dialect)),
        (
            "governance.deployed_runs",
            "training_runs",
            deployed_runs(dialect),
        ),
        ("artifacts.current", "artifacts", current_artifacts(dialect)),
        (
            "artifacts.completed",
            "artifact_uploads",
            completed_uploads(dialect),
        ),
        (
            "governance.runtime_totals",
            "runtime_event_totals",
            runtime_totals(dialect),
        ),
        (
            "governance.open_reviews",
            "review_requests",
            open_reviews(dialect),
        ),
        (
            "governance.posture_totals",
            "posture_totals",
            posture_totals(dialect),
        ),
    ] {
        examine(conn, findings, name, table)?;
        for statement in statements {
            tell(conn, findings, name, format!("{statement} {LIMIT}"))?;
        }
    }
    Ok(())
}

fn organizations(dialect: Dialect) -> Vec<String> {
    vec![format!(
        "SELECT {} AS subject, 'has no log under its number' AS detail FROM organizations o \
         WHERE NOT EXISTS (SELECT 1 FROM audit_heads h WHERE h.organization_id = o.id AND h.no = o.no)",
        dialect.uuid("o.id")
    )]
}

fn stray(dialect: Dialect) -> Vec<String> {
    vec![format!(
        "SELECT {} AS subject, 'the entry at ' || CAST(e.position AS TEXT) || ' is in no log' AS detail \
         FROM audit_entries e WHERE NOT EXISTS (SELECT 1 FROM audit_heads h \
         WHERE h.organization_id = e.organization_id AND e.position >= h.no * {RANGE} \
         AND e.position < h.no * {RANGE} + h.size)",
        dialect.uuid("e.organization_id")
    )]
}

/// A join, not a sub-query: under row-level security PostgreSQL joins where it could not look up.
fn events(dialect: Dialect) -> Vec<String> {
    vec![format!(
        "SELECT {} AS subject, 'leaf ' || CAST(g.audit_index AS TEXT) || ' does not exist' AS detail \
         FROM governance_events g \
         LEFT JOIN audit_heads h ON h.organization_id = g.organization_id \
         LEFT JOIN audit_entries e ON e.position = h.no * {RANGE} + g.audit_index \
         AND e.organization_id = g.organization_id \
         WHERE e.position IS NULL OR g.audit_index >= h.size",
        dialect.uuid("g.id")
    )]
}

fn totals(dialect: Dialect) -> Vec<String> {
    let name = |table: &str| {
        let organization = dialect.uuid(&format!("{table}.organization_id"));
        format!("{organization} || ' ' || {table}.risk_tier || ' ' || {table}.validation_status")
    };
    vec![
        format!(
            "SELECT {} AS subject, 'counted ' || CAST(m.counted AS TEXT) || ', kept ' || \
             CAST(COALESCE(t.models, 0) AS TEXT) AS detail FROM (SELECT organization_id, risk_tier, \
             validation_status, COUNT(*) AS counted FROM registered_models \
             GROUP BY organization_id, risk_tier, validation_status) m LEFT JOIN registry_totals t \
             ON t.organization_id = m.organization_id AND t.risk_tier = m.risk_tier \
             AND t.validation_status = m.validation_status WHERE COALESCE(t.models, 0) <> m.counted",
            name("m")
        ),
        format!(
            "SELECT {} AS subject, 'counted 0, kept ' || CAST(t.models AS TEXT) AS detail \
             FROM registry_totals t WHERE t.models <> 0 AND NOT EXISTS (SELECT 1 \
             FROM registered_models m WHERE m.organization_id = t.organization_id \
             AND m.risk_tier = t.risk_tier AND m.validation_status = t.validation_status)",
            name("t")
        ),
    ]
}

fn heads(dialect: Dialect) -> Vec<String> {
    let organization = dialect.uuid("m.organization_id");
    vec![
        format!(
            "SELECT {organization} AS subject, \
             'the next position or the last instant is behind an entry' AS detail \
             FROM (SELECT organization_id, MAX(position) AS highest, MAX(created_at) AS latest \
             FROM registered_models GROUP BY organization_id) m \
             JOIN organizations o ON o.id = m.organization_id \
             LEFT JOIN registry_heads h ON h.organization_id = m.organization_id \
             WHERE h.next_position IS NULL OR o.no * {RANGE} + h.next_position <= m.highest \
             OR h.last_created_at IS NULL OR h.last_created_at < m.latest"
        ),
        format!(
            "SELECT {} AS subject, 'its position is outside the range of its organisation' AS detail \
             FROM registered_models m JOIN organizations o ON o.id = m.organization_id \
             WHERE m.position < o.no * {RANGE} OR m.position >= (o.no + 1) * {RANGE}",
            dialect.uuid("m.id")
        ),
    ]
}

fn order(dialect: Dialect) -> Vec<String> {
    vec![format!(
        "SELECT {} AS subject, 'created_at is before that of the entry before it' AS detail \
         FROM (SELECT id, created_at, LAG(created_at) OVER (PARTITION BY organization_id \
         ORDER BY position) AS earlier FROM registered_models) m WHERE m.earlier > m.created_at",
        dialect.uuid("m.id")
    )]
}

fn standings(dialect: Dialect) -> Vec<String> {
    let counted = format!(
        "SELECT s.organization_id, s.product_id, COUNT(*) AS counted, MAX({STANDS_AT}) AS latest \
         FROM metric_snapshots s GROUP BY s.organization_id, s.product_id"
    );
    vec![
        format!(
            "SELECT {} AS subject, 'counted ' || CAST(m.counted AS TEXT) || ' snapshots, kept ' || \
             CAST(COALESCE(t.snapshots, 0) AS TEXT) || \
             CASE WHEN t.latest_captured_at <> m.latest THEN ', and another latest instant' ELSE '' END \
             AS detail FROM ({counted}) m LEFT JOIN product_standings t \
             ON t.organization_id = m.organization_id AND t.product_id = m.product_id \
             WHERE COALESCE(t.snapshots, 0) <> m.counted OR t.latest_captured_at <> m.latest",
            dialect.uuid("m.product_id")
        ),
        format!(
            "SELECT {} AS subject, 'no snapshot stands at its latest instant with its status' AS detail \
             FROM product_standings t WHERE NOT EXISTS (SELECT 1 FROM metric_snapshots s \
             WHERE s.organization_id = t.organization_id AND s.product_id = t.product_id \
             AND s.status = t.latest_status AND {STANDS_AT} = t.latest_captured_at)",
            dialect.uuid("t.product_id")
        ),
    ]
}

fn open_alerts(dialect: Dialect) -> Vec<String> {
    vec![format!(
        "SELECT {} AS subject, CAST(COUNT(*) AS TEXT) || ' alerts are open on ' || a.metric AS detail \
         FROM alerts a WHERE a.state = 'open' GROUP BY a.organization_id, a.product_id, a.metric \
         HAVING COUNT(*) > 1",
        dialect.uuid("a.product_id")
    )]
}

fn deployed_runs(dialect: Dialect) -> Vec<String> {
    vec![format!(
        "SELECT {} AS subject, CAST(COUNT(*) AS TEXT) || ' runs are deployed' AS detail \
         FROM training_runs r WHERE r.is_deployed GROUP BY r.organization_id, r.product_id \
         HAVING COUNT(*) > 1",
        dialect.uuid("r.product_id")
    )]
}

fn current_artifacts(dialect: Dialect) -> Vec<String> {
    vec![format!(
        "SELECT {} AS subject, CAST(COUNT(*) AS TEXT) || ' artifacts are current' AS detail \
         FROM artifacts a WHERE a.is_current GROUP BY a.organization_id, a.product_id \
         HAVING COUNT(*) > 1",
        dialect.uuid("a.product_id")
    )]
}

/// A completed upload and its artifact name each other and have the same bytes.
fn completed_uploads(dialect: Dialect) -> Vec<String> {
    vec![format!(
        "SELECT {} AS subject, 'the artifact of the completed upload is another one' AS detail \
         FROM artifact_uploads u LEFT JOIN artifacts a ON a.organization_id = u.organization_id \
         AND a.id = u.artifact_id WHERE u.status = 'completed' AND (a.id IS NULL \
         OR a.upload_id <> u.id OR a.product_id <> u.product_id \
         OR a.size_bytes <> u.total_size_bytes)",
        dialect.uuid("u.id")
    )]
}

fn open_reviews(dialect: Dialect) -> Vec<String> {
    vec![format!(
        "SELECT {} AS subject, CAST(COUNT(*) AS TEXT) || ' review requests are open' AS detail \
         FROM review_requests r WHERE r.status = 'pending' GROUP BY r.organization_id, r.product_id \
         HAVING COUNT(*) > 1",
        dialect.uuid("r.product_id")
    )]
}

/// A posture that was never judged has no version and counts for nothing.
fn posture_totals(dialect: Dialect) -> Vec<String> {
    let columns = "organization_id, space_id, lifecycle_gate, review_status, score, drift";
    let counted = format!(
        "SELECT {columns}, COALESCE(worst_severity, 'none') AS worst_severity, COUNT(*) AS counted \
         FROM product_postures WHERE score_version <> '' \
         GROUP BY {columns}, COALESCE(worst_severity, 'none')"
    );
    let same = "t.organization_id = p.organization_id AND t.space_id = p.space_id \
                AND t.lifecycle_gate = p.lifecycle_gate AND t.review_status = p.review_status \
                AND t.score = p.score AND t.drift = p.drift AND t.worst_severity = p.worst_severity";
    vec![
        format!(
            "SELECT {} AS subject, 'counted ' || CAST(p.counted AS TEXT) || ', kept ' || \
             CAST(COALESCE(t.products, 0) AS TEXT) || ' at score ' || CAST(p.score AS TEXT) AS detail \
             FROM ({counted}) p LEFT JOIN posture_totals t ON {same} \
             WHERE COALESCE(t.products, 0) <> p.counted",
            dialect.uuid("p.space_id")
        ),
        format!(
            "SELECT {} AS subject, 'counted 0, kept ' || CAST(t.products AS TEXT) || ' at score ' || \
             CAST(t.score AS TEXT) AS detail FROM posture_totals t \
             LEFT JOIN ({counted}) p ON {same} WHERE p.score IS NULL",
            dialect.uuid("t.space_id")
        ),
    ]
}

fn runtime_totals(dialect: Dialect) -> Vec<String> {
    let name = |table: &str| {
        let product = dialect.uuid(&format!("{table}.product_id"));
        format!("{product} || ' ' || {table}.event_type")
    };
    vec![
        format!(
            "SELECT {} AS subject, 'counted ' || CAST(e.counted AS TEXT) || ', kept ' || \
             CAST(COALESCE(t.events, 0) AS TEXT) AS detail FROM (SELECT organization_id, product_id, \
             event_type, COUNT(*) AS counted FROM runtime_events \
             GROUP BY organization_id, product_id, event_type) e LEFT JOIN runtime_event_totals t \
             ON t.organization_id = e.organization_id AND t.product_id = e.product_id \
             AND t.event_type = e.event_type WHERE COALESCE(t.events, 0) <> e.counted",
            name("e")
        ),
        format!(
            "SELECT {} AS subject, 'counted 0, kept ' || CAST(t.events AS TEXT) AS detail \
             FROM runtime_event_totals t WHERE NOT EXISTS (SELECT 1 FROM runtime_events e \
             WHERE e.organization_id = t.organization_id AND e.product_id = t.product_id \
             AND e.event_type = t.event_type)",
            name("t")
        ),
    ]
}

/// Every alert of Guardian has its clock, which stands where the alert does, and no clock of a metric is
/// without one.
fn tracked(dialect: Dialect) -> Vec<String> {
    vec![
        format!(
            "SELECT {} AS subject, 'is not tracked as it stands' AS detail FROM alerts a \
             WHERE NOT EXISTS (SELECT 1 FROM tracked_alerts t WHERE t.id = a.id \
             AND t.organization_id = a.organization_id AND t.product_id = a.product_id \
             AND t.source = 'metric' AND t.source_id = a.id AND t.state = a.state \
             AND (t.acknowledged_at IS NULL) = (a.acknowledged_at IS NULL) \
             AND t.severity = CASE a.severity WHEN 'RED' THEN 'critical' ELSE 'medium' END)",
            dialect.uuid("a.id")
        ),
        format!(
            "SELECT {} AS subject, 'tracks no alert of a metric' AS detail FROM tracked_alerts t \
             WHERE t.source = 'metric' AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.id = t.id \
             AND a.organization_id = t.organization_id)",
            dialect.uuid("t.id")
        ),
    ]
}
