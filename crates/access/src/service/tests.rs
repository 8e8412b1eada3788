use std::sync::Arc;

use probity_kernel::{Actor, DomainError, DomainEvent, IdempotencyClaim, SequentialIds, SpaceId};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::memory::InMemoryAccess;
use crate::organization::NewOrganization;
use crate::role::OrganizationRole;
use crate::scope::ScopeSet;

const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

type Service = AccessService<Arc<InMemoryAccess>, SequentialIds>;

fn service() -> Service {
    AccessService::new(Arc::default(), SequentialIds::default())
}

fn context() -> Context {
    let organization = OrganizationId::new(Uuid::from_u128(1));
    Context::new(organization, Actor::System("test"), NOW)
}

fn claimed(key: &str) -> Context {
    context().with_idempotency(Some(IdempotencyClaim {
        scope: "test".to_owned(),
        key: key.to_owned(),
        fingerprint: [1; 32],
    }))
}

fn input() -> NewApiKey {
    NewApiKey {
        name: "ci".to_owned(),
        scopes: ScopeSet::WRITE,
        spaces: None,
        expires_at: None,
    }
}

fn rotation(key: &ApiKey) -> Rotation {
    Rotation {
        key: key.id,
        expected: None,
        overlap: Duration::DAY,
    }
}

async fn issued(service: &Service) -> IssuedKey {
    service
        .issue_key(&context(), ScopeSet::ADMIN, input(), [1; 32])
        .await
        .unwrap()
}

fn names(service: &Service) -> Vec<&'static str> {
    service
        .repository()
        .events()
        .iter()
        .map(DomainEvent::name)
        .collect()
}

#[tokio::test]
async fn a_slug_names_one_organization() {
    let service = service();
    let new = NewOrganization::parse("acme", "Acme").unwrap();
    let made = service
        .create_organization(&context(), new.clone())
        .await
        .unwrap();
    assert_eq!(
        service
            .repository()
            .find_organization(made.id)
            .await
            .unwrap(),
        Some(made)
    );
    let error = service
        .create_organization(&context(), new)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "organization_exists");
    assert_eq!(names(&service), ["organization.created"]);
}

#[tokio::test]
async fn an_issued_key_opens_with_its_secret() {
    let service = service();
    let IssuedKey { key, secret, .. } = issued(&service).await;
    let secret = secret.unwrap();
    assert_eq!(
        service.authenticate(secret.expose(), NOW).await.unwrap(),
        key
    );
    let unknown = ApiKeySecret::from_entropy([9; 32]);
    for refused in [unknown.expose(), "prb_typo", ""] {
        let error = service.authenticate(refused, NOW).await.unwrap_err();
        assert_eq!(error.code(), "unauthorized", "{refused}");
    }
}

#[tokio::test]
async fn nobody_grants_more_than_they_hold() {
    let service = service();
    let confined = Grant {
        scopes: ScopeSet::ADMIN,
        spaces: Some(vec![SpaceId::new(Uuid::from_u128(8))]),
    };
    let made = issued(&service).await.key;
    for grant in [Grant::from(ScopeSet::READ), confined] {
        let issue = service
            .issue_key(&context(), grant.clone(), input(), [2; 32])
            .await;
        assert_eq!(issue.unwrap_err().code(), "forbidden");
        let rotate = service
            .rotate(&context(), grant, rotation(&made), [2; 32])
            .await;
        assert_eq!(rotate.unwrap_err().code(), "forbidden");
    }
    assert_eq!(names(&service), ["api_key.created"]);
}

#[tokio::test]
async fn a_secret_is_shown_once_even_when_the_request_is_repeated() {
    let service = service();
    let ctx = claimed("issue");
    let first = service
        .issue_key(&ctx, ScopeSet::ADMIN, input(), [1; 32])
        .await
        .unwrap();
    let second = service
        .issue_key(&ctx, ScopeSet::ADMIN, input(), [2; 32])
        .await
        .unwrap();
    assert!(first.secret.is_some() && second.secret.is_none());
    assert_eq!(first.key, second.key);

    let ctx = claimed("rotate");
    let rotation = Rotation {
        expected: Some(first.key.version),
        ..rotation(&first.key)
    };
    let rotated = service
        .rotate(&ctx, ScopeSet::ADMIN, rotation, [3; 32])
        .await
        .unwrap();
    let again = service
        .rotate(&ctx, ScopeSet::ADMIN, rotation, [4; 32])
        .await
        .unwrap();
    assert!(rotated.secret.is_some() && again.secret.is_none());
    assert_eq!((rotated.key, rotated.replaced), (again.key, again.replaced));
    assert_eq!(names(&service), ["api_key.created", "api_key.rotated"]);

    // Another claim is no repetition: the key is replaced, and at another version.
    for (expected, code) in [
        (None, "api_key_not_usable"),
        (Some(first.key.version), "precondition_failed"),
    ] {
        let late = Rotation {
            expected,
            ..rotation
        };
        for ctx in [context(), claimed("another")] {
            let error = service
                .rotate(&ctx, ScopeSet::ADMIN, late, [5; 32])
                .await
                .unwrap_err();
            assert_eq!(error.code(), code);
        }
    }
}

#[tokio::test]
async fn both_keys_open_during_the_overlap() {
    let service = service();
    let old = issued(&service).await;
    let new = service
        .rotate(&context(), ScopeSet::ADMIN, rotation(&old.key), [2; 32])
        .await
        .unwrap();
    let end = NOW + Duration::DAY;
    let milli = Duration::MILLISECOND;
    for (now, old_opens) in [
        (NOW, true),
        (end - milli, true),
        (end, false),
        (end + milli, false),
    ] {
        let opens = |secret: &Option<ApiKeySecret>| secret.as_ref().unwrap().expose().to_owned();
        let by_old = service.authenticate(&opens(&old.secret), now).await;
        let by_new = service.authenticate(&opens(&new.secret), now).await;
        assert_eq!((by_old.is_ok(), by_new.is_ok()), (old_opens, true), "{now}");
    }
}

#[tokio::test]
async fn an_overlap_out_of_bounds_is_refused_before_anything_else() {
    let service = service();
    let old = issued(&service).await.key;
    for overlap in [Duration::MAX, Duration::MIN, Duration::days(8)] {
        let rotation = Rotation {
            overlap,
            ..rotation(&old)
        };
        let result = service
            .rotate(&claimed("long"), ScopeSet::ADMIN, rotation, [2; 32])
            .await;
        assert_eq!(result.unwrap_err().code(), "validation_error");
    }
}

#[tokio::test]
async fn a_revocation_acts_at_once_and_is_recorded_once() {
    let service = service();
    let IssuedKey { key, secret, .. } = issued(&service).await;
    let wrong = service
        .revoke(&context(), key.id, Some(Version::new(7)))
        .await;
    assert_eq!(wrong.unwrap_err().code(), "precondition_failed");
    let revoked = service
        .revoke(&context(), key.id, Some(key.version))
        .await
        .unwrap();
    assert_eq!(revoked.revoked_at, Some(NOW));
    assert_eq!(
        service.revoke(&context(), key.id, None).await.unwrap(),
        revoked
    );
    assert!(
        service
            .authenticate(secret.unwrap().expose(), NOW)
            .await
            .is_err()
    );
    assert_eq!(names(&service), ["api_key.created", "api_key.revoked"]);
}

#[tokio::test]
async fn a_key_of_another_organization_does_not_exist() {
    let service = service();
    let key = issued(&service).await.key;
    let foreign = Context {
        organization: OrganizationId::new(Uuid::from_u128(2)),
        ..context()
    };
    let get = service.get(foreign.organization, key.id).await;
    let revoke = service.revoke(&foreign, key.id, None).await;
    let rotate = service
        .rotate(&foreign, ScopeSet::ADMIN, rotation(&key), [2; 32])
        .await;
    for error in [get.unwrap_err(), revoke.unwrap_err(), rotate.unwrap_err()] {
        assert_eq!(error.code(), "api_key_not_found");
    }
    let list = service
        .list(foreign.organization, &PageRequest::first(10))
        .await
        .unwrap();
    assert_eq!(list.total, 0);
}

#[tokio::test]
async fn usage_is_noted_once_a_minute() {
    let service = service();
    let key = issued(&service).await.key;
    for (after, noted) in [(0, 0), (30, 0), (60, 0), (61, 61), (90, 61)] {
        let stored = service.get(key.organization, key.id).await.unwrap();
        service
            .note_usage(&stored, NOW + Duration::seconds(after))
            .await
            .unwrap();
        let stored = service.get(key.organization, key.id).await.unwrap();
        assert_eq!(
            stored.last_used_at,
            Some(NOW + Duration::seconds(noted)),
            "{after}"
        );
    }
}

#[tokio::test]
async fn a_user_is_recorded_changed_and_otherwise_left_alone() {
    let service = service();
    let new = NewUser {
        issuer: "https://issuer.example".to_owned(),
        subject: "ann".to_owned(),
        email: None,
        role: OrganizationRole::Member,
        disabled: false,
    };
    let first = service.put_user(&context(), new.clone()).await.unwrap();
    assert_eq!(
        service.put_user(&context(), new.clone()).await.unwrap(),
        first
    );
    let auditor = NewUser {
        role: OrganizationRole::Auditor,
        ..new
    };
    let changed = service.put_user(&context(), auditor).await.unwrap();
    assert_eq!(
        (changed.id, changed.version),
        (first.id, first.version.next())
    );
    assert_eq!(names(&service), ["user.role.changed", "user.role.changed"]);
}
