//! What was kept outside the log: the auditor's checkpoint, anchors and time stamps, and the roots that they name.

use super::{Run, Trust, malformed};
use crate::bundle::anchors::{Anchor, Compared, contradiction, relate};
use crate::bundle::failure::{Failure, Reason};
use crate::bundle::manifest::unwrap;
use crate::bundle::stamps;
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::proof::{ConsistencyProof, verify_consistency};

/// A root that the log has to have at a size, and who says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Milestone {
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) source: Source,
}

/// Who names a root.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// The checkpoint that the auditor kept.
    Kept,
    /// A checkpoint that was kept outside.
    Anchored,
    /// A leaf that tells of pruned entries.
    Pruned,
}

impl Source {
    /// The failure at a root that is another.
    fn failure(self, size: u64) -> Failure {
        let (reason, whose) = match self {
            Self::Kept => (Reason::Rewritten, "of the checkpoint that was kept"),
            Self::Anchored => (Reason::Rewritten, "of an anchored checkpoint"),
            Self::Pruned => (Reason::Explanation, "that were pruned"),
        };
        Failure::new(
            reason,
            format!("the first {size} entries are not those {whose}"),
        )
    }
}

impl Run {
    /// Compares with all that was kept outside the log.
    pub(super) fn meet(&mut self, trust: &Trust) -> Result<(), Failure> {
        self.connect(trust.since.as_ref())?;
        if let Some(anchors) = &trust.anchors {
            self.compare(anchors)?;
        }
        let stamped = self.manifest.timestamps.iter();
        let checked = stamped.map(|stamped| stamps::check(stamped, &self.checkpoint));
        self.stamps = checked.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Compares with the checkpoints of this log that were kept outside.
    fn compare(&mut self, anchors: &[Checkpoint]) -> Result<(), Failure> {
        let origin = self.checkpoint.origin();
        let kept: Vec<&Checkpoint> = anchors
            .iter()
            .filter(|anchor| anchor.origin() == origin)
            .collect();
        if let Some(size) = contradiction(&kept) {
            let told =
                format!("the log had two roots at {size} entries: two histories were signed");
            return Err(Failure::new(Reason::Rewritten, told));
        }
        let run = (self.manifest.start, self.manifest.end);
        self.anchors = kept
            .into_iter()
            .map(|kept| Anchor {
                checkpoint: kept.clone(),
                compared: relate(kept, &self.checkpoint, run),
            })
            .collect();
        let seen =
            |compared: Compared| self.anchors.iter().any(move |one| one.compared == compared);
        self.limits.unanchored = !seen(Compared::Same) && !seen(Compared::Continued);
        if seen(Compared::Later) && !seen(Compared::Same) {
            let largest = self.anchors.iter().map(|one| one.checkpoint.size()).max();
            let told = format!(
                "the log has {} entries, but a checkpoint over {} was anchored and this one was not: its end was cut \
                 off, or the bundle is older than the anchors",
                self.checkpoint.size(),
                largest.unwrap_or_default()
            );
            return Err(Failure::new(Reason::Shrunk, told));
        }
        self.meet_anchors()
    }

    /// Notes the roots that anchored checkpoints name.
    fn meet_anchors(&mut self) -> Result<(), Failure> {
        let mut roots = Vec::with_capacity(self.anchors.len());
        for Anchor {
            checkpoint,
            compared,
        } in &self.anchors
        {
            match compared {
                Compared::Same if checkpoint.root() != self.checkpoint.root() => {
                    return Err(Source::Anchored.failure(checkpoint.size()));
                }
                Compared::Continued => roots.push((checkpoint.size(), checkpoint.root())),
                Compared::Same | Compared::Outside | Compared::Later => {}
            }
        }
        // The largest first, so that each takes its place at the end.
        roots.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        for (size, root) in roots {
            self.milestone(size, root, Source::Anchored)?;
        }
        Ok(())
    }

    /// Compares with the checkpoint that the auditor kept.
    fn connect(&mut self, since: Option<&Checkpoint>) -> Result<(), Failure> {
        let Some(kept) = since else {
            self.limits.no_earlier_checkpoint = true;
            return Ok(());
        };
        let (size, now) = (kept.size(), self.checkpoint.size());
        if kept.origin() != self.checkpoint.origin() {
            return Err(other_log(kept, &self.checkpoint));
        }
        if size > now {
            let told = format!(
                "the log has {now} entries, but a checkpoint over {size} was kept: its end was cut off"
            );
            return Err(Failure::new(Reason::Shrunk, told));
        }
        self.continues = Some(size);
        let rewritten = || {
            let told =
                format!("the first {size} entries are not those of the checkpoint that was kept");
            Failure::new(Reason::Rewritten, told)
        };
        if size == now {
            return if kept.root() == self.checkpoint.root() {
                Ok(())
            } else {
                Err(rewritten())
            };
        }
        if size == 0 {
            return Ok(());
        }
        if let Some(consistency) = &self.manifest.consistency
            && consistency.from == size
        {
            let proof = ConsistencyProof::new(unwrap(&consistency.proof))
                .map_err(|error| malformed(format!("the consistency proof: {error}")))?;
            return verify_consistency(size, now, &proof, &kept.root(), &self.checkpoint.root())
                .map_err(|_| rewritten());
        }
        if (self.manifest.start..=self.manifest.end).contains(&size) {
            self.milestone(size, kept.root(), Source::Kept)?;
            return Ok(());
        }
        let told = format!(
            "the bundle does not connect to the checkpoint over {size} entries; export it with since={size}"
        );
        Err(Failure::new(Reason::Unconnected, told))
    }

    /// Notes a root that the log has to have at a size inside the run.
    pub(super) fn milestone(
        &mut self,
        size: u64,
        root: Hash,
        source: Source,
    ) -> Result<(), Failure> {
        let place = self.milestones.partition_point(|known| known.size > size);
        let milestone = Milestone { size, root, source };
        self.milestones.insert(place, milestone);
        self.pass_milestones()
    }

    pub(super) fn pass_milestones(&mut self) -> Result<(), Failure> {
        let size = self.frontier.size();
        while let Some(passed) = self.milestones.pop_if(|known| known.size <= size) {
            if self.frontier.root() != passed.root {
                return Err(passed.source.failure(size));
            }
        }
        Ok(())
    }
}

fn other_log(kept: &Checkpoint, now: &Checkpoint) -> Failure {
    let parts = |origin: &str| {
        origin
            .rsplit_once('/')
            .map(|(log, epoch)| (log.to_owned(), epoch.to_owned()))
    };
    match (parts(kept.origin()), parts(now.origin())) {
        (Some((kept_log, kept_epoch)), Some((log, epoch))) if kept_log == log => {
            let told = format!(
                "the log is in epoch {epoch}, the checkpoint over {} entries that was kept is of epoch {kept_epoch}: \
                 the log was opened anew since, and entries may be lost",
                kept.size()
            );
            Failure::new(Reason::Epoch, told)
        }
        _ => {
            let told = format!(
                "the checkpoint that was kept is of the log {}",
                kept.origin()
            );
            Failure::new(Reason::OtherLog, told)
        }
    }
}
