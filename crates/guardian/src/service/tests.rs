use std::sync::Arc;

use probity_kernel::{Actor, DomainError, DomainEvent, ErrorKind, SequentialIds};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::link::{OverridesDraft, ThresholdDraft};
use crate::memory::InMemoryGuardian;
use crate::metric::ComplianceStatus;
use crate::testing::run_now;
use crate::{AlertState, Resolution};

const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);
const ORGANIZATION: OrganizationId = OrganizationId::new(Uuid::from_u128(9));
const PRODUCT: ProductId = ProductId::new(Uuid::from_u128(1));
const PAGE: PageRequest = PageRequest::first(100);

type Service = GuardianService<Arc<InMemoryGuardian>, SequentialIds>;

fn service() -> (Arc<InMemoryGuardian>, Service) {
    let repository = Arc::new(InMemoryGuardian::new([(ORGANIZATION, PRODUCT)]));
    let service = GuardianService::new(Arc::clone(&repository), SequentialIds::default());
    (repository, service)
}

fn context() -> Context {
    Context::new(ORGANIZATION, Actor::System("test"), NOW)
}

fn draft(product: ProductId, drift: f64) -> SnapshotDraft {
    SnapshotDraft {
        product: Some(product.to_string()),
        drift_score: Some(drift),
        fairness_score: Some(95.0),
        sample_size: Some(100),
        ..SnapshotDraft::default()
    }
}

fn limits(amber: f64, red: f64) -> ThresholdOverrides {
    let own = OverridesDraft {
        drift: Some(ThresholdDraft {
            amber: Some(amber),
            red: Some(red),
        }),
        ..OverridesDraft::default()
    };
    own.parse("").unwrap()
}

/// Code, kind and faulty fields of an error.
fn told<T: std::fmt::Debug>(
    result: Result<T, GuardianError>,
) -> (&'static str, ErrorKind, Vec<String>) {
    let error = result.unwrap_err();
    let fields = error.fields().into_iter().map(|fault| fault.field);
    (error.code(), error.kind(), fields.collect())
}

#[test]
fn a_faulty_batch_names_every_fault_and_writes_nothing() {
    let (repository, service) = service();
    let batch = vec![
        draft(PRODUCT, 1.0),
        draft(PRODUCT, -1.0),
        SnapshotDraft {
            sample_size: None,
            ..draft(PRODUCT, 101.0)
        },
    ];
    let refused = run_now(service.ingest_batch(context(), batch));
    let fields = [
        "/snapshots/1/driftScore",
        "/snapshots/2/driftScore",
        "/snapshots/2/sampleSize",
    ];
    assert_eq!(
        told(refused),
        (
            "invalid_payload",
            ErrorKind::Invalid,
            fields.map(str::to_owned).into()
        )
    );
    assert_eq!(repository.events(), []);
}

#[test]
fn an_empty_and_an_oversized_batch_are_refused() {
    let (_, service) = service();
    for count in [0, 101] {
        let batch = vec![SnapshotDraft::default(); count];
        let refused = told(run_now(service.ingest_batch(context(), batch)));
        assert_eq!(refused.2, ["/snapshots"], "{count}");
    }
}

#[test]
fn an_unknown_product_is_not_found_everywhere() {
    let (_, service) = service();
    let unknown = ProductId::new(Uuid::from_u128(2));
    let filter = HistoryFilter {
        product: unknown,
        from: None,
        to: None,
        status: None,
    };
    let batch = vec![draft(PRODUCT, 1.0), draft(unknown, 1.0)];
    for (answer, field) in [
        (
            told(run_now(service.ingest(context(), draft(unknown, 1.0)))),
            "/modelId",
        ),
        (
            told(run_now(service.ingest_batch(context(), batch))),
            "/snapshots/1/modelId",
        ),
        (
            told(run_now(service.thresholds(ORGANIZATION, unknown))),
            "modelId",
        ),
        (
            told(run_now(service.history(ORGANIZATION, &filter, &PAGE))),
            "modelId",
        ),
        (
            told(run_now(service.create_link(
                &context(),
                unknown,
                limits(1.0, 2.0),
            ))),
            "/modelId",
        ),
    ] {
        assert_eq!(
            answer,
            (
                "model_not_found",
                ErrorKind::NotFound,
                vec![field.to_owned()]
            )
        );
    }
}

#[test]
fn a_window_that_ends_before_it_starts_is_refused() {
    let (_, service) = service();
    let window = |from, to| HistoryFilter {
        product: PRODUCT,
        from: Some(from),
        to: Some(to),
        status: None,
    };
    let earlier = NOW - time::Duration::milliseconds(1);
    assert!(run_now(service.history(ORGANIZATION, &window(earlier, NOW), &PAGE)).is_ok());
    assert!(run_now(service.history(ORGANIZATION, &window(NOW, NOW), &PAGE)).is_ok());
    let refused = told(run_now(service.history(
        ORGANIZATION,
        &window(NOW, earlier),
        &PAGE,
    )));
    assert_eq!(refused.2, ["to"]);
}

#[test]
fn thresholds_follow_the_link() {
    let (_, service) = service();
    let (of, source) = run_now(service.thresholds(ORGANIZATION, PRODUCT)).unwrap();
    assert_eq!(
        (of, source.as_str()),
        (Thresholds::GLOBAL_DEFAULTS, "global_defaults")
    );
    let link = run_now(service.create_link(&context(), PRODUCT, limits(10.0, 20.0))).unwrap();
    let (of, source) = run_now(service.thresholds(ORGANIZATION, PRODUCT)).unwrap();
    assert_eq!(
        (of.drift.amber, source.as_str()),
        (10.0, "risk_metric_link")
    );
    assert_eq!(of.fairness, Thresholds::GLOBAL_DEFAULTS.fairness);
    let judged = run_now(service.ingest(context(), draft(PRODUCT, 15.0))).unwrap();
    assert_eq!(judged.status, ComplianceStatus::Amber);
    run_now(service.delete_link(&context(), link.id, None)).unwrap();
    let (of, _) = run_now(service.thresholds(ORGANIZATION, PRODUCT)).unwrap();
    assert_eq!(of, Thresholds::GLOBAL_DEFAULTS);
}

#[test]
fn links_are_changed_at_the_expected_version_only() {
    let (repository, service) = service();
    let ctx = context();
    let link = run_now(service.create_link(&ctx, PRODUCT, limits(10.0, 20.0))).unwrap();
    let twice = told(run_now(service.create_link(
        &ctx,
        PRODUCT,
        limits(1.0, 2.0),
    )));
    assert_eq!(
        (twice.0, twice.1),
        ("link_already_exists", ErrorKind::Conflict)
    );
    let stale = Some(link.version.next());
    for refused in [
        told(run_now(service.update_link(
            &ctx,
            link.id,
            limits(1.0, 2.0),
            stale,
        ))),
        told(run_now(service.delete_link(&ctx, link.id, stale)).map(|()| 0)),
    ] {
        assert_eq!(
            (refused.0, refused.1),
            ("precondition_failed", ErrorKind::PreconditionFailed)
        );
    }
    let same = run_now(service.update_link(&ctx, link.id, link.overrides, Some(link.version)));
    assert_eq!(same.unwrap(), link, "the same limits are no change");
    let next = run_now(service.update_link(&ctx, link.id, limits(1.0, 2.0), Some(link.version)));
    let next = next.unwrap();
    assert_eq!(next.version, link.version.next());
    assert_eq!(run_now(service.link(ORGANIZATION, link.id)).unwrap(), next);
    let of_product = LinkFilter {
        product: Some(PRODUCT),
        spaces: None,
    };
    let listed = run_now(service.list_links(ORGANIZATION, &of_product, &PAGE)).unwrap();
    assert_eq!(listed.items, std::slice::from_ref(&next));
    run_now(service.delete_link(&ctx, link.id, Some(next.version))).unwrap();
    let gone = told(run_now(service.link(ORGANIZATION, link.id)));
    assert_eq!((gone.0, gone.1), ("link_not_found", ErrorKind::NotFound));
    let names: Vec<_> = repository.events().iter().map(DomainEvent::name).collect();
    let expected = ["created", "updated", "deleted"].map(|verb| format!("risk_metric_link.{verb}"));
    assert_eq!(names, expected);
    let detail = repository.events()[1].detail();
    assert_eq!(detail["thresholds"]["before"]["drift"]["amber"], 10.0);
    assert_eq!(detail["thresholds"]["after"]["drift"]["red"], 2.0);
}

/// The only open alert.
fn open_alert(service: &Service) -> Alert {
    let filter = AlertFilter {
        state: Some(AlertState::Open),
        ..AlertFilter::default()
    };
    let mut page = run_now(service.list_alerts(ORGANIZATION, &filter, &PAGE)).unwrap();
    assert_eq!(page.items.len(), 1);
    page.items.pop().unwrap()
}

#[test]
fn acknowledging_and_resolving_twice_changes_nothing() {
    let (repository, service) = service();
    let ctx = context();
    run_now(service.ingest(ctx.clone(), draft(PRODUCT, 60.0))).unwrap();
    let alert = open_alert(&service);
    let note = Some("seen".to_owned());
    let first = run_now(service.acknowledge(&ctx, alert.id, note)).unwrap();
    assert_eq!(first.acknowledged_by.as_deref(), Some("system:test"));
    let again = run_now(service.acknowledge(&ctx, alert.id, Some("again".to_owned())));
    assert_eq!(again.unwrap(), first);
    let over = run_now(service.resolve(&ctx, alert.id, None)).unwrap();
    assert_eq!(over.resolution, Some(Resolution::Manual));
    assert_eq!(
        over.note.as_deref(),
        Some("seen"),
        "no note keeps the one that is there"
    );
    let again = run_now(service.resolve(&ctx, alert.id, Some("again".to_owned())));
    assert_eq!(again.unwrap(), over);
    let late = told(run_now(service.acknowledge(&ctx, alert.id, None)));
    assert_eq!((late.0, late.1), ("alert_resolved", ErrorKind::Conflict));
    assert_eq!(
        run_now(service.alert(ORGANIZATION, alert.id)).unwrap(),
        over
    );
    let events = repository.events();
    let names: Vec<_> = events.iter().map(DomainEvent::name).collect();
    assert_eq!(
        names,
        [
            "metric.snapshot.recorded",
            "alert.acknowledged",
            "alert.resolved"
        ]
    );
    for event in events.iter().skip(1) {
        let published = event.publications();
        assert_eq!(published.len(), 1);
        assert_eq!(published[0].event_type, event.name());
        assert_eq!(published[0].source_id, alert.id.uuid());
        assert!(!published[0].payload.to_string().contains("seen"));
    }
    assert_eq!(events[1].detail()["note"]["after"], "seen");
}

#[test]
fn notes_on_alerts_hold_up_to_2000_characters() {
    let (_, service) = service();
    let ctx = context();
    run_now(service.ingest(ctx.clone(), draft(PRODUCT, 60.0))).unwrap();
    let alert = open_alert(&service);
    for length in [2001, 2000] {
        let note = Some("x".repeat(length));
        let answer = run_now(service.acknowledge(&ctx, alert.id, note));
        assert_eq!(answer.is_ok(), length == 2000, "{length}");
    }
    let refused = told(run_now(service.resolve(
        &ctx,
        alert.id,
        Some("\0".to_owned()),
    )));
    assert_eq!(refused.2, ["/note"]);
}

#[test]
fn an_unknown_alert_is_not_found() {
    let (_, service) = service();
    let unknown = AlertId::new(Uuid::from_u128(5));
    for answer in [
        told(run_now(service.alert(ORGANIZATION, unknown))),
        told(run_now(service.acknowledge(&context(), unknown, None))),
        told(run_now(service.resolve(&context(), unknown, None))),
    ] {
        assert_eq!(
            (answer.0, answer.1),
            ("alert_not_found", ErrorKind::NotFound)
        );
    }
}
