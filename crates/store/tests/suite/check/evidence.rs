//! States that no leaf names.

use super::*;

fn renamed(raw: &Raw, two: &Two, table: &str, id: Uuid) -> String {
    let (unknown, id) = (raw.uuid(two.unknown), raw.uuid(id));
    two.set(
        raw,
        table,
        &format!("id = {unknown}"),
        &format!("id = {id}"),
    )
}

damages! {
    a_run: |raw, two| two.set(raw, "training_runs", &format!(
        "id = {}", raw.uuid(two.unknown)), "is_deployed")
        => "record.evidence", "this training_run is named by no leaf";
    a_metric: |raw, two| two.set(raw, "safety_metrics", &format!(
        "id = {}", raw.uuid(two.unknown)), "1 = 1")
        => "record.evidence", "this safety_metric is named by no leaf";
    a_runtime_event: |raw, two| two.set(raw, "runtime_events", &format!(
        "id = {}", raw.uuid(two.unknown)), "1 = 1")
        => "record.evidence", "this runtime_event is named by no leaf";
    an_alert: |raw, two| renamed(raw, two, "alerts", two.north.alert.id.uuid())
        => "record.evidence", "this alert is named by no leaf";
    a_snapshot: |raw, two| renamed(raw, two, "metric_snapshots", two.north.alert.snapshot.uuid())
        => "record.evidence", "this metric_snapshot is named by no leaf";
    a_link: |raw, two| renamed(raw, two, "risk_metric_links", two.north.link.id.uuid())
        => "record.evidence", "this risk_metric_link is named by no leaf";
    a_model: |raw, two| renamed(raw, two, "registered_models", two.north.model.id.uuid())
        => "record.evidence", "this registered_model is named by no leaf";
    a_discovered_model: |raw, two| two.set(raw, "registered_models", &format!(
        "id = {}", raw.uuid(two.unknown)), "model_id = 'in-use'")
        => "record.evidence", "this registered_model is named by no leaf";
    a_rotated_key: |raw, two| renamed(raw, two, "api_keys", two.north.key.id.uuid())
        => "record.evidence", "this api_key is named by no leaf";
    a_product: |raw, two| renamed(raw, two, "products", two.north.product.uuid())
        => "record.evidence", "this product is named by no leaf";
    a_space: |raw, two| two.set(raw, "spaces", &format!("id = {}", raw.uuid(two.unknown)), "1 = 1")
        => "record.evidence", "this space is named by no leaf";
    a_user: |raw, two| two.set(raw, "users", &format!("id = {}", raw.uuid(two.unknown)), "1 = 1")
        => "record.evidence", "this user is named by no leaf";
    an_organization: |raw, two| format!(
        "INSERT INTO organizations SELECT {id}, 77, 'another', name, created_at, version \
         FROM organizations WHERE slug = 'north'; \
         INSERT INTO audit_heads (organization_id, no, epoch, size, frontier) VALUES ({id}, 77, 1, 0, {})",
        raw.bytes(b""), id = raw.uuid(two.unknown))
        => "record.evidence", "this organization is named by no leaf";
}
