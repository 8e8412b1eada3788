//! Keys: found, listed, touched, revoked, rotated.

use probity_kernel::{
    ApiKeyId, Cursor, OrganizationId, PageRequest, Paging, RepositoryError, Version,
};
use time::{Duration, OffsetDateTime};

use super::{Run, START, context, id, must, present, secret};
use crate::api_key::ApiKey;
use crate::repository::AccessRepository;

impl<R: AccessRepository> Run<'_, R> {
    pub(super) async fn keys_are_found_in_their_organization_only(&self) {
        let key = self.issued(self.organization, 0, 10).await;
        assert_eq!(
            self.stored(&key).await,
            key,
            "a key differs after its commit"
        );
        let elsewhere = self.repo.find_key(self.other, key.id).await;
        assert_eq!(must(elsewhere, "elsewhere"), None, "seen from outside");
        let by_hash = self.repo.find_key_by_hash(&secret(10).hash()).await;
        assert_eq!(must(by_hash, "by hash"), Some(key), "by hash");
        let unknown = self.repo.find_key_by_hash(&secret(11).hash()).await;
        assert_eq!(must(unknown, "by hash"), None, "an unknown hash");
        let list = self
            .repo
            .list_keys(self.other, &PageRequest::first(10))
            .await;
        assert_eq!(must(list, "listing").total, 0, "listed from outside");
    }

    async fn page(&self, limit: u32, paging: Paging) -> (Vec<ApiKeyId>, u64, Option<Cursor>) {
        let request = PageRequest { limit, paging };
        let page = must(
            self.repo.list_keys(self.organization, &request).await,
            "listing",
        );
        let ids = page.items.iter().map(|key| key.id).collect();
        (ids, page.total, page.next)
    }

    pub(super) async fn lists_are_newest_first_and_paged(&self) {
        // 12 and 13 are of one instant: the id decides.
        for (minute, seed) in [(1, 12), (1, 13), (2, 14)] {
            self.issued(self.organization, minute, seed).await;
        }
        let wanted = [14, 13, 12, 10].map(|seed| ApiKeyId::new(id(seed)));
        let (ids, total, next) = self.page(10, Paging::Offset(0)).await;
        assert_eq!(
            (ids.as_slice(), total, next),
            (&wanted[..], 4, None),
            "one page"
        );
        // The page ends between the two keys of one instant.
        let (ids, _, next) = self.page(2, Paging::Offset(0)).await;
        assert_eq!(ids, wanted[..2], "the first page");
        let cursor = present(next, "a cursor after the first page");
        // What is inserted in front does not shift what comes after the cursor.
        self.issued(self.organization, 3, 15).await;
        let (ids, total, next) = self.page(3, Paging::After(cursor)).await;
        assert_eq!(
            (ids.as_slice(), total, next),
            (&wanted[2..], 5, None),
            "after the cursor"
        );
        let (ids, _, next) = self.page(2, Paging::Offset(2)).await;
        assert_eq!(ids, wanted[1..3], "by offset");
        assert!(next.is_some(), "no cursor by offset");
        let (ids, total, next) = self.page(5, Paging::Offset(9)).await;
        assert_eq!((ids.len(), total, next), (0, 5, None), "beyond the end");
    }

    async fn touch(&self, organization: OrganizationId, key: &ApiKey, at: OffsetDateTime) {
        must(
            self.repo.touch_key(organization, key.id, at).await,
            "a touch",
        );
    }

    pub(super) async fn a_touch_moves_forwards_and_nothing_else(&self) {
        let key = self.issued(self.organization, 4, 20).await;
        let (early, late) = (START + Duration::hours(1), START + Duration::hours(2));
        self.touch(self.other, &key, late).await;
        assert_eq!(self.stored(&key).await, key, "touched from outside");
        self.touch(self.organization, &key, late).await;
        self.touch(self.organization, &key, early).await;
        let touched = ApiKey {
            last_used_at: Some(late),
            ..key.clone()
        };
        assert_eq!(
            self.stored(&key).await,
            touched,
            "after a late and an early touch"
        );
        let unknown = self
            .repo
            .touch_key(self.organization, ApiKeyId::new(id(99)), late);
        must(unknown.await, "touching an unknown key");
    }

    pub(super) async fn a_revocation_needs_the_version_and_the_organization(&self) {
        let key = self.issued(self.organization, 5, 30).await;
        let foreign = key.clone().revoke(&context(self.other, 6));
        let error = self.refused(foreign, "revoking from outside").await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
        assert_eq!(self.stored(&key).await, key, "revoked from outside");

        let used = START + Duration::hours(3);
        self.touch(self.organization, &key, used).await;
        let ctx = context(self.organization, 6);
        self.commit(key.clone().revoke(&ctx), "revoking").await;
        let revoked = self.stored(&key).await;
        assert_eq!(revoked.revoked_at, Some(ctx.now), "revoked_at");
        assert_eq!(revoked.version, key.version.next(), "the version");
        assert_eq!(
            revoked.last_used_at,
            Some(used),
            "an update lost the last use"
        );

        let late = key.clone().revoke(&context(self.organization, 7));
        let error = self.refused(late, "revoking an old version").await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
        assert_eq!(
            self.stored(&key).await,
            revoked,
            "a stale write left a trace"
        );
        let by_hash = must(self.repo.find_key_by_hash(&key.hash).await, "by hash");
        assert_eq!(
            by_hash,
            Some(revoked),
            "a revoked key is still found by its hash"
        );
    }

    pub(super) async fn a_rotation_writes_both_keys_or_neither(&self) {
        let key = self.issued(self.organization, 8, 40).await;
        let ctx = context(self.organization, 9);
        let rotate = |seed: u8| {
            let (id, secret) = (ApiKeyId::new(id(seed)), secret(seed));
            must(
                key.clone().rotate(&ctx, id, &secret, Duration::DAY),
                "rotating",
            )
        };
        self.commit(rotate(41), "rotating").await;
        let old = self.stored(&key).await;
        assert_eq!(old.replaced_by, Some(ApiKeyId::new(id(41))), "replaced_by");
        assert_eq!(old.expires_at, Some(ctx.now + Duration::DAY), "the overlap");
        let new = must(
            self.repo.find_key_by_hash(&secret(41).hash()).await,
            "by hash",
        );
        assert_eq!(present(new, "the new key").version, Version::FIRST);

        let error = self.refused(rotate(42), "rotating an old version").await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
        let half = must(
            self.repo.find_key_by_hash(&secret(42).hash()).await,
            "by hash",
        );
        assert_eq!(half, None, "half of a rotation was written");
        assert_eq!(
            self.stored(&key).await,
            old,
            "a stale rotation left a trace"
        );
    }
}
