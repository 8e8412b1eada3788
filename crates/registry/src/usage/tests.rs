use proptest::prelude::*;
use time::macros::{date, datetime};

use super::*;
use crate::samples::NOW;

fn request(model: &str, provider: Option<&str>, at: OffsetDateTime) -> AiRequest {
    AiRequest::parse(model, provider, at, at).unwrap()
}

#[test]
fn requests_are_grouped_by_utc_day_model_and_provider() {
    let requests = [
        request("b", None, datetime!(2026-03-13 23:59:59.999 UTC)),
        request("b", None, datetime!(2026-03-14 00:00 UTC)),
        request("a", Some("Acme"), datetime!(2026-03-14 01:00 +2)),
        request("a", Some("acme"), datetime!(2026-03-13 08:00 UTC)),
        request("a", None, datetime!(2026-03-13 09:00 UTC)),
    ];
    let deltas = by_day(&requests);
    let rows: Vec<_> = deltas
        .iter()
        .map(|d| (d.day, d.model.as_str(), d.provider.as_deref(), d.count))
        .collect();
    assert_eq!(
        rows,
        [
            (date!(2026 - 03 - 13), "a", None, 1),
            (date!(2026 - 03 - 13), "a", Some("acme"), 2),
            (date!(2026 - 03 - 13), "b", None, 1),
            (date!(2026 - 03 - 14), "b", None, 1),
        ]
    );
    let acme = &deltas[1];
    assert_eq!(acme.first_seen_at, datetime!(2026-03-13 08:00 UTC));
    assert_eq!(acme.last_seen_at, datetime!(2026-03-13 23:00 UTC));
    assert!(by_day(&[]).is_empty());
}

#[test]
fn a_request_may_run_five_minutes_ahead() {
    for (ahead, fits) in [
        (Duration::days(-4000), true),
        (Duration::ZERO, true),
        (CLOCK_SKEW, true),
        (CLOCK_SKEW + Duration::MILLISECOND, false),
    ] {
        let parsed = AiRequest::parse("m", None, NOW + ahead, NOW);
        assert_eq!(parsed.is_ok(), fits, "{ahead}");
    }
}

#[test]
fn every_faulty_field_of_a_request_is_found_at_once() {
    let later = NOW + Duration::HOUR;
    let faults = AiRequest::parse("", Some("\n"), later, NOW).unwrap_err();
    let faults: Vec<_> = faults.iter().map(|f| (f.field.as_str(), f.code)).collect();
    assert_eq!(
        faults,
        [
            ("/model", "too_short"),
            ("/provider", "too_short"),
            ("/occurred_at", "out_of_range"),
        ]
    );
}

#[test]
fn a_request_keeps_its_instant_in_utc_with_milliseconds() {
    let fine = datetime!(2026-03-13 01:00:00.123_999_999 +2);
    let request = AiRequest::parse("m", Some("Azure AI"), fine, NOW).unwrap();
    assert_eq!(
        request.occurred_at(),
        datetime!(2026-03-12 23:00:00.123 UTC)
    );
    assert_eq!(request.occurred_at().offset(), UtcOffset::UTC);
    assert_eq!(request.provider(), Some("azure ai"));
    assert_eq!(request.model().as_str(), "m");
}

fn delta(model: &str, provider: Option<&str>, count: u64) -> UsageDelta {
    UsageDelta {
        day: NOW.date(),
        model: ModelIdentifier::parse(model).unwrap(),
        provider: provider.map(str::to_owned),
        count,
        first_seen_at: NOW,
        last_seen_at: NOW,
    }
}

#[test]
fn the_provider_of_most_requests_leads_and_silence_never_does() {
    for (deltas, leading) in [
        (vec![delta("m", None, 9)], None),
        (
            vec![delta("m", None, 9), delta("m", Some("b"), 1)],
            Some("b"),
        ),
        (
            vec![delta("m", Some("b"), 1), delta("m", Some("a"), 1)],
            Some("a"),
        ),
        (
            vec![delta("m", Some("a"), 1), delta("m", Some("b"), 2)],
            Some("b"),
        ),
        (
            vec![
                delta("m", Some("a"), 2),
                delta("m", Some("b"), 3),
                delta("m", None, 100),
                delta("m", Some("a"), 2),
            ],
            Some("a"),
        ),
    ] {
        let total: u64 = deltas.iter().map(|delta| delta.count).sum();
        let models = roll_up(deltas);
        assert_eq!(models.len(), 1);
        assert_eq!(models[0].provider.as_deref(), leading);
        assert_eq!(models[0].count, total);
    }
}

#[test]
fn counts_saturate() {
    let models = roll_up([delta("m", None, u64::MAX), delta("m", Some("a"), 1)]);
    assert_eq!(models[0].count, u64::MAX);
}

prop_compose! {
    fn any_request()(
        model in "[a-cA-C]",
        provider in proptest::option::of("[xy]"),
        seconds in 0_i64..400_000,
    ) -> AiRequest {
        let at = OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap();
        request(&model, provider.as_deref(), at)
    }
}

proptest! {
    #[test]
    fn no_request_is_lost_or_counted_twice(
        requests in proptest::collection::vec(any_request(), 0..60),
    ) {
        let deltas = by_day(&requests);
        let count = |model: &ModelIdentifier| {
            requests.iter().filter(|request| request.model() == model).count()
        };
        for usage in roll_up(deltas.clone()) {
            prop_assert_eq!(usize::try_from(usage.count).unwrap(), count(&usage.model));
            let instants = || requests.iter()
                .filter(|request| *request.model() == usage.model)
                .map(AiRequest::occurred_at);
            prop_assert_eq!(Some(usage.first_seen_at), instants().min());
            prop_assert_eq!(Some(usage.last_seen_at), instants().max());
        }
        let total: u64 = deltas.iter().map(|delta| delta.count).sum();
        prop_assert_eq!(usize::try_from(total).unwrap(), requests.len());
        prop_assert!(deltas.iter().all(|delta| delta.first_seen_at.date() == delta.day
            && delta.last_seen_at.date() == delta.day));
    }

    #[test]
    fn the_order_and_the_batches_of_requests_make_no_difference(
        mut requests in proptest::collection::vec(any_request(), 0..60),
        cut in 0_usize..60,
    ) {
        let whole = roll_up(by_day(&requests));
        requests.reverse();
        let cut = cut.min(requests.len());
        let (left, right) = requests.split_at(cut);
        let batches = by_day(left).into_iter().chain(by_day(right));
        let batches = roll_up(batches);
        prop_assert!(batches.is_sorted_by(|a, b| a.model < b.model));
        prop_assert_eq!(batches, whole);
    }
}
