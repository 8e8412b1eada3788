use probity_kernel::{ApiKeyId, UserId};
use proptest::prelude::*;
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::input::{ModelPatch, ModelPatchInput, NewModel, Patch};
use crate::profile::{Exposure, ModelTechnique, ProfileId, Purpose};
use crate::repository::ModelWrite;
use crate::samples::{NOW, ctx, ctx_at, model_id, model_in, new_model, patch, status_patch, value};
use crate::tier::RiskTier;

fn updated(
    model: RegisteredModel,
    ctx: &Context,
    settings: &RegistrySettings,
    patch: ModelPatch,
) -> Result<RegisteredModel, RegistryError> {
    let (_, write, _) = model.update(ctx, settings, patch)?.into_parts();
    let ModelWrite::Update { next, .. } = write else {
        panic!("an update gives an update");
    };
    Ok(*next)
}

fn months(count: i64) -> Months {
    Months::new(count).unwrap()
}

#[test]
fn months_are_calendar_months_clamped_to_the_last_day() {
    for (from, count, to) in [
        (
            datetime!(2026-03-13 09:00 UTC),
            12,
            datetime!(2027-03-13 09:00 UTC),
        ),
        (
            datetime!(2026-01-31 00:00 UTC),
            1,
            datetime!(2026-02-28 00:00 UTC),
        ),
        (
            datetime!(2024-01-31 00:00 UTC),
            1,
            datetime!(2024-02-29 00:00 UTC),
        ),
        (
            datetime!(2024-02-29 12:00 UTC),
            12,
            datetime!(2025-02-28 12:00 UTC),
        ),
        (
            datetime!(2024-02-29 12:00 UTC),
            48,
            datetime!(2028-02-29 12:00 UTC),
        ),
        (
            datetime!(2026-08-31 23:59:59.999 UTC),
            18,
            datetime!(2028-02-29 23:59:59.999 UTC),
        ),
        (
            datetime!(2026-12-31 00:00 UTC),
            1,
            datetime!(2027-01-31 00:00 UTC),
        ),
        (
            datetime!(2026-12-01 00:00 UTC),
            120,
            datetime!(2036-12-01 00:00 UTC),
        ),
        (
            datetime!(2026-03-31 23:30 -2),
            1,
            datetime!(2026-05-01 01:30 UTC),
        ),
        (
            datetime!(9999-06-30 00:00 UTC),
            120,
            datetime!(9999-06-30 00:00 UTC),
        ),
    ] {
        assert_eq!(
            add_months(from, months(count)),
            to,
            "{from} + {count} months"
        );
    }
}

proptest! {
    #[test]
    fn adding_months_keeps_time_and_order(
        seconds in 0_i64..4_000_000_000,
        later in 0_i64..4_000_000,
        count in 1_i64..=120,
    ) {
        let instant = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let sum = add_months(instant, months(count));
        let place = |at: OffsetDateTime| at.year() * 12 + i32::from(u8::from(at.month()));
        prop_assert_eq!(i64::from(place(sum) - place(instant)), count);
        prop_assert_eq!(sum.time(), instant.time());
        prop_assert!(sum.day() == instant.day()
            || (sum.day() < instant.day() && sum.day() == sum.month().length(sum.year())));
        let after = instant + Duration::seconds(later);
        prop_assert!(add_months(after, months(count)).date() >= sum.date());
    }
}

#[test]
fn becoming_validated_stamps_by_tier() {
    for (tier, expires) in [
        (RiskTier::Tier1, datetime!(2027-03-13 09:00:00.123 UTC)),
        (RiskTier::Tier2, datetime!(2027-09-13 09:00:00.123 UTC)),
        (RiskTier::Tier3, datetime!(2028-03-13 09:00:00.123 UTC)),
        (RiskTier::Tier4, datetime!(2029-03-13 09:00:00.123 UTC)),
    ] {
        let model = RegisteredModel {
            risk_tier: tier,
            revalidation_due: true,
            ..model_in(ValidationStatus::InValidation)
        };
        let to = status_patch(ValidationStatus::Validated);
        let next = updated(model, &ctx(), &RegistrySettings::default(), to).unwrap();
        assert_eq!(next.validated_at, Some(NOW));
        assert_eq!(next.validation_expires_at, Some(expires), "{tier}");
        assert!(!next.revalidation_due);
    }
}

#[test]
fn the_tier_set_with_the_validation_decides_how_long_it_lasts() {
    let to = ModelPatch {
        risk_tier: Some(RiskTier::Tier1),
        ..status_patch(ValidationStatus::Validated)
    };
    let model = model_in(ValidationStatus::InValidation);
    let next = updated(model, &ctx(), &RegistrySettings::default(), to).unwrap();
    let expires = datetime!(2027-03-13 09:00:00.123 UTC);
    assert_eq!(next.validation_expires_at, Some(expires));
    assert!(!next.revalidation_due);
}

#[test]
fn an_import_as_validated_is_stamped_and_one_as_anything_else_is_not() {
    for status in ValidationStatus::ALL {
        let model = model_in(*status);
        let stamped = *status == ValidationStatus::Validated;
        assert_eq!(model.validated_at, stamped.then_some(NOW), "{status}");
        assert_eq!(model.validation_expires_at.is_some(), stamped, "{status}");
    }
}

#[test]
fn raising_the_tier_of_a_validated_model_calls_for_revalidation() {
    for status in ValidationStatus::ALL {
        for tier in RiskTier::ALL {
            let patch = ModelPatch {
                risk_tier: Some(*tier),
                ..ModelPatch::default()
            };
            let settings = RegistrySettings::default();
            let before = model_in(*status);
            let next = updated(before.clone(), &ctx(), &settings, patch).unwrap();
            let expected = *status == ValidationStatus::Validated && *tier < RiskTier::Tier3;
            assert_eq!(next.revalidation_due, expected, "{status}, to {tier}");
            assert_eq!(next.validated_at, before.validated_at);
            assert_eq!(next.validation_expires_at, before.validation_expires_at);
        }
    }
}

#[test]
fn a_tier_raised_while_the_model_leaves_validated_still_counts() {
    let settings = RegistrySettings::default();
    for (from, to, due) in [
        (
            ValidationStatus::Validated,
            ValidationStatus::PendingValidation,
            true,
        ),
        (
            ValidationStatus::Validated,
            ValidationStatus::NeedsRemediation,
            true,
        ),
        (
            ValidationStatus::InValidation,
            ValidationStatus::PendingValidation,
            false,
        ),
    ] {
        let patch = ModelPatch {
            risk_tier: Some(RiskTier::Tier1),
            ..status_patch(to)
        };
        let next = updated(model_in(from), &ctx(), &settings, patch).unwrap();
        assert_eq!(next.revalidation_due, due, "{from} -> {to}");
    }
}

#[test]
fn leaving_validated_keeps_the_stamps_as_history_until_the_next_validation() {
    let settings = RegistrySettings::default();
    let first = model_in(ValidationStatus::Validated);
    let later = ctx_at(NOW + Duration::days(400));
    let mut model = first.clone();
    for status in [
        ValidationStatus::PendingValidation,
        ValidationStatus::InValidation,
    ] {
        model = updated(model, &later, &settings, status_patch(status)).unwrap();
        assert_eq!(model.validated_at, first.validated_at);
        assert_eq!(model.validation_expires_at, first.validation_expires_at);
    }
    let to = status_patch(ValidationStatus::Validated);
    model = updated(model, &later, &settings, to).unwrap();
    assert_eq!(model.validated_at, Some(later.now));
    assert!(model.validation_expires_at > first.validation_expires_at);
}

#[test]
fn keeping_validated_renews_nothing() {
    let model = model_in(ValidationStatus::Validated);
    let later = ctx_at(NOW + Duration::days(400));
    let to = ModelPatch {
        description: Some(Some("same status, other words".to_owned())),
        ..status_patch(ValidationStatus::Validated)
    };
    let next = updated(model.clone(), &later, &RegistrySettings::default(), to).unwrap();
    assert_eq!(next.validated_at, model.validated_at);
    assert_eq!(next.validation_expires_at, model.validation_expires_at);
}

#[test]
fn a_validation_expires_at_its_instant_and_only_while_it_counts() {
    let settings = RegistrySettings::default();
    let model = model_in(ValidationStatus::Validated);
    let end = model.validation_expires_at.unwrap();
    for (now, expired) in [
        (end - Duration::MILLISECOND, false),
        (end, true),
        (end + Duration::MILLISECOND, true),
    ] {
        let standing = model.standing(&settings, now);
        assert_eq!(standing.validation_expired, expired, "{now}");
        assert_eq!(standing.revalidation_due, expired, "{now}");
    }
    for status in ValidationStatus::ALL {
        let model = RegisteredModel {
            validation_status: *status,
            ..model.clone()
        };
        let expired = model.standing(&settings, end).validation_expired;
        assert_eq!(expired, *status == ValidationStatus::Validated, "{status}");
        let flagged = RegisteredModel {
            revalidation_due: true,
            ..model
        };
        assert!(flagged.standing(&settings, NOW).revalidation_due);
    }
}

fn sr_26_2() -> RegistrySettings {
    RegistrySettings {
        profile: ProfileId::Sr26_2,
        ..RegistrySettings::default()
    }
}

fn assessed(
    exposure: Option<Exposure>,
    purpose: Option<Purpose>,
    technique: ModelTechnique,
) -> RegisteredModel {
    RegisteredModel {
        exposure,
        purpose,
        technique,
        ..model_in(ValidationStatus::InValidation)
    }
}

#[test]
fn sr_26_2_validates_by_materiality_and_by_tier_where_there_is_none() {
    use ModelTechnique::{Agentic, Generative, MachineLearning, Statistical, Unspecified};
    let high = (Some(Exposure::High), Some(Purpose::High));
    let medium = (Some(Exposure::Medium), Some(Purpose::Medium));
    let low = (Some(Exposure::Low), Some(Purpose::Low));
    for ((exposure, purpose), technique, lasts) in [
        (high, Statistical, 12),
        (medium, MachineLearning, 24),
        (low, Unspecified, 36),
        ((Some(Exposure::High), None), Statistical, 30),
        ((None, Some(Purpose::High)), Statistical, 30),
        (high, Generative, 30),
        (high, Agentic, 30),
    ] {
        let mut settings = sr_26_2();
        settings.validation_months.tier_3 = months(30);
        let model = assessed(exposure, purpose, technique);
        let to = status_patch(ValidationStatus::Validated);
        let next = updated(model, &ctx(), &settings, to).unwrap();
        let expires = add_months(NOW, months(lasts));
        assert_eq!(
            next.validation_expires_at,
            Some(expires),
            "{exposure:?} {purpose:?} {technique}"
        );
    }
}

#[test]
fn raised_materiality_calls_for_revalidation_under_sr_26_2_only() {
    let before = RegisteredModel {
        validation_status: ValidationStatus::Validated,
        ..assessed(
            Some(Exposure::Medium),
            Some(Purpose::Medium),
            ModelTechnique::Statistical,
        )
    };
    let unassessed = RegisteredModel {
        purpose: None,
        ..before.clone()
    };
    for (model, purpose, due) in [
        (&before, "high", true),
        (&before, "medium", false),
        (&before, "low", false),
        (&unassessed, "high", false),
    ] {
        let patch = || {
            patch(ModelPatchInput {
                purpose: value(purpose),
                ..ModelPatchInput::default()
            })
        };
        let next = updated(model.clone(), &ctx(), &sr_26_2(), patch()).unwrap();
        assert_eq!(next.revalidation_due, due, "{purpose}");
        let settings = RegistrySettings::default();
        let next = updated(model.clone(), &ctx(), &settings, patch()).unwrap();
        assert!(!next.revalidation_due);
    }
}

#[test]
fn standing_tells_scope_and_materiality_under_the_profile() {
    let model = assessed(
        Some(Exposure::High),
        Some(Purpose::Low),
        ModelTechnique::Generative,
    );
    let standing = model.standing(&sr_26_2(), NOW);
    assert_eq!(standing.guidance_profile, ProfileId::Sr26_2);
    assert_eq!(standing.materiality, Some(crate::Materiality::Medium));
    assert!(!standing.in_scope);
    let standing = model.standing(&RegistrySettings::default(), NOW);
    assert_eq!(standing.guidance_profile, ProfileId::Sr11_7);
    assert!(standing.in_scope);
}

fn actors() -> Vec<(Actor, bool)> {
    let key = |name: &str, created_by: Option<&str>| Actor::ApiKey {
        id: ApiKeyId::new(Uuid::nil()),
        name: name.to_owned(),
        created_by: created_by.map(str::to_owned),
    };
    let named = |subject: &str, email: Option<&str>| Actor::User {
        id: UserId::new(Uuid::nil()),
        subject: subject.to_owned(),
        email: email.map(str::to_owned),
    };
    let user = |email: Option<&str>| named("sub-1", email);
    let token = |subject: &str| Actor::Token {
        issuer: "https://login.example.com".to_owned(),
        subject: subject.to_owned(),
    };
    vec![
        (user(Some("risk@example.com")), true),
        (user(Some("RISK@Example.COM")), true),
        (user(Some("other@example.com")), false),
        (user(None), false),
        (named("RISK@example.com", None), true),
        (named("risk@example.com", Some("other@example.com")), true),
        (key("risk@example.com", None), true),
        (key("ci", Some("Risk@example.com")), true),
        (key("ci", Some("other")), false),
        (token("risk@example.com"), true),
        (token("risk@example.co"), false),
        (Actor::System("test"), false),
    ]
}

#[test]
fn the_owner_cannot_validate_where_duties_are_separate() {
    for (actor, is_owner) in actors() {
        for separate in [false, true] {
            let settings = RegistrySettings {
                separation_of_duties: separate,
                ..RegistrySettings::default()
            };
            let ctx = Context {
                actor: actor.clone(),
                ..ctx()
            };
            let own = RegisteredModel {
                owner: Some("Risk@Example.com".to_owned()),
                ..model_in(ValidationStatus::InValidation)
            };
            let handed_over = ModelPatch {
                owner: Some(Some("team".to_owned())),
                ..status_patch(ValidationStatus::Validated)
            };
            let taken_over = ModelPatch {
                owner: Some(Some(" risk@example.com ".to_owned())),
                ..status_patch(ValidationStatus::Validated)
            };
            let foreign = model_in(ValidationStatus::InValidation);
            let plain = status_patch(ValidationStatus::Validated);
            for (model, patch) in [(&own, plain), (&own, handed_over), (&foreign, taken_over)] {
                let outcome = updated(model.clone(), &ctx, &settings, patch);
                let refused = matches!(outcome, Err(RegistryError::SeparationOfDuties));
                assert_eq!(refused, separate && is_owner, "{actor:?}");
                assert_eq!(outcome.is_ok(), !refused);
            }
        }
    }
}

#[test]
fn the_owner_may_do_everything_but_validate() {
    let settings = RegistrySettings {
        separation_of_duties: true,
        ..RegistrySettings::default()
    };
    for from in ValidationStatus::ALL {
        for to in from.successors() {
            let model = RegisteredModel {
                owner: Some("test".to_owned()),
                ..model_in(*from)
            };
            let outcome = updated(model, &ctx(), &settings, status_patch(*to));
            assert_eq!(outcome.is_ok(), *to != ValidationStatus::Validated);
        }
    }
    let validated = RegisteredModel {
        owner: Some("test".to_owned()),
        ..model_in(ValidationStatus::Validated)
    };
    let same = ModelPatch {
        description: Some(None),
        ..status_patch(ValidationStatus::Validated)
    };
    assert!(updated(validated, &ctx(), &settings, same).is_ok());
}

#[test]
fn an_update_counts_the_version_and_never_goes_back_in_time() {
    let model = model_in(ValidationStatus::Draft);
    let earlier = ctx_at(NOW - Duration::HOUR);
    let rename = ModelPatch {
        display_name: Some("renamed".to_owned()),
        ..ModelPatch::default()
    };
    let settings = RegistrySettings::default();
    let next = updated(model.clone(), &earlier, &settings, rename).unwrap();
    assert_eq!(next.version, model.version.next());
    assert_eq!(next.updated_at, model.updated_at);
    let later = ctx_at(NOW + Duration::HOUR);
    let patch = ModelPatch {
        owner: Some(Some("somebody".to_owned())),
        ..ModelPatch::default()
    };
    let next = updated(next, &later, &settings, patch).unwrap();
    assert_eq!(next.updated_at, later.now);
    assert_eq!(next.created_at, NOW);
}

#[test]
fn the_name_is_the_identifier_unless_one_is_given() {
    let settings = RegistrySettings::default();
    let entered = |new| RegisteredModel::entered(&ctx(), &settings, model_id(), new);
    assert_eq!(entered(new_model("gpt-4o")).display_name, "gpt-4o");
    let named = NewModel {
        display_name: Some("GPT-4o".to_owned()),
        ..new_model("gpt-4o")
    };
    assert_eq!(entered(named).display_name, "GPT-4o");
}

#[test]
fn a_patch_applied_twice_changes_nothing_the_second_time() {
    let input = || ModelPatchInput {
        risk_tier: value("tier_1"),
        validation_status: value("pending_validation"),
        owner: value("new@example.com"),
        description: Patch::Null,
        exposure: value("high"),
        ..ModelPatchInput::default()
    };
    let settings = RegistrySettings::default();
    let model = model_in(ValidationStatus::Validated);
    let next = updated(model, &ctx(), &settings, patch(input())).unwrap();
    let again = next.update(&ctx(), &settings, patch(input())).unwrap();
    assert!(again.event().changes_nothing());
}
