use super::*;
use crate::samples::{model_in, value};
use crate::testing::fixture;

fn faults(errors: &[FieldError]) -> Vec<(&str, &str)> {
    let pairs = errors
        .iter()
        .map(|fault| (fault.field.as_str(), fault.code));
    pairs.collect()
}

fn text(length: usize) -> String {
    "ß".repeat(length)
}

fn tags(count: usize) -> BTreeMap<String, String> {
    (0..count)
        .map(|n| (format!("key-{n}"), String::new()))
        .collect()
}

#[test]
fn a_minimal_entry_gets_the_defaults() {
    let new = NewModel::parse(fixture("gpt-4o")).unwrap();
    assert_eq!(new.model_id.as_str(), "gpt-4o");
    assert_eq!(new.validation_status, ValidationStatus::Draft);
    assert_eq!(new.technique, ModelTechnique::Unspecified);
    assert_eq!(new.risk_tier, RiskTier::Tier3);
    assert_eq!(new.tags, Tags::default());
    assert_eq!(
        (new.display_name, new.owner, new.description),
        (None, None, None)
    );
    assert_eq!((new.exposure, new.purpose), (None, None));
}

#[test]
fn an_empty_entry_lacks_the_required_fields() {
    let errors = NewModel::parse(NewModelInput::default()).unwrap_err();
    let required = ["/model_id", "/provider", "/risk_tier"].map(|field| (field, "required"));
    assert_eq!(faults(&errors), required);
}

#[test]
fn every_faulty_field_of_an_entry_is_found_at_once() {
    let input = NewModelInput {
        model_id: Some(String::new()),
        provider: Some(text(129)),
        display_name: Some("two\nlines".to_owned()),
        risk_tier: Some("TIER_1".to_owned()),
        validation_status: Some("approved".to_owned()),
        owner: Some(" ".to_owned()),
        description: Some("nul \0".to_owned()),
        tags: Some(
            [("a/b", "line\nbreak"), ("", "x")]
                .map(|(k, v)| (k.into(), v.into()))
                .into(),
        ),
        exposure: Some("extreme".to_owned()),
        purpose: Some(String::new()),
        technique: Some("magic".to_owned()),
    };
    let errors = NewModel::parse(input).unwrap_err();
    assert_eq!(
        faults(&errors),
        [
            ("/model_id", "too_short"),
            ("/provider", "too_long"),
            ("/display_name", "control_character"),
            ("/owner", "too_short"),
            ("/description", "control_character"),
            ("/risk_tier", "unknown_value"),
            ("/validation_status", "unknown_value"),
            ("/tags/", "too_short"),
            ("/tags/a~1b", "control_character"),
            ("/exposure", "unknown_value"),
            ("/purpose", "unknown_value"),
            ("/technique", "unknown_value"),
        ]
    );
    let status = errors
        .iter()
        .find(|fault| fault.field == "/validation_status")
        .unwrap();
    assert_eq!(
        status.message,
        "must be one of: draft, pending_validation, in_validation, needs_remediation, validated, \
         deprecated"
    );
}

#[test]
fn texts_fit_up_to_their_limits_in_characters() {
    type Set = fn(&mut NewModelInput, Option<String>);
    let limits: [(&str, usize, Set); 5] = [
        ("/model_id", 256, |input, text| {
            input.model_id = text;
        }),
        ("/provider", 128, |input, text| {
            input.provider = text;
        }),
        ("/display_name", 256, |input, text| {
            input.display_name = text;
        }),
        ("/owner", 320, |input, text| {
            input.owner = text;
        }),
        ("/description", 10_000, |input, text| {
            input.description = text;
        }),
    ];
    for (field, limit, set) in limits {
        for (length, fits) in [(1, true), (limit, true), (limit + 1, false)] {
            let mut input = fixture("gpt-4o");
            set(&mut input, Some(text(length)));
            match NewModel::parse(input) {
                Ok(_) => assert!(fits, "{field} of {length}"),
                Err(errors) => {
                    assert!(!fits, "{field} of {length}");
                    assert_eq!(faults(&errors), [(field, "too_long")]);
                }
            }
        }
    }
    let mut longest = fixture("");
    longest.model_id = Some(text(256));
    assert!(
        NewModel::parse(longest).is_ok(),
        "an identifier fits as a name"
    );
}

#[test]
fn tags_fit_up_to_their_limits() {
    let with = |key: usize, value: usize| {
        let pair = ("k".repeat(key), "v".repeat(value));
        Tags::parse([pair].into())
    };
    assert!(with(1, 0).is_ok() && with(128, 1024).is_ok());
    assert_eq!(faults(&with(129, 0).unwrap_err())[0].1, "too_long");
    assert_eq!(
        faults(&with(1, 1025).unwrap_err()),
        [("/tags/k", "too_long")]
    );
    assert_eq!(Tags::parse(tags(64)).unwrap().as_map().len(), 64);
    assert_eq!(
        faults(&Tags::parse(tags(65)).unwrap_err()),
        [("/tags", "too_many")]
    );
    assert!(Tags::parse(tags(0)).is_ok());
}

#[test]
fn an_absent_field_stays_and_null_clears_owner_and_description_only() {
    let empty = ModelPatch::parse(ModelPatchInput::default()).unwrap();
    assert_eq!(empty, ModelPatch::default());
    let cleared = ModelPatchInput {
        owner: Patch::Null,
        description: Patch::Null,
        ..ModelPatchInput::default()
    };
    let cleared = ModelPatch::parse(cleared).unwrap();
    assert_eq!(
        (cleared.owner, cleared.description),
        (Some(None), Some(None))
    );

    let nulls = ModelPatchInput {
        provider: Patch::Null,
        display_name: Patch::Null,
        risk_tier: Patch::Null,
        validation_status: Patch::Null,
        owner: Patch::Null,
        description: Patch::Null,
        tags: Patch::Null,
        exposure: Patch::Null,
        purpose: Patch::Null,
        technique: Patch::Null,
    };
    let errors = ModelPatch::parse(nulls).unwrap_err();
    let fields = [
        "/provider",
        "/display_name",
        "/risk_tier",
        "/validation_status",
        "/tags",
        "/exposure",
        "/purpose",
        "/technique",
    ];
    assert_eq!(faults(&errors), fields.map(|field| (field, "not_nullable")));
}

#[test]
fn every_faulty_field_of_a_patch_is_found_at_once() {
    let input = ModelPatchInput {
        provider: value(""),
        display_name: value("a\tb"),
        risk_tier: value("1"),
        validation_status: value("Draft"),
        owner: Patch::Value("o".repeat(321)),
        description: value("\u{7}"),
        tags: Patch::Value(tags(65)),
        exposure: value("HIGH"),
        purpose: value("none"),
        technique: value("ml"),
    };
    let errors = ModelPatch::parse(input).unwrap_err();
    assert_eq!(
        faults(&errors),
        [
            ("/provider", "too_short"),
            ("/display_name", "control_character"),
            ("/owner", "too_long"),
            ("/description", "control_character"),
            ("/risk_tier", "unknown_value"),
            ("/validation_status", "unknown_value"),
            ("/tags", "too_many"),
            ("/exposure", "unknown_value"),
            ("/purpose", "unknown_value"),
            ("/technique", "unknown_value"),
        ]
    );
}

#[test]
fn a_patch_replaces_the_whole_map_of_tags() {
    let mut model = model_in(ValidationStatus::Draft);
    model.tags = Tags::parse(tags(3)).unwrap();
    let with = |map: BTreeMap<String, String>| {
        let input = ModelPatchInput {
            tags: Patch::Value(map),
            ..ModelPatchInput::default()
        };
        ModelPatch::parse(input)
            .unwrap()
            .applied_to(model.clone())
            .tags
    };
    let other = || BTreeMap::from([("other".to_owned(), "x".to_owned())]);
    assert_eq!(with(other()).as_map(), &other());
    assert!(with(BTreeMap::new()).as_map().is_empty());
}
