//! Keys that were looked up a moment ago. A key revoked here is forgotten at once, one that another
//! node revoked within two seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use probity_access::{ApiKey, Principal};
use probity_kernel::ApiKeyId;
use time::OffsetDateTime;

use crate::recent::Recent;

/// Seconds between two notes of a key's use.
const NOTE_EVERY: i64 = 60;

/// A key and who it stands for.
pub(super) struct Known {
    pub(super) key: ApiKey,
    pub(super) principal: Arc<Principal>,
    noted: AtomicI64,
}

impl Known {
    /// Whether this use of the key is to be noted: once a minute.
    pub(super) fn notes_usage_at(&self, now: OffsetDateTime) -> bool {
        let (last, now) = (self.noted.load(Ordering::Relaxed), now.unix_timestamp());
        let due = now - last >= NOTE_EVERY;
        due && self
            .noted
            .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

#[derive(Default)]
pub(super) struct KeyCache(Recent<[u8; 32], Arc<Known>>);

impl KeyCache {
    pub(super) fn get(&self, hash: &[u8; 32]) -> Option<Arc<Known>> {
        self.0.get(hash)
    }

    /// Remembers a key; when it was last noted carries over from the entry that it replaces.
    /// Whether the key was good when it was last looked up, however long ago.
    pub(super) fn has_known(&self, hash: &[u8; 32]) -> bool {
        self.0.last(hash).is_some()
    }

    pub(super) fn keep(&self, hash: [u8; 32], key: ApiKey) -> Arc<Known> {
        let stored = key
            .last_used_at
            .map_or(i64::MIN / 2, OffsetDateTime::unix_timestamp);
        let noted = self
            .0
            .last(&hash)
            .map_or(stored, |old| old.noted.load(Ordering::Relaxed));
        let known = Arc::new(Known {
            principal: Arc::new(Principal::for_key(&key)),
            key,
            noted: AtomicI64::new(noted.max(stored)),
        });
        self.0.keep(hash, known.clone());
        known
    }

    pub(super) fn forget(&self, id: ApiKeyId) {
        self.0.forget(|_, known| known.key.id == id);
    }
}
