//! Why a bundle is refused.

use std::fmt;

/// The kind of a failure, with a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The first line is not that of a bundle: the file is something else.
    NotABundle,
    /// A line is not what has to stand there, in its one spelling.
    Malformed,
    /// The file ends before its seal, or goes on after it.
    Incomplete,
    /// No key that is trusted signed the checkpoint, or a signature is wrong.
    Signature,
    /// A leaf is not a leaf in canonical form.
    Leaf,
    /// A leaf has another number than its place: entries were moved, left out or added.
    Order,
    /// A leaf is of another organisation than the log.
    Organization,
    /// The bytes of a slot are not those that the leaf commits to.
    Commitment,
    /// Something is missing and no leaf explains that.
    Unexplained,
    /// A leaf that is to explain absences does not, or is not in the log.
    Explanation,
    /// The entries do not lead to the root of the checkpoint: one was changed.
    Root,
    /// An entry beside the run is not in the log or shows that the span of time is not covered.
    Edge,
    /// The log is smaller than the checkpoint that was kept: its end was cut off, or an old backup restored.
    Shrunk,
    /// The log does not continue the one of the checkpoint that was kept: it was rewritten.
    Rewritten,
    /// The bundle does not connect to the checkpoint that was kept; ask for one that does.
    Unconnected,
    /// The checkpoint that was kept is of another log.
    OtherLog,
    /// The log was opened anew since the checkpoint that was kept: entries that it covers may be lost.
    Epoch,
    /// A time stamp is not of a checkpoint that the log continues, or is not what its authority says.
    Timestamp,
    /// The bytes are not those that were sealed.
    Seal,
}

impl Reason {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotABundle => "not_a_bundle",
            Self::Malformed => "malformed",
            Self::Incomplete => "incomplete",
            Self::Signature => "signature",
            Self::Leaf => "leaf",
            Self::Order => "order",
            Self::Organization => "organization",
            Self::Commitment => "commitment",
            Self::Unexplained => "unexplained_absence",
            Self::Explanation => "explanation",
            Self::Root => "root",
            Self::Edge => "edge",
            Self::Shrunk => "shrunk",
            Self::Rewritten => "rewritten",
            Self::Unconnected => "unconnected",
            Self::OtherLog => "other_log",
            Self::Epoch => "epoch",
            Self::Timestamp => "timestamp",
            Self::Seal => "seal",
        }
    }
}

/// The first thing that is wrong with a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its kind.
    pub reason: Reason,
    /// The entry that it is about, if it is about one.
    pub entry: Option<u64>,
    /// What is wrong, in words.
    pub detail: String,
}

impl Failure {
    /// A failure that is about no entry in particular.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            entry: None,
            detail: detail.into(),
        }
    }

    pub(super) const fn at(mut self, entry: u64) -> Self {
        self.entry = Some(entry);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "entry {entry}: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}

impl std::error::Error for Failure {}
