use super::*;
use time::macros::datetime;
use uuid::Uuid;

const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

fn draft() -> SnapshotDraft {
    SnapshotDraft {
        product: Some("sys_01h455vb4pex5vsknk084sn02q".to_owned()),
        drift_score: Some(15.2),
        fairness_score: Some(92.1),
        sample_size: Some(5000),
        ..SnapshotDraft::default()
    }
}

fn parse(draft: SnapshotDraft) -> Result<NewSnapshot, Vec<FieldError>> {
    draft.parse(SnapshotId::new(Uuid::from_u128(7)), NOW, "")
}

fn faults(draft: SnapshotDraft) -> Vec<(String, &'static str)> {
    let found = parse(draft).unwrap_err().into_iter();
    found.map(|fault| (fault.field, fault.code)).collect()
}

#[test]
fn the_least_that_is_required_is_enough() {
    let parsed = parse(draft()).unwrap();
    assert_eq!(parsed.captured_at, NOW);
    assert_eq!(parsed.product.type_id(), "sys_01h455vb4pex5vsknk084sn02q");
    assert_eq!((parsed.psi, parsed.disparate_impact), (None, None));
    assert_eq!(
        parsed.readings().iter().collect::<Vec<_>>(),
        [(MetricKind::Drift, 15.2), (MetricKind::Fairness, 92.1)]
    );
}

#[test]
fn every_missing_field_is_named() {
    assert_eq!(
        faults(SnapshotDraft::default()),
        ["/modelId", "/driftScore", "/fairnessScore", "/sampleSize"]
            .map(|field| (field.to_owned(), "required"))
    );
}

#[test]
fn every_faulty_field_is_named_in_order_under_the_prefix() {
    let all = SnapshotDraft {
        product: Some("mdl_01h455vb4pex5vsknk084sn02q".to_owned()),
        drift_score: Some(f64::NAN),
        fairness_score: Some(100.1),
        psi: Some(-0.1),
        disparate_impact: Some(80.0),
        sample_size: Some(0),
        captured_at: Some(NOW + Duration::hours(1)),
        notes: Some("a\0b".to_owned()),
        recipe: None,
    };
    let found = all.parse(SnapshotId::new(Uuid::nil()), NOW, "/snapshots/3");
    let found: Vec<_> = found.unwrap_err();
    let found: Vec<_> = found
        .iter()
        .map(|one| (one.field.as_str(), one.code))
        .collect();
    assert_eq!(
        found,
        [
            ("/snapshots/3/modelId", "malformed"),
            ("/snapshots/3/driftScore", "out_of_range"),
            ("/snapshots/3/fairnessScore", "out_of_range"),
            ("/snapshots/3/psi", "out_of_range"),
            ("/snapshots/3/disparateImpact", "out_of_range"),
            ("/snapshots/3/sampleSize", "out_of_range"),
            ("/snapshots/3/capturedAt", "in_future"),
            ("/snapshots/3/notes", "control_character"),
        ]
    );
}

#[test]
fn captured_at_may_be_at_most_5_minutes_ahead() {
    let limit = NOW + Duration::minutes(5);
    for (at, accepted) in [
        (limit - Duration::milliseconds(1), true),
        (limit, true),
        (limit + Duration::nanoseconds(1), false),
    ] {
        let draft = SnapshotDraft {
            captured_at: Some(at),
            ..draft()
        };
        assert_eq!(parse(draft).is_ok(), accepted, "{at}");
    }
}

#[test]
fn captured_at_lies_in_the_years_1970_to_9999() {
    for (at, now, code) in [
        (
            datetime!(1969-12-31 23:59:59.999 UTC),
            NOW,
            Some("out_of_range"),
        ),
        (
            datetime!(1970-01-01 00:00 +01:00),
            NOW,
            Some("out_of_range"),
        ),
        (datetime!(1970-01-01 00:00 UTC), NOW, None),
        (datetime!(1969-12-31 23:00 -01:00), NOW, None),
        (
            datetime!(9999-12-31 23:59:59 UTC),
            datetime!(9999-12-31 23:59 UTC),
            None,
        ),
        (
            datetime!(9999-12-31 23:59 -01:00),
            datetime!(9999-12-31 23:59 UTC),
            Some("out_of_range"),
        ),
        (datetime!(9999-12-31 23:59 UTC), NOW, Some("in_future")),
    ] {
        let draft = SnapshotDraft {
            captured_at: Some(at),
            ..draft()
        };
        let parsed = draft.parse(SnapshotId::new(Uuid::nil()), now, "");
        let found = parsed.err().map(|faults| faults[0].code);
        assert_eq!(found, code, "{at}");
    }
}

#[test]
fn captured_at_is_kept_in_utc_with_milliseconds() {
    let draft = SnapshotDraft {
        captured_at: Some(datetime!(2025-01-15 12:30:00.123_999 +02:00)),
        ..draft()
    };
    let at = parse(draft).unwrap().captured_at;
    assert_eq!(at, datetime!(2025-01-15 10:30:00.123 UTC));
    assert!(at.offset().is_utc());
}

#[test]
fn notes_hold_up_to_2000_characters() {
    for (length, accepted) in [(0, true), (1999, true), (2000, true), (2001, false)] {
        let draft = SnapshotDraft {
            notes: Some("ä".repeat(length)),
            ..draft()
        };
        assert_eq!(parse(draft).is_ok(), accepted, "{length}");
    }
}
