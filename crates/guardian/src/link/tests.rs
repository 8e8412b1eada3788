use super::*;
use proptest::prelude::*;

fn pair(amber: f64, red: f64) -> ThresholdDraft {
    Threshold { amber, red }.into()
}

fn codes(draft: OverridesDraft) -> Vec<(String, &'static str)> {
    let found = draft.parse("/thresholds").unwrap_err().into_iter();
    found.map(|fault| (fault.field, fault.code)).collect()
}

fn of(kind: MetricKind, draft: ThresholdDraft) -> OverridesDraft {
    let mut all = OverridesDraft::default();
    *match kind {
        MetricKind::Drift => &mut all.drift,
        MetricKind::Fairness => &mut all.fairness,
        MetricKind::Psi => &mut all.psi,
        MetricKind::DisparateImpact => &mut all.disparate_impact,
    } = Some(draft);
    all
}

#[test]
fn amber_comes_strictly_before_red_where_higher_is_worse() {
    for kind in [MetricKind::Drift, MetricKind::Psi] {
        for (amber, accepted) in [
            (0.5_f64.next_down(), true),
            (0.5, false),
            (0.5_f64.next_up(), false),
        ] {
            let parsed = of(kind, pair(amber, 0.5)).parse("");
            assert_eq!(parsed.is_ok(), accepted, "{kind} {amber}");
        }
    }
}

#[test]
fn amber_comes_strictly_before_red_where_lower_is_worse() {
    for kind in [MetricKind::Fairness, MetricKind::DisparateImpact] {
        for (amber, accepted) in [
            (0.5_f64.next_down(), false),
            (0.5, false),
            (0.5_f64.next_up(), true),
        ] {
            let parsed = of(kind, pair(amber, 0.5)).parse("");
            assert_eq!(parsed.is_ok(), accepted, "{kind} {amber}");
        }
    }
}

#[test]
fn every_fault_is_named() {
    let draft = OverridesDraft {
        drift: Some(pair(-1.0, 101.0)),
        fairness: Some(pair(80.0, 90.0)),
        psi: Some(ThresholdDraft {
            amber: Some(f64::NAN),
            red: None,
        }),
        disparate_impact: None,
    };
    assert_eq!(
        codes(draft),
        [
            ("/thresholds/drift/amber", "out_of_range"),
            ("/thresholds/drift/red", "out_of_range"),
            ("/thresholds/fairness", "out_of_order"),
            ("/thresholds/psi/amber", "out_of_range"),
            ("/thresholds/psi/red", "required"),
        ]
        .map(|(field, code)| (field.to_owned(), code))
    );
}

#[test]
fn a_link_that_overrides_nothing_is_refused() {
    let expected = [("/thresholds".to_owned(), "required")];
    assert_eq!(codes(OverridesDraft::default()), expected);
}

#[test]
fn what_is_not_overridden_keeps_its_default() {
    let overrides = of(MetricKind::Psi, pair(0.3, 0.4)).parse("").unwrap();
    let effective = overrides.effective();
    let defaults = Thresholds::GLOBAL_DEFAULTS;
    assert_eq!(
        effective.psi,
        Threshold {
            amber: 0.3,
            red: 0.4
        }
    );
    assert_eq!(effective.drift, defaults.drift);
    assert_eq!(effective.fairness, defaults.fairness);
    assert_eq!(effective.disparate_impact, defaults.disparate_impact);
}

proptest! {
    #[test]
    fn overrides_survive_a_store(a in 0.0..=100.0_f64, b in 0.0..=100.0_f64) {
        prop_assume!(a < b);
        let draft = OverridesDraft {
            drift: Some(pair(a, b)),
            fairness: Some(pair(b, a)),
            psi: Some(pair(a, b)),
            disparate_impact: None,
        };
        let parsed = draft.parse("").unwrap();
        let stored = OverridesDraft {
            drift: parsed.get(MetricKind::Drift).map(Into::into),
            fairness: parsed.get(MetricKind::Fairness).map(Into::into),
            psi: parsed.get(MetricKind::Psi).map(Into::into),
            disparate_impact: parsed.get(MetricKind::DisparateImpact).map(Into::into),
        };
        prop_assert_eq!(stored.parse("").unwrap(), parsed);
    }
}
