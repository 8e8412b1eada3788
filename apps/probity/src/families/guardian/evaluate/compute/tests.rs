use probity_stats::{CategoryCounts, ConfusionCells};

use super::*;
use crate::families::guardian::evaluate::settings::SettingsDraft;

fn settings() -> Settings {
    SettingsDraft::default().check(str::to_owned).unwrap()
}

fn only(column: &str) -> Settings {
    Settings {
        psi_columns: Some(vec![column.to_owned()]),
        ..settings()
    }
}

fn ramp(rows: u32, shift: f64) -> Vec<f64> {
    (0..rows).map(|i| f64::from(i) + shift).collect()
}

fn numeric(name: &str, reference: Vec<f64>, current: Vec<f64>) -> Column {
    Column {
        name: name.to_owned(),
        data: ColumnData::Numbers(Sides { reference, current }),
    }
}

fn of(columns: Vec<Column>, settings: &Settings) -> Evaluation {
    let samples = Samples {
        columns,
        ..Samples::default()
    };
    evaluate(samples, settings).unwrap()
}

fn reason(evaluation: &Evaluation) -> (&'static str, Option<&str>) {
    let gap = evaluation.psi.as_ref().unwrap_err();
    (gap.reason, gap.column.as_deref())
}

#[test]
fn the_largest_index_of_the_columns_that_count_is_taken() {
    let columns = || {
        vec![
            numeric("a", ramp(100, 0.0), ramp(100, 5.0)),
            numeric("b", ramp(100, 0.0), ramp(100, 50.0)),
            numeric("c", ramp(100, 0.0), ramp(100, 10.0)),
        ]
    };
    assert_eq!(of(columns(), &settings()).psi.unwrap().column, "b");
    assert_eq!(of(columns(), &only("c")).psi.unwrap().column, "c");
    let samples = Samples {
        columns: columns(),
        ..Samples::default()
    };
    let faults = evaluate(samples, &only("z")).unwrap_err();
    assert_eq!(faults[0].code, "unknown_column");
}

#[test]
fn one_column_without_an_index_hides_the_largest_unless_it_does_not_count() {
    let columns = || {
        vec![
            numeric("a", ramp(100, 0.0), ramp(100, 5.0)),
            numeric("b", vec![1.0; 100], ramp(100, 0.0)),
        ]
    };
    let evaluation = of(columns(), &settings());
    assert_eq!(reason(&evaluation), ("constant_reference", Some("b")));
    assert_eq!(of(columns(), &only("a")).psi.unwrap().column, "a");
}

#[test]
fn fewer_rows_than_asked_for_give_no_drift() {
    for (rows, expected) in [
        (29, Some("too_few_samples")),
        (30, None),
        (0, Some("empty_sample")),
    ] {
        let evaluation = of(
            vec![numeric("a", ramp(100, 0.0), ramp(rows, 0.0))],
            &settings(),
        );
        let found = evaluation.psi.as_ref().err().map(|gap| gap.reason);
        assert_eq!(found, expected, "{rows}");
        let counts = |rows: u32| {
            let mut counts = CategoryCounts::default();
            counts.add("x", u64::from(rows / 2));
            counts.add("y", u64::from(rows - rows / 2));
            counts
        };
        let categories = Column {
            name: "t".to_owned(),
            data: ColumnData::Categories(Sides {
                reference: counts(100),
                current: counts(rows),
            }),
        };
        let evaluation = of(vec![categories], &settings());
        let found = evaluation.psi.as_ref().err().map(|gap| gap.reason);
        assert_eq!(found, expected, "{rows}");
    }
}

#[test]
fn exact_p_values_are_given_up_where_they_would_take_too_long() {
    let columns = |count: usize, rows: usize, others: usize| -> Vec<Column> {
        let column = |i: usize| numeric(&i.to_string(), vec![0.0; rows], vec![0.0; others]);
        (0..count).map(column).collect()
    };
    for (columns, method) in [
        (columns(20, 10_000, 10_000), KsMethod::Auto),
        (columns(20, 10_000, 9_999), KsMethod::Auto),
        (columns(21, 10_000, 9_999), KsMethod::Asymptotic),
        (columns(21, 10_001, 9_999), KsMethod::Auto),
    ] {
        assert_eq!(ks_method(&columns), method, "{}", columns.len());
    }
}

#[test]
fn nothing_given_is_told_apart_from_nothing_estimable() {
    let evaluation = of(Vec::new(), &settings());
    assert_eq!(reason(&evaluation), ("not_given", None));
    assert_eq!(evaluation.impact.unwrap_err(), Gap::NOT_GIVEN);
}

fn judged(cells: &[(&str, [u64; 4])], labelled: bool, settings: &Settings) -> Evaluation {
    let cells = cells.iter().map(|(name, [tp, fn_, fp, tn])| {
        let cells = ConfusionCells {
            true_positives: *tp,
            false_negatives: *fn_,
            false_positives: *fp,
            true_negatives: *tn,
        };
        (*name, cells)
    });
    let samples = Samples {
        decisions: Some(Decisions {
            cells: cells.collect(),
            labelled,
        }),
        ..Samples::default()
    };
    evaluate(samples, settings).unwrap()
}

fn reason_of(evaluation: &Evaluation, metric: &str) -> Option<Reason> {
    let mut statistics = evaluation.statistics.iter();
    let found = statistics.find(|statistic| statistic.metric == metric);
    found.unwrap().measurement.reason()
}

#[test]
fn a_group_without_positives_has_no_odds_but_a_selection_rate() {
    let trap = judged(
        &[("x", [2, 1, 1, 2]), ("y", [0, 0, 0, 6])],
        true,
        &settings(),
    );
    for metric in ["equalized_odds_difference", "equal_opportunity_difference"] {
        let reason = reason_of(&trap, metric);
        assert_eq!(reason, Some(Reason::GroupWithoutPositives), "{metric}");
    }
    assert!(trap.impact.unwrap().value.abs() < 1e-12);
}

#[test]
fn no_selections_and_one_group_have_no_ratio() {
    for (cells, reason) in [
        (
            &[("x", [0, 3, 0, 2]), ("y", [0, 0, 0, 6])][..],
            "no_selections",
        ),
        (&[("x", [1, 3, 0, 2])][..], "fewer_than_two_groups"),
        (&[][..], "fewer_than_two_groups"),
    ] {
        let evaluation = judged(cells, true, &settings());
        assert_eq!(evaluation.impact.unwrap_err().reason, reason);
    }
}

#[test]
fn a_small_group_is_named_where_groups_have_to_have_a_size() {
    let wanted = Settings {
        min_group_rows: 10,
        ..settings()
    };
    let cells = [("x", [5, 5, 5, 5]), ("y", [1, 1, 1, 1])];
    let gap = judged(&cells, true, &wanted).impact.unwrap_err();
    assert_eq!(
        (gap.reason, gap.group.as_deref()),
        ("too_few_samples", Some("y"))
    );
    assert!(judged(&cells, true, &settings()).impact.is_ok());
}

#[test]
fn without_labels_only_selections_are_compared() {
    let evaluation = judged(
        &[("x", [0, 0, 5, 5]), ("y", [0, 0, 1, 9])],
        false,
        &settings(),
    );
    assert_eq!(evaluation.statistics.len(), 2);
    assert!((evaluation.impact.unwrap().value - 0.2).abs() < 1e-12);
}
