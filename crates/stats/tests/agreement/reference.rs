//! Agreement with the figures of `stats-1000.json`, every one of them, to 1e-9.

use crate::figures::{assert_all_close, assert_close, column, counts, reference, shares};
use probity_stats::{
    Aggregate, BinnedPair, Binning, CodedRows, Execution, KsMethod, LogBase, NumericOptions,
    NumericPair, Smoothing,
};

const COLUMNS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn for_each_column(check: impl Fn(&str, &NumericPair<'_>, &serde_json::Value)) {
    let figures = reference();
    for name in COLUMNS {
        let (first, second) = (
            column(&format!("{name}_ref")),
            column(&format!("{name}_cur")),
        );
        check(
            name,
            &NumericPair::new(&first, &second).unwrap(),
            &figures["columns"][name],
        );
    }
}

fn assert_bins(
    name: &str,
    pair: &NumericPair<'_>,
    binning: Binning,
    key: &str,
    figures: &serde_json::Value,
) {
    let bins = pair.bins(binning).unwrap();
    let expected = |suffix: &str| &figures[format!("{key}_{suffix}")];
    assert_all_close(&format!("{name} edges"), &bins.edges, expected("edges"));
    assert_all_close(
        &format!("{name} ref"),
        &shares(bins.counts.reference()),
        expected("ref"),
    );
    assert_all_close(
        &format!("{name} cur"),
        &shares(bins.counts.current()),
        expected("cur"),
    );
    for (suffix, epsilon) in [("eps1e-4", 1e-4), ("eps1e-6", 1e-6)] {
        let psi = bins.psi(Smoothing::Epsilon(epsilon)).unwrap();
        assert_close(
            &format!("{name} psi {key}"),
            psi.value(),
            &figures[format!("psi_{key}_{suffix}")],
        );
    }
}

#[test]
fn quantile_bins_agree() {
    for_each_column(|name, pair, figures| {
        assert_bins(name, pair, Binning::QuantileBins(10), "quantile10", figures);
        let distance = pair
            .bins(Binning::QuantileBins(10))
            .unwrap()
            .js_distance(LogBase::Two);
        assert_close(name, distance.value(), &figures["js_base2_quantile10"]);
    });
}

#[test]
fn equal_width_bins_agree() {
    for_each_column(|name, pair, figures| {
        assert_bins(name, pair, Binning::EqualWidthBins(10), "width10", figures);
    });
}

#[test]
fn sturges_bins_agree() {
    for_each_column(|name, pair, figures| {
        let bins = pair.bins(Binning::SturgesBins).unwrap();
        let psi = bins.psi(Smoothing::RelativeEpsilon).unwrap();
        assert_close(name, psi.value(), &figures["psi_evidently"]);
        assert_close(
            name,
            bins.js_distance(LogBase::Natural).value(),
            &figures["js_evidently"],
        );
    });
}

#[test]
fn kolmogorov_smirnov_agrees() {
    for_each_column(|name, pair, figures| {
        let exact = pair.ks(KsMethod::Auto);
        assert_eq!(exact.measurement.recipe.estimator, "ks_two_sample.exact_p");
        assert_close(name, exact.measurement.value(), &figures["ks_statistic"]);
        assert_close(name, exact.measurement.p_value(), &figures["ks_p_auto"]);
        let location = exact.location.unwrap();
        assert_close(name, Some(location.value), &figures["ks_location"]);
        assert_eq!(location.reference_above, figures["ks_sign"] == 1, "{name}");
        let asymptotic = pair.ks(KsMethod::Asymptotic).measurement;
        assert_eq!(asymptotic.recipe.estimator, "ks_two_sample.asymptotic_p");
        assert_close(name, asymptotic.p_value(), &figures["ks_p_asymp"]);
    });
}

#[test]
fn wasserstein_agrees() {
    for_each_column(|name, pair, figures| {
        assert_close(name, pair.wasserstein().value(), &figures["wasserstein"]);
        assert_close(
            name,
            pair.wasserstein_normed().value(),
            &figures["wasserstein_norm"],
        );
    });
}

#[test]
fn moments_agree() {
    for_each_column(|name, _, figures| {
        let of = |side: &str| {
            let mut moments = probity_stats::Moments::default();
            moments.extend(&column(&format!("{name}_{side}"))).unwrap();
            moments
        };
        assert_close(name, of("ref").mean(), &figures["ref_mean"]);
        assert_close(name, of("cur").mean(), &figures["cur_mean"]);
        assert_close(
            name,
            of("ref").standard_deviation(),
            &figures["ref_std_ddof0"],
        );
    });
}

#[test]
fn one_call_gives_what_the_single_calls_give() {
    for_each_column(|name, pair, _| {
        for binning in [
            Binning::QuantileBins(10),
            Binning::EqualWidthBins(10),
            Binning::SturgesBins,
        ] {
            let options = NumericOptions {
                binning,
                ..NumericOptions::default()
            };
            let drift = pair.drift(&options).unwrap();
            assert_eq!(drift.bins, pair.bins(binning).unwrap(), "{name}");
            assert_eq!(
                drift.psi,
                drift.bins.psi(options.smoothing).unwrap(),
                "{name}"
            );
            assert_eq!(
                drift.js_distance,
                drift.bins.js_distance(options.log_base),
                "{name}"
            );
            assert_eq!(drift.ks, pair.ks(options.ks_method), "{name}");
            assert_eq!(drift.wasserstein, pair.wasserstein(), "{name}");
            assert_eq!(
                drift.wasserstein_normed,
                pair.wasserstein_normed(),
                "{name}"
            );
        }
    });
}

#[test]
fn categories_agree() {
    let figures = &reference()["categorical"];
    let pair = BinnedPair::new(
        counts(&figures["ref_counts"]),
        counts(&figures["cur_counts"]),
    )
    .unwrap();
    let psi = pair.psi(Smoothing::RelativeEpsilon).unwrap();
    assert_close("psi", psi.value(), &figures["psi_evidently"]);
    assert_close(
        "js",
        pair.js_distance(LogBase::Natural).value(),
        &figures["js_evidently"],
    );
    let fit = pair.chi_square_goodness_of_fit();
    assert_close("fit", fit.value(), &figures["chi2_evidently_statistic"]);
    assert_close("fit p", fit.p_value(), &figures["chi2_evidently_p"]);
    assert_close(
        "fit p",
        fit.p_value(),
        &figures["chi2_evidently_p_by_evidently"],
    );
    let table = pair.chi_square_contingency();
    assert_close(
        "table",
        table.value(),
        &figures["chi2_contingency_statistic"],
    );
    assert_close("table p", table.p_value(), &figures["chi2_contingency_p"]);
    assert_eq!(
        table.recipe.bins,
        Some(8),
        "8 columns are 7 degrees of freedom"
    );
    assert_eq!(figures["dof"], 7);
}

#[test]
fn categories_of_the_column_have_the_same_counts() {
    let figures = &reference()["categorical"];
    let count = |name: &str| {
        let mut counted = probity_stats::CategoryCounts::default();
        for code in column(name) {
            counted.push(&code.to_string());
        }
        counted
    };
    let pair = count("k_ref").pair_with(&count("k_cur"));
    assert_eq!(pair.counts.reference(), counts(&figures["ref_counts"]));
    assert_eq!(pair.counts.current(), counts(&figures["cur_counts"]));
    assert_eq!(
        pair.counts.chi_square_contingency().recipe.estimator,
        "chi_square_contingency.categories"
    );
}

fn grouped() -> probity_stats::GroupedCells {
    let flags = |name: &str| column(name).iter().map(|&x| x > 0.5).collect::<Vec<bool>>();
    let codes = [0.0, 1.0, 2.0, 3.0];
    let code = |x: &f64| {
        codes
            .iter()
            .position(|known| (known - x).abs() < 0.5)
            .unwrap()
    };
    let groups: Vec<u32> = column("s")
        .iter()
        .map(|x| u32::try_from(code(x)).unwrap())
        .collect();
    let (labels, predictions) = (flags("y"), flags("yhat"));
    CodedRows {
        groups: &groups,
        labels: &labels,
        predictions: &predictions,
    }
    .count(&["0", "1", "2", "3"], Execution::SingleThread)
    .unwrap()
}

#[test]
fn group_rates_agree() {
    let figures = &reference()["fairness"];
    let rows = grouped();
    for (name, rates) in rows
        .report(probity_stats::FairnessOptions::default())
        .groups
    {
        let expected = &figures["by_group"][&name];
        assert_close(
            &name,
            rates.selection_rate.value(),
            &expected["selection_rate"],
        );
        assert_close(&name, rates.true_positive_rate.value(), &expected["tpr"]);
        assert_close(&name, rates.false_positive_rate.value(), &expected["fpr"]);
        assert_close(&name, rates.true_negative_rate.value(), &expected["tnr"]);
        assert_close(&name, rates.false_negative_rate.value(), &expected["fnr"]);
        assert_eq!(
            expected["count"],
            f64::from(u32::try_from(rates.cells.rows()).unwrap())
        );
        let impact = rows
            .selections()
            .disparate_impact_versus(&name, "0")
            .unwrap();
        assert_close(
            &name,
            impact.value(),
            &figures["disparate_impact_vs_group0"][&name],
        );
    }
}

#[test]
fn group_comparisons_agree() {
    let figures = &reference()["fairness"];
    let rows = grouped();
    let selections = rows.selections();
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
            "equalized_odds_difference_worst_case",
            rows.equalized_odds_difference(Aggregate::WorstCase),
        ),
        (
            "equalized_odds_difference_mean",
            rows.equalized_odds_difference(Aggregate::Mean),
        ),
        (
            "equalized_odds_ratio_worst_case",
            rows.equalized_odds_ratio(Aggregate::WorstCase),
        ),
        (
            "equalized_odds_ratio_mean",
            rows.equalized_odds_ratio(Aggregate::Mean),
        ),
        (
            "equal_opportunity_difference",
            rows.equal_opportunity_difference(),
        ),
        ("equal_opportunity_ratio", rows.equal_opportunity_ratio()),
    ] {
        assert_close(key, measurement.value(), &figures[key]);
    }
}
