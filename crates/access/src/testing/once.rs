//! Idempotency claims: a command happens once.

use probity_kernel::{ApiKeyId, RepositoryError};
use time::Duration;

use super::{Run, claimed, context, id, issue, issued_key, must, secret};
use crate::repository::AccessRepository;

impl<R: AccessRepository> Run<'_, R> {
    pub(super) async fn a_claim_happens_once(&self) {
        let ctx = claimed(context(self.organization, 12), "once", 1);
        let first = self.commit(issue(&ctx, 60), "the first try").await;
        let second = self.commit(issue(&ctx, 61), "the second try").await;
        assert_eq!(first, second, "the repetition answered something else");
        let written = self.repo.find_key_by_hash(&secret(61).hash()).await;
        assert_eq!(must(written, "by hash"), None, "the repetition wrote a key");

        let changed = claimed(context(self.organization, 12), "once", 2);
        let error = self.refused(issue(&changed, 62), "another body").await;
        assert!(
            matches!(error, RepositoryError::IdempotencyMismatch),
            "{error:?}"
        );

        // The same claim in another organisation is another claim.
        let foreign = claimed(context(self.other, 12), "once", 2);
        let apart = self
            .commit(issue(&foreign, 63), "another organisation")
            .await;
        assert_eq!(issued_key(apart).id.uuid(), id(63), "shared a claim");
    }

    pub(super) async fn a_claim_is_looked_at_before_the_version(&self) {
        let key = self.issued(self.organization, 13, 70).await;
        let ctx = claimed(context(self.organization, 14), "rotate", 1);
        let rotate = |seed: u8| {
            let (id, secret) = (ApiKeyId::new(id(seed)), secret(seed));
            must(
                key.clone().rotate(&ctx, id, &secret, Duration::ZERO),
                "rotating",
            )
        };
        let first = self.commit(rotate(71), "the first rotation").await;
        // By now the version of `key` is stale; the claim answers first.
        let second = self.commit(rotate(72), "the repeated rotation").await;
        assert_eq!(first, second, "the repetition answered something else");

        // A refused change spends no claim.
        let late = claimed(context(self.organization, 15), "late", 1);
        let error = self.refused(key.clone().revoke(&late), "stale").await;
        assert!(matches!(error, RepositoryError::Stale), "{error:?}");
        let current = self.stored(&key).await;
        self.commit(current.revoke(&late), "the same claim again")
            .await;
    }
}
