//! One at a time: what completes and what removes the same bytes wait for each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use probity_artifacts::HoldOn;
use tokio::sync::OwnedMutexGuard;

/// What is held in this process.
#[derive(Debug, Default)]
pub(super) struct Holds(Mutex<HashMap<HoldOn, Weak<tokio::sync::Mutex<()>>>>);

/// Lets the next one go on when it is dropped.
#[derive(Debug)]
pub(crate) struct Hold(#[expect(dead_code, reason = "held, not read")] OwnedMutexGuard<()>);

impl Holds {
    /// Waits for its turn.
    pub(super) async fn take(&self, on: HoldOn) -> Hold {
        let turn = {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = held.get(&on).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                held.retain(|_, turn| turn.strong_count() > 0);
                let turn = Arc::new(tokio::sync::Mutex::new(()));
                held.insert(on, Arc::downgrade(&turn));
                turn
            })
        };
        Hold(turn.lock_owned().await)
    }
}
