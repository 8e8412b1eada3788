use std::sync::Arc;

use probity_kernel::{Actor, DomainError, DomainEvent, IdempotencyClaim, SequentialIds};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::memory::InMemoryCatalog;
use crate::new_product::ProductInput;

type Service = CatalogService<Arc<InMemoryCatalog>, SequentialIds>;

fn service() -> Service {
    CatalogService::new(Arc::default(), SequentialIds::default())
}

fn context(organization: u128) -> Context {
    let organization = OrganizationId::new(Uuid::from_u128(organization));
    Context::new(
        organization,
        Actor::System("test"),
        datetime!(2026-03-13 09:00 UTC),
    )
}

fn claimed(key: &str) -> Context {
    context(1).with_idempotency(Some(IdempotencyClaim {
        scope: "test".to_owned(),
        key: key.to_owned(),
        fingerprint: [1; 32],
    }))
}

fn named(name: &str, slug: Option<&str>) -> NewProduct {
    let input = ProductInput {
        name: Some(name.to_owned()),
        slug: slug.map(str::to_owned),
        ..ProductInput::default()
    };
    NewProduct::parse(input).unwrap()
}

async fn space(service: &Service, capacity: Option<u32>) -> Space {
    let new = NewSpace::parse("ml", "ML", capacity).unwrap();
    service.create_space(&context(1), new).await.unwrap()
}

#[tokio::test]
async fn a_space_is_created_once_and_then_found() {
    let service = service();
    let new = NewSpace::parse("ml", "ML", None).unwrap();
    let ctx = claimed("step");
    let first = service.ensure_space(&ctx, new.clone()).await.unwrap();
    assert_eq!(
        service.ensure_space(&ctx, new.clone()).await.unwrap(),
        first
    );
    assert_eq!(service.space(ctx.organization, "ml").await.unwrap(), first);
    let error = service.create_space(&context(1), new).await.unwrap_err();
    assert_eq!(error.code(), "slug_taken");
    for (organization, slug) in [(2, "ml"), (1, "other"), (1, "NO SLUG")] {
        let organization = context(organization).organization;
        let error = service.space(organization, slug).await.unwrap_err();
        assert_eq!(error.code(), "space_not_found", "{slug}");
    }
    assert_eq!(service.repository().events().len(), 1);
    // The claim is unspent: the command that the step belongs to can still use it.
    assert!(
        service
            .create_product(&ctx, &first, named("A", None))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn products_of_one_name_get_slugs_of_their_own() {
    let service = service();
    let space = space(&service, None).await;
    let mut slugs = Vec::new();
    for _ in 0..7 {
        let made = service
            .create_product(&context(1), &space, named("My Model", None))
            .await;
        slugs.push(made.unwrap().slug.to_string());
    }
    let counted = [
        "my-model",
        "my-model-2",
        "my-model-3",
        "my-model-4",
        "my-model-5",
    ];
    assert_eq!(slugs[..5], counted);
    for slug in &slugs[5..] {
        let tail = slug.strip_prefix("my-model-").unwrap();
        assert!(
            tail.len() == 12 && tail.bytes().all(|b| b.is_ascii_hexdigit()),
            "{slug}"
        );
    }
    assert_ne!(slugs[5], slugs[6]);
}

#[tokio::test]
async fn a_chosen_slug_is_taken_or_refused_but_never_altered() {
    let service = service();
    let space = space(&service, None).await;
    let made = service
        .create_product(&context(1), &space, named("A", Some("chosen")))
        .await;
    assert_eq!(made.unwrap().slug.as_str(), "chosen");
    let again = service
        .create_product(&context(1), &space, named("B", Some("chosen")))
        .await;
    assert_eq!(again.unwrap_err().code(), "slug_taken");
}

#[tokio::test]
async fn a_full_space_takes_no_more_but_repeats_what_filled_it() {
    let service = service();
    let space = space(&service, Some(1)).await;
    let first = service
        .create_product(&claimed("one"), &space, named("A", None))
        .await
        .unwrap();
    for ctx in [context(1), claimed("two")] {
        let error = service
            .create_product(&ctx, &space, named("B", None))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "capacity_exceeded");
    }
    let again = service
        .create_product(&claimed("one"), &space, named("A", None))
        .await
        .unwrap();
    assert_eq!(again, first);
    assert_eq!(service.repository().events().len(), 2);
}

#[tokio::test]
async fn products_are_found_in_their_organization_only() {
    let service = service();
    let space = space(&service, None).await;
    let made = service
        .create_product(&context(1), &space, named("A", None))
        .await
        .unwrap();
    assert_eq!(service.get(made.organization, made.id).await.unwrap(), made);
    let foreign = context(2);
    let error = service
        .get(foreign.organization, made.id)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "product_not_found");
    let error = service
        .create_product(&foreign, &space, named("B", None))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "space_not_found");
    let page = PageRequest::first(10);
    for (organization, total) in [(made.organization, 1), (foreign.organization, 0)] {
        let listed = service
            .list(organization, &ProductFilter::default(), &page)
            .await
            .unwrap();
        assert_eq!(listed.total, total);
        assert_eq!(
            service.list_spaces(organization).await.unwrap().len(),
            listed.items.len()
        );
    }
}

#[tokio::test]
async fn a_new_product_is_recorded_and_published() {
    let service = service();
    let space = space(&service, None).await;
    let made = service
        .create_product(&context(1), &space, named("A", None))
        .await
        .unwrap();
    let events = service.repository().events();
    let names: Vec<_> = events.iter().map(DomainEvent::name).collect();
    assert_eq!(names, ["space.created", "product.created"]);
    let event = &events[1];
    assert_eq!(
        (event.subject().kind, event.subject().id),
        ("product", made.id.uuid())
    );
    assert_eq!(event.detail()["product_type"]["after"], "ML Model");
    let published = event.publications();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].event_type, "product.created");
    assert_eq!(published[0].source_id, made.id.uuid());
    assert_eq!(published[0].payload["id"], made.id.to_string());
    assert_eq!(published[0].payload["space_id"], space.id.to_string());
}
