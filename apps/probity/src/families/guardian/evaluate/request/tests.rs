use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::families::guardian::sample::ColumnData;

const MODEL: &str = "00000000-0000-0000-0000-000000000000";

fn job(mut body: Value) -> Result<Job, Vec<(String, &'static str)>> {
    body["modelId"] = json!(MODEL);
    let request: EvaluationRequest = serde_json::from_value(body).unwrap();
    let job = request.job(datetime!(2026-01-01 00:00 UTC));
    job.map_err(|faults| {
        faults
            .into_iter()
            .map(|one| (one.field, one.code))
            .collect()
    })
}

fn fault(body: Value) -> (String, &'static str) {
    let mut faults = job(body).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

fn rows(reference: &Value, current: &Value) -> Value {
    json!({"drift": {"reference": {"columns": reference}, "current": {"columns": current}}})
}

#[test]
fn columns_pair_up_by_name_and_the_sample_size_is_the_longest_current_column() {
    let body = rows(
        &json!({"a": [1, 2], "t": ["x"], "n": []}),
        &json!({"a": [1], "t": ["x", "y", "y"], "n": [4]}),
    );
    let job = job(body).unwrap();
    let names: Vec<&str> = job
        .samples
        .columns
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["a", "n", "t"]);
    assert_eq!(job.samples.current_rows, 3);
    assert!(matches!(
        job.samples.columns[1].data,
        ColumnData::Numbers(_)
    ));
}

#[test]
fn faults_of_columns_name_the_side_and_the_entry() {
    for (reference, current, field, code) in [
        (
            json!({"a": [1]}),
            json!({}),
            "/drift/current/columns/a",
            "required",
        ),
        (
            json!({}),
            json!({"a/b": [1]}),
            "/drift/reference/columns/a~1b",
            "required",
        ),
        (
            json!({"a": [1]}),
            json!({"a": ["x"]}),
            "/drift/current/columns/a",
            "wrong_type",
        ),
        (
            json!({"a": [1]}),
            json!({"a": [1, null]}),
            "/drift/current/columns/a/1",
            "missing",
        ),
        (
            json!({"": [1]}),
            json!({"": [1]}),
            "/drift/reference/columns/",
            "too_short",
        ),
    ] {
        assert_eq!(fault(rows(&reference, &current)), (field.to_owned(), code));
    }
}

#[test]
fn counts_come_with_names_or_edges() {
    let with = |histogram: Value| json!({"drift": {"histograms": {"h": histogram}}});
    let ordered = |histogram| {
        let job = job(with(histogram)).unwrap();
        match job.samples.columns[0].data {
            ColumnData::Counts { ordered, .. } => ordered,
            ColumnData::Numbers(_) | ColumnData::Categories(_) => panic!("counts"),
        }
    };
    assert!(!ordered(json!({"reference": [1, 2], "current": [2, 1]})));
    assert!(!ordered(
        json!({"bins": ["x", "y"], "reference": [1, 2], "current": [2, 1]})
    ));
    assert!(ordered(
        json!({"bins": [0, 1.5, 2], "reference": [1, 2], "current": [2, 1]})
    ));
    let (most, many) = (MAX_COUNT, vec![1; 10_001]);
    for (histogram, field, code) in [
        (
            json!({"bins": ["x"], "reference": [1, 2], "current": [2, 1]}),
            "/bins",
            "wrong_length",
        ),
        (
            json!({"bins": [0, 1], "reference": [1, 2], "current": [2, 1]}),
            "/bins",
            "wrong_length",
        ),
        (
            json!({"bins": [0, 2, 1], "reference": [1, 2], "current": [2, 1]}),
            "/bins",
            "wrong_length",
        ),
        (
            json!({"reference": [1, 2], "current": [2]}),
            "/current",
            "wrong_length",
        ),
        (
            json!({"reference": [most, 1], "current": [1, 1]}),
            "/reference",
            "out_of_range",
        ),
        (
            json!({"reference": [u64::MAX, 1], "current": [1, 1]}),
            "/reference",
            "out_of_range",
        ),
        (
            json!({"reference": many, "current": many}),
            "/reference",
            "too_many_bins",
        ),
    ] {
        let found = fault(with(histogram));
        assert_eq!(found, (format!("/drift/histograms/h{field}"), code));
    }
    let mut both = rows(&json!({"h": [1]}), &json!({"h": [1]}));
    both["drift"]["histograms"] = json!({"h": {"reference": [1], "current": [1]}});
    assert_eq!(fault(both).1, "duplicate");
}

const MAX_COUNT: u64 = 1 << 53;

#[test]
fn decisions_come_in_exactly_one_way() {
    let cells = json!({"a": {"truePositives": 1, "falseNegatives": 2, "falsePositives": 3, "trueNegatives": 4}});
    let selections = json!({"a": {"selected": 1, "total": 3}});
    let of = |fairness: Value| job(json!({"fairness": fairness})).unwrap().samples;
    let decisions = of(json!({"cells": cells})).decisions.unwrap();
    assert!(decisions.labelled && decisions.cells.rows() == 10);
    let decisions = of(json!({"selections": selections})).decisions.unwrap();
    let a = decisions.cells.group("a").unwrap();
    assert_eq!((decisions.labelled, a.selected(), a.rows()), (false, 1, 3));
    let samples = of(json!({"predictions": [1, 0], "groups": ["a", 2], "labels": [0, 1]}));
    assert!(samples.decisions.unwrap().labelled && samples.current_rows == 2);
    for (fairness, field, code) in [
        (json!({}), "", "conflicting_field"),
        (
            json!({"cells": cells, "selections": selections}),
            "",
            "conflicting_field",
        ),
        (
            json!({"cells": cells, "labels": [1]}),
            "",
            "conflicting_field",
        ),
        (json!({"labels": [1]}), "/predictions", "required"),
        (json!({"predictions": [1]}), "/groups", "required"),
        (
            json!({"predictions": [1], "groups": ["a", "b"]}),
            "/groups",
            "wrong_length",
        ),
        (
            json!({"predictions": [1], "groups": ["a"], "labels": []}),
            "/labels",
            "wrong_length",
        ),
        (
            json!({"selections": {"a": {"selected": 2, "total": 1}}}),
            "/selections/a/selected",
            "out_of_range",
        ),
        (
            json!({"selections": {"a": {"selected": 2, "total": u64::MAX}}}),
            "/selections",
            "out_of_range",
        ),
    ] {
        let found = fault(json!({"fairness": fairness}));
        assert_eq!(found, (format!("/fairness{field}"), code));
    }
}

#[test]
fn a_score_is_taken_only_where_it_is_not_computed() {
    let selections = json!({"selections": {"a": {"selected": 1, "total": 3}}});
    let drift = json!({"histograms": {"h": {"reference": [1], "current": [1]}}});
    for (body, field, code) in [
        (json!({}), "/drift", "required"),
        (
            json!({"driftScore": 1, "fairnessScore": 1}),
            "/drift",
            "required",
        ),
        (json!({"drift": {}}), "/drift", "required"),
        (
            json!({"drift": drift, "driftScore": 1}),
            "/driftScore",
            "conflicting_field",
        ),
        (
            json!({"fairness": selections, "fairnessScore": 1}),
            "/fairnessScore",
            "conflicting_field",
        ),
        (
            json!({"fairness": selections, "driftScore": 101}),
            "/driftScore",
            "out_of_range",
        ),
    ] {
        assert_eq!(fault(body), (field.to_owned(), code));
    }
    let job = job(json!({"fairness": selections, "driftScore": 12.5})).unwrap();
    assert_eq!(job.frame.draft.drift_score, Some(12.5));
}

#[test]
fn settings_are_named_where_they_stand() {
    for (more, field) in [
        (json!({"drift": {"bins": 1}}), "/drift/bins"),
        (json!({"drift": {"binning": "x"}}), "/drift/binning"),
        (
            json!({"drift": {"smoothing": {"kind": "x"}}}),
            "/drift/smoothing/kind",
        ),
        (
            json!({"drift": {"smoothing": {"value": 2}}}),
            "/drift/smoothing/value",
        ),
        (json!({"drift": {"missing": "x"}}), "/drift/missing"),
        (json!({"drift": {"psiColumns": []}}), "/drift/psiColumns"),
        (json!({"minSamples": 0}), "/minSamples"),
    ] {
        let mut body = rows(&json!({"a": [1]}), &json!({"a": [1]}));
        for (name, value) in more.as_object().unwrap() {
            match value.as_object() {
                Some(members) => {
                    let known = body[name.as_str()].as_object_mut().unwrap();
                    known.extend(members.clone());
                }
                None => body[name.as_str()] = value.clone(),
            }
        }
        assert_eq!(fault(body).0, field);
    }
}

#[test]
fn members_that_do_not_exist_are_refused() {
    for body in [
        json!({"drifts": {}}),
        json!({"drift": {"psiColums": []}}),
        json!({"fairness": {"group": []}}),
    ] {
        assert!(serde_json::from_value::<EvaluationRequest>(body).is_err());
    }
}
