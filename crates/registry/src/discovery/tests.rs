use proptest::prelude::*;
use time::macros::{date, datetime};
use uuid::Uuid;

use super::*;
use crate::samples::{NOW, ctx, model_in};

fn seen(model: &str, provider: Option<&str>, count: u64) -> ObservedModel {
    ObservedModel {
        model: ModelIdentifier::parse(model).unwrap(),
        provider: provider.map(str::to_owned),
        count,
        first_seen_at: NOW - Duration::days(3),
        last_seen_at: NOW - Duration::days(1),
    }
}

fn plan(
    request: DiscoveryRequest,
    observed: &[ObservedModel],
    known: &[RegisteredModel],
) -> Discovery {
    let settings = RegistrySettings::default();
    let mut count = 0;
    let next_id = || {
        count += 1;
        RegisteredModelId::new(Uuid::from_u128(count))
    };
    Discovery::plan(&ctx(), &settings, request, observed, known, next_id)
}

#[test]
fn the_window_is_1_to_365_days_and_opens_on_a_whole_day() {
    for (days, since) in [
        (None, Some(date!(2026 - 02 - 11))),
        (Some(1), Some(date!(2026 - 03 - 12))),
        (Some(30), Some(date!(2026 - 02 - 11))),
        (Some(365), Some(date!(2025 - 03 - 13))),
        (Some(0), None),
        (Some(366), None),
        (Some(-1), None),
        (Some(65_537), None),
        (Some(i64::MAX), None),
    ] {
        match DiscoveryRequest::parse(days, None, None) {
            Ok(request) => assert_eq!(Some(request.since(NOW)), since, "{days:?}"),
            Err(faults) => {
                assert_eq!(since, None, "{days:?}");
                assert_eq!(faults[0].field, "/lookback_days");
                assert_eq!(faults[0].code, "out_of_range");
            }
        }
    }
    let request = DiscoveryRequest::parse(Some(1), None, None).unwrap();
    let elsewhere = datetime!(2026-03-13 01:00 +5);
    assert_eq!(
        request.since(elsewhere),
        date!(2026 - 03 - 11),
        "days are UTC"
    );
}

#[test]
fn the_defaults_are_30_days_tier_4_and_no_dry_run() {
    let request = DiscoveryRequest::parse(None, None, None).unwrap();
    assert_eq!(request, DiscoveryRequest::default());
    assert_eq!(request.lookback_days(), 30);
    assert_eq!(request.auto_assign_tier(), RiskTier::Tier4);
    assert!(!request.dry_run());
    let faults = DiscoveryRequest::parse(Some(0), Some("tier_9"), None).unwrap_err();
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["/lookback_days", "/auto_assign_tier"]);
}

#[test]
fn unregistered_models_become_drafts_and_registered_ones_are_reported() {
    let known = model_in(ValidationStatus::Validated);
    let observed = [seen("claude-3-haiku", None, 4), seen("gpt-4o", None, 7)];
    let request = DiscoveryRequest::parse(None, Some("tier_2"), None).unwrap();
    let discovery = plan(request, &observed, std::slice::from_ref(&known));

    let [created] = discovery.created.as_slice() else {
        panic!("one entry is new");
    };
    assert_eq!(created.model_id.as_str(), "claude-3-haiku");
    assert_eq!(created.display_name, "claude-3-haiku");
    assert_eq!(created.provider, "anthropic");
    assert_eq!(created.risk_tier, RiskTier::Tier2);
    assert_eq!(created.validation_status, ValidationStatus::Draft);
    assert_eq!(created.last_seen_at, Some(observed[0].last_seen_at));

    let report = &discovery.report;
    assert_eq!(
        (report.discovered, report.created, report.existing),
        (2, 1, 1)
    );
    let rows: Vec<_> = report
        .models
        .iter()
        .map(|m| (m.model_id.as_str(), m.status, m.risk_tier, m.request_count))
        .collect();
    assert_eq!(
        rows,
        [
            (
                "claude-3-haiku",
                DiscoveryStatus::Created,
                RiskTier::Tier2,
                4
            ),
            ("gpt-4o", DiscoveryStatus::Existing, RiskTier::Tier3, 7),
        ]
    );
    let existing = &report.models[1];
    assert_eq!(
        existing.provider, known.provider,
        "the entry's own provider"
    );
    assert_eq!(existing.validation_status, ValidationStatus::Validated);
    assert_eq!(existing.first_seen_at, observed[1].first_seen_at);
}

#[test]
fn a_dry_run_reports_what_a_run_would_create() {
    let observed = [seen("claude-3-haiku", None, 4), seen("gpt-4o", None, 7)];
    let known = [model_in(ValidationStatus::Draft)];
    let real = DiscoveryRequest::default();
    let dry = DiscoveryRequest::parse(None, None, Some(true)).unwrap();
    let (real, dry) = (plan(real, &observed, &known), plan(dry, &observed, &known));
    assert!(dry.report.dry_run && !real.report.dry_run);
    assert_eq!(dry.report.created, 1);
    assert_eq!(dry.report.models, real.report.models);
}

#[test]
fn the_identifier_tells_the_provider_before_the_requests_do() {
    for (model, named, provider) in [
        ("gpt-4o", Some("azure"), "openai"),
        ("in-house", Some("self-hosted"), "self-hosted"),
        ("in-house", None, "unknown"),
    ] {
        let observed = [seen(model, named, 1)];
        let discovery = plan(DiscoveryRequest::default(), &observed, &[]);
        assert_eq!(discovery.created[0].provider, provider, "{model} {named:?}");
    }
}

#[test]
fn last_seen_is_brought_up_to_date_and_never_back() {
    let usage = seen("gpt-4o", None, 1);
    let last = usage.last_seen_at;
    for (before, moves) in [
        (None, true),
        (Some(last - Duration::MILLISECOND), true),
        (Some(last), false),
        (Some(last + Duration::MILLISECOND), false),
    ] {
        let mut known = model_in(ValidationStatus::Draft);
        known.last_seen_at = before;
        let id = known.id;
        let observed = std::slice::from_ref(&usage);
        let discovery = plan(DiscoveryRequest::default(), observed, &[known]);
        let expected = LastSeen {
            id,
            before,
            last_seen_at: last,
        };
        let expected: Vec<_> = moves.then_some(expected).into_iter().collect();
        assert_eq!(discovery.seen, expected, "{before:?}");
    }
}

proptest! {
    #[test]
    fn counts_add_up_and_a_second_run_creates_nothing(
        names in proptest::collection::btree_set("[a-z]{1,3}", 0..20),
        registered in 0_usize..20,
    ) {
        let observed: Vec<_> = names.iter().map(|name| seen(name, None, 1)).collect();
        let request = DiscoveryRequest::default();
        let some = &observed[..registered.min(observed.len())];
        let known = plan(request, some, &[]).created;
        let first = plan(request, &observed, &known);
        let report = &first.report;
        prop_assert_eq!(report.discovered, report.created + report.existing);
        prop_assert_eq!(report.models.len(), observed.len());
        prop_assert_eq!(usize::try_from(report.existing).unwrap(), known.len());
        prop_assert_eq!(usize::try_from(report.created).unwrap(), first.created.len());

        let everything: Vec<_> = known.into_iter().chain(first.created).collect();
        let second = plan(request, &observed, &everything);
        prop_assert_eq!(second.report.created, 0);
        prop_assert!(second.created.is_empty() && second.seen.is_empty());
    }
}
