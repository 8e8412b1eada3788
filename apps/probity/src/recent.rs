//! What was looked up a moment ago, for reads that every request repeats.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long an entry is believed: that bounds for how long this node may not know of a change that
/// another node made.
const LIFETIME: Duration = Duration::from_secs(2);
/// Most entries; beyond that, what is new is looked up each time.
const MOST: usize = 10_000;

/// Values by key, each for two seconds.
pub(crate) struct Recent<K, V> {
    entries: RwLock<HashMap<K, (Instant, V)>>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self {
            entries: RwLock::default(),
        }
    }
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// A value that is still believed.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let (since, value) = entries.get(key)?;
        (since.elapsed() < LIFETIME).then(|| value.clone())
    }

    /// A value that may be no longer believed.
    pub(crate) fn last(&self, key: &K) -> Option<V> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).map(|(_, value)| value.clone())
    }

    /// Remembers a value.
    pub(crate) fn keep(&self, key: K, value: V) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.retain(|_, (since, _)| since.elapsed() < LIFETIME);
        }
        if entries.len() < MOST {
            entries.insert(key, (Instant::now(), value));
        }
    }

    /// Forgets what changed here, at once.
    pub(crate) fn forget(&self, changed: impl Fn(&K, &V) -> bool) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|key, (_, value)| !changed(key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_here_is_forgotten_at_once() {
        let recent = Recent::default();
        recent.keep("a", 1);
        recent.keep("b", 2);
        assert_eq!((recent.get(&"a"), recent.get(&"b")), (Some(1), Some(2)));
        recent.forget(|key, _| *key == "a");
        assert_eq!((recent.get(&"a"), recent.get(&"b")), (None, Some(2)));
    }

    #[test]
    fn it_never_grows_beyond_its_limit() {
        let recent = Recent::default();
        for key in 0..MOST + 10 {
            recent.keep(key, ());
        }
        assert_eq!(recent.entries.read().unwrap().len(), MOST);
    }
}
