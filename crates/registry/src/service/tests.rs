use std::sync::Mutex;

use probity_kernel::{Actor, DomainError, ErrorKind, IdempotencyClaim, SequentialIds};
use time::{Date, Duration};

use super::*;
use crate::input::ModelPatchInput;
use crate::memory::InMemoryModels;
use crate::model::ModelIdentifier;
use crate::samples::{NOW, ctx, ctx_at, new_model, organization, patch, status_patch, value};
use crate::testing::block_on;
use crate::usage::ObservedModel;

/// A repository to which a rival commits first, as often as there are rival changes left.
#[derive(Default)]
struct Raced {
    models: InMemoryModels,
    rivals: Mutex<Vec<Rival>>,
}

type Rival = Box<dyn Fn(&InMemoryModels) + Send + Sync>;

impl Raced {
    fn meets(&self, rival: impl Fn(&InMemoryModels) + Send + Sync + 'static) {
        self.rivals.lock().unwrap().push(Box::new(rival));
    }
}

impl ModelRepository for Raced {
    async fn find(
        &self,
        organization: OrganizationId,
        id: RegisteredModelId,
    ) -> Result<Option<RegisteredModel>, RepositoryError> {
        self.models.find(organization, id).await
    }

    async fn list(
        &self,
        organization: OrganizationId,
        filter: &ModelFilter,
        page: &PageRequest,
    ) -> Result<Page<RegisteredModel>, RepositoryError> {
        self.models.list(organization, filter, page).await
    }

    async fn settings(
        &self,
        organization: OrganizationId,
    ) -> Result<RegistrySettings, RepositoryError> {
        self.models.settings(organization).await
    }

    async fn observed(
        &self,
        organization: OrganizationId,
        since: Date,
    ) -> Result<Vec<ObservedModel>, RepositoryError> {
        self.models.observed(organization, since).await
    }

    async fn known(
        &self,
        organization: OrganizationId,
        identifiers: &[ModelIdentifier],
    ) -> Result<Vec<RegisteredModel>, RepositoryError> {
        self.models.known(organization, identifiers).await
    }

    async fn commit(&self, change: ModelChange) -> Result<ModelWrite, RepositoryError> {
        let rival = self.rivals.lock().unwrap().pop();
        if let Some(rival) = rival {
            rival(&self.models);
        }
        self.models.commit(change).await
    }
}

type Service = RegistryService<Raced, SequentialIds>;

fn service() -> Service {
    RegistryService::new(Raced::default(), SequentialIds::default())
}

fn registered(service: &Service, name: &str) -> RegisteredModel {
    block_on(service.register(&ctx(), new_model(name))).unwrap()
}

fn events(service: &Service) -> Vec<&'static str> {
    service.repository.models.event_names()
}

fn rename(name: &str) -> ModelPatch {
    patch(ModelPatchInput {
        display_name: value(name),
        ..ModelPatchInput::default()
    })
}

fn describe(text: &str) -> ModelPatch {
    patch(ModelPatchInput {
        description: value(text),
        ..ModelPatchInput::default()
    })
}

fn renaming_rival(id: RegisteredModelId, name: &'static str) -> impl Fn(&InMemoryModels) {
    move |models| {
        let found = block_on(models.find(organization(), id)).unwrap().unwrap();
        let change = found.update(&ctx(), &RegistrySettings::default(), rename(name));
        block_on(models.commit(change.unwrap())).unwrap();
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, RegistryError>) -> (&'static str, ErrorKind) {
    let error = outcome.unwrap_err();
    (error.code(), error.kind())
}

#[test]
fn a_duplicate_is_refused_with_the_contracts_code() {
    let service = service();
    registered(&service, "gpt-4o");
    let again = block_on(service.register(&ctx(), new_model("gpt-4o")));
    assert_eq!(code(again), ("model_already_exists", ErrorKind::Conflict));
    assert_eq!(events(&service), ["model.registered"]);
}

#[test]
fn what_does_not_exist_is_not_found() {
    let service = service();
    let (ctx, id) = (ctx(), RegisteredModelId::new(uuid::Uuid::nil()));
    let missing = ("model_not_found", ErrorKind::NotFound);
    assert_eq!(code(block_on(service.get(organization(), id))), missing);
    let update = service.update(&ctx, id, rename("x"), None);
    assert_eq!(code(block_on(update)), missing);
    assert_eq!(code(block_on(service.delete(&ctx, id, None))), missing);
    let pinned = service.delete(&ctx, id, Some(Version::FIRST));
    assert_eq!(code(block_on(pinned)), missing);
    assert!(events(&service).is_empty());
}

#[test]
fn a_patch_that_changes_nothing_writes_nothing() {
    let service = service();
    let model = registered(&service, "gpt-4o");
    for patch in [
        ModelPatch::default(),
        rename("gpt-4o"),
        status_patch(ValidationStatus::Draft),
    ] {
        let later = ctx_at(NOW + Duration::DAY);
        let same = block_on(service.update(&later, model.id, patch, None)).unwrap();
        assert_eq!(same, model);
    }
    assert_eq!(events(&service), ["model.registered"]);
}

#[test]
fn a_refused_transition_names_the_permitted_moves() {
    let service = service();
    let model = registered(&service, "gpt-4o");
    let to = status_patch(ValidationStatus::Validated);
    let error = block_on(service.update(&ctx(), model.id, to, None)).unwrap_err();
    assert_eq!(error.code(), "invalid_status_transition");
    assert_eq!(error.kind(), ErrorKind::Unprocessable);
    let body = serde_json::Value::Object(error.extensions());
    let expected = serde_json::json!({
        "from": "draft",
        "to": "validated",
        "permitted": ["pending_validation", "deprecated"],
    });
    assert_eq!(body, expected);
    assert_eq!(events(&service), ["model.registered"]);
}

#[test]
fn an_update_that_meets_a_rival_is_applied_to_what_the_rival_left() {
    let service = service();
    let model = registered(&service, "gpt-4o");
    service.repository.meets(renaming_rival(model.id, "rival"));
    let next = block_on(service.update(&ctx(), model.id, describe("ours"), None)).unwrap();
    assert_eq!(next.display_name, "rival");
    assert_eq!(next.description.as_deref(), Some("ours"));
    assert_eq!(next.version, model.version.next().next());
}

#[test]
fn an_update_that_meets_two_rivals_gives_up() {
    let service = service();
    let model = registered(&service, "gpt-4o");
    service.repository.meets(renaming_rival(model.id, "second"));
    service.repository.meets(renaming_rival(model.id, "first"));
    let outcome = block_on(service.update(&ctx(), model.id, describe("ours"), None));
    assert_eq!(code(outcome), ("stale_version", ErrorKind::Conflict));
}

#[test]
fn a_demanded_version_is_never_overwritten() {
    let refused = ("precondition_failed", ErrorKind::PreconditionFailed);
    let (service, ctx) = (service(), ctx());
    let model = registered(&service, "gpt-4o");
    let wrong = Some(model.version.next());
    let update = service.update(&ctx, model.id, describe("x"), wrong);
    assert_eq!(code(block_on(update)), refused);
    assert_eq!(
        code(block_on(service.delete(&ctx, model.id, wrong))),
        refused
    );

    let right = Some(model.version);
    service.repository.meets(renaming_rival(model.id, "rival"));
    let update = service.update(&ctx, model.id, describe("x"), right);
    assert_eq!(
        code(block_on(update)),
        refused,
        "changed between look and write"
    );
    let now = block_on(service.get(organization(), model.id)).unwrap();
    assert_eq!(
        (now.display_name.as_str(), now.description),
        ("rival", None)
    );

    service.repository.meets(renaming_rival(model.id, "again"));
    let delete = service.delete(&ctx, model.id, Some(now.version));
    assert_eq!(code(block_on(delete)), refused);
    let now = block_on(service.get(organization(), model.id)).unwrap();
    block_on(service.delete(&ctx, model.id, Some(now.version))).unwrap();
    assert_eq!(events(&service).last(), Some(&"model.deleted"));
}

#[test]
fn a_deletion_without_a_version_outlasts_a_rival() {
    let service = service();
    let model = registered(&service, "gpt-4o");
    service.repository.meets(renaming_rival(model.id, "rival"));
    block_on(service.delete(&ctx(), model.id, None)).unwrap();
    let gone = block_on(service.get(organization(), model.id));
    assert_eq!(code(gone).0, "model_not_found");
}

fn requests(names: &[&str]) -> Vec<AiRequest> {
    let at = NOW - Duration::HOUR;
    let parse = |name: &&str| AiRequest::parse(name, None, at, NOW).unwrap();
    names.iter().map(parse).collect()
}

fn dry() -> DiscoveryRequest {
    DiscoveryRequest::parse(None, None, Some(true)).unwrap()
}

#[test]
fn usage_is_recorded_discovered_and_reported() {
    let service = service();
    registered(&service, "gpt-4o");
    let used = requests(&["gpt-4o", "claude-3-haiku", "gpt-4o"]);
    assert_eq!(block_on(service.record_usage(&ctx(), used)).unwrap(), 3);
    assert_eq!(
        block_on(service.record_usage(&ctx(), Vec::new())).unwrap(),
        0
    );

    let rehearsal = block_on(service.discover(&ctx(), dry())).unwrap();
    assert_eq!((rehearsal.created, rehearsal.existing), (1, 1));
    let recorded = ["model.registered", "ai_requests.recorded"];
    assert_eq!(events(&service), recorded, "a dry run leaves no trace");

    let report = block_on(service.discover(&ctx(), DiscoveryRequest::default())).unwrap();
    assert_eq!(report.models, rehearsal.models);
    assert_eq!(events(&service)[2..], ["model.discovered"]);
    let (all, page) = (ModelFilter::default(), PageRequest::first(50));
    let listed = service.list(organization(), &all, &page);
    let listed = block_on(listed).unwrap();
    let names: Vec<_> = listed
        .items
        .iter()
        .map(|model| model.model_id.as_str())
        .collect();
    assert_eq!(names, ["claude-3-haiku", "gpt-4o"]);
    let seen = Some(NOW - Duration::HOUR);
    assert!(listed.items.iter().all(|model| model.last_seen_at == seen));
    assert!(
        listed
            .items
            .iter()
            .all(|model| model.version == Version::FIRST)
    );

    let again = block_on(service.discover(&ctx(), DiscoveryRequest::default())).unwrap();
    assert_eq!((again.created, again.existing), (0, 2));
}

#[test]
fn usage_outside_the_window_is_not_discovered() {
    let service = service();
    let old = AiRequest::parse("gpt-4o", None, NOW - Duration::days(31), NOW).unwrap();
    block_on(service.record_usage(&ctx(), vec![old])).unwrap();
    let report = block_on(service.discover(&ctx(), DiscoveryRequest::default())).unwrap();
    assert_eq!(report.discovered, 0);
    let longer = DiscoveryRequest::parse(Some(31), None, None).unwrap();
    let report = block_on(service.discover(&ctx(), longer)).unwrap();
    assert_eq!(report.created, 1);
}

#[test]
fn a_discovery_that_meets_a_rival_registration_starts_over() {
    let service = service();
    block_on(service.record_usage(&ctx(), requests(&["a", "b"]))).unwrap();
    service.repository.meets(|models| {
        let (settings, id) = (RegistrySettings::default(), crate::samples::model_id());
        let change = RegisteredModel::register(&ctx(), &settings, id, new_model("a"));
        block_on(models.commit(change)).unwrap();
    });
    let report = block_on(service.discover(&ctx(), DiscoveryRequest::default())).unwrap();
    assert_eq!((report.created, report.existing), (1, 1));
}

fn claiming(key: &str, fingerprint: u8) -> Context {
    ctx().with_idempotency(Some(IdempotencyClaim {
        scope: "test".to_owned(),
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
    }))
}

#[test]
fn a_claimed_command_sent_again_answers_as_at_first() {
    let service = service();
    let ctx = claiming("register", 1);
    let first = block_on(service.register(&ctx, new_model("gpt-4o"))).unwrap();
    let again = block_on(service.register(&ctx, new_model("gpt-4o"))).unwrap();
    assert_eq!(again, first);
    let other = block_on(service.register(&claiming("register", 2), new_model("b")));
    assert_eq!(
        code(other),
        ("idempotency_key_reused", ErrorKind::Unprocessable)
    );

    let usage = claiming("usage", 1);
    for _ in 0..2 {
        let count = service.record_usage(&usage, requests(&["a", "gpt-4o"]));
        assert_eq!(block_on(count).unwrap(), 2);
    }
    let discover = claiming("discover", 1);
    let first = block_on(service.discover(&discover, DiscoveryRequest::default())).unwrap();
    let again = block_on(service.discover(&discover, DiscoveryRequest::default())).unwrap();
    assert_eq!(first.created, 1);
    assert_eq!(again, first, "not the report of a world that has moved on");
    let foreign = block_on(service.register(&discover, new_model("c")));
    assert_eq!(
        code(foreign).1,
        ErrorKind::Internal,
        "claims are not shared between commands"
    );
}

#[test]
fn settings_change_once_and_are_checked() {
    let service = service();
    let input = SettingsInput {
        profile: Some("sr-26-2".to_owned()),
        ..SettingsInput::default()
    };
    let settings = block_on(service.configure(&ctx(), &input)).unwrap();
    assert_eq!(
        block_on(service.configure(&ctx(), &input)).unwrap(),
        settings
    );
    assert_eq!(
        block_on(service.settings(organization())).unwrap(),
        settings
    );
    assert_eq!(events(&service), ["registry.settings.changed"]);
    let wrong = SettingsInput {
        profile: Some("sr-99".to_owned()),
        ..SettingsInput::default()
    };
    let error = block_on(service.configure(&ctx(), &wrong)).unwrap_err();
    assert_eq!(
        (error.code(), error.kind()),
        ("validation_error", ErrorKind::Invalid)
    );
    assert_eq!(error.fields()[0].field, "/profile");
}

#[test]
fn separate_duties_hold_for_updates_and_for_imports() {
    let service = service();
    let input = SettingsInput {
        separation_of_duties: Some(true),
        ..SettingsInput::default()
    };
    block_on(service.configure(&ctx(), &input)).unwrap();
    let import = |owner: &str| NewModel {
        validation_status: ValidationStatus::Validated,
        owner: Some(owner.to_owned()),
        ..new_model(owner)
    };
    let refused = ("separation_of_duties", ErrorKind::Unprocessable);
    let own = block_on(service.register(&ctx(), import("TEST")));
    assert_eq!(code(own), refused);
    block_on(service.register(&ctx(), import("somebody else"))).unwrap();

    let mine = NewModel {
        validation_status: ValidationStatus::InValidation,
        ..import("test")
    };
    let mine = block_on(service.register(&ctx(), mine)).unwrap();
    let to = || status_patch(ValidationStatus::Validated);
    assert_eq!(
        code(block_on(service.update(&ctx(), mine.id, to(), None))),
        refused
    );
    let colleague = Context {
        actor: Actor::System("colleague"),
        ..ctx()
    };
    let next = block_on(service.update(&colleague, mine.id, to(), None)).unwrap();
    assert_eq!(next.validation_status, ValidationStatus::Validated);
}

#[test]
fn the_commands_can_move_between_threads() {
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    let service = service();
    let context = ctx();
    let register = sendable(service.register(&context, new_model("gpt-4o")));
    let id = block_on(register).unwrap().id;
    block_on(sendable(service.update(&context, id, rename("x"), None))).unwrap();
    block_on(sendable(service.discover(&context, dry()))).unwrap();
    block_on(sendable(service.record_usage(&context, requests(&["a"])))).unwrap();
    block_on(sendable(service.delete(&context, id, None))).unwrap();
}
