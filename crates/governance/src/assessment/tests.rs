use proptest::prelude::*;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::evidence::{
    Approval, Dependencies, DeployedRun, Documentation, Evidence, Metrics, Mitigations, Reviews,
    Runs, Snapshots,
};
use super::score::ContributionSource;
use super::{Assessment, assess, rules};
use crate::settings::{GovernanceSettings, SettingsInput};
use crate::vocabulary::{
    CompletenessKey, DriftKey, DriftSeverity, LifecycleGate, ProductKind, ReviewStatus,
};

const NOW: OffsetDateTime = datetime!(2026-06-29 09:45 UTC);
const STEP: Duration = Duration::MILLISECOND;

/// A product of which everything is known and nothing has drifted.
fn sound() -> Evidence {
    Evidence {
        has_owner: true,
        has_purpose: true,
        risk_classification: Some("high".to_owned()),
        dependencies: Dependencies {
            declared: 2,
            ..Dependencies::default()
        },
        runs: Runs {
            total: 4,
            completed: 3,
            completed_evaluations: 1,
            deployed: Some(DeployedRun {
                effective_at: Some(NOW - Duration::days(2)),
            }),
        },
        metrics: Metrics {
            total: 3,
            measured: 2,
        },
        policies: 1,
        snapshots: Snapshots {
            total: 9,
            latest_captured_at: Some(NOW - Duration::HOUR),
        },
        documentation: Some(Documentation {
            updated_at: Some(NOW - Duration::DAY),
        }),
        reviews: Reviews {
            total: 1,
            open: false,
            latest_approved: Some(true),
            approval: Some(Approval { expires_at: None }),
        },
        ..Evidence::nothing(ProductKind::MlModel, LifecycleGate::Production)
    }
}

fn judge(evidence: &Evidence, now: OffsetDateTime) -> Assessment {
    assess(evidence, &GovernanceSettings::default(), now)
}

fn severity(evidence: &Evidence, key: DriftKey, now: OffsetDateTime) -> Option<DriftSeverity> {
    let judged = judge(evidence, now);
    let found = judged.drift.into_iter().find(|one| one.key == key).unwrap();
    found.active.then_some(found.severity)
}

fn complete(evidence: &Evidence, key: CompletenessKey, now: OffsetDateTime) -> bool {
    let judged = judge(evidence, now);
    let mut items = judged.completeness.into_iter();
    items.find(|one| one.key == key).unwrap().complete
}

/// What holds just before an instant, at it, and just after it.
fn around<T>(at: OffsetDateTime, look: impl Fn(OffsetDateTime) -> T) -> [T; 3] {
    [look(at - STEP), look(at), look(at + STEP)]
}

#[test]
fn the_published_score_is_six_of_eight() {
    let evidence = Evidence {
        has_owner: false,
        policies: 0,
        ..sound()
    };
    let judged = judge(&evidence, NOW);
    assert_eq!(judged.score, 75);
    assert_eq!(judged.active_drift().count(), 0);
    assert_eq!(
        judged.completeness[4].detail,
        "2 safety metrics and 1 deployed training run"
    );
    assert_eq!(judged.drift[2].detail, "Evaluation evidence is present.");
    assert_eq!(judged.drift[2].severity, DriftSeverity::High);
    let full = judge(&sound(), NOW);
    assert_eq!(
        (full.score, full.review_status),
        (100, ReviewStatus::Approved)
    );
}

#[test]
fn keys_come_in_their_published_order() {
    let judged = judge(&sound(), NOW);
    let items: Vec<_> = judged
        .completeness
        .iter()
        .map(|one| one.key.as_str())
        .collect();
    assert_eq!(
        items,
        [
            "owner",
            "purpose",
            "risk_classification",
            "data_dependencies",
            "evaluation_evidence",
            "policies",
            "monitoring",
            "review"
        ]
    );
    let drifts: Vec<_> = judged.drift.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(
        drifts,
        [
            "overdue_review",
            "changed_upstream_data",
            "missing_eval",
            "expired_approval",
            "unresolved_high_risk_mitigation",
            "stale_documentation"
        ]
    );
}

#[test]
fn of_nothing_there_is_no_score() {
    let evidence = Evidence::nothing(ProductKind::MlModel, LifecycleGate::Production);
    let judged = judge(&evidence, NOW);
    assert_eq!((judged.score, judged.next_change_at), (0, None));
    assert_eq!(judged.review_status, ReviewStatus::NotStarted);
    let floor = judged.breakdown.last().unwrap();
    assert_eq!(floor.source, ContributionSource::Floor);
    assert!((floor.points.value() - 15.0).abs() < f64::EPSILON);
}

#[test]
fn declared_none_is_a_declaration() {
    let mut evidence = sound();
    evidence.dependencies = Dependencies::default();
    assert!(!complete(&evidence, CompletenessKey::DataDependencies, NOW));
    evidence.dependencies.declared_none = true;
    assert!(complete(&evidence, CompletenessKey::DataDependencies, NOW));
}

#[test]
fn evaluation_is_a_metric_and_a_run_or_two_metrics_of_what_is_not_trained() {
    for kind in ProductKind::ALL {
        for (measured, completed, evaluations) in
            [(0, 3, 3), (1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 1, 1)]
        {
            let mut evidence = sound();
            evidence.kind = *kind;
            evidence.metrics.measured = measured;
            evidence.runs.completed = completed;
            evidence.runs.completed_evaluations = evaluations;
            let expected = if kind.is_trained() {
                measured > 0 && completed > 0
            } else {
                measured > 1 || (measured > 0 && evaluations > 0)
            };
            let found = complete(&evidence, CompletenessKey::EvaluationEvidence, NOW);
            assert_eq!(
                found, expected,
                "{kind} {measured} {completed} {evaluations}"
            );
            let drift = severity(&evidence, DriftKey::MissingEval, NOW);
            assert_eq!(drift, (!expected).then_some(DriftSeverity::High));
        }
    }
}

#[test]
fn monitoring_is_a_recent_snapshot_or_a_plan_before_production() {
    let mut evidence = sound();
    let captured = NOW;
    evidence.snapshots.latest_captured_at = Some(captured);
    let ends = captured + Duration::days(30);
    let monitored = |at| complete(&evidence, CompletenessKey::Monitoring, at);
    assert_eq!(around(ends, monitored), [true, false, false]);
    evidence.snapshots = Snapshots::default();
    evidence.has_monitoring_plan = true;
    for gate in LifecycleGate::ALL {
        evidence.gate = *gate;
        let planned = !matches!(gate, LifecycleGate::Production | LifecycleGate::Retired);
        let found = complete(&evidence, CompletenessKey::Monitoring, NOW);
        assert_eq!(found, planned, "{gate}");
    }
}

#[test]
fn an_overdue_review_escalates() {
    use DriftSeverity::{Critical, High, Medium};
    let due = NOW;
    for gate in LifecycleGate::ALL {
        let evidence = Evidence {
            gate: *gate,
            next_review_due_at: Some(due),
            ..sound()
        };
        let look = |at| severity(&evidence, DriftKey::OverdueReview, at);
        let worst = if *gate == LifecycleGate::Production {
            Critical
        } else {
            High
        };
        assert_eq!(around(due, look), [None, Some(Medium), Some(Medium)]);
        let later = around(due + Duration::days(30), look);
        assert_eq!(later, [Some(Medium), Some(High), Some(High)]);
        let latest = around(due + Duration::days(90), look);
        assert_eq!(latest, [Some(High), Some(worst), Some(worst)]);
    }
}

#[test]
fn changed_data_counts_from_when_it_changed() {
    for (gate, expected) in [
        (LifecycleGate::Validation, DriftSeverity::Medium),
        (LifecycleGate::Production, DriftSeverity::High),
    ] {
        let mut evidence = sound();
        evidence.gate = gate;
        evidence.dependencies.changed_since_evaluation = Some(NOW);
        let look = |at| severity(&evidence, DriftKey::ChangedUpstreamData, at);
        assert_eq!(around(NOW, look), [None, Some(expected), Some(expected)]);
    }
}

#[test]
fn an_approval_expires_and_stays_expired_until_it_is_renewed() {
    for (gate, expected) in [
        (LifecycleGate::Development, DriftSeverity::High),
        (LifecycleGate::Production, DriftSeverity::Critical),
    ] {
        let mut evidence = sound();
        evidence.gate = gate;
        let expires_at = Some(NOW);
        evidence.reviews.approval = Some(Approval { expires_at });
        let look = |at| severity(&evidence, DriftKey::ExpiredApproval, at);
        assert_eq!(around(NOW, look), [None, Some(expected), Some(expected)]);
        let status = |at| judge(&evidence, at).review_status;
        let (held, lost) = (ReviewStatus::Approved, ReviewStatus::NeedsReview);
        assert_eq!(around(NOW, status), [held, lost, lost]);
        let item = |at| complete(&evidence, CompletenessKey::Review, at);
        assert_eq!(around(NOW, item), [true, false, false]);
        evidence.reviews.latest_approved = Some(false);
        assert_eq!(
            severity(&evidence, DriftKey::ExpiredApproval, NOW),
            Some(expected)
        );
        assert!(!complete(&evidence, CompletenessKey::Review, NOW - STEP));
    }
}

#[test]
fn the_graver_mitigation_past_due_counts() {
    use DriftSeverity::{Critical, High};
    let mut evidence = sound();
    evidence.mitigations = Mitigations {
        total: 2,
        open: 2,
        high_due_at: Some(NOW),
        critical_due_at: Some(NOW + Duration::HOUR),
    };
    let look = |at| severity(&evidence, DriftKey::UnresolvedHighRiskMitigation, at);
    assert_eq!(around(NOW, look), [None, Some(High), Some(High)]);
    let later = around(NOW + Duration::HOUR, look);
    assert_eq!(later, [Some(High), Some(Critical), Some(Critical)]);
}

#[test]
fn documentation_goes_stale_by_age_and_by_a_newer_run() {
    use DriftSeverity::{Low, Medium};
    for (gate, expected) in [
        (LifecycleGate::Design, Low),
        (LifecycleGate::Production, Medium),
    ] {
        let mut evidence = sound();
        evidence.gate = gate;
        evidence.runs.deployed = None;
        let written = |at| Some(Documentation { updated_at: at });
        evidence.documentation = written(Some(NOW));
        let look = |at| severity(&evidence, DriftKey::StaleDocumentation, at);
        let aged = around(NOW + Duration::days(180), look);
        assert_eq!(aged, [None, Some(expected), Some(expected)]);
        for (documentation, run, stale) in [
            (None, None, true),
            (written(None), None, true),
            (written(Some(NOW)), Some(NOW), false),
            (written(Some(NOW)), Some(NOW + STEP), true),
        ] {
            evidence.documentation = documentation;
            evidence.runs.deployed = run.map(|at| DeployedRun {
                effective_at: Some(at),
            });
            let found = severity(&evidence, DriftKey::StaleDocumentation, NOW);
            assert_eq!(
                found,
                stale.then_some(expected),
                "{documentation:?} {run:?}"
            );
        }
    }
}

#[test]
fn the_review_status_follows_requests_and_decisions() {
    use ReviewStatus::{Approved, InReview, NeedsReview, NotStarted};
    let due = Some(NOW);
    let held = Some(Approval { expires_at: None });
    for (open, latest, approval, due, expected) in [
        (false, None, None, None, NotStarted),
        (false, None, None, due, NeedsReview),
        (true, None, None, None, InReview),
        (false, Some(true), held, None, Approved),
        (false, Some(true), held, due, NeedsReview),
        (true, Some(true), held, None, InReview),
        (false, Some(false), held, None, NeedsReview),
        (false, Some(false), None, None, NeedsReview),
    ] {
        let mut evidence = sound();
        evidence.next_review_due_at = due;
        evidence.reviews = Reviews {
            total: 1,
            open,
            latest_approved: latest,
            approval,
        };
        assert_eq!(
            judge(&evidence, NOW).review_status,
            expected,
            "{open} {latest:?} {due:?}"
        );
    }
}

/// An instant near the present, or none; close ones are as likely as far ones.
fn instant() -> impl Strategy<Value = Option<OffsetDateTime>> {
    prop_oneof![
        Just(None),
        (-400_i64..400).prop_map(|days| Some(NOW + Duration::days(days))),
        (-3_i64..3).prop_map(|steps| Some(NOW + STEP * i32::try_from(steps).unwrap_or(0))),
    ]
}

prop_compose! {
    fn some_evidence()(
        kind in proptest::sample::select(ProductKind::ALL),
        gate in proptest::sample::select(LifecycleGate::ALL),
        flags in any::<[bool; 8]>(),
        numbers in prop::array::uniform6(0_u64..3),
        dates in prop::collection::vec(instant(), 8),
        latest_approved in any::<Option<bool>>(),
    ) -> Evidence {
        let [owner, purpose, risk, none, plan, documented, open, deployed] = flags;
        let [declared, completed, evaluations, measured, policies, approvals] = numbers;
        let evaluations = evaluations.min(completed);
        Evidence {
            has_owner: owner,
            has_purpose: purpose,
            risk_classification: risk.then(|| "limited".to_owned()),
            dependencies: Dependencies {
                declared,
                declared_none: none,
                changed_since_evaluation: dates[0],
            },
            runs: Runs {
                total: completed,
                completed,
                completed_evaluations: evaluations,
                deployed: deployed.then_some(DeployedRun { effective_at: dates[1] }),
            },
            metrics: Metrics { total: measured, measured },
            policies,
            mitigations: Mitigations {
                total: 2,
                open: 2,
                high_due_at: dates[2],
                critical_due_at: dates[3],
            },
            snapshots: Snapshots { total: 1, latest_captured_at: dates[4] },
            has_monitoring_plan: plan,
            documentation: documented.then_some(Documentation { updated_at: dates[5] }),
            reviews: Reviews {
                total: approvals,
                open,
                latest_approved,
                approval: (approvals > 0 || latest_approved == Some(true))
                    .then_some(Approval { expires_at: dates[6] }),
            },
            next_review_due_at: dates[7],
            ..Evidence::nothing(kind, gate)
        }
    }
}

prop_compose! {
    fn some_settings()(
        days in prop::array::uniform5(1_i64..400),
        mut penalties in prop::array::uniform4(0_i64..=100),
    ) -> GovernanceSettings {
        penalties.sort_unstable();
        let [low, medium, high, critical] = penalties;
        GovernanceSettings::default().with(&SettingsInput {
            monitoring_window_days: Some(days[0]),
            documentation_max_age_days: Some(days[1]),
            overdue_high_after_days: Some(days[2]),
            overdue_critical_after_days: Some(days[2] + days[3]),
            review_period_days: Some(days[4]),
            penalty_low: Some(low),
            penalty_medium: Some(medium),
            penalty_high: Some(high),
            penalty_critical: Some(critical),
        }).unwrap()
    }
}

/// The evidence once the remedy of an item or a drift was applied.
fn cured(evidence: &Evidence, source: ContributionSource, now: OffsetDateTime) -> Evidence {
    let mut better = evidence.clone();
    match source {
        ContributionSource::Completeness(CompletenessKey::Owner) => better.has_owner = true,
        ContributionSource::Completeness(CompletenessKey::Purpose) => better.has_purpose = true,
        ContributionSource::Completeness(CompletenessKey::RiskClassification) => {
            better.risk_classification = Some("minimal".to_owned());
        }
        ContributionSource::Completeness(CompletenessKey::DataDependencies) => {
            better.dependencies.declared_none = true;
        }
        ContributionSource::Completeness(CompletenessKey::EvaluationEvidence)
        | ContributionSource::Drift(DriftKey::MissingEval) => {
            better.metrics.measured = 1;
            better.runs.completed = 1;
            better.runs.completed_evaluations = 1;
        }
        ContributionSource::Completeness(CompletenessKey::Policies) => better.policies = 1,
        ContributionSource::Completeness(CompletenessKey::Monitoring) => {
            better.snapshots.latest_captured_at = Some(now);
        }
        ContributionSource::Completeness(CompletenessKey::Review)
        | ContributionSource::Drift(DriftKey::OverdueReview | DriftKey::ExpiredApproval) => {
            better.reviews.latest_approved = Some(true);
            better.reviews.approval = Some(Approval { expires_at: None });
            better.next_review_due_at = Some(now + Duration::days(365));
        }
        ContributionSource::Drift(DriftKey::ChangedUpstreamData) => {
            better.dependencies.changed_since_evaluation = None;
        }
        ContributionSource::Drift(DriftKey::UnresolvedHighRiskMitigation) => {
            better.mitigations = Mitigations::default();
        }
        ContributionSource::Drift(DriftKey::StaleDocumentation) => {
            let run = better.runs.deployed.and_then(|run| run.effective_at);
            let updated_at = Some(run.unwrap_or(now).max(now));
            better.documentation = Some(Documentation { updated_at });
        }
        ContributionSource::Floor | ContributionSource::Rounding => {}
    }
    better
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_parts_sum_to_the_score(evidence in some_evidence(), settings in some_settings()) {
        let judged = assess(&evidence, &settings, NOW);
        let halves: i32 = judged.breakdown.iter().map(|part| part.points.in_halves()).sum();
        prop_assert_eq!(halves, 2 * i32::from(judged.score));
        let sum: f64 = judged.breakdown.iter().map(|part| part.points.value()).sum();
        prop_assert!((sum - f64::from(judged.score)).abs() < f64::EPSILON);
        prop_assert!(judged.score <= 100);
    }

    #[test]
    fn every_remedy_gives_back_what_it_says(evidence in some_evidence(), settings in some_settings()) {
        let judged = assess(&evidence, &settings, NOW);
        for part in &judged.breakdown {
            let Some(remedy) = part.remedy else {
                let missing = part.points < part.maximum;
                prop_assert!(!missing, "{:?} has no remedy", part);
                continue;
            };
            let better = assess(&cured(&evidence, part.source, NOW), &settings, NOW);
            prop_assert_eq!(better.score, judged.score + remedy.gives_back, "{:?}", part);
        }
    }

    #[test]
    fn nothing_changes_between_boundaries_and_something_at_each(
        evidence in some_evidence(),
        settings in some_settings(),
    ) {
        let mut now = NOW - Duration::days(1200);
        for _ in 0..12 {
            let judged = assess(&evidence, &settings, now);
            prop_assert_eq!(&assess(&evidence, &settings, now), &judged);
            let Some(next) = judged.next_change_at else {
                let far = now + Duration::days(5000);
                prop_assert_eq!(&assess(&evidence, &settings, far), &judged);
                return Ok(());
            };
            prop_assert!(next > now);
            let middle = now + (next - now) / 2;
            prop_assert_eq!(&assess(&evidence, &settings, middle), &judged);
            prop_assert_eq!(&assess(&evidence, &settings, next - Duration::MICROSECOND), &judged);
            let then = assess(&evidence, &settings, next);
            prop_assert_ne!(&then, &judged);
            prop_assert_ne!(
                rules::findings(&evidence, &settings, next),
                rules::findings(&evidence, &settings, now)
            );
            now = next;
        }
        prop_assert!(false, "there are at most nine boundaries");
    }
}
