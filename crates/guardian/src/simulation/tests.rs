use super::*;

fn line(snapshot: &SimulatedSnapshot) -> String {
    format!(
        "{} {} {} {} {} {} {}",
        snapshot.captured_at.date(),
        snapshot.drift_score,
        snapshot.fairness_score,
        snapshot.psi,
        snapshot.disparate_impact,
        snapshot.sample_size,
        snapshot.status,
    )
}

/// The whole history of `test-model` and `42`: date, drift, fairness, psi, disparate impact,
/// sample size, status. A second implementation in another language gave the same lines.
const GOLDEN: &str = "\
2025-01-01 22.8 94.8 0.03 0.88 9200 GREEN
2025-01-02 22.6 94 0.04 0.89 3300 GREEN
2025-01-03 24 92.6 0.04 0.87 1300 GREEN
2025-01-04 27.9 94.5 0.04 0.88 2200 GREEN
2025-01-05 27.5 93.4 0.05 0.86 5500 GREEN
2025-01-06 26.6 93.1 0.06 0.87 8600 GREEN
2025-01-07 29.4 92.3 0.05 0.84 2300 GREEN
2025-01-08 31.8 94.2 0.06 0.9 3700 GREEN
2025-01-09 34.2 92.9 0.07 0.85 5300 GREEN
2025-01-10 33.8 93.8 0.06 0.85 5400 GREEN
2025-01-11 39.2 92.4 0.08 0.84 6800 GREEN
2025-01-12 38.4 91.8 0.06 0.85 8700 GREEN
2025-01-13 42.4 92.5 0.07 0.84 2700 GREEN
2025-01-14 39.8 93.1 0.07 0.85 6400 GREEN
2025-01-15 41.2 92.3 0.09 0.85 4700 GREEN
2025-01-16 46.3 92.9 0.1 0.85 2100 GREEN
2025-01-17 47.2 92.9 0.09 0.86 5700 GREEN
2025-01-18 45.5 92 0.09 0.88 7200 GREEN
2025-01-19 50.1 92.6 0.1 0.88 3200 AMBER
2025-01-20 49.7 92.6 0.09 0.84 8600 GREEN
2025-01-21 51.2 92.6 0.09 0.88 6400 AMBER
2025-01-22 55.7 92.1 0.12 0.88 7900 AMBER
2025-01-23 54.4 92.6 0.1 0.85 6600 AMBER
2025-01-24 57.4 91.2 0.1 0.83 4300 AMBER
2025-01-25 60.2 92.4 0.11 0.84 9000 AMBER
2025-01-26 59.5 91.5 0.1 0.87 1900 AMBER
2025-01-27 61.1 91.6 0.11 0.84 2600 AMBER
2025-01-28 66.1 90.9 0.14 0.83 2900 AMBER
2025-01-29 65.4 91.6 0.13 0.86 9200 AMBER
2025-01-30 66.8 92.2 0.14 0.88 4200 AMBER";

#[test]
fn the_history_of_a_model_and_seed_never_changes() {
    let simulation = Simulation::new("test-model", "42");
    let lines: Vec<_> = simulation.history.iter().map(line).collect();
    assert_eq!(lines.join("\n"), GOLDEN);
    assert!(simulation.simulated);
    assert_eq!(simulation.history.last(), Some(&simulation.latest));
}

#[test]
fn any_text_is_a_model_and_a_seed() {
    for (model, seed, latest) in [
        ("", "", "2025-01-30 52.7 84.4 0.11 0.79 4600 AMBER"),
        (
            "größe",
            "18446744073709551615",
            "2025-01-30 52.2 98.9 0.1 0.91 5000 AMBER",
        ),
    ] {
        assert_eq!(
            line(&Simulation::new(model, seed).latest),
            latest,
            "{model:?}"
        );
    }
}

#[test]
fn neighbouring_names_and_seeds_give_other_figures() {
    let of = |model, seed| Simulation::new(model, seed).history;
    assert_ne!(of("a", "bc"), of("ab", "c"));
    assert_ne!(of("m", "42"), of("m", "042"));
    assert_ne!(of("m", "1"), of("n", "1"));
}

#[test]
fn figures_are_in_range_and_judged_by_the_defaults() {
    let mut seen = [0_u32; 3];
    for seed in 0..1000 {
        let simulation = Simulation::new("m", &seed.to_string());
        assert_eq!(simulation.history.len(), 30);
        for one in &simulation.history {
            assert!((0.0..=100.0).contains(&one.drift_score));
            assert!((0.0..=100.0).contains(&one.fairness_score));
            assert!(one.psi >= 0.0 && (0.0..=1.0).contains(&one.disparate_impact));
            assert!((1000..=10_000).contains(&one.sample_size));
            let readings = Readings {
                drift: one.drift_score,
                fairness: one.fairness_score,
                psi: Some(one.psi),
                disparate_impact: Some(one.disparate_impact),
            };
            let judged = Thresholds::GLOBAL_DEFAULTS.judge_readings(&readings);
            assert_eq!(one.status, judged);
        }
        for (count, status) in seen.iter_mut().zip(ComplianceStatus::ALL) {
            *count += u32::from(simulation.latest.status == status);
        }
    }
    assert_eq!(seen, [473, 488, 39], "every status is there to be tried");
}
