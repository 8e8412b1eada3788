use probity_kernel::{Actor, DomainEvent, OrganizationId, SequentialIds};
use proptest::prelude::*;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::*;
use crate::value::{DisparateImpact, DriftScore, FairnessScore, Psi, SampleSize};
use ComplianceStatus::{Amber, Green, Red};

const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);
const PRODUCT: ProductId = ProductId::new(Uuid::from_u128(1));
const SECOND: ProductId = ProductId::new(Uuid::from_u128(2));

fn context() -> Context {
    let organization = OrganizationId::new(Uuid::from_u128(9));
    Context::new(organization, Actor::System("test"), NOW)
}

/// A snapshot of the first product, captured `minute` minutes before now.
fn snapshot(number: u128, minute: i64, drift: f64, fairness: f64) -> NewSnapshot {
    NewSnapshot {
        id: SnapshotId::new(Uuid::from_u128(number)),
        product: PRODUCT,
        drift_score: DriftScore::parse("", drift).unwrap(),
        fairness_score: FairnessScore::parse("", fairness).unwrap(),
        psi: None,
        disparate_impact: None,
        sample_size: SampleSize::parse("", 100).unwrap(),
        captured_at: NOW - Duration::minutes(minute),
        notes: None,
        recipe: None,
    }
}

fn with_psi(new: NewSnapshot, psi: f64) -> NewSnapshot {
    let psi = Some(Psi::parse("", psi).unwrap());
    NewSnapshot { psi, ..new }
}

fn fresh() -> HashMap<ProductId, Standing> {
    [PRODUCT, SECOND]
        .map(|product| (product, Standing::new(None, None, Vec::new())))
        .into()
}

/// The change that a batch makes to standings, and the standings after it.
struct Folded {
    standings: HashMap<ProductId, Standing>,
    change: IngestChange,
}

impl Folded {
    fn from(mut standings: HashMap<ProductId, Standing>, batch: Vec<NewSnapshot>) -> Self {
        let ingestion = Ingestion::new(context(), batch).unwrap();
        let ids = SequentialIds::default();
        let change = ingestion.into_change(&mut standings, &ids).unwrap();
        Self { standings, change }
    }

    fn of(batch: Vec<NewSnapshot>) -> Self {
        Self::from(fresh(), batch)
    }

    /// Metric and severity of the open alerts of the first product.
    fn open(&self) -> Vec<(MetricKind, ComplianceStatus)> {
        let alerts = self.standings[&PRODUCT].open_alerts.iter();
        let mut open: Vec<_> = alerts.map(|one| (one.metric, one.severity)).collect();
        open.sort_unstable();
        open
    }

    /// Event type and scores of what is published.
    fn published(&self) -> Vec<(&'static str, Option<f64>, Option<f64>)> {
        let published = self.change.event().publications().into_iter();
        published
            .map(|one| (one.event_type, one.score_before, one.score_after))
            .collect()
    }
}

const FIRED: &str = "guardian.trigger.fired";
const BREACH: &str = "compliance.threshold.breach";
const RESOLVED: &str = "alert.resolved";

#[test]
fn a_batch_has_1_to_100_snapshots() {
    for (count, accepted) in [(0, false), (1, true), (100, true), (101, false)] {
        let batch = (0..count).map(|n| snapshot(n, 0, 1.0, 95.0)).collect();
        let ingestion = Ingestion::new(context(), batch);
        assert_eq!(ingestion.is_ok(), accepted, "{count}");
        let field = ingestion.err().map(|fault| fault.field);
        assert_eq!(field.is_none(), accepted);
        assert!(field.is_none_or(|field| field == "/snapshots"));
    }
}

#[test]
fn an_unknown_product_is_named_and_leaves_standings_alone() {
    let unknown = NewSnapshot {
        product: ProductId::new(Uuid::from_u128(3)),
        ..snapshot(3, 0, 1.0, 95.0)
    };
    let batch = vec![snapshot(1, 0, 99.0, 1.0), unknown.clone(), unknown.clone()];
    let ids = SequentialIds::default();
    let mut standings = fresh();
    let batch = Ingestion::new(context(), batch).unwrap();
    let refused = batch.into_change(&mut standings, &ids).unwrap_err();
    assert_eq!((refused.index, refused.batch), (1, true));
    assert_eq!(refused.pointer(), "/snapshots/1/modelId");
    assert_eq!(standings, fresh());
    let single = Ingestion::single(context(), unknown);
    let refused = single.into_change(&mut standings, &ids).unwrap_err();
    assert_eq!((refused.index, refused.batch), (0, false));
    assert_eq!(refused.pointer(), "/modelId");
}

#[test]
fn green_writes_the_snapshot_and_nothing_else() {
    let folded = Folded::of(vec![snapshot(1, 0, 50.0, 90.0)]);
    let write = folded.change.write();
    assert_eq!(write.snapshots[0].status, Green);
    assert_eq!(write.alerts, []);
    assert_eq!(folded.published(), []);
    assert_eq!(folded.standings[&PRODUCT].latest, Some((NOW, Green)));
}

#[test]
fn a_first_breach_opens_an_alert_and_fires_the_trigger() {
    let folded = Folded::of(vec![snapshot(1, 0, 60.0, 95.0)]);
    let [AlertWrite::Open(alert)] = folded.change.write().alerts.as_slice() else {
        panic!("one alert is opened");
    };
    assert_eq!((alert.metric, alert.severity), (MetricKind::Drift, Amber));
    assert_eq!((alert.value, alert.threshold), (60.0, 50.0));
    assert_eq!(
        folded.standings[&PRODUCT].open_alerts,
        std::slice::from_ref(alert)
    );
    assert_eq!(folded.published(), [(FIRED, None, Some(60.0))]);
}

#[test]
fn red_fires_the_trigger_and_the_breach() {
    let folded = Folded::of(vec![snapshot(1, 0, 10.0, 70.0)]);
    assert_eq!(folded.open(), [(MetricKind::Fairness, Red)]);
    assert_eq!(
        folded.published(),
        [(FIRED, None, Some(70.0)), (BREACH, None, Some(70.0))]
    );
}

#[test]
fn an_escalation_tells_the_score_before() {
    let folded = Folded::of(vec![snapshot(1, 2, 60.0, 95.0), snapshot(2, 1, 80.0, 95.0)]);
    assert_eq!(folded.open(), [(MetricKind::Drift, Red)]);
    assert_eq!(
        folded.published(),
        [
            (FIRED, None, Some(60.0)),
            (FIRED, Some(60.0), Some(80.0)),
            (BREACH, Some(60.0), Some(80.0)),
        ]
    );
    let [_, AlertWrite::Update { next, expected }] = folded.change.write().alerts.as_slice() else {
        panic!("the alert is opened, then updated");
    };
    assert_eq!((expected.get(), next.version.get()), (1, 2));
    assert_eq!(next.escalated_at, Some(NOW));
}

#[test]
fn a_repeated_breach_is_told_once() {
    let red = |number| snapshot(number, 0, 80.0, 95.0);
    let folded = Folded::of(vec![red(1), red(2), red(3)]);
    assert_eq!(folded.change.write().alerts.len(), 1);
    assert_eq!(folded.published().len(), 2, "one trigger, one breach");
}

#[test]
fn another_metric_that_turns_red_is_a_breach_without_a_trigger() {
    let folded = Folded::of(vec![snapshot(1, 1, 80.0, 95.0), snapshot(2, 0, 81.0, 70.0)]);
    let published = folded.change.event().publications();
    let told: Vec<_> = published.iter().map(|one| one.event_type).collect();
    assert_eq!(told, [FIRED, BREACH, BREACH]);
    assert_eq!(
        published[2].trigger_reason,
        "a breach limit is broken: drift 81 is above 70, fairness 70 is below 80"
    );
}

#[test]
fn a_metric_that_recovers_while_another_stays_red_is_no_breach() {
    let folded = Folded::of(vec![snapshot(1, 1, 80.0, 70.0), snapshot(2, 0, 80.0, 95.0)]);
    assert_eq!(folded.open(), [(MetricKind::Drift, Red)]);
    let told: Vec<_> = folded.published().into_iter().map(|one| one.0).collect();
    assert_eq!(told, [FIRED, BREACH, RESOLVED]);
}

#[test]
fn amber_after_red_keeps_the_alert_red_and_red_again_is_a_new_breach() {
    let drifts = [(1, 80.0), (2, 60.0), (3, 80.0)];
    let batch = drifts.map(|(number, drift)| snapshot(number, 0, drift, 95.0));
    let folded = Folded::of(batch.into());
    assert_eq!(folded.open(), [(MetricKind::Drift, Red)]);
    assert_eq!(folded.change.write().alerts.len(), 1);
    let told: Vec<_> = folded.published().into_iter().map(|one| one.0).collect();
    assert_eq!(told, [FIRED, BREACH, FIRED, BREACH]);
}

#[test]
fn green_resolves_and_says_so() {
    let folded = Folded::of(vec![snapshot(1, 1, 60.0, 95.0), snapshot(2, 0, 50.0, 95.0)]);
    assert_eq!(folded.open(), []);
    let [_, AlertWrite::Update { next, .. }] = folded.change.write().alerts.as_slice() else {
        panic!("the alert is opened, then updated");
    };
    assert_eq!(next.state, AlertState::Resolved);
    assert_eq!(next.resolution, Some(Resolution::Recovered));
    assert_eq!(next.resolved_at, Some(NOW));
    assert_eq!((next.value, next.threshold), (50.0, 50.0));
    assert_eq!(folded.published()[1], (RESOLVED, Some(60.0), Some(50.0)));
}

#[test]
fn a_metric_that_is_absent_touches_nothing() {
    let batch = vec![
        with_psi(snapshot(1, 1, 1.0, 95.0), 0.3),
        snapshot(2, 0, 1.0, 95.0),
    ];
    let folded = Folded::of(batch);
    assert_eq!(folded.open(), [(MetricKind::Psi, Red)]);
    assert_eq!(folded.standings[&PRODUCT].latest, Some((NOW, Green)));
}

#[test]
fn ratios_lead_without_scores() {
    let folded = Folded::of(vec![with_psi(snapshot(1, 0, 1.0, 95.0), 0.3)]);
    assert_eq!(
        folded.published(),
        [(FIRED, None, None), (BREACH, None, None)]
    );
}

#[test]
fn a_late_arrival_is_judged_and_moves_nothing() {
    let batch = vec![
        snapshot(1, 1, 60.0, 95.0),
        snapshot(2, 2, 99.0, 95.0),
        snapshot(3, 2, 1.0, 95.0),
    ];
    let folded = Folded::of(batch);
    let statuses: Vec<_> = folded
        .change
        .write()
        .snapshots
        .iter()
        .map(|one| one.status)
        .collect();
    assert_eq!(statuses, [Amber, Red, Green]);
    assert_eq!(folded.open(), [(MetricKind::Drift, Amber)]);
    assert_eq!(folded.published().len(), 1);
    let latest = NOW - Duration::minutes(1);
    assert_eq!(folded.standings[&PRODUCT].latest, Some((latest, Amber)));
    let GuardianEvent::SnapshotsRecorded { snapshots, .. } = folded.change.event() else {
        panic!("an ingestion records snapshots");
    };
    assert_eq!(
        snapshots.iter().map(|one| one.late).collect::<Vec<_>>(),
        [false, true, true]
    );
}

#[test]
fn equal_instants_are_not_late_and_a_millisecond_is() {
    for (before, expected) in [(Duration::ZERO, Red), (Duration::milliseconds(1), Green)] {
        let first = snapshot(1, 1, 1.0, 95.0);
        let second = NewSnapshot {
            captured_at: first.captured_at - before,
            ..snapshot(2, 1, 99.0, 95.0)
        };
        let folded = Folded::of(vec![first, second]);
        let (_, latest) = folded.standings[&PRODUCT].latest.unwrap();
        assert_eq!(latest, expected, "{before}");
    }
}

#[test]
fn a_clock_that_runs_ahead_makes_nobody_late() {
    let ahead = snapshot(1, -4, 1.0, 95.0);
    let folded = Folded::of(vec![ahead]);
    assert_eq!(folded.standings[&PRODUCT].latest, Some((NOW, Green)));
    let folded = Folded::from(folded.standings, vec![snapshot(2, 0, 99.0, 95.0)]);
    assert_eq!(folded.open(), [(MetricKind::Drift, Red)]);
}

#[test]
fn an_escalation_clears_the_acknowledgement_on_the_record() {
    let mut folded = Folded::of(vec![snapshot(1, 1, 60.0, 95.0)]);
    let standing = folded.standings.get_mut(&PRODUCT).unwrap();
    standing.open_alerts[0].acknowledged_at = Some(NOW);
    standing.open_alerts[0].acknowledged_by = Some("user:1".to_owned());
    let folded = Folded::from(folded.standings, vec![snapshot(2, 0, 75.0, 95.0)]);
    let alert = &folded.standings[&PRODUCT].open_alerts[0];
    assert_eq!(
        (alert.acknowledged_at, alert.acknowledged_by.as_ref()),
        (None, None)
    );
    let detail = folded.change.event().detail();
    let told = &detail["alerts"][0]["acknowledged"];
    assert_eq!(*told, serde_json::json!({"before": true, "after": false}));
}

#[test]
fn products_do_not_touch_each_other() {
    let second = NewSnapshot {
        product: SECOND,
        ..snapshot(2, 0, 1.0, 95.0)
    };
    let folded = Folded::of(vec![snapshot(1, 0, 80.0, 95.0), second]);
    assert_eq!(folded.open(), [(MetricKind::Drift, Red)]);
    assert_eq!(folded.standings[&SECOND].latest, Some((NOW, Green)));
    assert_eq!(folded.standings[&SECOND].open_alerts, []);
}

#[test]
fn the_record_of_a_snapshot_holds_scores_and_no_free_text() {
    let noted = NewSnapshot {
        notes: Some("call Ada".to_owned()),
        ..snapshot(7, 0, 60.0, 95.0)
    };
    let folded = Folded::of(vec![noted]);
    let event = folded.change.event();
    assert_eq!(event.name(), "metric.snapshot.recorded");
    let subject = event.subject();
    assert_eq!(
        (subject.kind, subject.id),
        ("metric_snapshot", Uuid::from_u128(7))
    );
    let detail = event.detail();
    assert_eq!(
        detail["snapshots"][0],
        serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000007",
            "product_id": "00000000-0000-0000-0000-000000000001",
            "drift_score": 60.0, "fairness_score": 95.0, "psi": null, "disparate_impact": null,
            "sample_size": 100, "captured_at": "2026-03-13T09:00:00Z", "status": "AMBER",
            "threshold_source": "global_defaults", "late": false,
        })
    );
    assert_eq!(detail["alerts"][0]["action"], "opened");
    assert_eq!(
        detail["alerts"][0]["severity"],
        serde_json::json!({"before": null, "after": "AMBER"})
    );
    assert!(!detail.to_string().contains("Ada"));
    assert!(
        event
            .publications()
            .iter()
            .all(|one| !one.payload.to_string().contains("Ada"))
    );
}

/// One step of a random history: product, minutes before now, four values.
type Step = (bool, i64, f64, f64, Option<f64>, Option<f64>);

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let score = || {
        prop_oneof![
            0.0..=100.0_f64,
            Just(50.0),
            Just(70.0),
            Just(80.0),
            Just(90.0)
        ]
    };
    let psi = proptest::option::of(0.0..=0.4_f64);
    let impact = proptest::option::of(0.4..=1.2_f64);
    let step = (any::<bool>(), -5..20_i64, score(), score(), psi, impact);
    proptest::collection::vec(step, 1..=most)
}

fn history(steps: &[Step]) -> Vec<NewSnapshot> {
    let all = steps.iter().zip(1_u128..);
    all.map(
        |(&(first, minute, drift, fairness, psi, impact), number)| NewSnapshot {
            product: if first { PRODUCT } else { SECOND },
            psi: psi.map(|psi| Psi::parse("", psi).unwrap()),
            disparate_impact: impact.map(|impact| DisparateImpact::parse("", impact).unwrap()),
            ..snapshot(number, minute, drift, fairness)
        },
    )
    .collect()
}

proptest! {
    #[test]
    fn a_batch_is_its_snapshots_one_by_one(steps in steps(40)) {
        let batch = history(&steps);
        let (one_by_one, whole) = (SequentialIds::default(), SequentialIds::default());
        let mut apart = fresh();
        let mut write = IngestWrite { snapshots: Vec::new(), alerts: Vec::new() };
        let mut published = Vec::new();
        for new in batch.clone() {
            let single = Ingestion::single(context(), new);
            let (_, more, event) = single.into_change(&mut apart, &one_by_one).unwrap().into_parts();
            write.snapshots.extend(more.snapshots);
            write.alerts.extend(more.alerts);
            published.extend(event.publications());
        }
        let mut together = fresh();
        let ingestion = Ingestion::new(context(), batch).unwrap();
        let change = ingestion.into_change(&mut together, &whole).unwrap();
        prop_assert_eq!(change.write(), &write);
        prop_assert_eq!(change.event().publications(), published);
        prop_assert_eq!(together, apart);
    }

    #[test]
    fn at_most_one_alert_per_metric_is_open_at_any_time(steps in steps(60)) {
        let ids = SequentialIds::default();
        let mut standings = fresh();
        let mut stored: HashMap<AlertId, Alert> = HashMap::new();
        for new in history(&steps) {
            let change = Ingestion::single(context(), new).into_change(&mut standings, &ids);
            for write in change.unwrap().into_parts().1.alerts {
                match write {
                    AlertWrite::Open(alert) => {
                        prop_assert!(stored.insert(alert.id, alert).is_none());
                    }
                    AlertWrite::Update { next, expected } => {
                        let before = stored.insert(next.id, next.clone()).unwrap();
                        prop_assert!(before.is_open(), "what is over stays over");
                        prop_assert_eq!(before.version, expected);
                        prop_assert_eq!(next.version, expected.next());
                        prop_assert!(next.severity >= before.severity);
                    }
                }
            }
            for (product, standing) in &standings {
                let mut open: Vec<_> = standing.open_alerts.iter().map(|one| one.metric).collect();
                open.sort_unstable();
                prop_assert!(open.windows(2).all(|pair| pair[0] != pair[1]));
                let mut kept: Vec<_> = stored.values().filter(|one| one.is_open()).collect();
                kept.retain(|one| one.product == *product);
                prop_assert_eq!(kept.len(), standing.open_alerts.len());
                for alert in &standing.open_alerts {
                    prop_assert_eq!(&stored[&alert.id], alert, "the standing is what is stored");
                }
            }
        }
    }

    #[test]
    fn late_arrivals_publish_nothing_and_the_latest_never_goes_back(steps in steps(40)) {
        let mut standings = fresh();
        let ids = SequentialIds::default();
        for new in history(&steps) {
            let before = standings[&new.product].clone();
            let (product, at) = (new.product, new.captured_at.min(NOW));
            let change = Ingestion::single(context(), new).into_change(&mut standings, &ids).unwrap();
            let after = &standings[&product];
            if before.latest.is_some_and(|(latest, _)| at < latest) {
                prop_assert_eq!(after, &before);
                prop_assert_eq!(&change.write().alerts, &[]);
                prop_assert_eq!(change.event().publications(), []);
            } else {
                prop_assert_eq!(after.latest.unwrap(), (at, change.write().snapshots[0].status));
            }
        }
    }
}
