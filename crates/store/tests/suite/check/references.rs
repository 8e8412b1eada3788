//! Rows that refer to what is not there, or not theirs.

use super::*;

damages! {
    a_snapshot_of_another_organizations_product: |raw, two| two.set(raw, "metric_snapshots",
        &format!("product_id = {}", raw.uuid(two.south.product.uuid())), "1 = 1")
        => "references.metric_snapshots", "product_id is of another organisation";
    a_snapshot_of_no_product: |raw, two| two.set(raw, "metric_snapshots",
        &format!("product_id = {}", raw.uuid(two.unknown)), "1 = 1")
        => "references.metric_snapshots", "product_id does not exist";
    an_alert_of_another_organizations_product: |raw, two| two.set(raw, "alerts",
        &format!("product_id = {}", raw.uuid(two.south.product.uuid())), "state = 'open'")
        => "references.alerts", "product_id is of another organisation";
    a_key_replaced_by_another_organizations: |raw, two| two.set(raw, "api_keys",
        &format!("replaced_by = {}", raw.uuid(two.south.key.id.uuid())), "1 = 1")
        => "references.api_keys", "replaced_by is of another organisation";
    a_product_in_another_organizations_space: |raw, two| two.set(raw, "products", &format!(
        "space_id = (SELECT id FROM spaces WHERE organization_id = {})",
        raw.uuid(two.south.organization.uuid())), "1 = 1")
        => "references.products", "space_id is of another organisation";
    a_user_of_no_organization: |raw, two| two.set(raw, "users",
        &format!("organization_id = {}", raw.uuid(two.unknown)), "1 = 1")
        => "references.users", "belongs to no organisation";
    an_event_of_no_organization: |raw, two| two.set(raw, "governance_events",
        &format!("organization_id = {}", raw.uuid(two.unknown)), FIRST_EVENT)
        => "references.governance_events", "belongs to no organisation";
}

fn sqlite_tells_of_a_broken_foreign_key(bed: &Bed) {
    let two = Two::tell(bed);
    let mut raw = bed.raw();
    let product = raw.uuid(two.unknown);
    raw.must(&format!(
        "PRAGMA foreign_keys = OFF; UPDATE alerts SET product_id = {product}"
    ));
    found(
        &check(bed),
        "storage.foreign_keys",
        "refers to no row of products",
    );
}

fn sqlite_tells_of_a_broken_constraint(bed: &Bed) {
    Two::tell(bed);
    let mut raw = bed.raw();
    raw.must("PRAGMA ignore_check_constraints = ON; UPDATE alerts SET severity = 'PINK'");
    let report = check(bed);
    found(
        &report,
        "storage.integrity",
        "CHECK constraint failed in alerts",
    );
    found(&report, "values.alerts", "severity");
}

#[test]
fn sqlite_tells_of_its_own_file() {
    crate::support::on_sqlite(sqlite_tells_of_a_broken_foreign_key);
    crate::support::on_sqlite(sqlite_tells_of_a_broken_constraint);
}
