use std::sync::Arc;

use probity_kernel::{Actor, DomainError, DomainEvent, Patch, RegisteredModelId, SequentialIds};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::attachment::{
    AttachmentEvent, DependencyInput, DependencyPatchInput, InMemoryAttachments, LinkTargetInput,
    MitigationInput, MitigationPatchInput, MitigationStatus, PolicyInput, parse_targets,
};
use crate::new_product::{NewProduct, ProductInput};
use crate::repository::CatalogWrite;
use crate::slug::ProductSlug;
use crate::space::{NewSpace, Space};

type Service = AttachmentService<Arc<InMemoryAttachments>, SequentialIds>;

fn context(minute: i64) -> Context {
    let organization = OrganizationId::new(Uuid::from_u128(1));
    let now = datetime!(2026-03-13 09:00 UTC) + Duration::minutes(minute);
    Context::new(organization, Actor::System("test"), now)
}

fn product() -> Product {
    let ctx = context(0);
    let new = NewSpace::parse("space", "Space", None).unwrap();
    let space = Space::create(&ctx, Uuid::from_u128(2).into(), new);
    let CatalogWrite::CreateSpace { space, .. } = space.into_parts().1 else {
        panic!("creating a space writes something else");
    };
    let input = ProductInput {
        name: Some("Churn".to_owned()),
        ..ProductInput::default()
    };
    let new = NewProduct::parse(input).unwrap();
    let slug: ProductSlug = "churn".parse().unwrap();
    let change = Product::create(&ctx, Uuid::from_u128(3).into(), &space, slug, new);
    let CatalogWrite::CreateProduct { product, .. } = change.into_parts().1 else {
        panic!("creating a product writes something else");
    };
    *product
}

fn service() -> (Service, Product) {
    let product = product();
    let memory = Arc::new(InMemoryAttachments::default());
    memory.add_product(product.organization, product.id, false);
    let service = AttachmentService::new(memory, SequentialIds::default());
    (service, product)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the fields of inputs are optional"
)]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn faults(error: &AttachmentError) -> Vec<(String, &'static str)> {
    let fields = error.fields().into_iter();
    fields.map(|fault| (fault.field, fault.code)).collect()
}

#[test]
fn every_faulty_field_of_a_dependency_is_listed() {
    let now = context(0).now;
    let input = DependencyInput {
        name: some(""),
        dependency_type: some("Dataset"),
        uri: Some("u".repeat(2049)),
        version_label: some("a\nb"),
        description: Some("d".repeat(2001)),
        changed_at: Some(now + Duration::minutes(5) + Duration::MILLISECOND),
    };
    let error = NewDependency::parse(input, now).unwrap_err();
    let expected = [
        ("/name", "too_short"),
        ("/dependency_type", "unknown_value"),
        ("/uri", "too_long"),
        ("/version_label", "control_character"),
        ("/description", "too_long"),
        ("/changed_at", "in_future"),
    ];
    assert_eq!(
        faults(&error),
        expected.map(|(field, code)| (field.to_owned(), code))
    );
    let missing = NewDependency::parse(DependencyInput::default(), now).unwrap_err();
    assert_eq!(faults(&missing), [("/name".to_owned(), "required")]);
    let input = DependencyPatchInput {
        name: Patch::Null,
        dependency_type: Patch::Null,
        changed_at: Patch::Value(now + Duration::hours(1)),
        ..DependencyPatchInput::default()
    };
    let error = DependencyPatch::parse(input, now).unwrap_err();
    let codes: Vec<_> = faults(&error).into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["not_nullable", "not_nullable", "in_future"]);
}

#[test]
fn every_faulty_field_of_a_policy_and_a_mitigation_is_listed() {
    let policy = PolicyInput {
        reference_url: some("ftp://example.com"),
        ..PolicyInput::default()
    };
    let error = NewPolicy::parse(policy).unwrap_err();
    let expected = [
        ("/policy_key", "required"),
        ("/title", "required"),
        ("/reference_url", "malformed"),
    ];
    assert_eq!(
        faults(&error),
        expected.map(|(field, code)| (field.to_owned(), code))
    );
    let mitigation = MitigationInput {
        title: some("t"),
        severity: some("info"),
        status: some("done"),
        owner: some(" "),
        ..MitigationInput::default()
    };
    let error = NewMitigation::parse(mitigation).unwrap_err();
    let expected = [
        ("/severity", "unknown_value"),
        ("/status", "unknown_value"),
        ("/owner", "too_short"),
    ];
    assert_eq!(
        faults(&error),
        expected.map(|(field, code)| (field.to_owned(), code))
    );
}

#[tokio::test]
async fn closing_stamps_and_reopening_clears() {
    let (service, product) = service();
    let input = MitigationInput {
        title: some("Mask the postcode"),
        severity: some("high"),
        ..MitigationInput::default()
    };
    let new = NewMitigation::parse(input).unwrap();
    let opened = service
        .open_mitigation(&context(0), product.id, new)
        .await
        .unwrap();
    assert_eq!(
        (opened.status, opened.closed_at),
        (MitigationStatus::Open, None)
    );
    for (minute, status, closed) in [
        (1, "in_progress", None),
        (2, "resolved", Some(2)),
        (3, "accepted", Some(2)),
        (4, "open", None),
        (5, "accepted", Some(5)),
    ] {
        let patch = MitigationPatch::parse(MitigationPatchInput {
            status: Patch::Value(status.to_owned()),
            ..MitigationPatchInput::default()
        });
        let ctx = context(minute);
        let updated = service.update_mitigation(&ctx, &product, opened.id, patch.unwrap(), None);
        let updated = updated.await.unwrap();
        assert_eq!(
            updated.closed_at,
            closed.map(|minute| context(minute).now),
            "{status}"
        );
        assert_eq!(updated.updated_at, ctx.now);
    }
}

#[tokio::test]
async fn a_change_tells_what_changed_and_hides_free_text() {
    let (service, product) = service();
    let [first, later, last] = [0, 1, 2].map(context);
    let input = DependencyInput {
        name: some("claims"),
        description: some("asked Ann about it"),
        ..DependencyInput::default()
    };
    let now = first.now;
    let new = NewDependency::parse(input, now).unwrap();
    let declared = service
        .declare_dependency(&first, product.id, new)
        .await
        .unwrap();
    let same = DependencyPatch::default();
    let kept = service.update_dependency(&later, &product, declared.id, same, None);
    assert_eq!(kept.await.unwrap(), declared, "nothing changed");
    let patch = DependencyPatch::parse(
        DependencyPatchInput {
            description: Patch::Value("asked Bob".to_owned()),
            changed_at: Patch::Value(now),
            ..DependencyPatchInput::default()
        },
        now,
    );
    let patch = patch.unwrap();
    let wrong = Some(Version::new(7));
    let refused = service.update_dependency(&later, &product, declared.id, patch.clone(), wrong);
    assert_eq!(refused.await.unwrap_err().code(), "precondition_failed");
    let updated =
        service.update_dependency(&later, &product, declared.id, patch, Some(Version::FIRST));
    updated.await.unwrap();
    let removed = service.remove_dependency(&last, &product, declared.id, None);
    removed.await.unwrap();
    let again = service.remove_dependency(&last, &product, declared.id, None);
    assert_eq!(again.await.unwrap_err().code(), "data_dependency_not_found");

    check_events(&service, &product);
}

fn check_events(service: &Service, product: &Product) {
    let events = service.repository().events();
    let names: Vec<_> = events.iter().map(DomainEvent::name).collect();
    assert_eq!(
        names,
        [
            "data_dependency.declared",
            "data_dependency.changed",
            "data_dependency.removed"
        ]
    );
    for event in &events {
        assert!(
            !event.detail().to_string().contains("asked"),
            "{:?}",
            event.detail()
        );
        let publications = event.publications();
        assert!(
            publications
                .iter()
                .all(|one| one.product == Some(product.id))
        );
        assert!(!publications[0].payload.to_string().contains("asked"));
    }
    let detail = events[1].detail();
    assert_eq!(detail["description"]["changed"], true);
    assert_eq!(detail["changed_at"]["after"], "2026-03-13T09:00:00Z");
    assert_eq!(detail.get("name"), None);
    assert_eq!(events[2].detail()["name"]["after"], serde_json::Value::Null);
}

#[tokio::test]
async fn an_archived_product_takes_no_change() {
    let (service, mut product) = service();
    product.archived_at = Some(context(0).now);
    let ctx = context(1);
    let links = service.link_models(&ctx, &product, &[], None).await;
    let id = Uuid::from_u128(9);
    let policy = service.detach_policy(&ctx, &product, id.into(), None).await;
    for error in [links.unwrap_err(), policy.unwrap_err()] {
        assert_eq!(error.code(), "product_archived");
    }
}

#[tokio::test]
async fn models_are_linked_as_a_set_and_unknown_ones_are_named() {
    let (service, product) = service();
    let model = RegisteredModelId::new(Uuid::from_u128(50));
    service
        .repository()
        .add_model(product.organization, model, "gpt");
    let named = |names: &[&str]| {
        let inputs = names.iter().map(|name| LinkTargetInput {
            id: None,
            model_id: some(name),
        });
        parse_targets(inputs.collect()).unwrap()
    };
    let ctx = context(0);
    let refused = service
        .link_models(&ctx, &product, &named(&["gpt", "x", "y"]), None)
        .await;
    let unknown = |index: usize| (format!("/models/{index}"), "unknown_model");
    assert_eq!(faults(&refused.unwrap_err()), [unknown(1), unknown(2)]);
    let none = service
        .linked_models(product.organization, product.id)
        .await
        .unwrap();
    let twice = named(&["gpt", "gpt"]);
    let linked = service
        .link_models(&ctx, &product, &twice, Some(none.version()))
        .await
        .unwrap();
    assert_eq!(linked.ids().into_iter().collect::<Vec<_>>(), [model]);
    let late = service
        .link_models(&ctx, &product, &[], Some(none.version()))
        .await;
    assert_eq!(late.unwrap_err().code(), "precondition_failed");
    let same = service
        .link_models(&ctx, &product, &twice, None)
        .await
        .unwrap();
    assert_eq!(same, linked);
    let events = service.repository().events();
    let [AttachmentEvent::ModelsLinked { before, after, .. }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!((before.len(), after.len()), (0, 1));
}

#[test]
fn a_model_to_link_is_named_in_one_way() {
    let input = |id: Option<&str>, model_id: Option<&str>| LinkTargetInput {
        id: id.map(str::to_owned),
        model_id: model_id.map(str::to_owned),
    };
    let error = parse_targets(vec![
        input(Some("mdl_01h455vb4pex5vsknk084sn02q"), None),
        input(Some("sys_01h455vb4pex5vsknk084sn02q"), None),
        input(None, None),
        input(Some("x"), Some("y")),
    ]);
    let expected = [
        ("/models/1/id", "invalid_id"),
        ("/models/2", "required"),
        ("/models/3", "conflicting"),
    ];
    let expected = expected.map(|(field, code)| (field.to_owned(), code));
    assert_eq!(faults(&error.unwrap_err()), expected);
    let many = parse_targets(vec![LinkTargetInput::default(); 201]).unwrap_err();
    assert_eq!(faults(&many), [("/models".to_owned(), "too_many")]);
}
