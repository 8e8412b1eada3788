//! `POST /api/v1/metrics/evaluate` over HTTP: the figures of the reference vectors, in every way
//! they can be sent, and what becomes of samples that allow no figure or are no samples.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]

#[path = "api/harness/mod.rs"]
#[macro_use]
#[expect(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "the cases of the whole API use all of it"
)]
mod harness;

use std::fmt::Write as _;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Map, Value, json};

use harness::{Api, Call, Place, Reply, TestApp, UNLIMITED};

const PATH: &str = "/api/v1/metrics/evaluate";
const CSV: &str = "text/csv";
const PARQUET: &str = "application/vnd.apache.parquet";

both! {
    figures_agree_with_the_reference_in_every_format,
    bins_and_smoothing_are_as_asked_for,
    counts_and_cells_agree_with_the_golden_figures,
    what_cannot_be_estimated_is_not_recorded,
    an_odd_without_evidence_is_no_reason_not_to_record,
    a_score_of_the_caller_fills_in_for_what_is_not_measured,
    the_recipe_is_kept_with_the_snapshot,
    a_dry_run_writes_nothing,
    a_key_makes_a_repetition_harmless,
    hostile_csv_is_refused_by_name,
    hostile_parquet_is_refused_by_name,
    hostile_json_is_refused_by_name,
    bodies_have_a_size_and_a_type,
    only_who_may_write_evaluates,
}

/// `stats-1000.json`, and `stats-1000.csv` as one table.
struct Reference {
    figures: Value,
    /// Header and rows: sample, a to e, k, s, y, p.
    rows: Vec<Vec<String>>,
}

const HEADER: [&str; 10] = ["sample", "a", "b", "c", "d", "e", "k", "s", "y", "p"];

fn data(name: &str) -> String {
    let path = format!(
        "{}/../../crates/stats/tests/data/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).unwrap()
}

fn reference() -> Reference {
    let text = data("stats-1000.csv");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let lines: Vec<_> = lines.collect();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let mut rows = Vec::new();
    for (side, suffix) in [("reference", "ref"), ("current", "cur")] {
        for line in &lines {
            let mut row = vec![side.to_owned()];
            let columns = ["a", "b", "c", "d", "e", "k"].into_iter();
            row.extend(columns.map(|name| line[at(&format!("{name}_{suffix}"))].to_owned()));
            let decision = ["s", "y", "yhat"].into_iter();
            row.extend(decision.map(|name| match side {
                "current" => line[at(name)].to_owned(),
                _ => String::new(),
            }));
            rows.push(row);
        }
    }
    let figures = serde_json::from_str(&data("stats-1000.json")).unwrap();
    Reference { figures, rows }
}

impl Reference {
    fn column<'a>(&'a self, side: &'a str, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let at = HEADER.iter().position(|column| *column == name).unwrap();
        let rows = self.rows.iter().filter(move |row| row[0] == side);
        rows.map(move |row| row[at].as_str())
    }

    fn json(&self, model: &str) -> Value {
        let number = |text: &str| json!(text.parse::<f64>().unwrap());
        let side = |side| {
            let mut columns = Map::new();
            for name in ["a", "b", "c", "d", "e"] {
                columns.insert(
                    name.to_owned(),
                    self.column(side, name).map(number).collect(),
                );
            }
            columns.insert(
                "k".to_owned(),
                self.column(side, "k").map(|k| json!(k)).collect(),
            );
            json!({"columns": columns})
        };
        let binary = |name| -> Value {
            let cells = self.column("current", name);
            cells
                .map(|text| json!(text.parse::<u8>().unwrap()))
                .collect()
        };
        let groups: Value = self
            .column("current", "s")
            .map(|group| json!(group))
            .collect();
        json!({
            "modelId": model,
            "drift": {"reference": side("reference"), "current": side("current")},
            "fairness": {"labels": binary("y"), "predictions": binary("p"), "groups": groups},
        })
    }

    fn csv(&self) -> String {
        let rows = self.rows.iter().map(|row| row.join(","));
        let lines: Vec<String> = std::iter::once(HEADER.join(",")).chain(rows).collect();
        lines.join("\n")
    }

    /// Numbers as doubles, whole numbers of decisions and groups as such, reference rows without
    /// a decision as zeros.
    fn parquet(&self, compression: Compression) -> Vec<u8> {
        let mut schema = "required binary sample (UTF8);".to_owned();
        for name in &HEADER[1..6] {
            schema.extend(["required double ", name, ";"]);
        }
        schema
            .push_str("required int32 k; required int64 s; required boolean y; required int32 p;");
        let schema = parse_message_type(&format!("message table {{ {schema} }}")).unwrap();
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .build();
        let mut file = Vec::new();
        let mut writer =
            SerializedFileWriter::new(&mut file, Arc::new(schema), Arc::new(properties)).unwrap();
        // Two row groups, so that columns go on from one to the next.
        for rows in self.rows.chunks(1_300) {
            let mut group = writer.next_row_group().unwrap();
            for at in 0..HEADER.len() {
                let mut column = group.next_column().unwrap().unwrap();
                write_column(column.untyped(), rows.iter().map(|row| row[at].as_str()));
                column.close().unwrap();
            }
            group.close().unwrap();
        }
        writer.close().unwrap();
        file
    }
}

fn write_column<'a>(column: &mut ColumnWriter<'_>, cells: impl Iterator<Item = &'a str>) {
    let whole = |text: &str| text.parse::<i32>().unwrap_or_default();
    match column {
        ColumnWriter::ByteArrayColumnWriter(to) => {
            let cells: Vec<ByteArray> = cells.map(ByteArray::from).collect();
            to.write_batch(&cells, None, None).unwrap();
        }
        ColumnWriter::DoubleColumnWriter(to) => {
            let cells: Vec<f64> = cells.map(|text| text.parse().unwrap()).collect();
            to.write_batch(&cells, None, None).unwrap();
        }
        ColumnWriter::Int32ColumnWriter(to) => {
            to.write_batch(&cells.map(whole).collect::<Vec<_>>(), None, None)
                .unwrap();
        }
        ColumnWriter::Int64ColumnWriter(to) => {
            let cells: Vec<i64> = cells.map(|text| whole(text).into()).collect();
            to.write_batch(&cells, None, None).unwrap();
        }
        ColumnWriter::BoolColumnWriter(to) => {
            let cells: Vec<bool> = cells.map(|text| text == "1").collect();
            to.write_batch(&cells, None, None).unwrap();
        }
        ColumnWriter::Int96ColumnWriter(_)
        | ColumnWriter::FloatColumnWriter(_)
        | ColumnWriter::FixedLenByteArrayColumnWriter(_) => panic!("no column of that type"),
    }
}

fn table(api: &Api, model: &str, query: &str, media: &str, body: impl Into<Vec<u8>>) -> Call {
    let url = format!("{PATH}?modelId={model}&{query}");
    api.post(&url, &json!({})).raw(media, body)
}

const ROLES: &str = "categoricalColumns=k&labelColumn=y&predictionColumn=p&groupColumn=s";

/// Fails unless the number is the expected one to 1e-9, relatively where that is tiny.
fn assert_close(what: &str, actual: &Value, expected: &Value) {
    let (actual, expected) = (
        actual
            .as_f64()
            .unwrap_or_else(|| panic!("{what}: no number in {actual}")),
        expected
            .as_f64()
            .unwrap_or_else(|| panic!("{what}: no figure")),
    );
    let tolerance = 1e-9
        * if expected.abs() < 1e-9 {
            expected.abs()
        } else {
            1.0
        };
    assert!(
        (actual - expected).abs() <= tolerance,
        "{what}: {actual} instead of {expected}"
    );
}

fn statistic<'a>(answer: &'a Value, metric: &str, column: Option<&str>) -> &'a Value {
    let mut all = answer["statistics"].as_array().unwrap().iter();
    let found = all.find(|one| one["metric"] == metric && one["column"].as_str() == column);
    found.unwrap_or_else(|| panic!("no {metric} of {column:?}"))
}

/// Every figure of the answer against the reference.
fn assert_figures(what: &str, answer: &Value, figures: &Value) {
    for column in ["a", "b", "c", "d", "e"] {
        let expected = &figures["columns"][column];
        for (metric, member, key) in [
            ("psi", "value", "psi_quantile10_eps1e-4"),
            ("ks", "value", "ks_statistic"),
            ("ks", "pValue", "ks_p_auto"),
            ("wasserstein_1", "value", "wasserstein"),
            ("wasserstein_1_normed", "value", "wasserstein_norm"),
        ] {
            let found = statistic(answer, metric, Some(column));
            assert_eq!(found["status"], "estimated");
            let what = format!("{what} {column} {metric}");
            assert_close(&what, &found[member], &expected[key]);
        }
        // The reference has the distance with base 2.
        let base_2 = expected["js_base2_quantile10"].as_f64().unwrap();
        let distance = json!(base_2 * std::f64::consts::LN_2.sqrt());
        let found = &statistic(answer, "js_distance", Some(column))["value"];
        assert_close(&format!("{what} {column} js"), found, &distance);
    }
    for (metric, member, key) in [
        ("psi", "value", "psi_evidently"),
        ("js_distance", "value", "js_evidently"),
        ("chi_square", "value", "chi2_contingency_statistic"),
        ("chi_square", "pValue", "chi2_contingency_p"),
    ] {
        let found = &statistic(answer, metric, Some("k"))[member];
        assert_close(
            &format!("{what} k {metric}"),
            found,
            &figures["categorical"][key],
        );
    }
    for (metric, key) in [
        ("demographic_parity_ratio", "demographic_parity_ratio"),
        (
            "demographic_parity_difference",
            "demographic_parity_difference",
        ),
        (
            "equalized_odds_difference",
            "equalized_odds_difference_worst_case",
        ),
        ("equalized_odds_ratio", "equalized_odds_ratio_worst_case"),
        (
            "equal_opportunity_difference",
            "equal_opportunity_difference",
        ),
        ("equal_opportunity_ratio", "equal_opportunity_ratio"),
    ] {
        let found = &statistic(answer, metric, None)["value"];
        assert_close(
            &format!("{what} {metric}"),
            found,
            &figures["fairness"][key],
        );
    }
}

/// The scores, their verdict and the false alarms against the reference.
fn assert_scores(what: &str, answer: &Value, figures: &Value) {
    let psi = &figures["columns"]["e"]["psi_quantile10_eps1e-4"];
    assert_close("largest", &answer["psi"], psi);
    let score = json!(100.0 - 6.0 / psi.as_f64().unwrap());
    assert_close("drift score", &answer["driftScore"], &score);
    let ratio = &figures["fairness"]["demographic_parity_ratio"];
    assert_close("impact", &answer["disparateImpact"], ratio);
    let score = json!(80.0 * ratio.as_f64().unwrap() / 0.6);
    assert_close("fairness score", &answer["fairnessScore"], &score);
    let golden: Value = serde_json::from_str(&data("golden.json")).unwrap();
    let null = &golden["F_psi_null_false_alarm_ref=n_cur=n_B=10"]["1000"];
    let alarm = &answer["falseAlarm"];
    assert_close("null mean", &alarm["psiNullMean"], &null["theory_mean"]);
    assert_close("critical", &alarm["psiCritical95"], &null["crit95_theory"]);
    for (member, expected) in [
        ("psiColumn", json!("e")),
        ("sampleSize", json!(1000)),
        ("complianceStatus", json!("RED")),
        ("recordable", json!(true)),
        ("notEstimable", json!([])),
    ] {
        assert_eq!(answer[member], expected, "{what} {member}");
    }
    assert!(answer["snapshotId"].as_str().unwrap().starts_with("snap_"));
}

async fn figures_agree_with_the_reference_in_every_format(api: Api) {
    let (reference, model) = (reference(), api.new_product().await);
    let (csv, json) = (reference.csv(), reference.json(&model));
    let zstd = Compression::ZSTD(parquet::basic::ZstdLevel::default());
    let calls = [
        ("json", api.post(PATH, &json)),
        ("csv", table(&api, &model, ROLES, CSV, csv)),
        (
            "plain",
            table(
                &api,
                &model,
                ROLES,
                PARQUET,
                reference.parquet(Compression::UNCOMPRESSED),
            ),
        ),
        (
            "snappy",
            table(
                &api,
                &model,
                ROLES,
                PARQUET,
                reference.parquet(Compression::SNAPPY),
            ),
        ),
        (
            "zstd",
            table(&api, &model, ROLES, PARQUET, reference.parquet(zstd)),
        ),
    ];
    let mut first: Option<Value> = None;
    for (what, call) in calls {
        let mut answer = call.send().await.expect(200);
        assert_figures(what, &answer, &reference.figures);
        assert_scores(what, &answer, &reference.figures);
        // Whatever it came in as, it is the same answer.
        answer["snapshotId"] = json!(null);
        let known = first.get_or_insert_with(|| answer.clone());
        assert_eq!(&answer, known, "{what}");
    }
}

async fn bins_and_smoothing_are_as_asked_for(api: Api) {
    let (reference, model) = (reference(), api.new_product().await);
    for (query, key, estimator) in [
        (
            "binning=equal_width&smoothingValue=0.000001",
            "psi_width10_eps1e-6",
            "psi.equal_width_bins",
        ),
        (
            "binning=equal_width",
            "psi_width10_eps1e-4",
            "psi.equal_width_bins",
        ),
        (
            "smoothing=epsilon&smoothingValue=1e-6",
            "psi_quantile10_eps1e-6",
            "psi.quantile_bins",
        ),
    ] {
        let query = format!("{query}&columns=a,e&fairnessScore=95&dryRun=true&bins=10");
        let call = table(&api, &model, &query, CSV, reference.csv());
        let answer = call.send().await.expect(200);
        for column in ["a", "e"] {
            let found = statistic(&answer, "psi", Some(column));
            let expected = &reference.figures["columns"][column][key];
            assert_close(&query, &found["value"], expected);
            assert_eq!(found["recipe"]["estimator"], estimator);
        }
    }
    let golden: Value = serde_json::from_str(&data("golden.json")).unwrap();
    let zero = &golden["E2_zero_bin_small_n"];
    for (smoothing, expected) in [
        (json!({"value": 1e-6}), &zero["eps1e-6"]),
        (json!({"kind": "epsilon", "value": 1e-3}), &zero["eps1e-3"]),
        (json!({"kind": "pseudo_count"}), &zero["pseudocount_0.5"]),
        (json!({"kind": "laplace"}), &zero["laplace_+1"]),
        (json!({"kind": "relative_epsilon"}), &zero["evidently"]),
        (json!({"kind": "none"}), &json!(null)),
    ] {
        let histogram = json!({"reference": zero["ref"], "current": zero["cur"]});
        let drift = json!({"histograms": {"h": histogram}, "smoothing": smoothing});
        let body = json!({"modelId": model, "fairnessScore": 99, "dryRun": true, "drift": drift});
        let answer = api.post(PATH, &body).send().await.expect(200);
        if expected.is_null() {
            assert_eq!(statistic(&answer, "psi", Some("h"))["reason"], "empty_bin");
        } else {
            assert_close(&smoothing.to_string(), &answer["psi"], expected);
        }
    }
}

/// The confusion cells of the golden figures as a body spells them.
fn golden_cells(fairness: &Value) -> Map<String, Value> {
    let mut cells = Map::new();
    for (group, counts) in fairness["cells_TP_FN_FP_TN"].as_object().unwrap() {
        let cell = json!({
            "truePositives": counts[0], "falseNegatives": counts[1],
            "falsePositives": counts[2], "trueNegatives": counts[3],
        });
        cells.insert(group.clone(), cell);
    }
    cells
}

async fn counts_and_cells_agree_with_the_golden_figures(api: Api) {
    let golden: Value = serde_json::from_str(&data("golden.json")).unwrap();
    let (histogram, fairness) = (&golden["C_histogram"], &golden["A_fairness"]);
    let cells = golden_cells(fairness);
    let counts = json!({
        "bins": [0, 1, 2, 3, 4, 5],
        "reference": histogram["ref_counts"], "current": histogram["cur_counts"],
    });
    let body = json!({
        "modelId": api.new_product().await,
        "drift": {"histograms": {"h": counts}}, "fairness": {"cells": cells},
    });
    let answer = api.post(PATH, &body).send().await.expect(200);
    for (metric, member, expected) in [
        ("psi", "value", &histogram["psi"]),
        ("js_distance", "value", &histogram["js_distance_nats"]),
        ("chi_square", "value", &histogram["chi2_2sample"]["stat"]),
        ("chi_square", "pValue", &histogram["chi2_2sample"]["p"]),
        (
            "wasserstein_1_index",
            "value",
            &histogram["wasserstein_bin_index"],
        ),
    ] {
        assert_close(
            metric,
            &statistic(&answer, metric, Some("h"))[member],
            expected,
        );
    }
    for (metric, key) in [
        ("demographic_parity_ratio", "demographic_parity_ratio"),
        (
            "equalized_odds_difference",
            "equalized_odds_difference_worst",
        ),
        ("equalized_odds_ratio", "equalized_odds_ratio_worst"),
        (
            "equal_opportunity_difference",
            "equal_opportunity_difference",
        ),
    ] {
        assert_close(
            metric,
            &statistic(&answer, metric, None)["value"],
            &fairness[key],
        );
    }
    assert_close(
        "critical",
        &answer["falseAlarm"]["psiCritical95"],
        &histogram["psi_crit_0.95"],
    );
    for (at, group) in ["a", "b", "c"].into_iter().enumerate() {
        let rate = &answer["groups"][at]["selectionRate"];
        assert_close(group, rate, &fairness["selection_rate"][group]);
    }
    // PSI 0.026 is GREEN, a ratio of 0.39 is RED, and the worst of the parts counts.
    assert_eq!(answer["complianceStatus"], "RED");
}

fn drift(reference: &[f64], current: &[f64]) -> Value {
    json!({
        "reference": {"columns": {"a": reference}}, "current": {"columns": {"a": current}},
    })
}

fn ramp(rows: u32) -> Vec<f64> {
    (0..rows).map(f64::from).collect()
}

async fn history(api: &Api, model: &str) -> Vec<Value> {
    let path = format!("/api/v1/metrics/history?modelId={model}");
    let found = api.get(&path).send().await.expect(200);
    found["snapshots"].as_array().unwrap().clone()
}

/// What cannot be estimated, the score that is then missing, and the reason.
fn not_estimable() -> Vec<(Value, &'static str, &'static str)> {
    let selections = |a: [u32; 2], b: [u32; 2]| {
        let group = |[selected, total]: [u32; 2]| json!({"selected": selected, "total": total});
        json!({"selections": {"a": group(a), "b": group(b)}})
    };
    let fair = selections([50, 100], [50, 100]);
    let none = selections([0, 100], [0, 100]);
    let steady = drift(&ramp(100), &ramp(100));
    vec![
        (
            json!({"drift": drift(&ramp(100), &ramp(29)), "fairness": fair}),
            "driftScore",
            "too_few_samples",
        ),
        (
            json!({"drift": drift(&ramp(29), &ramp(100)), "fairness": fair}),
            "driftScore",
            "too_few_samples",
        ),
        (
            json!({"drift": drift(&ramp(99), &ramp(99)), "minSamples": 100, "fairness": fair}),
            "driftScore",
            "too_few_samples",
        ),
        (
            json!({"drift": drift(&ramp(99), &[]), "fairness": fair}),
            "driftScore",
            "empty_sample",
        ),
        (
            json!({"drift": drift(&[3.0; 50], &ramp(50)), "fairness": fair}),
            "driftScore",
            "constant_reference",
        ),
        (json!({"fairness": fair}), "driftScore", "not_given"),
        (json!({"drift": steady}), "fairnessScore", "not_given"),
        (
            json!({"drift": steady, "fairness": none}),
            "fairnessScore",
            "no_selections",
        ),
        (
            json!({"drift": steady, "fairness": {"selections": {"a": {"selected": 5, "total": 9}}}}),
            "fairnessScore",
            "fewer_than_two_groups",
        ),
        (
            json!({"drift": steady, "fairness": {"predictions": [], "groups": []}}),
            "fairnessScore",
            "fewer_than_two_groups",
        ),
        (
            json!({"drift": steady, "fairness": {"predictions": [1, 0, 1], "groups": ["a", "a", "b"], "minGroupRows": 2}}),
            "fairnessScore",
            "too_few_samples",
        ),
    ]
}

async fn what_cannot_be_estimated_is_not_recorded(api: Api) {
    let model = api.new_product().await;
    for (more, score, reason) in not_estimable() {
        for dry_run in [false, true] {
            let mut body = json!({"modelId": model, "dryRun": dry_run});
            harness::merge(&mut body, &more);
            let answer = api.post(PATH, &body).send().await.expect(200);
            assert_eq!(answer["snapshotId"], json!(null), "{more}");
            assert_eq!(answer["complianceStatus"], "NOT_ESTIMABLE", "{more}");
            assert_eq!(answer["recordable"], false, "{more}");
            assert_eq!(answer[score], json!(null), "{more}");
            let gaps = answer["notEstimable"].as_array().unwrap();
            let gap = gaps.iter().find(|gap| gap["score"] == score);
            assert_eq!(gap.unwrap()["reason"], reason, "{more}");
        }
    }
    assert!(history(&api, &model).await.is_empty());
}

async fn an_odd_without_evidence_is_no_reason_not_to_record(api: Api) {
    let model = api.new_product().await;
    // A group without positives has no odds, but it has a selection rate: that is recorded.
    let cells = json!({
        "x": {"truePositives": 2, "falseNegatives": 1, "falsePositives": 1, "trueNegatives": 2},
        "y": {"truePositives": 0, "falseNegatives": 0, "falsePositives": 0, "trueNegatives": 6},
    });
    assert!(history(&api, &model).await.is_empty());
    let body = json!({"modelId": model, "drift": drift(&ramp(100), &ramp(100)), "fairness": {"cells": cells}});
    let answer = api.post(PATH, &body).send().await.expect(200);
    let odds = statistic(&answer, "equalized_odds_difference", None);
    assert_eq!(
        (&odds["status"], &odds["reason"]),
        (&json!("not_estimable"), &json!("group_without_positives"))
    );
    assert_eq!((&odds["group"], odds.get("value")), (&json!("y"), None));
    assert_eq!(answer["groups"][1]["truePositiveRate"], json!(null));
    assert_eq!(answer["complianceStatus"], "RED");
    assert_eq!(history(&api, &model).await.len(), 1);
    // Rows of one side only.
    let csv = format!("sample,a\n{}", "reference,1\nreference,2\n".repeat(50));
    let call = table(&api, &model, "fairnessScore=95", CSV, csv);
    let answer = call.send().await.expect(200);
    assert_eq!(answer["notEstimable"][0]["reason"], "empty_sample");
    assert_eq!(answer["sampleSize"], 0);
}

async fn a_score_of_the_caller_fills_in_for_what_is_not_measured(api: Api) {
    let model = api.new_product().await;
    let body =
        json!({"modelId": model, "fairnessScore": 85, "drift": drift(&ramp(100), &ramp(100))});
    let answer = api.post(PATH, &body).send().await.expect(200);
    assert_eq!(answer["complianceStatus"], "AMBER");
    assert_eq!(
        answer["formulas"],
        json!({"driftScore": "drift_score.psi/1", "fairnessScore": "caller"})
    );
    assert_eq!(
        (&answer["fairnessScore"], &answer["disparateImpact"]),
        (&json!(85.0), &json!(null))
    );
    let selections = json!({"a": {"selected": 8, "total": 10}, "b": {"selected": 10, "total": 10}});
    let body = json!({"modelId": model, "driftScore": 60, "fairness": {"selections": selections}});
    let answer = api.post(PATH, &body).send().await.expect(200);
    assert_eq!(answer["complianceStatus"], "AMBER");
    assert_eq!(
        (&answer["psi"], &answer["sampleSize"]),
        (&json!(null), &json!(20))
    );
    assert_close(
        "exactly four fifths",
        &answer["disparateImpact"],
        &json!(0.8),
    );
    let csv = "sample,p,g\ncurrent,1,a\ncurrent,0,b\ncurrent,1,b\n";
    let query = "columns=&driftScore=10&predictionColumn=p&groupColumn=g";
    let answer = table(&api, &model, query, CSV, csv)
        .send()
        .await
        .expect(200);
    assert_eq!(answer["formulas"]["driftScore"], "caller");
    assert_close("half", &answer["disparateImpact"], &json!(0.5));
    let kept = history(&api, &model).await;
    assert_eq!(kept.len(), 3);
    assert_eq!(
        kept[2]["recipe"]["fairnessScore"],
        json!({"source": "caller"})
    );
}

async fn the_recipe_is_kept_with_the_snapshot(api: Api) {
    let (reference, model) = (reference(), api.new_product().await);
    let query = format!("{ROLES}&capturedAt=2026-01-02T03:04:05Z&notes=weekly");
    let call = table(&api, &model, &query, CSV, reference.csv());
    let answer = call.send().await.expect(200);
    let [snapshot] = history(&api, &model).await.try_into().unwrap();
    assert_eq!(snapshot["snapshotId"], answer["snapshotId"]);
    for member in [
        "driftScore",
        "fairnessScore",
        "psi",
        "disparateImpact",
        "complianceStatus",
        "sampleSize",
    ] {
        assert_eq!(snapshot[member], answer[member], "{member}");
    }
    assert_eq!(snapshot["notes"], "weekly");
    assert_eq!(snapshot["capturedAt"], "2026-01-02T03:04:05Z");
    let recipe = &snapshot["recipe"];
    assert_eq!(
        recipe["driftScore"],
        json!({"formula": "drift_score.psi/1", "of": "psi"})
    );
    let of_impact =
        json!({"formula": "fairness_score.disparate_impact/1", "of": "disparateImpact"});
    assert_eq!(recipe["fairnessScore"], of_impact);
    let psi = &recipe["psi"];
    for (member, expected) in [
        ("column", json!("e")),
        ("estimator", json!("psi.quantile_bins")),
        ("version", json!(1)),
        ("bins", json!(10)),
        ("smoothing", json!({"kind": "epsilon", "value": 0.0001})),
        ("nReference", json!(1000)),
        ("nCurrent", json!(1000)),
        ("referenceCounts", json!(vec![100; 10])),
    ] {
        assert_eq!(psi[member], expected, "{member}");
    }
    let edges = &reference.figures["columns"]["e"]["quantile10_edges"];
    for (at, edge) in edges.as_array().unwrap().iter().enumerate() {
        assert_close("edge", &psi["edges"][at], edge);
    }
    // The index can be computed again from what was kept.
    let counts = |name: &str| -> Vec<f64> {
        let counts = psi[name].as_array().unwrap().iter();
        counts
            .map(|count| (count.as_f64().unwrap() / 1000.0).max(1e-4))
            .collect()
    };
    let pairs = counts("referenceCounts")
        .into_iter()
        .zip(counts("currentCounts"));
    let again: f64 = pairs.map(|(p, q)| (p - q) * (p / q).ln()).sum();
    assert_close("again", &json!(again), &snapshot["psi"]);
    let impact = &recipe["disparateImpact"];
    assert_eq!(impact["estimator"], "demographic_parity_ratio");
    assert_eq!(impact["groups"]["0"], json!({"selected": 190, "rows": 515}));
}

async fn a_dry_run_writes_nothing(api: Api) {
    let model = api.new_product().await;
    let body = json!({
        "modelId": model, "dryRun": true, "fairnessScore": 95,
        "drift": drift(&ramp(1000), &ramp(1000)),
    });
    let call = || api.post(PATH, &body).header("idempotency-key", "dry");
    let answer = call().send().await.expect(200);
    assert_eq!(
        (&answer["dryRun"], &answer["recordable"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        (&answer["snapshotId"], &answer["complianceStatus"]),
        (&json!(null), &json!("GREEN"))
    );
    assert!(history(&api, &model).await.is_empty());
    // The limits of the product itself decide, in a dry run too.
    let limits = json!({"modelId": model, "thresholds": {"fairness": {"amber": 99, "red": 97}}});
    api.post("/api/v1/risk-metric-links", &limits)
        .send()
        .await
        .expect(201);
    assert_eq!(call().send().await.expect(200)["complianceStatus"], "RED");
    // Nor is the key spent.
    let mut wet = body.clone();
    wet["dryRun"] = json!(false);
    let call = api.post(PATH, &wet).header("idempotency-key", "dry");
    assert!(call.send().await.expect(200)["snapshotId"].is_string());
}

async fn a_key_makes_a_repetition_harmless(api: Api) {
    let model = api.new_product().await;
    let body =
        json!({"modelId": model, "fairnessScore": 95, "drift": drift(&ramp(100), &ramp(100))});
    let call = |body: &Value| api.post(PATH, body).header("idempotency-key", "one");
    let first = call(&body).send().await.expect(200);
    assert_eq!(call(&body).send().await.expect(200), first);
    let mut other = body.clone();
    other["fairnessScore"] = json!(94);
    call(&other).send().await.expect(422);
    let csv = format!(
        "sample,a\n{}",
        "reference,1\ncurrent,2\ncurrent,3\nreference,4\n".repeat(30)
    );
    let call = |query: &str, body: &str| {
        table(&api, &model, query, CSV, body).header("idempotency-key", "two")
    };
    let first = call("fairnessScore=95", &csv).send().await.expect(200);
    let again = call("fairnessScore=95", &csv).send().await.expect(200);
    assert_eq!(first["snapshotId"], again["snapshotId"]);
    call("fairnessScore=94", &csv).send().await.expect(422);
    call("fairnessScore=95", &csv.replace('4', "5"))
        .send()
        .await
        .expect(422);
    assert_eq!(history(&api, &model).await.len(), 2);
}

/// The field of the first fault of a refusal.
fn refused(reply: &Reply, code: &str) -> String {
    let problem = reply.expect(400);
    assert_eq!(
        (&problem["code"], &problem["success"]),
        (&json!("invalid_payload"), &json!(false))
    );
    let fault = &problem["errors"][0];
    assert_eq!(fault["code"], code, "{problem}");
    fault["field"].as_str().unwrap().to_owned()
}

/// Query, body, and the field and code of the fault.
type Hostile<'a> = (&'a str, &'a [u8], &'a str, &'a str);

async fn refuse_each(api: &Api, media: &str, cases: &[Hostile<'_>]) {
    let model = api.new_product().await;
    for (query, body, field, code) in cases {
        let reply = table(api, &model, query, media, *body).send().await;
        assert_eq!(refused(&reply, code), *field, "{query} {media} {code}");
    }
    assert!(history(api, &model).await.is_empty());
}

async fn hostile_csv_is_refused_by_name(api: Api) {
    let mut crowd = "sample,p,g\n".to_owned();
    for i in 0..100_000 {
        writeln!(crowd, "current,1,g{i}").unwrap();
    }
    let judge = "columns=&driftScore=1&predictionColumn=p&groupColumn=g";
    let (fine, group) = (b"sample,a\nreference,1\n", "groupColumn=a");
    let text = b"sample,a\nreference,1\ncurrent,x\n";
    let cases: [Hostile<'_>; 14] = [
        ("", b"", "", "empty"),
        ("", b"sample,a\nreference,1\ncurrent\n", "", "ragged"),
        ("", text, "/a", "not_a_number"),
        ("", b"sample,a\nreference,NaN\n", "/a", "not_finite"),
        ("", b"sample,a\nreference,inf\n", "/a", "not_finite"),
        ("", b"sample,a\nreference,\xff\n", "/a", "invalid_utf8"),
        ("", b"split,a\n", "sampleColumn", "unknown_column"),
        ("columns=b", fine, "columns", "unknown_column"),
        ("psiColumns=b", fine, "psiColumns", "unknown_column"),
        (group, fine, "predictionColumn", "required"),
        ("bins=1", fine, "bins", "out_of_range"),
        ("limit=1", fine, "query", "malformed_query"),
        ("driftScore=1", fine, "driftScore", "conflicting_parameter"),
        (judge, crowd.as_bytes(), "/g", "too_many_groups"),
    ];
    refuse_each(&api, CSV, &cases).await;
    let model = api.new_product().await;
    let reply = table(&api, &model, "", CSV, *text).send().await;
    let message = reply.expect(400)["errors"][0]["message"].clone();
    assert_eq!(message, "line 3 must be a number like the cells above it");
}

async fn hostile_parquet_is_refused_by_name(api: Api) {
    let whole = reference().parquet(Compression::SNAPPY);
    let mut lies = whole.clone();
    let length = lies.len();
    lies[length - 8..length - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let cases: [Hostile<'_>; 6] = [
        ("", b"", "", "malformed_parquet"),
        ("", b"PAR1PAR1", "", "malformed_parquet"),
        ("", b"sample,a\nreference,1\n", "", "malformed_parquet"),
        ("", &whole[..5_000], "", "malformed_parquet"),
        ("", &whole[5_000..], "", "malformed_parquet"),
        ("", &lies, "", "malformed_parquet"),
    ];
    refuse_each(&api, PARQUET, &cases).await;
    // A page is broken, the footer is not.
    let mut broken = whole.clone();
    broken[40..200].fill(0xff);
    let cases: [Hostile<'_>; 1] = [("", &broken, "", "malformed_parquet")];
    refuse_each(&api, PARQUET, &cases).await;
}

async fn hostile_json_is_refused_by_name(api: Api) {
    let mixed = br#"{"drift": {"current": {"columns": {"a": [1, "x"]}}}}"#;
    let cases: [Hostile<'_>; 7] = [
        ("", b"{", "", "malformed_json"),
        ("", b"[1e400]", "", "malformed_json"),
        ("", br#"{"drift": {"bin": 3}}"#, "/drift/bin", "wrong_type"),
        ("", mixed, "/drift/current/columns/a", "wrong_type"),
        (
            "",
            br#"{"fairness": {"predictions": [0.5]}}"#,
            "/fairness/predictions",
            "wrong_type",
        ),
        ("", br#"{"dryRun": "yes"}"#, "/dryRun", "wrong_type"),
        ("", b"{}", "/drift", "required"),
    ];
    refuse_each(&api, "application/json", &cases).await;
}

async fn bodies_have_a_size_and_a_type(api: Api) {
    let model = api.new_product().await;
    let large = |limit: usize| vec![b' '; limit + 1];
    for (media, body, status) in [
        ("application/json", large(8 << 20), 413),
        (CSV, large(64 << 20), 413),
        (PARQUET, large(64 << 20), 413),
        ("text/plain", b"x".to_vec(), 415),
        ("multipart/form-data", b"x".to_vec(), 415),
    ] {
        let call = table(&api, &model, "", media, body);
        call.send().await.expect(status);
    }
    let packed = table(&api, &model, "", CSV, "x").header("content-encoding", "gzip");
    packed.send().await.expect(415);
    let unknown = "00000000-0000-4000-8000-000000000000";
    let csv = "sample,a\nreference,1\n";
    let reply = table(&api, unknown, "", CSV, csv).send().await;
    assert_eq!(reply.expect(404)["code"], "model_not_found");
}

async fn only_who_may_write_evaluates(api: Api) {
    let model = api.new_product().await;
    let body =
        json!({"modelId": model, "fairnessScore": 95, "drift": drift(&ramp(100), &ramp(100))});
    let call = || api.post(PATH, &body);
    call().anonymous().send().await.expect(401);
    call().bearer(&api.new_key("read")).send().await.expect(403);
    call()
        .bearer(&api.new_key("read,write"))
        .send()
        .await
        .expect(200);
    let stranger = Api::on(&api.app);
    stranger.post(PATH, &body).send().await.expect(404);
}

#[tokio::test]
async fn evaluations_count_against_the_limit_of_snapshots() {
    let place = Place::new(harness::Backend::Sqlite).unwrap();
    let mut flags = UNLIMITED;
    flags[1] = "2";
    let app = Arc::new(TestApp::spawn(&place, &flags));
    let api = Api::on(&app);
    let model = api.new_product().await;
    let body =
        json!({"modelId": model, "fairnessScore": 95, "drift": drift(&ramp(100), &ramp(100))});
    let snapshot = json!({"modelId": model, "driftScore": 1, "fairnessScore": 99, "sampleSize": 1});
    api.post(PATH, &body).send().await.expect(200);
    api.post("/api/v1/metrics", &snapshot)
        .send()
        .await
        .expect(200);
    let reply = api.post(PATH, &body).send().await;
    assert!(!reply.header("retry-after").is_empty());
    reply.expect(429);
}
