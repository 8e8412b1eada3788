//! Keys that were looked up a moment ago.
//!
//! An entry lives two seconds: that bounds how long a key that another node revoked still works.
//! A key revoked here is forgotten at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use probity_access::{ApiKey, Principal};
use probity_kernel::ApiKeyId;
use time::OffsetDateTime;

const LIFETIME: Duration = Duration::from_secs(2);
const MOST_ENTRIES: usize = 10_000;
/// Seconds between two notes of a key's use.
const NOTE_EVERY: i64 = 60;

/// A key and who it stands for.
pub(super) struct Known {
    pub(super) key: ApiKey,
    pub(super) principal: Arc<Principal>,
    since: Instant,
    noted: AtomicI64,
}

impl Known {
    /// Whether this use of the key is to be noted: once a minute.
    pub(super) fn notes_usage_at(&self, now: OffsetDateTime) -> bool {
        let (last, now) = (self.noted.load(Ordering::Relaxed), now.unix_timestamp());
        now - last >= NOTE_EVERY
            && self
                .noted
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

#[derive(Default)]
pub(super) struct KeyCache {
    entries: RwLock<HashMap<[u8; 32], Arc<Known>>>,
}

impl KeyCache {
    pub(super) fn get(&self, hash: &[u8; 32]) -> Option<Arc<Known>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries
            .get(hash)
            .filter(|known| known.since.elapsed() < LIFETIME)
            .cloned()
    }

    pub(super) fn keep(&self, hash: [u8; 32], key: ApiKey) -> Arc<Known> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let stored = key
            .last_used_at
            .map_or(i64::MIN / 2, OffsetDateTime::unix_timestamp);
        let noted = entries
            .get(&hash)
            .map_or(stored, |old| old.noted.load(Ordering::Relaxed));
        let known = Arc::new(Known {
            principal: Arc::new(Principal::for_key(&key)),
            key,
            since: Instant::now(),
            noted: AtomicI64::new(noted.max(stored)),
        });
        if entries.len() >= MOST_ENTRIES {
            entries.retain(|_, known| known.since.elapsed() < LIFETIME);
        }
        if entries.len() < MOST_ENTRIES {
            entries.insert(hash, known.clone());
        }
        known
    }

    pub(super) fn forget(&self, id: ApiKeyId) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, known| known.key.id != id);
    }
}
