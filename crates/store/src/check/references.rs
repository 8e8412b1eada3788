//! What rows refer to: it exists, and in the same organisation. Checked on both databases alike,
//! also where no constraint stands behind it.

use super::findings::Findings;
use super::sql::{Dialect, LIMIT, examine, tell};
use crate::connection::AnyConnection;
use crate::error::StoreResult;

/// How a row is named in a report.
enum Name {
    Uuid(&'static str),
    Number(&'static str),
}

/// Tables whose rows belong to an organisation.
const OWNED: [(&str, &str, Name); 53] = [
    ("references.users", "users", Name::Uuid("id")),
    ("references.api_keys", "api_keys", Name::Uuid("id")),
    ("references.spaces", "spaces", Name::Uuid("id")),
    (
        "references.space_members",
        "space_members",
        Name::Uuid("user_id"),
    ),
    ("references.products", "products", Name::Uuid("id")),
    (
        "references.product_models",
        "product_models",
        Name::Uuid("product_id"),
    ),
    (
        "references.registered_models",
        "registered_models",
        Name::Uuid("id"),
    ),
    (
        "references.registry_heads",
        "registry_heads",
        Name::Uuid("organization_id"),
    ),
    (
        "references.registry_totals",
        "registry_totals",
        Name::Uuid("organization_id"),
    ),
    (
        "references.registry_settings",
        "registry_settings",
        Name::Uuid("organization_id"),
    ),
    (
        "references.model_usage_daily",
        "model_usage_daily",
        Name::Uuid("organization_id"),
    ),
    (
        "references.risk_metric_links",
        "risk_metric_links",
        Name::Uuid("id"),
    ),
    (
        "references.metric_snapshots",
        "metric_snapshots",
        Name::Uuid("id"),
    ),
    (
        "references.product_standings",
        "product_standings",
        Name::Uuid("product_id"),
    ),
    ("references.alerts", "alerts", Name::Uuid("id")),
    (
        "references.idempotency_records",
        "idempotency_records",
        Name::Uuid("organization_id"),
    ),
    (
        "references.audit_heads",
        "audit_heads",
        Name::Uuid("organization_id"),
    ),
    (
        "references.audit_entries",
        "audit_entries",
        Name::Number("position"),
    ),
    (
        "references.audit_nodes",
        "audit_nodes",
        Name::Uuid("organization_id"),
    ),
    (
        "references.audit_checkpoints",
        "audit_checkpoints",
        Name::Uuid("organization_id"),
    ),
    (
        "references.audit_timestamps",
        "audit_timestamps",
        Name::Uuid("organization_id"),
    ),
    (
        "references.audit_blocks",
        "audit_blocks",
        Name::Uuid("organization_id"),
    ),
    (
        "references.audit_subjects",
        "audit_subjects",
        Name::Uuid("subject_id"),
    ),
    (
        "references.retention_windows",
        "retention_windows",
        Name::Uuid("organization_id"),
    ),
    (
        "references.governance_events",
        "governance_events",
        Name::Uuid("id"),
    ),
    (
        "references.product_governance",
        "product_governance",
        Name::Uuid("product_id"),
    ),
    (
        "references.product_versions",
        "product_versions",
        Name::Uuid("id"),
    ),
    (
        "references.data_dependencies",
        "data_dependencies",
        Name::Uuid("id"),
    ),
    (
        "references.policy_attachments",
        "policy_attachments",
        Name::Uuid("id"),
    ),
    (
        "references.risk_mitigations",
        "risk_mitigations",
        Name::Uuid("id"),
    ),
    (
        "references.product_registered_models",
        "product_registered_models",
        Name::Uuid("product_id"),
    ),
    (
        "references.training_runs",
        "training_runs",
        Name::Uuid("id"),
    ),
    (
        "references.safety_metrics",
        "safety_metrics",
        Name::Uuid("id"),
    ),
    (
        "references.runtime_events",
        "runtime_events",
        Name::Uuid("id"),
    ),
    (
        "references.runtime_event_totals",
        "runtime_event_totals",
        Name::Uuid("product_id"),
    ),
    (
        "references.review_requests",
        "review_requests",
        Name::Uuid("id"),
    ),
    (
        "references.product_postures",
        "product_postures",
        Name::Uuid("product_id"),
    ),
    (
        "references.posture_totals",
        "posture_totals",
        Name::Uuid("space_id"),
    ),
    (
        "references.governance_settings",
        "governance_settings",
        Name::Uuid("organization_id"),
    ),
    (
        "references.product_listing",
        "product_listing",
        Name::Uuid("product_id"),
    ),
    (
        "references.product_search",
        "product_search",
        Name::Number("position"),
    ),
    (
        "references.product_totals",
        "product_totals",
        Name::Uuid("space_id"),
    ),
    (
        "references.artifact_uploads",
        "artifact_uploads",
        Name::Uuid("id"),
    ),
    (
        "references.artifact_chunks",
        "artifact_chunks",
        Name::Uuid("upload_id"),
    ),
    ("references.artifacts", "artifacts", Name::Uuid("id")),
    (
        "references.webhook_endpoints",
        "webhook_endpoints",
        Name::Uuid("id"),
    ),
    (
        "references.webhook_secrets",
        "webhook_secrets",
        Name::Uuid("id"),
    ),
    (
        "references.webhook_deliveries",
        "webhook_deliveries",
        Name::Uuid("id"),
    ),
    (
        "references.webhook_attempts",
        "webhook_attempts",
        Name::Uuid("delivery_id"),
    ),
    (
        "references.webhook_target_states",
        "webhook_target_states",
        Name::Uuid("endpoint_id"),
    ),
    (
        "references.tracked_alerts",
        "tracked_alerts",
        Name::Uuid("id"),
    ),
    (
        "references.alert_settings",
        "alert_settings",
        Name::Uuid("organization_id"),
    ),
    (
        "references.alert_preferences",
        "alert_preferences",
        Name::Uuid("organization_id"),
    ),
];

/// A reference inside an organisation: the check, the table, its column, and whose `id` it is.
const INSIDE: [(&str, &str, &str, &str); 39] = [
    ("references.api_keys", "api_keys", "replaced_by", "api_keys"),
    (
        "references.space_members",
        "space_members",
        "space_id",
        "spaces",
    ),
    (
        "references.space_members",
        "space_members",
        "user_id",
        "users",
    ),
    ("references.products", "products", "space_id", "spaces"),
    (
        "references.product_models",
        "product_models",
        "product_id",
        "products",
    ),
    (
        "references.risk_metric_links",
        "risk_metric_links",
        "product_id",
        "products",
    ),
    (
        "references.metric_snapshots",
        "metric_snapshots",
        "product_id",
        "products",
    ),
    (
        "references.product_standings",
        "product_standings",
        "product_id",
        "products",
    ),
    ("references.alerts", "alerts", "product_id", "products"),
    (
        "references.product_governance",
        "product_governance",
        "product_id",
        "products",
    ),
    (
        "references.product_versions",
        "product_versions",
        "product_id",
        "products",
    ),
    (
        "references.data_dependencies",
        "data_dependencies",
        "product_id",
        "products",
    ),
    (
        "references.policy_attachments",
        "policy_attachments",
        "product_id",
        "products",
    ),
    (
        "references.risk_mitigations",
        "risk_mitigations",
        "product_id",
        "products",
    ),
    (
        "references.product_registered_models",
        "product_registered_models",
        "product_id",
        "products",
    ),
    (
        "references.training_runs",
        "training_runs",
        "product_id",
        "products",
    ),
    (
        "references.safety_metrics",
        "safety_metrics",
        "product_id",
        "products",
    ),
    (
        "references.runtime_events",
        "runtime_events",
        "product_id",
        "products",
    ),
    (
        "references.runtime_event_totals",
        "runtime_event_totals",
        "product_id",
        "products",
    ),
    (
        "references.review_requests",
        "review_requests",
        "product_id",
        "products",
    ),
    (
        "references.product_postures",
        "product_postures",
        "product_id",
        "products",
    ),
    (
        "references.product_postures",
        "product_postures",
        "space_id",
        "spaces",
    ),
    (
        "references.posture_totals",
        "posture_totals",
        "space_id",
        "spaces",
    ),
    (
        "references.product_registered_models",
        "product_registered_models",
        "registered_model_id",
        "registered_models",
    ),
    (
        "references.governance_events",
        "governance_events",
        "product_id",
        "products",
    ),
    (
        "references.product_listing",
        "product_listing",
        "product_id",
        "products",
    ),
    (
        "references.product_totals",
        "product_totals",
        "space_id",
        "spaces",
    ),
    (
        "references.artifact_uploads",
        "artifact_uploads",
        "product_id",
        "products",
    ),
    (
        "references.artifact_uploads",
        "artifact_uploads",
        "space_id",
        "spaces",
    ),
    (
        "references.artifact_uploads",
        "artifact_uploads",
        "artifact_id",
        "artifacts",
    ),
    (
        "references.artifact_chunks",
        "artifact_chunks",
        "upload_id",
        "artifact_uploads",
    ),
    (
        "references.artifacts",
        "artifacts",
        "product_id",
        "products",
    ),
    ("references.artifacts", "artifacts", "space_id", "spaces"),
    (
        "references.artifacts",
        "artifacts",
        "upload_id",
        "artifact_uploads",
    ),
    (
        "references.artifacts",
        "artifacts",
        "product_version_id",
        "product_versions",
    ),
    (
        "references.webhook_deliveries",
        "webhook_deliveries",
        "endpoint_id",
        "webhook_endpoints",
    ),
    (
        "references.webhook_attempts",
        "webhook_attempts",
        "endpoint_id",
        "webhook_endpoints",
    ),
    (
        "references.webhook_target_states",
        "webhook_target_states",
        "endpoint_id",
        "webhook_endpoints",
    ),
    (
        "references.tracked_alerts",
        "tracked_alerts",
        "product_id",
        "products",
    ),
];

pub(super) fn check(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    let dialect = Dialect::of(conn);
    for (check, table, name) in &OWNED {
        examine(conn, findings, check, table)?;
        let statement = format!(
            "SELECT {} AS subject, 'belongs to no organisation' AS detail FROM {table} c \
             WHERE NOT EXISTS (SELECT 1 FROM organizations o WHERE o.id = c.organization_id) {LIMIT}",
            shown(dialect, name)
        );
        tell(conn, findings, check, statement)?;
    }
    for (check, table, column, parent) in INSIDE {
        let name = OWNED.iter().find(|(_, owned, _)| *owned == table);
        let subject = name.map_or_else(String::new, |(_, _, name)| shown(dialect, name));
        let statement = format!(
            "SELECT {subject} AS subject, CASE \
             WHEN EXISTS (SELECT 1 FROM {parent} q WHERE q.id = c.{column}) \
             THEN '{column} is of another organisation' ELSE '{column} does not exist' END AS detail \
             FROM {table} c WHERE c.{column} IS NOT NULL AND NOT EXISTS (\
             SELECT 1 FROM {parent} p WHERE p.id = c.{column} \
             AND p.organization_id = c.organization_id) {LIMIT}"
        );
        tell(conn, findings, check, statement)?;
    }
    Ok(())
}

fn shown(dialect: Dialect, name: &Name) -> String {
    match name {
        Name::Uuid(column) => dialect.uuid(&format!("c.{column}")),
        Name::Number(column) => format!("CAST(c.{column} AS TEXT)"),
    }
}
