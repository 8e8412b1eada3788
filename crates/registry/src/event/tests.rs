use probity_kernel::Publication;
use serde_json::json;

use super::*;
use crate::discovery::{Discovery, DiscoveryRequest};
use crate::input::{ModelPatch, ModelPatchInput, Patch};
use crate::model::Tags;
use crate::repository::ModelChange;
use crate::samples::{
    NOW, ctx, model_id, model_in, new_model, organization, patch, status_patch, value,
};
use crate::usage::ObservedModel;

fn updating(model: RegisteredModel, patch: ModelPatch) -> RegistryEvent {
    let change = model.update(&ctx(), &RegistrySettings::default(), patch);
    event_of(change.unwrap())
}

fn event_of(change: ModelChange) -> RegistryEvent {
    change.into_parts().2
}

fn types(publications: &[Publication]) -> Vec<&'static str> {
    publications
        .iter()
        .map(|published| published.event_type)
        .collect()
}

#[test]
fn a_registration_records_every_field_that_is_set() {
    let settings = RegistrySettings::default();
    let change = RegisteredModel::register(&ctx(), &settings, model_id(), new_model("gpt-4o"));
    let event = event_of(change);
    assert_eq!(event.name(), "model.registered");
    assert_eq!(event.subject().kind, "registered_model");
    assert_eq!(event.subject().id, model_id().uuid());
    let set = |after| json!({ "before": null, "after": after });
    assert_eq!(
        event.detail(),
        json!({
            "model_id": "gpt-4o",
            "changes": {
                "model_id": set(json!("gpt-4o")),
                "provider": set(json!("acme")),
                "display_name": set(json!("gpt-4o")),
                "risk_tier": set(json!("tier_3")),
                "validation_status": set(json!("draft")),
                "tags": set(json!({})),
                "technique": set(json!("unspecified")),
                "revalidation_due": set(json!(false)),
            },
        })
    );
}

#[test]
fn an_import_says_as_what() {
    for status in ValidationStatus::ALL {
        let event = RegistryEvent::ModelRegistered(Box::new(model_in(*status)));
        let is_import = *status != ValidationStatus::Draft;
        let imported = json!(is_import.then_some(status.as_str()));
        assert_eq!(event.detail()["imported_as"], imported, "{status}");
        assert_eq!(event.publications()[0].payload["imported_as"], imported);
        assert_eq!(types(&event.publications()), ["model.registered"]);
    }
}

#[test]
fn an_update_records_the_changed_fields_before_and_after() {
    let input = ModelPatchInput {
        risk_tier: value("tier_1"),
        owner: value("sr-ml-risk@example.com"),
        display_name: value("gpt-4o"),
        ..ModelPatchInput::default()
    };
    let event = updating(model_in(ValidationStatus::Validated), patch(input));
    assert_eq!(event.name(), "model.updated");
    assert_eq!(
        event.detail(),
        json!({
            "model_id": "gpt-4o",
            "changes": {
                "risk_tier": { "before": "tier_3", "after": "tier_1" },
                "owner": { "before": null, "after": "sr-ml-risk@example.com" },
                "revalidation_due": { "before": false, "after": true },
            },
        })
    );
    assert_eq!(types(&event.publications()), ["model.updated"]);
}

#[test]
fn a_move_records_both_ends_and_the_stamps() {
    let to = status_patch(ValidationStatus::Validated);
    let event = updating(model_in(ValidationStatus::InValidation), to);
    assert_eq!(event.name(), "model.validation_status.changed");
    assert_eq!(
        event.detail(),
        json!({
            "model_id": "gpt-4o",
            "from": "in_validation",
            "to": "validated",
            "changes": {
                "validation_status": { "before": "in_validation", "after": "validated" },
                "validated_at": { "before": null, "after": "2026-03-13T09:00:00.123Z" },
                "validation_expires_at": { "before": null, "after": "2028-03-13T09:00:00.123Z" },
            },
        })
    );
    let published = event.publications();
    assert_eq!(types(&published), ["model.validation_status.changed"]);
    assert_eq!(published[0].payload["from"], "in_validation");
    assert_eq!(published[0].payload["to"], "validated");
    assert_eq!(published[0].source_table, "registered_models");
    assert_eq!(published[0].source_id, model_id().uuid());
    assert_eq!(
        published[0].trigger_reason,
        "Model gpt-4o moved from in_validation to validated."
    );
}

#[test]
fn a_move_with_other_changes_is_published_as_an_update_too() {
    let to = ModelPatch {
        risk_tier: Some(crate::RiskTier::Tier1),
        ..status_patch(ValidationStatus::PendingValidation)
    };
    let event = updating(model_in(ValidationStatus::Draft), to);
    assert_eq!(event.name(), "model.validation_status.changed", "one leaf");
    let expected = ["model.validation_status.changed", "model.updated"];
    assert_eq!(types(&event.publications()), expected);
}

#[test]
fn receivers_learn_that_free_text_changed_but_not_what_it_says() {
    let tags = [("secret-key".to_owned(), "secret-tag".to_owned())];
    let input = ModelPatchInput {
        owner: value("secret-owner@example.com"),
        description: value("secret description"),
        display_name: value("secret name"),
        tags: Patch::Value(tags.clone().into()),
        risk_tier: value("tier_2"),
        validation_status: value("pending_validation"),
        ..ModelPatchInput::default()
    };
    let update = updating(model_in(ValidationStatus::Draft), patch(input));
    let secretive = Box::new(RegisteredModel {
        owner: Some("secret-owner@example.com".to_owned()),
        description: Some("secret description".to_owned()),
        display_name: "secret name".to_owned(),
        tags: Tags::parse(tags.into()).unwrap(),
        ..model_in(ValidationStatus::Draft)
    });
    let all = [
        update,
        RegistryEvent::ModelRegistered(secretive.clone()),
        RegistryEvent::ModelDeleted(secretive),
    ];
    for published in all.iter().flat_map(DomainEvent::publications) {
        let told = format!("{} {}", published.payload, published.trigger_reason);
        assert!(!told.contains("secret"), "{told}");
    }
    let published = all[0].publications();
    let names = json!([
        "display_name",
        "risk_tier",
        "validation_status",
        "owner",
        "description",
        "tags"
    ]);
    assert_eq!(published[0].payload["changed_fields"], names);
    let tier = json!({ "before": "tier_3", "after": "tier_2" });
    assert_eq!(published[0].payload["changes"]["risk_tier"], tier);
}

#[test]
fn a_deletion_records_what_was_there() {
    let model = model_in(ValidationStatus::Deprecated);
    let event = event_of(model.delete(&ctx()));
    assert_eq!(event.name(), "model.deleted");
    let changes = &event.detail()["changes"];
    assert_eq!(
        changes["risk_tier"],
        json!({ "before": "tier_3", "after": null })
    );
    assert_eq!(
        changes["owner"],
        Value::Null,
        "what was not set is not listed"
    );
    assert_eq!(types(&event.publications()), ["model.deleted"]);
}

#[test]
fn a_discovery_is_one_event_that_publishes_each_new_entry() {
    let known = model_in(ValidationStatus::Draft);
    let names = ["claude-3-haiku", "gemini-pro", "gpt-4o"];
    let observed = names.map(|name| ObservedModel {
        model: ModelIdentifier::parse(name).unwrap(),
        provider: None,
        count: 1,
        first_seen_at: NOW,
        last_seen_at: NOW,
    });
    let request = DiscoveryRequest::default();
    let settings = RegistrySettings::default();
    let known = std::slice::from_ref(&known);
    let discovery = Discovery::plan(&ctx(), &settings, request, &observed, known, model_id);
    let event = event_of(discovery.into_change(&ctx()));
    assert_eq!(event.name(), "model.discovered");
    assert_eq!(event.subject().kind, "model_registry");
    assert_eq!(event.subject().id, organization().uuid());
    let published = event.publications();
    assert_eq!(types(&published), ["model.registered", "model.registered"]);
    assert_eq!(published[0].payload["model_id"], "claude-3-haiku");
    assert_eq!(published[0].payload["provider"], "anthropic");
    let detail = event.detail();
    assert_eq!(
        detail["created"][1]["changes"]["provider"]["after"],
        "google"
    );
    assert_eq!(detail["created"][1]["id"], model_id().to_string());
    let instant = "2026-03-13T09:00:00.123Z";
    assert_eq!(
        detail["seen"],
        json!([{ "id": model_id().to_string(),
                 "last_seen_at": { "before": null, "after": instant } }])
    );
}

#[test]
fn new_settings_record_what_differs_and_publish_nothing() {
    let before = RegistrySettings::default();
    let after = RegistrySettings {
        separation_of_duties: true,
        ..before
    };
    let event = RegistryEvent::configured(organization(), &before, &after);
    assert_eq!(event.name(), "registry.settings.changed");
    assert_eq!(
        event.detail(),
        json!({ "changes": { "separation_of_duties": { "before": false, "after": true } } })
    );
    assert!(event.publications().is_empty());
    assert!(!event.changes_nothing());
    assert!(RegistryEvent::configured(organization(), &after, &after).changes_nothing());
}

#[test]
fn recorded_usage_is_counted_and_publishes_nothing() {
    let event = RegistryEvent::UsageRecorded {
        organization: organization(),
        requests: 7,
        roll_ups: 2,
        first_seen_at: Some(NOW),
        last_seen_at: None,
    };
    assert_eq!(event.name(), "ai_requests.recorded");
    let detail = json!({
        "requests": 7,
        "roll_ups": 2,
        "first_seen_at": "2026-03-13T09:00:00.123Z",
        "last_seen_at": null,
    });
    assert_eq!(event.detail(), detail);
    assert!(event.publications().is_empty());
}
