//! Endpoints and their secrets.

use std::sync::atomic::Ordering;

use probity_kernel::{Context, PageRequest, Paging, RepositoryError};
use time::Duration;

use super::{Open, Run, input, must};
use crate::endpoint::{EndpointPatch, Vault as _, WebhookError};
use crate::repository::{DeliveryQueue, WebhookRepository};

fn described(text: &str) -> EndpointPatch {
    EndpointPatch {
        description: probity_kernel::Patch::Value(text.to_owned()),
        ..EndpointPatch::default()
    }
}

impl<R: WebhookRepository + DeliveryQueue> Run<'_, R> {
    pub(super) async fn endpoints_are_ones_own_and_newest_first(&self) {
        let ours = self.world.organization;
        let mut made = Vec::new();
        for minute in 0..3 {
            made.push(self.register(&self.context(minute), &["a.b", "c.d"]).await);
        }
        made.reverse();
        let all = must(
            self.service.list(ours, &PageRequest::first(10)).await,
            "all",
        );
        assert_eq!(all.items, made);
        assert_eq!((all.total, all.next), (3, None));
        let page = must(self.service.list(ours, &PageRequest::first(2)).await, "two");
        assert_eq!((page.items.len(), page.total), (2, 3));
        let rest = PageRequest {
            limit: 2,
            paging: page.next.map_or(Paging::Offset(9), Paging::After),
        };
        let rest = must(self.service.list(ours, &rest).await, "the rest");
        assert_eq!(rest.items.first(), made.last());
        let theirs = self.world.other_organization;
        let abroad = must(
            self.service.list(theirs, &PageRequest::first(10)).await,
            "none",
        );
        assert_eq!(abroad.items, []);
        for endpoint in made {
            let found = self.service.get(theirs, endpoint.id).await;
            assert!(matches!(found, Err(WebhookError::NotFound)));
            let ctx = Context {
                organization: theirs,
                ..self.context(3)
            };
            let foreign = self.repository.commit(endpoint.delete(&ctx)).await;
            assert!(matches!(foreign, Err(RepositoryError::Stale)));
            self.delete(&self.context(3), &endpoint).await;
            assert_eq!(
                must(self.repository.find(ours, endpoint.id).await, "no"),
                None
            );
        }
    }

    pub(super) async fn an_endpoint_is_changed_at_its_version(&self) {
        let ctx = self.context(10);
        let endpoint = self.register(&ctx, &[]).await;
        let change = |text: &str| {
            self.service
                .update(&ctx, endpoint.id, None, described(text), [1; 32])
        };
        let changed = must(change("first").await, "a change").endpoint;
        assert_eq!(changed.version, endpoint.version.next());
        assert_eq!(self.found(endpoint.id).await, changed);
        let same = must(change("first").await, "no change").endpoint;
        assert_eq!(same.version, changed.version);
        let stale = self.repository.commit(endpoint.delete(&ctx)).await;
        assert!(matches!(stale, Err(RepositoryError::Stale)), "{stale:?}");
        let expected = Some(endpoint.version);
        let late = self.service.delete(&ctx, endpoint.id, expected).await;
        assert!(matches!(late, Err(WebhookError::PreconditionFailed)));
        self.delete(&ctx, &endpoint).await;
    }

    pub(super) async fn a_claim_happens_once(&self) {
        let ctx = self.claimed(20, "once", 1);
        let first = self.service.register(&ctx, input(&[]), [1; 32]).await;
        let first = must(first, "the first").endpoint;
        let again = self.service.register(&ctx, input(&[]), [2; 32]).await;
        let again = must(again, "again");
        assert_eq!(again.endpoint, first);
        assert!(again.secret.is_none(), "a secret is shown once");
        let other = self.claimed(20, "once", 2);
        let other = self.service.register(&other, input(&[]), [3; 32]).await;
        let mismatch = matches!(
            other,
            Err(WebhookError::Repository(
                RepositoryError::IdempotencyMismatch
            ))
        );
        assert!(mismatch, "{other:?}");
        let page = PageRequest::first(10);
        let listed = self.service.list(self.world.organization, &page);
        assert_eq!(
            must(listed.await, "all").items,
            std::slice::from_ref(&first)
        );
        self.delete(&self.context(21), &first).await;
    }

    pub(super) async fn secrets_are_numbered(&self) {
        let ctx = self.context(30);
        let endpoint = self.register(&ctx, &[]).await;
        let alias = &endpoint.secret_alias;
        let ours = self.world.organization;
        let before = must(self.repository.secrets(ours, alias).await, "secrets");
        let overlap = Duration::hours(1);
        let rotated = self
            .service
            .rotate_secret(&ctx, (endpoint.id, None), overlap, [9; 32]);
        let (newest, shown) = must(rotated.await, "a rotation");
        assert!(shown.is_some());
        let after = must(self.repository.secrets(ours, alias).await, "secrets");
        assert_eq!(after.len(), before.len() + 1);
        assert_eq!(after.first(), Some(&newest));
        let numbers: Vec<i64> = after.iter().map(|one| one.number).collect();
        assert!(numbers.is_sorted_by(|one, next| one > next), "{numbers:?}");
        let retired = after.get(1).and_then(|one| one.expires_at);
        assert_eq!(retired, Some(ctx.now + overlap));
        // Who decided on what was there before comes too late.
        let late = crate::endpoint::changes::rotate(
            &ctx,
            endpoint.id,
            newest.clone(),
            Vec::new(),
            overlap,
        );
        let late = self.repository.commit(late).await;
        assert!(
            matches!(late, Err(RepositoryError::Conflict("alias"))),
            "{late:?}"
        );
        let theirs = self.world.other_organization;
        assert_eq!(
            must(self.repository.secrets(theirs, alias).await, "none"),
            []
        );
        self.delete(&ctx, &endpoint).await;
    }
    pub(super) async fn everything_is_sealed_anew_once(&self) {
        let ctx = self.context(40);
        let mut linear = input(&[]);
        linear.kind = Some("linear".to_owned());
        linear.target_url = Some("https://api.linear.example/graphql".to_owned());
        linear.credential = Some("key".to_owned());
        linear.settings = serde_json::Map::from_iter([(
            "team_id".to_owned(),
            "7c9e6679-7425-40de-944b-e07fc1f90ae7".into(),
        )]);
        let made = self.service.register(&ctx, linear, [7; 32]).await;
        let endpoint = must(made, "an endpoint").endpoint;
        let ours = self.world.organization;
        let before = must(self.repository.all_secrets(ours).await, "secrets");
        assert!(!before.is_empty());
        let vault = self.service.vault();
        vault.0.store(Open::SECOND, Ordering::Relaxed);
        let done = must(self.service.rewrap(&ctx).await, "rewrapped");
        assert_eq!((done.secrets, done.credentials), (before.len(), 1));
        let again = must(self.service.rewrap(&ctx).await, "nothing");
        assert_eq!((again.secrets, again.credentials), (0, 0));
        let after = must(self.repository.all_secrets(ours).await, "secrets");
        assert!(after.iter().all(|one| vault.is_present(&one.sealed)));
        for one in &before {
            let same = after.iter().find(|other| other.id == one.id);
            let opened = same.map(|same| must(vault.open(&same.context(), &same.sealed), "open"));
            let expected = must(vault.open(&one.context(), &one.sealed), "open");
            assert_eq!(opened, Some(expected));
        }
        let shown = self.found(endpoint.id).await;
        assert!(
            shown
                .credential
                .as_ref()
                .is_some_and(|one| vault.is_present(one))
        );
        assert_eq!(
            shown.version, endpoint.version,
            "nothing that is shown has changed"
        );
        vault.0.store(Open::FIRST, Ordering::Relaxed);
        self.delete(&ctx, &endpoint).await;
    }
}
