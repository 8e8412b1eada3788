//! Nobody learns that something of another organisation exists.
//!
//! The table says for every operation of the document which ids a caller can put into it. An
//! operation that is missing here fails the test, so that a new route has to be thought about.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Call, Reply, document, unique};

/// What an id in a request is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Model,
    Key,
    Link,
    Alert,
    Product,
    /// Of a product: `{product}/ai-governance-review-requests/{request}`.
    Review,
    /// With its space in front: `<space>/products/<product>`.
    Placed,
    Space,
    Organization,
    /// With its product in front: `<product>/training-runs/<run>`.
    Run,
    /// With its product in front.
    SafetyMetric,
    /// With its product in front, as the other attachments.
    Dependency,
    Policy,
    Mitigation,
    /// With its product in front: `<product>/model-artifacts/uploads/<upload>`.
    Upload,
    /// With its product in front.
    Artifact,
    Event,
    Webhook,
    /// With its webhook in front: `<webhook>/deliveries/<delivery>`.
    Delivery,
}

/// How to ask for a thing: method, path with `{id}` in place of the id, body.
pub(crate) type Probe = (Thing, &'static str, &'static str, fn(&str) -> Value);

const NOTHING: fn(&str) -> Value = |_| Value::Null;

/// Every operation with every id that it takes; none for one that takes no id.
pub(crate) fn table() -> Vec<(&'static str, Vec<Probe>)> {
    let snapshot =
        |id: &str| json!({"modelId": id, "driftScore": 60, "fairnessScore": 99, "sampleSize": 1});
    let batch = |id: &str| json!({"snapshots": [{"modelId": id, "driftScore": 1, "fairnessScore": 99, "sampleSize": 1}]});
    let limits = |_: &str| json!({"thresholds": {"drift": {"amber": 1, "red": 2}}});
    let link = |id: &str| json!({"modelId": id, "thresholds": {"drift": {"amber": 1, "red": 2}}});
    let evaluation = |id: &str| {
        json!({"modelId": id, "minSamples": 2,
        "drift": {"reference": {"columns": {"a": [1, 2, 3, 4]}}, "current": {"columns": {"a": [1, 2, 3, 4]}}, "bins": 2},
        "fairness": {"predictions": [1, 0, 1, 0], "groups": ["x", "x", "y", "y"]}})
    };
    vec![
        (
            "artifacts_list",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/model-artifacts",
                NOTHING,
            )],
        ),
        (
            "artifacts_initiate_upload",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/model-artifacts/uploads",
                |_| json!({"file_name": "x", "content_type": "a/b", "total_size_bytes": 0}),
            )],
        ),
        (
            "artifacts_get_upload",
            vec![(
                Thing::Upload,
                "GET",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "artifacts_abort_upload",
            vec![(
                Thing::Upload,
                "DELETE",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "artifacts_put_chunk",
            vec![(
                Thing::Upload,
                "PUT",
                "/api/v1.0/catalog/products/{id}/chunks/0",
                NOTHING,
            )],
        ),
        (
            "artifacts_complete_upload",
            vec![(
                Thing::Upload,
                "POST",
                "/api/v1.0/catalog/products/{id}/complete",
                NOTHING,
            )],
        ),
        (
            "artifacts_download",
            vec![(
                Thing::Artifact,
                "GET",
                "/api/v1.0/catalog/products/{id}/download",
                NOTHING,
            )],
        ),
        (
            "artifacts_delete",
            vec![(
                Thing::Artifact,
                "DELETE",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "artifacts_attach_signature",
            vec![(
                Thing::Artifact,
                "PUT",
                "/api/v1.0/catalog/products/{id}/signature",
                |_| json!({"bundle": {}, "public_key": "x"}),
            )],
        ),
        (
            "artifacts_get_signature",
            vec![(
                Thing::Artifact,
                "GET",
                "/api/v1.0/catalog/products/{id}/signature",
                NOTHING,
            )],
        ),
        (
            "catalog_list_data_dependencies",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/data-dependencies",
                NOTHING,
            )],
        ),
        (
            "catalog_create_data_dependency",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/data-dependencies",
                |_| json!({"name": "x"}),
            )],
        ),
        (
            "catalog_list_products",
            vec![(
                Thing::Space,
                "GET",
                "/api/v1.0/catalog/spaces/{id}/products",
                NOTHING,
            )],
        ),
        (
            "catalog_create_product",
            vec![(
                Thing::Space,
                "POST",
                "/api/v1.0/catalog/spaces/{id}/products",
                |_| json!({"name": "x"}),
            )],
        ),
        (
            "catalog_get_product",
            vec![(
                Thing::Placed,
                "GET",
                "/api/v1.0/catalog/spaces/{id}",
                NOTHING,
            )],
        ),
        (
            "catalog_get_model_card",
            vec![(
                Thing::Placed,
                "GET",
                "/api/v1.0/catalog/spaces/{id}/model-card",
                NOTHING,
            )],
        ),
        (
            "catalog_get_ml_bom",
            vec![(
                Thing::Placed,
                "GET",
                "/api/v1.0/catalog/spaces/{id}/ml-bom",
                NOTHING,
            )],
        ),
        (
            "catalog_update_product",
            vec![(
                Thing::Placed,
                "PATCH",
                "/api/v1.0/catalog/spaces/{id}",
                |_| json!({"name": "x"}),
            )],
        ),
        (
            "catalog_archive_product",
            vec![(
                Thing::Placed,
                "DELETE",
                "/api/v1.0/catalog/spaces/{id}",
                NOTHING,
            )],
        ),
        (
            "repository_list_space_models",
            vec![(
                Thing::Space,
                "GET",
                "/api/v1.0/catalog/spaces/{id}/model-repository/models",
                NOTHING,
            )],
        ),
        (
            "repository_list_organization_models",
            vec![(
                Thing::Organization,
                "GET",
                "/api/v1.0/organizations/{id}/model-repository/models",
                NOTHING,
            )],
        ),
        (
            "repository_update_model",
            vec![(
                Thing::Product,
                "PATCH",
                "/api/v1.0/catalog/products/{id}/model-repository",
                |_| json!({"name": "x"}),
            )],
        ),
        (
            "catalog_get_data_dependency",
            vec![(
                Thing::Dependency,
                "GET",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "catalog_update_data_dependency",
            vec![(
                Thing::Dependency,
                "PATCH",
                "/api/v1.0/catalog/products/{id}",
                |_| json!({"name": "x"}),
            )],
        ),
        (
            "catalog_delete_data_dependency",
            vec![(
                Thing::Dependency,
                "DELETE",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "catalog_list_versions",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/versions",
                NOTHING,
            )],
        ),
        (
            "catalog_create_version",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/versions",
                |_| json!({"version_number": "1"}),
            )],
        ),
        (
            "catalog_list_policies",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/policies",
                NOTHING,
            )],
        ),
        (
            "catalog_attach_policy",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/policies",
                |_| json!({"policy_key": "x", "title": "x"}),
            )],
        ),
        (
            "catalog_get_policy",
            vec![(
                Thing::Policy,
                "GET",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "catalog_detach_policy",
            vec![(
                Thing::Policy,
                "DELETE",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "catalog_list_risk_mitigations",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/risk-mitigations",
                NOTHING,
            )],
        ),
        (
            "catalog_create_risk_mitigation",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/risk-mitigations",
                |_| json!({"title": "x", "severity": "low"}),
            )],
        ),
        (
            "catalog_get_risk_mitigation",
            vec![(
                Thing::Mitigation,
                "GET",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "catalog_update_risk_mitigation",
            vec![(
                Thing::Mitigation,
                "PATCH",
                "/api/v1.0/catalog/products/{id}",
                |_| json!({"owner": "x"}),
            )],
        ),
        (
            "catalog_delete_risk_mitigation",
            vec![(
                Thing::Mitigation,
                "DELETE",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "catalog_get_registered_models",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/registered-models",
                NOTHING,
            )],
        ),
        (
            "catalog_put_registered_models",
            vec![(
                Thing::Product,
                "PUT",
                "/api/v1.0/catalog/products/{id}/registered-models",
                |_| json!({"models": []}),
            )],
        ),
        ("api_keys_list", vec![]),
        (
            "governance_get_summary",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/ai-governance-summary",
                NOTHING,
            )],
        ),
        (
            "governance_list_reviews",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/ai-governance-review-requests",
                NOTHING,
            )],
        ),
        (
            "governance_request_review",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/ai-governance-review-requests",
                |_| json!({}),
            )],
        ),
        (
            "governance_get_review",
            vec![(
                Thing::Review,
                "GET",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "governance_decide_review",
            vec![(
                Thing::Review,
                "POST",
                "/api/v1.0/catalog/products/{id}/decision",
                |_| json!({"decision": "approve"}),
            )],
        ),
        (
            "governance_get_overview",
            vec![(
                Thing::Organization,
                "GET",
                "/api/v1.0/organizations/{id}/ai-governance-overview",
                NOTHING,
            )],
        ),
        (
            "governance_list_postures",
            vec![(
                Thing::Organization,
                "GET",
                "/api/v1.0/organizations/{id}/ai-governance-postures",
                NOTHING,
            )],
        ),
        (
            "governance_get_settings",
            vec![(
                Thing::Organization,
                "GET",
                "/api/v1.0/organizations/{id}/ai-governance-settings",
                NOTHING,
            )],
        ),
        (
            "governance_update_settings",
            vec![(
                Thing::Organization,
                "PUT",
                "/api/v1.0/organizations/{id}/ai-governance-settings",
                |_| json!({"review_period_days": 1}),
            )],
        ),
        // A key may be confined to spaces: an unknown one opens nothing.
        ("api_keys_create", vec![]),
        (
            "api_keys_get",
            vec![(Thing::Key, "GET", "/api/v1/api-keys/{id}", NOTHING)],
        ),
        (
            "api_keys_revoke",
            vec![(Thing::Key, "DELETE", "/api/v1/api-keys/{id}", NOTHING)],
        ),
        (
            "api_keys_rotate",
            vec![(Thing::Key, "POST", "/api/v1/api-keys/{id}/rotate", |_| {
                json!({})
            })],
        ),
        (
            "guardian_list_banners",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1/alerts/banners?modelId={id}",
                NOTHING,
            )],
        ),
        ("guardian_get_sla", vec![]),
        ("guardian_get_sla_targets", vec![]),
        ("guardian_update_sla_targets", vec![]),
        ("guardian_get_preferences", vec![]),
        ("guardian_update_preferences", vec![]),
        // What is another's matches nothing.
        ("audit_list_entries", vec![]),
        ("audit_get_entry", vec![]),
        ("audit_entry_proof", vec![]),
        ("audit_checkpoint", vec![]),
        ("audit_keys", vec![]),
        ("audit_inclusion_proof", vec![]),
        ("audit_consistency_proof", vec![]),
        ("audit_tile", vec![]),
        ("audit_export", vec![]),
        ("events_list_events", vec![]),
        ("webhooks_list", vec![]),
        ("webhooks_create", vec![]),
        ("webhooks_list_dead_letters", vec![]),
        (
            "webhooks_get",
            vec![(
                Thing::Webhook,
                "GET",
                "/api/v1/governance-events/webhooks/{id}",
                NOTHING,
            )],
        ),
        (
            "webhooks_update",
            vec![(
                Thing::Webhook,
                "PATCH",
                "/api/v1/governance-events/webhooks/{id}",
                |_| json!({"event_types": []}),
            )],
        ),
        (
            "webhooks_delete",
            vec![(
                Thing::Webhook,
                "DELETE",
                "/api/v1/governance-events/webhooks/{id}",
                NOTHING,
            )],
        ),
        (
            "webhooks_rotate_secret",
            vec![(
                Thing::Webhook,
                "POST",
                "/api/v1/governance-events/webhooks/{id}/rotate-secret",
                NOTHING,
            )],
        ),
        (
            "webhooks_list_deliveries",
            vec![(
                Thing::Webhook,
                "GET",
                "/api/v1/governance-events/webhooks/{id}/deliveries",
                NOTHING,
            )],
        ),
        (
            "webhooks_get_delivery",
            vec![(
                Thing::Delivery,
                "GET",
                "/api/v1/governance-events/webhooks/{id}",
                NOTHING,
            )],
        ),
        (
            "webhooks_replay_delivery",
            vec![(
                Thing::Delivery,
                "POST",
                "/api/v1/governance-events/webhooks/{id}/replay",
                NOTHING,
            )],
        ),
        (
            "webhooks_replay",
            vec![(
                Thing::Webhook,
                "POST",
                "/api/v1/governance-events/webhooks/{id}/replay",
                NOTHING,
            )],
        ),
        (
            "webhooks_replay_dead_letters",
            vec![(
                Thing::Webhook,
                "POST",
                "/api/v1/governance-events/dead-letters/replay",
                |id: &str| json!({"webhook_id": id}),
            )],
        ),
        (
            "events_get_event",
            vec![(
                Thing::Event,
                "GET",
                "/api/v1/governance-events/{id}",
                NOTHING,
            )],
        ),
        // The place to go on from is looked for among one's own: see the cases of the stream.
        ("events_stream_events", vec![]),
        (
            "governance_list_training_runs",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/training-runs",
                NOTHING,
            )],
        ),
        (
            "governance_create_training_run",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/training-runs",
                |_| json!({"run_name": "x", "run_type": "training"}),
            )],
        ),
        (
            "governance_get_training_run",
            vec![(
                Thing::Run,
                "GET",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "governance_update_training_run",
            vec![(
                Thing::Run,
                "PATCH",
                "/api/v1.0/catalog/products/{id}",
                |_| json!({"run_name": "x"}),
            )],
        ),
        (
            "governance_delete_training_run",
            vec![(
                Thing::Run,
                "DELETE",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "governance_list_safety_metrics",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/safety-metrics",
                NOTHING,
            )],
        ),
        (
            "governance_create_safety_metric",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/safety-metrics",
                |_| json!({"category": "drift", "metric_name": "x"}),
            )],
        ),
        (
            "governance_get_safety_metric",
            vec![(
                Thing::SafetyMetric,
                "GET",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "governance_update_safety_metric",
            vec![(
                Thing::SafetyMetric,
                "PATCH",
                "/api/v1.0/catalog/products/{id}",
                |_| json!({"metric_name": "x"}),
            )],
        ),
        (
            "governance_delete_safety_metric",
            vec![(
                Thing::SafetyMetric,
                "DELETE",
                "/api/v1.0/catalog/products/{id}",
                NOTHING,
            )],
        ),
        (
            "governance_attest_safety_metric",
            vec![(
                Thing::SafetyMetric,
                "POST",
                "/api/v1.0/catalog/products/{id}/attest",
                NOTHING,
            )],
        ),
        (
            "governance_list_runtime_events",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/ai-runtime-governance-events",
                NOTHING,
            )],
        ),
        (
            "governance_create_runtime_event",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/ai-runtime-governance-events",
                |_| json!({"event_type": "blocked_action", "severity": "low", "summary": "x"}),
            )],
        ),
        (
            "governance_generate_change_log",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1.0/catalog/products/{id}/generate-change-log",
                |_| json!({}),
            )],
        ),
        (
            "guardian_ingest_metric",
            vec![(Thing::Product, "POST", "/api/v1/metrics", snapshot)],
        ),
        (
            "guardian_ingest_batch",
            vec![(Thing::Product, "POST", "/api/v1/metrics/batch", batch)],
        ),
        (
            "guardian_evaluate",
            vec![(
                Thing::Product,
                "POST",
                "/api/v1/metrics/evaluate",
                evaluation,
            )],
        ),
        ("guardian_simulate", vec![]),
        (
            "guardian_list_history",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1/metrics/history?modelId={id}",
                NOTHING,
            )],
        ),
        (
            "guardian_get_thresholds",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1/thresholds?modelId={id}",
                NOTHING,
            )],
        ),
        (
            "guardian_list_links",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1/risk-metric-links?modelId={id}",
                NOTHING,
            )],
        ),
        (
            "guardian_create_link",
            vec![(Thing::Product, "POST", "/api/v1/risk-metric-links", link)],
        ),
        (
            "guardian_get_link",
            vec![(
                Thing::Link,
                "GET",
                "/api/v1/risk-metric-links/{id}",
                NOTHING,
            )],
        ),
        (
            "guardian_update_link",
            vec![(Thing::Link, "PUT", "/api/v1/risk-metric-links/{id}", limits)],
        ),
        (
            "guardian_delete_link",
            vec![(
                Thing::Link,
                "DELETE",
                "/api/v1/risk-metric-links/{id}",
                NOTHING,
            )],
        ),
        (
            "guardian_list_alerts",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1/alerts?modelId={id}",
                NOTHING,
            )],
        ),
        (
            "guardian_get_alert",
            vec![(Thing::Alert, "GET", "/api/v1/alerts/{id}", NOTHING)],
        ),
        (
            "guardian_acknowledge_alert",
            vec![(
                Thing::Alert,
                "POST",
                "/api/v1/alerts/{id}/acknowledge",
                |_| json!({}),
            )],
        ),
        (
            "guardian_resolve_alert",
            vec![(Thing::Alert, "POST", "/api/v1/alerts/{id}/resolve", |_| {
                json!({})
            })],
        ),
        ("ingestion_record_ai_requests", vec![]),
        ("ingestion_receive_traces", vec![]),
        ("operations_health", vec![]),
        ("operations_readiness", vec![]),
        ("operations_metrics", vec![]),
        ("operations_jwks", vec![]),
        ("registry_list_models", vec![]),
        ("registry_register_model", vec![]),
        ("registry_discover_models", vec![]),
        ("registry_export_inventory", vec![]),
        (
            "catalog_get_product_history",
            vec![(
                Thing::Product,
                "GET",
                "/api/v1.0/catalog/products/{id}/history",
                NOTHING,
            )],
        ),
        (
            "catalog_get_data_dependency_history",
            vec![(
                Thing::Dependency,
                "GET",
                "/api/v1.0/catalog/products/{id}/history",
                NOTHING,
            )],
        ),
        (
            "catalog_get_policy_history",
            vec![(
                Thing::Policy,
                "GET",
                "/api/v1.0/catalog/products/{id}/history",
                NOTHING,
            )],
        ),
        (
            "catalog_get_risk_mitigation_history",
            vec![(
                Thing::Mitigation,
                "GET",
                "/api/v1.0/catalog/products/{id}/history",
                NOTHING,
            )],
        ),
        (
            "governance_get_training_run_history",
            vec![(
                Thing::Run,
                "GET",
                "/api/v1.0/catalog/products/{id}/history",
                NOTHING,
            )],
        ),
        (
            "governance_get_safety_metric_history",
            vec![(
                Thing::SafetyMetric,
                "GET",
                "/api/v1.0/catalog/products/{id}/history",
                NOTHING,
            )],
        ),
        (
            "governance_get_review_history",
            vec![(
                Thing::Review,
                "GET",
                "/api/v1.0/catalog/products/{id}/history",
                NOTHING,
            )],
        ),
        (
            "governance_get_settings_history",
            vec![(
                Thing::Organization,
                "GET",
                "/api/v1.0/organizations/{id}/ai-governance-settings/history",
                NOTHING,
            )],
        ),
        (
            "registry_get_model_history",
            vec![(
                Thing::Model,
                "GET",
                "/api/admin/models/{id}/history",
                NOTHING,
            )],
        ),
        (
            "artifacts_get_history",
            vec![(
                Thing::Artifact,
                "GET",
                "/api/v1.0/catalog/products/{id}/history",
                NOTHING,
            )],
        ),
        (
            "artifacts_get_upload_history",
            vec![(
                Thing::Upload,
                "GET",
                "/api/v1.0/catalog/products/{id}/history",
                NOTHING,
            )],
        ),
        (
            "webhooks_get_history",
            vec![(
                Thing::Webhook,
                "GET",
                "/api/v1/governance-events/webhooks/{id}/history",
                NOTHING,
            )],
        ),
        (
            "repository_get_organization_history",
            vec![(
                Thing::Organization,
                "GET",
                "/api/v1.0/organizations/{id}/history",
                NOTHING,
            )],
        ),
        (
            "repository_get_user_history",
            vec![(
                Thing::Organization,
                "GET",
                "/api/v1.0/organizations/{id}/users/00000000-0000-4000-8000-000000000001/history",
                NOTHING,
            )],
        ),
        ("guardian_get_sla_targets_history", vec![]),
        ("guardian_get_preferences_history", vec![]),
        ("retention_get_history", vec![]),
        (
            "api_keys_get_history",
            vec![(Thing::Key, "GET", "/api/v1/api-keys/{id}/history", NOTHING)],
        ),
        (
            "guardian_get_link_history",
            vec![(
                Thing::Link,
                "GET",
                "/api/v1/risk-metric-links/{id}/history",
                NOTHING,
            )],
        ),
        (
            "guardian_get_alert_history",
            vec![(Thing::Alert, "GET", "/api/v1/alerts/{id}/history", NOTHING)],
        ),
        ("registry_get_settings_history", vec![]),
        ("retention_get_windows", vec![]),
        ("retention_set_window", vec![]),
        ("retention_erase", vec![]),
        ("registry_get_settings", vec![]),
        ("registry_update_settings", vec![]),
        (
            "registry_get_model",
            vec![(Thing::Model, "GET", "/api/admin/models/{id}", NOTHING)],
        ),
        (
            "registry_update_model",
            vec![(
                Thing::Model,
                "PUT",
                "/api/admin/models/{id}",
                |_| json!({"owner": "x"}),
            )],
        ),
        (
            "registry_delete_model",
            vec![(Thing::Model, "DELETE", "/api/admin/models/{id}", NOTHING)],
        ),
        (
            "repository_create_space",
            vec![(
                Thing::Organization,
                "POST",
                "/api/v1.0/organizations/{id}/spaces",
                |_| json!({"slug": unique("s")}),
            )],
        ),
        (
            "repository_list_spaces",
            vec![(
                Thing::Organization,
                "GET",
                "/api/v1.0/organizations/{id}/spaces",
                NOTHING,
            )],
        ),
        (
            "repository_get_space",
            spaces("GET", "/api/v1.0/organizations/{own}/spaces/{id}", NOTHING),
        ),
        (
            "repository_update_space",
            spaces(
                "PATCH",
                "/api/v1.0/organizations/{own}/spaces/{id}",
                |_| json!({"name": "x"}),
            ),
        ),
        (
            "repository_get_space_history",
            spaces(
                "GET",
                "/api/v1.0/organizations/{own}/spaces/{id}/history",
                NOTHING,
            ),
        ),
        (
            "repository_list_members",
            spaces(
                "GET",
                "/api/v1.0/organizations/{own}/spaces/{id}/members",
                NOTHING,
            ),
        ),
        (
            "repository_put_member",
            spaces(
                "PUT",
                "/api/v1.0/organizations/{own}/spaces/{id}/members",
                |_| json!({"user": "nobody", "role": "viewer"}),
            ),
        ),
        (
            "repository_remove_member",
            spaces(
                "DELETE",
                "/api/v1.0/organizations/{own}/spaces/{id}/members?user=nobody",
                NOTHING,
            ),
        ),
        (
            "catalog_import_products",
            vec![(
                Thing::Space,
                "POST",
                "/api/v1.0/catalog/spaces/{id}/products/import",
                |_| json!({"name": "x"}),
            )],
        ),
        (
            "repository_create_model",
            vec![(
                Thing::Space,
                "POST",
                "/api/v1.0/catalog/spaces/{id}/model-repository/models",
                |_| json!({"name": "x"}),
            )],
        ),
    ]
}

/// What is below a space of the caller's own organisation.
fn spaces(method: &'static str, path: &'static str, body: fn(&str) -> Value) -> Vec<Probe> {
    vec![(Thing::Space, method, path, body)]
}

fn operations() -> Vec<(String, String, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    let items = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter()
            .map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    });
    items.collect()
}

#[test]
fn the_table_knows_every_operation() {
    let known: Vec<&str> = table().into_iter().map(|(name, _)| name).collect();
    for (method, path, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(
            known.contains(&id),
            "{method} {path} ({id}) has no row in the table of ids"
        );
    }
    assert_eq!(
        known.len(),
        operations().len(),
        "the table has rows of no operation"
    );
}

#[test]
fn a_path_with_an_id_has_a_probe() {
    // Numbers and tiles count in the caller's own record: they name nothing of another organisation.
    let own = |path: &str| path.starts_with("/api/v1/audit/");
    for (method, path, operation) in operations()
        .into_iter()
        .filter(|(_, path, _)| path.contains('{') && !own(path))
    {
        let id = operation["operationId"].as_str().unwrap();
        let row = table().into_iter().find(|(name, _)| *name == id);
        assert!(
            row.is_some_and(|(_, probes)| !probes.is_empty()),
            "{method} {path} takes an id"
        );
    }
}

/// What an organisation has, one of each kind.
async fn one_of_each(api: &Api) -> Vec<(Thing, String)> {
    one_of_each_in(api, &api.new_space().await).await
}

/// The same in a space of it.
pub(crate) async fn one_of_each_in(api: &Api, space: &str) -> Vec<(Thing, String)> {
    let text = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let product = api.product_in(space).await;
    let limits = json!({"modelId": product, "thresholds": {"drift": {"amber": 10, "red": 20}}});
    let link = api
        .post("/api/v1/risk-metric-links", &limits)
        .send()
        .await
        .expect(201);
    let red = json!({"modelId": product, "driftScore": 90, "fairnessScore": 99, "sampleSize": 1});
    api.post("/api/v1/metrics", &red).send().await.expect(200);
    let alerts = api
        .get(&format!("/api/v1/alerts?modelId={product}"))
        .send()
        .await
        .expect(200);
    let key = api
        .post(
            "/api/v1/api-keys",
            &json!({"name": "k", "scopes": ["read"]}),
        )
        .send()
        .await
        .expect(201);
    let evidence = async |kind: &str, body: Value| {
        let path = format!("/api/v1.0/catalog/products/{product}/{kind}");
        let made = api.post(&path, &body).send().await.expect(201);
        format!("{product}/{kind}/{}", text(&made))
    };
    let run = json!({"run_name": "r", "run_type": "training"});
    let metric = json!({"category": "drift", "metric_name": "m"});
    let run = evidence("training-runs", run).await;
    let metric = evidence("safety-metrics", metric).await;
    let dependency = evidence("data-dependencies", json!({"name": "d"})).await;
    let policy = json!({"policy_key": "p", "title": "t"});
    let policy = evidence("policies", policy).await;
    let mitigation = json!({"title": "t", "severity": "low"});
    let mitigation = evidence("risk-mitigations", mitigation).await;
    let reviews = format!("{product}/ai-governance-review-requests");
    let review = api
        .post(&format!("/api/v1.0/catalog/products/{reviews}"), &json!({}))
        .send()
        .await
        .expect(201);
    let open = async |size: usize| {
        let path = format!("/api/v1.0/catalog/products/{product}/model-artifacts/uploads");
        let body = json!({"file_name": "x", "content_type": "a/b", "total_size_bytes": size});
        let opened = api.post(&path, &body).send().await.expect(201);
        format!("{product}/model-artifacts/uploads/{}", text(&opened))
    };
    let (upload, done) = (open(0).await, open(7).await);
    let of = |path: &str| format!("/api/v1.0/catalog/products/{path}");
    let chunk = api.call(Method::PUT, &of(&format!("{done}/chunks/0")));
    let chunk = chunk.raw("application/octet-stream", b"weights");
    chunk.send().await.expect(200);
    let complete = of(&format!("{done}/complete"));
    let artifact = api.post(&complete, &json!({})).send().await.expect(200);
    let artifact = format!("{product}/model-artifacts/{}", text(&artifact));
    let bundle = include_str!("../../../../crates/supply/tests/bundles/file.sig");
    let bundle: Value = serde_json::from_str(bundle).unwrap();
    let pem = include_str!("../../../../crates/supply/tests/bundles/p.pem");
    let signature = json!({"bundle": bundle, "public_key": pem});
    let signed = of(&format!("{artifact}/signature"));
    api.put(&signed, &signature).send().await.expect(200);
    let events = api
        .get("/api/v1/governance-events")
        .send()
        .await
        .expect(200);
    let webhook = api
        .post(
            "/api/v1/governance-events/webhooks",
            &json!({"target_url": "http://127.0.0.1:9/", "event_types": ["nothing.of_the_kind"]}),
        )
        .send()
        .await
        .expect(201);
    let webhook = text(&webhook);
    let deliveries = api
        .get(&format!(
            "/api/v1/governance-events/webhooks/{webhook}/deliveries"
        ))
        .send()
        .await
        .expect(200);
    let ping = text(&deliveries["deliveries"][0]);
    vec![
        (Thing::Event, text(&events["events"][0])),
        (Thing::Delivery, format!("{webhook}/deliveries/{ping}")),
        (Thing::Webhook, webhook),
        (Thing::Review, format!("{reviews}/{}", text(&review))),
        (Thing::Run, run),
        (Thing::SafetyMetric, metric),
        (Thing::Dependency, dependency),
        (Thing::Policy, policy),
        (Thing::Mitigation, mitigation),
        (Thing::Upload, upload),
        (Thing::Artifact, artifact),
        (Thing::Model, text(&api.new_model(&json!({})).await)),
        (Thing::Key, text(&key)),
        (Thing::Link, text(&link)),
        (Thing::Alert, text(&alerts["alerts"][0])),
        (Thing::Placed, format!("{space}/products/{product}")),
        (Thing::Product, product),
        (Thing::Space, space.to_owned()),
        (Thing::Organization, api.organization.clone()),
    ]
}

/// Ids of things that were there and are gone.
async fn deleted(api: &Api) -> Vec<(Thing, String)> {
    let things = one_of_each(api).await;
    let mut gone = Vec::new();
    for (thing, id) in things {
        let path = match thing {
            Thing::Model => format!("/api/admin/models/{id}"),
            Thing::Link => format!("/api/v1/risk-metric-links/{id}"),
            Thing::Webhook => format!("/api/v1/governance-events/webhooks/{id}"),
            Thing::Run
            | Thing::SafetyMetric
            | Thing::Dependency
            | Thing::Policy
            | Thing::Mitigation
            | Thing::Upload
            | Thing::Artifact => format!("/api/v1.0/catalog/products/{id}"),
            Thing::Delivery
            | Thing::Key
            | Thing::Alert
            | Thing::Event
            | Thing::Product
            | Thing::Placed
            | Thing::Review
            | Thing::Space
            | Thing::Organization => {
                continue;
            }
        };
        api.delete(&path).send().await.expect(204);
        gone.push((thing, id));
    }
    gone
}

pub(crate) fn call(api: &Api, credential: &str, probe: &Probe, id: &str) -> Call {
    let (_, method, path, body) = probe;
    let method: Method = method.parse().unwrap();
    let call = api
        .call(
            method,
            &path.replace("{own}", &api.organization).replace("{id}", id),
        )
        .bearer(credential);
    let body = body(id);
    if body.is_null() {
        call
    } else {
        call.json(&body)
    }
}

/// What a caller can tell one answer from another by.
pub(crate) fn seen(reply: &Reply, asked: &str) -> (u16, Vec<(String, String)>, String) {
    // The connection is closed where an answer comes before the body was read: a matter of time.
    let hidden = ["date", "x-request-id", "connection"];
    let headers = reply
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let mut headers: Vec<_> = headers
        .filter(|(name, _)| !hidden.contains(&name.as_str()))
        .collect();
    headers.sort();
    let id = reply.header("x-request-id");
    (
        reply.status,
        headers,
        reply.text().replace(id, "REQUEST").replace(asked, "ASKED"),
    )
}

/// An id of the same spelling that never was: the same length, so that the answers have it too.
pub(crate) fn never(thing: Thing, like: &str) -> String {
    if matches!(thing, Thing::Space | Thing::Organization) {
        return "x".repeat(like.len());
    }
    if let Some((product, own)) = like.rsplit_once('/') {
        let never = own.split_once('_').map_or_else(
            || "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            |(prefix, _)| format!("{prefix}_01h455vb4pex5vsknk084sn02q"),
        );
        return format!("{product}/{never}");
    }
    if let Some((prefix, _)) = like.split_once('_') {
        return format!("{prefix}_01h455vb4pex5vsknk084sn02q");
    }
    "01890a5d-ac96-774b-bcce-b302099a8057".to_owned()
}

async fn what_is_anothers_looks_like_what_never_was(api: Api) {
    let theirs = Api::on(&api.app);
    let foreign = one_of_each(&theirs).await;
    let gone = deleted(&api).await;
    let roles = [
        ("admin", api.key.clone()),
        ("write", api.new_key("write")),
        ("read", api.new_key("read")),
    ];
    for (operation, probes) in table() {
        for probe in probes {
            let thing = probe.0;
            // What was removed keeps its history, for those who could see it.
            let gone = gone.iter().filter(|_| !operation.ends_with("_history"));
            let of_kind = foreign.iter().chain(gone);
            let of_kind = of_kind.filter(|(kind, _)| *kind == thing);
            for (_, id) in of_kind {
                for (role, credential) in &roles {
                    let asked = call(&api, credential, &probe, id).send().await;
                    let other = never(thing, id);
                    let never = call(&api, credential, &probe, &other).send().await;
                    assert_eq!(
                        seen(&asked, id),
                        seen(&never, &other),
                        "{operation} as {role}"
                    );
                    let filtered = probe.1 == "GET"
                        && matches!(
                            operation,
                            "guardian_list_alerts"
                                | "guardian_list_banners"
                                | "guardian_list_links"
                        );
                    match asked.status {
                        404 | 403 => {}
                        200 if filtered => assert_eq!(asked.json()["total"], 0),
                        other => panic!("{operation} as {role}: {other} {}", asked.text()),
                    }
                    if *role == "admin" {
                        assert_ne!(asked.status, 403, "{operation}");
                    }
                }
            }
        }
    }
    // And nothing of theirs was touched.
    for (thing, id) in foreign {
        let path = match thing {
            Thing::Model => format!("/api/admin/models/{id}"),
            Thing::Key => format!("/api/v1/api-keys/{id}"),
            Thing::Link => format!("/api/v1/risk-metric-links/{id}"),
            Thing::Alert => format!("/api/v1/alerts/{id}"),
            Thing::Event => format!("/api/v1/governance-events/{id}"),
            Thing::Product => format!("/api/v1/metrics/history?modelId={id}"),
            Thing::Placed => format!("/api/v1.0/catalog/spaces/{id}"),
            Thing::Review
            | Thing::Run
            | Thing::SafetyMetric
            | Thing::Dependency
            | Thing::Policy
            | Thing::Mitigation
            | Thing::Upload => {
                format!("/api/v1.0/catalog/products/{id}")
            }
            Thing::Artifact => {
                let path = format!("/api/v1.0/catalog/products/{id}/download");
                let bytes = theirs.get(&path).send().await;
                assert_eq!((bytes.status, bytes.text().as_str()), (200, "weights"));
                continue;
            }
            Thing::Webhook => format!("/api/v1/governance-events/webhooks/{id}"),
            Thing::Delivery | Thing::Space | Thing::Organization => continue,
        };
        let record = theirs.get(&path).send().await.expect(200);
        assert_ne!(record["owner"], "x");
        assert_eq!(record.get("total").unwrap_or(&json!(1)), 1);
        for ended in [
            "revoked_at",
            "replaced_by",
            "acknowledgedAt",
            "resolvedAt",
            "decided_at",
        ] {
            assert!(
                record.get(ended).is_none_or(Value::is_null),
                "{ended} of {record}"
            );
        }
    }
}

async fn lists_hold_what_is_ones_own_whatever_the_cursor(api: Api) {
    let theirs = Api::on(&api.app);
    for account in [&api, &theirs] {
        let product = account.new_product().await;
        for _ in 0..3 {
            account.new_model(&json!({})).await;
            let red = json!({"modelId": product, "driftScore": 90, "fairnessScore": 9, "psi": 1, "sampleSize": 1});
            account
                .post("/api/v1/metrics", &red)
                .send()
                .await
                .expect(200);
            account
                .post(
                    "/api/v1/api-keys",
                    &json!({"name": "k", "scopes": ["read"]}),
                )
                .send()
                .await
                .expect(201);
        }
    }
    for (path, items, cursor) in [
        ("/api/admin/models", "models", "next_cursor"),
        ("/api/v1/api-keys", "api_keys", "next_cursor"),
        ("/api/v1/alerts", "alerts", "nextCursor"),
        ("/api/v1/governance-events", "events", "next_cursor"),
    ] {
        let mine = api.get(path).send().await.expect(200)[items].clone();
        let first = theirs
            .get(&format!("{path}?limit=1"))
            .send()
            .await
            .expect(200);
        let cursor = first[cursor].as_str().unwrap();
        let page = api
            .get(&format!("{path}?cursor={cursor}"))
            .send()
            .await
            .expect(200);
        for one in page[items].as_array().unwrap() {
            assert!(mine.as_array().unwrap().contains(one), "{path} gave {one}");
        }
    }
    let export = api
        .get("/api/admin/model-inventory-export?format=json")
        .send()
        .await
        .expect(200);
    assert_eq!(export["total"], 3);
    let settings = json!({"separation_of_duties": true});
    api.put("/api/admin/model-registry-settings", &settings)
        .send()
        .await
        .expect(200);
    let untouched = theirs
        .get("/api/admin/model-registry-settings")
        .send()
        .await
        .expect(200);
    assert_eq!(untouched["separation_of_duties"], false);
    let name = json!({"model_id": "shared-name"});
    api.new_model(&name).await;
    theirs.new_model(&name).await;
    theirs
        .post(
            "/api/v1/ai-requests",
            &json!({"requests": [{"model": "only-theirs"}]}),
        )
        .send()
        .await
        .expect(202);
    let found = api
        .post("/api/admin/models/discover", &json!({}))
        .send()
        .await
        .expect(200);
    assert_eq!(found["discovered"], 0);
}

/// Operations that anybody may use.
const OPEN: [&str; 5] = [
    "operations_health",
    "operations_readiness",
    "operations_metrics",
    "operations_jwks",
    "guardian_simulate",
];

async fn every_operation_is_there_and_closed_unless_it_is_listed(api: Api) {
    let nowhere = api
        .get("/api/v1/nothing-here")
        .send()
        .await
        .problem(404, "not_found");
    for (method, path, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        let address = path
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part });
        let mut address = address.collect::<Vec<_>>().join("/");
        if id == "events_stream_events" {
            // A stream that is let in has no end.
            address.push_str("?last_event_id=x");
        }
        let call = api
            .call(method.parse().unwrap(), &address)
            .raw("application/json", "");
        let reply = call.clone().send().await;
        assert_ne!(reply.status, 405, "{id}");
        if reply.status == 404 {
            assert_ne!(
                reply.json()["detail"],
                nowhere["detail"],
                "{id} leads nowhere"
            );
        }
        let security = operation["security"]
            .as_array()
            .unwrap_or_else(|| panic!("{id} does not say who may"));
        let is_open = security
            .iter()
            .any(|one| one.as_object().unwrap().is_empty());
        assert_eq!(is_open, OPEN.contains(&id), "{id}");
        if !is_open {
            call.clone()
                .anonymous()
                .send()
                .await
                .problem(401, "unauthorized");
        }
    }
}

both!(
    what_is_anothers_looks_like_what_never_was,
    lists_hold_what_is_ones_own_whatever_the_cursor,
    every_operation_is_there_and_closed_unless_it_is_listed,
);
