//! Counts, heads and standings that differ from the rows.

use super::*;

damages! {
    a_total_is_too_high: |raw, two| two.set(raw, "registry_totals", "models = models + 1", "models > 0")
        => "registry.totals", "kept 2";
    a_total_of_nothing: |raw, two| two.set(raw, "registry_totals", "risk_tier = 'tier_1'", "models > 0 AND risk_tier = 'tier_3'")
        => "registry.totals", "counted 0, kept 1";
    a_total_is_gone: |raw, two| format!("DELETE FROM registry_totals WHERE {}", two.mine(raw))
        => "registry.totals", "counted 1, kept 0";
    the_next_position_is_taken: |raw, two| two.set(raw, "registry_heads", "next_position = 1", "1 = 1")
        => "registry.heads", "is behind an entry";
    the_registrys_head_is_gone: |raw, two| format!("DELETE FROM registry_heads WHERE {}", two.mine(raw))
        => "registry.heads", "is behind an entry";
    a_position_is_of_another_range: |raw, two| two.set(raw, "registered_models", "position = 5", "model_id = 'kept'")
        => "registry.heads", "outside the range";
    an_entry_is_older_than_the_one_before: |raw, two| two.set(raw, "registered_models",
        match raw {
            Raw::Sqlite(_) => "created_at = created_at - 1000",
            Raw::Postgres(_) => "created_at = created_at - INTERVAL '1 ms'",
        }, "model_id = 'in-use'")
        => "registry.order", "created_at is before";
    a_standing_counts_wrong: |raw, two| two.set(raw, "product_standings", "snapshots = 6", "1 = 1")
        => "guardian.standings", "counted 5 snapshots, kept 6";
    a_standing_is_gone: |raw, two| format!("DELETE FROM product_standings WHERE {}", two.mine(raw))
        => "guardian.standings", "counted 5 snapshots, kept 0";
    a_standing_is_of_another_instant: |raw, two| two.set(raw, "product_standings",
        match raw {
            Raw::Sqlite(_) => "latest_captured_at = latest_captured_at + 1000",
            Raw::Postgres(_) => "latest_captured_at = latest_captured_at + INTERVAL '1 ms'",
        }, "1 = 1")
        => "guardian.standings", "another latest instant";
    a_standing_has_another_status: |raw, two| two.set(raw, "product_standings", "latest_status = 'GREEN'", "1 = 1")
        => "guardian.standings", "no snapshot stands at its latest instant";
    two_alerts_are_open: |raw, two| format!("DROP INDEX alerts_open; {}", two.set(
        raw, "alerts", "state = 'open', resolved_at = NULL, resolution = NULL", "state = 'resolved'"))
        => "guardian.open_alerts", "alerts are open on drift";
    two_runs_are_deployed: |raw, two| format!("DROP INDEX training_runs_deployed; {}", two.set(
        raw, "training_runs", "is_deployed = TRUE", "1 = 1"))
        => "governance.deployed_runs", "2 runs are deployed";
    a_runtime_total_counts_wrong: |raw, two| two.set(raw, "runtime_event_totals", "events = 2", "1 = 1")
        => "governance.runtime_totals", "counted 1, kept 2";
    a_runtime_total_of_nothing: |raw, two| two.set(raw, "runtime_event_totals", "event_type = 'blocked_action'", "1 = 1")
        => "governance.runtime_totals", "counted 0, kept 1";
    a_posture_has_another_score: |raw, two| two.set(raw, "product_postures", "score = CASE WHEN score > 0 THEN score - 1 ELSE 1 END", "1 = 1")
        => "governance.postures", "is kept with the score";
    a_posture_has_another_review_status: |raw, two| two.set(raw, "product_postures",
        "review_status = CASE WHEN review_status = 'approved' THEN 'needs_review' ELSE 'approved' END", "1 = 1")
        => "governance.postures", "is kept as";
    a_posture_has_another_drift: |raw, two| two.set(raw, "product_postures", "drift = CASE WHEN drift % 2 = 0 THEN drift + 1 ELSE drift - 1 END", "1 = 1")
        => "governance.postures", "drifts";
    a_posture_is_gone: |raw, two| format!("DELETE FROM product_postures WHERE {}", two.mine(raw))
        => "governance.postures", "has no posture";
    a_posture_never_changes: |raw, two| two.set(raw, "product_postures", "next_change_at = NULL", "next_change_at IS NOT NULL")
        => "governance.postures", "next change that is too late";
}
