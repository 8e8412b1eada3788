//! Agreement with the figures of `golden.json` to 1e-9, and with its simulated probabilities within 0.05.
//!
//! Parts D and D2 need the normal draws of another library's generator and are checked apart, from Python.

use crate::figures::{assert_close, counts, golden};
use probity_stats::{
    Aggregate, BinnedPair, ConfusionCells, GroupedCells, LogBase, PsiNull, Reason, SelectionCounts,
    Selections, Smoothing, impact_ratio_false_alarm,
};

fn cells([tp, fn_, fp, tn]: [u64; 4]) -> ConfusionCells {
    ConfusionCells {
        true_positives: tp,
        false_negatives: fn_,
        false_positives: fp,
        true_negatives: tn,
    }
}

fn three_groups() -> GroupedCells {
    let figures = &golden()["A_fairness"]["cells_TP_FN_FP_TN"];
    let group = |name: &str| {
        (
            name.to_owned(),
            cells(counts(&figures[name]).try_into().unwrap()),
        )
    };
    ["a", "b", "c"].into_iter().map(group).collect()
}

fn given(reference: &[u64], current: &[u64]) -> BinnedPair {
    BinnedPair::new(reference.to_vec(), current.to_vec()).unwrap()
}

#[test]
fn a_fairness_of_three_groups() {
    let figures = &golden()["A_fairness"];
    let (rows, selections) = (three_groups(), three_groups().selections());
    for name in ["a", "b", "c"] {
        let rate = rows.group(name).unwrap().selection_rate().ok();
        assert_close(name, rate, &figures["selection_rate"][name]);
    }
    for (key, measurement) in [
        (
            "demographic_parity_difference",
            selections.demographic_parity_difference(),
        ),
        (
            "demographic_parity_ratio",
            selections.demographic_parity_ratio(),
        ),
        (
            "dpd_to_overall",
            selections.demographic_parity_difference_to_overall(),
        ),
        (
            "equalized_odds_difference_worst",
            rows.equalized_odds_difference(Aggregate::WorstCase),
        ),
        (
            "equalized_odds_difference_mean",
            rows.equalized_odds_difference(Aggregate::Mean),
        ),
        (
            "equalized_odds_ratio_worst",
            rows.equalized_odds_ratio(Aggregate::WorstCase),
        ),
        (
            "equal_opportunity_difference",
            rows.equal_opportunity_difference(),
        ),
    ] {
        assert_close(key, measurement.value(), &figures[key]);
    }
}

#[test]
fn a_signed_measures_against_the_privileged_group() {
    let figures = &golden()["A_fairness"]["aif360_b_vs_a"];
    let (rows, selections) = (three_groups(), three_groups().selections());
    for (key, measurement) in [
        (
            "disparate_impact",
            selections.disparate_impact_versus("b", "a"),
        ),
        (
            "statistical_parity_difference",
            selections.statistical_parity_difference("b", "a"),
        ),
        (
            "average_odds_difference",
            rows.average_odds_difference("b", "a"),
        ),
        (
            "equal_opportunity_difference",
            rows.equal_opportunity_difference_versus("b", "a"),
        ),
    ] {
        assert_close(key, measurement.unwrap().value(), &figures[key]);
    }
}

#[test]
fn a_impact_ratios_refer_to_the_most_selected_group() {
    let figures = &golden()["A_fairness"]["nyc_ll144_impact_ratio"];
    let ratios = three_groups().selections().impact_ratios(0.02).unwrap();
    assert_eq!(ratios.reference.as_deref(), Some("a"));
    for name in ["a", "b", "c"] {
        assert_close(name, ratios.value(name), &figures[name]);
    }
}

#[test]
fn a_group_left_out_for_its_size_cannot_be_the_reference() {
    let selections: Selections = [("A", 60, 40), ("B", 45, 55), ("C", 1, 0)]
        .map(|(name, selected, rejected)| (name, SelectionCounts { selected, rejected }))
        .into_iter()
        .collect();
    let ratios = selections.impact_ratios(0.02).unwrap();
    assert_eq!(ratios.reference.as_deref(), Some("A"));
    assert!((ratios.value("A").unwrap() - 1.0).abs() < 1e-12);
    assert!((ratios.value("B").unwrap() - 0.75).abs() < 1e-12);
    assert_eq!(ratios.value("C"), None);
    let all = selections.impact_ratios(0.0).unwrap();
    assert_eq!(all.reference.as_deref(), Some("C"));
    assert!((all.value("B").unwrap() - 0.45).abs() < 1e-12);
}

#[test]
fn b_a_group_without_positives_is_not_estimable() {
    let rows: GroupedCells = [("x", cells([2, 1, 1, 2])), ("y", cells([0, 0, 0, 6]))]
        .into_iter()
        .collect();
    for measurement in [
        rows.equalized_odds_difference(Aggregate::WorstCase),
        rows.equalized_odds_difference(Aggregate::Mean),
        rows.equalized_odds_ratio(Aggregate::WorstCase),
        rows.equal_opportunity_difference(),
        rows.equal_opportunity_ratio(),
        rows.average_odds_difference("y", "x").unwrap(),
        rows.equal_opportunity_difference_versus("y", "x").unwrap(),
    ] {
        let expected = probity_stats::Estimate::NotEstimable {
            reason: Reason::GroupWithoutPositives,
            group: Some("y".to_owned()),
        };
        assert_eq!(
            measurement.estimate, expected,
            "{}",
            measurement.recipe.estimator
        );
    }
    assert!(
        rows.selections()
            .demographic_parity_difference()
            .value()
            .is_some()
    );
}

#[test]
fn b_a_ratio_of_zeros_is_not_estimable() {
    let rows: GroupedCells = [("x", cells([0, 3, 0, 3])), ("y", cells([0, 2, 0, 4]))]
        .into_iter()
        .collect();
    let selections = rows.selections();
    assert_eq!(
        selections.demographic_parity_ratio().reason(),
        Some(Reason::NoSelections)
    );
    let difference = selections.demographic_parity_difference();
    assert_close(
        "difference",
        difference.value(),
        &golden()["B_trap_all_zero_predictions"]["dp_diff"],
    );
    assert_eq!(
        rows.equalized_odds_ratio(Aggregate::WorstCase).reason(),
        Some(Reason::AllRatesZero)
    );
}

#[test]
fn c_measures_of_a_histogram() {
    let figures = &golden()["C_histogram"];
    let pair = given(
        &counts(&figures["ref_counts"]),
        &counts(&figures["cur_counts"]),
    );
    for (key, measurement) in [
        ("psi", pair.psi(Smoothing::None).unwrap()),
        (
            "kl_ref_cur_nats",
            pair.kl_divergence(Smoothing::None).unwrap(),
        ),
        (
            "kl_cur_ref_nats",
            pair.swapped().kl_divergence(Smoothing::None).unwrap(),
        ),
        ("js_distance_nats", pair.js_distance(LogBase::Natural)),
        ("js_divergence_nats", pair.js_divergence(LogBase::Natural)),
        ("js_distance_base2", pair.js_distance(LogBase::Two)),
        ("js_divergence_bits", pair.js_divergence(LogBase::Two)),
        ("hellinger", pair.hellinger()),
        ("tvd", pair.total_variation()),
        ("wasserstein_bin_index", pair.wasserstein_index()),
    ] {
        assert_close(key, measurement.value(), &figures[key]);
        assert_eq!(
            (measurement.recipe.n_reference, measurement.recipe.n_current),
            (Some(1000), 1000)
        );
    }
    let test = pair.chi_square_contingency();
    assert_close("chi2", test.value(), &figures["chi2_2sample"]["stat"]);
    assert_close("chi2 p", test.p_value(), &figures["chi2_2sample"]["p"]);
    let null = PsiNull::new(1000, 1000, 5).unwrap();
    assert_close(
        "0.95",
        null.critical_value(0.05).ok(),
        &figures["psi_crit_0.95"],
    );
    assert_close(
        "0.99",
        null.critical_value(0.01).ok(),
        &figures["psi_crit_0.99"],
    );
}

#[test]
fn e_one_row_in_a_new_category() {
    let figures = &golden()["E_zero_bin"];
    let pair = given(&[99_999, 1, 0], &[99_999, 0, 1]);
    for (key, smoothing) in [
        ("evidently_psi", Smoothing::RelativeEpsilon),
        ("psi_eps_1e-4", Smoothing::Epsilon(1e-4)),
        ("psi_pseudocount_0.5", Smoothing::PseudoCount(0.5)),
    ] {
        assert_close(key, pair.psi(smoothing).unwrap().value(), &figures[key]);
    }
    assert_eq!(
        pair.psi(Smoothing::None).unwrap().reason(),
        Some(Reason::EmptyBin)
    );
}

#[test]
fn e2_an_empty_bin_by_every_recipe() {
    let figures = &golden()["E2_zero_bin_small_n"];
    let pair = given(&counts(&figures["ref"]), &counts(&figures["cur"]));
    for (key, smoothing) in [
        ("eps1e-6", Smoothing::Epsilon(1e-6)),
        ("eps1e-4", Smoothing::Epsilon(1e-4)),
        ("eps1e-3", Smoothing::Epsilon(1e-3)),
        ("pseudocount_0.5", Smoothing::PseudoCount(0.5)),
        ("laplace_+1", Smoothing::Laplace),
        ("evidently", Smoothing::RelativeEpsilon),
    ] {
        let psi = pair.psi(smoothing).unwrap();
        assert_close(key, psi.value(), &figures[key]);
        assert_eq!(psi.recipe.smoothing, smoothing);
    }
}

#[test]
fn f_false_alarms_of_the_stability_index() {
    let figures = &golden()["F_psi_null_false_alarm_ref=n_cur=n_B=10"];
    for (rows, figures) in figures.as_object().unwrap() {
        let size: u64 = rows.parse().unwrap();
        let null = PsiNull::new(size, size, 10).unwrap();
        assert_close(rows, Some(null.mean()), &figures["theory_mean"]);
        assert_close(
            rows,
            null.critical_value(0.05).ok(),
            &figures["crit95_theory"],
        );
        assert!(
            (null.mean() - figures["mean"].as_f64().unwrap()).abs() < 0.01,
            "{rows}"
        );
        for threshold in [0.10, 0.20] {
            let key = format!("P(psi>{threshold:.2}|no drift)");
            let simulated = figures[&key].as_f64().unwrap();
            assert!(
                (null.exceedance(threshold) - simulated).abs() < 0.05,
                "{rows} {key}"
            );
        }
    }
}

#[test]
fn g_false_alarms_of_the_four_fifths_rule() {
    let figures = &golden()["G_four_fifths_false_alarm_2_equal_groups"];
    let mut compared = 0;
    for rate in [0.5, 0.1] {
        for size in [30, 100, 500, 2_000] {
            let key = format!("rate={rate},n={size} per group");
            let simulated = figures[&key].as_f64().unwrap();
            // The simulation divided rounded rates, so that a part of the ratios of exactly 4/5 came out below 0.8.
            // It has to lie between the probability without them and the one with them, within its own noise.
            let without = impact_ratio_false_alarm(rate, size, size, 0.8).unwrap();
            let with = impact_ratio_false_alarm(rate, size, size, 0.8 + 1e-9).unwrap();
            let range = without - 0.01..=with + 0.01;
            assert!(
                range.contains(&simulated),
                "{key}: {simulated} outside {range:?}"
            );
            compared += 1;
        }
    }
    assert_eq!(compared, figures.as_object().unwrap().len());
}
