//! Damage to the logs, their trees and their checkpoints.

use super::*;

damages! {
    an_entry_is_gone: |_, _| format!("DELETE FROM audit_entries WHERE position = {}", at(1, 3))
        => "record.entries", "the entries from 3 on are missing";
    the_last_entry_is_gone: |_, _| format!(
        "DELETE FROM audit_entries WHERE position = \
         (SELECT MAX(position) FROM audit_entries WHERE position < {})", at(2, 0))
        => "record.head", "leaves of";
    a_leaf_is_another: |_, _| Two::entry(&format!("leaf = {}", of_entry("leaf", 1, 4)), 3)
        => "record.entries", "does not have the stored hash";
    a_leaf_and_its_hash_are_others: |_, _| Two::entry(&format!(
        "leaf = {}, leaf_hash = {}", of_entry("leaf", 1, 4), of_entry("leaf_hash", 1, 4)), 3)
        => "record.entries", "the leaf says 4";
    the_tree_is_another: |_, _| Two::entry(&format!(
        "leaf = {}, leaf_hash = {}", of_entry("leaf", 1, 4), of_entry("leaf_hash", 1, 4)), 3)
        => "record.head", "is not the root of the leaf hashes";
    a_leaf_is_no_leaf: |raw, _| Two::entry(&format!("leaf = {}", raw.bytes(b"{}")), 3)
        => "record.entries", "cannot be read";
    a_leaf_is_not_canonical: |raw, _| Two::entry(&match raw {
        Raw::Sqlite(_) => format!("leaf = CAST({} || leaf AS BLOB)", raw.bytes(b" ")),
        Raw::Postgres(_) => format!("leaf = {} || leaf", raw.bytes(b" ")),
    }, 3)
        => "record.entries", "cannot be read";
    an_entry_is_of_another_organization: |raw, two| Two::entry(&format!(
        "organization_id = {}", raw.uuid(two.south.organization.uuid())), 3)
        => "record.entries", "is of another organisation";
    a_leaf_names_another_organization: |_, _| Two::entry(&format!(
        "leaf = {}, leaf_hash = {}", of_entry("leaf", 2, 3), of_entry("leaf_hash", 2, 3)), 3)
        => "record.entries", "names another organisation";
    a_detail_is_another: |raw, _| Two::entry(&format!("detail = {}", raw.bytes(b"{}")), 3)
        => "record.entries", "the detail is not what the leaf commits to";
    an_actor_is_another: |raw, _| Two::entry(&format!("actor = {}", raw.bytes(b"{}")), 3)
        => "record.entries", "the actor is not what the leaf commits to";
    a_salt_is_gone: |_, _| Two::entry("actor_salt = NULL", 3)
        => "record.entries", "the actor is not what the leaf commits to";
    a_leaf_is_gone: |_, _| Two::entry("leaf = NULL", 3)
        => "record.entries", "has no leaf";
    a_frontier_is_another: |raw, two| two.set(raw, "audit_heads", &format!(
        "frontier = (SELECT frontier FROM audit_heads WHERE organization_id = {})",
        raw.uuid(two.south.organization.uuid())), "1 = 1")
        => "record.head", "is not the root of the leaf hashes";
    a_frontier_is_none: |raw, two| two.set(raw, "audit_heads", &format!(
        "frontier = {}", raw.bytes(&[1; 31])), "1 = 1")
        => "record.head", "are no frontier";
    a_head_is_behind: |raw, two| two.set(raw, "audit_heads", "size = size - 1", "1 = 1")
        => "record.stray", "is in no log";
    an_entry_lies_beyond: |_, _| Two::entry(&format!("position = {}", at(1, 5000)), 3)
        => "record.stray", "is in no log";
    a_node_does_not_belong: |raw, two| format!(
        "INSERT INTO audit_nodes VALUES ({}, 8, 5, {})",
        raw.uuid(two.north.organization.uuid()), raw.bytes(&[0; 32]))
        => "record.nodes", "belong there";
    a_figure_is_another: |raw, two| two.set(raw, "metric_snapshots", "drift_score = 1.5", "1 = 1")
        => "record.figures", "drift_score is not what the record tells";
    a_verdict_is_another: |raw, two| two.set(
        raw, "metric_snapshots", "status = 'GREEN'", "status <> 'GREEN'")
        => "record.figures", "status is not what the record tells";
    a_figure_is_added: |raw, two| two.set(raw, "metric_snapshots", "psi = 0.5", "psi IS NULL")
        => "record.figures", "psi is not what the record tells";
    a_snapshot_was_captured_at_another_time: |raw, two| two.set(raw, "metric_snapshots", match raw {
        Raw::Sqlite(_) => "captured_at = captured_at - 1",
        Raw::Postgres(_) => "captured_at = captured_at - INTERVAL '1 second'",
    }, "1 = 1")
        => "record.figures", "there is no such snapshot";
    an_event_has_no_leaf: |raw, two| two.set(
        raw, "governance_events", "audit_index = 5000", FIRST_EVENT)
        => "record.events", "leaf 5000 does not exist";
    a_checkpoint_is_no_note: |raw, two| two.set(
        raw, "audit_checkpoints", "note = 'a note'", "1 = 1")
        => "record.checkpoints", "cannot be read";
    a_checkpoint_states_another_root: |raw, two| two.set(raw, "audit_checkpoints", &format!(
        "note = '{}'", note(two.north.organization, two.size, Hash::leaf(b"another"))), "1 = 1")
        => "record.checkpoints", "another root";
    a_checkpoint_states_another_size: |raw, two| two.set(raw, "audit_checkpoints", &format!(
        "note = '{}'", note(two.north.organization, 7, Hash::leaf(b"another"))), "1 = 1")
        => "record.checkpoints", "another size";
    a_checkpoint_is_of_another_log: |raw, two| two.set(raw, "audit_checkpoints", &format!(
        "note = '{}'", note(two.south.organization, two.size, Hash::leaf(b"another"))), "1 = 1")
        => "record.checkpoints", "of another log";
    a_checkpoint_is_ahead: |raw, two| two.set(raw, "audit_checkpoints", "size = 5000", "1 = 1")
        => "record.checkpoints", "the log has fewer leaves";
    an_organization_has_no_log: |raw, two| format!(
        "DELETE FROM audit_heads WHERE {}", two.mine(raw))
        => "organizations.record", "has no log";
}

/// A log long enough to have stored nodes.
fn with_nodes(bed: &Bed, sql: &str) -> CheckReport {
    let organization = bed.organization("north");
    let repository = bed.models();
    let usage = (0..300).map(|_| {
        let repository = repository.clone();
        async move {
            repository
                .commit(observed_usage(&context(organization)))
                .await
        }
    });
    for outcome in bed.at_once(usage) {
        outcome.expect("usage is recorded");
    }
    sound(bed);
    bed.raw().must(sql);
    check(bed)
}

fn a_node_is_gone(bed: &Bed) {
    let report = with_nodes(bed, "DELETE FROM audit_nodes");
    found(&report, "record.nodes", "is missing");
}

fn a_node_is_another(bed: &Bed) {
    let hash = "(SELECT leaf_hash FROM audit_entries ORDER BY position LIMIT 1)";
    let report = with_nodes(bed, &format!("UPDATE audit_nodes SET hash = {hash}"));
    found(&report, "record.nodes", "is not the root of its leaves");
}

mod nodes {
    use super::*;
    on_both_databases!(a_node_is_gone, a_node_is_another);
}
