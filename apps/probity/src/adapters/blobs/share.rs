//! How much of one transfer is in memory at a time: a few transfers get much, many get little each.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What all transfers have in memory together, as long as [`LEAST`] is enough for each.
const TOGETHER: usize = 4 << 20;
/// Less of one transfer costs more than it saves.
const LEAST: usize = 128 << 10;
/// More of one transfer gains nothing.
const MOST: usize = 1 << 20;

/// How many transfers this process has.
static TRANSFERS: AtomicUsize = AtomicUsize::new(0);

/// One transfer's share while it lives.
#[derive(Debug)]
pub(super) struct Share(());

impl Share {
    pub(super) fn take() -> Self {
        TRANSFERS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// How many bytes it is now.
    #[expect(clippy::unused_self, reason = "only who takes part has a share")]
    pub(super) fn bytes(&self) -> usize {
        of(TRANSFERS.load(Ordering::Relaxed))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        TRANSFERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The share of each of so many.
fn of(transfers: usize) -> usize {
    (TOGETHER / transfers.max(1)).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::{LEAST, MOST, TOGETHER, of};

    #[test]
    fn few_get_much_and_many_get_little() {
        assert_eq!(of(0), MOST);
        assert_eq!(of(1), MOST);
        assert_eq!(of(16) * 16, TOGETHER);
        assert_eq!(of(33), LEAST);
        assert_eq!(of(usize::MAX), LEAST);
    }
}
