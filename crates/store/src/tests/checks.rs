//! Ids compared in rounds.

use probity_kernel::IdSource;

use crate::support::{Bed, NOW, tell};

fn rounds_find_what_one_pass_finds(bed: &Bed) {
    tell(bed, "north", &mut |_, _| ());
    let all = bed.database.check().unwrap();
    assert_eq!(all.violations, []);
    for ids_at_once in [1, 2, 7] {
        assert_eq!(
            bed.database.check_with(ids_at_once).unwrap(),
            all,
            "{ids_at_once}"
        );
    }
    let mut raw = bed.raw();
    for table in ["alerts", "metric_snapshots"] {
        let id = raw.uuid(bed.ids.next_id(NOW));
        let condition = match table {
            "alerts" => "state = 'open'",
            _ => "drift_score = 90",
        };
        let table = raw.table(table);
        raw.must(&format!("UPDATE {table} SET id = {id} WHERE {condition}"));
    }
    let mut all = bed.database.check().unwrap();
    // The snapshot that no leaf names, the one that a leaf names in vain, and the alert, whose clock is
    // then that of no alert.
    assert_eq!(all.violations.len(), 5, "{all:#?}");
    for ids_at_once in [1, 2, 7] {
        let mut rounds = bed.database.check_with(ids_at_once).unwrap();
        for report in [&mut all, &mut rounds] {
            report
                .violations
                .sort_by(|a, b| (&a.subject, a.check).cmp(&(&b.subject, b.check)));
        }
        assert_eq!(rounds, all, "{ids_at_once}");
    }
}

on_both_databases!(rounds_find_what_one_pass_finds);
