//! Laws that hold for every input.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use probity_stats::{
    Aggregate, BinnedPair, Binning, CategoryCounts, CodedRows, ColumnSummary, ConfusionCells,
    Execution, GroupedCells, Histogram, KsMethod, LogBase, Moments, NumericOptions, NumericPair,
    PsiNull, QuantileSketch, Reason, Smoothing, StatsError, drift_score, fairness_score,
};
use proptest::prelude::*;

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Values with many ties, a few far ones, and both signs.
fn values(size: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        6 => -10.0..10.0f64,
        3 => (-3..4i32).prop_map(f64::from),
        1 => -1e6..1e6f64,
    ];
    proptest::collection::vec(value, size)
}

fn pair_of_counts() -> impl Strategy<Value = BinnedPair> {
    let counts = proptest::collection::vec((0..500u64, 0..500u64), 2..12);
    counts.prop_map(|counts| {
        let (reference, current) = counts.into_iter().unzip();
        BinnedPair::new(reference, current).unwrap()
    })
}

fn confusion() -> impl Strategy<Value = ConfusionCells> {
    (0..40u64, 0..40u64, 0..40u64, 0..40u64).prop_map(|(tp, fn_, fp, tn)| ConfusionCells {
        true_positives: tp,
        false_negatives: fn_,
        false_positives: fp,
        true_negatives: tn,
    })
}

/// The definitions, by sorting: largest gap and area between the distribution functions.
fn naive_gap_and_area(reference: &[f64], current: &[f64]) -> (f64, f64) {
    let sorted = |column: &[f64]| {
        let mut values = column.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    let (reference, current) = (sorted(reference), sorted(current));
    let all = sorted(&[reference.as_slice(), &current].concat());
    let share =
        |column: &[f64], x: f64| float(column.partition_point(|&y| y <= x)) / float(column.len());
    let (mut largest, mut area) = (0.0_f64, 0.0);
    for (x, next) in all.iter().zip(all.iter().skip(1).chain(all.last())) {
        let gap = (share(&reference, *x) - share(&current, *x)).abs();
        largest = largest.max(gap);
        area += gap * (next - x);
    }
    (largest, area)
}

fn naive_counts(column: &[f64], edges: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; edges.len() - 1];
    for &x in column {
        let bin = edges
            .partition_point(|&edge| edge <= x)
            .clamp(1, counts.len())
            - 1;
        *counts.get_mut(bin).unwrap() += 1;
    }
    counts
}

fn assert_matches_definitions(reference: &[f64], current: &[f64]) {
    let (gap, area) = naive_gap_and_area(reference, current);
    let allowance = 1e-10 * area.max(1.0);
    for (execution, binning) in [
        (Execution::SingleThread, Binning::QuantileBins(10)),
        (Execution::TwoThreads, Binning::QuantileBins(20)),
        (Execution::TwoThreads, Binning::EqualWidthBins(7)),
        (Execution::SingleThread, Binning::JointWidthBins(9)),
        (Execution::TwoThreads, Binning::SturgesBins),
    ] {
        let pair = NumericPair::with_execution(reference, current, execution).unwrap();
        let options = NumericOptions {
            binning,
            ..NumericOptions::default()
        };
        let drift = pair.drift(&options).unwrap();
        assert!((drift.ks.measurement.value().unwrap() - gap).abs() < 1e-12);
        assert!((drift.wasserstein.value().unwrap() - area).abs() < allowance);
        assert_eq!(drift.ks, pair.ks(KsMethod::Auto));
        assert!((pair.wasserstein().value().unwrap() - area).abs() < allowance);
        let (edges, counts) = (&drift.bins.edges, &drift.bins.counts);
        if edges.len() > counts.reference().len() && edges.len() > 1 {
            assert_eq!(counts.reference(), naive_counts(reference, edges));
            assert_eq!(counts.current(), naive_counts(current, edges));
        }
    }
}

/// A fixed generator for columns too large to be drawn by the property runner.
fn uniform(seed: u64, size: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / 4_294_967_296.0
    };
    (0..size).map(|_| next()).collect()
}

fn map(values: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    values.iter().map(|&x| f(x)).collect()
}

#[test]
fn large_columns_match_the_definitions_in_every_shape() {
    let (one, two) = (uniform(1, 150_000), uniform(2, 140_000));
    let logit = |x: f64| ((x + 1e-12) / (1.0 - x)).ln();
    let shapes: [(&str, Vec<f64>, Vec<f64>); 9] = [
        ("no drift", one.clone(), two.clone()),
        ("shifted", one.clone(), map(&two, |x| x + 0.5)),
        ("bell", map(&one, logit), map(&two, |x| logit(x) * 1.1)),
        (
            "integers",
            map(&one, |x| (x * 90.0).round()),
            map(&two, |x| (x * 95.0).round()),
        ),
        (
            "few values",
            map(&one, |x| (x * 5.0).round()),
            map(&two, |x| (x * 4.0).round()),
        ),
        (
            "heavy tails",
            map(&one, |x| (8.0 * logit(x)).exp()),
            map(&two, |x| (8.0 * logit(x)).exp()),
        ),
        (
            "both signs",
            map(&one, |x| logit(x).powi(9)),
            map(&two, |x| logit(x).powi(9)),
        ),
        ("far apart", one.clone(), map(&two, |x| x + 1e9)),
        (
            "mostly zero",
            map(&one, |x| (x - 0.95).max(0.0)),
            map(&two, |x| (x - 0.94).max(0.0)),
        ),
    ];
    for (name, reference, current) in shapes {
        println!("{name}");
        assert_matches_definitions(&reference, &current);
    }
}

#[test]
fn values_across_the_whole_floating_point_range_are_counted_right() {
    let tiny = uniform(3, 40_000);
    let huge = map(&tiny, |x| if x < 0.5 { -1e308 * x } else { 1e308 * x });
    let pair = NumericPair::new(&huge, &tiny).unwrap();
    let (gap, _) = naive_gap_and_area(&huge, &tiny);
    assert!((pair.ks(KsMethod::Auto).measurement.value().unwrap() - gap).abs() < 1e-12);
    let extremes = NumericPair::new(&[-f64::MAX, f64::MAX], &[f64::MAX, f64::MAX]).unwrap();
    assert_eq!(
        extremes.wasserstein().reason(),
        Some(Reason::NumericOverflow)
    );
    assert_eq!(
        extremes.wasserstein_normed().reason(),
        Some(Reason::NumericOverflow)
    );
    let bins = extremes.bins(Binning::EqualWidthBins(4)).unwrap();
    assert_eq!(bins.counts.reference(), &[1, 0, 0, 1]);
    assert_eq!(bins.counts.current(), &[0, 0, 0, 2]);
}

#[test]
fn samples_without_an_answer_say_why() {
    let options = NumericOptions::default();
    let reasons = |reference: &[f64], current: &[f64], options: &NumericOptions| {
        let drift = NumericPair::new(reference, current)
            .unwrap()
            .drift(options)
            .unwrap();
        (
            drift.psi.reason(),
            drift.ks.measurement.reason(),
            drift.wasserstein.reason(),
        )
    };
    let empty = Some(Reason::EmptySample);
    assert_eq!(reasons(&[], &[1.0], &options), (empty, empty, empty));
    assert_eq!(reasons(&[1.0], &[], &options), (empty, empty, empty));
    assert_eq!(reasons(&[], &[], &options), (empty, empty, empty));
    let constant = Some(Reason::ConstantReference);
    assert_eq!(
        reasons(&[2.0; 9], &[1.0, 3.0], &options),
        (constant, None, None)
    );
    let mostly = [[0.0; 99].as_slice(), &[5.0]].concat();
    assert_eq!(
        reasons(&mostly, &[1.0, 3.0], &options).0,
        Some(Reason::SingleBin)
    );
    let few = Some(Reason::TooFewSamples);
    let options = NumericOptions {
        min_samples: 3,
        ..options
    };
    assert_eq!(
        reasons(&[1.0, 2.0, 3.0], &[1.0, 2.0], &options),
        (few, few, few)
    );
    assert_eq!(
        reasons(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], &options),
        (None, None, None)
    );
}

#[test]
fn a_value_that_is_not_finite_is_an_error_with_its_row() {
    let good = [1.0, 2.0, 3.0];
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = NumericPair::new(&good, &[1.0, bad]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the current value in row 1 is not a finite number"
        );
        let mut histogram = Histogram::new(&[0.0, 1.0]).unwrap();
        histogram.push(0.5).unwrap();
        assert!(matches!(
            histogram.push(bad),
            Err(StatsError::NonFinite { row: 1, .. })
        ));
        assert_eq!(histogram.rows(), 1);
        let mut summary = ColumnSummary::new(8).unwrap();
        assert!(matches!(
            summary.extend(&[0.0, 1.0, bad]),
            Err(StatsError::NonFinite { row: 2, .. })
        ));
        assert_eq!((summary.moments().count(), summary.sketch().rows()), (2, 2));
    }
}

#[test]
fn a_code_without_a_name_is_an_error_with_its_row() {
    for (codes, row) in [([0, 9, 0], 1), ([0, 0, 9], 2)] {
        let expected = StatsError::UnknownCode {
            row,
            code: 9,
            levels: 2,
        };
        assert_eq!(
            CategoryCounts::of_codes(&codes, &["a", "b"]).unwrap_err(),
            expected
        );
        let flags = [true; 3];
        let rows = CodedRows {
            groups: &codes,
            labels: &flags,
            predictions: &flags,
        };
        assert_eq!(
            rows.count(&["a", "b"], Execution::SingleThread)
                .unwrap_err(),
            expected
        );
    }
    let rows = CodedRows {
        groups: &[0],
        labels: &[true, true],
        predictions: &[true],
    };
    assert!(matches!(
        rows.count(&["a"], Execution::SingleThread),
        Err(StatsError::LengthMismatch { .. })
    ));
}

#[test]
fn the_sketch_keeps_its_bound_and_its_memory() {
    let capacity = 256;
    let drawn = uniform(7, 200_000);
    let ascending: Vec<f64> = (0..200_000).map(float).collect();
    for column in [drawn, ascending] {
        let mut sketch = QuantileSketch::new(capacity).unwrap();
        for &x in &column {
            sketch.push(x).unwrap();
        }
        let rows = float(column.len());
        let promised = ((rows / float(capacity)).log2() + 1.0) / float(capacity);
        assert!(
            sketch.relative_error_bound() <= promised,
            "{} {promised}",
            sketch.relative_error_bound()
        );
        assert!(sketch.retained() <= capacity * 12);
        let mut sorted = column.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        for (index, &x) in sorted.iter().enumerate().step_by(997) {
            let rank = u64::try_from(index + 1).unwrap();
            assert!(sketch.rank(x).abs_diff(rank) <= sketch.rank_error_bound());
        }
    }
}

#[test]
fn two_passes_in_bounded_memory_find_nearly_the_exact_index() {
    let (reference, current) = (uniform(8, 300_000), map(&uniform(9, 300_000), |x| x * 0.95));
    let mut summary = ColumnSummary::new(4_096).unwrap();
    let mut other = summary.clone();
    summary.extend(&reference).unwrap();
    other.extend(&current).unwrap();
    let mut counted = summary.quantile_bins(10).unwrap();
    let mut observed = counted.emptied();
    counted.extend(&reference).unwrap();
    observed.extend(&current).unwrap();
    let streamed = counted
        .pair_with(&observed)
        .unwrap()
        .psi(Smoothing::None)
        .unwrap();
    let exact = NumericPair::new(&reference, &current)
        .unwrap()
        .drift(&NumericOptions::default())
        .unwrap();
    assert_eq!(streamed.recipe.estimator, "psi.fixed_edges");
    assert!((streamed.value().unwrap() - exact.psi.value().unwrap()).abs() < 2e-3);
    for (sketched, exact) in [
        (summary.ks(&other), &exact.ks.measurement),
        (summary.wasserstein(&other), &exact.wasserstein),
    ] {
        let probity_stats::Estimate::Value {
            value,
            error_bound: Some(bound),
            ..
        } = sketched.estimate
        else {
            panic!("a bounded value")
        };
        assert!(
            bound < 0.01 && (value - exact.value().unwrap()).abs() <= bound + 1e-12,
            "{value} {bound}"
        );
    }
}

#[test]
fn every_group_may_be_given_in_any_number_of_codes() {
    let codes: Vec<u32> = (0..100_000u32).map(|i| i % 200).collect();
    let labels: Vec<bool> = codes.iter().map(|code| code % 3 == 0).collect();
    let predictions: Vec<bool> = codes.iter().map(|code| code % 5 == 0).collect();
    let names: Vec<String> = (0..200).map(|code| format!("group {code}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = CodedRows {
        groups: &codes,
        labels: &labels,
        predictions: &predictions,
    };
    let counted = rows.count(&names, Execution::TwoThreads).unwrap();
    let mut pushed = GroupedCells::default();
    for ((code, label), prediction) in codes.iter().zip(&labels).zip(&predictions) {
        pushed.push(&format!("group {code}"), *label, *prediction);
    }
    assert_eq!(counted, pushed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn small_columns_match_the_definitions(a in values(1..80), b in values(1..80)) {
        assert_matches_definitions(&a, &b);
    }

    #[test]
    fn binned_measures_are_never_negative_and_symmetric_where_they_should_be(pair in pair_of_counts()) {
        let swapped = pair.swapped();
        for smoothing in [Smoothing::None, Smoothing::Epsilon(1e-4), Smoothing::RelativeEpsilon, Smoothing::Laplace] {
            let (psi, back) = (pair.psi(smoothing).unwrap(), swapped.psi(smoothing).unwrap());
            prop_assert!(psi.value().is_none_or(|value| value >= 0.0));
            prop_assert!((psi.value().unwrap_or(0.0) - back.value().unwrap_or(0.0)).abs() < 1e-12);
            prop_assert_eq!(psi.reason(), back.reason());
        }
        for (there, back) in [
            (pair.js_divergence(LogBase::Two), swapped.js_divergence(LogBase::Two)),
            (pair.js_distance(LogBase::Natural), swapped.js_distance(LogBase::Natural)),
            (pair.hellinger(), swapped.hellinger()),
            (pair.total_variation(), swapped.total_variation()),
            (pair.wasserstein_index(), swapped.wasserstein_index()),
            (pair.chi_square_contingency(), swapped.chi_square_contingency()),
        ] {
            prop_assert!((there.value().unwrap_or(0.0) - back.value().unwrap_or(0.0)).abs() < 1e-9);
            prop_assert!(there.value().is_none_or(|value| value >= 0.0));
        }
        let kl = pair.kl_divergence(Smoothing::Laplace).unwrap();
        prop_assert!(kl.value().is_none_or(|value| value >= -1e-12));
    }

    #[test]
    fn bounded_measures_stay_in_their_bounds(pair in pair_of_counts()) {
        for measure in [pair.js_divergence(LogBase::Two), pair.hellinger(), pair.total_variation()] {
            prop_assert!(measure.value().is_none_or(|value| value <= 1.0 + 1e-12));
        }
        for test in [pair.chi_square_contingency(), pair.chi_square_goodness_of_fit()] {
            prop_assert!(test.p_value().is_none_or(|p| (0.0..=1.0).contains(&p)));
        }
    }

    #[test]
    fn the_order_of_rows_changes_nothing(a in values(2..60), b in values(2..60)) {
        let (mut c, mut d) = (a.clone(), b.clone());
        c.reverse();
        d.rotate_left(b.len() / 2);
        let there = NumericPair::new(&a, &b).unwrap().drift(&NumericOptions::default()).unwrap();
        let back = NumericPair::new(&c, &d).unwrap().drift(&NumericOptions::default()).unwrap();
        prop_assert_eq!(&there.bins, &back.bins);
        prop_assert_eq!(there.psi, back.psi);
        prop_assert_eq!(there.ks, back.ks);
        prop_assert_eq!(there.wasserstein, back.wasserstein);
    }

    #[test]
    fn ks_and_wasserstein_are_symmetric(a in values(1..60), b in values(1..60)) {
        let (there, back) = (NumericPair::new(&a, &b).unwrap(), NumericPair::new(&b, &a).unwrap());
        let (ks, sk) = (there.ks(KsMethod::Auto).measurement, back.ks(KsMethod::Auto).measurement);
        prop_assert!((ks.value().unwrap() - sk.value().unwrap()).abs() < 1e-12);
        prop_assert!((ks.p_value().unwrap() - sk.p_value().unwrap()).abs() < 1e-9);
        let (w, v) = (there.wasserstein().value().unwrap(), back.wasserstein().value().unwrap());
        prop_assert!((w - v).abs() <= 1e-9 * w.max(1.0));
    }

    #[test]
    fn accumulators_merge_to_the_concatenation(a in values(0..200), b in values(0..200)) {
        let both = [a.as_slice(), &b].concat();
        let histogram = |rows: &[f64]| {
            let mut histogram = Histogram::new(&[-5.0, -1.0, 0.0, 3.0, 8.0]).unwrap();
            histogram.extend(rows).unwrap();
            histogram
        };
        let mut merged = histogram(&a);
        merged.merge(&histogram(&b)).unwrap();
        prop_assert_eq!(merged, histogram(&both));

        let moments = |rows: &[f64]| {
            let mut moments = Moments::default();
            moments.extend(rows).unwrap();
            moments
        };
        let (mut merged, whole) = (moments(&a), moments(&both));
        merged.merge(&moments(&b));
        prop_assert_eq!(merged.count(), whole.count());
        prop_assert_eq!((merged.min(), merged.max()), (whole.min(), whole.max()));
        for (x, y) in [(merged.mean(), whole.mean()), (merged.standard_deviation(), whole.standard_deviation())] {
            let (x, y) = (x.unwrap_or(0.0), y.unwrap_or(0.0));
            prop_assert!((x - y).abs() <= 1e-9 * y.abs().max(1.0));
        }

        let sketch = |rows: &[f64]| {
            let mut sketch = QuantileSketch::new(8).unwrap();
            for &x in rows {
                sketch.push(x).unwrap();
            }
            sketch
        };
        let (mut merged, whole) = (sketch(&a), sketch(&both));
        merged.merge(&sketch(&b)).unwrap();
        prop_assert_eq!(merged.rows(), whole.rows());
        for &x in &both {
            let true_rank = u64::try_from(both.iter().filter(|&&y| y <= x).count()).unwrap();
            prop_assert!(merged.rank(x).abs_diff(true_rank) <= merged.rank_error_bound());
            prop_assert!(whole.rank(x).abs_diff(true_rank) <= whole.rank_error_bound());
            let allowed = merged.rank_error_bound() + whole.rank_error_bound();
            prop_assert!(merged.rank(x).abs_diff(whole.rank(x)) <= allowed);
        }
    }

    #[test]
    fn groups_may_come_in_any_order_and_in_parts(cells in proptest::collection::vec(confusion(), 2..6)) {
        let named: Vec<(String, ConfusionCells)> =
            cells.iter().enumerate().map(|(index, cells)| (format!("g{index}"), *cells)).collect();
        let whole: GroupedCells = named.iter().cloned().collect();
        let reversed: GroupedCells = named.iter().rev().cloned().collect();
        prop_assert_eq!(&whole, &reversed);
        let (first, second) = named.split_at(1);
        let mut merged: GroupedCells = first.iter().cloned().collect();
        merged.merge(&second.iter().cloned().collect());
        prop_assert_eq!(&merged, &whole);
        // Names do not matter either: the comparisons look at rates only.
        let renamed: GroupedCells =
            cells.iter().rev().enumerate().map(|(index, cells)| (format!("h{index}"), *cells)).collect();
        let odds = |rows: &GroupedCells| rows.equalized_odds_difference(Aggregate::WorstCase).value();
        prop_assert_eq!(odds(&whole), odds(&renamed));
        let parity = |rows: &GroupedCells| rows.selections().demographic_parity_ratio().value();
        prop_assert_eq!(parity(&whole), parity(&renamed));
        prop_assert!(parity(&whole).is_none_or(|ratio| (0.0..=1.0).contains(&ratio)));
    }

    #[test]
    fn score_maps_are_monotone(a in 0.0..2.0f64, b in 0.0..2.0f64, c in 0.0..=1.0f64, d in 0.0..=1.0f64) {
        let drift = |psi| drift_score(psi).unwrap().value;
        let fairness = |ratio| fairness_score(ratio).unwrap().value;
        prop_assert!(drift(a.min(b)) <= drift(a.max(b)));
        prop_assert!(fairness(c.min(d)) <= fairness(c.max(d)));
        prop_assert!((0.0..=100.0).contains(&drift(a)) && (0.0..=100.0).contains(&fairness(c)));
    }

    #[test]
    fn a_lower_threshold_is_crossed_more_often(n in 10..5_000u64, m in 10..5_000u64, bins in 2..40u32, t in 0.0..0.5f64) {
        let null = PsiNull::new(n, m, bins).unwrap();
        prop_assert!(null.exceedance(t) >= null.exceedance(t + 0.01));
        let critical = null.critical_value(0.05).unwrap();
        prop_assert!((null.exceedance(critical) - 0.05).abs() < 1e-9);
    }
}
