//! Comparing a bundle with checkpoints that somebody kept outside.

use crate::checkpoint::Checkpoint;

/// A checkpoint that was kept outside, and what came of comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// What came of it.
    pub compared: Compared,
}

/// What came of comparing a bundle with one checkpoint of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// It is the checkpoint of the bundle.
    Same,
    /// Its size lies within the run, and the entries make its root.
    Continued,
    /// Its size lies outside the run: this bundle can say nothing about it.
    Outside,
    /// It is over more entries than the bundle knows of.
    Later,
}

/// How a checkpoint of the same log relates to a bundle over `run` and the checkpoint `now`; what lies within the run is
/// for the run to prove.
pub(super) fn relate(kept: &Checkpoint, now: &Checkpoint, run: (u64, u64)) -> Compared {
    let size = kept.size();
    if size == now.size() {
        Compared::Same
    } else if size > now.size() {
        Compared::Later
    } else if (run.0..=run.1).contains(&size) {
        Compared::Continued
    } else {
        Compared::Outside
    }
}

/// Two checkpoints among those of one log that cannot both be true: the size at which they differ.
pub(super) fn contradiction(kept: &[&Checkpoint]) -> Option<u64> {
    let mut sorted: Vec<&Checkpoint> = kept.to_vec();
    sorted.sort_by_key(|checkpoint| checkpoint.size());
    sorted.windows(2).find_map(|pair| match pair {
        [one, next] if one.size() == next.size() && one.root() != next.root() => Some(one.size()),
        _ => None,
    })
}
