//! What a verified bundle proves, and what it does not.

use time::OffsetDateTime;

use super::anchors::Anchor;
use super::manifest::Window;
use super::stamps::Stamp;
use crate::checkpoint::Checkpoint;

/// What a verified bundle proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The checkpoint that everything was measured against.
    pub checkpoint: Checkpoint,
    /// The keys that signed it, as vkeys: the log's own first, then witnesses.
    pub signed_by: Vec<String>,
    /// The first entry of the run.
    pub start: u64,
    /// The entry after its last one.
    pub end: u64,
    /// The span of time that was asked for.
    pub window: Option<Window>,
    /// The instants of the first and the last entry that still has a leaf.
    pub instants: Option<(OffsetDateTime, OffsetDateTime)>,
    /// Slots that were shown and are what the leaves commit to.
    pub opened: u64,
    /// The size of the checkpoint that was kept and that this log continues, if one was given.
    pub continues: Option<u64>,
    /// The checkpoints of this log that were kept outside, in the order in which they were given.
    pub anchors: Vec<Anchor>,
    /// The time stamps that the bundle brings along. Their tokens are not verified.
    pub stamps: Vec<Stamp>,
    /// What limits the proof.
    pub limits: Limits,
}

/// What limits a proof. With all of them zero or false, everything was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a limit of its own that may hold with any other"
)]
pub struct Limits {
    /// Fewer witnesses signed the checkpoint than have to; without a quorum, none did.
    pub unwitnessed: bool,
    /// The keys were taken from the bundle: whoever made it up could have put them there.
    pub own_keys: bool,
    /// No checkpoint kept from earlier was compared.
    pub no_earlier_checkpoint: bool,
    /// Checkpoints kept outside were given, and none of them could be compared.
    pub unanchored: bool,
    /// Entries without a leaf, explained by an `audit.prune`.
    pub pruned: u64,
    /// Slots without bytes, explained by an `audit.redact`.
    pub redacted: u64,
    /// Slots that were not shown to who asked for the bundle.
    pub withheld: u64,
    /// Edges of the span of time that no neighbouring entry shows.
    pub open_edges: u64,
}

impl Report {
    /// How many entries the run has.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.end - self.start
    }
}

impl Limits {
    /// Whether there are none that weaken what was proved. That no earlier checkpoint was compared is said, but is the
    /// auditor's own choice.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        !self.unwitnessed
            && !self.own_keys
            && !self.unanchored
            && self.pruned == 0
            && self.redacted == 0
            && self.withheld == 0
            && self.open_edges == 0
    }
}
