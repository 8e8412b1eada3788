use futures_util::FutureExt;
use probity_kernel::{
    Actor, DomainError as _, DomainEvent as _, ErrorKind, IdempotencyClaim, Patch, SystemIds,
};
use proptest::prelude::*;
use serde_json::json;
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::evidence::vocabulary::{MetricStatus, StatusSource};
use crate::evidence::{InMemoryEvidence, derive_status};

const ORGANIZATION: OrganizationId = OrganizationId::new(Uuid::from_u128(1));
const PRODUCT: ProductId = ProductId::new(Uuid::from_u128(2));
const SECOND: ProductId = ProductId::new(Uuid::from_u128(3));
const ARCHIVED: ProductId = ProductId::new(Uuid::from_u128(4));

type Service = EvidenceService<InMemoryEvidence, SystemIds>;

fn service() -> Service {
    let products = [(PRODUCT, false), (SECOND, false), (ARCHIVED, true)];
    let products = products.map(|(product, archived)| (ORGANIZATION, product, archived));
    EvidenceService::new(InMemoryEvidence::new(products), SystemIds::default())
}

fn context() -> Context {
    let now = datetime!(2026-06-29 09:45 UTC);
    Context::new(ORGANIZATION, Actor::System("test"), now)
}

fn now<F: Future>(future: F) -> F::Output {
    future
        .now_or_never()
        .expect("a repository in memory never waits")
}

fn run() -> RunInput {
    RunInput {
        run_name: Some("June retraining".to_owned()),
        run_type: Some("training".to_owned()),
        ..RunInput::default()
    }
}

fn metric() -> MetricInput {
    MetricInput {
        category: Some("fairness".to_owned()),
        metric_name: Some("Parity".to_owned()),
        metric_value: Some(0.03),
        threshold_warning: Some(0.05),
        threshold_critical: Some(0.1),
        ..MetricInput::default()
    }
}

fn faults(error: &EvidenceError) -> Vec<(String, &'static str)> {
    let fields = error.fields();
    fields
        .into_iter()
        .map(|fault| (fault.field, fault.code))
        .collect()
}

#[test]
fn every_fault_of_a_run_is_named_at_once() {
    let ctx = context();
    let input = RunInput {
        run_name: Some(" ".to_owned()),
        run_type: Some("Training".to_owned()),
        status: Some("done".to_owned()),
        training_samples: Some(-1),
        test_samples: Some((1 << 53) + 1),
        duration_seconds: Some(f64::NAN),
        notes: Some("x".repeat(10_001)),
        environment: Some("a\u{0}".to_owned()),
        completed_at: Some(ctx.now + Duration::minutes(6)),
        ..RunInput::default()
    };
    let error = now(service().record_run(&ctx, PRODUCT, input)).unwrap_err();
    let mut found = faults(&error);
    found.sort();
    assert_eq!(
        found,
        [
            ("/completed_at", "in_future"),
            ("/duration_seconds", "out_of_range"),
            ("/environment", "control_character"),
            ("/notes", "too_long"),
            ("/run_name", "too_short"),
            ("/run_type", "unknown_value"),
            ("/status", "unknown_value"),
            ("/test_samples", "out_of_range"),
            ("/training_samples", "out_of_range"),
        ]
        .map(|(field, code)| (field.to_owned(), code))
    );
    let empty = now(service().record_run(&ctx, PRODUCT, RunInput::default())).unwrap_err();
    assert_eq!(
        faults(&empty),
        [("/run_name", "required"), ("/run_type", "required")]
            .map(|(field, code)| (field.to_owned(), code))
    );
}

#[test]
fn instants_state_facts_and_stand_in_order() {
    let ctx = context();
    let ahead = |minutes| Some(ctx.now + Duration::minutes(minutes));
    for (status, started, completed, field) in [
        ("completed", ahead(-2), ahead(-1), None),
        ("completed", ahead(-1), ahead(-1), None),
        ("completed", ahead(-1), ahead(-2), Some("/completed_at")),
        ("completed", None, ahead(5), None),
        ("completed", None, ahead(6), Some("/completed_at")),
        ("running", ahead(6), None, Some("/started_at")),
        ("pending", ahead(60), None, None),
    ] {
        let input = RunInput {
            status: Some(status.to_owned()),
            started_at: started,
            completed_at: completed,
            ..run()
        };
        let outcome = now(service().record_run(&ctx, PRODUCT, input));
        let found = outcome.err().map(|error| faults(&error)[0].0.clone());
        assert_eq!(
            found.as_deref(),
            field,
            "{status} {started:?} {completed:?}"
        );
    }
}

#[test]
fn evidence_counts_from_when_it_came_about() {
    let ctx = context();
    let ago = |hours| Some(ctx.now - Duration::hours(hours));
    for (started, completed, expected) in [
        (ago(2), ago(1), ago(1)),
        (ago(2), None, ago(2)),
        (None, None, Some(ctx.now)),
    ] {
        let input = RunInput {
            started_at: started,
            completed_at: completed,
            ..run()
        };
        let run = now(service().record_run(&ctx, PRODUCT, input)).unwrap();
        assert_eq!(Some(run.effective_at()), expected);
    }
    let mut input = metric();
    input.measured_at = ago(9);
    let measured = now(service().record_metric(&ctx, PRODUCT, input)).unwrap();
    assert_eq!(Some(measured.effective_at()), ago(9));
    let unmeasured = now(service().record_metric(&ctx, PRODUCT, metric())).unwrap();
    assert_eq!(unmeasured.effective_at(), ctx.now);
}

#[test]
fn a_patch_clears_with_null_and_leaves_alone_what_it_does_not_hold() {
    let (service, ctx) = (service(), context());
    let input = RunInput {
        notes: Some("kept".to_owned()),
        dataset_name: Some("claims".to_owned()),
        ..run()
    };
    let run = now(service.record_run(&ctx, PRODUCT, input)).unwrap();
    let patch = RunPatch {
        dataset_name: Patch::Null,
        status: Patch::Value("completed".to_owned()),
        ..RunPatch::default()
    };
    let next = now(service.update_run(&ctx, PRODUCT, run.id, patch.clone(), None)).unwrap();
    assert_eq!(next.fields.dataset_name, None);
    assert_eq!(next.fields.notes.as_deref(), Some("kept"));
    assert_eq!(next.version, run.version.next());
    let again = now(service.update_run(&ctx, PRODUCT, run.id, patch, None)).unwrap();
    assert_eq!(again, next, "what is known already changes nothing");
    let patch = RunPatch {
        run_name: Patch::Null,
        is_deployed: Patch::Null,
        ..RunPatch::default()
    };
    let error = now(service.update_run(&ctx, PRODUCT, run.id, patch, None)).unwrap_err();
    assert_eq!(
        faults(&error),
        [
            ("/run_name", "not_nullable"),
            ("/is_deployed", "not_nullable")
        ]
        .map(|(field, code)| (field.to_owned(), code))
    );
    let stale = service.update_run(
        &ctx,
        PRODUCT,
        run.id,
        RunPatch::default(),
        Some(run.version),
    );
    assert_eq!(
        now(stale).unwrap_err().kind(),
        ErrorKind::PreconditionFailed
    );
}

#[test]
fn a_deployment_tells_whom_it_replaced() {
    let (service, ctx) = (service(), context());
    let mut input = run();
    input.is_deployed = Some(true);
    let first = now(service.record_run(&ctx, PRODUCT, input)).unwrap();
    let second = now(service.record_run(&ctx, PRODUCT, run())).unwrap();
    let patch = RunPatch {
        is_deployed: Patch::Value(true),
        ..RunPatch::default()
    };
    now(service.update_run(&ctx, PRODUCT, second.id, patch, None)).unwrap();
    let events = service.repository().events();
    let event = events.last().unwrap();
    assert_eq!(event.name(), "training_run.deployed");
    assert_eq!(
        event.detail()["replaced"],
        json!([{"id": first.id.to_string(), "is_deployed": {"before": true, "after": false}}])
    );
    let published = event.publications();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].product, Some(PRODUCT));
    assert_eq!(
        published[0].payload["replaced_run_ids"],
        json!([first.id.to_string()])
    );
    let recorded: Vec<_> = events[0]
        .publications()
        .iter()
        .map(|one| one.event_type)
        .collect();
    assert_eq!(recorded, ["training_run.recorded", "training_run.deployed"]);
}

#[test]
fn the_record_holds_no_free_text() {
    let (service, ctx) = (service(), context());
    let mut input = run();
    input.notes = Some("call Bob".to_owned());
    input.random_seed = Some(i64::MAX);
    let secret = json!({"api_token": "hunter2"});
    input.hyperparameters = secret.as_object().cloned();
    now(service.record_run(&ctx, PRODUCT, input)).unwrap();
    let event = RuntimeEventInput {
        event_type: Some("guardrail_trigger".to_owned()),
        severity: Some("low".to_owned()),
        summary: Some("call Bob".to_owned()),
        event_metadata: secret.as_object().cloned(),
        ..RuntimeEventInput::default()
    };
    now(service.record_runtime_event(&ctx, PRODUCT, event)).unwrap();
    for event in service.repository().events() {
        let told = format!("{} {:?}", event.detail(), event.publications());
        assert!(!told.contains("Bob") && !told.contains("hunter2"), "{told}");
        assert!(told.contains("sha256:"), "{told}");
    }
}

#[test]
fn thresholds_tell_their_direction() {
    use MetricStatus::{Critical, Healthy, NotAvailable, Warning};
    for (value, warning, critical, expected) in [
        (Some(0.05), Some(0.05), Some(0.1), Healthy),
        (Some(0.050_1), Some(0.05), Some(0.1), Warning),
        (Some(0.1), Some(0.05), Some(0.1), Warning),
        (Some(0.2), Some(0.05), Some(0.1), Critical),
        (Some(0.9), Some(0.9), Some(0.8), Healthy),
        (Some(0.85), Some(0.9), Some(0.8), Warning),
        (Some(0.7), Some(0.9), Some(0.8), Critical),
        (None, Some(0.05), Some(0.1), NotAvailable),
        (Some(0.2), None, Some(0.1), NotAvailable),
        (Some(0.2), Some(0.1), None, NotAvailable),
        (Some(0.2), Some(0.1), Some(0.1), NotAvailable),
    ] {
        assert_eq!(
            derive_status(value, warning, critical),
            expected,
            "{value:?}"
        );
    }
}

#[test]
fn a_derived_status_follows_the_value_and_a_given_one_stays() {
    let (service, ctx) = (service(), context());
    let worse = || MetricInput {
        metric_value: Some(0.5),
        ..MetricInput::default()
    };
    let derived = now(service.record_metric(&ctx, PRODUCT, metric())).unwrap();
    assert_eq!(derived.fields.status, MetricStatus::Healthy);
    assert_eq!(derived.fields.status_source, StatusSource::Derived);
    let next = now(service.update_metric(&ctx, PRODUCT, derived.id, worse(), None)).unwrap();
    assert_eq!(next.fields.status, MetricStatus::Critical);
    let input = MetricInput {
        status: Some("warning".to_owned()),
        ..metric()
    };
    let given = now(service.record_metric(&ctx, PRODUCT, input)).unwrap();
    let next = now(service.update_metric(&ctx, PRODUCT, given.id, worse(), None)).unwrap();
    assert_eq!(
        next.fields.status,
        MetricStatus::Warning,
        "omitted fields are unchanged"
    );
    assert_eq!(next.fields.threshold_critical, Some(0.1));
}

#[test]
fn an_attestation_falls_with_what_was_attested() {
    let (service, ctx) = (service(), context());
    let attested = || {
        let metric = now(service.record_metric(&ctx, PRODUCT, metric())).unwrap();
        let attested = now(service.attest_metric(&ctx, PRODUCT, metric.id, None)).unwrap();
        let word = attested.attestation.clone().unwrap();
        assert_eq!((word.at, word.by.as_str()), (ctx.now, "system:test"));
        attested
    };
    let text = |text: &str| Some(text.to_owned());
    for (patch, stands) in [
        (
            MetricInput {
                notes: text("n"),
                ..MetricInput::default()
            },
            true,
        ),
        (
            MetricInput {
                external_url: text("https://example.com/x"),
                ..MetricInput::default()
            },
            true,
        ),
        (
            MetricInput {
                metric_value: Some(0.04),
                ..MetricInput::default()
            },
            false,
        ),
        (
            MetricInput {
                threshold_critical: Some(0.2),
                ..MetricInput::default()
            },
            false,
        ),
        (
            MetricInput {
                status: text("warning"),
                ..MetricInput::default()
            },
            false,
        ),
        (
            MetricInput {
                methodology: text("m"),
                ..MetricInput::default()
            },
            false,
        ),
    ] {
        let metric = attested();
        let told = format!("{patch:?}");
        let next = now(service.update_metric(&ctx, PRODUCT, metric.id, patch, None)).unwrap();
        assert_eq!(next.attestation.is_some(), stands, "{told}");
    }
}

#[test]
fn addresses_a_browser_should_not_follow_are_refused() {
    for (address, good) in [
        ("https://example.com/a", true),
        ("http://example.internal/", true),
        ("javascript:alert(1)", false),
        ("https://", false),
        ("https://a b", false),
        ("ftp://example.com", false),
    ] {
        let mut input = metric();
        input.external_url = Some(address.to_owned());
        assert_eq!(input.parse(context().now).is_ok(), good, "{address}");
    }
}

#[test]
fn archived_and_unknown_products_take_no_evidence() {
    let (service, ctx) = (service(), context());
    let error = now(service.record_run(&ctx, ARCHIVED, run())).unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Conflict, "product_archived")
    );
    let unknown = ProductId::new(Uuid::from_u128(99));
    let error = now(service.record_run(&ctx, unknown, run())).unwrap_err();
    assert_eq!(error.code(), "product_not_found");
}

#[test]
fn a_key_that_was_spent_on_another_product_is_another_request() {
    let service = service();
    let claim = IdempotencyClaim {
        scope: "key POST /products/{product_id}/training-runs".to_owned(),
        key: "once".to_owned(),
        fingerprint: [7; 32],
    };
    let ctx = context().with_idempotency(Some(claim));
    let first = now(service.record_run(&ctx, PRODUCT, run())).unwrap();
    let again = now(service.record_run(&ctx, PRODUCT, run())).unwrap();
    assert_eq!(again, first);
    let other = now(service.record_run(&ctx, SECOND, run())).unwrap_err();
    assert_eq!(other.code(), "idempotency_key_reused");
}

proptest! {
    #[test]
    fn what_was_checked_is_accepted_again(
        name in "\\PC{1,20}", value in proptest::option::of(-1e300..1e300_f64),
        warning in proptest::option::of(-1.0..1.0_f64), critical in proptest::option::of(-1.0..1.0_f64),
    ) {
        let input = MetricInput {
            category: Some("drift".to_owned()), metric_name: Some(name), metric_value: value,
            threshold_warning: warning, threshold_critical: critical, ..MetricInput::default()
        };
        if let Ok(fields) = input.parse(context().now) {
            let again = MetricInput::from(fields.clone()).parse(context().now);
            prop_assert_eq!(again, Ok(fields.clone()));
            let patched = MetricInput::default().over(&fields).parse(context().now);
            prop_assert_eq!(patched, Ok(fields));
        }
    }
}
